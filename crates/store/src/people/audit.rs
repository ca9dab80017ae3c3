use accounts::{AuditEvent, AuditQuery, AuditStore, PeopleStoreError};
use async_trait::async_trait;
use vocab::AuditId;

use crate::db::{Executor, Row, sql};
use crate::{Store, StoreError};

#[async_trait]
impl AuditStore for Store {
    async fn audit_insert(&self, event: &AuditEvent) -> Result<(), PeopleStoreError> {
        Ok(insert(self.writer(), event).await?)
    }

    async fn audit_list(
        &self,
        query: &AuditQuery,
        cursor: Option<AuditId>,
        limit: u32,
    ) -> Result<Vec<AuditEvent>, PeopleStoreError> {
        let mut select = sql(
            "SELECT id, at, actor, account, action, target, details, source FROM audit_event WHERE 1 = 1",
        );
        if let Some(account) = query.account {
            select.push(" AND account = ").push_bind(account);
        }
        if let Some(actor) = query.actor {
            select.push(" AND actor = ").push_bind(actor.to_string());
        }
        if let Some(since) = query.since {
            select.push(" AND at >= ").push_bind(since);
        }
        if let Some(until) = query.until {
            select.push(" AND at < ").push_bind(until);
        }
        if let Some(cursor) = cursor {
            select.push(" AND id < ").push_bind(cursor);
        }
        select.push(" ORDER BY id DESC LIMIT ").push_bind(limit);
        let rows = select.fetch_all(self.reader()).await?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }
}

/// Writes a line, as a rule in the transaction of what it is about.
pub(super) async fn insert(on: impl Into<Executor<'_>>, event: &AuditEvent) -> Result<(), StoreError> {
    sql("INSERT INTO audit_event (id, at, actor, account, action, target, details, source)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
    .bind(event.id)
    .bind(event.at)
    .bind(event.actor.to_string())
    .bind(event.account)
    .bind(event.action.as_str())
    .bind(&event.target)
    .bind(serde_json::to_string(&event.details)?)
    .bind(event.source.map(|source| source.to_string()))
    .execute(on)
    .await?;
    Ok(())
}

fn read(row: &Row) -> Result<AuditEvent, StoreError> {
    Ok(AuditEvent {
        id: row.parsed("id")?,
        at: row.moment("at")?,
        actor: row.parsed("actor")?,
        account: row.parsed_if_any("account")?,
        action: row.parsed("action")?,
        target: row.text("target")?,
        details: row.json_as("details")?,
        source: row.parsed_if_any("source")?,
    })
}
