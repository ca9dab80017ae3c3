//! The rules of the house that no compiler knows. Each finding names the place, the rule and the way out.

mod layers;
mod readmes;
mod rules;
mod sources;
mod tree;

use std::fmt;
use std::path::Path;

/// One broken rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// A file, `file:line`, or a crate.
    pub(crate) place: String,
    /// What is wrong and what to do instead.
    pub(crate) text: String,
}

impl Finding {
    fn new(place: impl Into<String>, text: impl Into<String>) -> Self {
        Self { place: place.into(), text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

/// Checks the workspace in `root` and prints every finding; true when there is none.
pub(crate) fn run(root: &Path) -> bool {
    let findings = match examine(root) {
        Ok(findings) => findings,
        Err(error) => {
            eprintln!("tidy: {error}");
            return false;
        }
    };
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => println!("tidy: the house is in order"),
        count => println!("tidy: {count} finding(s)"),
    }
    findings.is_empty()
}

fn examine(root: &Path) -> Result<Vec<Finding>, String> {
    let crates = layers::workspace(root)?;
    let files = tree::read(root)?;

    let mut findings = layers::findings(&crates);
    findings.extend(sources::findings(&files));
    findings.extend(readmes::findings(root, &crates));
    findings.extend(rules::findings(root, &files));
    Ok(findings)
}
