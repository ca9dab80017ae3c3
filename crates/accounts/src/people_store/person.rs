use async_trait::async_trait;
use vocab::{PersonId, SessionId, Timestamp};

use crate::{
    Account, AuditEvent, Consent, EmailAddress, Identity, Membership, OneTimeToken, PasswordHash,
    PeopleStoreError, Person, PersonState, Profile, ProviderName, TokenHash, TokenPurpose,
};

/// Everything that is written when someone arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Who.
    pub person: Person,
    /// Where they belong.
    pub place: Place,
    /// The partner's login that brought them, if one did.
    pub identity: Option<Identity>,
    /// What they agreed to.
    pub consents: Vec<Consent>,
    /// What the audit log says about it.
    pub audit: AuditEvent,
}

/// Where someone who arrives belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a new account of their own, as its owner.
    Own(Account),
    /// In the account that invited them.
    Invited {
        /// The token of the invitation, which is used up. It must be open at the moment of the membership.
        invitation: TokenHash,
        /// What they become there.
        membership: Membership,
    },
    /// In an account where the operator puts them.
    Placed(Membership),
}

/// What became of an arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrived {
    /// Everything is written.
    Written,
    /// Someone has the address; nothing is written.
    AddressTaken,
    /// The invitation is used, withdrawn or over; nothing is written.
    InvitationGone,
}

/// What became of a change of address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressChange {
    /// The address is the person's, and known to be.
    Done,
    /// The token is used or over; nothing is changed.
    TokenGone,
    /// Someone else has the address; nothing is changed.
    AddressTaken,
}

/// Persons, their partners' logins, and the tokens they were sent.
#[async_trait]
pub trait PersonStore: Send + Sync + 'static {
    /// Writes a new person with everything that belongs to their arrival.
    async fn person_insert(&self, arrival: &Arrival) -> Result<Arrived, PeopleStoreError>;

    /// The person called `id`.
    async fn person_find(&self, id: PersonId) -> Result<Option<Person>, PeopleStoreError>;

    /// The person with this address, in whatever case.
    async fn person_find_by_email(&self, email: &EmailAddress) -> Result<Option<Person>, PeopleStoreError>;

    /// Persons after `cursor`, in order of id.
    async fn person_list(
        &self,
        cursor: Option<PersonId>,
        limit: u32,
    ) -> Result<Vec<Person>, PeopleStoreError>;

    /// Changes what a person can change about themselves. Says whether there is such a person.
    async fn person_set_profile(
        &self,
        id: PersonId,
        profile: &Profile,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError>;

    /// Gives someone whose address is not verified, and whom no partner sent, another password, name and so on: they
    /// sign up again. Their tokens are void. Says whether there is such a person.
    async fn person_renew(&self, person: &Person) -> Result<bool, PeopleStoreError>;

    /// Changes a password, ends all sessions but `keep`, and voids the tokens that set passwords. Does nothing unless
    /// the password still is `old`.
    async fn person_set_password(
        &self,
        id: PersonId,
        old: Option<&PasswordHash>,
        new: Option<&PasswordHash>,
        keep: Option<SessionId>,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError>;

    /// Uses up a token for resetting, sets the password and ends all sessions. The address of the token, if it still is
    /// the person's, is verified. Says whether the token was good.
    async fn person_reset_password(
        &self,
        token: &TokenHash,
        new: &PasswordHash,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError>;

    /// Uses up a token for verifying and makes its address the person's. If it is their first verified one, accounts
    /// that they own and that are inactive become active.
    async fn person_verify_email(
        &self,
        token: &TokenHash,
        audit: &AuditEvent,
    ) -> Result<AddressChange, PeopleStoreError>;

    /// Moves a person from one state to another, and ends their sessions if they may not log in any more. Says whether
    /// they were in the first.
    async fn person_set_state(
        &self,
        id: PersonId,
        from: PersonState,
        to: PersonState,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError>;

    /// Links a partner's login to a person. Says no if it is linked already, to whomever.
    async fn identity_insert(
        &self,
        identity: &Identity,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError>;

    /// Links a partner's login to a person whose address the partner has verified: their address counts as verified,
    /// a password set before is taken away, and accounts that wait for the address become active. Says no as above.
    async fn identity_insert_verified(
        &self,
        identity: &Identity,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError>;

    /// The link of a partner's login.
    async fn identity_find(
        &self,
        provider: &ProviderName,
        subject: &str,
    ) -> Result<Option<Identity>, PeopleStoreError>;

    /// A person's links, in order of provider; they have one at most with each.
    async fn identity_list(&self, person: PersonId, limit: u32) -> Result<Vec<Identity>, PeopleStoreError>;

    /// Takes a link away. Says whether there was one.
    async fn identity_remove(
        &self,
        person: PersonId,
        provider: &ProviderName,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError>;

    /// Writes a token of a person that exists; their earlier ones for the same purpose are void.
    async fn token_insert(&self, token: &OneTimeToken) -> Result<(), PeopleStoreError>;

    /// The token with this hash, used and expired ones too.
    async fn token_find(&self, hash: &TokenHash) -> Result<Option<OneTimeToken>, PeopleStoreError>;

    /// Uses a token up. Says whether it was good for `purpose` at `at`: of several that try at once, one is told so.
    async fn token_use(
        &self,
        hash: &TokenHash,
        purpose: TokenPurpose,
        at: Timestamp,
    ) -> Result<bool, PeopleStoreError>;
}
