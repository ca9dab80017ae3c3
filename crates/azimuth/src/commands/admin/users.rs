use accounts::{BlockedEndUser, EndUserId};
use serde_json::{Value, json};
use vocab::AccountId;

use super::{Desk, one_line};
use crate::cli::admin::Users;
use crate::terminal::{minute, print_json, print_table};

const PAGE: u32 = 1000;

pub(super) async fn run(desk: &Desk, command: Users) -> anyhow::Result<()> {
    match command {
        Users::Block { account, user_id, note } => block(desk, account, &user_id, &note).await,
        Users::Unblock { account, user_id } => unblock(desk, account, &user_id).await,
        Users::List { account } => list(desk, account).await,
    }
}

async fn block(desk: &Desk, account: AccountId, user_id: &str, note: &str) -> anyhow::Result<()> {
    desk.account(account).await?;
    let id: EndUserId = user_id.parse()?;
    let note = one_line("a note", note)?;
    let is_new = desk.books.end_users.block(account, id, note).await?;
    if is_new {
        desk.record(Some(account), "end_user.block", user_id, json!({ "note": note })).await?;
    }
    let line = if is_new { "is kept out from now on" } else { "was kept out before" };
    let facts = json!({ "account": account, "user_id": user_id, "blocked": true, "changed": is_new });
    desk.say(&format!("{user_id} {line}"), &facts)
}

async fn unblock(desk: &Desk, account: AccountId, user_id: &str) -> anyhow::Result<()> {
    desk.account(account).await?;
    let was_blocked = desk.books.end_users.unblock(account, &user_id.parse()?).await?;
    if was_blocked {
        desk.record(Some(account), "end_user.unblock", user_id, json!({})).await?;
    }
    let line = if was_blocked { "may come in again" } else { "was not kept out" };
    let facts = json!({ "account": account, "user_id": user_id, "blocked": false, "changed": was_blocked });
    desk.say(&format!("{user_id} {line}"), &facts)
}

async fn list(desk: &Desk, account: AccountId) -> anyhow::Result<()> {
    desk.account(account).await?;
    let mut blocked: Vec<BlockedEndUser> = Vec::new();
    loop {
        let page = desk.books.end_users.list(account, blocked.last().map(|last| &last.id), PAGE).await?;
        if page.is_empty() {
            break;
        }
        blocked.extend(page);
    }
    if desk.json {
        return print_json(&blocked.iter().map(described).collect::<Vec<_>>());
    }
    let row = |user: &BlockedEndUser| vec![user.id.to_string(), minute(user.blocked), user.note.clone()];
    print_table(&["USER", "SINCE (UTC)", "NOTE"], &blocked.iter().map(row).collect::<Vec<_>>())
}

fn described(user: &BlockedEndUser) -> Value {
    json!({ "user_id": user.id.as_str(), "since": user.blocked.to_string(), "note": user.note })
}
