//! How the answer is to be made: thinking, sampling, length and form (`http-api.md` §2.1).

use inference::{Effort, ResponseFormat};
use serde_json::{Value, json};
use wire::paas::ClearThinkingDefault;

use super::{accepted, body, parse, refused};

/// CAP-CHAT-08, with OpenAI's wider range of temperatures (discrepancies.md 19 and 20), which the gateway cuts or refuses.
#[test]
fn sampling_is_clamped_where_clients_stray_and_refused_beyond() {
    let sampling = |changes: Value| accepted(changes).sampling;
    assert_eq!(sampling(json!({"temperature": 1.7})).temperature, Some(1.7));
    assert_eq!(sampling(json!({"temperature": "0.5"})).temperature, Some(0.5));
    assert!(sampling(json!({"temperature": 0})).greedy);
    assert!(!sampling(json!({"temperature": 0.1})).greedy);
    assert_eq!(sampling(json!({"top_p": 0})).top_p, Some(0.01));
    assert_eq!(sampling(json!({"seed": 7})).seed, Some(7));
    refused(json!({"temperature": -0.1}), 1214, &["temperature"]);
    refused(json!({"temperature": 2.1}), 1214, &["temperature"]);
    refused(json!({"top_p": 1.1}), 1214, &["top_p"]);
    refused(json!({"top_p": -0.1}), 1214, &["top_p"]);
    refused(json!({"frequency_penalty": 3}), 1214, &["frequency_penalty"]);
    refused(json!({"presence_penalty": -3}), 1214, &["presence_penalty"]);
}

/// MODEL-05
#[test]
fn without_do_sample_the_answer_is_greedy() {
    assert!(accepted(json!({"do_sample": false, "temperature": 0.9})).sampling.greedy);
    assert!(!accepted(json!({"do_sample": null})).sampling.greedy);
}

/// MODEL-01; the model's own maximum is not known here.
#[test]
fn max_tokens_starts_at_one_and_has_an_alias() {
    assert_eq!(accepted(json!({"max_tokens": "5"})).max_tokens, Some(5));
    assert_eq!(accepted(json!({"max_completion_tokens": 6})).max_tokens, Some(6));
    assert_eq!(accepted(json!({"max_tokens": null, "max_completion_tokens": 6})).max_tokens, Some(6));
    assert_eq!(accepted(json!({"max_tokens": 1e30})).max_tokens, Some(u32::MAX));
    refused(json!({"max_tokens": 0}), 1214, &["max_tokens"]);
    refused(json!({"max_completion_tokens": -1}), 1214, &["max_completion_tokens"]);
}

/// discrepancies.md 21
#[test]
fn stop_is_one_to_four_short_texts() {
    assert_eq!(accepted(json!({"stop": "###"})).stop, ["###"]);
    assert_eq!(accepted(json!({"stop": ["a", null, "", "b"]})).stop, ["a", "b"]);
    assert!(accepted(json!({"stop": []})).stop.is_empty());
    refused(json!({"stop": ["a", "b", "c", "d", "e"]}), 1214, &["stop"]);
    refused(json!({"stop": "x".repeat(1 << 20)}), 1214, &["stop"]);
}

/// THINK-01, CAP-THK-06
#[test]
fn thinking_is_on_or_off_and_nothing_else() {
    assert!(accepted(json!({"thinking": null})).thinking.enabled);
    assert!(!accepted(json!({"thinking": {"type": "disabled"}})).thinking.enabled);
    refused(json!({"thinking": {"type": "maybe"}}), 1214, &["thinking.type"]);
}

/// THINK-03
#[test]
fn the_door_decides_whether_earlier_reasoning_is_kept_unless_the_request_does() {
    let preserved = |changes: Value, door| {
        parse(&body(changes)).unwrap().into_request(door).unwrap().0.thinking.preserved
    };
    assert!(!preserved(json!({}), ClearThinkingDefault::GENERAL));
    assert!(preserved(json!({}), ClearThinkingDefault::CODING));
    assert!(preserved(json!({"thinking": {"clear_thinking": false}}), ClearThinkingDefault::GENERAL));
    assert!(!preserved(json!({"thinking": {"clear_thinking": true}}), ClearThinkingDefault::CODING));
}

/// http-api.md §2.1
#[test]
fn an_effort_of_none_is_no_thinking() {
    let thinking = accepted(json!({"reasoning_effort": "none"})).thinking;
    assert!(!thinking.enabled);
    assert_eq!(accepted(json!({"reasoning_effort": "xhigh"})).thinking.effort, Some(Effort::Xhigh));
    refused(json!({"reasoning_effort": "heroic"}), 1214, &["reasoning_effort"]);
}

/// CAP-JSON-01, with OpenAI's `json_schema`.
#[test]
fn an_answer_is_text_or_json_or_json_of_a_schema() {
    let format = |format: Value| json!({"response_format": format});
    assert_eq!(accepted(format(json!({"type": "json_object"}))).format, ResponseFormat::JsonObject);
    assert_eq!(accepted(format(json!({}))).format, ResponseFormat::Text);
    refused(format(json!({"type": "xml"})), 1214, &["response_format.type"]);
    let schema_field = "response_format.json_schema.schema";
    refused(format(json!({"type": "json_schema"})), 1213, &[schema_field]);
    refused(
        format(json!({"type": "json_schema", "json_schema": {"schema": "object"}})),
        1214,
        &[schema_field],
    );
}

#[test]
fn log_probabilities_have_at_most_twenty_alternatives() {
    assert_eq!(accepted(json!({"logprobs": true, "top_logprobs": 20})).logprobs, Some(20));
    assert_eq!(accepted(json!({"logprobs": true})).logprobs, Some(0));
    assert_eq!(accepted(json!({"top_logprobs": 5})).logprobs, None);
    refused(json!({"logprobs": true, "top_logprobs": 21}), 1214, &["top_logprobs"]);
}
