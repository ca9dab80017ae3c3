use serde::{Deserialize, Serialize};

use super::DocumentError;

/// What one document may cost to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentLimits {
    /// The largest file (CAP-OCR-02).
    pub bytes_max: usize,
    /// The most pages (CAP-OCR-02).
    pub pages_max: usize,
    /// The most text. Several times what the longest context holds, so that it is the context that decides.
    pub characters_max: usize,
    /// The most memory of the process that parses it, all of it counted.
    pub memory_bytes_max: u64,
    /// The most computing time of that process, in seconds.
    pub cpu_seconds_max: u64,
}

impl Default for DocumentLimits {
    fn default() -> Self {
        Self {
            bytes_max: 50 * 1024 * 1024,
            pages_max: 100,
            characters_max: 4_000_000,
            memory_bytes_max: 1024 * 1024 * 1024,
            cpu_seconds_max: 20,
        }
    }
}

impl DocumentLimits {
    pub(super) fn check_size(&self, bytes: &[u8]) -> Result<(), DocumentError> {
        if bytes.len() > self.bytes_max {
            return Err(DocumentError::TooLarge { bytes: bytes.len(), bytes_max: self.bytes_max });
        }
        Ok(())
    }

    pub(super) fn check_text(&self, text: &str) -> Result<(), DocumentError> {
        // A character has at most four bytes: most texts need no counting.
        let may_be_too_long = text.len() > self.characters_max;
        if may_be_too_long && text.chars().count() > self.characters_max {
            return Err(self.too_much_text());
        }
        Ok(())
    }

    pub(super) fn too_much_text(&self) -> DocumentError {
        DocumentError::TooMuchText { characters_max: self.characters_max }
    }
}
