use accounts::{
    Access, Account, AccountState, ApiKey, Invitation, Member, Membership, MembershipChange, Person, Project,
    Role, SoleOwner,
};
use futures::future::join_all;
use vocab::{AccountId, InvitationId, PersonId, ProjectId, Timestamp};

use super::super::accounts::{account, key};
use super::{House, NOW, audit, hash, person};

pub(super) async fn all(fresh: &impl AsyncFn() -> House) {
    an_account_is_made_named_and_moved(&fresh().await).await;
    members_are_listed_from_both_sides(&fresh().await).await;
    an_account_keeps_an_owner(&fresh().await).await;
    an_account_keeps_an_owner_when_all_leave_at_once(&fresh().await).await;
    sole_owners_are_known(&fresh().await).await;
    an_invitation_is_good_once(&fresh().await).await;
    a_newer_invitation_replaces_an_older(&fresh().await).await;
    a_project_is_put_away_with_its_keys(&fresh().await).await;
}

async fn an_account_is_made_named_and_moved(house: &House) {
    let (ana, own) = house.arrive(person("ana")).await;
    let second = account("second");
    let owner = Membership { person: ana.id, account: second.id, role: Role::Owner, since: NOW };
    house.people.organisation_insert(&second, &owner, &audit("make")).await.expect("store answers");
    let found = house.people.membership_find(ana.id, second.id).await.expect("store answers");
    assert_eq!(found, Some(Access { account: second.clone(), membership: owner }));

    let rename = |id: AccountId| async move {
        house.people.organisation_rename(id, "house", &audit("rename")).await.expect("store answers")
    };
    assert!(rename(second.id).await);
    assert!(!rename(AccountId::generate()).await);
    let set = |from, to| async move {
        house
            .people
            .organisation_set_state(second.id, from, to, &audit("state"))
            .await
            .expect("store answers")
    };
    assert!(set(AccountState::Active, AccountState::Locked).await);
    assert!(!set(AccountState::Active, AccountState::Irregular).await);
    let kept = house.accounts.account_find(second.id).await.expect("store answers").expect("still there");
    assert_eq!((kept.name.as_str(), kept.state), ("house", AccountState::Locked));
    assert_eq!(house.accounts.account_find(own.id).await.expect("store answers"), Some(own));
    let counts = (house.log_of("make").await, house.log_of("rename").await, house.log_of("state").await);
    assert_eq!(counts, (1, 1, 1));

    let stranger = Membership { person: PersonId::generate(), ..owner };
    let orphan = account("orphan");
    let stranger = Membership { account: orphan.id, ..stranger };
    assert!(house.people.organisation_insert(&orphan, &stranger, &audit("x")).await.is_err());
    assert_eq!(house.accounts.account_find(orphan.id).await.expect("store answers"), None);
}

async fn members_are_listed_from_both_sides(house: &House) {
    let (ana, own) = house.arrive(person("ana")).await;
    let (ben, other) = house.arrive(person("ben")).await;
    let joined = house.join(&ben, own.id, Role::Member).await;
    let again = Membership { role: Role::Admin, ..joined };
    assert!(!house.people.membership_insert(&again, &audit("x")).await.expect("store answers"));

    let members = house.people.membership_list_of_account(own.id, None, 10).await.expect("store answers");
    assert_eq!(members.len(), 2);
    assert_eq!(members[1], Member { membership: joined, name: ben.name.clone(), email: ben.email.clone() });
    let page =
        house.people.membership_list_of_account(own.id, Some(ana.id), 10).await.expect("store answers");
    assert_eq!(page, members[1..]);

    let accounts = house.people.membership_list_of_person(ben.id, None, 10).await.expect("store answers");
    assert_eq!(accounts.iter().map(|access| access.account.id).collect::<Vec<_>>(), [own.id, other.id]);
    assert_eq!(accounts[0].account, own);
    let page = house.people.membership_list_of_person(ben.id, Some(own.id), 1).await.expect("store answers");
    assert_eq!(page, accounts[1..]);
    assert_eq!(house.people.membership_find(ana.id, other.id).await.expect("store answers"), None);
}

async fn set_role(house: &House, account: AccountId, person: &Person, role: Role) -> MembershipChange {
    house.people.membership_set_role(account, person.id, role, &audit("role")).await.expect("store answers")
}

async fn remove(house: &House, account: AccountId, person: &Person) -> MembershipChange {
    house.people.membership_remove(account, person.id, &audit("remove")).await.expect("store answers")
}

