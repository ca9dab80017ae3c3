//! The Anthropic Messages dialect, against the specification and the requests of real clients.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]
#![expect(clippy::needless_pass_by_value, reason = "values are written where they are used")]

mod answers;
mod blocks;
mod clients;
mod conversation;
mod hostile;
mod options;
mod refusals;
mod requests;
mod stream_grammar;
mod streams;
mod tools;
