use std::borrow::Cow;
use std::time::Duration;

use http::Uri;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use inference::parser::Generation;
use reqwest::Url;
use vocab::{Secret, Tokens};

use super::anthropic::VERSION;

/// One model on one host. [`RemoteConfig::new`] gives every option the value that suits its [`Kind`].
#[derive(Clone, Debug)]
pub struct RemoteConfig {
    /// The operator's name for the engine, unique in the configuration.
    pub name: String,
    /// What dialect the host speaks.
    pub kind: Kind,
    /// Everything before `/chat/completions` or `/messages`: up to and including `/v1`, or `/api/paas/v4`.
    pub base_url: String,
    /// Sent as a bearer token, or as `x-api-key` to hosts of Anthropic's dialect.
    pub key: Option<Secret>,
    /// The host's own name of the model.
    pub model: String,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// The most requests under way at once; one more is refused as busy.
    pub concurrency_max: Option<usize>,
    /// Further headers of every call. Values count as secrets.
    pub headers: Vec<(String, Secret)>,
    /// How the request's thinking options reach the host.
    pub thinking: PassThinking,
    /// Whether the reasoning of earlier turns is sent back to the host: as `reasoning_content`, or in Anthropic's
    /// dialect as thinking that the host has not signed. A host that takes no such thinking is held to be as strict
    /// as Anthropic in all else, and is not told what Anthropic's own models refuse.
    pub sends_reasoning: bool,
    /// Set when the host does not take the model's text apart: it is then read as this generation of GLM
    /// writes it.
    pub raw_text: Option<Generation>,
    /// Whether the host constrains answers to a `json_schema` response format. Otherwise `json_object` is
    /// asked for instead.
    pub supports_json_schema: bool,
    /// Whether the host knows `stream_options.include_usage`.
    pub supports_usage_stream: bool,
    /// Whether the host knows `stream_options.continuous_usage_stats` (vLLM, SGLang): figures in each event, so
    /// that a broken stream is charged exactly.
    pub supports_usage_continuous: bool,
    /// How the host counts the tokens of a prompt.
    pub tokenize: Tokenize,
    /// The longest prompt and answer together, if known.
    pub context_window: Option<Tokens>,
    /// When to leave the host alone.
    pub breaker: BreakerConfig,
}

impl RemoteConfig {
    /// A host with the usual settings of its kind.
    pub fn new(
        name: impl Into<String>,
        kind: Kind,
        base_url: impl Into<String>,
        model: impl Into<String>,
    ) -> Self {
        let is_zai = kind == Kind::ZAi;
        let is_openai = kind == Kind::OpenAi;
        Self {
            name: name.into(),
            kind,
            base_url: base_url.into(),
            key: None,
            model: model.into(),
            timeouts: Timeouts::default(),
            concurrency_max: None,
            headers: Vec::new(),
            thinking: if is_openai { PassThinking::Omit } else { PassThinking::AsIs },
            sends_reasoning: is_zai,
            raw_text: None,
            supports_json_schema: false,
            supports_usage_stream: true,
            supports_usage_continuous: false,
            tokenize: match kind {
                Kind::OpenAi => Tokenize::Estimate,
                Kind::ZAi => Tokenize::ZAi,
                Kind::Anthropic => Tokenize::Anthropic,
            },
            context_window: None,
            breaker: BreakerConfig::default(),
        }
    }

    /// Whether the host runs Anthropic's own models, or something as particular.
    pub(super) fn is_strict(&self) -> bool {
        self.kind == Kind::Anthropic && !self.sends_reasoning
    }
}

/// The dialect of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// vLLM, SGLang, llama-server, Ollama, LM Studio, llama-cpp-python and others like OpenAI.
    OpenAi,
    /// Z.ai, or another Azimuth.
    ZAi,
    /// Anthropic, and others that take its Messages: Z.ai, another Azimuth, vLLM, llama-server, Ollama.
    Anthropic,
}

