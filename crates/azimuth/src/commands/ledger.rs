//! Proofs from what is stored: the whole ledger, one request's cost, one account's movements.

mod entries;
mod explain;

use std::process::ExitCode;

use ledger::{LedgerStore, Verified};
use serde_json::{Value, json};

use crate::books::Books;
use crate::cli::{Global, Ledger, LedgerCommand as Command};
use crate::terminal::print_json;

pub(super) async fn run(global: &Global, asked: Ledger) -> anyhow::Result<ExitCode> {
    let books = super::books(global).await?;
    let is_right = match asked.command {
        Command::Verify => verify(&books, asked.json).await?,
        Command::Explain { request } => explain::run(&books, &request, asked.json).await?,
        Command::Entries { account, before, limit } => {
            entries::run(&books, account, before, limit, asked.json).await?;
            true
        }
    };
    Ok(if is_right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn verify(books: &Books, json: bool) -> anyhow::Result<bool> {
    let verified = books.store.verify().await?;
    if json {
        print_json(&described(&verified))?;
    } else {
        print(&verified);
    }
    Ok(verified.is_clean())
}

fn print(verified: &Verified) {
    println!("There are:");
    for (what, count) in &verified.counted {
        println!("{count:>12} {what}");
    }
    println!("\nChecked:");
    for finding in &verified.findings {
        let mark = if finding.broken_by.is_empty() { "ok    " } else { "BROKEN" };
        println!("  {mark}  {}", finding.invariant);
        for example in &finding.broken_by {
            println!("            {example}");
        }
    }
    let broken = verified.findings.iter().filter(|finding| !finding.broken_by.is_empty()).count();
    if broken == 0 {
        println!("\nThe books are right.");
    } else {
        println!(
            "\n{broken} of these do not hold. Stop the servers, keep a copy of the database, and find out why."
        );
    }
}

fn described(verified: &Verified) -> Value {
    let counted: serde_json::Map<String, Value> =
        verified.counted.iter().map(|(what, count)| ((*what).to_owned(), json!(count))).collect();
    let findings: Vec<Value> = verified
        .findings
        .iter()
        .map(|finding| {
            json!({
                "invariant": finding.invariant,
                "holds": finding.broken_by.is_empty(),
                "broken_by": finding.broken_by,
            })
        })
        .collect();
    json!({ "is_clean": verified.is_clean(), "counted": counted, "findings": findings })
}
