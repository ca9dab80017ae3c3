//! What the gateway costs: the same traffic through Azimuth and through nginx, in turns, to the same upstream.

mod charging;
mod latency;
mod memory;
mod requests;
mod roomy;
mod start;
mod streams;

use std::cell::RefCell;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tempfile::TempDir;

use crate::azimuth::{Azimuth, Installation, gateway_config};
use crate::chat;
use crate::cores::Cores;
use crate::database::Database;
use crate::drive::Target;
use crate::machine;
use crate::nginx::{self, Nginx};
use crate::process::Process;
use crate::report::Report;
use crate::script::Script;
use crate::upstream::Upstream;

#[derive(Args)]
pub struct Options {
    /// The program to measure.
    #[arg(long, default_value = "target/release/azimuth", value_name = "FILE")]
    azimuth: PathBuf,
    /// What to measure; all of it if nothing is named.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// How often each measurement is taken; the middle one counts.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long one measurement takes, in seconds.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Requests under way in a closed loop.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Requests a second in an open loop.
    #[arg(long, default_value_t = 1000.0)]
    rate: f64,
    /// Cores for the server under test; driver and upstream get the others.
    #[arg(long, default_value_t = 1)]
    server_cores: usize,
    /// nginx's worker processes.
    #[arg(long, default_value_t = 1)]
    nginx_workers: usize,
    /// Open streams whose memory is measured.
    #[arg(long, value_delimiter = ',', default_value = "2000,10000")]
    open_streams: Vec<usize>,
    /// Requests after which memory should have stopped growing.
    #[arg(long, default_value_t = 100_000)]
    memory_requests: usize,
    /// A PostgreSQL server on which each Azimuth gets a database of its own, by way of `psql`; otherwise each has
    /// SQLite.
    #[arg(long, value_name = "POSTGRES_URL")]
    store: Option<String>,
    /// A Redis server for permits; otherwise they are kept in memory.
    #[arg(long, value_name = "REDIS_URL")]
    redis: Option<String>,
    /// Only Azimuth, for a profiler.
    #[arg(long)]
    without_nginx: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Throughput and processor time of whole answers.
    Requests,
    /// What it costs that requests are paid for.
    Charging,
    /// Added latency at a fixed rate.
    Latency,
    /// Processor time of streamed events.
    Streams,
    /// Memory of open streams, and after many requests.
    Memory,
    /// Start-up, idle memory, size of the program.
    Start,
}

/// Measures what was asked for and prints it as a table.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let nginx_version = nginx::version().filter(|_| !options.without_nginx);
    if nginx_version.is_none() {
        eprintln!("load: *** nginx is not measured: there is nothing to compare with ***");
    }
    let before = machine::describe();
    let bench = Bench::new(options, nginx_version.is_some())?;
    let mut report = Report::new(&["figure", "Azimuth", "nginx", "budget"]);
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        for part in [Part::Start, Part::Requests, Part::Charging, Part::Latency, Part::Streams, Part::Memory]
        {
            if !options.only.is_empty() && !options.only.contains(&part) {
                continue;
            }
            eprintln!("{part:?}, load average {}", machine::load_average());
            match part {
                Part::Requests => requests::measure(&bench, &mut report).await?,
                Part::Charging => charging::measure(&bench, &mut report).await?,
                Part::Latency => latency::measure(&bench, &mut report).await?,
                Part::Streams => streams::measure(&bench, &mut report).await?,
                Part::Memory => memory::measure(&bench, &mut report).await?,
                Part::Start => start::measure(&bench, &mut report)?,
            }
        }
        anyhow::Ok(())
    })?;

    println!("{before} before and {} after.", machine::load_average());
    println!(
        "Everything is on: keys, limits, balances, plans and the ledger, on {}, with permits in {}.",
        if options.store.is_some() { "PostgreSQL" } else { "SQLite" },
        if options.redis.is_some() { "Redis" } else { "memory" },
    );
    println!(
        "{}; servers on core {}, driver and upstream on {}; the middle of {} rounds of {} s.\n",
        nginx_version.as_deref().unwrap_or("without nginx"),
        bench.server_cores,
        bench.driver_cores,
        options.rounds,
        options.seconds
    );
    println!("{report}");
    Ok(())
}

/// Everything that measurements share.
struct Bench<'a> {
    options: &'a Options,
    server_cores: Cores,
    driver_cores: Cores,
    upstream: Upstream,
    has_nginx: bool,
    folder: TempDir,
    /// Those of every Azimuth so far.
    databases: RefCell<Vec<Database>>,
}

