use std::process::ExitCode;
use std::time::Duration;

use accounts::{ApiKey, AuditAction, By};
use anyhow::{Context, bail};
use serde_json::json;
use vocab::{Clock, KeyId, SystemClock, Timestamp};

use crate::books::Books;
use crate::cli::{Global, Keys, Output};
use crate::terminal::{print_json, print_table};

const PAGE: u32 = 200;

pub(super) async fn run(global: &Global, command: Keys) -> anyhow::Result<ExitCode> {
    let books = super::books(global).await?;
    match command {
        Keys::Create { name, expires_days, output } => create(&books, &name, expires_days, output).await?,
        Keys::List { output } => list(&books, output).await?,
        Keys::Revoke { id, output } => revoke(&books, &id, output).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn create(books: &Books, name: &str, expires_days: Option<u32>, output: Output) -> anyhow::Result<()> {
    let operator = books.accounts.ensure_operator().await?;
    let expires =
        expires_days.map(|days| SystemClock.now().plus(Duration::from_secs(u64::from(days) * 24 * 3600)));
    let (key, secret) = books.keys.create(operator.account.id, name, expires).await?;
    record(books, &key, "key.create").await?;
    if output.json {
        let mut shown = described(&key);
        shown["api_key"] = secret.expose().into();
        return print_json(&shown);
    }
    println!("{}", secret.expose());
    eprintln!("This is the only time the key is shown. Its id is {}.", key.id);
    Ok(())
}

async fn list(books: &Books, output: Output) -> anyhow::Result<()> {
    let keys = all(books).await?;
    if output.json { print_json(&keys.iter().map(described).collect::<Vec<_>>()) } else { print(&keys) }
}

pub(super) fn print(keys: &[ApiKey]) -> anyhow::Result<()> {
    let day = |time: Option<Timestamp>| {
        time.map_or("-".to_owned(), |time| time.to_string()[..16].replace('T', " "))
    };
    let rows: Vec<Vec<String>> = keys
        .iter()
        .map(|key| {
            vec![
                key.id.to_string(),
                key.name.clone(),
                format!("{}.…", key.public_id),
                day(Some(key.created)),
                day(key.last_used),
                state(key).to_owned(),
            ]
        })
        .collect();
    print_table(&["ID", "NAME", "KEY", "CREATED", "LAST USED", "STATE"], &rows)
}

async fn revoke(books: &Books, id: &str, output: Output) -> anyhow::Result<()> {
    let id = match id.parse::<KeyId>() {
        Ok(id) => id,
        Err(_) => {
            let public = id.split('.').next().unwrap_or(id);
            let keys = all(books).await?;
            let found = keys.iter().find(|key| key.public_id.to_string() == public);
            found.map(|key| key.id).context("no such key; `azimuth keys list` shows them")?
        }
    };
    let Some(key) = books.keys.find(id).await? else { bail!("no such key; `azimuth keys list` shows them") };
    let was_alive = books.keys.revoke(id).await?;
    if was_alive {
        record(books, &key, "key.revoke").await?;
    }
    if output.json {
        return print_json(&json!({ "id": id, "revoked": true, "was_alive": was_alive }));
    }
    println!("{id} {}", if was_alive { "is revoked" } else { "had already been revoked" });
    Ok(())
}

async fn record(books: &Books, key: &ApiKey, action: &'static str) -> anyhow::Result<()> {
    let details = [("name".to_owned(), key.name.clone().into())].into_iter().collect();
    let action = AuditAction::named(action);
    let recorded = books.audit.record(&By::OPERATOR, Some(key.account), action, key.id, details).await;
    recorded.context("it is done, but could not be written to the audit log")
}

async fn all(books: &Books) -> anyhow::Result<Vec<ApiKey>> {
    let mut keys: Vec<ApiKey> = Vec::new();
    loop {
        let page = books.keys.list(None, keys.last().map(|key| key.id), PAGE).await?;
        if page.is_empty() {
            return Ok(keys);
        }
        keys.extend(page);
    }
}

pub(super) fn state(key: &ApiKey) -> &'static str {
    match key {
        ApiKey { revoked: Some(_), .. } => "revoked",
        key if key.is_alive(SystemClock.now()) => "active",
        _ => "expired",
    }
}

pub(super) fn described(key: &ApiKey) -> serde_json::Value {
    json!({
        "id": key.id,
        "name": key.name,
        "public_id": key.public_id,
        "account": key.account,
        "scope": *key.scope,
        "monthly_usd": key.monthly_spend_max.map(|most| most.to_string()),
        "successor_of": key.successor_of,
        "created": key.created.to_string(),
        "expires": key.expires.map(|time| time.to_string()),
        "revoked": key.revoked.map(|time| time.to_string()),
        "last_used": key.last_used.map(|time| time.to_string()),
        "state": state(key),
    })
}
