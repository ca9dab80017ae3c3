//! Every byte that arrives: routes, authentication, error mapping.
//!
//! A handler translates: wire shapes into the domain, one call, and the answer back. It decides nothing.

mod anthropic;
mod auth;
mod body;
mod client;
mod connections;
mod console;
mod context;
mod cors;
mod error;
mod health;
mod layers;
mod monitor;
mod paas;
mod path;
mod peer;
mod platform;
mod refusal;
mod serve;
mod sse;
mod stall_guard;
mod whole;

pub use auth::Caller;
pub use console::ConsoleServices;
pub use context::RequestContext;
pub use error::ApiError;
pub use layers::{App, app};
pub use platform::{Platform, ServerSettings};
pub use serve::serve;
