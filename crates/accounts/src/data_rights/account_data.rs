use async_trait::async_trait;
use serde_json::Value;
use vocab::{AccountId, Timestamp};

use super::{DataPage, Document, PersonalData, PersonalDataError, Section, Subject};

/// Rows in one document.
const ROWS: u32 = 500;

/// A store that holds lists about accounts. [`ByAccount`] tells those of all the accounts that are someone's alone.
#[async_trait]
pub trait AccountData: Send + Sync + 'static {
    /// What it holds.
    fn section(&self) -> Section;

    /// The lists it has of each account, a word each, in the order in which they are told.
    fn lists(&self) -> &'static [&'static str];

    /// Rows of a list of one account, after the row that `after` names, at most `limit`.
    async fn rows(
        &self,
        list: &str,
        account: AccountId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<AccountRows, Box<dyn std::error::Error + Send + Sync>>;
}

/// Some rows of a list about an account.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccountRows {
    /// What they say.
    pub rows: Vec<Value>,
    /// What names the last of them, if there may be more.
    pub more: Option<String>,
}

impl AccountRows {
    /// A page of at most `limit` rows. One that is not full is the last.
    pub fn of<T>(
        rows: &[T],
        limit: u32,
        tell: impl FnMut(&T) -> Value,
        name: impl FnOnce(&T) -> String,
    ) -> Self {
        let is_full = rows.len() >= limit as usize;
        Self { rows: rows.iter().map(tell).collect(), more: rows.last().filter(|_| is_full).map(name) }
    }
}

/// The lists of a store, account by account, five hundred rows to a document.
///
/// Nothing is forgotten on request: what is told here is about accounts and what they paid for, names nobody when the
/// person is gone, and is kept for as long as the law and the operator's retention say (rules DATA-03, DATA-14).
pub struct ByAccount<D>(pub D);

/// Where in it a page begins: written as `list.account.number.after`.
#[derive(Clone, Default)]
struct Place {
    list: usize,
    account: usize,
    /// The number of the list's last document.
    number: u32,
    after: Option<String>,
}

#[async_trait]
impl<D: AccountData> PersonalData for ByAccount<D> {
    fn section(&self) -> Section {
        self.0.section()
    }

    async fn data_page(
        &self,
        subject: &Subject,
        cursor: Option<&str>,
    ) -> Result<DataPage, PersonalDataError> {
        let unavailable = |source| PersonalDataError { section: self.0.section().name, source };
        let place = cursor.map_or(Ok(Place::default()), Place::parse).map_err(unavailable)?;
        let named = (self.0.lists().get(place.list), subject.accounts.get(place.account));
        let (Some(list), Some(account)) = named else { return Ok(DataPage::default()) };

        let told = self.0.rows(list, *account, place.after.as_deref(), ROWS).await.map_err(unavailable)?;
        let number = place.number + 1;
        let document =
            Document { name: format!("{list}-{account}-{number}"), content: Value::Array(told.rows) };
        let next = place.next(number, told.more, self.0.lists().len(), subject.accounts.len());
        Ok(DataPage { documents: vec![document], next: next.map(|place| place.text()) })
    }

    async fn data_erase(&self, _subject: &Subject, _at: Timestamp) -> Result<(), PersonalDataError> {
        Ok(())
    }
}

impl Place {
    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let mut words = text.splitn(4, '.');
        let mut word = || words.next().unwrap_or_default();
        Ok(Self {
            list: word().parse()?,
            account: word().parse()?,
            number: word().parse()?,
            after: Some(word().to_owned()).filter(|after| !after.is_empty()),
        })
    }

    fn text(&self) -> String {
        let after = self.after.as_deref().unwrap_or_default();
        format!("{}.{}.{}.{after}", self.list, self.account, self.number)
    }

    /// Where to go on: in the same list, with the same list of the next account, or with the next list.
    fn next(self, number: u32, more: Option<String>, lists: usize, accounts: usize) -> Option<Self> {
        if more.is_some() {
            return Some(Self { number, after: more, ..self });
        }
        if self.account + 1 < accounts {
            return Some(Self { list: self.list, account: self.account + 1, ..Self::default() });
        }
        (self.list + 1 < lists).then(|| Self { list: self.list + 1, ..Self::default() })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vocab::PersonId;

    use super::*;

    /// Has so many rows of each account in each of two lists.
    struct Numbers(u32);

    #[async_trait]
    impl AccountData for Numbers {
        fn section(&self) -> Section {
            Section { name: "numbers", source: "counting", purpose: "testing", receivers: "nobody" }
        }

        fn lists(&self) -> &'static [&'static str] {
            &["odd", "even"]
        }

        async fn rows(
            &self,
            _list: &str,
            _account: AccountId,
            after: Option<&str>,
            limit: u32,
        ) -> Result<AccountRows, Box<dyn std::error::Error + Send + Sync>> {
            let first = after.map_or(Ok(0), str::parse::<u32>)?;
            let rows: Vec<u32> = (first + 1..=self.0).take(limit as usize).collect();
            Ok(AccountRows::of(&rows, limit, |row| json!(row), ToString::to_string))
        }
    }

    async fn told(rows: u32, accounts: usize) -> Vec<Document> {
        let subject = Subject {
            person: PersonId::generate(),
            accounts: (0..accounts).map(|_| AccountId::generate()).collect(),
        };
        let (data, mut documents, mut cursor) = (ByAccount(Numbers(rows)), Vec::new(), None);
        loop {
            let page = data.data_page(&subject, cursor.as_deref()).await.unwrap();
            documents.extend(page.documents);
            cursor = page.next;
            if cursor.is_none() {
                return documents;
            }
        }
    }

    #[tokio::test]
    async fn every_row_of_every_list_of_every_account_is_told_once() {
        let documents = told(1001, 2).await;
        assert_eq!(documents.len(), 2 * 2 * 3);
        let mut names: Vec<_> = documents.iter().map(|document| &document.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), documents.len(), "no document overwrites another");
        let rows = documents.iter().map(|document| document.content.as_array().unwrap().len());
        assert_eq!(rows.sum::<usize>(), 2 * 2 * 1001);
    }

    /// That there is nothing is an answer too; without an account there is nothing to ask about.
    #[tokio::test]
    async fn an_empty_list_is_told() {
        assert_eq!(told(0, 1).await.len(), 2);
        assert!(told(10, 0).await.is_empty());
    }
}
