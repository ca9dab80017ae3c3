use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use vocab::{HoldId, InvalidId, NodeId, SubscriptionId, Timestamp};

use crate::LedgerStoreError;

/// An amount of quota: thousandths of a prompt (rule QUOTA-02), or calls of MCP tools.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Units(pub i64);

impl Units {
    /// None.
    pub const ZERO: Self = Self(0);

    /// The sum; as much as there can be if it does not fit.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What is left after taking `other` away; never below zero.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0).max(0))
    }
}

/// What is counted together: one kind of quota of one subscription. Shown `sub_…/prompts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Pool {
    /// Of which plan.
    pub subscription: SubscriptionId,
    /// Which kind.
    pub kind: PoolKind,
}

/// A kind of quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PoolKind {
    /// Prompts, by five hours and by week (rule QUOTA-01).
    Prompts,
    /// Calls of MCP tools, by month (rule MCPQ-01).
    McpCalls,
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            PoolKind::Prompts => "prompts",
            PoolKind::McpCalls => "mcp",
        };
        write!(f, "{}/{kind}", self.subscription)
    }
}

/// A text that does not name a pool.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPool {
    /// It does not begin with a subscription.
    #[error(transparent)]
    Subscription(#[from] InvalidId),
    /// It does not end in a kind.
    #[error("`{0}` does not end in `/prompts` or `/mcp`")]
    Kind(String),
}

impl FromStr for Pool {
    type Err = InvalidPool;

    fn from_str(text: &str) -> Result<Self, InvalidPool> {
        let invalid = || InvalidPool::Kind(text.to_owned());
        let (subscription, kind) = text.split_once('/').ok_or_else(invalid)?;
        let kind = match kind {
            "prompts" => PoolKind::Prompts,
            "mcp" => PoolKind::McpCalls,
            _ => return Err(invalid()),
        };
        Ok(Self { subscription: subscription.parse()?, kind })
    }
}

impl TryFrom<String> for Pool {
    type Error = InvalidPool;

    fn try_from(text: String) -> Result<Self, InvalidPool> {
        text.parse()
    }
}

impl From<Pool> for String {
    fn from(pool: Pool) -> String {
        pool.to_string()
    }
}

/// How much a pool may give within one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowLimit {
    /// Which window.
    pub name: WindowName,
    /// When it is.
    pub span: WindowSpan,
    /// How much.
    pub limit: Units,
}

/// The windows there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowName {
    /// Five hours (rule QUOTA-03).
    FiveHours,
    /// A week of the subscription (rule QUOTA-04).
    Week,
    /// A month of the subscription (rule MCPQ-03).
    Month,
}

impl WindowName {
    /// Every window.
    pub const ALL: [Self; 3] = [Self::FiveHours, Self::Week, Self::Month];

    /// Its name, as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FiveHours => "five_hours",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

/// When a window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowSpan {
    /// The time just past, this long: each use comes back this long after it happened, to the second and never early.
    Rolling(Duration),
    /// From one moment, included, to another, excluded; then everything comes back at once.
    Anchored {
        /// Its beginning, which names it.
        starts: Timestamp,
        /// Its end.
        ends: Timestamp,
    },
}

/// Asks for a slice of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SliceRequest {
    /// Makes asking again harmless.
    pub id: HoldId,
    /// Of what.
    pub pool: Pool,
    /// Who spends it.
    pub node: NodeId,
    /// Every window it must fit in; use, open slices and this one together stay within each.
    pub limits: Vec<WindowLimit>,
    /// As much as this is given if it fits, and what fits if that is at least `least`.
    pub want: Units,
    /// With less than this nothing is given. Above zero.
    pub least: Units,
    /// Now.
    pub at: Timestamp,
    /// From when on a sweep may take back what was not used.
    pub until: Timestamp,
}

/// What became of a [`SliceRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SliceOutcome {
    /// This much may be used. Asking again with the same id answers the same.
    Opened(Units),
    /// Less than `least` fits; nothing was given.
    Exhausted {
        /// The window that ends later, of those that are full (rule QUOTA-05).
        window: WindowName,
        /// When `least` will fit again, as far as can be told; what is still set aside is taken for used now.
        resets: Timestamp,
    },
}

/// How full a window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowState {
    /// The window.
    pub limit: WindowLimit,
    /// What was used in it. Slices that are only set aside do not show.
    pub used: Units,
    /// When the next of it comes back; the end of an anchored window. None if nothing of a rolling window is used.
    pub resets: Option<Timestamp>,
}

/// Where use of plan quota is kept for good. Uses are written by [`LedgerStore::settle`](crate::LedgerStore::settle).
#[async_trait]
pub trait QuotaStore: Send + Sync + 'static {
    /// Gives a slice of a pool.
    async fn slice_open(&self, request: &SliceRequest) -> Result<SliceOutcome, LedgerStoreError>;

    /// Moves the end of those of `slices` that are still open, and never to an earlier time.
    async fn slice_renew(&self, slices: &[HoldId], until: Timestamp) -> Result<(), LedgerStoreError>;

    /// Takes back what a slice has left. Says how much that was; nothing the second time.
    async fn slice_release(&self, slice: HoldId) -> Result<Units, LedgerStoreError>;

    /// Ends slices whose time is over at `at`, and forgets what no rolling window reaches any more: uses, and slices that
    /// have ended, older than `forget_before`. At most `limit` of each. Says how many slices it ended. Anchored windows
    /// are few, and stay.
    async fn slices_expire(
        &self,
        at: Timestamp,
        forget_before: Timestamp,
        limit: u32,
    ) -> Result<u64, LedgerStoreError>;

    /// How full these windows of the pool are at `at`.
    async fn quota_used(
        &self,
        pool: Pool,
        limits: &[WindowLimit],
        at: Timestamp,
    ) -> Result<Vec<WindowState>, LedgerStoreError>;

    /// Takes back all use that was counted in these windows so far, as when the operator resets a user's quota. What a
    /// rolling window counts is taken back for every rolling window.
    async fn quota_reset(&self, pool: Pool, limits: &[WindowLimit]) -> Result<(), LedgerStoreError>;
}
