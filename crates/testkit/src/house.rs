//! Accounts, plans, money and rules of a whole installation, in memory.

use std::sync::Arc;

use accounts::{
    Account, AccountState, Accounts, Conduct, EndUsers, GrantStart, Keys, PlanBook, PlanGrant, Plans, Seal,
    StandingStores, Standings, Subscription, Term, UseRules,
};
use gateway::{
    Admissions, KeySpending, Leases, LeasesSettings, MemoryPermits, MemoryPermitsSettings, Permits,
    PlanMeter, QueueSettings, Queued, RateRules,
};
use ledger::{Funds, LedgerStore, MemoryLedger, PriceBook, PriceBooks, QuotaStore, TopUp};
use server::ConsoleServices;
use tokio_util::task::TaskTracker;
use vocab::{AccountId, Clock, InForce, NanoUsd, NodeId, Secret, Timestamp};

use crate::memory::{MemoryAccounts, MemoryConduct, MemorySubscriptions, MemoryUsage};
use crate::office::{Letters, Office};

/// Accounts, plans, money and rules of a whole installation, in memory.
pub struct House {
    /// For making and revoking keys.
    pub keys: Arc<Keys>,
    /// For making accounts.
    pub accounts: Arc<Accounts>,
    /// For granting plans.
    pub plans: Arc<Plans>,
    /// The plans in force.
    pub plan_book: Arc<InForce<PlanBook>>,
    /// The prices in force.
    pub prices: Arc<InForce<PriceBooks>>,
    /// The platform's limits in force.
    pub rates: Arc<InForce<RateRules>>,
    /// The rules of use in force.
    pub use_rules: Arc<InForce<UseRules>>,
    /// Strikes and appeals.
    pub conduct: Arc<Conduct>,
    /// Blocked end users.
    pub end_users: Arc<EndUsers>,
    /// How accounts stand.
    pub standings: Arc<Standings>,
    /// Everyone's money and quota.
    pub ledger: Arc<MemoryLedger>,
    /// What was used.
    pub usage: Arc<MemoryUsage>,
    /// How full plans are.
    pub plan_meter: Arc<PlanMeter>,
    /// What the console works with.
    pub console: Arc<ConsoleServices>,
    /// Letters that were sent.
    pub letters: Arc<Letters>,
    /// What the gateway asks.
    pub admissions: Arc<Admissions>,
    /// A key of the operator's account.
    pub operator_key: Secret,
    /// The operator's account.
    pub operator: Account,
    store: Arc<MemoryAccounts>,
    clock: Arc<dyn Clock>,
}

