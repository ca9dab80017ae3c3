//! Grammars that make malformed JSON and malformed tool calls impossible, in llama.cpp's notation (GBNF).

use std::fmt::Write as _;
use std::thread;

use inference::parser::Generation;
use inference::{ChatRequest, EngineError, ResponseFormat, Tool, ToolChoice};
use llama_cpp_2::json_schema_to_grammar;
use llama_cpp_2::token::LlamaToken;
use serde_json::{Map, Value, json};

use crate::call_grammar;
use crate::schema_guard::{self, Refused};

/// The converter is not written for deep recursion; see `schema_guard`.
const CONVERTER_STACK_BYTES: usize = 64 << 20;

/// What an answer must obey.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Constraint {
    /// The grammar of the whole output, thinking included.
    Whole {
        gbnf: String,
        /// Whether the answer is JSON, in which markup would be misread.
        is_json: bool,
    },
    /// Free text, in which the token `trigger` begins a tool call that obeys the grammar.
    OnCall {
        trigger: LlamaToken,
        gbnf: String,
        /// Whether the answer ends with the first call.
        is_last: bool,
    },
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
    let only_one =
        request.parallel_tool_calls == Some(false) || matches!(request.tool_choice, ToolChoice::Named(_));
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
                Some(Constraint::OnCall { trigger, gbnf: rules.finish(&call), is_last: only_one })
            }
            _ => None,
        });
    }

    let mut rules = Rules::default();
    let mut answers = Vec::new();
    let is_json = schema.is_some() && !must_call;
    if !tools.is_empty() {
        let call = call_grammar::whole(&mut rules, &tools, dialect);
        let more = if only_one { String::new() } else { format!(" ([\\n]? {call})*") };
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
    Ok(Some(Constraint::Whole { gbnf: rules.finish(&root), is_json }))
}

/// Rules of a grammar under construction.
#[derive(Default)]
pub(crate) struct Rules {
    text: String,
    count: usize,
}

impl Rules {
    /// Adds a rule and returns its name, which begins with `hint`.
    pub fn add(&mut self, hint: &str, body: &str) -> String {
        let name = format!("{hint}-{}", self.count);
        self.count += 1;
        // Writing to a String does not fail.
        let _ = writeln!(self.text, "{name} ::= {body}");
        name
    }

    /// Adds rules for any text up to and including the first `closer`, which is ASCII.
    pub fn until(&mut self, hint: &str, closer: &str) -> String {
        let closer = closer.as_bytes();
        let prefix = format!("{hint}-{}", self.count);
        self.count += 1;
        for read in 0..closer.len() {
            let mut letters: Vec<u8> = closer.to_vec();
            letters.sort_unstable();
            letters.dedup();
            let mut known = String::new();
            let mut body = String::new();
            for letter in letters {
                let next = automaton_step(closer, read, letter);
                if next == 0 {
                    continue;
                }
                known.push(char::from(letter));
                let rest = if next == closer.len() { String::new() } else { format!(" {prefix}-{next}") };
                let _ = write!(body, " | \"{}\"{rest}", char::from(letter));
            }
            let _ = writeln!(self.text, "{prefix}-{read} ::= [^{known}] {prefix}-0{body}");
        }
        format!("{prefix}-0")
    }

    /// Adds rules for JSON that obeys `schema`.
    pub fn json(&mut self, schema: &Value) -> Result<String, Refused> {
        let schema = schema_guard::admit(schema)?;
        let prefix = format!("json-{}-", self.count);
        self.count += 1;
        let grammar = convert(&schema.to_string()).ok_or_else(Refused::unknown)?;
        self.text.push_str(&rename(&grammar, &prefix));
        Ok(format!("{prefix}root"))
    }

    /// As [`json`](Self::json), for a part of a larger schema whose definitions it may refer to.
    pub fn json_part(&mut self, part: &Value, whole: &Value) -> Result<String, Refused> {
        let mut document = match part {
            Value::Object(fields) => fields.clone(),
            _ => Map::new(),
        };
        for key in ["$defs", "definitions"] {
            if let Some(definitions) = whole.get(key) {
                document.entry(key).or_insert_with(|| definitions.clone());
            }
        }
        self.json(&Value::Object(document))
    }

    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// The whole grammar, which begins with `root`.
    pub fn finish(self, root: &str) -> String {
        format!("root ::= {root}\n{}", self.text)
    }
}

/// A text as a GBNF literal; `None` if it cannot be one.
pub(crate) fn literal(text: &str) -> Option<String> {
    if text.contains('\0') {
        return None;
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    Some(quoted)
}

/// How much of `closer` the text ends with after `letter`, if it ended with `read` bytes of it before.
fn automaton_step(closer: &[u8], read: usize, letter: u8) -> usize {
    let mut seen = closer[..read].to_vec();
    seen.push(letter);
    (0..=seen.len()).rev().find(|n| seen.ends_with(&closer[..*n])).unwrap_or(0)
}

fn convert(schema: &str) -> Option<String> {
    thread::scope(|scope| {
        let converter = thread::Builder::new().name("schema".into()).stack_size(CONVERTER_STACK_BYTES);
        let converted = converter.spawn_scoped(scope, || json_schema_to_grammar(schema).ok()).ok()?;
        converted.join().ok().flatten()
    })
}

/// Puts `prefix` before every rule name, so that several grammars can stand together.
fn rename(grammar: &str, prefix: &str) -> String {
    let mut renamed = String::with_capacity(grammar.len() * 2);
    let mut chars = grammar.chars().peekable();
    while let Some(c) = chars.next() {
        let closer = match c {
            '"' => Some('"'),
            '[' => Some(']'),
            '{' => Some('}'),
            _ => None,
        };
        if let Some(closer) = closer {
            renamed.push(c);
            while let Some(inner) = chars.next() {
                renamed.push(inner);
                if inner == '\\' {
                    renamed.extend(chars.next());
                } else if inner == closer {
                    break;
                }
            }
        } else if c.is_ascii_alphanumeric() {
            renamed.push_str(prefix);
            renamed.push(c);
            while let Some(next) = chars.next_if(|n| n.is_ascii_alphanumeric() || *n == '-') {
                renamed.push(next);
            }
        } else {
            renamed.push(c);
        }
    }
    renamed
}

#[cfg(test)]
mod tests {
    use inference::Message;
    use llama_cpp_2::model::LlamaModel;
    use llama_cpp_2::model::params::LlamaModelParams;
    use llama_cpp_2::sampling::LlamaSampler;

    use super::*;
    use crate::sampler::allows;
    use crate::system::backend;

    #[test]
    fn rule_names_are_renamed_and_nothing_else() {
        let grammar = "root ::= \"{a}\" space [a-z\\]\"] item-1{1,16} | \"\\\"root\"\nspace ::= | \" \"\n";
        assert_eq!(
            rename(grammar, "x-"),
            "x-root ::= \"{a}\" x-space [a-z\\]\"] x-item-1{1,16} | \"\\\"root\"\nx-space ::= | \" \"\n"
        );
    }

    #[test]
    fn any_text_ends_at_its_closer() {
        assert_eq!(automaton_step(b"</think>", 1, b'<'), 1);
        assert_eq!(automaton_step(b"</think>", 1, b'/'), 2);
        assert_eq!(automaton_step(b"</think>", 2, b'x'), 0);
        assert_eq!(automaton_step(b"aab", 2, b'a'), 2);
    }

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
                Constraint::Whole { gbnf, .. } | Constraint::OnCall { gbnf, .. } => gbnf,
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
