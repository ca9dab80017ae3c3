//! Whatever a model writes, the parser does not panic, and the answer does not depend on the cuts.
#![no_main]

use inference::parser::{Generation, OutputParser, Stop};
use inference::{ChatEvent, FinishReason, Tool};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|input: (u8, Vec<u8>, Vec<u8>)| {
    let (setting, cuts, output) = input;
    let whole = parse(setting, [output.as_slice()]);
    assert_eq!(parse(setting, output.chunks(1)), whole);

    let mut rest = output.as_slice();
    let mut pieces = Vec::new();
    for cut in cuts {
        let (piece, after) = rest.split_at(usize::from(cut).min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    assert_eq!(parse(setting, pieces), whole);
});

/// The bits of `setting` choose the request and the way its answer ended.
fn parse<'a>(setting: u8, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<ChatEvent>, FinishReason) {
    let generation = if setting & 1 == 0 { Generation::A } else { Generation::B };
    let tools = if setting & 4 == 0 { tools() } else { Vec::new() };
    let stop = [Stop::Token, Stop::Length, Stop::Window, Stop::Text][usize::from(setting >> 3 & 3)];

    let mut parser = OutputParser::new(generation, setting & 2 == 0, &tools);
    let mut events = Vec::new();
    for piece in pieces {
        parser.feed(piece, &mut events);
    }
    let reason = parser.finish(stop, &mut events);
    (joined(events), reason)
}

/// Events without what cuts may change: ids are blank and neighbours of one kind are one.
fn joined(events: Vec<ChatEvent>) -> Vec<ChatEvent> {
    let mut joined: Vec<ChatEvent> = Vec::new();
    for event in events {
        match (joined.last_mut(), event) {
            (Some(ChatEvent::Reasoning(before)), ChatEvent::Reasoning(text))
            | (Some(ChatEvent::Content(before)), ChatEvent::Content(text)) => before.push_str(&text),
            (
                Some(ChatEvent::ToolCallArguments { fragment: before, .. }),
                ChatEvent::ToolCallArguments { fragment, .. },
            ) => before.push_str(&fragment),
            (_, ChatEvent::ToolCallStarted { index, name, .. }) => {
                joined.push(ChatEvent::ToolCallStarted { index, id: String::new(), name });
            }
            (_, event) => joined.push(event),
        }
    }
    joined
}

fn tools() -> Vec<Tool> {
    let properties = json!({"city": {"type": "string"}, "days": {"type": "integer"}, "any": {}});
    ["get", "get_weather"]
        .map(|name| Tool {
            name: name.to_owned(),
            description: None,
            parameters: Some(json!({"type": "object", "properties": properties})),
            strict: None,
        })
        .into()
}
