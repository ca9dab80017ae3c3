//! Requests that nobody sends by mistake: each is answered clearly, changes nothing and harms nobody.

use serde_json::{Value, json};
use server::ServerSettings;
use testkit::{TestApp, TestSettings};

use crate::{hello, hello_with};

async fn refused(app: &TestApp, body: impl Into<reqwest::Body>) -> (u16, String) {
    let response = app.post("/chat/completions").body(body).send().await.unwrap();
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    (status, body["error"]["code"].as_str().unwrap().to_owned())
}

/// ERR-06, errors.md §5: what the body lacks or holds too much of is told with its code.
#[tokio::test]
async fn hostile_bodies_are_refused_with_their_codes() {
    let app = TestApp::start().await;
    let many_tools: Vec<Value> = (0..10_000)
        .map(|n| json!({"type": "function", "function": {"name": format!("f{n}"), "parameters": {}}}))
        .collect();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("cut JSON", b"{\"model\": ".to_vec(), "1210"),
        ("invalid UTF-8", b"{\"model\": \"glm-4.7\xff\"}".to_vec(), "1210"),
        ("deep nesting", deeply_nested_schema(), "1210"),
        ("no model", json!({"messages": []}).to_string().into_bytes(), "1213"),
        ("no messages", json!({"model": "glm-4.7"}).to_string().into_bytes(), "1213"),
        ("10,000 tools", hello_with(&json!({"tools": many_tools})).to_string().into_bytes(), "1214"),
        (
            "a stop text of 1 MB",
            hello_with(&json!({"stop": "x".repeat(1_000_000)})).to_string().into_bytes(),
            "1214",
        ),
        (
            "an odd thinking type",
            hello_with(&json!({"thinking": {"type": "maybe"}})).to_string().into_bytes(),
            "1214",
        ),
    ];
    for (what, body, code) in cases {
        assert_eq!(refused(&app, body).await, (400, code.to_owned()), "{what}");
    }
    assert!(app.engine.requests().is_empty());
    assert_eq!(app.chat(&hello()).await.0, 200);
}

fn deeply_nested_schema() -> Vec<u8> {
    let schema = "{\"a\":".repeat(100_000) + "1" + &"}".repeat(100_000);
    hello_with(&json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": "SCHEMA"}}]}))
        .to_string()
        .replace("\"SCHEMA\"", &schema)
        .into_bytes()
}

/// http-api.md §0.1.10: a larger body is refused with 413, whether it says so or not.
#[tokio::test]
async fn a_body_over_the_limit_is_refused_with_413() {
    let server = ServerSettings { body_bytes_max: 1000, ..ServerSettings::default() };
    let app = TestApp::with(TestSettings { server, ..TestSettings::default() }).await;
    let large = hello_with(&json!({"padding": "x".repeat(2000)})).to_string();
    assert_eq!(refused(&app, large.clone()).await, (413, "1214".to_owned()));
    let pieces = futures::stream::iter(vec![Ok::<_, std::io::Error>(large)]);
    assert_eq!(refused(&app, reqwest::Body::wrap_stream(pieces)).await, (413, "1214".to_owned()));
}

/// A large honest prompt is no attack.
#[tokio::test]
async fn two_mebibytes_of_text_arrive_whole() {
    let app = TestApp::start().await;
    let text = "word ".repeat(400_000);
    let (status, body) =
        app.chat(&json!({"model": "glm-4.7", "messages": [{"role": "user", "content": text}]})).await;
    assert_eq!(status, 200);
    assert_eq!(body["choices"][0]["message"]["content"].as_str().unwrap().len(), text.len());
}
