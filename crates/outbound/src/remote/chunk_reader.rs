//! Reads answers in OpenAI's dialect and Z.ai's: chunks of one completion.

use inference::parser::Generation;
use inference::{ChatEvent, ChatRequest, EngineError, FinishReason, TokenLogprob, TopLogprob};
use serde_json::value::RawValue;

use super::chunk::{Choice, Chunk, Delta, LogprobEntry, LogprobList, Text, ToolDelta};
use super::decoder::Read;
use super::raw_output::RawOutput;
use super::telling::Telling;
use super::tool_calls::ToolCalls;

/// The state of one answer in chunks.
pub(super) struct ChunkReader {
    output: Output,
    /// The caller's stop texts: a host's word for what ended an answer counts if it is one of them.
    stop: Vec<String>,
}

enum Output {
    /// The host takes the model's text apart.
    Parsed(ToolCalls),
    /// We do.
    Raw(Box<RawOutput>),
}

impl ChunkReader {
    pub fn new(request: &ChatRequest, raw_text: Option<Generation>) -> Self {
        let output = match raw_text {
            Some(generation) => Output::Raw(Box::new(RawOutput::new(request, generation))),
            None => Output::Parsed(ToolCalls::default()),
        };
        Self { output, stop: request.stop.clone() }
    }

    /// Takes the data of one event in.
    pub fn take(&mut self, data: &[u8], telling: &mut Telling) -> Result<Read, EngineError> {
        let chunk: Chunk<'_> = serde_json::from_slice(data)
            .map_err(|error| failed(&format!("the host sent an event that cannot be read: {error}")))?;
        if chunk.is_error() {
            return Ok(Read::Refused);
        }
        for choice in chunk.choices.into_iter().flatten() {
            // We never ask for more than one answer.
            if choice.index.unwrap_or(0) == 0 {
                self.take_choice(choice, telling)?;
            }
        }
        self.take_stop(chunk.stopping_word, telling);
        telling.tell(chunk.usage.as_ref().map(Into::into));
        Ok(Read::More)
    }

    /// Ends what is still open, and says why the answer really ended.
    pub fn finish(
        &mut self,
        reason: FinishReason,
        telling: &mut Telling,
    ) -> Result<FinishReason, EngineError> {
        match &mut self.output {
            Output::Parsed(calls) => calls.finish(reason, &mut telling.fresh),
            Output::Raw(raw) => Ok(raw.finish(reason, &mut telling.fresh)),
        }
    }

    fn take_choice(&mut self, choice: Choice<'_>, telling: &mut Telling) -> Result<(), EngineError> {
        if let Some(delta) = choice.delta.or(choice.message) {
            self.take_delta(delta, &mut telling.fresh)?;
        }
        if let Some(logprobs) = choice.logprobs {
            let list: LogprobList<'_> = serde_json::from_str(logprobs.get())
                .map_err(|_| failed("the host sent log probabilities that cannot be read"))?;
            let tokens: Vec<_> = list.content.into_iter().flatten().map(token_logprob).collect();
            if !tokens.is_empty() {
                telling.fresh.push(ChatEvent::Logprobs(tokens));
            }
        }
        for stop in [choice.stop_reason, choice.matched_stop] {
            self.take_stop(stop, telling);
        }
        if let Some(reason) = choice.finish_reason.filter(|reason| !reason.0.is_empty()) {
            let reason = finish_reason(&reason.0)?;
            telling.reason.get_or_insert(reason);
        }
        Ok(())
    }

    /// Hosts tell what ended an answer: the stop text, or the number of a token, which means nothing to a caller.
    fn take_stop(&self, stop: Option<&RawValue>, telling: &mut Telling) {
        if let Some(stop) = stop
            && let Ok(text) = serde_json::from_str::<Text<'_>>(stop.get())
            && self.stop.iter().any(|asked| *asked == text.0)
        {
            telling.stop_met = Some(text.0.into_owned());
        }
    }

    fn take_delta(&mut self, delta: Delta<'_>, fresh: &mut Vec<ChatEvent>) -> Result<(), EngineError> {
        let thought = non_empty(delta.reasoning_content).or_else(|| non_empty(delta.reasoning));
        let words = [non_empty(delta.content), non_empty(delta.refusal)];
        if let Output::Parsed(calls) = &mut self.output
            && (thought.is_some() || words.iter().any(Option::is_some))
        {
            calls.settle(fresh)?;
        }
        if let Some(thought) = thought {
            fresh.push(ChatEvent::Reasoning(thought.0.into_owned()));
        }
        for text in words.into_iter().flatten() {
            match &mut self.output {
                Output::Parsed(_) => fresh.push(ChatEvent::Content(text.0.into_owned())),
                Output::Raw(raw) => raw.feed(&text.0, fresh),
            }
        }
        let legacy = delta
            .function_call
            .map(|function| ToolDelta { function: Some(function), ..ToolDelta::default() });
        for call in delta.tool_calls.iter().flatten().chain(&legacy) {
            match &mut self.output {
                Output::Parsed(calls) => calls.take(&call.piece()?, fresh)?,
                Output::Raw(_) => {
                    return Err(failed("the host takes tool calls apart itself; `raw_text` must not be set"));
                }
            }
        }
        Ok(())
    }
}

fn non_empty(text: Option<Text<'_>>) -> Option<Text<'_>> {
    text.filter(|text| !text.0.is_empty())
}

/// Reads the many words for why an answer ended (`http-api.md` §2.5).
pub(super) fn finish_reason(word: &str) -> Result<FinishReason, EngineError> {
    Ok(match word {
        "tool_calls" | "function_call" | "tool_use" => FinishReason::ToolCalls,
        "length" | "max_tokens" => FinishReason::Length,
        "model_context_window_exceeded" => FinishReason::ModelContextWindowExceeded,
        "sensitive" | "content_filter" | "safety" | "refusal" => FinishReason::Sensitive,
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

fn failed(reason: &str) -> EngineError {
    EngineError::Failed { reason: reason.to_owned() }
}
