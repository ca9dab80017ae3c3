use std::time::Duration;

use anyhow::{Context, bail, ensure};
use ledger::{Applied, Grant, GrantKind, LedgerStore, LedgerStoreError, RefundOutcome};
use serde_json::{Value, json};
use vocab::{AccountId, GrantId, NanoUsd};

use super::{Desk, one_line};
use crate::cli::admin::{Credits, Overdraft, Refund, TopUp};

pub(super) async fn top_up(desk: &Desk, asked: TopUp) -> anyhow::Result<()> {
    let TopUp { account, usd: amount, reference } = asked;
    let reference = reference_of(&reference)?;
    ensure!(
        desk.account(account).await?.state.takes_money(),
        "{account} is locked, and its money with it; `azimuth admin accounts release {account}` lets it go on"
    );
    ensure!(amount != NanoUsd::ZERO, "say how many dollars, such as 10 or 12.50");

    let top_up =
        ledger::TopUp { reference: reference.to_owned(), account, amount, at: desk.books.clock.now() };
    let applied = desk.books.store.top_up(&top_up).await?;
    match applied {
        Applied::Now => {
            let details = json!({ "usd": amount.to_string(), "reference": reference });
            desk.record(Some(account), "balance.top_up", account, details).await?;
        }
        Applied::Before => {}
        Applied::Refused if amount.is_positive() => bail!(
            "nothing was paid in: the reference `{reference}` was used before for another account or amount, or the \
             balance would be more than can be counted"
        ),
        Applied::Refused => bail!(
            "nothing was taken back: the reference `{reference}` was used before, or less than {} USD of cash is there; \
             `azimuth admin accounts show {account}` shows how much",
            -amount
        ),
    }
    let before = if applied == Applied::Before { " (it had been paid in before)" } else { "" };
    say_funds(desk, account, before, json!({ "applied": applied == Applied::Now })).await
}

pub(super) async fn credits(desk: &Desk, asked: Credits) -> anyhow::Result<()> {
    let Credits { account, usd: amount, expires_days, priority, note } = asked;
    let note = one_line("a note", &note)?.to_owned();
    desk.account(account).await?;
    ensure!(amount.is_positive(), "credits are more than 0 dollars");

    let at = desk.books.clock.now();
    let expires = expires_days.map(|days| at.plus(Duration::from_secs(u64::from(days) * 24 * 3600)));
    let id = GrantId::generate();
    let grant = Grant { id, account, kind: GrantKind::Operator, note, amount, priority, expires, at };
    if desk.books.store.grant(&grant).await? != Applied::Now {
        bail!("the credits were not given: the account would have more than can be counted");
    }
    let details = json!({
        "usd": amount.to_string(),
        "priority": priority,
        "expires": expires.map(|expires| expires.to_string()),
        "note": grant.note,
    });
    desk.record(Some(account), "balance.grant", id, details).await?;
    say_funds(desk, account, "", json!({ "grant": id })).await
}

pub(super) async fn overdraft(desk: &Desk, asked: Overdraft) -> anyhow::Result<()> {
    let Overdraft { account, usd: overdraft } = asked;
    desk.account(account).await?;
    ensure!(overdraft >= NanoUsd::ZERO, "an overdraft is 0 dollars or more");

    let before = desk.books.store.funds(account, desk.books.clock.now()).await?.overdraft;
    desk.books.store.overdraft_set(account, overdraft).await?;
    if before != overdraft {
        let details = json!({ "before_usd": before.to_string(), "usd": overdraft.to_string() });
        desk.record(Some(account), "balance.set_overdraft", account, details).await?;
    }
    say_funds(desk, account, "", json!({})).await
}

pub(super) async fn refund(desk: &Desk, asked: Refund) -> anyhow::Result<()> {
    let Refund { request, usd: amount, reference } = asked;
    let reference = reference_of(&reference)?.to_owned();
    ensure!(amount.is_positive(), "a refund is more than 0 dollars");
    let store = &desk.books.store;
    let not_charged = || format!("{request} was not charged; `azimuth ledger explain {request}` says why");
    let settled = store.settled(&request).await?.with_context(not_charged)?;

    let at = desk.books.clock.now();
    let refund =
        ledger::Refund { reference, request: request.clone(), amount, credits: GrantId::generate(), at };
    match store.refund(&refund).await.map_err(because)? {
        RefundOutcome::NotCharged => bail!(not_charged()),
        RefundOutcome::TooMuch { left } => {
            bail!("nothing was given back: {left} USD of the charge of {request} are left to give back")
        }
        RefundOutcome::Refunded(_) => {}
    }
    let after = store.settled(&request).await?.map_or(settled.refunded, |after| after.refunded);
    if after != settled.refunded {
        let details = json!({ "usd": amount.to_string(), "reference": refund.reference });
        desk.record(Some(settled.account), "balance.refund", &request, details).await?;
    }
    let before = if after == settled.refunded { " (it had been given back before)" } else { "" };
    let facts = json!({ "request": request, "refunded_usd": after.to_string() });
    say_funds(desk, settled.account, before, facts).await
}

/// Tells what the account has now, beside `facts`.
async fn say_funds(desk: &Desk, account: AccountId, more: &str, mut facts: Value) -> anyhow::Result<()> {
    let funds = desk.books.store.funds(account, desk.books.clock.now()).await?;
    facts["account"] = json!(account);
    for (name, amount) in [
        ("cash_usd", funds.cash),
        ("credits_usd", funds.credits),
        ("held_usd", funds.held),
        ("overdraft_usd", funds.overdraft),
        ("available_usd", funds.available()),
    ] {
        facts[name] = amount.to_string().into();
    }
    let line = format!(
        "{account} has {} USD{more}: {} in cash, {} in credits, {} of overdraft; {} more are set aside",
        funds.available(),
        funds.cash,
        funds.credits,
        funds.overdraft,
        funds.held,
    );
    desk.say(&line, &facts)
}

fn reference_of(reference: &str) -> anyhow::Result<&str> {
    let reference = one_line("a reference", reference)?;
    ensure!(!reference.is_empty(), "a reference names the invoice, receipt or reason");
    Ok(reference)
}

/// The ledger's own reason, such as a reference that was used before.
fn because(LedgerStoreError(why): LedgerStoreError) -> anyhow::Error {
    anyhow::Error::from_boxed(why)
}
