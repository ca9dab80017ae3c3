//! What steers the answer (`anthropic-api.md` §3, §7.4, §8.1).

use inference::{Effort, Original, ResponseFormat, Thinking};
use serde_json::{Value, json};
use wire::anthropic::MessagesRequest;

use crate::requests::{accepted, options, read, with};

fn thinking(changes: Value) -> Thinking {
    accepted(changes).thinking
}

/// §8.1: thinking is on unless it is switched off, and earlier thinking always stays.
#[test]
fn thinking_is_on_unless_switched_off() {
    let on = Thinking { enabled: true, preserved: true, effort: None };
    let off = Thinking { enabled: false, ..on.clone() };
    assert_eq!(thinking(json!({})), on);
    assert_eq!(thinking(json!({"thinking": null})), on);
    assert_eq!(thinking(json!({"thinking": {"type": "adaptive", "display": "omitted"}})), on);
    // Wild: a budget above `max_tokens`.
    assert_eq!(thinking(json!({"thinking": {"type": "enabled", "budget_tokens": 31_999}})), on);
    assert_eq!(thinking(json!({"thinking": {"type": "hologram"}})), on);
    assert_eq!(thinking(json!({"thinking": {"type": "disabled"}})), off);
}

#[test]
fn effort_is_one_of_the_known_words_or_nothing() {
    let effort = |word: Value| thinking(json!({"output_config": {"effort": word}})).effort;
    assert_eq!(effort(json!("low")), Some(Effort::Low));
    assert_eq!(effort(json!("medium")), Some(Effort::Medium));
    assert_eq!(effort(json!("HIGH")), Some(Effort::High));
    assert_eq!(effort(json!("xhigh")), Some(Effort::Xhigh));
    assert_eq!(effort(json!("max")), Some(Effort::Max));
    for unknown in [json!("ultra"), json!(5), json!(null), json!({})] {
        assert_eq!(effort(unknown), None);
    }
    assert!(!thinking(json!({"output_config": {"effort": "none"}})).enabled);
}

/// §7.4
#[test]
fn the_answer_may_have_to_obey_a_schema() {
    let schema = json!({"type": "object", "properties": {"title": {"type": "string"}}});
    let format = json!({"type": "json_schema", "schema": schema});
    let expected = ResponseFormat::JsonSchema { name: "answer".to_owned(), schema };
    assert_eq!(accepted(json!({"output_config": {"format": format}})).format, expected);
    assert_eq!(accepted(json!({"output_format": format})).format, expected);
    assert_eq!(accepted(json!({"output_config": null, "output_format": format})).format, expected);
    assert_eq!(
        accepted(json!({"output_config": {"effort": "low"}, "output_format": format})).format,
        expected
    );
    for any in [json!(null), json!({}), json!({"type": "text"}), json!({"type": "hologram", "schema": {}})] {
        assert_eq!(accepted(json!({"output_config": {"format": any}})).format, ResponseFormat::Text);
    }
}

/// §3: clamped as in the chat API, never refused.
#[test]
fn sampling_is_cut_to_its_ranges() {
    let sampling = |changes: Value| accepted(changes).sampling;
    assert_eq!(sampling(json!({"temperature": 0})).temperature, Some(0.0));
    assert!(sampling(json!({"temperature": 0})).greedy && sampling(json!({"temperature": -1})).greedy);
    assert_eq!(sampling(json!({"temperature": "1.5"})).temperature, Some(1.0));
    assert_eq!(sampling(json!({"top_p": 0, "top_k": 40})).top_p, Some(0.01));
    assert_eq!(sampling(json!({"top_p": 7})).top_p, Some(1.0));
    assert_eq!(sampling(json!({})), inference::Sampling::default());
}

/// §3: all stop texts are honoured, not only four.
#[test]
fn many_stop_texts_are_honoured() {
    let texts: Vec<String> = (0..64).map(|number| format!("<{number}>")).collect();
    assert_eq!(accepted(json!({"stop_sequences": texts})).stop, texts);
    assert_eq!(accepted(json!({"stop_sequences": ["", "\n"]})).stop, ["\n"]);
    assert!(accepted(json!({"stop_sequences": null})).stop.is_empty());
}

#[test]
fn max_tokens_is_passed_on_for_the_model_to_lower() {
    assert_eq!(accepted(json!({"max_tokens": 131_072})).max_tokens, Some(131_072));
    assert_eq!(accepted(json!({"max_tokens": 1e12})).max_tokens, Some(u32::MAX));
    assert_eq!(accepted(json!({"max_tokens": null})).max_tokens, None);
}

/// §3: a text of any length that holds JSON; it is not the chat API's `user_id`.
#[test]
fn the_end_user_is_told_for_the_usage_records_only() {
    let user_id = r#"{"device_id":"d","account_uuid":"","session_id":"s"}"#;
    let changes = json!({"metadata": {"user_id": user_id, "other": 1}});
    assert_eq!(options(changes.clone()).user_id.as_deref(), Some(user_id));
    assert_eq!(accepted(changes).user_id, None);
    assert_eq!(options(json!({"metadata": {"user_id": "ü".repeat(5_000)}})).user_id.unwrap().len(), 1024);
    assert_eq!(options(json!({"metadata": {"user_id": null}})).user_id, None);
}

#[test]
fn unknown_fields_are_ignored() {
    let changes = json!({
        "cache_control": {"type": "ephemeral"}, "service_tier": "auto", "speed": "fast", "container": null,
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}, "betas": [],
        "mcp_servers": [{"type": "url"}], "fallbacks": 7, "hologram": {"deep": [[[]]]},
    });
    let (mut chat, options) = read(&with(&changes)).unwrap();
    let (plain, plain_options) = read(&with(&json!({}))).unwrap();
    chat.original.clone_from(&plain.original);
    assert_eq!((chat, options), (plain, plain_options));
}

/// The body goes along as it was sent, to the byte, for hosts that speak this dialect.
#[test]
fn the_body_goes_along_as_it_was_sent() {
    let body = b"{ \"messages\" : [{\"role\":\"user\",\"content\":\"h\\u0069\"}],\n \"model\":\"Opus\", \"x\": 1.0 }";
    let request = MessagesRequest::parse(body).unwrap();
    assert_eq!((request.model.as_str(), request.is_streamed()), ("Opus", false));
    let (chat, _) = request.into_request("glm-4.7".parse().unwrap()).unwrap();
    assert_eq!(chat.original, Some(Original::Messages(body.as_slice().into())));
    assert_eq!(chat.model.as_str(), "glm-4.7");
}

/// http-api.md §0.1.3: some programs send booleans as text.
#[test]
fn a_stream_is_asked_for_with_a_boolean() {
    for (stream, is_streamed) in
        [(json!(true), true), (json!("True"), true), (json!(false), false), (json!(null), false)]
    {
        let options = options(json!({ "stream": stream }));
        assert_eq!(options.stream, is_streamed);
    }
}
