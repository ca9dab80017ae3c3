//! What real, unmodified clients were recorded to send is understood (`anthropic-api.md`, `clients.md`).

use inference::{ChatRequest, Effort, Message, Original, Part, ResponseFormat, Thinking, ToolChoice};
use serde_json::{Value, json};
use wire::anthropic::{MessageOptions, MessagesRequest, ServerTool, ServerToolKind};

use crate::requests::{read, recorded, result, shared, system};

fn parsed(file: &str) -> (ChatRequest, MessageOptions) {
    read(&recorded(file)).unwrap()
}

/// The roles, a letter each: system, user, assistant, tool.
fn roles(request: &ChatRequest) -> String {
    let letter = |message: &Message| match message {
        Message::System { .. } => 's',
        Message::User { .. } => 'u',
        Message::Assistant { .. } => 'a',
        Message::Tool { .. } => 't',
    };
    request.messages.iter().map(letter).collect()
}

fn blocks<'a>(body: &'a Value, kind: &str) -> Vec<&'a Value> {
    let lists =
        body["messages"].as_array().unwrap().iter().filter_map(|message| message["content"].as_array());
    lists.flatten().filter(|block| block["type"] == kind).collect()
}

#[test]
fn every_recorded_message_request_is_accepted_whole() {
    let mut seen = 0;
    for client in std::fs::read_dir(shared("fixtures/clients")).unwrap() {
        let client = client.unwrap().path();
        for file in client.is_dir().then(|| std::fs::read_dir(&client).unwrap()).into_iter().flatten() {
            let path = file.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let recording: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            let request = &recording["request"];
            let is_message = request["path"].as_str().is_some_and(|path| {
                path.contains("/api/anthropic")
                    && (path.ends_with("/messages") || path.ends_with("/count_tokens"))
            });
            if is_message {
                is_read_whole(&request["body"], &path.display().to_string());
                seen += 1;
            }
        }
    }
    assert!(seen >= 35, "only {seen} recordings were found");
}

fn is_read_whole(body: &Value, path: &str) {
    let bytes = body.to_string();
    let request = MessagesRequest::parse(bytes.as_bytes()).unwrap();
    assert_eq!(request.model, body["model"], "{path}");
    let (chat, options) = request.into_request("glm-4.7".parse().unwrap()).unwrap();

    assert_eq!(options.stream, body["stream"] == true, "{path}");
    assert_eq!(chat.max_tokens.map(u64::from), body["max_tokens"].as_u64(), "{path}");
    assert_eq!(chat.thinking.enabled, body["thinking"]["type"] != "disabled", "{path}");
    assert!(chat.thinking.preserved, "{path}");
    assert_eq!(chat.original, Some(Original::Messages(bytes.as_bytes().into())), "{path}");
    let user_id = body["metadata"]["user_id"].as_str().map(str::to_owned);
    assert_eq!(options.user_id, user_id, "{path}");

    let sent_tools = body["tools"].as_array().map_or(&[][..], Vec::as_slice);
    assert_eq!(chat.tools.len() + options.server_tools.len(), sent_tools.len(), "{path}");
    let sent_functions = sent_tools.iter().filter(|tool| tool.get("input_schema").is_some());
    for (tool, sent) in chat.tools.iter().zip(sent_functions) {
        assert_eq!(tool.name, sent["name"], "{path}");
        let schema = serde_json::to_string(tool.parameters.as_ref().unwrap()).unwrap();
        assert_eq!(schema, sent["input_schema"].to_string(), "in the order it was written");
    }

    let calls: Vec<_> = (chat.messages.iter())
        .filter_map(|message| match message {
            Message::Assistant { tool_calls, .. } => Some(tool_calls),
            _ => None,
        })
        .flatten()
        .collect();
    let sent_calls = blocks(body, "tool_use");
    assert_eq!(calls.len(), sent_calls.len(), "{path}");
    for (call, sent) in calls.iter().zip(sent_calls) {
        assert_eq!(
            (&call.id[..], &call.name[..]),
            (sent["id"].as_str().unwrap(), sent["name"].as_str().unwrap())
        );
        assert_eq!(call.arguments, sent["input"].to_string(), "as it was written");
    }
    let results = chat.messages.iter().filter(|message| matches!(message, Message::Tool { .. })).count();
    assert_eq!(results, blocks(body, "tool_result").len(), "{path}");
    let thoughts = chat
        .messages
        .iter()
        .filter(|message| matches!(message, Message::Assistant { reasoning: Some(_), .. }));
    assert_eq!(thoughts.count(), blocks(body, "thinking").len(), "{path}");
}

