//! Where the tests of people live: stores in memory, a clock with hands, a letter box, and Ana.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use accounts::{
    AccountStore, By, EmailAddress, Letter, Locale, Login, LoginError, MailError, Mailer, NewSession,
    Organisations, PasswordCost, Passwords, People, PeopleSettings, PeopleStore, Post, Seal, SignUp,
    SignUpPolicy, SignedIn, SignedUp, Site,
};
use async_trait::async_trait;
use testkit::clock::ManualClock;
use testkit::memory::{MemoryAccounts, MemoryPeople};
use tokio::sync::{Mutex, mpsc};
use vocab::{PersonId, Secret};

pub const PASSWORD: &str = "correct horse battery";

pub struct House {
    pub accounts: Arc<MemoryAccounts>,
    pub store: Arc<dyn PeopleStore>,
    pub clock: Arc<ManualClock>,
    pub people: Arc<People>,
    pub organisations: Organisations,
    letters: Mutex<mpsc::UnboundedReceiver<Letter>>,
}

/// Keeps letters for whoever looks.
struct Mailbox(mpsc::UnboundedSender<Letter>);

#[async_trait]
impl Mailer for Mailbox {
    async fn send(&self, letter: &Letter) -> Result<(), MailError> {
        self.0.send(letter.clone()).map_err(|error| MailError::Refused(error.into()))
    }
}

pub fn settings() -> PeopleSettings {
    let site = Site { name: "House".to_owned(), url: "https://house.example".to_owned() };
    PeopleSettings { sign_up: SignUpPolicy::Open, ..PeopleSettings::of(site) }
}

pub fn source() -> Option<IpAddr> {
    Some("192.0.2.1".parse().unwrap())
}

pub fn wish(email: &str) -> SignUp {
    SignUp {
        email: email.parse().unwrap(),
        name: "Ana".to_owned(),
        password: Secret::new(PASSWORD),
        locale: Locale::English,
        birth_date: None,
        has_guardian: false,
        agreements: Vec::new(),
        invitation: None,
        source: source(),
    }
}

impl House {
    pub fn new() -> Self {
        Self::with(settings())
    }

    pub fn with(settings: PeopleSettings) -> Self {
        let accounts = Arc::new(MemoryAccounts::default());
        let store: Arc<dyn PeopleStore> = Arc::new(MemoryPeople::new(accounts.clone()));
        let clock = Arc::new(ManualClock::default());
        let cost = PasswordCost { memory_kib: 64, passes: 1, at_once_max: 4, waiting_max: 64 };
        let (sender, letters) = mpsc::unbounded_channel();
        let (post, postman) = Post::new(Arc::new(Mailbox(sender)));
        tokio::spawn(postman.run());
        let people = Arc::new(People::new(
            settings,
            store.clone(),
            Passwords::new(cost).unwrap(),
            post,
            Seal::generate().0,
            clock.clone(),
        ));
        let organisations = Organisations::new(people.clone(), store.clone(), clock.clone());
        Self { accounts, store, clock, people, organisations, letters: Mutex::new(letters) }
    }

    /// The next letter that someone gets.
    pub async fn letter(&self) -> Letter {
        let mut letters = self.letters.lock().await;
        tokio::time::timeout(Duration::from_secs(5), letters.recv()).await.expect("a letter").unwrap()
    }

    /// The token in the link of the next letter.
    pub async fn token(&self) -> Secret {
        token_in(&self.letter().await)
    }

    /// That nobody gets a letter.
    pub async fn assert_no_letter(&self) {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        let letter = self.letters.lock().await.try_recv();
        assert!(letter.is_err(), "{letter:?}");
    }

    pub fn wait(&self, secs: u64) {
        self.clock.advance(Duration::from_secs(secs));
    }

    /// Someone who signed up and verified their address.
    pub async fn person(&self, email: &str) -> PersonId {
        assert_eq!(self.people.sign_up(wish(email)).await.unwrap(), SignedUp::LetterSent);
        let token = self.token().await;
        self.people.verify_email(&token, None).await.unwrap()
    }

    pub async fn login(&self, email: &str, password: &str) -> Result<NewSession, LoginError> {
        self.login_with(email, password, None).await
    }

    pub async fn login_with(
        &self,
        email: &str,
        password: &str,
        code: Option<&Secret>,
    ) -> Result<NewSession, LoginError> {
        let login = Login {
            email: email.to_owned(),
            password: Secret::new(password),
            code: code.cloned(),
            source: source(),
            agent: "test".to_owned(),
        };
        self.people.login(&login).await
    }

    /// Someone who signed up, verified their address and logged in.
    pub async fn signed_in(&self, email: &str) -> SignedIn {
        self.person(email).await;
        let token = self.login(email, PASSWORD).await.unwrap().token;
        self.people.signed_in(&token).await.unwrap()
    }
}

pub fn token_in(letter: &Letter) -> Secret {
    let (_, rest) = letter.text.split_once('#').expect("a link");
    Secret::new(rest.split_whitespace().next().unwrap())
}

pub fn by(signed_in: &SignedIn) -> By {
    By::person(signed_in.person.id, source())
}

pub fn address(text: &str) -> EmailAddress {
    text.parse().unwrap()
}

/// The accounts that exist.
pub async fn count_accounts(house: &House) -> usize {
    house.accounts.account_list(None, 100).await.unwrap().len()
}
