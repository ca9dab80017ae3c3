//! The words every other crate uses: ids, names, counts, money, time and secrets.

mod id;
mod in_force;
mod model_name;
mod money;
mod request_id;
mod secret;
mod time;
mod usage;

pub use id::{
    AccountId, AuditId, CaseId, ConsentId, EntryId, GrantId, HoldId, InvalidId, InvitationId, KeyId, LeaseId,
    NodeId, PersonId, ProjectId, SessionId, SubscriptionId,
};
pub use in_force::InForce;
pub use model_name::{InvalidModelName, ModelName};
pub use money::{InvalidMoney, NanoUsd};
pub use request_id::RequestId;
pub use secret::Secret;
pub use time::{Clock, SystemClock, Timestamp};
pub use usage::{Tokens, Usage};
