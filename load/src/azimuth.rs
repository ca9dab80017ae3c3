use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::cores::Cores;
use crate::process::Process;
use crate::script::Script;

/// An Azimuth that answers.
pub struct Azimuth {
    pub process: Process,
    /// Host and port.
    pub address: String,
    pub key: String,
    /// From starting the process until it had answered for the first time.
    pub ready_after: Duration,
    pub log: PathBuf,
}

/// How to start one.
#[derive(Clone)]
pub struct Installation {
    binary: PathBuf,
    /// Data, configuration and log.
    folder: PathBuf,
    config: Option<PathBuf>,
}

impl Installation {
    pub fn new(binary: &Path, folder: &Path) -> anyhow::Result<Self> {
        ensure!(
            binary.is_file(),
            "{} is not there; build it with `cargo build --release --package azimuth`",
            binary.display()
        );
        fs::create_dir_all(folder)?;
        Ok(Self { binary: fs::canonicalize(binary)?, folder: folder.to_owned(), config: None })
    }

    /// Gives it a configuration file.
    pub fn with_config(mut self, text: &str) -> anyhow::Result<Self> {
        let path = self.folder.join("azimuth.toml");
        fs::write(&path, text)?;
        self.config = Some(path);
        Ok(self)
    }

    pub fn start(&self, cores: &Cores) -> anyhow::Result<Azimuth> {
        let ready_file = self.folder.join("ready.json");
        let log = self.folder.join("azimuth.log");
        if ready_file.exists() {
            fs::remove_file(&ready_file)?;
        }
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.arg("--ready-file").arg(&ready_file);
        let mut process = Process::start("azimuth", command, cores, &log)?;
        let ready_after = process
            .wait_until(Duration::from_secs(60), || ready_file.exists())
            .with_context(|| fs::read_to_string(&log).unwrap_or_default())?;

        let ready: Value = serde_json::from_str(&fs::read_to_string(&ready_file)?)?;
        let text = |field: &str| ready[field].as_str().unwrap_or_default().to_owned();
        let address = text("base_url").trim_start_matches("http://").to_owned();
        Ok(Azimuth { process, address, key: text("api_key"), ready_after, log })
    }

    /// Where its books are.
    pub fn database(&self) -> PathBuf {
        self.folder.join("data/azimuth.db")
    }

    /// Puts an operator's document in force, as the server will find it at its start.
    pub fn set_document(&self, name: &str, document: &Value) -> anyhow::Result<()> {
        let path = self.folder.join(format!("{name}.json"));
        fs::write(&path, document.to_string())?;
        let output =
            self.command(&["admin", "set", name]).arg(&path).output().context("azimuth admin set")?;
        ensure!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments).arg("--data").arg(self.folder.join("data"));
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        // Settings of the caller's shell are not part of what is measured.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AZIMUTH_")) {
            command.env_remove(name);
        }
        command
    }
}

/// A configuration in which each script is a public model, run by the upstream.
pub fn gateway_config(upstream: &str, models: &[(&str, &Script)]) -> String {
    let mut text = String::new();
    for (name, script) in models {
        // Writing to a `String` cannot fail.
        let _ = write!(
            text,
            "[[engines]]\nname = \"{name}\"\nkind = \"openai\"\nbase_url = \"http://{upstream}/v1\"\n\
             model = \"{}\"\n\n[[models]]\nname = \"{name}\"\nengines = [\"{name}\"]\n\n",
            script.name()
        );
    }
    text
}
