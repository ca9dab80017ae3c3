//! Every chat, tokenizer, models and error example of the specification is understood or reproduced.

use inference::{ChatEvent, FinishReason, Message, Part, ToolCall, ToolChoice};
use serde_json::{Value, json};
use vocab::{Timestamp, Tokens, Usage};
use wire::paas::{
    AnswerHead, AsyncResult, ChatCompletion, ChatCompletionRequest, ChunkWriter, ClearThinkingDefault,
    ModelEntry, ModelList, TokenCount,
};
use wire::{Code, ErrorBody};

use crate::spec::example;

fn parsed(name: &str) -> (inference::ChatRequest, wire::paas::ChatOptions) {
    let request = ChatCompletionRequest::parse(example(name).as_bytes()).unwrap();
    request.into_request(ClearThinkingDefault::GENERAL).unwrap()
}

fn value(name: &str) -> Value {
    serde_json::from_str(&example(name)).unwrap()
}

/// The head of an example answer; a `request_id` that is not the id was the client's.
fn head_of(answer: &Value) -> AnswerHead {
    let id = serde_json::from_value(answer["id"].clone()).unwrap();
    let request_id = answer["request_id"].as_str().filter(|sent| answer["id"] != *sent).map(str::to_owned);
    let created = Timestamp::from_millis(answer["created"].as_i64().unwrap_or_default() * 1000);
    let model = answer["model"].as_str().unwrap_or("glm-4.6").parse().unwrap();
    AnswerHead { id, request_id, created, model }
}

fn usage_of(usage: &Value) -> Usage {
    let count = |path: &str| Tokens(usage.pointer(path).and_then(Value::as_u64).unwrap_or_default());
    Usage::from_overlapping(
        count("/prompt_tokens"),
        count("/prompt_tokens_details/cached_tokens"),
        count("/completion_tokens"),
        count("/completion_tokens_details/reasoning_tokens"),
    )
}

fn usage(prompt: u64, cached: u64, completion: u64, reasoning: u64) -> Usage {
    Usage::from_overlapping(Tokens(prompt), Tokens(cached), Tokens(completion), Tokens(reasoning))
}

fn reasoning(text: &str) -> ChatEvent {
    ChatEvent::Reasoning(text.to_owned())
}

fn content(text: &str) -> ChatEvent {
    ChatEvent::Content(text.to_owned())
}

fn call(index: u32, id: &str, pieces: &[&str]) -> Vec<ChatEvent> {
    let start = ChatEvent::ToolCallStarted { index, id: id.to_owned(), name: "get_weather".to_owned() };
    let pieces =
        pieces.iter().map(|piece| ChatEvent::ToolCallArguments { index, fragment: (*piece).to_owned() });
    [start].into_iter().chain(pieces).chain([ChatEvent::ToolCallFinished { index }]).collect()
}

fn finished(reason: FinishReason, usage: Usage) -> ChatEvent {
    ChatEvent::Finished { reason, usage }
}

fn assert_collected(name: &str, mut events: Vec<ChatEvent>, reason: FinishReason) {
    let expected = value(name);
    events.push(finished(reason, usage_of(&expected["usage"])));
    let answer = ChatCompletion::collect(&head_of(&expected), events);
    assert_eq!(serde_json::to_value(&answer).unwrap(), expected, "{name}");
}

fn assert_streamed(name: &str, tool_stream: bool, events: &[ChatEvent]) {
    let expected = example(name);
    let first = expected.strip_prefix("data: ").unwrap().lines().next().unwrap();
    let mut writer = ChunkWriter::new(&head_of(&serde_json::from_str(first).unwrap()), tool_stream);
    let mut out = Vec::new();
    for event in events {
        writer.write(event, &mut out);
    }
    assert_eq!(String::from_utf8(out).unwrap(), expected, "{name}");
}

#[test]
fn chat_request() {
    let (request, options) = parsed("chat.request");
    assert_eq!(request.model.as_str(), "glm-5.1");
    assert_eq!(request.messages.len(), 2);
    assert_eq!(request.sampling.temperature, Some(1.0));
    assert_eq!(request.max_tokens, Some(1024));
    assert!(request.thinking.enabled && !request.thinking.preserved);
    assert!(!options.stream);
}

#[test]
fn chat_response() {
    let events = vec![
        ChatEvent::Started { prompt: Tokens(19), cached: Tokens(4) },
        reasoning("The user greets me and asks "),
        reasoning("for an introduction."),
        content("Hello! I am GLM, a language model."),
        content(" How can I help you?"),
    ];
    assert_collected("chat.response", events, FinishReason::Stop);
}

#[test]
fn chat_tools_request() {
    let (request, _) = parsed("chat.tools.request");
    assert_eq!(request.tools[0].name, "get_weather");
    assert_eq!(request.tools[0].parameters.as_ref().unwrap()["required"], json!(["city"]));
    assert_eq!(request.tool_choice, ToolChoice::Auto);
}

#[test]
fn chat_tools_response() {
    let mut events = vec![reasoning("The user wants the weather, so I call the tool.")];
    events.extend(call(0, "call_417fb00c5b2d4aada7fa6665", &["{\"city\":", "\"Beijing\"}"]));
    assert_collected("chat.tools.response", events, FinishReason::ToolCalls);
}

