//! Answers that must be JSON, from hosts that do not promise it (CAP-JSON-05): the answer is checked when it is
//! complete, cleaned if that is enough, and asked for once more if not.

use std::sync::Arc;

use async_stream::try_stream;
use futures::StreamExt;
use inference::{
    ChatEngine, ChatEvent, ChatRequest, ChatStream, EngineDescription, FinishReason, Message, Part,
    ResponseFormat,
};
use serde_json::Value;
use vocab::Usage;

use crate::chat::ended_well;

pub(crate) fn needs_checking(format: &ResponseFormat, engine: &EngineDescription) -> bool {
    !matches!(format, ResponseFormat::Text) && !engine.constrains_json
}

/// Passes thinking and tool calls on as they come, and holds the content back until it is known to be valid.
pub(crate) fn checked(
    mut events: ChatStream,
    engine: Arc<dyn ChatEngine>,
    request: ChatRequest,
) -> ChatStream {
    Box::pin(try_stream! {
        let mut content = String::new();
        let mut called_tools = false;
        let mut end = None;
        while let Some(event) = events.next().await {
            match event? {
                ChatEvent::Content(text) => content.push_str(&text),
                ChatEvent::Finished { reason, usage } => end = Some((reason, usage)),
                event => {
                    called_tools |= matches!(event, ChatEvent::ToolCallStarted { .. });
                    yield event;
                }
            }
        }
        drop(events);
        let Some((reason, usage)) = end else {
            // Broken off: whoever meters the stream says so.
            if !content.is_empty() {
                yield ChatEvent::Content(content);
            }
            return;
        };

        if called_tools || !ended_well(reason) {
            if !content.is_empty() {
                yield ChatEvent::Content(content);
            }
            yield ChatEvent::Finished { reason, usage };
            return;
        }

        match valid_json(&content, &request.format) {
            Ok(json) => {
                yield ChatEvent::Content(json);
                yield ChatEvent::Finished { reason, usage };
            }
            Err(mistake) => {
                let second = ask_again(&*engine, &request, &content, &mistake).await;
                let (content, reason, more) = second.unwrap_or((content, reason, Usage::default()));
                yield ChatEvent::Content(content);
                yield ChatEvent::Finished { reason, usage: sum(usage, more) };
            }
        }
    })
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
        ResponseFormat::JsonSchema { schema, .. } => match jsonschema::validator_for(schema) {
            Ok(validator) => validator.validate(value).map_err(|error| error.to_string()),
            // A schema that nobody can check is only a wish; the answer is JSON, and that has to do.
            Err(_) => Ok(()),
        },
    }
}

/// The second and last try. `None` if it did not come out better.
async fn ask_again(
    engine: &dyn ChatEngine,
    request: &ChatRequest,
    content: &str,
    mistake: &str,
) -> Option<(String, FinishReason, Usage)> {
    let mut request = request.clone();
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

    let mut events = engine.chat(request.clone()).await.ok()?;
    let mut content = String::new();
    while let Some(event) = events.next().await {
        match event.ok()? {
            ChatEvent::Content(text) => content.push_str(&text),
            ChatEvent::Finished { reason, usage } => {
                return valid_json(&content, &request.format).ok().map(|json| (json, reason, usage));
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
mod tests {
    use serde_json::json;

    use super::*;

    /// CAP-JSON-05: fenced JSON reaches the client bare.
    #[test]
    fn fences_and_words_around_the_json_are_taken_off() {
        let format = ResponseFormat::JsonObject;
        assert_eq!(valid_json("```json\n{\"a\": 1}\n```", &format), Ok("{\"a\": 1}".to_owned()));
        assert_eq!(valid_json("Here it is: {\"a\": 1}. Enjoy!", &format), Ok("{\"a\": 1}".to_owned()));
        assert!(valid_json("[1, 2]", &format).is_err());
        assert!(valid_json("no", &format).is_err());
    }

    #[test]
    fn a_schema_is_obeyed_or_the_mistake_is_named() {
        let schema =
            json!({"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}});
        let format = ResponseFormat::JsonSchema { name: "place".to_owned(), schema };
        assert!(valid_json("{\"city\": \"Beijing\"}", &format).is_ok());
        assert!(valid_json("{\"city\": 1}", &format).unwrap_err().contains("string"));
    }
}
