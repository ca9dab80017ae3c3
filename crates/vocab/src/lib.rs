//! The words every other crate uses: ids, names, counts, time and secrets.

mod id;
mod model_name;
mod request_id;
mod secret;
mod time;
mod usage;

pub use id::{AccountId, InvalidId, KeyId, LeaseId};
pub use model_name::{InvalidModelName, ModelName};
pub use request_id::RequestId;
pub use secret::Secret;
pub use time::{Clock, SystemClock, Timestamp};
pub use usage::{Tokens, Usage};
