use std::time::Duration;

use serde_json::Value;

use crate::Installation;

/// kill -9 is a normal event: the server starts again, keys open, and every record that was seen is still there, once.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_by_kill_dash_nine() {
    let installation = Installation::new();
    let server = installation.serve(&[]);
    let made = installation.json(&["keys", "create", "--json"]);
    let key = made["api_key"].as_str().unwrap();
    for _ in 0..5 {
        assert_eq!(server.chat(key, "Hi").await.status(), 200);
    }
    let accepted: Value = reqwest::Client::new()
        .post(format!("{}/api/paas/v4/async/chat/completions", server.base_url))
        .bearer_auth(key)
        .body(r#"{"model":"azimuth-demo","messages":[{"role":"user","content":"Hi"}],"max_tokens":8}"#)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let records = || installation.json(&["usage", "--requests", "--json", "--limit", "1000"]);
    let mut seen = records();
    for _ in 0..100 {
        if seen.as_array().unwrap().len() >= 5 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        seen = records();
    }
    assert!(seen.as_array().unwrap().len() >= 5);
    server.kill_dash_nine();

    let server = installation.serve(&[]);
    assert_eq!(server.chat(key, "Hi").await.status(), 200);
    let after = records();
    for record in seen.as_array().unwrap() {
        let same = |other: &&Value| other["request"] == record["request"];
        assert_eq!(after.as_array().unwrap().iter().filter(same).count(), 1);
    }

    // ASYNC-07: the accepted chat is answered by the new process, after the dead one's claim ran out.
    let path = format!("{}/api/paas/v4/async-result/{}", server.base_url, accepted["id"].as_str().unwrap());
    for _ in 0..600 {
        let result: Value =
            reqwest::Client::new().get(&path).bearer_auth(key).send().await.unwrap().json().await.unwrap();
        if result["task_status"] == "SUCCESS" {
            return;
        }
        assert_eq!(result["task_status"], "PROCESSING");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the accepted chat was never answered");
}

/// A stop lets running answers end, and everything is written.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_polite_stop_ends_cleanly() {
    let installation = Installation::new();
    let mut server = installation.serve(&[]);
    assert_eq!(server.chat(&server.key, "Hi").await.status(), 200);
    let stopped = std::process::Command::new("kill").arg(server.child.id().to_string()).status().unwrap();
    assert!(stopped.success());
    for _ in 0..200 {
        if let Some(status) = server.child.try_wait().unwrap() {
            assert!(status.success());
            assert_eq!(installation.json(&["usage", "--requests", "--json"]).as_array().unwrap().len(), 1);
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the server did not stop");
}

/// The embedded defaults answer under the documented names, and say who really answered.
#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_defaults_answer_and_a_mapping_replaces_them() {
    let installation = Installation::new();
    let server = installation.serve(&[]);
    let response = server.chat(&server.key, "Hi").await;
    assert_eq!(response.headers()["x-azimuth-model"], "azimuth-demo.gguf");

    let file = installation.data().join("azimuth.toml");
    std::fs::write(
        &file,
        "[[engines]]\nname = \"tiny\"\nkind = \"embedded\"\nfile = \"azimuth-demo.gguf\"\n\
         [[models]]\nname = \"GLM-4.7\"\nengines = [\"tiny\"]\naliases = [\"my-model\"]\n",
    )
    .unwrap();
    drop(server);
    let server = installation.serve(&["--config", file.to_str().unwrap()]);
    assert_eq!(server.chat(&server.key, "Hi").await.status(), 400, "azimuth-demo is no longer mapped");
    let models: Value = reqwest::Client::new()
        .get(format!("{}/api/paas/v4/models", server.base_url))
        .bearer_auth(&server.key)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(models["data"][0]["id"], "glm-4.7");
    assert_eq!(models["data"].as_array().unwrap().len(), 1);
}

/// `azimuth chat` finds the key of the installation beside it and prints what the model says.
#[test]
fn chat_talks_to_the_server_in_the_terminal() {
    let installation = Installation::new();
    let server = installation.serve(&[]);
    let base_url = format!("{}/api/paas/v4", server.base_url);
    let output = installation.run(&["chat", "Hello!", "--no-thinking", "--base-url", &base_url]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!output.stdout.trim_ascii().is_empty());
}
