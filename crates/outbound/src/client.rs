//! The HTTP clients of the house, each made for one kind of journey.

use std::error::Error;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::{Client, ClientBuilder, Url, redirect};

/// Idle connections are given up before the usual servers do: uvicorn and llama-server close after five
/// seconds, and a request sent into a closing connection is lost.
const POOL_IDLE: Duration = Duration::from_secs(4);

/// An HTTP client could not be made; the machine's certificates are the usual cause.
#[derive(Debug, thiserror::Error)]
#[error("cannot make an HTTP client")]
pub struct ClientError(#[from] reqwest::Error);

/// A client for one model host: HTTP/1.1 with kept-alive connections, no redirects, no compression (which
/// would hold back events), no waiting to fill packets.
///
/// The host gets a pool of its own, so that a slow one takes nothing from the others.
pub fn for_models(host: &Url, connect_max: Duration) -> Result<Client, ClientError> {
    let builder = Client::builder()
        .http1_only()
        .redirect(redirect::Policy::none())
        .referer(false)
        .tcp_nodelay(true)
        .connect_timeout(connect_max)
        .pool_idle_timeout(POOL_IDLE);
    finish(builder, host)
}

/// A client for large files. Redirects are the caller's to follow, because a token must not follow them.
pub fn for_downloads(host: &Url, connect_max: Duration, idle_max: Duration) -> Result<Client, ClientError> {
    let builder = Client::builder()
        .user_agent(concat!("azimuth/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .referer(false)
        .connect_timeout(connect_max)
        .read_timeout(idle_max);
    finish(builder, host)
}

/// The whole chain of causes in one line, without addresses: a URL may carry what must not be printed.
pub(crate) fn causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        // Writing to a `String` cannot fail.
        let _ = write!(text, ": {inner}");
        cause = inner.source();
    }
    text
}

fn finish(mut builder: ClientBuilder, host: &Url) -> Result<Client, ClientError> {
    // A proxy set for the outside world cannot reach this machine.
    if is_loopback(host) {
        builder = builder.no_proxy();
    }
    // Plain HTTP needs no certificates, and reading the system's takes longer than a start-up should;
    // a minimal container may have none at all.
    if host.scheme() == "http" {
        builder = builder.tls_certs_only([]);
    }
    Ok(builder.build()?)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_reached_without_a_proxy() {
        for (url, expected) in [
            ("http://127.0.0.1:8000/v1", true),
            ("http://[::1]:8000/v1", true),
            ("http://localhost/v1", true),
            ("https://models.example.com/v1", false),
        ] {
            assert_eq!(is_loopback(&url.parse().unwrap()), expected, "{url}");
        }
    }
}
