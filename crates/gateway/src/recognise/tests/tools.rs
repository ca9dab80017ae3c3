//! Tools that were not recorded, tools told from the libraries they are made with, and what is none of them.

use super::*;
use crate::Door;

/// `clients.md` §2: what a program says of itself is a good signal; several that agree are better.
#[test]
fn tools_that_name_themselves_are_recognised() {
    let recogniser = recogniser();
    for (user_agent, tool, version) in [
        ("Charm-Crush/0.96.0 (https://charm.land/crush)", "Crush", "0.96.0"),
        ("RooCode/3.25.1", "Roo Code", "3.25.1"),
        ("claude-cli/2.1.197 (external, cli)", "Claude Code", "2.1.197"),
        ("claude-cli/2.1.197 (external, claude-vscode)", "Claude Code IDE plugin", "2.1.197"),
        ("opencode/1.18.33 ai-sdk/provider-utils/4.0.23 runtime/bun/1.3.14", "OpenCode", "1.18.33"),
        ("GeminiCLI/0.9.0 (linux; x64)", "Gemini CLI", "0.9.0"),
    ] {
        let finding = recogniser.recognise(&agent(user_agent));
        assert_eq!((name(&finding), finding.version.as_deref()), (Some(tool), Some(version)), "{user_agent}");
        assert_eq!(finding.confidence, Confidence::Good);
        assert_eq!(finding.category, Category::CodingTool);
        assert!(!finding.is_plain_sdk);
    }

    let finding = recogniser.recognise(&Signals {
        title: Some("Roo Code"),
        referer: Some("https://github.com/RooVetGit/Roo-Cline"),
        ..agent("RooCode/3.25.1")
    });
    assert_eq!(finding.confidence, Confidence::Certain);
    let signals: Vec<_> = finding.signals.names().collect();
    assert_eq!(signals, ["title", "user_agent", "referer"]);
}

#[test]
fn cline_for_vs_code_is_known_by_its_headers_although_its_user_agent_is_a_librarys() {
    let finding = recogniser().recognise(&Signals {
        title: Some("Cline"),
        referer: Some("https://cline.bot"),
        cline_version: Some("3.17.5"),
        ..agent("OpenAI/JS 4.83.0")
    });
    assert_eq!((name(&finding), finding.confidence), (Some("Cline"), Confidence::Certain));
    assert_eq!(finding.version.as_deref(), Some("3.17.5"));
    assert!(!finding.is_plain_sdk);
}

/// USE-02: the same user agent, with and without the traces of a tool.
#[test]
fn tools_made_with_a_library_are_told_from_it() {
    let recogniser = recogniser();
    let cline_tools = ["read_files", "search_codebase", "run_commands", "editor", "ask_question"];
    let grok_tools =
        ["view_file", "create_file", "str_replace_editor", "create_todo_list", "update_todo_list"];
    for (user_agent, system, tools, tool) in [
        (
            "OpenAI/Python 2.20.0",
            "Act as an expert software developer.\nAlways use best practices",
            &[][..],
            "aider",
        ),
        ("litellm/1.81.10", "Act as an expert code analyst.", &[], "aider"),
        ("OpenAI/JS 5.23.2", "You are Grok CLI, an AI assistant", &[], "Grok CLI"),
        ("OpenAI/JS 5.23.2", "You are a customised assistant", &grok_tools, "Grok CLI"),
        ("ai-sdk/openai-compatible/3.0.37", "You are Cline, an AI coding agent.", &[], "Cline"),
        ("ai-sdk/openai-compatible/3.0.37", "Our own words", &cline_tools, "Cline"),
        ("OpenAI/Python 2.20.0", "You are a general-purpose AI agent called goose, created by", &[], "Goose"),
        ("OpenAI/JS 6.0.0", "You are a personal assistant running inside OpenClaw.", &[], "OpenClaw"),
        ("OpenAI/Python 2.20.0", "You are Hermes Agent, an intelligent AI assistant", &[], "Hermes Agent"),
        (
            "node-fetch",
            "Write Seraphina's next reply in a fictional chat between Seraphina and Ana.",
            &[],
            "SillyTavern",
        ),
        (
            "axios/1.7.2",
            "# role\nYou are a coding assistant. You operate exclusively in Trae AI.",
            &[],
            "TRAE",
        ),
        (
            "OpenAI/Python 1.99.0",
            "You are an AI coding assistant, powered by GLM. You operate in Cursor.",
            &[],
            "Cursor",
        ),
    ] {
        let signals = Signals { system: Some(system), tools, ..agent(user_agent) };
        let finding = recogniser.recognise(&signals);
        assert_eq!((name(&finding), finding.confidence), (Some(tool), Confidence::Fair), "{system}");
        assert!(!finding.is_plain_sdk, "{system}");

        let without = recogniser.recognise(&agent(user_agent));
        assert!(without.is_plain_sdk, "{user_agent}");
    }

    let both = Signals {
        system: Some("You are Cline, an"),
        tools: &cline_tools,
        ..agent("ai-sdk/anthropic/4.0.42")
    };
    assert_eq!(recogniser.recognise(&both).confidence, Confidence::Good);
}

