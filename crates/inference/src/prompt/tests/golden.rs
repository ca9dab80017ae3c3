//! Whole prompts, letter for letter, against the rules of `glm-models.md` §3–5.

use super::*;
use crate::Effort;
use crate::parser::Generation;

const TOOLS_HEAD: &str = "<|system|>\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\n\
    You are provided with function signatures within <tools></tools> XML tags:\n<tools>\n";
const TOOLS_TAIL: &str = "\n</tools>\n\nFor each function call, output the function name and arguments within the \
    following XML format:\n";
const FUNCTION: &str = r#""name": "get_weather", "description": "Weather in a <city> & \"more\": 天气", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}"#;
const HINT_A: &str = "<tool_call>{function-name}\n<arg_key>{arg-key-1}</arg_key>\n<arg_value>{arg-value-1}</arg_value>\n\
    <arg_key>{arg-key-2}</arg_key>\n<arg_value>{arg-value-2}</arg_value>\n...\n</tool_call>";
const HINT_B: &str = "<tool_call>{function-name}<arg_key>{arg-key-1}</arg_key><arg_value>{arg-value-1}</arg_value>\
    <arg_key>{arg-key-2}</arg_key><arg_value>{arg-value-2}</arg_value>...</tool_call>";

fn tools_a() -> String {
    let tool = format!("{{\"type\": \"function\", \"function\": {{{FUNCTION}, \"strict\": true}}}}");
    format!("{TOOLS_HEAD}{tool}{TOOLS_TAIL}{HINT_A}")
}

fn tools_b() -> String {
    tools_a().replace(HINT_A, HINT_B)
}

fn tools_b_prime() -> String {
    format!("{TOOLS_HEAD}{{{FUNCTION}}}{TOOLS_TAIL}{HINT_B}")
}

/// The two calls and their results, as generations B and C write them.
const ROUND_B: &str = "<tool_call>get_weather<arg_key>city</arg_key><arg_value>Köln</arg_value>\
    <arg_key>days</arg_key><arg_value>2</arg_value><arg_key>at</arg_key><arg_value>{\"hour\": 7}</arg_value>\
    </tool_call><tool_call>now</tool_call>\
    <|observation|><tool_response>sunny</tool_response><tool_response>12:00</tool_response>";

/// THINK-05: reasoning after the last question stays, earlier reasoning goes.
#[test]
fn generation_a_with_thinking_on() {
    let expected = format!(
        "[gMASK]<sop>{}<|system|>\nBe brief.<|user|>\nHi<|assistant|>\n<think></think>\nHello!<|user|>\nWeather?\
         <|assistant|>\n<think>Two cities.</think>\n\
         <tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Köln</arg_value>\n\
         <arg_key>days</arg_key>\n<arg_value>2</arg_value>\n\
         <arg_key>at</arg_key>\n<arg_value>{{\"hour\": 7}}</arg_value>\n</tool_call>\n\
         <tool_call>now\n</tool_call>\
         <|observation|>\n<tool_response>\nsunny\n</tool_response>\n<tool_response>\n12:00\n</tool_response>\
         <|assistant|>",
        tools_a()
    );
    let prompt = renderer("glm-4.6").render(&conversation()).unwrap();
    assert_eq!(prompt.text(), expected);
    assert!(prompt.thinking);
}

/// THINK-01: switched off, every user turn says so and the block is closed in advance.
#[test]
fn generation_a_with_thinking_off() {
    let mut request = request(vec![user("Hi"), assistant("", "Yo"), user("Bye")]);
    request.thinking.enabled = false;
    let prompt = renderer("glm-4.5-air").render(&request).unwrap();
    assert_eq!(
        prompt.text(),
        "[gMASK]<sop><|user|>\nHi/nothink<|assistant|>\n<think></think>\nYo<|user|>\nBye/nothink\
         <|assistant|>\n<think></think>"
    );
    assert!(!prompt.thinking);
}

#[test]
fn generation_b_with_thinking_on() {
    let expected = format!(
        "[gMASK]<sop>{}<|system|>Be brief.<|user|>Hi<|assistant|></think>Hello!<|user|>Weather?\
         <|assistant|><think>Two cities.</think>{ROUND_B}<|assistant|><think>",
        tools_b()
    );
    let prompt = renderer("glm-4.7").render(&conversation()).unwrap();
    assert_eq!(prompt.text(), expected);
    assert!(prompt.thinking);
}

/// THINK-03, THINK-06: kept reasoning shows, and the switch touches nothing but the end.
#[test]
fn generation_b_preserved_and_switched_off() {
    let mut request = conversation();
    request.thinking.preserved = true;
    let on = text(&request, "glm-5");
    assert!(on.contains("<|assistant|><think>Old thought.</think>Hello!<|user|>"), "{on}");
    request.thinking.enabled = false;
    let off = renderer("glm-5").render(&request).unwrap();
    assert_eq!(on.strip_suffix("<think>"), off.text().strip_suffix("</think>"));
    assert!(!off.thinking);
}

#[test]
fn generation_b_prime_unwraps_tools_and_shows_an_empty_block() {
    let mut request = conversation();
    if let Some(Message::Assistant { reasoning, .. }) = request.messages.get_mut(4) {
        *reasoning = None;
    }
    let expected = format!(
        "[gMASK]<sop>{}<|system|>Be brief.<|user|>Hi<|assistant|></think>Hello!<|user|>Weather?\
         <|assistant|><think></think>{ROUND_B}<|assistant|><think>",
        tools_b_prime()
    );
    assert_eq!(text(&request, "glm-5.1"), expected);
    request.thinking.enabled = false;
    assert!(text(&request, "glm-5.1").contains("Weather?<|assistant|></think><tool_call>"));
}

