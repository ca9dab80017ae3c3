use accounts::{DocumentName, DocumentStore, DocumentStoreError, OperatorDocument};
use async_trait::async_trait;

use crate::db::{Row, sql};
use crate::{Store, StoreError};

#[async_trait]
impl DocumentStore for Store {
    async fn document_append(&self, document: &OperatorDocument) -> Result<bool, DocumentStoreError> {
        Ok(append(self, document).await?)
    }

    async fn document_versions(&self) -> Result<Vec<(DocumentName, i64)>, DocumentStoreError> {
        Ok(versions(self).await?)
    }

    async fn document_find(
        &self,
        name: DocumentName,
        version: i64,
    ) -> Result<Option<OperatorDocument>, DocumentStoreError> {
        Ok(find(self, name, version).await?)
    }

    async fn document_list(
        &self,
        name: DocumentName,
        cursor: Option<i64>,
        limit: u32,
    ) -> Result<Vec<OperatorDocument>, DocumentStoreError> {
        Ok(list(self, name, cursor, limit).await?)
    }
}

async fn append(store: &Store, document: &OperatorDocument) -> Result<bool, StoreError> {
    // Two that see the same highest version write the same next one, and the key lets one of them in.
    let written = sql("INSERT INTO operator_document (name, version, body, written, written_by)
         SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT), CAST($3 AS TEXT), CAST($4 AS BIGINT), CAST($5 AS TEXT)
         WHERE $2 = (SELECT COALESCE(MAX(version), 0) + 1 FROM operator_document WHERE name = $1)
         ON CONFLICT DO NOTHING")
    .bind(document.name.as_str())
    .bind(document.version)
    .bind(document.body.to_string())
    .bind(document.at)
    .bind(document.by.as_str())
    .execute(store.writer())
    .await?;
    Ok(written > 0)
}

async fn versions(store: &Store) -> Result<Vec<(DocumentName, i64)>, StoreError> {
    let rows = sql("SELECT name, MAX(version) AS version FROM operator_document GROUP BY name")
        .fetch_all(store.reader())
        .await?;
    // A newer program may keep documents that this one does not know.
    let known = rows.iter().filter_map(|row| match name(row) {
        Ok(name) => Some(row.integer("version").map(|version| (name, version))),
        Err(_) => None,
    });
    known.collect()
}

async fn find(
    store: &Store,
    name: DocumentName,
    version: i64,
) -> Result<Option<OperatorDocument>, StoreError> {
    let row = sql("SELECT name, version, body, written, written_by FROM operator_document
         WHERE name = $1 AND version = $2")
    .bind(name.as_str())
    .bind(version)
    .fetch_optional(store.reader())
    .await?;
    row.as_ref().map(read).transpose()
}

async fn list(
    store: &Store,
    name: DocumentName,
    cursor: Option<i64>,
    limit: u32,
) -> Result<Vec<OperatorDocument>, StoreError> {
    let rows = sql("SELECT name, version, body, written, written_by FROM operator_document
         WHERE name = $1 AND version < $2
         ORDER BY version DESC LIMIT $3")
    .bind(name.as_str())
    .bind(cursor.unwrap_or(i64::MAX))
    .bind(limit)
    .fetch_all(store.reader())
    .await?;
    rows.iter().map(read).collect()
}

fn name(row: &Row) -> Result<DocumentName, StoreError> {
    row.named("name", &DocumentName::ALL, DocumentName::as_str)
}

fn read(row: &Row) -> Result<OperatorDocument, StoreError> {
    Ok(OperatorDocument {
        name: name(row)?,
        version: row.integer("version")?,
        body: row.json("body")?,
        at: row.moment("written")?,
        by: row.text("written_by")?,
    })
}
