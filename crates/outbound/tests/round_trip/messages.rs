//! Through Anthropic's dialect.

use inference::parser::STOP_TEXTS_MAX;
use inference::{ChatRequest, Effort};
use outbound::remote::{Kind, PassThinking};
use proptest::prelude::*;
use wire::anthropic::{MessageOptions, MessagesRequest};

use super::Host;
use super::requests::{Words, request};

const MESSAGES: Words = Words {
    films: false,
    sounds: false,
    files: true,
    silent_tools: true,
    tool_name_chars_max: 128,
    efforts: &[Effort::Low, Effort::Medium, Effort::High, Effort::Xhigh, Effort::Max],
    // Earlier thinking always stays: clients send back what they want to be seen.
    forgets_thinking: false,
    greedy_is_a_word: false,
    sampling_of_openai: false,
    // Asked for in words, as an instruction.
    json_object: false,
    // The dialect has no names for schemas; this is what our door calls them.
    schema_name: Some("answer"),
    user_id: true,
    stop_texts_max: STOP_TEXTS_MAX,
};

pub(crate) fn read(body: &[u8]) -> (ChatRequest, MessageOptions) {
    let parsed = MessagesRequest::parse(body).unwrap();
    let model = parsed.model.parse().unwrap();
    let (mut request, options) = parsed.into_request(model).unwrap();
    request.original = None;
    (request, options)
}

/// What the dialect does not ask, because it is always so, or says elsewhere.
fn as_read(mut request: ChatRequest) -> ChatRequest {
    request.max_tokens = request.max_tokens.or(Some(8_192));
    request.tool_stream = true;
    request.user_id = None;
    request
}

proptest! {
    #[test]
    fn a_request_in_the_words_of_anthropic_is_the_same_request(request in request(MESSAGES), adaptive: bool) {
        let body = Host::new().body_of(&request, Kind::Anthropic, |config| {
            if adaptive {
                config.thinking = PassThinking::Adaptive;
            }
        });
        let (again, options) = read(&body);
        prop_assert_eq!(&options.user_id, &request.user_id);
        prop_assert!(options.stream && options.begins_prompt && options.server_tools.is_empty());
        prop_assert_eq!(again, as_read(request));
    }
}