/// How the request's thinking options reach a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassThinking {
    /// `thinking: {type, clear_thinking}` and `reasoning_effort`; in Anthropic's dialect `thinking: {type,
    /// budget_tokens}` and `output_config.effort`.
    AsIs,
    /// `thinking: {type: adaptive}` and `output_config.effort`, for the models of Anthropic's that set their own
    /// budget.
    Adaptive,
    /// `chat_template_kwargs: {enable_thinking, clear_thinking, reasoning_effort}`, as vLLM, SGLang and
    /// llama-server hand them to the chat template.
    TemplateArguments,
    /// Not at all.
    Omit,
}

/// How a host counts the tokens of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tokenize {
    /// It cannot; the count is our own estimate of four bytes a token.
    Estimate,
    /// `POST /tokenize` with messages.
    Vllm,
    /// `POST /apply-template`, then `POST /tokenize`.
    LlamaServer,
    /// `POST {base_url}/tokenizer`.
    ZAi,
    /// `POST {base_url}/messages/count_tokens`.
    Anthropic,
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the connection stands.
    pub connect: Duration,
    /// From sending the request to the first piece of output.
    pub first_token: Duration,
    /// From one piece of the answer to the next.
    pub idle: Duration,
}

impl Default for Timeouts {
    /// 10 seconds, 10 minutes (long prompts on slow machines), 5 minutes (rule ENDP-13: a host may send a piece a
    /// minute and is not cut off).
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_token: Duration::from_secs(600),
            idle: Duration::from_secs(300),
        }
    }
}

/// When to leave a failing host alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerConfig {
    /// So many failures in a row open the breaker: failed connections, 5xx answers, time-outs and broken
    /// streams, but never a 4xx or 429, which are the caller's doing.
    pub failures_max: u32,
    /// How long the host is then left alone before one request tries it again.
    pub cool_down: Duration,
}

impl Default for BreakerConfig {
    /// Five failures, ten seconds.
    fn default() -> Self {
        Self { failures_max: 5, cool_down: Duration::from_secs(10) }
    }
}

/// A setting that cannot work.
#[derive(Debug, thiserror::Error)]
pub enum RemoteConfigError {
    /// The address does not parse, or is of another scheme.
    #[error("engine `{name}`: `base_url` must be an http or https address, such as `http://gpu1:8000/v1`")]
    BaseUrl {
        /// The engine.
        name: String,
    },
    /// The address carries a user name or password, which would end up in logs.
    #[error("engine `{name}`: put credentials into `key` or `headers`, not into `base_url`")]
    CredentialsInUrl {
        /// The engine.
        name: String,
    },
    /// A header or key has characters that HTTP does not allow.
    #[error("engine `{name}`: `{header}` has characters that an HTTP header cannot carry")]
    Header {
        /// The engine.
        name: String,
        /// The header's name.
        header: String,
    },
    /// No HTTP client could be made.
    #[error("engine `{name}`: {source}")]
    Client {
        /// The engine.
        name: String,
        /// Why.
        source: crate::client::ClientError,
    },
}

/// The addresses and headers of a host, worked out once.
pub(super) struct Endpoints {
    pub host: Url,
    pub chat: Uri,
    pub models: Uri,
    pub zai_tokenizer: Uri,
    pub apply_template: Uri,
    pub tokenize: Uri,
    pub count_tokens: Uri,
    pub headers: HeaderMap,
}

impl Endpoints {
    pub fn new(config: &RemoteConfig) -> Result<Self, RemoteConfigError> {
        let name = || config.name.clone();
        let base: Url =
            config.base_url.trim().parse().map_err(|_| RemoteConfigError::BaseUrl { name: name() })?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(RemoteConfigError::BaseUrl { name: name() });
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(RemoteConfigError::CredentialsInUrl { name: name() });
        }

