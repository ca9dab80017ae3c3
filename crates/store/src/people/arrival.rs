use accounts::{Arrival, Arrived, PasswordHash, Person, Place};

use super::{invitation, member, person, rights, token};
use crate::db::{Executor, sql};
use crate::{Store, StoreError};

/// The unique index on addresses decides between people who arrive at once; leaving early drops the transaction and
/// with it what was written.
pub(super) async fn write(store: &Store, arrival: &Arrival) -> Result<Arrived, StoreError> {
    let mut tx = store.begin().await?;
    if !insert(&mut tx, &arrival.person).await? {
        return Ok(Arrived::AddressTaken);
    }
    match &arrival.place {
        Place::Own(account) => {
            crate::accounts::insert(&mut tx, account).await?;
            member::insert(&mut tx, &member::owner(&arrival.person, account)).await?;
        }
        Place::Invited { invitation, membership } => {
            if !invitation::close(&mut tx, invitation, membership).await? {
                return Ok(Arrived::InvitationGone);
            }
            member::insert(&mut tx, membership).await?;
        }
        Place::Placed(membership) => {
            member::insert(&mut tx, membership).await?;
        }
    }
    if let Some(identity) = &arrival.identity
        && !token::link(&mut tx, identity).await?
    {
        return Ok(Arrived::AddressTaken);
    }
    for consent in &arrival.consents {
        rights::insert_consent(&mut tx, consent).await?;
    }
    person::kept(tx, &arrival.audit).await?;
    Ok(Arrived::Written)
}

async fn insert(on: impl Into<Executor<'_>>, person: &Person) -> Result<bool, StoreError> {
    let inserted = sql("INSERT INTO person
            (id, email, email_folded, email_verified, name, password, locale, birth_date, state, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (email_folded) DO NOTHING")
    .bind(person.id)
    .bind(person.email.as_str())
    .bind(person.email.folded())
    .bind(person.email_verified)
    .bind(&person.name)
    .bind(person.password.as_ref().map(PasswordHash::as_str))
    .bind(person.locale.code())
    .bind(person.birth_date.map(|date| date.to_string()))
    .bind(person.state.name())
    .bind(person.created)
    .execute(on)
    .await?;
    Ok(inserted == 1)
}
