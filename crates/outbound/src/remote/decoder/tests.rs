use inference::parser::Generation;
use proptest::prelude::*;
use vocab::{Tokens, Usage};

use super::*;

fn request() -> ChatRequest {
    use inference::{Message, Part};
    ChatRequest::new("m".parse().unwrap(), vec![Message::User { content: vec![Part::text("Hi")] }])
}

fn decoder(raw_text: Option<Generation>) -> Decoder {
    decoder_of(&request(), raw_text, None)
}

fn decoder_of(
    request: &ChatRequest,
    raw_text: Option<Generation>,
    context_window: Option<Tokens>,
) -> Decoder {
    let refusals = Refusals { secrets: Vec::new(), context_window };
    let reader = Reader::Chunks(ChunkReader::new(request, raw_text));
    Decoder::new(request, reader, Arc::new(refusals))
}

fn decode(pieces: &[&[u8]], raw_text: Option<Generation>) -> (Vec<ChatEvent>, Option<String>) {
    let mut decoder = decoder(raw_text);
    let mut result = Ok(());
    for piece in pieces {
        result = result.and_then(|()| {
            if decoder.is_done() { Ok(()) } else { decoder.push(Bytes::copy_from_slice(piece)) }
        });
    }
    let result = result.and_then(|()| decoder.end(None));
    (std::iter::from_fn(|| decoder.pop()).collect(), result.err().map(|error| error.to_string()))
}

fn finished(events: &[ChatEvent]) -> (FinishReason, Usage) {
    match events.last() {
        Some(ChatEvent::Finished { reason, usage }) => (*reason, *usage),
        other => panic!("{other:?}"),
    }
}

fn text(events: &[ChatEvent]) -> (String, String) {
    let mut text = (String::new(), String::new());
    for event in events {
        match event {
            ChatEvent::Reasoning(piece) => text.0 += piece,
            ChatEvent::Content(piece) => text.1 += piece,
            _ => {}
        }
    }
    text
}

const STREAM: &str = concat!(
    ": welcome\r\n\r\n",
    "event: message\r\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\r\n\r\n",
    "data:{\"choices\":[{\"index\":0,\"delta\":{\"reasoning\":\"H\\u00e4m\"}}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}\n\n",
    "data: {\"choices\":[{\"index\":0,\n",
    "data: \"delta\":{\"content\":\"Grüße\"}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\"\"}}]}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\":1}\"}}]}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":12,\"prompt_tokens_details\":{\"cached_tokens\":4}}}\n\n",
    "data: [DONE]\n\n",
);

#[test]
fn a_stream_of_everything_is_read_in_order() {
    let (events, error) = decode(&[STREAM.as_bytes()], None);
    assert_eq!(error, None);
    assert_eq!(events[0], ChatEvent::Started { prompt: Tokens(9), cached: Tokens(0) });
    assert_eq!(text(&events), ("Häm".to_owned(), "Grüße".to_owned()));
    let (reason, usage) = finished(&events);
    assert_eq!(reason, FinishReason::ToolCalls);
    assert_eq!((usage.prompt(), usage.cached_prompt, usage.completion()), (Tokens(9), Tokens(4), Tokens(12)));
}

/// Whoever leaves after a piece pays for that piece.
#[test]
fn the_figures_come_before_the_piece_they_count() {
    let stream = "data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"lo\"}}]}\n\n";
    let (events, error) = decode(&[stream.as_bytes()], None);
    assert!(error.unwrap().contains("before the end"));
    let mut told = Tokens::ZERO;
    let mut pieces = 0;
    for event in &events {
        match event {
            ChatEvent::Usage(usage) => told = usage.completion(),
            ChatEvent::Content(_) => {
                pieces += 1;
                assert_eq!(told, Tokens(pieces));
            }
            _ => {}
        }
    }
    assert_eq!(pieces, 2);
}

