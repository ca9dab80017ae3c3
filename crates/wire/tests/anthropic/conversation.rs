//! Turns become messages, and no history is refused (`anthropic-api.md` §5, §6, §8.3).

use inference::{Message, Part, ToolCall};
use serde_json::{Value, json};

use crate::requests::{accepted, assistant, options, result, seen, system, user};

fn calling(ids: &[&str]) -> Value {
    let calls: Vec<_> =
        ids.iter().map(|id| json!({"type": "tool_use", "id": id, "name": "f", "input": {}})).collect();
    json!({"role": "assistant", "content": calls})
}

fn called(ids: &[&str]) -> Message {
    let call =
        |id: &&str| ToolCall { id: (*id).to_owned(), name: "f".to_owned(), arguments: "{}".to_owned() };
    Message::Assistant { content: String::new(), reasoning: None, tool_calls: ids.iter().map(call).collect() }
}

fn tool_result(id: &str, content: &Value) -> Value {
    json!({"type": "tool_result", "tool_use_id": id, "content": content})
}

/// §3: the smallest request that must work.
#[test]
fn the_smallest_request_is_one_user_message() {
    assert_eq!(seen(json!([{"role": "user", "content": "hi"}])), [user("hi")]);
}

/// §5.3, the first picture.
#[test]
fn an_assistants_blocks_become_one_message() {
    let arguments = r#"{"n": 12345678901234567890123, "z":1.50,"a":"ü"}"#;
    let body = format!(
        r#"{{"model": "glm-4.7", "messages": [
            {{"role": "user", "content": "hi"}},
            {{"role": "assistant", "content": [
                {{"type": "thinking", "thinking": "hm", "signature": "x"}},
                {{"type": "redacted_thinking", "data": "y"}},
                {{"type": "text", "text": "one"}}, {{"type": "text", "text": ""}}, {{"type": "text", "text": "two"}},
                {{"type": "tool_use", "id": "A", "name": "f", "input": {arguments}, "caller": {{"type": "direct"}}}}
            ]}},
            {{"role": "user", "content": [{{"type": "tool_result", "tool_use_id": "A"}}]}}
        ]}}"#
    );
    let request = wire::anthropic::MessagesRequest::parse(body.as_bytes()).unwrap();
    let (chat, _) = request.into_request("glm-4.7".parse().unwrap()).unwrap();
    let call = ToolCall { id: "A".to_owned(), name: "f".to_owned(), arguments: arguments.to_owned() };
    assert_eq!(
        chat.messages[1],
        Message::Assistant {
            content: "one\ntwo".to_owned(),
            reasoning: Some("hm".to_owned()),
            tool_calls: vec![call],
        }
    );
    assert_eq!(chat.messages[2], result("A", ""));
}

/// §5.3, the second picture: results keep their order and go before the rest of their message.
#[test]
fn results_go_before_everything_else_in_their_message() {
    let content = json!([
        {"type": "text", "text": "and then"}, tool_result("B", &json!("b")), tool_result("A", &json!("a")),
        {"type": "text", "text": "go on"},
    ]);
    let messages =
        json!([{"role": "user", "content": "x"}, calling(&["A", "B"]), {"role": "user", "content": content}]);
    assert_eq!(
        seen(messages),
        [user("x"), called(&["A", "B"]), result("B", "b"), result("A", "a"), user("and then\ngo on")]
    );
}

#[test]
fn results_in_two_messages_in_a_row_still_go_before_the_rest() {
    let messages = json!([
        {"role": "user", "content": "x"}, calling(&["A", "B"]),
        {"role": "user", "content": [tool_result("A", &json!("a")), {"type": "text", "text": "wait"}]},
        {"role": "user", "content": [tool_result("B", &json!("b"))]},
    ]);
    assert_eq!(
        seen(messages),
        [user("x"), called(&["A", "B"]), result("A", "a"), result("B", "b"), user("wait")]
    );
}

/// §5.2: a call without result gets an empty one, wherever the history goes on.
#[test]
fn a_call_without_a_result_gets_an_empty_one() {
    let interrupted = json!([{"role": "user", "content": "x"}, calling(&["A", "B"]), {"role": "user", "content": [
        tool_result("B", &json!("b")), {"type": "text", "text": "stop"}]}]);
    assert_eq!(
        seen(interrupted),
        [user("x"), called(&["A", "B"]), result("B", "b"), result("A", ""), user("stop")]
    );
    let at_the_end = json!([{"role": "user", "content": "x"}, calling(&["A"])]);
    assert_eq!(seen(at_the_end), [user("x"), called(&["A"]), result("A", "")]);
    let before_instructions = json!([{"role": "user", "content": "x"}, calling(&["A"]),
        {"role": "system", "content": "s"}, {"role": "user", "content": [tool_result("A", &json!("a"))]}]);
    assert_eq!(seen(before_instructions), [user("x"), called(&["A"]), system("s"), result("A", "a")]);
}

/// §5.2: a result without a call becomes text of the user.
#[test]
fn a_result_without_a_call_becomes_text() {
    let after_compaction = json!([{"role": "user", "content": [
        {"type": "text", "text": "go on"}, tool_result("A", &json!("a"))]}]);
    assert_eq!(seen(after_compaction), [user("Result of the tool call A:\na\ngo on")]);
    let twice = json!([{"role": "user", "content": "x"}, calling(&["A"]), {"role": "user", "content": [
        tool_result("A", &json!("a")), tool_result("A", &json!("again"))]}]);
    assert_eq!(
        seen(twice),
        [user("x"), called(&["A"]), result("A", "a"), user("Result of the tool call A:\nagain")]
    );
}

