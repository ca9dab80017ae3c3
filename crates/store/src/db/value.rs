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
    Text: String => |text| text;
    Text: &str => |text| text.to_owned();
    Text: &String => |text| text.clone();
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
