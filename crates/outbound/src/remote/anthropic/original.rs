//! A client's own body, on its way to a host of the client's dialect.
//!
//! It goes out as it came: cache marks, signatures, server tools and all that has no word in between. Replaced is
//! only what is ours to say, and what the host would refuse or should not see.

use std::borrow::Cow;

use inference::EngineError;
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};

use super::body::{to_json, unwritable};
use super::options::{ThinkingBody, fitting_budget};
use super::raw_object::RawObject;
use crate::remote::chunk::Text;
use crate::remote::config::RemoteConfig;

/// How the block begins in which Claude Code tells its version. It differs from conversation to conversation, and so
/// no two would share a cached prompt (`anthropic-api.md` §6).
const BILLING_HEAD: &str = "x-anthropic-billing-header:";
/// A signature shorter than this is no host's: ours and other servers' are short words, Anthropic's hundreds of
/// characters.
const SIGNATURE_BYTES_MIN: usize = 64;
/// What counts for the prompt.
const OF_PROMPT: [&str; 9] = [
    "model",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "context_management",
    "mcp_servers",
];

/// The body of `POST messages`: streamed, of the host's model, and of `max_tokens` at most.
pub(super) fn chat(config: &RemoteConfig, body: &[u8], max_tokens: u32) -> Result<Vec<u8>, EngineError> {
    let mut body = read(body)?;
    let asked: u32 = body.get("max_tokens").unwrap_or(u32::MAX);
    let max_tokens = asked.min(max_tokens);
    for_host(config, &mut body).map_err(|error| unwritable(&error))?;
    set_limits(&mut body, max_tokens).map_err(|error| unwritable(&error))?;
    to_json(&body)
}

/// The body of `POST messages/count_tokens`, which takes nothing that does not count.
pub(super) fn prompt_only(config: &RemoteConfig, body: &[u8]) -> Result<Vec<u8>, EngineError> {
    let mut body = read(body)?;
    body.retain(|name| OF_PROMPT.contains(&name));
    for_host(config, &mut body).map_err(|error| unwritable(&error))?;
    to_json(&body)
}

fn read(body: &[u8]) -> Result<RawObject<'_>, EngineError> {
    serde_json::from_slice(body).map_err(|error| EngineError::Failed {
        reason: format!("the client's body cannot be read again: {error}"),
    })
}

fn for_host(config: &RemoteConfig, body: &mut RawObject<'_>) -> serde_json::Result<()> {
    body.set("model", &config.model)?;
    drop_billing_block(body)?;
    if config.is_strict() {
        drop_foreign_thinking(body)?;
    }
    Ok(())
}

/// Sets how much may be said. A budget for thinking that no longer fits is lowered with it.
fn set_limits(body: &mut RawObject<'_>, max_tokens: u32) -> serde_json::Result<()> {
    #[derive(Deserialize)]
    struct Thinking<'a> {
        #[serde(borrow, rename = "type")]
        kind: Text<'a>,
        budget_tokens: u32,
    }
    body.set("max_tokens", &max_tokens)?;
    body.set("stream", &true)?;
    let budget = body.get::<Thinking<'_>>("thinking").filter(|thinking| thinking.kind.0 == "enabled");
    match budget {
        Some(Thinking { budget_tokens, .. }) if budget_tokens >= max_tokens => {
            let thinking = match fitting_budget(budget_tokens, max_tokens) {
                Some(budget_tokens) => ThinkingBody::Enabled { budget_tokens },
                None => ThinkingBody::Disabled,
            };
            body.set("thinking", &thinking)
        }
        _ => Ok(()),
    }
}

fn drop_billing_block(body: &mut RawObject<'_>) -> serde_json::Result<()> {
    #[derive(Deserialize)]
    struct TextBlock<'a> {
        #[serde(borrow)]
        text: Text<'a>,
    }
    let Some(blocks) = body.get::<Vec<&RawValue>>("system") else { return Ok(()) };
    let Some((first, rest)) = blocks.split_first() else { return Ok(()) };
    let is_billing = serde_json::from_str::<TextBlock<'_>>(first.get()).is_ok_and(|block| {
        let line = block.text.0.trim();
        line.starts_with(BILLING_HEAD) && !line.contains('\n')
    });
    if !is_billing {
        return Ok(());
    }
    if rest.is_empty() {
        body.retain(|name| name != "system");
        return Ok(());
    }
    let rest = to_raw_value(rest)?;
    body.set("system", &rest)
}

/// A host that checks signatures refuses the whole conversation for one thought that was not its own, as when an
/// earlier turn was answered by another engine.
fn drop_foreign_thinking(body: &mut RawObject<'_>) -> serde_json::Result<()> {
    let Some(messages) = body.get::<Vec<&RawValue>>("messages") else { return Ok(()) };
    let mut kept = Vec::with_capacity(messages.len());
    let mut is_changed = false;
    for message in messages {
        match without_foreign_thinking(message)? {
            Thoughts::AllTheirs => kept.push(Cow::Borrowed(message)),
            Thoughts::Dropped(rest) => {
                is_changed = true;
                kept.extend(rest.map(Cow::Owned));
            }
        }
    }
    if !is_changed {
        return Ok(());
    }
    let kept = to_raw_value(&kept)?;
    body.set("messages", &kept)
}

/// The thinking in a message.
enum Thoughts {
    /// There is none but the host's own.
    AllTheirs,
    /// What is left of the message without the others', if anything is.
    Dropped(Option<Box<RawValue>>),
}

fn without_foreign_thinking(message: &RawValue) -> serde_json::Result<Thoughts> {
    let Ok(mut message) = serde_json::from_str::<RawObject<'_>>(message.get()) else {
        return Ok(Thoughts::AllTheirs);
    };
    let Some(blocks) = message.get::<Vec<&RawValue>>("content") else { return Ok(Thoughts::AllTheirs) };
    let kept: Vec<&RawValue> = blocks.iter().copied().filter(|block| !is_foreign_thought(block)).collect();
    if kept.len() == blocks.len() {
        return Ok(Thoughts::AllTheirs);
    }
    if kept.is_empty() {
        return Ok(Thoughts::Dropped(None));
    }
    let kept = to_raw_value(&kept)?;
    message.set("content", &kept)?;
    to_raw_value(&message).map(|message| Thoughts::Dropped(Some(message)))
}

fn is_foreign_thought(block: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct Thought<'a> {
        #[serde(borrow, rename = "type")]
        kind: Text<'a>,
        #[serde(borrow, default)]
        signature: Option<Text<'a>>,
    }
    serde_json::from_str::<Thought<'_>>(block.get()).is_ok_and(|block| {
        let is_signed = block.signature.is_some_and(|signature| signature.0.len() >= SIGNATURE_BYTES_MIN);
        block.kind.0 == "thinking" && !is_signed
    })
}

#[cfg(test)]
mod tests;
