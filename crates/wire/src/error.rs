//! The table of business codes and the normal error envelope (`errors.md`).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use inference::Overflow;
use serde::{Deserialize, Serialize};

/// The error envelope of `/api/paas/v4/**` and `/api/coding/paas/v4/**`:
/// `{"error":{"code":"1214","message":"…"}}`.
///
/// Nothing may be added to it: the Java SDK reads it strictly (`errors.md` §1.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What the content filter found; only ever with code 1301.
    #[serde(rename = "contentFilter", default, skip_serializing_if = "Vec::is_empty")]
    pub content_filter: Vec<ContentFilter>,
    /// The error itself.
    pub error: ErrorDetail,
}

/// The inside of the error envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// Decimal digits in a string, because clients parse it as an integer.
    pub code: String,
    /// A sentence for the caller.
    pub message: String,
}

/// One finding of the content filter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentFilter {
    /// 0 (severe) to 3 (light).
    pub level: u8,
    /// `user`, `assistant` or `history`.
    pub role: String,
}

impl ErrorBody {
    /// The envelope of `code` with its documented text; see [`Code::render`] for `fields`.
    pub fn new(code: Code, fields: &[(&str, &str)]) -> Self {
        Self::with_message(code, code.render(fields))
    }

    /// The envelope of `code` with a text of its own.
    pub fn with_message(code: Code, message: impl Into<String>) -> Self {
        Self {
            content_filter: Vec::new(),
            error: ErrorDetail { code: code.to_string(), message: message.into() },
        }
    }

    /// The one text for an overlong prompt that every known coding tool recognises, so that it compacts its
    /// conversation and goes on (`clients.md` §3.7).
    pub fn prompt_too_long(Overflow { prompt, window }: Overflow) -> Self {
        let text = Code::PromptTooLong.text();
        Self::with_message(
            Code::PromptTooLong,
            format!(
                "{text}: prompt is too long: {prompt} tokens > {window} maximum. \
                 This model's maximum context length is {window} tokens."
            ),
        )
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// A business code. Its HTTP status and text are a row of `data/errors.json`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum Code {
            $($(#[$doc])* $name = $number,)*
        }

        impl Code {
            /// Every code, in ascending order.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

codes! {
    /// An unexpected failure inside the server.
    Internal = 500,
    /// The credential was refused and no more precise code fits.
    AuthenticationFailed = 1000,
    /// There was no credential.
    CredentialMissing = 1001,
    /// The key is malformed or unknown, or the token cannot be parsed.
    CredentialInvalid = 1002,
    /// The token's time has passed.
    TokenExpired = 1003,
    /// The token's signature does not verify.
    SignatureInvalid = 1004,
    /// The account behind the key could not be read or written.
    AccountReadWrite = 1100,
    /// The account has not been activated.
    AccountInactive = 1110,
    /// The account no longer exists.
    AccountUnknown = 1111,
    /// The operator locked the account.
    AccountLocked = 1112,
    /// There is no balance, or the key is of the other door's kind.
    InsufficientBalance = 1113,
    /// The account store failed for the moment.
    AccountUnavailable = 1120,
    /// The account was locked automatically.
    AccountIrregular = 1121,
    /// A call failed, not by the caller's fault, and no other code fits.
    CallFailed = 1200,
    /// The body is not JSON, has wrong types, or is wrong in a way that names no single field.
    BadParameters = 1210,
    /// The model is unknown, or not for this key.
    UnknownModel = 1211,
    /// The model exists, but not for this endpoint or mode. Field: `method`.
    UnsupportedMethod = 1212,
    /// A required field is missing or null. Field: `field`.
    MissingField = 1213,
    /// A field has a value that it cannot have. Field: `field`.
    InvalidField = 1214,
    /// Two fields exclude each other. Fields: `field1`, `field2`.
    ExclusiveFields = 1215,
    /// The key may not use this endpoint. Field: `API_name`.
    Forbidden = 1220,
    /// The endpoint was retired. Field: `API_name`.
    ApiOffline = 1221,
    /// The named thing does not exist. Field: `API_name`.
    ApiUnknown = 1222,
    /// The model failed while it processed the call.
    ProcessingFailed = 1230,
    /// A request of the same id is still under way. Field: `request_id`.
    DuplicateRequest = 1231,
    /// The connection to the model failed or timed out. Field: `error_id`.
    NetworkFailed = 1234,
    /// The prompt does not fit the context window.
    PromptTooLong = 1261,
    /// Refused by policy.
    PolicyBlocked = 1300,
    /// Refused by the content filter.
    Sensitive = 1301,
    /// More requests at once than allowed.
    TooManyAtOnce = 1302,
    /// More requests a minute than allowed.
    TooFrequent = 1303,
    /// The day's quota is used up.
    DailyLimit = 1304,
    /// The whole platform is overloaded.
    Overloaded = 1305,
    /// The plan's short window is used up. Fields: `number`, `unit`, `next_flush_time`.
    ShortWindowUsedUp = 1308,
    /// The plan has expired.
    PlanExpired = 1309,
    /// The plan's weekly or monthly window is used up. Field: `next_flush_time`.
    LongWindowUsedUp = 1310,
    /// The plan does not cover the model. Field: `model_name`.
    NotInPlan = 1311,
    /// One model is overloaded. Field: `model_name`, another to try.
    ModelOverloaded = 1312,
    /// The operator restricted the key.
    FairUse = 1313,
}

impl Code {
    /// The code as it is sent.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The HTTP status it is sent with. A few answers use another one on purpose, such as 404 with 1222 for an
    /// id that does not exist (`errors.md` §2).
    pub fn http_status(self) -> u16 {
        self.row().http_status
    }

    /// The documented text, with its placeholders.
    pub fn text(self) -> &'static str {
        &self.row().message
    }

    /// The documented text with each placeholder `${name}` replaced by its value in `fields`, and the backticks
    /// around it, which are the documentation's markup, taken away. A placeholder without a value vanishes.
    pub fn render(self, fields: &[(&str, &str)]) -> String {
        let mut rendered = String::new();
        let mut rest = self.text();
        while let Some((before, after)) = rest.split_once("`${") {
            let Some((name, after)) = after.split_once("}`") else { break };
            rendered.push_str(before);
            if let Some((_, value)) = fields.iter().find(|(field, _)| *field == name) {
                rendered.push_str(value);
            }
            rest = after;
        }
        rendered.push_str(rest);
        rendered
    }

    /// Whether the same request may succeed by itself after a while. Where it cannot, although the status is
    /// 429, clients are told not to retry (`auth.md` §6).
    pub fn heals_by_waiting(self) -> bool {
        let is_transient = matches!(self.http_status(), 429 | 500..);
        let needs_a_person = matches!(
            self,
            Self::AccountInactive
                | Self::AccountLocked
                | Self::InsufficientBalance
                | Self::AccountIrregular
                | Self::ShortWindowUsedUp
                | Self::PlanExpired
                | Self::LongWindowUsedUp
                | Self::NotInPlan
                | Self::FairUse
        );
        is_transient && !needs_a_person
    }

    fn row(self) -> &'static Row {
        TABLE.get(&self.number()).expect("every code has a row, which a test proves")
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.number(), f)
    }
}

#[derive(Deserialize)]
struct Row {
    http_status: u16,
    code: String,
    message: String,
}

static TABLE: LazyLock<BTreeMap<u16, Row>> = LazyLock::new(|| {
    let rows: Vec<Row> =
        serde_json::from_str(include_str!("../data/errors.json")).expect("the table is part of the program");
    rows.into_iter().filter_map(|row| Some((row.code.parse().ok()?, row))).collect()
});

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use vocab::Tokens;

