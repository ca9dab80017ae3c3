use std::process::ExitCode;
use std::time::Duration;

use gateway::{UsageLog, UsageQuery};
use vocab::{Clock, SystemClock, Timestamp};

use crate::books::Books;
use crate::cli::{Global, Usage};
use crate::terminal::{print_json, print_table};

pub(super) async fn run(global: &Global, options: &Usage) -> anyhow::Result<ExitCode> {
    let books = super::books(global).await?;
    let query = UsageQuery { since: options.days.map(days_ago), ..UsageQuery::default() };
    if options.requests {
        requests(&books, &query, options).await?;
    } else {
        totals(&books, &query, options).await?;
    }
    Ok(ExitCode::SUCCESS)
}

fn days_ago(days: u32) -> Timestamp {
    let span = Duration::from_secs(u64::from(days) * 24 * 3600);
    Timestamp::from_millis(
        SystemClock.now().as_millis() - i64::try_from(span.as_millis()).unwrap_or(i64::MAX),
    )
}

async fn totals(books: &Books, query: &UsageQuery, options: &Usage) -> anyhow::Result<()> {
    let totals = books.store.usage_total(query, options.limit).await?;
    if options.output.json {
        return print_json(&totals);
    }
    let rows: Vec<Vec<String>> = totals
        .iter()
        .map(|total| {
            vec![
                total.model.to_string(),
                total.key.to_string(),
                total.requests.to_string(),
                total.usage.fresh_prompt.to_string(),
                total.usage.cached_prompt.to_string(),
                total.usage.reasoning.to_string(),
                total.usage.answer.to_string(),
            ]
        })
        .collect();
    print_table(&["MODEL", "KEY", "REQUESTS", "PROMPT", "CACHED", "THINKING", "ANSWER"], &rows)
}

async fn requests(books: &Books, query: &UsageQuery, options: &Usage) -> anyhow::Result<()> {
    let records = books.store.usage_list(query, options.limit).await?;
    if options.output.json {
        return print_json(&records);
    }
    let milliseconds = |span: Duration| format!("{} ms", span.as_millis());
    let rows: Vec<Vec<String>> = records
        .iter()
        .map(|record| {
            vec![
                record.started.to_string()[..19].replace('T', " "),
                record.request.to_string(),
                record.model.to_string(),
                record.engine.clone(),
                format!("{}+{}", record.usage.fresh_prompt, record.usage.cached_prompt),
                record.usage.completion().to_string(),
                record.first_token.map_or("-".to_owned(), milliseconds),
                milliseconds(record.duration),
                record.ending.as_str().to_owned(),
            ]
        })
        .collect();
    print_table(
        &["STARTED (UTC)", "REQUEST", "MODEL", "ENGINE", "PROMPT", "OUTPUT", "FIRST", "TOTAL", "ENDED"],
        &rows,
    )
}
