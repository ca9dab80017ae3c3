use std::io;
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, Value};
use minijinja_contrib::pycompat::unknown_method_callback;
use vocab::Clock;

use super::PromptError;
use super::json::tojson;
use super::spans::without_generation_tags;

/// The longest chat template that is compiled.
pub const TEMPLATE_BYTES_MAX: usize = 1024 * 1024;
/// The longest prompt that is rendered: far more than fits any context window.
pub const PROMPT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Steps of one rendering; each also pays for 64 bytes of text made on the way. A turn takes about a hundred.
const STEPS_MAX: u64 = 20_000_000;
/// How much of a template's own refusal is passed on.
const REFUSAL_CHARS_MAX: usize = 500;

const NAME: &str = "chat";

/// A compiled chat template in the surroundings that Hugging Face gives it: blocks trimmed, loop controls,
/// Python's string methods, `tojson`, `raise_exception` and `strftime_now`.
pub(super) struct ChatTemplate {
    environment: Environment<'static>,
    source: String,
}

/// Ways in which templates differ in what they expect to be given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habits {
    /// The role of a tool's answer: GLM-4-0414's own template calls it `observation` and drops `tool`.
    pub tool_role: &'static str,
    /// Whether a call is a message with the function's name as `metadata`, as in GLM-4-0414's own template.
    pub calls_are_metadata: bool,
}

/// What a chat template sees.
pub(super) struct Variables<'a> {
    pub messages: Value,
    /// `None` in the template's eyes when there are none.
    pub tools: Value,
    pub enable_thinking: bool,
    pub clear_thinking: bool,
    /// Not defined if `None`.
    pub reasoning_effort: Option<&'static str>,
    pub bos_token: &'a str,
    pub eos_token: &'a str,
}

impl Variables<'_> {
    /// The shortest conversation.
    pub fn greeting(enable_thinking: bool, reasoning_effort: Option<&'static str>) -> Self {
        let hello = Value::from_pairs([("role", "user"), ("content", "Hi")]);
        Self {
            messages: [hello].into_iter().collect(),
            tools: Value::from(()),
            enable_thinking,
            clear_thinking: true,
            reasoning_effort,
            bos_token: "",
            eos_token: "",
        }
    }
}

impl From<Variables<'_>> for Value {
    fn from(variables: Variables<'_>) -> Self {
        let mut pairs = vec![
            ("messages", variables.messages),
            ("tools", variables.tools),
            ("add_generation_prompt", Value::from(true)),
            ("enable_thinking", Value::from(variables.enable_thinking)),
            ("clear_thinking", Value::from(variables.clear_thinking)),
            ("bos_token", Value::from(variables.bos_token)),
            ("eos_token", Value::from(variables.eos_token)),
        ];
        pairs.extend(variables.reasoning_effort.map(|effort| ("reasoning_effort", Value::from(effort))));
        Self::from_pairs(pairs)
    }
}

impl ChatTemplate {
    pub fn compile(source: &str, clock: Arc<dyn Clock>) -> Result<Self, PromptError> {
        if source.len() > TEMPLATE_BYTES_MAX {
            let size = format!("it has more than {TEMPLATE_BYTES_MAX} bytes");
            return Err(PromptError::BadTemplate(Error::new(ErrorKind::SyntaxError, size)));
        }
        let mut environment = Environment::new();
        // Errors would otherwise carry the values at hand, which are the caller's texts.
        environment.set_debug(false);
        environment.set_fuel(Some(STEPS_MAX));
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(PromptError::BadTemplate)?);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_unknown_method_callback(unknown_method_callback);
        environment.add_filter("tojson", tojson);
        environment.add_function("raise_exception", raise_exception);
        environment.add_function("strftime_now", move |format: &str| strftime_now(clock.as_ref(), format));
        let compilable = without_generation_tags(source).into_owned();
        environment.add_template_owned(NAME, compilable).map_err(PromptError::BadTemplate)?;
        Ok(Self { environment, source: source.to_owned() })
    }

    pub fn add_global(&mut self, name: &'static str, value: Value) {
        self.environment.add_global(name, value);
    }

    /// Whether `text` stands anywhere in the template.
    pub fn mentions(&self, text: &str) -> bool {
        self.source.contains(text)
    }

    pub fn habits(&self) -> Habits {
        let quotes =
            |word: &str| self.mentions(&format!("'{word}'")) || self.mentions(&format!("\"{word}\""));
        Habits {
            tool_role: if quotes("observation") && !quotes("tool") { "observation" } else { "tool" },
            calls_are_metadata: self.mentions("metadata") && !self.mentions("tool_calls"),
        }
    }

    pub fn render(&self, variables: Variables<'_>) -> Result<String, PromptError> {
        let template = self.environment.get_template(NAME).map_err(PromptError::Failed)?;
        let mut output = Bounded::default();
        let outcome = template.render_captured_to(variables, &mut output).map(drop);
        if output.is_over {
            return Err(PromptError::TooLong);
        }
        outcome.map_err(explain)?;
        // Templates are text and values are text, so the output is.
        String::from_utf8(output.bytes).map_err(|_| PromptError::Mangled)
    }
}

impl std::fmt::Debug for ChatTemplate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChatTemplate").field("bytes", &self.source.len()).finish_non_exhaustive()
    }
}

/// What `raise_exception` was given.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Raised(String);

