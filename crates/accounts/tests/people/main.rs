//! People from the outside.

#![expect(clippy::unwrap_used, reason = "a helper that cannot do its part fails the test")]

mod data_rights;
mod house;
mod login;
mod open_id;
mod organisations;
mod passwords;
mod second_factor;
mod secrets;
mod sign_up;
mod strike_letters;
