//! Anything at all in the fields that are known: hostile input is refused or read, and never panics.

use proptest::prelude::*;
use serde_json::{Value, json};
use wire::paas::ChatCompletionRequest;

use super::read;

fn json_like() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z_]{0,12}|text|user|tool|assistant|function|file|image_url".prop_map(Value::from),
    ];
    let field = "role|content|type|text|function|name|arguments|id|tool_calls|tool_call_id|image_url|url|file|enable|schema|json_schema|[a-z]{1,4}";
    leaf.prop_recursive(4, 32, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((field, inner), 0..5).prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

proptest! {
    /// Hostile input never panics.
    #[test]
    fn arbitrary_bytes_are_refused_or_read(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        prop_assert!(ChatCompletionRequest::parse(&bytes).is_err());
    }

    /// Hostile input never panics, and every refusal has a business code of the request family.
    #[test]
    fn arbitrary_values_in_known_fields_are_refused_or_read(
        field in "messages|tools|tool_choice|stop|thinking|response_format|temperature|max_tokens|stream|request_id|stream_options|top_logprobs|seed|model",
        value in json_like(),
    ) {
        if let Err(refusal) = read(json!({ field: value })) {
            prop_assert!((1210..=1215).contains(&refusal.code.number()));
        }
    }

    /// The same, inside messages.
    #[test]
    fn arbitrary_messages_are_refused_or_read(messages in proptest::collection::vec(json_like(), 1..4)) {
        if let Err(refusal) = read(json!({ "messages": messages })) {
            prop_assert!((1210..=1215).contains(&refusal.code.number()));
        }
    }
}
