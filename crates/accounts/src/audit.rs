use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vocab::{AccountId, AuditId, KeyId, PersonId, Timestamp};

/// One line of the audit log: who did what to what, when and from where. Lines are added, never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditEvent {
    /// Its id; those of later events sort later.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// Whose log it stands in; none for what concerns the platform, or a person by themselves.
    pub account: Option<AccountId>,
    /// What was done.
    pub action: AuditAction,
    /// To what: an id, as a rule.
    pub target: String,
    /// What else there is to know. A [`Secret`](vocab::Secret) cannot become part of it, because it is not serializable.
    pub details: Map<String, Value>,
    /// From where the request came.
    pub source: Option<IpAddr>,
}

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// Someone who logged in.
    Person(PersonId),
    /// A program with a key.
    Key(KeyId),
    /// Whoever can run commands on the machine.
    Operator,
    /// The platform by itself, on its schedule.
    System,
    /// Someone who is not known: a stranger at the door.
    Nobody,
}

/// Who asks for something, and from where: what every privileged method wants to know for the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct By {
    /// Who.
    pub actor: Actor,
    /// From where.
    pub source: Option<IpAddr>,
}

/// What was done, as `noun.verb`, such as `member.remove`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AuditAction(Cow<'static, str>);

/// A text that names no action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an action is called `noun.verb`, in at most 64 lower-case letters, digits and underscores")]
pub struct InvalidAuditAction;

/// Which lines of the log are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Those in the log of this account.
    pub account: Option<AccountId>,
    /// What this one did.
    pub actor: Option<Actor>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

impl By {
    /// Whoever runs commands on the machine.
    pub const OPERATOR: Self = Self { actor: Actor::Operator, source: None };

    /// The platform by itself.
    pub const SYSTEM: Self = Self { actor: Actor::System, source: None };

    /// A person.
    pub fn person(person: PersonId, source: Option<IpAddr>) -> Self {
        Self { actor: Actor::Person(person), source }
    }

    /// Someone who is not known.
    pub fn nobody(source: Option<IpAddr>) -> Self {
        Self { actor: Actor::Nobody, source }
    }

    /// The line that says that they did `action` to `target` at `at`.
    pub(crate) fn did(
        &self,
        at: Timestamp,
        account: impl Into<Option<AccountId>>,
        action: AuditAction,
        target: impl fmt::Display,
    ) -> AuditEvent {
        AuditEvent {
            id: AuditId::generate(),
            at,
            actor: self.actor,
            account: account.into(),
            action,
            target: target.to_string(),
            details: Map::new(),
            source: self.source,
        }
    }
}

impl AuditEvent {
    /// The line with one more detail.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }
}

impl Actor {
    /// Whether it is one of those that an actor's text can name.
    fn parse(text: &str) -> Option<Self> {
        match text {
            "operator" => Some(Self::Operator),
            "system" => Some(Self::System),
            "nobody" => Some(Self::Nobody),
            _ => text.parse().map(Self::Person).or_else(|_| text.parse().map(Self::Key)).ok(),
        }
    }
}

/// A text that names no actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an actor is the id of a person or key, `operator`, `system` or `nobody`")]
pub struct InvalidActor;

impl FromStr for Actor {
    type Err = InvalidActor;

    fn from_str(text: &str) -> Result<Self, InvalidActor> {
        Self::parse(text).ok_or(InvalidActor)
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(id) => id.fmt(f),
            Self::Key(id) => id.fmt(f),
            Self::Operator => f.write_str("operator"),
            Self::System => f.write_str("system"),
            Self::Nobody => f.write_str("nobody"),
        }
    }
}

impl AuditAction {
    /// An action of this house. That the name has the right form is checked where it is read back, and by the tests.
    pub const fn named(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AuditAction {
    type Err = InvalidAuditAction;

    fn from_str(text: &str) -> Result<Self, InvalidAuditAction> {
        let is_word = |word: &str| {
            let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            !word.is_empty() && word.bytes().all(is_letter)
        };
        match text.split_once('.') {
            Some((noun, verb)) if text.len() <= 64 && is_word(noun) && is_word(verb) => {
                Ok(Self(Cow::Owned(text.to_owned())))
            }
            _ => Err(InvalidAuditAction),
        }
    }
}

impl TryFrom<String> for AuditAction {
    type Error = InvalidAuditAction;

    fn try_from(text: String) -> Result<Self, InvalidAuditAction> {
        text.parse()
    }
}

impl From<AuditAction> for String {
    fn from(action: AuditAction) -> Self {
        action.0.into_owned()
    }
}

impl fmt::Display for AuditAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AuditAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actors_and_actions_survive_their_own_text() {
        for actor in [
            Actor::Person(PersonId::generate()),
            Actor::Key(KeyId::generate()),
            Actor::Operator,
            Actor::System,
            Actor::Nobody,
        ] {
            assert_eq!(actor.to_string().parse(), Ok(actor));
        }
        assert_eq!("somebody".parse::<Actor>(), Err(InvalidActor));

        assert_eq!("member.remove".parse(), Ok(AuditAction::named("member.remove")));
        for refused in ["", "member", ".remove", "member.", "Member.remove", "a.b.c", "a.b c"] {
            assert_eq!(refused.parse::<AuditAction>(), Err(InvalidAuditAction), "{refused}");
        }
    }
}
