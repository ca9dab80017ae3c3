//! One request's life: catalogue, admission, routing, metering.
//!
//! [`Gateway::chat`] is the story: which model, may it run, which engine, and a [`Reply`] that is metered until
//! its last byte. An [`Admission`] is the only key to an engine.

mod admission;
mod admissions;
mod billing;
mod catalogue;
mod chat;
#[cfg(test)]
mod fake_engine;
#[cfg(test)]
mod fake_journal;
#[cfg(test)]
mod fake_log;
mod fit;
mod journal;
mod key_spending;
mod leases;
mod meter;
mod model_card;
mod model_names;
mod payment;
mod permits;
mod personal_data;
mod plan_meter;
mod rate_rules;
mod recognise;
mod refusal;
mod reply;
mod rollup;
mod router;
mod statements;
mod structured;
mod tally;
mod usage;
mod usage_retention;

pub use admission::Admission;
pub use admissions::Admissions;
pub use billing::{Bill, End, Share, WorkOutcome};
pub use catalogue::{Catalogue, CatalogueError, ModelEntry, ModelMapping, RouteTo, UnmappedModel};
pub use chat::{ChatCall, ChatError, Gateway, GatewayLimits, OutOfRange, has_media};
pub use fit::UNSEEN_PICTURE;
pub use journal::{Journal, JournalError, JournalSerial, Journalled, ReplayError, replay};
pub use key_spending::KeySpending;
pub use leases::{
    Leases, LeasesSettings, MoneyRefused, MoneyReservation, QuotaRefused, QuotaReservation, Unwritten,
};
pub use meter::{Meter, MeterSettings};
pub use model_card::{ModelCard, ModelKind, ThinkingSupport};
pub use model_names::{ClaudeModels, claude_alias};
pub use permits::{
    CONCURRENCY_RETRY_AFTER, Denied, GiveBack, Limit, Limits, MemoryPermits, MemoryPermitsSettings, Permit,
    PermitRequest, Permits, QueueSettings, Queued, Scope,
};
pub use personal_data::{MoneyData, UsageData};
pub use plan_meter::{MeteredPlan, PlanMeter};
pub use rate_rules::{InvalidRates, Overflow, RateRules};
pub use recognise::{
    Category, Confidence, Finding, InvalidPatterns, Mark, Recogniser, Signal, SignalSet, Signals, ToolName,
    ToolPattern, ToolPatterns,
};
pub use refusal::Refusal;
pub use reply::Reply;
pub use rollup::{DailyPlace, DailyQuery, DailyUsage, Day, UsageRollup, UsageSum};
pub use statements::{StatementSettings, Statements};
pub use usage::{
    Door, Ending, HourTotal, InvalidPlace, UsageLog, UsageLogError, UsagePlace, UsageQuery, UsageRecord,
    UsageTotal,
};
pub use usage_retention::UsageRetention;
