//! How a group lies in a file: its length, a checksum of that and of what follows, and the group itself.

use std::mem;
use std::ops::Range;

/// Both numbers, least significant byte first.
const HEAD_BYTES: usize = 8;

/// What is written for a group; none if it is larger than a length can say.
pub(super) fn encode(payload: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(payload.len()).ok()?.to_le_bytes();
    let mut frame = Vec::with_capacity(HEAD_BYTES + payload.len());
    frame.extend(length);
    frame.extend(checksum(length, payload).to_le_bytes());
    frame.extend(payload);
    Some(frame)
}

/// The group in a frame, if the frame is whole.
pub(super) fn decode(frame: &[u8]) -> Option<&[u8]> {
    let found = first(frame)?;
    (found.is_whole && found.payload.end == frame.len()).then(|| &frame[found.payload])
}

/// What was found in a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Scanned {
    /// Where whole frames are.
    pub(super) whole: Vec<Range<usize>>,
    /// How many frames before the last whole one are not what was written.
    pub(super) damaged: usize,
    /// Where the last whole frame ends. What follows is an append that was cut short.
    pub(super) end: usize,
}

/// Looks for frames. A damaged one does not hide those behind it, as long as its length is what it was.
pub(super) fn scan(bytes: &[u8]) -> Scanned {
    let mut scanned = Scanned::default();
    let (mut at, mut doubtful) = (0, 0);
    while let Some(found) = bytes.get(at..).and_then(first) {
        let frame = at..at + found.payload.end;
        at = frame.end;
        if found.is_whole {
            scanned.damaged += mem::take(&mut doubtful);
            scanned.end = frame.end;
            scanned.whole.push(frame);
        } else {
            doubtful += 1;
        }
    }
    scanned
}

struct Found {
    payload: Range<usize>,
    is_whole: bool,
}

/// The frame at the beginning of `bytes`; none if that is too short for it.
fn first(bytes: &[u8]) -> Option<Found> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let payload_bytes = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let payload = rest.get(..payload_bytes)?;
    let is_whole = checksum(*length, payload) == u32::from_le_bytes(*sum);
    Some(Found { payload: HEAD_BYTES..HEAD_BYTES + payload_bytes, is_whole })
}

/// The length is part of it, so that a stretch of zeros is no frame.
fn checksum(length: [u8; 4], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length);
    hasher.update(payload);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUPS: [&[u8]; 3] = [b"first", b"", b"the third of them"];

    fn file() -> Vec<u8> {
        GROUPS.iter().flat_map(|group| encode(group).unwrap()).collect()
    }

    fn groups<'a>(bytes: &'a [u8], scanned: &Scanned) -> Vec<&'a [u8]> {
        scanned.whole.iter().map(|frame| decode(&bytes[frame.clone()]).unwrap()).collect()
    }

    #[test]
    fn what_was_written_is_found() {
        let (bytes, scanned) = (file(), scan(&file()));
        assert_eq!(groups(&bytes, &scanned), GROUPS);
        assert_eq!((scanned.damaged, scanned.end), (0, bytes.len()));
    }

    #[test]
    fn a_file_cut_anywhere_has_the_groups_before_the_cut() {
        let bytes = file();
        let ends: Vec<usize> = scan(&bytes).whole.iter().map(|frame| frame.end).collect();
        for cut in 0..bytes.len() {
            let scanned = scan(&bytes[..cut]);
            let before = ends.iter().filter(|end| **end <= cut).count();
            assert_eq!(groups(&bytes, &scanned), GROUPS[..before], "cut at {cut}");
            assert_eq!(scanned.end, ends[..before].last().copied().unwrap_or_default(), "cut at {cut}");
            assert_eq!(scanned.damaged, 0);
        }
    }

    /// A file system may have made a file longer before its bytes arrived.
    #[test]
    fn zeros_at_the_end_are_no_groups() {
        let whole = scan(&file());
        for zeros in 1..50 {
            let mut bytes = file();
            bytes.resize(bytes.len() + zeros, 0);
            assert_eq!(scan(&bytes), whole);
        }
    }

    #[test]
    fn a_flipped_bit_never_makes_another_group_of_one() {
        let bytes = file();
        for bit in 0..8 * bytes.len() {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let scanned = scan(&flipped);
            assert!(scanned.whole.len() < GROUPS.len(), "bit {bit} is not noticed");
            assert!(groups(&flipped, &scanned).iter().all(|group| GROUPS.contains(group)), "bit {bit}");
        }
    }

    #[test]
    fn a_damaged_group_does_not_hide_those_behind_it() {
        let mut bytes = file();
        bytes[HEAD_BYTES] ^= 1;
        let scanned = scan(&bytes);
        assert_eq!(groups(&bytes, &scanned), GROUPS[1..]);
        assert_eq!(scanned.damaged, 1);
    }
}
