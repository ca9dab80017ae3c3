use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Error, ErrorKind, Value};

use super::seal::is_mark;

/// Deeper values than this are refused; requests are parsed with a lower limit.
const DEPTH_MAX: usize = 200;
/// The widest indentation a template may ask for.
const INDENT_MAX: usize = 16;

/// The `tojson` filter of Hugging Face's chat templates: Python's `json.dumps` with `ensure_ascii=False`.
/// Unlike Jinja's own it escapes nothing for HTML, and it keeps the keys in their order.
#[expect(clippy::needless_pass_by_value, reason = "filters are handed their keyword arguments by value")]
pub(super) fn tojson(value: &Value, ensure_ascii: Option<bool>, options: Kwargs) -> Result<Value, Error> {
    let ensure_ascii = match ensure_ascii {
        Some(is_on) => is_on,
        None => options.get::<Option<bool>>("ensure_ascii")?.unwrap_or(false),
    };
    let indent = options.get::<Option<usize>>("indent")?.map(|width| width.min(INDENT_MAX));
    let separators = options.get::<Option<Vec<String>>>("separators")?;
    let sort_keys = options.get::<Option<bool>>("sort_keys")?.unwrap_or(false);
    options.assert_all_used()?;

    let (between_items, after_key) = match separators.as_deref() {
        None if indent.is_some() => (",", ": "),
        None => (", ", ": "),
        Some([items, keys]) => (items.as_str(), keys.as_str()),
        Some(_) => return Err(Error::new(ErrorKind::InvalidOperation, "separators must be a pair")),
    };
    let mut writer =
        Writer { text: String::new(), ensure_ascii, indent, between_items, after_key, sort_keys };
    writer.value(value, 0)?;
    Ok(Value::from(writer.text))
}

struct Writer<'a> {
    text: String,
    ensure_ascii: bool,
    indent: Option<usize>,
    between_items: &'a str,
    after_key: &'a str,
    sort_keys: bool,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        if depth > DEPTH_MAX {
            return Err(Error::new(ErrorKind::InvalidOperation, "a value is nested too deeply for JSON"));
        }
        match value.kind() {
            ValueKind::None | ValueKind::Undefined => self.text.push_str("null"),
            ValueKind::Bool => self.text.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number if value.is_integer() => self.text.push_str(&value.to_string()),
            ValueKind::Number => self.text.push_str(&python_float(f64::try_from(value.clone())?)),
            ValueKind::Seq | ValueKind::Iterable => self.list(value, depth)?,
            ValueKind::Map => self.object(value, depth)?,
            ValueKind::String => self.string(value.as_str().unwrap_or_default()),
            kind => {
                return Err(Error::new(
                    ErrorKind::InvalidOperation,
                    format!("{kind} cannot be written as JSON"),
                ));
            }
        }
        Ok(())
    }

    fn list(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        self.text.push('[');
        let mut is_empty = true;
        for item in value.try_iter()?.checked() {
            self.begin_item(is_empty, depth);
            is_empty = false;
            self.value(&item?, depth + 1)?;
        }
        self.end_items(is_empty, depth);
        self.text.push(']');
        Ok(())
    }

    fn object(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        let mut keys = value.try_iter()?.checked().collect::<Result<Vec<_>, _>>()?;
        if self.sort_keys {
            keys.sort();
        }
        self.text.push('{');
        for (position, key) in keys.iter().enumerate() {
            self.begin_item(position == 0, depth);
            match key.as_str() {
                Some(text) => self.string(text),
                None => self.string(&key.to_string()),
            }
            self.text.push_str(self.after_key);
            self.value(&value.get_item(key)?, depth + 1)?;
        }
        self.end_items(keys.is_empty(), depth);
        self.text.push('}');
        Ok(())
    }

    fn begin_item(&mut self, is_first: bool, depth: usize) {
        if !is_first {
            self.text.push_str(self.between_items);
        }
        self.break_line(depth + 1);
    }

    fn end_items(&mut self, is_empty: bool, depth: usize) {
        if !is_empty {
            self.break_line(depth);
        }
    }

    fn break_line(&mut self, depth: usize) {
        if let Some(width) = self.indent {
            self.text.push('\n');
            self.text.extend(std::iter::repeat_n(' ', width * depth));
        }
    }

    fn string(&mut self, text: &str) {
        self.text.push('"');
        for c in text.chars() {
            match c {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\t' => self.text.push_str("\\t"),
                '\u{8}' => self.text.push_str("\\b"),
                '\u{c}' => self.text.push_str("\\f"),
                c if c < ' ' => self.escape(c),
                c if self.ensure_ascii && !c.is_ascii() && !is_mark(c) => self.escape(c),
                c => self.text.push(c),
            }
        }
        self.text.push('"');
    }

    fn escape(&mut self, c: char) {
        for unit in c.encode_utf16(&mut [0; 2]) {
            self.text.push_str(&format!("\\u{unit:04x}"));
        }
    }
}

/// A number as Python's `repr` writes it: the shortest digits that read back the same, with an exponent of at
/// least two digits below 1e-4 and from 1e16 on.
fn python_float(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        // `{:?}` would do, but it changes to an exponent at other places.
        let plain = number.to_string();
        if plain.contains('.') { plain } else { plain + ".0" }
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use minijinja::Environment;
    use serde_json::json;

    use super::*;
    use crate::prompt::seal::Guard;

    fn render(expression: &str, value: &serde_json::Value) -> String {
        let mut environment = Environment::new();
        environment.add_filter("tojson", tojson);
        let guard = Guard::new(Vec::new()).unwrap();
        let x = guard.seal().json(value);
        environment.render_str(&format!("{{{{ {expression} }}}}"), Value::from_pairs([("x", x)])).unwrap()
    }

    #[test]
    fn json_is_written_as_python_writes_it() {
        let value = json!({"b": "é <&'> \"\\\n\u{1}\u{7f}", "a": [1, -2.5, 1e22, 1e-5, 3.0, true, null], "e": {}, "l": []});
        assert_eq!(
            render("x | tojson", &value),
            "{\"b\": \"é <&'> \\\"\\\\\\n\\u0001\u{7f}\", \"a\": [1, -2.5, 1e+22, 1e-05, 3.0, true, null], \"e\": {}, \"l\": []}"
        );
        assert_eq!(render("x | tojson(ensure_ascii=true)", &json!("é😀")), r#""\u00e9\ud83d\ude00""#);
        assert_eq!(render("x | tojson(True)", &json!("é")), r#""\u00e9""#);
        assert_eq!(render("x | tojson(sort_keys=true)", &json!({"b": 1, "a": 2})), r#"{"a": 2, "b": 1}"#);
        assert_eq!(render("x | tojson(separators=(',', ':'))", &json!({"b": [1, 2]})), r#"{"b":[1,2]}"#);
        assert_eq!(
            render("x | tojson(indent=2, ensure_ascii=False)", &json!({"b": [1, "é"], "c": {}})),
            "{\n  \"b\": [\n    1,\n    \"é\"\n  ],\n  \"c\": {}\n}"
        );
    }

    #[test]
    fn numbers_keep_their_size() {
        assert_eq!(
            render("x | tojson", &json!([u64::MAX, i64::MIN, 0.1, 1e15, 1e16, 123456789.125])),
            "[18446744073709551615, -9223372036854775808, 0.1, 1000000000000000.0, 1e+16, 123456789.125]"
        );
    }
}
