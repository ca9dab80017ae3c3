use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use crate::remote::chunk::Text;

/// A JSON object of which single members can be replaced, while every other one stays as it was written, byte for
/// byte and in its place.
#[derive(Debug)]
pub(super) struct RawObject<'a>(Vec<(Cow<'a, str>, Cow<'a, RawValue>)>);

impl<'a> RawObject<'a> {
    /// The member as it was written.
    pub fn raw(&self, name: &str) -> Option<&RawValue> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_ref())
    }

    /// The member, if it is there and is a `T`.
    pub fn get<'s, T: Deserialize<'s>>(&'s self, name: &str) -> Option<T> {
        serde_json::from_str(self.raw(name)?.get()).ok()
    }

    /// Replaces a member, also one that was given twice, or adds it at the end.
    pub fn set(&mut self, name: &'static str, value: &impl Serialize) -> serde_json::Result<()> {
        let mut value: Option<Cow<'a, RawValue>> = Some(Cow::Owned(to_raw_value(value)?));
        self.0.retain_mut(|(key, old)| key != name || value.take().map(|value| *old = value).is_some());
        self.0.extend(value.map(|value| (Cow::Borrowed(name), value)));
        Ok(())
    }

    /// Keeps the members whose names pass.
    pub fn retain(&mut self, mut passes: impl FnMut(&str) -> bool) {
        self.0.retain(|(key, _)| passes(key));
    }
}

impl Serialize for RawObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for RawObject<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;

        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Vec<(Cow<'de, str>, Cow<'de, RawValue>)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((Text(key), value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
                    members.push((key, Cow::Borrowed(value)));
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(ObjectVisitor).map(RawObject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_replaced_stays_as_it_was_written() {
        let written = r#"{"b": 1.0, "a\u0041":{"z": [ 1e400 ],"y":2} ,"stream":false,"b2":"ü\/"}"#;
        let mut object: RawObject<'_> = serde_json::from_str(written).unwrap();
        object.set("stream", &true).unwrap();
        object.set("new", &"x").unwrap();
        object.retain(|name| name != "b");
        assert_eq!(
            serde_json::to_string(&object).unwrap(),
            r#"{"aA":{"z": [ 1e400 ],"y":2},"stream":true,"b2":"ü\/","new":"x"}"#
        );
        assert_eq!(object.get::<bool>("stream"), Some(true));
        assert_eq!(object.get::<bool>("aA"), None);
    }
}
