//! Reads server-sent events as they arrive.

use bytes::{Buf, Bytes, BytesMut};

/// An event longer than the limit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Cuts a byte stream into the `data` of its events.
///
/// Each byte is looked at once, however the stream is cut into pieces, and an event that lies within one
/// piece is handed out without copying it. Accepts LF, CR LF and CR, comments, other fields, a missing space
/// after the colon and data of several lines.
#[derive(Debug)]
pub(super) struct SseReader {
    /// What was pushed and not yet read.
    rest: Bytes,
    /// The beginning of a line whose end has not come.
    line: BytesMut,
    /// The data lines of the event so far.
    data: Option<Bytes>,
    /// The last byte was a CR, so that an LF next belongs to it.
    after_cr: bool,
    /// Nothing has been read yet: a byte order mark may come.
    at_start: bool,
    event_bytes_max: usize,
}

impl SseReader {
    pub fn new(event_bytes_max: usize) -> Self {
        Self {
            rest: Bytes::new(),
            line: BytesMut::new(),
            data: None,
            after_cr: false,
            at_start: true,
            event_bytes_max,
        }
    }

    /// Takes the next piece of the stream. The piece before it must have been read to its end.
    pub fn push(&mut self, piece: Bytes) {
        debug_assert!(self.rest.is_empty(), "a piece was pushed over an unread one");
        self.rest = piece;
    }

    /// The data of the next complete event; `None` when more must come first.
    pub fn next(&mut self) -> Result<Option<Bytes>, TooLong> {
        while let Some(line) = self.next_line()? {
            if line.is_empty() {
                if let Some(data) = self.data.take() {
                    return Ok(Some(data));
                }
            } else {
                self.take_field(line)?;
            }
        }
        Ok(None)
    }

    /// The data of an event that the end of the stream cut off from its blank line.
    pub fn finish(&mut self) -> Result<Option<Bytes>, TooLong> {
        let line = self.line.split().freeze();
        if !line.is_empty() {
            let line = self.without_mark(line);
            self.take_field(line)?;
        }
        Ok(self.data.take())
    }

    fn next_line(&mut self) -> Result<Option<Bytes>, TooLong> {
        if self.after_cr && !self.rest.is_empty() {
            self.after_cr = false;
            if self.rest[0] == b'\n' {
                self.rest.advance(1);
            }
        }

        let Some(end) = memchr::memchr2(b'\n', b'\r', &self.rest) else {
            self.check_length(self.line.len() + self.rest.len())?;
            self.line.extend_from_slice(&self.rest);
            self.rest.clear();
            return Ok(None);
        };

        self.after_cr = self.rest[end] == b'\r';
        let tail = self.rest.split_to(end);
        self.rest.advance(1);
        self.check_length(self.line.len() + tail.len())?;
        let line = if self.line.is_empty() {
            tail
        } else {
            self.line.extend_from_slice(&tail);
            self.line.split().freeze()
        };
        Ok(Some(self.without_mark(line)))
    }

    fn without_mark(&mut self, mut line: Bytes) -> Bytes {
        if std::mem::take(&mut self.at_start) && line.starts_with(b"\xef\xbb\xbf") {
            line.advance(3);
        }
        line
    }

    fn take_field(&mut self, mut line: Bytes) -> Result<(), TooLong> {
        if !line.starts_with(b"data") {
            return Ok(());
        }
        match line.get(4) {
            None => line.clear(),
            Some(b':') => line.advance(if line.get(5) == Some(&b' ') { 6 } else { 5 }),
            Some(_) => return Ok(()),
        }
        self.data = Some(match self.data.take() {
            None => line,
            Some(earlier) => {
                self.check_length(earlier.len() + 1 + line.len())?;
                // Grows in place when nobody else holds the bytes, so many short lines stay linear.
                let mut joined = earlier.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
                joined.extend_from_slice(b"\n");
                joined.extend_from_slice(&line);
                joined.freeze()
            }
        });
        Ok(())
    }

    fn check_length(&self, bytes: usize) -> Result<(), TooLong> {
        if bytes > self.event_bytes_max { Err(TooLong) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(pieces: &[&[u8]]) -> Vec<String> {
        let mut reader = SseReader::new(1024);
        let mut events = Vec::new();
        for piece in pieces {
            reader.push(Bytes::copy_from_slice(piece));
            while let Some(data) = reader.next().unwrap() {
                events.push(String::from_utf8_lossy(&data).into_owned());
            }
        }
        events.extend(reader.finish().unwrap().map(|data| String::from_utf8_lossy(&data).into_owned()));
        events
    }

    #[test]
    fn reads_what_servers_really_send() {
        let stream = b"\xef\xbb\xbf: hello\r\n\r\nevent: message\r\ndata:one\r\n\r\nid: 7\ndata: two\n\n\
            data: three\rdata:  four\r\rdata\n\ndatabase: no\n\nretry: 3\ndata: last";
        assert_eq!(read(&[stream]), ["one", "two", "three\n four", "", "last"]);
    }

    #[test]
    fn an_endless_line_is_refused_in_bounded_memory() {
        let mut reader = SseReader::new(1024);
        reader.push(Bytes::from(vec![b'x'; 1000]));
        assert_eq!(reader.next(), Ok(None));
        reader.push(Bytes::from(vec![b'x'; 1000]));
        assert_eq!(reader.next(), Err(TooLong));

        let mut reader = SseReader::new(1024);
        reader.push(Bytes::from("data: 0123456789abcdef\n".repeat(100)));
        assert_eq!(reader.next(), Err(TooLong));
    }

    proptest! {
        /// However the network cuts a stream, it holds the same events.
        #[test]
        fn any_cutting_gives_the_same_events(
            stream in "(data: ?[a-c]{0,3}|event: x|: c|d|data)?(\r\n|\n|\r|\n\n|\r\n\r\n|\r\r){1,2}".prop_flat_map(|head| {
                proptest::collection::vec("(data: ?[a-c]{0,3}|event: x|: c)(\r\n|\n|\r|\n\n|\r\n\r\n)", 0..8)
                    .prop_map(move |tail| head.clone() + &tail.concat())
            }),
            cuts in proptest::collection::vec(0usize..200, 0..12),
        ) {
            let bytes = stream.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % (bytes.len() + 1)).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts {
                pieces.push(&bytes[from..cut]);
                from = cut;
            }
            pieces.push(&bytes[from..]);
            prop_assert_eq!(read(&pieces), read(&[bytes]));
        }
    }
}
