use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Documents within conversations, such as PDFs, of which models are given the text. Each is read in a process of its
/// own, so that a document that is made to do harm does none.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DocumentsConfig {
    /// The most documents that are read at once. Further ones wait.
    pub(crate) at_once_max: usize,
    /// The most pages of a document.
    pub(crate) pages_max: usize,
    /// The longest that reading a document may take, in seconds.
    pub(crate) seconds_max: u64,
    /// The most memory that reading a document may take, in MiB. The program itself counts.
    pub(crate) memory_mib_max: u64,
}

impl DocumentsConfig {
    /// The program, with a document of the largest size in it.
    pub(super) const MEMORY_MIB_MIN: u64 = 512;
}

impl Default for DocumentsConfig {
    fn default() -> Self {
        Self { at_once_max: 2, pages_max: 100, seconds_max: 20, memory_mib_max: 1024 }
    }
}
