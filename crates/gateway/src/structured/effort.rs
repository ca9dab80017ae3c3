//! What it costs to check an answer against a schema. Both come from strangers, and a schema of a few lines can ask
//! for more comparisons than there are atoms: definitions that each ask for the next one twice.

use serde_json::{Map, Value};

/// Comparisons of one part of the answer with one part of the schema: far more than an honest schema needs.
const COMPARISONS_MAX: u32 = 200_000;
/// How deep references and nesting may lead from one place.
const DEPTH_MAX: u32 = 500;

/// Keywords whose schemas apply to the same value.
const SAME_VALUE: [&str; 4] = ["not", "if", "then", "else"];
const SAME_VALUE_LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
/// Keywords whose schema applies to any of the values inside, or to their names.
const VALUES_INSIDE: [&str; 8] = [
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "items",
    "prefixItems",
    "additionalItems",
    "unevaluatedItems",
    "contains",
];
/// Ways to name a schema by other means than its place, which are not followed here.
const NAMED_OTHERWISE: [&str; 6] = ["$id", "id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef"];

/// Whether `value` can be checked against `schema` in a bearable time, judged from above: as if nothing were settled
/// before everything is compared.
pub(super) fn is_bearable(schema: &Value, value: &Value) -> bool {
    let mut effort = Effort { root: schema, left: COMPARISONS_MAX };
    effort.spend(schema, value, 0).is_some()
}

struct Effort<'a> {
    root: &'a Value,
    left: u32,
}

impl Effort<'_> {
    /// Pays for comparing `value` with `schema`; `None` when nothing is left to pay with.
    fn spend(&mut self, schema: &Value, value: &Value, depth: u32) -> Option<()> {
        self.left = self.left.checked_sub(1)?;
        let depth = Some(depth + 1).filter(|depth| *depth <= DEPTH_MAX)?;
        // A name for the whole changes nothing: what begins with `#` still begins at the root.
        let is_whole = std::ptr::eq(schema, self.root);
        let Value::Object(schema) = schema else { return Some(()) };
        let is_named_otherwise = |key: &&str| schema.get(*key).is_some_and(Value::is_string);
        if !is_whole && NAMED_OTHERWISE.iter().any(is_named_otherwise) {
            return None;
        }

        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let target = self.root.pointer(reference.strip_prefix('#')?)?;
            self.spend(target, value, depth)?;
        }
        let same = SAME_VALUE.iter().filter_map(|key| schema.get(*key));
        let lists = SAME_VALUE_LISTS.iter().filter_map(|key| schema.get(*key)?.as_array()).flatten();
        let dependent =
            ["dependentSchemas", "dependencies"].into_iter().filter_map(|key| object(schema, key));
        for part in same.chain(lists).chain(dependent.flat_map(Map::values)) {
            self.spend(part, value, depth)?;
        }
        self.spend_inside(schema, value, depth)
    }

    fn spend_inside(&mut self, schema: &Map<String, Value>, value: &Value, depth: u32) -> Option<()> {
        if let Some(fields) = value.as_object() {
            for (name, part) in object(schema, "properties").into_iter().flatten() {
                if let Some(inside) = fields.get(name) {
                    self.spend(part, inside, depth)?;
                }
            }
        }
        let patterns = object(schema, "patternProperties").into_iter().flat_map(Map::values);
        let any_inside = VALUES_INSIDE.iter().filter_map(|key| schema.get(*key));
        for part in any_inside.chain(patterns) {
            // `items` may be a list of schemas, for one place each.
            let parts = part.as_array().map_or(std::slice::from_ref(part), Vec::as_slice);
            for part in parts {
                for inside in values_inside(value) {
                    self.spend(part, inside, depth)?;
                }
            }
        }
        Some(())
    }
}

fn object<'a>(schema: &'a Map<String, Value>, key: &str) -> Option<&'a Map<String, Value>> {
    schema.get(key).and_then(Value::as_object)
}

fn values_inside(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(items) => Box::new(items.iter()),
        Value::Object(fields) => Box::new(fields.values()),
        _ => Box::new(std::iter::empty()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn honest_schemas_are_bearable() {
        let tree = json!({"type": "object", "properties": {
            "name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#"}}
        }});
        let mut value = json!({"name": "leaf"});
        for _ in 0..60 {
            value = json!({"name": "branch", "children": [value, {"name": "twig"}]});
        }
        assert!(is_bearable(&tree, &value));
        let rows =
            json!({"properties": {"rows": {"items": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}});
        assert!(is_bearable(&rows, &json!({"rows": vec!["x"; 10_000]})));
    }

    #[test]
    fn what_multiplies_itself_is_not_bearable() {
        let loops = json!({"allOf": [{"$ref": "#"}]});
        assert!(!is_bearable(&loops, &json!(1)));
        let branching = json!({"properties": {"a": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}}});
        let deep = (0..100).fold(json!({}), |inner, _| json!({"a": inner}));
        assert!(!is_bearable(&branching, &deep));
        assert!(is_bearable(&branching, &json!({"a": {"a": {}}})));
    }

    /// What cannot be followed is not vouched for.
    #[test]
    fn references_by_name_are_not_followed() {
        for schema in [
            json!({"$ref": "http://example.com/schema"}),
            json!({"$ref": "#name"}),
            json!({"allOf": [{"$id": "urn:x", "$ref": "#"}]}),
            json!({"not": {"$dynamicRef": "#x"}}),
        ] {
            assert!(!is_bearable(&schema, &json!({})), "{schema}");
        }
        assert!(is_bearable(&json!({"$id": "urn:x", "$ref": "#/$defs/a", "$defs": {"a": {}}}), &json!({})));
        assert!(is_bearable(&json!({"properties": {"$ref": {}, "id": {}}}), &json!({"$ref": 1, "id": 2})));
    }
}
