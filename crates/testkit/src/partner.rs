//! A login partner that knows one person.

use accounts::{AuthorizationRequest, IdentityError, IdentityProvider, ProvenIdentity, ProviderName};
use async_trait::async_trait;
use vocab::Secret;

/// A login partner that is called `partner` and knows `pat@example.com`, who comes back with the code `good`.
pub(crate) struct Partner {
    name: ProviderName,
}

impl Default for Partner {
    fn default() -> Self {
        Self { name: "partner".parse().expect("a provider's name") }
    }
}

#[async_trait]
impl IdentityProvider for Partner {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn is_trusted_with_addresses(&self) -> bool {
        true
    }

    async fn authorization_url(&self, request: &AuthorizationRequest) -> Result<String, IdentityError> {
        Ok(format!("https://partner.example/authorize?state={}", request.state.expose()))
    }

    async fn redeem(&self, code: &Secret, _: &AuthorizationRequest) -> Result<ProvenIdentity, IdentityError> {
        if code.expose() != "good" {
            return Err(IdentityError::Refused("a bad code".into()));
        }
        Ok(ProvenIdentity {
            subject: "42".to_owned(),
            email: Some("pat@example.com".parse().expect("an address")),
            name: Some("Pat".to_owned()),
        })
    }
}
