use proptest::prelude::*;

use super::*;

mod recorded;
mod tools;

fn recogniser() -> Recogniser {
    Recogniser::default()
}

fn agent(user_agent: &str) -> Signals<'_> {
    Signals { user_agent: Some(user_agent), ..Signals::default() }
}

fn name(finding: &Finding) -> Option<&str> {
    finding.tool.as_ref().map(ToolName::as_str)
}

/// An operator's own tool comes before the standard ones.
#[test]
fn an_operator_adds_a_tool_and_it_is_recognised() {
    let extra: ToolPatterns = serde_json::from_str(
        r#"{"tools": [{"name": "House Editor", "category": "coding_tool", "user_agent": ["OpenAI/JS 5.23.2 house"]}]}"#,
    )
    .unwrap();
    let recogniser = Recogniser::new(ToolPatterns::standard().with(extra)).unwrap();

    let finding = recogniser.recognise(&agent("OpenAI/JS 5.23.2 house"));
    assert_eq!(name(&finding), Some("House Editor"));
    assert!(!finding.is_plain_sdk);
    assert!(recogniser.recognise(&agent("OpenAI/JS 5.23.2")).is_plain_sdk);
}

#[test]
fn an_operators_mistake_names_the_tool() {
    let refusal = |tool: serde_json::Value| {
        let extra = serde_json::from_value(serde_json::json!({ "tools": [tool] })).unwrap();
        Recogniser::new(ToolPatterns::standard().with(extra)).err().unwrap().to_string()
    };
    let tool = |more: serde_json::Value| {
        let mut tool = serde_json::json!({"name": "House", "category": "coding_tool"});
        tool.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        refusal(tool)
    };
    assert!(
        tool(serde_json::json!({"user_agent": [""]})).contains("`House`: pattern `` is not 3 to 200 bytes")
    );
    assert!(tool(serde_json::json!({"title": ["x".repeat(201)]})).contains("is not 3 to 200 bytes"));
    assert!(tool(serde_json::json!({"part_of": "Barn"})).contains("is part of `Barn`"));
    assert!(tool(serde_json::json!({"category": "unknown"})).contains("another category"));
    assert!(tool(serde_json::json!({"name": "two\nlines"})).contains("cannot name a tool"));
    assert!(tool(serde_json::json!({"tools_all_of": [[]]})).contains("is not 3 to 200 bytes"));

    let many = ToolPatterns { tools: vec![ToolPatterns::standard().tools[0].clone(); 300] };
    assert!(Recogniser::new(many).is_err());
}

#[test]
fn the_standard_list_is_the_plans_list() {
    let plans = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/spec/plans.json");
    let plans: serde_json::Value = serde_json::from_slice(&std::fs::read(plans).unwrap()).unwrap();
    let names = |key: &str| -> Vec<String> {
        let list = plans["supported_tools"][key].as_array().unwrap();
        // The list adds what kind of editor or fork is meant.
        list.iter()
            .map(|tool| tool["name"].as_str().unwrap().split(" (").next().unwrap().to_owned())
            .collect()
    };
    let standard = |category: Category, is_listed: bool| -> Vec<String> {
        let tools = ToolPatterns::standard().tools.into_iter();
        tools
            .filter(|tool| tool.category == category && tool.is_listed == is_listed)
            .map(|tool| tool.name.to_string())
            .collect()
    };
    assert_eq!(standard(Category::CodingTool, true), names("coding"));
    assert_eq!(standard(Category::GeneralPurpose, true), names("general_purpose_best_effort"));
    let mut extra = standard(Category::CodingTool, false);
    extra.extend(standard(Category::GeneralPurpose, false));
    for guide in names("guides_exist_but_not_on_the_list") {
        assert!(extra.contains(&guide), "{guide}");
    }
}

/// The rules of use allow the plan's tools, the tools with guides and the vision server, by the names used here.
#[test]
fn every_tool_that_is_allowed_by_default_can_be_recognised() {
    let known: Vec<String> =
        ToolPatterns::standard().tools.iter().map(|tool| tool.name.to_string()).collect();
    let allowed = accounts::UseRules::default().allowed_clients;
    for name in &allowed {
        assert!(known.contains(name), "{name}");
    }
    for tool in ToolPatterns::standard().tools.iter().filter(|tool| tool.is_listed) {
        assert!(allowed.contains(&tool.name.to_string()), "{}", tool.name);
    }
}

proptest! {
    /// Whatever is sent, recognising ends, and what it keeps is short.
    #[test]
    fn hostile_signals_are_only_text(
        texts in prop::collection::vec("\\PC{0,400}", 13),
        cut in 0_usize..400,
    ) {
        let recogniser = recogniser();
        let text = |index: usize| Some(texts[index].as_str());
        let begun = format!("x-anthropic-billing-header: cc_entrypoint={}", texts[0]);
        let tools: Vec<&str> = texts.iter().map(String::as_str).cycle().take(200).collect();
        let agent = format!("claude-cli/{}", texts[1].chars().take(cut).collect::<String>());
        let signals = Signals {
            user_agent: Some(&agent),
            title: text(2),
            referer: text(3),
            app: text(4),
            claude_session: text(5),
            cline_version: text(6),
            zai_sdk_version: text(7),
            source_channel: text(8),
            billing_block: None,
            system: None,
            tools: &tools,
            mcp_client: text(9),
            mcp_version: text(10),
        }
        .with_system([begun.as_str(), texts[11].as_str()]);
        let finding = recogniser.recognise(&signals);
        prop_assert!(finding.version.is_none_or(|version| version.len() <= VERSION_BYTES_MAX));
        recogniser.recognise(&Signals { system: text(12), ..Signals::default() });
    }
}
