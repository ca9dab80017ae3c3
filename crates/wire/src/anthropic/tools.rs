//! What the model may call, as sent (`anthropic-api.md` §7).

use inference::{Tool, ToolChoice};
use serde::Deserialize;
use serde_json::{Value, json};

use super::block::{Loose, text_of};
use super::published_tools;
use crate::BadRequest;

/// The most tools in one request. Coding tools with many MCP servers send more than the chat API's 128.
const TOOLS_MAX: usize = 1024;
/// The longest name of a tool: those of MCP servers are long.
const TOOL_NAME_BYTES_MAX: usize = 128;
/// The most domains that a tool of the server may be kept to or from.
const DOMAINS_MAX: usize = 256;

/// One entry of `tools`, as sent.
#[derive(Debug, Deserialize)]
pub(super) struct ToolBody {
    #[serde(rename = "type")]
    kind: Option<Loose>,
    name: Option<Loose>,
    description: Option<Loose>,
    input_schema: Option<Value>,
    strict: Option<Loose>,
    max_uses: Option<Value>,
    allowed_domains: Option<Value>,
    blocked_domains: Option<Value>,
}

/// A tool that the server runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerTool {
    /// What it does.
    pub kind: ServerToolKind,
    /// The name that the client knows it by.
    pub name: String,
    /// How often it may be used in one request.
    pub max_uses: Option<u32>,
    /// If there are any, nothing else may be shown.
    pub allowed_domains: Vec<String>,
    /// Never to be shown.
    pub blocked_domains: Vec<String>,
}

/// What a tool of the server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerToolKind {
    /// Searches the web: `web_search_20250305`, …
    WebSearch,
    /// Opens a page: `web_fetch_20250910`, …
    WebFetch,
}

/// The tools of a request, sorted by who runs them.
#[derive(Debug, Default)]
pub(super) struct Tools {
    /// The client runs these.
    pub functions: Vec<Tool>,
    /// The platform runs these.
    pub server_tools: Vec<ServerTool>,
}

/// 1213 for a tool of the client without a name, 1210 for a name that is no text.
pub(super) fn check_required(tools: &[ToolBody]) -> Result<(), BadRequest> {
    tools.iter().take(TOOLS_MAX).enumerate().try_for_each(|(index, tool)| match &tool.name {
        Some(Loose::Text(_)) => Ok(()),
        _ if !tool.is_defined_by_client() => Ok(()),
        Some(_) => Err(BadRequest::mistyped(&format!("tools.{index}.name"), "expected a text")),
        None => Err(BadRequest::missing(format!("tools.{index}.name"))),
    })
}

/// Checks each tool's ranges and sorts them. Tools of a kind that is not known are the client's to run.
pub(super) fn into_tools(bodies: Vec<ToolBody>) -> Result<Tools, BadRequest> {
    if bodies.len() > TOOLS_MAX {
        return Err(BadRequest::invalid("tools", &format!("at most {TOOLS_MAX} tools")));
    }
    let mut tools = Tools::default();
    for (index, body) in bodies.into_iter().enumerate() {
        match body.server_tool_kind() {
            Some(kind) => tools.server_tools.push(body.into_server_tool(kind)),
            // A set of tools under no name of its own offers nothing to call.
            None if !body.has_name() => {}
            None => tools.functions.push(body.into_function(index)?),
        }
    }
    Ok(tools)
}

/// Reads `tool_choice` and whether several tools may be called at once. A form that is not understood leaves the
/// choice to the model, and so does naming a tool that the server runs.
pub(super) fn into_choice(
    choice: Option<&Value>,
    tools: &Tools,
) -> Result<(ToolChoice, Option<bool>), BadRequest> {
    let Some(choice) = choice else { return Ok((ToolChoice::Auto, None)) };
    let is_parallel = choice.get("disable_parallel_tool_use").and_then(Value::as_bool).map(|is_off| !is_off);
    let kind = choice.get("type").unwrap_or(choice).as_str();
    let choice = match kind {
        Some("none") => ToolChoice::None,
        Some("any") if !tools.functions.is_empty() => ToolChoice::Required,
        Some("tool") => {
            let name = choice.get("name").and_then(Value::as_str);
            named(name.ok_or_else(|| BadRequest::missing("tool_choice.name"))?, tools)?
        }
        _ => ToolChoice::Auto,
    };
    Ok((choice, is_parallel))
}

