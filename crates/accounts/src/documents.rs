//! What an operator changes while the platform runs: prices, plans, models and the like, as documents with
//! versions.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;
use vocab::Clock;

use crate::{DocumentName, DocumentStore, DocumentStoreError, OperatorDocument};

/// Longest body of a document, as it is written.
const BODY_BYTES_MAX: usize = 1 << 20;

/// Longest name of who wrote a version.
const BY_CHARS_MAX: usize = 200;

/// Longest page of a history: bodies may be large.
const PAGE_MAX: u32 = 50;

/// Longest history that [`Documents::every`] reads, in pages.
const PAGES_MAX: u32 = 200;

/// Why a body is not a document, in words that name the key.
pub type InvalidDocument = Box<dyn std::error::Error + Send + Sync>;

/// Says whether a body is one that the code which reads the document understands.
pub type DocumentValidator = Box<dyn Fn(&Value) -> Result<(), InvalidDocument> + Send + Sync>;

/// Changes operator documents, and knows those in force on this node.
///
/// Reading is from memory. A change is in force here at once, and on other nodes when they next
/// [`refresh`](Self::refresh), which the schedule does every second.
pub struct Documents {
    store: Arc<dyn DocumentStore>,
    clock: Arc<dyn Clock>,
    validators: HashMap<DocumentName, DocumentValidator>,
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    /// In force here.
    current: HashMap<DocumentName, Arc<OperatorDocument>>,
    /// In force since the last refresh.
    changed: BTreeSet<DocumentName>,
    /// Versions that this program does not understand, and need not be read again.
    refused: HashMap<DocumentName, i64>,
}

/// What a [`refresh`](Documents::refresh) found.
#[derive(Debug, Default)]
pub struct Refreshed {
    /// Documents with another version in force than at the last refresh, wherever it was written.
    pub changed: Vec<DocumentName>,
    /// Documents with a newer version that this program does not understand, as when a newer program wrote
    /// it; the one before stays in force. Each version is reported once.
    pub refused: Vec<RefusedDocument>,
}

/// A version that stays out of force here.
#[derive(Debug)]
pub struct RefusedDocument {
    /// Of which document.
    pub name: DocumentName,
    /// Which version.
    pub version: i64,
    /// Why.
    pub why: InvalidDocument,
}

/// Why a document was not changed or found.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Nothing here reads such a document.
    #[error("the document `{0}` cannot be changed here")]
    NotChangeable(DocumentName),
    /// The body is not one that can be worked with.
    #[error("the document `{name}` is not valid")]
    Invalid {
        /// Which document.
        name: DocumentName,
        /// Why not, with the key.
        #[source]
        why: InvalidDocument,
    },
    /// The body is longer than a document may be.
    #[error("a document has at most {BODY_BYTES_MAX} bytes")]
    TooLong,
    /// It must be known who made a change.
    #[error("whoever changes a document is named in 1 to {BY_CHARS_MAX} characters")]
    InvalidAuthor,
    /// Someone else changed the document since it was read.
    #[error("the document `{name}` was changed meanwhile and is at version {version}")]
    Conflict {
        /// Which document.
        name: DocumentName,
        /// The version to begin from.
        version: i64,
    },
    /// The store failed.
    #[error("documents are not available")]
    Store(#[from] DocumentStoreError),
}

