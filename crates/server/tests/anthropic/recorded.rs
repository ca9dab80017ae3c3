//! Every request that was recorded from a real client of this protocol is answered as that client expects.

use std::fs;
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::Value;
use testkit::{TestApp, TestSettings};

use crate::{door, events, refusal};

/// What our own client says of its connection.
const OURS: [&str; 5] = ["host", "connection", "content-length", "accept-encoding", "transfer-encoding"];

fn recordings() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures/clients");
    let mut files = Vec::new();
    for client in fs::read_dir(folder).unwrap().map(|client| client.unwrap().path()) {
        if client.is_dir() && !client.ends_with("_accepted-answers") {
            files.extend(fs::read_dir(client).unwrap().map(|file| file.unwrap().path()));
        }
    }
    files.sort();
    files
}

fn request(app: &TestApp, recorded: &Value) -> Option<reqwest::RequestBuilder> {
    let path = recorded["path"].as_str().unwrap().strip_prefix("/api/anthropic")?;
    let query: Vec<String> = recorded["query"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap()))
        .collect();
    let method: Method = recorded["method"].as_str().unwrap().parse().unwrap();
    let mut request = app.http.request(method, format!("{}?{}", door(app, path), query.join("&")));
    for (name, value) in recorded["headers"].as_object().unwrap() {
        if !OURS.contains(&name.to_lowercase().as_str()) {
            request = request.header(name, value.as_str().unwrap().replace("{api_key}", app.key.expose()));
        }
    }
    if !recorded["body"].is_null() {
        request = request.body(recorded["body"].to_string());
    }
    Some(request)
}

/// Claude Code of two versions, Droid, OpenCode, Cline, aider, LangChain and the SDK: each gets what it asked for, as a stream
/// if it asked for one, from a GLM model, and every answer is recorded with the tool it was for.
#[tokio::test]
async fn every_recorded_request_is_answered() {
    let models = &["glm-5.1", "glm-4.7", "glm-4.5-air"];
    let app = TestApp::with(TestSettings { models, ..TestSettings::default() }).await;
    let mut answered = 0;
    for file in recordings() {
        let recording: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let recorded = &recording["request"];
        let Some(request) = request(&app, recorded) else { continue };
        let response = request.send().await.unwrap();
        let what = file.strip_prefix(file.ancestors().nth(2).unwrap()).unwrap_or(Path::new("")).display();
        if recorded["body"]["tool_choice"]["name"] == "web_search" {
            // Searching on the server is not offered yet, and this call is for nothing else.
            assert_eq!(refusal(response).await.brief(), (400, "invalid_request_error", "1212", true));
            continue;
        }
        assert_eq!(response.status(), 200, "{what}: {}", response.text().await.unwrap());
        let path = recorded["path"].as_str().unwrap();
        if recorded["method"] == "HEAD" {
            continue;
        }
        let text = response.text().await.unwrap();
        if path.ends_with("count_tokens") {
            assert_eq!(text, r#"{"input_tokens":10}"#, "{what}");
        } else if path.contains("/models") {
            assert!(text.contains("\"glm-4.7\""), "{what}: {text}");
        } else {
            answered += 1;
            let message = if recorded["body"]["stream"] == true {
                let events = events(&text);
                assert_eq!(events.last().unwrap()["type"], "message_stop", "{what}");
                events[0]["message"].clone()
            } else {
                serde_json::from_str(&text).unwrap()
            };
            assert_eq!(message["type"], "message", "{what}");
            assert!(message["model"].as_str().unwrap().starts_with("glm-"), "{what}");
        }
    }
    assert!(answered >= 25, "{answered}");
    assert_eq!(app.usage().await.len(), answered);
}
