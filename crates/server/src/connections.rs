use std::convert::Infallible;
use std::fmt::Display;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulConnection;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Sleep, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::peer::Peer;
use crate::stall_guard::StallGuard;
use crate::{App, ServerSettings};

/// A silent connection is asked whether it lives after this time, and given up after four questions: machines that
/// lose power do not say goodbye.
const PROBE_AFTER: Duration = Duration::from_secs(60);
const PROBE_EVERY: Duration = Duration::from_secs(15);
const PROBES_MAX: u32 = 4;

/// How many answers one HTTP/2 connection may wait for at once.
const HTTP2_STREAMS_MAX: u32 = 200;

/// No method of HTTP/1 begins like this (RFC 9113 §3.4).
const HTTP2_BEGINS: &[u8] = b"PRI";

/// The connections of one server.
pub(crate) struct Connections(Arc<Inner>);

struct Inner {
    http1: http1::Builder,
    /// For those whose first bytes may be HTTP/2.
    http: Builder<StreamTasks>,
    app: App,
    settings: Arc<ServerSettings>,
    tracker: TaskTracker,
    /// Running answers may end, but nothing more is asked.
    stop: CancellationToken,
    /// Everything ends now.
    cut: CancellationToken,
}

impl Connections {
    pub(crate) fn new(app: App, settings: Arc<ServerSettings>, stop: CancellationToken) -> Self {
        let (tracker, cut) = (TaskTracker::new(), CancellationToken::new());
        let tasks = StreamTasks {
            tracker: tracker.clone(),
            cut: cut.clone(),
            // What a client that takes its answer has no use for, and one that does not take it cannot exceed.
            life_max: settings.answer_duration_max + settings.stall_max,
        };
        // Between two requests a connection waits for the head of the next, so this also ends idle ones.
        let mut http1 = http1::Builder::new();
        http1.timer(TokioTimer::new()).header_read_timeout(settings.head_wait_max);
        let mut http = Builder::new(tasks);
        http.http1().timer(TokioTimer::new()).header_read_timeout(settings.head_wait_max);
        http.http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(PROBE_AFTER)
            .keep_alive_timeout(PROBE_EVERY)
            .max_concurrent_streams(HTTP2_STREAMS_MAX);
        Self(Arc::new(Inner { http1, http, app, settings, tracker, stop, cut }))
    }

    /// Serves a connection, which keeps its place until it ends.
    pub(crate) fn open(&self, stream: TcpStream, place: Option<OwnedSemaphorePermit>) {
        let inner = self.0.clone();
        self.0.tracker.spawn(async move {
            let cut = inner.cut.clone();
            cut.run_until_cancelled(inner.attend(stream)).await;
            drop(place);
        });
    }

    /// Waits until the last connection has ended, for so long at most, and then cuts off what is left.
    pub(crate) async fn drain(self, longest: Duration) {
        self.0.tracker.close();
        if timeout(longest, self.0.tracker.wait()).await.is_err() {
            tracing::warn!("some answers did not end in time and were cut off");
            self.0.cut.cancel();
            self.0.tracker.wait().await;
        }
    }
}

impl Inner {
    async fn attend(&self, stream: TcpStream) {
        let peer = stream.peer_addr().ok().map(|address| Peer(address.ip()));
        if let Err(error) = prepare(&stream) {
            tracing::debug!(%error, "a connection keeps its defaults");
        }
        let has_asked = AtomicBool::new(false);
        let service = service_fn(|mut request: Request<Incoming>| {
            if let Some(peer) = peer {
                request.extensions_mut().insert(peer);
            }
            has_asked.store(true, Ordering::Relaxed);
            self.answer(request)
        });
        let mut first_wait = pin!(sleep(self.settings.head_wait_max));
        let is_http1 = tokio::select! {
            seen = speaks_http1(&stream) => seen,
            () = self.stop.cancelled() => return,
            () = first_wait.as_mut() => return,
        };
        let stream = TokioIo::new(StallGuard::new(stream, self.settings.stall_max));
        if is_http1 {
            self.keep(self.http1.serve_connection(stream, service), first_wait, &has_asked).await;
        } else {
            self.keep(self.http.serve_connection(stream, service), first_wait, &has_asked).await;
        }
    }

    async fn keep<C: GracefulConnection>(
        &self,
        connection: C,
        mut first_wait: Pin<&mut Sleep>,
        has_asked: &AtomicBool,
    ) where
        C::Error: Display,
    {
        let mut connection = pin!(connection);
        let mut stopping = pin!(self.stop.cancelled());
        let mut is_stopping = false;
        let mut has_waited = false;
        loop {
            tokio::select! {
                biased;
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection ended early");
                    }
                    return;
                }
                () = stopping.as_mut(), if !is_stopping => {
                    is_stopping = true;
                    connection.as_mut().graceful_shutdown();
                }
                // Whoever has not asked for anything is not covered by the protocol's own limits.
                () = first_wait.as_mut(), if !has_waited => {
                    has_waited = true;
                    if !has_asked.load(Ordering::Relaxed) {
                        return;
                    }
                }
            }
        }
    }

    fn answer(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Body>, Infallible>> + use<> {
        let app = self.app.clone();
        async move { Ok(app.answer(request.map(Body::new)).await) }
    }
}

/// Waits for the first bytes, and says whether they can be nothing but HTTP/1. What may be the beginning of HTTP/2's
/// preface is read with more care, which costs more.
async fn speaks_http1(stream: &TcpStream) -> bool {
    let mut first = [0; HTTP2_BEGINS.len()];
    stream.peek(&mut first).await.is_ok_and(|seen| !HTTP2_BEGINS.starts_with(&first[..seen]))
}

fn prepare(stream: &TcpStream) -> std::io::Result<()> {
    // Events are small and must leave at once.
    stream.set_nodelay(true)?;
    let keepalive =
        TcpKeepalive::new().with_time(PROBE_AFTER).with_interval(PROBE_EVERY).with_retries(PROBES_MAX);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

/// Runs the answers of HTTP/2 connections, which are tasks of their own.
///
/// A client that grants no room to send, but answers pings, holds its answer without any write that could stall; so
/// each has an end.
#[derive(Clone)]
struct StreamTasks {
    tracker: TaskTracker,
    cut: CancellationToken,
    life_max: Duration,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for StreamTasks {
    fn execute(&self, answer: F) {
        let Self { cut, life_max, .. } = self.clone();
        self.tracker.spawn(async move { cut.run_until_cancelled(timeout(life_max, answer)).await });
    }
}
