//! Reads answers in Anthropic's dialect: the events of one message, or a message that came whole.

use std::borrow::Cow;

use inference::{ChatEvent, EngineError, FinishReason};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::event::{Block, BlockDelta, Ending, Event, Figures, Opening, SearchResult};
use crate::remote::chunk::Text;
use crate::remote::chunk_reader::finish_reason;
use crate::remote::decoder::Read;
use crate::remote::telling::Telling;
use crate::remote::tool_calls::{Piece, ToolCalls};

/// The state of one message.
///
/// Tools that the host runs by itself have no events here: what the model says about them is kept, and so is
/// where its searches led.
#[derive(Debug, Default)]
pub(in crate::remote) struct MessageReader {
    calls: ToolCalls,
    /// The index of the `tool_use` block that is open. Server tools stream their input in the same words.
    open_call: Option<u32>,
}

impl MessageReader {
    /// Takes the data of one event in. Events and blocks of unknown types are passed over.
    pub fn take(&mut self, data: &[u8], telling: &mut Telling) -> Result<Read, EngineError> {
        let event: Event<'_> = serde_json::from_slice(data).map_err(|error| unreadable(&error))?;
        // Every event has a type; what has none is somebody's error, in whatever words.
        let kind = event.kind.as_ref().map_or("error", |kind| kind.0.as_ref());
        let mut figures = None;
        match kind {
            "error" => return Ok(Read::Refused),
            "message_start" => {
                let opening: Option<Opening> = event.message.map(read).transpose()?;
                figures = opening.and_then(|opening| opening.usage).map(Figures::of_prompt);
            }
            "content_block_start" => {
                if let Some(block) = event.content_block {
                    self.start(event.index, read(block)?, &mut telling.fresh)?;
                }
            }
            "content_block_delta" => {
                if let Some(delta) = event.delta {
                    self.go_on(event.index, read(delta)?, &mut telling.fresh)?;
                }
            }
            "message_delta" => {
                if let Some(delta) = event.delta {
                    end(read(delta)?, telling)?;
                }
                figures = event.usage.map(Into::into);
            }
            "message_stop" => return Ok(Read::Ended),
            "message" => {
                let blocks: Vec<Block<'_>> = event.content.map(read).transpose()?.unwrap_or_default();
                for (index, block) in (0..).zip(blocks) {
                    self.start(Some(index), block, &mut telling.fresh)?;
                }
                let Event { stop_reason, stop_sequence, usage, .. } = event;
                end(Ending { stop_reason, stop_sequence }, telling)?;
                figures = usage.map(Into::into);
            }
            // `ping`, `content_block_stop`, and what may be invented yet.
            _ => {}
        }
        telling.tell(figures);
        Ok(Read::More)
    }

    /// Ends what is still open, and says why the answer really ended.
    pub fn finish(
        &mut self,
        reason: FinishReason,
        telling: &mut Telling,
    ) -> Result<FinishReason, EngineError> {
        self.calls.finish(reason, &mut telling.fresh)
    }

    fn start(
        &mut self,
        index: Option<u32>,
        block: Block<'_>,
        fresh: &mut Vec<ChatEvent>,
    ) -> Result<(), EngineError> {
        // What is followed by another block was not cut off.
        self.calls.close(true, fresh)?;
        self.open_call = None;
        match block.kind.as_ref().map_or("", |kind| kind.0.as_ref()) {
            "text" => fresh.extend(said(block.text, ChatEvent::Content)),
            "thinking" => {
                fresh.extend(said(block.thinking, ChatEvent::Reasoning));
                fresh.extend(said(block.signature, ChatEvent::Signature));
            }
            "tool_use" => {
                self.open_call = index;
                // A stream begins with `{}` and the real input follows in pieces; an object without members is
                // held back until it is certain.
                let input = block.input.map_or("", RawValue::get);
                let piece = Piece {
                    index,
                    id: block.id.as_ref().and_then(Text::if_any),
                    name: block.name.as_ref().and_then(Text::if_any),
                    arguments: Cow::Borrowed(if is_bare_object(input) { "" } else { input }),
                };
                self.calls.take(&piece, fresh)?;
            }
            "web_search_tool_result" => fresh.extend(block.content.and_then(found).map(ChatEvent::Content)),
            _ => {}
        }
        Ok(())
    }

    fn go_on(
        &mut self,
        index: Option<u32>,
        delta: BlockDelta<'_>,
        fresh: &mut Vec<ChatEvent>,
    ) -> Result<(), EngineError> {
        fresh.extend(said(delta.thinking, ChatEvent::Reasoning));
        fresh.extend(said(delta.signature, ChatEvent::Signature));
        fresh.extend(said(delta.text, ChatEvent::Content));
        match delta.partial_json {
            Some(json) if self.open_call.is_some() && self.open_call == index => {
                self.calls.take(&Piece { index, id: None, name: None, arguments: json.0 }, fresh)
            }
            _ => Ok(()),
        }
    }
}

fn end(ending: Ending<'_>, telling: &mut Telling) -> Result<(), EngineError> {
    if let Some(word) = ending.stop_reason.as_ref().and_then(Text::if_any) {
        let reason = finish_reason(word)?;
        telling.reason.get_or_insert(reason);
        if word == "stop_sequence" {
            telling.stop_met = ending.stop_sequence.map(|text| text.0.into_owned());
        }
    }
    Ok(())
}

fn said(text: Option<Text<'_>>, event: fn(String) -> ChatEvent) -> Option<ChatEvent> {
    text.filter(|text| !text.0.is_empty()).map(|text| event(text.0.into_owned()))
}

fn is_bare_object(json: &str) -> bool {
    let inside = json.strip_prefix('{').and_then(|json| json.strip_suffix('}'));
    inside.is_some_and(|inside| inside.trim().is_empty())
}

/// Where a search of the host's led, a line each; nothing if it failed.
fn found(content: &RawValue) -> Option<String> {
    let results: Vec<SearchResult<'_>> = serde_json::from_str(content.get()).ok()?;
    let lines = results.into_iter().filter_map(|SearchResult { title, url }| {
        let url = url?.0;
        Some(match title {
            Some(title) => format!("- {}: {url}\n", title.0),
            None => format!("- {url}\n"),
        })
    });
    let list: String = lines.collect();
    (!list.is_empty()).then(|| format!("\n{list}\n"))
}

fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, EngineError> {
    serde_json::from_str(raw.get()).map_err(|error| unreadable(&error))
}

fn unreadable(error: &serde_json::Error) -> EngineError {
    EngineError::Failed { reason: format!("the host sent an event that cannot be read: {error}") }
}

#[cfg(test)]
mod tests;
