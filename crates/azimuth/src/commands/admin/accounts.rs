use accounts::{Account, AccountEvent, By, RateOverrides};
use anyhow::ensure;
use ledger::LedgerStore;
use serde_json::{Value, json};
use vocab::AccountId;

use super::Desk;
use crate::cli::admin::{Accounts, RateLimits};
use crate::terminal::{minute, print_json, print_table};

mod show;

const PAGE: u32 = 500;

pub(super) async fn run(desk: &Desk, command: Accounts) -> anyhow::Result<()> {
    match command {
        Accounts::List => list(desk).await,
        Accounts::Create { name } => create(desk, &name).await,
        Accounts::Show { id } => show::run(desk, id).await,
        Accounts::Lock { id } => change(desk, id, AccountEvent::Lock).await,
        Accounts::Release { id } => change(desk, id, AccountEvent::Release).await,
        Accounts::Close { id, yes } => {
            ensure!(
                yes,
                "a closed account cannot be opened again; say `--yes` if you mean it, or lock it instead"
            );
            change(desk, id, AccountEvent::Close).await
        }
        Accounts::Rates { id, limits } => rates(desk, id, &limits).await,
    }
}

/// Page by page, so that any number of accounts can be listed.
async fn list(desk: &Desk) -> anyhow::Result<()> {
    let (accounts, now) = (&desk.books.accounts, desk.books.clock.now());
    let mut rows = Vec::new();
    let mut facts = Vec::new();
    let mut cursor = None;
    loop {
        let page = accounts.list(cursor, PAGE).await?;
        let Some(last) = page.last() else { break };
        cursor = Some(last.id);
        for account in &page {
            let available = desk.books.store.funds(account.id, now).await?.available();
            let mut fact = described(account);
            fact["available_usd"] = available.to_string().into();
            facts.push(fact);
            let available = if account.is_operator { "-".to_owned() } else { available.to_string() };
            rows.push(vec![
                account.id.to_string(),
                account.name.clone(),
                account.state.name().to_owned(),
                available,
                minute(account.created),
            ]);
        }
    }
    if desk.json {
        return print_json(&facts);
    }
    print_table(&["ACCOUNT", "NAME", "STATE", "AVAILABLE USD", "CREATED (UTC)"], &rows)
}

async fn create(desk: &Desk, name: &str) -> anyhow::Result<()> {
    let account = desk.books.accounts.create(name).await?;
    desk.record(Some(account.id), "account.create", account.id, json!({ "name": account.name })).await?;
    let next = format!(
        "{id} is made. It needs a key and money or a plan:\n  azimuth admin keys create --account {id}\n  \
         azimuth admin topup {id} 10 --reference first\n  azimuth admin plan grant {id} lite",
        id = account.id
    );
    desk.say(&next, &described(&account))
}

async fn change(desk: &Desk, id: AccountId, event: AccountEvent) -> anyhow::Result<()> {
    let account = desk.account(id).await?;
    let state = desk.books.moves.change(&account, event, &By::OPERATOR).await?;
    let account = Account { state, ..account };
    desk.say(&format!("{id} is {}", state.name()), &described(&account))
}

async fn rates(desk: &Desk, id: AccountId, limits: &RateLimits) -> anyhow::Result<()> {
    let account = desk.account(id).await?;
    let before = if limits.clear { RateOverrides::default() } else { account.rates };
    let rates = RateOverrides {
        concurrency: limits.concurrency.or(before.concurrency),
        requests_per_minute: limits.requests_per_minute.or(before.requests_per_minute),
        tokens_per_minute: limits.tokens_per_minute.or(before.tokens_per_minute),
        requests_per_day: limits.requests_per_day.or(before.requests_per_day),
    };
    if rates != account.rates {
        desk.books.accounts.set_rates(id, &rates).await?;
        let details = json!({ "before": account.rates, "after": rates });
        desk.record(Some(id), "account.set_rates", id, details).await?;
    }
    let account = Account { rates, ..account };
    desk.say(&format!("{id}: {}", rates_in_words(&rates)), &described(&account))
}

fn described(account: &Account) -> Value {
    json!({
        "id": account.id,
        "name": account.name,
        "state": account.state,
        "is_operator": account.is_operator,
        "rates": account.rates,
        "created": account.created.to_string(),
    })
}

fn rates_in_words(rates: &RateOverrides) -> String {
    let limits = [
        (rates.concurrency.map(u64::from), "at once"),
        (rates.requests_per_minute.map(u64::from), "requests a minute"),
        (rates.tokens_per_minute, "tokens a minute"),
        (rates.requests_per_day.map(u64::from), "requests a day"),
    ];
    let own: Vec<String> =
        limits.iter().filter_map(|(limit, what)| limit.map(|limit| format!("{limit} {what}"))).collect();
    if own.is_empty() { "the limits of its plan and of the platform".to_owned() } else { own.join(", ") }
}
