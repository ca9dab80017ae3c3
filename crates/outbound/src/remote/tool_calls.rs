//! Puts the tool calls of a host together, however it cuts them up.
//!
//! Hosts differ in everything: whole calls or pieces, pieces told apart by index, by id or by order, one
//! index for several calls, a name repeated in each piece, arguments as an object or only at the very end.
//! Downstream always sees one call after another: started, arguments, finished.

use std::borrow::Cow;

use inference::{ChatEvent, EngineError, FinishReason, tool_call_id};

use super::arguments::Arguments;

const CALLS_MAX: usize = 1024;
const ARGUMENTS_BYTES_MAX: usize = 16 << 20;

/// The calls of one answer.
#[derive(Debug, Default)]
pub(super) struct ToolCalls {
    calls: Vec<Call>,
    /// Calls before this one are finished; it alone may speak.
    open: usize,
    arguments_bytes: usize,
}

impl ToolCalls {
    /// Takes a piece of a call in.
    pub fn take(&mut self, piece: &Piece<'_>, events: &mut Vec<ChatEvent>) -> Result<(), EngineError> {
        let at = match self.find(piece) {
            Some(at) => at,
            None => self.begin(piece)?,
        };
        self.arguments_bytes += piece.arguments.len();
        if self.arguments_bytes > ARGUMENTS_BYTES_MAX {
            return Err(failed("the host sent more than 16 MiB of tool arguments"));
        }
        let call = &mut self.calls[at];
        if call.name.is_empty() {
            call.name.push_str(piece.name.unwrap_or_default());
        }
        if call.id.is_none() {
            call.id = piece.id.map(str::to_owned);
        }
        call.arguments.push(&piece.arguments);
        self.speak(events)
    }

    /// Ends the calls and tells why the answer ended, because hosts are careless about whether they say that the
    /// model waits for its tools.
    pub fn finish(
        &mut self,
        reason: FinishReason,
        events: &mut Vec<ChatEvent>,
    ) -> Result<FinishReason, EngineError> {
        let is_natural = matches!(reason, FinishReason::Stop | FinishReason::ToolCalls);
        self.close(is_natural, events)?;
        Ok(match reason {
            cut if !is_natural => cut,
            _ if self.calls.is_empty() => FinishReason::Stop,
            _ => FinishReason::ToolCalls,
        })
    }

    /// Ends the calls so far. After a natural end every call is whole; after a cut, an unfinished one stays as it is.
    pub fn close(&mut self, is_natural: bool, events: &mut Vec<ChatEvent>) -> Result<(), EngineError> {
        while self.open < self.calls.len() {
            let is_last = self.open + 1 == self.calls.len();
            let call = &mut self.calls[self.open];
            if call.name.is_empty() {
                if is_natural {
                    return Err(failed("the host called a tool without a name"));
                }
                return Ok(());
            }
            call.start(self.open, events);
            if is_natural || !is_last || call.arguments.is_whole() {
                call.arguments.close();
                call.speak(self.open, events);
                call.finish(self.open, events)?;
            } else {
                call.speak(self.open, events);
            }
            self.open += 1;
        }
        Ok(())
    }

    /// Ends a call that waits with an empty object, because words follow it and so no arguments will.
    pub fn settle(&mut self, events: &mut Vec<ChatEvent>) -> Result<(), EngineError> {
        if let Some(call) = self.calls.get_mut(self.open)
            && call.is_started
            && call.arguments.is_whole()
        {
            call.arguments.close();
            call.speak(self.open, events);
            call.finish(self.open, events)?;
            self.open += 1;
        }
        Ok(())
    }

    fn find(&self, piece: &Piece<'_>) -> Option<usize> {
        if let Some(id) = piece.id {
            let by_id = self.calls.iter().rposition(|call| call.id.as_deref() == Some(id));
            if let Some(at) = by_id {
                // Some hosts give all calls of an answer the same id: another index with a name is another call.
                let is_other_call = piece.name.is_some()
                    && piece.index.is_some()
                    && self.calls[at].index.is_some()
                    && piece.index != self.calls[at].index;
                return if is_other_call { self.by_index(piece.index) } else { Some(at) };
            }
            if piece.name.is_some() {
                // The id of a call that began without one, or else a new call, even under an old index.
                return self.by_index(piece.index).filter(|&at| self.calls[at].awaits_id_of(piece));
            }
        }
        let at = match piece.index {
            Some(_) => self.by_index(piece.index),
            None => self.calls.len().checked_sub(1),
        }?;
        (!self.calls[at].is_followed_by(piece)).then_some(at)
    }

