use encoding_rs::Encoding;

use super::DocumentError;

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentKind {
    /// A PDF, which must be parsed.
    Pdf,
    /// Text that a model reads as it is: plain, HTML, Markdown, CSV, JSON, source code.
    Text {
        /// The encoding that its sender says it has.
        charset: Option<&'static Encoding>,
    },
}

/// Text types outside `text/`.
const TEXT_TYPES: &[&str] = &[
    "application/csv",
    "application/graphql",
    "application/javascript",
    "application/json",
    "application/jsonl",
    "application/ld+json",
    "application/sql",
    "application/toml",
    "application/typescript",
    "application/x-httpd-php",
    "application/x-javascript",
    "application/x-jsonlines",
    "application/x-ndjson",
    "application/x-sh",
    "application/x-shellscript",
    "application/x-tex",
    "application/x-yaml",
    "application/xhtml+xml",
    "application/xml",
    "application/yaml",
];

/// What senders write who do not know.
const VAGUE_TYPES: &[&str] = &["", "application/octet-stream", "application/unknown", "binary/octet-stream"];

/// Readers of PDF accept its mark anywhere in so many bytes.
const PDF_MARK_WITHIN: usize = 1024;

/// The longest type that an error repeats.
const SHOWN_MAX: usize = 80;

impl DocumentKind {
    /// The kind of `bytes`, which their sender calls a `media_type`. The bytes have the last word: a PDF is often sent
    /// as something else.
    ///
    /// # Errors
    ///
    /// [`DocumentError::Unsupported`] if it is none of ours.
    pub fn of(media_type: &str, bytes: &[u8]) -> Result<Self, DocumentError> {
        let (name, parameters) = media_type.split_once(';').unwrap_or((media_type, ""));
        let name = name.trim().to_ascii_lowercase();
        let is_vague = VAGUE_TYPES.contains(&name.as_str());

        if bytes.starts_with(b"%PDF-") || matches!(name.as_str(), "application/pdf" | "application/x-pdf") {
            return Ok(Self::Pdf);
        }
        if is_vague && has_pdf_mark(bytes) {
            return Ok(Self::Pdf);
        }
        let is_text = name.starts_with("text/")
            || name.ends_with("+json")
            || name.ends_with("+xml")
            || TEXT_TYPES.contains(&name.as_str());
        if is_text || (is_vague && std::str::from_utf8(bytes).is_ok()) {
            return Ok(Self::Text { charset: charset(parameters) });
        }
        Err(DocumentError::Unsupported { media_type: media_type.chars().take(SHOWN_MAX).collect() })
    }

    /// The media type under which [`DocumentKind::of`] knows it again, whatever its sender called it.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Text { .. } => "text/plain",
        }
    }
}

fn has_pdf_mark(bytes: &[u8]) -> bool {
    bytes[..bytes.len().min(PDF_MARK_WITHIN)].windows(5).any(|window| window == b"%PDF-")
}

fn charset(parameters: &str) -> Option<&'static Encoding> {
    parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let label = value.trim().trim_matches('"');
        name.trim().eq_ignore_ascii_case("charset").then(|| Encoding::for_label(label.as_bytes()))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(media_type: &str, bytes: &[u8]) -> DocumentKind {
        DocumentKind::of(media_type, bytes).unwrap()
    }

    #[test]
    fn a_pdf_is_known_by_its_type_or_by_its_first_bytes() {
        assert_eq!(kind("application/pdf", b"anything"), DocumentKind::Pdf);
        assert_eq!(kind("Application/X-PDF; version=1", b""), DocumentKind::Pdf);
        assert_eq!(kind("text/plain", b"%PDF-1.7 \xff"), DocumentKind::Pdf);
        assert_eq!(kind("application/octet-stream", b"\xef\xbb\xbfjunk %PDF-1.4"), DocumentKind::Pdf);
    }

    #[test]
    fn text_comes_under_many_names() {
        for name in
            ["text/plain", "text/html", "TEXT/Markdown", "text/csv", "application/json", "image/svg+xml", ""]
        {
            assert_eq!(kind(name, b"a"), DocumentKind::Text { charset: None }, "{name}");
        }
    }

    #[test]
    fn the_senders_encoding_counts_where_it_exists() {
        let gbk = Some(encoding_rs::GBK);
        assert_eq!(kind("text/plain; charset=GB2312", b""), DocumentKind::Text { charset: gbk });
        assert_eq!(kind("text/csv; header=x; charset=\"gbk\"", b""), DocumentKind::Text { charset: gbk });
        assert_eq!(kind("text/plain; charset=klingon", b""), DocumentKind::Text { charset: None });
    }

    #[test]
    fn what_nobody_reads_is_named_and_not_in_full() {
        let refused = DocumentKind::of("application/zip", b"PK\x03\x04").unwrap_err();
        assert_eq!(refused.to_string(), "documents of type `application/zip` are not read");
        let refused = DocumentKind::of(&"x".repeat(5000), b"").unwrap_err();
        assert!(refused.to_string().len() < 200);
        assert!(
            DocumentKind::of("application/octet-stream", b"\xff\xfe\xfd").is_err(),
            "not known to be text"
        );
    }
}
