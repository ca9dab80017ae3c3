use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, LOCATION, RANGE};
use reqwest::{Client, Method, Request, Response, Url};

use super::error::PullError;
use super::{ModelReference, PullOptions};
use crate::client::{causes, for_downloads};

const REDIRECTS_MAX: usize = 10;
const CONNECT_MAX: std::time::Duration = std::time::Duration::from_secs(15);

/// The hub and the way there.
pub(super) struct Web {
    client: Client,
    base: Url,
    authorization: Option<HeaderValue>,
}

impl Web {
    pub fn new(options: &PullOptions) -> Result<Self, PullError> {
        let unusable = || PullError::BaseUrl(options.base_url.clone());
        let base: Url = options.base_url.parse().map_err(|_| unusable())?;
        if !matches!(base.scheme(), "http" | "https")
            || !base.username().is_empty()
            || base.password().is_some()
        {
            return Err(PullError::BaseUrl(base.host_str().unwrap_or_default().to_owned()));
        }
        let authorization = match &options.token {
            Some(token) => {
                let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose().trim()))
                    .map_err(|_| PullError::Hub("HF_TOKEN has characters that no token has".to_owned()))?;
                value.set_sensitive(true);
                Some(value)
            }
            None => None,
        };
        Ok(Self { client: for_downloads(&base, CONNECT_MAX, options.idle_max)?, base, authorization })
    }

    /// An address on the hub. Each part is encoded, so no part can become two.
    pub fn url<'a>(&self, parts: impl IntoIterator<Item = &'a str>) -> Result<Url, PullError> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| PullError::BaseUrl(self.base.to_string()))?
            .pop_if_empty()
            .extend(parts);
        Ok(url)
    }

    /// Asks for `url` from byte `from` on, following redirects. The token goes to the hub itself and to no other
    /// host, and an encrypted line is never left for an open one.
    pub async fn get(&self, url: Url, from: u64) -> Result<Response, String> {
        let mut url = url;
        for _ in 0..REDIRECTS_MAX {
            let mut request = Request::new(Method::GET, url.clone());
            *request.headers_mut() = self.headers(&url, from)?;
            let response = self.client.execute(request).await.map_err(causes)?;
            if !response.status().is_redirection() {
                return Ok(response);
            }
            let target = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            let next = target.and_then(|to| url.join(to).ok()).ok_or("a redirect to nowhere")?;
            if !matches!(next.scheme(), "http" | "https")
                || (url.scheme() == "https" && next.scheme() == "http")
            {
                return Err("a redirect to a line that is not encrypted".to_owned());
            }
            url = next;
        }
        Err(format!("more than {REDIRECTS_MAX} redirects"))
    }

    fn headers(&self, url: &Url, from: u64) -> Result<HeaderMap, String> {
        let mut headers = HeaderMap::new();
        if let Some(authorization) = &self.authorization
            && url.origin() == self.base.origin()
        {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        if from > 0 {
            let range = format!("bytes={from}-");
            headers.insert(RANGE, range.parse().map_err(|_| "a range that is no header".to_owned())?);
        }
        Ok(headers)
    }
}

/// What a status that is not worth another attempt means.
pub(super) fn final_refusal(status: u16, reference: &ModelReference, revision: &str) -> Option<PullError> {
    let reference = reference.clone();
    match status {
        401 => Some(PullError::Unauthorized { reference }),
        403 | 451 => Some(PullError::Forbidden { reference }),
        404 => Some(PullError::NotFound { reference, revision: revision.to_owned() }),
        400 | 402 | 405..=407 | 409..=424 => Some(PullError::Hub(format!("status {status}"))),
        _ => None,
    }
}
