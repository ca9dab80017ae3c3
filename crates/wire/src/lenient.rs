//! Scalars as real clients send them (`http-api.md` §0.1.3). `null` is told by the `Option` around them.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Unexpected, Visitor};

/// A boolean: `true`, `"True"`, `"false"`, `1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flag(pub bool);

/// A finite number: `0.7`, `"0.7"`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Number(pub f64);

/// A whole number: `5`, `5.0`, `"5"`. Numbers out of range become the nearest in range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Integer(pub i64);

/// A text, or a number or boolean taken as its text: `"1"`, `1770631146.25`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text(pub String);

/// One text or a list of texts. Empty and null entries are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Texts(pub Vec<String>);

impl Flag {
    /// Reads the text of a boolean, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("true") || text == "1" {
            Some(Self(true))
        } else if text.eq_ignore_ascii_case("false") || text == "0" {
            Some(Self(false))
        } else {
            None
        }
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FlagVisitor;

        impl Visitor<'_> for FlagVisitor {
            type Value = Flag;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a boolean")
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Flag, E> {
                Ok(Flag(value))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Flag, E> {
                match value {
                    0 => Ok(Flag(false)),
                    1 => Ok(Flag(true)),
                    other => Err(E::invalid_value(Unexpected::Unsigned(other), &self)),
                }
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Flag, E> {
                Flag::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Other("text"), &self))
            }
        }

        deserializer.deserialize_any(FlagVisitor)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberVisitor;

        impl Visitor<'_> for NumberVisitor {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Number, E> {
                Ok(Number(value))
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Number, E> {
                Ok(Number(value as f64))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Number, E> {
                Ok(Number(value as f64))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                match text.trim().parse::<f64>() {
                    Ok(value) if value.is_finite() => Ok(Number(value)),
                    _ => Err(E::invalid_value(Unexpected::Other("text"), &self)),
                }
            }
        }

        deserializer.deserialize_any(NumberVisitor)
    }
}

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IntegerVisitor;

        impl Visitor<'_> for IntegerVisitor {
            type Value = Integer;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Integer, E> {
                Ok(Integer(value))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Integer, E> {
                Ok(Integer(i64::try_from(value).unwrap_or(i64::MAX)))
            }

            #[expect(clippy::cast_possible_truncation, reason = "a float outside the range becomes its end")]
            fn visit_f64<E: Error>(self, value: f64) -> Result<Integer, E> {
                if value.fract() == 0.0 {
                    Ok(Integer(value as i64))
                } else {
                    Err(E::invalid_value(Unexpected::Float(value), &self))
                }
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Integer, E> {
                let text = text.trim();
                match (text.parse::<i64>(), text.parse::<f64>()) {
                    (Ok(value), _) => Ok(Integer(value)),
                    (_, Ok(value)) if value.is_finite() => self.visit_f64(value),
                    _ => Err(E::invalid_value(Unexpected::Other("text"), &self)),
                }
            }
        }

        deserializer.deserialize_any(IntegerVisitor)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl Visitor<'_> for TextVisitor {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }

            fn visit_string<E: Error>(self, text: String) -> Result<Text, E> {
                Ok(Text(text))
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }
        }

        deserializer.deserialize_any(TextVisitor)
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextsVisitor;

        impl<'de> Visitor<'de> for TextsVisitor {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Texts, E> {
                Ok(Texts(if text.is_empty() { Vec::new() } else { vec![text.to_owned()] }))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Texts, A::Error> {
                let mut texts = Vec::new();
                while let Some(entry) = list.next_element::<Option<String>>()? {
                    texts.extend(entry.filter(|text| !text.is_empty()));
                }
                Ok(Texts(texts))
            }
        }

        deserializer.deserialize_any(TextsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};

    use super::*;

    fn read<T: DeserializeOwned>(value: Value) -> Option<T> {
        serde_json::from_value(value).ok()
    }

    /// http-api.md §0.1.3: the docs send `"enable": "True"`, `"count": "5"`.
    #[test]
    fn booleans_and_numbers_may_come_as_text() {
        assert_eq!(read(json!("True")), Some(Flag(true)));
        assert_eq!(read(json!("FALSE")), Some(Flag(false)));
        assert_eq!(read(json!(1)), Some(Flag(true)));
        assert_eq!(read::<Flag>(json!("yes")), None);
        assert_eq!(read(json!("5")), Some(Integer(5)));
        assert_eq!(read(json!(5.0)), Some(Integer(5)));
        assert_eq!(read::<Integer>(json!(5.5)), None);
        assert_eq!(read(json!(1e300)), Some(Integer(i64::MAX)));
        assert_eq!(read(json!("0.25")), Some(Number(0.25)));
        assert_eq!(read::<Number>(json!("NaN")), None);
    }

    /// discrepancies.md 37: the Python SDK's own sample passes a float as `request_id`.
    #[test]
    fn a_text_may_come_as_any_scalar() {
        assert_eq!(read(json!(1_770_631_146.25)), Some(Text("1770631146.25".to_owned())));
        assert_eq!(read(json!(7)), Some(Text("7".to_owned())));
        assert_eq!(read::<Text>(json!(["7"])), None);
    }

    /// http-api.md §0.1.2: `null` means "not given".
    #[test]
    fn null_is_not_given() {
        assert_eq!(read(json!(null)), Some(None::<Flag>));
        assert_eq!(read(json!([null, "", "a"])), Some(Texts(vec!["a".to_owned()])));
        assert_eq!(read(json!("a")), Some(Texts(vec!["a".to_owned()])));
    }
}
