//! Answers that must be JSON, from hosts that do not promise it (CAP-JSON-05): the answer is checked when it is
//! complete, cleaned if that is enough, and asked for once more if not.

mod effort;

use async_stream::try_stream;
use futures::StreamExt;
use inference::{
    ChatEngine, ChatEvent, ChatRequest, ChatStream, EngineError, FinishReason, Message, Part, ResponseFormat,
    TokenLogprob,
};
use serde_json::Value;
use vocab::Usage;

use crate::RouteTo;
use crate::router::Running;

/// How much is said of a mistake when the answer is asked for again.
const MISTAKE_CHARS_MAX: usize = 300;

/// The request whose answer has to be checked, kept in case it has to be asked again.
pub(crate) struct Check(ChatRequest);

impl Check {
    /// `None` if any answer will do, or every engine keeps to the form by itself.
    pub(crate) fn wanted(request: &ChatRequest, routes: &[RouteTo]) -> Option<Self> {
        let may_stray = || routes.iter().any(|route| !route.engine.describe().constrains_json);
        let has_form = !matches!(request.format, ResponseFormat::Text);
        (has_form && may_stray()).then(|| Self(request.clone()))
    }

    /// Passes thinking and tool calls on as they come, and holds the content back until it is known to be valid.
    pub(crate) fn over(self, running: Running) -> ChatStream {
        let Self(request) = self;
        let Running { engine, mut events } = running;
        Box::pin(try_stream! {
            let mut held = Held::default();
            let mut called_tools = false;
            let mut end = Ok(None);
            while let Some(event) = events.next().await {
                match event {
                    Ok(ChatEvent::Content(text)) => held.content.push_str(&text),
                    Ok(ChatEvent::Logprobs(tokens)) => held.logprobs.extend(tokens),
                    Ok(ChatEvent::Finished { reason, usage }) => end = Ok(Some((reason, usage))),
                    Ok(event) => {
                        called_tools |= matches!(event, ChatEvent::ToolCallStarted { .. });
                        yield event;
                    }
                    Err(error) => {
                        end = Err(error);
                        break;
                    }
                }
            }
            drop(events);

            let checks_out = match &end {
                Ok(Some((FinishReason::Stop | FinishReason::ToolCalls, _))) if !called_tools => {
                    valid_json(&held.content, &request.format)
                }
                // A turn that calls tools has no answer yet, and half an answer is passed on as it is.
                _ => Ok(held.content.clone()),
            };
            let (answer, end) = match checks_out {
                Ok(json) => (held.with_content(json), end),
                Err(mistake) => second_try(&*engine, request, held, &mistake, end).await,
            };
            for event in answer.into_events() {
                yield event;
            }
            // Without an end it was broken off: whoever meters the stream says so.
            if let Some((reason, usage)) = end? {
                yield ChatEvent::Finished { reason, usage };
            }
        })
    }
}

/// How an answer ended, if it did.
type End = Result<Option<(FinishReason, Usage)>, EngineError>;

/// The part of an answer that waits to be checked.
#[derive(Default)]
struct Held {
    content: String,
    logprobs: Vec<TokenLogprob>,
}

impl Held {
    /// The probabilities of tokens that are not sent would only mislead.
    fn with_content(mut self, content: String) -> Self {
        if content != self.content {
            self.logprobs.clear();
        }
        self.content = content;
        self
    }

    fn into_events(self) -> impl Iterator<Item = ChatEvent> {
        let content = Some(self.content).filter(|text| !text.is_empty()).map(ChatEvent::Content);
        let logprobs = Some(self.logprobs).filter(|tokens| !tokens.is_empty()).map(ChatEvent::Logprobs);
        content.into_iter().chain(logprobs)
    }
}

/// Asks again. What both tries used is paid for; the first answer stands if the second is no better.
async fn second_try(
    engine: &dyn ChatEngine,
    request: ChatRequest,
    first: Held,
    mistake: &str,
    end: End,
) -> (Held, End) {
    match ask_again(engine, request, &first.content, mistake).await {
        Some((json, reason, more)) => {
            let end = end.map(|end| end.map(|(_, usage)| (reason, sum(usage, more))));
            (first.with_content(json), end)
        }
        None => (first, end),
    }
}

/// The JSON text in `content` if it has the form asked for: bare, or in a code fence, or with words around it.
fn valid_json(content: &str, format: &ResponseFormat) -> Result<String, String> {
    let mut mistake = "it is not JSON".to_owned();
    for candidate in candidates(content) {
        let Ok(value) = serde_json::from_str::<Value>(candidate) else { continue };
        match obeys(&value, format) {
            Ok(()) => return Ok(candidate.to_owned()),
            Err(why) => mistake = why,
        }
    }
    Err(mistake)
}

fn candidates(content: &str) -> impl Iterator<Item = &str> {
    let whole = content.trim();
    let fenced = whole
        .strip_prefix("```json")
        .or_else(|| whole.strip_prefix("```"))
        .and_then(|rest| rest.strip_suffix("```"))
        .map(str::trim);
    let braced = whole
        .find('{')
        .zip(whole.rfind('}'))
        .filter(|(from, to)| from < to)
        .map(|(from, to)| &whole[from..=to]);
    [Some(whole), fenced, braced].into_iter().flatten()
}

fn obeys(value: &Value, format: &ResponseFormat) -> Result<(), String> {
    match format {
        ResponseFormat::Text => Ok(()),
        ResponseFormat::JsonObject if value.is_object() => Ok(()),
        ResponseFormat::JsonObject => Err("it is not a JSON object".to_owned()),
        // A schema that nobody can check is only a wish; the answer is JSON, and that has to do.
        ResponseFormat::JsonSchema { schema, .. } if !effort::is_bearable(schema, value) => Ok(()),
        ResponseFormat::JsonSchema { schema, .. } => match jsonschema::validator_for(schema) {
            // The text of an error quotes what is wrong, which may be all of a long answer.
            Ok(validator) => validator
                .validate(value)
                .map_err(|error| error.to_string().chars().take(MISTAKE_CHARS_MAX).collect()),
            Err(_) => Ok(()),
        },
    }
}

/// The second and last try. `None` if it did not come out better.
async fn ask_again(
    engine: &dyn ChatEngine,
    mut request: ChatRequest,
    content: &str,
    mistake: &str,
) -> Option<(String, FinishReason, Usage)> {
    request.original = None;
    request.messages.push(Message::Assistant {
        content: content.to_owned(),
        reasoning: None,
        tool_calls: Vec::new(),
    });
    request.messages.push(Message::User {
        content: vec![Part::text(format!(
            "That answer cannot be used: {mistake}. Answer again with the JSON only."
        ))],
    });
    let format = request.format.clone();

    let mut events = engine.chat(request).await.ok()?;
    let mut content = String::new();
    while let Some(event) = events.next().await {
        match event.ok()? {
            ChatEvent::Content(text) => content.push_str(&text),
            ChatEvent::Finished { reason, usage } => {
                return valid_json(&content, &format).ok().map(|json| (json, reason, usage));
            }
            _ => {}
        }
    }
    None
}

fn sum(a: Usage, b: Usage) -> Usage {
    Usage {
        fresh_prompt: a.fresh_prompt + b.fresh_prompt,
        cached_prompt: a.cached_prompt + b.cached_prompt,
        reasoning: a.reasoning + b.reasoning,
        answer: a.answer + b.answer,
    }
}

#[cfg(test)]
mod tests;
