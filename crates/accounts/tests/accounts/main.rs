//! Accounts and keys from the outside.

#![expect(clippy::unwrap_used, reason = "a helper that cannot do its part fails the test")]

mod house;
mod jwt;
mod key_life;
mod keys;
mod use_rules;
