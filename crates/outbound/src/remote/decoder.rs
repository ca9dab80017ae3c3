//! Turns the bytes of one answer into events. Knows nothing of sockets or time.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use inference::parser::Generation;
use inference::{ChatEvent, ChatRequest, EngineError, FinishReason, TokenLogprob, TopLogprob};
use vocab::{Tokens, Usage};

use super::chunk::{Choice, Chunk, Delta, LogprobEntry, LogprobList, Text, ToolDelta, UsageFigures};
use super::meter::{Meter, estimate_prompt};
use super::raw_output::RawOutput;
use super::refusal::Refusals;
use super::sse::{SseReader, TooLong};
use super::tool_calls::ToolCalls;

/// One event, or a whole answer that was not streamed, may have this many bytes.
const EVENT_BYTES_MAX: usize = 8 << 20;

/// The state of one answer.
pub(super) struct Decoder {
    framing: Framing,
    output: Output,
    meter: Meter,
    refusals: Arc<Refusals>,
    prompt_estimate: Tokens,
    finish_reason: Option<FinishReason>,
    /// Ready to be handed out.
    queue: VecDeque<ChatEvent>,
    /// What the event at hand yields; kept to save allocations.
    fresh: Vec<ChatEvent>,
    is_started: bool,
    has_output: bool,
    is_done: bool,
    usage_told: Usage,
}

/// How the body is cut, which its first byte tells more surely than its content type.
enum Framing {
    Unknown,
    Events(SseReader),
    Whole(BytesMut),
}

enum Output {
    /// The host takes the model's text apart.
    Parsed(ToolCalls),
    /// We do.
    Raw(Box<RawOutput>),
}

impl Decoder {
    pub fn new(request: &ChatRequest, raw_text: Option<Generation>, refusals: Arc<Refusals>) -> Self {
        let prompt_estimate = estimate_prompt(request);
        let output = match raw_text {
            Some(generation) => Output::Raw(Box::new(RawOutput::new(request, generation))),
            None => Output::Parsed(ToolCalls::default()),
        };
        Self {
            framing: Framing::Unknown,
            output,
            meter: Meter::new(prompt_estimate),
            refusals,
            prompt_estimate,
            finish_reason: None,
            queue: VecDeque::new(),
            fresh: Vec::new(),
            is_started: false,
            has_output: false,
            is_done: false,
            usage_told: Usage::default(),
        }
    }

    /// Takes the next piece of the body.
    pub fn push(&mut self, mut piece: Bytes) -> Result<(), EngineError> {
        if matches!(self.framing, Framing::Unknown) {
            let blank = piece.len() - piece.trim_ascii_start().len();
            let _ = piece.split_to(blank);
            self.framing = match piece.first() {
                None => return Ok(()),
                Some(b'{' | b'[') => Framing::Whole(BytesMut::new()),
                Some(b'<') => return Err(failed("the host sent a web page; is `base_url` right?")),
                Some(_) => Framing::Events(SseReader::new(EVENT_BYTES_MAX)),
            };
        }
        match &mut self.framing {
            Framing::Unknown => Ok(()),
            Framing::Whole(body) => {
                if body.len() + piece.len() > EVENT_BYTES_MAX {
                    return Err(too_long(TooLong));
                }
                body.extend_from_slice(&piece);
                Ok(())
            }
            Framing::Events(reader) => {
                reader.push(piece);
                while let Some(data) = self.next_event()? {
                    self.take(&data)?;
                    if self.is_done {
                        break;
                    }
                }
                Ok(())
            }
        }
    }

