//! Chat models on other hosts: servers compatible with OpenAI's, Z.ai's or Anthropic's.
//!
//! One [`RemoteEngine`] is one model on one host. It always streams, accepts what servers are known to send
//! rather than what they should, and never lets a secret into an error.

mod answer;
mod anthropic;
mod arguments;
mod body;
mod breaker;
mod chunk;
mod chunk_reader;
mod config;
mod decoder;
mod in_flight;
mod meter;
mod overflow;
mod raw_output;
mod refusal;
mod sse;
mod telling;
mod tokens;
mod tool_calls;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use http::{Method, Response, StatusCode, Uri};
use inference::{ChatEngine, ChatRequest, ChatStream, EngineDescription, EngineError};
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use vocab::Tokens;

use crate::client::{ModelClient, Pieces, Unsent};
use answer::Answer;
use breaker::{Attempt, Breaker};
use config::Endpoints;
use decoder::{Decoder, Reader};
use in_flight::InFlight;
use meter::estimate_prompt;
use refusal::Refusals;

pub use config::{BreakerConfig, Kind, PassThinking, RemoteConfig, RemoteConfigError, Timeouts, Tokenize};

/// A host that is asked whether it lives answers within this time.
const PROBE_MAX: Duration = Duration::from_secs(2);
/// The most time and bytes for the body of a refusal, or for a side question.
const SIDE_ANSWER_MAX: Duration = Duration::from_secs(10);
const REFUSAL_BYTES_MAX: usize = 64 << 10;
const SIDE_ANSWER_BYTES_MAX: usize = 32 << 20;

/// A body in the words of the host.
#[derive(Debug)]
struct Question {
    body: Bytes,
    /// What `anthropic-beta` must name for the host to understand it.
    betas: Vec<&'static str>,
}

impl From<Vec<u8>> for Question {
    fn from(body: Vec<u8>) -> Self {
        Self { body: body.into(), betas: Vec::new() }
    }
}

/// One model on one host.
pub struct RemoteEngine {
    config: RemoteConfig,
    endpoints: Endpoints,
    client: ModelClient,
    refusals: Arc<Refusals>,
    breaker: Arc<Breaker>,
    in_flight: InFlight,
}

impl RemoteEngine {
    /// Checks the settings and prepares the connection pool. The host itself is not asked.
    pub fn new(config: RemoteConfig) -> Result<Self, RemoteConfigError> {
        let endpoints = Endpoints::new(&config)?;
        let client = ModelClient::new(&endpoints.host, config.timeouts.connect)
            .map_err(|source| RemoteConfigError::Client { name: config.name.clone(), source })?;
        let secrets =
            config.key.iter().chain(config.headers.iter().map(|(_, value)| value)).cloned().collect();
        Ok(Self {
            endpoints,
            client,
            refusals: Arc::new(Refusals { secrets, context_window: config.context_window }),
            breaker: Arc::new(Breaker::new(config.breaker)),
            in_flight: InFlight::new(config.concurrency_max),
            config,
        })
    }

    /// Asks the host for its list of models and tells the breaker whether it answered. For a schedule: a host
    /// that went away is noticed before a caller does, and one that came back is used again at once.
    pub async fn probe(&self) -> Result<(), EngineError> {
        let headers = &self.endpoints.headers;
        let question = self.client.send(Method::GET, &self.endpoints.models, headers, Bytes::new());
        let outcome = match timeout(PROBE_MAX, question).await {
            Err(_) => Err(timed_out("no answer to a probe", PROBE_MAX)),
            Ok(Err(error)) => Err(self.unsent(&error)),
            // Any answer but a failure shows that the host lives; not every host has a list of models.
            Ok(Ok(response)) if !response.status().is_server_error() => Ok(()),
            Ok(Ok(response)) => Err(self.refusal(response, Tokens::ZERO).await),
        };
        match &outcome {
            Ok(()) => self.breaker.record_success(),
            Err(_) => self.breaker.record_failure(),
        }
        outcome
    }

    /// Posts `question` and hands out any answer, good or bad.
    async fn post(&self, uri: &Uri, question: Question) -> Result<Response<Pieces>, Unsent> {
        let headers = self.endpoints.headers_with(&question.betas);
        match self.client.send(Method::POST, uri, &headers, question.body.clone()).await {
            // A kept-alive connection that the host was just closing. Nothing was answered, so asking once
            // more costs nothing, while the caller would have to.
            Err(unsent) if unsent.is_lost => {
                self.client.send(Method::POST, uri, &headers, question.body).await
            }
            result => result,
        }
    }

    /// A question beside the chat, with a JSON answer.
    async fn ask<T: DeserializeOwned>(&self, uri: &Uri, question: Question) -> Result<T, EngineError> {
        let exchange = async {
            let response = self.post(uri, question).await.map_err(|unsent| self.unsent(&unsent))?;
            if !response.status().is_success() {
                return Err(self.refusal(response, Tokens::ZERO).await);
            }
            let bytes = read_at_most(response.into_body(), SIDE_ANSWER_BYTES_MAX)
                .await
                .ok_or_else(|| failed("the host broke off a token count"))?;
            serde_json::from_slice(&bytes).map_err(|_| failed("the host's token count cannot be read"))
        };
        timeout(SIDE_ANSWER_MAX, exchange)
            .await
            .unwrap_or_else(|_| Err(timed_out("no token count", SIDE_ANSWER_MAX)))
    }

