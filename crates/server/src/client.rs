use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::{REFERER, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, HeaderValue, request::Parts};
use gateway::{Finding, Gateway, Signals};
use inference::{ChatRequest, Message, Part};

const X_TITLE: HeaderName = HeaderName::from_static("x-title");
const HTTP_REFERER: HeaderName = HeaderName::from_static("http-referer");
const X_APP: HeaderName = HeaderName::from_static("x-app");
const CLAUDE_SESSION: HeaderName = HeaderName::from_static("x-claude-code-session-id");
const CLINE_VERSION: HeaderName = HeaderName::from_static("x-cline-version");
const ZAI_SDK_VERSION: HeaderName = HeaderName::from_static("zai-sdk-ver");
const SOURCE_CHANNEL: HeaderName = HeaderName::from_static("x-source-channel");

/// How many system texts are looked at: a program's own name stands in the first.
const SYSTEM_TEXTS_MAX: usize = 2;

/// The headers by which a program can be told (`clients.md` §2). Copies share the request's own bytes.
#[derive(Clone, Debug)]
pub(crate) struct ClientHeaders {
    user_agent: Option<HeaderValue>,
    title: Option<HeaderValue>,
    referer: Option<HeaderValue>,
    app: Option<HeaderValue>,
    claude_session: Option<HeaderValue>,
    cline_version: Option<HeaderValue>,
    zai_sdk_version: Option<HeaderValue>,
    source_channel: Option<HeaderValue>,
}

impl ClientHeaders {
    fn of(headers: &HeaderMap) -> Self {
        let get = |name: HeaderName| headers.get(name).cloned();
        Self {
            user_agent: get(USER_AGENT),
            title: get(X_TITLE),
            referer: get(HTTP_REFERER).or_else(|| get(REFERER)),
            app: get(X_APP),
            claude_session: get(CLAUDE_SESSION),
            cline_version: get(CLINE_VERSION),
            zai_sdk_version: get(ZAI_SDK_VERSION),
            source_channel: get(SOURCE_CHANNEL),
        }
    }

    /// Says which program seems to have sent `request`.
    pub(crate) fn recognise(&self, gateway: &Gateway, request: &ChatRequest) -> Finding {
        self.recognise_with(gateway, None, request)
    }

    /// The same, where a block by which the program tells itself was among the system texts.
    pub(crate) fn recognise_with(
        &self,
        gateway: &Gateway,
        billing_block: Option<&str>,
        request: &ChatRequest,
    ) -> Finding {
        let tools: Vec<&str> =
            request.tools.iter().take(Signals::TOOLS_MAX).map(|tool| tool.name.as_str()).collect();
        let signals = Signals {
            user_agent: text(self.user_agent.as_ref()),
            title: text(self.title.as_ref()),
            referer: text(self.referer.as_ref()),
            app: text(self.app.as_ref()),
            claude_session: text(self.claude_session.as_ref()),
            cline_version: text(self.cline_version.as_ref()),
            zai_sdk_version: text(self.zai_sdk_version.as_ref()),
            source_channel: text(self.source_channel.as_ref()),
            tools: &tools,
            ..Signals::default()
        };
        gateway.recognise(&signals.with_system(billing_block.into_iter().chain(system_texts(request))))
    }
}

fn text(value: Option<&HeaderValue>) -> Option<&str> {
    value.and_then(|value| value.to_str().ok())
}

fn system_texts(request: &ChatRequest) -> impl Iterator<Item = &str> {
    let parts = request.messages.iter().flat_map(|message| match message {
        Message::System { content } => content.as_slice(),
        Message::User { .. } | Message::Assistant { .. } | Message::Tool { .. } => &[],
    });
    let texts = parts.filter_map(|part| match part {
        Part::Text { text } => Some(text.as_str()),
        Part::Image { .. } | Part::Video { .. } | Part::File { .. } | Part::Audio { .. } => None,
    });
    texts.take(SYSTEM_TEXTS_MAX)
}

impl<S: Sync> FromRequestParts<S> for ClientHeaders {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}
