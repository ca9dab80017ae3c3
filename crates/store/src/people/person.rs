use accounts::{
    AddressChange, Arrival, Arrived, AuditEvent, EmailAddress, Identity, Locale, OneTimeToken, PasswordHash,
    PeopleStoreError, Person, PersonState, PersonStore, Profile, ProviderName, TokenHash, TokenPurpose,
};
use async_trait::async_trait;
use vocab::{PersonId, SessionId, Timestamp};

use super::{arrival, audit, session, token};
use crate::db::{Row, Tx, sql};
use crate::{Store, StoreError};

/// What [`read`] wants to see.
pub(super) const COLUMNS: &str =
    "person.id, person.email, person.email_verified, person.name, person.password,
    person.locale, person.birth_date, person.state, person.created";

#[async_trait]
impl PersonStore for Store {
    async fn person_insert(&self, arrival: &Arrival) -> Result<Arrived, PeopleStoreError> {
        Ok(arrival::write(self, arrival).await?)
    }

    async fn person_find(&self, id: PersonId) -> Result<Option<Person>, PeopleStoreError> {
        let mut select = sql("SELECT ");
        select.push(COLUMNS).push(" FROM person WHERE id = ").push_bind(id);
        let row = select.fetch_optional(self.reader()).await?;
        Ok(row.as_ref().map(read).transpose()?)
    }

    async fn person_find_by_email(&self, email: &EmailAddress) -> Result<Option<Person>, PeopleStoreError> {
        let mut select = sql("SELECT ");
        select.push(COLUMNS).push(" FROM person WHERE email_folded = ").push_bind(email.folded());
        let row = select.fetch_optional(self.reader()).await?;
        Ok(row.as_ref().map(read).transpose()?)
    }

