use accounts::IdentityError;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Client, RequestBuilder, Url};
use serde::de::DeserializeOwned;
use vocab::Secret;

use crate::client::{ClientError, causes, for_questions};

/// Longest answer that is read.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// The way to a partner.
pub(super) struct Web(Client);

impl Web {
    pub(super) fn new(issuer: &Url) -> Result<Self, ClientError> {
        for_questions(issuer).map(Self)
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, url: &Url) -> Result<T, IdentityError> {
        ask(self.0.get(url.clone())).await
    }

    /// Sends a form, and who we are, if it is not in the form.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        url: &Url,
        form: String,
        basic: Option<(String, Secret)>,
    ) -> Result<T, IdentityError> {
        let mut request = self.0.post(url.clone());
        if let Some((user, password)) = basic {
            request = request.basic_auth(user, Some(password.expose()));
        }
        ask(request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form)).await
    }
}

async fn ask<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, IdentityError> {
    let sent = request.header(ACCEPT, "application/json").send().await;
    let mut response = sent.map_err(|error| unreachable(causes(error)))?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| unreachable(causes(error)))? {
        if body.len() + piece.len() > ANSWER_BYTES_MAX {
            return Err(unreachable("the answer is too long".to_owned()));
        }
        body.extend_from_slice(&piece);
    }
    // What the answer says is not repeated: it may hold what we sent.
    if status.is_client_error() {
        return Err(IdentityError::Refused(format!("status {status}").into()));
    }
    if !status.is_success() {
        return Err(unreachable(format!("status {status}")));
    }
    serde_json::from_slice(&body)
        .map_err(|_| unreachable("the answer is not what the standard says".to_owned()))
}

fn unreachable(why: String) -> IdentityError {
    IdentityError::Unreachable(why.into())
}
