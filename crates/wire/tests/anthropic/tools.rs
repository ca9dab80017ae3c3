//! What the model may call (`anthropic-api.md` §7).

use inference::{Tool, ToolChoice};
use serde_json::{Value, json};
use wire::anthropic::ServerToolKind;

use crate::requests::{accepted, options};

fn tools(tools: Value) -> Vec<Tool> {
    accepted(json!({ "tools": tools })).tools
}

#[test]
fn a_tool_of_the_client_is_a_function() {
    let schema = json!({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object",
        "properties": {"z": {"const": 1}, "a": {"anyOf": [{"format": "uri"}, {"default": null}]}},
        "propertyNames": {"minLength": 1}, "additionalProperties": false});
    let sent = json!([
        {"name": "f", "description": "d", "input_schema": schema, "cache_control": {"type": "ephemeral"}},
        {"type": "custom", "name": "g", "input_schema": {"type": "object"}, "strict": true, "defer_loading": true,
            "eager_input_streaming": true, "input_examples": [{}], "allowed_callers": ["direct"]},
        {"name": "h"},
    ]);
    let tool = |name: &str, description: Option<&str>, parameters: Option<Value>, strict: Option<bool>| {
        Tool { name: name.to_owned(), description: description.map(str::to_owned), parameters, strict }
    };
    let read = tools(sent);
    assert_eq!(
        read,
        [
            tool("f", Some("d"), Some(schema.clone()), None),
            tool("g", None, Some(json!({"type": "object"})), Some(true)),
            tool("h", None, None, None),
        ]
    );
    assert_eq!(read[0].parameters.as_ref().unwrap().to_string(), schema.to_string(), "in its own order");
}

/// §7.1: names of MCP tools are long.
#[test]
fn a_name_may_have_128_characters() {
    let name = format!("mcp__{}", "x".repeat(123));
    assert_eq!(tools(json!([{"name": name, "input_schema": {"type": "object"}}]))[0].name, name);
}

/// §7.2: never a 400 for an unknown type.
#[test]
fn tools_of_unknown_kinds_are_offered_as_functions() {
    let sent = json!([
        {"type": "computer_20250124", "name": "computer", "display_width_px": 1024, "description": {"no": "text"}},
        {"type": "memory_20250818", "name": "memory"},
        {"type": "code_execution_20250825", "name": "code_execution"},
        {"type": "mcp_toolset", "mcp_server_name": "files"},
        {"type": "hologram_1", "name": "hologram", "max_uses": "many", "allowed_domains": 5, "strict": "very"},
    ]);
    let read = tools(sent);
    let names: Vec<_> = read.iter().map(|tool| &tool.name[..]).collect();
    assert_eq!(names, ["computer", "memory", "code_execution", "hologram"]);
    assert!(read.iter().all(|tool| tool.parameters == Some(json!({"type": "object"}))));
}

/// §7.2: the published arguments, which other models do not know by heart.
#[test]
fn bash_and_the_text_editor_are_described() {
    let read = tools(json!([
        {"type": "bash_20250124", "name": "bash"},
        {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool", "max_characters": 10_000},
    ]));
    for (tool, argument) in read.iter().zip(["command", "old_str"]) {
        assert!(tool.description.is_some());
        assert!(tool.parameters.as_ref().unwrap()["properties"].get(argument).is_some());
    }
    assert_eq!(read[1].name, "str_replace_based_edit_tool");
}

#[test]
fn searching_and_fetching_are_the_servers_to_do() {
    let sent = json!({"tools": [
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 5,
            "allowed_domains": ["a.example", 7, "b.example"], "user_location": {"type": "approximate"}},
        {"type": "web_fetch_20250910", "name": "web_fetch", "blocked_domains": ["c.example"], "max_uses": -1},
        {"name": "f"},
    ]});
    assert_eq!(accepted(sent.clone()).tools.len(), 1);
    let [search, fetch] = &options(sent).server_tools[..] else { panic!() };
    assert_eq!((search.kind, search.max_uses), (ServerToolKind::WebSearch, Some(5)));
    assert_eq!(search.allowed_domains, ["a.example", "b.example"]);
    assert_eq!((fetch.kind, fetch.max_uses), (ServerToolKind::WebFetch, None));
    assert_eq!(fetch.blocked_domains, ["c.example"]);
}

/// §7.3
#[test]
fn the_choice_of_a_tool() {
    let chosen = |choice: Value| {
        let tools = json!([{"name": "f"}, {"type": "web_search_20250305", "name": "web_search"}]);
        let request = accepted(json!({"tools": tools, "tool_choice": choice}));
        (request.tool_choice, request.parallel_tool_calls)
    };
    assert_eq!(chosen(json!(null)), (ToolChoice::Auto, None));
    assert_eq!(chosen(json!({"type": "auto"})), (ToolChoice::Auto, None));
    assert_eq!(chosen(json!({"type": "any"})), (ToolChoice::Required, None));
    assert_eq!(chosen(json!({"type": "none"})), (ToolChoice::None, None));
    assert_eq!(chosen(json!({"type": "tool", "name": "f"})), (ToolChoice::Named("f".to_owned()), None));
    assert_eq!(chosen(json!({"type": "tool", "name": "web_search"})), (ToolChoice::Auto, None));
    assert_eq!(
        chosen(json!({"type": "any", "disable_parallel_tool_use": true})),
        (ToolChoice::Required, Some(false))
    );
    assert_eq!(
        chosen(json!({"type": "auto", "disable_parallel_tool_use": false})),
        (ToolChoice::Auto, Some(true))
    );
    assert_eq!(chosen(json!("any")), (ToolChoice::Required, None));
    assert_eq!(chosen(json!({"type": "hologram"})), (ToolChoice::Auto, None));
    let without_tools = accepted(json!({"tools": [], "tool_choice": {"type": "any"}}));
    assert_eq!(without_tools.tool_choice, ToolChoice::Auto);
}