        // The path is extended by hand: joining would drop its last segment and the query.
        let path = base.path().trim_end_matches('/').to_owned();
        let at = |path: String| {
            let mut url = base.clone();
            url.set_path(&path);
            url.as_str().parse::<Uri>().map_err(|_| RemoteConfigError::BaseUrl { name: name() })
        };
        let root = path.strip_suffix("/v1").unwrap_or(&path);

        let chat = match config.kind {
            Kind::OpenAi | Kind::ZAi => "chat/completions",
            Kind::Anthropic => "messages",
        };

        Ok(Self {
            chat: at(format!("{path}/{chat}"))?,
            models: at(format!("{path}/models"))?,
            zai_tokenizer: at(format!("{path}/tokenizer"))?,
            apply_template: at(format!("{root}/apply-template"))?,
            tokenize: at(format!("{root}/tokenize"))?,
            count_tokens: at(format!("{path}/messages/count_tokens"))?,
            headers: headers(config)?,
            host: base.clone(),
        })
    }

    /// The headers of a call that makes use of `betas`, beside those that the operator set.
    pub fn headers_with(&self, betas: &[&str]) -> Cow<'_, HeaderMap> {
        let Some(value) = HeaderValue::from_str(&betas.join(",")).ok().filter(|_| !betas.is_empty()) else {
            return Cow::Borrowed(&self.headers);
        };
        let mut headers = self.headers.clone();
        headers.append(HeaderName::from_static("anthropic-beta"), value);
        Cow::Owned(headers)
    }
}

fn headers(config: &RemoteConfig) -> Result<HeaderMap, RemoteConfigError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream, application/json"));
    if config.kind == Kind::Anthropic {
        headers.insert(HeaderName::from_static("anthropic-version"), HeaderValue::from_static(VERSION));
    }
    if let Some(key) = &config.key {
        let (name, value) = match config.kind {
            Kind::OpenAi | Kind::ZAi => (AUTHORIZATION, &format!("Bearer {}", key.expose())[..]),
            Kind::Anthropic => (HeaderName::from_static("x-api-key"), key.expose()),
        };
        headers.insert(name, secret_value(config, "key", value)?);
    }
    for (header, value) in &config.headers {
        let name: HeaderName = header
            .parse()
            .map_err(|_| RemoteConfigError::Header { name: config.name.clone(), header: header.clone() })?;
        headers.insert(name, secret_value(config, header, value.expose())?);
    }
    Ok(headers)
}

fn secret_value(config: &RemoteConfig, header: &str, text: &str) -> Result<HeaderValue, RemoteConfigError> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| RemoteConfigError::Header { name: config.name.clone(), header: header.to_owned() })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(base_url: &str) -> RemoteConfig {
        RemoteConfig::new("gpu1", Kind::OpenAi, base_url, "m")
    }

    #[test]
    fn addresses_extend_the_base_and_keep_its_query() {
        let endpoints = Endpoints::new(&config("http://gpu1:8000/v1/?api-version=3")).unwrap();
        assert_eq!(endpoints.chat, "http://gpu1:8000/v1/chat/completions?api-version=3");
        assert_eq!(endpoints.tokenize, "http://gpu1:8000/tokenize?api-version=3");
    }

    #[test]
    fn a_base_url_that_cannot_work_is_named() {
        for wrong in ["gpu1:8000/v1", "ftp://gpu1/v1", "", "http://"] {
            assert!(
                matches!(Endpoints::new(&config(wrong)), Err(RemoteConfigError::BaseUrl { .. })),
                "{wrong}"
            );
        }
        let with_password = Endpoints::new(&config("http://user:hunter2@gpu1/v1")).err().unwrap();
        assert!(!with_password.to_string().contains("hunter2"));
    }

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let mut config = config("http://gpu1/v1");
        config.key = Some(Secret::new("planted-key"));
        config.headers.push(("x-team".to_owned(), Secret::new("planted-header")));
        let endpoints = Endpoints::new(&config).unwrap();
        let shown = format!("{config:?} {:?}", endpoints.headers);
        assert!(!shown.contains("planted"), "{shown}");
    }
}
