//! Writing JSON by hand, for the hot path of streams.

use std::io::Write;

/// Appends `text` as a JSON string with its quotes.
///
/// Besides what JSON asks for, the characters that some clients take for the end of a line (U+0085, U+2028,
/// U+2029) are escaped too: `httpx` splits a stream's lines by Python's `str.splitlines`.
pub(crate) fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    push_escaped(out, text);
    out.push(b'"');
}

/// Appends any value, with the same escapes. Slower than the others.
pub(crate) fn push_json(out: &mut Vec<u8>, value: &serde_json::Value) {
    // A line end of this kind can only stand inside a string.
    let json = value.to_string();
    let json =
        json.replace('\u{85}', "\\u0085").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
    out.extend_from_slice(json.as_bytes());
}

/// Appends a decimal number.
pub(crate) fn push_number(out: &mut Vec<u8>, number: u64) {
    // Writing to a `Vec` cannot fail.
    let _ = write!(out, "{number}");
}

fn push_escaped(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let mut written = 0;
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if !IS_SPECIAL[byte as usize] {
            at += 1;
            continue;
        }
        let (escape, width): (&[u8], usize) = match byte {
            b'"' => (b"\\\"", 1),
            b'\\' => (b"\\\\", 1),
            b'\n' => (b"\\n", 1),
            b'\r' => (b"\\r", 1),
            b'\t' => (b"\\t", 1),
            0x08 => (b"\\b", 1),
            0x0c => (b"\\f", 1),
            0xc2 if bytes[at + 1] == 0x85 => (b"\\u0085", 2),
            0xe2 if bytes[at + 1..at + 3] == [0x80, 0xa8] => (b"\\u2028", 3),
            0xe2 if bytes[at + 1..at + 3] == [0x80, 0xa9] => (b"\\u2029", 3),
            0xc2 | 0xe2 => {
                at += 1;
                continue;
            }
            control => {
                out.extend_from_slice(&bytes[written..at]);
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(control >> 4)]);
                out.push(HEX[usize::from(control & 15)]);
                at += 1;
                written = at;
                continue;
            }
        };
        out.extend_from_slice(&bytes[written..at]);
        out.extend_from_slice(escape);
        at += width;
        written = at;
    }
    out.extend_from_slice(&bytes[written..]);
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Bytes that are escaped or may begin a character that is.
const IS_SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut control = 0;
    while control < 0x20 {
        special[control] = true;
        control += 1;
    }
    special[b'"' as usize] = true;
    special[b'\\' as usize] = true;
    special[0xc2] = true;
    special[0xe2] = true;
    special
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        push_string(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn line_ends_of_every_kind_are_escaped() {
        assert_eq!(written("a\n\r\u{b}\u{85}\u{2028}\u{2029}é“"), r#""a\n\r\u000b\u0085\u2028\u2029é“""#);
    }

    proptest! {
        #[test]
        fn any_text_is_read_back_unchanged_from_one_line(text in any::<String>(), odd in "[\u{0}-\u{100}\u{2020}-\u{2030}]*") {
            for text in [text, odd] {
                let json = written(&text);
                prop_assert_eq!(json.lines().count(), 1);
                prop_assert_eq!(json.find(['\u{85}', '\u{2028}', '\u{2029}']), None);
                prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
            }
        }
    }
}
