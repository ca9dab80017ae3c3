use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::Stream;
use gateway::{ChatError, Reply};
use inference::ChatEvent;
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use vocab::RequestId;

use crate::{ApiError, ServerSettings};

/// As many events as are ready travel in one write, up to about this size.
const FRAME_BYTES_MAX: usize = 32 * 1024;

/// A reply that an engine may not have begun yet.
pub(crate) type Starting = Pin<Box<dyn Future<Output = Result<Reply, ChatError>> + Send>>;

/// What really answers, for the header `x-azimuth-model`.
pub(crate) const X_AZIMUTH_MODEL: HeaderName = HeaderName::from_static("x-azimuth-model");

/// Writes the events of an answer in the words of one door.
pub(crate) trait AnswerWriter: Send + Unpin + 'static {
    /// What is known of an answer before it begins.
    type Head: Send + Unpin + 'static;

    /// The type of what is written.
    const CONTENT_TYPE: &'static str;

    /// The request that `head` is the answer to.
    fn id(head: &Self::Head) -> &RequestId;

    /// Begins an answer. Without a reply none has begun, and [`AnswerWriter::goes_on`] follows.
    fn begin(head: &Self::Head, reply: Option<&Reply>) -> Self;

    /// An engine has taken on what was begun without a reply.
    fn goes_on(&mut self, head: &Self::Head, reply: &Reply);

    /// Appends what `event` means to the client, which may be nothing.
    fn write(&mut self, event: &ChatEvent, out: &mut Vec<u8>);

    /// Appends a sign of life.
    fn write_keep_alive(&mut self, out: &mut Vec<u8>);

    /// Appends a refusal and ends the answer.
    fn write_error(&mut self, head: &Self::Head, refusal: ApiError, out: &mut Vec<u8>);

    /// Whether the answer has ended.
    fn has_ended(&self) -> bool;
}

/// Sends a reply as server-sent events, each as soon as it exists (`http-api.md` §0.3).
///
/// A refusal has its own status as long as the client need not be told that it is still being served. An engine that
/// reads a long prompt may be silent for longer than that; then the stream begins, and a refusal that comes after all
/// is told within it (`errors.md` §4). A reply that has not ended at `deadline` is ended (rule ENDP-13).
pub(crate) async fn respond<W: AnswerWriter>(
    mut starting: Starting,
    head: W::Head,
    settings: &ServerSettings,
    deadline: Instant,
) -> Result<Response, ApiError> {
    let mut runs = None;
    let mut buffer = Vec::new();
    let (writer, source) = match timeout(settings.keep_alive_after, starting.as_mut()).await {
        Ok(reply) => {
            let reply = reply?;
            runs = HeaderValue::from_str(reply.runs()).ok();
            (W::begin(&head, Some(&reply)), Source::Running(reply))
        }
        Err(_) => {
            let mut writer = W::begin(&head, None);
            writer.write_keep_alive(&mut buffer);
            (writer, Source::Starting(starting))
        }
    };

    let now = Instant::now();
    let events = Events {
        head,
        source,
        writer,
        buffer,
        last_sent: now,
        keep_alive_after: settings.keep_alive_after,
        wake: Box::pin(sleep_until((now + settings.keep_alive_after).min(deadline))),
        deadline,
        ended: false,
    };
    let mut response = Body::from_stream(events).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(W::CONTENT_TYPE));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    if let Some(runs) = runs {
        headers.insert(X_AZIMUTH_MODEL, runs);
    }
    Ok(response)
}

struct Events<W: AnswerWriter> {
    head: W::Head,
    source: Source,
    writer: W,
    buffer: Vec<u8>,
    last_sent: Instant,
    keep_alive_after: Duration,
    /// Fires at the latest when something is due; it is only set anew when it fires, not for every event.
    wake: Pin<Box<Sleep>>,
    deadline: Instant,
    ended: bool,
}

#[expect(clippy::large_enum_variant, reason = "a stream soon runs, and then stays so")]
enum Source {
    Starting(Starting),
    Running(Reply),
}

impl<W: AnswerWriter> Stream for Events<W> {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            this.take_ready(context);
            if !this.buffer.is_empty() {
                this.last_sent = Instant::now();
                return Poll::Ready(Some(Ok(std::mem::take(&mut this.buffer).into())));
            }
            if this.ended {
                return Poll::Ready(None);
            }
            std::task::ready!(this.wake.as_mut().poll(context));
            this.on_wake();
        }
    }
}

impl<W: AnswerWriter> Events<W> {
    fn take_ready(&mut self, context: &mut Context<'_>) {
        while !self.ended && self.buffer.len() < FRAME_BYTES_MAX {
            match &mut self.source {
                Source::Running(reply) => match Pin::new(reply).poll_next(context) {
                    Poll::Ready(Some(event)) => self.write(&event),
                    Poll::Ready(None) => self.ended = true,
                    Poll::Pending => return,
                },
                Source::Starting(starting) => match starting.as_mut().poll(context) {
                    Poll::Ready(Ok(reply)) => {
                        self.writer.goes_on(&self.head, &reply);
                        self.source = Source::Running(reply);
                    }
                    Poll::Ready(Err(error)) => self.refuse(error.into()),
                    Poll::Pending => return,
                },
            }
        }
    }

    fn write(&mut self, event: &ChatEvent) {
        self.writer.write(event, &mut self.buffer);
        self.ended = self.writer.has_ended();
    }

    fn refuse(&mut self, refusal: ApiError) {
        self.writer.write_error(&self.head, refusal, &mut self.buffer);
        self.ended = self.writer.has_ended();
    }

    fn on_wake(&mut self) {
        let now = Instant::now();
        if now >= self.deadline {
            tracing::warn!("an answer took longer than `server.stream_timeout_seconds` and was ended");
            match &mut self.source {
                Source::Running(reply) => match reply.cut_off() {
                    Some(end) => self.write(&end),
                    None => self.ended = true,
                },
                Source::Starting(_) => {
                    let refusal = ApiError::network(W::id(&self.head).as_str());
                    self.refuse(refusal);
                }
            }
            return;
        }
        if now >= self.last_sent + self.keep_alive_after {
            self.writer.write_keep_alive(&mut self.buffer);
            self.last_sent = now;
        }
        self.wake.as_mut().reset((self.last_sent + self.keep_alive_after).min(self.deadline));
    }
}
