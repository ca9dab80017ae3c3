//! Requests of real clients, as a recording server saw them.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::*;

/// Which tool each folder of recordings came from.
const FOLDERS: [(&str, &str); 16] = [
    ("aider", "aider"),
    ("anthropic-python", "Anthropic Python SDK"),
    ("claude-code", "Claude Code"),
    ("claude-code-2.0.14", "Claude Code"),
    ("cline-cli", "Cline"),
    ("factory-droid", "Factory Droid"),
    ("grok-cli", "Grok CLI"),
    ("kilo-code", "Kilo Code"),
    ("langchain-anthropic", "LangChain"),
    // It says nothing of itself: only the library below it shows.
    ("langchain-openai", "OpenAI Python SDK"),
    ("mcp-python", "httpx"),
    ("openai-python", "OpenAI Python SDK"),
    ("opencode", "OpenCode"),
    ("zai-mcp-server", "Z.AI vision MCP server"),
    ("zai-python", "Z.ai SDK"),
    ("_accepted-answers", ""),
];

/// Sent without a credential by the runtime under Claude Code, before its first request.
const PROBE: &str = "claude-code/01-head-probe.json";

/// What of a recorded request can be recognised, in the words of `Signals`.
struct Recorded {
    path: String,
    request: Value,
    tools: Vec<String>,
}

impl Recorded {
    fn read(path: &Path, folder: &str) -> Self {
        let recorded: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let request = recorded["request"].clone();
        let tools = request["body"]["tools"].as_array().into_iter().flatten();
        let names =
            tools.filter_map(|tool| tool["name"].as_str().or_else(|| tool["function"]["name"].as_str()));
        let file = path.file_name().unwrap().to_str().unwrap();
        Self { path: format!("{folder}/{file}"), tools: names.map(str::to_owned).collect(), request }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let headers = self.request["headers"].as_object().unwrap();
        headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).and_then(|(_, value)| value.as_str())
    }

    fn system(&self) -> Vec<&str> {
        let body = &self.request["body"];
        let prompt = match &body["system"] {
            Value::Null => {
                let mut messages = body["messages"].as_array().into_iter().flatten();
                let first =
                    messages.find(|message| matches!(message["role"].as_str(), Some("system" | "developer")));
                first.map_or(&Value::Null, |message| &message["content"])
            }
            prompt => prompt,
        };
        match prompt {
            Value::String(text) => vec![text],
            Value::Array(blocks) => blocks.iter().filter_map(|block| block["text"].as_str()).collect(),
            _ => Vec::new(),
        }
    }

    fn recognise(&self, recogniser: &Recogniser) -> Finding {
        let tools: Vec<&str> = self.tools.iter().map(String::as_str).collect();
        let client = &self.request["body"]["params"]["clientInfo"];
        let signals = Signals {
            user_agent: self.header("user-agent"),
            title: self.header("x-title"),
            referer: self.header("http-referer"),
            app: self.header("x-app"),
            claude_session: self.header("x-claude-code-session-id"),
            cline_version: self.header("x-cline-version"),
            zai_sdk_version: self.header("zai-sdk-ver"),
            source_channel: self.header("x-source-channel"),
            tools: &tools,
            mcp_client: client["name"].as_str(),
            mcp_version: client["version"].as_str(),
            ..Signals::default()
        };
        recogniser.recognise(&signals.with_system(self.system()))
    }
}

fn recordings() -> Vec<(Recorded, &'static str)> {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures/clients"));
    let mut recordings = Vec::new();
    for entry in std::fs::read_dir(root).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let (_, tool) =
            FOLDERS.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("{name} is new"));
        if tool.is_empty() {
            continue;
        }
        for file in std::fs::read_dir(&folder).unwrap() {
            recordings.push((Recorded::read(&file.unwrap().path(), &name), *tool));
        }
    }
    recordings
}

/// Every request of a real client is recognised as that client's.
#[test]
fn recorded_requests_are_recognised_as_the_tool_that_sent_them() {
    let recogniser = recogniser();
    let recordings = recordings();
    assert!(recordings.len() > 90, "{}", recordings.len());
    for (recorded, tool) in recordings {
        let finding = recorded.recognise(&recogniser);
        if recorded.path == PROBE {
            assert_eq!(finding.category, Category::PlainSdk);
            continue;
        }
        // A recording of the MCP library names the library in its first call, and only there.
        let by_client_info = name(&finding) == Some("MCP Python SDK") && tool == "httpx";
        assert!(name(&finding) == Some(tool) || by_client_info, "{}: {finding:?}", recorded.path);
    }
}

/// USE-01: a library is what the plan forbids, and a tool that is made with one is not.
#[test]
fn only_recordings_of_libraries_are_plain_sdks() {
    let recogniser = recogniser();
    for (recorded, _) in recordings() {
        let finding = recorded.recognise(&recogniser);
        let is_library = [
            "anthropic-python/",
            "langchain-anthropic/",
            "langchain-openai/",
            "mcp-python/",
            "openai-python/",
            "zai-python/",
        ]
        .iter()
        .any(|folder| recorded.path.starts_with(folder));
        assert_eq!(
            finding.is_plain_sdk,
            is_library || recorded.path == PROBE,
            "{}: {finding:?}",
            recorded.path
        );
    }
}

#[test]
fn recorded_versions_are_read() {
    let recogniser = recogniser();
    for (recorded, _) in recordings() {
        let finding = recorded.recognise(&recogniser);
        let expected = match recorded.path.split('/').next().unwrap() {
            "claude-code" => "2.1.197",
            "claude-code-2.0.14" => "2.0.14",
            "factory-droid" => "0.215.0",
            "kilo-code" => "7.7.9",
            "opencode" => "1.18.33",
            "anthropic-python" => "2.12.0",
            "openai-python" => "3.54.0",
            "langchain-anthropic" => "1.7.7",
            "zai-python" => "0.2.3",
            _ => continue,
        };
        if recorded.path != PROBE {
            assert_eq!(finding.version.as_deref(), Some(expected), "{}", recorded.path);
        }
    }
}
