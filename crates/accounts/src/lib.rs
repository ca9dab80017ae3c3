//! Who is calling: accounts and API keys.
//!
//! A request brings a [`Credential`]; [`Keys::authenticate`] turns it into a [`Caller`]. Everything
//! that is kept goes through the [`AccountStore`] port.

mod account;
mod account_store;
mod accounts;
mod caller;
mod credential;
mod jwt;
mod key;
mod key_cache;
mod keys;
mod opaque;
mod seal;

pub use account::{Account, InvalidName};
pub use account_store::{AccountStore, AccountStoreError, KnownKey};
pub use accounts::{AccountError, Accounts, Operator};
pub use caller::Caller;
pub use credential::Credential;
pub use key::{ApiKey, InvalidPublicId, PublicId};
pub use keys::{AuthError, KeyError, Keys};
pub use opaque::{InvalidOpaqueKey, OpaqueKey};
pub use seal::{Seal, SealError, SealedSecret};
