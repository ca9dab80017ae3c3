//! What an operator types and sees: the built program, in a folder of its own.

mod admin;
mod config;
mod documents;
mod keys;
mod ledger;
mod models;
mod remote;
mod serve;

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// An installation in a temporary folder.
struct Installation {
    folder: TempDir,
}

impl Installation {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    fn data(&self) -> &Path {
        self.folder.path()
    }

    /// The program, with nothing of the environment that could change what it does.
    fn azimuth(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_azimuth"));
        for (name, _) in
            std::env::vars().filter(|(name, _)| name.starts_with("AZIMUTH_") || name.starts_with("ZAI_"))
        {
            command.env_remove(name);
        }
        command.args(arguments).arg("--data").arg(self.data());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.azimuth(arguments).output().expect("the program runs")
    }

    /// Runs a command that succeeds and prints JSON.
    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("the output is JSON")
    }

    /// Starts the server and waits until it answers.
    fn serve(&self, more: &[&str]) -> Server {
        let ready = self.data().join(format!("ready-{}.json", std::process::id()));
        let _ = std::fs::remove_file(&ready);
        let mut arguments =
            vec!["serve", "--listen", "127.0.0.1:0", "--ready-file", ready.to_str().expect("UTF-8")];
        arguments.extend(more);
        let child =
            self.azimuth(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        let mut server = Server { child, base_url: String::new(), key: String::new() };
        let deadline = Instant::now() + Duration::from_secs(60);
        while !ready.exists() {
            assert!(server.child.try_wait().expect("it can be asked").is_none(), "the server ended");
            assert!(Instant::now() < deadline, "the server did not become ready");
            std::thread::sleep(Duration::from_millis(20));
        }
        let about: Value = serde_json::from_slice(&std::fs::read(&ready).expect("readable")).expect("JSON");
        server.base_url = about["base_url"].as_str().expect("a URL").to_owned();
        server.key = about["api_key"].as_str().expect("a key").to_owned();
        server
    }
}

/// A running server; killed with it.
struct Server {
    child: Child,
    base_url: String,
    key: String,
}

impl Server {
    async fn chat(&self, key: &str, text: &str) -> reqwest::Response {
        let body = serde_json::json!({
            "model": "azimuth-demo", "max_tokens": 8, "thinking": {"type": "disabled"},
            "messages": [{"role": "user", "content": text}],
        });
        reqwest::Client::new()
            .post(format!("{}/api/paas/v4/chat/completions", self.base_url))
            .bearer_auth(key)
            .body(body.to_string())
            .send()
            .await
            .expect("the server answers")
    }

    /// Kills the process as a crash would: it gets no chance to tidy up.
    fn kill_dash_nine(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
