//! kill -9 under traffic that costs money and quota, again and again in one folder. `load crash` does it a hundred times.

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

use accounts::{Subscription, Turn};
use futures::future::join_all;
use gateway::{UsageLog, UsageQuery};
use ledger::{Pool, PoolKind, QuotaStore, Units, WindowName};
use vocab::{AccountId, Clock, RequestId, Secret, SystemClock};

use crate::client::{CODING, Client, GENERAL};
use crate::node::Node;
use crate::site::{Site, cost_of};

/// Requests under way at each door when the node is killed.
const CLIENTS: usize = 4;

/// The most records of a group, which may all be lost if it was not written yet.
const GROUP_MAX: usize = 512;

/// After each kill the books are right, each recorded answer is paid for once, and what is missing was in the group under
/// way; nothing is paid for that nobody asked for.
#[tokio::test(flavor = "multi_thread")]
async fn kill_dash_nine_leaves_clean_books() {
    let site = Site::alone().await;
    let mut payer = Customer::new(&site, GENERAL).await;
    let mut subscriber = Customer::new(&site, CODING).await;

    for after in [400, 900, 600].map(Duration::from_millis) {
        let [node] = site.nodes().await;
        tokio::join!(payer.ask_until_it_is_gone(&node), subscriber.ask_until_it_is_gone(&node), async {
            tokio::time::sleep(after).await;
            node.kill_dash_nine();
        });

        site.books_are_clean().await;
        let (paid, drawn) = (payer.recorded(&site).await, subscriber.recorded(&site).await);
        assert_eq!(site.charged(payer.account, "1000").await, cost_of(paid));
        assert_eq!(subscriber.prompts_used(&site).await, units_of(&site, drawn));
    }
}

/// Someone who asks through one door.
struct Customer {
    door: &'static str,
    account: AccountId,
    key: Secret,
    subscription: Subscription,
    answered: Mutex<HashSet<RequestId>>,
    /// How many of the answers were lost by kills before, and how many nobody received.
    lost: usize,
    unread: usize,
}

impl Customer {
    async fn new(site: &Site, door: &'static str) -> Self {
        let (account, key) = site.customer("1000").await;
        let subscription = site.subscribe(account, "pro").await;
        Self { door, account, key, subscription, answered: Mutex::default(), lost: 0, unread: 0 }
    }

    async fn ask_until_it_is_gone(&self, node: &Node) {
        let client = Client::new();
        let asking = (0..CLIENTS).map(async |_| {
            while let Some(answer) = client.try_ask(node, self.door, &self.key).await {
                assert!(answer.is_ok(), "{answer:?}");
                self.answered.lock().expect("nobody panicked").extend(answer.request);
            }
        });
        join_all(asking).await;
    }

    /// How many requests are on record, which is each of them once and nothing else.
    async fn recorded(&mut self, site: &Site) -> usize {
        let query = UsageQuery { account: Some(self.account), ..UsageQuery::default() };
        let records = site.store.usage_list(&query, 100_000).await.expect("the store answers");
        let recorded: HashSet<RequestId> = records.iter().map(|record| record.request.clone()).collect();
        assert_eq!(recorded.len(), records.len(), "each request is recorded once");

        let answered = self.answered.lock().expect("nobody panicked");
        let lost = answered.difference(&recorded).count();
        let unread = recorded.difference(&answered).count();
        eprintln!("{}: {} answered, {lost} lost, {unread} on their way", self.door, answered.len());
        assert!(lost - self.lost <= GROUP_MAX, "{lost} answers are not on record");
        assert!(unread - self.unread <= CLIENTS, "{unread} records of answers that nobody waited for");
        assert!(lost < answered.len(), "nothing was written before the kill");
        (self.lost, self.unread) = (lost, unread);
        recorded.len()
    }

    async fn prompts_used(&self, site: &Site) -> Units {
        let (book, now) = (site.plan_book.current(), SystemClock.now());
        let pool = Pool { subscription: self.subscription.id, kind: PoolKind::Prompts };
        let plan = book.plan(&self.subscription.plan).expect("the plan is in the book");
        let limits = book.windows(plan, &self.subscription, pool.kind, now);
        let windows = site.store.quota_used(pool, &limits, now).await.expect("the store answers");
        let week =
            windows.iter().find(|window| window.limit.name == WindowName::Week).expect("there is a week");
        assert!(windows.iter().all(|window| window.used == week.used), "both windows count the same");
        week.used
    }
}

/// What so many calls take of a plan.
fn units_of(site: &Site, calls: usize) -> Units {
    let model = "glm-4.7".parse().expect("a model's name");
    let Units(each) = site.plan_book.current().units_for(&model, SystemClock.now(), Turn::Begins);
    Units(each * i64::try_from(calls).expect("a small number"))
}
