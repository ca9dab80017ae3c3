//! The HTTP clients of the house, each made for one kind of journey.

mod models;

use std::error::Error;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::{Client, ClientBuilder, Url, redirect};

pub(crate) use models::{ModelClient, Pieces, Unsent};

/// Idle connections are given up before the usual servers do: uvicorn and llama-server close after five
/// seconds, and a request sent into a closing connection is lost.
const POOL_IDLE: Duration = Duration::from_secs(4);

/// How long a short question may take.
const QUESTION_MAX: Duration = Duration::from_secs(10);

/// An HTTP client could not be made; the machine's certificates are the usual cause.
#[derive(Debug, thiserror::Error)]
#[error("cannot make an HTTP client")]
pub struct ClientError(#[from] reqwest::Error);

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

/// A client for short questions, such as who someone is: no redirects, ten seconds for all of it.
pub fn for_questions(host: &Url) -> Result<Client, ClientError> {
    let builder = Client::builder()
        .user_agent(concat!("azimuth/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .referer(false)
        .connect_timeout(QUESTION_MAX / 2)
        .timeout(QUESTION_MAX);
    finish(builder, host)
}

/// The whole chain of causes in one line, without addresses: a URL may carry what must not be printed.
pub(crate) fn causes(error: reqwest::Error) -> String {
    chain(&error.without_url())
}

/// The whole chain of causes in one line.
fn chain(error: &dyn Error) -> String {
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

pub(crate) fn is_loopback(url: &Url) -> bool {
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
