use accounts::{
    AuditEvent, Consent, ConsentSubject, DeletionRequest, DeletionState, Erasure, Kept, PeopleStoreError,
    RightsStore,
};
use async_trait::async_trait;
use vocab::{ConsentId, PersonId, Timestamp};

use super::person::kept;
use super::{member, purge};
use crate::db::{Executor, Row, Tx, sql};
use crate::{Store, StoreError};

#[async_trait]
impl RightsStore for Store {
    async fn consent_insert(&self, consent: &Consent) -> Result<(), PeopleStoreError> {
        Ok(insert_consent(self.writer(), consent).await?)
    }

    async fn consent_list(
        &self,
        person: PersonId,
        cursor: Option<ConsentId>,
        limit: u32,
    ) -> Result<Vec<Consent>, PeopleStoreError> {
        let mut select =
            sql("SELECT id, person, subject, version, is_given, at FROM consent WHERE person = ");
        select.push_bind(person);
        if let Some(cursor) = cursor {
            select.push(" AND id < ").push_bind(cursor);
        }
        select.push(" ORDER BY id DESC LIMIT ").push_bind(limit);
        let rows = select.fetch_all(self.reader()).await?;
        Ok(rows.iter().map(read_consent).collect::<Result<_, _>>()?)
    }

    async fn deletion_insert(
        &self,
        request: &DeletionRequest,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let mut tx = self.begin().await?;
        let inserted = sql("INSERT INTO deletion_request (person, state, requested, due, updated)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (person) DO UPDATE SET state = excluded.state, requested = excluded.requested,
                due = excluded.due, updated = excluded.updated
             WHERE deletion_request.state IN ('refused', 'withdrawn')")
        .bind(request.person)
        .bind(request.state.name())
        .bind(request.requested)
        .bind(request.due)
        .bind(request.updated)
        .execute(&mut tx)
        .await?;
        if inserted == 0 {
            return Ok(false);
        }
        Ok(kept(tx, audit).await?)
    }

    async fn deletion_find(&self, person: PersonId) -> Result<Option<DeletionRequest>, PeopleStoreError> {
        let row =
            sql("SELECT person, state, requested, due, updated FROM deletion_request WHERE person = $1")
                .bind(person)
                .fetch_optional(self.reader())
                .await?;
        Ok(row.as_ref().map(read_deletion).transpose()?)
    }

    async fn deletion_list(
        &self,
        state: DeletionState,
        cursor: Option<PersonId>,
        limit: u32,
    ) -> Result<Vec<DeletionRequest>, PeopleStoreError> {
        Ok(list_deletions(self, state, None, cursor, limit).await?)
    }

    async fn deletion_due(
        &self,
        at: Timestamp,
        cursor: Option<PersonId>,
        limit: u32,
    ) -> Result<Vec<DeletionRequest>, PeopleStoreError> {
        Ok(list_deletions(self, DeletionState::Approved, Some(at), cursor, limit).await?)
    }

    async fn deletion_move(
        &self,
        person: PersonId,
        from: DeletionState,
        to: DeletionState,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let mut tx = self.begin().await?;
        if !move_deletion(&mut tx, person, from, to, audit.at).await? {
            return Ok(false);
        }
        Ok(kept(tx, audit).await?)
    }

    async fn person_erase(&self, erasure: &Erasure) -> Result<bool, PeopleStoreError> {
        Ok(erase(self, erasure).await?)
    }

    async fn kept_purge(&self, kind: Kept, before: Timestamp, limit: u32) -> Result<u64, PeopleStoreError> {
        Ok(purge::purge(self, kind, before, limit).await?)
    }
}

pub(super) async fn insert_consent(on: impl Into<Executor<'_>>, consent: &Consent) -> Result<(), StoreError> {
    sql("INSERT INTO consent (id, person, subject, version, is_given, at) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(consent.id)
        .bind(consent.person)
        .bind(consent.subject.name())
        .bind(consent.version.as_str())
        .bind(consent.is_given)
        .bind(consent.at)
        .execute(on)
        .await?;
    Ok(())
}

async fn list_deletions(
    store: &Store,
    state: DeletionState,
    due: Option<Timestamp>,
    cursor: Option<PersonId>,
    limit: u32,
) -> Result<Vec<DeletionRequest>, StoreError> {
    // Every id sorts after the empty text.
    let after = cursor.map(|id| id.to_string()).unwrap_or_default();
    let mut select =
        sql("SELECT person, state, requested, due, updated FROM deletion_request WHERE state = ");
    select.push_bind(state.name()).push(" AND person > ").push_bind(after);
    if let Some(due) = due {
        select.push(" AND due <= ").push_bind(due);
    }
    select.push(" ORDER BY person LIMIT ").push_bind(limit);
    let rows = select.fetch_all(store.reader()).await?;
    rows.iter().map(read_deletion).collect()
}

async fn move_deletion(
    tx: &mut Tx,
    person: PersonId,
    from: DeletionState,
    to: DeletionState,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let moved = sql("UPDATE deletion_request SET state = $1, updated = $2 WHERE person = $3 AND state = $4")
        .bind(to.name())
        .bind(at)
        .bind(person)
        .bind(from.name())
        .execute(tx)
        .await?;
    Ok(moved == 1)
}

/// Accounts of which `$1` is the only member.
const ALONE: &str = "(SELECT membership.account FROM membership WHERE membership.person = $1
    AND NOT EXISTS (SELECT 1 FROM membership AS other
        WHERE other.account = membership.account AND other.person <> $1))";

async fn erase(store: &Store, erasure: &Erasure) -> Result<bool, StoreError> {
    let (id, at) = (erasure.person, erasure.audit.at);
    let mut tx = store.begin().await?;
    let (from, to) = (DeletionState::Approved, DeletionState::CarriedOut);
    if !move_deletion(&mut tx, id, from, to, at).await? {
        return Ok(false);
    }
    let accounts = sql("SELECT account FROM membership WHERE person = $1 ORDER BY account")
        .bind(id)
        .fetch_all(&mut tx)
        .await?;
    for row in &accounts {
        member::hold(&mut tx, row.parsed("account")?).await?;
    }
    let owned = member::sole_owner(&mut tx, id, u32::MAX).await?;
    if owned.iter().any(|owned| owned.others > 0) {
        return Ok(false);
    }

    let person = sql("SELECT email_folded FROM person WHERE id = $1 {for update}").bind(id);
    let email_folded = person.fetch_one(&mut tx).await?.text("email_folded")?;
    sql("UPDATE person SET email = $1, email_folded = $2, email_verified = NULL, name = $3, password = NULL,
            birth_date = NULL, state = 'erased'
         WHERE id = $4")
    .bind(erasure.email.as_str())
    .bind(erasure.email.folded())
    .bind(&erasure.name)
    .bind(id)
    .execute(&mut tx)
    .await?;
    close_own(&mut tx, erasure).await?;
    forget(&mut tx, id).await?;
    sql("DELETE FROM membership WHERE person = $1").bind(id).execute(&mut tx).await?;
    sql("DELETE FROM invitation WHERE email_folded = $1 OR invited_by = $2")
        .bind(email_folded)
        .bind(id)
        .execute(&mut tx)
        .await?;
    sql("UPDATE audit_event SET source = NULL WHERE actor = $1").bind(id).execute(&mut tx).await?;
    kept(tx, &erasure.audit).await
}

/// The accounts that are this person's alone are over, and their keys with them.
async fn close_own(tx: &mut Tx, erasure: &Erasure) -> Result<(), StoreError> {
    let mut close = sql("UPDATE account SET state = 'closed', name = $2 WHERE id IN ");
    close.push(ALONE);
    close.bind(erasure.person).bind(&erasure.name).execute(&mut *tx).await?;
    let mut revoke = sql("UPDATE api_key SET revoked = $2 WHERE revoked IS NULL AND account IN ");
    revoke.push(ALONE);
    revoke.bind(erasure.person).bind(erasure.audit.at).execute(tx).await?;
    Ok(())
}

/// Everything by which someone could log in.
pub(super) async fn forget(tx: &mut Tx, id: PersonId) -> Result<(), StoreError> {
    for delete in [
        "DELETE FROM identity WHERE person = $1",
        "DELETE FROM one_time_token WHERE person = $1",
        "DELETE FROM session WHERE person = $1",
        "DELETE FROM recovery_code WHERE person = $1",
        "DELETE FROM second_factor WHERE person = $1",
    ] {
        sql(delete).bind(id).execute(&mut *tx).await?;
    }
    Ok(())
}

fn read_consent(row: &Row) -> Result<Consent, StoreError> {
    Ok(Consent {
        id: row.parsed("id")?,
        person: row.parsed("person")?,
        subject: row.named("subject", &ConsentSubject::ALL, ConsentSubject::name)?,
        version: row.parsed("version")?,
        is_given: row.flag("is_given")?,
        at: row.moment("at")?,
    })
}

fn read_deletion(row: &Row) -> Result<DeletionRequest, StoreError> {
    Ok(DeletionRequest {
        person: row.parsed("person")?,
        state: row.named("state", &DeletionState::ALL, DeletionState::name)?,
        requested: row.moment("requested")?,
        due: row.moment("due")?,
        updated: row.moment("updated")?,
    })
}
