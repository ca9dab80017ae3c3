use accounts::{GrantStart, PlanError, PlanGrant, Subscription, SubscriptionState};
use anyhow::{Context, bail};
use ledger::{PoolKind, QuotaStore};
use serde_json::{Value, json};
use vocab::{AccountId, SubscriptionId, Timestamp};

use super::{Desk, one_line};
use crate::cli::admin::{GrantPlan, Plans};
use crate::terminal::{minute, print_json, print_table};

const PAGE: u32 = 500;

pub(super) async fn run(desk: &Desk, command: Plans) -> anyhow::Result<()> {
    match command {
        Plans::List { account } => list(desk, account).await,
        Plans::Grant(asked) => grant(desk, asked).await,
        Plans::End { subscription } => end(desk, subscription).await,
        Plans::Reset { subscription } => reset(desk, subscription).await,
    }
}

async fn list(desk: &Desk, account: Option<AccountId>) -> anyhow::Result<()> {
    if let Some(account) = account {
        desk.account(account).await?;
    }
    let mut all: Vec<Subscription> = Vec::new();
    loop {
        let page = desk.books.plans.list(account, all.last().map(|held| held.id), PAGE).await?;
        if page.is_empty() {
            break;
        }
        all.extend(page);
    }
    let now = desk.books.clock.now();
    if desk.json {
        return print_json(&all.iter().map(|held| described(held, now)).collect::<Vec<_>>());
    }
    print(&all, now)
}

async fn grant(desk: &Desk, asked: GrantPlan) -> anyhow::Result<()> {
    let GrantPlan { account, plan, term, now, note } = asked;
    let account = desk.account(account).await?;
    let grant = PlanGrant {
        account: account.id,
        plan,
        term: term.term(),
        start: if now { GrantStart::Now } else { GrantStart::InTurn },
        granted_by: Some(desk.books.accounts.ensure_operator().await?.account.id),
        note: one_line("a note", &note)?.to_owned(),
    };
    let held = match desk.books.plans.grant(&grant).await {
        Ok(held) => held,
        Err(PlanError::UnknownPlan(plan)) => {
            let book = desk.books.plans.book();
            let known: Vec<&str> = book.plans().into_iter().map(|(id, _)| id.as_str()).collect();
            bail!("there is no plan `{plan}`; there are {}", known.join(", "))
        }
        Err(error) => return Err(error.into()),
    };
    let details = json!({ "plan": held.plan, "term": grant.term, "starts": held.starts.to_string() });
    desk.record(Some(account.id), "plan.grant", held.id, details).await?;

    let at = desk.books.clock.now();
    let begins = if held.is_active(at) { "now".to_owned() } else { format!("{} UTC", minute(held.starts)) };
    let ends = held.ends.map_or("until it is ended".to_owned(), |ends| format!("until {} UTC", minute(ends)));
    let line = format!("{} has `{}` from {begins} {ends} ({})", account.id, held.plan, held.id);
    desk.say(&line, &described(&held, at))
}

async fn end(desk: &Desk, id: SubscriptionId) -> anyhow::Result<()> {
    let held = subscription(desk, id).await?;
    let was_live = desk.books.plans.end(id).await?;
    if was_live {
        desk.record(Some(held.account), "plan.end", id, json!({ "plan": held.plan })).await?;
    }
    let line = if was_live { format!("{id} is over") } else { format!("{id} was over before") };
    desk.say(&line, &json!({ "subscription": id, "ended": was_live }))
}

/// Gives back what is used in the windows of now. What runs meanwhile counts again.
async fn reset(desk: &Desk, id: SubscriptionId) -> anyhow::Result<()> {
    let held = subscription(desk, id).await?;
    let (book, now) = (desk.books.plans.book(), desk.books.clock.now());
    let plan = book.plan(&held.plan).with_context(|| format!("there is no plan `{}` any more", held.plan))?;
    for kind in [PoolKind::Prompts, PoolKind::McpCalls] {
        let windows = book.windows(plan, &held, kind, now);
        desk.books.store.quota_reset(held.pool(kind), &windows).await?;
    }
    desk.record(Some(held.account), "plan.reset", id, json!({ "plan": held.plan })).await?;
    desk.say(&format!("nothing of {id} counts as used"), &json!({ "subscription": id, "reset": true }))
}

async fn subscription(desk: &Desk, id: SubscriptionId) -> anyhow::Result<Subscription> {
    let found = desk.books.plans.find(id).await?;
    found.with_context(|| format!("there is no subscription {id}; `azimuth admin plan list` shows them"))
}

pub(super) fn described(held: &Subscription, now: Timestamp) -> Value {
    json!({
        "id": held.id,
        "account": held.account,
        "plan": held.plan,
        "state": held.state(now),
        "starts": held.starts.to_string(),
        "ends": held.over_at().map(|ends| ends.to_string()),
        "is_ended_early": held.ended_early.is_some(),
        "granted_by": held.granted_by,
        "note": held.note,
        "created": held.created.to_string(),
    })
}

pub(super) fn print(all: &[Subscription], now: Timestamp) -> anyhow::Result<()> {
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|held| {
            let state = match held.state(now) {
                SubscriptionState::Upcoming => "upcoming",
                SubscriptionState::Active => "active",
                SubscriptionState::Over => "over",
            };
            vec![
                held.id.to_string(),
                held.account.to_string(),
                held.plan.to_string(),
                state.to_owned(),
                minute(held.starts),
                held.over_at().map_or("never".to_owned(), minute),
                held.note.clone(),
            ]
        })
        .collect();
    print_table(&["SUBSCRIPTION", "ACCOUNT", "PLAN", "STATE", "BEGINS (UTC)", "ENDS (UTC)", "NOTE"], &rows)
}
