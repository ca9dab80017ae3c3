//! Rules about single files: their names, their size, and texts that should not be in them.

use std::path::Path;

use super::tree::Source;
use super::{Finding, layers};

const LINES_MAX: usize = 400;

/// Files that are long on purpose, each with the reason. An entry that is no longer needed is a finding.
const LONG_FILES: &[(&str, &str)] = &[];

const CODE_EXTENSIONS: &[&str] = &["cjs", "java", "js", "mjs", "py", "rs", "sh", "ts", "tsx"];

const NAMELESS_FILES: &[&str] = &["common", "helper", "helpers", "misc", "util", "utils"];

/// A text that must not stand in Rust code, with what to do instead. The needles are in two pieces so that this
/// table does not find itself.
const FORBIDDEN_IN_RUST: &[(&str, &str)] = &[
    (concat!("todo", "!("), "unfinished work; finish it or take it out"),
    (concat!("unimplemented", "!("), "unfinished work; finish it or take it out"),
    (concat!("#[ign", "ore]"), "a test that is not run says why: `ignore = \"reason\"`"),
    (concat!("#[al", "low("), "an exception to a lint is `#[expect(…, reason = \"…\")]`"),
    (concat!("#![al", "low("), "an exception to a lint is `#![expect(…, reason = \"…\")]`"),
];

const FORBIDDEN_IN_CODE: &[(&str, &str)] = &[
    (concat!("TO", "DO"), "unfinished work; finish it or take it out"),
    (concat!("FIX", "ME"), "unfinished work; finish it or take it out"),
];

/// Places that exist on one machine only.
const MACHINE_PATHS: &[&str] = &[
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/Us", "ers/"),
    concat!("C:\\Us", "ers"),
];

const SOCKETS: &[&str] = &["tokio::net", "std::net::Tcp", "std::net::Udp", "std::os::unix::net"];

/// Every finding about single files.
pub(super) fn findings(files: &[Source]) -> Vec<Finding> {
    let mut findings: Vec<_> = files.iter().flat_map(file_findings).collect();
    findings.extend(stale_exceptions(files));
    findings
}

fn file_findings(file: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_rust = has_extension(&file.path, &["rs"]);
    let is_code = has_extension(&file.path, CODE_EXTENSIONS);

    if is_code {
        findings.extend(name_finding(&file.path));
        findings.extend(length_finding(file));
        findings.extend(forbidden(file, FORBIDDEN_IN_CODE));
    }
    if is_rust {
        findings.extend(forbidden(file, FORBIDDEN_IN_RUST));
        findings.extend(socket_findings(file));
    }
    findings.extend(machine_path_findings(file));
    findings
}

fn name_finding(path: &str) -> Option<Finding> {
    let is_nameless = Path::new(path).components().any(|part| {
        let part = part.as_os_str().to_string_lossy();
        let stem = part.split('.').next().unwrap_or_default();
        NAMELESS_FILES.contains(&stem)
    });
    is_nameless
        .then(|| Finding::new(path, "this name does not say what is inside; look for the missing noun"))
}

fn length_finding(file: &Source) -> Option<Finding> {
    let lines = file.text.lines().count();
    let is_long = lines > LINES_MAX && !LONG_FILES.iter().any(|(path, _)| *path == file.path);
    is_long.then(|| {
        let text = format!(
            "{lines} lines, more than {LINES_MAX}; look for the second subject, or add the file to LONG_FILES in \
             xtask/src/tidy/sources.rs with a reason"
        );
        Finding::new(&file.path, text)
    })
}

fn stale_exceptions(files: &[Source]) -> Vec<Finding> {
    LONG_FILES
        .iter()
        .filter(|(path, _)| {
            !files.iter().any(|file| file.path == *path && file.text.lines().count() > LINES_MAX)
        })
        .map(|(path, _)| Finding::new(*path, "is not long any more; take it out of LONG_FILES"))
        .collect()
}

