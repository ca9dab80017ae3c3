use accounts::Kept;
use vocab::{AccountId, PersonId, Timestamp};

use super::rights;
use crate::db::{Tx, sql};
use crate::{Store, StoreError};

pub(super) async fn purge(
    store: &Store,
    kind: Kept,
    before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    let delete = match kind {
        Kept::Sessions => {
            "DELETE FROM session WHERE id IN (SELECT id FROM session
                WHERE ended < $1 OR (ended IS NULL AND expires < $1) LIMIT $2)"
        }
        Kept::Tokens => {
            "DELETE FROM one_time_token WHERE hash IN
                (SELECT hash FROM one_time_token WHERE expires < $1 LIMIT $2)"
        }
        Kept::Invitations => {
            "DELETE FROM invitation WHERE id IN (SELECT id FROM invitation WHERE expires < $1 LIMIT $2)"
        }
        Kept::Audit => {
            "DELETE FROM audit_event WHERE id IN (SELECT id FROM audit_event WHERE at < $1 LIMIT $2)"
        }
        Kept::Unverified => return purge_unverified(store, before, limit).await,
    };
    sql(delete).bind(before).bind(limit).execute(store.writer()).await
}

/// An account of someone who never arrived goes too, unless anything says that it was used or is shared.
async fn purge_unverified(store: &Store, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let mut tx = store.begin().await?;
    let rows = sql("SELECT person.id FROM person
         WHERE email_verified IS NULL AND state = 'active' AND created < $1
           AND EXISTS (SELECT 1 FROM membership WHERE membership.person = person.id)
           AND NOT EXISTS (
               SELECT 1 FROM membership JOIN account ON account.id = membership.account
               WHERE membership.person = person.id AND (
                   account.state <> 'inactive'
                   OR EXISTS (SELECT 1 FROM membership AS other
                       WHERE other.account = account.id AND other.person <> person.id)
                   OR EXISTS (SELECT 1 FROM api_key WHERE api_key.account = account.id)
                   OR EXISTS (SELECT 1 FROM subscription WHERE subscription.account = account.id)
                   OR EXISTS (SELECT 1 FROM ledger_account WHERE ledger_account.id = account.id)))
         ORDER BY created, id LIMIT $2 {for update}")
    .bind(before)
    .bind(limit)
    .fetch_all(&mut tx)
    .await?;
    for row in &rows {
        remove(&mut tx, row.parsed("id")?).await?;
    }
    tx.commit().await?;
    Ok(rows.len() as u64)
}

async fn remove(tx: &mut Tx, person: PersonId) -> Result<(), StoreError> {
    let accounts = sql("SELECT account FROM membership WHERE person = $1 ORDER BY account")
        .bind(person)
        .fetch_all(&mut *tx)
        .await?;
    rights::forget(tx, person).await?;
    for delete in [
        "DELETE FROM consent WHERE person = $1",
        "DELETE FROM deletion_request WHERE person = $1",
        "DELETE FROM membership WHERE person = $1",
        "DELETE FROM person WHERE id = $1",
    ] {
        sql(delete).bind(person).execute(&mut *tx).await?;
    }
    for row in accounts {
        let account: AccountId = row.parsed("account")?;
        for delete in [
            "DELETE FROM invitation WHERE account = $1",
            "DELETE FROM project WHERE account = $1",
            "DELETE FROM account WHERE id = $1",
        ] {
            sql(delete).bind(account).execute(&mut *tx).await?;
        }
    }
    Ok(())
}
