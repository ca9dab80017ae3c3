//! Content blocks as the parts that models take.

use inference::Part;

use super::block::{Block, BlockBody, Content, Source, SourceBody, text_of};

const UNREADABLE_IMAGE: &str = "[image: it can only be read as base64 or from an address]";
const UNREADABLE_DOCUMENT: &str = "[document: it can only be read as base64, as text or from an address]";

/// Parts in order. Texts that follow one another are one part, with a line end between them.
#[derive(Debug, Default)]
pub(super) struct Parts(Vec<Part>);

impl Parts {
    /// Appends a text, unless it is empty.
    pub fn push_text(&mut self, text: String) {
        match self.0.last_mut() {
            _ if text.is_empty() => {}
            Some(Part::Text { text: last }) => join(last, &text, "\n"),
            _ => self.0.push(Part::Text { text }),
        }
    }

    /// Appends what a block shows. Blocks that have no place in front of a model are dropped.
    pub fn push_block(&mut self, block: Block) {
        let (kind, body) = block.into_parts();
        self.push(&kind, body);
    }

    /// The same for a block that has been opened.
    pub fn push(&mut self, kind: &str, body: BlockBody) {
        match kind {
            "text" => self.push_text(text_of(body.text).unwrap_or_default()),
            "image" => self.push_image(body.source),
            "document" => self.push_document(body),
            "search_result" => self.push_search_result(body),
            "tool_reference" => {
                if let Some(name) = text_of(body.tool_name) {
                    self.push_text(format!("Tool {name} is now available."));
                }
            }
            _ => {}
        }
    }

    /// Appends all of a content.
    pub fn push_content(&mut self, content: Option<Content>) {
        for block in content.map(Content::into_blocks).unwrap_or_default() {
            self.push_block(block);
        }
    }

    /// Appends `other`.
    pub fn append(&mut self, other: Self) {
        for part in other.0 {
            match part {
                Part::Text { text } => self.push_text(text),
                media => self.0.push(media),
            }
        }
    }

    /// Puts `text` before everything.
    pub fn prefix(&mut self, text: &str) {
        match self.0.first_mut() {
            Some(Part::Text { text: first }) => first.insert_str(0, text),
            _ => self.0.insert(0, Part::text(text)),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn into_vec(self) -> Vec<Part> {
        self.0
    }

    fn push_image(&mut self, source: Option<Source>) {
        match source.and_then(address) {
            Some(url) => self.0.push(Part::Image { url }),
            None => self.push_text(UNREADABLE_IMAGE.to_owned()),
        }
    }

    fn push_document(&mut self, body: BlockBody) {
        self.push_lines([text_of(body.title), text_of(body.context)]);
        match body.source {
            Some(Source::Object(source)) if source.is_plain_text() => {
                self.push_text(text_of(source.data).unwrap_or_default());
            }
            Some(Source::Object(source)) if source.content.is_some() => self.push_content(source.content),
            source => match source.and_then(address) {
                Some(url) => self.0.push(Part::File { url }),
                None => self.push_text(UNREADABLE_DOCUMENT.to_owned()),
            },
        }
    }

    fn push_search_result(&mut self, body: BlockBody) {
        let source = match body.source {
            Some(Source::Address(address)) => Some(address),
            _ => None,
        };
        self.push_lines([text_of(body.title), source]);
        self.push_content(body.content);
    }

    /// What stands above a text and says what it is.
    fn push_lines(&mut self, heading: [Option<String>; 2]) {
        for line in heading.into_iter().flatten() {
            self.push_text(line);
        }
    }
}

/// Appends `text` to `joined`, with `between` if there is something before it.
pub(super) fn join(joined: &mut String, text: &str, between: &str) {
    if !joined.is_empty() && !text.is_empty() {
        joined.push_str(between);
    }
    joined.push_str(text);
}

/// The address of a picture or document, or a data URI of what it is.
fn address(source: Source) -> Option<String> {
    let Source::Object(source) = source else { return None };
    let SourceBody { media_type, data, url, .. } = *source;
    let data = text_of(data).filter(|data| !data.is_empty());
    match (data, text_of(media_type)) {
        (Some(data), Some(media_type)) => Some(format!("data:{media_type};base64,{data}")),
        (Some(data), None) => Some(data),
        (None, _) => text_of(url),
    }
}