fn forbidden(file: &Source, needles: &[(&str, &str)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in numbered(&file.text) {
        for (needle, why) in needles.iter().filter(|(needle, _)| line.contains(needle)) {
            findings.push(Finding::new(format!("{}:{number}", file.path), format!("`{needle}`: {why}")));
        }
    }
    findings
}

/// Levels 0 to 4 may name an address, but only adapters open sockets.
fn socket_findings(file: &Source) -> Vec<Finding> {
    let is_inside = file
        .path
        .strip_prefix("crates/")
        .and_then(|path| path.split_once("/src/"))
        .and_then(|(name, _)| layers::room(name))
        .and_then(|room| room.level)
        .is_some_and(|level| level <= 4);
    if !is_inside {
        return Vec::new();
    }
    numbered(&file.text)
        .filter(|(_, line)| SOCKETS.iter().any(|socket| line.contains(socket)))
        .map(|(number, _)| {
            let text = "levels 0 to 4 open no sockets; ask through a port, an adapter of level 5 answers";
            Finding::new(format!("{}:{number}", file.path), text)
        })
        .collect()
}

fn machine_path_findings(file: &Source) -> Vec<Finding> {
    numbered(&file.text)
        .filter(|(_, line)| MACHINE_PATHS.iter().any(|path| names_path(line, path)))
        .map(|(number, _)| {
            Finding::new(
                format!("{}:{number}", file.path),
                "names a folder of one machine; say `~` or a setting",
            )
        })
        .collect()
}

/// Whether `line` holds `path` as the beginning of an absolute path, and not in the middle of a longer one.
fn names_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '~' | '}' | '*'))
    })
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

fn has_extension(path: &str, extensions: &[&str]) -> bool {
    Path::new(path).extension().is_some_and(|extension| extensions.iter().any(|known| extension == *known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<Finding> {
        file_findings(&Source { path: path.to_owned(), text: text.to_owned() })
    }

    #[test]
    fn a_plain_file_passes() {
        assert!(found("crates/vocab/src/id.rs", "//! Ids.\n").is_empty());
    }

    #[test]
    fn a_file_without_a_subject_is_found_by_its_name() {
        assert_eq!(found("crates/vocab/src/utils.rs", "").len(), 1);
        assert_eq!(found("console/src/helpers/dates.ts", "").len(), 1);
    }

    #[test]
    fn a_file_longer_than_four_hundred_lines_is_found() {
        assert!(found("crates/vocab/src/id.rs", &"\n".repeat(400)).is_empty());
        assert_eq!(found("crates/vocab/src/id.rs", &"\n".repeat(401)).len(), 1);
        assert!(found("docs/rules.md", &"\n".repeat(4000)).is_empty(), "prose may be long");
    }

    #[test]
    fn unfinished_work_is_found_with_its_line() {
        for (needle, _) in FORBIDDEN_IN_RUST.iter().chain(FORBIDDEN_IN_CODE) {
            let findings = found("crates/vocab/src/id.rs", &format!("\n{needle}"));
            assert_eq!(findings[0].place, "crates/vocab/src/id.rs:2", "{needle}");
        }
    }

    #[test]
    fn an_ignored_test_with_a_reason_passes() {
        assert!(found("crates/engine/tests/gpu.rs", "#[ignore = \"needs a GPU\"]").is_empty());
    }

    #[test]
    fn inner_levels_open_no_sockets() {
        let text = "use tokio::net::TcpStream;";
        assert_eq!(found("crates/gateway/src/router.rs", text).len(), 1);
        assert!(found("crates/server/src/listen.rs", text).is_empty());
        assert!(found("crates/gateway/tests/router.rs", text).is_empty());
    }

    #[test]
    fn folders_of_one_machine_are_found_in_every_kind_of_file() {
        for path in MACHINE_PATHS {
            assert_eq!(found("README.md", &format!("see {path}x")).len(), 1, "{path}");
        }
        assert!(found("README.md", &format!("https://example.com{}x", MACHINE_PATHS[2])).is_empty());
    }
}