fn named(name: &str, tools: &Tools) -> Result<ToolChoice, BadRequest> {
    if tools.functions.iter().any(|tool| tool.name == name) {
        Ok(ToolChoice::Named(name.to_owned()))
    } else if tools.server_tools.iter().any(|tool| tool.name == name) {
        Ok(ToolChoice::Auto)
    } else {
        Err(BadRequest::invalid("tool_choice.name", "the name of one of the tools"))
    }
}

impl ToolBody {
    fn kind(&self) -> Option<&str> {
        match &self.kind {
            Some(Loose::Text(kind)) => Some(kind),
            _ => None,
        }
    }

    fn is_defined_by_client(&self) -> bool {
        self.kind().is_none_or(|kind| kind == "custom")
    }

    fn has_name(&self) -> bool {
        matches!(self.name, Some(Loose::Text(_)))
    }

    fn server_tool_kind(&self) -> Option<ServerToolKind> {
        let kind = self.kind()?;
        if kind.starts_with("web_search_") {
            Some(ServerToolKind::WebSearch)
        } else if kind.starts_with("web_fetch_") {
            Some(ServerToolKind::WebFetch)
        } else {
            None
        }
    }

    fn into_server_tool(self, kind: ServerToolKind) -> ServerTool {
        let usual_name = match kind {
            ServerToolKind::WebSearch => "web_search",
            ServerToolKind::WebFetch => "web_fetch",
        };
        ServerTool {
            kind,
            name: text_of(self.name).unwrap_or_else(|| usual_name.to_owned()),
            max_uses: self.max_uses.and_then(|uses| u32::try_from(uses.as_u64()?).ok()),
            allowed_domains: domains(self.allowed_domains),
            blocked_domains: domains(self.blocked_domains),
        }
    }

    fn into_function(self, index: usize) -> Result<Tool, BadRequest> {
        let is_defined_by_client = self.is_defined_by_client();
        let published = self.kind().and_then(published_tools::find);
        let Self { name, description, input_schema, strict, .. } = self;
        let name = text_of(name).unwrap_or_default();
        let is_name = (1..=TOOL_NAME_BYTES_MAX).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        if !is_name {
            return Err(BadRequest::invalid(
                format!("tools.{index}.name"),
                "1 to 128 letters, digits, underscores or hyphens",
            ));
        }
        let parameters = match (input_schema, &published) {
            (Some(schema), _) if schema.is_object() => Some(schema),
            (Some(_), _) if is_defined_by_client => {
                return Err(BadRequest::invalid(
                    format!("tools.{index}.input_schema"),
                    "a JSON Schema object",
                ));
            }
            (_, Some(published)) => Some(published.parameters.clone()),
            (None, None) if is_defined_by_client => None,
            _ => Some(json!({"type": "object"})),
        };
        let description = text_of(description).or(published.map(|tool| tool.description.to_owned()));
        let strict = match strict {
            Some(Loose::Flag(is_strict)) => Some(is_strict),
            _ => None,
        };
        Ok(Tool { name, description, parameters, strict })
    }
}

fn domains(list: Option<Value>) -> Vec<String> {
    let Some(Value::Array(list)) = list else { return Vec::new() };
    let texts = list.into_iter().filter_map(|domain| match domain {
        Value::String(domain) => Some(domain),
        _ => None,
    });
    texts.take(DOMAINS_MAX).collect()
}
