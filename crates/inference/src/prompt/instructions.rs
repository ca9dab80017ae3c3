use crate::{ChatRequest, ResponseFormat, ToolChoice};

/// What has to be said to the model in words, because its template has no place for it. The same request
/// always gives the same text, so that the prefix stays in the cache.
pub(super) fn for_request(request: &ChatRequest) -> Option<String> {
    let said: Vec<String> =
        [tool_choice(request), answer_format(&request.format)].into_iter().flatten().collect();
    if said.is_empty() { None } else { Some(said.join("\n\n")) }
}

fn tool_choice(request: &ChatRequest) -> Option<String> {
    if request.tools.is_empty() {
        return None;
    }
    match &request.tool_choice {
        ToolChoice::Auto | ToolChoice::None => None,
        ToolChoice::Required => Some("Call at least one of the functions before you answer.".to_owned()),
        ToolChoice::Named(name) => Some(format!("Call the function `{name}` before you answer.")),
    }
}

fn answer_format(format: &ResponseFormat) -> Option<String> {
    match format {
        ResponseFormat::Text => None,
        ResponseFormat::JsonObject => Some(
            "Your answer must be one valid JSON object and nothing else: no explanation and no code fence."
                .to_owned(),
        ),
        ResponseFormat::JsonSchema { name, schema } => Some(format!(
            "Your answer must be valid JSON that obeys the JSON Schema `{name}` below, and nothing else: no \
             explanation and no code fence.\n{schema}"
        )),
    }
}