impl House {
    /// An installation with an operator who has a thousand dollars and the largest plan.
    pub async fn start(clock: Arc<dyn Clock>, tracker: &TaskTracker) -> Self {
        let store = Arc::new(MemoryAccounts::default());
        let keys = Arc::new(Keys::new(store.clone(), Seal::from_bytes(&[7; 32]), clock.clone()));
        let accounts = Arc::new(Accounts::new(store.clone(), keys.clone(), clock.clone()));
        let operator = accounts.ensure_operator().await.expect("the memory store answers");
        let (_, operator_key) = operator.first_key.expect("the account is new");

        let plan_book = Arc::new(InForce::new(PlanBook::documented().clone()));
        let prices = Arc::new(InForce::new(PriceBooks::new(PriceBook::documented())));
        let rates = Arc::new(InForce::new(RateRules::default()));
        let use_rules = Arc::new(InForce::new(UseRules::default()));
        let subscriptions = Arc::new(MemorySubscriptions::default());
        let conducts = Arc::new(MemoryConduct::default());
        let conduct = Arc::new(Conduct::new(conducts.clone(), use_rules.clone(), clock.clone()));
        let end_users = Arc::new(EndUsers::new(conducts, clock.clone()));
        let source = StandingStores {
            accounts: store.clone(),
            subscriptions: subscriptions.clone(),
            conduct: conduct.clone(),
        };
        let standings = Arc::new(Standings::new(Arc::new(source), clock.clone()));
        let ledger = Arc::new(MemoryLedger::default());
        let usage = Arc::new(MemoryUsage::with_ledger(ledger.clone()));
        let leases = Leases::new(
            ledger.clone(),
            ledger.clone(),
            clock.clone(),
            NodeId::generate(),
            LeasesSettings::default(),
            tracker,
        );
        let permits: Arc<dyn Permits> =
            Arc::new(MemoryPermits::new(clock.clone(), &MemoryPermitsSettings::default()));
        let admissions = Arc::new(Admissions {
            standings: standings.clone(),
            plans: plan_book.clone(),
            prices: prices.clone(),
            rates: rates.clone(),
            queue: Queued::new(permits.clone(), QueueSettings::default()),
            permits,
            leases,
            conduct: conduct.clone(),
            end_users: end_users.clone(),
            key_spending: KeySpending::new(usage.clone(), plan_book.clone(), clock.clone()),
            tracker: tracker.clone(),
        });
        let plan_meter =
            Arc::new(PlanMeter::new(standings.clone(), plan_book.clone(), ledger.clone(), clock.clone()));
        let plans = Arc::new(Plans::new(subscriptions, store.clone(), plan_book.clone(), clock.clone()));
        let office = Office {
            store: store.clone(),
            accounts: accounts.clone(),
            plans: plans.clone(),
            standings: standings.clone(),
            rates: rates.clone(),
            prices: prices.clone(),
            conduct: conduct.clone(),
            end_users: end_users.clone(),
            ledger: ledger.clone(),
            usage: usage.clone(),
            operator: operator.account.id,
            clock: clock.clone(),
        };
        let (console, letters) = office.open(tracker);
        let house = Self {
            keys,
            accounts,
            plans,
            plan_book,
            prices,
            rates,
            use_rules,
            conduct,
            end_users,
            standings,
            ledger,
            usage,
            plan_meter,
            console,
            letters,
            admissions,
            operator_key,
            operator: operator.account,
            store,
            clock,
        };
        house.top_up(house.operator.id, "1000").await;
        house.grant(house.operator.id, "max").await;
        house
    }

    /// An account of its own with nothing, and its key.
    pub async fn newcomer(&self) -> (AccountId, Secret) {
        let account = self.accounts.create("newcomer").await.expect("the memory store answers");
        let (_, key) = self.keys.create(account.id, "theirs", None).await.expect("the memory store answers");
        (account.id, key)
    }

    /// Pays `dollars` into an account.
    pub async fn top_up(&self, account: AccountId, dollars: &str) {
        let amount: NanoUsd = dollars.parse().expect("an amount of dollars");
        let at = self.clock.now();
        let reference = format!("test-{account}-{}-{dollars}", at.as_millis());
        let top_up = TopUp { reference, account, amount, at };
        self.ledger.top_up(&top_up).await.expect("the memory ledger answers");
    }

    /// Gives an account a plan without an end, from now on.
    pub async fn grant(&self, account: AccountId, plan: &str) -> Subscription {
        let grant = PlanGrant {
            account,
            plan: plan.parse().expect("a plan's name"),
            term: Term::Endless,
            start: GrantStart::Now,
            granted_by: None,
            note: String::new(),
        };
        let subscription = self.plans.grant(&grant).await.expect("the plan is in the book");
        self.standings.forget(account).await;
        subscription
    }

    /// Puts an account into a state, whatever it was in.
    pub async fn set_state(&self, account: AccountId, state: AccountState) {
        let before = self.store.find(account).expect("the account was made").state;
        assert!(self.store.set_state(account, before, state));
        self.standings.forget(account).await;
    }

    /// Ends what nobody renewed, as the schedule of a running server does.
    pub async fn sweep(&self) {
        let now = self.clock.now();
        self.ledger.expire(now, 1000).await.expect("the memory ledger answers");
        let reached = Timestamp::from_millis(now.as_millis() - 40 * 24 * 3_600_000);
        self.ledger.slices_expire(now, reached, 1000).await.expect("the memory ledger answers");
    }

    /// What an account has.
    pub async fn funds(&self, account: AccountId) -> Funds {
        self.ledger.funds(account, self.clock.now()).await.expect("the memory ledger answers")
    }
}
