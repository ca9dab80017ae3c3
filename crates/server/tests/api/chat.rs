use inference::{ChatEvent, EngineError, FinishReason, Message, Overflow, Part, ResponseFormat, ToolChoice};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::scripted_engine::{Answer, ScriptedEngine};
use testkit::{TestApp, TestSettings};
use vocab::Tokens;

use crate::{hello, hello_with};

fn weather_call() -> Vec<ChatEvent> {
    vec![
        ChatEvent::Reasoning("I need the weather.".to_owned()),
        ChatEvent::ToolCallStarted { index: 0, id: "call_1".to_owned(), name: "get_weather".to_owned() },
        ChatEvent::ToolCallArguments { index: 0, fragment: "{\"city\":".to_owned() },
        ChatEvent::ToolCallArguments { index: 0, fragment: " \"Beijing\"}".to_owned() },
        ChatEvent::ToolCallFinished { index: 0 },
    ]
}

/// CAP-CHAT-03: the shape of a plain answer, its figures adding up.
#[tokio::test]
async fn a_plain_answer_has_every_documented_field() {
    let app = TestApp::start().await;
    app.engine.will(Answer::Events(
        vec![ChatEvent::Reasoning("They greet.".to_owned()), ChatEvent::Content("Hello!".to_owned())],
        FinishReason::Stop,
    ));
    let (status, body) = app.chat(&hello()).await;
    assert_eq!(status, 200);
    assert_eq!(body["object"], "chat.completion");
    assert_eq!(body["model"], "glm-4.7");
    let choice = &body["choices"][0];
    assert_eq!(choice["finish_reason"], "stop");
    assert_eq!(
        choice["message"],
        json!({"role": "assistant", "content": "Hello!", "reasoning_content": "They greet."})
    );
    assert_eq!(
        body["usage"],
        json!({
            "prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12,
            "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 1}
        })
    );
}

/// CAP-FUN-04: a call has an id, a type and arguments as JSON text.
#[tokio::test]
async fn a_tool_call_is_answered_whole() {
    let app = TestApp::start().await;
    app.engine.will(Answer::Events(weather_call(), FinishReason::ToolCalls));
    let tools =
        json!([{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}]);
    let (_, body) = app.chat(&hello_with(&json!({"tools": tools, "tool_choice": "required"}))).await;
    assert_eq!(body["choices"][0]["finish_reason"], "tool_calls");
    let call = &body["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(
        (&call["id"], &call["type"], &call["index"]),
        (&json!("call_1"), &json!("function"), &json!(0))
    );
    let arguments: Value = serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
    assert_eq!(arguments, json!({"city": "Beijing"}));
    assert_eq!(app.engine.requests()[0].tool_choice, ToolChoice::Required);
}

/// ENDP-08: model ids ignore case, and the answer prints the canonical one.
#[tokio::test]
async fn upper_case_model_names_work() {
    let app = TestApp::start().await;
    let (status, body) = app.chat(&hello_with(&json!({"model": "GLM-4.7"}))).await;
    assert_eq!((status, &body["model"]), (200, &json!("glm-4.7")));
}

/// ENDP-09, ENDP-10: an unknown model, one without an engine, and one that does not chat.
#[tokio::test]
async fn models_that_cannot_answer_are_told_apart() {
    let app = TestApp::start().await;
    let refusal = async |model: &str| {
        let (status, body) = app.chat(&hello_with(&json!({"model": model}))).await;
        (
            status,
            body["error"]["code"].as_str().unwrap().to_owned(),
            body["error"]["message"].as_str().unwrap().to_owned(),
        )
    };
    let (status, code, _) = refusal("no-such-model").await;
    assert_eq!((status, code.as_str()), (400, "1211"));
    let (status, code, message) = refusal("glm-5.1").await;
    assert_eq!((status, code.as_str()), (400, "1211"));
    assert!(message.contains("[[models]]"), "{message}");
    let (status, code, message) = refusal("glm-image").await;
    assert_eq!((status, code.as_str()), (400, "1212"));
    assert!(message.contains("chat/completions"), "{message}");
}