/// §5.2: `is_error`
#[test]
fn a_failed_tool_says_so_in_its_result() {
    let failed = |content: Value| {
        let block = json!({"type": "tool_result", "tool_use_id": "A", "content": content, "is_error": true});
        seen(json!([{"role": "user", "content": "x"}, calling(&["A"]), {"role": "user", "content": [block]}]))
            .pop()
            .unwrap()
    };
    assert_eq!(failed(json!("no such file")), result("A", "Error: no such file"));
    assert_eq!(failed(json!(null)), result("A", "Error: "));
    assert_eq!(
        failed(json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])),
        result("A", "Error: a\nb")
    );
}

/// §5.1: what is empty is dropped, and what follows in the same role is joined.
#[test]
fn empty_messages_are_dropped_and_turns_are_joined() {
    let messages = json!([
        {"role": "user", "content": "a"}, {"role": "user", "content": []}, {"role": "user", "content": "b"},
        {"role": "assistant", "content": ""}, {"role": "user", "content": "c"},
        {"role": "assistant", "content": "d"}, {"role": "assistant", "content": [{"type": "text", "text": "e"}]},
        {"role": "user", "content": [{"type": "text", "text": ""}]},
    ]);
    assert_eq!(seen(messages), [user("a\nb\nc"), assistant("d\ne")]);
}

/// §5.1: a prefill is the last turn.
#[test]
fn the_last_message_may_be_the_assistants() {
    let messages = json!([{"role": "user", "content": "x"}, {"role": "assistant", "content": "{\"a\":"}]);
    assert_eq!(seen(messages), [user("x"), assistant("{\"a\":")]);
}

/// §5.1: messages of role `system` keep their place.
#[test]
fn instructions_in_the_middle_stay_there() {
    let messages = json!([
        {"role": "user", "content": "x"}, {"role": "system", "content": "s"},
        {"role": "system", "content": [{"type": "text", "text": "t"}, {"type": "text", "text": "u"}]},
        {"role": "system", "content": ""}, {"role": "user", "content": "y"},
    ]);
    assert_eq!(seen(messages), [user("x"), system("s"), system("t\nu"), user("y")]);
}

/// §6
#[test]
fn instructions_are_joined_without_the_billing_block() {
    let billing = "x-anthropic-billing-header: cc_version=2.1.197.d53; cc_entrypoint=cli;";
    let blocks = json!([
        {"type": "text", "text": billing},
        {"type": "text", "text": "one", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {"type": "text", "text": ""},
        {"type": "text", "text": "two"},
    ]);
    assert_eq!(accepted(json!({"system": blocks})).messages[0], system("one\n\ntwo"));
    assert_eq!(options(json!({"system": blocks})).billing_block.as_deref(), Some(billing));
    // Only the first block is one, and only its line.
    let later = json!([{"type": "text", "text": "one"}, {"type": "text", "text": billing}]);
    assert_eq!(accepted(json!({"system": later})).messages[0], system(&format!("one\n\n{billing}")));
    let joined = json!({"system": format!("{billing}\n\nYou are an agent.")});
    assert_eq!(accepted(joined.clone()).messages[0], system("You are an agent."));
    assert_eq!(options(joined).billing_block.as_deref(), Some(billing));
    let alone = json!({"system": [{"type": "text", "text": billing}]});
    assert_eq!(accepted(alone).messages, [user("hi")]);
    let long = json!({"system": format!("x-anthropic-billing-header:{}", "ü".repeat(10_000))});
    assert!(options(long).billing_block.unwrap().len() <= 1024);
}

#[test]
fn no_instructions_are_no_message() {
    for system in [json!(null), json!(""), json!([])] {
        assert_eq!(accepted(json!({"system": system})).messages, [user("hi")]);
    }
    assert_eq!(accepted(json!({"system": "s"})).messages, [system("s"), user("hi")]);
}

/// §14: only calls whose last user message holds something else than results begin a prompt.
#[test]
fn a_prompt_begins_with_words_of_the_user() {
    let begins = |content: Value| {
        let history = json!([{"role": "user", "content": "x"}, calling(&["A"]), {"role": "user", "content": content},
            {"role": "system", "content": "s"}]);
        options(json!({ "messages": history })).begins_prompt
    };
    assert!(!begins(json!([tool_result("A", &json!("a"))])));
    assert!(!begins(json!([tool_result("A", &json!("a")), {"type": "text", "text": ""}])));
    assert!(begins(json!([tool_result("A", &json!("a")), {"type": "text", "text": "and"}])));
    assert!(begins(json!("stop")));
    assert!(options(json!({})).begins_prompt);
}

#[test]
fn text_of_a_result_is_joined_and_pictures_keep_their_place() {
    let content = json!([
        {"type": "text", "text": "a"}, {"type": "text", "text": "b"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}},
        {"type": "text", "text": "c"},
    ]);
    let messages = json!([{"role": "user", "content": "x"}, calling(&["A"]),
        {"role": "user", "content": [tool_result("A", &content)]}]);
    let Some(Message::Tool { content, .. }) = seen(messages).pop() else { panic!() };
    let picture = Part::Image { url: "data:image/png;base64,iVBO".to_owned() };
    assert_eq!(content, [Part::text("a\nb"), picture, Part::text("c")]);
}