/// Whether requests are paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Charging {
    On,
    /// They are only counted.
    Off,
}

/// A server that passes requests on.
enum Gateway {
    Azimuth(Box<Azimuth>),
    Nginx(Nginx),
}

impl<'a> Bench<'a> {
    fn new(options: &'a Options, has_nginx: bool) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("azimuth-load-").tempdir()?;
        let (server_cores, driver_cores) = Cores::all().split(options.server_cores);
        let upstream = Upstream::start(&driver_cores, folder.path())?;
        driver_cores.keep_this_thread();
        Ok(Self {
            options,
            server_cores,
            driver_cores,
            upstream,
            has_nginx,
            folder,
            databases: RefCell::default(),
        })
    }

    fn time(&self) -> Duration {
        Duration::from_secs(self.options.seconds)
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn installation(
        &self,
        folder: &Path,
        script: &Script,
        charging: Charging,
    ) -> anyhow::Result<Installation> {
        let mut config = gateway_config(&self.upstream.address, &[(MODEL, script)]);
        // Writing to a `String` cannot fail.
        let _ = writeln!(config, "[billing]\nenabled = {}", charging == Charging::On);
        if let Some(server) = &self.options.store {
            let database = Database::create(server)?;
            let _ = writeln!(config, "[store]\nurl = {:?}", database.url());
            self.databases.borrow_mut().push(database);
        }
        if let Some(server) = &self.options.redis {
            let prefix = folder.file_name().unwrap_or_default().display();
            let _ =
                writeln!(config, "[redis]\nurl = {server:?}\nprefix = \"load-{}-{prefix}\"", process::id());
        }
        Installation::new(&self.options.azimuth, folder)?.with_config(&config)
    }

    /// An Azimuth with a new folder, whose one model follows `script` and is paid for.
    fn azimuth(&self, name: &str, script: &Script) -> anyhow::Result<Gateway> {
        self.azimuth_with(name, script, Charging::On)
    }

    fn azimuth_with(&self, name: &str, script: &Script, charging: Charging) -> anyhow::Result<Gateway> {
        let installation = self.installation(&self.folder(name), script, charging)?;
        installation.set_document("plans", &roomy::plans()?)?;
        installation.set_document("rates", &roomy::rates())?;
        Ok(Gateway::Azimuth(Box::new(installation.start(&self.server_cores)?)))
    }

    fn nginx(&self, name: &str) -> anyhow::Result<Option<Gateway>> {
        if !self.has_nginx {
            return Ok(None);
        }
        let folder = self.folder(&format!("nginx-{name}"));
        let workers = self.options.nginx_workers;
        let nginx = Nginx::start(&self.upstream.address, workers, &self.server_cores, &folder)?;
        Ok(Some(Gateway::Nginx(nginx)))
    }

    /// Azimuth, and nginx if it is there.
    fn gateways(&self, name: &str, script: &Script) -> anyhow::Result<Vec<Gateway>> {
        let azimuth = self.azimuth(name, script)?;
        Ok(std::iter::once(azimuth).chain(self.nginx(name)?).collect())
    }

    /// The upstream itself, asked as nginx passes it on.
    fn direct(&self, script: &Script, stream: bool) -> Target {
        let address = &self.upstream.address;
        let body = chat::body(&script.name(), stream);
        Target::new(address, chat::request(address, chat::CHAT_PATH, "none", &body))
    }
}

/// The public name of the one model that Azimuth serves here: one that costs money, and that plans include.
const MODEL: &str = "glm-4.7";

impl Gateway {
    fn name(&self) -> &'static str {
        match self {
            Self::Azimuth(_) => "Azimuth",
            Self::Nginx(_) => "nginx",
        }
    }

    fn process(&self) -> &Process {
        match self {
            Self::Azimuth(azimuth) => &azimuth.process,
            Self::Nginx(nginx) => &nginx.process,
        }
    }

    fn target(&self, script: &Script, stream: bool) -> Target {
        let (address, key, body) = match self {
            Self::Azimuth(azimuth) => (&azimuth.address, azimuth.key.as_str(), chat::body(MODEL, stream)),
            // Whoever passes bodies on has no names of its own.
            Self::Nginx(nginx) => (&nginx.address, "none", chat::body(&script.name(), stream)),
        };
        Target::new(address, chat::request(address, chat::CHAT_PATH, key, &body))
    }
}
