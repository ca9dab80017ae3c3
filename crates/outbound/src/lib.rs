//! Every HTTP call that leaves.
//!
//! [`remote`] runs chat models that live on other hosts, [`hub`] fetches weights, [`mail`] brings letters to people,
//! [`openid`] asks partners who someone is, and [`client`] is the one place where HTTP clients are made.

pub mod client;
pub mod hub;
pub mod mail;
pub mod openid;
pub mod remote;
