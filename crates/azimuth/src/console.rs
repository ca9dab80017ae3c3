//! What the console works with: logins, letters, partners, rights.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use accounts::{
    AuditLog, ByAccount, ConductData, DataRights, DataRightsSettings, Idempotency, IdentityProvider, Mailer,
    OpenIdLogins, Organisations, PasswordCost, Passwords, People, PeopleSettings, PlanData, Post, Projects,
    Retention, RetentionDays, Seal, SignUpPolicy, Site, StrikeLetters,
};
use anyhow::Context;
use gateway::{MoneyData, UsageData, UsageRetention};
use outbound::mail::{FolderMailer, SmtpLogin, SmtpMailer, SmtpSecurity, SmtpSettings, TerminalMailer};
use outbound::openid::{OpenIdProvider, OpenIdSettings};
use server::ConsoleServices;
use store::Store;
use tokio_util::task::TaskTracker;
use vocab::{AccountId, Secret};

use crate::books::Books;
use crate::config::{
    Config, IdentityProviderConfig, MailConfig, MailKind, MailSecurity, PeopleConfig, RetentionConfig, SignUp,
};

const HOUR: Duration = Duration::from_secs(3600);

/// Everything about people. Letters are sent in the background until the last of it is dropped.
pub(crate) struct Desk {
    /// Everything the console works with.
    pub(crate) services: ConsoleServices,
    /// Deletes what need not be kept.
    pub(crate) retention: Retention,
    /// Tells accounts of their strikes.
    pub(crate) strike_letters: StrikeLetters,
}

/// Opens it.
pub(crate) fn desk(
    config: &Config,
    books: &Books,
    operator: AccountId,
    seal: &Seal,
    folder: &Path,
    tracker: &TaskTracker,
) -> anyhow::Result<Desk> {
    let (store, clock) = (books.store.clone(), books.clock.clone());
    let (post, postman) = Post::new(mailer(&config.mail, folder).context("`mail`")?);
    tracker.spawn(postman.run());
    let public_url = public_url(config);
    let passwords = Passwords::new(PasswordCost::default()).context("passwords cannot be hashed")?;
    let people = Arc::new(People::new(
        people_settings(&config.people, &public_url),
        store.clone(),
        passwords,
        post,
        seal.clone(),
        clock.clone(),
    ));
    let providers: anyhow::Result<Vec<Arc<dyn IdentityProvider>>> =
        config.identity_providers.iter().map(|about| provider(about, &public_url, books)).collect();
    let usage_data = UsageData { log: store.clone(), rollup: store.clone(), ledger: store.clone() };
    let rights = DataRights::new(
        people.clone(),
        store.clone(),
        store.clone(),
        DataRightsSettings { grace: 24 * HOUR * config.people.deletion_grace_days, is_reviewed: true },
    )
    .with(Arc::new(ByAccount(PlanData(store.clone()))))
    .with(Arc::new(ByAccount(MoneyData(store.clone()))))
    .with(Arc::new(ByAccount(usage_data)))
    .with(Arc::new(ByAccount(ConductData(store.clone()))));
    let strike_letters = StrikeLetters::new(people.clone(), store.clone());
    let services = ConsoleServices {
        organisations: Arc::new(Organisations::new(people.clone(), store.clone(), clock.clone())),
        projects: Arc::new(Projects::new(store.clone(), clock.clone())),
        accounts: books.accounts.clone(),
        open_id: Arc::new(OpenIdLogins::new(people.clone(), providers?)),
        people,
        plans: books.plans.clone(),
        standings: books.standings.clone(),
        rates: books.rules.rates.clone(),
        prices: books.rules.prices.clone(),
        conduct: books.conduct.clone(),
        end_users: books.end_users.clone(),
        documents: books.rules.documents.clone(),
        audit: Arc::new(AuditLog::new(store.clone(), clock.clone())),
        rights: Arc::new(rights),
        ledger: store.clone(),
        statements: books.statements.clone(),
        rollup: store.clone(),
        idempotency: Arc::new(Idempotency::new(store.clone(), seal.clone(), clock)),
        operator,
        public_url,
    };
    Ok(Desk { services, strike_letters, retention: retention(&config.retention, store) })
}

fn retention(days: &RetentionConfig, store: Arc<Store>) -> Retention {
    let people = RetentionDays {
        sessions: days.sessions_days,
        tokens: days.letters_days,
        invitations: days.invitations_days,
        audit: days.audit_days,
        unverified: days.unverified_days,
    };
    let retention = Retention::new(store.clone(), &people);
    match days.usage_days {
        0 => retention,
        days => retention.with(days, Arc::new(UsageRetention(store))),
    }
}

fn public_url(config: &Config) -> String {
    match config.people.public_url.trim_end_matches('/') {
        "" => format!("http://{}", config.server.listen),
        url => url.to_owned(),
    }
}

fn people_settings(config: &PeopleConfig, public_url: &str) -> PeopleSettings {
    PeopleSettings {
        sign_up: match config.sign_up {
            SignUp::Open => SignUpPolicy::Open,
            SignUp::Invited => SignUpPolicy::InviteOnly,
            SignUp::Closed => SignUpPolicy::Closed,
        },
        age_min: config.age_min.into(),
        session_idle: HOUR * config.login_idle_hours_max,
        session_life: 24 * HOUR * config.login_days_max,
        ..PeopleSettings::of(Site { name: config.site_name.clone(), url: public_url.to_owned() })
    }
}

fn mailer(config: &MailConfig, folder: &Path) -> anyhow::Result<Arc<dyn Mailer>> {
    let sender = || config.from.parse().context("`from`");
    Ok(match config.kind {
        MailKind::Log => Arc::new(TerminalMailer::stdout()),
        MailKind::Folder => {
            let letters = if config.folder.as_os_str().is_empty() {
                folder.join("letters")
            } else {
                config.folder.clone()
            };
            Arc::new(FolderMailer::new(letters, sender()?).context("`folder` cannot be used")?)
        }
        MailKind::Smtp => {
            let login = (!config.user.is_empty()).then(|| SmtpLogin {
                user: config.user.clone(),
                password: Secret::new(std::env::var(&config.password_env).unwrap_or_default()),
            });
            let security = match config.security {
                MailSecurity::Tls => SmtpSecurity::Tls,
                MailSecurity::Starttls => SmtpSecurity::StartTls,
                MailSecurity::None => SmtpSecurity::Plain,
            };
            let settings = SmtpSettings {
                host: config.host.clone(),
                port: config.port,
                security,
                login,
                sender: sender()?,
            };
            Arc::new(SmtpMailer::new(settings)?)
        }
    })
}

fn provider(
    about: &IdentityProviderConfig,
    public_url: &str,
    books: &Books,
) -> anyhow::Result<Arc<dyn IdentityProvider>> {
    let name = || format!("`identity_providers` `{}`", about.name);
    let secret = about.client_secret_env.as_ref().and_then(|variable| std::env::var(variable).ok());
    let settings = OpenIdSettings {
        name: about.name.parse().with_context(name)?,
        issuer: about.issuer.clone(),
        client_id: about.client_id.clone(),
        client_secret: secret.map(Secret::new),
        redirect_url: format!("{public_url}/api/console/login/{}/callback", about.name),
        scopes: ["email", "profile"].map(str::to_owned).to_vec(),
        is_trusted_with_addresses: about.trusts_addresses,
    };
    Ok(Arc::new(OpenIdProvider::new(settings, books.clock.clone()).with_context(name)?))
}
