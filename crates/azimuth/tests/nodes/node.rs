use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longest start on a busy machine.
const START_MAX: Duration = Duration::from_secs(60);

/// Longest polite stop: leases are given back and records written first.
const STOP_MAX: Duration = Duration::from_secs(30);

/// A running node; killed with this value.
pub struct Node {
    child: Child,
    ready: PathBuf,
    log: PathBuf,
    /// `http://127.0.0.1:PORT`, once it is ready.
    pub base_url: String,
    /// The operator's key.
    pub key: String,
}

impl Node {
    /// Starts the server that `command` is; `ready` and `log` are files of its own.
    pub fn start(mut command: Command, ready: PathBuf, log: PathBuf) -> Self {
        let _ = std::fs::remove_file(&ready);
        let lines = std::fs::File::options().append(true).create(true).open(&log).expect("a log");
        command.args(["serve", "--listen", "127.0.0.1:0", "--ready-file"]).arg(&ready);
        let child = command.stdout(Stdio::null()).stderr(lines).spawn().expect("the program starts");
        Self { child, ready, log, base_url: String::new(), key: String::new() }
    }

    /// Waits until it answers.
    pub async fn ready(mut self) -> Self {
        let deadline = Instant::now() + START_MAX;
        while !self.ready.exists() {
            let ended = self.child.try_wait().expect("it can be asked");
            assert!(ended.is_none() && Instant::now() < deadline, "the node did not start: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let about: Value =
            serde_json::from_slice(&std::fs::read(&self.ready).expect("readable")).expect("JSON");
        self.base_url = about["base_url"].as_str().expect("a URL").to_owned();
        self.key = about["api_key"].as_str().expect("a key").to_owned();
        self
    }

    /// What it has written so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Asks it to end, and waits until it has given everything back.
    pub async fn stop(mut self) {
        self.signal(&[]);
        let deadline = Instant::now() + STOP_MAX;
        loop {
            if let Some(status) = self.child.try_wait().expect("it can be asked") {
                assert!(status.success(), "{status}: {}", self.log());
                return;
            }
            assert!(Instant::now() < deadline, "the node did not stop: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends it as a crash would: it gets no chance to tidy up.
    pub fn kill_dash_nine(&self) {
        self.signal(&["-9"]);
    }

    fn signal(&self, arguments: &[&str]) {
        let mut kill = Command::new("kill");
        let status = kill.args(arguments).arg(self.child.id().to_string()).status().expect("kill is there");
        assert!(status.success());
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
