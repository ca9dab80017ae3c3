//! The console's services of a whole installation, in memory, and the letters they write.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use accounts::{
    Accounts, AuditLog, By, ByAccount, Conduct, DataRights, DataRightsSettings, DocumentName, Documents,
    EndUsers, Enrolment, Idempotency, Letter, Locale, MailError, Mailer, OpenIdLogins, Organisations,
    PasswordCost, Passwords, People, PeopleSettings, Person, Plans, Post, Projects, Role, Seal, SignUpPolicy,
    Site, Standings,
};
use async_trait::async_trait;
use gateway::{MoneyData, RateRules, StatementSettings, Statements, UsageData};
use ledger::{MemoryLedger, PriceBooks};
use server::ConsoleServices;
use tokio_util::task::TaskTracker;
use vocab::{AccountId, Clock, InForce, Secret};

use crate::House;
use crate::memory::{MemoryAccounts, MemoryDocuments, MemoryIdempotency, MemoryPeople, MemoryUsage};
use crate::partner::Partner;

/// What everyone logs in with whom [`House::member`] makes.
pub const PASSWORD: &str = "correct horse battery";

/// Where the console of a test says that it is.
const PUBLIC_URL: &str = "https://models.example.com";

/// What the console's services are made of.
pub(crate) struct Office {
    pub(crate) store: Arc<MemoryAccounts>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) plans: Arc<Plans>,
    pub(crate) standings: Arc<Standings>,
    pub(crate) rates: Arc<InForce<RateRules>>,
    pub(crate) prices: Arc<InForce<PriceBooks>>,
    pub(crate) conduct: Arc<Conduct>,
    pub(crate) end_users: Arc<EndUsers>,
    pub(crate) ledger: Arc<MemoryLedger>,
    pub(crate) usage: Arc<MemoryUsage>,
    pub(crate) operator: AccountId,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Letters that were sent, oldest first.
#[derive(Default)]
pub struct Letters(Mutex<Vec<Letter>>);

impl Office {
    /// Everyone may sign up; passwords are cheap to try, and rates are the only document that can be changed.
    pub(crate) fn open(self, tracker: &TaskTracker) -> (Arc<ConsoleServices>, Arc<Letters>) {
        let clock = self.clock;
        let store = Arc::new(MemoryPeople::new(self.store.clone()));
        let letters = Arc::new(Letters::default());
        let (post, postman) = Post::new(Arc::new(LetterBox(letters.clone())));
        tracker.spawn(postman.run());
        let site = Site { name: "Test House".to_owned(), url: PUBLIC_URL.to_owned() };
        let settings = PeopleSettings { sign_up: SignUpPolicy::Open, ..PeopleSettings::of(site) };
        let cost = PasswordCost { memory_kib: 64, passes: 1, at_once_max: 4, waiting_max: 64 };
        let passwords = Passwords::new(cost).expect("the cost is small");
        let seal = || Seal::from_bytes(&[7; 32]);
        let people = People::new(settings, store.clone(), passwords, post, seal(), clock.clone());
        let people = Arc::new(people);
        let documents = Documents::new(Arc::new(MemoryDocuments::default()), clock.clone())
            .with_validator(DocumentName::Rates, |body| {
                RateRules::from_json(&body.to_string()).map(drop).map_err(Into::into)
            });
        let statements = Statements::new(self.usage.clone(), clock.clone(), StatementSettings::default());
        let usage_data =
            UsageData { log: self.usage.clone(), rollup: self.usage.clone(), ledger: self.ledger.clone() };
        let rights =
            DataRights::new(people.clone(), store.clone(), self.store, DataRightsSettings::default())
                .with(Arc::new(ByAccount(MoneyData(self.ledger.clone()))))
                .with(Arc::new(ByAccount(usage_data)));
        let idempotency = Idempotency::new(Arc::new(MemoryIdempotency::default()), seal(), clock.clone());
        let services = ConsoleServices {
            organisations: Arc::new(Organisations::new(people.clone(), store.clone(), clock.clone())),
            projects: Arc::new(Projects::new(store.clone(), clock.clone())),
            accounts: self.accounts,
            open_id: Arc::new(OpenIdLogins::new(people.clone(), vec![Arc::new(Partner::default())])),
            plans: self.plans,
            standings: self.standings,
            rates: self.rates,
            prices: self.prices,
            conduct: self.conduct,
            end_users: self.end_users,
            documents: Arc::new(documents),
            audit: Arc::new(AuditLog::new(store, clock)),
            rights: Arc::new(rights),
            ledger: self.ledger,
            statements: Arc::new(statements),
            rollup: self.usage,
            idempotency: Arc::new(idempotency),
            operator: self.operator,
            public_url: PUBLIC_URL.to_owned(),
            people,
        };
        (Arc::new(services), letters)
    }
}

impl House {
    /// Someone with a login and a place in an account, whose password is [`PASSWORD`].
    pub async fn member(&self, email: &str, account: AccountId, role: Role) -> Person {
        let enrolment = Enrolment {
            email: email.parse().expect("an address"),
            name: email.split('@').next().unwrap_or_default().to_owned(),
            password: Some(Secret::new(PASSWORD)),
            locale: Locale::English,
            account,
            role,
        };
        self.console.people.enrol(enrolment, &By::OPERATOR).await.expect("the address is free")
    }
}

impl Letters {
    /// The token in the newest letter to `email`, once there is one that has a link.
    pub async fn token_for(&self, email: &str) -> String {
        for _ in 0..500 {
            let found = self.newest_to(email).and_then(|letter| token_in(&letter.text));
            if let Some(token) = found {
                return token;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("`{email}` got no letter with a link");
    }

    /// The newest letter to `email`.
    pub fn newest_to(&self, email: &str) -> Option<Letter> {
        let letters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        letters.iter().rev().find(|letter| letter.to.as_str() == email).cloned()
    }
}

/// What stands behind the `#` of a letter's link.
fn token_in(text: &str) -> Option<String> {
    let token: String = text.split_once('#')?.1.chars().take_while(char::is_ascii_alphanumeric).collect();
    (!token.is_empty()).then_some(token)
}

struct LetterBox(Arc<Letters>);

#[async_trait]
impl Mailer for LetterBox {
    async fn send(&self, letter: &Letter) -> Result<(), MailError> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).push(letter.clone());
        Ok(())
    }
}
