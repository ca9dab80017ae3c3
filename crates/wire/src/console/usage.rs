//! What was used.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vocab::{AccountId, KeyId};

use super::{Moment, Money, PageQuery};

/// Which sums are wanted.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DailyWish {
    /// Only of this key.
    #[param(value_type = Option<String>)]
    pub key: Option<KeyId>,
    /// The first day, `2026-05-05`.
    pub since: Option<String>,
    /// The last day.
    pub until: Option<String>,
    /// The `next_cursor` of the page before; none for the first.
    pub cursor: Option<String>,
    /// How many items at most: 1 to 200, and 50 unless said.
    pub limit: Option<u32>,
}

/// Which requests are wanted.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RequestsWish {
    /// Only of this key.
    #[param(value_type = Option<String>)]
    pub key: Option<KeyId>,
    /// Only requests that began then or later, RFC 3339.
    pub since: Option<String>,
    /// Only requests that began before, RFC 3339.
    pub until: Option<String>,
    /// The `next_cursor` of the page before; none for the first.
    pub cursor: Option<String>,
    /// How many items at most: 1 to 200, and 50 unless said.
    pub limit: Option<u32>,
}

/// What one account used with one key and model on one day.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct DailySum {
    /// `2026-05-05`, in the zone of the statements.
    pub day: String,
    /// Whose.
    #[schema(value_type = String)]
    pub account: AccountId,
    /// The key.
    #[schema(value_type = String)]
    pub key: KeyId,
    /// The model that was asked for.
    pub model: String,
    /// How many requests.
    pub requests: u64,
    /// Their tokens.
    pub tokens: TokensShape,
    /// What they cost the balance.
    pub cost: Money,
    /// What was taken of it.
    pub charged: Money,
}

/// Tokens, by class; no token is in two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TokensShape {
    /// Of the prompt, computed.
    pub fresh_prompt: u64,
    /// Of the prompt, from the context cache.
    pub cached_prompt: u64,
    /// Of thinking.
    pub reasoning: u64,
    /// Of the answer.
    pub answer: u64,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RequestShape {
    /// Its id, as in `x-request-id`.
    pub id: String,
    /// The key that was used.
    #[schema(value_type = String)]
    pub key: KeyId,
    /// `general`, `coding` or `anthropic`.
    pub door: String,
    /// The model that was asked for.
    pub model: String,
    /// The tokens.
    pub tokens: TokensShape,
    /// When it was admitted.
    pub started: Moment,
    /// Milliseconds to the first piece of output.
    pub first_token_ms: Option<u64>,
    /// Milliseconds to the end.
    pub duration_ms: u64,
    /// How it ended.
    pub ending: String,
    /// The program it seems to come from.
    pub client: Option<String>,
}

/// One request, and what it cost, line by line.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RequestExplained {
    /// The request; none if its record was deleted because it had been kept long enough.
    pub request: Option<RequestShape>,
    /// What was taken of the balance for it; none if nothing was.
    pub charge: Option<ChargeShape>,
}

/// What a request came to.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ChargeShape {
    /// What it cost.
    pub cost: Money,
    /// What was taken.
    pub charged: Money,
    /// What of that came from credits.
    pub from_credits: Money,
    /// What it cost and nobody paid.
    pub waived: Money,
    /// What was given back since.
    pub refunded: Money,
    /// Which prices counted.
    pub price_version: i64,
    /// When.
    pub at: Moment,
    /// The cost again, line by line, from the prices of that time; none if those or the request's record are gone.
    pub lines: Vec<ChargeLine>,
    /// Whether the lines add up to the cost.
    pub is_explained: bool,
}

/// So many of one thing.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ChargeLine {
    /// Of what.
    pub item: String,
    /// How many.
    pub quantity: u64,
    /// What one costs.
    pub unit_price: Money,
    /// What they cost.
    pub amount: Money,
}

impl DailyWish {
    /// Which page.
    pub fn page(&self) -> PageQuery {
        PageQuery { cursor: self.cursor.clone(), limit: self.limit }
    }
}

impl RequestsWish {
    /// Which page.
    pub fn page(&self) -> PageQuery {
        PageQuery { cursor: self.cursor.clone(), limit: self.limit }
    }
}
