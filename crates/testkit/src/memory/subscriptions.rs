use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use accounts::{Holdings, Subscription, SubscriptionState, SubscriptionStore, SubscriptionStoreError};
use async_trait::async_trait;
use vocab::{AccountId, SubscriptionId, Timestamp};

/// Subscriptions in memory, of accounts that are taken to exist.
#[derive(Default)]
pub struct MemorySubscriptions(Mutex<BTreeMap<SubscriptionId, Subscription>>);

impl MemorySubscriptions {
    fn rows(&self) -> MutexGuard<'_, BTreeMap<SubscriptionId, Subscription>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The account's, the newest first.
    fn of(&self, account: AccountId) -> Vec<Subscription> {
        let mut rows: Vec<_> = self.rows().values().filter(|row| row.account == account).cloned().collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.number));
        rows
    }
}

#[async_trait]
impl SubscriptionStore for MemorySubscriptions {
    async fn subscription_insert(&self, subscription: &Subscription) -> Result<bool, SubscriptionStoreError> {
        let mut rows = self.rows();
        if rows.contains_key(&subscription.id) {
            return Err(SubscriptionStoreError("the subscription exists".into()));
        }
        let is_taken =
            |row: &Subscription| (row.account, row.number) == (subscription.account, subscription.number);
        if rows.values().any(is_taken) {
            return Ok(false);
        }
        rows.insert(subscription.id, subscription.clone());
        Ok(true)
    }

    async fn subscription_find(
        &self,
        id: SubscriptionId,
    ) -> Result<Option<Subscription>, SubscriptionStoreError> {
        Ok(self.rows().get(&id).cloned())
    }

    async fn subscription_list(
        &self,
        account: Option<AccountId>,
        cursor: Option<SubscriptionId>,
        limit: u32,
    ) -> Result<Vec<Subscription>, SubscriptionStoreError> {
        let rows = self.rows();
        let after = rows.values().filter(|row| {
            account.is_none_or(|account| account == row.account)
                && cursor.is_none_or(|cursor| cursor < row.id)
        });
        Ok(after.take(limit as usize).cloned().collect())
    }

    async fn subscription_held(
        &self,
        account: AccountId,
        at: Timestamp,
        limit: u32,
    ) -> Result<Holdings, SubscriptionStoreError> {
        let (over, mut live): (Vec<_>, Vec<_>) =
            self.of(account).into_iter().partition(|row| row.state(at) == SubscriptionState::Over);
        live.truncate(limit as usize);
        Ok(Holdings { live, last_over: over.into_iter().find(Subscription::ever_counts) })
    }

    async fn subscription_count(&self, account: AccountId) -> Result<u32, SubscriptionStoreError> {
        Ok(u32::try_from(self.of(account).len()).unwrap_or(u32::MAX))
    }

    async fn subscription_end(
        &self,
        id: SubscriptionId,
        at: Timestamp,
    ) -> Result<bool, SubscriptionStoreError> {
        let mut rows = self.rows();
        let is_running = |row: &&mut Subscription| row.over_at().is_none_or(|over| at < over);
        let Some(row) = rows.get_mut(&id).filter(is_running) else { return Ok(false) };
        if row.ended_early.is_some() {
            return Ok(false);
        }
        row.ended_early = Some(at);
        Ok(true)
    }
}
