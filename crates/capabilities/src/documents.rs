//! Text out of documents: what a model that reads only text is given in place of a file.
//!
//! Formats that are text already are decoded at once. A file that must be parsed is a stranger's program for our
//! parser: [`Documents`] hands it to a second [`DocumentReader`], which runs [`extract`] where it can do no harm.

mod decoding;
mod kind;
mod limits;
mod pdf;
mod reader;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use kind::DocumentKind;
pub use limits::DocumentLimits;
pub use reader::Documents;

/// Gives the text of a document.
#[async_trait]
pub trait DocumentReader: Send + Sync {
    /// The text of `bytes`, which their sender calls a `media_type`.
    ///
    /// May take seconds for a document that was not seen lately. The text is in reading order and never blank; where
    /// there are several pages, a line such as `[page 2]` stands before each.
    ///
    /// # Errors
    ///
    /// Every one is a sentence that can stand in the document's place.
    async fn text(&self, media_type: &str, bytes: &[u8]) -> Result<String, DocumentError>;
}

/// Why a document has no text for a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum DocumentError {
    /// It is of a kind that is not read.
    #[error("documents of type `{media_type}` are not read")]
    Unsupported {
        /// What it was called, cut to a readable length.
        media_type: String,
    },
    /// The file is too large.
    #[error("the document has {bytes} bytes, more than {bytes_max}")]
    TooLarge {
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        bytes_max: usize,
    },
    /// It has too many pages.
    #[error("the document has {pages} pages, more than {pages_max}")]
    TooManyPages {
        /// How many it has.
        pages: usize,
        /// How many it may have.
        pages_max: usize,
    },
    /// It holds too much text.
    #[error("the document has more than {characters_max} characters")]
    TooMuchText {
        /// How many it may have.
        characters_max: usize,
    },
    /// It opens only with a password.
    #[error("the document is protected by a password")]
    Protected,
    /// It is damaged, or is not what its sender calls it.
    #[error("the document is damaged, or is not of the type that it is called")]
    Unreadable,
    /// It is blank, or a scan, or does not tell which letters its shapes stand for.
    #[error("the document holds no text that can be taken out, as a scan does not")]
    NoText,
    /// Reading it took more time or memory than a document is given.
    #[error("the document takes too much time or memory to read")]
    TooHard,
    /// Too many documents are being read.
    #[error("too many documents are being read")]
    Busy,
    /// The reader itself failed; the cause is in the log.
    #[error("the document could not be read")]
    Failed,
}

impl DocumentError {
    /// Whether the same document will meet the same error again.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::Unsupported { .. }
            | Self::TooLarge { .. }
            | Self::TooManyPages { .. }
            | Self::TooMuchText { .. }
            | Self::Protected
            | Self::Unreadable
            | Self::NoText
            | Self::TooHard => true,
            Self::Busy | Self::Failed => false,
        }
    }
}

/// The text of a document of which `kind` says how it is written. Pure, and as dangerous as the parser of that kind:
/// hostile bytes may make it panic, or take any time and memory. It runs in a process of its own.
///
/// # Errors
///
/// When there is no text, or more than `limits` allow.
pub fn extract(kind: DocumentKind, bytes: Vec<u8>, limits: &DocumentLimits) -> Result<String, DocumentError> {
    limits.check_size(&bytes)?;
    let text = match kind {
        DocumentKind::Pdf => pdf::text(bytes, limits)?,
        DocumentKind::Text { charset } => decoding::text(&bytes, charset)?,
    };
    limits.check_text(&text)?;
    if text.trim().is_empty() { Err(DocumentError::NoText) } else { Ok(text) }
}
