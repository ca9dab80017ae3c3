//! Reads what a GLM model writes, token by token, into reasoning, content and tool calls.
//!
//! ```text
//! output    := [reasoning] content { tool_call [text] }
//! reasoning := ["<think>"] text "</think>"
//! tool_call := "<tool_call>" name { "<arg_key>" key "</arg_key>" "<arg_value>" value "</arg_value>" } "</tool_call>"
//! ```
//!
//! However the output is cut into pieces, the joined result is the same. The time taken is linear in the
//! output, and only what may still turn out to be markup, or must be judged whole, is kept: the beginning of
//! a marker, blank text that may stand before a call, a tool's name, a key, and a value that is no string.
//!
//! Models do slip. What can be read in one way only is repaired (a missing closer at the end, JSON in place
//! of tags); what cannot stays text, so nothing a reader should see is lost.

mod call;
mod content;
mod literal;
mod machine;
mod markers;
mod schema;
mod sink;
mod stop;
mod utf8;

pub use stop::{InvalidStopTexts, STOP_TEXT_BYTES_MAX, STOP_TEXTS_MAX, StopTexts};

use crate::{ChatEvent, FinishReason, Tool};
use machine::Machine;
use markers::Scanner;
use sink::Sink;
use utf8::Decoder;

/// How a model's output begins when it thinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// GLM-4.5 and 4.6: the model writes `<think>` itself.
    A,
    /// GLM-4.7 and later: the prompt ends inside `<think>`.
    B,
}

/// How the raw output ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The model wrote one of its stop tokens. A call left open is closed.
    Token,
    /// `max_tokens` were generated. A call left open stays incomplete.
    Length,
    /// The context window was full; otherwise as `Length`.
    Window,
    /// One of the caller's stop texts was met. What was held back came after it and is dropped.
    Text,
}

/// An incremental parser for one answer.
#[derive(Debug)]
pub struct OutputParser {
    decoder: Decoder,
    scanner: Scanner,
    machine: Machine,
}

impl OutputParser {
    /// A parser for an answer to a prompt of `generation` with thinking on or off. The schemas of `tools` say
    /// how arguments are read.
    pub fn new(generation: Generation, thinking: bool, tools: &[Tool]) -> Self {
        Self {
            decoder: Decoder::default(),
            scanner: Scanner::default(),
            machine: Machine::new(generation, thinking, tools),
        }
    }

    /// The same parser for an answer in JSON: once that has begun, markup in it is text. Without this, a string
    /// that mentions `<tool_call>` would be read as a call.
    #[must_use]
    pub fn expecting_json(mut self) -> Self {
        self.machine.expect_json();
        self
    }

    /// Takes the next bytes of output, cut anywhere, and appends what is certain now to `out`.
    ///
    /// Bytes that can never become a character turn into U+FFFD; those that still can are kept for the next
    /// call. Stop tokens are no part of the output.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<ChatEvent>) {
        let Self { decoder, scanner, machine } = self;
        let mut sink = Sink::new(out);
        decoder.decode(bytes, |text| scan(scanner, machine, text, &mut sink));
    }

    /// Ends the answer: releases or drops what was held back, and says why the answer ended.
    ///
    /// Whatever is fed afterwards is ignored.
    pub fn finish(&mut self, stop: Stop, out: &mut Vec<ChatEvent>) -> FinishReason {
        let Self { decoder, scanner, machine } = self;
        let mut sink = Sink::new(out);
        // Half a character at a natural end is an error of the model; where the output was cut, it is
        // only the cut.
        if decoder.finish() && stop == Stop::Token {
            scan(scanner, machine, "\u{FFFD}", &mut sink);
        }
        machine.finish(stop, &scanner.take_held(), &mut sink)
    }

    /// Whether the model still thinks, as far as can be told from what was fed. Before the first visible
    /// character of generation A, where thinking may or may not follow, it counts as thinking.
    pub fn is_reasoning(&self) -> bool {
        self.machine.is_reasoning()
    }

    /// Whether the model is between `<tool_call>` and `</tool_call>`.
    pub fn in_tool_call(&self) -> bool {
        self.machine.in_tool_call()
    }

    /// Whether a `<tool_call>` that comes next begins a call for certain: not in the thinking, where it may be
    /// a mention.
    pub fn may_begin_call(&self) -> bool {
        self.machine.may_begin_call()
    }

    /// Whether whatever comes is ignored: after a tool's result that the model invents.
    pub fn is_over(&self) -> bool {
        self.machine.is_over()
    }

    /// How many calls are complete.
    pub fn calls(&self) -> usize {
        self.machine.calls()
    }
}

fn scan(scanner: &mut Scanner, machine: &mut Machine, mut text: &str, sink: &mut Sink<'_>) {
    while let Some(piece) = scanner.next(&mut text, machine.legal()) {
        machine.take(piece, sink);
    }
}
