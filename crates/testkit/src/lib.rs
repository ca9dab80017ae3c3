//! Scripted engines and hosts, a clock with hands, and one contract suite per port. Development only.

pub mod clock;
pub mod contract;
pub mod fake_hub;
mod http1;
pub mod memory;
pub mod scripted_engine;
pub mod scripted_host;
mod test_app;

pub use test_app::{TestApp, TestSettings};
