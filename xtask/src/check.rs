//! Everything a change must pass beside the tests, in one command, to the end even when a step fails.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tidy;

/// Tools that are not part of Rust's own distribution, by the version that was tried.
const CARGO_DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2" };
const CARGO_MACHETE: Tool = Tool { name: "cargo-machete", version: "0.9.2" };

struct Tool {
    name: &'static str,
    version: &'static str,
}

enum Outcome {
    Passed,
    Failed,
    /// Not everything could be looked at; the text says what was not.
    Partly(&'static str),
}

/// Runs every step in `root` and prints a table; true when none failed.
pub(crate) fn run(root: &Path) -> bool {
    let house = House { root };
    let results = [
        ("format", house.cargo(&["fmt", "--all", "--check"])),
        (
            "clippy",
            house.cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
        ),
        ("docs", house.docs()),
        ("tidy", passed(tidy::run(root))),
        ("licences", house.deny()),
        ("unused dependencies", house.machete()),
    ];

    println!();
    for (name, outcome) in &results {
        match outcome {
            Outcome::Passed => println!("ok      {name}"),
            Outcome::Failed => println!("FAILED  {name}"),
            Outcome::Partly(what) => println!("partly  {name}: {what}"),
        }
    }
    !results.iter().any(|(_, outcome)| matches!(outcome, Outcome::Failed))
}

struct House<'a> {
    root: &'a Path,
}

impl House<'_> {
    fn cargo(&self, arguments: &[&str]) -> Outcome {
        println!("\n$ cargo {}", arguments.join(" "));
        passed(succeeds(self.command(cargo()).args(arguments)))
    }

    fn docs(&self) -> Outcome {
        println!("\n$ cargo doc --workspace --no-deps");
        let mut command = self.command(cargo());
        command.args(["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings");
        passed(succeeds(&mut command))
    }

    /// Advisories are a git repository elsewhere; without it the rest of the rules still hold.
    fn deny(&self) -> Outcome {
        let Some(deny) = self.tool(&CARGO_DENY) else {
            return Outcome::Partly("cargo-deny could not be installed");
        };
        println!("\n$ cargo deny check");
        if !succeeds(self.command(&deny).args(["check", "licenses", "bans", "sources"])) {
            return Outcome::Failed;
        }
        if !succeeds(self.command(&deny).arg("fetch").arg("db")) {
            return Outcome::Partly("the advisory database is not reachable");
        }
        passed(succeeds(self.command(&deny).args(["check", "--disable-fetch", "advisories"])))
    }

    fn machete(&self) -> Outcome {
        let Some(machete) = self.tool(&CARGO_MACHETE) else {
            return Outcome::Partly("cargo-machete could not be installed");
        };
        println!("\n$ cargo machete");
        passed(succeeds(self.command(&machete).args(["crates", "xtask", "load"])))
    }

    /// The tool from the user's cache, installed there the first time.
    fn tool(&self, tool: &Tool) -> Option<PathBuf> {
        let folder = tools_folder()?.join(format!("{}-{}", tool.name, tool.version));
        let program = folder.join("bin").join(tool.name);
        if program.exists() {
            return Some(program);
        }
        println!("\ninstalling {} {} into {}", tool.name, tool.version, folder.display());
        let mut install = self.command(cargo());
        install.args(["install", "--locked", "--version", tool.version, tool.name, "--root"]).arg(&folder);
        succeeds(&mut install).then_some(program)
    }

    fn command(&self, program: impl Into<OsString>) -> Command {
        let mut command = Command::new(program.into());
        command.current_dir(self.root);
        command
    }
}

fn tools_folder() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| std::env::home_dir().map(|home| home.join(".cache")))?;
    Some(cache.join("azimuth").join("tools"))
}

fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn succeeds(command: &mut Command) -> bool {
    command.status().is_ok_and(|status| status.success())
}

fn passed(is_passed: bool) -> Outcome {
    if is_passed { Outcome::Passed } else { Outcome::Failed }
}