#[test]
fn every_word_for_the_end_is_understood() {
    use FinishReason as F;
    for (word, expected) in [
        ("\"stop\"", F::Stop),
        ("\"eos\"", F::Stop),
        ("\"tool_calls\"", F::Stop), // without a call
        ("\"length\"", F::Length),
        ("\"content_filter\"", F::Sensitive),
        ("\"sensitive\"", F::Sensitive),
        ("\"model_context_window_exceeded\"", F::ModelContextWindowExceeded),
        ("null", F::Stop),
    ] {
        let stream = format!(
            "data: {{\"choices\":[{{\"delta\":{{\"content\":\"x\"}},\"finish_reason\":{word}}}]}}\n\ndata: [DONE]\n\n"
        );
        assert_eq!(finished(&decode(&[stream.as_bytes()], None).0).0, expected, "{word}");
    }
    let stream =
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"network_error\"}]}\n\ndata: [DONE]\n\n";
    assert!(decode(&[stream.as_bytes()], None).1.is_some());
}

/// Hosts that tell which stop text they met are believed if it is one that was asked for.
#[test]
fn the_stop_text_that_ended_an_answer_is_told() {
    let met = |more: &str| {
        let mut request = request();
        request.stop = vec!["END".to_owned(), "###".to_owned()];
        let mut decoder = decoder_of(&request, None, None);
        let choice = format!("{{\"delta\":{{\"content\":\"x\"}},\"finish_reason\":\"stop\"{more}");
        decoder.push(format!("data: {{\"choices\":[{choice}}}\n\ndata: [DONE]\n\n").into()).unwrap();
        let events: Vec<ChatEvent> = std::iter::from_fn(|| decoder.pop()).collect();
        assert!(matches!(events.last(), Some(ChatEvent::Finished { reason: FinishReason::Stop, .. })));
        events
            .into_iter()
            .find_map(|event| if let ChatEvent::StopMet(text) = event { Some(text) } else { None })
    };
    assert_eq!(met(r####","stop_reason":"###"}]"####).as_deref(), Some("###"), "vLLM");
    assert_eq!(met(r#","matched_stop":"END"}]"#).as_deref(), Some("END"), "SGLang");
    assert_eq!(met(r#"}],"stopping_word":"END""#).as_deref(), Some("END"), "llama-server");
    for nothing in
        [r#","stop_reason":151336}]"#, r#","stop_reason":null}]"#, r#","matched_stop":"</s>"}]"#, "}]"]
    {
        assert_eq!(met(nothing), None, "{nothing}");
    }
}

#[test]
fn a_legacy_function_call_is_a_tool_call() {
    let stream = "data: {\"choices\":[{\"delta\":{\"function_call\":{\"name\":\"f\",\"arguments\":\"{}\"}},\"finish_reason\":\"function_call\"}]}\n\ndata: [DONE]\n\n";
    let (events, error) = decode(&[stream.as_bytes()], None);
    assert_eq!(error, None);
    assert_eq!(finished(&events).0, FinishReason::ToolCalls);
    assert!(
        events.iter().any(|event| matches!(event, ChatEvent::ToolCallStarted { name, .. } if name == "f"))
    );
}

#[test]
fn a_whole_answer_is_accepted_in_place_of_a_stream() {
    let whole = r#" {"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"Hi",
        "reasoning_content":"Hm","tool_calls":null},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":5}}"#;
    let (events, error) = decode(&[whole.as_bytes()], None);
    assert_eq!(error, None);
    assert_eq!(text(&events), ("Hm".to_owned(), "Hi".to_owned()));
    assert_eq!(finished(&events).1.completion(), Tokens(5));
}

/// An error's text is not output.
#[test]
fn an_error_in_the_stream_is_an_error_and_not_output() {
    let stream = "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\ndata: {\"error\":{\"message\":\"CUDA is gone\",\"code\":500}}\n\n";
    let (events, error) = decode(&[stream.as_bytes()], None);
    assert!(error.unwrap().contains("CUDA is gone"));
    assert_eq!(text(&events).1, "x");
}

#[test]
fn raw_text_is_taken_apart_by_our_own_parser() {
    let stream = concat!(
        "data: {\"choices\":[{\"delta\":{\"content\":\"Hm</th\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"ink>Hello<tool_call>f<arg_key>x</arg_key><arg_value>1</arg_value></tool_call>\"},\"finish_reason\":\"stop\"}]}\n\n",
        "data: [DONE]\n\n",
    );
    let (events, error) = decode(&[stream.as_bytes()], Some(Generation::B));
    assert_eq!(error, None);
    assert_eq!(text(&events), ("Hm".to_owned(), "Hello".to_owned()));
    assert_eq!(finished(&events).0, FinishReason::ToolCalls);
    assert!(finished(&events).1.completion() > Tokens::ZERO);
}

/// A host that constrains the whole answer to JSON leaves no room for thinking, whatever the prompt asked for.
#[test]
fn raw_json_is_content_although_thinking_was_asked_for() {
    let mut request = request();
    request.format = inference::ResponseFormat::JsonObject;
    let mut decoder = decoder_of(&request, Some(Generation::B), None);
    let stream = "data: {\"choices\":[{\"delta\":{\"content\":\" {\\\"a\\\"\"}}]}\n\n\
                  data: {\"choices\":[{\"delta\":{\"content\":\": 1}\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    decoder.push(stream.into()).unwrap();
    decoder.end(None).unwrap();
    let events: Vec<ChatEvent> = std::iter::from_fn(|| decoder.pop()).collect();
    assert_eq!(text(&events), (String::new(), " {\"a\": 1}".to_owned()));
}

/// Seen at llama-cpp-python: 200 and an empty stream for a prompt that does not fit.
#[test]
fn silence_after_a_prompt_that_cannot_fit_is_an_overflow() {
    let end = |context_window| {
        let mut request = request();
        request.messages =
            vec![inference::Message::User { content: vec![inference::Part::text("word ".repeat(5000))] }];
        decoder_of(&request, None, context_window).end(None).unwrap_err()
    };
    assert!(matches!(end(Some(Tokens(2048))), EngineError::ContextOverflow(_)));
    assert!(matches!(end(Some(Tokens(100_000))), EngineError::Failed { .. }));
    assert!(matches!(end(None), EngineError::Failed { .. }));
}

#[test]
fn garbage_and_web_pages_are_errors() {
    assert!(decode(&[b"data: \xff\xfe\x00{{{\n\n"], None).1.unwrap().contains("cannot be read"));
    assert!(decode(&[b"<!doctype html><title>Welcome"], None).1.unwrap().contains("web page"));
    assert!(decode(&[b""], None).1.is_some());
    assert!(decode(&[b"{\"detail\":\"Not Found\"}"], None).1.is_some());
}

proptest! {
    /// However the network cuts a stream, it holds the same events.
    #[test]
    fn any_cutting_gives_the_same_events(cuts in proptest::collection::vec(0..STREAM.len(), 0..40)) {
        let bytes = STREAM.as_bytes();
        let mut cuts = cuts;
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts {
            pieces.push(&bytes[from..cut]);
            from = cut;
        }
        pieces.push(&bytes[from..]);
        prop_assert_eq!(decode(&pieces, None), decode(&[bytes], None));
    }

    /// Whatever bytes a host sends, there is an end or an error and no panic.
    #[test]
    fn no_bytes_can_harm(bytes: Vec<u8>, as_event: bool) {
        let body = if as_event { [b"data: ".as_slice(), &bytes, b"\n\n"].concat() } else { bytes };
        let (events, error) = decode(&[&body], None);
        let is_finished = matches!(events.last(), Some(ChatEvent::Finished { .. }));
        prop_assert!(error.is_some() || is_finished);
    }
}
