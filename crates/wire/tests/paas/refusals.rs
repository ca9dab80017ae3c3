//! What a chat request may say, and how each refusal names its field (`errors.md` §5).
#![expect(clippy::needless_pass_by_value, reason = "values are written where they are used")]

use inference::{ChatRequest, Effort, Message, Part, ResponseFormat, ToolChoice};
use proptest::prelude::*;
use serde_json::{Value, json};
use wire::paas::{ChatCompletionRequest, ChatOptions, ClearThinkingDefault};
use wire::{BadRequest, ErrorBody};

/// A good request with `changes` laid over it.
fn body(changes: Value) -> Value {
    let mut body = json!({"model": "glm-4.7", "messages": [{"role": "user", "content": "hi"}]});
    for (field, value) in changes.as_object().unwrap() {
        body[field] = value.clone();
    }
    body
}

fn parse(body: &Value) -> Result<ChatCompletionRequest, BadRequest> {
    ChatCompletionRequest::parse(body.to_string().as_bytes())
}

fn read(changes: Value) -> Result<(ChatRequest, ChatOptions), BadRequest> {
    parse(&body(changes))?.into_request(ClearThinkingDefault::GENERAL)
}

fn accepted(changes: Value) -> ChatRequest {
    read(changes).unwrap().0
}

#[track_caller]
fn refused(changes: Value, code: u16, fields: &[&str]) {
    let refusal = read(changes).unwrap_err();
    assert_eq!((refusal.code.number(), &refusal.fields[..]), (code, &fields.map_owned()[..]), "{refusal}");
    for field in fields {
        assert!(refusal.message.contains(field), "{refusal}");
    }
}

trait MapOwned {
    fn map_owned(&self) -> Vec<String>;
}

impl MapOwned for [&str] {
    fn map_owned(&self) -> Vec<String> {
        self.iter().map(ToString::to_string).collect()
    }
}

fn user(content: Value) -> Value {
    json!({"messages": [{"role": "user", "content": content}]})
}

fn function(name: &str) -> Value {
    json!({"type": "function", "function": {"name": name}})
}

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

/// CAP-CHAT-01 and -02.
#[test]
fn a_conversation_needs_someone_who_asks() {
    refused(json!({"messages": []}), 1214, &["messages"]);
    refused(json!({"messages": [{"role": "system", "content": "Be brief."}]}), 1214, &["messages"]);
    refused(json!({"messages": [{"role": "assistant", "content": "Hello."}]}), 1214, &["messages"]);
    let too_many: Vec<_> = (0..10_001).map(|_| json!({"role": "user", "content": ""})).collect();
    refused(json!({"messages": too_many}), 1214, &["messages"]);
}

/// http-api.md §2.2
#[test]
fn each_role_has_what_it_needs() {
    refused(json!({"messages": [{"content": "hi"}]}), 1213, &["messages[0].role"]);
    refused(json!({"messages": [{"role": "wizard", "content": "hi"}]}), 1214, &["messages[0].role"]);
    refused(json!({"messages": [{"role": "user"}]}), 1214, &["messages[0].content"]);
    refused(user(json!([])), 1214, &["messages[0].content"]);
    refused(json!({"messages": [{"role": "tool", "content": "x"}]}), 1213, &["messages[0].tool_call_id"]);
    let picture = json!([{"type": "image_url", "image_url": {"url": "u"}}]);
    refused(
        json!({"messages": [{"role": "system", "content": picture}]}),
        1214,
        &["messages[0].content[0].type"],
    );
}

