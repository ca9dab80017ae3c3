//! What real coding tools sent, translated and passed on.

use std::path::{Path, PathBuf};

use inference::ChatRequest;
use outbound::remote::Kind;
use serde_json::Value;
use wire::anthropic::MessagesRequest;

use super::{Host, chat, messages};

/// Every recorded body of `POST /v1/messages`, with the name of its recording.
fn recordings() -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures/clients"), &mut found);
    assert!(found.len() > 20, "only {} recordings", found.len());
    found
}

fn collect(folder: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            let recording: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let request = &recording["request"];
            let is_messages = request["path"].as_str().is_some_and(|path| path.ends_with("/messages"));
            if is_messages && request["body"].is_object() {
                found.push((path, request["body"].to_string().into_bytes()));
            }
        }
    }
}

fn as_sent(body: &[u8]) -> ChatRequest {
    let parsed = MessagesRequest::parse(body).unwrap();
    parsed.into_request("glm-4.7".parse().unwrap()).unwrap().0
}

/// A host of the same dialect reads the client's own request, whatever stands in it.
#[test]
fn passed_on_as_it_came_it_is_the_same_request() {
    let host = Host::new();
    for (name, body) in recordings() {
        let mut request = as_sent(&body);
        let sent = host.body_of(&request, Kind::Anthropic, |_| {});
        request.original = None;
        request.tool_stream = true;
        assert_eq!(messages::read(&sent).0, request, "{}", name.display());
    }
}

/// Spelled anew, as when somebody changed a part of it, it still is.
#[test]
fn spelled_anew_it_is_the_same_request() {
    let host = Host::new();
    for (name, body) in recordings() {
        let mut request = as_sent(&body);
        request.original = None;
        let sent = host.body_of(&request, Kind::Anthropic, |_| {});
        request.tool_stream = true;
        assert_eq!(messages::read(&sent).0, request, "{}", name.display());
    }
}

/// A host of the other dialect reads the same request.
#[test]
fn translated_for_a_host_of_the_other_dialect_it_is_the_same_request() {
    let host = Host::new();
    for (name, body) in recordings() {
        let mut request = as_sent(&body);
        let sent = host.body_of(&request, Kind::ZAi, |_| {});
        request.original = None;
        // Greedy is a word of its own there, beside which a temperature has no effect (rule MODEL-05).
        request.sampling.temperature = request.sampling.temperature.filter(|_| !request.sampling.greedy);
        // Pieces of arguments are asked for only where there are tools.
        request.tool_stream &= !request.tools.is_empty();
        assert_eq!(chat::read(&sent), request, "{}", name.display());
    }
}
