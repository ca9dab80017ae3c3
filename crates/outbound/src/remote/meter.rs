//! Counts what an answer uses, by the host's figures where it gives any.

use inference::{ChatEvent, ChatRequest, Message, Part};
use vocab::{Tokens, Usage};

/// Tokens of a prompt are estimated at this many bytes each; English and code lie a little above, Chinese too.
const PROMPT_BYTES_PER_TOKEN: usize = 4;
/// Output of unknown cutting is estimated at this many bytes a token. More than any usual text has, so that a
/// host which sends one token an event is counted by its events.
const OUTPUT_BYTES_PER_TOKEN: usize = 6;
/// Role markers and separators of each message.
const TOKENS_PER_MESSAGE: usize = 4;
/// A picture, of unknown size.
const TOKENS_PER_MEDIA: usize = 1024;

/// An estimate of the rendered prompt: a quarter of its bytes, and four tokens for each message.
pub(super) fn estimate_prompt(request: &ChatRequest) -> Tokens {
    let messages = request.messages.iter().map(|message| TOKENS_PER_MESSAGE + estimate_message(message));
    let tools = request.tools.iter().map(|tool| {
        let schema = tool.parameters.as_ref().map_or(0, |schema| schema.to_string().len());
        TOKENS_PER_MESSAGE
            + bytes_to_tokens(tool.name.len() + tool.description.as_ref().map_or(0, String::len) + schema)
    });
    Tokens::from(messages.chain(tools).sum::<usize>())
}

fn estimate_message(message: &Message) -> usize {
    match message {
        Message::System { content } | Message::User { content } | Message::Tool { content, .. } => {
            content.iter().map(estimate_part).sum()
        }
        Message::Assistant { content, reasoning, tool_calls } => {
            let calls: usize = tool_calls.iter().map(|call| call.name.len() + call.arguments.len()).sum();
            bytes_to_tokens(content.len() + reasoning.as_ref().map_or(0, String::len) + calls)
        }
    }
}

fn estimate_part(part: &Part) -> usize {
    match part {
        Part::Text { text } => bytes_to_tokens(text.len()),
        Part::Image { .. } | Part::Video { .. } | Part::File { .. } | Part::Audio { .. } => TOKENS_PER_MEDIA,
    }
}

fn bytes_to_tokens(bytes: usize) -> usize {
    bytes.div_ceil(PROMPT_BYTES_PER_TOKEN)
}

/// The running count of one answer.
#[derive(Debug)]
pub(super) struct Meter {
    prompt_estimate: Tokens,
    host: Option<HostFigures>,
    reasoning: Output,
    answer: Output,
    /// What came after the host last told its count.
    since_told: Output,
}

/// What a host says it counted; nothing where it does not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct HostFigures {
    /// The whole prompt.
    pub prompt: Option<Tokens>,
    /// The part of the prompt that came from a cache.
    pub cached: Tokens,
    /// All output.
    pub completion: Option<Tokens>,
    /// The part of the output that was thinking.
    pub reasoning: Option<Tokens>,
}

/// What was seen of one kind of output.
#[derive(Clone, Copy, Debug, Default)]
struct Output {
    pieces: usize,
    bytes: usize,
}

impl Output {
    fn add(&mut self, text: &str) {
        if !text.is_empty() {
            self.pieces += 1;
            self.bytes += text.len();
        }
    }

    /// A token a piece, or more where pieces are large.
    fn tokens(self) -> Tokens {
        Tokens::from(self.pieces.max(self.bytes.div_ceil(OUTPUT_BYTES_PER_TOKEN)))
    }
}

impl Meter {
    pub fn new(prompt_estimate: Tokens) -> Self {
        Self {
            prompt_estimate,
            host: None,
            reasoning: Output::default(),
            answer: Output::default(),
            since_told: Output::default(),
        }
    }

    /// Counts a piece of output. Nothing else counts: not an error's text, not an empty delta
    /// (rule BILL-23).
    pub fn count(&mut self, event: &ChatEvent) {
        let (output, text) = match event {
            ChatEvent::Reasoning(text) => (&mut self.reasoning, text),
            ChatEvent::Content(text) => (&mut self.answer, text),
            ChatEvent::ToolCallStarted { name, .. } => (&mut self.answer, name),
            ChatEvent::ToolCallArguments { fragment, .. } => (&mut self.answer, fragment),
            ChatEvent::Started { .. }
            | ChatEvent::ToolCallFinished { .. }
            | ChatEvent::Signature(_)
            | ChatEvent::Logprobs(_)
            | ChatEvent::StopMet(_)
            | ChatEvent::Usage(_)
            | ChatEvent::Finished { .. } => return,
        };
        output.add(text);
        self.since_told.add(text);
    }

