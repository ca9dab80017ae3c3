//! Instructions: the field `system`, and messages of that role (`anthropic-api.md` §6).

use super::block::{Content, text_of};
use super::parts::join;

/// Begins the first block that Claude Code sends. It differs with the first prompt, and would keep the prompts of any
/// two conversations from sharing a prefix in the cache.
const BILLING: &str = "x-anthropic-billing-header:";
/// The most of it that is kept.
const BILLING_BYTES_MAX: usize = 1024;

/// The field `system`, taken apart.
#[derive(Debug, Default)]
pub(super) struct System {
    /// The instructions; empty if there are none.
    pub text: String,
    /// The line that says which tool is asking, without which the model sees the rest.
    pub billing_block: Option<String>,
}

/// Reads the field `system`. Its blocks are joined with an empty line between them.
pub(super) fn into_system(content: Option<Content>) -> System {
    let mut system = System::default();
    for (place, mut text) in texts(content).enumerate() {
        if place == 0 && text.starts_with(BILLING) {
            let end = text.find('\n').unwrap_or(text.len());
            system.billing_block =
                Some(text[..text.floor_char_boundary(end.min(BILLING_BYTES_MAX))].to_owned());
            text = text[end..].trim_start().to_owned();
        }
        join(&mut system.text, &text, "\n\n");
    }
    system
}

/// The text of a message of the role `system`.
pub(super) fn message_text(content: Option<Content>) -> String {
    let mut joined = String::new();
    for text in texts(content) {
        join(&mut joined, &text, "\n");
    }
    joined
}

fn texts(content: Option<Content>) -> impl Iterator<Item = String> {
    let blocks = content.map(Content::into_blocks).unwrap_or_default();
    blocks.into_iter().filter_map(|block| match block.into_parts() {
        (kind, body) if kind == "text" => text_of(body.text),
        _ => None,
    })
}
