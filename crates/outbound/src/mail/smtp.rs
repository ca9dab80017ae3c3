use std::time::Duration;

use accounts::{Letter, MailError, Mailer};
use async_trait::async_trait;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use vocab::Secret;

use super::{Sender, message, refused, unreachable};

/// A server that takes longer for one step does not answer.
const STEP_MAX: Duration = Duration::from_secs(15);

/// The server that takes our letters.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    /// Its name, as its certificate says it.
    pub host: String,
    /// Its port; 465 with [`SmtpSecurity::Tls`] and 587 with [`SmtpSecurity::StartTls`], as a rule.
    pub port: u16,
    /// How the line is protected.
    pub security: SmtpSecurity,
    /// Who we are to it.
    pub login: Option<SmtpLogin>,
    /// Whom letters are from.
    pub sender: Sender,
}

/// Who we are to a mail server.
#[derive(Clone, Debug)]
pub struct SmtpLogin {
    /// The name.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// How the line to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// Encrypted from the first byte.
    Tls,
    /// Encrypted before anything is said; a server that cannot is refused.
    StartTls,
    /// Not at all: for a server on this machine or in the same house.
    Plain,
}

/// A mail server that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    /// Its name is none, or the machine has no certificates.
    #[error("the mail server `{host}` cannot be used")]
    Unusable {
        /// Its name.
        host: String,
        /// Why not.
        source: lettre::transport::smtp::Error,
    },
    /// A password would go over an open line.
    #[error(
        "a password is not sent over a line that is not encrypted; set the mail server's security to TLS"
    )]
    OpenLine,
}

/// Hands letters to a mail server, a connection each.
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    sender: Sender,
}

impl SmtpMailer {
    /// A mailer by way of this server. Nothing is sent yet.
    pub fn new(settings: SmtpSettings) -> Result<Self, SmtpError> {
        type Transport = AsyncSmtpTransport<Tokio1Executor>;
        let SmtpSettings { host, port, security, login, sender } = settings;
        let builder = match security {
            SmtpSecurity::Tls => Transport::relay(&host),
            SmtpSecurity::StartTls => Transport::starttls_relay(&host),
            SmtpSecurity::Plain => Ok(Transport::builder_dangerous(&*host)),
        };
        let builder = builder.map_err(|source| SmtpError::Unusable { host: host.clone(), source })?;
        let mut builder = builder.port(port).timeout(Some(STEP_MAX));
        if let Some(login) = login {
            if security == SmtpSecurity::Plain && !is_this_machine(&host) {
                return Err(SmtpError::OpenLine);
            }
            builder = builder.credentials(Credentials::new(login.user, login.password.expose().to_owned()));
        }
        Ok(Self { transport: builder.build(), sender })
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, letter: &Letter) -> Result<(), MailError> {
        let message = message(&self.sender, letter)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => Err(refused(error)),
            Err(error) => Err(unreachable(error)),
        }
    }
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
