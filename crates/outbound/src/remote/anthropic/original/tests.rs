use serde_json::{Value, json};

use super::*;
use crate::remote::config::Kind;

fn config() -> RemoteConfig {
    RemoteConfig::new("claude", Kind::Anthropic, "https://host/v1", "claude-x")
}

fn sent(config: &RemoteConfig, body: &Value, max_tokens: u32) -> Value {
    serde_json::from_slice(&chat(config, body.to_string().as_bytes(), max_tokens).unwrap()).unwrap()
}

fn long_signature() -> String {
    "Eq".repeat(100)
}

fn recorded(name: &str) -> Value {
    let path = format!("{}/../../../shared/fixtures/clients/{name}", env!("CARGO_MANIFEST_DIR"));
    let recording: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    recording["request"]["body"].clone()
}

/// What real coding tools send arrives as they sent it, but for the model, the limit and the billing block.
#[test]
fn recorded_bodies_pass_through_unchanged() {
    for name in [
        "claude-code/02-first-turn.json",
        "claude-code/09-pdf-document-block.json",
        "claude-code/10-server-web-search.json",
        "claude-code/15-parallel-tool-results.json",
        "claude-code-2.0.14/01-first-turn.json",
    ] {
        let body = recorded(name);
        let mut expected = body.clone();
        expected["model"] = json!("claude-x");
        expected["stream"] = json!(true);
        expected["max_tokens"] = json!(5_000);
        if let Some(system) = expected["system"].as_array_mut()
            && system.first().is_some_and(|block| block["text"].as_str().unwrap().starts_with("x-anthropic"))
        {
            system.remove(0);
        }
        // The budget follows the limit.
        if expected["thinking"]["budget_tokens"].as_u64() >= Some(5_000) {
            expected["thinking"]["budget_tokens"] = json!(2_500);
        }
        let mut lenient = config();
        lenient.sends_reasoning = true;
        assert_eq!(sent(&lenient, &body, 5_000), expected, "{name}");
    }
}

#[test]
fn the_limit_is_lowered_and_never_raised() {
    let body = |max_tokens: u32| json!({"model": "glm-4.7", "max_tokens": max_tokens, "messages": []});
    assert_eq!(sent(&config(), &body(64), 5_000)["max_tokens"], 64);
    assert_eq!(sent(&config(), &body(64_000), 5_000)["max_tokens"], 5_000);
    let without = json!({"model": "glm-4.7", "messages": []});
    assert_eq!(sent(&config(), &without, 5_000)["max_tokens"], 5_000);
}

#[test]
fn a_budget_for_thinking_leaves_something_for_the_answer() {
    let thinking = |budget: u32, max_tokens: u32| {
        let body =
            json!({"max_tokens": max_tokens, "thinking": {"type": "enabled", "budget_tokens": budget}});
        sent(&config(), &body, max_tokens)["thinking"].clone()
    };
    assert_eq!(thinking(31_999, 32_000), json!({"type": "enabled", "budget_tokens": 31_999}));
    assert_eq!(thinking(31_999, 8_000), json!({"type": "enabled", "budget_tokens": 4_000}));
    assert_eq!(thinking(31_999, 1_500), json!({"type": "enabled", "budget_tokens": 1_024}));
    assert_eq!(thinking(31_999, 1_000), json!({"type": "disabled"}));
}

#[test]
fn a_billing_block_alone_leaves_no_empty_system() {
    let billing = json!({"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.197.d53;"});
    let body = json!({"system": [billing.clone()], "messages": []});
    assert_eq!(sent(&config(), &body, 10).get("system"), None);
    let body = json!({"system": [{"type": "text", "text": "Be kind."}, billing], "messages": []});
    assert_eq!(sent(&config(), &body, 10)["system"], body["system"], "only the first block is one");
}

/// One thought that another engine had, sent to Anthropic, would end the conversation.
#[test]
fn thinking_of_others_is_kept_from_a_host_that_checks_signatures() {
    let signed = json!({"type": "thinking", "thinking": "Hm", "signature": long_signature()});
    let foreign = json!({"type": "thinking", "thinking": "Az", "signature": "YXo="});
    let text = json!({"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}});
    let body = json!({"messages": [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [foreign.clone(), text.clone()]},
        {"role": "user", "content": [text.clone()]},
        {"role": "assistant", "content": [foreign]},
        {"role": "assistant", "content": [signed.clone(), text.clone()]},
    ]});
    let expected = json!([
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [text.clone()]},
        {"role": "user", "content": [text.clone()]},
        {"role": "assistant", "content": [signed, text]},
    ]);
    assert_eq!(sent(&config(), &body, 10)["messages"], expected);

    let mut lenient = config();
    lenient.sends_reasoning = true;
    assert_eq!(sent(&lenient, &body, 10)["messages"], body["messages"]);
}

#[test]
fn a_count_takes_what_counts_and_nothing_else() {
    let body = json!({"model": "glm-4.7", "max_tokens": 9, "stream": true, "temperature": 1, "metadata": {},
        "system": "s", "messages": [], "tools": []});
    let counted = prompt_only(&config(), body.to_string().as_bytes()).unwrap();
    let counted: Value = serde_json::from_slice(&counted).unwrap();
    assert_eq!(counted, json!({"model": "claude-x", "system": "s", "messages": [], "tools": []}));
}
