use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};
use vocab::{KeyId, Timestamp};

use super::{DataPage, Document, PersonalData, PersonalDataError, Section, Subject};
use crate::{Access, AccountStore, Actor, ApiKey, AuditQuery, PeopleStore};

const SECTION: &str = "account";

/// Rows in one document.
const ROWS: u32 = 500;

/// What this crate's own stores hold about a person, a document a page.
pub(super) struct OwnData {
    pub(super) store: Arc<dyn PeopleStore>,
    pub(super) accounts: Arc<dyn AccountStore>,
}

/// Where in it a page begins: written as `part.number.account.after`.
#[derive(Clone, Default)]
struct Place {
    part: usize,
    /// The number of the part's last document.
    number: u32,
    /// Among the accounts whose keys are told.
    account: usize,
    /// The id of the last row that was told.
    after: Option<String>,
}

type Told<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Some rows, and the id of the last if there may be more.
struct Rows {
    content: Value,
    more: Option<String>,
}

const PARTS: [&str; 6] = ["person", "sessions", "memberships", "keys", "consents", "acts"];

#[async_trait]
impl PersonalData for OwnData {
    fn section(&self) -> Section {
        Section {
            name: SECTION,
            source: "what you typed when you signed up and later; what your browser sent when you logged in",
            purpose: "letting you in, and only you; knowing who may do what",
            receivers: "you, the other members of your accounts (name and address), and the operator",
        }
    }

    async fn data_page(
        &self,
        subject: &Subject,
        cursor: Option<&str>,
    ) -> Result<DataPage, PersonalDataError> {
        let place = cursor.map_or(Ok(Place::default()), Place::parse).map_err(unavailable)?;
        let Some(kind) = PARTS.get(place.part) else { return Ok(DataPage::default()) };
        let rows = self.rows(subject, &place).await.map_err(unavailable)?;
        let number = place.number + 1;
        let document = Document { name: format!("{kind}-{number}"), content: rows.content };
        let next = place.next(number, rows.more, subject.accounts.len());
        Ok(DataPage { documents: vec![document], next: next.map(|place| place.text()) })
    }

    /// Nothing: the person's own store forgets in one piece with the deletion itself.
    async fn data_erase(&self, _subject: &Subject, _at: Timestamp) -> Result<(), PersonalDataError> {
        Ok(())
    }
}

impl OwnData {
    async fn rows(&self, subject: &Subject, place: &Place) -> Told<Rows> {
        let person = subject.person;
        match PARTS.get(place.part).copied().unwrap_or_default() {
            "person" => Ok(Rows { content: self.person(subject).await?, more: None }),
            "sessions" => {
                let rows = self.store.session_list(person, place.after()?, ROWS).await?;
                Rows::new(&rows, rows.last().map(|session| session.id))
            }
            "memberships" => {
                let rows = self.store.membership_list_of_person(person, place.after()?, ROWS).await?;
                let last = rows.last().map(|access| access.account.id);
                let told =
                    |access: &Access| json!({"account": access.account, "membership": access.membership});
                Rows::new(&rows.iter().map(told).collect::<Vec<_>>(), last)
            }
            "keys" => {
                let Some(account) = subject.accounts.get(place.account) else {
                    return Rows::new::<(), KeyId>(&[], None);
                };
                let rows = self.accounts.key_list(Some(*account), place.after()?, ROWS).await?;
                let last = rows.last().map(|key| key.id);
                Rows::new(&rows.iter().map(masked).collect::<Vec<_>>(), last)
            }
            "consents" => {
                let rows = self.store.consent_list(person, place.after()?, ROWS).await?;
                Rows::new(&rows, rows.last().map(|consent| consent.id))
            }
            _ => {
                let query = AuditQuery { actor: Some(Actor::Person(person)), ..AuditQuery::default() };
                let rows = self.store.audit_list(&query, place.after()?, ROWS).await?;
                Rows::new(&rows, rows.last().map(|event| event.id))
            }
        }
    }

    async fn person(&self, subject: &Subject) -> Told<Value> {
        let person = self.store.person_find(subject.person).await?;
        let logins = self.store.identity_list(subject.person, ROWS).await?;
        let factor = self.store.factor_find(subject.person).await?;
        Ok(json!({
            "person": person,
            "has_password": person.as_ref().is_some_and(|person| person.password.is_some()),
            "second_factor_since": factor.and_then(|factor| factor.confirmed).map(|at| at.to_string()),
            "partner_logins": logins,
        }))
    }
}

impl Rows {
    /// A page that is not full is the last. One that is empty is told too: that nothing is known is an answer.
    fn new<T: Serialize, I: ToString>(rows: &[T], last: Option<I>) -> Told<Self> {
        let more = last.filter(|_| rows.len() >= ROWS as usize).map(|id| id.to_string());
        Ok(Self { content: serde_json::to_value(rows)?, more })
    }
}

impl Place {
    fn parse(text: &str) -> Told<Self> {
        let mut words = text.splitn(4, '.');
        let mut word = || words.next().unwrap_or_default();
        Ok(Self {
            part: word().parse()?,
            number: word().parse()?,
            account: word().parse()?,
            after: Some(word().to_owned()).filter(|after| !after.is_empty()),
        })
    }

    fn text(&self) -> String {
        let after = self.after.as_deref().unwrap_or_default();
        format!("{}.{}.{}.{after}", self.part, self.number, self.account)
    }

    fn after<I>(&self) -> Told<Option<I>>
    where
        I: FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        Ok(self.after.as_deref().map(str::parse).transpose()?)
    }

    /// Where to go on: in the same list, with the keys of the next account, or with the next part.
    fn next(self, number: u32, more: Option<String>, accounts: usize) -> Option<Self> {
        let is_keys = PARTS.get(self.part) == Some(&"keys");
        if more.is_some() {
            return Some(Self { number, after: more, ..self });
        }
        if is_keys && self.account + 1 < accounts {
            return Some(Self { number, account: self.account + 1, after: None, ..self });
        }
        (self.part + 1 < PARTS.len()).then(|| Self { part: self.part + 1, ..Self::default() })
    }
}

/// A key as its owner sees it in lists: enough to know it by, and not enough to use it.
fn masked(key: &ApiKey) -> Value {
    let id = key.public_id.to_string();
    let shown = format!("{}…{}", id.get(..4).unwrap_or_default(), id.get(28..).unwrap_or_default());
    let mut content = json!(key);
    content["public_id"] = json!(shown);
    content
}

fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> PersonalDataError {
    PersonalDataError { section: SECTION, source: cause.into() }
}
