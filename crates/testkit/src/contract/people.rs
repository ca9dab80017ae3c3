//! What every store of people must do.

mod organisations;
mod persons;
mod rights;
mod sessions;

use std::sync::Arc;

use accounts::{
    Account, AccountStore, Actor, Arrival, Arrived, AuditAction, AuditEvent, AuditQuery, Locale, Membership,
    OneTimeToken, PasswordHash, PeopleStore, Person, PersonState, Place, Role, TokenHash, TokenPurpose,
};
use serde_json::Map;
use vocab::{AccountId, AuditId, PersonId, Secret, Timestamp};

/// A store of people, and the store of the accounts that they belong to: one database, as a rule.
pub struct House {
    /// The accounts.
    pub accounts: Arc<dyn AccountStore>,
    /// The people.
    pub people: Arc<dyn PeopleStore>,
}

/// Runs every rule on a fresh store.
pub async fn all(fresh: impl AsyncFn() -> House) {
    persons::all(&fresh).await;
    sessions::all(&fresh).await;
    organisations::all(&fresh).await;
    rights::all(&fresh).await;
}

/// The moment of the tests.
pub const NOW: Timestamp = Timestamp::from_millis(1_770_631_146_000);

/// Someone whose address is verified.
pub fn person(name: &str) -> Person {
    Person {
        id: PersonId::generate(),
        email: format!("{name}@example.com").parse().expect("an address"),
        email_verified: Some(NOW),
        name: name.to_owned(),
        password: Some(PasswordHash::from_text(format!("hash of {name}"))),
        locale: Locale::Chinese,
        birth_date: Some("1990-05-17".parse().expect("a date")),
        state: PersonState::Active,
        created: NOW,
    }
}

/// A line of the audit log that says nothing.
pub fn audit(target: impl std::fmt::Display) -> AuditEvent {
    audit_at(target, NOW)
}

fn audit_at(target: impl std::fmt::Display, at: Timestamp) -> AuditEvent {
    AuditEvent {
        id: AuditId::generate(),
        at,
        actor: Actor::Operator,
        account: None,
        action: AuditAction::named("test.do"),
        target: target.to_string(),
        details: Map::new(),
        source: None,
    }
}

fn hash(text: &str) -> TokenHash {
    TokenHash::of(&Secret::new(text))
}

fn token(person: &Person, text: &str, purpose: TokenPurpose) -> OneTimeToken {
    OneTimeToken {
        hash: hash(text),
        purpose,
        person: person.id,
        email: person.email.clone(),
        created: NOW,
        expires: Timestamp::from_millis(NOW.as_millis() + 1000),
        used: None,
    }
}

impl House {
    async fn account(&self, name: &str) -> Account {
        let account = super::accounts::account(name);
        self.accounts.account_insert(&account).await.expect("a new account is kept");
        account
    }

    /// Writes someone into an account of their own.
    async fn arrive(&self, person: Person) -> (Person, Account) {
        let account = super::accounts::account(&person.name);
        let arrived = self.people.person_insert(&arrival(&person, Place::Own(account.clone()))).await;
        assert_eq!(arrived.expect("store answers"), Arrived::Written);
        (person, account)
    }

    async fn join(&self, person: &Person, account: AccountId, role: Role) -> Membership {
        let membership = Membership { person: person.id, account, role, since: NOW };
        let is_new = self.people.membership_insert(&membership, &audit(person.id)).await;
        assert!(is_new.expect("store answers"));
        membership
    }

    async fn find(&self, id: PersonId) -> Person {
        self.people.person_find(id).await.expect("store answers").expect("still there")
    }

    /// What the log says was done to this target, the oldest first.
    async fn log_of(&self, target: impl std::fmt::Display) -> usize {
        let lines = self.people.audit_list(&AuditQuery::default(), None, 1000).await.expect("store answers");
        let target = target.to_string();
        lines.iter().filter(|event| event.target == target).count()
    }
}

fn arrival(person: &Person, place: Place) -> Arrival {
    Arrival { person: person.clone(), place, identity: None, consents: Vec::new(), audit: audit(person.id) }
}
