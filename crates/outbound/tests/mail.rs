//! Letters on their way.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::sync::{Arc, Mutex};

use accounts::{Letter, MailError, Mailer};
use outbound::mail::{
    FolderMailer, Sender, SmtpError, SmtpLogin, SmtpMailer, SmtpSecurity, SmtpSettings, TerminalMailer,
};
use tempfile::TempDir;
use testkit::smtp_server::SmtpServer;
use vocab::Secret;

fn sender() -> Sender {
    "House <noreply@house.example>".parse().unwrap()
}

fn letter() -> Letter {
    Letter {
        to: "ana@example.com".parse().unwrap(),
        subject: "请确认您的邮箱地址".to_owned(),
        text: "您好：\n\n.a line that begins with a dot\nhttps://house.example/verify-email#t0ken\n"
            .to_owned(),
    }
}

fn settings(server: &SmtpServer) -> SmtpSettings {
    SmtpSettings {
        host: "127.0.0.1".to_owned(),
        port: server.port(),
        security: SmtpSecurity::Plain,
        login: None,
        sender: sender(),
    }
}

/// What is behind the quoted-printable text of a mail.
fn text_of(data: &str) -> String {
    let (head, body) = data.split_once("\n\n").unwrap();
    assert!(head.contains("Content-Transfer-Encoding: quoted-printable"), "{head}");
    let mut bytes = Vec::new();
    let mut rest = body.replace("=\n", "").into_bytes().into_iter();
    while let Some(byte) = rest.next() {
        if byte == b'=' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn a_letter_arrives_at_the_mail_server_as_it_was_written() {
    let server = SmtpServer::start().await;
    let login = SmtpLogin { user: "house".to_owned(), password: Secret::new("mail password") };
    let mailer = SmtpMailer::new(SmtpSettings { login: Some(login), ..settings(&server) }).unwrap();
    mailer.send(&letter()).await.unwrap();

    let received = server.letters().pop().unwrap();
    assert_eq!(
        (received.from.as_str(), received.to.as_slice()),
        ("noreply@house.example", &["ana@example.com".to_owned()][..])
    );
    assert_eq!(received.login, Some(("house".to_owned(), "mail password".to_owned())));
    assert!(received.data.contains("From: House <noreply@house.example>"), "{}", received.data);
    assert!(received.data.contains("Message-ID: <") && received.data.contains("Date: "), "{}", received.data);
    // The end of a letter on this line is the end of a line.
    assert_eq!(text_of(&received.data).trim_end(), letter().text.trim_end());
}

#[tokio::test]
async fn a_refusal_for_good_is_told_from_one_for_now() {
    let server = SmtpServer::start().await;
    let mailer = SmtpMailer::new(settings(&server)).unwrap();
    server.refuses_receivers("550 no such box");
    assert!(matches!(mailer.send(&letter()).await, Err(MailError::Refused(_))));
    server.refuses_receivers("451 try again later");
    assert!(matches!(mailer.send(&letter()).await, Err(MailError::Unreachable(_))));

    let gone = SmtpMailer::new(SmtpSettings { port: 1, ..settings(&server) }).unwrap();
    assert!(matches!(gone.send(&letter()).await, Err(MailError::Unreachable(_))));
    assert!(server.letters().is_empty());
}

#[tokio::test]
async fn a_server_that_cannot_encrypt_is_not_used_where_it_has_to() {
    let server = SmtpServer::start().await;
    let mailer =
        SmtpMailer::new(SmtpSettings { security: SmtpSecurity::StartTls, ..settings(&server) }).unwrap();
    assert!(mailer.send(&letter()).await.is_err());
    assert!(server.letters().is_empty());
}

#[test]
fn a_password_does_not_go_over_an_open_line() {
    let login = SmtpLogin { user: "house".to_owned(), password: Secret::new("mail password") };
    let settings = SmtpSettings {
        host: "mail.example.com".to_owned(),
        port: 25,
        security: SmtpSecurity::Plain,
        login: Some(login),
        sender: sender(),
    };
    assert!(!format!("{settings:?}").contains("mail password"));
    assert!(matches!(SmtpMailer::new(settings), Err(SmtpError::OpenLine)));
}

#[tokio::test]
async fn letters_are_laid_into_a_folder() {
    let folder = TempDir::new().unwrap();
    let mailer = FolderMailer::new(folder.path().join("mail/out"), sender()).unwrap();
    mailer.send(&letter()).await.unwrap();
    mailer.send(&letter()).await.unwrap();
    let files: Vec<_> = std::fs::read_dir(folder.path().join("mail/out"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(files.len(), 2);
    for file in files {
        assert_eq!(file.extension().unwrap(), "eml");
        let data = std::fs::read_to_string(&file).unwrap().replace("\r\n", "\n");
        assert_eq!(text_of(&data), letter().text);
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&file.metadata().unwrap()) & 0o777, 0o600);
    }
}

#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn letters_are_shown_on_the_terminal() {
    let screen = Screen::default();
    TerminalMailer::to(Box::new(screen.clone())).send(&letter()).await.unwrap();
    let shown = String::from_utf8(screen.0.lock().unwrap().clone()).unwrap();
    assert!(shown.contains("ana@example.com") && shown.contains(&letter().text), "{shown}");
}

#[test]
fn a_sender_is_an_address() {
    assert!("House <noreply@house.example>".parse::<Sender>().is_ok());
    assert!("House".parse::<Sender>().is_err());
    assert!("a@b.example\r\nBcc: c@d.example".parse::<Sender>().is_err());
}
