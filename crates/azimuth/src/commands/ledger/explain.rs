use anyhow::Context;
use gateway::{Bill, Door, End, Share, UsageLog, UsageQuery, UsageRecord};
use ledger::{Charge, Extras, LedgerStore, Line, QuotaUse, Settled};
use serde_json::{Value, json};
use vocab::{NanoUsd, RequestId};

use crate::books::Books;
use crate::terminal::{minute, print_facts, print_json, print_table};

/// Lists what a request was charged for. Says whether that is what it cost.
pub(super) async fn run(books: &Books, request: &RequestId, json: bool) -> anyhow::Result<bool> {
    let query = UsageQuery { request: Some(request.clone()), ..UsageQuery::default() };
    let Some(record) = books.store.usage_list(&query, 1).await?.pop() else {
        return forgotten(books, request, json).await;
    };
    let explained = Explained::of(books, record).await?;
    if json {
        print_json(&explained.facts())?;
    } else {
        explained.print()?;
    }
    Ok(explained.adds_up())
}

/// What is left of a request whose record was deleted because it had been kept long enough.
async fn forgotten(books: &Books, request: &RequestId, json: bool) -> anyhow::Result<bool> {
    let settled = books.store.settled(request).await?.with_context(|| {
        format!(
            "there is no record of {request}: it runs still, it was refused, it was free and its record has been \
             deleted, or it never was; `azimuth usage --requests` shows the newest"
        )
    })?;
    if json {
        let mut facts = json!({
            "request": settled.request,
            "account": settled.account,
            "record_deleted": true,
            "ended": settled.at.to_string(),
            "price_version": settled.price_version,
            "entry": settled.entry,
        });
        put_amounts(&mut facts, &settled);
        print_json(&facts)?;
        return Ok(true);
    }
    print_facts(&[
        ("request", settled.request.to_string()),
        ("account", settled.account.to_string()),
        ("ended", format!("{} UTC", minute(settled.at))),
        ("prices", format!("version {}", settled.price_version)),
    ])?;
    print_facts(&amounts(&settled))?;
    println!(
        "\nIts record was deleted, because it had been kept for as long as `retention.usage_days` says. What it cost \
         is in the ledger; what for cannot be shown any more."
    );
    Ok(true)
}

/// A request, and what came of it.
struct Explained {
    record: UsageRecord,
    bill: Bill,
    payment: Payment,
}

/// Who paid.
enum Payment {
    /// The balance: what was kept then, and what is reckoned again now.
    Balance { settled: Settled, charge: Charge },
    /// A plan.
    Plan { quota: QuotaUse, plan: Option<String> },
    /// Nobody.
    Nobody,
}

impl Explained {
    async fn of(books: &Books, record: UsageRecord) -> anyhow::Result<Self> {
        let request = &record.request;
        let end = End::Admitted { ending: record.ending, had_output: record.first_token.is_some() };
        let bill = Bill::of(end, &record.usage);

        let payment = match books.store.settled(request).await? {
            None => Payment::Nobody,
            Some(settled) => match books.store.settled_quota(request).await? {
                Some(quota) => {
                    let held = books.plans.find(quota.pool.subscription).await?;
                    Payment::Plan { quota, plan: held.map(|held| held.plan.to_string()) }
                }
                None => {
                    let paid = bill.charged.of_usage(&record.usage);
                    let prices = books.rules.prices.current();
                    let charge =
                        prices.explain(settled.price_version, &record.model, &paid, &Extras::default())?;
                    Payment::Balance { settled, charge }
                }
            },
        };
        Ok(Self { record, bill, payment })
    }

    /// Whether what is reckoned now is what was charged then.
    fn adds_up(&self) -> bool {
        match &self.payment {
            Payment::Balance { settled, charge } => charge.total == settled.cost,
            Payment::Plan { .. } | Payment::Nobody => true,
        }
    }

    fn print(&self) -> anyhow::Result<()> {
        let record = &self.record;
        print_facts(&[
            ("request", record.request.to_string()),
            ("account", record.account.to_string()),
            ("model", format!("{}, by the {} door", record.model, record.door.as_str())),
            ("began", format!("{} UTC", minute(record.started))),
            ("ended", record.ending.as_str().to_owned()),
            ("pays for", paid_share(self.bill.charged).to_owned()),
        ])?;
        println!();
        match &self.payment {
            Payment::Balance { settled, charge } => print_charge(settled, charge),
            Payment::Plan { quota, plan } => print_quota(quota, plan.as_deref()),
            Payment::Nobody => {
                println!("{}", self.why_free());
                Ok(())
            }
        }
    }

