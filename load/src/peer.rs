use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::cores::Cores;
use crate::process::Process;

/// `llama-cpp-python`'s server: the same llama.cpp behind another door.
pub struct Peer {
    pub process: Process,
    /// Host and port.
    pub address: String,
}

/// The Python of the virtual environment that `setup-peer.sh` makes, if it was made.
pub fn installed() -> Option<PathBuf> {
    let cache = std::env::var_os("AZIMUTH_CACHE").map(PathBuf::from).or_else(|| {
        let home = std::env::var_os("HOME")?;
        Some(PathBuf::from(home).join(".cache/azimuth"))
    })?;
    Some(cache.join("venv-llama-cpp-python/bin/python")).filter(|python| python.exists())
}

impl Peer {
    pub fn start(
        python: &Path,
        model: &Path,
        threads: usize,
        context_tokens: usize,
        cores: &Cores,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let threads = threads.to_string();
        let mut command = Command::new(python);
        command.args(["-m", "llama_cpp.server", "--host", "127.0.0.1"]);
        command.arg("--port").arg(address.port().to_string()).arg("--model").arg(model);
        command.args(["--n_threads", &threads, "--n_threads_batch", &threads]);
        command.arg("--n_ctx").arg(context_tokens.to_string());
        let mut process = Process::start("llama-cpp-python", command, cores, &folder.join("peer.log"))?;
        process.wait_until(Duration::from_secs(120), || TcpStream::connect(address).is_ok())?;
        Ok(Self { process, address: address.to_string() })
    }
}

/// The peer's version, for the head of a report.
pub fn version(python: &Path) -> Option<String> {
    let output =
        Command::new(python).args(["-c", "import llama_cpp; print(llama_cpp.__version__)"]).output().ok()?;
    Some(format!("llama-cpp-python {}", String::from_utf8_lossy(&output.stdout).trim()))
}
