use std::fmt;

use vocab::{Secret, Timestamp};

use crate::{Account, Case, Cause, EmailAddress, Locale, Measure};

/// A letter, written out: plain text in the language of whom it is to. It may carry a secret link, so its text is not
/// printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    /// To whom.
    pub to: EmailAddress,
    /// One line.
    pub subject: String,
    /// The rest, in lines.
    pub text: String,
}

/// The installation as its letters name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// What it calls itself.
    pub name: String,
    /// Where people reach its console, such as `https://models.example.com`.
    pub url: String,
}

/// Everything that people are written about.
#[derive(Clone, Debug)]
pub(crate) enum Occasion<'a> {
    VerifyEmail { token: &'a Secret, hours: u64 },
    AddressKnown { name: &'a str },
    ResetPassword { name: &'a str, token: &'a Secret, hours: u64 },
    PasswordChanged { name: &'a str },
    EmailChanged { name: &'a str },
    Invitation { inviter: &'a str, account: &'a str, token: &'a Secret, days: u64 },
    ConfirmRights { name: &'a str, token: &'a Secret, hours: u64 },
    DeletionRequested { name: &'a str, due: Timestamp },
    Strike { name: &'a str, account: &'a Account, case: &'a Case },
}

impl Letter {
    pub(crate) fn write(site: &Site, to: &EmailAddress, locale: Locale, occasion: &Occasion<'_>) -> Self {
        let template = occasion.template(locale);
        let mut text = template.replace("{site}", &site.name);
        for (placeholder, value) in occasion.values(site, locale) {
            text = text.replace(placeholder, &value);
        }
        let (subject, text) = text.split_once("\n\n").unwrap_or((&text, ""));
        Self { to: to.clone(), subject: subject.trim().to_owned(), text: text.to_owned() }
    }
}

impl Occasion<'_> {
    /// The first line is the subject, an empty one follows.
    fn template(&self, locale: Locale) -> &'static str {
        macro_rules! letter {
            ($name:literal) => {
                match locale {
                    Locale::English => include_str!(concat!("../letters/en/", $name, ".txt")),
                    Locale::Chinese => include_str!(concat!("../letters/zh/", $name, ".txt")),
                }
            };
        }
        match self {
            Self::VerifyEmail { .. } => letter!("verify_email"),
            Self::AddressKnown { .. } => letter!("address_known"),
            Self::ResetPassword { .. } => letter!("reset_password"),
            Self::PasswordChanged { .. } => letter!("password_changed"),
            Self::EmailChanged { .. } => letter!("email_changed"),
            Self::Invitation { .. } => letter!("invitation"),
            Self::ConfirmRights { .. } => letter!("confirm_rights"),
            Self::DeletionRequested { .. } => letter!("deletion_requested"),
            Self::Strike { case, .. } => match case.measure {
                Some(Measure::Throttle) | None => letter!("strike_throttle"),
                Some(Measure::Suspend) => letter!("strike_suspend"),
                Some(Measure::Ban) => letter!("strike_ban"),
            },
        }
    }

    fn values(&self, site: &Site, locale: Locale) -> Vec<(&'static str, String)> {
        // After the `#`, so that the token does not get into the logs of servers in between.
        let link = |page: &str, token: &Secret| format!("{}/{page}#{}", base(site), token.expose());
        let forgotten = || format!("{}/forgot-password", base(site));
        match self {
            Self::VerifyEmail { token, hours } => {
                vec![("{link}", link("verify-email", token)), ("{hours}", hours.to_string())]
            }
            Self::AddressKnown { name } | Self::PasswordChanged { name } => {
                vec![("{link}", forgotten()), ("{name}", harmless(name))]
            }
            Self::EmailChanged { name } => vec![("{name}", harmless(name))],
            Self::ResetPassword { name, token, hours } => vec![
                ("{link}", link("reset-password", token)),
                ("{hours}", hours.to_string()),
                ("{name}", harmless(name)),
            ],
            Self::Invitation { inviter, account, token, days } => vec![
                ("{link}", link("invitation", token)),
                ("{days}", days.to_string()),
                ("{inviter}", harmless(inviter)),
                ("{account}", harmless(account)),
            ],
            Self::ConfirmRights { name, token, hours } => vec![
                ("{link}", link("confirm", token)),
                ("{hours}", hours.to_string()),
                ("{name}", harmless(name)),
            ],
            Self::DeletionRequested { name, due } => {
                vec![("{date}", due.to_string().chars().take(10).collect()), ("{name}", harmless(name))]
            }
            Self::Strike { name, account, case } => {
                let of_account = format!("accounts/{}/cases/{}", account.id, case.id);
                vec![
                    ("{link}", format!("{}/{of_account}", base(site))),
                    ("{command}", format!("POST {}/api/console/{of_account}/appeal", base(site))),
                    ("{case}", case.id.to_string()),
                    ("{cause}", cause(case.cause, locale).to_owned()),
                    ("{account}", harmless(&account.name)),
                    ("{name}", harmless(name)),
                ]
            }
        }
    }
}

/// What is said to have happened, as it goes on after "because".
fn cause(cause: Cause, locale: Locale) -> &'static str {
    match (cause, locale) {
        (Cause::UnsupportedClient, Locale::English) => {
            "its plan was used by a program that is none of the supported tools"
        }
        (Cause::UnsupportedClient, Locale::Chinese) => "在受支持的工具之外使用套餐",
        (Cause::Sharing, Locale::English) => "several people seem to use it as one",
        (Cause::Sharing, Locale::Chinese) => "疑似由多人共用",
        (Cause::Resale, Locale::English) => "its plan seems to be sold on or served to others",
        (Cause::Resale, Locale::Chinese) => "疑似将套餐转售或提供给他人",
        (Cause::Other, Locale::English) => "a rule of use was broken, as the case says",
        (Cause::Other, Locale::Chinese) => "案件中所述的违规行为",
    }
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letter").field("to", &self.to).field("subject", &self.subject).finish_non_exhaustive()
    }
}

fn base(site: &Site) -> &str {
    site.url.trim_end_matches('/')
}

/// A name that a stranger chose, without what makes mail programs turn it into a link, and without braces that
/// would be filled in.
fn harmless(name: &str) -> String {
    let is_plain = |c: &char| !matches!(c, '/' | ':' | '\\' | '{' | '}' | '<' | '>') && !c.is_control();
    name.replace("www.", "www ").chars().filter(is_plain).collect()
}

#[cfg(test)]
mod tests {
    use vocab::{AccountId, CaseId};

    use super::*;
    use crate::{AccountState, CaseState, Evidence, RateOverrides};

    fn site() -> Site {
        Site { name: "House".to_owned(), url: "https://house.example/".to_owned() }
    }

    fn acme() -> Account {
        Account {
            id: AccountId::generate(),
            name: "Acme {link}".to_owned(),
            is_operator: false,
            state: AccountState::Active,
            rates: RateOverrides::default(),
            created: Timestamp::from_millis(0),
        }
    }

    fn strike(account: &Account, measure: Measure) -> Case {
        Case {
            id: CaseId::generate(),
            account: account.id,
            cause: Cause::Sharing,
            state: CaseState::Struck,
            measure: Some(measure),
            evidence: Evidence::default(),
            opened: account.created,
            struck: Some(account.created),
            appeal: None,
            decision: None,
        }
    }

    #[test]
    fn every_letter_is_filled_in_in_every_language() {
        let token = Secret::new("t0ken");
        let name = "Ana";
        let account = acme();
        let strikes = Measure::ALL.map(|measure| strike(&account, measure));
        let mut occasions = vec![
            Occasion::VerifyEmail { token: &token, hours: 24 },
            Occasion::AddressKnown { name },
            Occasion::ResetPassword { name, token: &token, hours: 2 },
            Occasion::PasswordChanged { name },
            Occasion::EmailChanged { name },
            Occasion::Invitation { inviter: "ben@example.com", account: "Acme", token: &token, days: 7 },
            Occasion::ConfirmRights { name, token: &token, hours: 2 },
            Occasion::DeletionRequested { name, due: Timestamp::from_millis(1_770_631_146_000) },
        ];
        occasions.extend(strikes.iter().map(|case| Occasion::Strike { name, account: &account, case }));
        let to = "ana@example.com".parse().unwrap();
        for locale in Locale::ALL {
            for occasion in &occasions {
                let letter = Letter::write(&site(), &to, locale, occasion);
                assert!(!letter.subject.is_empty() && !letter.subject.contains('\n'), "{letter:?}");
                assert!(!letter.text.contains(['{', '}']), "{}", letter.text);
                assert!(letter.text.contains("House"), "{}", letter.text);
            }
        }
    }

    #[test]
    fn the_link_works_and_the_letter_does_not_print_it() {
        let token = Secret::new("t0ken");
        let occasion = Occasion::VerifyEmail { token: &token, hours: 24 };
        let letter = Letter::write(&site(), &"ana@example.com".parse().unwrap(), Locale::English, &occasion);
        assert!(letter.text.contains("\nhttps://house.example/verify-email#t0ken\n"), "{}", letter.text);
        assert!(!format!("{letter:?} {occasion:?}").contains("t0ken"));
    }

    /// A stranger cannot have us send their advertisement to anyone.
    #[test]
    fn a_name_is_not_a_link() {
        let occasion = Occasion::AddressKnown { name: "win https://evil.example/{link} www.evil.example" };
        let letter = Letter::write(&site(), &"ana@example.com".parse().unwrap(), Locale::English, &occasion);
        assert!(!letter.text.contains("https://evil"), "{}", letter.text);
        assert!(!letter.text.contains("www.evil"), "{}", letter.text);
        assert_eq!(letter.text.matches("https://house.example").count(), 1, "{}", letter.text);
    }
}
