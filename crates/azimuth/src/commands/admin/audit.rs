use std::time::Duration;

use accounts::{AuditEvent, AuditQuery};
use serde_json::{Value, json};
use vocab::Timestamp;

use super::Desk;
use crate::cli::admin::Audit;
use crate::terminal::{minute, print_json, print_table};

pub(super) async fn run(desk: &Desk, asked: &Audit) -> anyhow::Result<()> {
    let now = desk.books.clock.now();
    let days_ago = |days: u32| {
        let span = Duration::from_secs(u64::from(days) * 24 * 3600);
        let span_ms = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(now.as_millis().saturating_sub(span_ms))
    };
    let query =
        AuditQuery { account: asked.account, since: asked.days.map(days_ago), ..AuditQuery::default() };
    let events = desk.books.audit.list(&query, None, asked.limit).await?;
    if desk.json {
        return print_json(&events.iter().map(described).collect::<Vec<_>>());
    }
    let row = |event: &AuditEvent| {
        let details = if event.details.is_empty() { String::new() } else { json!(event.details).to_string() };
        vec![
            minute(event.at),
            event.actor.to_string(),
            event.action.to_string(),
            event.target.clone(),
            details,
        ]
    };
    print_table(&["AT (UTC)", "WHO", "DID", "TO", "DETAILS"], &events.iter().map(row).collect::<Vec<_>>())
}

fn described(event: &AuditEvent) -> Value {
    json!({
        "id": event.id,
        "at": event.at.to_string(),
        "actor": event.actor.to_string(),
        "account": event.account,
        "action": event.action,
        "target": event.target,
        "details": event.details,
        "source": event.source,
    })
}
