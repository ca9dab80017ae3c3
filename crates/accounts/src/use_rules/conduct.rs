use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use vocab::{AccountId, CaseId, Clock, InForce, Timestamp};

use super::review::checked_words;
use super::{
    Case, CaseEvent, CaseQuery, CaseState, Cause, ConductRecord, ConductStore, ConductStoreError, Evidence,
    IllegalCaseEvent, Measure, Restriction, Sighting, UseRules, Verdict, Violation,
};

/// Changes to one account's cases that overtake each other give way this often.
const TRIES_MAX: u32 = 8;

/// Strikes of one account that are looked at. Far fewer ban it.
const STRIKES_MAX: u32 = 300;

/// Longest note of an operator in the evidence of a case.
const NOTE_CHARS_MAX: usize = 2000;

/// What a node remembers of what it has already written, to ask the store less; forgetting costs one question.
const REMEMBERED_MAX: u64 = 65_536;

/// How many old violations are removed in one go.
const FORGET_MAX: u32 = 10_000;

/// Applies the rules of use: notes violations, gives strikes, hears appeals.
pub struct Conduct {
    pub(super) store: Arc<dyn ConductStore>,
    pub(super) clock: Arc<dyn Clock>,
    rules: Arc<InForce<UseRules>>,
    noted: Cache<(AccountId, Arc<str>, i64), ()>,
    struck: Cache<AccountId, Timestamp>,
}

