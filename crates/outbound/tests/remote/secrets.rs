use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::json;
use testkit::scripted_host::{Answer, content};
use vocab::Secret;

use super::*;

const KEY: &str = "planted-key-4711";
const HEADER: &str = "planted-header-0815";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Planted keys show up in no error, no debug output and no log line, whatever a host makes of them.
#[tokio::test]
async fn upstream_keys_never_leak() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let echo = format!("you sent Bearer {KEY} and {HEADER}");
    let error = json!({"error": {"message": echo, "code": 500}});
    let mut shown = String::new();
    for answer in [
        Answer::status(400, &[], &echo),
        Answer::json(404, &error),
        Answer::json(500, &error),
        Answer::status(302, &[("location", &format!("http://x/?key={KEY}"))], ""),
        Answer::open_stream().event(&error.to_string()).end(),
        Answer::open_stream().event(&content("x").to_string()).event(&error.to_string()).end(),
        Answer::open_stream().event(&echo).end(),
        Answer::closes_at_accept(),
    ] {
        let host = ScriptedHost::start().await;
        host.otherwise(answer);
        let mut config = config(&host);
        config.key = Some(Secret::new(KEY));
        config.headers = vec![("x-team".to_owned(), Secret::new(HEADER))];
        shown += &format!("{config:?}");
        let engine = RemoteEngine::new(config).unwrap();
        shown += &format!("{:?}", engine.describe());
        match engine.chat(hi()).await {
            Ok(stream) => shown += &format!("{:?}", listen(stream).await),
            Err(error) => shown += &format!("{error} {error:?}"),
        }
    }
    shown += &String::from_utf8_lossy(&log.0.lock().unwrap());
    assert!(!shown.contains("planted"), "{shown}");
}
