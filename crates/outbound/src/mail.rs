//! Brings letters to people: by SMTP, into a folder, or to the terminal.

mod folder;
mod smtp;
mod terminal;

use accounts::{Letter, MailError};
use lettre::Message;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use rand::RngExt;

pub use folder::FolderMailer;
pub use smtp::{SmtpError, SmtpLogin, SmtpMailer, SmtpSecurity, SmtpSettings};
pub use terminal::TerminalMailer;

/// Whom letters are from, such as `House <noreply@house.example>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender(Mailbox);

/// A text that names no sender.
#[derive(Clone, Debug, thiserror::Error)]
#[error("a sender looks like `House <noreply@house.example>`")]
pub struct InvalidSender(#[source] lettre::address::AddressError);

impl std::str::FromStr for Sender {
    type Err = InvalidSender;

    fn from_str(text: &str) -> Result<Self, InvalidSender> {
        text.parse().map(Self).map_err(InvalidSender)
    }
}

/// A letter as mail programs exchange it.
fn message(sender: &Sender, letter: &Letter) -> Result<Message, MailError> {
    let to = letter.to.as_str().parse().map_err(refused)?;
    let number: u128 = rand::rng().random();
    let id = format!("<{number:032x}@{}>", sender.0.email.domain());
    Message::builder()
        .from(sender.0.clone())
        .to(Mailbox::new(None, to))
        .subject(&*letter.subject)
        .message_id(Some(id))
        .date_now()
        .header(ContentType::TEXT_PLAIN)
        .body(letter.text.clone())
        .map_err(refused)
}

fn refused(cause: impl std::error::Error + Send + Sync + 'static) -> MailError {
    MailError::Refused(cause.into())
}

fn unreachable(cause: impl std::error::Error + Send + Sync + 'static) -> MailError {
    MailError::Unreachable(cause.into())
}
