use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use accounts::SeenClient;
use async_trait::async_trait;
use ledger::Settlement;
use serde::{Deserialize, Serialize};
use vocab::{AccountId, KeyId, ModelName, RequestId, Timestamp, Tokens, Usage};

/// What one admitted request used and how it ended. Written once, never edited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UsageRecord {
    /// The request; writing a record of the same id again changes nothing.
    pub request: RequestId,
    /// Who is charged.
    pub account: AccountId,
    /// The key that was used.
    pub key: KeyId,
    /// The door it came through.
    pub door: Door,
    /// The public model that was asked for.
    pub model: ModelName,
    /// The engine that answered; empty if none was reached.
    pub engine: String,
    /// Tokens, by class.
    pub usage: Usage,
    /// When the request was admitted.
    pub started: Timestamp,
    /// From admission to the first piece of output.
    pub first_token: Option<Duration>,
    /// From admission to the end.
    pub duration: Duration,
    /// How it ended.
    pub ending: Ending,
    /// The program it seems to come from. Of what it was recognised by, only the result is kept.
    #[serde(default)]
    pub client: SeenClient,
    /// What is taken of the account for it; none if it was free. Written with the record, or neither is. Records that are
    /// read back have none: what it came to is the ledger's to say.
    #[serde(default)]
    pub settlement: Option<Settlement>,
}

impl UsageRecord {
    /// Where it stands in a list.
    pub fn place(&self) -> UsagePlace {
        UsagePlace { started: self.started, request: self.request.clone() }
    }
}

/// The place of a record in lists, which begin with the newest. Written `1770631146000~20260101…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UsagePlace {
    /// When the request was admitted.
    pub started: Timestamp,
    /// The request.
    pub request: RequestId,
}

/// A text that names no place in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no place in a list")]
pub struct InvalidPlace;

impl fmt::Display for UsagePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}~{}", self.started.as_millis(), self.request)
    }
}

impl FromStr for UsagePlace {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        let (started, request) = text.split_once('~').ok_or(InvalidPlace)?;
        let started = started.parse().map(Timestamp::from_millis).map_err(|_| InvalidPlace)?;
        Ok(Self { started, request: RequestId::parse(request).ok_or(InvalidPlace)? })
    }
}

/// The path a request came by; it decides who pays (rule ENDP-05).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// `/api/paas/v4`: pays from the balance.
    General,
    /// `/api/coding/paas/v4`: pays from plan quota.
    Coding,
    /// `/api/anthropic`: pays from plan quota.
    Anthropic,
}

/// Every way an admitted request can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The model was done, met a stop text or waits for tool results.
    Finished,
    /// Cut by `max_tokens` or the context window.
    Cut,
    /// The caller left before the first piece of output.
    CallerLeftEarly,
    /// The caller left while output was being sent.
    CallerLeft,
    /// No engine answered.
    EngineRefused,
    /// The engine failed while output was being sent.
    EngineFailed,
    /// The engine finished without a single output token.
    Empty,
    /// A content filter stepped in.
    Filtered,
}

impl Door {
    /// Every door.
    pub const ALL: [Self; 3] = [Self::General, Self::Coding, Self::Anthropic];

    /// The name used in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::Coding => "coding",
            Self::Anthropic => "anthropic",
        }
    }
}

impl Ending {
    /// Every ending.
    pub const ALL: [Self; 8] = [
        Self::Finished,
        Self::Cut,
        Self::CallerLeftEarly,
        Self::CallerLeft,
        Self::EngineRefused,
        Self::EngineFailed,
        Self::Empty,
        Self::Filtered,
    ];

    /// The name used in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Cut => "cut",
            Self::CallerLeftEarly => "caller_left_early",
            Self::CallerLeft => "caller_left",
            Self::EngineRefused => "engine_refused",
            Self::EngineFailed => "engine_failed",
            Self::Empty => "empty",
            Self::Filtered => "filtered",
        }
    }
}

/// Which records to add up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageQuery {
    /// Only this request.
    pub request: Option<RequestId>,
    /// Only this account's.
    pub account: Option<AccountId>,
    /// Only this key's.
    pub key: Option<KeyId>,
    /// Only requests that started at this moment or later.
    pub since: Option<Timestamp>,
    /// Only requests that started before this moment.
    pub until: Option<Timestamp>,
    /// Only records further down a list than this one: the last of a page is the cursor of the next.
    pub after: Option<UsagePlace>,
}

/// The sum of the records of one account, key and model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UsageTotal {
    /// Who is charged.
    pub account: AccountId,
    /// The key that was used.
    pub key: KeyId,
    /// The public model that was asked for.
    pub model: ModelName,
    /// How many requests.
    pub requests: u64,
    /// Tokens, by class.
    pub usage: Usage,
}

/// How much one model was used in one hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HourTotal {
    /// When the hour began.
    pub starts: Timestamp,
    /// The public model, or the tool.
    pub model: ModelName,
    /// How many requests.
    pub requests: u64,
    /// All their tokens.
    pub tokens: Tokens,
}

/// Where usage records are kept for good, and the settlements that belong to them.
#[async_trait]
pub trait UsageLog: Send + Sync + 'static {
    /// Writes all of `records` durably with what they take of their accounts, or none. Records whose request is already
    /// written are left alone, and nothing is taken for them again.
    async fn usage_append(&self, records: &[UsageRecord]) -> Result<(), UsageLogError>;

    /// The newest records, at most `limit`, of those that `query` names.
    async fn usage_list(&self, query: &UsageQuery, limit: u32) -> Result<Vec<UsageRecord>, UsageLogError>;

    /// Sums by account, key and model, at most `limit` rows, largest first.
    async fn usage_total(&self, query: &UsageQuery, limit: u32) -> Result<Vec<UsageTotal>, UsageLogError>;

    /// Sums by hour and model, at most `limit` rows, oldest first.
    async fn usage_by_hour(&self, query: &UsageQuery, limit: u32) -> Result<Vec<HourTotal>, UsageLogError>;

    /// Deletes records of requests that started before `before`, the oldest first, at most `limit`. Says how many. Daily
    /// sums, settlements and entries stay.
    async fn usage_purge(&self, before: Timestamp, limit: u32) -> Result<u64, UsageLogError>;
}

/// The store behind the log did not do its work.
#[derive(Debug, thiserror::Error)]
#[error("the usage log did not answer")]
pub struct UsageLogError(#[from] pub Box<dyn std::error::Error + Send + Sync>);