async fn an_account_keeps_an_owner(house: &House) {
    let (ana, own) = house.arrive(person("ana")).await;
    let (ben, _) = house.arrive(person("ben")).await;
    house.join(&ben, own.id, Role::Member).await;

    assert_eq!(remove(house, own.id, &ana).await, MembershipChange::LastOwner);
    assert_eq!(set_role(house, own.id, &ana, Role::Admin).await, MembershipChange::LastOwner);
    assert_eq!(set_role(house, own.id, &ana, Role::Owner).await, MembershipChange::Done, "no change");
    assert_eq!(set_role(house, own.id, &ben, Role::Owner).await, MembershipChange::Done);
    assert_eq!(set_role(house, own.id, &ana, Role::Billing).await, MembershipChange::Done);
    assert_eq!(remove(house, own.id, &ben).await, MembershipChange::LastOwner);
    assert_eq!(remove(house, own.id, &ana).await, MembershipChange::Done);
    assert_eq!(remove(house, own.id, &ana).await, MembershipChange::Unknown);
    assert_eq!(set_role(house, own.id, &ana, Role::Admin).await, MembershipChange::Unknown);
    assert_eq!((house.log_of("role").await, house.log_of("remove").await), (3, 1));
}

/// Whatever happens at once, someone stays.
async fn an_account_keeps_an_owner_when_all_leave_at_once(house: &House) {
    for round in 0..5 {
        let (first, own) = house.arrive(person(&format!("first-{round}"))).await;
        let mut owners = vec![first];
        for number in 0..3 {
            let (next, _) = house.arrive(person(&format!("next-{round}-{number}"))).await;
            house.join(&next, own.id, Role::Owner).await;
            owners.push(next);
        }
        let leave = owners.iter().enumerate().map(|(number, owner)| async move {
            if number % 2 == 0 {
                remove(house, own.id, owner).await
            } else {
                set_role(house, own.id, owner, Role::Member).await
            }
        });
        let changes = join_all(leave).await;
        let stayed = changes.iter().filter(|change| **change == MembershipChange::LastOwner).count();
        assert_eq!(stayed, 1, "{changes:?}");
    }
}

async fn sole_owners_are_known(house: &House) {
    let (ana, own) = house.arrive(person("ana")).await;
    let (ben, other) = house.arrive(person("ben")).await;
    house.join(&ana, other.id, Role::Owner).await;
    house.join(&ben, own.id, Role::Member).await;
    let owned = house.people.membership_sole_owner(ana.id, 10).await.expect("store answers");
    assert_eq!(owned, [SoleOwner { account: own.id, others: 1 }]);
    assert!(house.people.membership_sole_owner(ben.id, 10).await.expect("store answers").is_empty());

    let line = audit("close");
    let close =
        house.people.organisation_set_state(own.id, AccountState::Active, AccountState::Closed, &line);
    assert!(close.await.expect("store answers"));
    assert!(house.people.membership_sole_owner(ana.id, 10).await.expect("store answers").is_empty());
}

fn invitation(account: AccountId, token: &str) -> Invitation {
    Invitation {
        id: InvitationId::generate(),
        account,
        email: "Cem@example.com".parse().expect("an address"),
        role: Role::Admin,
        invited_by: Some(PersonId::generate()),
        token: hash(token),
        created: NOW,
        expires: Timestamp::from_millis(NOW.as_millis() + 1000),
        closed: None,
    }
}

async fn an_invitation_is_good_once(house: &House) {
    let account = house.account("house").await;
    let sent = invitation(account.id, "letter");
    house.people.invitation_insert(&sent, &audit("send")).await.expect("store answers");
    assert_eq!(
        house.people.invitation_find(&hash("letter")).await.expect("store answers"),
        Some(sent.clone())
    );
    assert!(
        house.people.invitation_insert(&invitation(AccountId::generate(), "x"), &audit("x")).await.is_err()
    );

    let people = [house.arrive(person("cem")).await.0, house.arrive(person("dora")).await.0];
    let accept = |person: PersonId, since| async move {
        let membership = Membership { person, account: account.id, role: Role::Admin, since };
        house
            .people
            .invitation_accept(&hash("letter"), &membership, &audit("accept"))
            .await
            .expect("store answers")
    };
    assert!(!accept(people[0].id, sent.expires).await, "too late");
    let accepted = join_all(people.iter().map(|person| accept(person.id, NOW))).await;
    assert_eq!(accepted.iter().filter(|accepted| **accepted).count(), 1);
    let kept =
        house.people.invitation_find(&hash("letter")).await.expect("store answers").expect("still there");
    assert_eq!(kept.closed, Some(NOW));
    assert_eq!(house.log_of("accept").await, 1);
    let withdrawn = house.people.invitation_withdraw(account.id, sent.id, &audit("x")).await;
    assert!(!withdrawn.expect("store answers"));

    let member = people.iter().zip(&accepted).find(|(_, accepted)| **accepted).expect("one is in").0;
    house
        .people
        .invitation_insert(&invitation(account.id, "again"), &audit("x"))
        .await
        .expect("store answers");
    let membership = Membership { person: member.id, account: account.id, role: Role::Owner, since: NOW };
    let again = house.people.invitation_accept(&hash("again"), &membership, &audit("x")).await;
    assert!(!again.expect("store answers"), "a member already");
}

