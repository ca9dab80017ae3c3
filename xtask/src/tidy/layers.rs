//! The table of layers: which crate may import which, and what the inner levels must not know.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use super::Finding;

/// One crate's place in the house.
pub(super) struct Room {
    pub(super) name: &'static str,
    /// Imports point downwards only; `None` stands beside the house.
    pub(super) level: Option<u8>,
    may_import: &'static [&'static str],
}

const DOMAIN: &[&str] =
    &["vocab", "inference", "ledger", "accounts", "tasks", "gateway", "capabilities", "wire"];

/// The house, from the top. `ARCHITECTURE.md` explains it; this is where it is decided.
pub(super) const HOUSE: &[Room] = &[
    Room {
        name: "azimuth",
        level: Some(6),
        may_import: &[
            "vocab",
            "inference",
            "ledger",
            "accounts",
            "tasks",
            "gateway",
            "capabilities",
            "wire",
            "engine",
            "outbound",
            "store",
            "server",
        ],
    },
    Room { name: "server", level: Some(5), may_import: DOMAIN },
    Room {
        name: "outbound",
        level: Some(5),
        may_import: &["vocab", "inference", "accounts", "capabilities", "wire"],
    },
    Room { name: "engine", level: Some(5), may_import: &["vocab", "inference"] },
    Room {
        name: "store",
        level: Some(5),
        may_import: &["vocab", "ledger", "accounts", "gateway", "tasks", "capabilities"],
    },
    Room {
        name: "capabilities",
        level: Some(4),
        may_import: &["vocab", "inference", "ledger", "accounts", "gateway", "tasks"],
    },
    Room { name: "wire", level: Some(4), may_import: &["vocab", "inference"] },
    Room { name: "gateway", level: Some(3), may_import: &["vocab", "inference", "ledger", "accounts"] },
    Room { name: "tasks", level: Some(3), may_import: &["vocab"] },
    Room { name: "accounts", level: Some(2), may_import: &["vocab", "ledger"] },
    Room { name: "inference", level: Some(1), may_import: &["vocab"] },
    Room { name: "ledger", level: Some(1), may_import: &["vocab"] },
    Room { name: "vocab", level: Some(0), may_import: &[] },
    // Starts whole servers for tests, so it stands beside the program.
    Room {
        name: "testkit",
        level: None,
        may_import: &[
            "vocab",
            "inference",
            "ledger",
            "accounts",
            "tasks",
            "gateway",
            "capabilities",
            "wire",
            "server",
        ],
    },
    // Reads the books of the servers that it drives.
    Room { name: "load", level: None, may_import: &["vocab", "ledger", "accounts", "gateway", "store"] },
    Room { name: "xtask", level: None, may_import: &[] },
];

/// Crates that levels 0 to 4 must not depend on: they ask through ports, and an adapter of level 5 answers.
const ADAPTER_CRATES: &[(&str, &str)] = &[
    ("actix-web", "a web framework"),
    ("axum", "a web framework"),
    ("hyper", "an HTTP implementation"),
    ("hyper-util", "an HTTP implementation"),
    ("llama-cpp-2", "a model runtime"),
    ("llama-cpp-sys-2", "a model runtime"),
    ("redis", "a database client"),
    ("reqwest", "an HTTP client"),
    ("rusqlite", "a database client"),
    ("sqlx", "a database client"),
    ("tower-http", "a web framework"),
    ("ureq", "an HTTP client"),
    ("warp", "a web framework"),
];

const NAMELESS: &[&str] = &["common", "core", "helpers", "misc", "shared", "util", "utils"];

/// A crate of the workspace as cargo sees it.
#[derive(Deserialize)]
pub(super) struct Crate {
    pub(super) name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// Absent for an ordinary dependency, else `dev` or `build`.
    kind: Option<String>,
    /// Present when the dependency is a folder, which here means: of this workspace.
    path: Option<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Crate>,
}

/// Asks cargo for the crates of the workspace in `root`.
pub(super) fn workspace(root: &Path) -> Result<Vec<Crate>, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--no-deps"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cargo metadata did not start: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata failed:\n{}", String::from_utf8_lossy(&output.stderr)));
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("cargo metadata is not understood: {error}"))?;
    Ok(metadata.packages)
}

/// The room of a crate, if the table has one.
pub(super) fn room(name: &str) -> Option<&'static Room> {
    HOUSE.iter().find(|room| room.name == name)
}

