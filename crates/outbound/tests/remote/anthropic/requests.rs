use inference::{Effort, ResponseFormat, Tool, ToolCall, ToolChoice};
use outbound::remote::PassThinking;
use serde_json::{Value, json};
use testkit::scripted_host::Answer;
use vocab::Secret;

use super::*;

async fn sent(change: impl FnOnce(&mut RemoteConfig), request: ChatRequest) -> Value {
    let host = ScriptedHost::start().await;
    host.will(Answer::message(&["Hi"]));
    let mut config = config(&host);
    change(&mut config);
    listen(RemoteEngine::new(config).unwrap().chat(request).await.unwrap()).await;
    host.only_request().json()
}

fn tool() -> Tool {
    Tool { name: "f".to_owned(), description: None, parameters: None, strict: None }
}

#[tokio::test]
async fn a_plain_request_is_streamed_with_a_limit_and_a_budget() {
    let body = sent(|_| {}, hi()).await;
    let expected = json!({
        "model": "claude-x",
        "max_tokens": 8192,
        "stream": true,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        "thinking": {"type": "enabled", "budget_tokens": 4096},
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn every_option_has_its_place() {
    let text = |text: &str| vec![Part::text(text)];
    let call = |id: &str, arguments: &str| ToolCall {
        id: id.to_owned(),
        name: "f".to_owned(),
        arguments: arguments.to_owned(),
    };
    let mut request = hi();
    request.messages = vec![
        Message::System { content: text("Be kind.") },
        Message::User { content: vec![Part::text("Look"), Part::text("!")] },
        Message::System { content: text("It is late.") },
        Message::Assistant {
            content: String::new(),
            reasoning: Some("Hm".to_owned()),
            tool_calls: vec![call("a", "{\"x\": 1.0}"), call("functions.f:1", "no object")],
        },
        Message::Tool { tool_call_id: "a".to_owned(), content: text("42") },
        Message::Tool { tool_call_id: "functions.f:1".to_owned(), content: vec![] },
        Message::User { content: text("And?") },
    ];
    request.tools = vec![tool()];
    request.tool_choice = ToolChoice::Named("f".to_owned());
    request.parallel_tool_calls = Some(false);
    request.sampling.temperature = Some(0.5);
    request.sampling.top_p = Some(0.25);
    request.thinking.effort = Some(Effort::High);
    request.max_tokens = Some(64_000);
    request.stop = vec!["END".to_owned()];
    request.user_id = Some("user-123".to_owned());
    request.format = ResponseFormat::JsonSchema { name: "n".to_owned(), schema: json!({"type": "object"}) };
    let lenient = |config: &mut RemoteConfig| {
        config.supports_json_schema = true;
        config.sends_reasoning = true;
    };
    let expected = json!({
        "model": "claude-x",
        "max_tokens": 64_000,
        "stream": true,
        "system": [{"type": "text", "text": "Be kind."}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Look!"}]},
            {"role": "system", "content": [{"type": "text", "text": "It is late."}]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "Hm", "signature": ""},
                {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1.0}},
                {"type": "tool_use", "id": "functions_f_1", "name": "f", "input": {"arguments": "no object"}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "42"}]},
                {"type": "tool_result", "tool_use_id": "functions_f_1"},
                {"type": "text", "text": "And?"},
            ]},
        ],
        "tools": [{"name": "f", "input_schema": {"type": "object", "properties": {}}}],
        "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": true},
        "thinking": {"type": "enabled", "budget_tokens": 16_384},
        "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": {"type": "object"}}},
        "temperature": 0.5,
        "top_p": 0.25,
        "stop_sequences": ["END"],
        "metadata": {"user_id": "user-123"},
    });
    assert_eq!(sent(lenient, request).await, expected);
}

/// Anthropic's own models refuse unsigned thinking, a temperature beside thinking, and both where a tool is forced.
#[tokio::test]
async fn a_strict_host_is_not_told_what_it_refuses() {
    let mut request = hi();
    request.messages.insert(
        0,
        Message::Assistant { content: "Hi".to_owned(), reasoning: Some("Hm".to_owned()), tool_calls: vec![] },
    );
    request.sampling.temperature = Some(0.5);
    request.sampling.top_p = Some(0.25);
    let body = sent(|_| {}, request.clone()).await;
    assert_eq!(body["messages"][0]["content"], json!([{"type": "text", "text": "Hi"}]));
    assert_eq!((body.get("temperature"), body.get("top_p")), (None, None));

    request.thinking.enabled = false;
    let body = sent(|_| {}, request.clone()).await;
    assert_eq!(body["thinking"], json!({"type": "disabled"}));
    assert_eq!((&body["temperature"], body.get("top_p")), (&json!(0.5), None));

    request.thinking.enabled = true;
    request.tools = vec![tool()];
    request.tool_choice = ToolChoice::Required;
    let body = sent(|_| {}, request).await;
    assert_eq!((body.get("thinking"), &body["temperature"]), (None, &json!(0.5)));
}

