//! Tells what a host's refusal means for us.

use std::time::{Duration, SystemTime};

use http::StatusCode;
use http::header::{DATE, HeaderMap, LOCATION, RETRY_AFTER};
use inference::{EngineError, Overflow};
use serde_json::Value;
use vocab::{Secret, Tokens};

use super::overflow::{self, Numbers};

const MESSAGE_CHARS_MAX: usize = 500;
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3600);
/// A secret this short is no secret, and hiding it would tear holes into ordinary words.
const SECRET_BYTES_MIN: usize = 4;

/// Reads refusals of one host.
#[derive(Debug)]
pub(super) struct Refusals {
    /// What must not come back in a host's own words.
    pub secrets: Vec<Secret>,
    /// The window, if the operator told it.
    pub context_window: Option<Tokens>,
}

impl Refusals {
    /// Reads an answer whose status is no success.
    pub fn read_response(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        prompt_estimate: Tokens,
    ) -> EngineError {
        if status.is_redirection() {
            let target = headers.get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("another address");
            return EngineError::Unavailable {
                reason: self
                    .clean(&format!("it redirects to `{target}`; set `base_url` to where it really is")),
            };
        }
        self.classify(Some(status.as_u16()), &HostError::read(body), retry_after(headers), prompt_estimate)
    }

    /// Reads an error that came in an event, or in the body of an answer that claims success.
    pub fn read_event(&self, data: &[u8], prompt_estimate: Tokens) -> EngineError {
        self.classify(None, &HostError::read(data), None, prompt_estimate)
    }

    fn classify(
        &self,
        status: Option<u16>,
        error: &HostError,
        retry_after: Option<Duration>,
        prompt_estimate: Tokens,
    ) -> EngineError {
        if let Some(numbers) = error.overflow() {
            return self.overflow(numbers, prompt_estimate).into();
        }
        let message = self.clean(&error.message);
        // Z.ai's codes say more than its status (`errors.md`).
        match error.code {
            // Anthropic's word for an operator who has to pay, under the status of a caller's mistake.
            _ if error.message.contains("credit balance is too low") => {
                return EngineError::Unavailable { reason: message };
            }
            Some(1000..=1004) => return EngineError::Unauthorized,
            Some(1113 | 1302..=1305 | 1308..=1313) => return EngineError::Busy { retry_after },
            Some(1210 | 1212..=1215 | 1221 | 1222 | 1301) => return EngineError::Rejected { message },
            Some(code @ (1211 | 1220)) => {
                return EngineError::Unavailable { reason: format!("code {code}: {message}") };
            }
            _ => {}
        }

        let told = status.or_else(|| error.code.and_then(|code| u16::try_from(code).ok()));
        let Some(status) =
            told.filter(|status| (400..600).contains(status)).or_else(|| error.status_by_type())
        else {
            return EngineError::Failed { reason: format!("the host reported an error: {message}") };
        };
        let reason = format!("status {status}: {message}");
        match status {
            400 | 413 | 415 | 422 => EngineError::Rejected { message },
            401 | 403 => EngineError::Unauthorized,
            408 | 504 => EngineError::TimedOut { reason },
            // 529 is Anthropic's: overloaded, and no failure of this request's.
            429 | 529 => EngineError::Busy { retry_after },
            404 => EngineError::Unavailable {
                reason: format!("{reason}; check the engine's `model` and `base_url`"),
            },
            402..500 | 503 => EngineError::Unavailable { reason },
            _ => EngineError::Failed { reason },
        }
    }

    /// A host closed the answer without a byte. Some do so when they find only then that the prompt is too long.
    pub fn read_silence(&self, prompt_estimate: Tokens) -> EngineError {
        match self.context_window {
            Some(window) if prompt_estimate > window => Overflow { prompt: prompt_estimate, window }.into(),
            _ => {
                EngineError::Failed { reason: "the host closed the connection without an answer".to_owned() }
            }
        }
    }

    /// Fills in what the host did not say: the window as configured, the prompt as we estimate it.
    fn overflow(&self, numbers: Numbers, prompt_estimate: Tokens) -> Overflow {
        let window = numbers.window.or(self.context_window);
        match (numbers.prompt, window) {
            (Some(prompt), Some(window)) => Overflow { prompt, window },
            (Some(prompt), None) => Overflow { prompt, window: prompt.saturating_sub(Tokens(1)) },
            (None, Some(window)) => Overflow { prompt: prompt_estimate.max(window + Tokens(1)), window },
            (None, None) => Overflow { prompt: prompt_estimate + Tokens(1), window: prompt_estimate },
        }
    }

