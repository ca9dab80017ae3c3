//! What the operator does on the command line. It works on the database itself, beside a running server, which notices
//! within a second.

mod accounts;
mod audit;
mod cases;
mod documents;
mod keys;
mod money;
mod plans;
mod usage;
mod users;

use std::fmt;
use std::process::ExitCode;

use ::accounts::{Account, AuditAction, By};
use anyhow::{Context, ensure};
use serde_json::Value;
use vocab::AccountId;

use crate::books::Books;
use crate::cli::admin::AdminCommand as Command;
use crate::cli::{Admin, Global};
use crate::terminal::print_json;

/// Longest line of an operator's own, such as a note or a reference.
const LINE_CHARS_MAX: usize = 200;

pub(super) async fn run(global: &Global, asked: Admin) -> anyhow::Result<ExitCode> {
    let desk = Desk { books: super::books(global).await?, json: asked.json };
    match asked.command {
        Command::Accounts(command) => accounts::run(&desk, command).await?,
        Command::Keys(command) => keys::run(&desk, command).await?,
        Command::Topup(asked) => money::top_up(&desk, asked).await?,
        Command::Credits(asked) => money::credits(&desk, asked).await?,
        Command::Overdraft(asked) => money::overdraft(&desk, asked).await?,
        Command::Refund(asked) => money::refund(&desk, asked).await?,
        Command::Plan(command) => plans::run(&desk, command).await?,
        Command::Show(asked) => documents::show(&desk, &asked).await?,
        Command::Set(asked) => documents::set(&desk, &asked).await?,
        Command::Edit(asked) => documents::edit(global, &desk, &asked).await?,
        Command::History(asked) => documents::history(&desk, &asked).await?,
        Command::Cases(command) => cases::run(&desk, command).await?,
        Command::Users(command) => users::run(&desk, command).await?,
        Command::Usage(asked) => usage::run(&desk, &asked).await?,
        Command::Audit(asked) => audit::run(&desk, &asked).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Where the operator works: the books, and how they are answered.
struct Desk {
    books: Books,
    json: bool,
}

impl Desk {
    async fn account(&self, id: AccountId) -> anyhow::Result<Account> {
        let found = self.books.accounts.find(id).await?;
        found.with_context(|| format!("there is no account {id}; `azimuth admin accounts list` shows them"))
    }

    /// Writes down what was just done. `details` is an object without secrets.
    async fn record(
        &self,
        account: Option<AccountId>,
        action: &'static str,
        target: impl fmt::Display + Send,
        details: Value,
    ) -> anyhow::Result<()> {
        let Value::Object(details) = details else { anyhow::bail!("details are an object") };
        let recorded = self
            .books
            .audit
            .record(&By::OPERATOR, account, AuditAction::named(action), target, details)
            .await;
        recorded.context("it is done, but could not be written to the audit log")
    }

    /// Answers in one line, or with what a script wants to know.
    fn say(&self, line: &str, facts: &Value) -> anyhow::Result<()> {
        if self.json {
            return print_json(facts);
        }
        println!("{line}");
        Ok(())
    }
}

/// A line that can be shown in a list.
fn one_line<'a>(what: &str, text: &'a str) -> anyhow::Result<&'a str> {
    let text = text.trim();
    let is_line = text.chars().take(LINE_CHARS_MAX + 1).count() <= LINE_CHARS_MAX
        && !text.chars().any(char::is_control);
    ensure!(is_line, "{what} is one line of at most {LINE_CHARS_MAX} characters");
    Ok(text)
}
