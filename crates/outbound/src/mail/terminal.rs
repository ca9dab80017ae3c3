use std::io::Write;
use std::sync::{Mutex, PoisonError};

use accounts::{Letter, MailError, Mailer};
use async_trait::async_trait;

use super::unreachable;

/// Shows letters on the terminal, links and all, for someone who tries the platform on their own machine. It is no log:
/// whoever reads it can do what the letters' receivers can.
pub struct TerminalMailer(Mutex<Box<dyn Write + Send>>);

impl TerminalMailer {
    /// A mailer to standard output.
    pub fn stdout() -> Self {
        Self::to(Box::new(std::io::stdout()))
    }

    /// A mailer to whatever this is.
    pub fn to(output: Box<dyn Write + Send>) -> Self {
        Self(Mutex::new(output))
    }
}

#[async_trait]
impl Mailer for TerminalMailer {
    async fn send(&self, letter: &Letter) -> Result<(), MailError> {
        let shown = format!("\n── letter to {} ──\n{}\n\n{}──\n", letter.to, letter.subject, letter.text);
        let mut output = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        output.write_all(shown.as_bytes()).and_then(|()| output.flush()).map_err(unreachable)
    }
}
