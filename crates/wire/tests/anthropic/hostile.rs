//! Anything at all in the fields that are known: hostile input is refused or read, and never panics.

use proptest::prelude::*;
use serde_json::{Value, json};
use wire::anthropic::MessagesRequest;

use crate::requests::{read, with};

fn json_like() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "text|user|assistant|system|tool_use|tool_result|thinking|image|document|base64|url|content|web_search_tool_result|server_tool_use|web_search_1|bash_1|tool|any|json_schema|[a-z_]{0,12}".prop_map(Value::from),
    ];
    let field = "role|content|type|text|thinking|id|name|input|tool_use_id|is_error|source|media_type|data|url|title|context|tool_name|encrypted_content|input_schema|max_uses|allowed_domains|format|schema|effort|[a-z]{1,4}";
    leaf.prop_recursive(5, 48, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((field, inner), 0..6).prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        prop_assert!(MessagesRequest::parse(&bytes).is_err());
    }

    /// Every refusal has a business code of the request family.
    #[test]
    fn arbitrary_values_in_known_fields_are_refused_or_read(
        field in "messages|system|tools|tool_choice|stop_sequences|thinking|output_config|output_format|metadata|temperature|top_p|max_tokens|stream|model",
        value in json_like(),
    ) {
        if let Err(refusal) = read(&with(&json!({ field: value }))) {
            prop_assert!((1210..=1214).contains(&refusal.code.number()));
        }
    }

    #[test]
    fn arbitrary_messages_are_refused_or_read(
        role in "user|assistant|system",
        blocks in proptest::collection::vec(json_like(), 1..6),
        nested in json_like(),
    ) {
        let result = json!({"type": "tool_result", "tool_use_id": "a", "content": nested});
        let messages = json!([{"role": role, "content": blocks}, {"role": "user", "content": [result]}]);
        if let Err(refusal) = read(&with(&json!({ "messages": messages }))) {
            prop_assert!((1210..=1214).contains(&refusal.code.number()));
        }
    }

    /// Blocks of an unknown kind are dropped, whatever they hold.
    #[test]
    fn an_unknown_block_is_never_refused(fields in proptest::collection::btree_map("[a-z_]{1,12}|content|source|text|input|title", json_like(), 0..6)) {
        let mut block = json!(fields);
        block["type"] = json!("hologram");
        let messages = json!([{"role": "user", "content": [block, {"type": "text", "text": "hi"}]}]);
        let (chat, _) = read(&with(&json!({ "messages": messages }))).unwrap();
        prop_assert_eq!(chat.messages, [crate::requests::user("hi")]);
    }
}

/// A value nested as deeply as may be is read or refused, and does not exhaust the stack of a worker.
#[test]
fn deep_nesting_does_not_exhaust_the_stack() {
    let body = |opening: &str, depth: usize, closing: &str| {
        let nested = format!("{}null{}", opening.repeat(depth), closing.repeat(depth));
        format!("{{\"model\":\"m\",\"messages\":[{{\"role\":\"user\",\"content\":[{nested},\"hi\"]}}]}}")
    };
    let document = r#"{"type":"document","source":{"type":"content","content":["#;
    let result = r#"{"type":"tool_result","tool_use_id":"a","content":["#;
    for depth in [1, 20, 40, 60, 100, 100_000] {
        for (opening, closing) in [(document, "]}}"), (result, "]}"), ("[", "]"), ("{\"content\":", "}")] {
            let request = MessagesRequest::parse(body(opening, depth, closing).as_bytes());
            if let Ok(request) = request {
                drop(request.into_request("glm-4.7".parse().unwrap()));
            }
        }
    }
    // The input of a call is passed on unread.
    let call = r#"{"type":"tool_use","id":"a","name":"f","input":{"a":"#;
    let deep = format!("{call}{}1{}}}}}", "[".repeat(100_000), "]".repeat(100_000));
    let history = format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":"x"}},{{"role":"assistant","content":[{deep}]}}]}}"#
    );
    let (chat, _) =
        MessagesRequest::parse(history.as_bytes()).unwrap().into_request("glm-4.7".parse().unwrap()).unwrap();
    assert_eq!(chat.messages.len(), 3);
}

/// The time taken is linear: a square of what is read here would be noticed.
#[test]
fn a_very_long_conversation_is_read_in_linear_time() {
    let count = 20_000;
    let calls: Vec<Value> = (0..count)
        .map(|number| json!({"type": "tool_use", "id": format!("call_{number}"), "name": "f", "input": {}}))
        .collect();
    let results: Vec<Value> = (0..count)
        .rev()
        .map(|number| json!({"type": "tool_result", "tool_use_id": format!("call_{number}"), "content": "x"}))
        .chain((0..count).map(|_| json!({"type": "text", "text": "y"})))
        .collect();
    let messages = json!([{"role": "user", "content": "x"}, {"role": "assistant", "content": calls},
        {"role": "user", "content": results}]);
    let (chat, _) = read(&with(&json!({ "messages": messages }))).unwrap();
    assert_eq!(chat.messages.len(), count + 3);
}
