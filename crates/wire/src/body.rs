//! Reading a JSON body: what it must be before any field is looked at.

use serde::de::DeserializeOwned;

use crate::BadRequest;

/// A body of fewer bytes cannot hold enough values to matter, and is not counted.
const UNCOUNTED_BYTES_MAX: usize = 1 << 20;

/// The most values in one body. Small values take far more memory than the two bytes they are written in, so
/// the body limit alone would not bound it.
const BODY_VALUES_MAX: usize = 1 << 20;

/// Reads a body as `T`. What is not UTF-8 or not JSON, what nests too deeply and what has a wrong type is
/// refused with 1210; a wrong type names its field.
pub(crate) fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, BadRequest> {
    // The whole body is checked, also the fields that nobody reads.
    let text = str::from_utf8(body).map_err(|_| BadRequest::malformed("the body is not valid UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > UNCOUNTED_BYTES_MAX && count_values(text) > BODY_VALUES_MAX {
        return Err(BadRequest::malformed("the body holds too many values"));
    }
    serde_json::from_str(text).map_err(|error| refusal::<T>(text, &error))
}

/// Finds out where the error is. Keeping track of the path costs an allocation for each key, so it is done
/// only now, in a second reading.
fn refusal<T: DeserializeOwned>(text: &str, error: &serde_json::Error) -> BadRequest {
    let (line, column) = (error.line(), error.column());
    if error.to_string().starts_with("recursion limit") {
        return BadRequest::malformed("the body nests too deeply");
    }
    if !error.is_data() {
        return BadRequest::malformed(&format!("the body is not valid JSON at line {line} column {column}"));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let path = match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Ok(_) => String::new(),
        Err(error) => error.path().to_string(),
    };
    let expected = expectation(&error.to_string());
    if path.is_empty() || path == "." {
        BadRequest::malformed(&format!("the body: {expected}"))
    } else {
        BadRequest::mistyped(&path, &expected)
    }
}

/// What was expected, without the value that was found: that is the caller's text and may be long or private.
fn expectation(message: &str) -> String {
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    match message.rsplit_once("expected ") {
        Some((_, expected)) => format!("expected {expected}"),
        None if message.starts_with("duplicate field") => "given twice".to_owned(),
        None => "wrong type".to_owned(),
    }
}

/// About how many values `text` holds: what commas and brackets outside strings tell.
fn count_values(text: &str) -> usize {
    let mut count = 0;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b',' | b'[' | b'{' => count += 1,
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
    }
    count
}

fn skip_string(bytes: &mut impl Iterator<Item = u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::Code;

    fn refused(body: &[u8]) -> String {
        let refusal = read_json::<Value>(body).unwrap_err();
        assert_eq!(refusal.code, Code::BadParameters);
        refusal.message
    }

    /// errors.md, 1210: the body is not valid JSON.
    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
        assert!(refused(b"{\"model\": ").contains("line 1 column 10"));
        assert!(refused(b"{} {}").contains("not valid JSON"));
        assert!(refused(b"").contains("not valid JSON"));
    }

    /// http-api.md §0.1.5: JSON bodies are UTF-8.
    #[test]
    fn invalid_utf8_is_refused_even_in_a_field_that_nobody_reads() {
        assert!(refused(b"{\"x\": \"\xff\"}").contains("UTF-8"));
    }

    #[test]
    fn a_byte_order_mark_is_forgiven() {
        assert!(read_json::<Value>("\u{feff}{}".as_bytes()).is_ok());
    }

    #[test]
    fn deep_nesting_is_refused_and_does_not_exhaust_the_stack() {
        let depth = 200_000;
        assert!(refused(("[".repeat(depth) + &"]".repeat(depth)).as_bytes()).contains("too deeply"));
    }

    #[test]
    fn a_body_of_very_many_small_values_is_refused_and_one_long_text_is_not() {
        let many = format!("[{}0]", "0,".repeat(BODY_VALUES_MAX));
        assert!(refused(many.as_bytes()).contains("too many values"));
        let long = format!("[\"{}\\\"\"]", ",[{".repeat(BODY_VALUES_MAX));
        assert!(read_json::<Value>(long.as_bytes()).is_ok());
    }
}
