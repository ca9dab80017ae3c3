//! Callers that hang up at any moment, and requests that nobody should send: afterwards the server must stand as
//! before.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Args;
use rand::RngExt;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::azimuth::{Azimuth, Installation};
use crate::chat::{self, CHAT_PATH};
use crate::connection::Connection;
use crate::cores::Cores;
use crate::machine;
use crate::report::{Report, mib};

#[derive(Args)]
pub struct Options {
    /// The program to measure.
    #[arg(long, default_value = "target/release/azimuth", value_name = "FILE")]
    azimuth: PathBuf,
    /// Callers at a time.
    #[arg(long, default_value_t = 64)]
    callers: usize,
    /// How long they go on, in seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// A configuration to run with instead of the embedded demo model.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The model to ask for.
    #[arg(long, default_value = "azimuth-demo")]
    model: String,
}

/// Longest time that a caller listens before it hangs up.
const PATIENCE_MAX: Duration = Duration::from_millis(1500);
/// The longest a hostile request may take to be answered.
const PROBE_MAX: Duration = Duration::from_secs(120);
/// More growth than this while the traffic stays the same is a leak.
const GROWTH_MAX: f64 = 1.2;

pub fn run(options: &Options) -> anyhow::Result<()> {
    let folder = tempfile::Builder::new().prefix("azimuth-hostile-").tempdir()?;
    let mut installation = Installation::new(&options.azimuth, folder.path())?;
    if let Some(config) = &options.config {
        installation = installation.with_config(&fs::read_to_string(config)?)?;
    }
    let mut azimuth = installation.start(&Cores::all())?;
    let mut report = Report::new(&["what", "seen"]);
    let outcome = tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        probes(&azimuth, &options.model, &mut report).await?;
        hang_ups(&azimuth, options, &mut report).await
    });
    let outcome = outcome.and_then(|()| inspect(&mut azimuth, &mut report));
    println!("{}\n\n{report}", machine::describe());
    outcome
}

/// Requests that are too large, too deep or not what they claim. Each must be answered, in words or by a refusal.
async fn probes(azimuth: &Azimuth, model: &str, report: &mut Report) -> anyhow::Result<()> {
    let say = |text: String| json!({"model": model, "max_tokens": 4, "messages": [{"role": "user", "content": text}]});
    let with = |field: &str, value: Value| {
        let mut body = say("Hello".to_owned());
        body[field] = value;
        body.to_string().into_bytes()
    };
    let tool = |number: usize| {
        let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}}});
        json!({"type": "function", "function": {"name": format!("tool_{number}"), "parameters": parameters}})
    };
    let probes: [(&str, Vec<u8>); 9] = [
        ("a prompt of 200,000 words", say("word ".repeat(200_000)).to_string().into_bytes()),
        ("2 MiB of text in one message", say("x".repeat(2 << 20)).to_string().into_bytes()),
        ("2 MiB of opening brackets", vec![b'['; 2 << 20]),
        (
            "a million empty messages",
            format!("{{\"messages\":[{}{{}}]}}", "{},".repeat(1_000_000)).into_bytes(),
        ),
        ("a body that is not UTF-8", b"{\"model\":\"\xff\xfe\"}".to_vec()),
        ("no body", Vec::new()),
        ("10,000 tools", with("tools", (0..10_000).map(tool).collect())),
        ("a stop text of 1 MB", with("stop", json!(["x".repeat(1_000_000)]))),
        (
            "a schema nested 100 objects deep",
            with(
                "response_format",
                json!({
                    "type": "json_schema",
                    "json_schema": {"name": "deep", "schema": nested_schema(100)},
                }),
            ),
        ),
    ];

    for (name, body) in probes {
        let request = chat::raw_request(&azimuth.address, CHAT_PATH, &azimuth.key, &body);
        let began = Instant::now();
        let (status, text) = tokio::time::timeout(PROBE_MAX, ask(&azimuth.address, &request))
            .await
            .with_context(|| format!("{name}: no answer within {PROBE_MAX:?}"))?
            .with_context(|| format!("{name}: no answer"))?;
        let code = serde_json::from_slice::<Value>(&text)
            .ok()
            .and_then(|answer| answer["error"]["code"].as_str().map(|code| format!(", code {code}")))
            .unwrap_or_default();
        report.row([name, &format!("{status}{code}, after {} ms", began.elapsed().as_millis())]);
        ensure!(status < 500, "{name}: answered with {status}");
    }

    // Half a request, and gone.
    let whole = chat::request(&azimuth.address, CHAT_PATH, &azimuth.key, &say("Hello".to_owned()));
    let mut connection = Connection::open(&azimuth.address).await?;
    let gave_up =
        tokio::time::timeout(Duration::from_millis(300), connection.begin(&whole[..whole.len() / 2]));
    ensure!(gave_up.await.is_err(), "half a request was answered");
    Ok(())
}

