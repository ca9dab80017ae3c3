//! Accounts as organisations: who belongs to them, as what, and who is asked to join.

mod invitations;
mod members;

use std::sync::Arc;

use vocab::{AccountId, Clock, PersonId, Timestamp};

use crate::account::{InvalidName, checked_name};
use crate::account_state::IllegalAccountEvent;
use crate::people::{People, owner};
use crate::throttle::TooManyTries;
use crate::{
    Access, Account, AccountEvent, AccountMoves, AccountState, Action, AuditAction, By, NotAllowed,
    OrganisationStore, PeopleStore, PeopleStoreError, PostFull, RateOverrides,
};

/// Longest page of a list.
const PAGE_MAX: u32 = 1000;

/// Makes accounts for people, and decides who may do what in them.
pub struct Organisations {
    people: Arc<People>,
    store: Arc<dyn PeopleStore>,
    clock: Arc<dyn Clock>,
}

/// Why something was not done in an account.
#[derive(Debug, thiserror::Error)]
pub enum OrganisationError {
    /// There is no such account, or it is none of theirs.
    #[error("there is no account `{0}` that you belong to")]
    Unknown(AccountId),
    /// Their role does not allow it.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// The name cannot be shown.
    #[error(transparent)]
    InvalidName(#[from] InvalidName),
    /// The account's state does not allow it.
    #[error(transparent)]
    IllegalState(#[from] IllegalAccountEvent),
    /// Its state changed meanwhile.
    #[error("the account changed meanwhile; look again")]
    Changed,
    /// The operator's account cannot be ended or locked.
    #[error("the operator's account runs the platform; it cannot be closed or locked")]
    IsOperator,
    /// There is no such member.
    #[error("`{0}` is not a member of this account")]
    UnknownMember(PersonId),
    /// The account would be left without an owner.
    #[error("an account needs an owner; make someone else an owner first")]
    LastOwner,
    /// They are in the account already.
    #[error("this person belongs to the account already")]
    AlreadyMember,
    /// The invitation is used, withdrawn or too old.
    #[error("the invitation is no longer good; ask for a new one")]
    InvitationGone,
    /// It was sent to another address than theirs.
    #[error("the invitation was sent to another address; ask for one to the address that you log in with")]
    OtherAddress,
    /// Too many letters to there, or wishes from there.
    #[error(transparent)]
    TooManyTries(#[from] TooManyTries),
    /// The letter cannot be sent now.
    #[error(transparent)]
    PostFull(#[from] PostFull),
    /// The store failed.
    #[error("accounts are not available")]
    Store(#[from] PeopleStoreError),
}

impl Organisations {
    /// Accounts whose members are kept in `store`.
    pub fn new(people: Arc<People>, store: Arc<dyn PeopleStore>, clock: Arc<dyn Clock>) -> Self {
        Self { people, store, clock }
    }

    /// Makes an account that `person` owns.
    pub async fn create(&self, person: PersonId, name: &str, by: &By) -> Result<Account, OrganisationError> {
        let now = self.now();
        let account = Account {
            id: AccountId::generate(),
            name: checked_name(name)?,
            is_operator: false,
            state: AccountState::Active,
            rates: RateOverrides::default(),
            created: now,
        };
        let audit = by.did(now, account.id, ACCOUNT_CREATE, account.id);
        self.store.organisation_insert(&account, &owner(person, account.id, now), &audit).await?;
        Ok(account)
    }

    /// A person's place in an account; everything they do there begins with this.
    pub async fn access(&self, person: PersonId, account: AccountId) -> Result<Access, OrganisationError> {
        let found = self.store.membership_find(person, account).await?;
        found.ok_or(OrganisationError::Unknown(account))
    }

    /// A page of the accounts that a person belongs to; the account of the last is the cursor of the next. Never more
    /// than 1000.
    pub async fn list(
        &self,
        person: PersonId,
        cursor: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<Access>, OrganisationError> {
        Ok(self.store.membership_list_of_person(person, cursor, limit.min(PAGE_MAX)).await?)
    }

    /// Gives an account another name.
    pub async fn rename(&self, access: &Access, name: &str, by: &By) -> Result<(), OrganisationError> {
        access.require(Action::ChangeAccount)?;
        let (id, name) = (access.account.id, checked_name(name)?);
        let audit = by.did(self.now(), id, ACCOUNT_RENAME, id);
        let is_known = self.store.organisation_rename(id, &name, &audit).await?;
        if is_known { Ok(()) } else { Err(OrganisationError::Unknown(id)) }
    }

    /// Ends an account for good, for its owner. Its keys open no door from within a second on.
    pub async fn close(&self, access: &Access, by: &By) -> Result<(), OrganisationError> {
        access.require(Action::CloseAccount)?;
        self.change(&access.account, AccountEvent::Close, by).await.map(drop)
    }

    /// Lets `event` happen to an account, for the operator, and says what it is then (rule AUTH-09). Its keys notice
    /// within a second.
    pub async fn change(
        &self,
        account: &Account,
        event: AccountEvent,
        by: &By,
    ) -> Result<AccountState, OrganisationError> {
        let store: Arc<dyn OrganisationStore> = self.store.clone();
        AccountMoves::new(store, self.clock.clone()).change(account, event, by).await
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

const ACCOUNT_CREATE: AuditAction = AuditAction::named("account.create");
const ACCOUNT_RENAME: AuditAction = AuditAction::named("account.rename");
const MEMBER_SET_ROLE: AuditAction = AuditAction::named("member.set_role");
const MEMBER_REMOVE: AuditAction = AuditAction::named("member.remove");
const MEMBER_LEAVE: AuditAction = AuditAction::named("member.leave");
const INVITATION_SEND: AuditAction = AuditAction::named("invitation.send");
const INVITATION_WITHDRAW: AuditAction = AuditAction::named("invitation.withdraw");
const INVITATION_ACCEPT: AuditAction = AuditAction::named("invitation.accept");
