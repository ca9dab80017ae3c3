//! What the server's own tools did in earlier turns, as text that stays with the turn (`anthropic-api.md` §5.2).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use inference::Part;
use serde::Deserialize;

use super::block::{Block, BlockBody, Content, Loose, text_of};
use super::parts::{Parts, join};

/// What a block of an assistant's turn says of a search or a page, if it is such a block.
pub(super) fn as_text(kind: &str, body: BlockBody) -> Option<String> {
    match kind {
        "server_tool_use" => tool_use(&body),
        "web_search_tool_result" => Some(search_results(body.content)),
        "web_fetch_tool_result" => Some(page(body.content)),
        _ => None,
    }
}

fn tool_use(body: &BlockBody) -> Option<String> {
    #[derive(Deserialize)]
    struct Input {
        query: Option<Loose>,
        url: Option<Loose>,
    }

    let input: Input = serde_json::from_str(body.input.as_ref()?.get()).ok()?;
    match (text_of(input.query), text_of(input.url)) {
        (Some(query), _) => Some(format!("Search on the web: {query}")),
        (None, Some(url)) => Some(format!("Page on the web: {url}")),
        (None, None) => None,
    }
}

fn search_results(content: Option<Content>) -> String {
    let Some(Content::Blocks(results)) = content else { return "The search failed.".to_owned() };
    let mut text = "Results of the search:".to_owned();
    for result in results {
        join(&mut text, &search_result(result), "\n\n");
    }
    text
}

fn search_result(result: Block) -> String {
    let (_, body) = result.into_parts();
    let summary = text_of(body.encrypted_content).and_then(|content| opened(&content));
    let mut text = String::new();
    for line in [text_of(body.title), text_of(body.url), summary].into_iter().flatten() {
        join(&mut text, &line, "\n");
    }
    text
}

/// What stands in `encrypted_content`: our own results have their summary there, in base64; what other servers
/// encrypted stays closed.
fn opened(content: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(content).ok()?).ok()
}

fn page(content: Option<Content>) -> String {
    let mut text = String::new();
    if let Some(Content::Object(result)) = content {
        let (_, result) = result.into_parts();
        let mut parts = Parts::default();
        parts.push_content(result.content);
        for part in parts.into_vec() {
            if let Part::Text { text: shown } = part {
                join(&mut text, &shown, "\n");
            }
        }
        if !text.is_empty() {
            let address = text_of(result.url).unwrap_or_default();
            return format!("The page {address}:\n{text}");
        }
    }
    "The page could not be read.".to_owned()
}
