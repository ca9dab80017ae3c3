//! `[people]`, `[mail]` and `[[identity_providers]]`: who may have an account, and how they are reached.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who may sign up, and how logins live.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PeopleConfig {
    /// `open`: anyone; `invited`: whoever was invited; `closed`: only whom the operator adds.
    pub(crate) sign_up: SignUp,
    /// What letters call this installation.
    pub(crate) site_name: String,
    /// The youngest who may sign up, in years.
    pub(crate) age_min: u8,
    /// How long a login lasts, in days, however busy.
    pub(crate) login_days_max: u32,
    /// How long a login lasts without use, in hours.
    pub(crate) login_idle_hours_max: u32,
    /// How long a deleted account can still be taken back, in days.
    pub(crate) deletion_grace_days: u32,
    /// The address people reach this server by, for links in letters, as https://azimuth.example.com.
    pub(crate) public_url: String,
}

/// Who may sign up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SignUp {
    Open,
    Invited,
    Closed,
}

/// How letters are sent.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct MailConfig {
    /// `log` writes letters to the log, `folder` into files, `smtp` sends them.
    pub(crate) kind: MailKind,
    /// `folder`: where.
    pub(crate) folder: PathBuf,
    /// `smtp`: the server's name.
    pub(crate) host: String,
    /// `smtp`: its port; 465 with `tls` and 587 with `starttls`, as a rule.
    pub(crate) port: u16,
    /// `smtp`: how the line is protected: `tls`, `starttls`, or `none` for a server on this machine.
    pub(crate) security: MailSecurity,
    /// `smtp`: the user, if the server asks for one.
    pub(crate) user: String,
    /// `smtp`: the environment variable that holds the password.
    pub(crate) password_env: String,
    /// Who the letters are from.
    pub(crate) from: String,
}

/// How letters are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MailKind {
    Log,
    Folder,
    Smtp,
}

/// How the line to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MailSecurity {
    Tls,
    Starttls,
    None,
}

/// Where people may log in from elsewhere, by OpenID Connect.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdentityProviderConfig {
    /// A short name for addresses and buttons, as `google`.
    pub(crate) name: String,
    /// The issuer's address, under which `/.well-known/openid-configuration` is found.
    pub(crate) issuer: String,
    /// What the provider calls this installation.
    pub(crate) client_id: String,
    /// The environment variable that holds the client's secret; none for a provider that needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_secret_env: Option<String>,
    /// Whether an e-mail address that the provider says to have checked counts as checked here.
    #[serde(default)]
    pub(crate) trusts_addresses: bool,
}

impl Default for PeopleConfig {
    fn default() -> Self {
        Self {
            sign_up: SignUp::Closed,
            site_name: "Azimuth".to_owned(),
            age_min: 13,
            login_days_max: 30,
            login_idle_hours_max: 72,
            deletion_grace_days: 14,
            public_url: String::new(),
        }
    }
}

impl Default for MailConfig {
    fn default() -> Self {
        Self {
            kind: MailKind::Log,
            folder: PathBuf::new(),
            host: String::new(),
            port: 465,
            security: MailSecurity::Tls,
            user: String::new(),
            password_env: String::new(),
            from: "Azimuth <azimuth@localhost>".to_owned(),
        }
    }
}
