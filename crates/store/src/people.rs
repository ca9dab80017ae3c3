//! People and everything around them: a file for each part of their port.

mod arrival;
mod audit;
mod invitation;
mod member;
mod organisation;
mod person;
mod purge;
mod rights;
mod session;
mod token;

use accounts::PeopleStoreError;

use crate::StoreError;

impl From<StoreError> for PeopleStoreError {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}
