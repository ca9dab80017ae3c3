use std::sync::{Arc, Mutex};

use accounts::{
    AuthorizationRequest, IdentityError, IdentityProvider, LoginError, OpenIdError, OpenIdLogins,
    OpenIdOutcome, OpenIdSignUp, OpenIdStart, PeopleSettings, ProvenIdentity, ProviderName, SignUp,
    SignUpError, SignUpPolicy,
};
use async_trait::async_trait;
use vocab::Secret;

use crate::house::{House, PASSWORD, by, settings, source, wish};

/// A partner that knows one person.
struct Partner {
    name: ProviderName,
    is_trusted: bool,
    says: Mutex<ProvenIdentity>,
}

#[async_trait]
impl IdentityProvider for Partner {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn is_trusted_with_addresses(&self) -> bool {
        self.is_trusted
    }

    async fn authorization_url(&self, request: &AuthorizationRequest) -> Result<String, IdentityError> {
        Ok(format!("https://partner.example/authorize?state={}", request.state.expose()))
    }

    async fn redeem(&self, code: &Secret, _: &AuthorizationRequest) -> Result<ProvenIdentity, IdentityError> {
        if code.expose() != "good" {
            return Err(IdentityError::Refused("a bad code".into()));
        }
        Ok(self.says.lock().unwrap().clone())
    }
}

struct Scene {
    house: House,
    partner: Arc<Partner>,
    logins: OpenIdLogins,
}

impl Scene {
    fn new(settings: PeopleSettings, is_trusted: bool) -> Self {
        let house = House::with(settings);
        let says = ProvenIdentity {
            subject: "42".to_owned(),
            email: Some("ana@example.com".parse().unwrap()),
            name: Some("Ana at the partner".to_owned()),
        };
        let partner =
            Arc::new(Partner { name: "partner".parse().unwrap(), is_trusted, says: Mutex::new(says) });
        let logins = OpenIdLogins::new(house.people.clone(), vec![partner.clone()]);
        Self { house, partner, logins }
    }

    async fn come_back(&self, start: &OpenIdStart) -> Result<OpenIdOutcome, OpenIdError> {
        let state = Secret::new(start.url.split_once("state=").unwrap().1);
        self.logins.finish(&start.cookie, &state, &Secret::new("good"), source(), "test").await
    }

    async fn log_in(&self, sign_up: Option<OpenIdSignUp>) -> Result<OpenIdOutcome, OpenIdError> {
        let start = self.logins.begin(&self.partner.name, sign_up).await.unwrap();
        self.come_back(&start).await
    }
}

fn session(outcome: Result<OpenIdOutcome, OpenIdError>) -> accounts::NewSession {
    match outcome {
        Ok(OpenIdOutcome::LoggedIn(session)) => *session,
        other => panic!("{other:?}"),
    }
}

/// AUTH-10: sign-in with a third party, where offered.
#[tokio::test]
async fn someone_signs_up_and_logs_in_by_way_of_a_partner() {
    let scene = Scene::new(settings(), true);
    let unknown = scene.log_in(None).await;
    assert!(matches!(unknown, Err(OpenIdError::Unknown)), "{unknown:?}");

    let first = session(scene.log_in(Some(OpenIdSignUp::default())).await);
    assert_eq!((first.person.name.as_str(), first.person.password), ("Ana at the partner", None));
    scene.partner.says.lock().unwrap().email = Some("elsewhere@example.com".parse().unwrap());
    let second = session(scene.log_in(None).await);
    assert_eq!(second.person.id, first.person.id, "known by the partner's id, not by the address");
    scene.house.assert_no_letter().await;
    assert!(scene.house.people.signed_in(&second.token).await.is_ok());
}

/// A journey that began in another browser, or was changed, or took too long, ends nowhere.
#[tokio::test]
async fn a_stray_journey_is_refused() {
    let scene = Scene::new(settings(), true);
    let start = scene.logins.begin(&scene.partner.name, Some(OpenIdSignUp::default())).await.unwrap();
    let other = scene.logins.begin(&scene.partner.name, None).await.unwrap();
    let mixed = OpenIdStart { url: other.url, cookie: start.cookie.clone() };
    assert!(matches!(scene.come_back(&mixed).await, Err(OpenIdError::Stray)));
    let changed = start.cookie.expose().replacen('0', "1", 1);
    for cookie in ["", "00", &"0".repeat(20_000), &changed] {
        let forged = OpenIdStart { url: start.url.clone(), cookie: Secret::new(cookie) };
        assert!(matches!(scene.come_back(&forged).await, Err(OpenIdError::Stray)), "{cookie}");
    }
    scene.house.wait(600);
    assert!(matches!(scene.come_back(&start).await, Err(OpenIdError::Stray)));

    let start = scene.logins.begin(&scene.partner.name, None).await.unwrap();
    let state = Secret::new(start.url.split_once("state=").unwrap().1);
    let refused = scene.logins.finish(&start.cookie, &state, &Secret::new("bad"), None, "").await;
    assert!(matches!(refused, Err(OpenIdError::Provider(IdentityError::Refused(_)))), "{refused:?}");
    let nowhere = scene.logins.begin(&"nobody".parse().unwrap(), None).await;
    assert!(matches!(nowhere, Err(OpenIdError::UnknownProvider(_))), "{nowhere:?}");
}

