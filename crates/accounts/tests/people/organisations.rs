use accounts::{
    AccountEvent, AccountState, Action, By, Enrolment, Locale, OrganisationError, PeopleSettings, Projects,
    Role, SignUp, SignUpPolicy, SignedUp,
};
use vocab::{AccountId, Secret};

use crate::house::{House, PASSWORD, address, by, settings, source, token_in, wish};

async fn with_house() -> (House, accounts::SignedIn, accounts::Access) {
    let house = House::new();
    let ana = house.signed_in("ana@example.com").await;
    let account = house.organisations.create(ana.person.id, "Acme", &by(&ana)).await.unwrap();
    let access = house.organisations.access(ana.person.id, account.id).await.unwrap();
    (house, ana, access)
}

#[tokio::test]
async fn a_member_is_invited_by_letter_and_joins() {
    let (house, ana, access) = with_house().await;
    let ben = house.signed_in("ben@example.com").await;
    let stranger = house.organisations.access(ben.person.id, access.account.id).await;
    assert!(matches!(stranger, Err(OrganisationError::Unknown(_))), "{stranger:?}");

    let email = address("Ben@example.com");
    house.organisations.invite(&access, &email, Role::Member, Locale::Chinese, &by(&ana)).await.unwrap();
    let letter = house.letter().await;
    assert_eq!(letter.subject, "邀请您加入账户");
    assert!(letter.text.contains("Acme") && letter.text.contains("ana@example.com"), "{}", letter.text);
    let token = token_in(&letter);

    let other = house.signed_in("cem@example.com").await;
    let stolen = house.organisations.accept(&other, &token, &by(&other)).await;
    assert!(matches!(stolen, Err(OrganisationError::OtherAddress)), "{stolen:?}");
    let joined = house.organisations.accept(&ben, &token, &by(&ben)).await.unwrap();
    assert_eq!(joined.membership.role, Role::Member);
    let again = house.organisations.accept(&ben, &token, &by(&ben)).await;
    assert!(matches!(again, Err(OrganisationError::InvitationGone)), "{again:?}");
    let again = house.organisations.invite(&access, &email, Role::Member, Locale::English, &by(&ana)).await;
    assert!(matches!(again, Err(OrganisationError::AlreadyMember)), "{again:?}");
}

/// Where only the invited may sign up, an invitation is the way in; it shows the address, so no second letter is sent.
#[tokio::test]
async fn an_invitation_lets_someone_sign_up() {
    let (house, ana, access) = {
        let house = House::with(PeopleSettings { sign_up: SignUpPolicy::InviteOnly, ..settings() });
        let account = testkit::contract::accounts::account("Acme");
        accounts::AccountStore::account_insert(house.accounts.as_ref(), &account).await.unwrap();
        let enrolment = Enrolment {
            email: address("ana@example.com"),
            name: "Ana".to_owned(),
            password: Some(Secret::new(PASSWORD)),
            locale: Locale::English,
            account: account.id,
            role: Role::Owner,
        };
        let ana = house.people.enrol(enrolment, &By::OPERATOR).await.unwrap();
        let access = house.organisations.access(ana.id, account.id).await.unwrap();
        (house, ana, access)
    };
    let email = address("ben@example.com");
    let by_ana = By::person(ana.id, source());
    house.organisations.invite(&access, &email, Role::Admin, Locale::English, &by_ana).await.unwrap();
    let token = house.token().await;

    let wish = SignUp { invitation: Some(token.clone()), ..wish("ben@example.com") };
    let SignedUp::Ready(ben) = house.people.sign_up(wish.clone()).await.unwrap() else { panic!("no letter") };
    assert_eq!(
        house.organisations.access(ben, access.account.id).await.unwrap().membership.role,
        Role::Admin
    );
    assert!(house.login("ben@example.com", PASSWORD).await.is_ok());
    let again = house.people.sign_up(SignUp { email: address("cem@example.com"), ..wish }).await;
    assert!(again.is_err(), "{again:?}");
}

/// Whom the operator enrols without a password sets it by letter.
#[tokio::test]
async fn the_operator_enrols_someone() {
    let (house, _, access) = with_house().await;
    let enrolment = Enrolment {
        email: address("ben@example.com"),
        name: "Ben".to_owned(),
        password: None,
        locale: Locale::English,
        account: access.account.id,
        role: Role::Billing,
    };
    house.people.enrol(enrolment.clone(), &By::OPERATOR).await.unwrap();
    let token = house.token().await;
    house.people.reset_password(&token, &Secret::new(PASSWORD), None).await.unwrap();
    assert!(house.login("ben@example.com", PASSWORD).await.is_ok());
    assert!(house.people.enrol(enrolment, &By::OPERATOR).await.is_err());
}

