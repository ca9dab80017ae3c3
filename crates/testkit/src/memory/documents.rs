use std::sync::{Mutex, MutexGuard, PoisonError};

use accounts::{DocumentName, DocumentStore, DocumentStoreError, OperatorDocument};
use async_trait::async_trait;

/// Operator documents in memory, in order of writing.
#[derive(Default)]
pub struct MemoryDocuments(Mutex<Vec<OperatorDocument>>);

impl MemoryDocuments {
    fn rows(&self) -> MutexGuard<'_, Vec<OperatorDocument>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The highest version of a document, 0 if there is none.
fn highest(rows: &[OperatorDocument], name: DocumentName) -> i64 {
    rows.iter().filter(|row| row.name == name).map(|row| row.version).max().unwrap_or(0)
}

#[async_trait]
impl DocumentStore for MemoryDocuments {
    async fn document_append(&self, document: &OperatorDocument) -> Result<bool, DocumentStoreError> {
        let mut rows = self.rows();
        let is_next = document.version == highest(&rows, document.name) + 1;
        if is_next {
            rows.push(document.clone());
        }
        Ok(is_next)
    }

    async fn document_versions(&self) -> Result<Vec<(DocumentName, i64)>, DocumentStoreError> {
        let rows = self.rows();
        let versions = DocumentName::ALL.map(|name| (name, highest(&rows, name)));
        Ok(versions.into_iter().filter(|(_, version)| *version > 0).collect())
    }

    async fn document_find(
        &self,
        name: DocumentName,
        version: i64,
    ) -> Result<Option<OperatorDocument>, DocumentStoreError> {
        Ok(self.rows().iter().find(|row| row.name == name && row.version == version).cloned())
    }

    async fn document_list(
        &self,
        name: DocumentName,
        cursor: Option<i64>,
        limit: u32,
    ) -> Result<Vec<OperatorDocument>, DocumentStoreError> {
        let rows = self.rows();
        let is_asked_for =
            |row: &&OperatorDocument| row.name == name && cursor.is_none_or(|cursor| row.version < cursor);
        Ok(rows.iter().rev().filter(is_asked_for).take(limit as usize).cloned().collect())
    }
}