/// anthropic-api.md §5.1, §6: the message of role `system` keeps its place, the billing block is no instruction.
#[test]
fn claude_code_begins_a_conversation() {
    let (chat, options) = parsed("claude-code/02-first-turn.json");
    assert_eq!(roles(&chat), "sus");
    assert_eq!(chat.tools.len(), 24);
    assert_eq!(chat.thinking, Thinking { enabled: true, preserved: true, effort: Some(Effort::High) });
    let Message::System { content } = &chat.messages[0] else { panic!() };
    let [Part::Text { text }] = &content[..] else { panic!() };
    assert!(
        text.starts_with("You are a Claude agent, built on Anthropic's Claude Agent SDK.\n\n\nYou are"),
        "{text}"
    );
    let Message::User { content } = &chat.messages[1] else { panic!() };
    let [Part::Text { text }] = &content[..] else { panic!() };
    assert!(text.ends_with("\nCreate a file. Please use the Write tool."), "{text}");
    assert_eq!(
        options.billing_block.as_deref(),
        Some("x-anthropic-billing-header: cc_version=2.1.197.d53; cc_entrypoint=sdk-cli;")
    );
    assert!(options.begins_prompt && options.stream && chat.tool_stream);
}

/// anthropic-api.md §14: a call that only brings results goes on with the prompt that is running.
#[test]
fn claude_code_brings_the_result_of_a_tool() {
    let (chat, options) = parsed("claude-code/03-tool-result.json");
    assert_eq!(roles(&chat), "susat");
    let Message::Assistant { content, reasoning, tool_calls } = &chat.messages[3] else { panic!() };
    assert_eq!(content, "I will use a tool now.");
    assert_eq!(reasoning.as_deref(), Some("Let me work this out. Step one; step two."));
    assert_eq!(tool_calls[0].arguments, r#"{"file_path":"/workspace/hello.txt","content":"AZIMUTH-OK"}"#);
    assert!(!options.begins_prompt);
    // An empty signature is as good as any.
    assert_eq!(roles(&parsed("claude-code/22-empty-signature.json").0), "susat");
}

/// anthropic-api.md §5.2: results of parallel calls come in one message.
#[test]
fn claude_code_calls_two_tools_at_once() {
    let (chat, options) = parsed("claude-code/15-parallel-tool-results.json");
    assert_eq!(roles(&chat), "susatt");
    assert_eq!(chat.messages[4], result("toolu_2fd9f8718375483b9a650fa0", "one"));
    assert_eq!(chat.messages[5], result("toolu_2fa151db2a854d86aaa2e55c", "two"));
    assert!(!options.begins_prompt);
}

/// anthropic-api.md §5.4
#[test]
fn claude_code_reads_a_picture() {
    let (chat, _) = parsed("claude-code/08-image-in-tool-result.json");
    assert_eq!(roles(&chat), "susat");
    let Message::Tool { content, .. } = &chat.messages[4] else { panic!() };
    assert!(
        matches!(&content[..], [Part::Image { url }] if url.starts_with("data:image/png;base64,iVBORw0KG"))
    );
}

/// anthropic-api.md §5.2: a result and a document side by side.
#[test]
fn claude_code_reads_a_pdf() {
    let (chat, _) = parsed("claude-code/09-pdf-document-block.json");
    assert_eq!(roles(&chat), "susatu");
    let Message::User { content } = &chat.messages[5] else { panic!() };
    assert!(
        matches!(&content[..], [Part::File { url }] if url.starts_with("data:application/pdf;base64,JVBERi0"))
    );
}

/// anthropic-api.md §7.2
#[test]
fn claude_code_asks_the_server_to_search() {
    let (chat, options) = parsed("claude-code/10-server-web-search.json");
    assert_eq!(roles(&chat), "su");
    assert!(chat.tools.is_empty() && chat.tool_choice == ToolChoice::Auto && !chat.thinking.enabled);
    let search = ServerTool {
        kind: ServerToolKind::WebSearch,
        name: "web_search".to_owned(),
        max_uses: Some(8),
        allowed_domains: Vec::new(),
        blocked_domains: Vec::new(),
    };
    assert_eq!(options.server_tools, [search]);
}

/// anthropic-api.md §7.4
#[test]
fn claude_code_asks_for_a_title_in_json() {
    let (chat, _) = parsed("claude-code/17-title-json-schema.json");
    let ResponseFormat::JsonSchema { schema, .. } = chat.format else { panic!() };
    assert_eq!(schema["required"], json!(["title"]));
}

/// anthropic-api.md §8.3: the thinking of all earlier turns comes back.
#[test]
fn claude_code_goes_on_with_a_conversation_and_compacts_it() {
    let (chat, options) = parsed("claude-code/18-interactive-history.json");
    assert_eq!((roles(&chat).as_str(), chat.tools.len()), ("susatau", 28));
    assert!(options.begins_prompt);
    let (chat, _) = parsed("claude-code/19-compact.json");
    assert_eq!(roles(&chat), "susatau");
}

/// anthropic-api.md §5.2: references to tools, and text beside a result.
#[test]
fn claude_code_searches_for_tools() {
    let (chat, _) = parsed("claude-code/31-tool-search.json");
    assert_eq!(roles(&chat), "susatuats");
    let name = "mcp__web-search-prime__webSearchPrime";
    assert_eq!(
        chat.messages[4],
        result("toolu_a0dcb1caae0b40aeaadf90fa", &format!("Tool {name} is now available."))
    );
    assert!(chat.tools.iter().any(|tool| tool.name == name), "deferred tools are offered like any other");
}

#[test]
fn claude_code_thinks_within_a_budget_or_not_at_all() {
    let (chat, _) = parsed("claude-code/05-haiku-budget-thinking.json");
    assert_eq!(chat.thinking, Thinking { enabled: true, preserved: true, effort: None });
    let (chat, options) = parsed("claude-code/12-subagent.json");
    assert!(!chat.thinking.enabled && chat.sampling.temperature == Some(1.0) && !chat.sampling.greedy);
    assert!(options.billing_block.unwrap().ends_with("cc_is_subagent=true;"));
}

#[test]
fn an_older_claude_code_never_asked_for_thinking_and_gets_the_models_default() {
    let (chat, options) = parsed("claude-code-2.0.14/02-tool-result.json");
    assert_eq!((roles(&chat).as_str(), chat.tools.len()), ("suat", 15));
    assert!(chat.thinking.enabled);
    assert_eq!(options.user_id.as_deref(), Some("user_{device_id}_account__session_{uuid}"));
    assert_eq!(options.billing_block, None);
}

#[test]
fn the_python_sdk_counts_tokens_and_asks_for_a_schema() {
    let (chat, _) = parsed("anthropic-python/03-count-tokens.json");
    assert_eq!(chat.max_tokens, None);
    let (chat, options) = parsed("anthropic-python/01-create.json");
    assert_eq!(chat.messages[0], system("s"));
    assert!(!options.stream && !chat.thinking.enabled && !chat.tool_stream);
    let (chat, _) = parsed("anthropic-python/07-parse-json-schema.json");
    assert!(matches!(chat.format, ResponseFormat::JsonSchema { schema, .. } if schema["title"] == "A"));
}

/// anthropic-api.md §5.1: Droid sends two user messages in a row.
#[test]
fn droid_speaks_twice_before_the_model_does() {
    let (chat, options) = parsed("factory-droid/01-anthropic-tool-result.json");
    assert_eq!(roles(&chat), "suat");
    let Message::User { content } = &chat.messages[1] else { panic!() };
    let [Part::Text { text }] = &content[..] else { panic!() };
    assert!(text.ends_with("\nCreate Please use the Create tool."), "{text}");
    assert_eq!((chat.max_tokens, options.begins_prompt), (Some(131_072), false));
}

#[test]
fn aider_wants_the_likeliest_words() {
    let (chat, _) = parsed("aider/03-anthropic.json");
    assert_eq!(roles(&chat), "suauauauauau");
    assert!(chat.sampling.greedy && chat.tools.is_empty());
}
