//! Bytes to characters, when a character may be cut in two.

use std::str;

/// Turns pieces of UTF-8 into text, keeping an unfinished character for the next piece.
///
/// Each longest run of bytes that begins a character but cannot continue it becomes one U+FFFD, as
/// [`String::from_utf8_lossy`] has it.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    unfinished: [u8; 4],
    length: usize,
}

impl Decoder {
    /// Passes on, in one or several pieces, the text that is certain now.
    pub(super) fn decode(&mut self, mut bytes: &[u8], mut emit: impl FnMut(&str)) {
        while self.length > 0 {
            let Some((&next, rest)) = bytes.split_first() else { return };
            self.unfinished[self.length] = next;
            match str::from_utf8(&self.unfinished[..=self.length]) {
                Ok(character) => {
                    emit(character);
                    self.length = 0;
                    bytes = rest;
                }
                Err(error) if error.error_len().is_none() => {
                    self.length += 1;
                    bytes = rest;
                }
                // `next` does not belong to the character begun; it is looked at again on its own.
                Err(_) => {
                    emit("\u{FFFD}");
                    self.length = 0;
                }
            }
        }

        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            if !chunk.valid().is_empty() {
                emit(chunk.valid());
            }
            let invalid = chunk.invalid();
            if invalid.is_empty() {
                continue;
            }
            if chunks.peek().is_none() && is_unfinished(invalid) {
                self.unfinished[..invalid.len()].copy_from_slice(invalid);
                self.length = invalid.len();
            } else {
                emit("\u{FFFD}");
            }
        }
    }

    /// Forgets an unfinished character, and says whether there was one.
    pub(super) fn finish(&mut self) -> bool {
        std::mem::take(&mut self.length) > 0
    }
}

fn is_unfinished(bytes: &[u8]) -> bool {
    str::from_utf8(bytes).is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Streaming rule 2: wherever bytes are cut, the text is what decoding them whole gives.
        #[test]
        fn any_cut_decodes_to_the_same_text(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), 0x80..0xC0u8, 0xE0..0xF5u8], 0..40),
            cut in 1..6usize,
        ) {
            let mut decoder = Decoder::default();
            let mut text = String::new();
            for piece in bytes.chunks(cut) {
                decoder.decode(piece, |decoded| text.push_str(decoded));
            }
            if decoder.finish() {
                text.push('\u{FFFD}');
            }
            prop_assert_eq!(text, String::from_utf8_lossy(&bytes));
        }
    }
}
