//! What clients of the Messages protocol do and see, from the socket in.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod account;
mod auth;
mod errors;
mod media;
mod models;
mod names;
mod recorded;
mod routes;
mod stream;
mod whole;

use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use testkit::TestApp;
use vocab::Secret;

/// A short conversation.
fn hello() -> Value {
    json!({"model": "glm-4.7", "max_tokens": 64, "messages": [{"role": "user", "content": "Hi"}]})
}

/// A short conversation with further fields.
fn hello_with(fields: &Value) -> Value {
    let mut body = hello();
    for (name, value) in fields.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    body
}

/// The address of a path below `/api/anthropic`.
fn door(app: &TestApp, path: &str) -> String {
    format!("{}/api/anthropic{path}", app.base_url)
}

/// Asks with someone's key.
async fn ask(app: &TestApp, key: &Secret, body: &Value) -> reqwest::Response {
    let request = app.http.post(door(app, "/v1/messages")).bearer_auth(key.expose());
    request.body(body.to_string()).send().await.unwrap()
}

/// Asks with the operator's key, who has a plan.
async fn own(app: &TestApp, body: &Value) -> reqwest::Response {
    ask(app, &app.key, body).await
}

/// A refusal in the one shape there is at this door.
#[derive(Debug, PartialEq)]
struct Refused {
    status: u16,
    kind: String,
    code: String,
    /// What stands between the code and the id.
    text: String,
    /// `x-should-retry`
    should_retry: Option<String>,
    /// `retry-after`
    retry_after: Option<String>,
}

impl Refused {
    /// Status, kind and code, and whether the client is told that trying again is no use.
    fn brief(&self) -> (u16, &str, &str, bool) {
        (self.status, &self.kind, &self.code, self.should_retry.as_deref() == Some("false"))
    }
}

/// Reads a refusal, and holds it to the shape of `anthropic-api.md` §11.
async fn refusal(response: reqwest::Response) -> Refused {
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(header("content-type").unwrap(), "application/json; charset=UTF-8");
    let body: Value = response.json().await.unwrap();
    let error = refusal_body(&body, &ids(&headers));
    Refused {
        status,
        kind: error.0,
        code: error.1,
        text: error.2,
        should_retry: header("x-should-retry"),
        retry_after: header("retry-after"),
    }
}

/// Kind, code and text of an envelope of the request `id`.
fn refusal_body(body: &Value, id: &str) -> (String, String, String) {
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(body), ["type", "error", "request_id"]);
    assert_eq!(names(&body["error"]), ["type", "code", "message"]);
    assert_eq!((body["type"].as_str(), body["request_id"].as_str()), (Some("error"), Some(id)));
    let text_of = |field: &str| body["error"][field].as_str().unwrap().to_owned();
    let (code, message) = (text_of("code"), text_of("message"));
    let text = message.strip_prefix(&format!("[{code}][")).unwrap();
    let text = text.strip_suffix(&format!("][{id}]")).unwrap().to_owned();
    (text_of("type"), code, text)
}

/// The request's id, which stands in three headers.
fn ids(headers: &HeaderMap) -> String {
    let id = headers["request-id"].to_str().unwrap();
    assert_eq!(id.len(), 30);
    assert_eq!(
        (&headers["x-request-id"], &headers["x-log-id"]),
        (&headers["request-id"], &headers["request-id"])
    );
    id.to_owned()
}

/// The events of a stream, each checked for its form (`anthropic-api.md` §13): a name, one line of data of the same type,
/// and an empty line.
fn events(stream: &str) -> Vec<Value> {
    assert!(!stream.contains('\r') && stream.ends_with("\n\n"), "{stream}");
    let events = stream.split_terminator("\n\n").map(|event| {
        let (name, data) = event.split_once('\n').unwrap();
        let name = name.strip_prefix("event: ").unwrap();
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(data["type"], name);
        data
    });
    events.collect()
}

/// The names of events, without signs of life.
fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).filter(|kind| *kind != "ping").collect()
}

/// What an answer says, joined.
fn text(events: &[Value]) -> String {
    events.iter().filter_map(|event| event["delta"]["text"].as_str()).collect()
}
