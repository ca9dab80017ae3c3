//! A model host that costs next to nothing, so that what is measured is whoever stands in front of it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io::Write;
use std::pin::Pin;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use memchr::memmem;
use tokio::net::TcpListener;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::cores::Cores;
use crate::process::Process;
use crate::script::{Prepared, Script};

#[derive(Args)]
pub struct Options {
    /// Address and port; port 0 takes a free one, which is printed.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: String,
}

/// Serves until it is killed.
pub fn run(options: &Options) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind(&options.listen).await?;
        println!("http://{}/v1", listener.local_addr()?);
        std::io::stdout().flush()?;
        let scripts = Arc::new(Scripts::default());
        loop {
            let (socket, _) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    eprintln!("load upstream: {error}");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                }
            };
            let _ = socket.set_nodelay(true);
            let scripts = scripts.clone();
            tokio::spawn(async move {
                let service = service_fn(|request| answer(request, &scripts));
                // A caller that hangs up is not worth a word.
                let _ = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .serve_connection(TokioIo::new(socket), service)
                    .await;
            });
        }
    })
}

/// An upstream in a process of its own.
pub struct Upstream {
    /// Ends with this value.
    _process: Process,
    /// Host and port.
    pub address: String,
}

impl Upstream {
    pub fn start(cores: &Cores, folder: &std::path::Path) -> anyhow::Result<Self> {
        let log = folder.join("upstream.log");
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("upstream");
        let mut process = Process::start("upstream", command, cores, &log)?;
        let mut address = None;
        process.wait_until(Duration::from_secs(10), || {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            address = said
                .strip_prefix("http://")
                .and_then(|rest| rest.split_once("/v1\n"))
                .map(|(address, _)| address.to_owned());
            address.is_some()
        })?;
        Ok(Self { _process: process, address: address.unwrap_or_default() })
    }
}

#[derive(Default)]
struct Scripts(Mutex<HashMap<String, Arc<Prepared>>>);

impl Scripts {
    fn get(&self, name: &str) -> Arc<Prepared> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(prepared) = known.get(name) {
            return prepared.clone();
        }
        let prepared = Arc::new(Prepared::new(Script::parse(name)));
        known.insert(name.to_owned(), prepared.clone());
        prepared
    }
}

async fn answer(request: Request<Incoming>, scripts: &Scripts) -> Result<Response<Answer>, hyper::Error> {
    if request.method() == Method::GET {
        return Ok(json(Bytes::from_static(b"{\"object\":\"list\",\"data\":[]}")));
    }
    let body = request.into_body().collect().await?.to_bytes();
    let prepared = scripts.get(model(&body));
    let script = &prepared.script;
    if !script.delay.is_zero() {
        tokio::time::sleep(script.delay).await;
    }

    let wants_stream = memmem::find(&body, b"\"stream\":true").is_some();
    if !wants_stream || script.always_whole {
        return Ok(json(prepared.whole.clone()));
    }
    let answer = if script.interval.is_zero() {
        Answer::Whole(Some(prepared.stream.clone()))
    } else {
        let mut ticks = interval_at(Instant::now(), script.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        Answer::Paced { left: script.events + 1, ticks: Box::new(ticks), prepared }
    };
    Ok(with_type(answer, "text/event-stream"))
}

/// The model's name, found without reading the rest.
fn model(body: &[u8]) -> &str {
    const FIELD: &[u8] = b"\"model\":\"";
    let Some(at) = memmem::find(body, FIELD) else { return "" };
    let rest = &body[at + FIELD.len()..];
    let end = memchr::memchr(b'"', rest).unwrap_or(0);
    str::from_utf8(&rest[..end]).unwrap_or_default()
}

fn json(bytes: Bytes) -> Response<Answer> {
    with_type(Answer::Whole(Some(bytes)), "application/json")
}

fn with_type(answer: Answer, kind: &'static str) -> Response<Answer> {
    let mut response = Response::new(answer);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

enum Answer {
    Whole(Option<Bytes>),
    Paced { prepared: Arc<Prepared>, left: usize, ticks: Box<Interval> },
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = match &mut *self {
            Self::Whole(bytes) => bytes.take(),
            Self::Paced { left: 0, .. } => None,
            Self::Paced { prepared, left, ticks } => {
                ready!(ticks.poll_tick(context));
                *left -= 1;
                Some(if *left == 0 { prepared.end.clone() } else { prepared.event.clone() })
            }
        };
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None) | Self::Paced { left: 0, .. })
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        match self {
            Self::Whole(Some(bytes)) => hyper::body::SizeHint::with_exact(bytes.len() as u64),
            _ => hyper::body::SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_found_in_any_body() {
        assert_eq!(model(br#"{"messages":[],"model":"a=1","stream":true}"#), "a=1");
        assert_eq!(model(b"{}"), "");
        assert_eq!(model(br#"{"model":"cut"#), "");
    }
}
