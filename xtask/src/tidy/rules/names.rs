//! Names of rules in a text.

use super::list::List;

/// What a doc comment names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    /// Rules, as `AUTH-01`.
    pub(super) rules: Vec<String>,
    /// Names that cannot be searched for, or that no rule has, each with the way out.
    pub(super) faults: Vec<String>,
}

/// The rules that `text` names. Each is written out, so that a search for its name finds the test.
pub(super) fn of(list: &List, text: &str) -> Names {
    let mut names = Names::default();
    let mut family_before: Option<&str> = None;
    let mut is_range = false;
    for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-') {
        if let Some((family, number)) = known_family(list, word) {
            let rule = word.to_owned();
            if number.len() != 2 || !number.parse().is_ok_and(|number| list.knows(family, number)) {
                names.faults.push(format!("no rule is called {rule}"));
            } else if is_range && family_before == Some(family) {
                names.faults.push(format!("name each rule up to {rule}, not a range"));
            } else {
                names.rules.push(rule);
            }
            family_before = Some(family);
        } else if let (Some(family), Some(number)) = (family_before, word.strip_prefix('-'))
            && is_number(number)
        {
            names.faults.push(format!("write {family}-{number} rather than -{number}"));
        }
        if !word.is_empty() {
            is_range = matches!(word, "to" | "through");
        }
    }
    names
}

/// The two halves of `AUTH-01`, if its family is one of the list's.
fn known_family<'a>(list: &List, word: &'a str) -> Option<(&'a str, &'a str)> {
    let (family, number) = word.split_once('-')?;
    (list.families.contains_key(family) && is_number(number)).then_some((family, number))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> (Vec<String>, usize) {
        let list: List = toml::from_str("[families]\nAUTH = 12\nMODEL = 7\n[untested]").unwrap();
        let Names { rules, faults } = of(&list, text);
        (rules, faults.len())
    }

    #[test]
    fn full_names_are_found_wherever_they_stand() {
        let (rules, faults) = named("AUTH-01, MODEL-07 and http-api.md §2: keys (AUTH-12).");
        assert_eq!((rules, faults), (["AUTH-01", "MODEL-07", "AUTH-12"].map(str::to_owned).to_vec(), 0));
    }

    #[test]
    fn other_names_are_no_rules() {
        let (rules, faults) = named("CAP-AUTH-01, PLAN-01, C-33, UTF-8, AUTH-header, x-api-key, 2026-05-12");
        assert_eq!((rules, faults), (Vec::new(), 0));
    }

    #[test]
    fn short_forms_ranges_and_unknown_numbers_are_faults() {
        assert_eq!(named("AUTH-01, -02: keys"), (vec!["AUTH-01".to_owned()], 1));
        assert_eq!(named("AUTH-01 to AUTH-04: keys"), (vec!["AUTH-01".to_owned()], 1));
        assert_eq!(named("AUTH-13"), (Vec::new(), 1));
        assert_eq!(named("AUTH-1"), (Vec::new(), 1));
    }
}
