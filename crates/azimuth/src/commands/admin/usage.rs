use std::collections::BTreeMap;
use std::io::Write;

use anyhow::ensure;
use gateway::{DailyQuery, DailyUsage, Day, UsageRollup, UsageSum};
use serde_json::{Value, json};
use vocab::{AccountId, ModelName};

use super::Desk;
use crate::cli::admin::UsageReport;
use crate::terminal::{print_json, print_table};

const PAGE: u32 = 1000;

/// More lines than this are asked for in several reports.
const LINES_MAX: usize = 1_000_000;

pub(super) async fn run(desk: &Desk, asked: &UsageReport) -> anyhow::Result<()> {
    ensure!(!(asked.csv && desk.json), "`--csv` and `--json` cannot be combined");
    if let Some(account) = asked.account {
        desk.account(account).await?;
    }
    let lines = lines(desk, asked).await?;
    if desk.json {
        return print_json(&lines.iter().map(described).collect::<Vec<_>>());
    }
    if asked.csv { print_csv(&lines) } else { print_days(&lines) }
}

/// The sums of the days, newest first. What a running server has written and not added up yet is added first.
async fn lines(desk: &Desk, asked: &UsageReport) -> anyhow::Result<Vec<DailyUsage>> {
    let store = &desk.books.store;
    desk.books.statements.roll_up().await?;

    let zone = desk.books.plans.book().quota().time_zone;
    let since = Day::of(desk.books.clock.now(), zone).minus(asked.days.saturating_sub(1));
    let query = DailyQuery { account: asked.account, since: Some(since), ..DailyQuery::default() };
    let mut lines: Vec<DailyUsage> = Vec::new();
    loop {
        let cursor = lines.last().map(|line| line.place.clone());
        let page = store.rollup_list(&query, cursor.as_ref(), PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        lines.extend(page);
        if is_last {
            return Ok(lines);
        }
        ensure!(
            lines.len() <= LINES_MAX,
            "more than {LINES_MAX} lines; ask for fewer `--days`, or one `--account`"
        );
    }
}

/// No value needs quotes: ids, names of models and numbers have no commas.
fn print_csv(lines: &[DailyUsage]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "day,account,key,model,requests,fresh_prompt,cached_prompt,reasoning,answer,cost_usd,charged_usd"
    )?;
    for DailyUsage { place, sum } in lines {
        let usage = &sum.usage;
        writeln!(
            out,
            "{},{},{},{},{},{},{},{},{},{},{}",
            place.day,
            place.account,
            place.key,
            place.model,
            sum.requests,
            usage.fresh_prompt,
            usage.cached_prompt,
            usage.reasoning,
            usage.answer,
            sum.cost,
            sum.charged,
        )?;
    }
    Ok(())
}

/// For people: all keys of an account together.
fn print_days(lines: &[DailyUsage]) -> anyhow::Result<()> {
    let mut days: BTreeMap<(Day, AccountId, &ModelName), UsageSum> = BTreeMap::new();
    for DailyUsage { place, sum } in lines {
        days.entry((place.day, place.account, &place.model)).or_default().add(sum);
    }
    let rows: Vec<Vec<String>> = days
        .iter()
        .map(|((day, account, model), sum)| {
            vec![
                day.to_string(),
                account.to_string(),
                model.to_string(),
                sum.requests.to_string(),
                sum.usage.fresh_prompt.to_string(),
                sum.usage.cached_prompt.to_string(),
                sum.usage.completion().to_string(),
                sum.charged.to_string(),
            ]
        })
        .collect();
    print_table(&["DAY", "ACCOUNT", "MODEL", "REQUESTS", "PROMPT", "CACHED", "OUTPUT", "CHARGED USD"], &rows)
}

fn described(line: &DailyUsage) -> Value {
    let DailyUsage { place, sum } = line;
    json!({
        "day": place.day.to_string(),
        "account": place.account,
        "key": place.key,
        "model": place.model,
        "requests": sum.requests,
        "fresh_prompt": sum.usage.fresh_prompt,
        "cached_prompt": sum.usage.cached_prompt,
        "reasoning": sum.usage.reasoning,
        "answer": sum.usage.answer,
        "cost_usd": sum.cost.to_string(),
        "charged_usd": sum.charged.to_string(),
    })
}
