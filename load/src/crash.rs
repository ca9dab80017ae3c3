//! Kills the server with traffic on it that costs money and quota, again and again in one data folder: what it had shown
//! must still be there, and the books must be right each time.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use rand::RngExt;
use store::Store;
use tokio::runtime::Runtime;

use crate::azimuth::{Azimuth, Installation, gateway_config};
use crate::books::{Books, Counted};
use crate::chat::{self, CHAT_PATH};
use crate::cores::Cores;
use crate::drive::{Target, Until, closed_loop, open_loop};
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
    #[arg(long, default_value_t = 10)]
    runs: usize,
    /// Requests under way when it is killed.
    #[arg(long, default_value_t = 32)]
    connections: usize,
}

/// A model that costs money.
const MODEL: &str = "glm-4.7";

/// Where a plan pays.
const CODING_PATH: &str = "/api/coding/paas/v4/chat/completions";

/// Calls of the plan: few enough that a hundred runs fit into its five hours.
const CODING_A_SECOND: f64 = 100.0;
const CODING_CONNECTIONS: usize = 4;

/// When it is killed, after it was ready.
const KILLED_AFTER_MS: std::ops::Range<u64> = 300..1500;

/// The most answers that a kill may leave without a record: those of the group that is being written, and of the next,
/// which gathers meanwhile.
const LOST_MAX: u64 = 2 * 512;

/// What was read from its records shortly before it was killed, at most.
const SHOWN_MAX: u32 = 1000;

pub fn run(options: &Options) -> anyhow::Result<()> {
    let folder = tempfile::Builder::new().prefix("azimuth-crash-").tempdir()?;
    let upstream = Upstream::start(&Cores::all(), folder.path())?;
    let script = Script { delay: Duration::from_millis(2), ..Script::default() };
    let installation = Installation::new(&options.azimuth, &folder.path().join("installation"))?
        .with_config(&gateway_config(&upstream.address, &[(MODEL, &script)]))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;

    let mut crashes = Crashes::default();
    for run in 1..=options.runs {
        crashes.crash(&installation, options.connections, &runtime).with_context(|| format!("run {run}"))?;
        if run % 10 == 0 {
            eprintln!("load: {run} kills, {} answers, the books are right", crashes.answered.all());
        }
    }
    let azimuth = installation.start(&Cores::all())?;
    let key = azimuth.key.clone();
    let again = runtime.block_on(closed_loop(&target(&azimuth, CHAT_PATH, &key), 4, Until::Requests(100)));
    ensure!(again.failed == 0, "{} of 100 requests failed after the last restart", again.failed);
    drop(azimuth);
    let verified = runtime.block_on(async { books(&installation).await?.verify().await })?;

    println!("{}\n\n{}", machine::describe(), crashes.report());
    println!("The books are right after each of {} kills. In the end: {verified}.", options.runs);
    Ok(())
}

async fn books(installation: &Installation) -> anyhow::Result<Books> {
    Books::of(Store::open(installation.database()).await?).await
}

fn target(azimuth: &Azimuth, path: &str, key: &str) -> Target {
    let body = chat::body(MODEL, true);
    Target::new(&azimuth.address, chat::request(&azimuth.address, path, key, &body))
}

/// What many kills have come to.
#[derive(Default)]
struct Crashes {
    first_key: Option<String>,
    answered: Counted,
    recorded: Counted,
    lost_max: u64,
    unread_max: u64,
    ready_max: Duration,
}

impl Crashes {
    fn crash(
        &mut self,
        installation: &Installation,
        connections: usize,
        runtime: &Runtime,
    ) -> anyhow::Result<()> {
        let azimuth = installation.start(&Cores::all())?;
        // The key made at the first start must open the door after every crash.
        let key = self.first_key.get_or_insert_with(|| azimuth.key.clone()).clone();
        ensure!(azimuth.key == key, "another key is shown after a crash");
        self.ready_max = self.ready_max.max(azimuth.ready_after);

        let traffic = runtime.spawn(traffic(&azimuth, &key, connections));
        std::thread::sleep(Duration::from_millis(rand::rng().random_range(KILLED_AFTER_MS)));
        let shown = runtime.block_on(async { books(installation).await?.newest(SHOWN_MAX).await })?;
        azimuth.process.kill();
        let answered = runtime.block_on(traffic)?;

        runtime.block_on(async {
            let books = books(installation).await?;
            books.verify().await?;
            for request in &shown {
                ensure!(books.has(request).await?, "`{request}` was shown and is missing");
            }
            // Counted from what was charged, and then again from what was recorded: neither more nor less than once each.
            let recorded = books.charged().await?;
            let records = books.records().await?;
            ensure!(records == recorded.all(), "{records} records, and {recorded:?} charges");
            self.compare(answered, recorded, connections)
        })
    }

    fn compare(&mut self, answered: Counted, recorded: Counted, connections: usize) -> anyhow::Result<()> {
        let new = recorded.all() - self.recorded.all();
        let lost = answered.all().saturating_sub(new);
        let unread = new.saturating_sub(answered.all());
        ensure!(new > 0, "nothing was recorded before the kill");
        ensure!(lost <= LOST_MAX, "{lost} answers were not charged");
        ensure!(
            unread <= (connections + CODING_CONNECTIONS) as u64,
            "{unread} answers were charged and not received, of {connections} under way"
        );
        self.answered = self.answered + answered;
        self.recorded = recorded;
        (self.lost_max, self.unread_max) = (self.lost_max.max(lost), self.unread_max.max(unread));
        Ok(())
    }

    fn report(&self) -> Report {
        let mut report = Report::new(&["", "by balance", "by plan"]);
        let Self { answered, recorded, .. } = self;
        report.row(["answers received", &answered.balance.to_string(), &answered.plan.to_string()]);
        report.row(["charged, once each", &recorded.balance.to_string(), &recorded.plan.to_string()]);
        report.row(["most answers not charged after a kill", &self.lost_max.to_string(), ""]);
        report.row(["most charges of answers not received", &self.unread_max.to_string(), ""]);
        report.row(["longest start", &format!("{} ms", self.ready_max.as_millis()), ""]);
        report
    }
}

/// Goes on until well after the server is gone.
fn traffic(azimuth: &Azimuth, key: &str, connections: usize) -> impl Future<Output = Counted> + use<> {
    let (general, coding) = (target(azimuth, CHAT_PATH, key), target(azimuth, CODING_PATH, key));
    let time = Duration::from_millis(KILLED_AFTER_MS.end + 1000);
    async move {
        let (balance, plan) = tokio::join!(
            closed_loop(&general, connections, Until::After(time)),
            open_loop(&coding, CODING_A_SECOND, CODING_CONNECTIONS, time),
        );
        Counted { balance: balance.answered as u64, plan: plan.answered as u64 }
    }
}