    /// The body has ended, by itself or because of `cause`.
    pub fn end(&mut self, cause: Option<String>) -> Result<(), EngineError> {
        if self.is_done {
            return Ok(());
        }
        let rest = match &mut self.framing {
            Framing::Unknown => None,
            Framing::Whole(body) => Some(body.split().freeze()),
            Framing::Events(reader) if cause.is_none() => reader.finish().map_err(too_long)?,
            Framing::Events(_) => None,
        };
        if let Some(rest) = rest.filter(|_| cause.is_none()) {
            self.take(&rest)?;
        }
        if self.is_done {
            return Ok(());
        }
        let is_whole_answer = matches!(self.framing, Framing::Whole(_)) && self.has_output;
        if self.finish_reason.is_some() || (cause.is_none() && is_whole_answer) {
            return self.finish();
        }
        if matches!(self.framing, Framing::Unknown) && cause.is_none() {
            return Err(self.refusals.read_silence(self.prompt_estimate));
        }
        Err(failed(&match cause {
            Some(cause) => format!("the connection broke in the middle of the answer: {cause}"),
            None => "the host closed the connection before the end of the answer".to_owned(),
        }))
    }

    /// The next event that is ready.
    pub fn pop(&mut self) -> Option<ChatEvent> {
        self.queue.pop_front()
    }

    /// Whether anything came that a caller would see, or the answer's end.
    pub fn has_output(&self) -> bool {
        self.has_output || self.is_finishing()
    }

    /// Whether the host said why the answer ended, so that only figures may follow.
    pub fn is_finishing(&self) -> bool {
        self.finish_reason.is_some() || self.is_done
    }

    /// Whether the answer is complete.
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    fn next_event(&mut self) -> Result<Option<Bytes>, EngineError> {
        match &mut self.framing {
            Framing::Events(reader) => reader.next().map_err(too_long),
            Framing::Unknown | Framing::Whole(_) => Ok(None),
        }
    }

    fn take(&mut self, data: &[u8]) -> Result<(), EngineError> {
        let data = data.trim_ascii();
        if data.is_empty() {
            return Ok(());
        }
        if data == b"[DONE]" {
            return self.finish();
        }
        let chunk: Chunk<'_> = serde_json::from_slice(data)
            .map_err(|error| failed(&format!("the host sent an event that cannot be read: {error}")))?;
        if chunk.is_error() {
            return Err(self.refusals.read_event(data, self.prompt_estimate));
        }

        for choice in chunk.choices.into_iter().flatten() {
            // We never ask for more than one answer.
            if choice.index.unwrap_or(0) == 0 {
                self.take_choice(choice)?;
            }
        }
        self.tell(chunk.usage.as_ref());
        Ok(())
    }

    fn take_choice(&mut self, choice: Choice<'_>) -> Result<(), EngineError> {
        if let Some(delta) = choice.delta.or(choice.message) {
            self.take_delta(delta)?;
        }
        if let Some(logprobs) = choice.logprobs {
            let list: LogprobList<'_> = serde_json::from_str(logprobs.get())
                .map_err(|_| failed("the host sent log probabilities that cannot be read"))?;
            let tokens: Vec<_> = list.content.into_iter().flatten().map(token_logprob).collect();
            if !tokens.is_empty() {
                self.fresh.push(ChatEvent::Logprobs(tokens));
            }
        }
        if let Some(reason) = choice.finish_reason.filter(|reason| !reason.0.is_empty()) {
            let reason = finish_reason(&reason.0)?;
            self.finish_reason.get_or_insert(reason);
        }
        Ok(())
    }

