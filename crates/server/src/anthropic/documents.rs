use std::time::Duration;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use capabilities::documents::{DocumentError, DocumentReader};
use inference::{ChatRequest, Message, Part};
use tokio::time::{Instant, timeout_at};

/// How long the documents of one request may take together. Those that were read for an earlier turn take none.
const READING_MAX: Duration = Duration::from_secs(60);

/// Some clients leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Puts the text of each document in its place, and where it has none, or is only an address, a note that says so. A
/// document comes again with every turn of its conversation, so none is ever a reason to refuse one.
///
/// What the client sent stays beside it: a host that reads documents itself may have them.
pub(super) async fn read(reader: &dyn DocumentReader, request: &mut ChatRequest) {
    let until = Instant::now() + READING_MAX;
    let parts = request.messages.iter_mut().flat_map(|message| match message {
        Message::System { content } | Message::User { content } | Message::Tool { content, .. } => {
            content.as_mut_slice()
        }
        Message::Assistant { .. } => &mut [],
    });
    for part in parts {
        let Part::File { url } = &*part else { continue };
        let text = text_of(reader, url, until).await;
        *part = Part::text(text);
    }
}

async fn text_of(reader: &dyn DocumentReader, url: &str, until: Instant) -> String {
    let Some((media_type, data)) = inline(url) else {
        return note("only its address was sent, and nothing is fetched from there");
    };
    let Ok(bytes) = BASE64.decode(data) else { return note(&DocumentError::Unreadable.to_string()) };
    match timeout_at(until, reader.text(media_type, &bytes)).await {
        Ok(Ok(text)) => text,
        Ok(Err(why)) => note(&why.to_string()),
        Err(_) => note(&DocumentError::TooHard.to_string()),
    }
}

/// The type and the base64 of a data URI.
fn inline(url: &str) -> Option<(&str, &str)> {
    let (about, data) = url.strip_prefix("data:")?.split_once(',')?;
    let media_type = about.strip_suffix(";base64")?;
    Some((media_type.split_once(';').map_or(media_type, |(kind, _)| kind), data))
}

fn note(why: &str) -> String {
    format!("[document left out: {why}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_in_the_request_is_read() {
        assert_eq!(inline("data:application/pdf;base64,AAAA"), Some(("application/pdf", "AAAA")));
        assert_eq!(inline("data:text/html;charset=gbk;base64,AAAA"), Some(("text/html", "AAAA")));
        for elsewhere in ["https://example.com/a.pdf", "data:text/plain,abc", "file:///etc/passwd", ""] {
            assert_eq!(inline(elsewhere), None, "{elsewhere}");
        }
    }
}
