//! What the router says of a path that nothing is at (`errors.md` §1.5).

use serde::{Deserialize, Serialize};
use vocab::Timestamp;

/// The most characters of a path that are said back.
const PATH_CHARS_MAX: usize = 256;

/// The body, with status 404, for an unknown path under `/api/paas/v4` or `/api/coding/paas/v4`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotFound {
    /// `2026-01-27T06:57:16.263+00:00`
    pub timestamp: String,
    /// 404
    pub status: u16,
    /// `Not Found`
    pub error: String,
    /// The path from `/v4/` on.
    pub path: String,
}

/// The body, with status 404, for an unknown path elsewhere under `/api`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownPath {
    /// 500
    pub code: u16,
    /// `404 NOT_FOUND`
    pub msg: String,
    /// `false`
    pub success: bool,
}

impl NotFound {
    /// The answer for `path`, given whole.
    pub fn new(now: Timestamp, path: &str) -> Self {
        let path = path.find("/v4/").map_or(path, |start| &path[start..]);
        Self {
            timestamp: now.to_string().replace('Z', "+00:00"),
            status: 404,
            error: "Not Found".to_owned(),
            path: path.chars().take(PATH_CHARS_MAX).collect(),
        }
    }
}

impl Default for UnknownPath {
    fn default() -> Self {
        Self { code: 500, msg: "404 NOT_FOUND".to_owned(), success: false }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// errors.md §1.5, first row.
    #[test]
    fn an_unknown_path_is_said_back_from_its_version_on() {
        let now = Timestamp::from_millis(1_769_497_036_263);
        let body = NotFound::new(now, "/api/coding/paas/v4/definitely-not-a-route");
        assert_eq!(
            serde_json::to_string(&body).unwrap(),
            r#"{"timestamp":"2026-01-27T06:57:16.263+00:00","status":404,"error":"Not Found","path":"/v4/definitely-not-a-route"}"#
        );
        assert!(NotFound::new(now, &format!("/v4/{}", "é".repeat(9_999))).path.len() < 600);
    }

    /// errors.md §1.5, third row.
    #[test]
    fn an_unknown_path_elsewhere_has_the_gateways_body() {
        assert_eq!(
            serde_json::to_value(UnknownPath::default()).unwrap(),
            json!({"code": 500, "msg": "404 NOT_FOUND", "success": false})
        );
    }
}
