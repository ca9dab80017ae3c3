//! How an account that may not call now is told so (`errors.md` §2, `clients.md` §4).

use std::time::Duration;

use accounts::{AccountState, NoPlan, NoPlanCode, OutOfScope, reset_text, window_words};
use axum::http::StatusCode;
use gateway::{Limit, Refusal};
use ledger::WindowName;
use wire::Code;

use crate::ApiError;

/// Clients sit still for as long as `retry-after` says, some without a word, so it is only sent for waits that a person
/// would not notice.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Account(state) => account(state),
            Refusal::FairUse => Self::of(Code::FairUse, &[]),
            Refusal::EndUserBlocked(id) => {
                let text = format!("{}: the end user `{id}` is blocked", Code::PolicyBlocked.text());
                Self::saying(Code::PolicyBlocked, text).with_status(StatusCode::TOO_MANY_REQUESTS)
            }
            Refusal::KeyScope(why) => Self::of(Code::Forbidden, &[("API_name", out_of_scope(why))]),
            Refusal::KeySpent { limit } => Self::saying(
                Code::InsufficientBalance,
                format!("{} This key may spend {limit} USD a month.", Code::InsufficientBalance.text()),
            ),
            Refusal::NoPlan { why, code } => no_plan(&why, code),
            Refusal::NotInPlan(model) => Self::of(Code::NotInPlan, &[("model_name", model.as_str())]),
            Refusal::ModelBusy { other } => {
                Self::of(Code::ModelOverloaded, &[("model_name", other.as_str())]).overloaded()
            }
            Refusal::GivesWay => {
                Self::of(Code::Overloaded, &[]).retry_after(Some(RETRY_AFTER_MAX)).overloaded()
            }
            Refusal::Limited(denied) => limited(denied.limit, denied.retry_after),
            Refusal::UsedUp { window, resets, zone } => {
                let (number, unit) = window_words(window);
                let resets = reset_text(resets, zone);
                let fields = [("number", number), ("unit", unit), ("next_flush_time", &resets)];
                match window {
                    WindowName::FiveHours => Self::of(Code::ShortWindowUsedUp, &fields),
                    WindowName::Week | WindowName::Month => Self::of(Code::LongWindowUsedUp, &fields),
                }
            }
            Refusal::InsufficientBalance { .. } => Self::of(Code::InsufficientBalance, &[]),
            Refusal::Unpriceable => Self::saying(Code::BadParameters, "The request is too large to price"),
            Refusal::Unavailable(cause) => Self::accounts_unavailable(&cause),
        }
    }
}

fn out_of_scope(why: OutOfScope) -> &'static str {
    match why {
        OutOfScope::Door => "this endpoint: the key is for others",
        OutOfScope::Model => "this model: the key is for others",
        OutOfScope::Address => "this API from here: the key is for other addresses",
    }
}

fn account(state: AccountState) -> ApiError {
    let code = match state {
        // Never refused for its state; if it ever is, that is a mistake of ours.
        AccountState::Active => return ApiError::internal("an active account was refused"),
        AccountState::Inactive => Code::AccountInactive,
        AccountState::Locked => Code::AccountLocked,
        AccountState::Irregular => Code::AccountIrregular,
        AccountState::Closed => Code::AccountUnknown,
    };
    ApiError::of(code, &[])
}

fn no_plan(why: &NoPlan, code: NoPlanCode) -> ApiError {
    match code {
        NoPlanCode::InsufficientBalance => ApiError::of(Code::InsufficientBalance, &[]),
        NoPlanCode::Expired => match why {
            NoPlan::Expired { .. } => ApiError::of(Code::PlanExpired, &[]),
            NoPlan::Never | NoPlan::Withdrawn { .. } => ApiError::saying(
                Code::PlanExpired,
                format!(
                    "{} This account has no plan: the operator grants one with `azimuth admin plan grant`, and \
                     /api/paas/v4 needs none.",
                    Code::PlanExpired.text()
                ),
            ),
        },
    }
}

fn limited(limit: Limit, wait: Duration) -> ApiError {
    let code = match limit {
        Limit::Concurrency => Code::TooManyAtOnce,
        Limit::RequestsPerMinute => Code::TooFrequent,
        Limit::RequestsPerDay => Code::DailyLimit,
        Limit::TokensPerMinute => Code::Overloaded,
    };
    if wait > RETRY_AFTER_MAX {
        ApiError::of(code, &[]).never_retried()
    } else {
        ApiError::of(code, &[]).retry_after(Some(wait))
    }
}
