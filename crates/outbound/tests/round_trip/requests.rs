//! Any request.

use inference::{
    ChatRequest, Effort, Message, Part, ResponseFormat, Sampling, Thinking, Tool, ToolCall, ToolChoice,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value};

/// What a dialect can say. Everything else is said in both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words {
    /// Films, and sound where `sounds`.
    pub films: bool,
    pub sounds: bool,
    /// Documents; never beside pictures in one message.
    pub files: bool,
    /// A tool that answers nothing at all, not even an empty text.
    pub silent_tools: bool,
    /// The longest name of a tool.
    pub tool_name_chars_max: usize,
    /// The degrees of thinking.
    pub efforts: &'static [Effort],
    /// Whether the request says that earlier thinking is not to stay in the prompt.
    pub forgets_thinking: bool,
    /// Whether greedy sampling is a word of its own, or a temperature of nought.
    pub greedy_is_a_word: bool,
    /// Seeds, penalties and log probabilities.
    pub sampling_of_openai: bool,
    /// JSON without a schema, and a schema's name.
    pub json_object: bool,
    pub schema_name: Option<&'static str>,
    pub user_id: bool,
    pub stop_texts_max: usize,
}

/// Any request that can be said in `words` and that a client could have sent: turns take turns, and every call of a
/// tool has its result.
pub(crate) fn request(words: Words) -> impl Strategy<Value = ChatRequest> {
    let beside = (thinking(words), sampling(words), format(words), option::of(1..u32::MAX), stop(words));
    let more = (
        option::of(0..=20u8).prop_map(move |count| count.filter(|_| words.sampling_of_openai)),
        option::of("[a-z0-9]{6,20}").prop_map(move |id| id.filter(|_| words.user_id)),
    );
    (conversation(words), tools(words), beside, more).prop_map(
        |(
            messages,
            (tools, choice, parallel),
            (thinking, sampling, format, max_tokens, stop),
            (logprobs, user_id),
        )| {
            let mut request = ChatRequest::new("glm-4.7".parse().unwrap(), messages);
            (request.tools, request.tool_choice, request.parallel_tool_calls) = (tools, choice, parallel);
            (request.thinking, request.sampling, request.format) = (thinking, sampling, format);
            (request.max_tokens, request.stop, request.logprobs) = (max_tokens, stop, logprobs);
            request.user_id = user_id;
            request
        },
    )
}

/// Instructions, then rounds: what a person says, perhaps an instruction in between, and what the model answers, with
/// calls of tools and their results in any order. The last word is the person's or a tool's.
fn conversation(words: Words) -> impl Strategy<Value = Vec<Message>> {
    let system = || text().prop_map(|text| Message::System { content: vec![Part::text(text)] });
    let round = (parts(words, 1), option::of(system()), answer(words));
    (option::of(system()), vec(round, 0..4), parts(words, 1)).prop_map(|(system, rounds, last)| {
        let mut messages: Vec<Message> = system.into_iter().collect();
        for (place, (said, system, (content, reasoning, calls))) in rounds.into_iter().enumerate() {
            messages.push(Message::User { content: said });
            messages.extend(system);
            let id = |call: usize| format!("call_{place}-{call}");
            let tool_calls = calls.iter().enumerate().map(|(call, (name, arguments, ..))| ToolCall {
                id: id(call),
                name: name.clone(),
                arguments: arguments.clone(),
            });
            messages.push(Message::Assistant { content, reasoning, tool_calls: tool_calls.collect() });
            let mut results: Vec<_> = calls.into_iter().enumerate().collect();
            results.sort_by_key(|(_, (_, _, _, order))| *order);
            for (call, (_, _, content, _)) in results {
                messages.push(Message::Tool { tool_call_id: id(call), content });
            }
        }
        messages.push(Message::User { content: last });
        messages
    })
}

type Call = (String, String, Vec<Part>, u8);

/// An answer says something or calls something; thinking alone is no turn in every dialect.
fn answer(words: Words) -> impl Strategy<Value = (String, Option<String>, Vec<Call>)> {
    let results_min = usize::from(!words.silent_tools);
    let call = || (tool_name(words), object_text(), parts(words, results_min), any::<u8>());
    prop_oneof![
        (text(), option::of(text()), vec(call(), 0..3)),
        (Just(String::new()), option::of(text()), vec(call(), 1..3)),
    ]
}

/// Texts and media in turn: texts that follow one another are one text to every template.
fn parts(words: Words, least: usize) -> impl Strategy<Value = Vec<Part>> {
    let media = |is_file| vec((text(), medium(words, is_file)), least..3);
    let pairs =
        if words.files { prop_oneof![media(false), media(true)].boxed() } else { media(false).boxed() };
    (pairs, any::<(bool, bool)>()).prop_map(|(pairs, (text_first, text_last))| {
        let count = pairs.len();
        let mut parts = Vec::new();
        for (place, (text, medium)) in pairs.into_iter().enumerate() {
            let is_last = place + 1 == count;
            if place > 0 || text_first || (is_last && text_last) {
                parts.push(Part::text(text));
            }
            if !(is_last && text_last) {
                parts.push(medium);
            }
        }
        parts
    })
}

