use std::fs;
use std::io::{IsTerminal, Read};
use std::path::Path;
use std::process::Command;

use accounts::{DocumentError, DocumentName, OperatorDocument};
use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

use super::Desk;
use crate::cli::Global;
use crate::cli::admin::{EditDocument, History, SetDocument, ShowDocument};
use crate::data_folder::write_whole;
use crate::terminal::{minute, print_json, print_table};

/// More than any document has, so that nobody reads a whole disk by mistake.
const BYTES_MAX: u64 = 4 << 20;

/// Prints the document alone, so that it can be written into a file; what else there is to know goes beside it.
pub(super) async fn show(desk: &Desk, asked: &ShowDocument) -> anyhow::Result<()> {
    let name = asked.document.name;
    let found = match asked.version {
        Some(version) => {
            let found = desk.books.rules.documents.version(name, version).await?;
            Some(found.with_context(|| format!("{name} has no version {version}; {}", see_history(name)))?)
        }
        None => desk.books.rules.documents.current(name).map(|document| document.as_ref().clone()),
    };
    let body = found.as_ref().map_or_else(|| desk.books.rules.body(name), |found| found.body.clone());
    if desk.json {
        return print_json(&described(name, found.as_ref(), Some(body)));
    }
    if std::io::stdout().is_terminal() {
        eprintln!("{}", found.as_ref().map_or("as the program brings it, version 0".to_owned(), title));
    }
    println!("{}", serde_json::to_string_pretty(&body)?);
    Ok(())
}

pub(super) async fn set(desk: &Desk, asked: &SetDocument) -> anyhow::Result<()> {
    let name = asked.document.name;
    let base = asked.base.unwrap_or_else(|| version(desk, name));
    let written = propose(desk, name, base, &read(&asked.file)?).await?;
    desk.say(&in_force(&written), &described(name, Some(&written), None))
}

/// A text that is refused is kept, and the message says where.
pub(super) async fn edit(global: &Global, desk: &Desk, asked: &EditDocument) -> anyhow::Result<()> {
    let name = asked.document.name;
    let Some(editor) = asked.editor.as_deref().filter(|editor| !editor.trim().is_empty()) else {
        bail!(
            "set EDITOR, or do it by hand: `azimuth admin show {name} > {name}.json`, then \
             `azimuth admin set {name} {name}.json`"
        )
    };
    let base = version(desk, name);
    let before = serde_json::to_string_pretty(&desk.books.rules.body(name))?;
    let folder = crate::commands::configuration(global)?.data.dir;
    let path = folder.join(format!("edit-{name}-{}.json", std::process::id()));
    write_whole(&path, before.as_bytes(), 0o600)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    run_editor(editor, &path)?;

    let text = read(&path)?;
    if text.trim_end() == before.trim_end() {
        fs::remove_file(&path)?;
        return desk
            .say("nothing was changed", &json!({ "document": name, "version": base, "changed": false }));
    }
    let written = propose(desk, name, base, &text).await.with_context(|| {
        let path = path.display();
        format!("your text is kept: mend it and say `azimuth admin set {name} {path} --base {base}`")
    })?;
    fs::remove_file(&path)?;
    desk.say(&in_force(&written), &described(name, Some(&written), None))
}

pub(super) async fn history(desk: &Desk, asked: &History) -> anyhow::Result<()> {
    let name = asked.document.name;
    let versions = desk.books.rules.documents.history(name, None, asked.limit).await?;
    if desk.json {
        let facts: Vec<Value> = versions.iter().map(|found| described(name, Some(found), None)).collect();
        return print_json(&facts);
    }
    if versions.is_empty() {
        println!("{name} were never changed: version 0, which the program brings, is in force");
        return Ok(());
    }
    let rows: Vec<Vec<String>> = versions
        .iter()
        .map(|found| vec![found.version.to_string(), minute(found.at), found.by.clone()])
        .collect();
    print_table(&["VERSION", "WRITTEN (UTC)", "BY"], &rows)
}

/// Puts `text` in force, if `base` is still the version that is.
async fn propose(desk: &Desk, name: DocumentName, base: i64, text: &str) -> anyhow::Result<OperatorDocument> {
    let body: Value = serde_json::from_str(text).context("this is not JSON")?;
    let written = match desk.books.rules.documents.propose(name, base, body, &author()).await {
        Ok(written) => written,
        Err(error @ DocumentError::Conflict { .. }) => {
            return Err(anyhow::Error::new(error).context(format!(
                "nothing is changed, because you began with version {base}; {}",
                see_history(name)
            )));
        }
        Err(error) => return Err(error.into()),
    };
    let details = json!({ "version": written.version });
    desk.record(None, "document.change", name, details).await?;
    Ok(written.as_ref().clone())
}

/// The version in force; 0 is the one that the program brings.
fn version(desk: &Desk, name: DocumentName) -> i64 {
    desk.books.rules.documents.current(name).map_or(0, |document| document.version)
}

fn read(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(BYTES_MAX + 1).read_to_string(&mut text)
    } else {
        fs::File::open(path).and_then(|file| file.take(BYTES_MAX + 1).read_to_string(&mut text))
    };
    let length = read.with_context(|| format!("{} cannot be read", path.display()))?;
    ensure!(
        u64::try_from(length).is_ok_and(|length| length <= BYTES_MAX),
        "{} is no document: it is too long",
        path.display()
    );
    Ok(text)
}

/// `editor` may have arguments, as `code --wait` has.
fn run_editor(editor: &str, path: &Path) -> anyhow::Result<()> {
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or(editor);
    let status = Command::new(program).args(words).arg(path).status();
    let status = status.with_context(|| format!("the editor `{editor}` cannot be started"))?;
    ensure!(
        status.success(),
        "the editor ended with {status}; nothing is changed, and {} is kept",
        path.display()
    );
    Ok(())
}

/// Who changes a document, for those who read its history.
fn author() -> String {
    let name = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let name: String = name.unwrap_or_default().chars().filter(|c| !c.is_control()).take(64).collect();
    if name.is_empty() { "the command line".to_owned() } else { format!("{name}, on the command line") }
}

fn described(name: DocumentName, found: Option<&OperatorDocument>, body: Option<Value>) -> Value {
    let mut facts = json!({
        "document": name,
        "version": found.map_or(0, |found| found.version),
        "at": found.map(|found| found.at.to_string()),
        "by": found.map(|found| &found.by),
    });
    if let Some(body) = body {
        facts["body"] = body;
    }
    facts
}

fn title(found: &OperatorDocument) -> String {
    format!("version {}, written {} UTC by {}", found.version, minute(found.at), found.by)
}

fn in_force(written: &OperatorDocument) -> String {
    format!("{} are at version {}; a running server follows within a second", written.name, written.version)
}

fn see_history(name: DocumentName) -> String {
    format!("`azimuth admin history {name}` shows the versions there are")
}
