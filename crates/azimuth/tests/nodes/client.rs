use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::{Value, json};
use testkit::scripted_host::ScriptedHost;
use tokio::task::JoinHandle;
use vocab::{RequestId, Secret};

use crate::node::Node;

/// Nobody waits for longer, whatever has gone away.
const ANSWER_MAX: Duration = Duration::from_secs(4);

/// What pays from the balance.
pub const GENERAL: &str = "paas";
/// What pays from the plan.
pub const CODING: &str = "coding/paas";

/// What came back.
#[derive(Clone, Debug)]
pub struct Answered {
    pub status: u16,
    /// The error's code; empty if it was answered.
    pub code: String,
    pub request: Option<RequestId>,
    pub began: Instant,
    pub took: Duration,
}

impl Answered {
    pub fn is_ok(&self) -> bool {
        self.status == 200
    }
}

/// Who asks.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
}

impl Client {
    pub fn new() -> Self {
        Self { http: reqwest::Client::builder().timeout(ANSWER_MAX).build().expect("a client") }
    }

    fn request(&self, node: &Node, door: &str, model: &str, key: &Secret) -> reqwest::RequestBuilder {
        let body = json!({
            "model": model, "max_tokens": 2, "messages": [{"role": "user", "content": "Hi"}],
        });
        let url = format!("{}/api/{door}/v4/chat/completions", node.base_url);
        self.http.post(url).bearer_auth(key.expose()).body(body.to_string())
    }

    /// Asks the model that answers. `None` if the node is gone.
    pub async fn try_ask(&self, node: &Node, door: &str, key: &Secret) -> Option<Answered> {
        exchange(self.request(node, door, "glm-4.7", key)).await.ok()
    }

    /// Asks the model that answers.
    pub async fn ask(&self, node: &Node, door: &str, key: &Secret) -> Answered {
        exchange(self.request(node, door, "glm-4.7", key)).await.expect("every request is answered in time")
    }

    /// Asks the model that never answers; comes back only if the request is refused.
    pub async fn ask_silent(&self, node: &Node, key: &Secret) -> Answered {
        let request = self.request(node, GENERAL, "glm-4.6", key);
        exchange(request).await.expect("the request is refused in time")
    }

    /// A request that was let through and goes on until [`let_go`]. Tries for a while.
    pub async fn hold(&self, node: &Node, key: &Secret, host: &ScriptedHost) -> JoinHandle<()> {
        let before = host.requests().len();
        let deadline = Instant::now() + Duration::from_secs(15);
        loop {
            let request = self.request(node, GENERAL, "glm-4.6", key).timeout(Duration::from_secs(300));
            let waiting = tokio::spawn(async move { drop(exchange(request).await) });
            while !waiting.is_finished() {
                if host.requests().len() > before {
                    return waiting;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            assert!(Instant::now() < deadline, "there is no room: {}", node.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// The callers hang up.
pub fn let_go(held: impl IntoIterator<Item = JoinHandle<()>>) {
    held.into_iter().for_each(|waiting| waiting.abort());
}

async fn exchange(request: reqwest::RequestBuilder) -> reqwest::Result<Answered> {
    let began = Instant::now();
    let response = request.send().await?;
    let status = response.status().as_u16();
    let request = response.headers().get("x-request-id").and_then(|id| RequestId::parse(id.to_str().ok()?));
    let body = response.bytes().await?;
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let code = body["error"]["code"].as_str().unwrap_or_default().to_owned();
    Ok(Answered { status, code, request, began, took: began.elapsed() })
}

/// What became of requests that do not take no for an answer.
#[derive(Debug, Default)]
pub struct Insisted {
    pub answered: usize,
    /// How often each code came back.
    pub refused: BTreeMap<String, usize>,
}

/// Clients on every node that ask again and again, until nothing has been let through for four seconds: by then every
/// node has given back what it does not use.
pub async fn insist(nodes: &[Node], door: &str, key: &Secret, clients: usize) -> Insisted {
    const QUIET: Duration = Duration::from_secs(4);
    let (client, all) = (Client::new(), Mutex::new(Insisted::default()));
    let last = Mutex::new(Instant::now());
    let asking = nodes.iter().cycle().take(nodes.len() * clients).map(async |node| {
        while last.lock().unwrap_or_else(PoisonError::into_inner).elapsed() < QUIET {
            let answer = client.ask(node, door, key).await;
            if answer.is_ok() {
                *last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
                all.lock().unwrap_or_else(PoisonError::into_inner).answered += 1;
            } else {
                let code = answer.code;
                *all.lock().unwrap_or_else(PoisonError::into_inner).refused.entry(code).or_default() += 1;
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
        }
    });
    join_all(asking).await;
    all.into_inner().unwrap_or_else(PoisonError::into_inner)
}
