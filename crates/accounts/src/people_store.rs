//! Where people, and everything around them, are kept for good: one port in five parts, so that each can be read on a
//! screen.
//!
//! Rows go in as given. Lists start after a cursor and are never longer than their limit. Whatever takes an
//! [`AuditEvent`](crate::AuditEvent) writes it together with what it does, and not if it does nothing.

mod audit;
mod organisation;
mod person;
mod rights;
mod session;

pub use audit::AuditStore;
pub use organisation::{MembershipChange, OrganisationStore, SoleOwner};
pub use person::{AddressChange, Arrival, Arrived, PersonStore, Place};
pub use rights::{Erasure, Kept, RightsStore};
pub use session::{FactorStore, SessionStore};

/// All that is kept about people.
pub trait PeopleStore:
    PersonStore + SessionStore + FactorStore + OrganisationStore + AuditStore + RightsStore
{
}

impl<S> PeopleStore for S where
    S: PersonStore + SessionStore + FactorStore + OrganisationStore + AuditStore + RightsStore
{
}

/// The store of people did not do its work.
#[derive(Debug, thiserror::Error)]
#[error("the people store did not answer")]
pub struct PeopleStoreError(#[from] pub Box<dyn std::error::Error + Send + Sync>);