fn nested_schema(depth: usize) -> Value {
    (0..depth)
        .fold(json!({"type": "string"}), |inner, _| json!({"type": "object", "properties": {"a": inner}}))
}

async fn ask(address: &str, request: &[u8]) -> std::io::Result<(u16, Vec<u8>)> {
    let mut body = Vec::new();
    let mut connection = Connection::open(address).await?;
    let answer = connection.exchange(request, |piece| body.extend_from_slice(piece)).await?;
    Ok((answer.status, body))
}

#[derive(Default)]
struct Calls {
    ended: usize,
    hung_up: usize,
    /// Answered with a refusal: there was no room.
    refused: usize,
    /// Not answered at all.
    broken: usize,
}

/// Many streams at a time, most of which nobody listens to until the end.
async fn hang_ups(azimuth: &Azimuth, options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let end = Instant::now() + Duration::from_secs(options.seconds);
    let mut callers = JoinSet::new();
    for number in 0..options.callers {
        let (address, key, model) = (azimuth.address.clone(), azimuth.key.clone(), options.model.clone());
        callers.spawn(async move { rude_caller(&address, &key, &model, number, end).await });
    }

    let mut resident = Vec::new();
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_secs(1)).await;
        resident.push(azimuth.process.resident());
    }
    let mut all = Calls::default();
    while let Some(calls) = callers.join_next().await {
        let calls = calls?;
        all.ended += calls.ended;
        all.hung_up += calls.hung_up;
        all.refused += calls.refused;
        all.broken += calls.broken;
    }
    report.row([
        &format!("{} callers for {} s", options.callers, options.seconds),
        &format!(
            "{} answers, {} hung up on, {} refused for lack of room",
            all.ended, all.hung_up, all.refused
        ),
    ]);

    let third = resident.len() / 3;
    let peak = |part: &[u64]| part.iter().copied().max().unwrap_or(0);
    let (early, late) = (peak(&resident[..third]), peak(&resident[resident.len() - third..]));
    report.row([
        "memory, highest in the first and in the last third",
        &format!("{}, {}", mib(early), mib(late)),
    ]);
    #[expect(clippy::cast_precision_loss, reason = "a ratio is asked for")]
    let growth = late as f64 / early.max(1) as f64;
    ensure!(growth < GROWTH_MAX, "memory grew to {growth:.2} times");
    Ok(())
}

async fn rude_caller(address: &str, key: &str, model: &str, number: usize, end: Instant) -> Calls {
    let mut calls = Calls::default();
    let mut turn = 0;
    while Instant::now() < end {
        turn += 1;
        let text =
            format!("Caller {number}, turn {turn}: tell me a story. {}", "Once more. ".repeat(turn % 50));
        let body = json!({"model": model, "stream": true, "max_tokens": 64,
                          "messages": [{"role": "user", "content": text}]});
        let request = chat::request(address, CHAT_PATH, key, &body);
        let patience = PATIENCE_MAX.mul_f64(rand::rng().random());
        match tokio::time::timeout(patience, ask(address, &request)).await {
            Ok(Ok((200, _))) => calls.ended += 1,
            Ok(Ok(_)) => {
                calls.refused += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Ok(Err(_)) => calls.broken += 1,
            Err(_) => calls.hung_up += 1,
        }
    }
    calls
}

/// The server runs, answers, and never panicked.
fn inspect(azimuth: &mut Azimuth, report: &mut Report) -> anyhow::Result<()> {
    // Whoever hung up last may still hold a place.
    std::thread::sleep(Duration::from_secs(3));
    ensure!(azimuth.process.is_running(), "the server is gone");
    let answer = tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut connection = Connection::open(&azimuth.address).await?;
        connection.exchange(&chat::get(&azimuth.address, "/readyz"), |_| {}).await
    })?;
    ensure!(answer.status == 200, "the server is not ready: {}", answer.status);
    let log = fs::read_to_string(&azimuth.log)?;
    if let Some(line) = log.lines().find(|line| line.contains("panicked")) {
        bail!("the log says: {line}");
    }
    report.row(["afterwards", "it runs, it is ready, nothing panicked"]);
    report.row(["memory at rest", &mib(azimuth.process.resident())]);
    Ok(())
}
