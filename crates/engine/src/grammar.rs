//! Grammars that make malformed JSON and malformed tool calls impossible, in llama.cpp's notation (GBNF).

mod rules;

use inference::parser::Generation;
use inference::{ChatRequest, EngineError, ResponseFormat, Tool, ToolChoice};
use llama_cpp_2::token::LlamaToken;
use serde_json::json;

use crate::call_grammar;

pub(crate) use rules::{Rules, literal};

/// What an answer must obey.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Constraint {
    /// The grammar of the whole output, thinking included.
    Whole { gbnf: String },
    /// Free text, in which the token `trigger` begins a tool call that obeys the grammar.
    OnCall { trigger: LlamaToken, gbnf: String },
}

/// How a model writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    pub generation: Generation,
    /// Whether tool calls are written in GLM's tags; otherwise as JSON.
    pub has_tags: bool,
    /// `<tool_call>`, if it is one token.
    pub call_token: Option<LlamaToken>,
}

/// Whether the answer ends with its first tool call.
pub(crate) fn takes_one_call(request: &ChatRequest) -> bool {
    request.parallel_tool_calls == Some(false) || matches!(request.tool_choice, ToolChoice::Named(_))
}

/// The constraint that `request` asks for, if any. `thinking` says whether the output starts with or in
/// reasoning.
pub(crate) fn constraint(
    request: &ChatRequest,
    dialect: Dialect,
    thinking: bool,
) -> Result<Option<Constraint>, EngineError> {
    let tools: Vec<&Tool> = match &request.tool_choice {
        ToolChoice::None => Vec::new(),
        ToolChoice::Auto | ToolChoice::Required => request.tools.iter().collect(),
        ToolChoice::Named(name) => request.tools.iter().filter(|tool| tool.name == *name).collect(),
    };
    let must_call = matches!(request.tool_choice, ToolChoice::Required | ToolChoice::Named(_));
    if must_call && tools.is_empty() {
        let message = "`tool_choice` asks for a tool that is not among `tools`".to_owned();
        return Err(EngineError::Unsupported { field: "tool_choice", message });
    }
    let schema = match &request.format {
        ResponseFormat::Text => None,
        ResponseFormat::JsonObject => Some(json!({"type": "object"})),
        ResponseFormat::JsonSchema { schema, .. } => Some(schema.clone()),
    };

    if schema.is_none() && !must_call {
        return Ok(match dialect.call_token {
            Some(trigger) if !tools.is_empty() && dialect.has_tags => {
                let mut rules = Rules::default();
                let call = call_grammar::after_opening(&mut rules, &tools, dialect);
                Some(Constraint::OnCall { trigger, gbnf: rules.finish(&call) })
            }
            _ => None,
        });
    }

    let mut rules = Rules::default();
    let mut answers = Vec::new();
    if !tools.is_empty() {
        let call = call_grammar::whole(&mut rules, &tools, dialect);
        let more = if takes_one_call(request) { String::new() } else { format!(" ([\\n]? {call})*") };
        answers.push(format!("{call}{more}"));
    }
    if let Some(schema) = schema.filter(|_| !must_call) {
        answers.push(rules.json(&schema).map_err(|refused| EngineError::Unsupported {
            field: "response_format",
            message: format!("the JSON schema cannot be enforced: {refused}"),
        })?);
    }
    let answer = rules.add("answer", &answers.join(" | "));

    let reasoning = match (thinking, dialect.generation) {
        (false, _) => String::new(),
        (true, Generation::A) => {
            let thought = rules.until("thought", "</think>");
            format!("([\\n]? \"<think>\" {thought})? ")
        }
        (true, Generation::B) => format!("{} ", rules.until("thought", "</think>")),
    };
    let root = format!("{reasoning}[\\n]{{0,2}} {answer}");
    Ok(Some(Constraint::Whole { gbnf: rules.finish(&root) }))
}

#[cfg(test)]
mod tests {
    use inference::Message;
    use llama_cpp_2::model::LlamaModel;
    use llama_cpp_2::model::params::LlamaModelParams;
    use llama_cpp_2::sampling::LlamaSampler;
    use serde_json::Value;

    use super::*;
    use crate::sampler::allows;
    use crate::system::backend;

    fn request() -> ChatRequest {
        ChatRequest::new("glm-4.6".parse().unwrap(), vec![Message::User { content: Vec::new() }])
    }

