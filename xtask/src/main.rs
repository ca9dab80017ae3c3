//! The project's own chores: `cargo xtask tidy` and `cargo xtask check`.

mod check;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  tidy    the rules of the house that no compiler knows: layers, file sizes, names, READMEs, rules without a test
  check   everything a change must pass beside the tests: format, clippy, docs, tidy, licences, unused crates";

fn main() -> ExitCode {
    let command = std::env::args().nth(1);
    let passed = match command.as_deref() {
        Some("tidy") => tidy::run(&root()),
        Some("check") => check::run(&root()),
        _ => {
            eprintln!("{USAGE}");
            false
        }
    };
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The folder of the workspace, wherever the command was started.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
