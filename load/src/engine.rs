//! How fast the embedded engine reads and writes through Azimuth's door, beside llama-cpp-python's server on the
//! same file with as many threads.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::azimuth::{Azimuth, Installation};
use crate::chat::{self, CHAT_PATH};
use crate::connection::Connection;
use crate::cores::Cores;
use crate::machine;
use crate::peer::{self, Peer};
use crate::process::Process;
use crate::report::{Report, figure};
use crate::sample::Sample;

#[derive(Args)]
pub struct Options {
    /// The model to run, a GGUF file. `tools/bench-model` makes one of a size worth measuring.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// The program to measure.
    #[arg(long, default_value = "target/release/azimuth", value_name = "FILE")]
    azimuth: PathBuf,
    /// Threads for computing, in both.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// How many callers at a time.
    #[arg(long, value_delimiter = ',', default_value = "1,8")]
    callers: Vec<usize>,
    /// How often each measurement is taken; the middle one counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Tokens that each caller lets the model write.
    #[arg(long, default_value_t = 96)]
    written: usize,
    /// Words of the prompt that is read. As many make a little more than 512 tokens of the bench model.
    #[arg(long, default_value_t = 516)]
    words: usize,
}

const MODEL: &str = "load-model";
const CONTEXT_TOKENS: usize = 16_384;

pub fn run(options: &Options) -> anyhow::Result<()> {
    let folder = tempfile::Builder::new().prefix("azimuth-engine-").tempdir()?;
    let cores = Cores::all();
    let azimuth =
        Installation::new(&options.azimuth, folder.path())?.with_config(&config(options)?)?.start(&cores)?;
    let python = peer::installed();
    let peer = match &python {
        Some(python) => {
            let (model, threads) = (&options.model, options.threads);
            Some(Peer::start(python, model, threads, CONTEXT_TOKENS, &cores, folder.path())?)
        }
        None => {
            eprintln!(
                "load: *** llama-cpp-python is not there (load/setup-peer.sh): there is nothing to compare with ***"
            );
            None
        }
    };
    let doors: Vec<Door<'_>> =
        std::iter::once(Door::of_azimuth(&azimuth)).chain(peer.as_ref().map(Door::of_peer)).collect();

    let mut report = Report::new(&["figure", "Azimuth", "llama-cpp-python", "ratio", "budget"]);
    let before = machine::describe();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        // The model is loaded by the first request.
        for door in &doors {
            door.ask("warm up", 4).await?;
        }
        let mut topics = 0..;
        for &callers in &options.callers {
            read(options, &doors, callers, &mut topics, &mut report).await?;
            write(options, &doors, callers, &mut topics, &mut report).await?;
        }
        first_token(options, &doors, &mut topics, &mut report).await
    })?;

    println!("{before} before and {} after.", machine::load_average());
    println!(
        "{} with {} threads on `{}`; the middle of {} rounds.\n",
        python.as_deref().and_then(peer::version).as_deref().unwrap_or("without llama-cpp-python"),
        options.threads,
        options.model.file_name().unwrap_or_default().display(),
        options.rounds
    );
    println!("{report}");
    Ok(())
}

fn config(options: &Options) -> anyhow::Result<String> {
    let file = std::fs::canonicalize(&options.model).with_context(|| options.model.display().to_string())?;
    let slots = options.callers.iter().copied().max().unwrap_or(1);
    Ok(format!(
        "[embedded]\nthreads = {}\nslots = {slots}\ncontext_tokens = {CONTEXT_TOKENS}\n\n[[engines]]\nname = \"{MODEL}\"\n\
         kind = \"embedded\"\nfile = {}\n\n[[models]]\nname = \"{MODEL}\"\nengines = [\"{MODEL}\"]\n",
        options.threads,
        json!(file.display().to_string())
    ))
}

type Topics = std::ops::RangeFrom<usize>;

/// A prompt of which nothing but the template's head was ever seen before.
fn prompt(topic: usize, words: usize) -> String {
    // Small random models have small vocabularies; these words are one or two tokens in any.
    format!("{topic} ") + &"you may call ".repeat(words / 3)
}

