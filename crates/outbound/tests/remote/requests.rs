use inference::{Effort, ResponseFormat, Tool, ToolCall, ToolChoice};
use outbound::remote::PassThinking;
use serde_json::{Value, json};
use vocab::Secret;

use super::*;

async fn sent(change: impl FnOnce(&mut RemoteConfig), request: ChatRequest) -> Value {
    let host = ScriptedHost::start().await;
    let mut config = config(&host);
    change(&mut config);
    listen(RemoteEngine::new(config).unwrap().chat(request).await.unwrap()).await;
    host.only_request().json()
}

fn user(content: Vec<Part>) -> ChatRequest {
    ChatRequest::new("glm-4.7".parse().unwrap(), vec![Message::User { content }])
}

#[tokio::test]
async fn a_plain_request_is_streamed_and_says_nothing_it_need_not() {
    let body = sent(|_| {}, hi()).await;
    let expected = json!({
        "model": "zai-org/GLM-4.7",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": true,
        "stream_options": {"include_usage": true},
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn every_option_has_its_place() {
    let mut request = hi();
    request.messages = vec![
        Message::System { content: vec![Part::text("Be "), Part::text("kind.")] },
        Message::User { content: vec![Part::text("Hi")] },
        Message::Assistant {
            content: String::new(),
            reasoning: Some("Hm".to_owned()),
            tool_calls: vec![ToolCall {
                id: "a".to_owned(),
                name: "f".to_owned(),
                arguments: "{\"x\":1}".to_owned(),
            }],
        },
        Message::Tool { tool_call_id: "a".to_owned(), content: vec![Part::text("42")] },
    ];
    request.tools = vec![Tool { name: "f".to_owned(), description: None, parameters: None, strict: None }];
    request.tool_choice = ToolChoice::Named("f".to_owned());
    request.parallel_tool_calls = Some(false);
    request.sampling.temperature = Some(0.5);
    request.sampling.seed = Some(7);
    request.sampling.presence_penalty = Some(-1.0);
    request.max_tokens = Some(64);
    request.stop = vec!["END".to_owned()];
    request.logprobs = Some(3);
    request.format = ResponseFormat::JsonSchema { name: "n".to_owned(), schema: json!({"type": "object"}) };
    let body = sent(
        |config| {
            config.supports_json_schema = true;
            config.sends_reasoning = true;
        },
        request,
    )
    .await;
    let expected = json!({
        "model": "zai-org/GLM-4.7",
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "", "reasoning_content": "Hm",
                "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}}]},
            {"role": "tool", "tool_call_id": "a", "content": "42"},
        ],
        "stream": true,
        "stream_options": {"include_usage": true},
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "parallel_tool_calls": false,
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}},
        "temperature": 0.5,
        "seed": 7,
        "presence_penalty": -1.0,
        "max_tokens": 64,
        "stop": ["END"],
        "logprobs": true,
        "top_logprobs": 3,
    });
    assert_eq!(body, expected);
}

/// THINK-01, THINK-03: a Z.ai-compatible host gets the switches as they are, others in their own words.
#[tokio::test]
async fn thinking_is_passed_on_in_the_words_of_the_host() {
    let mut request = hi();
    request.thinking.enabled = false;
    request.thinking.preserved = true;
    request.thinking.effort = Some(Effort::High);
    request.tool_stream = true;
    request.tools = vec![Tool { name: "f".to_owned(), description: None, parameters: None, strict: None }];
    request.sampling.greedy = true;
    request.user_id = Some("user-123".to_owned());

    let zai = |config: &mut RemoteConfig| {
        *config = RemoteConfig::new("zai", Kind::ZAi, config.base_url.clone(), "glm-4.7");
    };
    let body = sent(zai, request.clone()).await;
    assert_eq!(body["thinking"], json!({"type": "disabled", "clear_thinking": false}));
    assert_eq!(body["reasoning_effort"], "high");
    assert_eq!(body["tool_stream"], true);
    assert_eq!((&body["do_sample"], &body["user_id"]), (&json!(false), &json!("user-123")));

    let body = sent(|config| config.thinking = PassThinking::TemplateArguments, request.clone()).await;
    let arguments = json!({"enable_thinking": false, "clear_thinking": false, "reasoning_effort": "high"});
    assert_eq!(body["chat_template_kwargs"], arguments);
    assert_eq!((&body["temperature"], &body["user"]), (&json!(0.0), &json!("user-123")));
    assert_eq!(body.get("tool_stream"), None);

    let body = sent(|_| {}, request).await;
    assert_eq!(
        (body.get("thinking"), body.get("chat_template_kwargs"), body.get("reasoning_effort")),
        (None, None, None)
    );
}

#[tokio::test]
async fn pictures_are_sent_the_way_each_host_reads_them() {
    let picture = || user(vec![Part::text("What?"), Part::Image { url: "iVBORw0KGgoAAAA".to_owned() }]);
    let body = sent(|_| {}, picture()).await;
    let url = "data:image/png;base64,iVBORw0KGgoAAAA";
    assert_eq!(
        body["messages"][0]["content"],
        json!([{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": url}}])
    );
    let body = sent(|config| config.kind = Kind::ZAi, picture()).await;
    assert_eq!(body["messages"][0]["content"][1]["image_url"]["url"], "iVBORw0KGgoAAAA");
}

#[tokio::test]
async fn what_a_host_has_no_words_for_is_refused_before_it_is_asked() {
    let host = ScriptedHost::start().await;
    let result =
        engine(&host).chat(user(vec![Part::File { url: "https://example.com/a.pdf".to_owned() }])).await;
    assert!(matches!(result.err(), Some(EngineError::Unsupported { field: "messages", .. })));
    assert!(host.requests().is_empty());
}

#[tokio::test]
async fn key_and_headers_are_sent_with_every_call() {
    let host = ScriptedHost::start().await;
    let mut config = config(&host);
    config.key = Some(Secret::new("k-1"));
    config.headers = vec![("X-Team".to_owned(), Secret::new("blue"))];
    listen(RemoteEngine::new(config).unwrap().chat(hi()).await.unwrap()).await;
    let seen = host.only_request();
    assert_eq!(seen.path, "/v1/chat/completions");
    assert_eq!(seen.header("authorization"), Some("Bearer k-1"));
    assert_eq!(seen.header("x-team"), Some("blue"));
    assert_eq!(seen.header("accept-encoding"), None, "compression would hold events back");
}
