//! What the operator does.

use accounts::Role;
use serde_json::json;
use testkit::TestApp;

use crate::User;

/// Only who runs the platform may: owners and administrators of the operator's account, and its keys.
#[tokio::test]
async fn only_the_operator_is_let_in() {
    let app = TestApp::start().await;
    let operators = app.house.operator.id;
    let (ana, _) = User::owner(&app, "ana@example.com").await;
    assert_eq!(ana.get("/admin/accounts").await.refusal(), (403, "operator_only"));
    let clerk = User::member(&app, "clerk@example.com", operators, Role::Billing).await;
    assert_eq!(clerk.get("/admin/accounts").await.refusal(), (403, "operator_only"));
    assert_eq!(clerk.get("/session").await.ok()["is_operator"], false);
    let admin = User::member(&app, "admin@example.com", operators, Role::Admin).await;
    assert_eq!(admin.get("/admin/accounts").await.status, 200);
    assert_eq!(admin.get("/session").await.ok()["is_operator"], true);
    let program = User::with_key(&app, app.key.expose());
    assert_eq!(program.get("/admin/accounts").await.status, 200);
    assert_eq!(program.get("/session").await.ok()["is_operator"], true);
}

/// AUTH-09: an account that is locked gets 1112 with its next call, and works again when it is released.
#[tokio::test]
async fn an_account_is_locked_and_released() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.top_up(account, "1").await;
    let operator = User::operator(&app).await;
    let body = json!({"model": "glm-4.7", "messages": [{"role": "user", "content": "Hi"}]});
    let chat = async || {
        let response = app.chat_through("paas", &key, &body).await;
        let status = response.status().as_u16();
        let answer: serde_json::Value = response.json().await.unwrap();
        (status, answer["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    let path = format!("/admin/accounts/{account}/events");
    assert_eq!(chat().await.0, 200);
    assert_eq!(operator.post(&path, &json!({"event": "lock"})).await.ok(), json!({"state": "locked"}));
    assert_eq!(chat().await, (429, "1112".to_owned()));
    assert_eq!(operator.post(&path, &json!({"event": "lock"})).await.refusal(), (409, "illegal_state"));
    operator.post(&path, &json!({"event": "release"})).await.ok();
    assert_eq!(chat().await.0, 200);

    let own = format!("/admin/accounts/{}/events", app.house.operator.id);
    assert_eq!(operator.post(&own, &json!({"event": "close"})).await.refusal(), (409, "illegal_state"));
}

/// BILL-22: Wallet locked -> calls answer 1112 and top-up is refused; unlock restores both.
#[tokio::test]
async fn the_money_of_a_locked_account_stays_as_it_is() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.top_up(account, "1").await;
    let operator = User::operator(&app).await;
    let path = format!("/admin/accounts/{account}");
    let events = format!("{path}/events");
    let pay = async |reference: &str, amount: &str| {
        operator.post(&format!("{path}/top-up"), &json!({"reference": reference, "amount": amount})).await
    };
    let body = json!({"model": "glm-4.7", "messages": [{"role": "user", "content": "Hi"}]});
    let code = async || {
        let answer: serde_json::Value = app.chat_through("paas", &key, &body).await.json().await.unwrap();
        answer["error"]["code"].as_str().unwrap_or_default().to_owned()
    };
    operator.post(&events, &json!({"event": "lock"})).await.ok();
    assert_eq!(code().await, "1112");
    assert_eq!(pay("receipt 1", "10").await.refusal(), (409, "illegal_state"));
    assert_eq!(pay("receipt 1 taken back", "-1").await.refusal(), (409, "illegal_state"));
    let funds = app.house.funds(account).await;
    assert_eq!(funds.cash.checked_add(funds.held), "1".parse().ok());

    operator.post(&events, &json!({"event": "release"})).await.ok();
    assert_eq!(code().await, "");
    pay("receipt 1", "10").await.ok();
}

/// BILL-15: money is booked once for each reference; credits are given; a charge is given back once.
#[tokio::test]
async fn money_is_booked_once() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    let operator = User::operator(&app).await;
    let path = format!("/admin/accounts/{account}");
    let receipt = json!({"reference": "receipt 1", "amount": "10.00"});
    assert_eq!(operator.post(&format!("{path}/top-up"), &receipt).await.ok(), json!({"changed": true}));
    assert_eq!(operator.post(&format!("{path}/top-up"), &receipt).await.ok(), json!({"changed": false}));
    let other = json!({"reference": "receipt 1", "amount": "11.00"});
    assert_eq!(operator.post(&format!("{path}/top-up"), &other).await.refusal(), (409, "amount_refused"));
    let too_much = json!({"reference": "back", "amount": "-10.01"});
    assert_eq!(operator.post(&format!("{path}/top-up"), &too_much).await.refusal(), (409, "amount_refused"));

    let gift = json!({"amount": "4.00", "kind": "referral", "note": "for a friend"});
    operator.post(&format!("{path}/grants"), &gift).await.ok();
    assert_eq!(operator.post(&format!("{path}/grants"), &json!({"amount": "0"})).await.status, 409);
    operator.put(&format!("{path}/overdraft"), &json!({"overdraft": "2.50"})).await.ok();
    let sheet = operator.get(&path).await.ok();
    assert_eq!(
        sheet["funds"],
        json!({"cash": "10.00", "credits": "4.00", "held": "0.00", "overdraft": "2.50",
        "available": "16.50"})
    );

    let body = json!({"model": "glm-4.7", "messages": [{"role": "user", "content": "Hi"}]});
    let response = app.chat_through("paas", &key, &body).await;
    let request = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    app.usage().await;
    let charged =
        app.house.console.ledger.settled(&vocab::RequestId::parse(&request).unwrap()).await.unwrap();
    let charged = charged.unwrap().charged.to_string();
    let refund = json!({"reference": "goodwill", "request": request, "amount": charged});
    assert_eq!(operator.post("/admin/refunds", &refund).await.ok(), json!({"amount": charged}));
    assert_eq!(operator.post("/admin/refunds", &refund).await.ok(), json!({"amount": charged}));
    let more = json!({"reference": "again", "request": request, "amount": charged});
    assert_eq!(operator.post("/admin/refunds", &more).await.refusal(), (409, "amount_refused"));
    assert_eq!(operator.post("/admin/ledger/verify", &json!({})).await.ok()["is_clean"], true);
}

