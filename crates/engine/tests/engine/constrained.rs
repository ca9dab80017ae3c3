use engine::{Embedded, Settings};
use inference::{ChatRequest, EngineError, FinishReason, ResponseFormat, Tool, ToolChoice};
use serde_json::{Map, Value, json};

use crate::setting::{answer, ask, demo, settings, tiny, tiny_moe};

fn drawn(text: &str, seed: u64) -> ChatRequest {
    let mut request = ask(text);
    request.sampling.greedy = false;
    request.sampling.temperature = Some(1.0);
    request.sampling.top_p = Some(1.0);
    request.sampling.seed = Some(seed);
    request.max_tokens = Some(1_500);
    request
}

fn weather() -> Tool {
    Tool {
        name: "get_weather".into(),
        description: Some("The weather in a city.".into()),
        parameters: Some(json!({
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": "integer", "minimum": 1, "maximum": 14},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
                "where": {"$ref": "#/$defs/place"}
            },
            "required": ["city", "days"],
            "$defs": {"place": {"type": "object", "properties": {"lat": {"type": "number"}}, "required": ["lat"]}}
        })),
        strict: None,
    }
}

/// CAP-STR: random weights at full randomness still write JSON that obeys the schema.
#[tokio::test]
async fn answers_obey_their_schema() {
    let embedded = Embedded::start(settings());
    let schema = json!({
        "type": "object",
        "properties": {
            "size": {"enum": ["small", "large"]},
            "count": {"type": "integer", "minimum": 3, "maximum": 77},
            "code": {"type": "string", "pattern": "^[A-C]{2}-\\d+.$"},
            "tags": {"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 3}
        },
        "required": ["size", "count", "code", "tags"],
        "additionalProperties": false
    });
    for (name, model) in [("dense", tiny()), ("moe", tiny_moe())] {
        let engine = embedded.engine(name, model);
        for seed in 0..6 {
            let mut request = drawn("Describe it", seed);
            request.format = ResponseFormat::JsonSchema { name: "thing".into(), schema: schema.clone() };
            let answer = answer(engine.as_ref(), request).await;
            assert_eq!(answer.reason, Some(FinishReason::Stop), "{answer:?}");
            let value: Value = serde_json::from_str(&answer.content).expect(&answer.content);
            assert!(value["size"] == "small" || value["size"] == "large");
            assert!((3..=77).contains(&value["count"].as_i64().unwrap()));
            let code = value["code"].as_str().unwrap();
            assert!(code.len() >= 5 && code.as_bytes()[2] == b'-', "{code}");
            let tags = value["tags"].as_array().unwrap();
            assert!((1..=3).contains(&tags.len()) && tags.iter().all(Value::is_boolean));
            assert_eq!(value.as_object().unwrap().len(), 4);
        }
    }
    embedded.shutdown().await;
}

/// Tokens that are half a character have their bytes: those of all tokens together are the answer's.
#[tokio::test]
async fn the_bytes_of_the_logprobs_are_the_answer() {
    let embedded = Embedded::start(settings());
    let engine = embedded.engine("tiny", tiny());
    let mut halves = 0;
    for seed in 0..6 {
        let mut request = drawn("Say something", seed);
        request.logprobs = Some(1);
        let schema = json!({"type": "string", "minLength": 20, "maxLength": 60});
        request.format = ResponseFormat::JsonSchema { name: "text".into(), schema };
        let answer = answer(engine.as_ref(), request).await;
        assert_eq!(answer.reason, Some(FinishReason::Stop), "{answer:?}");
        halves += answer.logprobs.iter().filter(|token| str::from_utf8(&token.bytes).is_err()).count();
        let bytes: Vec<u8> = answer.logprobs.iter().flat_map(|token| token.bytes.clone()).collect();
        assert_eq!(String::from_utf8_lossy(&bytes).trim_start(), answer.content.trim_start());
    }
    assert!(halves > 0, "the test shows nothing without half characters");
    embedded.shutdown().await;
}

/// `json_object` without a schema gives a JSON object, if it is given the room to finish it.
#[tokio::test]
async fn json_mode_gives_an_object() {
    let embedded = Embedded::start(settings());
    let engine = embedded.engine("tiny", tiny());
    let mut finished = 0;
    for seed in 0..6 {
        let mut request = drawn("JSON please", seed);
        request.format = ResponseFormat::JsonObject;
        let answer = answer(engine.as_ref(), request).await;
        if answer.reason == Some(FinishReason::Stop) {
            let value: Value = serde_json::from_str(&answer.content).expect(&answer.content);
            assert!(value.is_object());
            finished += 1;
        }
    }
    assert!(finished > 0);
    embedded.shutdown().await;
}

/// A required tool is called, with all its required arguments and no invented ones, whatever the weights say.
#[tokio::test]
async fn a_required_tool_is_called_well() {
    let embedded = Embedded::start(settings());
    let engine = embedded.engine("tiny", tiny());
    let mut complete = 0;
    for seed in 0..8 {
        let mut request = drawn("What is the weather?", seed);
        request.tools = vec![weather()];
        request.tool_choice = ToolChoice::Named("get_weather".into());
        let answer = answer(engine.as_ref(), request).await;
        assert_eq!(answer.calls.len(), 1, "{answer:?}");
        if answer.reason != Some(FinishReason::ToolCalls) {
            continue;
        }
        complete += 1;
        assert_eq!(answer.content, "");
        let (name, arguments) = &answer.calls[0];
        assert_eq!(name, "get_weather");
        let arguments: Map<String, Value> = serde_json::from_str(arguments).expect(arguments);
        assert!(arguments["city"].is_string());
        assert!((1..=14).contains(&arguments["days"].as_i64().expect("a number")));
        assert!(arguments.keys().all(|key| ["city", "days", "unit", "where"].contains(&key.as_str())));
        if let Some(unit) = arguments.get("unit") {
            assert!(unit == "celsius" || unit == "fahrenheit");
        }
        if let Some(place) = arguments.get("where") {
            assert!(place["lat"].is_number());
        }
    }
    assert!(complete >= 4, "{complete}");
    embedded.shutdown().await;
}

/// The demo model chooses to call, and its call is whole.
#[tokio::test]
async fn the_demo_model_calls_tools_by_itself() {
    let embedded = Embedded::start(settings());
    let engine = embedded.engine("demo", demo());
    let mut request = ask("What is the weather in Paris?");
    request.max_tokens = Some(200);
    request.tools = vec![Tool {
        name: "get_weather".into(),
        description: Some("Get the current weather for a city".into()),
        parameters: Some(
            json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}),
        ),
        strict: None,
    }];
    let answer = answer(engine.as_ref(), request).await;
    assert_eq!(answer.reason, Some(FinishReason::ToolCalls), "{answer:?}");
    let arguments: Value = serde_json::from_str(&answer.calls[0].1).unwrap();
    assert!(arguments["city"].is_string());
    embedded.shutdown().await;
}

