use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use vocab::AccountId;

use super::{AccountData, AccountRows, Section};
use crate::{BlockedEndUser, Case, CaseQuery, ConductStore};

/// Cases about an account and the end users it may not let in, for a copy of someone's data (rule DATA-02). Who decided
/// a case stays with the operator, as in the console.
pub struct ConductData(pub Arc<dyn ConductStore>);

#[async_trait]
impl AccountData for ConductData {
    fn section(&self) -> Section {
        Section {
            name: "conduct",
            source: "what your programs sent, what you wrote in appeals, and what the operator decided",
            purpose: "keeping the rules of use",
            receivers: "you, the other members of your accounts, and the operator",
        }
    }

    fn lists(&self) -> &'static [&'static str] {
        &["cases", "blocked_end_users"]
    }

    async fn rows(
        &self,
        list: &str,
        account: AccountId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<AccountRows, Box<dyn std::error::Error + Send + Sync>> {
        if list == "cases" {
            let cursor = after.map(str::parse).transpose()?;
            let query = CaseQuery { account: Some(account), cursor, ..CaseQuery::default() };
            let rows = self.0.case_list(&query, limit).await?;
            return Ok(AccountRows::of(&rows, limit, case, |last| last.id.to_string()));
        }
        let cursor = after.map(str::parse).transpose()?;
        let rows = self.0.end_user_list(account, cursor.as_ref(), limit).await?;
        Ok(AccountRows::of(&rows, limit, end_user, |last| last.id.to_string()))
    }
}

fn case(case: &Case) -> Value {
    json!({
        "id": case.id,
        "cause": case.cause,
        "state": case.state,
        "measure": case.measure,
        "evidence": case.evidence,
        "opened": case.opened.to_string(),
        "struck": case.struck.map(|struck| struck.to_string()),
        "appeal": case.appeal.as_ref().map(|appeal| {
            json!({"filed": appeal.filed.to_string(), "words": appeal.words})
        }),
        "decision": case.decision.as_ref().map(|decision| {
            json!({"at": decision.at.to_string(), "words": decision.words})
        }),
    })
}

fn end_user(blocked: &BlockedEndUser) -> Value {
    json!({"user_id": blocked.id.as_str(), "since": blocked.blocked.to_string(), "note": blocked.note})
}
