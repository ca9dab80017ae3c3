//! Asking a partner who someone is.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use accounts::{AuthorizationRequest, IdentityError, IdentityProvider, ProvenIdentity};
use outbound::openid::{OpenIdProvider, OpenIdSettings, OpenIdSettingsError};
use serde_json::{Value, json};
use testkit::clock::ManualClock;
use testkit::openid_partner::{CLIENT_ID, CLIENT_SECRET, OpenIdPartner, REDIRECT_URL};
use vocab::{Clock, Secret};

struct Scene {
    partner: OpenIdPartner,
    clock: Arc<ManualClock>,
    provider: OpenIdProvider,
}

fn settings(issuer: String) -> OpenIdSettings {
    OpenIdSettings {
        name: "partner".parse().unwrap(),
        issuer,
        client_id: CLIENT_ID.to_owned(),
        client_secret: Some(Secret::new(CLIENT_SECRET)),
        redirect_url: REDIRECT_URL.to_owned(),
        scopes: vec!["email".to_owned(), "profile".to_owned()],
        is_trusted_with_addresses: true,
    }
}

fn request(name: &str) -> AuthorizationRequest {
    AuthorizationRequest {
        state: Secret::new(format!("state of {name}")),
        nonce: Secret::new(format!("nonce of {name}")),
        verifier: Secret::new(format!("verifier of {name}, which is long enough for the standard")),
    }
}

impl Scene {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::default());
        let partner = OpenIdPartner::start(clock.now().as_secs()).await;
        let provider = OpenIdProvider::new(settings(partner.issuer()), clock.clone()).unwrap();
        Self { partner, clock, provider }
    }

    async fn journey(&self) -> Result<ProvenIdentity, IdentityError> {
        let request = request("ana");
        let url = self.provider.authorization_url(&request).await?;
        let (code, state) = self.partner.visit(&url);
        assert_eq!(state, request.state.expose());
        self.provider.redeem(&Secret::new(code), &request).await
    }

    async fn assert_untrusted(&self, what: &str) {
        let answer = self.journey().await;
        assert!(matches!(answer, Err(IdentityError::Untrusted(_))), "{what}: {answer:?}");
    }
}

#[tokio::test]
async fn a_partner_says_who_someone_is() {
    let scene = Scene::new().await;
    let proven = scene.journey().await.unwrap();
    let expected = ProvenIdentity {
        subject: "42".to_owned(),
        email: Some("ana@example.com".parse().unwrap()),
        name: Some("Ana".to_owned()),
    };
    assert_eq!(proven, expected);
    scene.journey().await.unwrap();
    let questions = scene.partner.asked();
    assert_eq!(
        questions.iter().filter(|path| path.ends_with("configuration")).count(),
        1,
        "asked once an hour"
    );
}

/// The secret goes where the partner wants it.
#[tokio::test]
async fn the_secret_goes_into_the_form_where_the_partner_wants_it_there() {
    let scene = Scene::new().await;
    scene.partner.says_of_itself("token_endpoint_auth_methods_supported", json!(["client_secret_post"]));
    scene.journey().await.unwrap();
}

#[tokio::test]
async fn an_address_that_the_partner_did_not_check_is_none() {
    let scene = Scene::new().await;
    for said in [json!(false), Value::Null, json!("yes"), json!(1)] {
        scene.partner.claims("email_verified", said.clone());
        assert_eq!(scene.journey().await.unwrap().email, None, "{said}");
    }
    scene.partner.claims("email_verified", json!("true"));
    assert!(scene.journey().await.unwrap().email.is_some());
    scene.partner.claims("email", json!("no address"));
    assert_eq!(scene.journey().await.unwrap().email, None);
}

/// An answer for someone else, from someone else, for another journey or from another time is not believed.
#[tokio::test]
async fn an_answer_that_does_not_hold_is_not_believed() {
    let scene = Scene::new().await;
    let now = scene.clock.now().as_secs();
    let issuer = scene.partner.issuer();
    for (name, lie, truth) in [
        ("iss", json!("https://evil.example"), json!(issuer)),
        ("iss", Value::Null, json!(issuer)),
        ("aud", json!("another client"), json!(CLIENT_ID)),
        ("aud", Value::Null, json!(CLIENT_ID)),
        ("aud", json!([CLIENT_ID, "another client"]), json!(CLIENT_ID)),
        ("azp", json!("another client"), Value::Null),
        ("exp", json!(now - 61), json!(now + 300)),
        ("exp", Value::Null, json!(now + 300)),
        ("iat", json!(now + 61), json!(now)),
        ("sub", Value::Null, json!("42")),
        ("nonce", json!("another"), json!("nonce of ana")),
        ("nonce", Value::Null, json!("nonce of ana")),
    ] {
        scene.partner.claims(name, lie.clone());
        scene.assert_untrusted(&format!("{name} {lie}")).await;
        scene.partner.claims(name, truth);
    }
    scene.journey().await.unwrap();
}