    /// The host's words without our secrets, in one line of bounded length.
    pub fn clean(&self, text: &str) -> String {
        // Cut first, roughly: a body of megabytes is not searched for secrets.
        let rough: String = text.chars().take(4 * MESSAGE_CHARS_MAX).collect();
        let mut text = rough;
        for secret in self.secrets.iter().filter(|secret| secret.expose().len() >= SECRET_BYTES_MIN) {
            text = text.replace(secret.expose(), "…");
        }
        let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
        let mut line = String::new();
        let mut after_bearer = false;
        for word in words {
            if !line.is_empty() {
                line.push(' ');
            }
            let is_key =
                after_bearer || word.trim_start_matches(|c: char| !c.is_alphanumeric()).starts_with("sk-");
            line.push_str(if is_key { "…" } else { word });
            after_bearer = word.eq_ignore_ascii_case("bearer");
        }
        match line.char_indices().nth(MESSAGE_CHARS_MAX) {
            Some((end, _)) => line[..end].to_owned(),
            None => line,
        }
    }
}

/// The parts of an error body, whichever way it is nested.
#[derive(Debug, Default)]
struct HostError {
    message: String,
    code: Option<u64>,
    kind: String,
    numbers: Numbers,
}

impl HostError {
    fn read(body: &[u8]) -> Self {
        let Ok(Value::Object(outer)) = serde_json::from_slice(body) else {
            let text = String::from_utf8_lossy(body);
            let is_page = text.trim_start().starts_with('<');
            let message = if is_page { "a web page".to_owned() } else { text.into_owned() };
            return Self { message, ..Self::default() };
        };
        // `{"error": {…}}`, `{"error": "…"}`, or the fields themselves.
        let inner = outer.get("error").and_then(Value::as_object).unwrap_or(&outer);
        let message = ["message", "msg", "detail", "error"].iter().find_map(|key| inner.get(*key)).map(words);
        let code = inner.get("code").or_else(|| outer.get("code"));
        let kinds = [inner.get("type"), code].into_iter().flatten().filter_map(Value::as_str);
        let tokens = |key| inner.get(key).and_then(Value::as_u64).map(Tokens);
        Self {
            message: message.unwrap_or_default(),
            code: code.and_then(|code| code.as_u64().or_else(|| code.as_str()?.parse().ok())),
            kind: kinds.collect::<Vec<_>>().join(" ").to_lowercase(),
            numbers: Numbers { prompt: tokens("n_prompt_tokens"), window: tokens("n_ctx") },
        }
    }

    fn overflow(&self) -> Option<Numbers> {
        let told = overflow::recognise(&self.message).or_else(|| overflow::recognise(&self.kind));
        let numbers = if self.code == Some(1261) { Some(told.unwrap_or_default()) } else { told }?;
        Some(Numbers {
            prompt: self.numbers.prompt.or(numbers.prompt),
            window: self.numbers.window.or(numbers.window),
        })
    }

    fn status_by_type(&self) -> Option<u16> {
        const TYPES: [(&str, u16); 10] = [
            ("badrequest", 400),
            ("invalid_request", 400),
            ("rate_limit", 429),
            ("overloaded", 429),
            ("authentication", 401),
            ("permission", 403),
            ("not_found", 404),
            ("request_too_large", 413),
            ("billing", 402),
            ("timeout", 504),
        ];
        TYPES.iter().find(|(word, _)| self.kind.contains(word)).map(|&(_, status)| status)
    }
}

/// A text, or FastAPI's list of complaints.
fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => {
            let complaints = list.iter().filter_map(|entry| entry.get("msg").or(Some(entry)));
            complaints
                .map(|entry| entry.as_str().map_or_else(|| entry.to_string(), str::to_owned))
                .collect::<Vec<_>>()
                .join("; ")
        }
        other => other.to_string(),
    }
}

