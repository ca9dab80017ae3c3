//! Puts the pieces of an answer into blocks, one after another (`anthropic-api.md` §13, rules 1 to 3).

use std::collections::VecDeque;
use std::mem;

use inference::{ChatEvent, FinishReason};

use super::stop_reason::Calls;
use super::tool_input;

/// What a thinking block is signed with when no host did: clients send back what they got, and nobody checks it.
const SIGNATURE: &str = "YXo=";

/// Where blocks go. Of the blocks it is told about only the last is open.
pub(super) trait BlockSink {
    /// A block begins, empty.
    fn open(&mut self, index: u32, block: Opening<'_>);
    /// The open block goes on.
    fn piece(&mut self, index: u32, piece: Piece<'_>);
    /// The open block is complete.
    fn close(&mut self, index: u32);
    /// The open block, a tool call, will never be complete. Says whether it could be taken back.
    fn cut_off(&mut self, index: u32) -> bool;
}

/// The beginning of a block.
#[derive(Clone, Copy, Debug)]
pub(super) enum Opening<'a> {
    Thinking,
    Text,
    ToolUse { id: &'a str, name: &'a str },
}

/// A part of a block.
#[derive(Clone, Copy, Debug)]
pub(super) enum Piece<'a> {
    Thinking(&'a str),
    Signature(&'a str),
    Text(&'a str),
    Input(&'a str),
}

/// The order of the blocks of one answer.
///
/// Text is passed on as it comes, and so are the arguments of a tool call once they have begun as an object: engines
/// promise that the pieces join to one. What comes while a call is open waits until it is complete.
#[derive(Debug, Default)]
pub(super) struct BlockSequence {
    open: Option<Kind>,
    blocks: u32,
    /// White space that belongs to the answer only if a word follows: before a tool call it is left out.
    blank: String,
    blank_kind: Kind,
    signature: String,
    /// The call that speaks or waits to, and what came after it began.
    queue: VecDeque<Queued>,
    calls: Calls,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    Thinking,
    #[default]
    Text,
    ToolUse,
}

#[derive(Debug)]
enum Queued {
    Words(Kind, String),
    Call(Call),
}

#[derive(Debug)]
struct Call {
    index: u32,
    id: String,
    name: String,
    /// What has not been passed on.
    arguments: String,
    is_speaking: bool,
    is_finished: bool,
}

impl BlockSequence {
    /// Passes on what `event` adds to the blocks.
    pub fn take(&mut self, event: &ChatEvent, sink: &mut impl BlockSink) {
        match event {
            ChatEvent::Reasoning(text) => self.words(Kind::Thinking, text, sink),
            ChatEvent::Content(text) => self.words(Kind::Text, text, sink),
            ChatEvent::Signature(signature) => self.sign(signature, sink),
            ChatEvent::ToolCallStarted { index, id, name } => self.queue.push_back(Queued::Call(Call {
                index: *index,
                id: id.clone(),
                name: name.clone(),
                arguments: String::new(),
                is_speaking: false,
                is_finished: false,
            })),
            ChatEvent::ToolCallArguments { index, fragment } => self.arguments(*index, fragment, sink),
            ChatEvent::ToolCallFinished { index } => self.finish_call(*index, sink),
            ChatEvent::Started { .. }
            | ChatEvent::Logprobs(_)
            | ChatEvent::Usage(_)
            | ChatEvent::StopMet(_)
            | ChatEvent::Finished { .. } => {}
        }
    }

    /// Passes on what still waits and closes the last block. A call that was never said to be complete is left out:
    /// only an answer that waits for results vouches for it.
    pub fn finish(&mut self, reason: FinishReason, sink: &mut impl BlockSink) -> Calls {
        while let Some(next) = self.queue.pop_front() {
            match next {
                Queued::Words(kind, text) => self.say(kind, &text, sink),
                Queued::Call(call) if call.is_finished || reason == FinishReason::ToolCalls => {
                    self.complete(&call, sink);
                }
                Queued::Call(call) if call.is_speaking => {
                    self.open = None;
                    if !sink.cut_off(self.blocks - 1) {
                        self.calls = Calls::CutOff;
                    }
                }
                Queued::Call(_) => {}
            }
        }
        self.close(sink);
        self.calls
    }

    fn words(&mut self, kind: Kind, text: &str, sink: &mut impl BlockSink) {
        if self.queue.is_empty() {
            self.say(kind, text, sink);
            return;
        }
        match self.queue.back_mut() {
            Some(Queued::Words(last, words)) if *last == kind => words.push_str(text),
            _ => self.queue.push_back(Queued::Words(kind, text.to_owned())),
        }
    }

    fn say(&mut self, kind: Kind, text: &str, sink: &mut impl BlockSink) {
        if text.is_empty() {
            return;
        }
        // Nothing comes after a signature: further thinking is another block.
        let goes_on = self.open == Some(kind) && self.signature.is_empty();
        if !goes_on {
            if self.blank_kind != kind {
                self.blank.clear();
                self.blank_kind = kind;
            }
            if text.trim().is_empty() {
                self.blank.push_str(text);
                return;
            }
            self.open(kind.opening(), sink);
            let blank = mem::take(&mut self.blank);
            if !blank.is_empty() {
                sink.piece(self.blocks - 1, kind.piece(&blank));
            }
        }
        sink.piece(self.blocks - 1, kind.piece(text));
    }

    fn sign(&mut self, signature: &str, sink: &mut impl BlockSink) {
        if signature.is_empty() || !self.queue.is_empty() {
            return;
        }
        // A host that keeps its thinking to itself signs an empty block.
        if self.open != Some(Kind::Thinking) {
            self.open(Opening::Thinking, sink);
            if self.blank_kind == Kind::Thinking && !self.blank.is_empty() {
                sink.piece(self.blocks - 1, Piece::Thinking(&mem::take(&mut self.blank)));
            }
        }
        self.signature.push_str(signature);
    }

    fn arguments(&mut self, index: u32, fragment: &str, sink: &mut impl BlockSink) {
        let Some((place, call)) = find(&mut self.queue, index) else { return };
        if call.is_speaking {
            if !fragment.is_empty() {
                sink.piece(self.blocks - 1, Piece::Input(fragment));
            }
            return;
        }
        call.arguments.push_str(fragment);
        if place == 0 {
            self.let_first_speak(sink);
        }
    }

    fn finish_call(&mut self, index: u32, sink: &mut impl BlockSink) {
        let Some((place, call)) = find(&mut self.queue, index) else { return };
        call.is_finished = true;
        if place == 0 {
            self.advance(sink);
        }
    }

    /// Passes on everything up to the first call that is not complete.
    fn advance(&mut self, sink: &mut impl BlockSink) {
        loop {
            match self.queue.pop_front() {
                Some(Queued::Words(kind, text)) => self.say(kind, &text, sink),
                Some(Queued::Call(call)) if call.is_finished => self.complete(&call, sink),
                Some(unfinished) => {
                    self.queue.push_front(unfinished);
                    self.let_first_speak(sink);
                    return;
                }
                None => return,
            }
        }
    }

    /// Lets the first call of the queue pass its arguments on as they come, if they have begun as an object.
    fn let_first_speak(&mut self, sink: &mut impl BlockSink) {
        let Some(Queued::Call(mut call)) = self.queue.pop_front_if(|first| first.may_speak()) else { return };
        self.open(Opening::ToolUse { id: &call.id, name: &call.name }, sink);
        sink.piece(self.blocks - 1, Piece::Input(call.arguments.trim_start()));
        call.arguments = String::new();
        call.is_speaking = true;
        self.queue.push_front(Queued::Call(call));
    }

    fn complete(&mut self, call: &Call, sink: &mut impl BlockSink) {
        if !call.is_speaking {
            self.open(Opening::ToolUse { id: &call.id, name: &call.name }, sink);
            sink.piece(self.blocks - 1, Piece::Input(tool_input::object(&call.arguments).get()));
        }
        self.close(sink);
        if self.calls == Calls::None {
            self.calls = Calls::Whole;
        }
    }

    fn open(&mut self, block: Opening<'_>, sink: &mut impl BlockSink) {
        self.close(sink);
        sink.open(self.blocks, block);
        self.blocks += 1;
        self.open = Some(match block {
            Opening::Thinking => Kind::Thinking,
            Opening::Text => Kind::Text,
            Opening::ToolUse { .. } => {
                self.blank.clear();
                Kind::ToolUse
            }
        });
    }

    fn close(&mut self, sink: &mut impl BlockSink) {
        let Some(kind) = self.open.take() else { return };
        if kind == Kind::Thinking {
            let signature = mem::take(&mut self.signature);
            let signature = if signature.is_empty() { SIGNATURE } else { &signature };
            sink.piece(self.blocks - 1, Piece::Signature(signature));
        }
        sink.close(self.blocks - 1);
    }
}

impl Queued {
    fn may_speak(&self) -> bool {
        matches!(self, Self::Call(call) if !call.is_speaking && call.arguments.trim_start().starts_with('{'))
    }
}

impl Kind {
    fn opening(self) -> Opening<'static> {
        if self == Self::Thinking { Opening::Thinking } else { Opening::Text }
    }

    fn piece(self, text: &str) -> Piece<'_> {
        if self == Self::Thinking { Piece::Thinking(text) } else { Piece::Text(text) }
    }
}

/// The call of this index that goes on, and its place.
fn find(queue: &mut VecDeque<Queued>, index: u32) -> Option<(usize, &mut Call)> {
    queue.iter_mut().enumerate().find_map(|(place, queued)| match queued {
        Queued::Call(call) if call.index == index && !call.is_finished => Some((place, call)),
        _ => None,
    })
}
