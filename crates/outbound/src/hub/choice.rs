//! Picks the files of one model out of a repository.

use std::collections::BTreeMap;

use super::ModelReference;
use super::error::PullError;
use super::file_name::local_name;
use super::listing::HubFile;

/// Tried in this order when the reference names no quantisation: good answers at a moderate size first.
const PREFERENCE: [&str; 9] =
    ["Q4_K_M", "UD-Q4_K_XL", "Q4_K_S", "Q5_K_M", "Q4_0", "Q6_K", "Q8_0", "BF16", "F16"];

/// A file to fetch, with the name it will have here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ChosenFile {
    pub path: String,
    pub name: String,
    pub size: u64,
    pub sha256: Option<String>,
}

/// The files of the one model that `reference` means, in order.
pub(super) fn choose(reference: &ModelReference, listing: &[HubFile]) -> Result<Vec<ChosenFile>, PullError> {
    let candidates = candidates(listing);
    if candidates.is_empty() {
        return Err(PullError::NoGguf { reference: reference.clone() });
    }
    let found = match reference.selector() {
        Some(selector) => select(&candidates, selector),
        None => prefer(&candidates),
    };
    let problem = match (found.as_slice(), reference.selector()) {
        ([one], _) => return one.files(),
        ([], Some(selector)) => {
            format!("`{}` has no file or quantisation `{selector}`", reference.repository())
        }
        (_, Some(selector)) => format!("several files of `{}` are `{selector}`", reference.repository()),
        (_, None) => format!("`{}` has several models", reference.repository()),
    };
    Err(PullError::Choose { problem, choices: choices(&candidates) })
}

/// One model of the repository: a file, or all parts of a split one.
#[derive(Debug)]
struct Candidate<'a> {
    /// The path without the part's number and `.gguf`.
    stem: &'a str,
    parts: BTreeMap<u32, &'a HubFile>,
    parts_expected: u32,
}

impl Candidate<'_> {
    fn first_path(&self) -> &str {
        self.parts.values().next().map_or(self.stem, |file| &file.path)
    }

    /// The quantisation, as the name tells it: `Q4_K_M`, `UD-Q4_K_XL`, `IQ2_XXS`, `BF16`.
    fn quantisation(&self) -> Option<String> {
        let name = self.stem.rsplit('/').next().unwrap_or(self.stem).to_ascii_uppercase();
        let words: Vec<&str> = name.split(['-', '.']).collect();
        let at = words.iter().rposition(|word| is_quantisation(word))?;
        let is_dynamic = at > 0 && words[at - 1] == "UD";
        Some(if is_dynamic { format!("UD-{}", words[at]) } else { words[at].to_owned() })
    }

    fn files(&self) -> Result<Vec<ChosenFile>, PullError> {
        if self.parts.len() != self.parts_expected as usize {
            return Err(PullError::PartsMissing {
                name: self.first_path().to_owned(),
                found: self.parts.len(),
                expected: self.parts_expected as usize,
            });
        }
        let chosen = self.parts.values().map(|file| {
            let name = local_name(&file.path).ok_or_else(|| PullError::UnsafeName(shown(&file.path)))?;
            Ok(ChosenFile {
                path: file.path.clone(),
                name: name.to_owned(),
                size: file.size,
                sha256: file.sha256.clone(),
            })
        });
        chosen.collect()
    }
}

fn candidates(listing: &[HubFile]) -> Vec<Candidate<'_>> {
    let mut by_stem: BTreeMap<(&str, u32), Candidate<'_>> = BTreeMap::new();
    for file in listing.iter().filter(|file| is_model(&file.path)) {
        let stem = &file.path[..file.path.len() - ".gguf".len()];
        let (stem, part, parts_expected) = split_number(stem).unwrap_or((stem, 1, 1));
        by_stem
            .entry((stem, parts_expected))
            .or_insert_with(|| Candidate { stem, parts: BTreeMap::new(), parts_expected })
            .parts
            .insert(part, file);
    }
    by_stem.into_values().collect()
}

/// A GGUF file that is a model of its own: no projector of pictures, no statistics for quantising.
fn is_model(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    name.ends_with(".gguf") && name.is_ascii() && !name.contains("mmproj") && !name.contains("imatrix")
}

/// `NAME-00001-of-00003`.
fn split_number(stem: &str) -> Option<(&str, u32, u32)> {
    let (rest, total) = stem.rsplit_once("-of-")?;
    let (stem, part) = rest.rsplit_once('-')?;
    let number = |digits: &str| {
        let is_number = digits.len() == 5 && digits.bytes().all(|b| b.is_ascii_digit());
        if is_number { digits.parse().ok() } else { None }
    };
    let (part, total) = (number(part)?, number(total)?);
    (part >= 1 && part <= total).then_some((stem, part, total))
}

