//! A model host that does what a test tells it, faults included.

mod messages;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::http1::{self, HttpRequest};

pub use messages::{message_end, message_start, text_delta};

/// A local HTTP server that answers each request with the next scripted [`Answer`], and with `Hello` when the
/// script is empty. Stops when dropped.
#[derive(Debug)]
pub struct ScriptedHost {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl ScriptedHost {
    /// Starts on a free port of this machine.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { address, shared, accepting }
    }

    /// What to configure as an OpenAI-compatible host's base URL.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Adds an answer to the end of the script.
    pub fn will(&self, answer: Answer) -> &Self {
        self.shared.script().answers.push_back(answer);
        self
    }

    /// The answer of every request for which the script has none.
    pub fn otherwise(&self, answer: Answer) -> &Self {
        self.shared.script().otherwise = Some(answer);
        self
    }

    /// Every request so far, in order of arrival.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.shared.script().requests.clone()
    }

    /// The one request so far.
    ///
    /// # Panics
    /// If there was none, or more than one.
    pub fn only_request(&self) -> SeenRequest {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "requests: {requests:?}");
        requests.remove(0)
    }

    /// How many connections were accepted so far.
    pub fn connections(&self) -> usize {
        self.shared.script().connections
    }

    /// Waits until at least `count` requests have arrived.
    pub async fn wait_for_requests(&self, count: usize) {
        self.wait_until(|script| script.requests.len() >= count).await;
    }

    /// Waits until the client of request number `at` (from 0) has hung up before its answer was complete.
    pub async fn wait_for_hang_up(&self, at: usize) {
        self.wait_until(|script| script.requests.get(at).is_some_and(|seen| seen.hung_up.is_some())).await;
    }

    async fn wait_until(&self, is_true: impl Fn(&Script) -> bool) {
        let mut changes = self.shared.changes.subscribe();
        let waiting = async {
            while !is_true(&self.shared.script()) {
                changes.changed().await.expect("the host is alive");
            }
        };
        tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("it happens within ten seconds");
    }
}

impl Drop for ScriptedHost {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// What a request looked like and what became of it.
#[derive(Clone, Debug)]
pub struct SeenRequest {
    /// `POST`.
    pub method: String,
    /// With the query, if there was one.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// As it came.
    pub body: Vec<u8>,
    /// Which connection it came on, counted from 0.
    pub connection: usize,
    /// When the client was seen to hang up before its answer was complete.
    pub hung_up: Option<Instant>,
}

impl SeenRequest {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }
}

/// One scripted answer: bytes, pauses and faults in order.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    closes_at_accept: bool,
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<u8>),
    Wait(Duration),
    /// Says nothing more until the client leaves.
    Silence,
    Close,
}

impl Answer {
    /// An event stream with these `chat.completion.chunk`s and `[DONE]`.
    pub fn stream(chunks: &[Value]) -> Self {
        let mut answer = Self::open_stream();
        for chunk in chunks {
            answer = answer.event(&chunk.to_string());
        }
        answer.event("[DONE]").end()
    }