#[tokio::test]
async fn a_token_that_the_partner_did_not_sign_is_not_believed() {
    let scene = Scene::new().await;
    for header in [
        json!({"alg": "none", "kid": "key-0"}),
        json!({"alg": "HS256", "kid": "key-0"}),
        json!({"alg": "RS256", "kid": "key-0"}),
        json!({"alg": "ES256", "kid": "unknown"}),
        json!({}),
    ] {
        scene.partner.heads_tokens(header.clone());
        scene.assert_untrusted(&header.to_string()).await;
    }
    let scene = Scene::new().await;
    scene.partner.signs_with_a_strangers_key();
    scene.assert_untrusted("a stranger's key").await;
}

#[tokio::test]
async fn a_new_key_is_asked_for_and_not_more_often_than_each_minute() {
    let scene = Scene::new().await;
    scene.journey().await.unwrap();
    scene.partner.changes_its_key();
    scene.assert_untrusted("too early to ask again").await;
    scene.clock.advance(Duration::from_secs(60));
    scene.journey().await.unwrap();

    let asked = || scene.partner.asked().iter().filter(|path| *path == "/keys").count();
    let before = asked();
    scene.partner.heads_tokens(json!({"alg": "ES256", "kid": "unknown"}));
    scene.clock.advance(Duration::from_secs(60));
    for _ in 0..5 {
        scene.assert_untrusted("an unknown key").await;
    }
    assert_eq!(asked(), before + 1);
}

/// A code is good once, and only for who began the journey.
#[tokio::test]
async fn a_stolen_code_is_worth_nothing() {
    let scene = Scene::new().await;
    let url = scene.provider.authorization_url(&request("ana")).await.unwrap();
    let (code, _) = scene.partner.visit(&url);
    let stolen = scene.provider.redeem(&Secret::new(code), &request("thief")).await;
    assert!(matches!(stolen, Err(IdentityError::Refused(_))), "{stolen:?}");

    let url = scene.provider.authorization_url(&request("ana")).await.unwrap();
    let code = Secret::new(scene.partner.visit(&url).0);
    scene.provider.redeem(&code, &request("ana")).await.unwrap();
    let again = scene.provider.redeem(&code, &request("ana")).await;
    assert!(matches!(again, Err(IdentityError::Refused(_))), "{again:?}");
}

#[tokio::test]
async fn a_partner_that_is_another_or_leads_astray_is_not_used() {
    for (name, lie) in [
        ("issuer", json!("https://evil.example")),
        ("authorization_endpoint", json!("http://evil.example/authorize")),
        ("token_endpoint", json!("http://evil.example/token")),
        ("jwks_uri", json!("file:///etc/passwd")),
    ] {
        let scene = Scene::new().await;
        scene.partner.says_of_itself(name, lie);
        let refused = scene.provider.authorization_url(&request("ana")).await;
        assert!(matches!(refused, Err(IdentityError::Untrusted(_))), "{name}: {refused:?}");
    }
    let scene = Scene::new().await;
    scene.partner.says_of_itself("token_endpoint", json!(7));
    let refused = scene.provider.authorization_url(&request("ana")).await;
    assert!(matches!(refused, Err(IdentityError::Unreachable(_))), "{refused:?}");
}

#[test]
fn a_partners_address_is_encrypted() {
    let new = |settings| OpenIdProvider::new(settings, Arc::new(ManualClock::default())).err();
    for issuer in
        ["http://accounts.example.com", "accounts.example.com", "ftp://127.0.0.1", "https://a:b@c.example"]
    {
        let refused = new(settings(issuer.to_owned()));
        assert!(matches!(refused, Some(OpenIdSettingsError::Address("issuer"))), "{issuer}");
    }
    let good = settings("https://accounts.example.com".to_owned());
    let redirect_url = "http://house.example/login".to_owned();
    let refused = new(OpenIdSettings { redirect_url, ..good.clone() });
    assert!(matches!(refused, Some(OpenIdSettingsError::Address("redirect_url"))));
    assert!(new(good.clone()).is_none());
    assert!(!format!("{good:?}").contains(CLIENT_SECRET));
}
