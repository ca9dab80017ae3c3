use serde::de::DeserializeOwned;

use super::{ConsoleError, Problem};

/// Reads a body. An empty one counts as `{}`, so that a wish without details needs none. A mistake names its field,
/// and never quotes what was found: that may be a password.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ConsoleError> {
    let text = str::from_utf8(body).map_err(|_| ConsoleError::of(Problem::InvalidBody))?;
    let text = text.trim_start_matches('\u{feff}').trim();
    let text = if text.is_empty() { "{}" } else { text };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if !inner.is_data() {
            return ConsoleError::of(Problem::InvalidBody);
        }
        let (field, why) = told(&path, &inner.to_string());
        ConsoleError::saying(Problem::InvalidField, &why).at(&field)
    })?;
    deserializer.end().map_err(|_| ConsoleError::of(Problem::InvalidBody))?;
    Ok(value)
}

/// Which field, and what was expected of it, out of the words of the reader.
fn told(path: &str, message: &str) -> (String, String) {
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    let inner = |name: &str| if path == "." { name.to_owned() } else { format!("{path}.{name}") };
    let quoted = || message.split('`').nth(1).unwrap_or_default();
    if message.starts_with("missing field") {
        (inner(quoted()), format!("`{}` is needed", quoted()))
    } else if message.starts_with("unknown field") {
        // The path of an unknown field ends with the field itself.
        (path.to_owned(), "there is no such field".to_owned())
    } else if let Some((_, expected)) = message.rsplit_once("expected ") {
        (path.to_owned(), format!("expected {expected}"))
    } else {
        (path.to_owned(), "this value is not possible here".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::Money;
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read into")]
    struct Wish {
        name: String,
        amount: Option<Money>,
    }

    fn refused(body: &str) -> (String, Option<String>, String) {
        let error = read::<Wish>(body.as_bytes()).unwrap_err().body();
        (error.error.code, error.error.field, error.error.message)
    }

    #[test]
    fn a_mistake_names_its_field_and_never_the_value() {
        let (code, field, _) = refused("{");
        assert_eq!((code.as_str(), field), ("invalid_body", None));
        let (code, field, _) = refused("");
        assert_eq!((code.as_str(), field.as_deref()), ("invalid_field", Some("name")));
        let (_, field, message) = refused(r#"{"name": "x", "amount": "s3cret"}"#);
        assert_eq!(field.as_deref(), Some("amount"));
        assert!(!message.contains("s3cret"), "{message}");
        let (_, field, _) = refused(r#"{"name": "x", "colour": 1}"#);
        assert_eq!(field.as_deref(), Some("colour"));
        assert_eq!(refused(r#"{"name": "x"} y"#).0, "invalid_body");
    }
}