#[test]
fn chat_tools_followup_request() {
    let (request, _) = parsed("chat.tools.followup.request");
    assert!(request.thinking.preserved, "clear_thinking is false");
    assert_eq!(
        request.messages[1],
        Message::Assistant {
            content: String::new(),
            reasoning: Some("The user wants the weather, so I call the tool.".to_owned()),
            tool_calls: vec![ToolCall {
                id: "call_417fb00c5b2d4aada7fa6665".to_owned(),
                name: "get_weather".to_owned(),
                arguments: "{\"city\":\"Beijing\"}".to_owned(),
            }],
        }
    );
    assert!(
        matches!(&request.messages[2], Message::Tool { tool_call_id, .. } if tool_call_id == "call_417fb00c5b2d4aada7fa6665")
    );
}

#[test]
fn chat_vision_request() {
    let (request, _) = parsed("chat.vision.request");
    let Message::User { content } = &request.messages[0] else { panic!("a user message") };
    assert!(matches!(&content[0], Part::Image { url } if url.starts_with("https://cdn.bigmodel.cn/")));
    assert_eq!(content[1], Part::text("What is in the picture?"));
}

#[test]
fn chat_websearch_request() {
    let (request, options) = parsed("chat.websearch.request");
    assert!(request.tools.is_empty(), "the platform runs the search, not the caller");
    assert_eq!(options.web_searches[0]["count"], "5");
}

#[test]
fn chat_websearch_response() {
    let expected = value("chat.websearch.response");
    let events = vec![
        content("Retail sales rose in May [ref_1]."),
        finished(FinishReason::Stop, usage_of(&expected["usage"])),
    ];
    let mut answer = ChatCompletion::collect(&head_of(&expected), events);
    answer.web_search = expected["web_search"].as_array().unwrap().clone();
    assert_eq!(serde_json::to_value(&answer).unwrap(), expected);
}

#[test]
fn chat_stream() {
    let events = [
        ChatEvent::Started { prompt: Tokens(19), cached: Tokens(4) },
        reasoning("The user"),
        reasoning(" greets me."),
        ChatEvent::Usage(usage(19, 4, 6, 6)),
        content("Hello"),
        content(""),
        content(" there!"),
        finished(FinishReason::Stop, usage(19, 4, 11, 6)),
    ];
    assert_streamed("chat.stream", false, &events);
}

#[test]
fn chat_stream_tools() {
    let mut events = vec![reasoning("I need two cities.")];
    events.extend(call(0, "call_ee8e2fbf2fcd4b7d9059b1dc", &["{\"city\":", "\"Beijing\"}"]));
    events.extend(call(1, "call_3b2e37843e974f908d912e80", &["{\"city\":\"Shanghai\"}"]));
    events.push(finished(FinishReason::ToolCalls, usage(184, 160, 60, 8)));
    assert_streamed("chat.stream.tools", false, &events);
}

#[test]
fn chat_stream_toolstream() {
    let mut events = call(0, "call_ee8e2fbf2fcd4b7d9059b1dc", &["{\"city\":", "\"Beijing\"}"]);
    events.push(finished(FinishReason::ToolCalls, usage(184, 160, 22, 0)));
    assert_streamed("chat.stream.toolstream", true, &events);
}

#[test]
fn error_unknown_model() {
    let body = ErrorBody::new(Code::UnknownModel, &[]);
    assert_eq!(serde_json::to_value(body).unwrap(), value("error.unknown_model"));
}

#[test]
fn async_chat_request() {
    let (_, options) = parsed("async.chat.request");
    assert_eq!(options.request_id.as_deref(), Some("job-000001"));
}

#[test]
fn async_chat_response_and_the_task_under_way() {
    for name in ["async.chat.response", "async.chat.result.processing"] {
        let expected = value(name);
        let body = AsyncResult::processing(&head_of(&expected));
        assert_eq!(serde_json::to_value(body).unwrap(), expected, "{name}");
    }
}

#[test]
fn async_chat_result_success() {
    let expected = value("async.chat.result.success");
    let events =
        vec![content("Spring comes softly."), finished(FinishReason::Stop, usage_of(&expected["usage"]))];
    let body = AsyncResult::succeeded(ChatCompletion::collect(&head_of(&expected), events));
    assert_eq!(serde_json::to_value(&body).unwrap(), expected);
    assert_eq!(
        serde_json::from_value::<AsyncResult>(expected).unwrap(),
        body,
        "a stored result is read back"
    );
}

/// http-api.md §4.2: a failed task says `FAIL` and why.
#[test]
fn a_failed_task_says_why() {
    let head = head_of(&value("async.chat.response"));
    let body = AsyncResult::failed(&head, ErrorBody::new(Code::ProcessingFailed, &[]));
    let body = serde_json::to_value(body).unwrap();
    assert_eq!(body["task_status"], "FAIL");
    assert_eq!(body["error"], json!({"code": "1230", "message": "API call process error"}));
}

#[test]
fn tokenizer() {
    let (request, _) = parsed("tokenizer.request");
    assert_eq!(request.model.as_str(), "glm-4.6");
    let expected = value("tokenizer.response");
    let body = TokenCount::new(&head_of(&expected), Tokens(19), false);
    assert_eq!(serde_json::to_value(body).unwrap(), expected);
}

#[test]
fn models_list() {
    let expected = value("models.list");
    let entries = expected["data"].as_array().unwrap().iter().map(|entry| {
        let published = Timestamp::from_millis(entry["created"].as_i64().unwrap() * 1000);
        ModelEntry::new(&entry["id"].as_str().unwrap().parse().unwrap(), published, "z-ai")
    });
    assert_eq!(serde_json::to_value(ModelList::new(entries)).unwrap(), expected);
}
