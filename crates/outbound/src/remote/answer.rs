use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::{FutureExt, Stream, StreamExt};
use inference::{ChatEvent, EngineError};
use tokio::time::{Instant, Sleep};

use super::breaker::Attempt;
use super::decoder::Decoder;
use super::in_flight::Slot;
use crate::client::Pieces;

/// Some hosts say why they stopped and then keep the connection open; so long is waited for their figures.
const FAREWELL_MAX: Duration = Duration::from_secs(2);
/// How long a finished connection may take to say that it is finished, so that it can be used again.
const DRAIN_MAX: Duration = Duration::from_millis(250);

/// The events of one answer, read from the host as they are asked for.
///
/// Dropping it closes the connection, which is how a host learns that nobody listens any more.
pub(super) struct Answer {
    body: Option<Pieces>,
    decoder: Decoder,
    failure: Option<EngineError>,
    has_begun: bool,
    idle_max: Duration,
    last_piece: Instant,
    alarm: Option<Pin<Box<Sleep>>>,
    attempt: Option<Attempt>,
    slot: Option<Slot>,
}

impl Answer {
    pub fn new(body: Pieces, decoder: Decoder, idle_max: Duration, attempt: Attempt, slot: Slot) -> Self {
        Self {
            body: Some(body),
            decoder,
            failure: None,
            has_begun: false,
            idle_max,
            last_piece: Instant::now(),
            alarm: None,
            attempt: Some(attempt),
            slot: Some(slot),
        }
    }

    /// Reads until there is something that a caller would see. An error here means that nothing was said yet.
    pub async fn begin(&mut self) -> Result<(), EngineError> {
        poll_fn(|cx| {
            loop {
                if self.decoder.has_output() {
                    return Poll::Ready(Ok(()));
                }
                if let Some(error) = self.failure.take() {
                    return Poll::Ready(Err(error));
                }
                ready!(self.poll_read(cx));
            }
        })
        .await?;
        self.has_begun = true;
        if let Some(attempt) = &mut self.attempt {
            attempt.began();
        }
        Ok(())
    }

    /// The host's own failure, as far as its breaker is concerned.
    pub fn fault(&mut self) {
        if let Some(attempt) = self.attempt.take() {
            attempt.failed();
        }
    }

    /// The host answered with a refusal that is no failure of its own.
    pub fn refused(&mut self) {
        if let Some(attempt) = self.attempt.take() {
            attempt.succeeded();
        }
    }

    /// Takes one piece of the body in. Afterwards there is an event, a failure, an end, or neither yet.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(body) = &mut self.body else { return Poll::Ready(()) };
        let result = match ready!(body.poll_next_unpin(cx)) {
            Some(Ok(piece)) => {
                self.last_piece = Instant::now();
                self.decoder.push(piece)
            }
            Some(Err(cause)) => {
                self.body = None;
                self.decoder.end(Some(cause))
            }
            None => {
                self.body = None;
                self.decoder.end(None)
            }
        };
        self.settle(result);
        Poll::Ready(())
    }

    fn settle(&mut self, result: Result<(), EngineError>) {
        if let Err(error) = result {
            self.body = None;
            self.slot = None;
            self.failure = Some(error);
        } else if self.decoder.is_done() {
            // The host has done its work; the caller may take its time to read the rest.
            self.slot = None;
            if let Some(attempt) = self.attempt.take() {
                attempt.succeeded();
            }
            self.let_go();
        }
    }

    /// Reads the end of the body, so that the connection can be used again. Usually it is there already.
    fn let_go(&mut self) {
        let Some(mut body) = self.body.take() else { return };
        if let Some(Some(Ok(_))) | None = body.next().now_or_never()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(tokio::time::timeout(DRAIN_MAX, async move {
                while let Some(Ok(_)) = body.next().await {}
            }));
        }
    }

    /// Whether the host has been silent for too long. The alarm is set once and asked how late it is, because
    /// setting it anew for every event would cost more than the event.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let silence_max =
            if self.decoder.is_finishing() { self.idle_max.min(FAREWELL_MAX) } else { self.idle_max };
        let deadline = self.last_piece + silence_max;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        // An alarm that would ring too late, as when the farewell begins, is set to the new time.
        if alarm.deadline() > deadline {
            alarm.as_mut().reset(deadline);
        }
        loop {
            ready!(alarm.as_mut().poll(cx));
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            alarm.as_mut().reset(deadline);
        }
    }

    fn silence(&mut self) {
        let result = if self.decoder.is_finishing() {
            self.decoder.end(None)
        } else {
            let reason = format!("no further piece of the answer within {:?}", self.idle_max);
            Err(EngineError::TimedOut { reason })
        };
        self.body = None;
        self.settle(result);
    }

    /// After the first piece of output no refusal can be told any more, only a failure.
    fn broken_off(error: EngineError) -> EngineError {
        match error {
            EngineError::Failed { .. } | EngineError::TimedOut { .. } => error,
            other => EngineError::Failed { reason: other.to_string() },
        }
    }
}

impl Stream for Answer {
    type Item = Result<ChatEvent, EngineError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(event) = this.decoder.pop() {
                return Poll::Ready(Some(Ok(event)));
            }
            if let Some(error) = this.failure.take() {
                this.fault();
                return Poll::Ready(Some(Err(Self::broken_off(error))));
            }
            if this.body.is_none() {
                return Poll::Ready(None);
            }
            if this.poll_read(cx).is_pending() {
                ready!(this.poll_silence(cx));
                this.silence();
            }
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        // A host that was speaking when the caller left is a host that works.
        if let Some(attempt) = self.attempt.take()
            && self.has_begun
            && self.failure.is_none()
        {
            attempt.succeeded();
        }
    }
}
