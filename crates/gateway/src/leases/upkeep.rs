use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use ledger::{LeasePool, Upkeep};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use vocab::{HoldId, Timestamp};

use super::LeasesSettings;
use super::bank::{Bank, MoneyBank, QuotaBank};
use super::desk::{Desk, Entry};

/// How often the end of the process looks whether the last requests are written.
const CLOSE_EVERY: Duration = Duration::from_millis(20);

/// Looks after all slices until `closing`, and then gives them back.
pub(super) async fn run(
    money: Arc<Desk<MoneyBank>>,
    quota: Arc<Desk<QuotaBank>>,
    settings: Arc<LeasesSettings>,
    closing: CancellationToken,
) {
    let mut ticks = interval(settings.upkeep_every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = closing.cancelled() => break,
            _ = ticks.tick() => {}
        }
        tokio::join!(money.look_after(), quota.look_after());
    }
    tokio::join!(money.close(), quota.close());
}

/// What was found to do, by pool.
struct Found<B: Bank> {
    renewals: Vec<(B::Key, HoldId)>,
    until: Timestamp,
    releases: Vec<(B::Key, HoldId)>,
    /// Pools that are still there.
    pools: usize,
}

impl<B: Bank> Desk<B> {
    async fn look_after(self: &Arc<Self>) {
        let found = self.find(|pool, now| pool.upkeep(now, HoldId::generate));
        self.work(found).await;
    }

    /// Gives everything back, as soon as nobody uses it and everything used is written.
    async fn close(self: &Arc<Self>) {
        let deadline = Instant::now() + self.settings.close_for;
        loop {
            let found = self.find(LeasePool::close);
            if found.pools == 0 {
                return;
            }
            if Instant::now() >= deadline {
                tracing::warn!(
                    store.name = B::NAME,
                    pools = found.pools,
                    "leases that are still in use are left to expire"
                );
                return;
            }
            self.work(found).await;
            sleep(CLOSE_EVERY).await;
        }
    }

    /// Goes through all pools, sends out what they ask for, and forgets those that are empty.
    fn find(
        self: &Arc<Self>,
        mut todo: impl FnMut(&mut LeasePool<B::Amount>, Timestamp) -> Vec<Upkeep<B::Amount>>,
    ) -> Found<B> {
        let now = self.clock.now();
        let mut found = Found { renewals: Vec::new(), until: now, releases: Vec::new(), pools: 0 };
        for mut shard in self.shards() {
            shard.retain(|key, entry: &mut Entry<B>| {
                for action in todo(&mut entry.pool, now) {
                    match action {
                        Upkeep::Open(ask) => self.launch(*key, entry, ask),
                        Upkeep::Renew { slice, until } => {
                            found.renewals.push((*key, slice));
                            // The same for all: it depends on nothing but the time.
                            found.until = until;
                        }
                        Upkeep::Release(slice) => found.releases.push((*key, slice)),
                    }
                }
                !entry.pool.is_forgettable(now)
            });
            found.pools += shard.len();
        }
        found
    }

    /// Renewals first: they are what cannot wait.
    async fn work(&self, found: Found<B>) {
        for group in found.renewals.chunks(self.settings.renewals_max) {
            let slices: Vec<HoldId> = group.iter().map(|(_, slice)| *slice).collect();
            let answer = self.call(|| self.bank.renew(&slices, found.until)).await;
            let answered = answer.map(|()| found.until);
            let now = self.clock.now();
            for (key, slice) in group {
                self.with_pool(*key, |entry| entry.pool.renewed(now, *slice, answered));
            }
        }
        stream::iter(found.releases)
            .for_each_concurrent(self.settings.releases_at_once_max, |(key, slice)| self.release(key, slice))
            .await;
    }
}
