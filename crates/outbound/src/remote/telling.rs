//! What one answer has come to, and what of it is ready to be told.

use std::collections::VecDeque;

use inference::{ChatEvent, FinishReason};
use vocab::{Tokens, Usage};

use super::meter::{HostFigures, Meter};

/// The events of one answer in the order in which a caller hears them, each after the figures that count it.
#[derive(Debug)]
pub(super) struct Telling {
    /// What the host's event at hand yields; kept to save allocations.
    pub fresh: Vec<ChatEvent>,
    /// Why the answer ended, once the host has said so.
    pub reason: Option<FinishReason>,
    /// The stop text that ended it, if the host told which.
    pub stop_met: Option<String>,
    meter: Meter,
    prompt_estimate: Tokens,
    /// Ready to be handed out.
    queue: VecDeque<ChatEvent>,
    is_started: bool,
    has_output: bool,
    usage_told: Usage,
}

impl Telling {
    pub fn new(prompt_estimate: Tokens) -> Self {
        Self {
            fresh: Vec::new(),
            reason: None,
            stop_met: None,
            meter: Meter::new(prompt_estimate),
            prompt_estimate,
            queue: VecDeque::new(),
            is_started: false,
            has_output: false,
            usage_told: Usage::default(),
        }
    }

    /// Queues what is fresh. The figures go first, so that a caller who leaves after a piece of output is
    /// charged for that piece and not for one less.
    pub fn tell(&mut self, figures: Option<HostFigures>) {
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

    /// Queues the end.
    pub fn finish(&mut self, reason: FinishReason) {
        if reason == FinishReason::Stop
            && let Some(text) = self.stop_met.take()
        {
            self.fresh.push(ChatEvent::StopMet(text));
        }
        self.tell(None);
        self.queue.push_back(ChatEvent::Finished { reason, usage: self.meter.usage_final() });
    }

    /// The next event that is ready.
    pub fn pop(&mut self) -> Option<ChatEvent> {
        self.queue.pop_front()
    }

    /// Whether anything came that a caller would see.
    pub fn has_output(&self) -> bool {
        self.has_output
    }

    /// Our own estimate of the prompt.
    pub fn prompt_estimate(&self) -> Tokens {
        self.prompt_estimate
    }
}
