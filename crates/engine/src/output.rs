//! What becomes of the tokens of one answer: text, tool calls, counts.

use inference::parser::{OutputParser, Stop, StopTexts};
use inference::{ChatEvent, FinishReason};
use vocab::{Tokens, Usage};

/// Turns the bytes of an answer's tokens into events, and counts them.
#[derive(Debug)]
pub(crate) struct Output {
    parser: OutputParser,
    stops: StopTexts,
    /// Kept to spare an allocation for each token.
    parsed: Vec<ChatEvent>,
    reasoning: u64,
    answer: u64,
    has_met_stop: bool,
    /// After so many tool calls the answer ends.
    calls_max: usize,
}

impl Output {
    pub fn new(parser: OutputParser, stops: StopTexts, calls_max: usize) -> Self {
        Self { parser, stops, parsed: Vec::new(), reasoning: 0, answer: 0, has_met_stop: false, calls_max }
    }

    /// Whether a tool call that begins now would be one.
    pub fn may_call(&self) -> bool {
        self.parser.may_begin_call()
    }

    /// Whether the next token belongs to the thinking for certain.
    pub fn is_thinking(&self) -> bool {
        self.parser.is_reasoning() && !self.parser.may_begin_call()
    }

    /// Takes the bytes of one token. Returns whether it belongs to the thinking.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<ChatEvent>) -> bool {
        let was_reasoning = self.parser.is_reasoning();
        self.parser.feed(bytes, &mut self.parsed);
        // The tag that ends the thinking is part of it; a first word without any thinking is not.
        let begins_answer = self.parser.in_tool_call()
            || self.parsed.iter().any(|event| !matches!(event, ChatEvent::Reasoning(_)));
        let is_reasoning = was_reasoning && (self.parser.is_reasoning() || !begins_answer);
        if is_reasoning {
            self.reasoning += 1;
        } else {
            self.answer += 1;
        }
        self.pass_on(out);
        is_reasoning
    }

    /// How the answer ends here, if it does though the model would go on.
    pub fn end(&self) -> Option<Stop> {
        if self.has_met_stop {
            return Some(Stop::Text);
        }
        let is_over = self.parser.is_over() || self.parser.calls() >= self.calls_max;
        is_over.then_some(Stop::Token)
    }

    /// Ends the answer and says why it ended.
    pub fn finish(&mut self, stop: Stop, out: &mut Vec<ChatEvent>) -> FinishReason {
        let reason = self.parser.finish(stop, &mut self.parsed);
        self.pass_on(out);
        let held = self.stops.flush();
        if !held.is_empty() {
            out.push(ChatEvent::Content(held));
        }
        match reason {
            // What was held back completed a stop text.
            FinishReason::Length | FinishReason::ModelContextWindowExceeded if self.has_met_stop => {
                FinishReason::Stop
            }
            reason => reason,
        }
    }

    pub fn generated(&self) -> u64 {
        self.reasoning + self.answer
    }

    pub fn usage(&self, prompt: usize, cached: usize) -> Usage {
        Usage {
            fresh_prompt: Tokens::from(prompt.saturating_sub(cached)),
            cached_prompt: Tokens::from(cached),
            reasoning: Tokens(self.reasoning),
            answer: Tokens(self.answer),
        }
    }

    fn pass_on(&mut self, out: &mut Vec<ChatEvent>) {
        for event in self.parsed.drain(..) {
            match event {
                ChatEvent::Content(text) => {
                    let (passed, met) = self.stops.push(&text);
                    if !passed.is_empty() {
                        out.push(ChatEvent::Content(passed));
                    }
                    if let (false, true, Some(text)) = (self.has_met_stop, met, self.stops.met()) {
                        out.push(ChatEvent::StopMet(text.to_owned()));
                    }
                    self.has_met_stop |= met;
                }
                _ if self.has_met_stop => {}
                event => {
                    // Content before a call is complete, so no stop text can span the two.
                    let held = self.stops.flush();
                    if !held.is_empty() {
                        out.push(ChatEvent::Content(held));
                    }
                    out.push(event);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use inference::parser::Generation;

    use super::*;

    fn output(generation: Generation, thinking: bool, stops: &[&str]) -> Output {
        let parser = OutputParser::new(generation, thinking, &[]);
        Output::new(parser, StopTexts::new(stops).unwrap(), usize::MAX)
    }

    fn text(events: &[ChatEvent]) -> String {
        let texts = events
            .iter()
            .filter_map(|e| if let ChatEvent::Content(text) = e { Some(text.as_str()) } else { None });
        texts.collect()
    }

    /// BILL-08: tokens are counted in the class they belong to, the closing tag with the thinking.
    #[test]
    fn thinking_and_answer_are_counted_apart() {
        let mut output = output(Generation::B, true, &[]);
        let mut events = Vec::new();
        for token in ["I", " think", "</think>", "Hi", "!"] {
            output.push(token.as_bytes(), &mut events);
        }
        assert_eq!(output.finish(Stop::Token, &mut events), FinishReason::Stop);
        let usage = output.usage(10, 4);
        assert_eq!((usage.reasoning, usage.answer), (Tokens(3), Tokens(2)));
        assert_eq!((usage.fresh_prompt, usage.cached_prompt), (Tokens(6), Tokens(4)));
        assert_eq!(text(&events), "Hi!");
    }

    #[test]
    fn a_stop_text_across_tokens_ends_the_answer_before_it() {
        let mut output = output(Generation::A, false, &["END"]);
        let mut events = Vec::new();
        for token in ["one E", "N", "D two"] {
            output.push(token.as_bytes(), &mut events);
        }
        assert_eq!(output.end(), Some(Stop::Text));
        assert_eq!(output.finish(Stop::Text, &mut events), FinishReason::Stop);
        assert_eq!(text(&events), "one ");
    }

    /// Where several calls are unwanted, the answer ends with the first; and nothing is generated after a
    /// tool's result that the model invents, since nobody would see it.
    #[test]
    fn an_answer_ends_with_its_last_call_and_before_an_invented_result() {
        let call = ["<tool_call>", "get", "\n", "</tool_call>"];
        let parser = || OutputParser::new(Generation::B, false, &[]);
        let mut single = Output::new(parser(), StopTexts::default(), 1);
        let mut events = Vec::new();
        for token in call {
            assert_eq!(single.end(), None);
            single.push(token.as_bytes(), &mut events);
        }
        assert_eq!(single.end(), Some(Stop::Token));
        assert_eq!(single.finish(Stop::Token, &mut events), FinishReason::ToolCalls);

        let mut several = Output::new(parser(), StopTexts::default(), usize::MAX);
        for token in call.into_iter().chain(call) {
            several.push(token.as_bytes(), &mut events);
            assert_eq!(several.end(), None);
        }
        several.push(b"<tool_response>", &mut events);
        assert_eq!(several.end(), Some(Stop::Token));
    }

    /// A model of generation A that calls without thinking has thought nothing.
    #[test]
    fn a_call_without_thinking_counts_as_answer() {
        let mut output = output(Generation::A, true, &[]);
        assert!(output.may_call() && !output.is_thinking());
        output.push(b"<tool_call>", &mut Vec::new());
        output.push(b"get", &mut Vec::new());
        let usage = output.usage(1, 0);
        assert_eq!((usage.reasoning, usage.answer), (Tokens(0), Tokens(2)));
    }
}