    /// An answer in these pieces, with figures that fit them at its end.
    pub fn text(pieces: &[&str]) -> Self {
        let mut chunks: Vec<Value> = pieces.iter().map(|piece| content(piece)).collect();
        chunks.push(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}));
        chunks.push(json!({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": pieces.len()}}));
        Self::stream(&chunks)
    }

    /// The head of an event stream; go on with [`event`](Self::event) and [`end`](Self::end).
    pub fn open_stream() -> Self {
        Self::open("text/event-stream")
    }

    /// The head of a chunked body of this content type.
    pub fn open(content_type: &str) -> Self {
        Self::default().write(
            format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\n\r\n")
                .as_bytes(),
        )
    }

    /// A whole answer with a status, headers and a body.
    pub fn status(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let mut head = format!("HTTP/1.1 {status} Scripted\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        Self::default().write(format!("{head}\r\n{body}").as_bytes())
    }

    /// A whole JSON answer with a status.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::status(status, &[("content-type", "application/json")], &body.to_string())
    }

    /// Accepts the connection and closes it without reading.
    pub fn closes_at_accept() -> Self {
        Self { closes_at_accept: true, steps: Vec::new() }
    }

    /// Reads the request and never answers.
    pub fn never() -> Self {
        Self::default().silence()
    }

    /// One event with this data.
    pub fn event(self, data: &str) -> Self {
        self.piece(format!("data: {data}\n\n").as_bytes())
    }

    /// Bytes of the body, exactly these.
    pub fn piece(self, bytes: &[u8]) -> Self {
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        self.write(&chunk)
    }

    /// The proper end of the body.
    pub fn end(self) -> Self {
        self.write(b"0\r\n\r\n")
    }

    /// Waits before it goes on.
    pub fn wait(mut self, time: Duration) -> Self {
        self.steps.push(Step::Wait(time));
        self
    }

    /// Says nothing more, until the client leaves.
    pub fn silence(mut self) -> Self {
        self.steps.push(Step::Silence);
        self
    }

    /// Closes the connection here, in the middle of whatever it is.
    pub fn cut(mut self) -> Self {
        self.steps.push(Step::Close);
        self
    }

    fn write(mut self, bytes: &[u8]) -> Self {
        self.steps.push(Step::Write(bytes.to_vec()));
        self
    }
}

/// A chunk with a piece of the answer.
pub fn content(text: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {"role": "assistant", "content": text}}]})
}

#[derive(Debug, Default)]
struct Shared {
    script: Mutex<Script>,
    changes: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Script {
    answers: VecDeque<Answer>,
    otherwise: Option<Answer>,
    requests: Vec<SeenRequest>,
    connections: usize,
}

impl Shared {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Script) -> T) -> T {
        let result = change(&mut self.script());
        self.changes.send_replace(());
        result
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (connection, closes) = shared.change(|script| {
            script.connections += 1;
            let closes = script
                .answers
                .front()
                .or(script.otherwise.as_ref())
                .is_some_and(|next| next.closes_at_accept);
            if closes {
                script.answers.pop_front();
            }
            (script.connections - 1, closes)
        });
        if !closes {
            tokio::spawn(serve(stream, connection, Arc::clone(&shared)));
        }
    }
}

/// Answers the requests of one connection until either side closes it.
async fn serve(mut stream: TcpStream, connection: usize, shared: Arc<Shared>) {
    // Events are small; waiting to fill a packet would hide what the test looks at.
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::new();
    while let Some(HttpRequest { method, path, headers, body }) = http1::read(&mut stream, &mut buffer).await
    {
        let (at, answer) = shared.change(|script| {
            script.requests.push(SeenRequest { method, path, headers, body, connection, hung_up: None });
            let answer = script.answers.pop_front().or_else(|| script.otherwise.clone());
            (script.requests.len() - 1, answer.unwrap_or_else(|| Answer::text(&["Hel", "lo"])))
        });
        match play(&mut stream, answer.steps).await {
            Ending::Complete => {}
            Ending::Closed => return,
            Ending::HungUp => {
                shared.change(|script| script.requests[at].hung_up = Some(Instant::now()));
                return;
            }
        }
    }
}

enum Ending {
    Complete,
    Closed,
    HungUp,
}

async fn play(stream: &mut TcpStream, steps: Vec<Step>) -> Ending {
    for step in steps {
        match step {
            Step::Write(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return Ending::HungUp;
                }
            }
            Step::Wait(time) => {
                if tokio::time::timeout(time, hang_up(stream)).await.is_ok() {
                    return Ending::HungUp;
                }
            }
            Step::Silence => {
                hang_up(stream).await;
                return Ending::HungUp;
            }
            Step::Close => return Ending::Closed,
        }
    }
    Ending::Complete
}

/// Returns when the client has closed the connection. Clients of HTTP/1.1 do not speak out of turn.
async fn hang_up(stream: &mut TcpStream) {
    let mut byte = [0];
    while matches!(stream.read(&mut byte).await, Ok(count) if count > 0) {}
}
