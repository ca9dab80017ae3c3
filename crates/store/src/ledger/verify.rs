use ledger::Verified;
use ledger::verify::{Checks, Invariant};

use crate::db::{Tx, sql};
use crate::{Store, StoreError};

/// What there is to look at.
const COUNTED: [(&str, &str); 9] = [
    ("entries", "SELECT COUNT(*) AS counted FROM ledger_entry"),
    ("postings", "SELECT COUNT(*) AS counted FROM ledger_posting"),
    ("accounts", "SELECT COUNT(*) AS counted FROM ledger_account"),
    ("grants", "SELECT COUNT(*) AS counted FROM ledger_grant"),
    ("holds", "SELECT COUNT(*) AS counted FROM ledger_hold"),
    ("settled requests", "SELECT COUNT(*) AS counted FROM ledger_settlement"),
    ("refunds", "SELECT COUNT(*) AS counted FROM ledger_refund"),
    ("slices", "SELECT COUNT(*) AS counted FROM quota_slice"),
    ("pools", "SELECT COUNT(*) AS counted FROM quota_pool"),
];

/// Finds what breaks each invariant, a few examples at most, without reading anything else: the database goes through its
/// tables once for each, and this process never holds more than the examples.
const BREAKING: [(Invariant, &str); 27] = [
    (
        Invariant::EntriesAddUp,
        "SELECT entry AS example FROM ledger_posting GROUP BY entry HAVING SUM(amount) <> 0 LIMIT 5",
    ),
    (
        Invariant::EntriesAddUp,
        "SELECT id AS example FROM ledger_entry e
         WHERE NOT EXISTS (SELECT 1 FROM ledger_posting p WHERE p.entry = e.id) LIMIT 5",
    ),
    (
        Invariant::EntriesAddUp,
        "SELECT entry AS example FROM ledger_posting p
         WHERE NOT EXISTS (SELECT 1 FROM ledger_entry e WHERE e.id = p.entry) LIMIT 5",
    ),
    (
        Invariant::BooksAddUp,
        "SELECT CAST(total AS TEXT) AS example FROM (SELECT SUM(amount) AS total FROM ledger_posting) AS books
         WHERE total <> 0",
    ),
    (
        Invariant::EnteredOnce,
        "SELECT reference AS example FROM ledger_entry GROUP BY kind, reference HAVING COUNT(*) > 1 LIMIT 5",
    ),
    (
        Invariant::CashIsPosted,
        "SELECT a.id AS example FROM ledger_account a LEFT JOIN
            (SELECT owner, SUM(amount) AS posted FROM ledger_posting WHERE book = 'cash' GROUP BY owner) AS p
            ON p.owner = a.id
         WHERE a.cash <> COALESCE(p.posted, 0) LIMIT 5",
    ),
    (
        Invariant::CashIsPosted,
        "SELECT owner AS example FROM ledger_posting p WHERE book = 'cash'
            AND NOT EXISTS (SELECT 1 FROM ledger_account a WHERE a.id = p.owner) LIMIT 5",
    ),
    (
        Invariant::CreditsArePosted,
        "SELECT g.id AS example FROM ledger_grant g LEFT JOIN
            (SELECT owner, SUM(amount) AS posted FROM ledger_posting WHERE book = 'credit' GROUP BY owner) AS p
            ON p.owner = g.id
         WHERE g.remaining <> COALESCE(p.posted, 0) LIMIT 5",
    ),
    (
        Invariant::CreditsArePosted,
        "SELECT owner AS example FROM ledger_posting p WHERE book = 'credit'
            AND NOT EXISTS (SELECT 1 FROM ledger_grant g WHERE g.id = p.owner) LIMIT 5",
    ),
    (
        Invariant::HoldsArePosted,
        "SELECT h.id AS example FROM ledger_hold h
         LEFT JOIN (SELECT hold, SUM(remaining) AS remaining FROM ledger_hold_part GROUP BY hold) AS t ON t.hold = h.id
         LEFT JOIN
            (SELECT owner, SUM(amount) AS posted FROM ledger_posting WHERE book = 'held' GROUP BY owner) AS p
            ON p.owner = h.id
         WHERE COALESCE(t.remaining, 0) <> COALESCE(p.posted, 0) LIMIT 5",
    ),
    (
        Invariant::HoldsArePosted,
        "SELECT owner AS example FROM ledger_posting p WHERE book = 'held'
            AND NOT EXISTS (SELECT 1 FROM ledger_hold h WHERE h.id = p.owner) LIMIT 5",
    ),
    (
        Invariant::HoldsArePosted,
        "SELECT h.id AS example FROM ledger_hold h LEFT JOIN
            (SELECT hold, SUM(taken) AS taken FROM ledger_hold_part GROUP BY hold) AS t ON t.hold = h.id
         WHERE h.opened <> COALESCE(t.taken, 0) LIMIT 5",
    ),
    (Invariant::NobodyOwesMore, "SELECT id AS example FROM ledger_account WHERE cash < -owed_max LIMIT 5"),
    (
        Invariant::NothingBelowZero,
        "SELECT id AS example FROM ledger_grant
         WHERE remaining < 0 OR ended < 0 OR remaining > amount - ended LIMIT 5",
    ),
    (
        Invariant::NothingBelowZero,
        "SELECT hold AS example FROM ledger_hold_part WHERE remaining < 0 OR remaining > taken LIMIT 5",
    ),
    (
        Invariant::NothingBelowZero,
        "SELECT id AS example FROM quota_slice WHERE remaining < 0 OR remaining > given LIMIT 5",
    ),
    (
        Invariant::EndedIsEmpty,
        "SELECT h.id AS example FROM ledger_hold h JOIN ledger_hold_part p ON p.hold = h.id
         WHERE h.closed IS NOT NULL AND p.remaining <> 0 LIMIT 5",
    ),
    (
        Invariant::EndedIsEmpty,
        "SELECT id AS example FROM quota_slice WHERE NOT is_open AND remaining <> 0 LIMIT 5",
    ),
    (
        Invariant::ChargedByEntry,
        "SELECT request AS example FROM ledger_settlement
         WHERE charged < 0 OR charged > cost OR from_credits < 0 OR from_credits > charged
            OR (charged > 0) <> (entry IS NOT NULL) LIMIT 5",
    ),
    (
        Invariant::ChargesAddUp,
        "SELECT e.id AS example FROM ledger_entry e
         LEFT JOIN (SELECT entry, SUM(charged) AS charged FROM ledger_settlement
                    WHERE entry IS NOT NULL GROUP BY entry) AS s ON s.entry = e.id
         LEFT JOIN ledger_posting p ON p.entry = e.id AND p.book = 'revenue'
         WHERE e.kind = 'settle' AND COALESCE(s.charged, 0) <> COALESCE(p.amount, 0) LIMIT 5",
    ),
    (
        Invariant::ChargesAddUp,
        "SELECT s.request AS example FROM ledger_settlement s WHERE s.entry IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM ledger_entry e
                            WHERE e.id = s.entry AND e.kind = 'settle' AND e.account = s.account) LIMIT 5",
    ),
    (
        Invariant::RefundsAddUp,
        "SELECT s.request AS example FROM ledger_settlement s LEFT JOIN
            (SELECT request, SUM(amount) AS refunded FROM ledger_refund GROUP BY request) AS r
            ON r.request = s.request
         WHERE s.refunded <> COALESCE(r.refunded, 0) OR s.refunded > s.charged LIMIT 5",
    ),
    (
        Invariant::RefundsAddUp,
        "SELECT r.reference AS example FROM ledger_refund r
         LEFT JOIN ledger_posting p ON p.entry = r.entry AND p.book = 'revenue'
         WHERE COALESCE(p.amount, 0) <> -r.amount LIMIT 5",
    ),
    (
        Invariant::RefundsAddUp,
        "SELECT e.id AS example FROM ledger_entry e WHERE e.kind = 'refund'
            AND NOT EXISTS (SELECT 1 FROM ledger_refund r
                            WHERE r.reference = e.reference AND r.entry = e.id) LIMIT 5",
    ),
    (
        Invariant::WindowsAddUp,
        "SELECT w.pool AS example FROM quota_window w LEFT JOIN
            (SELECT pool, name, starts, SUM(units) AS settled FROM
                (SELECT pool, 'five_hours' AS name, five_hours AS starts, units FROM ledger_settlement
                    WHERE five_hours IS NOT NULL
                 UNION ALL SELECT pool, 'week', week, units FROM ledger_settlement WHERE week IS NOT NULL
                 UNION ALL SELECT pool, 'month', month, units FROM ledger_settlement WHERE month IS NOT NULL) AS uses
             GROUP BY pool, name, starts) AS s
            ON s.pool = w.pool AND s.name = w.name AND s.starts = w.starts
         WHERE w.settled <> COALESCE(s.settled, 0) OR w.taken_back < 0 OR w.taken_back > w.settled LIMIT 5",
    ),
    (
        Invariant::WindowsAddUp,
        "SELECT u.pool AS example FROM
            (SELECT pool, 'five_hours' AS name, five_hours AS starts, units FROM ledger_settlement
                WHERE five_hours IS NOT NULL
             UNION ALL SELECT pool, 'week', week, units FROM ledger_settlement WHERE week IS NOT NULL
             UNION ALL SELECT pool, 'month', month, units FROM ledger_settlement WHERE month IS NOT NULL) AS u
         WHERE u.units > 0 AND NOT EXISTS
            (SELECT 1 FROM quota_window w WHERE w.pool = u.pool AND w.name = u.name AND w.starts = u.starts) LIMIT 5",
    ),
    (
        Invariant::UsesWereSettled,
        "SELECT u.pool AS example FROM quota_use u LEFT JOIN
            (SELECT pool, used_second, SUM(units) AS settled FROM ledger_settlement
             WHERE pool IS NOT NULL GROUP BY pool, used_second) AS s
            ON s.pool = u.pool AND s.used_second = u.second
         WHERE u.settled > COALESCE(s.settled, 0) OR u.taken_back < 0 OR u.taken_back > u.settled LIMIT 5",
    ),
];

/// Checks everything, as it is at one moment, beside whoever writes.
pub(super) async fn verify(store: &Store) -> Result<Verified, StoreError> {
    let mut tx = store.snapshot().await?;
    let mut checks = Checks::default();
    for (what, text) in COUNTED {
        checks.count(what, count(&mut tx, text).await?);
    }
    for (invariant, text) in BREAKING {
        for row in sql(text).fetch_all(&mut tx).await? {
            checks.broken(invariant, row.text("example")?);
        }
    }
    Ok(checks.into_verified())
}

async fn count(tx: &mut Tx, text: &'static str) -> Result<u64, StoreError> {
    sql(text).fetch_one(tx).await?.count("counted")
}