#[tokio::test]
async fn roles_decide_who_may_do_what() {
    let (house, ana, access) = with_house().await;
    let account = access.account.id;
    let mut members = Vec::new();
    for (name, role) in [("admin", Role::Admin), ("member", Role::Member), ("billing", Role::Billing)] {
        let person = house.signed_in(&format!("{name}@example.com")).await;
        let membership =
            accounts::Membership { person: person.person.id, account, role, since: ana.person.created };
        let line = testkit::contract::people::audit(name);
        assert!(house.store.membership_insert(&membership, &line).await.unwrap());
        let access = house.organisations.access(person.person.id, account).await.unwrap();
        members.push((person, access));
    }
    let [(admin, as_admin), (member, as_member), (billing, as_billing)] =
        <[_; 3]>::try_from(members).unwrap();
    let organisations = &house.organisations;
    let not_allowed =
        |result: Result<(), OrganisationError>| matches!(result, Err(OrganisationError::NotAllowed(_)));

    let (ana_id, member_id, billing_id) = (ana.person.id, member.person.id, billing.person.id);
    assert!(not_allowed(organisations.rename(&as_member, "Mine", &by(&member)).await));
    assert!(not_allowed(organisations.set_role(&as_member, billing_id, Role::Admin, &by(&member)).await));
    assert!(not_allowed(organisations.remove(&as_billing, member_id, &by(&billing)).await));
    assert!(not_allowed(organisations.set_role(&as_admin, ana_id, Role::Member, &by(&admin)).await));
    assert!(not_allowed(organisations.set_role(&as_admin, admin.person.id, Role::Owner, &by(&admin)).await));
    assert!(not_allowed(organisations.remove(&as_admin, ana_id, &by(&admin)).await));
    assert!(not_allowed(organisations.close(&as_admin, &by(&admin)).await));
    let email = address("new@example.com");
    let owner = organisations.invite(&as_admin, &email, Role::Owner, Locale::English, &by(&admin)).await;
    assert!(matches!(owner, Err(OrganisationError::NotAllowed(_))), "{owner:?}");

    organisations.rename(&as_admin, "Acme Ltd", &by(&admin)).await.unwrap();
    organisations.set_role(&as_admin, member_id, Role::Billing, &by(&admin)).await.unwrap();
    organisations.remove(&as_admin, billing_id, &by(&admin)).await.unwrap();
    organisations.leave(&as_member, &by(&member)).await.unwrap();
    assert!(as_admin.require(Action::RunPlatform).is_err(), "an admin, but not the operator's");
    let left = organisations.members(&access, None, 10).await.unwrap();
    assert_eq!(
        left.iter().map(|member| member.membership.role).collect::<Vec<_>>(),
        [Role::Owner, Role::Admin]
    );
}

#[tokio::test]
async fn an_account_keeps_an_owner() {
    let (house, ana, access) = with_house().await;
    let last = house.organisations.leave(&access, &by(&ana)).await;
    assert!(matches!(last, Err(OrganisationError::LastOwner)), "{last:?}");
    let last = house.organisations.set_role(&access, ana.person.id, Role::Admin, &by(&ana)).await;
    assert!(matches!(last, Err(OrganisationError::LastOwner)), "{last:?}");
}

#[tokio::test]
async fn an_invitation_is_withdrawn() {
    let (house, ana, access) = with_house().await;
    let ben = house.signed_in("ben@example.com").await;
    let email = address("ben@example.com");
    let sent =
        house.organisations.invite(&access, &email, Role::Member, Locale::English, &by(&ana)).await.unwrap();
    let token = house.token().await;
    assert_eq!(
        house.organisations.invitations(&access, None, 10).await.unwrap(),
        std::slice::from_ref(&sent)
    );
    house.organisations.withdraw(&access, sent.id, &by(&ana)).await.unwrap();
    let late = house.organisations.accept(&ben, &token, &by(&ben)).await;
    assert!(matches!(late, Err(OrganisationError::InvitationGone)), "{late:?}");
}

/// AUTH-09: the operator locks, releases and ends accounts; what is over stays over.
#[tokio::test]
async fn the_operator_moves_an_account_through_its_states() {
    let (house, _, access) = with_house().await;
    let organisations = &house.organisations;
    let at = |state| accounts::Account { state, ..access.account.clone() };
    let change = async |state, event| organisations.change(&at(state), event, &By::OPERATOR).await;

    let locked = change(AccountState::Active, AccountEvent::Lock).await.unwrap();
    assert_eq!(locked, AccountState::Locked);
    let stale = change(AccountState::Active, AccountEvent::Lock).await;
    assert!(matches!(stale, Err(OrganisationError::Changed)), "{stale:?}");
    assert_eq!(change(locked, AccountEvent::Release).await.unwrap(), AccountState::Active);
    organisations.close(&access, &By::OPERATOR).await.unwrap();
    let over = change(AccountState::Closed, AccountEvent::Release).await;
    assert!(matches!(over, Err(OrganisationError::IllegalState(_))), "{over:?}");
    let operator = accounts::Account { is_operator: true, ..at(AccountState::Active) };
    let refused = organisations.change(&operator, AccountEvent::Lock, &By::OPERATOR).await;
    assert!(matches!(refused, Err(OrganisationError::IsOperator)), "{refused:?}");
}

#[tokio::test]
async fn projects_are_the_accounts_own() {
    let (house, ana, access) = with_house().await;
    let projects = Projects::new(house.store.clone(), house.clock.clone());
    let made = projects.create(&access, " search ", &by(&ana)).await.unwrap();
    assert_eq!(made.name, "search");
    let mut elsewhere = access.clone();
    elsewhere.account.id = AccountId::generate();
    assert!(projects.find(&elsewhere, made.id).await.is_err());
    assert!(projects.rename(&elsewhere, made.id, "stolen", &by(&ana)).await.is_err());

    projects.rename(&access, made.id, "find", &by(&ana)).await.unwrap();
    assert_eq!(projects.find(&access, made.id).await.unwrap().name, "find");
    projects.archive(&access, made.id, &by(&ana)).await.unwrap();
    assert!(projects.find(&access, made.id).await.is_err());
    let listed = projects.list(&access, None, 10).await.unwrap();
    assert_eq!(listed.len(), 1, "an archived project is still listed");
    let mut as_billing = access;
    as_billing.membership.role = Role::Billing;
    assert!(projects.list(&as_billing, None, 10).await.is_err());
}
