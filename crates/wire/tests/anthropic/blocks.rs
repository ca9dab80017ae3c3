//! Every kind of content block (`anthropic-api.md` §5.2).

use inference::{Message, Part};
use serde_json::{Value, json};

use crate::requests::{assistant, seen, user};

fn of_user(blocks: Value) -> Vec<Part> {
    match seen(json!([{"role": "user", "content": blocks}])).pop() {
        Some(Message::User { content }) => content,
        other => panic!("{other:?}"),
    }
}

fn text(text: &str) -> [Part; 1] {
    [Part::text(text)]
}

#[test]
fn pictures_come_as_base64_or_from_an_address() {
    let picture = |source: Value| of_user(json!([{"type": "image", "source": source}]));
    let image = |url: &str| [Part::Image { url: url.to_owned() }];
    assert_eq!(
        picture(json!({"type": "base64", "media_type": "image/webp", "data": "UklGR"})),
        image("data:image/webp;base64,UklGR")
    );
    assert_eq!(
        picture(json!({"type": "url", "url": "https://a.example/b.png"})),
        image("https://a.example/b.png")
    );
}

/// §5.4: never a 400, because the picture stays in the history.
#[test]
fn a_picture_that_cannot_be_read_becomes_a_note() {
    let sources = [
        json!({"type": "file", "file_id": "file_1"}),
        json!({"type": "base64", "media_type": "image/png"}),
        json!({"type": "hologram", "light": [1, 2]}),
        json!("https://a.example/b.png"),
        json!(7),
        json!(null),
    ];
    for source in sources {
        let parts = of_user(json!([{"type": "image", "source": source}]));
        assert!(
            matches!(&parts[..], [Part::Text { text }] if text.starts_with("[image: ")),
            "{source}: {parts:?}"
        );
    }
}

