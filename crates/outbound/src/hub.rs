//! Fetches weights from a hub that is compatible with Hugging Face.
//!
//! Files come in pieces that survive a cut line: `FILE.part` is continued where it ended, checked against
//! the hub's SHA-256 when it is whole, and only then given its name.

mod choice;
mod download;
mod error;
mod file_name;
mod listing;
mod part_file;
mod reference;
mod web;

use std::path::{Path, PathBuf};
use std::time::Duration;

use vocab::Secret;

use choice::choose;
use download::Download;
use web::Web;

pub use error::{FileError, PullError};
pub use reference::{InvalidReference, ModelReference};

/// Where and how to fetch.
#[derive(Clone, Debug)]
pub struct PullOptions {
    /// The hub, or a mirror of it.
    pub base_url: String,
    /// Sent to the hub, and to no other host.
    pub token: Option<Secret>,
    /// A branch, tag or commit.
    pub revision: String,
    /// How often a file may fail in a row without a single new byte, and how often it may arrive damaged.
    pub attempts_max: u32,
    /// The pause after the first failure; it doubles with each further one.
    pub pause: Duration,
    /// The longest pause.
    pub pause_max: Duration,
    /// A line that brings nothing for so long counts as cut.
    pub idle_max: Duration,
}

impl Default for PullOptions {
    /// The public hub, its `main` revision, five attempts, pauses from half a second to half a minute.
    fn default() -> Self {
        Self {
            base_url: "https://huggingface.co".to_owned(),
            token: None,
            revision: "main".to_owned(),
            attempts_max: 5,
            pause: Duration::from_millis(500),
            pause_max: Duration::from_secs(30),
            idle_max: Duration::from_secs(30),
        }
    }
}

/// How far a pull has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The file at hand.
    pub file: &'a str,
    /// Bytes of it that are on disk.
    pub bytes: u64,
    /// Its size.
    pub bytes_total: u64,
    /// Its number, from 1.
    pub part: usize,
    /// How many files the model has.
    pub parts: usize,
}

/// A model that is on disk, whole and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PulledModel {
    /// What to load: the file, or the first part of a split one.
    pub path: PathBuf,
    /// All files, in order.
    pub files: Vec<PathBuf>,
    /// Size of all files together.
    pub bytes: u64,
    /// Whether every file matched a checksum of the hub; some hubs tell none for small files.
    pub is_verified: bool,
}

/// Fetches the model that `reference` names into `dest_dir`, which is made if need be.
///
/// Files that are there already and match are not fetched again. Cut lines are taken up again with growing
/// pauses; a damaged file is fetched anew, a bounded number of times. Dropping the future stops; what has
/// come so far is kept for the next pull.
pub async fn pull(
    reference: &ModelReference,
    dest_dir: &Path,
    options: &PullOptions,
    mut progress: impl FnMut(Progress<'_>) + Send,
) -> Result<PulledModel, PullError> {
    let web = Web::new(options)?;
    let listing = listing::fetch(&web, reference, options).await?;
    let chosen = choose(reference, &listing)?;
    tokio::fs::create_dir_all(dest_dir).await.map_err(|source| PullError::file(dest_dir, source))?;

    let parts = chosen.len();
    let mut files = Vec::with_capacity(parts);
    let mut bytes = 0;
    let mut is_verified = true;
    for (at, remote) in chosen.into_iter().enumerate() {
        let mut report = |bytes| {
            let (file, bytes_total) = (remote.name.as_str(), remote.size);
            progress(Progress { file, bytes, bytes_total, part: at + 1, parts });
        };
        let download = Download { web: &web, reference, options, remote: &remote, dest_dir };
        files.push(download.run(&mut report).await?);
        bytes += remote.size;
        is_verified &= remote.sha256.is_some();
    }
    Ok(PulledModel { path: files[0].clone(), files, bytes, is_verified })
}
