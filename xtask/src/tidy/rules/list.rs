//! The reviewed list: how many rules each family has, and which of them no test defends.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::super::Finding;
use super::super::tree::Source;

/// Where the list is.
pub(super) const PATH: &str = "xtask/rules.toml";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    /// The families whose rules this project keeps, each with the number of its last rule.
    pub(super) families: BTreeMap<String, u32>,
    /// Rules that no test names, each with the reason.
    pub(super) untested: BTreeMap<String, String>,
}

impl List {
    pub(super) fn read(files: &[Source]) -> Result<Self, Finding> {
        let Some(file) = files.iter().find(|file| file.path == PATH) else {
            return Err(Finding::new(PATH, "is missing: it says which rules no test defends, and why"));
        };
        toml::from_str(&file.text).map_err(|error| Finding::new(PATH, error.to_string()))
    }

    /// Every rule, as `AUTH-01`.
    pub(super) fn rules(&self) -> impl Iterator<Item = String> {
        self.families.iter().flat_map(|(family, last)| (1..=*last).map(move |number| named(family, number)))
    }

    /// Whether there is such a rule.
    pub(super) fn knows(&self, family: &str, number: u32) -> bool {
        self.families.get(family).is_some_and(|last| (1..=*last).contains(&number))
    }

    /// Entries that are wrong in themselves.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let rules: BTreeSet<String> = self.rules().collect();
        let mut findings = Vec::new();
        for (rule, reason) in &self.untested {
            if !rules.contains(rule) {
                findings.push(Finding::new(PATH, format!("no rule is called {rule}; take it off the list")));
            } else if reason.trim().is_empty() {
                findings.push(Finding::new(
                    PATH,
                    format!("{rule} stands here without a reason; say why no test can"),
                ));
            }
        }
        findings
    }

    /// Where the list and the page of rules know different rules.
    pub(super) fn compared_with_page(&self, page: &str) -> Vec<Finding> {
        let headings = page.lines().filter_map(|line| line.strip_prefix("### ")?.split_whitespace().next());
        let on_page: BTreeSet<String> = headings
            .filter(|rule| rule.split_once('-').is_some_and(|(family, _)| self.families.contains_key(family)))
            .map(str::to_owned)
            .collect();
        let here: BTreeSet<String> = self.rules().collect();
        let differing = on_page.symmetric_difference(&here);
        differing
            .map(|rule| {
                let (knows, does_not) =
                    if here.contains(rule) { (PATH, "rules.md") } else { ("rules.md", PATH) };
                let text =
                    format!("{knows} knows {rule} and {does_not} does not; correct its family's number");
                Finding::new(PATH, text)
            })
            .collect()
    }
}

fn named(family: &str, number: u32) -> String {
    format!("{family}-{number:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> List {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn an_entry_names_a_rule_and_a_reason() {
        let list = list("[families]\nAUTH = 2\n[untested]\nAUTH-02 = \" \"\nAUTH-03 = \"arrives later\"");
        let findings = list.findings();
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings[0].text.contains("AUTH-02 stands here without a reason"));
        assert!(findings[1].text.contains("no rule is called AUTH-03"));
    }

    #[test]
    fn the_list_and_the_page_know_the_same_rules() {
        let list = list("[families]\nAUTH = 2\n[untested]");
        let page =
            "## AUTH: Keys\n\n### AUTH-01 Bearer key\n\n### AUTH-02 Wrong token\n\n### PLAN-01 Tiers\n";
        assert!(list.compared_with_page(page).is_empty());
        assert_eq!(list.compared_with_page(&format!("{page}### AUTH-03 Signed token\n")).len(), 1);
        assert_eq!(list.compared_with_page("### AUTH-01 Bearer key\n").len(), 1);
    }
}
