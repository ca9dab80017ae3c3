//! Remote engines against a scripted host: what works, what breaks, and who is told what.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod anthropic;
mod breaker;
mod cancellation;
mod counting;
mod faults;
mod refusals;
mod requests;
mod secrets;

use std::time::Duration;

use futures::StreamExt;
use inference::{ChatEngine, ChatEvent, ChatRequest, ChatStream, EngineError, FinishReason, Message, Part};
use outbound::remote::{Kind, RemoteConfig, RemoteEngine};
use testkit::scripted_host::ScriptedHost;
use vocab::Usage;

fn config(host: &ScriptedHost) -> RemoteConfig {
    let mut config = RemoteConfig::new("gpu1", Kind::OpenAi, host.base_url(), "zai-org/GLM-4.7");
    config.timeouts.connect = Duration::from_secs(5);
    config.timeouts.first_token = Duration::from_secs(5);
    config.timeouts.idle = Duration::from_secs(5);
    config
}

fn engine(host: &ScriptedHost) -> RemoteEngine {
    RemoteEngine::new(config(host)).unwrap()
}

fn hi() -> ChatRequest {
    ChatRequest::new("glm-4.7".parse().unwrap(), vec![Message::User { content: vec![Part::text("Hi")] }])
}

/// The error of a chat that should not have begun.
async fn refused(engine: &RemoteEngine) -> EngineError {
    match engine.chat(hi()).await {
        Err(error) => error,
        Ok(_) => panic!("the chat began"),
    }
}

/// What came of a whole answer.
#[derive(Debug, Default)]
struct Told {
    reasoning: String,
    content: String,
    finish: Option<(FinishReason, Usage)>,
    usage: Usage,
    error: Option<EngineError>,
}

async fn listen(mut stream: ChatStream) -> Told {
    let mut told = Told::default();
    while let Some(event) = stream.next().await {
        assert!(told.finish.is_none() && told.error.is_none(), "{event:?} after the end");
        match event {
            Ok(ChatEvent::Reasoning(text)) => told.reasoning += &text,
            Ok(ChatEvent::Content(text)) => told.content += &text,
            Ok(ChatEvent::Usage(usage)) => told.usage = usage,
            Ok(ChatEvent::Finished { reason, usage }) => told.finish = Some((reason, usage)),
            Ok(_) => {}
            Err(error) => told.error = Some(error),
        }
    }
    told
}

async fn next_content(stream: &mut ChatStream) -> String {
    loop {
        match stream.next().await.expect("more events").unwrap() {
            ChatEvent::Content(text) => return text,
            ChatEvent::Started { .. } | ChatEvent::Usage(_) => {}
            other => panic!("{other:?}"),
        }
    }
}
