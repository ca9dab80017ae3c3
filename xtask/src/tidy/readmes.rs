//! Each crate of the house has a README of one screen: its nouns, its invariants, what it leaves to others.

use std::fs;
use std::path::Path;

use super::Finding;
use super::layers::{Crate, room};

const SCREEN_LINES_MAX: usize = 50;

/// Every crate of the house whose README is missing, empty or longer than a screen. The binary is described by
/// the project's own README.
pub(super) fn findings(root: &Path, crates: &[Crate]) -> Vec<Finding> {
    crates
        .iter()
        .filter(|krate| room(&krate.name).and_then(|room| room.level).is_some_and(|level| level < 6))
        .filter_map(|krate| finding(root, &krate.name))
        .collect()
}

fn finding(root: &Path, name: &str) -> Option<Finding> {
    let path = format!("crates/{name}/README.md");
    let Ok(text) = fs::read_to_string(root.join(&path)) else {
        return Some(Finding::new(
            path,
            "is missing: say the crate's nouns, invariants, and what it leaves to others",
        ));
    };
    let lines = text.lines().count();
    if text.trim().is_empty() {
        return Some(Finding::new(path, "is empty"));
    }
    (lines > SCREEN_LINES_MAX)
        .then(|| Finding::new(path, format!("{lines} lines, more than a screen of {SCREEN_LINES_MAX}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_readme_is_one_screen_and_not_less() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let folder = root.path().join("crates/vocab");
        fs::create_dir_all(&folder).unwrap();
        assert!(finding(root.path(), "vocab").is_some(), "missing");

        fs::write(folder.join("README.md"), "\n").unwrap();
        assert!(finding(root.path(), "vocab").is_some(), "empty");

        fs::write(folder.join("README.md"), "# vocab\n\nIds.\n").unwrap();
        assert_eq!(finding(root.path(), "vocab"), None);

        fs::write(folder.join("README.md"), "line\n".repeat(51)).unwrap();
        assert!(finding(root.path(), "vocab").is_some(), "longer than a screen");
    }
}