/// THINK-01: on and off, in the words of the model.
#[tokio::test]
async fn thinking_is_asked_for_in_the_words_of_the_host() {
    let mut request = hi();
    let adaptive = |config: &mut RemoteConfig| config.thinking = PassThinking::Adaptive;
    request.thinking.effort = Some(Effort::Minimal);
    let body = sent(adaptive, request.clone()).await;
    assert_eq!(
        (&body["thinking"], &body["output_config"]),
        (&json!({"type": "adaptive"}), &json!({"effort": "low"}))
    );

    let omit = |config: &mut RemoteConfig| config.thinking = PassThinking::Omit;
    let body = sent(omit, request.clone()).await;
    assert_eq!((body.get("thinking"), body.get("output_config")), (None, None));

    // Too short to think: the host is not asked for what it would refuse.
    request.max_tokens = Some(1_000);
    assert_eq!(sent(|_| {}, request).await.get("thinking"), None);
}

#[tokio::test]
async fn pictures_and_documents_become_blocks() {
    let mut request = hi();
    let image = |url: &str| Part::Image { url: url.to_owned() };
    let file = |url: &str| Part::File { url: url.to_owned() };
    request.messages = vec![Message::User {
        content: vec![
            image("https://example.com/a.png"),
            image("data:image/webp;base64,UklG"),
            image("iVBORw0KGgoAAAA"),
            file("JVBERi0xLjcK"),
            file("data:text/markdown;charset=utf-8;base64,IyBIaQ=="),
            file("https://example.com/a.pdf"),
        ],
    }];
    let body = sent(|_| {}, request).await;
    let expected = json!([
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/webp", "data": "UklG"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgoAAAA"}},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjcK"}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "# Hi"}},
        {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}},
    ]);
    assert_eq!(body["messages"][0]["content"], expected);
}

/// CAP-JSON-05: a form without a word in the dialect is asked for in words, and checked by the gateway.
#[tokio::test]
async fn a_form_of_the_answer_is_asked_for_in_words_where_there_is_no_field() {
    let mut request = hi();
    request.format = ResponseFormat::JsonObject;
    let body = sent(|config| config.supports_json_schema = true, request.clone()).await;
    assert!(body["system"][0]["text"].as_str().unwrap().contains("one JSON object"));

    request.format = ResponseFormat::JsonSchema { name: "n".to_owned(), schema: json!({"type": "array"}) };
    let body = sent(|_| {}, request).await;
    assert!(body["system"][0]["text"].as_str().unwrap().contains(r#"{"type":"array"}"#));
    assert_eq!(body.get("output_config"), None);
}

#[tokio::test]
async fn what_the_dialect_has_no_words_for_is_refused_before_the_host_is_asked() {
    let host = ScriptedHost::start().await;
    let user = |part: Part| {
        let mut request = hi();
        request.messages = vec![Message::User { content: vec![part] }];
        request
    };
    let mut logprobs = hi();
    logprobs.logprobs = Some(3);
    for request in [
        user(Part::Video { url: "https://example.com/a.mp4".to_owned() }),
        user(Part::Audio { data: "AAAA".to_owned(), format: "wav".to_owned() }),
        user(Part::File { url: "QUJD".to_owned() }),
        user(Part::Image { url: "data:image/svg+xml,<svg/>".to_owned() }),
        logprobs,
    ] {
        let error = engine(&host).chat(request).await.err();
        assert!(matches!(error, Some(EngineError::Unsupported { .. })), "{error:?}");
    }
    assert!(host.requests().is_empty());
}

#[tokio::test]
async fn key_version_and_headers_are_sent_with_every_call() {
    let host = ScriptedHost::start().await;
    host.will(Answer::message(&["Hi"]));
    let mut config = config(&host);
    config.key = Some(Secret::new("k-1"));
    config.headers = vec![("Anthropic-Beta".to_owned(), Secret::new("operators-own"))];
    let mut request = hi();
    request.thinking.effort = Some(Effort::Low);
    listen(RemoteEngine::new(config).unwrap().chat(request).await.unwrap()).await;
    let seen = host.only_request();
    assert_eq!(seen.path, "/v1/messages");
    assert_eq!(seen.header("x-api-key"), Some("k-1"));
    assert_eq!(seen.header("authorization"), None);
    assert_eq!(seen.header("anthropic-version"), Some("2023-06-01"));
    let betas =
        seen.headers.iter().filter(|(name, _)| name == "anthropic-beta").map(|(_, value)| value.as_str());
    assert_eq!(betas.collect::<Vec<_>>(), ["operators-own", "effort-2025-11-24"]);
}
