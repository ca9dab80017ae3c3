//! The way to model hosts.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt};
use futures::{Stream, TryFutureExt};
use http::{HeaderMap, Method, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use reqwest::{Url, redirect};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{ClientError, POOL_IDLE, causes, chain, finish, is_loopback};

/// A host that went away without a word is noticed after a minute.
const PROBE_EVERY: Duration = Duration::from_secs(15);
const PROBES_MAX: u32 = 3;

/// A client for one model host: HTTP/1.1 with kept-alive connections, no redirects, no compression (which would hold
/// back events), no waiting to fill packets.
///
/// The host gets a pool of its own, so that a slow one takes nothing from the others.
pub(crate) struct ModelClient(Way);

#[expect(clippy::large_enum_variant, reason = "there is one for each engine, and it is never moved")]
enum Way {
    /// Straight to the host. Most hosts stand next door, and this costs half of the other way.
    Straight(Client<Connector, Full<Bytes>>),
    /// Encrypted, or by the proxy that the environment names.
    Guarded(reqwest::Client),
}

impl ModelClient {
    /// A client for `host`, which is not asked yet.
    pub(crate) fn new(host: &Url, connect_max: Duration) -> Result<Self, ClientError> {
        if is_straight(host) {
            let client = Client::builder(TokioExecutor::new())
                .pool_idle_timeout(POOL_IDLE)
                .pool_timer(TokioTimer::new())
                .build(Connector::new(connect_max));
            return Ok(Self(Way::Straight(client)));
        }
        let builder = reqwest::Client::builder()
            .http1_only()
            .redirect(redirect::Policy::none())
            .referer(false)
            .tcp_nodelay(true)
            .connect_timeout(connect_max)
            .pool_idle_timeout(POOL_IDLE);
        Ok(Self(Way::Guarded(finish(builder, host)?)))
    }

    /// Sends a request and waits for the head of its answer. Dropping the future, or later the answer before its end,
    /// closes the connection.
    pub(crate) async fn send(
        &self,
        method: Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Response<Pieces>, Unsent> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = headers.clone();
        match &self.0 {
            Way::Straight(client) => {
                let response = client.request(request.map(Full::new)).await;
                let response = response.map_err(|error| Unsent::straight(&error))?;
                Ok(response.map(|body| Pieces(Source::Straight(body))))
            }
            Way::Guarded(client) => {
                let request = reqwest::Request::try_from(request).map_err(Unsent::guarded)?;
                let response: Response<reqwest::Body> =
                    client.execute(request).await.map_err(Unsent::guarded)?.into();
                Ok(response.map(|body| Pieces(Source::Guarded(body))))
            }
        }
    }
}

fn is_straight(host: &Url) -> bool {
    let has_proxy = || {
        let uri = host.as_str().parse::<Uri>();
        uri.map_or(true, |uri| Matcher::from_system().intercept(&uri).is_some())
    };
    host.scheme() == "http" && (is_loopback(host) || !has_proxy())
}

/// A request that was not answered.
#[derive(Debug)]
pub(crate) struct Unsent {
    /// The whole chain of causes in one line, without addresses.
    pub reason: String,
    pub is_timeout: bool,
    /// Whether a connection stood and was lost before an answer came.
    pub is_lost: bool,
}

impl Unsent {
    fn straight(error: &hyper_util::client::legacy::Error) -> Self {
        let is_timeout = has_timed_out(error);
        let is_lost = !error.is_connect() && !is_timeout;
        Self { reason: format!("error sending request: {}", chain(error)), is_timeout, is_lost }
    }

    fn guarded(error: reqwest::Error) -> Self {
        let is_timeout = error.is_timeout();
        let is_lost = error.is_request() && !error.is_connect() && !is_timeout;
        Self { reason: causes(error), is_timeout, is_lost }
    }
}

fn has_timed_out(error: &(dyn Error + 'static)) -> bool {
    let is_late =
        error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut);
    is_late || error.source().is_some_and(has_timed_out)
}

/// The body of an answer, as it comes. A piece that cannot be read is the last and says why.
pub(crate) struct Pieces(Source);

enum Source {
    Straight(Incoming),
    Guarded(reqwest::Body),
}

impl Stream for Pieces {
    type Item = Result<Bytes, String>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let frame = match &mut self.0 {
                Source::Straight(body) => {
                    ready!(Pin::new(body).poll_frame(cx)).map(|frame| frame.map_err(|error| chain(&error)))
                }
                Source::Guarded(body) => {
                    ready!(Pin::new(body).poll_frame(cx)).map(|frame| frame.map_err(causes))
                }
            };
            match frame.map(|frame| frame.map(hyper::body::Frame::into_data)) {
                None => return Poll::Ready(None),
                Some(Err(cause)) => return Poll::Ready(Some(Err(cause))),
                Some(Ok(Ok(data))) => return Poll::Ready(Some(Ok(data))),
                // Trailers say nothing to us.
                Some(Ok(Err(_))) => {}
            }
        }
    }
}

/// Connects within a time that includes finding the address.
#[derive(Clone)]
struct Connector {
    tcp: HttpConnector,
    longest: Duration,
}

impl Connector {
    fn new(longest: Duration) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(longest));
        tcp.set_keepalive(Some(PROBE_EVERY));
        tcp.set_keepalive_interval(Some(PROBE_EVERY));
        tcp.set_keepalive_retries(Some(PROBES_MAX));
        Self { tcp, longest }
    }
}

impl tower::Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.tcp.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = timeout(self.longest, self.tcp.call(uri));
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no connection in time");
        async move { Ok(connecting.map_err(late).await??) }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encrypted_lines_are_guarded_and_this_machine_is_reached_straight() {
        assert!(is_straight(&"http://127.0.0.1:8000/v1".parse().unwrap()));
        assert!(!is_straight(&"https://models.example.com/v1".parse().unwrap()));
    }
}
