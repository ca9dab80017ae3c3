use async_trait::async_trait;
use vocab::{AccountId, SubscriptionId, Timestamp};

use crate::{Holdings, Subscription};

/// Where subscriptions are kept for good.
///
/// Rows go in as given. Lists are in order of id, which is the order of making, start after a cursor
/// and are never longer than their limit.
#[async_trait]
pub trait SubscriptionStore: Send + Sync + 'static {
    /// Writes a new subscription of an account that exists. Says whether it wrote: not if the account has one of the
    /// same number, because someone else was first.
    async fn subscription_insert(&self, subscription: &Subscription) -> Result<bool, SubscriptionStoreError>;

    /// The subscription called `id`.
    async fn subscription_find(
        &self,
        id: SubscriptionId,
    ) -> Result<Option<Subscription>, SubscriptionStoreError>;

    /// Subscriptions after `cursor`, of one account or of all.
    async fn subscription_list(
        &self,
        account: Option<AccountId>,
        cursor: Option<SubscriptionId>,
        limit: u32,
    ) -> Result<Vec<Subscription>, SubscriptionStoreError>;

    /// Those of the account that are not over at `at`, and the last one that is; at most `limit` of the former, the
    /// newest first.
    async fn subscription_held(
        &self,
        account: AccountId,
        at: Timestamp,
        limit: u32,
    ) -> Result<Holdings, SubscriptionStoreError>;

    /// How many the account has and had, which is the number of its newest.
    async fn subscription_count(&self, account: AccountId) -> Result<u32, SubscriptionStoreError>;

    /// Ends a subscription at `at`. Says whether that changed anything: one that is over by then, or was ended before,
    /// stays as it is.
    async fn subscription_end(
        &self,
        id: SubscriptionId,
        at: Timestamp,
    ) -> Result<bool, SubscriptionStoreError>;
}

/// The store of subscriptions did not do its work.
#[derive(Debug, thiserror::Error)]
#[error("the subscription store did not answer")]
pub struct SubscriptionStoreError(#[from] pub Box<dyn std::error::Error + Send + Sync>);
