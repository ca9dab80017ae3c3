use accounts::{Case, CaseQuery, ConductError, Evidence};
use serde_json::{Value, json};
use vocab::{AccountId, CaseId, RequestId};

use super::Desk;
use crate::cli::admin::{Cases, Cause, Decision};
use crate::terminal::{minute, print_facts, print_json, print_table};

/// Who decided, as the account reads it.
const REVIEWER: &str = "operator";

pub(super) async fn run(desk: &Desk, command: Cases) -> anyhow::Result<()> {
    let conduct = &desk.books.conduct;
    match command {
        Cases::List { account, all, limit } => return list(desk, account, all, limit).await,
        Cases::Show { id } => return show(desk, &find(desk, id).await?),
        Cases::Open { account, cause, note, requests } => {
            desk.account(account).await?;
            let evidence = Evidence { requests, note, ..Evidence::default() };
            let case = conduct.open(account, of(cause), evidence).await?;
            decided(desk, &case, "case.open").await
        }
        Cases::Strike(Decision { id, reason }) => {
            let case = conduct.strike(id, REVIEWER, &reason).await.map_err(explained)?;
            decided(desk, &case, "case.strike").await
        }
        Cases::Dismiss(Decision { id, reason }) => {
            let case = conduct.dismiss(id, REVIEWER, &reason).await.map_err(explained)?;
            decided(desk, &case, "case.dismiss").await
        }
        Cases::Appeal { id, words } => {
            let account = find(desk, id).await?.account;
            let case = conduct.appeal(account, id, &words).await.map_err(explained)?;
            decided(desk, &case, "case.appeal").await
        }
        Cases::Confirm(Decision { id, reason }) => {
            let case = conduct.uphold(id, REVIEWER, &reason).await.map_err(explained)?;
            decided(desk, &case, "case.uphold").await
        }
        Cases::Lift(Decision { id, reason }) => {
            let case = conduct.lift(id, REVIEWER, &reason).await.map_err(explained)?;
            decided(desk, &case, "case.lift").await
        }
    }
}

async fn list(desk: &Desk, account: Option<AccountId>, all: bool, limit: u32) -> anyhow::Result<()> {
    let conduct = &desk.books.conduct;
    let cases = if all || account.is_some() {
        conduct.cases(&CaseQuery { account, ..CaseQuery::default() }, limit).await?
    } else {
        conduct.queue(None, limit).await?
    };
    if desk.json {
        return print_json(&cases.iter().map(described).collect::<Vec<_>>());
    }
    if cases.is_empty() {
        println!("Nothing waits for you.");
        return Ok(());
    }
    let rows: Vec<Vec<String>> = cases
        .iter()
        .map(|case| {
            vec![
                case.id.to_string(),
                case.account.to_string(),
                case.cause.as_str().to_owned(),
                case.state.as_str().to_owned(),
                case.measure.map_or("-", |measure| measure.as_str()).to_owned(),
                minute(case.opened),
            ]
        })
        .collect();
    print_table(&["CASE", "ACCOUNT", "CAUSE", "STATE", "MEASURE", "OPENED (UTC)"], &rows)
}

fn show(desk: &Desk, case: &Case) -> anyhow::Result<()> {
    if desk.json {
        return print_json(&described(case));
    }
    let client = case.evidence.client.as_ref();
    let requests: Vec<&str> = case.evidence.requests.iter().map(RequestId::as_str).collect();
    let mut facts = vec![
        ("case", case.id.to_string()),
        ("account", case.account.to_string()),
        ("cause", case.cause.as_str().to_owned()),
        ("state", case.state.as_str().to_owned()),
        ("measure", case.measure.map_or("none", |measure| measure.as_str()).to_owned()),
        ("opened", format!("{} UTC", minute(case.opened))),
        ("struck", case.struck.map_or("no".to_owned(), |struck| format!("{} UTC", minute(struck)))),
        ("client", client.map_or("-", |client| client.label()).to_owned()),
        ("door", case.evidence.door.clone().unwrap_or_else(|| "-".to_owned())),
        ("requests", if requests.is_empty() { "-".to_owned() } else { requests.join(" ") }),
        ("note", case.evidence.note.clone()),
    ];
    if let Some(appeal) = &case.appeal {
        facts.push(("appeal", format!("{} UTC: {}", minute(appeal.filed), appeal.words)));
    }
    if let Some(decision) = &case.decision {
        let said = format!("{} UTC by {}: {}", minute(decision.at), decision.by, decision.words);
        facts.push(("decision", said));
    }
    print_facts(&facts)
}

/// Writes down what became of a case, and says how its account stands now.
async fn decided(desk: &Desk, case: &Case, action: &'static str) -> anyhow::Result<()> {
    desk.record(Some(case.account), action, case.id, json!({ "state": case.state })).await?;
    let record = desk.books.conduct.record(case.account).await?;
    let mut facts = described(case);
    facts["strikes"] = record.strikes.into();
    let line = format!(
        "{} is {}; {} has {} strikes (`azimuth admin accounts show {}`)",
        case.id,
        case.state.as_str(),
        case.account,
        record.strikes,
        case.account
    );
    desk.say(&line, &facts)
}

async fn find(desk: &Desk, id: CaseId) -> anyhow::Result<Case> {
    desk.books.conduct.find(id).await.map_err(explained)
}

/// With what to do next, where that is not in the error itself.
fn explained(error: ConductError) -> anyhow::Error {
    let hint = match &error {
        ConductError::UnknownCase(_) => Some("`azimuth admin cases list --all` shows the cases there are"),
        ConductError::Illegal(_) => Some("this cannot happen to the case as it stands"),
        _ => None,
    };
    let error = anyhow::Error::new(error);
    match hint {
        Some(hint) => error.context(hint),
        None => error,
    }
}

fn described(case: &Case) -> Value {
    json!({
        "id": case.id,
        "account": case.account,
        "cause": case.cause,
        "state": case.state,
        "measure": case.measure,
        "evidence": case.evidence,
        "opened": case.opened.to_string(),
        "struck": case.struck.map(|struck| struck.to_string()),
        "appeal": case.appeal.as_ref().map(|appeal| {
            json!({ "filed": appeal.filed.to_string(), "words": appeal.words })
        }),
        "decision": case.decision.as_ref().map(|decision| {
            json!({ "at": decision.at.to_string(), "by": decision.by, "words": decision.words })
        }),
    })
}

fn of(cause: Cause) -> accounts::Cause {
    match cause {
        Cause::UnsupportedClient => accounts::Cause::UnsupportedClient,
        Cause::Sharing => accounts::Cause::Sharing,
        Cause::Resale => accounts::Cause::Resale,
        Cause::Other => accounts::Cause::Other,
    }
}
