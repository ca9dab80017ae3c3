//! Documents of strangers, parsed in a process of their own.
//!
//! A file can be made to send its parser round in circles, to fill the memory or to break it. So the parser runs in a
//! child that has no secrets, no environment and no way out but its answer, gives itself limits before it reads, and is
//! killed when its time is over. What happens to it happens to one document.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use async_trait::async_trait;
use capabilities::documents::{DocumentError, DocumentReader};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How the system finds a program's libraries. Nothing else of the environment is handed on.
const LOADER_VARIABLES: &[&str] =
    &["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "SystemRoot"];

/// How a Rust program ends that panics.
const PANICKED: i32 = 101;

/// The program that parses. It is given the media type as its last argument and the document as its input, and prints
/// one JSON `Result` of the text or the [`DocumentError`].
#[derive(Clone, Debug)]
pub struct DocumentProgram {
    /// What to start.
    pub path: PathBuf,
    /// What to say to it.
    pub arguments: Vec<OsString>,
    /// Its whole environment, but for how it finds its libraries.
    pub environment: Vec<(&'static str, String)>,
}

/// How many such processes there may be, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct DocumentProcessSettings {
    /// The most at once.
    pub at_once_max: usize,
    /// The most documents that wait for their turn; further ones are refused.
    pub waiting_max: usize,
    /// How long one waits.
    pub wait_max: Duration,
    /// How long one may be read, whether it computes or sleeps.
    pub duration_max: Duration,
    /// The longest answer.
    pub answer_bytes_max: usize,
}

/// Starts a process for each document.
pub struct DocumentProcess {
    program: DocumentProgram,
    settings: DocumentProcessSettings,
    /// A place for each that is read or waits.
    line: Semaphore,
    places: Semaphore,
}

impl DocumentProcess {
    /// Reads by `program`.
    #[must_use]
    pub fn new(program: DocumentProgram, settings: DocumentProcessSettings) -> Self {
        let in_line = settings.at_once_max.saturating_add(settings.waiting_max);
        let line = Semaphore::new(in_line.min(Semaphore::MAX_PERMITS));
        let places = Semaphore::new(settings.at_once_max.min(Semaphore::MAX_PERMITS));
        Self { program, settings, line, places }
    }

    fn start(&self, media_type: &str) -> io::Result<Child> {
        let mut command = Command::new(&self.program.path);
        command
            .args(&self.program.arguments)
            .arg(media_type)
            .env_clear()
            .envs(LOADER_VARIABLES.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))))
            .envs(self.program.environment.iter().map(|(name, value)| (*name, value.as_str())))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Its last words could quote the document.
            .stderr(Stdio::null())
            .kill_on_drop(true);
        // A stop that is typed at the terminal lets running requests end, and their documents with them.
        #[cfg(unix)]
        command.process_group(0);
        command.spawn()
    }

    /// Hands the document over, and returns the answer and how the process ended.
    async fn converse(&self, mut child: Child, document: &[u8]) -> io::Result<(Vec<u8>, ExitStatus)> {
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::from(io::ErrorKind::BrokenPipe));
        };
        let write = async {
            // It need not take the whole document: it may know after the first bytes, or have ended.
            let _ = input.write_all(document).await;
            drop(input);
        };
        let read = async {
            let mut answer = Vec::new();
            output.take(self.settings.answer_bytes_max as u64).read_to_end(&mut answer).await?;
            Ok::<_, io::Error>(answer)
        };
        let ((), answer) = tokio::join!(write, read);
        Ok((answer?, child.wait().await?))
    }
}

#[async_trait]
impl DocumentReader for DocumentProcess {
    async fn text(&self, media_type: &str, bytes: &[u8]) -> Result<String, DocumentError> {
        let Ok(_in_line) = self.line.try_acquire() else { return Err(DocumentError::Busy) };
        let Ok(Ok(_place)) = timeout(self.settings.wait_max, self.places.acquire()).await else {
            return Err(DocumentError::Busy);
        };
        let child = self.start(media_type).map_err(|error| failed(&error))?;
        match timeout(self.settings.duration_max, self.converse(child, bytes)).await {
            Ok(Ok((answer, status))) => understand(&answer, status),
            Ok(Err(error)) => Err(failed(&error)),
            Err(_) => Err(DocumentError::TooHard),
        }
    }
}

fn understand(answer: &[u8], status: ExitStatus) -> Result<String, DocumentError> {
    match status.code() {
        // What is wrong with an answer is not written down: that could quote the document too.
        Some(0) => serde_json::from_slice::<Result<String, DocumentError>>(answer)
            .map_err(|_| failed(&"its answer is not understood"))?,
        Some(PANICKED) => Err(DocumentError::Unreadable),
        Some(code) => Err(failed(&format_args!("it ended with {code}"))),
        // The system ended it: its time or memory was used up, or its stack.
        None => Err(DocumentError::TooHard),
    }
}

fn failed(why: &dyn std::fmt::Display) -> DocumentError {
    tracing::error!(%why, "the process that reads documents failed");
    DocumentError::Failed
}

#[cfg(all(test, unix))]
mod tests;
