//! Through the dialects of OpenAI and Z.ai.

use inference::{ChatRequest, Effort};
use outbound::remote::{Kind, PassThinking};
use proptest::prelude::*;
use wire::paas::{ChatCompletionRequest, ClearThinkingDefault};

use super::Host;
use super::requests::{Words, request};

const EFFORTS: &[Effort] =
    &[Effort::None, Effort::Minimal, Effort::Low, Effort::Medium, Effort::High, Effort::Xhigh, Effort::Max];

const Z_AI: Words = Words {
    films: true,
    sounds: true,
    files: true,
    // An answer of a tool is a text here, if an empty one.
    silent_tools: false,
    tool_name_chars_max: 64,
    efforts: EFFORTS,
    forgets_thinking: true,
    greedy_is_a_word: true,
    sampling_of_openai: true,
    json_object: true,
    schema_name: None,
    user_id: true,
    stop_texts_max: 4,
};

/// OpenAI has no documents by address, a greedy request is one of temperature 0, and our door reads the end user from
/// Z.ai's field only.
const OPEN_AI: Words = Words { files: false, greedy_is_a_word: false, user_id: false, ..Z_AI };

pub(crate) fn read(body: &[u8]) -> ChatRequest {
    let parsed = ChatCompletionRequest::parse(body).unwrap();
    parsed.into_request(ClearThinkingDefault::GENERAL).unwrap().0
}

proptest! {
    #[test]
    fn a_request_in_the_words_of_zai_is_the_same_request(request in request(Z_AI)) {
        let body = Host::new().body_of(&request, Kind::ZAi, |_| {});
        prop_assert_eq!(read(&body), request);
    }

    /// OpenAI's own switches for thinking are fewer; hosts that take Z.ai's are told all of it.
    #[test]
    fn a_request_in_the_words_of_openai_is_the_same_request(request in request(OPEN_AI)) {
        let body = Host::new().body_of(&request, Kind::OpenAi, |config| config.thinking = PassThinking::AsIs);
        prop_assert_eq!(read(&body), request);
    }
}
