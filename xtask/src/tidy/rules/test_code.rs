//! The comments in which tests say what they defend.

use super::super::tree::Source;

/// Every adapter of a port runs these, so each public function of theirs is as good as a test.
const CONTRACTS: &str = "crates/testkit/src/contract/";

/// Real client libraries against the running program.
const FOREIGN: &str = "conformance/";

/// What one test says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Doc {
    /// `file:line` of its first line.
    pub(super) place: String,
    pub(super) text: String,
}

/// The doc comments of the tests in `file`; of a foreign client's suite, every line.
pub(super) fn docs(file: &Source) -> Vec<Doc> {
    if file.path.starts_with(FOREIGN) && !file.path.ends_with(".md") {
        return lines_of(file);
    }
    if !(file.path.starts_with("crates/") && file.path.ends_with(".rs")) {
        return Vec::new();
    }
    let is_contract = file.path.starts_with(CONTRACTS);
    let from = if is_contract || is_test_file(&file.path) { Some(0) } else { test_module(&file.text) };
    from.map_or_else(Vec::new, |from| docs_from(file, from, is_contract))
}

fn lines_of(file: &Source) -> Vec<Doc> {
    let numbered = file.text.lines().enumerate();
    numbered.map(|(index, line)| Doc { place: place(file, index), text: line.to_owned() }).collect()
}

/// Integration tests, and the test modules that have a file or a folder of their own.
fn is_test_file(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs")
}

/// The line at which the test module begins, which stands last in its file.
fn test_module(text: &str) -> Option<usize> {
    let lines: Vec<&str> = text.lines().collect();
    let begins =
        |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{');
    lines.windows(2).position(begins)
}

fn docs_from(file: &Source, from: usize, is_contract: bool) -> Vec<Doc> {
    let mut docs = Vec::new();
    let mut doc: Option<Doc> = None;
    let mut is_test = false;
    for (index, line) in file.text.lines().enumerate().skip(from) {
        let line = line.trim();
        if let Some(words) = line.strip_prefix("///") {
            let doc = doc.get_or_insert_with(|| Doc { place: place(file, index), text: String::new() });
            doc.text.push_str(words);
        } else if line.starts_with("#[") {
            is_test |= line.contains("test]") || line.contains("test(");
        } else {
            let is_defended = is_test || is_contract;
            docs.extend(doc.take().filter(|_| is_defended && is_function(line)));
            is_test = false;
        }
    }
    docs
}

fn is_function(line: &str) -> bool {
    ["fn ", "async fn ", "pub fn ", "pub async fn "].iter().any(|start| line.starts_with(start))
}

fn place(file: &Source, index: usize) -> String {
    format!("{}:{}", file.path, index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str, text: &str) -> Vec<(String, String)> {
        let file = Source { path: path.to_owned(), text: text.to_owned() };
        docs(&file).into_iter().map(|doc| (doc.place, doc.text)).collect()
    }

    const TEST: &str =
        "/// AUTH-01: no key,\n/// no answer.\n#[tokio::test(flavor = \"multi_thread\")]\nasync fn a() {}\n";

    #[test]
    fn the_comment_of_a_test_is_read_whole() {
        let path = "crates/server/tests/api/auth.rs";
        assert_eq!(read(path, TEST), [(format!("{path}:1"), " AUTH-01: no key, no answer.".to_owned())]);
        assert_eq!(read("crates/gateway/src/leases/tests.rs", TEST).len(), 1);
    }

    #[test]
    fn only_tests_count_in_test_code() {
        let path = "crates/server/tests/api/auth.rs";
        assert!(read(path, "/// AUTH-01\nfn a_helper() {}\n").is_empty());
        assert!(read(path, "//! AUTH-01\n\n#[test]\nfn a() {}\n").is_empty());
        assert!(read(path, "/// AUTH-01\nstruct Kept;\n\n#[test]\nfn a() {}\n").is_empty());
    }

    #[test]
    fn code_before_the_test_module_is_no_test() {
        let text = "/// AUTH-01\npub fn open() {}\n\n#[cfg(test)]\nmod tests {\n    /// AUTH-02\n    #[test]\n    fn a() {}\n}\n";
        let path = "crates/accounts/src/key.rs";
        assert_eq!(read(path, text), [(format!("{path}:6"), " AUTH-02".to_owned())]);
        assert!(read(path, "/// AUTH-01\npub fn open() {}\n").is_empty());
    }

    #[test]
    fn functions_of_contract_suites_and_lines_of_foreign_suites_count() {
        let text = "/// AUTH-08: revoked once.\npub async fn keys() {}\n";
        assert_eq!(read("crates/testkit/src/contract/accounts.rs", text).len(), 1);
        assert!(read("crates/testkit/src/memory/accounts.rs", text).is_empty());
        assert_eq!(
            read("conformance/python/test_keys.py", "def test_a():\n    \"\"\"AUTH-03\"\"\"\n").len(),
            2
        );
    }
}