async fn a_newer_invitation_replaces_an_older(house: &House) {
    let account = house.account("house").await;
    let other = house.account("other").await;
    let older = invitation(account.id, "older");
    let elsewhere = invitation(other.id, "elsewhere");
    let newer = Invitation {
        email: "cem@EXAMPLE.com".parse().expect("an address"),
        ..invitation(account.id, "newer")
    };
    for invitation in [&older, &elsewhere, &newer] {
        house.people.invitation_insert(invitation, &audit("x")).await.expect("store answers");
    }
    let listed = house.people.invitation_list(account.id, None, 10).await.expect("store answers");
    assert_eq!(listed, [Invitation { closed: Some(NOW), ..older.clone() }, newer.clone()]);
    let page = house.people.invitation_list(account.id, Some(older.id), 1).await.expect("store answers");
    assert_eq!(page, std::slice::from_ref(&newer));

    let withdraw = |account, id| async move {
        house.people.invitation_withdraw(account, id, &audit("withdraw")).await.expect("store answers")
    };
    assert!(!withdraw(other.id, newer.id).await, "not theirs");
    assert!(withdraw(account.id, newer.id).await);
    assert!(!withdraw(account.id, newer.id).await);
    assert_eq!(house.log_of("withdraw").await, 1);
    let kept = house.people.invitation_find(&hash("elsewhere")).await.expect("store answers");
    assert_eq!(kept, Some(elsewhere));
}

async fn a_project_is_put_away_with_its_keys(house: &House) {
    let (account, other) = (house.account("house").await, house.account("other").await);
    let project = |account: &Account, name: &str| Project {
        id: ProjectId::generate(),
        account: account.id,
        name: name.to_owned(),
        created: NOW,
        archived: None,
    };
    let (first, second) = (project(&account, "first"), project(&account, "second"));
    for project in [&first, &second] {
        house.people.project_insert(project, &audit("make")).await.expect("store answers");
    }
    assert!(
        house
            .people
            .project_insert(&project(&super::super::accounts::account("x"), "x"), &audit("x"))
            .await
            .is_err()
    );
    assert_eq!(
        house.people.project_find(account.id, first.id).await.expect("store answers"),
        Some(first.clone())
    );
    assert_eq!(house.people.project_find(other.id, first.id).await.expect("store answers"), None);
    let listed = house.people.project_list(account.id, Some(first.id), 10).await.expect("store answers");
    assert_eq!(listed, std::slice::from_ref(&second));

    let inside = ApiKey { project: Some(first.id), ..key(&account, "inside") };
    let outside = ApiKey { project: Some(second.id), ..key(&account, "outside") };
    for key in [&inside, &outside] {
        house.accounts.key_insert(key).await.expect("store answers");
    }
    let rename = |account: AccountId, name: &'static str| async move {
        house.people.project_rename(account, first.id, name, &audit("rename")).await.expect("store answers")
    };
    assert!(rename(account.id, "renamed").await);
    assert!(!rename(other.id, "stolen").await);
    let at = Timestamp::from_millis(NOW.as_millis() + 1);
    let archive = |account| async move {
        house.people.project_archive(account, first.id, at, &audit("archive")).await.expect("store answers")
    };
    assert!(!archive(other.id).await);
    assert!(archive(account.id).await);
    assert!(!archive(account.id).await);
    assert!(!rename(account.id, "too late").await);

    let kept = house.people.project_find(account.id, first.id).await.expect("store answers");
    assert_eq!(kept, Some(Project { name: "renamed".to_owned(), archived: Some(at), ..first }));
    let revoked = house.accounts.key_find(inside.id).await.expect("store answers").expect("still there");
    assert_eq!(revoked.revoked, Some(at));
    assert_eq!(house.accounts.key_find(outside.id).await.expect("store answers"), Some(outside));
    assert_eq!((house.log_of("archive").await, house.log_of("rename").await), (1, 1));
}
