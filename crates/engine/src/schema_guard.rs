//! Refuses schemas that would cost more than they are worth, before llama.cpp's converter sees them.
//!
//! The converter and the grammar compiler behind it recurse without a limit and expand references anew each
//! time they meet them, so a small hostile schema could take them hours or overflow their stack.

use std::io;

use serde_json::{Map, Value};

use crate::pattern;

const BYTES_MAX: usize = 256 << 10;
const DEPTH_MAX: usize = 32;
const PLACES_MAX: usize = 2_000;
const KEY_BYTES_MAX: usize = 256;
const PROPERTIES_MAX: usize = 128;
/// The compiler copies a rule as often as it must at least occur.
const REPEATS_MAX: u64 = 1_000;
/// Steps in following references and alternatives that can stand at one place.
const EXPANSIONS_MAX: usize = 20_000;
const REFERENCE_HOPS_MAX: usize = 64;

/// Why a schema is not taken. The text is for the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(String);

impl Refused {
    /// The converter said no, and not why.
    pub fn unknown() -> Self {
        Self("it uses something that has no grammar".into())
    }

    pub fn too_many() -> Self {
        Self("the schemas are too large together".into())
    }
}

/// The size of a schema; counted only until it is known to be too large.
pub(crate) fn bytes_of(schema: &Value) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
            self.0 += piece.len();
            if self.0 > BYTES_MAX { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(piece.len()) }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // Its only error says that enough was counted.
    let _ = serde_json::to_writer(&mut count, schema);
    count.0
}

/// Checks `schema` against the limits and returns it without what the converter cannot use.
pub(crate) fn admit(schema: &Value) -> Result<Value, Refused> {
    if bytes_of(schema) > BYTES_MAX {
        return Err(Refused(format!("the schema has more than {BYTES_MAX} bytes")));
    }
    if !schema.is_object() && !schema.is_boolean() {
        return Err(Refused("the schema is not an object".into()));
    }
    let mut schema = schema.clone();
    let mut places = 0;
    walk(&mut schema, 0, &mut places)?;
    let mut left = EXPANSIONS_MAX;
    expand_all(&schema, &schema, &mut left)?;
    Ok(schema)
}

fn walk(value: &mut Value, depth: usize, places: &mut usize) -> Result<(), Refused> {
    *places += 1;
    if depth > DEPTH_MAX {
        return Err(Refused(format!("the schema is nested more than {DEPTH_MAX} deep")));
    }
    if *places > PLACES_MAX {
        return Err(Refused(format!("the schema has more than {PLACES_MAX} parts")));
    }
    match value {
        Value::Object(fields) => walk_object(fields, depth, places),
        Value::Array(items) => items.iter_mut().try_for_each(|item| walk(item, depth + 1, places)),
        _ => Ok(()),
    }
}

fn walk_object(fields: &mut Map<String, Value>, depth: usize, places: &mut usize) -> Result<(), Refused> {
    if fields.len() > PROPERTIES_MAX {
        return Err(Refused(format!("an object of the schema has more than {PROPERTIES_MAX} properties")));
    }
    if fields.keys().any(|key| key.len() > KEY_BYTES_MAX) {
        return Err(Refused(format!("a name in the schema has more than {KEY_BYTES_MAX} bytes")));
    }
    for key in ["minItems", "minLength"] {
        if fields.get(key).and_then(Value::as_u64).is_some_and(|n| n > REPEATS_MAX) {
            return Err(Refused(format!("`{key}` is more than {REPEATS_MAX}")));
        }
    }
    // Where it is a name of a property, `pattern` is an object.
    if let Some(pattern) = fields.get("pattern").and_then(Value::as_str) {
        match pattern::rewrite(pattern) {
            Some(rewritten) => fields.insert("pattern".into(), rewritten.into()),
            None => fields.shift_remove("pattern"),
        };
    }
    fields.values_mut().try_for_each(|value| walk(value, depth + 1, places))
}

fn expand_all(value: &Value, root: &Value, left: &mut usize) -> Result<(), Refused> {
    match value {
        Value::Object(fields) => {
            expand(value, root, 0, left)?;
            fields.values().try_for_each(|value| expand_all(value, root, left))
        }
        Value::Array(items) => items.iter().try_for_each(|item| expand_all(item, root, left)),
        _ => Ok(()),
    }
}

/// Follows everything that can stand at the place of `value` without a character in between.
fn expand(value: &Value, root: &Value, hops: usize, left: &mut usize) -> Result<(), Refused> {
    *left = left.checked_sub(1).ok_or_else(|| Refused("the schema has too many alternatives".into()))?;
    if hops > REFERENCE_HOPS_MAX {
        return Err(Refused("a reference in the schema leads back to itself".into()));
    }
    if let Some(target) = value.get("$ref").and_then(Value::as_str) {
        let target = target
            .strip_prefix('#')
            .and_then(|pointer| root.pointer(pointer))
            .ok_or_else(|| Refused("a `$ref` in the schema leads nowhere".into()))?;
        return expand(target, root, hops + 1, left);
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        for alternative in value.get(key).and_then(Value::as_array).into_iter().flatten() {
            expand(alternative, root, hops + 1, left)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ordinary_schemas_pass() {
        let schema = json!({
            "type": "object",
            "properties": {
                "name": {"type": "string", "pattern": "^[a-z]+$"},
                "children": {"type": "array", "items": {"$ref": "#"}}
            },
            "required": ["name"]
        });
        assert_eq!(admit(&schema), Ok(schema));
    }

    #[test]
    fn schemas_that_would_never_end_are_refused() {
        let circle =
            json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}});
        let own = json!({"allOf": [{"$ref": "#"}]});
        let mut deep = json!({});
        for _ in 0..100 {
            deep = json!({"type": "array", "items": deep});
        }
        let mut doubling = json!({"type": "string"});
        let mut definitions = Map::new();
        for n in 0..40 {
            definitions.insert(format!("d{n}"), doubling);
            let to = format!("#/$defs/d{n}");
            doubling = json!({"anyOf": [{"$ref": to}, {"$ref": to}]});
        }
        doubling["$defs"] = definitions.into();
        let many: Map<_, _> = (0..500).map(|n| (format!("k{n}"), json!({}))).collect();
        for schema in [
            circle,
            own,
            deep,
            doubling,
            json!({"properties": many}),
            json!({"properties": {"k".repeat(10_000): {}}}),
            json!({"type": "array", "minItems": 1_000_000_000}),
            json!({"$ref": "https://example.com/schema"}),
            json!("nonsense"),
        ] {
            assert!(admit(&schema).is_err(), "{schema}");
        }
    }

    #[test]
    fn patterns_the_converter_would_ignore_are_left_out() {
        assert_eq!(admit(&json!({"type": "string", "pattern": "a+"})), Ok(json!({"type": "string"})));
    }
}