fn is_quantisation(word: &str) -> bool {
    let digits_after = |prefix: &str| {
        word.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    matches!(word, "BF16" | "F16" | "F32" | "FP16" | "FP32")
        || ["Q", "IQ", "TQ", "MXFP"].into_iter().any(digits_after)
}

/// By path, by file name, or by quantisation; case does not matter.
fn select<'c, 'a>(candidates: &'c [Candidate<'a>], selector: &str) -> Vec<&'c Candidate<'a>> {
    let is_file = selector.to_ascii_lowercase().ends_with(".gguf");
    let named = |candidate: &&Candidate<'_>| {
        candidate.parts.values().any(|file| {
            let name = file.path.rsplit('/').next().unwrap_or(&file.path);
            file.path.eq_ignore_ascii_case(selector) || name.eq_ignore_ascii_case(selector)
        })
    };
    let quantised = |candidate: &&Candidate<'_>| {
        candidate.quantisation().is_some_and(|quant| quant.eq_ignore_ascii_case(selector))
    };
    if is_file {
        candidates.iter().filter(named).collect()
    } else {
        candidates.iter().filter(quantised).collect()
    }
}

fn prefer<'c, 'a>(candidates: &'c [Candidate<'a>]) -> Vec<&'c Candidate<'a>> {
    if candidates.len() == 1 {
        return candidates.iter().collect();
    }
    let preferred = PREFERENCE.iter().map(|quantisation| select(candidates, quantisation));
    preferred.into_iter().find(|found| !found.is_empty()).unwrap_or_default()
}

/// What can be written after the colon: the quantisation where that is enough, else the file.
fn choices(candidates: &[Candidate<'_>]) -> Vec<String> {
    candidates
        .iter()
        .map(|candidate| match candidate.quantisation() {
            Some(quantisation) if select(candidates, &quantisation).len() == 1 => quantisation,
            _ => shown(candidate.first_path()),
        })
        .collect()
}

/// A name from the hub, fit for a terminal.
fn shown(path: &str) -> String {
    path.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(paths: &[&str]) -> Vec<HubFile> {
        paths.iter().map(|path| HubFile { path: (*path).to_owned(), size: 1, sha256: None }).collect()
    }

    fn pick(reference: &str, paths: &[&str]) -> Result<Vec<String>, PullError> {
        let chosen = choose(&reference.parse().unwrap(), &listing(paths))?;
        Ok(chosen.into_iter().map(|file| file.path).collect())
    }

    const MANY: [&str; 9] = [
        "README.md",
        "GLM-4.7-Q4_K_M.gguf",
        "GLM-4.7-UD-Q4_K_M.gguf",
        "GLM-4.7-Q8_0.gguf",
        "BF16/GLM-4.7-BF16-00002-of-00002.gguf",
        "BF16/GLM-4.7-BF16-00001-of-00002.gguf",
        "mmproj-F16.gguf",
        "imatrix_unsloth.gguf",
        "model.safetensors",
    ];

    #[test]
    fn a_model_is_picked_by_quantisation_or_file_whatever_the_case() {
        assert_eq!(pick("hf:o/r:q4_k_m", &MANY).unwrap(), ["GLM-4.7-Q4_K_M.gguf"]);
        assert_eq!(pick("hf:o/r:ud-Q4_K_M", &MANY).unwrap(), ["GLM-4.7-UD-Q4_K_M.gguf"]);
        assert_eq!(pick("hf:o/r:glm-4.7-q8_0.GGUF", &MANY).unwrap(), ["GLM-4.7-Q8_0.gguf"]);
        assert_eq!(pick("hf:o/r", &MANY).unwrap(), ["GLM-4.7-Q4_K_M.gguf"]);
        assert_eq!(pick("hf:o/r", &["odd.gguf"]).unwrap(), ["odd.gguf"]);
    }

    #[test]
    fn a_split_model_is_all_its_parts_in_order() {
        let expected = ["BF16/GLM-4.7-BF16-00001-of-00002.gguf", "BF16/GLM-4.7-BF16-00002-of-00002.gguf"];
        assert_eq!(pick("hf:o/r:BF16", &MANY).unwrap(), expected);
        assert_eq!(pick("hf:o/r:GLM-4.7-BF16-00001-of-00002.gguf", &MANY).unwrap(), expected);
        assert!(matches!(
            pick("hf:o/r", &["m-00001-of-00003.gguf"]),
            Err(PullError::PartsMissing { found: 1, expected: 3, .. })
        ));
    }

    #[test]
    fn an_error_lists_what_can_be_chosen() {
        let error = pick("hf:o/r:Q2_K", &MANY).unwrap_err().to_string();
        for choice in ["Q4_K_M", "UD-Q4_K_M", "Q8_0", "BF16"] {
            assert!(error.contains(&format!("\n  {choice}")), "{error}");
        }
        let error = pick("hf:o/r:Q8_0", &["a-Q8_0.gguf", "b-Q8_0.gguf"]).unwrap_err().to_string();
        assert!(error.contains("a-Q8_0.gguf") && error.contains("b-Q8_0.gguf"), "{error}");
        assert!(matches!(pick("hf:o/r", &["model.safetensors"]), Err(PullError::NoGguf { .. })));
    }

    #[test]
    fn a_name_that_would_escape_is_refused_when_it_is_chosen() {
        assert!(matches!(pick("hf:o/r", &["../../m.gguf"]), Err(PullError::UnsafeName(_))));
    }
}