    fn by_index(&self, index: Option<u32>) -> Option<usize> {
        match index {
            Some(_) => self.calls.iter().rposition(|call| call.index == index),
            None => self.calls.len().checked_sub(1),
        }
    }

    fn begin(&mut self, piece: &Piece<'_>) -> Result<usize, EngineError> {
        if self.calls.len() == CALLS_MAX {
            return Err(failed("the host called more than 1024 tools in one answer"));
        }
        let is_taken = |id: &str| self.calls.iter().any(|call| call.id.as_deref() == Some(id));
        let id = piece.id.map(|id| if is_taken(id) { tool_call_id() } else { id.to_owned() });
        self.calls.push(Call { index: piece.index, id, ..Call::default() });
        Ok(self.calls.len() - 1)
    }

    /// Says what can be said in order: the open call first, and the next once that is whole.
    fn speak(&mut self, events: &mut Vec<ChatEvent>) -> Result<(), EngineError> {
        while self.open < self.calls.len() {
            let has_successor = self.open + 1 < self.calls.len();
            let call = &mut self.calls[self.open];
            if call.name.is_empty() {
                return Ok(());
            }
            call.start(self.open, events);
            call.speak(self.open, events);
            if !call.arguments.is_whole() || (call.arguments.is_bare_object() && !has_successor) {
                return Ok(());
            }
            call.arguments.close();
            call.speak(self.open, events);
            call.finish(self.open, events)?;
            self.open += 1;
        }
        Ok(())
    }
}

/// A piece of a call, whatever the dialect. Empty texts are given as none.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    pub index: Option<u32>,
    pub id: Option<&'a str>,
    pub name: Option<&'a str>,
    pub arguments: Cow<'a, str>,
}

#[derive(Debug, Default)]
struct Call {
    /// The host's index, which several calls may share.
    index: Option<u32>,
    id: Option<String>,
    name: String,
    is_started: bool,
    arguments: Arguments,
}

impl Call {
    fn awaits_id_of(&self, piece: &Piece<'_>) -> bool {
        self.id.is_none() && !self.is_started && !self.is_followed_by(piece)
    }

    /// Whether a piece that fits this call by index or order is nevertheless the beginning of another one.
    fn is_followed_by(&self, piece: &Piece<'_>) -> bool {
        let Some(name) = piece.name else { return false };
        if self.name.is_empty() {
            return false;
        }
        // A name repeated in each piece goes with arguments that are still open.
        let brings_whole_call = self.arguments.is_whole() && !piece.arguments.trim().is_empty();
        self.name != name || brings_whole_call
    }

    fn start(&mut self, position: usize, events: &mut Vec<ChatEvent>) {
        if !self.is_started {
            self.is_started = true;
            let id = self.id.get_or_insert_with(tool_call_id).clone();
            events.push(ChatEvent::ToolCallStarted {
                index: event_index(position),
                id,
                name: self.name.clone(),
            });
        }
    }

    fn speak(&mut self, position: usize, events: &mut Vec<ChatEvent>) {
        if let Some(fragment) = self.arguments.take_unsaid() {
            events.push(ChatEvent::ToolCallArguments { index: event_index(position), fragment });
        }
    }

    fn finish(&self, position: usize, events: &mut Vec<ChatEvent>) -> Result<(), EngineError> {
        if !self.arguments.is_object() {
            return Err(failed("the host sent tool arguments that are no JSON object"));
        }
        events.push(ChatEvent::ToolCallFinished { index: event_index(position) });
        Ok(())
    }
}

fn event_index(position: usize) -> u32 {
    // `CALLS_MAX` keeps this far from its limit.
    u32::try_from(position).unwrap_or(u32::MAX)
}

fn failed(reason: &str) -> EngineError {
    EngineError::Failed { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests;
