use std::collections::BTreeSet;

use ledger::{
    Applied, BookError, EntryKind, Funds, Grant, GrantState, HoldOutcome, HoldRequest, Refund, RefundOutcome,
    TopUp,
};
use vocab::{AccountId, EntryId, NanoUsd, Timestamp};

use super::wallets::{Wallets, credits_named, holds_read, make_account};
use super::{entries, settled};
use crate::db::{Tx, sql};
use crate::{Store, StoreError};

pub(super) async fn top_up(store: &Store, top_up: &TopUp) -> Result<Applied, StoreError> {
    let mut tx = store.begin().await?;
    make_account(&mut tx, top_up.account).await?;
    let mut wallets = Wallets::of(&mut tx, top_up.account, None).await?;
    // Looked for under the lock, which whoever entered it has given up by now.
    if let Some(entry) = entries::find(&mut tx, EntryKind::TopUp, &top_up.reference).await? {
        return Ok(if entry.is_of(top_up) { Applied::Before } else { Applied::Refused });
    }
    let (applied, entry) = wallets.get(top_up.account).top_up(top_up, EntryId::generate())?;
    if applied == Applied::Now {
        wallets.enter(entry);
        wallets.keep(&mut tx).await?;
        tx.commit().await?;
    }
    Ok(applied)
}

pub(super) async fn grant(store: &Store, grant: &Grant) -> Result<Applied, StoreError> {
    let mut tx = store.begin().await?;
    make_account(&mut tx, grant.account).await?;
    let mut wallets = Wallets::of(&mut tx, grant.account, None).await?;
    if let Some(known) = credits_named(&mut tx, &BTreeSet::from([grant.id])).await?.first() {
        return Ok(if known.is_of(grant) { Applied::Before } else { Applied::Refused });
    }
    let (applied, entry) = wallets.get(grant.account).grant(grant, EntryId::generate())?;
    if applied == Applied::Now {
        wallets.enter(entry);
        wallets.keep(&mut tx).await?;
        tx.commit().await?;
    }
    Ok(applied)
}

pub(super) async fn overdraft_set(
    store: &Store,
    account: AccountId,
    overdraft: NanoUsd,
) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    make_account(&mut tx, account).await?;
    let mut wallets = Wallets::of(&mut tx, account, None).await?;
    wallets.get(account).overdraft_set(overdraft);
    wallets.keep(&mut tx).await?;
    tx.commit().await
}

pub(super) async fn hold_open(store: &Store, request: &HoldRequest) -> Result<HoldOutcome, StoreError> {
    let mut tx = store.begin().await?;
    let mut wallets = Wallets::of(&mut tx, request.account, None).await?;
    if let Some(hold) = holds_read(&mut tx, &BTreeSet::from([request.id])).await?.first() {
        return Ok(hold.asked_again(request)?);
    }
    let (outcome, entry) = wallets.get(request.account).hold_open(request, EntryId::generate())?;
    if matches!(outcome, HoldOutcome::Opened(_)) {
        wallets.enter(entry);
        wallets.keep(&mut tx).await?;
        tx.commit().await?;
    }
    Ok(outcome)
}

pub(super) async fn refund(store: &Store, refund: &Refund) -> Result<RefundOutcome, StoreError> {
    let mut tx = store.begin().await?;
    if let Some(earlier) = refund_find(&mut tx, &refund.reference).await? {
        return Ok(earlier.asked_again(refund)?);
    }
    let Some(charged) = settled::find(&mut tx, &refund.request).await? else {
        return Ok(RefundOutcome::NotCharged);
    };
    let mut wallets = Wallets::of(&mut tx, charged.account, None).await?;
    // Read again under the lock: another refund may have ended while this one waited.
    if let Some(earlier) = refund_find(&mut tx, &refund.reference).await? {
        return Ok(earlier.asked_again(refund)?);
    }
    let Some(mut charged) = settled::find(&mut tx, &refund.request).await? else {
        return Ok(RefundOutcome::NotCharged);
    };
    if !credits_named(&mut tx, &BTreeSet::from([refund.credits])).await?.is_empty() {
        return Err(BookError::Reused(refund.credits.to_string()).into());
    }

    let id = EntryId::generate();
    let (outcome, entry) = wallets.get(charged.account).refund(&mut charged, refund, id)?;
    if matches!(outcome, RefundOutcome::Refunded(_)) {
        wallets.enter(entry);
        wallets.keep(&mut tx).await?;
        sql("INSERT INTO ledger_refund (reference, request, amount, credits, entry, given)
             VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(&refund.reference)
        .bind(&refund.request)
        .bind(refund.amount)
        .bind(refund.credits)
        .bind(id)
        .bind(refund.at)
        .execute(&mut tx)
        .await?;
        sql("UPDATE ledger_settlement SET refunded = $1 WHERE request = $2")
            .bind(charged.refunded)
            .bind(&refund.request)
            .execute(&mut tx)
            .await?;
        tx.commit().await?;
    }
    Ok(outcome)
}

async fn refund_find(tx: &mut Tx, reference: &str) -> Result<Option<Refund>, StoreError> {
    let row =
        sql("SELECT reference, request, amount, credits, given FROM ledger_refund WHERE reference = $1")
            .bind(reference)
            .fetch_optional(tx)
            .await?;
    let read = row.map(|row| {
        Ok(Refund {
            reference: row.text("reference")?,
            request: row.request_id("request")?,
            amount: row.money("amount")?,
            credits: row.parsed("credits")?,
            at: row.moment("given")?,
        })
    });
    read.transpose()
}

/// In one statement, so that all of it is of one moment.
pub(super) async fn funds(store: &Store, account: AccountId, at: Timestamp) -> Result<Funds, StoreError> {
    let row = sql("SELECT
            COALESCE((SELECT cash FROM ledger_account WHERE id = $1), 0) AS cash,
            COALESCE((SELECT overdraft FROM ledger_account WHERE id = $1), 0) AS overdraft,
            (SELECT CAST(COALESCE(SUM(remaining), 0) AS BIGINT) FROM ledger_grant
             WHERE account = $1 AND remaining > 0 AND (expires IS NULL OR expires > $2)) AS credits,
            (SELECT CAST(COALESCE(SUM(p.remaining), 0) AS BIGINT)
             FROM ledger_hold h JOIN ledger_hold_part p ON p.hold = h.id
             WHERE h.account = $1 AND h.closed IS NULL) AS held")
    .bind(account)
    .bind(at)
    .fetch_one(store.reader())
    .await?;
    Ok(Funds {
        cash: row.money("cash")?,
        credits: row.money("credits")?,
        held: row.money("held")?,
        overdraft: row.money("overdraft")?,
    })
}

/// In the order of [`GrantState::turn`].
pub(super) async fn grants(
    store: &Store,
    account: AccountId,
    limit: u32,
) -> Result<Vec<GrantState>, StoreError> {
    let rows = sql("SELECT id, account, kind, note, amount, priority, expires, given, remaining, ended
         FROM ledger_grant WHERE account = $1 AND remaining > 0
         ORDER BY priority, expires IS NULL, expires, id LIMIT $2")
    .bind(account)
    .bind(limit)
    .fetch_all(store.reader())
    .await?;
    rows.iter().map(entries::read_grant).collect()
}
