//! What the model may call, as sent (`http-api.md` §2.4).

use inference::{Tool, ToolChoice};
use serde::Deserialize;
use serde_json::Value;

use crate::BadRequest;
use crate::lenient::Flag;

/// The most tools in one request (CAP-FUN-02).
const TOOLS_MAX: usize = 128;
/// The longest name of a function (CAP-FUN-02).
const FUNCTION_NAME_BYTES_MAX: usize = 64;

/// One entry of `tools`, as sent.
#[derive(Debug, Deserialize)]
pub(super) struct ToolBody {
    #[serde(rename = "type")]
    kind: Option<String>,
    function: Option<FunctionBody>,
    web_search: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct FunctionBody {
    name: Option<String>,
    description: Option<String>,
    parameters: Option<Value>,
    strict: Option<Flag>,
}

/// The tools of a request, sorted by who runs them.
#[derive(Debug, Default)]
pub(super) struct Tools {
    /// The caller runs these.
    pub functions: Vec<Tool>,
    /// The platform runs these: `web_search` objects that are switched on.
    pub web_searches: Vec<Value>,
}

/// 1213 for a tool that lacks a required field.
pub(super) fn check_required(tools: &[ToolBody]) -> Result<(), BadRequest> {
    tools.iter().take(TOOLS_MAX).enumerate().try_for_each(|(index, tool)| match tool.missing_field() {
        Some(field) => Err(BadRequest::missing(format!("tools[{index}].{field}"))),
        None => Ok(()),
    })
}

/// Checks each tool's ranges and sorts them.
pub(super) fn into_tools(bodies: Vec<ToolBody>) -> Result<Tools, BadRequest> {
    if bodies.len() > TOOLS_MAX {
        return Err(BadRequest::invalid("tools", &format!("at most {TOOLS_MAX} tools")));
    }
    let mut tools = Tools::default();
    for (index, body) in bodies.into_iter().enumerate() {
        let missing = body.missing_field();
        match body.kind() {
            "function" => match body.function {
                Some(FunctionBody { name: Some(name), description, parameters, strict }) => {
                    let strict = strict.map(|strict| strict.0);
                    tools.functions.push(checked(index, Tool { name, description, parameters, strict })?);
                }
                _ => {
                    return Err(BadRequest::missing(format!(
                        "tools[{index}].{}",
                        missing.unwrap_or("function")
                    )));
                }
            },
            "web_search" => {
                if let Some(search) = body.web_search
                    && is_enabled(index, &search)?
                {
                    tools.web_searches.push(search);
                }
            }
            "retrieval" => {
                return Err(BadRequest::invalid(
                    format!("tools[{index}].retrieval.knowledge_id"),
                    "there is no such knowledge base",
                ));
            }
            "mcp" => return Err(BadRequest::unsupported(format!("tools[{index}].type"), "mcp")),
            _ => {
                return Err(BadRequest::invalid(
                    format!("tools[{index}].type"),
                    "one of function, web_search, retrieval, mcp",
                ));
            }
        }
    }
    Ok(tools)
}

/// Reads `tool_choice`. Only `auto` is documented; a form that is not understood means the same.
pub(super) fn into_choice(choice: Option<&Value>, tools: &[Tool]) -> Result<ToolChoice, BadRequest> {
    let named = |choice: &Value| {
        let is_function = choice.get("type").is_none_or(|kind| kind == "function");
        let name = choice.get("function")?.get("name")?.as_str()?;
        is_function.then(|| name.to_owned())
    };
    match choice {
        Some(Value::String(word)) if word == "none" => Ok(ToolChoice::None),
        Some(Value::String(word)) if word == "required" && !tools.is_empty() => Ok(ToolChoice::Required),
        Some(choice @ Value::Object(_)) => match named(choice) {
            Some(name) if tools.iter().any(|tool| tool.name == name) => Ok(ToolChoice::Named(name)),
            Some(_) => {
                Err(BadRequest::invalid("tool_choice.function.name", "the name of a function among tools"))
            }
            None => Ok(ToolChoice::Auto),
        },
        _ => Ok(ToolChoice::Auto),
    }
}

impl ToolBody {
    fn kind(&self) -> &str {
        match (&self.kind, &self.function) {
            (Some(kind), _) => kind,
            (None, Some(_)) => "function",
            (None, None) => "",
        }
    }

    fn missing_field(&self) -> Option<&'static str> {
        match (self.kind(), &self.function) {
            ("", _) => Some("type"),
            ("function", None) => Some("function"),
            ("function", Some(FunctionBody { name: None, .. })) => Some("function.name"),
            _ => None,
        }
    }
}

fn checked(index: usize, tool: Tool) -> Result<Tool, BadRequest> {
    let is_name = (1..=FUNCTION_NAME_BYTES_MAX).contains(&tool.name.len())
        && tool.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if !is_name {
        return Err(BadRequest::invalid(
            format!("tools[{index}].function.name"),
            "1 to 64 letters, digits, underscores or hyphens",
        ));
    }
    if tool.parameters.as_ref().is_some_and(|schema| !schema.is_object()) {
        return Err(BadRequest::invalid(
            format!("tools[{index}].function.parameters"),
            "a JSON Schema object",
        ));
    }
    Ok(tool)
}

/// Whether a `web_search` object is switched on; the documentation's own sample says `"enable": "True"`.
fn is_enabled(index: usize, search: &Value) -> Result<bool, BadRequest> {
    match search.get("enable") {
        None | Some(Value::Null) => Ok(false),
        Some(flag) => match Flag::deserialize(flag) {
            Ok(Flag(is_enabled)) => Ok(is_enabled),
            Err(_) => Err(BadRequest::invalid(format!("tools[{index}].web_search.enable"), "true or false")),
        },
    }
}
