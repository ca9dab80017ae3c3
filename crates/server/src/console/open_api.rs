//! `/openapi.json`: the whole interface, described.

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, get};
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

use super::PREFIX;

/// What other doors answer, in short: their shapes are those of the clients that come there.
const ELSEWHERE: [(&str, &str, &str, &str); 20] = [
    (
        "post",
        "/api/paas/v4/chat/completions",
        "chat",
        "Answers a conversation, whole or as server-sent events.",
    ),
    ("post", "/api/paas/v4/async/chat/completions", "chat", "Answers a conversation later."),
    (
        "get",
        "/api/paas/v4/async-result/{id}",
        "chat",
        "The answer to an earlier conversation, once there is one.",
    ),
    ("post", "/api/paas/v4/tokenizer", "chat", "Counts the tokens of a conversation."),
    ("get", "/api/paas/v4/models", "models", "The models there are."),
    ("get", "/api/paas/v4/models/{id}", "models", "One model."),
    ("post", "/api/coding/paas/v4/chat/completions", "coding", "Answers a conversation on a plan."),
    (
        "post",
        "/api/coding/paas/v4/async/chat/completions",
        "coding",
        "Answers a conversation on a plan later.",
    ),
    (
        "get",
        "/api/coding/paas/v4/async-result/{id}",
        "coding",
        "The answer to an earlier conversation on a plan.",
    ),
    ("post", "/api/coding/paas/v4/tokenizer", "coding", "Counts the tokens of a conversation."),
    ("get", "/api/coding/paas/v4/models", "coding", "The models there are."),
    ("get", "/api/coding/paas/v4/models/{id}", "coding", "One model."),
    (
        "post",
        "/api/anthropic/v1/messages",
        "anthropic",
        "Answers a conversation on a plan, whole or as server-sent events.",
    ),
    ("post", "/api/anthropic/v1/messages/count_tokens", "anthropic", "Counts the tokens of a conversation."),
    ("get", "/api/anthropic/v1/models", "anthropic", "The models there are."),
    ("get", "/api/anthropic/v1/models/{id}", "anthropic", "One model."),
    ("get", "/api/monitor/usage/quota/limit", "monitor", "How full the windows of the plan are."),
    ("get", "/api/monitor/usage/model-usage", "monitor", "Calls of models, by hour."),
    ("get", "/api/monitor/usage/tool-usage", "monitor", "Calls of tools, by hour."),
    ("post", "/api/monitor/feedback/case", "monitor", "Takes a report of something wrong."),
];

/// Serves the document, which was written out once.
pub(super) fn serve<S: Clone + Send + Sync + 'static>(document: &Value) -> MethodRouter<S> {
    let text = bytes::Bytes::from(document.to_string());
    get(async move || ([(CONTENT_TYPE, "application/json")], text).into_response())
}

/// The description of everything, from that of the console's routes.
pub(super) fn document(console: OpenApi) -> Value {
    let mut document = serde_json::to_value(console).unwrap_or_default();
    let paths =
        document.get_mut("paths").and_then(Value::as_object_mut).map(std::mem::take).unwrap_or_default();
    let mut all = Map::new();
    for (path, mut item) in paths {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            complete(&path, method, operation);
        }
        all.insert(format!("{PREFIX}{path}"), item);
    }
    for (method, path, tag, summary) in ELSEWHERE {
        let mut operation = json!({"tags": [tag], "summary": summary, "security": [{"key": []}],
            "operationId": path.split('/').chain([method]).map(word).collect::<Vec<_>>().join("_"),
            "responses": {"200": {"description": "see the public documentation of this interface"}}});
        add_path_parameters(path, &mut operation);
        all.entry(path).or_insert_with(|| json!({}))[method] = operation;
    }
    document["paths"] = Value::Object(all);
    document["info"] = json!({"title": "Azimuth", "version": env!("CARGO_PKG_VERSION"),
        "description": "Lists come in pages: send `next_cursor` back as `cursor`. Money is a decimal text of dollars, \
            a moment is RFC 3339. A browser's session sends the `csrf_token` of `/session` back in `x-csrf-token` with \
            everything that changes something."});
    document["security"] = json!([{"session": []}, {"key": []}]);
    document["components"]["securitySchemes"] = json!({
        "session": {"type": "apiKey", "in": "cookie", "name": "azimuth_session"},
        "key": {"type": "http", "scheme": "bearer"},
    });
    document
}

/// Adds what holds for every operation of the console, so that no handler has to say it.
fn complete(path: &str, method: &str, operation: &mut Value) {
    let tag = operation["tags"][0].as_str().unwrap_or_default().to_owned();
    let name = operation["operationId"].as_str().unwrap_or_default().to_owned();
    // Handlers are named within their noun; a generated client has them all in one place.
    operation["operationId"] = json!(format!("{tag}_{name}"));
    add_path_parameters(path, operation);
    if method == "post" && operation["security"] != json!([{}]) {
        add_parameter(
            operation,
            json!({"name": "Idempotency-Key", "in": "header", "required": false, "schema": {"type": "string"},
                "description": "Asking again with the same key within a day gets the first answer again."}),
        );
    }
    let refusal =
        json!({"description": "a refusal", "content": {"application/json": {"schema": REFUSAL.clone()}}});
    if let Some(responses) = operation["responses"].as_object_mut() {
        responses.entry("4XX").or_insert(refusal);
    }
}

/// The one shape of a refusal, written here because no handler names it.
static REFUSAL: std::sync::LazyLock<Value> = std::sync::LazyLock::new(|| {
    json!({"type": "object", "required": ["error"], "properties": {"error": {
        "type": "object", "required": ["code", "message"], "properties": {
            "code": {"type": "string"}, "message": {"type": "string"}, "field": {"type": "string"}}}}})
});

/// Every variable segment is a text.
fn add_path_parameters(path: &str, operation: &mut Value) {
    let segments = path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    for name in segments {
        add_parameter(
            operation,
            json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}),
        );
    }
}

fn add_parameter(operation: &mut Value, parameter: Value) {
    if !operation["parameters"].is_array() {
        operation["parameters"] = json!([]);
    }
    if let Some(parameters) = operation["parameters"].as_array_mut() {
        parameters.push(parameter);
    }
}

/// A segment of a path as part of a name.
fn word(segment: &str) -> String {
    segment.chars().filter(char::is_ascii_alphanumeric).collect()
}
