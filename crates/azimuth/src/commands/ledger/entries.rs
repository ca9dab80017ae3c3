use anyhow::Context;
use ledger::{BookAccount, Entry, LedgerStore, Posting};
use serde_json::{Value, json};
use vocab::{AccountId, EntryId};

use crate::books::Books;
use crate::terminal::{minute, print_json, print_table};

pub(super) async fn run(
    books: &Books,
    account: AccountId,
    before: Option<EntryId>,
    limit: u32,
    json: bool,
) -> anyhow::Result<()> {
    let found = books.accounts.find(account).await?;
    found.with_context(|| {
        format!("there is no account {account}; `azimuth admin accounts list` shows them")
    })?;
    let entries = books.store.entries(account, before, limit).await?;
    if json {
        return print_json(&entries.iter().map(described).collect::<Vec<_>>());
    }
    let rows: Vec<Vec<String>> = entries
        .iter()
        .map(|entry| {
            let postings: Vec<String> = entry.postings.iter().map(in_words).collect();
            vec![
                minute(entry.at),
                entry.id.to_string(),
                entry.kind.as_str().to_owned(),
                entry.reference.clone(),
                postings.join(", "),
            ]
        })
        .collect();
    print_table(&["AT (UTC)", "ENTRY", "WHY", "FOR", "MOVED USD"], &rows)?;
    if let Some(last) = entries.last().filter(|_| entries.len() == limit as usize) {
        eprintln!("There may be more: --before {}", last.id);
    }
    Ok(())
}

fn described(entry: &Entry) -> Value {
    let postings: Vec<Value> = entry
        .postings
        .iter()
        .map(|posting| {
            let (book, of) = named(posting.book);
            json!({ "book": book, "of": of, "usd": posting.amount.to_string() })
        })
        .collect();
    json!({
        "id": entry.id,
        "at": entry.at.to_string(),
        "kind": entry.kind,
        "account": entry.account,
        "reference": entry.reference,
        "postings": postings,
    })
}

/// What people have goes up by a plus; what the house has given or earned is the other side.
fn in_words(posting: &Posting) -> String {
    let sign = if posting.amount.is_positive() { "+" } else { "" };
    format!("{} {sign}{}", named(posting.book).0, posting.amount)
}

fn named(book: BookAccount) -> (&'static str, Option<String>) {
    match book {
        BookAccount::Cash(account) => ("cash", Some(account.to_string())),
        BookAccount::Credit(grant) => ("credit", Some(grant.to_string())),
        BookAccount::Held(hold) => ("held", Some(hold.to_string())),
        BookAccount::Payments => ("payments", None),
        BookAccount::Promotions => ("promotions", None),
        BookAccount::Revenue => ("revenue", None),
    }
}
