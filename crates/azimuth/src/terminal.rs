//! What people see: tables, colours where the terminal shows them, and JSON for scripts.

use std::io::{IsTerminal, Write};

use serde::Serialize;
use vocab::Timestamp;

/// Prints a value as JSON, indented for people on a terminal.
pub(crate) fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if out.is_terminal() {
        serde_json::to_writer_pretty(&mut out, value)?;
    } else {
        serde_json::to_writer(&mut out, value)?;
    }
    writeln!(out)?;
    Ok(())
}

/// Prints rows in columns as wide as their widest cell.
pub(crate) fn print_table(head: &[&str], rows: &[Vec<String>]) -> anyhow::Result<()> {
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .chain([head[column].chars().count()])
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut out = std::io::stdout().lock();
    let line = |cells: &[String], out: &mut std::io::StdoutLock<'_>| -> std::io::Result<()> {
        let padded: Vec<String> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}", width = *width)).collect();
        writeln!(out, "{}", padded.join("  ").trim_end())
    };
    line(&head.iter().map(ToString::to_string).collect::<Vec<_>>(), &mut out)?;
    for row in rows {
        line(row, &mut out)?;
    }
    Ok(())
}

/// Text in grey, where the terminal shows colours and the person did not switch them off.
pub(crate) fn dim(text: &str) -> String {
    let has_colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    if has_colours { format!("\x1b[2m{text}\x1b[0m") } else { text.to_owned() }
}

/// A byte count for people.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let mut size = count as f64;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{size:.1} {}", UNITS[unit]) }
}

/// Prints facts one under the other, their names in a column.
pub(crate) fn print_facts(facts: &[(&str, String)]) -> anyhow::Result<()> {
    let width = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut out = std::io::stdout().lock();
    for (name, fact) in facts {
        writeln!(out, "{}", format!("{name:width$}  {fact}").trim_end())?;
    }
    Ok(())
}

/// A moment for people, to the minute, in UTC.
pub(crate) fn minute(at: Timestamp) -> String {
    at.to_string().chars().take(16).collect::<String>().replace('T', " ")
}