    /// Takes the host's figures, which replace its earlier ones but never fall. They include everything that
    /// was counted before.
    pub fn learn(&mut self, figures: HostFigures) {
        let host = self.host.get_or_insert_default();
        host.prompt = host.prompt.max(figures.prompt);
        host.cached = host.cached.max(figures.cached);
        host.reasoning = host.reasoning.max(figures.reasoning);
        if figures.completion > host.completion {
            host.completion = figures.completion;
            self.since_told = Output::default();
        }
    }

    /// Prompt tokens and how many of them were cached, once the host has told.
    pub fn host_prompt(&self) -> Option<(Tokens, Tokens)> {
        let host = self.host?;
        host.prompt.map(|prompt| (prompt, host.cached))
    }

    /// The best figures now: the host's, and our own count of whatever it has not told or not told yet.
    pub fn usage(&self) -> Usage {
        let host = self.host.unwrap_or_default();
        let prompt = host.prompt.unwrap_or(self.prompt_estimate);
        let completion = host.completion.map_or(self.own_output(), |told| told + self.since_told.tokens());
        Usage::from_overlapping(prompt, host.cached, completion, self.reasoning(host, completion))
    }

    /// The final figures: the host's word stands where it gave one.
    pub fn usage_final(&self) -> Usage {
        let host = self.host.unwrap_or_default();
        let prompt = host.prompt.unwrap_or(self.prompt_estimate);
        let completion = host.completion.unwrap_or(self.own_output());
        Usage::from_overlapping(prompt, host.cached, completion, self.reasoning(host, completion))
    }

    /// Whether any output was seen.
    pub fn has_output(&self) -> bool {
        self.reasoning.pieces + self.answer.pieces > 0
    }

    fn own_output(&self) -> Tokens {
        self.reasoning.tokens() + self.answer.tokens()
    }

    /// The host's figure, or the share of the thinking in what we saw.
    fn reasoning(&self, host: HostFigures, completion: Tokens) -> Tokens {
        host.reasoning.unwrap_or_else(|| {
            let own = u128::from(self.own_output().0.max(1));
            let share = u128::from(completion.0) * u128::from(self.reasoning.tokens().0) / own;
            Tokens(u64::try_from(share).unwrap_or(u64::MAX))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::chunk::UsageFigures;
    use super::*;

    fn figures(json: &str) -> HostFigures {
        (&serde_json::from_str::<UsageFigures>(json).unwrap()).into()
    }

    #[test]
    fn a_host_that_counts_nothing_is_counted_by_its_pieces_and_never_as_zero() {
        let mut meter = Meter::new(Tokens(7));
        meter.count(&ChatEvent::Reasoning("Hm".to_owned()));
        meter.count(&ChatEvent::Content("Hel".to_owned()));
        meter.count(&ChatEvent::Content("lo".to_owned()));
        meter.count(&ChatEvent::Content(String::new()));
        meter.learn(figures(r#"{"prompt_tokens":0,"completion_tokens":0}"#));
        let expected = Usage {
            fresh_prompt: Tokens(7),
            cached_prompt: Tokens(0),
            reasoning: Tokens(1),
            answer: Tokens(2),
        };
        assert_eq!(meter.usage_final(), expected);

        let mut meter = Meter::new(Tokens(7));
        meter.count(&ChatEvent::Content("x".repeat(600)));
        assert_eq!(meter.usage_final().answer, Tokens(100));
    }

    #[test]
    fn the_figures_of_a_host_replace_our_own_and_never_fall() {
        let mut meter = Meter::new(Tokens(7));
        meter.count(&ChatEvent::Content("a b c d".to_owned()));
        meter.learn(figures(
            r#"{"prompt_tokens":20,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":8}}"#,
        ));
        assert_eq!(meter.usage().completion(), Tokens(4));
        meter.count(&ChatEvent::Content("e".to_owned()));
        assert_eq!(meter.usage().completion(), Tokens(5), "what came after the figures counts too");
        meter.learn(figures(r#"{"prompt_tokens":0,"completion_tokens":1}"#));
        assert_eq!(meter.usage_final().completion(), Tokens(4));
        assert_eq!(meter.usage_final().prompt(), Tokens(20));
        assert_eq!(meter.usage_final().cached_prompt, Tokens(8));
    }

    /// BILL-08: vLLM tells no reasoning tokens, so their share is taken from what was seen.
    #[test]
    fn thinking_is_a_share_of_the_output_where_the_host_does_not_tell() {
        let mut meter = Meter::new(Tokens(1));
        for _ in 0..3 {
            meter.count(&ChatEvent::Reasoning("r".to_owned()));
        }
        meter.count(&ChatEvent::Content("c".to_owned()));
        meter.learn(figures(r#"{"prompt_tokens":1,"completion_tokens":40}"#));
        assert_eq!(meter.usage_final().reasoning, Tokens(30));
        assert_eq!(meter.usage_final().answer, Tokens(10));
    }
}
