//! The input of a tool call, which in this dialect is always an object (`anthropic-api.md` §12).

use serde_json::value::RawValue;

/// The object that `arguments` are, digit for digit. Where they are none, the object that they were meant to be: one
/// inside a string, one without its end, one with raw line ends in its strings. Else `{}`, which lets the client's
/// own validation tell the model what is missing.
pub(super) fn object(arguments: &str) -> Box<RawValue> {
    let text = arguments.trim();
    as_object(text)
        .or_else(|| as_object(serde_json::from_str::<String>(text).ok()?.trim()))
        .or_else(|| as_object(&completed(text)?))
        .unwrap_or_else(empty)
}

fn as_object(text: &str) -> Option<Box<RawValue>> {
    if text.starts_with('{') { RawValue::from_string(text.to_owned()).ok() } else { None }
}

fn empty() -> Box<RawValue> {
    RawValue::from_string("{}".to_owned()).expect("an empty object is JSON")
}

/// `text` with its control characters escaped and everything closed that is open at its end; `None` if it does not
/// begin like an object.
fn completed(text: &str) -> Option<String> {
    if !text.starts_with('{') {
        return None;
    }
    let mut whole = String::with_capacity(text.len() + 16);
    let mut closers = Vec::new();
    let (mut in_string, mut after_backslash) = (false, false);
    for sign in text.chars() {
        match sign {
            _ if after_backslash => after_backslash = false,
            '\\' if in_string => after_backslash = true,
            '"' => in_string = !in_string,
            '\0'..='\x1f' if in_string => {
                whole.push_str(&format!("\\u{:04x}", u32::from(sign)));
                continue;
            }
            '{' if !in_string => closers.push('}'),
            '[' if !in_string => closers.push(']'),
            '}' | ']' if !in_string => {
                closers.pop();
            }
            _ => {}
        }
        whole.push(sign);
    }
    if after_backslash {
        whole.push('\\');
    }
    if in_string {
        whole.push('"');
    }
    whole.extend(closers.into_iter().rev());
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_left_as_it_was_written() {
        for text in ["{}", r#"{"n": 123456789012345678901234567890, "z": 1, "a": 1.50}"#] {
            assert_eq!(object(text).get(), text);
        }
    }

    #[test]
    fn what_was_meant_to_be_an_object_becomes_one() {
        assert_eq!(object(r#""{\"a\": 1}""#).get(), r#"{"a": 1}"#);
        assert_eq!(object("{\"a\": \"two\nlines").get(), r#"{"a": "two\u000alines"}"#);
        assert_eq!(object(r#"{"a": [1, {"b": "c\"#).get(), r#"{"a": [1, {"b": "c\\"}]}"#);
    }

    #[test]
    fn anything_else_becomes_the_empty_object() {
        for text in ["", "  ", "null", "[1]", "7", "\"text\"", "{]", "{'a': 1}", "not JSON"] {
            assert_eq!(object(text).get(), "{}", "{text}");
        }
    }

    #[test]
    fn deep_nesting_does_not_exhaust_the_stack() {
        assert_eq!(object(&"{\"a\":".repeat(200_000)).get(), "{}");
        assert!(
            object(&format!("{}1{}", "{\"a\":".repeat(200_000), "}".repeat(200_000))).get().len() > 1_000_000
        );
    }
}
