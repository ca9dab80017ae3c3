use std::io;
use std::path::{Path, PathBuf};

use super::ModelReference;

/// Why a model was not fetched. Every text says what to do where something can be done.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The hub's address is unusable.
    #[error("the hub's address `{0}` is no http or https address")]
    BaseUrl(String),
    /// No HTTP client could be made.
    #[error(transparent)]
    Client(#[from] crate::client::ClientError),
    /// Private, gated, or no such thing: the hub does not say which to strangers.
    #[error(
        "the hub does not let us read `{reference}`: it is private or does not exist; if you have access, set HF_TOKEN to a token that may read it"
    )]
    Unauthorized {
        /// What was asked for.
        reference: ModelReference,
    },
    /// The token is known and not enough.
    #[error(
        "the hub refuses to give out `{reference}`: accept its conditions on the hub's page with the account of HF_TOKEN"
    )]
    Forbidden {
        /// What was asked for.
        reference: ModelReference,
    },
    /// No such repository or revision.
    #[error("the hub has no `{reference}` at revision `{revision}`")]
    NotFound {
        /// What was asked for.
        reference: ModelReference,
        /// Where it was looked for.
        revision: String,
    },
    /// The repository holds no weights that can be loaded.
    #[error(
        "`{reference}` has no GGUF files; look for a repository of the same model whose name ends in `-GGUF`"
    )]
    NoGguf {
        /// What was asked for.
        reference: ModelReference,
    },
    /// Several files would do, or none has the name that was asked for.
    #[error("{problem}; choose one of:{}", list(.choices))]
    Choose {
        /// What is wrong with the reference.
        problem: String,
        /// What can be put after the colon.
        choices: Vec<String>,
    },
    /// Parts of a split file are missing on the hub.
    #[error("`{name}` is split, and the hub has only {found} of its {expected} parts")]
    PartsMissing {
        /// The first part.
        name: String,
        /// Parts that are there.
        found: usize,
        /// Parts there should be.
        expected: usize,
    },
    /// A file name that would be dangerous on this machine.
    #[error("the hub calls a file `{0}`, which is no safe file name")]
    UnsafeName(String),
    /// A different file of that name is here already.
    #[error("`{}` exists and is another file; remove it, or pull into another folder", .0.display())]
    Occupied(PathBuf),
    /// Another process is fetching the same file.
    #[error("another pull of `{0}` is under way")]
    UnderWay(String),
    /// The hub answered with something unexpected, again and again.
    #[error("the hub failed: {0}")]
    Hub(String),
    /// The line broke more often than we try.
    #[error(
        "fetching `{file}` failed {attempts} times in a row: {reason}; what has come is kept, so pull again"
    )]
    Broken {
        /// The file.
        file: String,
        /// How often.
        attempts: u32,
        /// The last failure.
        reason: String,
    },
    /// The file arrived with other content than the hub announced.
    #[error("`{file}` arrived damaged {attempts} times: its checksum is not what the hub says")]
    Corrupt {
        /// The file.
        file: String,
        /// How often.
        attempts: u32,
    },
    /// The disk would not take it.
    #[error("cannot write `{}`: {source}", .path.display())]
    File {
        /// What was written.
        path: PathBuf,
        /// Why it failed.
        source: FileError,
    },
}

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// No room.
    #[error("the disk is full")]
    DiskFull,
    /// No right.
    #[error("this user may not write there")]
    PermissionDenied,
    /// Anything else.
    #[error(transparent)]
    Other(io::Error),
}

impl PullError {
    pub(super) fn file(path: &Path, source: io::Error) -> Self {
        Self::File { path: path.to_owned(), source: source.into() }
    }
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::DiskFull
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::PermissionDenied,
            _ => Self::Other(error),
        }
    }
}

fn list(choices: &[String]) -> String {
    choices.iter().map(|choice| format!("\n  {choice}")).collect()
}
