use outbound::remote::Tokenize;
use serde_json::json;
use testkit::scripted_host::{Answer, content};
use vocab::Tokens;

use super::*;

/// Never zero when text was sent.
#[tokio::test]
async fn a_host_without_figures_is_counted_by_us() {
    let host = ScriptedHost::start().await;
    host.will(Answer::stream(&[content("Hel"), content("lo")]));
    let (_, usage) = listen(engine(&host).chat(hi()).await.unwrap()).await.finish.unwrap();
    assert_eq!(usage.completion(), Tokens(2));
    assert!(usage.prompt() > Tokens::ZERO);
}

/// An error's text is not output.
#[tokio::test]
async fn the_text_of_an_error_is_not_counted() {
    let host = ScriptedHost::start().await;
    let error = json!({"error": {"message": "x".repeat(4000), "code": 500}});
    host.will(Answer::open_stream().event(&content("Hel").to_string()).event(&error.to_string()).end());
    let told = listen(engine(&host).chat(hi()).await.unwrap()).await;
    assert!(told.error.is_some());
    assert_eq!(told.usage.completion(), Tokens(1));
}

/// Running figures of the host count for a stream that breaks, and the last ones stand.
#[tokio::test]
async fn running_figures_replace_earlier_ones() {
    let host = ScriptedHost::start().await;
    let chunk = |text: &str, completion: u64| {
        json!({"choices": [{"index": 0, "delta": {"content": text}}],
            "usage": {"prompt_tokens": 30, "completion_tokens": completion, "prompt_tokens_details": {"cached_tokens": 16}}})
    };
    let mut config = config(&host);
    config.supports_usage_continuous = true;
    host.will(
        Answer::open_stream().event(&chunk("a", 3).to_string()).event(&chunk("b", 8).to_string()).cut(),
    );
    let told = listen(RemoteEngine::new(config).unwrap().chat(hi()).await.unwrap()).await;
    assert_eq!((told.usage.fresh_prompt, told.usage.cached_prompt), (Tokens(14), Tokens(16)));
    assert_eq!(told.usage.completion(), Tokens(8));
    let options = &host.only_request().json()["stream_options"];
    assert_eq!(options, &json!({"include_usage": true, "continuous_usage_stats": true}));
}

/// Nothing was said, so nothing is counted.
#[tokio::test]
async fn an_empty_answer_has_no_output_tokens() {
    let host = ScriptedHost::start().await;
    host.will(Answer::stream(&[
        json!({"choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "stop"}]}),
    ]));
    let (_, usage) = listen(engine(&host).chat(hi()).await.unwrap()).await.finish.unwrap();
    assert_eq!(usage.completion(), Tokens::ZERO);
}

#[tokio::test]
async fn prompts_are_counted_by_the_host_where_it_can() {
    let host = ScriptedHost::start().await;
    let count = async |tokenize, kind| {
        let mut config = config(&host);
        (config.tokenize, config.kind) = (tokenize, kind);
        RemoteEngine::new(config).unwrap().count_tokens(&hi()).await.unwrap()
    };

    host.will(Answer::json(200, &json!({"count": 11, "max_model_len": 4096, "tokens": [1, 2]})));
    assert_eq!(count(Tokenize::Vllm, Kind::OpenAi).await, Tokens(11));
    host.will(Answer::json(200, &json!({"prompt": "[gMASK]<sop><|user|>Hi"})));
    host.will(Answer::json(200, &json!({"tokens": [1, 2, 3, {"id": 4, "piece": "x"}]})));
    assert_eq!(count(Tokenize::LlamaServer, Kind::OpenAi).await, Tokens(4));
    host.will(Answer::json(
        200,
        &json!({"usage": {"prompt_tokens": 9, "image_tokens": 3, "total_tokens": 12}}),
    ));
    assert_eq!(count(Tokenize::ZAi, Kind::ZAi).await, Tokens(12));
    assert_eq!(count(Tokenize::Estimate, Kind::OpenAi).await, Tokens(5));

    let paths: Vec<_> = host.requests().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths, ["/tokenize", "/apply-template", "/tokenize", "/v1/tokenizer"]);
}

#[tokio::test]
async fn a_count_that_fails_says_so() {
    let host = ScriptedHost::start().await;
    host.will(Answer::status(404, &[], "no such route"));
    let mut config = config(&host);
    config.tokenize = Tokenize::Vllm;
    let error = RemoteEngine::new(config).unwrap().count_tokens(&hi()).await.unwrap_err();
    assert!(matches!(error, EngineError::Unavailable { .. }));
}