/// Every import that the table does not allow.
pub(super) fn findings(crates: &[Crate]) -> Vec<Finding> {
    crates.iter().flat_map(crate_findings).collect()
}

fn crate_findings(krate: &Crate) -> Vec<Finding> {
    let mut findings = Vec::new();
    let place = format!("crate `{}`", krate.name);
    if NAMELESS.contains(&krate.name.as_str()) {
        findings.push(Finding::new(&place, "this name does not say what is inside; look for the noun"));
    }
    let Some(room) = room(&krate.name) else {
        findings.push(Finding::new(&place, "has no row in the table of layers (xtask/src/tidy/layers.rs)"));
        return findings;
    };

    for dependency in &krate.dependencies {
        let is_dev = dependency.kind.as_deref() == Some("dev");
        let problem = if dependency.path.is_some() {
            import_problem(room, &dependency.name, is_dev)
        } else {
            adapter_problem(room, &dependency.name, is_dev)
        };
        findings.extend(problem.map(|text| Finding::new(&place, text)));
    }
    findings
}

fn import_problem(room: &Room, imported: &str, is_dev: bool) -> Option<String> {
    let is_allowed = room.may_import.contains(&imported);
    if imported == "testkit" {
        return (!is_dev).then(|| "imports `testkit` outside tests; make it a dev-dependency".to_owned());
    }
    (!is_allowed).then(|| {
        format!(
            "imports `{imported}`, which the table of layers does not allow; put a trait beside the code that \
             needs it and join the two in azimuth/src/wiring.rs"
        )
    })
}

fn adapter_problem(room: &Room, imported: &str, is_dev: bool) -> Option<String> {
    let is_inside = room.level.is_some_and(|level| level <= 4);
    if !is_inside || is_dev {
        return None;
    }
    let (name, what) = ADAPTER_CRATES.iter().find(|(name, _)| *name == imported)?;
    Some(format!(
        "depends on `{name}`, {what}; levels 0 to 4 ask through a port, an adapter of level 5 answers"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn krate(name: &str, dependencies: &[(&str, Option<&str>, bool)]) -> Crate {
        let dependencies = dependencies
            .iter()
            .map(|(name, kind, is_ours)| Dependency {
                name: (*name).to_owned(),
                kind: kind.map(str::to_owned),
                path: is_ours.then(|| format!("crates/{name}")),
            })
            .collect();
        Crate { name: name.to_owned(), dependencies }
    }

    fn texts(krate: &Crate) -> Vec<String> {
        crate_findings(krate).into_iter().map(|finding| finding.text).collect()
    }

    #[test]
    fn the_table_itself_only_points_downwards() {
        for room in HOUSE.iter().filter(|room| room.level.is_some()) {
            for imported in room.may_import {
                let below = super::room(imported).expect("every import is a room of the house");
                assert!(below.level < room.level, "{} imports {}", room.name, imported);
            }
        }
    }

    #[test]
    fn an_import_that_the_table_allows_passes() {
        assert!(texts(&krate("gateway", &[("inference", None, true), ("serde", None, false)])).is_empty());
    }

    #[test]
    fn an_upward_import_is_found() {
        let found = texts(&krate("inference", &[("gateway", None, true)]));
        assert!(found[0].contains("imports `gateway`"), "{found:?}");
    }

    #[test]
    fn adapters_that_meet_each_other_are_found_even_in_tests() {
        assert_eq!(texts(&krate("store", &[("server", None, true)])).len(), 1);
        assert_eq!(texts(&krate("store", &[("server", Some("dev"), true)])).len(), 1);
    }

    #[test]
    fn the_test_kit_is_for_tests_only() {
        assert!(texts(&krate("server", &[("testkit", Some("dev"), true)])).is_empty());
        assert_eq!(texts(&krate("server", &[("testkit", None, true)])).len(), 1);
    }

    #[test]
    fn inner_levels_know_no_web_framework_sql_or_http_client() {
        for (name, _) in ADAPTER_CRATES {
            assert_eq!(texts(&krate("wire", &[(name, None, false)])).len(), 1, "{name}");
        }
        assert!(texts(&krate("server", &[("axum", None, false)])).is_empty());
        assert!(texts(&krate("gateway", &[("hyper", Some("dev"), false)])).is_empty());
    }

    #[test]
    fn a_crate_without_a_row_and_a_nameless_crate_are_found() {
        assert_eq!(texts(&krate("billing", &[])).len(), 1);
        assert_eq!(texts(&krate("utils", &[])).len(), 2);
    }
}