    const DIALECT: Dialect =
        Dialect { generation: Generation::A, has_tags: true, call_token: Some(LlamaToken(9)) };

    const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/models/tiny-glm4.gguf");

    fn weather() -> Tool {
        let parameters = json!({
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "unit": {"enum": ["C", "F"]}},
            "required": ["city"]
        });
        Tool { name: "get_weather".into(), description: None, parameters: Some(parameters), strict: None }
    }

    /// What the grammar says to a whole output: refused, begun, or complete.
    fn judge(model: &LlamaModel, gbnf: &str, output: &str) -> &'static str {
        let mut grammar = LlamaSampler::grammar(model, gbnf, "root").expect(gbnf);
        for token in model.vocab().tokenize(output.as_bytes(), false, true) {
            if !allows(&mut grammar, token) {
                return "refused";
            }
            grammar.try_accept(token).unwrap();
        }
        if allows(&mut grammar, model.vocab().eos()) { "complete" } else { "begun" }
    }

    /// What models of each generation really write is allowed, and what they must not write is not.
    #[test]
    fn calls_are_those_of_the_generation() {
        let model =
            LlamaModel::load_from_file(backend().unwrap(), TINY, &LlamaModelParams::default()).unwrap();
        let a = "\n<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris </x> 5\n</arg_value>\n\
                 <arg_key>days</arg_key>\n<arg_value>3</arg_value>\n</tool_call>";
        let b = "<tool_call>get_weather<arg_key>city</arg_key><arg_value>Paris</arg_value><arg_key>unit</arg_key>\
                 <arg_value>F</arg_value></tool_call>";
        let json =
            "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}\n</tool_call>";
        let mut asked = request();
        asked.tools = vec![weather()];
        asked.tool_choice = ToolChoice::Required;
        let gbnf = |asked: &ChatRequest, generation, has_tags, thinking| {
            let dialect = Dialect { generation, has_tags, ..DIALECT };
            match constraint(asked, dialect, thinking).unwrap().unwrap() {
                Constraint::Whole { gbnf } | Constraint::OnCall { gbnf, .. } => gbnf,
            }
        };

        for (generation, has_tags, output) in
            [(Generation::A, true, a), (Generation::B, true, b), (Generation::B, false, json)]
        {
            let plain = gbnf(&asked, generation, has_tags, false);
            assert_eq!(judge(&model, &plain, output), "complete", "{output}");
            assert_eq!(judge(&model, &plain, &output[..output.len() - 20]), "begun", "{output}");
            assert_eq!(
                judge(&model, &plain, &format!("{output}{}", output.trim_start())),
                "complete",
                "{output}"
            );
            for wrong in ["Hello", "<tool_call>other", "</think>"] {
                assert_eq!(judge(&model, &plain, wrong), "refused", "{wrong}");
            }
            let thinking = gbnf(&asked, generation, has_tags, true);
            let thought = if generation == Generation::A {
                "\n<think>Let me < see</think>\n"
            } else {
                "Let me </ see</think>"
            };
            assert_eq!(judge(&model, &thinking, &format!("{thought}{output}")), "complete", "{output}");
            assert_eq!(judge(&model, &thinking, &format!("{thought}Hello")), "refused");
        }

        let one = gbnf(&asked, Generation::B, true, false);
        for wrong in [
            "<tool_call>get_weather</tool_call>",
            "<tool_call>get_weather<arg_key>days</arg_key>",
            "<tool_call>get_weather<arg_key>city</arg_key><arg_value>x</arg_value><arg_key>days</arg_key><arg_value>x",
            "<tool_call>get_weather<arg_key>city</arg_key><arg_value>x</arg_value><arg_key>town</arg_key>",
        ] {
            assert_eq!(judge(&model, &one, wrong), "refused", "{wrong}");
        }
        asked.tools = (0..200).map(|n| Tool { name: format!("tool_{n}"), ..weather() }).collect();
        for (has_tags, last) in
            [(true, b.replace("get_weather", "tool_199")), (false, json.replace("get_weather", "tool_199"))]
        {
            let many = gbnf(&asked, Generation::B, has_tags, false);
            assert_eq!(judge(&model, &many, &last), "complete", "{last}");
        }
        asked.tools = vec![weather()];

        asked.parallel_tool_calls = Some(false);
        let single = gbnf(&asked, Generation::B, true, false);
        assert_eq!(judge(&model, &single, &format!("{b}{b}")), "refused");

        asked.tool_choice = ToolChoice::Auto;
        let after_trigger = gbnf(&asked, Generation::B, true, true);
        assert_eq!(judge(&model, &after_trigger, b.strip_prefix("<tool_call>").unwrap()), "complete");

        asked.format = ResponseFormat::JsonObject;
        let either = gbnf(&asked, Generation::B, true, false);
        assert_eq!(judge(&model, &either, b), "complete");
        assert_eq!(judge(&model, &either, "{\"a\": [1, null]}"), "complete");
        assert_eq!(judge(&model, &either, "[1]"), "refused");
    }

    /// Every type a schema can name is written as the parser reads it, and nothing else is.
    #[test]
    fn arguments_obey_their_types() {
        let model =
            LlamaModel::load_from_file(backend().unwrap(), TINY, &LlamaModelParams::default()).unwrap();
        let verdict = |property: Value, more: Value, arguments: &str| {
            let parameters =
                json!({"type": "object", "properties": {"p": property}, "additionalProperties": more});
            let mut asked = request();
            asked.tools = vec![Tool {
                name: "f".into(),
                description: None,
                parameters: Some(parameters),
                strict: None,
            }];
            asked.tool_choice = ToolChoice::Named("f".into());
            let dialect = Dialect { generation: Generation::B, ..DIALECT };
            let Some(Constraint::Whole { gbnf }) = constraint(&asked, dialect, false).unwrap() else {
                panic!("a named tool is called")
            };
            judge(&model, &gbnf, &format!("<tool_call>f{arguments}</tool_call>"))
        };
        let of = |property: Value, value: &str| {
            verdict(property, json!(false), &format!("<arg_key>p</arg_key><arg_value>{value}</arg_value>"))
        };
        for (property, right, wrong) in [
            (json!({"type": "integer"}), "-3", "x"),
            (json!({"type": "number", "description": "a size"}), "2.5", "\"2.5\""),
            (json!({"type": "boolean"}), "true", "True"),
            (json!({"type": "array", "items": {"type": "string"}}), "[\"a\", \"b\"]", "[a]"),
            (
                json!({"type": "object", "properties": {"a": {"type": "array", "items": {"type": "null"}}}, "required": ["a"]}),
                "{\"a\": [null]}",
                "{}",
            ),
            (json!({"anyOf": [{"type": "integer"}, {"type": "null"}]}), "null", "\"7\""),
            (json!({"enum": [1, 2]}), "2", "3"),
            (json!({"type": "string", "enum": ["low", "high"]}), "high", "medium"),
            (json!({"type": ["string", "null"], "enum": ["low", null]}), "null", "high"),
            (json!({"enum": ["auto", 1]}), "1", "2"),
            (json!({"const": "only"}), "only", "other"),
            (json!({"const": 7}), "7", "8"),
        ] {
            assert_eq!(of(property.clone(), right), "complete", "{property}");
            assert_eq!(of(property.clone(), wrong), "refused", "{property}");
        }
        for (property, text) in
            [(json!({"type": "string"}), "two\nlines <b> </arg"), (json!({}), "any"), (json!(true), "[1")]
        {
            assert_eq!(of(property.clone(), text), "complete", "{property}");
        }
        let further = "<arg_key>q</arg_key><arg_value>x</arg_value>";
        assert_eq!(verdict(json!({}), json!(false), further), "refused");
        assert_eq!(verdict(json!({}), json!({"type": "string"}), further), "complete");
    }

    #[test]
    fn plain_requests_are_not_constrained() {
        assert_eq!(constraint(&request(), DIALECT, true).unwrap(), None);
    }

    #[test]
    fn a_tool_that_is_not_offered_cannot_be_required() {
        let mut asked = request();
        asked.tool_choice = ToolChoice::Named("missing".into());
        let refused = constraint(&asked, DIALECT, true).unwrap_err();
        assert!(matches!(refused, EngineError::Unsupported { field: "tool_choice", .. }));
    }

    #[test]
    fn a_schema_that_cannot_be_enforced_is_named() {
        let mut asked = request();
        asked.format = ResponseFormat::JsonSchema { name: "x".into(), schema: json!({"$ref": "#/nowhere"}) };
        let refused = constraint(&asked, DIALECT, true).unwrap_err();
        assert!(matches!(refused, EngineError::Unsupported { field: "response_format", .. }));
    }
}
