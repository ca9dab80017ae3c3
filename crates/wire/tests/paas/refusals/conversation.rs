//! Who says what, in which shape (`http-api.md` §2.2, §2.3).

use inference::{Message, Part};
use serde_json::{Value, json};

use super::{accepted, refused, user};

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
