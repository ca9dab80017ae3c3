//! The hard promises, kept by the built program: several nodes mean the same as one, and what goes away (the database,
//! Redis, a node) takes nobody's money with it.
//!
//! The tests that need PostgreSQL and Redis say so and pass where no servers are named; `scripts/services.sh` starts them.

mod client;
mod crash;
mod journal;
mod node;
mod postgres_cut;
mod redis_cut;
mod secrets;
mod site;
mod together;
mod traffic;
