//! What people do in the console and programs at its interface, from the socket in.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod admin;
mod idempotency;
mod keys;
mod login;
mod members;
mod money;
mod open_id;
mod plan;
mod rights;
mod routes;
mod sign_up;
mod strangers;
mod user;

pub(crate) use user::{Answer, User};
