//! The grammar of tool calls.

use std::borrow::Cow;
use std::slice;

use inference::Tool;
use inference::parser::Generation;
use serde_json::{Value, json};

use crate::grammar::{Dialect, Rules, literal};

/// With more tools than this, only the form of calls is enforced, not their names and keys: the grammar would
/// take longer than the model.
const NAMED_TOOLS_MAX: usize = 128;
/// Values of an enumeration that are spelled out.
const CHOICES_MAX: usize = 256;
/// How many places of a schema are looked at to tell whether it allows a string.
const LOOKS_MAX: u32 = 64;

/// Rules for one call, from its opening tag to its closing tag.
pub(crate) fn whole(rules: &mut Rules, tools: &[&Tool], dialect: Dialect) -> String {
    if dialect.has_tags {
        let rest = after_opening(rules, tools, dialect);
        return rules.add("call", &format!("\"<tool_call>\" {rest}"));
    }
    let named: Option<Vec<String>> = if tools.len() > NAMED_TOOLS_MAX {
        None
    } else {
        tools
            .iter()
            .map(|tool| {
                let name = literal(&Value::from(tool.name.as_str()).to_string())?;
                let arguments = arguments_as_json(rules, tool)?;
                Some(format!("{name} \", \\\"arguments\\\": \" {arguments}"))
            })
            .collect()
    };
    let named = named.unwrap_or_else(|| {
        let object = rules.json(&json!({"type": "object"})).unwrap_or_else(|_| "\"{}\"".to_owned());
        vec![format!("\"\\\"\" [a-zA-Z0-9_.-]+ \"\\\", \\\"arguments\\\": \" {object}")]
    });
    let named = rules.add("named", &named.join(" | "));
    rules.add("call", &format!("\"<tool_call>\\n{{\\\"name\\\": \" {named} \"}}\\n</tool_call>\""))
}

/// Rules for what follows `<tool_call>`, in GLM's tags.
pub(crate) fn after_opening(rules: &mut Rules, tools: &[&Tool], dialect: Dialect) -> String {
    let form = TagForm {
        newline: if dialect.generation == Generation::A { "[\\n]" } else { "" },
        value: rules.until("value", "</arg_value>"),
    };
    let are_few = tools.len() <= NAMED_TOOLS_MAX;
    let names: Option<Vec<String>> =
        tools.iter().filter(|_| are_few).map(|tool| literal(&tool.name)).collect();
    let body = match names {
        Some(names) if !names.is_empty() => {
            let calls: Vec<String> = tools
                .iter()
                .zip(names)
                .map(|(tool, name)| format!("{name} {}", form.arguments(rules, tool)))
                .collect();
            calls.join(" | ")
        }
        _ => format!("[a-zA-Z0-9_.-]+ {}", form.any_arguments(rules)),
    };
    let named = rules.add("named", &body);
    format!("{named} \"</tool_call>\"")
}

fn arguments_as_json(rules: &mut Rules, tool: &Tool) -> Option<String> {
    let any = json!({"type": "object"});
    let schema = tool.parameters.as_ref().filter(|_| !rules.are_many()).unwrap_or(&any);
    rules.json(schema).or_else(|_| rules.json(&any)).ok()
}

/// How arguments are laid out.
struct TagForm {
    newline: &'static str,
    /// The rule for any text up to `</arg_value>`.
    value: String,
}

impl TagForm {
    /// The arguments of `tool` in the order its schema declares them: the required ones all, and no others.
    fn arguments(&self, rules: &mut Rules, tool: &Tool) -> String {
        let properties =
            tool.parameters.as_ref().and_then(|schema| schema.get("properties")).and_then(Value::as_object);
        let (Some(schema), Some(properties)) = (&tool.parameters, properties) else {
            return self.any_arguments(rules);
        };
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let mut parts = String::new();
        for (key, property) in properties {
            let Some(name) = literal(key) else { return self.any_arguments(rules) };
            let value = self.value_of(rules, property, schema);
            let one = self.argument(&name, &value);
            let argument = rules.add("argument", &one);
            parts.push_str(&argument);
            parts.push_str(if required.contains(&key.as_str()) { " " } else { "? " });
        }
        // Most schemas do not say `additionalProperties`, and mean none; one that says it means it.
        let takes_more = schema.get("additionalProperties").is_some_and(|more| *more != Value::Bool(false));
        if takes_more {
            parts.push_str(&self.more_arguments(rules));
        }
        format!("{} {parts}", self.newline)
    }

