//! Everything that is asked of others: every HTTP call that leaves, and the process that reads strangers' documents.
//!
//! [`remote`] runs chat models that live on other hosts, [`hub`] fetches weights, [`mail`] brings letters to people,
//! [`openid`] asks partners who someone is, [`documents`] parses where nothing can be harmed, and [`client`] is the one
//! place where HTTP clients are made.

pub mod client;
pub mod documents;
pub mod hub;
pub mod mail;
pub mod openid;
pub mod remote;
