//! Tools whose arguments Anthropic's models know by heart, so that clients send their kind and nothing else. Other
//! models have to be told.

use serde_json::{Value, json};

/// What a model has to know of a tool.
#[derive(Debug)]
pub(super) struct PublishedTool {
    pub description: &'static str,
    /// A JSON Schema object.
    pub parameters: Value,
}

/// The tool of a kind such as `bash_20250124`.
pub(super) fn find(kind: &str) -> Option<PublishedTool> {
    if kind.starts_with("bash_") {
        Some(bash())
    } else if kind.starts_with("text_editor_") {
        Some(text_editor())
    } else {
        None
    }
}

fn bash() -> PublishedTool {
    PublishedTool {
        description: "Runs a command in a bash session that lasts, and returns what it prints.",
        parameters: json!({
            "type": "object",
            "properties": {
                "command": {"type": "string", "description": "The command. Needed unless the session is restarted."},
                "restart": {"type": "boolean", "description": "Whether to restart the session instead."},
            },
        }),
    }
}

fn text_editor() -> PublishedTool {
    PublishedTool {
        description: "Views, creates and edits text files.",
        parameters: json!({
            "type": "object",
            "properties": {
                "command": {"type": "string", "enum": ["view", "create", "str_replace", "insert"]},
                "path": {"type": "string", "description": "The path of the file or folder."},
                "view_range": {
                    "type": "array", "items": {"type": "integer"},
                    "description": "For `view`: the first and the last line, from 1; -1 is the end.",
                },
                "file_text": {"type": "string", "description": "For `create`: the whole text of the file."},
                "old_str": {"type": "string", "description": "For `str_replace`: the text to replace; it occurs once."},
                "new_str": {"type": "string", "description": "For `str_replace` and `insert`: the new text."},
                "insert_line": {"type": "integer", "description": "For `insert`: the line after which the text goes."},
                "insert_text": {"type": "string", "description": "For `insert`: the new text once more."},
            },
            "required": ["command", "path"],
        }),
    }
}
