//! The books of an installation, read beside it: what its operator was charged, and whether everything is right.

use std::ops::Add;

use accounts::{AccountStore, PlanBook, Subscription, SubscriptionStore, Turn};
use anyhow::{Context, ensure};
use gateway::{UsageLog, UsageQuery};
use ledger::{Extras, Funds, LedgerStore, Pool, PoolKind, PriceBook, QuotaStore, Units, WindowName};
use store::Store;
use vocab::{AccountId, Clock, NanoUsd, RequestId, SystemClock, Tokens, Usage};

use crate::script::Script;

/// Answers, by who pays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    pub balance: u64,
    pub plan: u64,
}

impl Counted {
    pub fn all(self) -> u64 {
        self.balance + self.plan
    }
}

impl Add for Counted {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { balance: self.balance + other.balance, plan: self.plan + other.plan }
    }
}

/// The operator's pages of them.
pub struct Books {
    store: Store,
    operator: AccountId,
    subscription: Subscription,
}

/// Every request asks for this model, and is answered by the usual script with these figures.
const MODEL: &str = "glm-4.7";
const PROMPT_TOKENS: Tokens = Tokens(20);

impl Books {
    pub async fn of(store: Store) -> anyhow::Result<Self> {
        let operator = store.operator_find().await?.context("there is no operator")?.id;
        let plans = store.subscription_list(Some(operator), None, 1).await?;
        let subscription = plans.into_iter().next().context("the operator has no plan")?;
        Ok(Self { store, operator, subscription })
    }

    /// Checks everything that must hold, and says what there was to check.
    pub async fn verify(&self) -> anyhow::Result<String> {
        let verified = self.store.verify().await?;
        ensure!(verified.is_clean(), "the books are wrong: {verified:#?}");
        let counted: Vec<String> =
            verified.counted.iter().map(|(what, count)| format!("{count} {what}")).collect();
        Ok(counted.join(", "))
    }

    /// The newest requests on record.
    pub async fn newest(&self, limit: u32) -> anyhow::Result<Vec<RequestId>> {
        let records = self.store.usage_list(&UsageQuery::default(), limit).await?;
        Ok(records.into_iter().map(|record| record.request).collect())
    }

    pub async fn has(&self, request: &RequestId) -> anyhow::Result<bool> {
        let query = UsageQuery { request: Some(request.clone()), ..UsageQuery::default() };
        Ok(!self.store.usage_list(&query, 1).await?.is_empty())
    }

    /// How many requests are on record.
    pub async fn records(&self) -> anyhow::Result<u64> {
        let totals = self.store.usage_total(&UsageQuery::default(), 1000).await?;
        Ok(totals.iter().map(|total| total.requests).sum())
    }

    /// How many answers the operator was charged for: what is missing of the money and of the quota, by the piece.
    pub async fn charged(&self) -> anyhow::Result<Counted> {
        let Funds { cash, credits, held, .. } = self.store.funds(self.operator, SystemClock.now()).await?;
        let spent = NanoUsd::ZERO.saturating_sub([cash, credits, held].into_iter().sum());
        let used = self.quota_used().await?;
        Ok(Counted { balance: pieces(spent.0, cost()?.0)?, plan: pieces(used.0, units()?.0)? })
    }

    async fn quota_used(&self) -> anyhow::Result<Units> {
        let (book, now) = (PlanBook::documented(), SystemClock.now());
        let pool = Pool { subscription: self.subscription.id, kind: PoolKind::Prompts };
        let plan = book.plan(&self.subscription.plan).context("the plan is not documented")?;
        let limits = book.windows(plan, &self.subscription, pool.kind, now);
        let windows = self.store.quota_used(pool, &limits, now).await?;
        let week = windows.iter().find(|window| window.limit.name == WindowName::Week);
        Ok(week.context("the plan has no week")?.used)
    }
}

fn cost() -> anyhow::Result<NanoUsd> {
    let usage = Usage {
        fresh_prompt: PROMPT_TOKENS,
        answer: Tokens(Script::default().events as u64),
        ..Usage::default()
    };
    Ok(PriceBook::documented().charge(&MODEL.parse()?, &usage, &Extras::default())?.total)
}

fn units() -> anyhow::Result<Units> {
    Ok(PlanBook::documented().units_for(&MODEL.parse()?, SystemClock.now(), Turn::Begins))
}

fn pieces(of: i64, each: i64) -> anyhow::Result<u64> {
    ensure!(each > 0 && of % each == 0, "{of} is not a number of times {each}");
    Ok(u64::try_from(of / each)?)
}