/// With thinking on, the constraint begins where the answer does.
#[tokio::test]
async fn json_comes_after_the_thinking() {
    let embedded = Embedded::start(settings());
    let engine = embedded.engine("demo", demo());
    let mut request = ask("Hello! Who are you?");
    request.thinking.enabled = true;
    request.max_tokens = Some(600);
    request.format = ResponseFormat::JsonSchema {
        name: "greeting".into(),
        schema: json!({"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}),
    };
    let answer = answer(engine.as_ref(), request).await;
    assert_eq!(answer.reason, Some(FinishReason::Stop), "{answer:?}");
    let value: Value = serde_json::from_str(&answer.content).expect(&answer.content);
    assert!(value["ok"].is_boolean());
    embedded.shutdown().await;
}

/// CAP-STR: a JSON answer may mention the markup of calls; it is not read as one, with or without tools.
#[tokio::test]
async fn markup_in_a_json_answer_is_part_of_it() {
    let embedded = Embedded::start(settings());
    let engine = embedded.engine("tiny", tiny());
    let text = "<tool_call>get_weather</tool_call></think><tool_response>x";
    for tools in [vec![], vec![weather()]] {
        for thinking in [false, true] {
            let mut request = drawn("Explain tool calls", 3);
            request.thinking.enabled = thinking;
            request.tools = tools.clone();
            request.tool_choice = if tools.is_empty() { ToolChoice::Auto } else { ToolChoice::None };
            request.format = ResponseFormat::JsonSchema { name: "x".into(), schema: json!({"const": text}) };
            let answer = answer(engine.as_ref(), request).await;
            if answer.reason == Some(FinishReason::Stop) {
                assert_eq!(serde_json::from_str::<Value>(&answer.content).unwrap(), text);
            } else {
                assert!(thinking && answer.content.is_empty(), "{answer:?}");
            }
            assert_eq!(answer.calls, []);
        }
    }
    embedded.shutdown().await;
}

/// `parallel_tool_calls: false`: however talkative the model, one call, and then the answer is over.
#[tokio::test]
async fn one_call_is_one_call() {
    let embedded = Embedded::start(settings());
    let engine = embedded.engine("tiny", tiny());
    let nothing = Tool { parameters: Some(json!({"type": "object", "properties": {}})), ..weather() };
    let mut several = 0;
    for seed in 0..6 {
        let mut request = drawn("Call!", seed);
        request.tools = vec![nothing.clone()];
        request.tool_choice = ToolChoice::Required;
        request.max_tokens = Some(300);
        several += usize::from(answer(engine.as_ref(), request.clone()).await.calls.len() > 1);
        request.parallel_tool_calls = Some(false);
        let single = answer(engine.as_ref(), request).await;
        assert_eq!(single.calls, [("get_weather".to_owned(), "{}".to_owned())]);
        assert_eq!(single.reason, Some(FinishReason::ToolCalls));
    }
    assert!(several > 0, "the test shows nothing if the model calls only once anyway");
    embedded.shutdown().await;
}

/// Hostile schemas are refused or obeyed; the process is there afterwards, and soon.
#[tokio::test]
async fn hostile_schemas_do_no_harm() {
    let embedded = Embedded::start(Settings { context_tokens: 4_096, ..settings() });
    let engine = embedded.engine("tiny", tiny());
    let mut deep = json!({"type": "boolean"});
    for _ in 0..25 {
        deep = json!({"type": "array", "items": deep, "minItems": 1, "maxItems": 1});
    }
    let wide: Map<String, Value> =
        (0..120).map(|n| (format!("optional{n}"), json!({"type": "boolean"}))).collect();
    let chain: Map<String, Value> = (0..200)
        .map(|n| {
            (
                format!("d{n}"),
                json!({"type": "object", "properties": {"x": {"$ref": format!("#/$defs/d{}", n + 1)}}}),
            )
        })
        .chain([("d200".to_owned(), json!({"type": "null"}))])
        .collect();
    let schemas = [
        json!({"type": "string", "pattern": "^(((((a+)+)+)+)+)+$"}),
        json!({"type": "string", "pattern": "^[\\d\\D]{1,99999}$"}),
        json!({"type": "string", "pattern": format!("^{}a{}$", "(".repeat(200), ")".repeat(200))}),
        json!({"type": "string", "pattern": "^(?=x)[[:alpha:$"}),
        json!({"type": "string", "minLength": 4_000_000_000u64}),
        json!({"type": "array", "items": {}, "maxItems": 4_000_000_000u64}),
        json!({"type": "integer", "minimum": i64::MIN, "maximum": i64::MAX}),
        json!({"type": "integer", "minimum": 1e300}),
        json!({"type": "nonsense"}),
        json!({"type": 7, "properties": [], "required": "x", "enum": {}}),
        json!({"enum": []}),
        json!({"const": "\u{0}\"\\\n<|user|>"}),
        json!({"anyOf": []}),
        json!({"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"type": "null"}]}}}),
        json!({"$ref": "#/$defs/d0", "$defs": chain}),
        json!({"type": "object", "properties": wide}),
        json!({"not": {}, "if": {}, "then": {}, "patternProperties": {".*": {}}}),
        deep,
        Value::Bool(false),
        Value::Null,
    ];
    for schema in schemas {
        let mut request = drawn("x", 1);
        request.max_tokens = Some(20);
        request.format = ResponseFormat::JsonSchema { name: "x".into(), schema: schema.clone() };
        match engine.chat(request).await {
            Ok(stream) => drop(crate::setting::read(stream).await),
            Err(
                EngineError::Unsupported { field: "response_format", .. } | EngineError::ContextOverflow(_),
            ) => {}
            Err(other) => panic!("{schema}: {other:?}"),
        }
        let mut request = drawn("x", 1);
        request.max_tokens = Some(20);
        request.tools =
            vec![Tool { name: "f".into(), description: None, parameters: Some(schema), strict: None }];
        request.tool_choice = ToolChoice::Required;
        match engine.chat(request).await {
            Ok(stream) => drop(crate::setting::read(stream).await),
            Err(EngineError::ContextOverflow(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    let mut request = ask("x");
    request.tools = (0..400)
        .map(|n| Tool { name: format!("tool_{n}"), description: None, parameters: None, strict: None })
        .collect();
    request.tool_choice = ToolChoice::Required;
    let refused = engine.chat(request).await.err();
    assert!(matches!(refused, None | Some(EngineError::ContextOverflow(_))), "{refused:?}");
    assert!(answer(engine.as_ref(), ask("still there?")).await.reason.is_some());
    embedded.shutdown().await;
}
