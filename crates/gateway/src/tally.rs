use std::sync::Arc;
use std::time::Duration;

use inference::{ChatEvent, EngineError, FinishReason};
use ledger::Extras;
use vocab::{Clock, Tokens, Usage};

use crate::billing::End;
use crate::payment::{Bought, Payment};
use crate::{Admission, Ending, Meter, Permit, UsageRecord};

/// What an admitted request used so far, and the one record that comes of it, whichever way it ends.
///
/// It begins before an engine is asked, so that a caller who leaves while an engine reads the prompt is recorded
/// like one who leaves later.
pub(crate) struct Tally {
    admission: Admission,
    is_settled: bool,
    engine: String,
    meter: Meter,
    clock: Arc<dyn Clock>,
    usage: Usage,
    /// How long the engine said that the prompt is. Nothing was read for a caller who leaves before it says more.
    announced: Option<Usage>,
    pieces: Usage,
    first_token: Option<Duration>,
}

impl Tally {
    pub(crate) fn new(admission: Admission, meter: Meter, clock: Arc<dyn Clock>) -> Self {
        Self {
            admission,
            is_settled: false,
            engine: String::new(),
            meter,
            clock,
            usage: Usage::default(),
            announced: None,
            pieces: Usage::default(),
            first_token: None,
        }
    }

    pub(crate) fn admission(&self) -> &Admission {
        &self.admission
    }

    /// An engine has taken the request.
    pub(crate) fn answered_by(&mut self, engine: String) {
        self.engine = engine;
    }

    /// No engine took the request. What the caller got wrong is not use and leaves no record.
    pub(crate) fn refused(mut self, error: &EngineError) {
        let is_callers_fault = !error.is_worth_retrying_elsewhere();
        let will_be_repeated = self.admission.is_repeated && matches!(error, EngineError::Busy { .. });
        if is_callers_fault || will_be_repeated {
            self.is_settled = true;
        } else {
            self.settle(Ending::EngineRefused);
        }
    }

    /// Counts an event, and completes the figures of the last one.
    pub(crate) fn count(&mut self, event: ChatEvent) -> ChatEvent {
        match &event {
            ChatEvent::Started { prompt, cached } => {
                let announced = Usage::from_overlapping(*prompt, *cached, Tokens::ZERO, Tokens::ZERO);
                self.announced = Some(announced);
            }
            ChatEvent::Reasoning(_) => {
                self.pieces.reasoning += Tokens(1);
                self.saw_output();
            }
            ChatEvent::Content(_)
            | ChatEvent::ToolCallStarted { .. }
            | ChatEvent::ToolCallArguments { .. } => {
                self.pieces.answer += Tokens(1);
                self.saw_output();
            }
            ChatEvent::Signature(_)
            | ChatEvent::ToolCallFinished { .. }
            | ChatEvent::Logprobs(_)
            | ChatEvent::StopMet(_) => {}
            ChatEvent::Usage(usage) => self.learn(*usage),
            ChatEvent::Finished { reason, usage } => {
                self.learn_announced();
                self.learn(*usage);
                let usage = self.figures();
                self.settle(Ending::of(*reason, &usage));
                return ChatEvent::Finished { reason: *reason, usage };
            }
        }
        event
    }

    /// The event that tells the caller that nothing more will come, although the engine did not finish.
    pub(crate) fn broken_off(&self, why: &str) -> ChatEvent {
        tracing::warn!(
            request.id = self.admission.request.as_str(),
            engine.name = self.engine,
            error = why,
            "an answer was broken off"
        );
        ChatEvent::Finished { reason: FinishReason::NetworkError, usage: self.figures() }
    }

    /// Takes newer figures over; those that say nothing leave the older ones standing.
    fn learn(&mut self, newer: Usage) {
        if newer.prompt() > Tokens::ZERO {
            self.usage.fresh_prompt = newer.fresh_prompt;
            self.usage.cached_prompt = newer.cached_prompt;
        }
        if newer.completion() > Tokens::ZERO {
            self.usage.reasoning = newer.reasoning;
            self.usage.answer = newer.answer;
        }
    }

    /// The engine's own figures, or the number of pieces where it gave none: what was sent is never free.
    fn figures(&self) -> Usage {
        let mut usage = self.usage;
        if usage.completion() == Tokens::ZERO {
            usage.reasoning = self.pieces.reasoning;
            usage.answer = self.pieces.answer;
        }
        usage
    }

    fn learn_announced(&mut self) {
        if let Some(announced) = self.announced.take()
            && self.usage.prompt() == Tokens::ZERO
        {
            self.learn(announced);
        }
    }

    fn saw_output(&mut self) {
        self.learn_announced();
        if self.first_token.is_none() {
            self.first_token = Some(self.clock.now().since(self.admission.at));
        }
    }

    /// Writes the record; the first ending wins.
    fn settle(&mut self, ending: Ending) {
        if std::mem::replace(&mut self.is_settled, true) {
            return;
        }
        let (usage, now) = (self.figures(), self.clock.now());
        let admission = &mut self.admission;
        let payment = std::mem::replace(&mut admission.payment, Payment::Nobody);
        let bought = Bought {
            request: &admission.request,
            account: admission.caller.account,
            model: &admission.model,
            began: admission.at,
            usage: &usage,
            extras: &Extras::default(),
        };
        let end = End::Admitted { ending, had_output: self.first_token.is_some() };
        let payable = payment.settle(end, &bought, now);
        let record = UsageRecord {
            request: admission.request.clone(),
            account: admission.caller.account,
            key: admission.caller.key,
            door: admission.door,
            model: admission.model.clone(),
            engine: std::mem::take(&mut self.engine),
            usage,
            started: admission.at,
            first_token: self.first_token,
            duration: now.since(admission.at),
            ending,
            client: admission.client.seen_client(),
            settlement: payable.settlement,
        };
        self.meter.record(record, payable.unwritten);
        // The request is over although the caller may still be reading: its id and its place are free again.
        admission.in_progress = None;
        let mut permit = std::mem::replace(&mut admission.permit, Permit::unlimited());
        permit.used(usage.total());
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        // One request has one record: an attempt that was given up leaves it to the next.
        if self.admission.is_repeated {
            return;
        }
        let ending = if self.first_token.is_some() { Ending::CallerLeft } else { Ending::CallerLeftEarly };
        self.settle(ending);
    }
}

impl Ending {
    fn of(reason: FinishReason, usage: &Usage) -> Self {
        match reason {
            FinishReason::NetworkError => Self::EngineFailed,
            FinishReason::Sensitive => Self::Filtered,
            FinishReason::Length | FinishReason::ModelContextWindowExceeded => Self::Cut,
            FinishReason::Stop | FinishReason::ToolCalls if usage.completion() == Tokens::ZERO => Self::Empty,
            FinishReason::Stop | FinishReason::ToolCalls => Self::Finished,
        }
    }
}

#[cfg(test)]
mod tests;
