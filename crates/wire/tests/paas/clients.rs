//! What real, unmodified clients were recorded to send is understood (`clients.md` §3).

use inference::{Effort, Message, ResponseFormat, ToolChoice};
use serde_json::Value;
use wire::paas::{ChatCompletionRequest, ChatOptions, ClearThinkingDefault};

use crate::spec::shared;

fn recorded(file: &str) -> Value {
    let path = shared("fixtures/clients").join(file);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn parsed(body: &Value) -> (inference::ChatRequest, ChatOptions) {
    let request = ChatCompletionRequest::parse(body.to_string().as_bytes()).unwrap();
    request.into_request(ClearThinkingDefault::CODING).unwrap()
}

#[test]
fn every_recorded_chat_request_is_accepted_whole() {
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
            if !request["path"].as_str().is_some_and(|path| path.ends_with("paas/v4/chat/completions")) {
                continue;
            }
            let body = &request["body"];
            let (chat, options) = parsed(body);
            let sent = |field: &str| body[field].as_array().map_or(0, Vec::len);
            assert_eq!(chat.messages.len(), sent("messages"), "{}", path.display());
            assert_eq!(chat.tools.len(), sent("tools"), "{}", path.display());
            assert_eq!(options.stream, body["stream"] == true, "{}", path.display());
            assert_eq!(chat.max_tokens.map(u64::from), body["max_tokens"].as_u64(), "{}", path.display());
            for (tool, sent) in chat.tools.iter().zip(body["tools"].as_array().into_iter().flatten()) {
                let schema = serde_json::to_string(tool.parameters.as_ref().unwrap()).unwrap();
                assert_eq!(schema, sent["function"]["parameters"].to_string(), "in the order it was written");
            }
            seen += 1;
        }
    }
    assert!(seen >= 25, "only {seen} recordings were found");
}

/// clients.md §3.5: explicit nulls.
#[test]
fn the_zai_sdk_sends_nulls_for_what_it_does_not_set() {
    let (chat, _) = parsed(&recorded("zai-python/01-create.json")["request"]["body"]);
    assert_eq!(chat.format, ResponseFormat::Text);
    assert!(chat.thinking.enabled);
}

/// clients.md §3.2: the reasoning comes back in the assistant's message.
#[test]
fn opencode_sends_the_reasoning_back_with_the_calls() {
    let (chat, options) = parsed(&recorded("opencode/03-tool-result.json")["request"]["body"]);
    assert!(chat.messages.iter().any(|message| matches!(
        message,
        Message::Assistant { reasoning: Some(_), tool_calls, .. } if !tool_calls.is_empty()
    )));
    assert!(chat.thinking.preserved);
    assert!(options.include_usage);
}

#[test]
fn cline_asks_for_an_effort() {
    let (chat, _) = parsed(&recorded("cline-cli/03-thinking-high.json")["request"]["body"]);
    assert_eq!(chat.thinking.effort, Some(Effort::High));
}

#[test]
fn langchain_names_a_function_and_gives_a_schema() {
    let (chat, _) =
        parsed(&recorded("langchain-openai/05-structured-function-calling.json")["request"]["body"]);
    assert_eq!(chat.tool_choice, ToolChoice::Named("A".to_owned()));
    let (chat, _) = parsed(&recorded("langchain-openai/04-structured-json-schema.json")["request"]["body"]);
    assert!(
        matches!(chat.format, ResponseFormat::JsonSchema { name, schema } if name == "A" && schema.is_object())
    );
}