    fn why_free(&self) -> &'static str {
        match (self.bill.charged, self.record.door) {
            (Share::Nothing, _) => "Nothing was charged: a request that ended so costs nothing.",
            (_, Door::General) => {
                "Nothing was charged: the model had no price when the request began, or charging is switched off."
            }
            (_, Door::Coding | Door::Anthropic) => {
                "Nothing was counted: the plan does not limit such requests, or charging is switched off."
            }
        }
    }

    fn facts(&self) -> Value {
        let record = &self.record;
        let mut facts = json!({
            "request": record.request,
            "account": record.account,
            "key": record.key,
            "door": record.door,
            "model": record.model,
            "started": record.started.to_string(),
            "ending": record.ending,
            "pays_for": paid_share(self.bill.charged),
            "usage": record.usage,
            "adds_up": self.adds_up(),
        });
        match &self.payment {
            Payment::Balance { settled, charge } => {
                facts["paid_by"] = "balance".into();
                facts["price_version"] = charge.version.into();
                facts["lines"] = charge.lines.iter().map(line_facts).collect();
                facts["total_usd"] = charge.total.to_string().into();
                put_amounts(&mut facts, settled);
                facts["entry"] = json!(settled.entry);
            }
            Payment::Plan { quota, plan } => {
                facts["paid_by"] = "plan".into();
                facts["plan"] = json!(plan);
                facts["pool"] = json!(quota.pool);
                facts["units"] = json!(quota.units);
                facts["used_at"] = quota.used_at.to_string().into();
                facts["windows"] = quota
                    .anchored
                    .iter()
                    .map(|(window, starts)| json!({ "window": window, "starts": starts.to_string() }))
                    .collect();
            }
            Payment::Nobody => {
                facts["paid_by"] = Value::Null;
                facts["why"] = self.why_free().into();
            }
        }
        facts
    }
}

fn print_charge(settled: &Settled, charge: &Charge) -> anyhow::Result<()> {
    let rows: Vec<Vec<String>> = charge
        .lines
        .iter()
        .map(|line| {
            vec![
                item(line).replace('_', " "),
                line.quantity.to_string(),
                line.unit_price.to_string(),
                line.amount.to_string(),
            ]
        })
        .collect();
    print_table(&["WHAT", "HOW MANY", "USD EACH", "USD"], &rows)?;
    println!();
    let mut facts =
        vec![("prices", format!("version {}", charge.version)), ("sum", charge.total.to_string())];
    facts.extend(amounts(settled));
    print_facts(&facts)?;
    if charge.total == settled.cost {
        println!("\nThe sum is what the request cost.");
    } else {
        println!("\nThe sum is NOT what the request cost. `azimuth ledger verify` checks the books.");
    }
    Ok(())
}

/// What a charge came to, for people.
fn amounts(settled: &Settled) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("cost", settled.cost.to_string()),
        ("charged", format!("{}, of it {} from credits", settled.charged, settled.from_credits)),
    ];
    if settled.waived().is_positive() {
        facts.push(("waived", format!("{}, because no more was there", settled.waived())));
    }
    if settled.refunded.is_positive() {
        facts.push(("given back", settled.refunded.to_string()));
    }
    if let Some(entry) = settled.entry {
        facts.push(("entry", entry.to_string()));
    }
    facts
}

fn put_amounts(facts: &mut Value, settled: &Settled) {
    for (name, amount) in [
        ("cost_usd", settled.cost),
        ("charged_usd", settled.charged),
        ("from_credits_usd", settled.from_credits),
        ("waived_usd", settled.waived()),
        ("refunded_usd", settled.refunded),
    ] {
        facts[name] = amount.to_string().into();
    }
}

fn print_quota(quota: &QuotaUse, plan: Option<&str>) -> anyhow::Result<()> {
    let mut facts = vec![
        ("plan", format!("{}, {}", plan.unwrap_or("one that is gone"), quota.pool)),
        ("counts", format!("{} units; a prompt has about a thousand", quota.units.0)),
        ("used at", format!("{} UTC", minute(quota.used_at))),
    ];
    let windows: Vec<String> = quota
        .anchored
        .iter()
        .map(|(window, starts)| {
            format!("the {} from {} UTC", window.as_str().replace('_', " "), minute(*starts))
        })
        .collect();
    let rolling = "the five hours since it was used";
    let windows =
        if windows.is_empty() { rolling.to_owned() } else { format!("{rolling}; {}", windows.join("; ")) };
    facts.push(("windows", windows));
    print_facts(&facts)
}

fn paid_share(share: Share) -> &'static str {
    match share {
        Share::Everything => "everything",
        Share::Output => "its output",
        Share::Nothing => "nothing",
    }
}

fn line_facts(line: &Line) -> Value {
    let usd = |amount: NanoUsd| amount.to_string();
    json!({
        "item": item(line),
        "quantity": line.quantity,
        "unit_price_usd": usd(line.unit_price),
        "amount_usd": usd(line.amount),
    })
}

/// The item's name, as it is stored.
fn item(line: &Line) -> String {
    match serde_json::to_value(line.item) {
        Ok(Value::String(name)) => name,
        _ => format!("{:?}", line.item),
    }
}