    fn take_delta(&mut self, delta: Delta<'_>) -> Result<(), EngineError> {
        let thought = non_empty(delta.reasoning_content).or_else(|| non_empty(delta.reasoning));
        if let Some(thought) = thought {
            self.fresh.push(ChatEvent::Reasoning(thought.0.into_owned()));
        }
        for text in [delta.content, delta.refusal].into_iter().filter_map(non_empty) {
            match &mut self.output {
                Output::Parsed(_) => self.fresh.push(ChatEvent::Content(text.0.into_owned())),
                Output::Raw(raw) => raw.feed(&text.0, &mut self.fresh),
            }
        }
        let legacy = delta
            .function_call
            .map(|function| ToolDelta { function: Some(function), ..ToolDelta::default() });
        for call in delta.tool_calls.iter().flatten().chain(&legacy) {
            match &mut self.output {
                Output::Parsed(calls) => calls.take(call, &mut self.fresh)?,
                Output::Raw(_) => {
                    return Err(failed("the host takes tool calls apart itself; `raw_text` must not be set"));
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), EngineError> {
        let reason = self.finish_reason.unwrap_or(FinishReason::Stop);
        let reason = match &mut self.output {
            Output::Parsed(calls) => {
                let is_natural = matches!(reason, FinishReason::Stop | FinishReason::ToolCalls);
                calls.finish(is_natural, &mut self.fresh)?;
                match reason {
                    // Hosts are careless about which of the two they say.
                    FinishReason::Stop | FinishReason::ToolCalls if calls.is_empty() => FinishReason::Stop,
                    FinishReason::Stop | FinishReason::ToolCalls => FinishReason::ToolCalls,
                    cut => cut,
                }
            }
            Output::Raw(raw) => raw.finish(reason, &mut self.fresh),
        };
        self.tell(None);
        self.is_done = true;
        self.queue.push_back(ChatEvent::Finished { reason, usage: self.meter.usage_final() });
        Ok(())
    }

    /// Queues what is fresh. The figures go first, so that a caller who leaves after a piece of output is
    /// charged for that piece and not for one less.
    fn tell(&mut self, figures: Option<&UsageFigures>) {
        for event in &self.fresh {
            self.meter.count(event);
        }
        if let Some(figures) = figures {
            self.meter.learn(figures);
        }
        let has_fresh = !self.fresh.is_empty();
        if !self.is_started && (has_fresh || self.meter.host_prompt().is_some()) {
            self.is_started = true;
            let (prompt, cached) = self.meter.host_prompt().unwrap_or((self.prompt_estimate, Tokens::ZERO));
            self.queue.push_back(ChatEvent::Started { prompt, cached });
        }
        let usage = self.meter.usage();
        if self.meter.has_output() && usage != self.usage_told {
            self.usage_told = usage;
            self.queue.push_back(ChatEvent::Usage(usage));
        }
        self.has_output |= has_fresh;
        self.queue.extend(self.fresh.drain(..));
    }
}

fn non_empty(text: Option<Text<'_>>) -> Option<Text<'_>> {
    text.filter(|text| !text.0.is_empty())
}

/// Reads the many words for why an answer ended (`http-api.md` §2.5).
fn finish_reason(word: &str) -> Result<FinishReason, EngineError> {
    Ok(match word {
        "tool_calls" | "function_call" | "tool_use" => FinishReason::ToolCalls,
        "length" | "max_tokens" => FinishReason::Length,
        "model_context_window_exceeded" => FinishReason::ModelContextWindowExceeded,
        "sensitive" | "content_filter" | "safety" => FinishReason::Sensitive,
        "network_error" | "error" | "abort" => {
            return Err(failed(&format!("the host ended the answer with `{word}`")));
        }
        // `stop`, `eos`, `eos_token`, `end_turn`, `stop_sequence` and what others may call it.
        _ => FinishReason::Stop,
    })
}

fn token_logprob(entry: LogprobEntry<'_>) -> TokenLogprob {
    let top = entry.top_logprobs.into_iter().flatten().map(|other| TopLogprob {
        bytes: other.bytes.unwrap_or_else(|| other.token.0.as_bytes().to_vec()),
        logprob: other.logprob.unwrap_or(f32::MIN),
        token: other.token.0.into_owned(),
    });
    TokenLogprob {
        top: top.collect(),
        bytes: entry.bytes.unwrap_or_else(|| entry.token.0.as_bytes().to_vec()),
        logprob: entry.logprob.unwrap_or(f32::MIN),
        token: entry.token.0.into_owned(),
    }
}

fn too_long(_: TooLong) -> EngineError {
    failed("the host sent an event of more than 8 MiB")
}

fn failed(reason: &str) -> EngineError {
    EngineError::Failed { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests;
