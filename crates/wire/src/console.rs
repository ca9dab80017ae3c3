//! `/api/console/*`: the shapes that the web console and programs of an account's own exchange with us.
//!
//! Money is a decimal text of dollars, a moment is RFC 3339, an id is the text with its prefix. Lists come in pages.

mod error;
mod hidden;
mod moment;
mod money;
mod page;
mod read;

pub mod accounts;
pub mod admin;
pub mod audit;
pub mod cases;
pub mod data_rights;
pub mod end_users;
pub mod invitations;
pub mod keys;
pub mod members;
pub mod open_id;
pub mod plan;
pub mod projects;
pub mod second_factor;
pub mod sessions;
pub mod sign_up;
pub mod statements;
pub mod usage;
pub mod wallet;

pub use error::{ConsoleError, ConsoleErrorBody, Language, Problem};
pub use hidden::Hidden;
pub use moment::Moment;
pub use money::Money;
pub use page::{Done, Page, PageQuery};
pub use read::read;
