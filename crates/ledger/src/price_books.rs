use std::collections::BTreeMap;
use std::sync::Arc;

use vocab::{ModelName, Timestamp, Usage};

use crate::{Charge, Extras, PriceBook, Unpriceable};

/// Every version of the prices that is known here: the one in force, ones to come, and ones that old charges
/// were made by. There is always one.
#[derive(Clone, Debug)]
pub struct PriceBooks {
    first: Arc<PriceBook>,
    later: BTreeMap<i64, Arc<PriceBook>>,
}

/// Why a charge cannot be explained.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExplainError {
    /// Its price book is not here.
    #[error("there is no version {0} of the prices")]
    UnknownVersion(i64),
    /// The stored usage cannot have been charged.
    #[error(transparent)]
    Unpriceable(#[from] Unpriceable),
}

impl PriceBooks {
    /// One book, for a start.
    pub fn new(book: PriceBook) -> Self {
        Self { first: Arc::new(book), later: BTreeMap::new() }
    }

    /// Adds a book; a version that is known already stays as it is.
    pub fn add(&mut self, book: PriceBook) {
        if self.version(book.version).is_none() {
            self.later.insert(book.version, Arc::new(book));
        }
    }

    /// The book in force at `at`: of those that apply already, the newest version, so that a mistake is
    /// corrected by another version. The first book where none applies.
    pub fn at(&self, at: Timestamp) -> &Arc<PriceBook> {
        let newest = self.all().filter(|book| book.effective <= at).max_by_key(|book| book.version);
        newest.unwrap_or(&self.first)
    }

    /// The book of this version.
    pub fn version(&self, version: i64) -> Option<&Arc<PriceBook>> {
        self.all().find(|book| book.version == version)
    }

    /// Lists again what a request was charged for, from what is stored of it. Whoever asks compares the total
    /// with the stored one.
    pub fn explain(
        &self,
        version: i64,
        model: &ModelName,
        usage: &Usage,
        extras: &Extras,
    ) -> Result<Charge, ExplainError> {
        let book = self.version(version).ok_or(ExplainError::UnknownVersion(version))?;
        Ok(book.charge(model, usage, extras)?)
    }

    fn all(&self) -> impl Iterator<Item = &Arc<PriceBook>> {
        [&self.first].into_iter().chain(self.later.values())
    }
}
