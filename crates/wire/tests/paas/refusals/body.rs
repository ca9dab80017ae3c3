//! The body as a whole: what it must be and have before any field is looked at.

use serde_json::{Value, json};
use wire::ErrorBody;
use wire::paas::ChatCompletionRequest;

use super::{accepted, body, parse, read, refused, user};

/// errors.json, 1210.
#[test]
fn a_wrong_type_is_refused_with_the_path_of_its_field_and_without_its_content() {
    let many = json!([{"role": "system", "content": "s"}, {"role": "user", "content": "u"}, {"role": "user", "content": 5}]);
    refused(json!({"messages": many}), 1210, &["messages[2].content"]);
    refused(user(json!([{"type": "text", "text": ["secret"]}])), 1210, &["messages[0].content[0].text"]);
    refused(json!({"temperature": "warm"}), 1210, &["temperature"]);
    refused(json!({"max_tokens": 1.5}), 1210, &["max_tokens"]);
    refused(json!({"thinking": true}), 1210, &["thinking"]);
    refused(
        json!({"tools": [{"type": "function", "function": {"name": 7}}]}),
        1210,
        &["tools[0].function.name"],
    );

    let refusal = read(json!({"messages": "secret"})).unwrap_err();
    assert_eq!(
        ErrorBody::from(refusal).error.message,
        "Incorrect API call parameters, please check the documentation: messages: expected a sequence"
    );
    assert_eq!(ChatCompletionRequest::parse(b"[]").unwrap_err().code.number(), 1210);
}

/// errors.json, 1210.
#[test]
fn what_is_not_json_or_not_utf8_or_too_deep_is_refused() {
    let deep = format!("{{\"model\":\"m\",\"tool_choice\":{}1{}}}", "[".repeat(1_000), "]".repeat(1_000));
    for bytes in
        [&b"{\"model\": "[..], b"", b"{\"model\":\"\xff\"}", b"{\"model\":\"\\ud800\"}", deep.as_bytes()]
    {
        assert_eq!(ChatCompletionRequest::parse(bytes).unwrap_err().code.number(), 1210);
    }
}

/// CAP-CHAT-01, and errors.md §5: required fields come before everything else.
#[test]
fn model_and_messages_are_required() {
    refused(json!({"messages": null}), 1213, &["messages"]);
    refused(json!({"model": null, "temperature": -1}), 1213, &["model"]);
    let message = read(json!({"messages": null})).unwrap_err().message;
    assert_eq!(message, "messages parameter not received properly");
}

/// errors.md §5: an unknown model is told before a field out of range, so ranges are not checked by `parse`.
#[test]
fn the_model_can_be_read_before_ranges_are_checked() {
    let request = parse(&body(json!({"model": "GLM-4.7", "temperature": -1, "stream": "True"}))).unwrap();
    assert_eq!(request.model.as_str(), "glm-4.7");
    assert!(request.is_streamed());
    refused(json!({"model": "no such model", "temperature": -1}), 1211, &["model"].map(|_| "model"));
}

/// http-api.md §0.1.7
#[test]
fn ids_are_any_scalar_and_bounded_only_above() {
    let id = |changes: Value| read(changes).unwrap().1.request_id;
    assert_eq!(id(json!({"request_id": "1"})).as_deref(), Some("1"));
    assert_eq!(id(json!({"request_id": 1_770_631_146.25})).as_deref(), Some("1770631146.25"));
    assert_eq!(id(json!({"request_id": "é".repeat(64)})).map(|id| id.chars().count()), Some(64));
    refused(json!({"request_id": "x".repeat(65)}), 1214, &["request_id"]);
    assert_eq!(accepted(json!({"user_id": "short"})).user_id.as_deref(), Some("short"));
    refused(json!({"user_id": "x".repeat(129)}), 1214, &["user_id"]);
}

/// MODEL-06, MODEL-07 and http-api.md §0.1.2: nulls and unknown fields change nothing.
#[test]
fn nulls_and_unknown_fields_change_nothing() {
    let mut noise = json!({"n": 3, "store": false, "metadata": {"a": "b"}, "some_future_field": {"x": [1]},
        "meta": null, "extra": null, "search_parameters": {"mode": "off"}, "prompt_cache_key": "k"});
    let optional = "response_format thinking temperature top_p stop tools tool_choice seed request_id user_id stream \
        do_sample tool_stream max_tokens max_completion_tokens reasoning_effort stream_options parallel_tool_calls \
        logprobs top_logprobs frequency_penalty presence_penalty";
    optional.split_whitespace().for_each(|field| noise[field] = Value::Null);
    assert_eq!(read(noise), read(json!({})));
}
