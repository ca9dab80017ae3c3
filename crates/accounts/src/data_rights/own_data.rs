use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};
use vocab::Timestamp;

use super::{DataPage, Document, PersonalData, PersonalDataError, Section, Subject};
use crate::{AccountStore, Actor, ApiKey, AuditQuery, PeopleStore};

const SECTION: &str = "account";

/// Rows in one document.
const ROWS: u32 = 500;

/// Documents of one kind; far more than anyone has.
const DOCUMENTS_MAX: u32 = 2000;

/// What this crate's own stores hold about a person. The parts are read one a page, each to its end.
pub(super) struct OwnData {
    pub(super) store: Arc<dyn PeopleStore>,
    pub(super) accounts: Arc<dyn AccountStore>,
}

#[derive(Clone, Copy)]
enum Part {
    Person,
    Sessions,
    Memberships,
    Keys,
    Consents,
    Audit,
}

const PARTS: [Part; 6] =
    [Part::Person, Part::Sessions, Part::Memberships, Part::Keys, Part::Consents, Part::Audit];

type Rows = Result<Vec<Document>, Box<dyn std::error::Error + Send + Sync>>;

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
        let at: usize = cursor.map_or(Ok(0), str::parse).map_err(unavailable)?;
        let Some(part) = PARTS.get(at) else { return Ok(DataPage::default()) };
        let documents = match part {
            Part::Person => self.person(subject).await,
            Part::Sessions => self.sessions(subject).await,
            Part::Memberships => self.memberships(subject).await,
            Part::Keys => self.keys(subject).await,
            Part::Consents => self.consents(subject).await,
            Part::Audit => self.audit(subject).await,
        };
        let next = (at + 1 < PARTS.len()).then(|| (at + 1).to_string());
        Ok(DataPage { documents: documents.map_err(unavailable)?, next })
    }

    /// Nothing: the person's own store forgets in one piece with the deletion itself.
    async fn data_erase(&self, _subject: &Subject, _at: Timestamp) -> Result<(), PersonalDataError> {
        Ok(())
    }
}

impl OwnData {
    async fn person(&self, subject: &Subject) -> Rows {
        let person = self.store.person_find(subject.person).await?;
        let logins = self.store.identity_list(subject.person, ROWS).await?;
        let factor = self.store.factor_find(subject.person).await?;
        let content = json!({
            "person": person,
            "has_password": person.as_ref().is_some_and(|person| person.password.is_some()),
            "second_factor_since": factor.and_then(|factor| factor.confirmed).map(|at| at.to_string()),
            "partner_logins": logins,
        });
        Ok(vec![Document { name: "person".to_owned(), content }])
    }

    async fn sessions(&self, subject: &Subject) -> Rows {
        let mut pages = Pages::new("sessions");
        let mut cursor = None;
        loop {
            let rows = self.store.session_list(subject.person, cursor, ROWS).await?;
            cursor = rows.last().map(|session| session.id);
            if !pages.add(&rows)? {
                return Ok(pages.documents);
            }
        }
    }

    async fn memberships(&self, subject: &Subject) -> Rows {
        let mut pages = Pages::new("memberships");
        let mut cursor = None;
        loop {
            let rows = self.store.membership_list_of_person(subject.person, cursor, ROWS).await?;
            cursor = rows.last().map(|access| access.account.id);
            let rows: Vec<_> = rows
                .iter()
                .map(|access| json!({"account": access.account, "membership": access.membership}))
                .collect();
            if !pages.add(&rows)? {
                return Ok(pages.documents);
            }
        }
    }

    async fn keys(&self, subject: &Subject) -> Rows {
        let mut pages = Pages::new("keys");
        for account in &subject.accounts {
            let mut cursor = None;
            loop {
                let rows = self.accounts.key_list(Some(*account), cursor, ROWS).await?;
                cursor = rows.last().map(|key| key.id);
                let rows: Vec<_> = rows.iter().map(masked).collect();
                if !pages.add(&rows)? {
                    break;
                }
            }
        }
        Ok(pages.documents)
    }

    async fn consents(&self, subject: &Subject) -> Rows {
        let mut pages = Pages::new("consents");
        let mut cursor = None;
        loop {
            let rows = self.store.consent_list(subject.person, cursor, ROWS).await?;
            cursor = rows.last().map(|consent| consent.id);
            if !pages.add(&rows)? {
                return Ok(pages.documents);
            }
        }
    }

    async fn audit(&self, subject: &Subject) -> Rows {
        let query = AuditQuery { actor: Some(Actor::Person(subject.person)), ..AuditQuery::default() };
        let mut pages = Pages::new("acts");
        let mut cursor = None;
        loop {
            let rows = self.store.audit_list(&query, cursor, ROWS).await?;
            cursor = rows.last().map(|event| event.id);
            if !pages.add(&rows)? {
                return Ok(pages.documents);
            }
        }
    }
}

/// Rows of one kind, a document for each read.
struct Pages {
    kind: &'static str,
    documents: Vec<Document>,
    count: u32,
}

impl Pages {
    fn new(kind: &'static str) -> Self {
        Self { kind, documents: Vec::new(), count: 0 }
    }

    /// Says whether to read on. The first document is there even if it is empty: nothing is known is an answer too.
    fn add<T: Serialize>(&mut self, rows: &[T]) -> Result<bool, serde_json::Error> {
        if !rows.is_empty() || self.count == 0 {
            self.count += 1;
            let name = format!("{}-{}", self.kind, self.count);
            self.documents.push(Document { name, content: serde_json::to_value(rows)? });
        }
        Ok(rows.len() == ROWS as usize && self.count < DOCUMENTS_MAX)
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
