use ledger::{WindowName, WindowState};
use vocab::Timestamp;

use super::{UtcOffset, calendar};

/// The moment a limit resets as refusals print it: `2026-09-04 19:01:25` (rule ERR-04).
///
/// A begun second is counted whole: who comes back at the moment that was printed does not come too early.
pub fn reset_text(resets: Timestamp, zone: UtcOffset) -> String {
    let seconds = resets.as_millis().saturating_add(999).div_euclid(1000);
    let at = calendar::civil(Timestamp::from_millis(seconds.saturating_mul(1000)), zone);
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A window's length as refusals print it: `("5", "hour")`.
pub fn window_words(name: WindowName) -> (&'static str, &'static str) {
    match name {
        WindowName::FiveHours => ("5", "hour"),
        WindowName::Week => ("1", "week"),
        WindowName::Month => ("1", "month"),
    }
}

/// How full a window is, from 0 to 1000 (rule QUOTA-12). A window without room counts as full.
pub fn permille_used(state: &WindowState) -> u16 {
    let (used, limit) = (state.used.0.max(0), state.limit.limit.0);
    if limit <= used {
        return 1000;
    }
    u16::try_from(i128::from(used) * 1000 / i128::from(limit)).unwrap_or(1000)
}
