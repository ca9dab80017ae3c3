use axum::http::{Request, Uri, uri::PathAndQuery};

/// Takes doubled and trailing slashes out of the path: clients join their base URL and the route by plain
/// concatenation (`auth.md` §1).
pub(crate) fn tidy<B>(mut request: Request<B>) -> Request<B> {
    if let Some(tidied) = tidied(request.uri()) {
        *request.uri_mut() = tidied;
    }
    request
}

fn tidied(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    let is_tidy = !path.contains("//") && (path.len() == 1 || !path.ends_with('/'));
    if is_tidy {
        return None;
    }
    let mut text = String::with_capacity(path.len());
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        text.push('/');
        text.push_str(segment);
    }
    if text.is_empty() {
        text.push('/');
    }
    if let Some(query) = uri.query() {
        text.push('?');
        text.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tidy_path(path: &str) -> String {
        tidy(Request::builder().uri(path).body(()).unwrap()).uri().to_string()
    }

    /// ENDP-01: the base URL works with and without a closing slash.
    #[test]
    fn doubled_and_trailing_slashes_vanish_and_the_query_stays() {
        assert_eq!(tidy_path("/api/paas/v4//chat/completions"), "/api/paas/v4/chat/completions");
        assert_eq!(tidy_path("/api/paas/v4/models/?a=//b"), "/api/paas/v4/models?a=//b");
        assert_eq!(tidy_path("//"), "/");
        assert_eq!(tidy_path("/a/b"), "/a/b");
    }
}
