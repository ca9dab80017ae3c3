//! Translation loses nothing: what `outbound` spells for a host, `wire` reads as the same request.
//!
//! Each request goes through a real engine to a socket, and what arrived there is read as a client's.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod chat;
mod messages;
mod recorded;
mod requests;

use inference::{ChatEngine, ChatRequest};
use outbound::remote::{Kind, RemoteConfig, RemoteEngine};
use testkit::scripted_host::{Answer, ScriptedHost};

/// A host that is sent requests, one after the other.
struct Host {
    runtime: tokio::runtime::Runtime,
}

impl Host {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { runtime }
    }

    /// The body that a host gets for `request`.
    fn body_of(&self, request: &ChatRequest, kind: Kind, change: impl FnOnce(&mut RemoteConfig)) -> Vec<u8> {
        let exchange = async {
            let host = ScriptedHost::start().await;
            host.otherwise(match kind {
                Kind::OpenAi | Kind::ZAi => Answer::text(&["x"]),
                Kind::Anthropic => Answer::message(&["x"]),
            });
            // The host's name of the model is the public one, so that it can be compared too.
            let mut config = RemoteConfig::new("host", kind, host.base_url(), request.model.as_str());
            config.supports_json_schema = true;
            config.sends_reasoning = true;
            change(&mut config);
            let engine = RemoteEngine::new(config).unwrap();
            drop(engine.chat(request.clone()).await.unwrap());
            host.only_request().body
        };
        self.runtime.block_on(exchange)
    }
}
