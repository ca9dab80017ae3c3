//! The Z.ai / OpenAI dialect, against the specification and the requests of real clients.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

mod clients;
mod examples;
mod refusals;
mod spec;
mod stream_grammar;