#[test]
fn documents_are_text_under_their_title_or_a_file() {
    let document = |source: Value| {
        of_user(json!([{"type": "document", "source": source, "title": "Report", "context": "of May",
            "citations": {"enabled": true}}]))
    };
    assert_eq!(
        document(json!({"type": "text", "media_type": "text/plain", "data": "All is well."})),
        text("Report\nof May\nAll is well.")
    );
    assert_eq!(
        document(json!({"type": "content", "content": "All is well."})),
        text("Report\nof May\nAll is well.")
    );
    let nested = json!([{"type": "text", "text": "See"},
        {"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}}]);
    assert_eq!(
        document(json!({"type": "content", "content": nested})),
        [Part::text("Report\nof May\nSee"), Part::Image { url: "https://a.example/b.png".to_owned() }]
    );
    assert_eq!(
        document(json!({"type": "base64", "media_type": "application/pdf", "data": "JVBERi0"})),
        [Part::text("Report\nof May"), Part::File { url: "data:application/pdf;base64,JVBERi0".to_owned() }]
    );
    assert_eq!(
        document(json!({"type": "url", "url": "https://a.example/b.pdf"})),
        [Part::text("Report\nof May"), Part::File { url: "https://a.example/b.pdf".to_owned() }]
    );
    let stored = document(json!({"type": "file", "file_id": "file_1"}));
    assert!(matches!(&stored[..], [Part::Text { text }] if text.contains("[document: ")), "{stored:?}");
}

#[test]
fn search_results_and_references_are_text() {
    let blocks = json!([
        {"type": "search_result", "title": "Rust", "source": "https://rust.example",
            "content": [{"type": "text", "text": "A language."}], "citations": {"enabled": false}},
        {"type": "tool_reference", "tool_name": "grep"},
    ]);
    assert_eq!(of_user(blocks), text("Rust\nhttps://rust.example\nA language.\nTool grep is now available."));
}

/// §5.2, the last line: anything else is dropped, whatever its fields hold.
#[test]
fn unknown_blocks_are_dropped_whatever_they_hold() {
    let blocks = json!([
        {"type": "container_upload", "file_id": "file_1"},
        {"type": "hologram", "text": {"deep": [1, {"er": null}]}, "id": 7, "content": {"a": []}, "source": [1],
            "name": false, "tool_use_id": [], "input": "x", "title": {}, "url": 1, "is_error": "maybe"},
        {"type": "thinking", "thinking": "not the user's"},
        {"type": "tool_use", "id": "a", "name": "f", "input": {}},
        {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}, "citations": null},
        "bare",
    ]);
    assert_eq!(of_user(blocks), text("hi\nbare"));
}

fn of_assistant(blocks: Value) -> String {
    let mut messages =
        seen(json!([{"role": "user", "content": "x"}, {"role": "assistant", "content": blocks}]));
    assert_eq!(messages.remove(0), user("x"));
    match messages.pop() {
        Some(Message::Assistant { content, .. }) => content,
        other => panic!("{other:?}"),
    }
}

/// §7.2: the summary is read back from where we put it; what another server encrypted stays closed.
#[test]
fn searches_of_the_server_stay_with_their_turn_as_text() {
    let blocks = json!([
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "rust sse"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [
            {"type": "web_search_result", "title": "One", "url": "https://a.example/1",
                "encrypted_content": "QSBzaG9ydCBzdW1tYXJ5Lg==", "page_age": null},
            {"type": "web_search_result", "title": "Two", "url": "https://a.example/2", "encrypted_content": "EqgfCioI/w"},
        ]},
        {"type": "text", "text": "Two hits."},
    ]);
    assert_eq!(
        of_assistant(blocks),
        "Search on the web: rust sse\nResults of the search:\n\nOne\nhttps://a.example/1\nA short summary.\n\n\
         Two\nhttps://a.example/2\nTwo hits."
    );
    let failed = json!([{"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1",
        "content": {"type": "web_search_tool_result_error", "error_code": "unavailable"}}]);
    assert_eq!(of_assistant(failed), "The search failed.");
}

#[test]
fn pages_of_the_server_stay_with_their_turn_as_text() {
    let page = json!({"type": "web_fetch_result", "url": "https://a.example", "retrieved_at": "2026-01-01T00:00:00Z",
        "content": {"type": "document", "title": "A", "source":
            {"type": "text", "media_type": "text/plain", "data": "All of it."}}});
    let blocks = json!([
        {"type": "server_tool_use", "id": "s", "name": "web_fetch", "input": {"url": "https://a.example"}},
        {"type": "web_fetch_tool_result", "tool_use_id": "s", "content": page},
    ]);
    assert_eq!(
        of_assistant(blocks),
        "Page on the web: https://a.example\nThe page https://a.example:\nA\nAll of it."
    );
    let failed = json!([{"type": "web_fetch_tool_result", "content": {"type": "web_fetch_tool_error"}}]);
    assert_eq!(of_assistant(failed), "The page could not be read.");
}

#[test]
fn other_tools_of_other_servers_leave_no_trace() {
    let blocks = json!([
        {"type": "text", "text": "a"},
        {"type": "code_execution_tool_result", "tool_use_id": "s", "content": {"type": "code_execution_result", "stdout": "x"}},
        {"type": "mcp_tool_use", "id": "m", "name": "f", "server_name": "s", "input": {}},
        {"type": "mcp_tool_result", "tool_use_id": "m", "content": [{"type": "text", "text": "x"}]},
        {"type": "compaction", "content": "x"},
        {"type": "tool_result", "tool_use_id": "s", "content": "x"},
        {"type": "text", "text": "b"},
    ]);
    assert_eq!(of_assistant(blocks), "a\nb");
}

#[test]
fn a_turn_of_which_nothing_is_left_is_dropped() {
    let messages = json!([{"role": "user", "content": "x"},
        {"role": "assistant", "content": [{"type": "redacted_thinking", "data": "y"}]},
        {"role": "assistant", "content": "z"}]);
    assert_eq!(seen(messages), [user("x"), assistant("z")]);
}