/// USE-01: libraries, command-line fetchers, and programs of one's own with tools and a prompt of their own.
#[test]
fn plain_sdks_are_plain_sdks() {
    let recogniser = recogniser();
    for (user_agent, library) in [
        ("OpenAI/Python 3.54.0", "OpenAI Python SDK"),
        ("AsyncOpenAI/Python 1.99.0", "OpenAI Python SDK"),
        ("OpenAI/JS 5.23.2", "OpenAI JavaScript SDK"),
        ("Anthropic/Python 2.12.0", "Anthropic Python SDK"),
        ("Anthropic/JS 0.70.0", "Anthropic JavaScript SDK"),
        ("langchain-anthropic/1.7.7", "LangChain"),
        ("python-httpx/0.28.1", "httpx"),
        ("axios/1.7.2", "axios"),
        ("node", "Node.js"),
        ("curl/8.5.0", "curl"),
        ("Python/3.12 aiohttp/3.9.5", "aiohttp"),
    ] {
        let signals = Signals {
            system: Some("You are the friendly assistant of a shop."),
            tools: &["find_order", "Read"],
            ..agent(user_agent)
        };
        let finding = recogniser.recognise(&signals);
        assert_eq!(name(&finding), Some(library), "{user_agent}");
        assert_eq!(finding.category, Category::PlainSdk);
        assert!(finding.is_plain_sdk, "{user_agent}");
    }
    let zai = Signals {
        zai_sdk_version: Some("0.2.3"),
        source_channel: Some("python-sdk"),
        ..agent("python-httpx/0.28.1")
    };
    assert!(recogniser.recognise(&zai).is_plain_sdk);
}

/// USE-02: one signal that says something else, known or not, is enough.
#[test]
fn a_library_with_a_sign_of_something_else_is_no_plain_sdk() {
    let recogniser = recogniser();
    let sdk = agent("OpenAI/JS 5.23.2");
    for (what, signals) in [
        ("a title nobody knows", Signals { title: Some("House Editor"), ..sdk }),
        ("a site nobody knows", Signals { referer: Some("https://editor.example"), ..sdk }),
        ("an x-app", Signals { app: Some("desktop"), ..sdk }),
        ("a session", Signals { claude_session: Some("0197f8a2"), ..sdk }),
        ("a version", Signals { cline_version: Some("3.0.0"), ..sdk }),
        ("an MCP client", Signals { mcp_client: Some("house-editor"), ..sdk }),
        ("a billing block", sdk.with_system(["x-anthropic-billing-header: something new"])),
    ] {
        assert!(!recogniser.recognise(&signals).is_plain_sdk, "{what}");
    }
}

#[test]
fn what_nobody_knows_is_unknown_and_no_plain_sdk() {
    let recogniser = recogniser();
    for signals in [
        Signals::default(),
        agent(""),
        agent("HouseEditor/1.0"),
        agent("Mozilla/5.0 (X11; Linux x86_64)"),
        // The beginning of a word is not the word.
        agent("nodemon/3.1"),
        agent("curlie"),
        // Another site is not the tool's.
        Signals { referer: Some("https://cline.bot.example"), ..Signals::default() },
        Signals { system: Some("You are Rooted in tradition."), ..Signals::default() },
    ] {
        assert_eq!(recogniser.recognise(&signals), Finding::unknown(), "{signals:?}");
    }
}

/// MCPQ-04, ENDP-05: the local vision server comes by the general door with the plan's key, and the plan pays.
#[test]
fn the_vision_server_is_recognised_on_the_general_door_and_the_plan_pays() {
    let recogniser = recogniser();
    let vision = recogniser.recognise(&Signals { title: Some("4.5V MCP Local"), ..agent("node") });
    assert_eq!(vision.category, Category::VisionMcp);
    assert!(!vision.is_plain_sdk);
    assert!(vision.draws_on_plan(Door::General));

    for other in [agent("OpenAI/Python 3.54.0"), agent("claude-cli/2.1.197 (external, cli)"), agent("node")] {
        let finding = recogniser.recognise(&other);
        assert!(!finding.draws_on_plan(Door::General));
        assert!(finding.draws_on_plan(Door::Coding) && finding.draws_on_plan(Door::Anthropic));
    }
}

/// RATE-06: Load flag on: an OpenClaw call gives way, a Claude Code call does not.
#[test]
fn under_load_general_purpose_tools_give_way_and_coding_tools_do_not() {
    use accounts::Load;
    let recogniser = recogniser();
    let openclaw = recogniser.recognise(&Signals {
        system: Some("You are a personal assistant running inside OpenClaw."),
        ..agent("OpenAI/JS 6.0.0")
    });
    let claude_code = recogniser.recognise(&agent("claude-cli/2.1.197 (external, cli)"));

    assert!(openclaw.gives_way(Load::High));
    assert!(!openclaw.gives_way(Load::Usual));
    assert!(!claude_code.gives_way(Load::High));
}
