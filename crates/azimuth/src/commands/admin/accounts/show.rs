use accounts::{Account, ApiKey, Case, CaseQuery, ConductRecord, Restriction, Subscription};
use gateway::{MeteredPlan, PlanMeter, Refusal};
use ledger::{Funds, GrantState, LedgerStore, WindowState};
use serde_json::{Value, json};
use vocab::{AccountId, Timestamp};

use super::{described, rates_in_words};
use crate::commands::admin::{Desk, plans};
use crate::commands::keys;
use crate::terminal::{minute, print_facts, print_json, print_table};

/// Longer lists than these have commands of their own.
const GRANTS_MAX: u32 = 100;
const KEYS_MAX: u32 = 200;
const CASES_MAX: u32 = 100;

/// Everything there is to say about one account.
struct Portrait {
    account: Account,
    funds: Funds,
    grants: Vec<GrantState>,
    plan: Option<MeteredPlan>,
    subscriptions: Vec<Subscription>,
    keys: Vec<ApiKey>,
    conduct: ConductRecord,
    cases: Vec<Case>,
}

pub(super) async fn run(desk: &Desk, id: AccountId) -> anyhow::Result<()> {
    let portrait = Portrait::of(desk, id).await?;
    let now = desk.books.clock.now();
    if desk.json { print_json(&portrait.facts(now)) } else { portrait.print(now) }
}

