//! A reader of documents that needs no parser.

use async_trait::async_trait;
use capabilities::documents::{DocumentError, DocumentReader};

/// Reads every document as the text that its bytes are, whatever it is called; what is no text cannot be read.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainDocuments;

#[async_trait]
impl DocumentReader for PlainDocuments {
    async fn text(&self, _media_type: &str, bytes: &[u8]) -> Result<String, DocumentError> {
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| DocumentError::Unreadable)
    }
}
