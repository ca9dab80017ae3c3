//! A model hub in the manner of Hugging Face, with a bad line to it.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::http1::{self, HttpRequest};

/// One repository on a local server, and a second server for its content, as a hub's CDN would be. Stops when
/// dropped.
#[derive(Debug)]
pub struct FakeHub {
    hub: SocketAddr,
    content: SocketAddr,
    shared: Arc<Shared>,
    accepting: [JoinHandle<()>; 2],
}

impl FakeHub {
    /// Serves `repository` (`org/name`) with these files.
    pub async fn start(repository: &str, files: &[(&str, &[u8])]) -> Self {
        let hub_listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let content_listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let hub = hub_listener.local_addr().expect("an address");
        let content = content_listener.local_addr().expect("an address");
        let files = files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec())).collect();
        let shared = Arc::new(Shared {
            repository: repository.to_owned(),
            content,
            state: Mutex::new(State { files, ..State::default() }),
        });
        let accepting = [
            tokio::spawn(accept(hub_listener, Arc::clone(&shared), Side::Hub)),
            tokio::spawn(accept(content_listener, Arc::clone(&shared), Side::Content)),
        ];
        Self { hub, content, shared, accepting }
    }

    /// The hub's address.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.hub)
    }

    /// Only callers with this token are let in.
    pub fn requires_token(&self, token: &str) -> &Self {
        self.shared.state().token = Some(token.to_owned());
        self
    }

    /// Answers every call with this status.
    pub fn refuses_with(&self, status: u16) -> &Self {
        self.shared.state().refusal = Some(status);
        self
    }

    /// Sends downloads to the second server.
    pub fn redirects_downloads(&self) -> &Self {
        self.shared.state().redirects = true;
        self
    }

    /// Adds a fault to the next download that has none yet.
    pub fn next_download(&self, fault: Fault) -> &Self {
        self.shared.state().faults.push_back(fault);
        self
    }

    /// Downloads so far: the path in the repository and the value of the `Range` header.
    pub fn downloads(&self) -> Vec<(String, Option<String>)> {
        self.shared.state().downloads.clone()
    }

    /// The `Authorization` headers that arrived at the second server. There should be none.
    pub fn tokens_leaked(&self) -> Vec<String> {
        self.shared.state().leaked.clone()
    }

    /// The `host:port` of the second server.
    pub fn content_host(&self) -> String {
        self.content.to_string()
    }
}

impl Drop for FakeHub {
    fn drop(&mut self) {
        for task in &self.accepting {
            task.abort();
        }
    }
}

/// What goes wrong with one download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection is cut after so many bytes of content.
    CutAfter(usize),
    /// The first byte that is sent arrives changed.
    Corrupt,
    /// `Range` is ignored: the whole file comes, with status 200.
    IgnoreRange,
    /// A status instead of content.
    Status(u16),
}

#[derive(Debug)]
struct Shared {
    repository: String,
    content: SocketAddr,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<String, Vec<u8>>,
    token: Option<String>,
    refusal: Option<u16>,
    redirects: bool,
    faults: VecDeque<Fault>,
    downloads: Vec<(String, Option<String>)>,
    leaked: Vec<String>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Hub,
    Content,
}

/// An answer that has been decided on.
struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    /// Send only so much of the body, then cut.
    cut_after: Option<usize>,
}

impl Reply {
    fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: b"{\"error\":\"scripted\"}".to_vec(), cut_after: None }
    }

    fn json(body: &Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self { status: 200, headers, body: body.to_string().into_bytes(), cut_after: None }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, side: Side) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, Arc::clone(&shared), side));
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>, side: Side) {
    let mut buffer = Vec::new();
    while let Some(request) = http1::read(&mut stream, &mut buffer).await {
        let mut reply = decide(&shared, side, &request);
        reply.headers.push(("content-length", reply.body.len().to_string()));
        if http1::write_head(&mut stream, reply.status, &reply.headers).await.is_err() {
            return;
        }
        let sent = reply.cut_after.unwrap_or(reply.body.len()).min(reply.body.len());
        if stream.write_all(&reply.body[..sent]).await.is_err() || reply.cut_after.is_some() {
            return;
        }
    }
}

fn decide(shared: &Shared, side: Side, request: &HttpRequest) -> Reply {
    let mut state = shared.state();
    let authorization = request.header("authorization");
    match side {
        Side::Content => state.leaked.extend(authorization.map(str::to_owned)),
        Side::Hub => {
            let expected = state.token.as_ref().map(|token| format!("Bearer {token}"));
            if expected.is_some() && authorization != expected.as_deref() {
                return Reply::status(401);
            }
            if let Some(status) = state.refusal {
                return Reply::status(status);
            }
        }
    }

    let path = request.path.split('?').next().unwrap_or_default();
    let repository = &shared.repository;
    if side == Side::Hub && path == format!("/api/models/{repository}/tree/main") {
        return Reply::json(&listing(&state.files));
    }
    let Some(file) = path.strip_prefix(&format!("/{repository}/resolve/main/")) else {
        return Reply::status(404);
    };
    if !state.files.contains_key(file) {
        return Reply::status(404);
    }
    if side == Side::Hub && state.redirects {
        let target = format!("http://{}{}", shared.content, request.path);
        return Reply { headers: vec![("location", target)], body: Vec::new(), ..Reply::status(302) };
    }
    download(&mut state, file, request.header("range"))
}

fn listing(files: &BTreeMap<String, Vec<u8>>) -> Value {
    let entries = files.iter().map(|(path, bytes)| {
        let sha256 = hex::encode(Sha256::digest(bytes));
        json!({
            "type": "file", "path": path, "size": bytes.len(), "oid": "0000",
            "lfs": {"oid": sha256, "size": bytes.len(), "pointerSize": 134},
        })
    });
    let folder = json!({"type": "directory", "path": "folder", "size": 0, "oid": "0000"});
    entries.chain([folder]).collect()
}

fn download(state: &mut State, file: &str, range: Option<&str>) -> Reply {
    let fault = state.faults.pop_front();
    state.downloads.push((file.to_owned(), range.map(str::to_owned)));
    let bytes = &state.files[file];
    if let Some(Fault::Status(status)) = fault {
        return Reply::status(status);
    }

    let from: Option<usize> = range
        .filter(|_| fault != Some(Fault::IgnoreRange))
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    if from.is_some_and(|from| from >= bytes.len()) {
        return Reply::status(416);
    }
    let mut body = bytes[from.unwrap_or(0)..].to_vec();
    if fault == Some(Fault::Corrupt)
        && let Some(first) = body.first_mut()
    {
        *first ^= 0xff;
    }
    let content_range =
        from.map(|from| ("content-range", format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len())));
    Reply {
        status: if from.is_some() { 206 } else { 200 },
        headers: content_range.into_iter().collect(),
        body,
        cut_after: match fault {
            Some(Fault::CutAfter(count)) => Some(count),
            _ => None,
        },
    }
}