impl Portrait {
    async fn of(desk: &Desk, id: AccountId) -> anyhow::Result<Self> {
        let books = &desk.books;
        let account = desk.account(id).await?;
        let meter = PlanMeter::new(
            books.standings.clone(),
            books.rules.plans.clone(),
            books.store.clone(),
            books.clock.clone(),
        );
        let plan = match meter.read(id).await {
            Ok(plan) => Some(plan),
            Err(Refusal::NoPlan { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let of_account = CaseQuery { account: Some(id), ..CaseQuery::default() };
        Ok(Self {
            account,
            funds: books.store.funds(id, books.clock.now()).await?,
            grants: books.store.grants(id, GRANTS_MAX).await?,
            plan,
            subscriptions: books.plans.held(id).await?.live,
            keys: books.keys.list(Some(id), None, KEYS_MAX).await?,
            conduct: books.conduct.record(id).await?,
            cases: books.conduct.cases(&of_account, CASES_MAX).await?,
        })
    }

    fn facts(&self, now: Timestamp) -> Value {
        let mut facts = described(&self.account);
        facts["funds"] = json!({
            "cash_usd": self.funds.cash.to_string(),
            "credits_usd": self.funds.credits.to_string(),
            "held_usd": self.funds.held.to_string(),
            "overdraft_usd": self.funds.overdraft.to_string(),
            "available_usd": self.funds.available().to_string(),
        });
        facts["grants"] = self.grants.iter().map(grant_facts).collect();
        facts["plan"] = self.plan.as_ref().map_or(Value::Null, |plan| {
            json!({
                "plan": plan.plan,
                "subscription": plan.subscription.id,
                "windows": plan.prompts.iter().chain(&plan.mcp_calls).map(window_facts).collect::<Vec<_>>(),
            })
        });
        facts["subscriptions"] = self.subscriptions.iter().map(|held| plans::described(held, now)).collect();
        facts["keys"] = self.keys.iter().map(keys::described).collect();
        facts["strikes"] = self.conduct.strikes.into();
        facts["restriction"] = self.conduct.restriction.as_ref().map_or(Value::Null, restriction_facts);
        facts["cases"] = self.cases.iter().map(|case| json!({"id": case.id, "state": case.state})).collect();
        facts
    }

    fn print(&self, now: Timestamp) -> anyhow::Result<()> {
        let Self { account, funds, conduct, .. } = self;
        let restriction = conduct.restriction.as_ref().filter(|restriction| restriction.is_in_force(now));
        print_facts(&[
            ("account", account.id.to_string()),
            ("name", account.name.clone()),
            ("state", account.state.name().to_owned()),
            ("created", format!("{} UTC", minute(account.created))),
            ("cash", format!("{} USD, may go {} USD below zero", funds.cash, funds.overdraft)),
            ("credits", format!("{} USD", funds.credits)),
            ("set aside", format!("{} USD, for requests that run", funds.held)),
            ("available", format!("{} USD", funds.available())),
            ("limits", rates_in_words(&account.rates)),
            ("strikes", conduct.strikes.to_string()),
            ("restriction", restriction.map_or("none".to_owned(), restriction_in_words)),
        ])?;
        if !self.grants.is_empty() {
            println!("\nCredits, in the order they are spent:");
            let rows: Vec<_> = self.grants.iter().map(grant_row).collect();
            print_table(&["GRANT", "FROM", "LEFT USD", "OF USD", "PRIORITY", "ENDS (UTC)", "NOTE"], &rows)?;
        }
        if self.subscriptions.is_empty() {
            println!("\nNo plan. `azimuth admin plan grant {} PLAN` gives it one.", account.id);
        } else {
            println!("\nPlans:");
            plans::print(&self.subscriptions, now)?;
        }
        if let Some(plan) = &self.plan {
            println!();
            let rows: Vec<_> = plan.prompts.iter().chain(&plan.mcp_calls).map(window_row).collect();
            print_table(&["WINDOW", "USED", "COMES BACK (UTC)"], &rows)?;
        }
        if !self.keys.is_empty() {
            println!("\nKeys:");
            let head = ["KEY", "NAME", "STATE", "LAST USED (UTC)"];
            print_table(&head, &self.keys.iter().map(key_row).collect::<Vec<_>>())?;
        }
        for case in &self.cases {
            println!("\n{}: {} ({})", case.id, case.state.as_str(), case.cause.as_str());
        }
        Ok(())
    }
}

fn grant_facts(state: &GrantState) -> Value {
    let grant = &state.grant;
    json!({
        "id": grant.id,
        "kind": grant.kind,
        "note": grant.note,
        "amount_usd": grant.amount.to_string(),
        "left_usd": state.left.to_string(),
        "priority": grant.priority,
        "expires": grant.expires.map(|expires| expires.to_string()),
        "given": grant.at.to_string(),
    })
}

fn grant_row(state: &GrantState) -> Vec<String> {
    let grant = &state.grant;
    vec![
        grant.id.to_string(),
        grant.kind.as_str().to_owned(),
        state.left.to_string(),
        grant.amount.to_string(),
        grant.priority.to_string(),
        grant.expires.map_or("never".to_owned(), minute),
        grant.note.clone(),
    ]
}

fn window_facts(window: &WindowState) -> Value {
    json!({
        "window": window.limit.name,
        "used_units": window.used,
        "limit_units": window.limit.limit,
        "permille_used": accounts::permille_used(window),
        "resets": window.resets.map(|resets| resets.to_string()),
    })
}

fn window_row(window: &WindowState) -> Vec<String> {
    let (count, unit) = accounts::window_words(window.limit.name);
    let permille = accounts::permille_used(window);
    vec![
        format!("{count} {unit}{}", if count == "1" { "" } else { "s" }),
        format!("{}.{} %", permille / 10, permille % 10),
        window.resets.map_or("nothing is used".to_owned(), minute),
    ]
}

fn key_row(key: &ApiKey) -> Vec<String> {
    vec![
        key.id.to_string(),
        key.name.clone(),
        keys::state(key).to_owned(),
        key.last_used.map_or("-".to_owned(), minute),
    ]
}

fn restriction_facts(restriction: &Restriction) -> Value {
    let (kind, until) = match restriction {
        Restriction::Throttled { until, .. } => ("throttled", *until),
        Restriction::Suspended { until, .. } => ("suspended", *until),
        Restriction::Banned { .. } => ("banned", None),
    };
    json!({ "kind": kind, "until": until.map(|until| until.to_string()), "case": restriction.case() })
}

fn restriction_in_words(restriction: &Restriction) -> String {
    let ends = |until: &Option<Timestamp>| {
        until.map_or("until it is lifted".to_owned(), |until| format!("until {} UTC", minute(until)))
    };
    let what = match restriction {
        Restriction::Throttled { calls_per_minute, until, .. } => {
            format!("{calls_per_minute} calls a minute {}", ends(until))
        }
        Restriction::Suspended { awaits_review: true, .. } => {
            "suspended; a ban waits for your word".to_owned()
        }
        Restriction::Suspended { until, .. } => format!("suspended {}", ends(until)),
        Restriction::Banned { since, .. } => format!("banned since {} UTC", minute(*since)),
    };
    format!("{what}, by {}", restriction.case())
}
