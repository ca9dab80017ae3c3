use serde_json::{Value, json};

/// Where Azimuth takes chat completions; others are asked at the same path.
pub const CHAT_PATH: &str = "/api/paas/v4/chat/completions";

/// The same where a plan pays.
pub const CODING_PATH: &str = "/api/coding/paas/v4/chat/completions";

/// A conversation of a usual size for a short question: about a kilobyte.
const SYSTEM: &str = "You are a careful assistant of a software team. Answer briefly, name your sources, and say so \
    when you do not know. Code goes into fenced blocks with the language's name. Never invent file names, options or \
    figures; ask when the question leaves something open. Dates are written year first.";
const QUESTION: &str = "Our service answers a little slower every day until it is restarted, and the memory of the \
    process grows by about thirty mebibytes an hour. There are no errors in the log. The database is fine. What would \
    you look at first, second and third, and which single measurement would tell the three causes apart?";

/// The body of a chat request.
pub fn body(model: &str, stream: bool) -> Value {
    json!({
        "model": model,
        "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}],
        "temperature": 0.7,
        "max_tokens": 1024,
        "stream": stream,
    })
}

/// A whole request, ready to be sent again and again.
pub fn request(address: &str, path: &str, key: &str, body: &Value) -> Vec<u8> {
    raw_request(address, path, key, body.to_string().as_bytes())
}

/// The same with a body that need not be JSON.
pub fn raw_request(address: &str, path: &str, key: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\nUser-Agent: load\r\n\
         Accept: application/json\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A request without a body.
pub fn get(address: &str, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: load\r\n\r\n").into_bytes()
}
