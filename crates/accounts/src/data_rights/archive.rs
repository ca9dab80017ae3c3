use std::io::{Seek, Write};
use std::net::IpAddr;

use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{DATA_EXPORT, DataRights, Document, PersonalDataError};
use crate::{By, PeopleStoreError, Proof, ProofError, SignedIn};

/// Documents in one copy; a store that goes round in circles does not fill the disk.
const DOCUMENTS_MAX: u64 = 1_000_000;

/// What a copy holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// How many documents.
    pub documents: u64,
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// They did not prove who they are (rule DATA-06).
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// A store did not say what it holds. A copy that misses something would be a lie.
    #[error("not everything could be read")]
    Data(#[from] PersonalDataError),
    /// The copy cannot be written.
    #[error("the copy could not be written")]
    Write(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A store names its documents in a way that is no file name, or has no end.
    #[error("section `{0}` names its documents badly or has no end")]
    Documents(&'static str),
    /// The store failed.
    #[error("copies are not available")]
    Store(#[from] PeopleStoreError),
}

impl DataRights {
    /// Writes a copy of everything about a person as a zip archive (rules DATA-01, DATA-02): a folder of JSON documents
    /// for each section, and `index.json`, which says where each comes from, what it is for and who gets to see it.
    pub async fn export<W: Write + Seek + Send>(
        &self,
        signed_in: &SignedIn,
        proof: &Proof<'_>,
        sink: W,
        source: Option<IpAddr>,
    ) -> Result<Exported, ExportError> {
        self.people.prove(signed_in, proof, source).await?;
        let person = signed_in.person.id;
        let now = self.people.now();
        let subject = self.subject(person).await?;

        let mut archive = Archive { zip: ZipWriter::new(sink), documents: 0 };
        let sections: Vec<_> = self.sources.iter().map(|source| source.section()).collect();
        let index = json!({"person": person, "written": now.to_string(), "sections": sections});
        archive.add("index.json", &index)?;
        for source in &self.sources {
            let section = source.section().name;
            let mut cursor = None;
            loop {
                let page = source.data_page(&subject, cursor.as_deref()).await?;
                for document in &page.documents {
                    archive.add(&file_name(section, document)?, &document.content)?;
                }
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
                if archive.documents >= DOCUMENTS_MAX || page.documents.is_empty() {
                    return Err(ExportError::Documents(section));
                }
            }
        }
        let documents = archive.finish()?;
        let audit = By::person(person, source).did(now, None, DATA_EXPORT, person);
        self.store.audit_insert(&audit).await?;
        Ok(Exported { documents })
    }
}

struct Archive<W: Write + Seek> {
    zip: ZipWriter<W>,
    documents: u64,
}

impl<W: Write + Seek> Archive<W> {
    fn add(&mut self, name: &str, content: &Value) -> Result<(), ExportError> {
        let text = serde_json::to_vec_pretty(content).map_err(unwritten)?;
        self.zip.start_file(name, SimpleFileOptions::default()).map_err(unwritten)?;
        self.zip.write_all(&text).map_err(unwritten)?;
        self.documents += 1;
        Ok(())
    }

    fn finish(self) -> Result<u64, ExportError> {
        let mut sink = self.zip.finish().map_err(unwritten)?;
        sink.flush().map_err(unwritten)?;
        Ok(self.documents)
    }
}

/// Nothing that a store says can make an archive write outside its folder when it is unpacked.
fn file_name(section: &'static str, document: &Document) -> Result<String, ExportError> {
    let name = &document.name;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_name = (1..=128).contains(&name.len()) && name.bytes().all(is_plain);
    if is_name { Ok(format!("{section}/{name}.json")) } else { Err(ExportError::Documents(section)) }
}

fn unwritten(cause: impl std::error::Error + Send + Sync + 'static) -> ExportError {
    ExportError::Write(cause.into())
}