fn raise_exception(message: &Value) -> Result<Value, Error> {
    let message = if message.kind() == ValueKind::Undefined { String::new() } else { message.to_string() };
    let message = message.chars().take(REFUSAL_CHARS_MAX).collect();
    Err(Error::new(ErrorKind::InvalidOperation, "raise_exception").with_source(Raised(message)))
}

/// The present moment in UTC.
fn strftime_now(clock: &dyn Clock, format: &str) -> Result<String, Error> {
    let invalid =
        |error: jiff::Error| Error::new(ErrorKind::InvalidOperation, "strftime_now").with_source(error);
    let now = jiff::Timestamp::from_millisecond(clock.now().as_millis()).map_err(invalid)?;
    jiff::fmt::strtime::format(format, now).map_err(invalid)
}

fn explain(error: Error) -> PromptError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(each) = cause {
        if let Some(Raised(message)) = each.downcast_ref() {
            return PromptError::Refused { message: message.clone() };
        }
        let is_out_of_fuel =
            each.downcast_ref::<Error>().is_some_and(|error| error.kind() == ErrorKind::OutOfFuel);
        if is_out_of_fuel {
            return PromptError::Endless;
        }
        cause = each.source();
    }
    PromptError::Failed(error)
}

/// Takes in up to [`PROMPT_BYTES_MAX`] bytes.
#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
    is_over: bool,
}

impl io::Write for Bounded {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + piece.len() > PROMPT_BYTES_MAX {
            self.is_over = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use vocab::Timestamp;

    use super::*;

    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(1_770_638_400_000)
        }
    }

    fn render(source: &str) -> Result<String, PromptError> {
        ChatTemplate::compile(source, Arc::new(Noon))?.render(Variables::greeting(true, None))
    }

    #[test]
    fn templates_find_what_hugging_face_offers() {
        let source = "  {% for m in messages %}\n{{ m.content.strip() | upper }}\n    {% break %}\n{% endfor %}\n\
                      {{ strftime_now('%d %b %Y') }}<&>{{ none if tools is none }}{{ {'items': 1}.items() | length }}\n";
        assert_eq!(render(source).unwrap(), "HI\n09 Feb 2026<&>1".replace("<&>", "<&>None"));
    }

    /// Idioms of published chat templates.
    #[test]
    fn templates_may_speak_python() {
        let source = "{%- macro visible(c) -%}{%- if c is string -%}{{- c }}{%- elif c is iterable and c is not mapping -%}\
            {%- for i in c if i.type == 'text' -%}{{- i.text }}{%- endfor -%}{%- endif -%}{%- endmacro -%}\
            {%- set ns = namespace(last=-1) -%}{%- for m in messages[::-1] -%}{%- set ns.last = loop.revindex0 -%}{%- endfor -%}\
            {{- '/nothink' if (enable_thinking is defined and not enable_thinking and not visible(messages[-1].content).endswith('/nothink')) else '' -}}\
            {%- set c = '<think>\\nhm\\n</think>\\nyes' -%}\
            {{- c.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') ~ ',' ~ (c.split('</think>') | last).strip() -}}\
            {{- ',' + visible([{'type': 'text', 'text': 'part'}]) + ',' ~ ns.last ~ messages[0].get('name', '-') -}}\
            {%- for k, v in {'get': 1, 'keys': 'x'}.items() -%}{{- k ~ (v if v is string else v | tojson(ensure_ascii=False)) -}}{%- endfor -%}";
        assert_eq!(render(source).unwrap(), "hm,yes,part,0-get1keysx");
    }

    /// Templates for training mark what the model wrote; that changes nothing about what is rendered.
    #[test]
    fn a_template_may_mark_what_the_model_writes() {
        let marked = "{%- for m in messages %}\n  {%- generation -%} \n[{{ m.content }}]\n  {%- endgeneration %}\n{% endfor -%}";
        assert_eq!(render(marked).unwrap(), "[Hi]");
    }

    #[test]
    fn a_refusal_keeps_the_words_of_the_template() {
        let error = render(
            "{% macro m() %}{{ raise_exception('No, ' ~ messages[0].content) }}{% endmacro %}{{ m() }}",
        );
        assert!(matches!(error, Err(PromptError::Refused { message }) if message == "No, Hi"));
    }

    #[test]
    fn hostile_templates_end_in_time_and_space() {
        let endless = "{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}";
        assert!(matches!(render(endless), Err(PromptError::Endless)));
        let vast = "{% set x = 'x' * 1000000 %}{% for a in range(100) %}{{ x }}{% endfor %}";
        assert!(matches!(render(vast), Err(PromptError::TooLong)));
        let deep = "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}";
        assert!(matches!(render(deep), Err(PromptError::Failed(_))));
        let nested = "{% set n = namespace(x=[]) %}{% for a in range(5000) %}{% set n.x = [n.x] %}{% endfor %}{{ n.x | tojson }}";
        assert!(matches!(render(nested), Err(PromptError::Failed(_))));
        let long = "x".repeat(TEMPLATE_BYTES_MAX + 1);
        assert!(matches!(render(&long), Err(PromptError::BadTemplate(_))));
    }

    #[test]
    fn an_error_says_nothing_of_the_conversation() {
        let error = render("{{ messages[0].content + 1 }}").unwrap_err();
        assert!(!format!("{error:?} {error:#?}").contains("Hi"), "{error:?}");
    }
}
