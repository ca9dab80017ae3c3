//! What telling the tool costs a request. The budget is about a microsecond, of the 60 µs a whole request may take.
//!
//! Ratios on one machine; a bench is no test. Run with `cargo bench -p gateway --bench recognise`.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use gateway::{Recogniser, Signals};

const CLAUDE_TOOLS: [&str; 24] = [
    "Agent",
    "Bash",
    "CronCreate",
    "CronDelete",
    "CronList",
    "Edit",
    "EnterWorktree",
    "ExitWorktree",
    "NotebookEdit",
    "Read",
    "ReportFindings",
    "ScheduleWakeup",
    "SendMessage",
    "Skill",
    "TaskCreate",
    "TaskGet",
    "TaskList",
    "TaskOutput",
    "TaskStop",
    "TaskUpdate",
    "WebFetch",
    "WebSearch",
    "Workflow",
    "Write",
];

fn recognise(criterion: &mut Criterion) {
    let recogniser = Recogniser::default();
    let unknown_tools: Vec<String> = (0..64).map(|number| format!("an_unknown_tool_{number}")).collect();
    let unknown_tools: Vec<&str> = unknown_tools.iter().map(String::as_str).collect();
    let long_prompt = "You are a helpful assistant of a company that nobody knows. ".repeat(100);

    let claude_code = Signals {
        user_agent: Some("claude-cli/2.1.197 (external, sdk-cli)"),
        app: Some("cli"),
        claude_session: Some("0197f8a2-3c5e-7d10-9b4a-2f1f3d6a5c7e"),
        tools: &CLAUDE_TOOLS,
        ..Signals::default()
    }
    .with_system([
        "x-anthropic-billing-header: cc_version=2.1.197.d53; cc_entrypoint=sdk-cli;",
        "You are a Claude agent, built on Anthropic's Claude Agent SDK.",
    ]);
    let cline_cli = Signals {
        user_agent: Some("ai-sdk/openai-compatible/3.0.37 ai-sdk/provider-utils/5.0.30 runtime/bun/1.3.13"),
        system: Some("You are Cline, an AI coding agent. Your primary goal is to assist users"),
        tools: &[
            "read_files",
            "search_codebase",
            "run_commands",
            "fetch_web_content",
            "editor",
            "ask_question",
        ],
        ..Signals::default()
    };
    let plain_sdk = Signals { user_agent: Some("OpenAI/Python 3.54.0"), ..Signals::default() };
    let bot_with_many_tools = Signals { system: Some(&long_prompt), tools: &unknown_tools, ..plain_sdk };

    let mut group = criterion.benchmark_group("recognise");
    for (name, signals) in [
        ("Claude Code", claude_code),
        ("Cline CLI", cline_cli),
        ("a plain SDK", plain_sdk),
        ("a plain SDK with 64 tools and a long prompt", bot_with_many_tools),
    ] {
        group.bench_function(name, |bench| bench.iter(|| recogniser.recognise(black_box(&signals))));
    }
    group.finish();
}

criterion_group!(benches, recognise);
criterion_main!(benches);
