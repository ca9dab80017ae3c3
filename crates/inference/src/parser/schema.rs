//! What the schemas of the offered tools say about how arguments are read.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::Tool;

/// How many places of a schema are looked at to find one answer; also ends circular references.
const LOOKS_MAX: u32 = 128;

/// How the text of an argument becomes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// The schema says string: the text as it stands.
    Text,
    /// The schema allows strings and more, or says nothing: JSON if it is JSON, else the text.
    JsonOrText,
    /// The schema excludes strings: JSON or anything near it, and the text only as a last resort.
    Literal,
}

/// The offered tools by name.
#[derive(Debug)]
pub(super) struct Tools(HashMap<String, Properties>);

impl Tools {
    pub(super) fn new(tools: &[Tool]) -> Self {
        Self(tools.iter().map(|tool| (tool.name.clone(), Properties::of(tool))).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn knows(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Whether `beginning` may become the name of a tool.
    pub(super) fn knows_beginning(&self, beginning: &str) -> bool {
        self.0.keys().any(|name| name.starts_with(beginning))
    }

    /// Splits `text` behind the longest name of a tool that it begins with, if anything follows.
    pub(super) fn split_name<'a>(&self, text: &'a str) -> Option<(&'a str, &'a str)> {
        let longest = self.0.keys().filter(|name| text.starts_with(name.as_str())).map(String::len).max()?;
        let (name, rest) = text.split_at(longest);
        let rest = rest.trim();
        (!rest.is_empty()).then_some((name, rest))
    }

    /// How the argument `key` of `tool` is read.
    pub(super) fn reading(&self, tool: &str, key: &str) -> Reading {
        match self.0.get(tool) {
            Some(properties) => properties.named.get(key).copied().unwrap_or(properties.others),
            None => Reading::JsonOrText,
        }
    }
}

#[derive(Debug)]
struct Properties {
    named: HashMap<String, Reading>,
    /// For keys that the schema does not name (`additionalProperties`).
    others: Reading,
}

impl Properties {
    fn of(tool: &Tool) -> Self {
        let mut properties = Self { named: HashMap::new(), others: Reading::JsonOrText };
        if let Some(root) = &tool.parameters {
            properties.add(root, root, &mut LOOKS_MAX.clone());
        }
        properties
    }

    fn add(&mut self, schema: &Value, root: &Value, looks: &mut u32) {
        let Some(schema) = look(schema, looks) else { return };
        if let Some(named) = schema.get("properties").and_then(Value::as_object) {
            for (key, property) in named {
                self.named.entry(key.clone()).or_insert_with(|| reading(property, root));
            }
        }
        if let Some(others) = schema.get("additionalProperties").filter(|others| others.is_object()) {
            self.others = reading(others, root);
        }
        for part in parts(schema, root) {
            self.add(part, root, looks);
        }
    }
}

fn reading(schema: &Value, root: &Value) -> Reading {
    let mut types = Types::default();
    types.add(schema, root, &mut LOOKS_MAX.clone());
    match types {
        Types { string: true, other: false } => Reading::Text,
        Types { string: false, other: true } => Reading::Literal,
        Types { .. } => Reading::JsonOrText,
    }
}

/// Whether a schema allows strings, and whether it allows anything else.
#[derive(Default)]
struct Types {
    string: bool,
    other: bool,
}

impl Types {
    fn add(&mut self, schema: &Value, root: &Value, looks: &mut u32) {
        let Some(schema) = look(schema, looks) else { return };
        match schema.get("type") {
            Some(Value::String(name)) => self.add_name(name),
            Some(Value::Array(names)) => {
                for name in names.iter().filter_map(Value::as_str) {
                    self.add_name(name);
                }
            }
            _ => self.infer(schema, root, looks),
        }
    }

    fn add_name(&mut self, name: &str) {
        if name == "string" {
            self.string = true;
        } else {
            self.other = true;
        }
    }

    /// For a schema that does not name its type.
    fn infer(&mut self, schema: &Map<String, Value>, root: &Value, looks: &mut u32) {
        for part in parts(schema, root) {
            self.add(part, root, looks);
        }
        let choices = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
        for choice in choices.chain(schema.get("const")) {
            if self.string && self.other {
                return;
            }
            if choice.is_string() {
                self.string = true;
            } else {
                self.other = true;
            }
        }
        if schema.contains_key("properties") || schema.contains_key("items") {
            self.other = true;
        }
    }
}

/// The schemas that `schema` refers to or is put together from.
fn parts<'a>(schema: &'a Map<String, Value>, root: &'a Value) -> impl Iterator<Item = &'a Value> {
    let target = schema
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|reference| reference.strip_prefix('#'))
        .and_then(|pointer| root.pointer(pointer));
    let alternatives = ["anyOf", "oneOf", "allOf"]
        .into_iter()
        .filter_map(|keyword| schema.get(keyword))
        .filter_map(Value::as_array)
        .flatten();
    target.into_iter().chain(alternatives)
}

fn look<'a>(schema: &'a Value, looks: &mut u32) -> Option<&'a Map<String, Value>> {
    *looks = looks.checked_sub(1)?;
    schema.as_object()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reading_of(property: &Value) -> Reading {
        let tool = Tool {
            name: "f".into(),
            description: None,
            parameters: Some(json!({
                "type": "object",
                "properties": {"p": property},
                "$defs": {"S": {"type": "string"}, "Loop": {"$ref": "#/$defs/Loop"}, "a/b": {"type": "object"}},
            })),
            strict: None,
        };
        Tools::new(&[tool]).reading("f", "p")
    }

    /// Output grammar, `value`: the type is found behind every construct of JSON Schema that hides it.
    #[test]
    fn types_are_found_behind_references_and_unions() {
        for (property, expected) in [
            (json!({"type": "string"}), Reading::Text),
            (json!({"type": ["string"]}), Reading::Text),
            (json!({"$ref": "#/$defs/S"}), Reading::Text),
            (json!({"allOf": [{"$ref": "#/$defs/S"}, {"minLength": 1}]}), Reading::Text),
            (json!({"enum": ["fast", "slow"]}), Reading::Text),
            (json!({"const": "x"}), Reading::Text),
            (json!({"type": "integer"}), Reading::Literal),
            (json!({"type": ["integer", "null"]}), Reading::Literal),
            (json!({"$ref": "#/$defs/a~1b"}), Reading::Literal),
            (json!({"oneOf": [{"type": "array"}, {"const": 3}]}), Reading::Literal),
            (json!({"properties": {}}), Reading::Literal),
            (json!({"anyOf": [{"type": "string"}, {"type": "null"}]}), Reading::JsonOrText),
            (json!({"enum": ["a", 1]}), Reading::JsonOrText),
            (json!({}), Reading::JsonOrText),
            (json!(true), Reading::JsonOrText),
            (json!({"$ref": "https://example.com/schema"}), Reading::JsonOrText),
        ] {
            assert_eq!(reading_of(&property), expected, "{property}");
        }
    }

    /// A schema that refers to itself, alone or many times over, is looked at for a bounded time.
    #[test]
    fn circular_schemas_end() {
        assert_eq!(reading_of(&json!({"$ref": "#/$defs/Loop"})), Reading::JsonOrText);
        let wide = json!({"anyOf": vec![json!({"$ref": "#/properties/p"}); 50]});
        assert_eq!(reading_of(&wide), Reading::JsonOrText);
    }

    /// Malformed output, missing `<arg_key>`: the longest name wins, and a name alone is no split.
    #[test]
    fn a_key_glued_to_a_name_is_split_off() {
        let tool = |name: &str| Tool { name: name.into(), description: None, parameters: None, strict: None };
        let tools = Tools::new(&[tool("run"), tool("run_in_terminal")]);
        assert_eq!(tools.split_name("run_in_terminal command"), Some(("run_in_terminal", "command")));
        assert_eq!(tools.split_name("run_in_terminal"), None);
        assert_eq!(tools.split_name("walk"), None);
    }
}
