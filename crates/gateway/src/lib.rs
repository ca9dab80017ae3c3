//! One request's life: catalogue, admission, routing, metering.
//!
//! [`Gateway::chat`] is the story: which model, may it run, which engine, and a [`Reply`] that is metered until
//! its last byte. An [`Admission`] is the only key to an engine.

mod admission;
mod catalogue;
mod chat;
#[cfg(test)]
mod fake_engine;
#[cfg(test)]
mod fake_log;
mod meter;
mod model_card;
mod reply;
mod router;
mod structured;
mod tally;
mod usage;

pub use admission::Admission;
pub use catalogue::{Catalogue, CatalogueError, ModelEntry, ModelMapping, RouteTo, UnmappedModel};
pub use chat::{ChatCall, ChatError, Gateway, GatewayLimits, OutOfRange, has_media};
pub use meter::{Meter, MeterSettings};
pub use model_card::{ModelCard, ModelKind, ThinkingSupport};
pub use reply::Reply;
pub use usage::{Door, Ending, UsageLog, UsageLogError, UsageQuery, UsageRecord, UsageTotal};
