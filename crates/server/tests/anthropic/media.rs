//! Pictures and documents for models that cannot take them in (`anthropic-api.md` §5.2 and §5.4).

use gateway::UNSEEN_PICTURE;
use inference::{Message, Part};
use serde_json::{Value, json};
use testkit::TestApp;

use crate::{door, own};

/// Every text that was put before the model.
fn texts(messages: &[Message]) -> Vec<&str> {
    let parts = messages.iter().flat_map(|message| match message {
        Message::System { content } | Message::User { content } | Message::Tool { content, .. } => {
            content.as_slice()
        }
        Message::Assistant { .. } => &[],
    });
    let texts = parts.map(|part| match part {
        Part::Text { text } => text.as_str(),
        other => panic!("the model was sent {other:?}"),
    });
    texts.collect()
}

fn conversation(block: &Value) -> Value {
    json!({"model": "claude-opus-4-8", "max_tokens": 64, "messages": [
        {"role": "user", "content": [{"type": "text", "text": "What is this?"}, block]},
        {"role": "assistant", "content": [
            {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"file_path": "a"}},
        ]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [block]}]},
    ]})
}

/// A picture stays in a conversation for ever, so it is never a reason to refuse a turn: a model without sight is told what to
/// use instead.
#[tokio::test]
async fn a_model_without_sight_is_told_of_pictures() {
    let app = TestApp::start().await;
    for source in [
        json!({"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}),
        json!({"type": "url", "url": "https://example.com/a.png"}),
    ] {
        let body = conversation(&json!({"type": "image", "source": source}));
        let answer = own(&app, &body).await;
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
        let asked = app.engine.requests().pop().unwrap();
        let told = texts(&asked.messages).concat();
        assert_eq!(told.matches(UNSEEN_PICTURE).count(), 2, "{told}");
        assert_eq!(
            asked.original, None,
            "a host of this dialect is not sent what its model cannot see either"
        );

        let request = app.http.post(door(&app, "/v1/messages/count_tokens")).bearer_auth(app.key.expose());
        assert_eq!(request.body(body.to_string()).send().await.unwrap().status(), 200);
    }
}

/// The text of a document stands in its place, below its title; what cannot be read becomes a note.
#[tokio::test]
async fn documents_are_read_or_noted() {
    let app = TestApp::start().await;
    for (source, expected) in [
        (
            json!({"type": "text", "media_type": "text/plain", "data": "The plan of the house."}),
            "The plan of the house.",
        ),
        (json!({"type": "url", "url": "https://example.com/a.pdf"}), "[document left out: "),
        (json!({"type": "base64", "media_type": "application/pdf", "data": "QSBwbGFu"}), "A plan"),
        (json!({"type": "base64", "media_type": "application/pdf", "data": "/w"}), "[document left out: "),
        (json!({"type": "base64", "media_type": "application/pdf", "data": "???"}), "[document left out: "),
    ] {
        let body = conversation(&json!({"type": "document", "title": "House", "source": source}));
        let answer = own(&app, &body).await;
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
        let asked = app.engine.requests().pop().unwrap();
        let told = texts(&asked.messages).join("\n");
        assert_eq!(told.matches(expected).count(), 2, "{told}");
        assert!(told.contains("House"), "{told}");
    }
}
