use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use vocab::{AccountId, Clock, InForce, SubscriptionId, Timestamp};

use crate::{
    AccountStore, AccountStoreError, Holdings, Plan, PlanBook, PlanId, Subscription, SubscriptionStore,
    SubscriptionStoreError, Term,
};

/// Grants of one account that overtake each other give way this often.
const TRIES_MAX: u32 = 8;

/// How far off a beginning may lie.
const DISTANCE_MAX: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

const NOTE_CHARS_MAX: usize = 500;
const PAGE_MAX: u32 = 1000;

/// Gives plans to accounts and ends them.
pub struct Plans {
    store: Arc<dyn SubscriptionStore>,
    accounts: Arc<dyn AccountStore>,
    books: Arc<InForce<PlanBook>>,
    clock: Arc<dyn Clock>,
}

/// A plan that the operator gives to an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanGrant {
    /// To whom.
    pub account: AccountId,
    /// Which plan.
    pub plan: PlanId,
    /// For how long.
    pub term: Term,
    /// From when on.
    pub start: GrantStart,
    /// Who gives it.
    pub granted_by: Option<AccountId>,
    /// A line for people; may be empty.
    pub note: String,
}

/// When a granted plan begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantStart {
    /// At once if the account has nothing as good, or else after everything it has (rules PLAN-10, PLAN-11, PLAN-14).
    #[default]
    InTurn,
    /// At once, with quota of its own, whatever the account has.
    Now,
    /// At this moment, which may be past.
    At(Timestamp),
}

/// Why a plan was not given, ended or listed.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The account does not exist.
    #[error("there is no account `{0}`")]
    UnknownAccount(AccountId),
    /// The plan is not in the book.
    #[error("there is no plan `{0}`")]
    UnknownPlan(PlanId),
    /// The length makes no sense.
    #[error("a plan is given for 1 to 1200 months, 1 to 36500 days, or without an end")]
    InvalidTerm,
    /// The beginning makes no sense.
    #[error("a plan begins within ten years from now")]
    InvalidStart,
    /// The note cannot be shown in a line.
    #[error("a note is at most 500 characters without control characters")]
    InvalidNote,
    /// It would begin after something that has no end.
    #[error("the account has a plan without an end; end that first, or let this one begin at once")]
    AfterEndless,
    /// It would be over before it is given.
    #[error("the plan would be over already")]
    AlreadyOver,
    /// The account has as many as it may have.
    #[error("an account has at most 32 plans that are not over")]
    TooMany,
    /// Others give plans to the same account again and again.
    #[error("the account's plans are being changed; try again")]
    Contended,
    /// The store of accounts failed.
    #[error("accounts are not available")]
    Accounts(#[from] AccountStoreError),
    /// The store of subscriptions failed.
    #[error("plans are not available")]
    Store(#[from] SubscriptionStoreError),
}

impl Plans {
    /// Plans by the book in force, kept in `store`.
    pub fn new(
        store: Arc<dyn SubscriptionStore>,
        accounts: Arc<dyn AccountStore>,
        books: Arc<InForce<PlanBook>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { store, accounts, books, clock }
    }

    /// The book in force.
    pub fn book(&self) -> Arc<PlanBook> {
        self.books.current()
    }

    /// Gives an account a plan.
    pub async fn grant(&self, grant: &PlanGrant) -> Result<Subscription, PlanError> {
        let book = self.books.current();
        let plan = book.plan(&grant.plan).ok_or_else(|| PlanError::UnknownPlan(grant.plan.clone()))?;
        if !grant.term.is_sensible() {
            return Err(PlanError::InvalidTerm);
        }
        let note = checked_note(&grant.note)?;
        if self.accounts.account_find(grant.account).await?.is_none() {
            return Err(PlanError::UnknownAccount(grant.account));
        }

        // What is planned here depends on what the account has. Whoever was first has taken the number, and then
        // everything is looked at again.
        for _ in 0..TRIES_MAX {
            let number = self.store.subscription_count(grant.account).await?.saturating_add(1);
            let now = self.clock.now();
            let holdings = self.store.subscription_held(grant.account, now, Holdings::LIVE_MAX).await?;
            if holdings.live.len() >= Holdings::LIVE_MAX as usize {
                return Err(PlanError::TooMany);
            }
            let starts = match grant.start {
                GrantStart::InTurn => in_turn(&book, plan, &holdings, now)?,
                GrantStart::Now => now,
                GrantStart::At(starts) => near(starts, now)?,
            };
            let ends = grant.term.ends(starts, book.quota().time_zone);
            if ends.is_some_and(|ends| ends <= now) {
                return Err(PlanError::AlreadyOver);
            }
            let subscription = Subscription {
                id: SubscriptionId::generate(),
                account: grant.account,
                number,
                plan: grant.plan.clone(),
                starts,
                ends,
                ended_early: None,
                granted_by: grant.granted_by,
                note: note.clone(),
                created: now,
            };
            if self.store.subscription_insert(&subscription).await? {
                return Ok(subscription);
            }
        }
        Err(PlanError::Contended)
    }

    /// Ends a subscription now, also one that has not begun. Says whether that changed anything.
    pub async fn end(&self, id: SubscriptionId) -> Result<bool, PlanError> {
        Ok(self.store.subscription_end(id, self.clock.now()).await?)
    }

    /// The subscription called `id`.
    pub async fn find(&self, id: SubscriptionId) -> Result<Option<Subscription>, PlanError> {
        Ok(self.store.subscription_find(id).await?)
    }

    /// A page of subscriptions, oldest first; the id of its last is the cursor of the next. Never more than 1000.
    pub async fn list(
        &self,
        account: Option<AccountId>,
        cursor: Option<SubscriptionId>,
        limit: u32,
    ) -> Result<Vec<Subscription>, PlanError> {
        Ok(self.store.subscription_list(account, cursor, limit.min(PAGE_MAX)).await?)
    }

    /// What an account has now.
    pub async fn held(&self, account: AccountId) -> Result<Holdings, PlanError> {
        Ok(self.store.subscription_held(account, self.clock.now(), Holdings::LIVE_MAX).await?)
    }
}

/// When `plan` begins for an account with these `holdings`.
fn in_turn(
    book: &PlanBook,
    plan: &Plan,
    holdings: &Holdings,
    now: Timestamp,
) -> Result<Timestamp, PlanError> {
    let rank = |subscription: &Subscription| book.plan(&subscription.plan).map_or(0, |plan| plan.rank);
    let is_upgrade = holdings.live.iter().all(|held| rank(held) < plan.rank);
    if is_upgrade {
        return Ok(now);
    }
    let mut ends = holdings.live.iter().map(|held| held.over_at().ok_or(PlanError::AfterEndless));
    ends.try_fold(now, |latest, end| Ok(latest.max(end?)))
}

fn near(starts: Timestamp, now: Timestamp) -> Result<Timestamp, PlanError> {
    let is_near = starts.since(now).max(now.since(starts)) <= DISTANCE_MAX;
    if is_near { Ok(starts) } else { Err(PlanError::InvalidStart) }
}

fn checked_note(note: &str) -> Result<String, PlanError> {
    let note = note.trim();
    let is_line = note.chars().take(NOTE_CHARS_MAX + 1).count() <= NOTE_CHARS_MAX
        && !note.chars().any(char::is_control);
    if is_line { Ok(note.to_owned()) } else { Err(PlanError::InvalidNote) }
}
