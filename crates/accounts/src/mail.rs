use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::{info, warn};

use crate::Letter;

/// Letters that wait to be sent. They are not kept: after a crash people ask again.
const WAITING_MAX: usize = 1000;

/// Letters that are being sent at once.
const SENDING_MAX: usize = 8;

/// How long a letter waits after each failure; then it is given up.
const PAUSES: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(20), Duration::from_secs(120)];

/// What brings letters to people.
#[async_trait]
pub trait Mailer: Send + Sync + 'static {
    /// Sends a letter, or hands it to someone who answers for it. Ends by itself within a minute.
    async fn send(&self, letter: &Letter) -> Result<(), MailError>;
}

/// Why a letter was not sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// It will never be: the address or the letter is refused.
    #[error("the letter was refused")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It may be later.
    #[error("the mail server did not take the letter")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The letter box of the services: nobody waits for a mail server, and nobody learns from how long an answer takes
/// whether a letter was written.
#[derive(Clone)]
pub struct Post(mpsc::Sender<Letter>);

/// Empties the letter box.
pub struct Postman {
    letters: mpsc::Receiver<Letter>,
    mailer: Arc<dyn Mailer>,
}

/// The letter box is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many letters are waiting to be sent; try again in a minute")]
pub struct PostFull;

impl Post {
    /// A letter box, and who empties it by way of `mailer`.
    pub fn new(mailer: Arc<dyn Mailer>) -> (Self, Postman) {
        let (sender, letters) = mpsc::channel(WAITING_MAX);
        (Self(sender), Postman { letters, mailer })
    }

    pub(crate) fn send(&self, letter: Letter) -> Result<(), PostFull> {
        self.0.try_send(letter).map_err(|_| PostFull)
    }
}

impl Postman {
    /// Sends what is in the letter box until every [`Post`] is gone. To be spawned once.
    pub async fn run(mut self) {
        let mut sending = JoinSet::new();
        while let Some(letter) = self.letters.recv().await {
            if sending.len() >= SENDING_MAX {
                sending.join_next().await;
            }
            sending.spawn(deliver(self.mailer.clone(), letter));
        }
        while sending.join_next().await.is_some() {}
    }
}

async fn deliver(mailer: Arc<dyn Mailer>, letter: Letter) {
    for pause in PAUSES.map(Some).into_iter().chain([None]) {
        match (mailer.send(&letter).await, pause) {
            (Ok(()), _) => return info!(letter.subject = letter.subject, "sent a letter"),
            (Err(error @ MailError::Refused(_)), _) | (Err(error), None) => {
                return warn!(letter.subject = letter.subject, error = causes(&error), "gave a letter up");
            }
            (Err(_), Some(pause)) => tokio::time::sleep(pause).await,
        }
    }
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Answers as it is told, then takes everything.
    struct Scripted {
        answers: Mutex<Vec<MailError>>,
        tried: Mutex<Vec<String>>,
    }

    #[async_trait]
    impl Mailer for Scripted {
        async fn send(&self, letter: &Letter) -> Result<(), MailError> {
            self.tried.lock().unwrap().push(letter.subject.clone());
            self.answers.lock().unwrap().pop().map_or(Ok(()), Err)
        }
    }

    async fn tried(answers: Vec<MailError>) -> Vec<String> {
        let mailer = Arc::new(Scripted { answers: Mutex::new(answers), tried: Mutex::default() });
        let (post, postman) = Post::new(mailer.clone());
        let to = "ana@example.com".parse().unwrap();
        post.send(Letter { to, subject: "hello".to_owned(), text: String::new() }).unwrap();
        drop(post);
        postman.run().await;
        mailer.tried.lock().unwrap().clone()
    }

    #[tokio::test(start_paused = true)]
    async fn a_letter_is_tried_again_unless_it_is_refused() {
        let unreachable = || MailError::Unreachable("down".into());
        assert_eq!(tried(Vec::new()).await.len(), 1);
        assert_eq!(tried(vec![unreachable(), unreachable()]).await.len(), 3);
        assert_eq!(tried((0..9).map(|_| unreachable()).collect()).await.len(), 4, "given up");
        assert_eq!(tried(vec![MailError::Refused("no such box".into())]).await.len(), 1);
    }

    #[tokio::test]
    async fn a_full_letter_box_says_so() {
        let mailer = Arc::new(Scripted { answers: Mutex::default(), tried: Mutex::default() });
        let (post, _postman) = Post::new(mailer);
        let to = "ana@example.com".parse().unwrap();
        let letter = Letter { to, subject: "hello".to_owned(), text: String::new() };
        for _ in 0..WAITING_MAX {
            post.send(letter.clone()).unwrap();
        }
        assert_eq!(post.send(letter), Err(PostFull));
    }
}
