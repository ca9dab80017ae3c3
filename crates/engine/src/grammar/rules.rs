use std::fmt::Write as _;
use std::thread;

use llama_cpp_2::json_schema_to_grammar;
use serde_json::{Map, Value};

use crate::schema_guard::{self, Refused};

/// The converter is not written for deep recursion; see `schema_guard`.
const CONVERTER_STACK_BYTES: usize = 64 << 20;
const GRAMMAR_BYTES_MAX: usize = 256 << 10;
/// Schemas of one request: converting this much takes a few seconds.
const SCHEMA_BYTES_MAX: usize = 2 << 20;
/// Where a schema keeps what its parts refer to.
const DEFINITIONS: [&str; 2] = ["$defs", "definitions"];

/// Rules of a grammar under construction.
#[derive(Default)]
pub(crate) struct Rules {
    text: String,
    count: usize,
    /// Bytes of schemas that were looked at, definitions anew for each schema that may refer to them.
    schema_bytes: usize,
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
        self.afford([schema])?;
        let schema = schema_guard::admit(schema)?;
        let prefix = format!("json-{}-", self.count);
        self.count += 1;
        let grammar = convert(&schema.to_string()).ok_or_else(Refused::unknown)?;
        self.text.push_str(&rename(&grammar, &prefix));
        Ok(format!("{prefix}root"))
    }

    /// As [`json`](Self::json), for a part of a larger schema whose definitions it may refer to.
    pub fn json_part(&mut self, part: &Value, whole: &Value) -> Result<String, Refused> {
        let definitions = DEFINITIONS.iter().filter_map(|key| Some((*key, whole.get(key)?)));
        // Asked before anything is copied.
        self.afford(definitions.clone().map(|(_, defined)| defined))?;
        let mut document = match part {
            Value::Object(fields) => fields.clone(),
            _ => Map::new(),
        };
        for (key, defined) in definitions {
            document.entry(key).or_insert_with(|| defined.clone());
        }
        self.json(&Value::Object(document))
    }

    /// Whether the grammar is so large already that more rules would make the model wait for it.
    pub fn are_many(&self) -> bool {
        self.text.len() > GRAMMAR_BYTES_MAX
    }

    /// Refuses schemas that together cost more than they are worth.
    fn afford<'v>(&mut self, schemas: impl IntoIterator<Item = &'v Value>) -> Result<(), Refused> {
        for schema in schemas {
            if self.schema_bytes < SCHEMA_BYTES_MAX {
                self.schema_bytes += schema_guard::bytes_of(schema);
            }
        }
        if self.schema_bytes < SCHEMA_BYTES_MAX { Ok(()) } else { Err(Refused::too_many()) }
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

/// Puts `prefix` before every rule name, so that several grammars can stand together. Exponents get two digits
/// at most: the converter's sixteen make numbers that most readers of JSON do not take.
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
            let mut name = String::from(c);
            while let Some(next) = chars.next_if(|n| n.is_ascii_alphanumeric() || *n == '-') {
                name.push(next);
            }
            if name == "integral-part" && renamed.ends_with("[eE] [-+]? ") {
                renamed.push_str("[0-9]{1,2}");
            } else {
                renamed.extend([prefix, &name]);
            }
        } else {
            renamed.push(c);
        }
    }
    renamed
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rule_names_are_renamed_and_nothing_else() {
        let grammar = "root ::= \"{a}\" space [a-z\\]\"] item-1{1,16} | \"\\\"root\"\nspace ::= | \" \"\n";
        assert_eq!(
            rename(grammar, "x-"),
            "x-root ::= \"{a}\" x-space [a-z\\]\"] x-item-1{1,16} | \"\\\"root\"\nx-space ::= | \" \"\n"
        );
    }

    /// `1e1002` is JSON by the letter, but no number in most programs.
    #[test]
    fn numbers_have_short_exponents() {
        let grammar = rename(&convert("{\"type\": \"number\"}").unwrap(), "x-");
        let number = r#"("-"? x-integral-part) ("." x-decimal-part)? ([eE] [-+]? [0-9]{1,2})?"#;
        assert!(grammar.contains(number), "{grammar}");
    }

    #[test]
    fn any_text_ends_at_its_closer() {
        assert_eq!(automaton_step(b"</think>", 1, b'<'), 1);
        assert_eq!(automaton_step(b"</think>", 1, b'/'), 2);
        assert_eq!(automaton_step(b"</think>", 2, b'x'), 0);
        assert_eq!(automaton_step(b"aab", 2, b'a'), 2);
    }

    /// Many small schemas that may refer to large definitions would be converted with these each time.
    #[test]
    fn schemas_together_have_a_limit() {
        let text = "x".repeat(100_000);
        let whole = json!({"$defs": {"large": {"const": text}}});
        let mut rules = Rules::default();
        let taken = (0..1_000).take_while(|_| rules.json_part(&json!({"type": "null"}), &whole).is_ok());
        let taken = taken.count();
        assert!((5..30).contains(&taken), "{taken}");
        assert!(rules.json(&json!({"type": "null"})).is_err());
    }
}
