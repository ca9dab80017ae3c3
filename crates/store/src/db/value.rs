//! What a statement binds: three kinds of value, each of which may be missing. A missing one keeps its kind, because
//! PostgreSQL wants to know of which type nothing is.

use std::time::Duration;

use vocab::{
    AccountId, AuditId, CaseId, ConsentId, EntryId, GrantId, HoldId, InvitationId, KeyId, LeaseId, ModelName,
    NanoUsd, NodeId, PersonId, ProjectId, RequestId, SessionId, SubscriptionId, Timestamp, Tokens,
};

/// More tokens than any request has. Counts are cut to it, so that a host that reports nonsense cannot
/// make a sum overflow.
const TOKENS_MAX: u64 = 1 << 40;

/// One bound value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// `BOOLEAN`.
    Bool(Option<bool>),
    /// `BIGINT`.
    Int(Option<i64>),
    /// `TEXT`.
    Text(Option<String>),
}

/// What can be bound, and which kind of nothing stands for its absence.
pub(crate) trait ToValue {
    /// The missing value.
    const NOTHING: Value;

    /// The value as it is written.
    fn to_value(self) -> Value;
}

impl<T: ToValue> ToValue for Option<T> {
    const NOTHING: Value = T::NOTHING;

    fn to_value(self) -> Value {
        self.map_or(T::NOTHING, ToValue::to_value)
    }
}

/// `kind: type => how it is written`, one a line.
macro_rules! written {
    ($($kind:ident: $type:ty => |$value:ident| $written:expr;)*) => {
        $(
            impl ToValue for $type {
                const NOTHING: Value = Value::$kind(None);

                fn to_value(self) -> Value {
                    let $value = self;
                    Value::$kind(Some($written))
                }
            }
        )*
    };
}

written! {
    Bool: bool => |flag| flag;
    Int: i64 => |number| number;
    Int: u32 => |number| i64::from(number);
    Int: Timestamp => |moment| moment.as_millis();
    Int: Duration => |span| i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
    Int: Tokens => |tokens| tokens.0.min(TOKENS_MAX).cast_signed();
    Int: NanoUsd => |amount| amount.0;
    Text: String => |text| without_nul(text);
    Text: &str => |text| without_nul(text.to_owned());
    Text: &String => |text| without_nul(text.clone());
    Text: &RequestId => |id| id.as_str().to_owned();
    Text: &ModelName => |name| name.as_str().to_owned();
}

macro_rules! ids {
    ($($id:ty)*) => {
        written! { $(Text: $id => |id| id.to_string();)* }
    };
}

ids! {
    AccountId AuditId CaseId ConsentId EntryId GrantId HoldId InvitationId KeyId LeaseId NodeId PersonId ProjectId
    SessionId SubscriptionId
}

/// PostgreSQL keeps every character but this one, which only turns up where someone looks for trouble. It is replaced for
/// both databases, so that they find and refuse the same.
fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_can_be_kept_by_either_database() {
        assert_eq!("a\0b".to_value(), Value::Text(Some("a\u{fffd}b".to_owned())));
        assert_eq!("plain \u{1f600}".to_value(), Value::Text(Some("plain \u{1f600}".to_owned())));
    }

    #[test]
    fn nothing_has_a_kind() {
        assert_eq!(None::<Timestamp>.to_value(), Value::Int(None));
        assert_eq!(None::<AccountId>.to_value(), Value::Text(None));
    }
}