    use super::*;

    fn published() -> Vec<Value> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/spec/errors.json");
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    /// ERR-02, ERR-03, errors.md §2: one status and one text for each of the 39 published codes.
    #[test]
    fn the_table_holds_every_published_code_and_no_other() {
        let published = published();
        assert_eq!(Code::ALL.len(), published.len());
        assert_eq!(TABLE.len(), published.len());
        for (code, row) in Code::ALL.iter().zip(&published) {
            assert_eq!(code.to_string(), row["code"], "in the order of the page");
            assert_eq!(code.http_status(), row["http_status"], "{code}");
        }
    }

    /// errors.md §2.1: the documented text, except where clients look for the later one.
    #[test]
    fn five_texts_are_those_of_the_live_service_and_the_rest_are_the_pages() {
        let differing: Vec<_> = (Code::ALL.iter().zip(published()))
            .filter(|(code, row)| code.text() != row["message"])
            .map(|(code, _)| code.number())
            .collect();
        assert_eq!(differing, [1113, 1211, 1302, 1305, 1308]);
        assert_eq!(Code::UnknownModel.text(), "Unknown Model, please check the model code.");
    }

    #[test]
    fn placeholders_are_filled_and_lose_their_backticks() {
        assert_eq!(
            Code::ExclusiveFields.render(&[("field1", "file_url"), ("field2", "image_url")]),
            "file_url and image_url cannot be set simultaneously, please check the documentation"
        );
        let window = [("number", "5"), ("unit", "hour"), ("next_flush_time", "2026-08-27 21:31:39")];
        assert_eq!(
            Code::ShortWindowUsedUp.render(&window),
            "Usage limit reached for 5 hour. Your limit will reset at 2026-08-27 21:31:39"
        );
        for code in Code::ALL {
            assert!(!code.render(&[]).contains("${"), "{code}");
        }
    }

    /// ERR-01, errors.md §1.1: `code` is a string of digits, and nothing stands beside `error`.
    #[test]
    fn the_envelope_holds_a_code_of_digits_and_a_message_and_nothing_else() {
        let body = ErrorBody::new(Code::InvalidField, &[("field", "stop")]);
        assert_eq!(
            serde_json::to_value(body).unwrap(),
            json!({"error": {"code": "1214", "message": "Invalid stop parameter. Please check the documentation"}})
        );
    }

    /// clients.md §3.7
    #[test]
    fn an_overlong_prompt_is_told_in_the_words_that_coding_tools_look_for() {
        let body = ErrorBody::prompt_too_long(Overflow { prompt: Tokens(210_000), window: Tokens(202_752) });
        assert_eq!(body.error.code, "1261");
        assert_eq!(
            body.error.message,
            "Prompt exceeds max length: prompt is too long: 210000 tokens > 202752 maximum. \
             This model's maximum context length is 202752 tokens."
        );
    }

    /// auth.md §6: `x-should-retry: false`.
    #[test]
    fn a_used_up_window_is_not_retried_but_an_overload_is() {
        for code in [1113, 1308, 1309, 1310, 1311, 1313] {
            let code = Code::ALL.iter().find(|known| known.number() == code).unwrap();
            assert!(!code.heals_by_waiting(), "{code}");
        }
        assert!(Code::Overloaded.heals_by_waiting());
        assert!(Code::TooManyAtOnce.heals_by_waiting());
        assert!(!Code::InvalidField.heals_by_waiting());
    }
}
