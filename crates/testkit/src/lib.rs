//! Scripted engines and hosts, a clock with hands, and one contract suite per port. Development only.

pub mod clock;
pub mod contract;
pub mod fake_hub;
pub mod gate;
mod house;
mod http1;
pub mod memory;
mod office;
pub mod openid_partner;
mod partner;
pub mod plain_documents;
pub mod postgres;
pub mod redis;
pub mod scripted_engine;
pub mod scripted_host;
pub mod smtp_server;
mod test_app;

pub use house::House;
pub use office::{Letters, PASSWORD};
pub use test_app::{TestApp, TestSettings};
