use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use vocab::ModelName;

/// What a key may be used for. Where nothing is given, nothing is limited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeyScope {
    /// The doors it opens, by their names; see [`KeyScope::DOORS`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doors: Option<BTreeSet<String>>,
    /// The models it may ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub models: Option<BTreeSet<ModelName>>,
    /// Where its requests may come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Vec<IpNet>>,
}

/// Longest list in a scope.
const ENTRIES_MAX: usize = 100;

/// A scope that no key can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeyScope {
    /// There is no such door.
    #[error(
        "there is no door `{0}`; doors are `general`, `coding`, `anthropic`, `agents`, `mcp` and `monitor`"
    )]
    UnknownDoor(String),
    /// A list is empty, so that the key would open nothing, or too long.
    #[error("`{0}` lists 1 to 100 entries; leave it out to allow all")]
    Length(&'static str),
}

/// Why a key does not open a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutOfScope {
    /// It is not for this door.
    #[error("the key is not for this endpoint")]
    Door,
    /// It is not for this model.
    #[error("the key is not for this model")]
    Model,
    /// It is not to be used from there, or nobody can tell from where the request comes.
    #[error("the key is not to be used from this address")]
    Address,
}

impl KeyScope {
    /// The doors that a scope can name.
    pub const DOORS: [&str; 6] = ["general", "coding", "anthropic", "agents", "mcp", "monitor"];

    /// Passes if the key may be used at `door`, for `model` if one is asked for, from `address`.
    ///
    /// A request from an IPv4 address that arrives through an IPv6 socket counts as from the former.
    pub fn allows(
        &self,
        door: &str,
        model: Option<&ModelName>,
        address: Option<IpAddr>,
    ) -> Result<(), OutOfScope> {
        if self.doors.as_ref().is_some_and(|doors| !doors.contains(door)) {
            return Err(OutOfScope::Door);
        }
        if let Some(networks) = &self.addresses {
            let address = address.ok_or(OutOfScope::Address)?.to_canonical();
            if !networks.iter().any(|network| network.contains(&address)) {
                return Err(OutOfScope::Address);
            }
        }
        model.map_or(Ok(()), |model| self.allows_model(model))
    }

    /// Passes if the key may ask `model`, for where everything else was looked at before.
    pub fn allows_model(&self, model: &ModelName) -> Result<(), OutOfScope> {
        match &self.models {
            Some(models) if !models.contains(model) => Err(OutOfScope::Model),
            _ => Ok(()),
        }
    }

    /// Passes if a key can have this scope.
    pub(crate) fn check(&self) -> Result<(), InvalidKeyScope> {
        let lengths = [
            ("doors", self.doors.as_ref().map(BTreeSet::len)),
            ("models", self.models.as_ref().map(BTreeSet::len)),
            ("addresses", self.addresses.as_ref().map(Vec::len)),
        ];
        for (name, length) in lengths {
            if length.is_some_and(|length| !(1..=ENTRIES_MAX).contains(&length)) {
                return Err(InvalidKeyScope::Length(name));
            }
        }
        let unknown = self.doors.iter().flatten().find(|door| !Self::DOORS.contains(&door.as_str()));
        unknown.map_or(Ok(()), |door| Err(InvalidKeyScope::UnknownDoor(door.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(json: &str) -> KeyScope {
        serde_json::from_str(json).unwrap()
    }

    fn allowed(
        scope: &KeyScope,
        door: &str,
        model: Option<&str>,
        address: Option<&str>,
    ) -> Result<(), OutOfScope> {
        let model = model.map(|name| name.parse().unwrap());
        scope.allows(door, model.as_ref(), address.map(|text| text.parse().unwrap()))
    }

    /// AUTH-05: a key without a scope opens all doors.
    #[test]
    fn without_a_scope_everything_is_allowed() {
        let all = scope("{}");
        assert_eq!(all, KeyScope::default());
        assert_eq!(allowed(&all, "general", Some("glm-4.7"), None), Ok(()));
        assert_eq!(serde_json::to_string(&all).unwrap(), "{}");
    }

    #[test]
    fn each_limit_counts_by_itself() {
        let some = scope(
            r#"{"doors": ["coding"], "models": ["GLM-4.7"], "addresses": ["192.0.2.0/24", "2001:db8::/32"]}"#,
        );
        some.check().unwrap();
        let here = Some("192.0.2.7");
        for (door, model, address, expected) in [
            ("coding", Some("glm-4.7"), here, Ok(())),
            ("coding", None, here, Ok(())),
            ("coding", Some("glm-4.7"), Some("2001:db8::1"), Ok(())),
            ("coding", Some("glm-4.7"), Some("::ffff:192.0.2.7"), Ok(())),
            ("general", Some("glm-4.7"), here, Err(OutOfScope::Door)),
            ("coding", Some("glm-5"), here, Err(OutOfScope::Model)),
            ("coding", Some("glm-4.7"), Some("192.0.3.7"), Err(OutOfScope::Address)),
            ("coding", Some("glm-4.7"), None, Err(OutOfScope::Address)),
        ] {
            assert_eq!(allowed(&some, door, model, address), expected, "{door} {model:?} {address:?}");
        }
    }

    #[test]
    fn a_scope_that_opens_nothing_is_refused() {
        assert_eq!(scope(r#"{"doors": []}"#).check(), Err(InvalidKeyScope::Length("doors")));
        let unknown = InvalidKeyScope::UnknownDoor("back".to_owned());
        assert_eq!(scope(r#"{"doors": ["back"]}"#).check(), Err(unknown));
        let many = KeyScope { addresses: Some(vec!["::/0".parse().unwrap(); 101]), ..KeyScope::default() };
        assert_eq!(many.check(), Err(InvalidKeyScope::Length("addresses")));
        for refused in [r#"{"addresses": ["192.0.2.0/33"]}"#, r#"{"door": ["coding"]}"#] {
            assert!(serde_json::from_str::<KeyScope>(refused).is_err(), "{refused}");
        }
    }
}
