//! Copies, consents and deletion (rules DATA-02, DATA-05, DATA-06, DATA-08).

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use serde_json::{Value, json};
use testkit::{PASSWORD, TestApp};
use vocab::Secret;

use crate::User;

/// DATA-02, DATA-06: a copy is given to who shows that it is them: by password or by a letter.
#[tokio::test]
async fn a_copy_is_given_to_who_proves_who_they_are() {
    let app = TestApp::start().await;
    let (ana, _) = User::owner(&app, "ana@example.com").await;
    assert_eq!(ana.post("/export", &json!({})).await.refusal(), (422, "invalid_field"));
    assert_eq!(
        ana.post("/export", &json!({"password": "not this one"})).await.refusal(),
        (403, "proof_wrong")
    );
    let copy = ana.post("/export", &json!({"password": PASSWORD})).await;
    assert_eq!(copy.status, 200);
    assert!(copy.body.as_str().unwrap().starts_with("PK"), "a ZIP archive");

    ana.post("/proof-letter", &json!({})).await.ok();
    let token = json!({"token": app.house.letters.token_for("ana@example.com").await});
    assert_eq!(ana.post("/export", &token).await.status, 200);
    assert_eq!(ana.post("/export", &token).await.refusal(), (403, "proof_wrong"));
}

/// DATA-01, DATA-02: the copy has what was used, what it came to, and every movement of money, each in its section.
#[tokio::test]
async fn a_copy_holds_what_was_used_and_what_was_paid() {
    let app = TestApp::start().await;
    let (ana, account) = User::owner(&app, "ana@example.com").await;
    app.house.top_up(account, "1").await;
    let key = ana.post(&format!("/accounts/{account}/keys"), &json!({"name": "k"})).await.ok();
    let key = Secret::new(key["text"].as_str().unwrap());
    let body = json!({"model": "glm-4.7", "messages": [{"role": "user", "content": "planted words"}]});
    let response = app.chat_through("paas", &key, &body).await;
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    response.bytes().await.unwrap();
    app.usage().await;
    app.house.console.statements.roll_up().await.unwrap();

    let copy = unpacked(&ana.post("/export", &json!({"password": PASSWORD})).await.bytes);
    let sections = copy["index.json"]["sections"].as_array().unwrap();
    let sections: Vec<_> = sections.iter().map(|section| section["name"].as_str().unwrap()).collect();
    assert_eq!(sections, ["account", "money", "usage"]);
    let request = &copy[&format!("usage/requests-{account}-1.json")][0];
    assert_eq!((&request["id"], &request["model"]), (&json!(id), &json!("glm-4.7")));
    let charged = &request["charge"]["charged_usd"];
    assert_ne!(charged, "0", "{request}");
    let day = &copy[&format!("usage/days-{account}-1.json")][0];
    assert_eq!((&day["requests"], &day["charged_usd"]), (&json!(1), charged));
    let entries = copy[&format!("money/entries-{account}-1.json")].as_array().unwrap();
    let kinds: Vec<_> = entries.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"top_up") && kinds.contains(&"settle"), "{kinds:?}");
    assert_eq!(copy[&format!("money/credits-{account}-1.json")], json!([]));
    let all = serde_json::to_string(&copy).unwrap();
    assert!(!all.contains("planted words") && !all.contains(key.expose()));
}

fn unpacked(bytes: &[u8]) -> BTreeMap<String, Value> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut documents = BTreeMap::new();
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        documents.insert(file.name().unwrap().into_owned(), serde_json::from_str(&text).unwrap());
    }
    documents
}

/// DATA-05: a consent that is withdrawn stays on record beside the withdrawal.
#[tokio::test]
async fn withdrawing_a_consent_keeps_both_entries() {
    let app = TestApp::start().await;
    let (ana, _) = User::owner(&app, "ana@example.com").await;
    for is_given in [true, false] {
        let wish = json!({"subject": "marketing", "version": "1", "is_given": is_given});
        ana.post("/consents", &wish).await.ok();
    }
    let consents = ana.get("/consents").await.ok();
    let given: Vec<_> =
        consents["items"].as_array().unwrap().iter().map(|consent| &consent["is_given"]).collect();
    assert_eq!(given, [false, true]);
}

/// DATA-08: a deletion is asked for, can be taken back, and is reviewed by the operator.
#[tokio::test]
async fn a_deletion_is_asked_for_taken_back_and_reviewed() {
    let app = TestApp::start().await;
    let (ana, _) = User::owner(&app, "ana@example.com").await;
    let operator = User::operator(&app).await;
    assert_eq!(ana.get("/deletion").await.ok(), json!({"deletion": null}));
    assert_eq!(ana.post("/deletion", &json!({"password": "no"})).await.refusal(), (403, "proof_wrong"));
    assert_eq!(ana.delete("/deletion").await.status, 404);

    let proof = json!({"password": PASSWORD});
    let asked = ana.post("/deletion", &proof).await.ok();
    assert_eq!(asked["state"], "requested");
    assert_eq!(ana.delete("/deletion").await.ok()["deletion"]["state"], "withdrawn");

    ana.post("/deletion", &proof).await.ok();
    let waiting = operator.get("/admin/deletions").await.ok();
    assert_eq!(waiting["items"][0]["person"], asked["person"]);
    let path = format!("/admin/deletions/{}", asked["person"].as_str().unwrap());
    operator.post(&path, &json!({"approve": true})).await.ok();
    assert_eq!(ana.get("/deletion").await.ok()["deletion"]["state"], "approved");
}

/// DATA-04: what is wrong about oneself is corrected; a new address counts once its letter is answered.
#[tokio::test]
async fn a_person_corrects_what_is_wrong_about_them() {
    let app = TestApp::start().await;
    let (ana, _) = User::owner(&app, "ana@example.com").await;
    ana.put("/profile", &json!({"name": "Ana María", "locale": "zh"})).await.ok();
    let wish = json!({"email": "new@example.com", "proof": {"password": PASSWORD}});
    ana.post("/profile/email", &wish).await.ok();
    assert_eq!(ana.get("/session").await.ok()["person"]["email"], "ana@example.com");
    let token = app.house.letters.token_for("new@example.com").await;
    User::stranger(&app).post("/verify-email", &json!({"token": token})).await.ok();
    let me = ana.get("/session").await.ok();
    let person = &me["person"];
    assert_eq!((&person["email"], &person["name"]), (&json!("new@example.com"), &json!("Ana María")));
}
