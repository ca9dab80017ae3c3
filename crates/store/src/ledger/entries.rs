use ledger::{BookAccount, Entry, EntryKind, Grant, GrantKind, GrantState, Posting};
use vocab::{AccountId, EntryId};

use crate::db::{Row, Tx, bulk, sql};
use crate::{Store, StoreError};

/// Writes entries, which are never changed.
pub(super) async fn insert(tx: &mut Tx, entries: &[Entry]) -> Result<(), StoreError> {
    let mut insert = bulk("INSERT INTO ledger_entry (id, kind, account, reference, entered) {rows}");
    let mut postings = bulk("INSERT INTO ledger_posting (entry, book, owner, amount) {rows}");
    for entry in entries {
        insert.row().bind(entry.id).bind(entry.kind.as_str()).bind(entry.account);
        insert.bind(&entry.reference).bind(entry.at);
        for posting in &entry.postings {
            let (book, owner) = book_written(posting.book);
            postings.row().bind(entry.id).bind(book).bind(owner).bind(posting.amount);
        }
    }
    insert.execute(tx).await?;
    postings.execute(tx).await?;
    Ok(())
}

/// The entry of this kind and reference.
pub(super) async fn find(tx: &mut Tx, kind: EntryKind, reference: &str) -> Result<Option<Entry>, StoreError> {
    let rows = sql("SELECT e.id, e.kind, e.account, e.reference, e.entered, p.book, p.owner, p.amount
         FROM ledger_entry e JOIN ledger_posting p ON p.entry = e.id
         WHERE e.kind = $1 AND e.reference = $2")
    .bind(kind.as_str())
    .bind(reference)
    .fetch_all(tx)
    .await?;
    Ok(gathered(&rows)?.pop())
}

pub(super) async fn list(
    store: &Store,
    account: AccountId,
    cursor: Option<EntryId>,
    limit: u32,
) -> Result<Vec<Entry>, StoreError> {
    let mut select = sql("SELECT e.id, e.kind, e.account, e.reference, e.entered, p.book, p.owner, p.amount
         FROM (SELECT id, kind, account, reference, entered FROM ledger_entry WHERE account = $1")
    .bind(account);
    if let Some(cursor) = cursor {
        select.push(" AND id < ").push_bind(cursor);
    }
    select.push(" ORDER BY id DESC LIMIT ").push_bind(limit);
    select.push(") AS e JOIN ledger_posting p ON p.entry = e.id ORDER BY e.id DESC");
    gathered(&select.fetch_all(store.reader()).await?)
}

/// Entries of rows that hold a posting each, those of an entry together.
fn gathered(rows: &[Row]) -> Result<Vec<Entry>, StoreError> {
    let mut entries = Vec::<Entry>::new();
    for row in rows {
        let id = row.parsed("id")?;
        let posting = Posting { book: book_read(row)?, amount: row.money("amount")? };
        match entries.last_mut().filter(|entry| entry.id == id) {
            Some(entry) => entry.postings.push(posting),
            None => entries.push(Entry {
                id,
                kind: row.named("kind", &EntryKind::ALL, EntryKind::as_str)?,
                account: row.parsed("account")?,
                reference: row.text("reference")?,
                at: row.moment("entered")?,
                postings: vec![posting],
            }),
        }
    }
    for entry in &mut entries {
        entry.postings.sort_by_key(|posting| posting.book);
    }
    Ok(entries)
}

fn book_written(book: BookAccount) -> (&'static str, String) {
    match book {
        BookAccount::Cash(account) => ("cash", account.to_string()),
        BookAccount::Credit(grant) => ("credit", grant.to_string()),
        BookAccount::Held(hold) => ("held", hold.to_string()),
        BookAccount::Payments => ("payments", String::new()),
        BookAccount::Promotions => ("promotions", String::new()),
        BookAccount::Revenue => ("revenue", String::new()),
    }
}

fn book_read(row: &Row) -> Result<BookAccount, StoreError> {
    match row.text("book")?.as_str() {
        "cash" => row.parsed("owner").map(BookAccount::Cash),
        "credit" => row.parsed("owner").map(BookAccount::Credit),
        "held" => row.parsed("owner").map(BookAccount::Held),
        "payments" => Ok(BookAccount::Payments),
        "promotions" => Ok(BookAccount::Promotions),
        "revenue" => Ok(BookAccount::Revenue),
        _ => Err(StoreError::Unreadable { column: "book", source: None }),
    }
}

/// A grant and what is left of it.
pub(super) fn read_grant(row: &Row) -> Result<GrantState, StoreError> {
    let priority = i32::try_from(row.integer("priority")?)
        .map_err(|error| StoreError::Unreadable { column: "priority", source: Some(error.into()) })?;
    let grant = Grant {
        id: row.parsed("id")?,
        account: row.parsed("account")?,
        kind: row.named("kind", &GrantKind::ALL, GrantKind::as_str)?,
        note: row.text("note")?,
        amount: row.money("amount")?,
        priority,
        expires: row.moment_if_any("expires")?,
        at: row.moment("given")?,
    };
    Ok(GrantState { grant, left: row.money("remaining")?, ended: row.money("ended")? })
}
