//! Copies, consents and deletion (rules DATA-02, DATA-05, DATA-06, DATA-08).

use serde_json::json;
use testkit::{PASSWORD, TestApp};

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