/// A plan is given and ended.
#[tokio::test]
async fn a_plan_is_given_and_ended() {
    let app = TestApp::start().await;
    let (ana, account) = User::owner(&app, "ana@example.com").await;
    let operator = User::operator(&app).await;
    let path = format!("/admin/accounts/{account}/plans");
    let given = operator.post(&path, &json!({"plan": "lite", "months": 1})).await.ok();
    assert_eq!((&given["state"], &given["is_granted"]), (&json!("active"), &json!(true)));
    assert_eq!(ana.get(&format!("/accounts/{account}/plan")).await.ok()["plan"]["id"], "lite");
    for (wish, field) in [
        (json!({"plan": "no such"}), "plan"),
        (json!({"plan": "lite", "months": 1, "days": 1}), "days"),
        (json!({"plan": "lite", "start": "soon"}), "start"),
        (json!({"plan": "lite", "months": 0}), "months"),
    ] {
        let answer = operator.post(&path, &wish).await;
        assert_eq!((answer.status, &answer.body["error"]["field"]), (422, &json!(field)), "{wish}");
    }
    let end = format!("/admin/subscriptions/{}/end", given["id"].as_str().unwrap());
    assert_eq!(operator.post(&end, &json!({})).await.ok(), json!({"changed": true}));
    assert_eq!(ana.get(&format!("/accounts/{account}/plan")).await.ok()["plan"], json!(null));
    let listed = operator.get(&format!("/admin/subscriptions?account={account}")).await.ok();
    assert_eq!(listed["items"][0]["state"], "over");
}

/// A document is changed from its newest version only, and every version stays.
#[tokio::test]
async fn a_document_is_changed_and_its_history_kept() {
    let app = TestApp::start().await;
    let operator = User::operator(&app).await;
    let path = "/admin/documents/rates";
    let rates =
        |base: i64, rpm: u32| json!({"base": base, "body": {"account": {"requests_per_minute": rpm}}});
    assert_eq!(operator.get(path).await.status, 404);
    assert_eq!(operator.put(path, &rates(0, 60)).await.ok()["version"], 1);
    assert_eq!(operator.put(path, &rates(0, 61)).await.refusal(), (409, "changed_meanwhile"));
    assert_eq!(operator.put(path, &rates(1, 61)).await.ok()["version"], 2);
    let wrong = json!({"base": 2, "body": {"acount": {}}});
    let answer = operator.put(path, &wrong).await;
    assert_eq!((answer.refusal(), &answer.body["error"]["field"]), ((422, "invalid_field"), &json!("body")));
    assert!(answer.body["error"]["message"].as_str().unwrap().contains("acount"));

    assert_eq!(operator.get(path).await.ok()["body"]["account"]["requests_per_minute"], 61);
    assert_eq!(
        operator.get(&format!("{path}?version=1")).await.ok()["body"]["account"]["requests_per_minute"],
        60
    );
    let history = operator.get(&format!("{path}/history?limit=1")).await.ok();
    assert_eq!((&history["items"][0]["version"], &history["next_cursor"]), (&json!(2), &json!("2")));
    assert_eq!(history["items"][0]["by"], "operator@example.com");
    assert_eq!(operator.put("/admin/documents/prices", &rates(0, 1)).await.refusal(), (409, "illegal_state"));
    assert_eq!(operator.get("/admin/documents/nonsense").await.status, 404);
    assert_eq!(operator.get("/admin/audit").await.ok()["items"][0]["action"], "document.change");
}

/// Someone is given a login though nobody may sign up, is kept out, and let in again.
#[tokio::test]
async fn people_are_enrolled_and_kept_out() {
    let app = TestApp::start().await;
    let (account, _) = app.house.newcomer().await;
    let operator = User::operator(&app).await;
    let wish = json!({"email": "new@example.com", "name": "New", "account": account, "role": "owner"});
    let person = operator.post("/admin/people", &wish).await.ok()["person"].as_str().unwrap().to_owned();
    assert_eq!(operator.post("/admin/people", &wish).await.refusal(), (409, "address_taken"));
    let token = app.house.letters.token_for("new@example.com").await;
    let reset = json!({"token": token, "password": testkit::PASSWORD});
    User::stranger(&app).post("/password/reset", &reset).await.ok();
    let new = User::log_in(&app, "new@example.com").await;
    operator.post(&format!("/admin/people/{person}/lock"), &json!({})).await.ok();
    assert_eq!(new.get("/session").await.status, 401);
    let login = json!({"email": "new@example.com", "password": testkit::PASSWORD});
    assert_eq!(User::stranger(&app).post("/login", &login).await.refusal(), (403, "login_locked"));
    operator.post(&format!("/admin/people/{person}/unlock"), &json!({})).await.ok();
    User::log_in(&app, "new@example.com").await;
}
