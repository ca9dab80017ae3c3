use accounts::{Identity, OneTimeToken, ProviderName, TokenHash, TokenPurpose};
use vocab::{PersonId, Timestamp};

use crate::db::{Executor, Row, Tx, sql};
use crate::{Store, StoreError};

pub(super) async fn insert(store: &Store, token: &OneTimeToken) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    void(&mut tx, token.person, &[token.purpose]).await?;
    sql("INSERT INTO one_time_token (hash, purpose, person, email, created, expires, used)
         VALUES ($1, $2, $3, $4, $5, $6, $7)")
    .bind(token.hash.to_string())
    .bind(token.purpose.name())
    .bind(token.person)
    .bind(token.email.as_str())
    .bind(token.created)
    .bind(token.expires)
    .bind(token.used)
    .execute(&mut tx)
    .await?;
    tx.commit().await
}

pub(super) async fn find(
    on: impl Into<Executor<'_>>,
    hash: &TokenHash,
) -> Result<Option<OneTimeToken>, StoreError> {
    let row = sql(
        "SELECT hash, purpose, person, email, created, expires, used FROM one_time_token WHERE hash = $1",
    )
    .bind(hash.to_string())
    .fetch_optional(on)
    .await?;
    row.as_ref().map(read).transpose()
}

pub(super) async fn mark_used(
    on: impl Into<Executor<'_>>,
    hash: &TokenHash,
    purpose: TokenPurpose,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let used = sql("UPDATE one_time_token SET used = $1
         WHERE hash = $2 AND purpose = $3 AND used IS NULL AND expires > $1")
    .bind(at)
    .bind(hash.to_string())
    .bind(purpose.name())
    .execute(on)
    .await?;
    Ok(used == 1)
}

/// Takes a person's tokens for these purposes away.
pub(super) async fn void(tx: &mut Tx, person: PersonId, purposes: &[TokenPurpose]) -> Result<(), StoreError> {
    let mut delete = sql("DELETE FROM one_time_token WHERE person = ");
    delete.push_bind(person).push(" AND purpose IN (");
    delete.push_list(purposes.iter().map(|purpose| purpose.name())).push(")");
    delete.execute(tx).await?;
    Ok(())
}

fn read(row: &Row) -> Result<OneTimeToken, StoreError> {
    Ok(OneTimeToken {
        hash: row.parsed("hash")?,
        purpose: row.named("purpose", &TokenPurpose::ALL, TokenPurpose::name)?,
        person: row.parsed("person")?,
        email: row.parsed("email")?,
        created: row.moment("created")?,
        expires: row.moment("expires")?,
        used: row.moment_if_any("used")?,
    })
}

/// Links a partner's login. Says no if it, or the person's place with the partner, is taken.
pub(super) async fn link(on: impl Into<Executor<'_>>, identity: &Identity) -> Result<bool, StoreError> {
    let linked = sql("INSERT INTO identity (provider, subject, person, linked) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING")
    .bind(identity.provider.as_str())
    .bind(&identity.subject)
    .bind(identity.person)
    .bind(identity.linked)
    .execute(on)
    .await?;
    Ok(linked == 1)
}

pub(super) async fn find_link(
    store: &Store,
    provider: &ProviderName,
    subject: &str,
) -> Result<Option<Identity>, StoreError> {
    let row =
        sql("SELECT provider, subject, person, linked FROM identity WHERE provider = $1 AND subject = $2")
            .bind(provider.as_str())
            .bind(subject)
            .fetch_optional(store.reader())
            .await?;
    row.as_ref().map(read_link).transpose()
}

pub(super) async fn list_links(
    store: &Store,
    person: PersonId,
    limit: u32,
) -> Result<Vec<Identity>, StoreError> {
    let rows = sql("SELECT provider, subject, person, linked FROM identity WHERE person = $1
         ORDER BY provider LIMIT $2")
    .bind(person)
    .bind(limit)
    .fetch_all(store.reader())
    .await?;
    rows.iter().map(read_link).collect()
}

fn read_link(row: &Row) -> Result<Identity, StoreError> {
    Ok(Identity {
        provider: row.parsed("provider")?,
        subject: row.text("subject")?,
        person: row.parsed("person")?,
        linked: row.moment("linked")?,
    })
}