impl Documents {
    /// Documents kept in `store`. None is known before the first [`refresh`](Self::refresh).
    pub fn new(store: Arc<dyn DocumentStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, validators: HashMap::new(), known: RwLock::default() }
    }

    /// Lets a document be changed, to what `validator` approves of.
    #[must_use]
    pub fn with_validator(
        mut self,
        name: DocumentName,
        validator: impl Fn(&Value) -> Result<(), InvalidDocument> + Send + Sync + 'static,
    ) -> Self {
        self.validators.insert(name, Box::new(validator));
        self
    }

    /// The version in force on this node; none if there is no such document yet.
    pub fn current(&self, name: DocumentName) -> Option<Arc<OperatorDocument>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).current.get(&name).cloned()
    }

    /// Changes a document.
    ///
    /// `base` is the version that was edited, 0 if there was none: if someone else has changed it since,
    /// nothing is written.
    pub async fn propose(
        &self,
        name: DocumentName,
        base: i64,
        body: Value,
        by: &str,
    ) -> Result<Arc<OperatorDocument>, DocumentError> {
        if by.is_empty() || by.chars().count() > BY_CHARS_MAX {
            return Err(DocumentError::InvalidAuthor);
        }
        if body.to_string().len() > BODY_BYTES_MAX {
            return Err(DocumentError::TooLong);
        }
        let validator = self.validators.get(&name).ok_or(DocumentError::NotChangeable(name))?;
        validator(&body).map_err(|why| DocumentError::Invalid { name, why })?;

        let version = base.saturating_add(1);
        let document = OperatorDocument { name, version, body, at: self.clock.now(), by: by.to_owned() };
        if !self.store.document_append(&document).await? {
            let version = self.latest(name).await?;
            return Err(DocumentError::Conflict { name, version });
        }
        let document = Arc::new(document);
        self.put_in_force(document.clone());
        Ok(document)
    }

    /// Writes the first version of a document if there is none, so that what the program brought is in the
    /// history when it changes. Returns the one in force.
    pub async fn ensure(
        &self,
        name: DocumentName,
        default: Value,
        by: &str,
    ) -> Result<Option<Arc<OperatorDocument>>, DocumentError> {
        if self.latest(name).await? == 0 {
            match self.propose(name, 0, default, by).await {
                Ok(_) | Err(DocumentError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        self.pull().await?;
        Ok(self.current(name))
    }

    /// Looks for versions that other nodes wrote, and puts them in force here. Says what changed, so that
    /// whatever is built from a document is built again.
    pub async fn refresh(&self) -> Result<Refreshed, DocumentError> {
        let refused = self.pull().await?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        Ok(Refreshed { changed: std::mem::take(&mut known.changed).into_iter().collect(), refused })
    }

    /// The versions of a document below `cursor`, newest first. Never more than 50.
    pub async fn history(
        &self,
        name: DocumentName,
        cursor: Option<i64>,
        limit: u32,
    ) -> Result<Vec<OperatorDocument>, DocumentError> {
        Ok(self.store.document_list(name, cursor, limit.min(PAGE_MAX)).await?)
    }

    /// One version of a document.
    pub async fn version(
        &self,
        name: DocumentName,
        version: i64,
    ) -> Result<Option<OperatorDocument>, DocumentError> {
        Ok(self.store.document_find(name, version).await?)
    }

    /// Every version of a document, newest first, for what must know old ones too, as prices must. The newest
    /// 10,000 if there are more.
    pub async fn every(&self, name: DocumentName) -> Result<Vec<OperatorDocument>, DocumentError> {
        let mut all: Vec<OperatorDocument> = Vec::new();
        for _ in 0..PAGES_MAX {
            let cursor = all.last().map(|document| document.version);
            let page = self.history(name, cursor, PAGE_MAX).await?;
            let is_last = page.len() < PAGE_MAX as usize;
            all.extend(page);
            if is_last {
                break;
            }
        }
        Ok(all)
    }

    async fn pull(&self) -> Result<Vec<RefusedDocument>, DocumentError> {
        let mut refused = Vec::new();
        for (name, version) in self.store.document_versions().await? {
            if !self.is_news(name, version) {
                continue;
            }
            let Some(document) = self.store.document_find(name, version).await? else { continue };
            let checked = self.validators.get(&name).map_or(Ok(()), |validator| validator(&document.body));
            match checked {
                Ok(()) => self.put_in_force(Arc::new(document)),
                Err(why) => {
                    let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
                    known.refused.insert(name, version);
                    refused.push(RefusedDocument { name, version, why });
                }
            }
        }
        Ok(refused)
    }

    async fn latest(&self, name: DocumentName) -> Result<i64, DocumentError> {
        let newest = self.store.document_list(name, None, 1).await?;
        Ok(newest.first().map_or(0, |document| document.version))
    }

    fn is_news(&self, name: DocumentName, version: i64) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let in_force = known.current.get(&name).map_or(0, |document| document.version);
        version > in_force && known.refused.get(&name) != Some(&version)
    }

    /// Never goes back: a slow refresh does not undo a change that was made here meanwhile.
    fn put_in_force(&self, document: Arc<OperatorDocument>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let in_force = known.current.get(&document.name).map_or(0, |current| current.version);
        if document.version > in_force {
            known.changed.insert(document.name);
            known.current.insert(document.name, document);
        }
    }
}
