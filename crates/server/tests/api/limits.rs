//! What a server does not put up with for ever: connections that say nothing, take nothing, or do not end.

use std::time::Duration;

use gateway::Ending;
use inference::{ChatEvent, FinishReason};
use serde_json::{Value, json};
use server::ServerSettings;
use testkit::scripted_engine::Answer;
use testkit::{TestApp, TestSettings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::{hello, hello_with};

const SOON: Duration = Duration::from_millis(100);
/// Longer than any of the limits here, and shorter than any default.
const IN_VAIN: Duration = Duration::from_secs(10);

async fn app(server: ServerSettings) -> TestApp {
    TestApp::with(TestSettings { server, ..TestSettings::default() }).await
}

async fn connection(app: &TestApp, first_words: &str) -> TcpStream {
    let mut stream = TcpStream::connect(app.address()).await.unwrap();
    stream.write_all(first_words.as_bytes()).await.unwrap();
    stream
}

/// Whatever the server says until it closes the connection.
async fn last_words(stream: &mut TcpStream) -> String {
    let mut words = Vec::new();
    // A connection may also end with a reset.
    let _ = timeout(IN_VAIN, stream.read_to_end(&mut words)).await.expect("the connection stays open");
    String::from_utf8(words).unwrap()
}

fn chat_head(app: &TestApp, body_bytes: usize) -> String {
    format!(
        "POST /api/paas/v4/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Length: {body_bytes}\r\n\r\n",
        app.key.expose()
    )
}

/// Neither half a head, nor half a greeting of HTTP/2, nor silence keeps a connection.
#[tokio::test]
async fn a_connection_that_does_not_ask_is_closed() {
    let app = app(ServerSettings { head_wait_max: SOON, ..ServerSettings::default() }).await;
    for words in ["", "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ", "PRI * HTTP/2.0\r\n"] {
        let mut stream = connection(&app, words).await;
        assert!(!last_words(&mut stream).await.contains("200 OK"), "{words:?}");
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_answer() {
    let app = app(ServerSettings { head_wait_max: SOON, ..ServerSettings::default() }).await;
    let mut stream = connection(&app, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(last_words(&mut stream).await.starts_with("HTTP/1.1 200 OK"));
}

/// A request that stops in the middle of its body is refused in the envelope; clients try again by themselves.
#[tokio::test]
async fn a_body_that_does_not_go_on_is_refused_with_408() {
    let app = app(ServerSettings { body_wait_max: SOON, ..ServerSettings::default() }).await;
    let mut stream = connection(&app, &(chat_head(&app, 1000) + "{\"model\":")).await;
    let answer = last_words(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("\"code\":\"1210\""), "{answer}");
}

/// clients.md §4: a wrong key is refused before the body is waited for.
#[tokio::test]
async fn a_stranger_is_refused_without_reading_what_it_sends() {
    let app = TestApp::start().await;
    let head = chat_head(&app, 100_000_000).replace(app.key.expose(), "nonsense");
    let mut stream = connection(&app, &head).await;
    let mut answer = [0; 12];
    timeout(IN_VAIN, stream.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"HTTP/1.1 401");
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_until_one_ends() {
    let app = app(ServerSettings { connections_max: 1, ..ServerSettings::default() }).await;
    let question = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let first = connection(&app, "").await;
    // Lets the server take the first before there is a second.
    tokio::time::sleep(SOON).await;
    let mut second = connection(&app, question).await;
    assert!(timeout(SOON, second.read_u8()).await.is_err(), "the second was answered beside the first");
    drop(first);
    assert!(last_words(&mut second).await.contains("200 OK"));
}

/// A client that stays connected and takes nothing does not hold the engine for ever.
#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let app = app(ServerSettings { stall_max: SOON, ..ServerSettings::default() }).await;
    let piece = ChatEvent::Content("x".repeat(1 << 20));
    app.engine.will(Answer::Hangs(vec![piece; 64]));
    let body = hello_with(&json!({"stream": true})).to_string();
    let stream = connection(&app, &(chat_head(&app, body.len()) + &body)).await;
    app.until("the engine is busy", async || app.engine.running() == 1).await;
    app.until("the engine is freed", async || app.engine.running() == 0).await;
    assert_eq!(app.usage().await[0].ending, Ending::CallerLeft);
    drop(stream);
}

/// An answer that is under way ends well after a stop was asked for, and nothing new is taken on.
#[tokio::test]
async fn a_stop_waits_for_running_answers() {
    let mut app = TestApp::gated().await;
    app.engine.will_say(&["the", " end"]);
    let request = app.post("/chat/completions").body(hello().to_string());
    let answer = tokio::spawn(async move { request.send().await.unwrap().json::<Value>().await.unwrap() });
    app.until("the engine is busy", async || app.engine.running() == 1).await;
    let engine = app.engine.clone();
    let release = tokio::spawn(async move {
        tokio::time::sleep(SOON).await;
        engine.let_through(2);
    });
    app.stop().await;
    release.await.unwrap();
    assert_eq!(answer.await.unwrap()["choices"][0]["message"]["content"], "the end");
    assert!(TcpStream::connect(app.address()).await.is_err());
}

/// Answers that do not end in time are cut off, whatever their clients do; the server then has stopped, and what was
/// sent is recorded.
#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let mut app = app(ServerSettings { drain_duration_max: SOON, ..ServerSettings::default() }).await;
    let http2 = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let mut answers = Vec::new();
    for http in [app.http.clone(), http2] {
        app.engine.will(Answer::Hangs(vec![ChatEvent::Content("a".to_owned())]));
        let request = http.post(app.paas("/chat/completions")).bearer_auth(app.key.expose());
        let body = hello_with(&json!({"stream": true})).to_string();
        let mut answer = request.body(body).send().await.unwrap();
        assert!(answer.chunk().await.unwrap().is_some());
        answers.push(answer);
    }
    timeout(IN_VAIN, app.stop()).await.expect("the server does not stop");
    assert_eq!(app.engine.running(), 0);
    let endings: Vec<Ending> = app.usage().await.iter().map(|record| record.ending).collect();
    assert_eq!(endings, [Ending::CallerLeft, Ending::CallerLeft]);
}

/// Every client of HTTP/1.1 may speak HTTP/2 instead, on the same port.
#[tokio::test]
async fn http2_is_spoken_without_being_asked_for() {
    let app = TestApp::start().await;
    app.engine.will(Answer::Events(vec![ChatEvent::Content("Hi".to_owned())], FinishReason::Stop));
    let http = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let request = http.post(app.paas("/chat/completions")).bearer_auth(app.key.expose());
    let answer = request.body(hello_with(&json!({"stream": true})).to_string()).send().await.unwrap();
    assert_eq!(answer.version(), reqwest::Version::HTTP_2);
    assert!(answer.text().await.unwrap().ends_with("data: [DONE]\n\n"));
}
