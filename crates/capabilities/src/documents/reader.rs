use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use moka::future::Cache;
use tokio::task::spawn_blocking;

use super::{DocumentError, DocumentKind, DocumentLimits, DocumentReader, extract};

/// The most text that is remembered, in bytes.
const REMEMBERED_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How long a document is remembered that does not come again: a pause within a conversation.
const REMEMBERED_FOR: Duration = Duration::from_secs(3600);

/// What an entry takes besides its text.
const ENTRY_BYTES: u32 = 256;

/// Reads every kind of document, and remembers what it parsed: a document comes again with each turn of its
/// conversation.
///
/// Entries are found by the whole content of a file. Whoever has the file learns from the time that it takes whether
/// somebody sent it within the hour, and nothing else.
pub struct Documents {
    limits: DocumentLimits,
    parser: Arc<dyn DocumentReader>,
    remembered: Cache<blake3::Hash, Result<Arc<str>, DocumentError>>,
}

impl Documents {
    /// Hands what must be parsed to `parser`.
    #[must_use]
    pub fn new(limits: DocumentLimits, parser: Arc<dyn DocumentReader>) -> Self {
        let remembered = Cache::builder()
            .max_capacity(REMEMBERED_BYTES_MAX)
            .time_to_idle(REMEMBERED_FOR)
            .weigher(|_, found: &Result<Arc<str>, DocumentError>| {
                let text_bytes = found.as_ref().map_or(0, |text| text.len());
                ENTRY_BYTES.saturating_add(u32::try_from(text_bytes).unwrap_or(u32::MAX))
            })
            .build();
        Self { limits, parser, remembered }
    }

    /// Parses a document once, however many ask for it at the same time.
    async fn parsed(&self, kind: DocumentKind, bytes: &[u8]) -> Result<String, DocumentError> {
        let parse = async {
            match self.parser.text(kind.media_type(), bytes).await {
                Ok(text) => Ok(Ok(Arc::from(text))),
                // What will fail again is remembered too: the dearest documents are those that cannot be read.
                Err(error) if error.is_lasting() => Ok(Err(error)),
                Err(error) => Err(error),
            }
        };
        match self.remembered.try_get_with(blake3::hash(bytes), parse).await {
            Ok(found) => found.map(|text| text.as_ref().to_owned()),
            Err(error) => Err(error.as_ref().clone()),
        }
    }
}

#[async_trait]
impl DocumentReader for Documents {
    async fn text(&self, media_type: &str, bytes: &[u8]) -> Result<String, DocumentError> {
        self.limits.check_size(bytes)?;
        match DocumentKind::of(media_type, bytes)? {
            kind @ DocumentKind::Pdf => self.parsed(kind, bytes).await,
            kind @ DocumentKind::Text { .. } => {
                let (bytes, limits) = (bytes.to_vec(), self.limits.clone());
                let decoded = spawn_blocking(move || extract(kind, bytes, &limits)).await;
                decoded.map_err(|_| DocumentError::Failed)?
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Says what it is told to, and counts how often it is asked.
    struct Parser {
        asked: AtomicUsize,
        answer: Mutex<Result<String, DocumentError>>,
    }

    #[async_trait]
    impl DocumentReader for Parser {
        async fn text(&self, media_type: &str, _bytes: &[u8]) -> Result<String, DocumentError> {
            assert_eq!(media_type, "application/pdf");
            self.asked.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            self.answer.lock().unwrap().clone()
        }
    }

    fn reader(answer: Result<&str, DocumentError>) -> (Arc<Parser>, Documents) {
        let parser =
            Arc::new(Parser { asked: AtomicUsize::new(0), answer: Mutex::new(answer.map(str::to_owned)) });
        let limits = DocumentLimits { bytes_max: 100, characters_max: 20, ..DocumentLimits::default() };
        (parser.clone(), Documents::new(limits, parser))
    }

    #[tokio::test]
    async fn the_second_turn_of_a_conversation_does_not_parse_again() {
        let (parser, documents) = reader(Ok("hello"));
        for name in ["application/pdf", "application/octet-stream", "application/pdf"] {
            assert_eq!(documents.text(name, b"%PDF-1.7 a").await.unwrap(), "hello");
        }
        assert_eq!(parser.asked.load(Ordering::Relaxed), 1);
        documents.text("application/pdf", b"%PDF-1.7 b").await.unwrap();
        assert_eq!(parser.asked.load(Ordering::Relaxed), 2, "another document");
    }

    #[tokio::test]
    async fn one_document_in_two_requests_is_parsed_once() {
        let (parser, documents) = reader(Ok("hello"));
        let (one, other) = tokio::join!(
            documents.text("application/pdf", b"%PDF"),
            documents.text("application/pdf", b"%PDF")
        );
        assert_eq!((one.unwrap(), other.unwrap()), ("hello".to_owned(), "hello".to_owned()));
        assert_eq!(parser.asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_document_that_cannot_be_read_is_not_tried_again_but_a_busy_reader_is() {
        let (parser, documents) = reader(Err(DocumentError::Busy));
        assert_eq!(documents.text("application/pdf", b"%PDF").await, Err(DocumentError::Busy));
        *parser.answer.lock().unwrap() = Err(DocumentError::TooHard);
        for _ in 0..3 {
            assert_eq!(documents.text("application/pdf", b"%PDF").await, Err(DocumentError::TooHard));
        }
        assert_eq!(parser.asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn text_needs_no_parser_and_has_the_same_limits() {
        let (parser, documents) = reader(Ok("never"));
        assert_eq!(documents.text("text/markdown", "# 你好".as_bytes()).await.unwrap(), "# 你好");
        assert_eq!(documents.text("text/plain", b" \n ").await, Err(DocumentError::NoText));
        assert_eq!(
            documents.text("text/plain", &[b'a'; 21]).await.unwrap_err().to_string(),
            "the document has more than 20 characters"
        );
        assert_eq!(
            documents.text("text/plain", &[b'a'; 101]).await.unwrap_err().to_string(),
            "the document has 101 bytes, more than 100"
        );
        assert_eq!(
            documents.text("text/plain", "二十个字".repeat(5).as_bytes()).await.unwrap().chars().count(),
            20
        );
        assert_eq!(parser.asked.load(Ordering::Relaxed), 0);
    }
}
