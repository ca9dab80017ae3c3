//! Each refusal names its field as this dialect does (`errors.md` §5).

use serde_json::{Value, json};
use wire::anthropic::MessagesRequest;

use crate::requests::{read, with};

#[track_caller]
fn refused(changes: Value, code: u16, field: &str) {
    let refusal = read(&with(&changes)).unwrap_err();
    assert_eq!((refusal.code.number(), &refusal.fields[..]), (code, &[field.to_owned()][..]), "{refusal}");
    assert!(refusal.message.contains(field), "{refusal}");
}

fn user(content: Value) -> Value {
    json!({"messages": [{"role": "user", "content": content}]})
}

#[test]
fn a_body_that_is_no_json_is_refused() {
    for body in ["", "{", "[]", "\"hi\"", "null"] {
        let refusal = MessagesRequest::parse(body.as_bytes()).unwrap_err();
        assert_eq!((refusal.code.number(), refusal.fields), (1210, Vec::new()), "{body}");
    }
}

#[test]
fn a_missing_field_is_named() {
    refused(json!({"model": null}), 1213, "model");
    refused(json!({"messages": null}), 1213, "messages");
    refused(json!({"messages": [{"content": "hi"}]}), 1213, "messages.0.role");
    refused(json!({"messages": [{"role": "user"}]}), 1213, "messages.0.content");
    refused(user(json!([{"type": "text", "text": "a"}, {"text": "b"}])), 1213, "messages.0.content.1.type");
    refused(user(json!([{"type": "text"}])), 1213, "messages.0.content.0.text");
    refused(user(json!([null])), 1213, "messages.0.content.0.type");
    refused(user(json!([{"type": "tool_result", "content": "x"}])), 1213, "messages.0.content.0.tool_use_id");
    let call = |block: Value| json!({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": [block]}]});
    refused(call(json!({"type": "tool_use", "name": "f", "input": {}})), 1213, "messages.1.content.0.id");
    refused(call(json!({"type": "tool_use", "id": "a", "input": {}})), 1213, "messages.1.content.0.name");
    refused(
        json!({"output_config": {"format": {"type": "json_schema"}}}),
        1213,
        "output_config.format.schema",
    );
    refused(json!({"output_format": {"type": "json_schema"}}), 1213, "output_format.schema");
    refused(json!({"tool_choice": {"type": "tool"}}), 1213, "tool_choice.name");
}

/// §7.1: a tool without a name.
#[test]
fn a_tool_without_a_name_is_refused() {
    refused(
        json!({"tools": [{"name": "f"}, {"description": "d", "input_schema": {}}]}),
        1213,
        "tools.1.name",
    );
    refused(json!({"tools": [{"type": "custom", "name": null}]}), 1213, "tools.0.name");
    refused(json!({"tools": [{"name": 7}]}), 1210, "tools.0.name");
}

#[test]
fn a_wrong_type_is_named() {
    refused(json!({"model": 7}), 1210, "model");
    refused(json!({"messages": "hi"}), 1210, "messages");
    refused(json!({"messages": ["hi"]}), 1210, "messages.0");
    refused(json!({"messages": [{"role": 1, "content": "hi"}]}), 1210, "messages.0.role");
    refused(user(json!(7)), 1210, "messages.0.content");
    refused(user(json!([{"type": "text", "text": ["a"]}])), 1210, "messages.0.content.0.text");
    refused(json!({"system": 7}), 1210, "system");
    refused(json!({"tools": [7]}), 1210, "tools.0");
    refused(json!({"max_tokens": "many"}), 1210, "max_tokens");
    refused(json!({"stream": "perhaps"}), 1210, "stream");
    refused(json!({"stop_sequences": [["a"]]}), 1210, "stop_sequences.0");
    refused(json!({"thinking": true}), 1210, "thinking");
}

#[test]
fn a_value_out_of_range_is_named() {
    refused(json!({"max_tokens": 0}), 1214, "max_tokens");
    refused(json!({"messages": []}), 1214, "messages");
    refused(json!({"messages": [{"role": "user", "content": ""}]}), 1214, "messages");
    refused(json!({"messages": [{"role": "assistant", "content": "x"}]}), 1214, "messages");
    refused(json!({"messages": [{"role": "tool", "content": "x"}]}), 1214, "messages.0.role");
    refused(json!({"stop_sequences": vec!["x"; 65]}), 1214, "stop_sequences");
    refused(json!({"stop_sequences": ["x".repeat(1025)]}), 1214, "stop_sequences");
    refused(json!({"tools": [{"name": "no spaces"}]}), 1214, "tools.0.name");
    refused(json!({"tools": [{"name": "x".repeat(129)}]}), 1214, "tools.0.name");
    refused(json!({"tools": [{"name": ""}]}), 1214, "tools.0.name");
    refused(json!({"tools": [{"name": "f", "input_schema": "any"}]}), 1214, "tools.0.input_schema");
    refused(json!({"tools": vec![json!({"name": "f"}); 1025]}), 1214, "tools");
    refused(
        json!({"tool_choice": {"type": "tool", "name": "g"}, "tools": [{"name": "f"}]}),
        1214,
        "tool_choice.name",
    );
    refused(
        json!({"output_config": {"format": {"type": "json_schema", "schema": 7}}}),
        1214,
        "output_config.format.schema",
    );
}

/// An unknown model is told before a field out of range: the model is looked up between the two steps.
#[test]
fn the_model_is_known_before_a_range_is_checked() {
    let body = with(&json!({"model": "nobody's", "max_tokens": 0}));
    assert_eq!(MessagesRequest::parse(body.to_string().as_bytes()).unwrap().model, "nobody's");
}

/// What the caller wrote is not repeated: it may be private, and long.
#[test]
fn a_refusal_does_not_quote_the_caller() {
    let body = with(&json!({"stop_sequences": {"secret": 1}, "max_tokens": 5}));
    let refusal = read(&body).unwrap_err();
    assert!(!refusal.message.contains("secret"), "{refusal}");
    assert!(!read(&with(&json!({"max_tokens": "secret"}))).unwrap_err().message.contains("secret"));
}
