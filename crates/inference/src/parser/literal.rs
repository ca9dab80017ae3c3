//! Values as models write them: JSON, or something near it.

mod reader;

use indexmap::IndexMap;
use reader::Reader;

/// Nesting beyond this is not read: it stays below what `serde_json` takes, with room for what clients and
/// we ourselves wrap around a value.
const DEPTH_MAX: usize = 100;

/// A value that keeps its numbers as they were written: a large integer loses no digit.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Literal {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Literal>),
    Map(IndexMap<String, Literal>),
}

/// What is taken for a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Only JSON.
    Json,
    /// Also Python literals, closing commas and line breaks inside strings.
    Lenient,
}

impl Literal {
    /// Reads the whole of `text`; blank text around the value is ignored.
    pub(super) fn read(text: &str, dialect: Dialect) -> Option<Self> {
        Reader::new(text, dialect).whole(DEPTH_MAX)
    }

    /// Writes JSON as Python's `json.dumps(…, ensure_ascii=False)` spaces it.
    pub(super) fn write(&self, json: &mut String) {
        match self {
            Self::Null => json.push_str("null"),
            Self::Bool(true) => json.push_str("true"),
            Self::Bool(false) => json.push_str("false"),
            Self::Number(digits) => json.push_str(digits),
            Self::Text(text) => write_quoted(text, json),
            Self::List(items) => {
                json.push('[');
                for (place, item) in items.iter().enumerate() {
                    json.push_str(if place == 0 { "" } else { ", " });
                    item.write(json);
                }
                json.push(']');
            }
            Self::Map(entries) => {
                json.push('{');
                for (place, (key, value)) in entries.iter().enumerate() {
                    json.push_str(if place == 0 { "" } else { ", " });
                    write_quoted(key, json);
                    json.push_str(": ");
                    value.write(json);
                }
                json.push('}');
            }
        }
    }
}

/// Writes `text` as a JSON string.
pub(super) fn write_quoted(text: &str, json: &mut String) {
    json.push('"');
    write_escaped(text, json);
    json.push('"');
}

/// Writes `text` as the inside of a JSON string; pieces of a text may be written one after the other.
pub(super) fn write_escaped(text: &str, json: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c < ' ' || c == '"' || c == '\\') {
        json.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => json.push_str("\\\""),
            b'\\' => json.push_str("\\\\"),
            b'\n' => json.push_str("\\n"),
            b'\r' => json.push_str("\\r"),
            b'\t' => json.push_str("\\t"),
            0x08 => json.push_str("\\b"),
            0x0C => json.push_str("\\f"),
            control => json.push_str(&format!("\\u{control:04x}")),
        }
        rest = &rest[at + 1..];
    }
    json.push_str(rest);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dump(text: &str, dialect: Dialect) -> Option<String> {
        let mut json = String::new();
        Literal::read(text, dialect)?.write(&mut json);
        Some(json)
    }

    /// The arguments keep what the model wrote and are spaced as Python spaces them.
    #[test]
    fn json_is_read_strictly_and_written_with_spaces() {
        for (text, expected) in [
            (" [1,2 , {\"a\":null}] ", Some("[1, 2, {\"a\": null}]")),
            ("123456789012345678901234567890", Some("123456789012345678901234567890")),
            ("-0.50E+3", Some("-0.50e3")),
            (r#""\u00e9\ud83c\udf89\ud83c\n""#, Some("\"é🎉\u{FFFD}\\n\"")),
            (r#"{"b": 1, "a": 2, "b": 3}"#, Some(r#"{"b": 3, "a": 2}"#)),
            ("[]", Some("[]")),
            ("{}", Some("{}")),
            ("", None),
            ("NaN", None),
            ("1e999", None),
            ("007", None),
            (".5", None),
            ("5.", None),
            ("+5", None),
            ("1 2", None),
            ("[1,]", None),
            ("'a'", None),
            ("True", None),
            ("{1: 2}", None),
            ("\"a\nb\"", None),
            (r#""\x41""#, None),
            (r#""\u00g0""#, None),
            ("\"open", None),
        ] {
            assert_eq!(dump(text, Dialect::Json).as_deref(), expected, "{text}");
        }
    }

    /// Output grammar, `value`: Python literals stand for the JSON they mean.
    #[test]
    fn python_literals_are_read_where_json_was_due() {
        for (text, expected) in [
            ("{'a': True, 'b': None, 3: [False,],}", Some(r#"{"a": true, "b": null, "3": [false]}"#)),
            (r"'it\'s \x41 \d'", Some(r#""it's A \\d""#)),
            ("\"two\nlines\"", Some(r#""two\nlines""#)),
            ("[+.5, 5.]", Some("[0.5, 5.0]")),
            ("(1, 2)", None),
            ("nan", None),
            ("0x10", None),
            ("1_000", None),
            ("[,]", None),
            ("about five", None),
        ] {
            assert_eq!(dump(text, Dialect::Lenient).as_deref(), expected, "{text}");
        }
    }

    /// Hostile nesting is refused before it can exhaust the stack.
    #[test]
    fn deep_nesting_is_refused() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(dump(&nested(DEPTH_MAX), Dialect::Json).is_some());
        assert!(dump(&nested(DEPTH_MAX + 1), Dialect::Json).is_none());
        assert!(dump(&"[{\"a\":".repeat(100_000), Dialect::Lenient).is_none());
    }

    proptest! {
        /// Whatever is read as a value is written as JSON.
        #[test]
        fn what_is_written_is_json(text in r#"[\[\]{}:,'"\\u0-9a-fneTrulxU. \n+-]{0,40}"#) {
            for dialect in [Dialect::Json, Dialect::Lenient] {
                if let Some(json) = dump(&text, dialect) {
                    prop_assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{} gave {}", text, json);
                }
            }
        }

        /// Everything that JSON allows is read.
        #[test]
        fn all_json_is_read(text in any::<String>(), number in any::<i64>(), float in -1e300..1e300f64) {
            let value = serde_json::json!({&text: [number, float, text, null, true], "": {}});
            let json = dump(&value.to_string(), Dialect::Json).unwrap();
            // Both are read back, since reading may miss the last bit of a float.
            let read = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap();
            prop_assert_eq!(read(&json), read(&value.to_string()));
        }

        /// A string written in pieces is the string.
        #[test]
        fn pieces_of_a_string_are_escaped_like_the_whole(pieces in prop::collection::vec(any::<String>(), 0..4)) {
            let mut json = String::from("\"");
            pieces.iter().for_each(|piece| write_escaped(piece, &mut json));
            json.push('"');
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), pieces.concat());
        }
    }
}
