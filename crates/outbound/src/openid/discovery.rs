use accounts::IdentityError;
use reqwest::Url;
use serde::Deserialize;

use super::web::Web;
use super::{checked_url, untrusted};

/// Where a partner does what, as it says itself.
#[derive(Clone)]
pub(super) struct Discovered {
    pub(super) authorization: Url,
    pub(super) token: Url,
    pub(super) keys: Url,
    /// Whether it takes our secret in a header, which is the standard's default.
    pub(super) takes_basic: bool,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

impl Discovered {
    /// Asks a partner. It has to say that it is the one we asked, and to name addresses that are encrypted.
    pub(super) async fn ask(web: &Web, issuer: &Url, issuer_text: &str) -> Result<Self, IdentityError> {
        let mut url = issuer.clone();
        url.path_segments_mut()
            .map_err(|()| untrusted("its address has no path"))?
            .pop_if_empty()
            .extend([".well-known", "openid-configuration"]);
        let document: Document = web.get(&url).await?;
        if document.issuer != issuer_text {
            return Err(untrusted(format!("it calls itself `{}`", shortened(&document.issuer))));
        }
        let methods = document.token_endpoint_auth_methods_supported;
        Ok(Self {
            authorization: checked(&document.authorization_endpoint)?,
            token: checked(&document.token_endpoint)?,
            keys: checked(&document.jwks_uri)?,
            takes_basic: methods.is_none_or(|methods| methods.iter().any(|one| one == "client_secret_basic")),
        })
    }
}

fn checked(text: &str) -> Result<Url, IdentityError> {
    checked_url(text)
        .ok_or_else(|| untrusted(format!("it names `{}`, which is not encrypted", shortened(text))))
}

fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
