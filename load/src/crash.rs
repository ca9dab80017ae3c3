//! Kills the server with traffic on it, again and again, in one data folder: what it had shown must still be there.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::ensure;
use clap::Args;

use crate::azimuth::{Azimuth, Installation, gateway_config};
use crate::chat::{self, CHAT_PATH};
use crate::cores::Cores;
use crate::drive::{Outcome, Target, Until, closed_loop};
use crate::machine;
use crate::report::Report;
use crate::script::Script;
use crate::upstream::Upstream;

#[derive(Args)]
pub struct Options {
    /// The program to measure.
    #[arg(long, default_value = "target/release/azimuth", value_name = "FILE")]
    azimuth: PathBuf,
    /// How often it is killed.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Requests under way when it is killed.
    #[arg(long, default_value_t = 32)]
    connections: usize,
}

const MODEL: &str = "load-model";

pub fn run(options: &Options) -> anyhow::Result<()> {
    let folder = tempfile::Builder::new().prefix("azimuth-crash-").tempdir()?;
    let upstream = Upstream::start(&Cores::all(), folder.path())?;
    let script = Script { delay: Duration::from_millis(2), ..Script::default() };
    let installation = Installation::new(&options.azimuth, &folder.path().join("installation"))?
        .with_config(&gateway_config(&upstream.address, &[(MODEL, &script)]))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;

    let mut report = Report::new(&[
        "kill",
        "answered by then",
        "recorded before",
        "found again",
        "missing",
        "doubled",
        "ready after",
    ]);
    let mut first_key = None;
    for round in 1..=options.rounds {
        let azimuth = installation.start(&Cores::all())?;
        // The key made at the first start must open the door after every crash.
        let key = first_key.get_or_insert_with(|| azimuth.key.clone()).clone();
        ensure!(azimuth.key == key, "another key is shown after a crash");

        let traffic = runtime.spawn(traffic(&azimuth, &key, options.connections));
        std::thread::sleep(Duration::from_millis(1500));
        let shown = installation.recorded_requests()?;
        std::thread::sleep(Duration::from_millis(300));
        azimuth.process.kill();
        let answered = runtime.block_on(traffic)?.answered;

        let azimuth = installation.start(&Cores::all())?;
        let again = runtime.block_on(closed_loop(&target(&azimuth, &key), 4, Until::Requests(100)));
        ensure!(again.failed == 0, "{} of 100 requests failed after the restart", again.failed);
        let found = installation.recorded_requests()?;
        let distinct: HashSet<&str> = found.iter().map(String::as_str).collect();
        let missing = shown.iter().filter(|id| !distinct.contains(id.as_str())).count();
        let doubled = found.len() - distinct.len();
        report.row([
            &round.to_string(),
            &answered.to_string(),
            &shown.len().to_string(),
            &found.len().to_string(),
            &missing.to_string(),
            &doubled.to_string(),
            &format!("{} ms", azimuth.ready_after.as_millis()),
        ]);
        ensure!(!shown.is_empty(), "nothing was recorded before the kill");
        ensure!(missing == 0 && doubled == 0, "{missing} records are missing and {doubled} doubled");
    }
    println!("{}\n\n{report}", machine::describe());
    Ok(())
}

fn target(azimuth: &Azimuth, key: &str) -> Target {
    let body = chat::body(MODEL, true);
    Target::new(&azimuth.address, chat::request(&azimuth.address, CHAT_PATH, key, &body))
}

/// Goes on until well after the server is gone.
fn traffic(azimuth: &Azimuth, key: &str, connections: usize) -> impl Future<Output = Outcome> + use<> {
    let target = target(azimuth, key);
    async move { closed_loop(&target, connections, Until::After(Duration::from_millis(2500))).await }
}
