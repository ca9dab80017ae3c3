use accounts::{Holdings, Subscription, SubscriptionStore, SubscriptionStoreError};
use async_trait::async_trait;
use vocab::{AccountId, SubscriptionId, Timestamp};

use crate::db::{Row, Statement, sql};
use crate::{Store, StoreError};

#[async_trait]
impl SubscriptionStore for Store {
    async fn subscription_insert(&self, subscription: &Subscription) -> Result<bool, SubscriptionStoreError> {
        Ok(insert(self, subscription).await?)
    }

    async fn subscription_find(
        &self,
        id: SubscriptionId,
    ) -> Result<Option<Subscription>, SubscriptionStoreError> {
        let mut select = subscriptions();
        select.push(" AND id = ").push_bind(id);
        let row = select.fetch_optional(self.reader()).await?;
        Ok(row.as_ref().map(read).transpose()?)
    }

    async fn subscription_list(
        &self,
        account: Option<AccountId>,
        cursor: Option<SubscriptionId>,
        limit: u32,
    ) -> Result<Vec<Subscription>, SubscriptionStoreError> {
        Ok(list(self, account, cursor, limit).await?)
    }

    async fn subscription_held(
        &self,
        account: AccountId,
        at: Timestamp,
        limit: u32,
    ) -> Result<Holdings, SubscriptionStoreError> {
        Ok(held(self, account, at, limit).await?)
    }

    async fn subscription_count(&self, account: AccountId) -> Result<u32, SubscriptionStoreError> {
        Ok(count(self, account).await?)
    }

    async fn subscription_end(
        &self,
        id: SubscriptionId,
        at: Timestamp,
    ) -> Result<bool, SubscriptionStoreError> {
        let update = sql("UPDATE subscription SET ended_early = $1
             WHERE id = $2 AND ended_early IS NULL AND (ends IS NULL OR ends > $1)");
        Ok(update.bind(at).bind(id).execute(self.writer()).await? == 1)
    }
}

impl From<StoreError> for SubscriptionStoreError {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

/// Only the number may be taken already; the same id twice is a mistake, and the database says so.
async fn insert(store: &Store, subscription: &Subscription) -> Result<bool, StoreError> {
    let Subscription { id, account, number, plan, starts, ends, ended_early, granted_by, note, created } =
        subscription;
    let inserted = sql("INSERT INTO subscription
            (id, account, number, plan, starts, ends, ended_early, granted_by, note, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (account, number) DO NOTHING")
    .bind(*id)
    .bind(*account)
    .bind(*number)
    .bind(plan.as_str())
    .bind(*starts)
    .bind(*ends)
    .bind(*ended_early)
    .bind(*granted_by)
    .bind(note)
    .bind(*created)
    .execute(store.writer())
    .await?;
    Ok(inserted == 1)
}

async fn list(
    store: &Store,
    account: Option<AccountId>,
    cursor: Option<SubscriptionId>,
    limit: u32,
) -> Result<Vec<Subscription>, StoreError> {
    let mut select = subscriptions();
    if let Some(account) = account {
        select.push(" AND account = ").push_bind(account);
    }
    if let Some(cursor) = cursor {
        select.push(" AND id > ").push_bind(cursor);
    }
    select.push(" ORDER BY id LIMIT ").push_bind(limit);
    select.fetch_all(store.reader()).await?.iter().map(read).collect()
}

async fn held(store: &Store, account: AccountId, at: Timestamp, limit: u32) -> Result<Holdings, StoreError> {
    let mut live = subscriptions();
    live.push(" AND account = ").push_bind(account);
    live.push(" AND (ends IS NULL OR ends > ").push_bind(at);
    live.push(") AND (ended_early IS NULL OR ended_early > ").push_bind(at);
    live.push(") ORDER BY number DESC LIMIT ").push_bind(limit);
    let live = live.fetch_all(store.reader()).await?;

    let mut over = subscriptions();
    over.push(" AND account = ").push_bind(account);
    over.push(" AND (ends <= ").push_bind(at);
    over.push(" OR ended_early <= ").push_bind(at);
    over.push(
        ") AND (ends IS NULL OR ends > starts) AND (ended_early IS NULL OR ended_early > starts)
         ORDER BY number DESC LIMIT 1",
    );
    let over = over.fetch_optional(store.reader()).await?;
    Ok(Holdings {
        live: live.iter().map(read).collect::<Result<_, _>>()?,
        last_over: over.as_ref().map(read).transpose()?,
    })
}

async fn count(store: &Store, account: AccountId) -> Result<u32, StoreError> {
    let row = sql("SELECT CAST(COUNT(*) AS BIGINT) AS made FROM subscription WHERE account = $1")
        .bind(account)
        .fetch_one(store.reader())
        .await?;
    number(&row, "made")
}

/// Something to hang every condition on, in words both databases know.
fn subscriptions() -> Statement {
    sql("SELECT id, account, number, plan, starts, ends, ended_early, granted_by, note, created
         FROM subscription WHERE 1 = 1")
}

fn read(row: &Row) -> Result<Subscription, StoreError> {
    Ok(Subscription {
        id: row.parsed("id")?,
        account: row.parsed("account")?,
        number: number(row, "number")?,
        plan: row.parsed("plan")?,
        starts: row.moment("starts")?,
        ends: row.moment_if_any("ends")?,
        ended_early: row.moment_if_any("ended_early")?,
        granted_by: row.parsed_if_any("granted_by")?,
        note: row.text("note")?,
        created: row.moment("created")?,
    })
}

fn number(row: &Row, column: &'static str) -> Result<u32, StoreError> {
    let number = row.count(column)?;
    u32::try_from(number).map_err(|error| StoreError::Unreadable { column, source: Some(error.into()) })
}