/// Seconds, or a date, which is read against the host's own clock where it tells the time.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok()?,
        Err(_) => {
            let date = headers.get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
            let now = date.unwrap_or_else(SystemTime::now);
            httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default()
        }
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use http::header::HeaderValue;

    use super::*;

    fn refusals() -> Refusals {
        Refusals { secrets: vec![Secret::new("planted-key-123")], context_window: None }
    }

    fn read(status: u16, body: &str) -> EngineError {
        let status = StatusCode::from_u16(status).unwrap();
        refusals().read_response(status, &HeaderMap::new(), body.as_bytes(), Tokens(10))
    }

    #[test]
    fn each_status_means_what_it_says() {
        use EngineError as E;
        let body = r#"{"error":{"message":"no","type":"x"}}"#;
        assert!(matches!(read(400, body), E::Rejected { message } if message == "no"));
        assert!(
            matches!(read(422, r#"{"detail":[{"loc":["body"],"msg":"Field required"}]}"#), E::Rejected { message } if message == "Field required")
        );
        assert!(matches!(read(401, body), E::Unauthorized));
        assert!(matches!(read(403, body), E::Unauthorized));
        assert!(
            matches!(read(404, r#"{"error":"model 'm' not found"}"#), E::Unavailable { reason } if reason.contains("model 'm' not found"))
        );
        assert!(matches!(read(408, body), E::TimedOut { .. }));
        assert!(matches!(read(504, "<html>"), E::TimedOut { .. }));
        assert!(matches!(read(429, body), E::Busy { retry_after: None }));
        assert!(matches!(read(500, body), E::Failed { .. }));
        assert!(
            matches!(read(503, "Loading model"), E::Unavailable { reason } if reason.contains("Loading model"))
        );
        assert!(matches!(read(307, ""), E::Unavailable { .. }));
    }

    #[test]
    fn the_codes_of_zai_say_more_than_its_status() {
        use EngineError as E;
        let body = |code: u32| format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#);
        assert!(matches!(read(400, &body(1261)), E::ContextOverflow(_)));
        assert!(matches!(read(429, &body(1113)), E::Busy { .. }));
        assert!(matches!(read(400, &body(1211)), E::Unavailable { .. }));
        assert!(matches!(read(400, &body(1214)), E::Rejected { .. }));
        let in_event = |data: &str| refusals().read_event(data.as_bytes(), Tokens(10));
        assert!(matches!(in_event(r#"{"error":{"code":"1302","message":"m"}}"#), E::Busy { .. }));
        assert!(matches!(in_event(r#"{"code":1000,"msg":"m","success":false}"#), E::Unauthorized));
        assert!(matches!(in_event(r#"{"object":"error","message":"m","code":400}"#), E::Rejected { .. }));
        assert!(matches!(in_event(r#"{"error":"boom"}"#), E::Failed { .. }));
    }

    /// `anthropic-api.md` §11.
    #[test]
    fn the_envelope_of_anthropic_is_understood() {
        use EngineError as E;
        let body = |kind: &str| {
            format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"m"}},"request_id":"r"}}"#)
        };
        assert!(matches!(read(401, &body("authentication_error")), E::Unauthorized));
        assert!(matches!(read(413, &body("request_too_large")), E::Rejected { .. }));
        assert!(matches!(read(529, &body("overloaded_error")), E::Busy { .. }));
        let low = r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}"#;
        assert!(matches!(read(400, low), E::Unavailable { .. }));
        let in_event = |kind: &str| refusals().read_event(body(kind).as_bytes(), Tokens(10));
        assert!(matches!(in_event("overloaded_error"), E::Busy { .. }));
        assert!(matches!(in_event("timeout_error"), E::TimedOut { .. }));
        assert!(matches!(in_event("api_error"), E::Failed { .. }));
        assert!(matches!(in_event("invalid_request_error"), E::Rejected { message } if message == "m"));
    }

    #[test]
    fn an_overflow_has_numbers_even_if_the_host_tells_none() {
        let llama = r#"{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error","n_prompt_tokens":1003,"n_ctx":256}}"#;
        let expected = Overflow { prompt: Tokens(1003), window: Tokens(256) };
        assert!(matches!(read(400, llama), EngineError::ContextOverflow(overflow) if overflow == expected));
        let silent = r#"{"error":{"code":"context_length_exceeded","message":"too long"}}"#;
        let EngineError::ContextOverflow(overflow) = read(400, silent) else { panic!() };
        assert!(overflow.prompt > overflow.window);
    }

    /// An upstream key never comes back in an error.
    #[test]
    fn the_words_of_a_host_are_cut_and_cleaned() {
        let echo = format!(
            "bad header: Bearer planted-key-123,\n sk-abcdef0123 and \"planted-key-123\" \u{7} Bearer other {}",
            "x".repeat(100_000)
        );
        let cleaned = refusals().clean(&echo);
        assert!(cleaned.starts_with("bad header: Bearer … … and \"…\" Bearer … xxx"), "{cleaned}");
        assert_eq!(cleaned.chars().count(), MESSAGE_CHARS_MAX);
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let wait = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(DATE, HeaderValue::from_static("Wed, 21 Oct 2026 07:27:50 GMT"));
            headers.insert(RETRY_AFTER, HeaderValue::from_static(value));
            retry_after(&headers)
        };
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("Wed, 21 Oct 2026 07:28:00 GMT"), Some(Duration::from_secs(10)));
        assert_eq!(wait("Wed, 21 Oct 2020 07:28:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("99999999999"), Some(RETRY_AFTER_MAX));
        assert_eq!(wait("-1"), None);
        assert_eq!(wait("soon"), None);
    }
}
