use std::collections::BTreeSet;
use std::time::Duration;

use accounts::{ApiKey, KeyScope, KeyTerms};
use anyhow::Context;
use serde_json::json;
use vocab::{AccountId, KeyId, Secret};

use super::Desk;
use crate::cli::admin::{AccountKeys, NewKey};
use crate::commands::keys::{described, print, state};
use crate::terminal::print_json;

const PAGE: u32 = 500;

pub(super) async fn run(desk: &Desk, command: AccountKeys) -> anyhow::Result<()> {
    match command {
        AccountKeys::Create(asked) => create(desk, asked).await,
        AccountKeys::List { account } => list(desk, account).await,
        AccountKeys::Rotate { id, overlap_hours } => rotate(desk, id, overlap_hours).await,
        AccountKeys::Revoke { id } => revoke(desk, id).await,
    }
}

async fn create(desk: &Desk, asked: NewKey) -> anyhow::Result<()> {
    desk.account(asked.account).await?;
    let now = desk.books.clock.now();
    let days = |days: u32| now.plus(Duration::from_secs(u64::from(days) * 24 * 3600));
    let networks: Result<Vec<_>, _> = asked.addresses.iter().map(|network| network.parse()).collect();
    let scope = KeyScope {
        doors: given(asked.doors),
        models: given(asked.models),
        addresses: Some(networks.context("a network is written 10.0.0.0/8 or 2001:db8::/32")?)
            .filter(|networks| !networks.is_empty()),
    };
    let terms = KeyTerms {
        project: None,
        scope,
        monthly_spend_max: asked.monthly_usd,
        expires: asked.expires_days.map(days),
    };
    let (key, secret) = desk.books.keys.create_under(asked.account, &asked.name, terms).await?;
    desk.record(Some(key.account), "key.create", key.id, json!({ "name": key.name, "scope": *key.scope }))
        .await?;
    hand_over(desk, &key, &secret)
}

async fn list(desk: &Desk, account: AccountId) -> anyhow::Result<()> {
    desk.account(account).await?;
    let mut keys: Vec<ApiKey> = Vec::new();
    loop {
        let page = desk.books.keys.list(Some(account), keys.last().map(|key| key.id), PAGE).await?;
        if page.is_empty() {
            break;
        }
        keys.extend(page);
    }
    if desk.json { print_json(&keys.iter().map(described).collect::<Vec<_>>()) } else { print(&keys) }
}

async fn rotate(desk: &Desk, id: KeyId, overlap_hours: u32) -> anyhow::Result<()> {
    let overlap = Duration::from_secs(u64::from(overlap_hours) * 3600);
    let (key, secret) = desk.books.keys.rotate(id, overlap).await?;
    let details = json!({ "successor": key.id, "overlap_hours": overlap_hours });
    desk.record(Some(key.account), "key.rotate", id, details).await?;
    hand_over(desk, &key, &secret)
}

async fn revoke(desk: &Desk, id: KeyId) -> anyhow::Result<()> {
    let key = desk.books.keys.find(id).await?;
    let key = key.context("no such key; `azimuth keys list` shows them all")?;
    let was_alive = desk.books.keys.revoke(id).await?;
    if was_alive {
        desk.record(Some(key.account), "key.revoke", id, json!({ "name": key.name })).await?;
    }
    let line = if was_alive { "is revoked".to_owned() } else { format!("was {} before", state(&key)) };
    desk.say(&format!("{id} {line}"), &json!({ "id": id, "revoked": true, "was_alive": was_alive }))
}

/// The one time that the whole key is shown: alone on its line, so that it can be piped.
fn hand_over(desk: &Desk, key: &ApiKey, secret: &Secret) -> anyhow::Result<()> {
    if desk.json {
        let mut shown = described(key);
        shown["api_key"] = secret.expose().into();
        return print_json(&shown);
    }
    println!("{}", secret.expose());
    eprintln!("This is the only time the key is shown. Its id is {}.", key.id);
    Ok(())
}

/// What was said several times; `None` if it was not said at all, and nothing is limited.
fn given<T: Ord>(values: Vec<T>) -> Option<BTreeSet<T>> {
    if values.is_empty() { None } else { Some(values.into_iter().collect()) }
}