/// Why something about an account's conduct was not done.
#[derive(Debug, thiserror::Error)]
pub enum ConductError {
    /// There is no such case, or it is another account's.
    #[error("there is no case `{0}`")]
    UnknownCase(CaseId),
    /// The case stands where this cannot happen.
    #[error(transparent)]
    Illegal(#[from] IllegalCaseEvent),
    /// Words that are too many, or none where some are needed.
    #[error("a text is 1 to {chars_max} characters")]
    InvalidWords {
        /// How many there may be.
        chars_max: usize,
    },
    /// More requests than a case names.
    #[error("a case names at most {} requests", Evidence::REQUESTS_MAX)]
    TooManyRequests,
    /// The account's list is full.
    #[error("an account blocks at most {max} end users")]
    TooManyEndUsers {
        /// How many it may block.
        max: u32,
    },
    /// The account's cases changed again and again meanwhile.
    #[error("the account's cases are being changed by others")]
    Busy,
    /// Marks belong to bans, and this is none.
    #[error("case `{0}` is no final ban")]
    NoBan(CaseId),
    /// The store did not do its work.
    #[error(transparent)]
    Store(#[from] ConductStoreError),
}

impl Conduct {
    /// Applies `rules`, and keeps what comes of them in `store`. When the rules are replaced, what follows from the
    /// strikes there are changes with the account's next case.
    pub fn new(store: Arc<dyn ConductStore>, rules: Arc<InForce<UseRules>>, clock: Arc<dyn Clock>) -> Self {
        let an_hour = Duration::from_hours(1);
        Self {
            store,
            clock,
            rules,
            noted: Cache::builder().max_capacity(REMEMBERED_MAX).time_to_live(an_hour).build(),
            struck: Cache::builder().max_capacity(REMEMBERED_MAX).build(),
        }
    }

    /// The rules in force.
    pub fn rules(&self) -> Arc<UseRules> {
        self.rules.current()
    }

    /// Hears of a request that [`UseRules::judge`] did not simply allow. Gives the case if it brought a strike; its
    /// account is told by [`StrikeLetters`](super::StrikeLetters).
    ///
    /// Off the hot path: nothing waits for this. An account's requests with one client write one violation an hour, and
    /// bring one strike in [`UseRules::strike_interval`], however many they are.
    pub async fn witness(&self, sighting: &Sighting) -> Result<Option<Case>, ConductError> {
        let rules = self.rules();
        let verdict = rules.judge(sighting.client.name.as_deref(), sighting.client.is_plain_sdk);
        if verdict == Verdict::Allowed {
            return Ok(None);
        }
        self.note(sighting).await?;
        if verdict == Verdict::Noted {
            return Ok(None);
        }
        let evidence = Evidence {
            client: Some(sighting.client.clone()),
            door: Some(sighting.door.clone()),
            requests: vec![sighting.request.clone()],
            note: String::new(),
        };
        self.strike_once(sighting.account, Cause::UnsupportedClient, evidence).await
    }

    /// Opens a case about `account`, for a person to look into (USE-03, USE-04). Nothing follows from it yet.
    pub async fn open(
        &self,
        account: AccountId,
        cause: Cause,
        mut evidence: Evidence,
    ) -> Result<Case, ConductError> {
        evidence.note = checked_words(&evidence.note, NOTE_CHARS_MAX)?;
        if evidence.requests.len() > Evidence::REQUESTS_MAX {
            return Err(ConductError::TooManyRequests);
        }
        for _ in 0..TRIES_MAX {
            let record = self.record(account).await?;
            let case = self.case(account, cause, evidence.clone());
            let next = ConductRecord { version: record.version + 1, ..record };
            if self.store.conduct_write(&next, &case).await? {
                return Ok(case);
            }
        }
        Err(ConductError::Busy)
    }

    /// How an account stands.
    pub async fn record(&self, account: AccountId) -> Result<ConductRecord, ConductError> {
        Ok(self.store.conduct_find(account).await?.unwrap_or_else(|| ConductRecord::clean(account)))
    }

    /// Removes some of the violations that have been kept long enough, and says how many.
    pub async fn forget_old(&self) -> Result<u64, ConductError> {
        let kept_ms = i64::from(self.rules().violations_kept_days) * 24 * 3_600_000;
        let before = Timestamp::from_millis(self.clock.now().as_millis().saturating_sub(kept_ms));
        Ok(self.store.violation_forget(before, FORGET_MAX).await?)
    }

    /// Lets `event` happen to the case, with what `edit` writes into it, and to its account what follows.
    pub(super) async fn change(
        &self,
        id: CaseId,
        event: CaseEvent,
        edit: impl Fn(&mut Case),
    ) -> Result<Case, ConductError> {
        let find = async || self.store.case_find(id).await?.ok_or(ConductError::UnknownCase(id));
        let account = find().await?.account;
        for _ in 0..TRIES_MAX {
            // In this order: a case that changes after the record was read changes the record's version too.
            let record = self.record(account).await?;
            let mut case = find().await?;
            let mut others = self.standing(account).await?;
            others.retain(|other| other.id != id);
            self.advance(&mut case, event, others.len())?;
            edit(&mut case);
            if self.store.conduct_write(&self.next(&record, &others, &case), &case).await? {
                return Ok(case);
            }
        }
        Err(ConductError::Busy)
    }

    async fn note(&self, sighting: &Sighting) -> Result<(), ConductError> {
        let now = self.clock.now();
        let remembered = (sighting.account, Arc::from(sighting.client.label()), Violation::hour_of(now));
        if self.noted.contains_key(&remembered) {
            return Ok(());
        }
        self.store.violation_insert(&Violation::of(sighting, now)).await?;
        self.noted.insert(remembered, ());
        Ok(())
    }

    /// Strikes an account, unless it was struck a short while ago or is banned.
    async fn strike_once(
        &self,
        account: AccountId,
        cause: Cause,
        evidence: Evidence,
    ) -> Result<Option<Case>, ConductError> {
        let interval = self.rules().strike_interval();
        let now = self.clock.now();
        let is_recent = |at: Timestamp| now.since(at) < interval;
        if self.struck.get(&account).is_some_and(is_recent) {
            return Ok(None);
        }
        for _ in 0..TRIES_MAX {
            let record = self.record(account).await?;
            let is_banned = matches!(record.restriction, Some(Restriction::Banned { .. }));
            if is_banned || record.last_strike.is_some_and(is_recent) {
                self.struck.insert(account, record.last_strike.unwrap_or(now));
                return Ok(None);
            }
            let others = self.standing(account).await?;
            let mut case = self.case(account, cause, evidence.clone());
            self.advance(&mut case, CaseEvent::Strike, others.len())?;
            if self.store.conduct_write(&self.next(&record, &others, &case), &case).await? {
                self.struck.insert(account, now);
                return Ok(Some(case));
            }
        }
        Err(ConductError::Busy)
    }

    /// Moves a case on. A strike is a proposal if it would ban and bans are for people (DATA-07).
    fn advance(&self, case: &mut Case, event: CaseEvent, others: usize) -> Result<(), ConductError> {
        if event != CaseEvent::Strike {
            case.state = case.state.after(event)?;
            return Ok(());
        }
        let rules = self.rules();
        let measure = rules.measure(others + 1);
        let is_proposal = measure == Measure::Ban && rules.ban_needs_review;
        case.state = case.state.after(if is_proposal { CaseEvent::ProposeBan } else { CaseEvent::Strike })?;
        case.measure = Some(measure);
        case.struck = Some(self.clock.now());
        Ok(())
    }

    /// How an account stands with `case` as it now is, beside `others`.
    fn next(&self, record: &ConductRecord, others: &[Case], case: &Case) -> ConductRecord {
        let standing = others.iter().chain([case]).filter(|case| case.state.counts());
        let strikes = u32::try_from(standing.clone().count()).unwrap_or(u32::MAX);
        ConductRecord {
            account: record.account,
            version: record.version + 1,
            strikes,
            last_strike: record.last_strike.max(case.struck),
            restriction: Restriction::of(standing, &self.rules()),
        }
    }

    async fn standing(&self, account: AccountId) -> Result<Vec<Case>, ConductError> {
        let states = CaseState::STANDING.to_vec();
        let query = CaseQuery { account: Some(account), states, cursor: None };
        Ok(self.store.case_list(&query, STRIKES_MAX).await?)
    }

    fn case(&self, account: AccountId, cause: Cause, evidence: Evidence) -> Case {
        Case {
            id: CaseId::generate(),
            account,
            cause,
            state: CaseState::Open,
            measure: None,
            evidence,
            opened: self.clock.now(),
            struck: None,
            appeal: None,
            decision: None,
        }
    }
}
