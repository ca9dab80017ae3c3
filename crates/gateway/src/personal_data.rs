//! What accounts used and paid, for copies of someone's data (rules DATA-01, DATA-02).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use accounts::{AccountData, AccountRows, Section};
use async_trait::async_trait;
use ledger::{Entry, GrantState, LedgerStore, Settled};
use serde_json::{Value, json};
use vocab::{AccountId, NanoUsd, RequestId};

use crate::{DailyQuery, DailyUsage, UsageLog, UsageQuery, UsageRecord, UsageRollup};

/// Every request of an account with what it came to, and the daily sums, which go back further.
pub struct UsageData {
    /// The requests.
    pub log: Arc<dyn UsageLog>,
    /// The sums, which are the lines of statements.
    pub rollup: Arc<dyn UsageRollup>,
    /// What requests came to.
    pub ledger: Arc<dyn LedgerStore>,
}

/// Every movement of an account's money, and its credits.
pub struct MoneyData(pub Arc<dyn LedgerStore>);

type Told = Result<AccountRows, Box<dyn std::error::Error + Send + Sync>>;

#[async_trait]
impl AccountData for UsageData {
    fn section(&self) -> Section {
        Section {
            name: "usage",
            source: "the requests that came with your keys: how much and when, never what they said",
            purpose: "charging for what was used, and explaining it to you",
            receivers: "you, the other members of your accounts, and the operator",
        }
    }

    fn lists(&self) -> &'static [&'static str] {
        &["requests", "days"]
    }

    async fn rows(&self, list: &str, account: AccountId, after: Option<&str>, limit: u32) -> Told {
        match list {
            "requests" => self.requests(account, after, limit).await,
            _ => self.days(account, after, limit).await,
        }
    }
}

impl UsageData {
    async fn requests(&self, account: AccountId, after: Option<&str>, limit: u32) -> Told {
        let after = after.map(str::parse).transpose()?;
        let query = UsageQuery { account: Some(account), after, ..UsageQuery::default() };
        let records = self.log.usage_list(&query, limit).await?;
        let ids: Vec<RequestId> = records.iter().map(|record| record.request.clone()).collect();
        let settled = self.ledger.settled_of(&ids).await?;
        let settled: HashMap<_, _> = settled.iter().map(|settled| (&settled.request, settled)).collect();
        let tell = |record: &UsageRecord| request(record, settled.get(&record.request).copied());
        Ok(AccountRows::of(&records, limit, tell, |last| last.place().to_string()))
    }

    async fn days(&self, account: AccountId, after: Option<&str>, limit: u32) -> Told {
        let cursor = after.map(str::parse).transpose()?;
        let query = DailyQuery { account: Some(account), ..DailyQuery::default() };
        let days = self.rollup.rollup_list(&query, cursor.as_ref(), limit).await?;
        Ok(AccountRows::of(&days, limit, day, |last| last.place.to_string()))
    }
}

#[async_trait]
impl AccountData for MoneyData {
    fn section(&self) -> Section {
        Section {
            name: "money",
            source: "payments, credits that were given to you, and what your requests cost",
            purpose: "keeping the books, as the law demands",
            receivers: "you, the members of your accounts who may see money, and the operator",
        }
    }

    fn lists(&self) -> &'static [&'static str] {
        &["entries", "credits"]
    }

    async fn rows(&self, list: &str, account: AccountId, after: Option<&str>, limit: u32) -> Told {
        if list == "entries" {
            let cursor = after.map(str::parse).transpose()?;
            let entries = self.0.entries(account, cursor, limit).await?;
            return Ok(AccountRows::of(&entries, limit, entry, |last| last.id.to_string()));
        }
        // Those that are not used up, which fit a page; how others were given and spent is among the entries.
        let credits = self.0.grants(account, CREDITS_MAX).await?;
        Ok(AccountRows { rows: credits.iter().map(credit).collect(), more: None })
    }
}

/// More than anyone has at once.
const CREDITS_MAX: u32 = 1000;

fn request(record: &UsageRecord, settled: Option<&Settled>) -> Value {
    json!({
        "id": record.request,
        "key": record.key,
        "door": record.door,
        "model": record.model,
        "tokens": record.usage,
        "started": record.started.to_string(),
        "first_token_ms": record.first_token.map(millis),
        "duration_ms": millis(record.duration),
        "ending": record.ending,
        "client": record.client.name,
        "client_version": record.client.version,
        "charge": settled.map(|settled| json!({
            "cost_usd": usd(settled.cost),
            "charged_usd": usd(settled.charged),
            "from_credits_usd": usd(settled.from_credits),
            "refunded_usd": usd(settled.refunded),
            "price_version": settled.price_version,
            "entry": settled.entry,
            "at": settled.at.to_string(),
        })),
    })
}

fn day(DailyUsage { place, sum }: &DailyUsage) -> Value {
    json!({
        "day": place.day.to_string(),
        "key": place.key,
        "model": place.model,
        "requests": sum.requests,
        "tokens": sum.usage,
        "cost_usd": usd(sum.cost),
        "charged_usd": usd(sum.charged),
    })
}

fn entry(entry: &Entry) -> Value {
    let postings = entry.postings.iter().map(|posting| {
        let mut told = json!(posting.book);
        told["amount_usd"] = usd(posting.amount).into();
        told
    });
    json!({
        "id": entry.id,
        "kind": entry.kind,
        "reference": entry.reference,
        "at": entry.at.to_string(),
        "postings": postings.collect::<Vec<_>>(),
    })
}

fn credit(GrantState { grant, left, ended }: &GrantState) -> Value {
    json!({
        "id": grant.id,
        "kind": grant.kind,
        "note": grant.note,
        "amount_usd": usd(grant.amount),
        "left_usd": usd(*left),
        "ended_usd": usd(*ended),
        "expires": grant.expires.map(|expires| expires.to_string()),
        "given": grant.at.to_string(),
    })
}

fn usd(amount: NanoUsd) -> String {
    amount.to_string()
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