    fn any_arguments(&self, rules: &mut Rules) -> String {
        format!("{} {}", self.newline, self.more_arguments(rules))
    }

    fn more_arguments(&self, rules: &mut Rules) -> String {
        let one = self.argument("[^<\\n]+", &self.value);
        let argument = rules.add("argument", &one);
        format!("{argument}*")
    }

    fn argument(&self, key: &str, value: &str) -> String {
        let newline = self.newline;
        format!("\"<arg_key>\" {key} \"</arg_key>\" {newline} \"<arg_value>\" {value} {newline}")
    }

    /// A value and its closing tag. What may be a string is written as it stands; everything else as JSON.
    fn value_of(&self, rules: &mut Rules, property: &Value, schema: &Value) -> String {
        if let Some(choices) = text_choices(property) {
            let texts: Vec<String> = choices.iter().filter_map(|text| literal(text)).collect();
            return rules.add("choice", &format!("({}) \"</arg_value>\"", texts.join(" | ")));
        }
        if rules.are_many() || may_be_text(property, schema, &mut LOOKS_MAX.clone()) {
            return self.value.clone();
        }
        match rules.json_part(property, schema) {
            Ok(json) => format!("{json} \"</arg_value>\""),
            Err(_) => self.value.clone(),
        }
    }
}

/// How the values of an enumeration are written, if a text is among them; numbers and the like as JSON.
fn text_choices(property: &Value) -> Option<Vec<Cow<'_, str>>> {
    let choices = match (property.get("enum"), property.get("const")) {
        (Some(choices), _) => choices.as_array()?.as_slice(),
        (None, Some(only)) => slice::from_ref(only),
        (None, None) => return None,
    };
    if choices.len() > CHOICES_MAX || !choices.iter().any(Value::is_string) {
        return None;
    }
    let written = |choice: &'_ Value| match choice {
        Value::Array(_) | Value::Object(_) => None,
        scalar => Some(scalar.to_string()),
    };
    let texts: Vec<Cow<'_, str>> = choices
        .iter()
        .map(|choice| choice.as_str().map(Cow::Borrowed).or_else(|| written(choice).map(Cow::Owned)))
        .collect::<Option<_>>()?;
    let are_plain = texts.iter().all(|text| !text.contains("</") && !text.contains('\0'));
    are_plain.then_some(texts)
}

/// Whether the schema allows a string, as far as can be told; if it cannot be told, it does.
fn may_be_text(schema: &Value, root: &Value, looks: &mut u32) -> bool {
    if *looks == 0 {
        return true;
    }
    *looks -= 1;
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        let target = target.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        return target.is_none_or(|target| may_be_text(target, root, looks));
    }
    match schema.get("type") {
        Some(Value::String(name)) => return name == "string",
        Some(Value::Array(names)) => return names.iter().any(|name| name == "string"),
        _ => {}
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(alternatives) = schema.get(key).and_then(Value::as_array) {
            return alternatives.iter().any(|alternative| may_be_text(alternative, root, looks));
        }
    }
    if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
        return choices.iter().any(Value::is_string);
    }
    if let Some(only) = schema.get("const") {
        return only.is_string();
    }
    !["properties", "items", "additionalProperties"].iter().any(|key| schema.get(key).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_string_is_written_as_text() {
        let root = json!({"$defs": {"s": {"type": "string"}, "n": {"type": "integer"}, "loop": {"$ref": "#/$defs/loop"}}});
        let text = |schema: Value| may_be_text(&schema, &root, &mut LOOKS_MAX.clone());
        assert!(text(json!({"type": "string"})));
        assert!(text(json!({"type": ["string", "null"]})));
        assert!(text(json!({"anyOf": [{"type": "integer"}, {"$ref": "#/$defs/s"}]})));
        assert!(text(json!({})));
        assert!(text(json!({"$ref": "#/$defs/loop"})));
        assert!(!text(json!({"$ref": "#/$defs/n"})));
        assert!(!text(json!({"type": "object"})));
        assert!(!text(json!({"enum": [1, 2]})));
        assert!(!text(json!({"const": 1})));
    }
}