/// MODEL-01, MODEL-04, MODEL-06: what is not sent is the model's default; too much is cut to its maximum.
#[tokio::test]
async fn defaults_and_limits_are_the_models() {
    let app = TestApp::start().await;
    app.chat(&hello()).await;
    app.chat(&hello_with(&json!({"model": "glm-4.5", "max_tokens": 131_072, "temperature": 1.5}))).await;
    let requests = app.engine.requests();
    assert_eq!((requests[0].max_tokens, requests[0].sampling.temperature), (Some(65_536), Some(1.0)));
    assert_eq!(requests[0].sampling.top_p, Some(0.95));
    assert!(requests[0].thinking.enabled);
    assert_eq!((requests[1].max_tokens, requests[1].sampling.temperature), (Some(98_304), Some(1.0)));
}

/// MODEL-01, MODEL-04, for operators that want it to the letter: above the maximum is refused; temperature 1.5 -> 1214.
#[tokio::test]
async fn too_many_tokens_and_too_much_heat_are_refused_where_the_operator_says_so() {
    let mut settings = TestSettings::default();
    settings.gateway.out_of_range = gateway::OutOfRange::Refuse;
    let app = TestApp::with(settings).await;
    let (status, body) = app.chat(&hello_with(&json!({"model": "glm-4.5", "max_tokens": 98_305}))).await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!("1214")));
    assert!(body["error"]["message"].as_str().unwrap().contains("max_tokens"));
    let (status, body) = app.chat(&hello_with(&json!({"temperature": 1.5}))).await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!("1214")));
    assert!(body["error"]["message"].as_str().unwrap().contains("temperature"));
    assert_eq!(app.chat(&hello_with(&json!({"temperature": 1}))).await.0, 200);
}

/// THINK-03: earlier reasoning is dropped on the general door and kept on the coding door.
#[tokio::test]
async fn the_door_decides_whether_earlier_thinking_is_kept() {
    let app = TestApp::start().await;
    app.chat(&hello()).await;
    let coding = format!("{}/api/coding/paas/v4/chat/completions", app.base_url);
    app.http.post(coding).bearer_auth(app.key.expose()).body(hello().to_string()).send().await.unwrap();
    let requests = app.engine.requests();
    assert!(!requests[0].thinking.preserved);
    assert!(requests[1].thinking.preserved);
}

/// CAP-CHAT-09: text models say that they take text; vision models are handed the picture.
#[tokio::test]
async fn pictures_go_only_to_models_that_take_them() {
    let app = TestApp::start().await;
    let content = json!([{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}, {"type": "text", "text": "?"}]);
    let messages = json!([{"role": "user", "content": content}]);
    let (status, body) = app.chat(&hello_with(&json!({"messages": messages}))).await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!("1214")));
    let (status, _) = app.chat(&hello_with(&json!({"messages": messages, "model": "glm-4.6v"}))).await;
    assert_eq!(status, 200);
    let Message::User { content } = &app.engine.requests()[0].messages[0] else { panic!("a user message") };
    assert!(matches!(content[0], Part::Image { .. }));
}

/// ERR-07, clients.md §3.7: the one text that every coding tool takes for an overflow.
#[tokio::test]
async fn an_overlong_prompt_is_refused_in_words_that_coding_tools_know() {
    let app = TestApp::start().await;
    let overflow = Overflow { prompt: Tokens(210_000), window: Tokens(202_752) };
    app.engine.will(Answer::Refusal(EngineError::ContextOverflow(overflow)));
    let (status, body) = app.chat(&hello()).await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!("1261")));
    assert_eq!(
        body["error"]["message"],
        "Prompt exceeds max length: prompt is too long: 210000 tokens > 202752 maximum. \
         This model's maximum context length is 202752 tokens."
    );
}