fn medium(words: Words, is_file: bool) -> BoxedStrategy<Part> {
    if is_file {
        return select(vec!["https://example.com/a.pdf", "data:application/pdf;base64,JVBERi0="])
            .prop_map(|url| Part::File { url: url.to_owned() })
            .boxed();
    }
    let picture = select(vec!["https://example.com/ü.png", "data:image/png;base64,iVBORw0KGgo="])
        .prop_map(|url| Part::Image { url: url.to_owned() });
    let film = Just(Part::Video { url: "https://example.com/a.mp4".to_owned() });
    let sound = Just(Part::Audio { data: "UklGRg==".to_owned(), format: "wav".to_owned() });
    match (words.films, words.sounds) {
        (true, true) => prop_oneof![picture, film, sound].boxed(),
        (true, false) => prop_oneof![picture, film].boxed(),
        (false, _) => picture.boxed(),
    }
}

/// Any text that says something.
pub(crate) fn text() -> impl Strategy<Value = String> {
    "[ \n\"\\\\\\PC]{0,12}[a-zß雪]"
}

fn tool_name(words: Words) -> impl Strategy<Value = String> {
    proptest::string::string_regex(&format!("[a-zA-Z0-9_-]{{1,{}}}", words.tool_name_chars_max)).unwrap()
}

fn tools(words: Words) -> impl Strategy<Value = (Vec<Tool>, ToolChoice, Option<bool>)> {
    let tool = (tool_name(words), option::of(text()), object(), option::of(any::<bool>())).prop_map(
        |(name, description, mut schema, strict)| {
            schema.insert("type".to_owned(), "object".into());
            Tool { name, description, parameters: Some(Value::Object(schema)), strict }
        },
    );
    (vec(tool, 0..4), 0..4u8, option::of(any::<bool>()), any::<prop::sample::Index>()).prop_map(
        |(tools, choice, parallel, named)| {
            if tools.is_empty() {
                return (tools, ToolChoice::Auto, None);
            }
            match choice {
                0 => (tools, ToolChoice::Auto, parallel),
                1 => (tools, ToolChoice::Required, parallel),
                2 => {
                    let name = named.get(&tools).name.clone();
                    (tools, ToolChoice::Named(name), parallel)
                }
                // Where none may be called, it is not asked whether several may.
                _ => (tools, ToolChoice::None, None),
            }
        },
    )
}

fn thinking(words: Words) -> impl Strategy<Value = Thinking> {
    (any::<bool>(), any::<bool>(), option::of(select(words.efforts))).prop_map(
        move |(enabled, forgets, effort)| {
            let enabled = enabled && effort != Some(Effort::None);
            Thinking { enabled, preserved: !(words.forgets_thinking && forgets), effort }
        },
    )
}

fn sampling(words: Words) -> impl Strategy<Value = Sampling> {
    let hundredths = |count: i16| f32::from(count) / 100.0;
    let drawn =
        (option::of(1..=100i16), option::of(1..=100i16)).prop_map(move |(temperature, top_p)| Sampling {
            temperature: temperature.map(hundredths),
            top_p: top_p.map(hundredths),
            ..Sampling::default()
        });
    let temperature = if words.greedy_is_a_word { None } else { Some(0.0) };
    let greedy = Just(Sampling { greedy: true, temperature, ..Sampling::default() });
    let more = (option::of(any::<u64>()), option::of(-200..=200i16), option::of(-200..=200i16));
    (prop_oneof![4 => drawn, 1 => greedy], more).prop_map(move |(sampling, (seed, frequency, presence))| {
        if !words.sampling_of_openai {
            return sampling;
        }
        Sampling {
            seed,
            frequency_penalty: frequency.map(hundredths),
            presence_penalty: presence.map(hundredths),
            ..sampling
        }
    })
}

fn format(words: Words) -> impl Strategy<Value = ResponseFormat> {
    let named = ("[a-z]{1,8}", object()).prop_map(move |(name, schema)| ResponseFormat::JsonSchema {
        name: words.schema_name.map_or(name, str::to_owned),
        schema: Value::Object(schema),
    });
    let json = if words.json_object { ResponseFormat::JsonObject } else { ResponseFormat::Text };
    prop_oneof![2 => Just(ResponseFormat::Text), 1 => Just(json), 1 => named]
}

fn stop(words: Words) -> impl Strategy<Value = Vec<String>> {
    vec(text(), 0..=words.stop_texts_max)
}

/// A JSON object as text, spaced as somebody liked it.
pub(crate) fn object_text() -> impl Strategy<Value = String> {
    (object(), any::<bool>()).prop_map(|(object, is_pretty)| {
        let object = Value::Object(object);
        if is_pretty { format!("{object:#}") } else { object.to_string() }
    })
}

fn object() -> impl Strategy<Value = Map<String, Value>> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|count| Value::from(f64::from(count) / 64.0)),
        text().prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((text(), inner), 0..3).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    vec((text(), value), 0..3).prop_map(|members| members.into_iter().collect())
}
