//! The error envelope of this dialect (`errors.md` §1.3).

use serde::{Deserialize, Serialize};

use crate::Code;

/// `{"type":"error","error":{"type":"rate_limit_error","code":"1308","message":"[1308][…][id]"},"request_id":"id"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorEnvelope {
    /// `error`
    #[serde(rename = "type")]
    pub kind: String,
    /// The error itself.
    pub error: EnvelopeError,
    /// The server's id for the request.
    pub request_id: String,
}

/// The inside of the error envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvelopeError {
    /// The kind of error by which clients choose an exception: `invalid_request_error`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// The business code, decimal digits in a string.
    pub code: String,
    /// `[code][message][request id]`, because clients show nothing but this.
    pub message: String,
}

impl ErrorEnvelope {
    /// The envelope of `code`, sent with `status`, which decides the kind of error.
    pub fn new(code: Code, status: u16, message: &str, request_id: &str) -> Self {
        Self {
            kind: "error".to_owned(),
            error: EnvelopeError {
                kind: kind_of(status).to_owned(),
                code: code.to_string(),
                message: format!("[{code}][{message}][{request_id}]"),
            },
            request_id: request_id.to_owned(),
        }
    }
}

fn kind_of(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// ERR-13, errors.md §1.3
    #[test]
    fn the_envelope_repeats_code_and_id_in_its_message() {
        let id = "2026071106202516f8db3a3eaf460f";
        let message = Code::InsufficientBalance.text();
        let envelope = ErrorEnvelope::new(Code::InsufficientBalance, 429, message, id);
        assert_eq!(
            serde_json::to_string(&envelope).unwrap(),
            json!({
                "type": "error",
                "error": {
                    "type": "rate_limit_error",
                    "code": "1113",
                    "message": format!("[1113][{message}][{id}]"),
                },
                "request_id": id,
            })
            .to_string()
        );
    }

    /// anthropic-api.md §11
    #[test]
    fn the_status_decides_the_kind_of_error() {
        for (status, kind) in [
            (400, "invalid_request_error"),
            (401, "authentication_error"),
            (403, "permission_error"),
            (404, "not_found_error"),
            (413, "request_too_large"),
            (429, "rate_limit_error"),
            (500, "api_error"),
            (529, "overloaded_error"),
        ] {
            assert_eq!(ErrorEnvelope::new(Code::CallFailed, status, "", "").error.kind, kind);
        }
    }
}