/// ERR-12: what the engine did is told truthfully, and its inner reasons stay inside.
#[tokio::test]
async fn engine_failures_are_mapped_truthfully() {
    let app = TestApp::start().await;
    let secret = "password in a connection string";
    let cases = [
        (EngineError::Busy { retry_after: Some(Duration::from_secs(7)) }, 429, "1305"),
        (EngineError::Unavailable { reason: secret.to_owned() }, 500, "1234"),
        (EngineError::TimedOut { reason: secret.to_owned() }, 500, "1234"),
        (EngineError::Failed { reason: secret.to_owned() }, 500, "1230"),
        (EngineError::Unauthorized, 500, "1230"),
        (EngineError::Rejected { message: "no".to_owned() }, 400, "1210"),
    ];
    for (error, status, code) in cases {
        let is_busy = matches!(error, EngineError::Busy { .. });
        app.engine.will(Answer::Refusal(error));
        let response = app.post("/chat/completions").body(hello().to_string()).send().await.unwrap();
        assert_eq!(response.status(), status, "{code}");
        if is_busy {
            assert_eq!(response.headers()["retry-after"], "7");
        }
        let text = response.text().await.unwrap();
        assert!(text.contains(&format!("\"code\":\"{code}\"")), "{text}");
        assert!(!text.contains(secret), "{text}");
    }
}

/// A plain answer that breaks off has not begun for the caller: it is an error, not half an answer.
#[tokio::test]
async fn a_broken_plain_answer_is_an_error() {
    let app = TestApp::start().await;
    let half = vec![ChatEvent::Content("Hel".to_owned())];
    app.engine.will(Answer::BreaksOff(half, EngineError::Failed { reason: "gone".to_owned() }));
    let (status, body) = app.chat(&hello()).await;
    assert_eq!((status, &body["error"]["code"]), (500, &json!("1234")));
}

/// Other engines are asked as long as nothing was generated.
#[tokio::test]
async fn a_failing_engine_is_replaced_before_the_first_token() {
    let second = std::sync::Arc::new(ScriptedEngine::new("second"));
    let app = TestApp::with(TestSettings { others: vec![second.clone()], ..TestSettings::default() }).await;
    for engine in [&app.engine, &second] {
        // Whichever is asked first fails; the other one answers.
        engine.will(Answer::Refusal(EngineError::Unavailable { reason: "down".to_owned() }));
    }
    second.will_say(&["from the second"]);
    app.engine.will_say(&["from the first"]);
    // Both refuse once: the first request fails on both.
    assert_eq!(app.chat(&hello()).await.0, 500);
    assert_eq!(app.chat(&hello()).await.0, 200);
}

/// ERR-08: the same request id twice at once; afterwards it may be used again.
#[tokio::test]
async fn a_request_id_that_is_under_way_is_refused() {
    let app = std::sync::Arc::new(TestApp::gated().await);
    let body = hello_with(&json!({"request_id": "a1"}));
    let first = tokio::spawn({
        let (app, body) = (app.clone(), body.clone());
        async move { app.chat(&body).await.0 }
    });
    app.until("the first request runs", async || app.engine.running() == 1).await;
    let (status, answer) = app.chat(&body).await;
    assert_eq!((status, &answer["error"]["code"]), (400, &json!("1231")));
    assert!(answer["error"]["message"].as_str().unwrap().contains("a1"));
    app.engine.let_through(100);
    assert_eq!(first.await.unwrap(), 200);
    assert_eq!(app.chat(&body).await.0, 200);
}

/// CAP-JSON-05: an engine that wraps its JSON in words is cleaned up, or asked once more.
#[tokio::test]
async fn careless_engines_are_held_to_json() {
    let app = TestApp::with(TestSettings {
        engine: ScriptedEngine::careless("careless"),
        ..TestSettings::default()
    })
    .await;
    let body = hello_with(&json!({"response_format": {"type": "json_object"}}));
    app.engine.will_say(&["```json\n", "{\"color\": \"red\"}", "\n```"]);
    let (_, answer) = app.chat(&body).await;
    assert_eq!(answer["choices"][0]["message"]["content"], "{\"color\": \"red\"}");

    app.engine.will_say(&["red, I think"]);
    app.engine.will_say(&["{\"color\": \"red\"}"]);
    let (_, answer) = app.chat(&body).await;
    assert_eq!(answer["choices"][0]["message"]["content"], "{\"color\": \"red\"}");
    assert_eq!(answer["usage"]["prompt_tokens"], 20, "both tries are counted");
    assert_eq!(app.engine.requests().len(), 3);
    assert_eq!(app.engine.requests()[0].format, ResponseFormat::JsonObject);
}
