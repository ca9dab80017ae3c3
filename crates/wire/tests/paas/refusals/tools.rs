//! What the model may call (`http-api.md` §2.4).

use inference::ToolChoice;
use serde_json::{Value, json};

use super::{accepted, function, read, refused};

/// CAP-FUN-01 and -02.
#[test]
fn functions_have_short_plain_names_and_there_are_at_most_128() {
    assert_eq!(accepted(json!({"tools": vec![function("a-B_9"); 128]})).tools.len(), 128);
    refused(json!({"tools": vec![function("f"); 129]}), 1214, &["tools"]);
    for name in ["", "a b", "a.b", "a/b", "é", &"x".repeat(65)] {
        refused(json!({"tools": [function("f"), function(name)]}), 1214, &["tools[1].function.name"]);
    }
    refused(json!({"tools": [{"type": "function"}]}), 1213, &["tools[0].function"]);
    refused(json!({"tools": [{"type": "function", "function": {}}]}), 1213, &["tools[0].function.name"]);
    refused(json!({"tools": [{}]}), 1213, &["tools[0].type"]);
    refused(json!({"tools": [{"type": "abacus"}]}), 1214, &["tools[0].type"]);
    refused(
        json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": 5}}]}),
        1214,
        &["tools[0].function.parameters"],
    );
}

/// CAP-FUN-08, and http-api.md §2.4.
#[test]
fn tools_of_other_kinds_are_kept_ignored_or_refused() {
    let retrieval = json!([{"type": "retrieval", "retrieval": {"knowledge_id": "k"}}]);
    refused(json!({"tools": retrieval}), 1214, &["tools[0].retrieval.knowledge_id"]);
    let refusal = read(json!({"tools": [{"type": "mcp", "mcp": {}}]})).unwrap_err();
    assert_eq!(refusal.code.number(), 1212);
    assert_eq!(refusal.message, "Current model does not support mcp call method");

    let search = |enable: Value| json!({"tools": [{"type": "web_search", "web_search": {"enable": enable}}]});
    assert_eq!(read(search(json!("True"))).unwrap().1.web_searches, [json!({"enable": "True"})]);
    for off in [json!(false), json!("False"), json!(null)] {
        assert!(read(search(off)).unwrap().1.web_searches.is_empty());
    }
    refused(search(json!("perhaps")), 1214, &["tools[0].web_search.enable"]);
}

/// discrepancies.md 22: `tool_choice` is honoured where it is understood and never refused for its form.
#[test]
fn tool_choice_is_auto_unless_it_is_understood() {
    let choice = |choice: Value| read(json!({"tools": [function("f")], "tool_choice": choice}));
    let choose = |value: Value| choice(value).unwrap().0.tool_choice;
    assert_eq!(choose(json!("none")), ToolChoice::None);
    assert_eq!(choose(json!("required")), ToolChoice::Required);
    assert_eq!(choose(function("f")), ToolChoice::Named("f".to_owned()));
    for odd in
        [json!(null), json!("auto"), json!("any"), json!({"type": "allowed_tools"}), json!(3), json!([])]
    {
        assert_eq!(choose(odd), ToolChoice::Auto);
    }
    assert_eq!(choice(function("g")).unwrap_err().fields, ["tool_choice.function.name"]);
    assert_eq!(accepted(json!({"tool_choice": "required"})).tool_choice, ToolChoice::Auto, "without tools");
}

/// CAP-TST-04
#[test]
fn tool_stream_without_stream_has_no_effect() {
    assert!(!read(json!({"tool_stream": true})).unwrap().1.tool_stream);
    let (request, options) = read(json!({"tool_stream": true, "stream": true})).unwrap();
    assert!(request.tool_stream && options.tool_stream);
}
