//! Each rule of the platform has a test that names it, or stands on a reviewed list with the reason.
//!
//! The list is `xtask/rules.toml`, and exact in both directions. A test names a rule in its doc comment
//! (`/// AUTH-08: …`), a contract suite in that of a function, and the suites of foreign clients anywhere.

mod list;
mod names;
mod test_code;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use list::List;
use names::Names;

use super::Finding;
use super::tree::Source;

/// Where the rules are written, for those who have them beside the checkout.
const RULES_PAGE: &str = "../shared/spec/rules.md";

/// Rules without a test that nobody explained, explanations that are no longer needed, and names of no rule.
pub(super) fn findings(root: &Path, files: &[Source]) -> Vec<Finding> {
    let list = match List::read(files) {
        Ok(list) => list,
        Err(finding) => return vec![finding],
    };
    let mut findings = list.findings();
    let mut defended = BTreeMap::new();
    for doc in files.iter().flat_map(test_code::docs) {
        let Names { rules, faults } = names::of(&list, &doc.text);
        for rule in rules {
            defended.entry(rule).or_insert_with(|| doc.place.clone());
        }
        findings.extend(faults.into_iter().map(|fault| Finding::new(&doc.place, fault)));
    }
    findings.extend(compared(&list, &defended));
    if let Ok(page) = fs::read_to_string(root.join(RULES_PAGE)) {
        findings.extend(list.compared_with_page(&page));
    }
    findings
}

/// What the list says, against what the tests do.
fn compared(list: &List, defended: &BTreeMap<String, String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in list.rules() {
        match (defended.get(&rule), list.untested.contains_key(&rule)) {
            (Some(place), true) => findings.push(Finding::new(
                place,
                format!("{rule} has this test; take it off the untested rules in {}", list::PATH),
            )),
            (None, false) => findings.push(Finding::new(
                list::PATH,
                format!(
                    "no test names {rule}: write one that defends it and begins `/// {rule}: …`, or list the rule \
                     under [untested] with the reason"
                ),
            )),
            (Some(_), false) | (None, true) => {}
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    fn found(list: &str, test: &str) -> Vec<String> {
        let nowhere = tempfile::tempdir().expect("a temporary folder");
        let files = [file(list::PATH, list), file("crates/server/tests/api/auth.rs", test)];
        findings(nowhere.path(), &files).iter().map(ToString::to_string).collect()
    }

    const TWO: &str = "[families]\nAUTH = 2\n[untested]\n";

    #[test]
    fn a_rule_is_tested_or_explained() {
        let test = "/// AUTH-01: no key.\n#[test]\nfn a() {}\n";
        assert!(found(&format!("{TWO}AUTH-02 = \"arrives later\""), test).is_empty());

        let missing = found(TWO, test);
        assert_eq!(missing.len(), 1, "{missing:?}");
        assert!(missing[0].starts_with("xtask/rules.toml: no test names AUTH-02"), "{missing:?}");
    }

    #[test]
    fn an_explanation_that_is_no_longer_needed_is_found_at_the_test() {
        let test = "/// AUTH-01, AUTH-02: no key, and a wrong one.\n#[test]\nfn a() {}\n";
        let stale = found(&format!("{TWO}AUTH-02 = \"arrives later\""), test);
        assert_eq!(stale.len(), 1, "{stale:?}");
        assert!(
            stale[0].starts_with("crates/server/tests/api/auth.rs:1: AUTH-02 has this test"),
            "{stale:?}"
        );
    }

    #[test]
    fn a_test_that_names_no_rule_is_found() {
        let test = "/// AUTH-01, AUTH-02, AUTH-03: of two.\n#[test]\nfn a() {}\n";
        let unknown = found(TWO, test);
        assert_eq!(unknown.len(), 1, "{unknown:?}");
        assert!(unknown[0].contains("no rule is called AUTH-03"), "{unknown:?}");
    }
}
