//! Renders conversations into the text that GLM models read (`glm-models.md` §2–6).
//!
//! The model's own chat template does the work, or one of ours when the model brings none. A template only
//! makes one long string, in which a caller's `<|user|>` would look exactly like ours; so dangerous texts are
//! sealed before it runs and opened after it, and the prompt is a list of [`Segment`]s that say which is which.

mod conversation;
mod effort;
mod fallback;
mod family;
mod instructions;
mod json;
mod seal;
mod spans;
mod template;

use std::sync::Arc;

use vocab::{Clock, SystemClock};

use crate::ChatRequest;
use conversation::Conversation;
use fallback::Fallback;
use seal::Guard;
use template::{ChatTemplate, Variables};

pub use family::{Family, detect};
pub use template::{PROMPT_BYTES_MAX, TEMPLATE_BYTES_MAX};

/// Turns requests into prompts for one model. Compiled once, shared by all its requests.
#[derive(Debug)]
pub struct Renderer {
    template: ChatTemplate,
    guard: Guard,
    family: Family,
    /// For templates that print `bos_token`. Empty where the tokeniser puts it before every prompt.
    bos_token: String,
    /// For templates that end turns with `eos_token`.
    eos_token: String,
}

impl Renderer {
    /// Compiles `template`, the model's own, or picks one of ours by `model_hint`: its name, file name or
    /// architecture, or all of them.
    ///
    /// `control_tokens` are the texts of all tokens that the model's tokeniser flags as control or
    /// user-defined. What callers write is never read as one of them.
    pub fn new(
        template: Option<&str>,
        model_hint: &str,
        control_tokens: Vec<String>,
    ) -> Result<Self, PromptError> {
        Self::with_clock(template, model_hint, control_tokens, Arc::new(SystemClock))
    }

    /// As [`new`](Self::new), with another clock behind the template function `strftime_now`.
    pub fn with_clock(
        template: Option<&str>,
        model_hint: &str,
        control_tokens: Vec<String>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PromptError> {
        let knows = |text: &str| control_tokens.iter().any(|token| token == text);
        let template = match template {
            Some(source) => ChatTemplate::compile(source, clock)?,
            // Ours speak in GLM's role tokens: without them the model would read the roles as plain words.
            None if !(knows("<|user|>") && knows("<|assistant|>")) => return Err(PromptError::NoTemplate),
            None => Fallback::for_model(model_hint).compile(clock)?,
        };
        let family = Family::of(&template, model_hint);
        let eos_token = if knows("<|endoftext|>") { "<|endoftext|>" } else { "" };
        let (bos_token, eos_token) = (String::new(), eos_token.to_owned());
        Ok(Self { template, guard: Guard::new(control_tokens)?, family, bos_token, eos_token })
    }

    /// Tells the template the model's own texts for `bos_token` and `eos_token`. Without this the first is empty
    /// and the second GLM's `<|endoftext|>`, if the model has it.
    #[must_use]
    pub fn with_boundary_tokens(mut self, bos_token: String, eos_token: String) -> Self {
        (self.bos_token, self.eos_token) = (bos_token, eos_token);
        self
    }

    /// What was learned about the model from its template and name.
    pub fn family(&self) -> &Family {
        &self.family
    }

    /// Renders the conversation up to the place where the model begins to write.
    ///
    /// The same request always gives the same segments.
    pub fn render(&self, request: &ChatRequest) -> Result<Prompt, PromptError> {
        let seal = self.guard.seal();
        let conversation =
            Conversation { seal: &seal, is_vision: self.family.vision, habits: self.template.habits() };
        let thinking = &request.thinking;
        let variables = Variables {
            messages: conversation.messages(request)?,
            tools: conversation.tools(request),
            enable_thinking: thinking.enabled,
            clear_thinking: !thinking.preserved,
            reasoning_effort: thinking.effort.and_then(|asked| effort::nearest(asked, &self.family.efforts)),
            bos_token: &self.bos_token,
            eos_token: &self.eos_token,
        };
        let rendered = self.template.render(variables).map_err(|error| seal.open_error(error))?;
        let mut segments = seal.open(&rendered)?;
        let thinking = self.settle_thinking(thinking.enabled, &mut segments);
        Ok(Prompt { segments, thinking })
    }

    /// Finds whether the output starts in reasoning, and closes it where the template opened it unasked: the
    /// stock GLM-5.3 template does not honour `enable_thinking=false` (rule THINK-01).
    fn settle_thinking(&self, is_enabled: bool, segments: &mut [Segment]) -> bool {
        let Some(Segment::Template(end)) = segments.last_mut() else {
            return false;
        };
        let (is_open, is_closed) =
            (end.trim_end().ends_with("<think>"), end.trim_end().ends_with("</think>"));
        if is_open && !is_enabled {
            end.push_str("</think>");
        }
        is_enabled && !is_closed && (is_open || self.family.thinks)
    }
}

/// A rendered prompt, ready to be tokenised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// Its pieces in order. Each is tokenised by itself: joining two of them first could join a control token
    /// that a caller wrote in halves.
    pub segments: Vec<Segment>,
    /// Whether the output starts with or in reasoning.
    pub thinking: bool,
}

impl Prompt {
    /// The whole prompt as one text: for counting characters and for tests, never for tokenising.
    pub fn text(&self) -> String {
        self.segments.iter().map(Segment::as_str).collect()
    }
}

/// A piece of a prompt that says how it may be tokenised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// What the template wrote, and the callers' texts as far as no control token is in them. Control tokens
    /// are parsed.
    Template(String),
    /// Part of a control token's text that a caller wrote. Control tokens are not parsed; and none is in it
    /// whole, because llama.cpp parses user-defined ones in any case.
    Text(String),
}

impl Segment {
    /// The text of the piece.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Template(text) | Self::Text(text) => text,
        }
    }
}

/// Why there is no prompt.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// The model has no chat template and its vocabulary is not GLM's, so none of ours fits.
    #[error("the model has no chat template")]
    NoTemplate,
    /// The chat template is not valid, or too large.
    #[error("the chat template cannot be compiled")]
    BadTemplate(#[source] minijinja::Error),
    /// The list of control tokens is too large to search for.
    #[error("the model has too many control tokens")]
    ControlTokens(#[source] aho_corasick::BuildError),
    /// A message has a part that the model cannot take in.
    #[error("the model does not take `{part}` parts")]
    Media {
        /// The part's type: `image`, `video`, `file` or `audio`.
        part: &'static str,
    },
    /// The template refused the conversation (`raise_exception`), in its own words.
    #[error("the chat template refused the conversation: {message}")]
    Refused {
        /// A sentence for the caller.
        message: String,
    },
    /// The prompt has more than [`PROMPT_BYTES_MAX`] bytes.
    #[error("the rendered prompt has more than {PROMPT_BYTES_MAX} bytes")]
    TooLong,
    /// The template did more work than a conversation can need.
    #[error("the chat template did not finish")]
    Endless,
    /// The template cut or rewrote a text that had to be kept apart, so it is unknown what it says now.
    #[error("the chat template changed a text that looks like a control token")]
    Mangled,
    /// The template failed while it ran.
    #[error("the chat template failed")]
    Failed(#[source] minijinja::Error),
}

#[cfg(test)]
mod tests;
