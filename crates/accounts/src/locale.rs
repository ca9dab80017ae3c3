use serde::{Deserialize, Serialize};

/// A language that the platform writes to people in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Locale {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Simplified Chinese.
    #[serde(rename = "zh")]
    Chinese,
}

/// Languages of a header that are looked at.
const LANGUAGES_MAX: usize = 16;

impl Locale {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// The first that we speak of those in an `Accept-Language` header; English if there is none (rule AUTH-12).
    pub fn of_header(accept_language: &str) -> Self {
        let mut best = (0, Self::default());
        for part in accept_language.split(',').take(LANGUAGES_MAX) {
            let (tag, weight) = part.split_once(';').unwrap_or((part, "q=1"));
            let primary = tag.trim().split('-').next().unwrap_or_default();
            let Some(locale) = Self::ALL.into_iter().find(|known| known.code().eq_ignore_ascii_case(primary))
            else {
                continue;
            };
            let weight = thousandths(weight);
            if weight > best.0 {
                best = (weight, locale);
            }
        }
        best.1
    }

    /// `en` or `zh`, where it is kept and shown.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
        }
    }
}

/// `q=0.8` as 800; what cannot be read counts as nothing.
fn thousandths(weight: &str) -> u32 {
    let Some(value) = weight.trim().strip_prefix("q=") else { return 0 };
    let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
    let decimals: u32 = format!("{decimals:0<3}").get(..3).and_then(|text| text.parse().ok()).unwrap_or(0);
    if whole == "1" { 1000 } else { decimals }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AUTH-12: the header chooses the language of messages and may be missing or nonsense.
    #[test]
    fn the_best_language_that_we_speak() {
        for (header, expected) in [
            ("en-US,en", Locale::English),
            ("zh-CN,zh;q=0.9,en;q=0.8", Locale::Chinese),
            ("fr, zh;q=0.3, en;q=0.7", Locale::English),
            ("ZH", Locale::Chinese),
            ("zh;q=0", Locale::English),
            ("", Locale::English),
            (";;;q=,,é", Locale::English),
            ("zh;q=\u{e9}\u{e9}", Locale::English),
        ] {
            assert_eq!(Locale::of_header(header), expected, "{header:?}");
        }
    }
}
