//! Which of Anthropic's betas a body makes use of.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::remote::chunk::Text;

/// Tools that the host only takes under the name of their beta, by the beginning of their type.
const BY_TOOL: [(&str, &str); 8] = [
    ("code_execution_20250522", "code-execution-2025-05-22"),
    ("code_execution_20250825", "code-execution-2025-08-25"),
    ("computer_20250124", "computer-use-2025-01-24"),
    ("computer_20251124", "computer-use-2025-11-24"),
    ("mcp_toolset", "mcp-client-2025-11-20"),
    ("memory_", "context-management-2025-06-27"),
    ("tool_search_tool_", "advanced-tool-use-2025-11-20"),
    ("web_fetch_20250910", "web-fetch-2025-09-10"),
];

/// Fields that the host only takes under the name of their beta. A member that is null is not there.
#[derive(Debug, Default, Deserialize)]
struct Signs<'a> {
    context_management: Option<IgnoredAny>,
    mcp_servers: Option<IgnoredAny>,
    output_format: Option<IgnoredAny>,
    output_config: Option<OutputSigns>,
    #[serde(borrow, default)]
    system: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tools: Option<Vec<ToolSigns<'a>>>,
    #[serde(borrow, default)]
    messages: Option<Vec<MessageSigns<'a>>>,
}

#[derive(Debug, Deserialize)]
struct OutputSigns {
    effort: Option<IgnoredAny>,
    format: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
struct ToolSigns<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Text<'a>>,
    defer_loading: Option<IgnoredAny>,
    input_examples: Option<IgnoredAny>,
    allowed_callers: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
struct MessageSigns<'a> {
    #[serde(borrow, default)]
    role: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct BlockSigns {
    cache_control: Option<CacheSigns>,
}

#[derive(Debug, Deserialize)]
struct CacheSigns {
    scope: Option<IgnoredAny>,
}

/// The names that `body` needs in `anthropic-beta`. A client says them in a header, which ends at our door; but what
/// it asks for stands in the body, and a host that knows no betas ignores the header.
pub(super) fn needed_by(body: &[u8]) -> Vec<&'static str> {
    let signs: Signs<'_> = serde_json::from_slice(body).unwrap_or_default();
    let tools = signs.tools.unwrap_or_default();
    let output = signs.output_config.as_ref();
    let is_system = |message: &MessageSigns<'_>| message.role.as_ref().is_some_and(|role| role.0 == "system");
    let is_advanced = |tool: &ToolSigns<'_>| {
        tool.defer_loading.is_some() || tool.input_examples.is_some() || tool.allowed_callers.is_some()
    };
    let has_scope = signs.system.is_some_and(|system| {
        let blocks: Vec<BlockSigns> = serde_json::from_str(system.get()).unwrap_or_default();
        blocks.iter().any(|block| block.cache_control.as_ref().is_some_and(|cache| cache.scope.is_some()))
    });

    let mut names: Vec<&'static str> = [
        (signs.context_management.is_some(), "context-management-2025-06-27"),
        (signs.mcp_servers.is_some(), "mcp-client-2025-11-20"),
        (
            signs.output_format.is_some() || output.is_some_and(|output| output.format.is_some()),
            "structured-outputs-2025-12-15",
        ),
        (output.is_some_and(|output| output.effort.is_some()), "effort-2025-11-24"),
        (signs.messages.iter().flatten().any(is_system), "mid-conversation-system-2026-04-07"),
        (tools.iter().any(is_advanced), "advanced-tool-use-2025-11-20"),
        (has_scope, "prompt-caching-scope-2026-01-05"),
    ]
    .into_iter()
    .filter_map(|(is_needed, name)| is_needed.then_some(name))
    .collect();
    for kind in tools.iter().filter_map(|tool| tool.kind.as_ref()) {
        names.extend(BY_TOOL.iter().filter(|(head, _)| kind.0.starts_with(head)).map(|&(_, name)| name));
    }
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_body_needs_no_beta() {
        let plain = br#"{"model":"m","max_tokens":1,"system":"s","tools":[{"name":"f","input_schema":{}}],
            "context_management":null,"output_config":{},"messages":[{"role":"user","content":"hi"}]}"#;
        assert_eq!(needed_by(plain), Vec::<&str>::new());
        assert_eq!(needed_by(b"no JSON"), Vec::<&str>::new());
    }

    #[test]
    fn what_a_body_asks_for_is_named_once() {
        let body = br#"{"context_management":{"edits":[]},"output_config":{"effort":"high","format":{}},
            "system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral","scope":"global"}}],
            "tools":[{"type":"memory_20250818","name":"memory"},{"name":"f","defer_loading":true}],
            "messages":[{"role":"user","content":"hi"},{"role":"system","content":"s"}]}"#;
        assert_eq!(
            needed_by(body),
            [
                "advanced-tool-use-2025-11-20",
                "context-management-2025-06-27",
                "effort-2025-11-24",
                "mid-conversation-system-2026-04-07",
                "prompt-caching-scope-2026-01-05",
                "structured-outputs-2025-12-15",
            ]
        );
    }
}