#[test]
fn generation_c_states_the_effort_first() {
    let expected = format!(
        "[gMASK]<sop><|system|>Reasoning Effort: Max{}<|system|>Be brief.<|user|>Hi<|assistant|><think></think>Hello!\
         <|user|>Weather?<|assistant|><think>Two cities.</think>{ROUND_B}<|assistant|><think>",
        tools_b_prime()
    );
    assert_eq!(text(&conversation(), "glm-5.3"), expected);
    let lone = expected.replace("<think></think>", "</think>");
    assert_eq!(text(&conversation(), "glm-5.2"), lone);
}

/// `medium` must not silently become the most expensive setting.
#[test]
fn generation_c_takes_the_nearest_effort_it_knows() {
    let effort_line = |model: &str, asked| {
        let mut request = request(vec![user("Hi")]);
        request.thinking.effort = Some(asked);
        let text = text(&request, model);
        text["[gMASK]<sop><|system|>Reasoning Effort: ".len()..].split('<').next().unwrap().to_owned()
    };
    assert_eq!(effort_line("glm-5.2", Effort::Medium), "High");
    assert_eq!(effort_line("glm-5.2", Effort::Low), "High");
    assert_eq!(effort_line("glm-5.3", Effort::Low), "Low");
    assert_eq!(effort_line("glm-5.3", Effort::Medium), "High");
    assert_eq!(effort_line("glm-5.3", Effort::Xhigh), "Max");
}

#[test]
fn generation_c_without_thinking_has_no_effort_line() {
    let mut request = request(vec![user("Hi")]);
    request.thinking.enabled = false;
    let prompt = renderer("glm-5.3").render(&request).unwrap();
    assert_eq!(prompt.text(), "[gMASK]<sop><|user|>Hi<|assistant|><think></think>");
    assert!(!prompt.thinking);
}

#[test]
fn glm_4_0414_writes_plain_turns() {
    let mut request = request(vec![
        system("Be brief."),
        user("Weather?"),
        calls("", &[("c1", "get_weather", r#"{"city": "Köln"}"#)]),
        result("c1", "sunny"),
    ]);
    request.tools = vec![Tool { parameters: Some(json!({})), strict: None, ..weather_tool() }];
    let prompt = renderer("glm-4-9b-0414").render(&request).unwrap();
    assert_eq!(
        prompt.text(),
        "[gMASK]<sop><|system|>\n# Available tools\n\n## get_weather\n\n{\n    \"name\": \"get_weather\",\n    \
         \"description\": \"Weather in a <city> & \\\"more\\\": 天气\",\n    \"parameters\": {}\n}\n\
         Write the arguments of a call to this function as JSON.\
         <|system|>\nBe brief.<|user|>\nWeather?<|assistant|>get_weather\n{\"city\": \"Köln\"}\
         <|observation|>\nsunny<|assistant|>"
    );
    assert!(!prompt.thinking);
}

/// CACHE-07: with preserved thinking the whole conversation, output included, is a prefix of the next prompt.
#[test]
fn preserved_thinking_keeps_the_whole_conversation_as_prefix() {
    for model in ["glm-4.7", "glm-5", "glm-5.1", "glm-5.2", "glm-5.3"] {
        let mut request = conversation();
        request.thinking.preserved = true;
        let mut seen = text(&request, model);
        for turn in 0..3 {
            let (thought, answer) = (format!("Thought {turn}.\n"), format!("Answer {turn}."));
            seen += &format!("{thought}</think>{answer}");
            request.messages.push(assistant(&thought, &answer));
            request.messages.push(user("And then?"));
            let next = text(&request, model);
            assert!(next.starts_with(&seen), "{model}: {next}");
            seen = next;
        }
    }
}

/// Without it, the prefix ends right before the turn whose reasoning is dropped.
#[test]
fn cleared_thinking_keeps_the_prefix_up_to_the_finished_turn() {
    let mut request = request(vec![user("Hi")]);
    let first = text(&request, "glm-4.7");
    request.messages.push(assistant("Thought.", "Hello"));
    request.messages.push(user("Bye"));
    let second = text(&request, "glm-4.7");
    assert!(second.starts_with(first.strip_suffix("<think>").unwrap()));
    assert!(!second.contains("Thought."));
}

/// The demonstration model's template is as old as generation A and is rendered as it stands.
#[test]
fn the_demonstration_model_brings_its_own_template() {
    let path =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/prototypes/engine/azimuth-tiny-q8_0.gguf");
    let file = std::fs::read(path).unwrap();
    let key = b"tokenizer.chat_template";
    let value = file.windows(key.len()).position(|window| window == key).unwrap() + key.len() + 4;
    let length = u64::from_le_bytes(file[value..value + 8].try_into().unwrap());
    let end = value + 8 + usize::try_from(length).unwrap();
    let template = std::str::from_utf8(&file[value + 8..end]).unwrap();

    let own = Renderer::new(Some(template), "Azimuth Tiny", control_tokens()).unwrap();
    assert_eq!(
        own.family(),
        &Family { generation: Generation::A, thinks: true, efforts: vec![], vision: false }
    );
    // Its tool hint shows one argument where ours shows two; everything else is the same text.
    let second = "<arg_key>{arg-key-2}</arg_key>\n<arg_value>{arg-value-2}</arg_value>\n";
    for is_on in [true, false] {
        let mut request = conversation();
        request.thinking.enabled = is_on;
        assert_eq!(own.render(&request).unwrap().text(), text(&request, "glm-4.6").replace(second, ""));
    }
}