/// http-api.md §2.2
#[test]
fn developer_is_system_and_an_assistant_may_be_silent() {
    let messages = json!([
        {"role": "developer", "content": [{"type": "text", "text": "Be brief."}], "name": "d"},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": null, "reasoning_content": ""},
        {"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "tool", "tool_call_id": "gone", "content": null},
    ]);
    let silent = |content: &str| Message::Assistant {
        content: content.to_owned(),
        reasoning: None,
        tool_calls: Vec::new(),
    };
    assert_eq!(
        accepted(json!({"messages": messages})).messages,
        [
            Message::System { content: vec![Part::text("Be brief.")] },
            Message::User { content: vec![Part::text("hi")] },
            silent(""),
            silent("ab"),
            Message::Tool { tool_call_id: "gone".to_owned(), content: Vec::new() },
        ]
    );
}

/// http-api.md §2.3
#[test]
fn parts_are_read_in_every_shape() {
    let request = accepted(user(json!([
        {"type": "text", "text": "t"},
        {"type": "image_url", "image_url": {"url": "aGk=", "detail": "auto"}},
        {"type": "video_url", "video_url": "https://v"},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,aGk=", "filename": "a.pdf"}},
        {"type": "input_audio", "input_audio": {"data": "aGk="}},
    ])));
    let owned = str::to_owned;
    assert_eq!(
        request.messages,
        [Message::User {
            content: vec![
                Part::text("t"),
                Part::Image { url: owned("aGk=") },
                Part::Video { url: owned("https://v") },
                Part::File { url: owned("data:application/pdf;base64,aGk=") },
                Part::Audio { data: owned("aGk="), format: owned("wav") },
            ]
        }]
    );
    refused(user(json!([{"text": "t"}])), 1213, &["messages[0].content[0].type"]);
    refused(user(json!([{"type": "image_url"}])), 1213, &["messages[0].content[0].image_url.url"]);
    refused(user(json!([{"type": "hologram"}])), 1214, &["messages[0].content[0].type"]);
    refused(
        user(json!([{"type": "file", "file": {"file_id": "f"}}])),
        1214,
        &["messages[0].content[0].file.file_id"],
    );
}

/// http-api.md §2.3, and errors.md §5: exclusive fields come after ranges.
#[test]
fn a_file_and_a_picture_exclude_each_other_in_one_message() {
    let both = json!([
        {"type": "file_url", "file_url": {"url": "f"}},
        {"type": "video_url", "video_url": {"url": "v"}},
    ]);
    refused(user(both.clone()), 1215, &["file_url", "video_url"]);
    refused(
        json!({"messages": [{"role": "user", "content": both}], "temperature": -1}),
        1214,
        &["temperature"],
    );
    let apart = json!([{"role": "user", "content": [both[0]]}, {"role": "user", "content": [both[1]]}]);
    accepted(json!({"messages": apart}));
}

/// http-api.md §2.2
#[test]
fn calls_of_earlier_turns_are_read_in_every_shape() {
    let history = |calls: Value| json!({"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "tool_calls": calls}]});
    let request = accepted(history(json!([
        {"type": "web_search", "web_search": {}},
        {"id": "a", "function": {"name": "f", "arguments": {"b": 1, "a": 2}}},
        {"id": "b", "type": "function", "function": {"name": "f", "arguments": ""}},
        {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{ \"x\": 1 }"}},
    ])));
    let Message::Assistant { tool_calls, .. } = &request.messages[1] else { panic!("an assistant message") };
    let arguments: Vec<_> = tool_calls.iter().map(|call| call.arguments.as_str()).collect();
    assert_eq!(arguments, [r#"{"b":1,"a":2}"#, "{}", r#"{ "x": 1 }"#]);

    refused(history(json!([{"function": {"name": "f"}}])), 1213, &["messages[1].tool_calls[0].id"]);
    refused(history(json!([{"id": "a"}])), 1213, &["messages[1].tool_calls[0].function"]);
    refused(
        history(json!([{"id": "a", "function": {}}])),
        1213,
        &["messages[1].tool_calls[0].function.name"],
    );
    let call = json!({"id": "a", "function": {"name": "f"}});
    refused(history(json!(vec![call; 129])), 1214, &["messages[1].tool_calls"]);
}

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

/// CAP-CHAT-08, with OpenAI's wider range of temperatures (discrepancies.md 19 and 20).
#[test]
fn sampling_is_clamped_where_clients_stray_and_refused_beyond() {
    let sampling = |changes: Value| accepted(changes).sampling;
    assert_eq!(sampling(json!({"temperature": 1.7})).temperature, Some(1.0));
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

#[test]
fn log_probabilities_have_at_most_twenty_alternatives() {
    assert_eq!(accepted(json!({"logprobs": true, "top_logprobs": 20})).logprobs, Some(20));
    assert_eq!(accepted(json!({"logprobs": true})).logprobs, Some(0));
    assert_eq!(accepted(json!({"top_logprobs": 5})).logprobs, None);
    refused(json!({"logprobs": true, "top_logprobs": 21}), 1214, &["top_logprobs"]);
}

/// CAP-TST-04
#[test]
fn tool_stream_without_stream_has_no_effect() {
    assert!(!read(json!({"tool_stream": true})).unwrap().1.tool_stream);
    let (request, options) = read(json!({"tool_stream": true, "stream": true})).unwrap();
    assert!(request.tool_stream && options.tool_stream);
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
