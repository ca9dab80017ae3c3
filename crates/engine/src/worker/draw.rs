//! What happens to a slot when all its tokens are read: the next one is drawn, or the answer ends.

use std::sync::atomic::Ordering;

use inference::parser::Stop;
use inference::{ChatEvent, EngineError, FinishReason};
use llama_cpp_2::token::LlamaToken;

use super::Worker;
use crate::logprobs::logprobs;
use crate::memory::id;
use crate::sampler::SampleError;
use crate::slot::Slot;

impl Worker<'_> {
    /// Draws the next token of a slot from row `row` of the scores.
    pub(super) fn draw(&mut self, at: usize, row: i32) {
        let Some(Slot { job, .. }) = &mut self.slots[at] else { return };
        let mut events = Vec::new();
        job.has_started = true;

        let logits = self.memory.context.get_logits_ith(row);
        let token = match job.sampler.sample(logits, job.output.is_thinking(), &mut self.scratch) {
            Ok(token) => token,
            Err(problem) => return self.fail(at, failure(&problem)),
        };
        let mut end = None;
        if self.vocabulary.ends_answer(token) {
            end = Some(Stop::Token);
        } else {
            let may_call = job.output.may_call();
            let mut bytes = Vec::with_capacity(16);
            self.vocabulary.append_piece(token, &mut bytes);
            let is_reasoning = job.output.push(&bytes, &mut events);
            self.counters.output_tokens.fetch_add(1, Ordering::Relaxed);
            if let (Some(top), false) = (job.logprobs, is_reasoning) {
                let bytes_of = |token: usize| {
                    let mut bytes = Vec::new();
                    self.vocabulary.append_piece(LlamaToken(id(token)), &mut bytes);
                    bytes
                };
                let chosen = usize::try_from(token.0).unwrap_or(0);
                events.push(ChatEvent::Logprobs(vec![logprobs(logits, chosen, top, bytes_of)]));
            }
            job.tokens.push(token.0);
            if let Some(stop) = job.output.end() {
                end = Some(stop);
            } else if job.output.generated() >= job.tokens_max {
                end = Some(Stop::Length);
            } else if job.tokens.len() >= self.window {
                end = Some(Stop::Window);
            } else if let Err(problem) = job.sampler.accept(token, may_call) {
                return self.fail(at, failure(&problem));
            }
        }

        match end {
            Some(stop) => self.finish(at, stop, events),
            None => {
                let says_something = !events.is_empty();
                for event in events {
                    job.outbox.send(Ok(event));
                }
                if says_something {
                    let usage = job.output.usage(job.prompt_tokens, job.cached.unwrap_or(0));
                    job.outbox.send(Ok(ChatEvent::Usage(usage)));
                }
            }
        }
    }

    /// Ends an answer. Its slot is free at once; what its reader has no room for waits elsewhere.
    pub(super) fn finish(&mut self, at: usize, stop: Stop, mut events: Vec<ChatEvent>) {
        let Some(mut job) = self.vacate(at) else { return };
        let mut reason = job.output.finish(stop, &mut events);
        if stop == Stop::Window && reason == FinishReason::Length {
            reason = FinishReason::ModelContextWindowExceeded;
        }
        let usage = job.output.usage(job.prompt_tokens, job.cached.unwrap_or(0));
        for event in events {
            job.outbox.send(Ok(event));
        }
        job.outbox.close(Ok(ChatEvent::Finished { reason, usage }));
        self.readers.see_out(job.outbox);
    }

    pub(super) fn fail(&mut self, at: usize, error: EngineError) {
        if let Some(mut slot) = self.slots[at].take() {
            self.memory.discard(slot.sequence);
            self.is_crowded = false;
            slot.job.outbox.close(Err(error));
            self.readers.see_out(slot.job.outbox);
        }
    }
}

fn failure(problem: &SampleError) -> EngineError {
    EngineError::Failed { reason: problem.to_string() }
}
