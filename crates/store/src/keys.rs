use std::collections::BTreeMap;

use accounts::{Account, AccountState, ApiKey, KnownKey, PublicId, SealedSecret};
use vocab::{AccountId, KeyId, NanoUsd, Timestamp};

use crate::db::{Executor, Row, bulk, sql};
use crate::{Store, StoreError};

pub(crate) async fn insert(on: impl Into<Executor<'_>>, key: &ApiKey) -> Result<(), StoreError> {
    sql("INSERT INTO api_key
            (id, account, name, public_id, sealed_secret, created, expires, revoked, last_used, project, scope,
             monthly_spend_max, successor_of)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)")
    .bind(key.id)
    .bind(key.account)
    .bind(&key.name)
    .bind(key.public_id.to_string())
    .bind(key.sealed_secret.as_str())
    .bind(key.created)
    .bind(key.expires)
    .bind(key.revoked)
    .bind(key.last_used)
    .bind(key.project)
    .bind(serde_json::to_string(&key.scope)?)
    .bind(key.monthly_spend_max)
    .bind(key.successor_of)
    .execute(on)
    .await?;
    Ok(())
}

/// What [`read`] wants to see.
const COLUMNS: &str =
    "id, account, name, public_id, sealed_secret, created, expires, revoked, last_used, project,
    scope, monthly_spend_max, successor_of";

pub(crate) async fn find(store: &Store, id: KeyId) -> Result<Option<ApiKey>, StoreError> {
    let mut select = sql("SELECT ");
    select.push(COLUMNS).push(" FROM api_key WHERE id = ").push_bind(id);
    let row = select.fetch_optional(store.reader()).await?;
    row.as_ref().map(read).transpose()
}

pub(crate) async fn find_by_public_id(store: &Store, id: PublicId) -> Result<Option<KnownKey>, StoreError> {
    let row =
        sql("SELECT api_key.id, account, api_key.name, public_id, sealed_secret, api_key.created, expires,
                api_key.revoked, last_used, project, scope, monthly_spend_max, successor_of,
                account.name AS account_name, account.is_operator AS account_is_operator,
                account.state AS account_state, account.rates AS account_rates, account.created AS account_created
         FROM api_key JOIN account ON account.id = api_key.account
         WHERE api_key.public_id = $1")
        .bind(id.to_string())
        .fetch_optional(store.reader())
        .await?;
    let Some(row) = row else { return Ok(None) };

    let key = read(&row)?;
    let account = Account {
        id: key.account,
        name: row.text("account_name")?,
        is_operator: row.flag("account_is_operator")?,
        state: row.named("account_state", &AccountState::ALL, AccountState::name)?,
        rates: row.json_as("account_rates")?,
        created: row.moment("account_created")?,
    };
    Ok(Some(KnownKey { key, account }))
}

pub(crate) async fn list(
    store: &Store,
    account: Option<AccountId>,
    cursor: Option<KeyId>,
    limit: u32,
) -> Result<Vec<ApiKey>, StoreError> {
    // Every id sorts after the empty text.
    let after = cursor.map(|id| id.to_string()).unwrap_or_default();
    let mut select = sql("SELECT ");
    select.push(COLUMNS).push(" FROM api_key WHERE id > ").push_bind(after);
    if let Some(account) = account {
        select.push(" AND account = ").push_bind(account);
    }
    select.push(" ORDER BY id LIMIT ").push_bind(limit);
    let rows = select.fetch_all(store.reader()).await?;
    rows.iter().map(read).collect()
}

pub(crate) async fn change(store: &Store, key: &ApiKey) -> Result<bool, StoreError> {
    let changed =
        sql("UPDATE api_key SET name = $1, project = $2, scope = $3, monthly_spend_max = $4, expires = $5
         WHERE id = $6 AND revoked IS NULL")
        .bind(&key.name)
        .bind(key.project)
        .bind(serde_json::to_string(&key.scope)?)
        .bind(key.monthly_spend_max)
        .bind(key.expires)
        .bind(key.id)
        .execute(store.writer())
        .await?;
    Ok(changed == 1)
}

pub(crate) async fn rotate(
    store: &Store,
    id: KeyId,
    successor: &ApiKey,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let mut tx = store.begin().await?;
    let limited = sql("UPDATE api_key SET expires = CASE WHEN expires < $1 THEN expires ELSE $1 END
         WHERE id = $2 AND revoked IS NULL")
    .bind(until)
    .bind(id)
    .execute(&mut tx)
    .await?;
    if limited == 0 {
        return Ok(false);
    }
    insert(&mut tx, successor).await?;
    tx.commit().await?;
    Ok(true)
}

pub(crate) async fn revoke(store: &Store, id: KeyId, at: Timestamp) -> Result<bool, StoreError> {
    let revoked = sql("UPDATE api_key SET revoked = $1 WHERE id = $2 AND revoked IS NULL")
        .bind(at)
        .bind(id)
        .execute(store.writer())
        .await?;
    Ok(revoked == 1)
}

pub(crate) async fn touch(store: &Store, batch: &[(KeyId, Timestamp)]) -> Result<(), StoreError> {
    if batch.is_empty() {
        return Ok(());
    }
    // The latest use of each key, in the order in which everyone locks them.
    let mut latest = BTreeMap::new();
    for (id, at) in batch {
        let kept = latest.entry(*id).or_insert(*at);
        *kept = (*kept).max(*at);
    }
    let mut update = bulk(
        "UPDATE api_key SET last_used = given.column2 FROM ({rows}) AS given
         WHERE id = given.column1 AND (last_used IS NULL OR last_used < given.column2)",
    );
    for (id, at) in latest {
        update.row().bind(id).bind(at);
    }
    let mut tx = store.begin().await?;
    update.execute(&mut tx).await?;
    tx.commit().await
}

fn read(row: &Row) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        id: row.parsed("id")?,
        account: row.parsed("account")?,
        name: row.text("name")?,
        public_id: row.parsed("public_id")?,
        sealed_secret: SealedSecret::from_text(row.text("sealed_secret")?),
        created: row.moment("created")?,
        expires: row.moment_if_any("expires")?,
        revoked: row.moment_if_any("revoked")?,
        last_used: row.moment_if_any("last_used")?,
        project: row.parsed_if_any("project")?,
        scope: row.json_as("scope")?,
        monthly_spend_max: row.integer_if_any("monthly_spend_max")?.map(NanoUsd),
        successor_of: row.parsed_if_any("successor_of")?,
    })
}
