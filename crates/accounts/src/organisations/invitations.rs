use std::time::Duration;

use vocab::{InvitationId, Secret};

use super::{
    INVITATION_ACCEPT, INVITATION_SEND, INVITATION_WITHDRAW, OrganisationError, Organisations, PAGE_MAX,
};
use crate::letter::Occasion;
use crate::throttle::Subject;
use crate::token::new_token;
use crate::{
    Access, Action, Actor, By, EmailAddress, Invitation, Letter, Locale, Membership, Role, SignedIn,
    TokenHash,
};

impl Organisations {
    /// Asks someone by letter to join an account. An earlier letter to them is no longer good.
    pub async fn invite(
        &self,
        access: &Access,
        email: &EmailAddress,
        role: Role,
        locale: Locale,
        by: &By,
    ) -> Result<Invitation, OrganisationError> {
        access.require(if role == Role::Owner { Action::ManageOwners } else { Action::ManageMembers })?;
        let now = self.now();
        // Stays counted whatever comes of it: it is letters that are limited.
        let source = by.source.map(Subject::writer);
        let subjects = source.into_iter().chain([Subject::Letter(email.folded())]);
        let _attempt = self.people.throttle().begin(subjects, now)?;

        let account = &access.account;
        let known = self.store.person_find_by_email(email).await?;
        if let Some(person) = known
            && self.store.membership_find(person.id, account.id).await?.is_some()
        {
            return Err(OrganisationError::AlreadyMember);
        }

        let settings = self.people.settings();
        let (token, hash) = new_token();
        let invitation = Invitation {
            id: InvitationId::generate(),
            account: account.id,
            email: email.clone(),
            role,
            invited_by: match by.actor {
                Actor::Person(person) => Some(person),
                Actor::Key(_) | Actor::Operator | Actor::System | Actor::Nobody => None,
            },
            token: hash,
            created: now,
            expires: now.plus(settings.invitation_life),
            closed: None,
        };
        let audit = by.did(now, account.id, INVITATION_SEND, invitation.id).with("role", role.name());
        self.store.invitation_insert(&invitation, &audit).await?;

        let inviter = self.store.person_find(access.membership.person).await?;
        let inviter = inviter.map_or_else(|| settings.site.name.clone(), |person| person.email.to_string());
        let days = settings.invitation_life.as_secs().div_ceil(DAY.as_secs());
        let occasion =
            Occasion::Invitation { inviter: &inviter, account: &account.name, token: &token, days };
        self.people.post(Letter::write(&settings.site, email, locale, &occasion))?;
        Ok(invitation)
    }

    /// A page of an account's invitations, oldest first; the id of its last is the cursor of the next. Never more than
    /// 1000.
    pub async fn invitations(
        &self,
        access: &Access,
        cursor: Option<InvitationId>,
        limit: u32,
    ) -> Result<Vec<Invitation>, OrganisationError> {
        access.require(Action::ManageMembers)?;
        Ok(self.store.invitation_list(access.account.id, cursor, limit.min(PAGE_MAX)).await?)
    }

    /// Makes an invitation no good.
    pub async fn withdraw(
        &self,
        access: &Access,
        id: InvitationId,
        by: &By,
    ) -> Result<(), OrganisationError> {
        access.require(Action::ManageMembers)?;
        let account = access.account.id;
        let audit = by.did(self.now(), account, INVITATION_WITHDRAW, id);
        let is_open = self.store.invitation_withdraw(account, id, &audit).await?;
        if is_open { Ok(()) } else { Err(OrganisationError::InvitationGone) }
    }

    /// Joins the account that a letter named, for someone who has a login with the address it was sent to.
    pub async fn accept(
        &self,
        signed_in: &SignedIn,
        token: &Secret,
        by: &By,
    ) -> Result<Access, OrganisationError> {
        let attempt = self.people.throttle().begin(by.source.map(Subject::source), self.now())?;
        let (person, hash, now) = (&signed_in.person, TokenHash::of(token), self.now());
        let found = self.store.invitation_find(&hash).await?;
        let open = found.filter(|invitation| invitation.is_open(now));
        let invitation = open.ok_or(OrganisationError::InvitationGone)?;
        if invitation.email != person.email {
            return Err(OrganisationError::OtherAddress);
        }
        if self.store.membership_find(person.id, invitation.account).await?.is_some() {
            return Err(OrganisationError::AlreadyMember);
        }

        let account = invitation.account;
        let membership = Membership { person: person.id, account, role: invitation.role, since: now };
        let audit = by.did(now, account, INVITATION_ACCEPT, invitation.id);
        if !self.store.invitation_accept(&hash, &membership, &audit).await? {
            return Err(OrganisationError::InvitationGone);
        }
        attempt.succeeded();
        self.access(person.id, account).await
    }
}

const DAY: Duration = Duration::from_secs(24 * 3600);
