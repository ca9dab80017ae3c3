//! What a call takes of a plan, and by whom it was made (`anthropic-api.md` §14).

use accounts::PlanBook;
use gateway::Door;
use ledger::Units;
use serde_json::{Value, json};
use testkit::TestApp;
use vocab::NanoUsd;

use crate::{ask, door, hello, hello_with, refusal};

/// A plan book in which Lite has one prompt in five hours, with further changes.
fn small_plans(change: impl FnOnce(&mut Value)) -> PlanBook {
    let mut book: Value = serde_json::from_str(PlanBook::documented_json()).unwrap();
    book["plans"]["lite"]["prompts_per_5h"] = 1.into();
    change(&mut book);
    PlanBook::from_value(&book).unwrap()
}

/// ENDP-05, QUOTA-02: a call takes a twentieth of a prompt of the plan and nothing of the wallet, and is written down as the
/// Anthropic door's, with the GLM model.
#[tokio::test]
async fn a_call_takes_from_the_plan_and_never_from_the_wallet() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.top_up(account, "5").await;
    app.house.grant(account, "lite").await;
    for body in [hello_with(&json!({"model": "claude-opus-4-8"})), hello_with(&json!({"stream": true}))] {
        let answer = ask(&app, &key, &body).await;
        assert_eq!(answer.status(), 200);
        answer.text().await.unwrap();
    }
    assert_eq!(app.prompts_used(account).await, [Units(100), Units(100)]);
    assert_eq!(app.wallet(account).await, NanoUsd(5_000_000_000));
    let recorded = app.usage().await;
    assert!(
        recorded.iter().all(|record| record.door == Door::Anthropic && record.model.as_str() == "glm-4.7")
    );
    assert_eq!(recorded[0].usage.prompt().0, 10);
}

/// QUOTA-03, QUOTA-06, ERR-04: a used-up quota is said with the moment in which something comes back, to be read by a person:
/// no client is told to wait for it or to try again, and the wallet stays as it is.
#[tokio::test]
async fn a_used_up_quota_stops_a_tool_with_a_readable_sentence() {
    let app = TestApp::start().await;
    app.house.plan_book.replace(small_plans(|_| ()));
    let (account, key) = app.house.newcomer().await;
    app.house.top_up(account, "5").await;
    app.house.grant(account, "lite").await;
    for _ in 0..20 {
        assert_eq!(ask(&app, &key, &hello()).await.status(), 200);
    }
    for stream in [false, true] {
        let refused = refusal(ask(&app, &key, &hello_with(&json!({"stream": stream}))).await).await;
        assert_eq!(refused.brief(), (429, "rate_limit_error", "1308", true));
        assert_eq!(refused.retry_after, None);
        let moment = refused.text.strip_prefix("Usage limit reached for 5 hour. Your limit will reset at ");
        assert_eq!(moment.unwrap().len(), "2026-07-11 11:20:25".len(), "{}", refused.text);
    }
    assert_eq!(app.engine.requests().len(), 20);
    assert_eq!(app.wallet(account).await, NanoUsd(5_000_000_000));
}

/// QUOTA-02: where the operator counts what people ask, results of tools go on with what was asked, also when the client puts
/// instructions after them.
#[tokio::test]
async fn results_of_tools_begin_no_prompt() {
    let app = TestApp::start().await;
    app.house.plan_book.replace(small_plans(|book| {
        book["plans"]["lite"]["prompts_per_5h"] = 10.into();
        book["quota"]["unit"] = "user_turn".into();
    }));
    let (account, key) = app.house.newcomer().await;
    app.house.grant(account, "lite").await;
    let result = json!({"type": "tool_result", "tool_use_id": "toolu_1", "content": "done"});
    let turns = |last: Value| {
        json!({"model": "glm-4.7", "max_tokens": 64, "messages": [
            {"role": "user", "content": "Write it."},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "toolu_1", "name": "Write", "input": {}},
            ]},
            {"role": "user", "content": last},
            {"role": "system", "content": "A file was changed."},
        ]})
    };
    let said = json!({"type": "text", "text": "And now?"});
    for (body, prompts) in [(hello(), 1), (turns(json!([result])), 1), (turns(json!([result, said])), 2)] {
        let answer = ask(&app, &key, &body).await;
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
        assert_eq!(app.prompts_used(account).await[0], Units(prompts * 1000), "{body}");
    }
}

/// USE-02, clients.md §2: a tool is known by its headers, and by the block among its system texts, which no model is shown.
#[tokio::test]
async fn a_tool_is_recognised() {
    let app = TestApp::start().await;
    let block = "x-anthropic-billing-header: cc_version=2.1.197.d53; cc_entrypoint=sdk-cli;";
    let prompt = "You are a Claude agent, built on Anthropic's Claude Agent SDK.";
    let system = json!([{"type": "text", "text": block}, {"type": "text", "text": prompt}]);
    let body = hello_with(&json!({"system": system}));
    for agent in ["claude-cli/2.1.197 (external, cli)", "something new"] {
        let request = app.http.post(door(&app, "/v1/messages")).bearer_auth(app.key.expose());
        let request = request.header("user-agent", agent).body(body.to_string());
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
    let recorded = app.usage().await;
    assert_eq!(recorded.len(), 2);
    for record in recorded {
        assert_eq!(record.client.name.as_deref(), Some("Claude Code"));
        assert!(record.client.version.as_deref().unwrap().starts_with("2.1.197"));
        assert_eq!(record.client.confidence, "certain");
    }
    let asked = format!("{:?}", app.engine.requests()[0].messages);
    assert!(asked.contains(prompt) && !asked.contains("billing"), "{asked}");
}
