use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::ToSchema;
use vocab::Timestamp;

/// A moment, RFC 3339 in UTC with milliseconds: `2026-02-09T09:59:06.000Z`. What comes in may have any offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub struct Moment(pub Timestamp);

impl Moment {
    /// Reads a moment in words of the protocol.
    pub fn parse(text: &str) -> Option<Self> {
        let at: jiff::Timestamp = text.parse().ok()?;
        Some(Self(Timestamp::from_millis(at.as_millisecond())))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("expected a moment such as 2026-02-09T09:59:06Z"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_with_any_offset_and_written_in_utc() {
        let moment = Moment::parse("2026-02-09T17:59:06+08:00").unwrap();
        assert_eq!(serde_json::to_string(&moment).unwrap(), "\"2026-02-09T09:59:06.000Z\"");
        for text in ["", "2026-02-09", "yesterday", "2026-02-30T00:00:00Z", "99999-01-01T00:00:00Z"] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }
}