async fn read(
    options: &Options,
    doors: &[Door<'_>],
    callers: usize,
    topics: &mut Topics,
    report: &mut Report,
) -> anyhow::Result<()> {
    let work = |topic| (prompt(topic, options.words), 1);
    let speeds = speeds(options, doors, callers, topics, &work, |used| used.read).await?;
    row(report, &format!("reading, {callers} at a time"), &speeds);
    Ok(())
}

async fn write(
    options: &Options,
    doors: &[Door<'_>],
    callers: usize,
    topics: &mut Topics,
    report: &mut Report,
) -> anyhow::Result<()> {
    let work = |topic| (prompt(topic, 6), options.written);
    let speeds = speeds(options, doors, callers, topics, &work, |used| used.written).await?;
    row(report, &format!("writing, {callers} at a time"), &speeds);
    Ok(())
}

/// Tokens a second of wall time and of processor time.
#[derive(Default)]
struct Speed {
    wall: Sample,
    cpu: Sample,
}

async fn speeds(
    options: &Options,
    doors: &[Door<'_>],
    callers: usize,
    topics: &mut Topics,
    work: &impl Fn(usize) -> (String, usize),
    count: fn(&Used) -> usize,
) -> anyhow::Result<Vec<Speed>> {
    let mut speeds: Vec<Speed> = doors.iter().map(|_| Speed::default()).collect();
    for _ in 0..options.rounds {
        for (door, speed) in doors.iter().zip(&mut speeds) {
            let prompts: Vec<(String, usize)> = topics.by_ref().take(callers).map(work).collect();
            let (cpu_before, began) = (door.process.cpu(), Instant::now());
            let answers = join_all(prompts.iter().map(|(text, written)| door.ask(text, *written))).await;
            let (cpu, wall) = (door.process.cpu() - cpu_before, began.elapsed());
            let mut tokens = 0;
            for answer in answers {
                tokens += count(&answer?);
            }
            #[expect(clippy::cast_precision_loss, reason = "counts are small")]
            let per = |time: Duration| tokens as f64 / time.as_secs_f64();
            speed.wall.push(per(wall));
            speed.cpu.push(per(cpu));
        }
    }
    Ok(speeds)
}

fn row(report: &mut Report, title: &str, speeds: &[Speed]) {
    for (what, of) in [
        ("tokens a second of processor time", (|speed| &speed.cpu) as fn(&Speed) -> &Sample),
        ("tokens a second", |speed| &speed.wall),
    ] {
        let mut medians = speeds.iter().map(|speed| of(speed).median());
        let (azimuth, peer) = (medians.next().unwrap_or(0.0), medians.next());
        report.row([
            &format!("{title}: {what}"),
            &figure(azimuth),
            &peer.map_or_else(|| "-".to_owned(), figure),
            &peer.map_or_else(|| "-".to_owned(), |peer| figure(azimuth / peer)),
            "0.95",
        ]);
    }
}

/// The same long prompt twice: the second time it is known.
async fn first_token(
    options: &Options,
    doors: &[Door<'_>],
    topics: &mut Topics,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut cold: Vec<Sample> = doors.iter().map(|_| Sample::default()).collect();
    let mut warm = cold.clone();
    for _ in 0..options.rounds {
        for (place, door) in doors.iter().enumerate() {
            let text = prompt(topics.next().unwrap_or_default(), options.words);
            for sample in [&mut cold[place], &mut warm[place]] {
                let began = Instant::now();
                door.ask(&text, 1).await?;
                sample.push_time(began.elapsed());
            }
        }
    }
    for (title, samples) in [("new", &cold), ("seen before", &warm)] {
        let mut medians = samples.iter().map(|sample| sample.median() / 1000.0);
        let (azimuth, peer) = (medians.next().unwrap_or(0.0), medians.next());
        report.row([
            &format!("first token after a {title} prompt, ms"),
            &figure(azimuth),
            &peer.map_or_else(|| "-".to_owned(), figure),
            &peer.map_or_else(|| "-".to_owned(), |peer| figure(azimuth / peer)),
            "",
        ]);
    }
    let times = |place: usize| match (cold.get(place), warm.get(place)) {
        (Some(cold), Some(warm)) => figure(cold.median() / warm.median()),
        _ => "-".to_owned(),
    };
    report.row(["… sooner by the factor", &times(0), &times(1), "", "10"]);
    Ok(())
}

/// A server to ask.
struct Door<'a> {
    address: &'a str,
    path: &'static str,
    key: &'a str,
    process: &'a Process,
}

/// Tokens of one answer.
struct Used {
    read: usize,
    written: usize,
}

impl<'a> Door<'a> {
    fn of_azimuth(azimuth: &'a Azimuth) -> Self {
        Self { address: &azimuth.address, path: CHAT_PATH, key: &azimuth.key, process: &azimuth.process }
    }

    fn of_peer(peer: &'a Peer) -> Self {
        Self { address: &peer.address, path: "/v1/chat/completions", key: "none", process: &peer.process }
    }

    async fn ask(&self, text: &str, written: usize) -> anyhow::Result<Used> {
        let body = json!({
            "model": MODEL,
            "messages": [{"role": "user", "content": text}],
            "temperature": 0,
            "max_tokens": written,
            "thinking": {"type": "disabled"},
        });
        let request = chat::request(self.address, self.path, self.key, &body);
        let mut bytes = Vec::new();
        let mut connection = Connection::open(self.address).await?;
        let answer = connection.exchange(&request, |piece| bytes.extend_from_slice(piece)).await?;
        let said: Value = serde_json::from_slice(&bytes)?;
        ensure!(answer.status == 200, "{} answered {}: {said}", self.address, answer.status);
        let count = |field: &str| said["usage"][field].as_u64().and_then(|count| usize::try_from(count).ok());
        let used = Used {
            read: count("prompt_tokens").context("no figures")?,
            written: count("completion_tokens").context("no figures")?,
        };
        ensure!(used.written >= written, "{} wrote {} of {written} tokens", self.address, used.written);
        Ok(used)
    }
}
