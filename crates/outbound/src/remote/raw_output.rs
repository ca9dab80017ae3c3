use inference::parser::{Generation, OutputParser, Stop};
use inference::{ChatEvent, ChatRequest, FinishReason, ResponseFormat};

/// A host's plain text, taken apart as GLM writes it.
pub(super) struct RawOutput {
    parser: OutputParser,
    /// Hosts that constrain an answer to JSON do so from its first character, so that the model never thinks,
    /// although its prompt asked it to. This parser takes over if JSON is asked for and the text begins with it.
    without_thinking: Option<OutputParser>,
}

impl RawOutput {
    pub fn new(request: &ChatRequest, generation: Generation) -> Self {
        let parser = |thinks| OutputParser::new(generation, thinks, &request.tools);
        let wants_json = request.format != ResponseFormat::Text;
        Self {
            parser: parser(request.thinking.enabled),
            without_thinking: (wants_json && request.thinking.enabled).then(|| parser(false)),
        }
    }

    pub fn feed(&mut self, text: &str, out: &mut Vec<ChatEvent>) {
        if let Some(first) = text.trim_start().chars().next()
            && let Some(parser) = self.without_thinking.take()
            && matches!(first, '{' | '[')
        {
            self.parser = parser;
        }
        self.parser.feed(text.as_bytes(), out);
    }

    pub fn finish(&mut self, reason: FinishReason, out: &mut Vec<ChatEvent>) -> FinishReason {
        match reason {
            FinishReason::Stop | FinishReason::ToolCalls => self.parser.finish(Stop::Token, out),
            FinishReason::ModelContextWindowExceeded => self.parser.finish(Stop::Window, out),
            cut => {
                self.parser.finish(Stop::Length, out);
                cut
            }
        }
    }
}
