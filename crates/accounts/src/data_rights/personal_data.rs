use async_trait::async_trait;
use serde::Serialize;
use serde_json::Value;
use vocab::{AccountId, PersonId, Timestamp};

/// A store that holds data about people, and can say and forget it.
#[async_trait]
pub trait PersonalData: Send + Sync + 'static {
    /// What it holds (rule DATA-01).
    fn section(&self) -> Section;

    /// A page of what it holds about `subject`, from where the last page said to go on. Each page is small enough to be in
    /// memory.
    async fn data_page(&self, subject: &Subject, cursor: Option<&str>)
    -> Result<DataPage, PersonalDataError>;

    /// Forgets `subject` for good, but for what the law demands to be kept, such as rows of money, which stay under ids
    /// that name nobody any more (rule DATA-03). Safe to repeat.
    async fn data_erase(&self, subject: &Subject, at: Timestamp) -> Result<(), PersonalDataError>;
}

/// What a store holds, as people are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Section {
    /// Its name, and the folder of its documents.
    pub name: &'static str,
    /// Where the data comes from.
    pub source: &'static str,
    /// What it is for.
    pub purpose: &'static str,
    /// Who gets to see it.
    pub receivers: &'static str,
}

/// Whom data is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The person.
    pub person: PersonId,
    /// The accounts that are theirs alone. What belongs to an account with others in it is not one person's data.
    pub accounts: Vec<AccountId>,
}

/// A page of what a store holds about someone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DataPage {
    /// Documents that are not in another page.
    pub documents: Vec<Document>,
    /// Where to go on, if there is more.
    pub next: Option<String>,
}

/// One piece of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Its name within the section, without an ending: letters, digits, dashes and underscores.
    pub name: String,
    /// What it says.
    pub content: Value,
}

/// A store did not say or forget what it holds.
#[derive(Debug, thiserror::Error)]
#[error("section `{section}` is not available")]
pub struct PersonalDataError {
    /// Which.
    pub section: &'static str,
    /// Why.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}
