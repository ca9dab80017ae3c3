//! A host elsewhere behind the whole program: what it says arrives, what it does wrong is told truthfully, and it is
//! left alone when the caller leaves.

use std::time::Duration;

use futures::StreamExt;
use serde_json::Value;
use testkit::scripted_host::{Answer, ScriptedHost};

use crate::{Installation, Server};

fn serve_in_front_of(installation: &Installation, host: &ScriptedHost) -> Server {
    let file = installation.data().join("azimuth.toml");
    let engine = format!(
        "[[engines]]\nname = \"gpu\"\nkind = \"openai\"\nbase_url = \"{}\"\nmodel = \"their/GLM\"\n",
        host.base_url()
    );
    std::fs::write(&file, format!("{engine}[[models]]\nname = \"glm-4.7\"\nengines = [\"gpu\"]\n"))
        .expect("writable");
    installation.serve(&["--config", file.to_str().expect("UTF-8")])
}

async fn ask(server: &Server, stream: bool) -> reqwest::Response {
    let body = serde_json::json!({"model": "glm-4.7", "stream": stream, "messages": [{"role": "user", "content": "Hi"}]});
    reqwest::Client::new()
        .post(format!("{}/api/paas/v4/chat/completions", server.base_url))
        .bearer_auth(&server.key)
        .body(body.to_string())
        .send()
        .await
        .expect("the server answers")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_answer_arrives_under_the_public_name() {
    let host = ScriptedHost::start().await;
    let installation = Installation::new();
    let server = serve_in_front_of(&installation, &host);
    host.will(Answer::text(&["Hel", "lo"]));
    let response = ask(&server, false).await;
    assert_eq!(response.headers()["x-azimuth-model"], "their/GLM");
    let body: Value = response.json().await.expect("JSON");
    assert_eq!(body["model"], "glm-4.7");
    assert_eq!(body["choices"][0]["message"]["content"], "Hello");
    assert_eq!(host.only_request().json()["model"], "their/GLM");
}

/// What the host refuses is told with its wait; what breaks is an error before the first byte.
#[tokio::test(flavor = "multi_thread")]
async fn a_busy_host_is_told_with_its_wait_and_a_broken_one_is_an_error() {
    let host = ScriptedHost::start().await;
    let installation = Installation::new();
    let server = serve_in_front_of(&installation, &host);
    host.will(Answer::status(429, &[("retry-after", "7")], "slow down"));
    let response = ask(&server, true).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (429, &"7".parse().expect("a header"))
    );
    host.will(Answer::status(500, &[], "secret stack trace"));
    let response = ask(&server, true).await;
    assert_eq!(response.status(), 500);
    assert!(!response.text().await.expect("text").contains("stack trace"));
}

/// A caller that hangs up frees the host, and the tokens it was sent are on record.
#[tokio::test(flavor = "multi_thread")]
async fn hanging_up_cancels_the_host() {
    let host = ScriptedHost::start().await;
    let installation = Installation::new();
    let server = serve_in_front_of(&installation, &host);
    let content = testkit::scripted_host::content("Hel");
    host.will(Answer::open_stream().event(&content.to_string()).silence());
    let mut stream = ask(&server, true).await.bytes_stream();
    assert!(stream.next().await.is_some());
    drop(stream);
    tokio::time::timeout(Duration::from_secs(10), host.wait_for_hang_up(0))
        .await
        .expect("the host is left alone");
    for _ in 0..100 {
        let records = tokio::task::block_in_place(|| installation.json(&["usage", "--requests", "--json"]));
        if let Some(record) = records.as_array().and_then(|records| records.first()) {
            assert_eq!(record["ending"], "caller_left");
            assert_eq!(record["usage"]["answer"], 1);
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the request was never recorded");
}
