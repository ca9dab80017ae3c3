use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::Stream;
use gateway::Reply;
use inference::{ChatEvent, FinishReason};
use tokio::time::{Instant, Sleep, sleep_until};
use vocab::Usage;
use wire::paas::ChunkWriter;

use crate::ServerSettings;

/// As many events as are ready travel in one write, up to about this size.
const FRAME_BYTES_MAX: usize = 32 * 1024;

/// Sends a reply as server-sent events, each as soon as it exists (`http-api.md` §0.3).
pub(crate) fn respond(reply: Reply, writer: ChunkWriter, settings: &Arc<ServerSettings>) -> Response {
    let now = Instant::now();
    let events = Events {
        reply,
        writer,
        buffer: Vec::new(),
        last_sent: now,
        keep_alive_after: settings.keep_alive_after,
        wake: Box::pin(sleep_until(now + settings.keep_alive_after)),
        deadline: now + settings.answer_duration_max,
        ended: false,
    };
    let mut response = Body::from_stream(events).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream;charset=UTF-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

struct Events {
    reply: Reply,
    writer: ChunkWriter,
    buffer: Vec<u8>,
    last_sent: Instant,
    keep_alive_after: Duration,
    /// Fires at the latest when something is due; it is only set anew when it fires, not for every event.
    wake: Pin<Box<Sleep>>,
    deadline: Instant,
    ended: bool,
}

impl Stream for Events {
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

impl Events {
    fn take_ready(&mut self, context: &mut Context<'_>) {
        while !self.ended && self.buffer.len() < FRAME_BYTES_MAX {
            match Pin::new(&mut self.reply).poll_next(context) {
                Poll::Ready(Some(event)) => self.write(&event),
                Poll::Ready(None) => self.ended = true,
                Poll::Pending => return,
            }
        }
    }

    fn write(&mut self, event: &ChatEvent) {
        self.writer.write(event, &mut self.buffer);
        self.ended = self.writer.has_ended();
    }

    fn on_wake(&mut self) {
        let now = Instant::now();
        if now >= self.deadline {
            tracing::warn!("an answer took longer than `server.stream_timeout_seconds` and was ended");
            self.write(&ChatEvent::Finished { reason: FinishReason::NetworkError, usage: Usage::default() });
            return;
        }
        if now >= self.last_sent + self.keep_alive_after {
            self.writer.write_keep_alive(&mut self.buffer);
            self.last_sent = now;
        }
        self.wake.as_mut().reset((self.last_sent + self.keep_alive_after).min(self.deadline));
    }
}
