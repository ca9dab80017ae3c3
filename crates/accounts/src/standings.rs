use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::error::Elapsed;
use vocab::{AccountId, Clock, Timestamp};

use crate::lately::Lately;
use crate::{AccountStore, Conduct, Standing, SubscriptionStore};

/// Subscriptions of one account that are looked at.
const SUBSCRIPTIONS_MAX: u32 = 32;

/// What accounts may do, from memory as a rule and at most a second old.
pub struct Standings {
    source: Arc<dyn StandingSource>,
    clock: Arc<dyn Clock>,
    lately: Lately<AccountId, Option<Arc<Standing>>, StandingUnavailable>,
}

/// Where standings are read.
#[async_trait]
pub trait StandingSource: Send + Sync + 'static {
    /// What the account may do at `at`; none if there is no such account.
    async fn standing_read(
        &self,
        account: AccountId,
        at: Timestamp,
    ) -> Result<Option<Standing>, StandingUnavailable>;
}

/// A store that knows how an account stands did not do its work.
#[derive(Debug, thiserror::Error)]
#[error("it is not known how the account stands")]
pub struct StandingUnavailable(#[from] pub Box<dyn std::error::Error + Send + Sync>);

/// Puts standings together from the stores of accounts, plans and conduct.
pub struct StandingStores {
    /// The state of the account and its own limits.
    pub accounts: Arc<dyn AccountStore>,
    /// Its plans.
    pub subscriptions: Arc<dyn SubscriptionStore>,
    /// Its strikes.
    pub conduct: Arc<Conduct>,
}

impl From<Elapsed> for StandingUnavailable {
    fn from(elapsed: Elapsed) -> Self {
        Self(elapsed.into())
    }
}

impl Standings {
    /// Standings as `source` tells them.
    pub fn new(source: Arc<dyn StandingSource>, clock: Arc<dyn Clock>) -> Self {
        Self { source, clock, lately: Lately::new() }
    }

    /// How the account stands; none if there is no such account. A change, wherever it was made, is noticed within a
    /// second. While the stores are down, what they said less than a minute ago counts.
    pub async fn of(&self, account: AccountId) -> Result<Option<Arc<Standing>>, Arc<StandingUnavailable>> {
        let read = || async {
            let standing = self.source.standing_read(account, self.clock.now()).await?;
            Ok(standing.map(Arc::new))
        };
        self.lately.find(account, read).await
    }

    /// Makes the next request look anew, after this process changed something.
    pub async fn forget(&self, account: AccountId) {
        self.lately.forget(account).await;
    }
}

#[async_trait]
impl StandingSource for StandingStores {
    async fn standing_read(
        &self,
        account: AccountId,
        at: Timestamp,
    ) -> Result<Option<Standing>, StandingUnavailable> {
        let unavailable = |error: Box<dyn std::error::Error + Send + Sync>| StandingUnavailable(error);
        let found = self.accounts.account_find(account).await.map_err(|error| unavailable(error.into()))?;
        let Some(found) = found else { return Ok(None) };
        let holdings = self.subscriptions.subscription_held(account, at, SUBSCRIPTIONS_MAX).await;
        let conduct = self.conduct.record(account).await.map_err(|error| unavailable(error.into()))?;
        Ok(Some(Standing {
            state: found.state,
            holdings: holdings.map_err(|error| unavailable(error.into()))?,
            restriction: conduct.restriction,
            rates: found.rates,
        }))
    }
}