    async fn person_list(
        &self,
        cursor: Option<PersonId>,
        limit: u32,
    ) -> Result<Vec<Person>, PeopleStoreError> {
        // Every id sorts after the empty text.
        let after = cursor.map(|id| id.to_string()).unwrap_or_default();
        let mut select = sql("SELECT ");
        select.push(COLUMNS).push(" FROM person WHERE id > ").push_bind(after);
        select.push(" ORDER BY id LIMIT ").push_bind(limit);
        let rows = select.fetch_all(self.reader()).await?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    async fn person_set_profile(
        &self,
        id: PersonId,
        profile: &Profile,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let update = sql("UPDATE person SET name = $1, locale = $2, birth_date = $3
             WHERE id = $4 AND state <> 'erased'")
        .bind(&profile.name)
        .bind(profile.locale.code())
        .bind(profile.birth_date.map(|date| date.to_string()))
        .bind(id);
        let mut tx = self.begin().await?;
        if update.execute(&mut tx).await? == 0 {
            return Ok(false);
        }
        Ok(kept(tx, audit).await?)
    }

    async fn person_renew(&self, person: &Person) -> Result<bool, PeopleStoreError> {
        let update =
            sql("UPDATE person SET email = $1, name = $2, password = $3, locale = $4, birth_date = $5
             WHERE id = $6 AND email_verified IS NULL AND state = 'active'
               AND NOT EXISTS (SELECT 1 FROM identity WHERE identity.person = person.id)")
            .bind(person.email.as_str())
            .bind(&person.name)
            .bind(person.password.as_ref().map(PasswordHash::as_str))
            .bind(person.locale.code())
            .bind(person.birth_date.map(|date| date.to_string()))
            .bind(person.id);
        let mut tx = self.begin().await?;
        if update.execute(&mut tx).await? == 0 {
            return Ok(false);
        }
        token::void(&mut tx, person.id, &TokenPurpose::ALL).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn person_set_password(
        &self,
        id: PersonId,
        old: Option<&PasswordHash>,
        new: Option<&PasswordHash>,
        keep: Option<SessionId>,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let update = sql("UPDATE person SET password = $1
             WHERE id = $2 AND state <> 'erased' AND password IS NOT DISTINCT FROM $3")
        .bind(new.map(PasswordHash::as_str))
        .bind(id)
        .bind(old.map(PasswordHash::as_str));
        let mut tx = self.begin().await?;
        if update.execute(&mut tx).await? == 0 {
            return Ok(false);
        }
        session::end_all(&mut tx, id, keep, audit.at).await?;
        token::void(&mut tx, id, &[TokenPurpose::ResetPassword]).await?;
        Ok(kept(tx, audit).await?)
    }

    async fn person_reset_password(
        &self,
        token: &TokenHash,
        new: &PasswordHash,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        Ok(reset_password(self, token, new, audit).await?)
    }

    async fn person_verify_email(
        &self,
        token: &TokenHash,
        audit: &AuditEvent,
    ) -> Result<AddressChange, PeopleStoreError> {
        Ok(verify_email(self, token, audit).await?)
    }

    async fn person_set_state(
        &self,
        id: PersonId,
        from: PersonState,
        to: PersonState,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let update = sql("UPDATE person SET state = $1 WHERE id = $2 AND state = $3")
            .bind(to.name())
            .bind(id)
            .bind(from.name());
        let mut tx = self.begin().await?;
        if update.execute(&mut tx).await? == 0 {
            return Ok(false);
        }
        if to != PersonState::Active {
            session::end_all(&mut tx, id, None, audit.at).await?;
        }
        Ok(kept(tx, audit).await?)
    }

    async fn identity_insert(
        &self,
        identity: &Identity,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let mut tx = self.begin().await?;
        if !token::link(&mut tx, identity).await? {
            return Ok(false);
        }
        Ok(kept(tx, audit).await?)
    }

    async fn identity_insert_verified(
        &self,
        identity: &Identity,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let update = sql("UPDATE person SET email_verified = $1, password = NULL
             WHERE id = $2 AND email_verified IS NULL")
        .bind(audit.at)
        .bind(identity.person);
        let mut tx = self.begin().await?;
        if update.execute(&mut tx).await? == 1 {
            session::end_all(&mut tx, identity.person, None, audit.at).await?;
            token::void(&mut tx, identity.person, &TokenPurpose::ALL).await?;
            activate(&mut tx, identity.person).await?;
        }
        if !token::link(&mut tx, identity).await? {
            return Ok(false);
        }
        Ok(kept(tx, audit).await?)
    }

    async fn identity_find(
        &self,
        provider: &ProviderName,
        subject: &str,
    ) -> Result<Option<Identity>, PeopleStoreError> {
        Ok(token::find_link(self, provider, subject).await?)
    }

    async fn identity_list(&self, person: PersonId, limit: u32) -> Result<Vec<Identity>, PeopleStoreError> {
        Ok(token::list_links(self, person, limit).await?)
    }

    async fn identity_remove(
        &self,
        person: PersonId,
        provider: &ProviderName,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let delete = sql("DELETE FROM identity WHERE person = $1 AND provider = $2");
        let mut tx = self.begin().await?;
        if delete.bind(person).bind(provider.as_str()).execute(&mut tx).await? == 0 {
            return Ok(false);
        }
        Ok(kept(tx, audit).await?)
    }

    async fn token_insert(&self, token: &OneTimeToken) -> Result<(), PeopleStoreError> {
        Ok(token::insert(self, token).await?)
    }

    async fn token_find(&self, hash: &TokenHash) -> Result<Option<OneTimeToken>, PeopleStoreError> {
        Ok(token::find(self.reader(), hash).await?)
    }

    async fn token_use(
        &self,
        hash: &TokenHash,
        purpose: TokenPurpose,
        at: Timestamp,
    ) -> Result<bool, PeopleStoreError> {
        Ok(token::mark_used(self.writer(), hash, purpose, at).await?)
    }
}

/// Ends a transaction that did what it should with its line of the audit log.
pub(super) async fn kept(mut tx: Tx, event: &AuditEvent) -> Result<bool, StoreError> {
    audit::insert(&mut tx, event).await?;
    tx.commit().await?;
    Ok(true)
}

/// A person as they stand, held until the end of the transaction. Whoever holds a person and their tokens takes the
/// person first.
struct HeldPerson {
    email_folded: String,
    is_verified: bool,
}

async fn hold_active(tx: &mut Tx, id: PersonId) -> Result<Option<HeldPerson>, StoreError> {
    let row = sql(
        "SELECT email_folded, email_verified FROM person WHERE id = $1 AND state = 'active' {for update}",
    )
    .bind(id)
    .fetch_optional(tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(HeldPerson {
        email_folded: row.text("email_folded")?,
        is_verified: row.moment_if_any("email_verified")?.is_some(),
    }))
}

async fn reset_password(
    store: &Store,
    hash: &TokenHash,
    new: &PasswordHash,
    audit: &AuditEvent,
) -> Result<bool, StoreError> {
    let mut tx = store.begin().await?;
    let Some(kept_token) = token::find(&mut tx, hash).await? else { return Ok(false) };
    let person = kept_token.person;
    let Some(held) = hold_active(&mut tx, person).await? else { return Ok(false) };
    if !token::mark_used(&mut tx, hash, TokenPurpose::ResetPassword, audit.at).await? {
        return Ok(false);
    }

    let shows_address = !held.is_verified && held.email_folded == kept_token.email.folded();
    sql("UPDATE person SET password = $1 WHERE id = $2")
        .bind(new.as_str())
        .bind(person)
        .execute(&mut tx)
        .await?;
    if shows_address {
        sql("UPDATE person SET email_verified = $1 WHERE id = $2")
            .bind(audit.at)
            .bind(person)
            .execute(&mut tx)
            .await?;
        activate(&mut tx, person).await?;
    }
    session::end_all(&mut tx, person, None, audit.at).await?;
    token::void(&mut tx, person, &[TokenPurpose::ResetPassword]).await?;
    kept(tx, audit).await
}

async fn verify_email(
    store: &Store,
    hash: &TokenHash,
    audit: &AuditEvent,
) -> Result<AddressChange, StoreError> {
    let mut tx = store.begin().await?;
    let Some(kept_token) = token::find(&mut tx, hash).await? else { return Ok(AddressChange::TokenGone) };
    let (person, email) = (kept_token.person, kept_token.email);
    let Some(held) = hold_active(&mut tx, person).await? else { return Ok(AddressChange::TokenGone) };
    if !token::mark_used(&mut tx, hash, TokenPurpose::VerifyEmail, audit.at).await? {
        return Ok(AddressChange::TokenGone);
    }
    let other = sql("SELECT id FROM person WHERE email_folded = $1 AND id <> $2")
        .bind(email.folded())
        .bind(person)
        .fetch_optional(&mut tx)
        .await?;
    if other.is_some() {
        return Ok(AddressChange::AddressTaken);
    }

    sql("UPDATE person SET email = $1, email_folded = $2, email_verified = $3 WHERE id = $4")
        .bind(email.as_str())
        .bind(email.folded())
        .bind(audit.at)
        .bind(person)
        .execute(&mut tx)
        .await?;
    if !held.is_verified {
        activate(&mut tx, person).await?;
    }
    token::void(&mut tx, person, &TokenPurpose::ALL).await?;
    kept(tx, audit).await?;
    Ok(AddressChange::Done)
}

/// Accounts that wait for the address of this owner wait no longer.
async fn activate(tx: &mut Tx, person: PersonId) -> Result<(), StoreError> {
    sql("UPDATE account SET state = 'active' WHERE state = 'inactive'
           AND id IN (SELECT account FROM membership WHERE person = $1 AND role = 'owner')")
    .bind(person)
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) fn read(row: &Row) -> Result<Person, StoreError> {
    Ok(Person {
        id: row.parsed("id")?,
        email: row.parsed("email")?,
        email_verified: row.moment_if_any("email_verified")?,
        name: row.text("name")?,
        password: row.text_if_any("password")?.map(PasswordHash::from_text),
        locale: row.named("locale", &Locale::ALL, Locale::code)?,
        birth_date: row.parsed_if_any("birth_date")?,
        state: row.named("state", &PersonState::ALL, PersonState::name)?,
        created: row.moment("created")?,
    })
}
