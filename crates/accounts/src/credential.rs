use std::fmt;

/// What a request brings to prove who sent it, before it is looked at: a raw key, a JWT or an opaque key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Credential<'a>(&'a str);

impl<'a> Credential<'a> {
    /// Takes the first that is present and not empty: the `Authorization` header with the scheme
    /// `Bearer` or none, the `x-api-key` header, the query parameter `Authorization` (`auth.md` §3).
    ///
    /// `query` is for the MCP doors only; elsewhere pass `None`, because addresses end up in logs.
    pub fn from_parts(
        authorization: Option<&'a str>,
        x_api_key: Option<&'a str>,
        query: Option<&'a str>,
    ) -> Option<Self> {
        [authorization.map(without_scheme), x_api_key.map(str::trim), query.map(without_scheme)]
            .into_iter()
            .flatten()
            .find(|text| !text.is_empty())
            .map(Self)
    }

    /// The text itself. Every call of this is a place to look at twice.
    pub fn expose(self) -> &'a str {
        self.0
    }
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(…)")
    }
}

/// `value` without a leading `Bearer`, in any case, and without surrounding space.
fn without_scheme(value: &str) -> &str {
    const SCHEME: &str = "bearer";
    let value = value.trim();
    match value.split_at_checked(SCHEME.len()) {
        Some((scheme, rest))
            if scheme.eq_ignore_ascii_case(SCHEME) && (rest.is_empty() || rest.starts_with([' ', '\t'])) =>
        {
            rest.trim_start()
        }
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(
        authorization: Option<&'static str>,
        x_api_key: Option<&'static str>,
        query: Option<&'static str>,
    ) -> Option<&'static str> {
        Credential::from_parts(authorization, x_api_key, query).map(Credential::expose)
    }

    /// AUTH-01, AUTH-06, AUTH-07: every place a client may put its key is read, the header first.
    #[test]
    fn the_first_place_that_holds_something_wins() {
        assert_eq!(found(Some("Bearer a.b"), Some("c.d"), Some("e.f")), Some("a.b"));
        assert_eq!(found(Some("a.b"), Some("c.d"), None), Some("a.b"));
        assert_eq!(found(None, Some(" c.d "), Some("e.f")), Some("c.d"));
        assert_eq!(found(None, None, Some("e.f")), Some("e.f"));
        assert_eq!(found(Some("Bearer "), Some("c.d"), None), Some("c.d"));
        assert_eq!(found(Some(""), Some("  "), Some("e.f")), Some("e.f"));
    }

    /// AUTH-01: a request without a credential is told so, not that its credential is wrong.
    #[test]
    fn nothing_is_nothing() {
        assert_eq!(found(None, None, None), None);
        assert_eq!(found(Some("bearer"), Some(""), Some(" ")), None);
    }

    #[test]
    fn the_scheme_is_read_in_any_case_and_only_as_a_word() {
        assert_eq!(found(Some("  BEARER \t a.b "), None, None), Some("a.b"));
        assert_eq!(found(Some("bearerish"), None, None), Some("bearerish"));
        assert_eq!(found(Some("ключ.секрет"), None, None), Some("ключ.секрет"));
    }

    #[test]
    fn a_credential_does_not_print_itself() {
        assert_eq!(format!("{:?}", Credential("abc.def")), "Credential(…)");
    }
}
