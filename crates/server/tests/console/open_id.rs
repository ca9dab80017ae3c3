//! Logins by way of partners (rule AUTH-10).

use accounts::Role;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use testkit::{PASSWORD, TestApp};

use crate::{Answer, User};

/// What a browser gets that comes back from the partner: where to go, and its cookies.
async fn come_back(app: &TestApp, start: &Answer, code: &str, with_cookie: bool) -> (String, Vec<String>) {
    let state = start.body["url"].as_str().unwrap().split_once("state=").unwrap().1;
    let url = format!("{}/api/console/login/partner/callback?state={state}&code={code}", app.base_url);
    let browser = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    let mut request = browser.get(url);
    if with_cookie {
        request = request.header(COOKIE, start.cookies[0].split(';').next().unwrap());
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 303);
    let cookies = response.headers().get_all(SET_COOKIE).iter();
    let cookies = cookies.map(|cookie| cookie.to_str().unwrap().to_owned()).collect();
    (response.headers()[LOCATION].to_str().unwrap().to_owned(), cookies)
}

/// Someone whom a partner knows signs up by way of it, and logs in the same way from then on.
#[tokio::test]
async fn a_partner_lets_someone_in() {
    let app = TestApp::start().await;
    let stranger = User::stranger(&app);
    assert_eq!(stranger.get("/entry").await.ok()["open_id_providers"], json!(["partner"]));
    let begin = async |wish: Value| stranger.post("/login/partner/begin", &wish).await;

    let start = begin(json!({})).await;
    assert!(start.cookies[0].contains("HttpOnly") && start.cookies[0].contains("Path=/api/console/login"));
    assert_eq!(come_back(&app, &start, "good", true).await.0, "/login#error=no_login");
    for wish in [json!({"sign_up": {}}), json!({})] {
        let start = begin(wish).await;
        assert_eq!(come_back(&app, &start, "bad", true).await.0, "/login#error=provider_failed");
        assert_eq!(come_back(&app, &start, "good", false).await.0, "/login#error=journey_lost");
        let (to, cookies) = come_back(&app, &start, "good", true).await;
        assert_eq!(to, "/");
        assert!(cookies[0].starts_with("azimuth_session="), "{cookies:?}");
    }
    assert_eq!(stranger.post("/login/nobody/begin", &json!({})).await.refusal(), (404, "not_found"));
}

/// A partner's login is linked by someone who is signed in, and asks for their second factor.
#[tokio::test]
async fn a_partners_login_is_linked_and_still_asks_for_the_second_factor() {
    let app = TestApp::start().await;
    let pat = User::member(&app, "pat@example.com", app.house.operator.id, Role::Member).await;
    let start = pat.post("/identities/partner", &json!({})).await;
    assert_eq!(come_back(&app, &start, "good", true).await.0, "/settings#linked");
    assert_eq!(pat.get("/identities").await.ok()["items"][0]["provider"], "partner");

    let setup = pat.post("/second-factor", &json!({"password": PASSWORD})).await.ok();
    let code = crate::user::code_of(setup["secret"].as_str().unwrap());
    let codes = pat.post("/second-factor/confirm", &json!({"code": code})).await.ok();
    let stranger = User::stranger(&app);
    let start = stranger.post("/login/partner/begin", &json!({})).await;
    let (to, cookies) = come_back(&app, &start, "good", true).await;
    let pending = to.strip_prefix("/login#second-factor=").unwrap();
    assert!(cookies.is_empty(), "{cookies:?}");

    let confirm = |code: &Value| json!({"pending": pending, "code": code});
    assert_eq!(stranger.post("/login/confirm", &confirm(&json!("123"))).await.refusal(), (401, "code_wrong"));
    let mut back = User::stranger(&app);
    back.enter(&stranger.post("/login/confirm", &confirm(&codes["codes"][0])).await);
    assert_eq!(back.get("/session").await.ok()["person"]["email"], "pat@example.com");
    back.delete("/identities/partner").await.ok();
    assert_eq!(back.get("/identities").await.ok()["items"], json!([]));
}
