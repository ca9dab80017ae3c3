use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;
use vocab::AccountId;

use super::{AccountData, AccountRows, Section};
use crate::{Subscription, SubscriptionStore};

/// The plans that an account has and had, for a copy of someone's data (rule DATA-02).
pub struct PlanData(pub Arc<dyn SubscriptionStore>);

#[async_trait]
impl AccountData for PlanData {
    fn section(&self) -> Section {
        Section {
            name: "plans",
            source: "what you ordered and what the operator gave you",
            purpose: "knowing what you may use, and until when",
            receivers: "you, the other members of your accounts, and the operator",
        }
    }

    fn lists(&self) -> &'static [&'static str] {
        &["subscriptions"]
    }

    async fn rows(
        &self,
        _list: &str,
        account: AccountId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<AccountRows, Box<dyn std::error::Error + Send + Sync>> {
        let cursor = after.map(str::parse).transpose()?;
        let rows = self.0.subscription_list(Some(account), cursor, limit).await?;
        Ok(AccountRows::of(&rows, limit, told, |last| last.id.to_string()))
    }
}

fn told(held: &Subscription) -> serde_json::Value {
    json!({
        "id": held.id,
        "plan": held.plan,
        "starts": held.starts.to_string(),
        "ends": held.ends.map(|ends| ends.to_string()),
        "ended_early": held.ended_early.map(|ended| ended.to_string()),
        "was_given": held.granted_by.is_some(),
        "note": held.note,
        "created": held.created.to_string(),
    })
}
