use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::ToSchema;
use vocab::NanoUsd;

/// Dollars as an exact decimal text, such as `"0.002088"`: two decimals at least, nine at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, example = "18.00")]
pub struct Money(pub NanoUsd);

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|_| de::Error::custom("expected dollars as a text such as \"18.00\""))
    }
}
