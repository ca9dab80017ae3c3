use async_trait::async_trait;

use crate::{DocumentName, OperatorDocument};

/// Where operator documents are kept for good, every version of them.
#[async_trait]
pub trait DocumentStore: Send + Sync + 'static {
    /// Writes the next version of a document. Says whether it wrote: only if `document.version` is one more
    /// than the highest there is; of several that try at once, one does.
    async fn document_append(&self, document: &OperatorDocument) -> Result<bool, DocumentStoreError>;

    /// The highest version of every document that there is. Asked often, and cheap.
    async fn document_versions(&self) -> Result<Vec<(DocumentName, i64)>, DocumentStoreError>;

    /// One version of a document.
    async fn document_find(
        &self,
        name: DocumentName,
        version: i64,
    ) -> Result<Option<OperatorDocument>, DocumentStoreError>;

    /// The versions of a document below `cursor`, newest first, at most `limit`.
    async fn document_list(
        &self,
        name: DocumentName,
        cursor: Option<i64>,
        limit: u32,
    ) -> Result<Vec<OperatorDocument>, DocumentStoreError>;
}

/// The store of operator documents did not do its work.
#[derive(Debug, thiserror::Error)]
#[error("the document store did not answer")]
pub struct DocumentStoreError(#[from] pub Box<dyn std::error::Error + Send + Sync>);
