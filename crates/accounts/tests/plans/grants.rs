//! Giving plans to accounts and ending them.

use std::sync::Arc;

use accounts::{
    AccountStore, GrantStart, Holdings, PlanBook, PlanError, PlanGrant, Plans, Subscription, Term,
};
use futures::future::join_all;
use testkit::clock::ManualClock;
use testkit::contract;
use testkit::memory::{MemoryAccounts, MemorySubscriptions};
use vocab::{AccountId, InForce, Timestamp};

use crate::moment;

struct Office {
    plans: Arc<Plans>,
    clock: Arc<ManualClock>,
    ana: AccountId,
}

impl Office {
    async fn open(now: &str) -> Self {
        let accounts = Arc::new(MemoryAccounts::default());
        let account = contract::accounts::account("Ana");
        accounts.account_insert(&account).await.unwrap();
        let clock = Arc::new(ManualClock::at(moment(now)));
        let store = Arc::new(MemorySubscriptions::default());
        let plans = Plans::new(
            store,
            accounts,
            Arc::new(InForce::new(PlanBook::documented().clone())),
            clock.clone(),
        );
        Self { plans: Arc::new(plans), clock, ana: account.id }
    }

    async fn give(&self, plan: &str, term: Term) -> Result<Subscription, PlanError> {
        self.plans.grant(&grant(self.ana, plan, term)).await
    }

    async fn held(&self) -> Holdings {
        self.plans.held(self.ana).await.unwrap()
    }
}

fn grant(account: AccountId, plan: &str, term: Term) -> PlanGrant {
    PlanGrant {
        account,
        plan: plan.parse().unwrap(),
        term,
        start: GrantStart::InTurn,
        granted_by: None,
        note: String::new(),
    }
}

fn span(subscription: &Subscription) -> (Timestamp, Timestamp) {
    (subscription.starts, subscription.ends.unwrap())
}

/// PLAN-10: Lite to the end of January, and a year of Lite bought on the 10th, are thirteen months in a row.
#[tokio::test]
async fn the_same_plan_again_is_queued() {
    let office = Office::open("2026-01-01T00:00:00+08:00").await;
    let month = office.give("lite", Term::Months(1)).await.unwrap();
    office.clock.set(moment("2026-01-10T12:00:00+08:00"));
    let year = office.give("lite", Term::Months(12)).await.unwrap();

    let days = ["2026-01-01", "2026-02-01", "2027-02-01"].map(|day| moment(&format!("{day}T00:00:00+08:00")));
    assert_eq!(span(&month), (days[0], days[1]));
    assert_eq!(span(&year), (days[1], days[2]));
    assert_eq!((month.number, year.number), (1, 2));
}

/// PLAN-11, PLAN-14: a better plan begins at once, a lesser one after everything that is held.
#[tokio::test]
async fn better_plans_begin_at_once_and_lesser_ones_wait() {
    let office = Office::open("2026-05-01T00:00:00+08:00").await;
    let now = moment("2026-05-01T00:00:00+08:00");
    office.give("lite", Term::Months(1)).await.unwrap();
    let max = office.give("max", Term::Months(2)).await.unwrap();
    assert_eq!(max.starts, now);
    let lite = office.give("lite", Term::Days(10)).await.unwrap();
    assert_eq!(lite.starts, moment("2026-07-01T00:00:00+08:00"));

    let book = office.plans.book();
    let held = office.held().await;
    assert_eq!(held.plan_at(now, &book).unwrap().subscription, &max);
    assert_eq!(held.plan_at(lite.starts, &book).unwrap().subscription, &lite);
}

#[tokio::test]
async fn nothing_waits_for_a_plan_without_an_end() {
    let office = Office::open("2026-05-01T00:00:00Z").await;
    let endless = office.give("pro", Term::Endless).await.unwrap();
    assert!(matches!(office.give("lite", Term::Months(1)).await, Err(PlanError::AfterEndless)));
    let now = PlanGrant { start: GrantStart::Now, ..grant(office.ana, "pro", Term::Months(1)) };
    assert_eq!(office.plans.grant(&now).await.unwrap().starts, endless.starts);

    assert!(office.plans.end(endless.id).await.unwrap());
    assert!(!office.plans.end(endless.id).await.unwrap());
    assert_eq!(office.give("lite", Term::Months(1)).await.unwrap().starts, moment("2026-06-01T00:00:00Z"));
}

#[tokio::test]
async fn a_grant_that_makes_no_sense_says_why() {
    let office = Office::open("2026-05-01T00:00:00Z").await;
    let good = grant(office.ana, "lite", Term::Months(1));
    let past = GrantStart::At(moment("2026-01-01T00:00:00Z"));
    let far = GrantStart::At(Timestamp::from_millis(i64::MAX));
    let stranger = AccountId::generate();
    let told = [
        PlanGrant { account: stranger, ..good.clone() },
        PlanGrant { plan: "gold".parse().unwrap(), ..good.clone() },
        PlanGrant { term: Term::Months(0), ..good.clone() },
        PlanGrant { note: "two\nlines".to_owned(), ..good.clone() },
        PlanGrant { start: past, ..good.clone() },
        PlanGrant { start: far, ..good.clone() },
    ];
    let mut texts = Vec::new();
    for refused in &told {
        texts.push(office.plans.grant(refused).await.unwrap_err().to_string());
    }
    assert_eq!(
        texts,
        [
            format!("there is no account `{stranger}`"),
            "there is no plan `gold`".to_owned(),
            "a plan is given for 1 to 1200 months, 1 to 36500 days, or without an end".to_owned(),
            "a note is at most 500 characters without control characters".to_owned(),
            "the plan would be over already".to_owned(),
            "a plan begins within ten years from now".to_owned(),
        ]
    );
    assert_eq!(office.held().await, Holdings::default());
}

/// Two operators who give the same plan at the same time give two months, not the same month twice.
#[tokio::test(flavor = "multi_thread")]
async fn grants_at_the_same_time_queue_behind_each_other() {
    let office = Office::open("2026-05-01T00:00:00Z").await;
    let gifts = (0..4).map(|_| {
        let (plans, gift) = (office.plans.clone(), grant(office.ana, "lite", Term::Days(10)));
        tokio::spawn(async move { plans.grant(&gift).await })
    });
    for given in join_all(gifts).await {
        given.unwrap().unwrap();
    }
    let mut spans: Vec<_> = office.held().await.live.iter().map(span).collect();
    spans.sort();
    assert_eq!(spans[0].0, moment("2026-05-01T00:00:00Z"));
    for pair in spans.windows(2) {
        assert_eq!(pair[0].1, pair[1].0);
    }
}

#[tokio::test]
async fn an_account_has_at_most_so_many_plans() {
    let office = Office::open("2026-05-01T00:00:00Z").await;
    for _ in 0..32 {
        office.give("lite", Term::Days(1)).await.unwrap();
    }
    assert!(matches!(office.give("lite", Term::Days(1)).await, Err(PlanError::TooMany)));
    assert_eq!(office.plans.list(Some(office.ana), None, u32::MAX).await.unwrap().len(), 32);
}