/// A login that exists is joined only by partners whom the operator trusts with addresses.
#[tokio::test]
async fn an_address_alone_is_believed_of_trusted_partners_only() {
    for is_trusted in [true, false] {
        let scene = Scene::new(settings(), is_trusted);
        let ana = scene.house.person("ana@example.com").await;
        let outcome = scene.log_in(Some(OpenIdSignUp::default())).await;
        if is_trusted {
            assert_eq!(session(outcome).person.id, ana);
            assert!(scene.house.login("ana@example.com", PASSWORD).await.is_ok(), "the password stays");
        } else {
            assert!(matches!(outcome, Err(OpenIdError::NotLinked)), "{outcome:?}");
        }
    }
}

/// A stranger who signed up with someone's address and waits does not get in with them.
#[tokio::test]
async fn a_strangers_password_is_taken_away() {
    let scene = Scene::new(settings(), true);
    let stranger = SignUp { password: Secret::new("strangers password"), ..wish("ana@example.com") };
    scene.house.people.sign_up(stranger).await.unwrap();
    scene.house.token().await;
    session(scene.log_in(None).await);
    let refused = scene.house.login("ana@example.com", "strangers password").await;
    assert!(matches!(refused, Err(LoginError::Wrong)), "{refused:?}");
}

#[tokio::test]
async fn an_untrusted_partners_address_is_verified_by_letter() {
    let scene = Scene::new(settings(), false);
    let early = scene.log_in(Some(OpenIdSignUp::default())).await;
    assert!(matches!(early, Err(OpenIdError::Login(LoginError::Unverified))), "{early:?}");
    let token = scene.house.token().await;
    scene.house.people.verify_email(&token, None).await.unwrap();
    session(scene.log_in(None).await);
}

/// The policy and the ages hold for those who come by way of a partner too.
#[tokio::test]
async fn a_partner_is_no_way_round_the_policy() {
    let closed = Scene::new(PeopleSettings { sign_up: SignUpPolicy::Closed, ..settings() }, true);
    let refused = closed.log_in(Some(OpenIdSignUp::default())).await;
    assert!(matches!(refused, Err(OpenIdError::SignUp(SignUpError::Closed))), "{refused:?}");

    let asks = Scene::new(PeopleSettings { asks_birth_date: true, ..settings() }, true);
    let refused = asks.log_in(Some(OpenIdSignUp::default())).await;
    assert!(matches!(refused, Err(OpenIdError::SignUp(SignUpError::BirthDateNeeded))), "{refused:?}");
    let born = Some("1990-05-17".parse().unwrap());
    session(asks.log_in(Some(OpenIdSignUp { birth_date: born, ..OpenIdSignUp::default() })).await);

    asks.partner.says.lock().unwrap().subject = "43".to_owned();
    asks.partner.says.lock().unwrap().email = None;
    let nameless = asks.log_in(Some(OpenIdSignUp::default())).await;
    assert!(matches!(nameless, Err(OpenIdError::AddressMissing)), "{nameless:?}");
}

#[tokio::test]
async fn someone_links_a_partner_and_unlinks_it() {
    let scene = Scene::new(settings(), false);
    let me = scene.house.signed_in("ana@example.com").await;
    let start = scene.logins.begin_link(&scene.partner.name, &me).await.unwrap();
    assert!(matches!(scene.come_back(&start).await, Ok(OpenIdOutcome::Linked)));
    assert_eq!(session(scene.log_in(None).await).person.id, me.person.id);

    let ben = scene.house.signed_in("ben@example.com").await;
    let start = scene.logins.begin_link(&scene.partner.name, &ben).await.unwrap();
    let taken = scene.come_back(&start).await;
    assert!(matches!(taken, Err(OpenIdError::NotLinked)), "{taken:?}");

    scene.logins.unlink(&me, &scene.partner.name, &by(&me)).await.unwrap();
    assert!(scene.logins.list(me.person.id).await.unwrap().is_empty());
    assert!(matches!(scene.log_in(None).await, Err(OpenIdError::NotLinked)));
}

#[tokio::test]
async fn the_only_way_in_is_not_taken_away() {
    let scene = Scene::new(settings(), true);
    let session = session(scene.log_in(Some(OpenIdSignUp::default())).await);
    let me = scene.house.people.signed_in(&session.token).await.unwrap();
    let refused = scene.logins.unlink(&me, &scene.partner.name, &by(&me)).await;
    assert!(matches!(refused, Err(OpenIdError::LastWay)), "{refused:?}");
}