    /// Sends the request and waits for the first piece of output.
    async fn converse(&self, request: ChatRequest, attempt: Attempt) -> Result<ChatStream, EngineError> {
        let Some(slot) = self.in_flight.enter() else {
            return Err(EngineError::Busy { retry_after: None });
        };
        let question = match self.config.kind {
            Kind::OpenAi | Kind::ZAi => body::chat(&self.config, &request)?.into(),
            Kind::Anthropic => anthropic::chat(&self.config, &request)?,
        };
        let first_token_max = self.config.timeouts.first_token;
        let deadline = tokio::time::Instant::now() + first_token_max;

        let sent = tokio::time::timeout_at(deadline, self.post(&self.endpoints.chat, question)).await;
        let response = match sent {
            Err(_) => {
                attempt.failed();
                return Err(timed_out("no first token", first_token_max));
            }
            Ok(Err(error)) => {
                attempt.failed();
                return Err(self.unsent(&error));
            }
            Ok(Ok(response)) => response,
        };

        let status = response.status();
        if !status.is_success() {
            let error = self.refusal(response, estimate_prompt(&request)).await;
            if is_hosts_fault(status, &error) {
                attempt.failed();
            } else {
                attempt.succeeded();
            }
            return Err(error);
        }

        let decoder = Decoder::new(&request, Reader::new(&self.config, &request), Arc::clone(&self.refusals));
        drop(request);
        let mut answer = Answer::new(response.into_body(), decoder, self.config.timeouts.idle, attempt, slot);
        match tokio::time::timeout_at(deadline, answer.begin()).await {
            Ok(Ok(())) => Ok(Box::pin(answer)),
            Ok(Err(error)) => {
                if matches!(error, EngineError::Failed { .. } | EngineError::TimedOut { .. }) {
                    answer.fault();
                } else {
                    answer.refused();
                }
                Err(error)
            }
            Err(_) => {
                answer.fault();
                Err(timed_out("no first token", first_token_max))
            }
        }
    }

    async fn refusal(&self, response: Response<Pieces>, prompt_estimate: Tokens) -> EngineError {
        let status = response.status();
        let headers = response.headers().clone();
        // A refusal whose words do not come is still a refusal.
        let body = timeout(SIDE_ANSWER_MAX, read_at_most(response.into_body(), REFUSAL_BYTES_MAX));
        let body = body.await.ok().flatten().unwrap_or_default();
        self.refusals.read_response(status, &headers, &body, prompt_estimate)
    }

    fn unsent(&self, unsent: &Unsent) -> EngineError {
        let reason = self.refusals.clean(&unsent.reason);
        if unsent.is_timeout { EngineError::TimedOut { reason } } else { EngineError::Unavailable { reason } }
    }
}

#[async_trait]
impl ChatEngine for RemoteEngine {
    fn describe(&self) -> EngineDescription {
        EngineDescription {
            name: self.config.name.clone(),
            runs: self.config.model.clone(),
            context_window: self.config.context_window,
            in_flight: self.in_flight.count(),
            capacity: self.config.concurrency_max,
            // Anthropic's dialect has no word for JSON without a schema.
            constrains_json: self.config.supports_json_schema && self.config.kind != Kind::Anthropic,
        }
    }

    /// Returns once the host's first piece of output is there. Dropping the future, or later the stream,
    /// closes the connection.
    async fn chat(&self, request: ChatRequest) -> Result<ChatStream, EngineError> {
        match self.breaker.admit() {
            Ok(attempt) => self.converse(request, attempt).await,
            Err(wait) => Err(EngineError::Unavailable {
                reason: format!(
                    "it failed repeatedly and is left alone for another {} s",
                    wait.as_secs().max(1)
                ),
            }),
        }
    }

    /// The host's own count where [`Tokenize`] says how to ask for it; otherwise an estimate, good to about a
    /// fifth.
    async fn count_tokens(&self, request: &ChatRequest) -> Result<Tokens, EngineError> {
        self.count(request).await
    }

    fn is_healthy(&self) -> bool {
        self.breaker.lets_through()
    }
}

/// Whether a refusal speaks against the host. One caller's bad request must not close the door to all others.
fn is_hosts_fault(status: StatusCode, error: &EngineError) -> bool {
    let is_failure = status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT;
    is_failure
        && !matches!(
            error,
            EngineError::ContextOverflow(_) | EngineError::Rejected { .. } | EngineError::Busy { .. }
        )
}

/// The body up to `bytes_max`; `None` if it broke off.
pub(crate) async fn read_at_most<E>(
    mut pieces: impl Stream<Item = Result<Bytes, E>> + Unpin,
    bytes_max: usize,
) -> Option<BytesMut> {
    let mut body = BytesMut::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece.ok()?;
        let room = bytes_max - body.len();
        body.extend_from_slice(&piece[..piece.len().min(room)]);
        if piece.len() >= room {
            break;
        }
    }
    Some(body)
}

fn failed(reason: &str) -> EngineError {
    EngineError::Failed { reason: reason.to_owned() }
}

fn timed_out(what: &str, limit: Duration) -> EngineError {
    EngineError::TimedOut { reason: format!("{what} within {limit:?}") }
}
