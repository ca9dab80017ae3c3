use accounts::{
    AccountState, Actor, AuditEvent, AuditQuery, Consent, ConsentSubject, DeletionRequest, DeletionState,
    Erasure, Identity, Invitation, Kept, Person, PersonState, Role, SealedSecret, SecondFactor, Session,
    TokenPurpose,
};
use serde_json::json;
use vocab::{AuditId, ConsentId, InvitationId, PersonId, SessionId, Timestamp};

use super::super::accounts::key;
use super::{House, NOW, audit, audit_at, hash, person, token};

pub(super) async fn all(fresh: &impl AsyncFn() -> House) {
    the_log_is_read_from_its_end(&fresh().await).await;
    consents_are_added_and_never_changed(&fresh().await).await;
    a_deletion_goes_its_way(&fresh().await).await;
    who_is_forgotten_leaves_an_id(&fresh().await).await;
    nobody_is_forgotten_without_approval(&fresh().await).await;
    what_is_over_is_deleted(&fresh().await).await;
    who_never_arrived_is_deleted(&fresh().await).await;
}

fn after(millis: i64) -> Timestamp {
    Timestamp::from_millis(NOW.as_millis() + millis)
}

async fn the_log_is_read_from_its_end(house: &House) {
    let account = house.account("house").await;
    let ana = Actor::Person(PersonId::generate());
    let full = AuditEvent {
        actor: ana,
        account: Some(account.id),
        details: json!({"role": "owner", "n": 1}).as_object().expect("an object").clone(),
        source: Some("192.0.2.1".parse().expect("an address")),
        ..audit("one")
    };
    let lines = [full, audit_at("two", after(10)), AuditEvent { actor: ana, ..audit_at("three", after(20)) }];
    for line in &lines {
        house.people.audit_insert(line).await.expect("store answers");
    }
    assert!(house.people.audit_insert(&lines[0]).await.is_err() || house.log_of("one").await == 1);

    let list = |query: AuditQuery, cursor: Option<AuditId>, limit| async move {
        house.people.audit_list(&query, cursor, limit).await.expect("store answers")
    };
    let all = list(AuditQuery::default(), None, 10).await;
    assert_eq!(all, [lines[2].clone(), lines[1].clone(), lines[0].clone()]);
    assert_eq!(list(AuditQuery::default(), Some(all[0].id), 1).await, all[1..2]);
    let of_account = AuditQuery { account: Some(account.id), ..AuditQuery::default() };
    assert_eq!(list(of_account, None, 10).await, lines[..1]);
    let of_ana = AuditQuery { actor: Some(ana), since: Some(after(10)), ..AuditQuery::default() };
    assert_eq!(list(of_ana, None, 10).await, lines[2..]);
    let early = AuditQuery { until: Some(after(10)), ..AuditQuery::default() };
    assert_eq!(list(early, None, 10).await, lines[..1]);
}

/// DATA-05: a withdrawal is a line of its own.
async fn consents_are_added_and_never_changed(house: &House) {
    let (ana, _) = house.arrive(person("ana")).await;
    let line = |is_given, at| Consent {
        id: ConsentId::generate(),
        person: ana.id,
        subject: ConsentSubject::Marketing,
        version: "2026-04-14".parse().expect("a version"),
        is_given,
        at,
    };
    let lines = [line(true, NOW), line(false, after(1))];
    for line in &lines {
        house.people.consent_insert(line).await.expect("store answers");
    }
    let log = house.people.consent_list(ana.id, None, 10).await.expect("store answers");
    assert_eq!(log, [lines[1].clone(), lines[0].clone()]);
    let page = house.people.consent_list(ana.id, Some(log[0].id), 10).await.expect("store answers");
    assert_eq!(page, log[1..]);
    let stranger = Consent { id: ConsentId::generate(), person: PersonId::generate(), ..lines[0].clone() };
    assert!(house.people.consent_insert(&stranger).await.is_err());
}

fn deletion(person: PersonId, state: DeletionState) -> DeletionRequest {
    DeletionRequest { person, state, requested: NOW, due: after(100), updated: NOW }
}

async fn ask(house: &House, person: PersonId, state: DeletionState) -> bool {
    house.people.deletion_insert(&deletion(person, state), &audit("ask")).await.expect("store answers")
}

async fn a_deletion_goes_its_way(house: &House) {
    use DeletionState::{Approved, Requested, Withdrawn};
    let (ana, _) = house.arrive(person("ana")).await;
    assert_eq!(house.people.deletion_find(ana.id).await.expect("store answers"), None);
    assert!(ask(house, ana.id, Requested).await);
    assert!(!ask(house, ana.id, Requested).await, "once at a time");
    let go = |from, to, at| async move {
        house.people.deletion_move(ana.id, from, to, &audit_at("move", at)).await.expect("store answers")
    };
    assert!(go(Requested, Withdrawn, after(1)).await);
    assert!(!go(Requested, Approved, after(2)).await);
    assert!(ask(house, ana.id, Requested).await, "again after it is over");
    assert!(go(Requested, Approved, after(3)).await);
    let kept = house.people.deletion_find(ana.id).await.expect("store answers");
    assert_eq!(kept, Some(DeletionRequest { updated: after(3), ..deletion(ana.id, Approved) }));

    let listed = house.people.deletion_list(Approved, None, 10).await.expect("store answers");
    assert_eq!(listed.len(), 1);
    assert!(house.people.deletion_list(Requested, None, 10).await.expect("store answers").is_empty());
    let due = |at, cursor| async move {
        house.people.deletion_due(at, cursor, 10).await.expect("store answers").len()
    };
    assert_eq!((due(after(99), None).await, due(after(100), None).await), (0, 1));
    assert_eq!(due(after(100), Some(ana.id)).await, 0);
    assert_eq!((house.log_of("ask").await, house.log_of("move").await), (2, 2));
}

fn erasure(person: PersonId, at: Timestamp) -> Erasure {
    Erasure {
        person,
        email: format!("{person}@deleted.invalid").parse().expect("an address"),
        name: "deleted".to_owned(),
        audit: audit_at(person, at),
    }
}

/// DATA-03, DATA-08: personal fields are gone; what money and use refer to stays.
async fn who_is_forgotten_leaves_an_id(house: &House) {
    let (ana, own) = house.arrive(person("ana")).await;
    let (ben, other) = house.arrive(person("ben")).await;
    house.join(&ana, other.id, Role::Admin).await;
    let key = key(&own, "laptop");
    house.accounts.key_insert(&key).await.expect("store answers");
    let partner: accounts::ProviderName = "partner".parse().expect("a name");
    let identity =
        Identity { provider: partner.clone(), subject: "42".to_owned(), person: ana.id, linked: NOW };
    assert!(house.people.identity_insert(&identity, &audit("x")).await.expect("store answers"));
    house
        .people
        .token_insert(&token(&ana, "letter", TokenPurpose::ResetPassword))
        .await
        .expect("store answers");
    let session = Session {
        id: SessionId::generate(),
        person: ana.id,
        token: hash("session"),
        created: NOW,
        last_seen: NOW,
        expires: after(1000),
        ended: None,
        source: None,
        agent: String::new(),
    };
    let line = AuditEvent {
        actor: Actor::Person(ana.id),
        source: Some("192.0.2.1".parse().expect("an address")),
        ..audit("log in")
    };
    house.people.session_insert(&session, &line).await.expect("store answers");
    let factor = SecondFactor {
        person: ana.id,
        sealed_secret: SealedSecret::from_text("sealed".to_owned()),
        confirmed: None,
        last_step: 0,
    };
    assert!(house.people.factor_begin(&factor).await.expect("store answers"));
    let invitation = Invitation {
        id: InvitationId::generate(),
        account: other.id,
        email: "ANA@example.com".parse().expect("an address"),
        role: Role::Member,
        invited_by: Some(ben.id),
        token: hash("invitation"),
        created: NOW,
        expires: after(1000),
        closed: None,
    };
    house.people.invitation_insert(&invitation, &audit("x")).await.expect("store answers");

    assert!(ask(house, ana.id, DeletionState::Approved).await);
    assert!(house.people.person_erase(&erasure(ana.id, after(5))).await.expect("store answers"));
    assert!(!house.people.person_erase(&erasure(ana.id, after(6))).await.expect("store answers"));

    let left = house.find(ana.id).await;
    let expected = Person {
        email: erasure(ana.id, NOW).email,
        email_verified: None,
        name: "deleted".to_owned(),
        password: None,
        birth_date: None,
        state: PersonState::Erased,
        ..ana.clone()
    };
    assert_eq!(left, expected);
    let request = house.people.deletion_find(ana.id).await.expect("store answers").expect("still there");
    assert_eq!((request.state, request.updated), (DeletionState::CarriedOut, after(5)));
    assert!(house.people.person_find_by_email(&ana.email).await.expect("store answers").is_none());
    assert!(house.people.identity_find(&partner, "42").await.expect("store answers").is_none());
    assert!(house.people.token_find(&hash("letter")).await.expect("store answers").is_none());
    assert!(house.people.session_find(&hash("session")).await.expect("store answers").is_none());
    assert!(house.people.factor_find(ana.id).await.expect("store answers").is_none());
    assert!(house.people.invitation_find(&hash("invitation")).await.expect("store answers").is_none());
    assert!(
        house.people.membership_list_of_person(ana.id, None, 10).await.expect("store answers").is_empty()
    );
    let theirs = AuditQuery { actor: Some(Actor::Person(ana.id)), ..AuditQuery::default() };
    let lines = house.people.audit_list(&theirs, None, 10).await.expect("store answers");
    assert_eq!(
        lines.iter().map(|line| line.source).collect::<Vec<_>>(),
        [None],
        "the act stays, not from where"
    );

    let closed =
        house.accounts.account_find(own.id).await.expect("store answers").expect("stays for the books");
    assert_eq!((closed.name.as_str(), closed.state), ("deleted", AccountState::Closed));
    let key = house.accounts.key_find(key.id).await.expect("store answers").expect("stays for the books");
    assert_eq!(key.revoked, Some(after(5)));
    let other = house.accounts.account_find(other.id).await.expect("store answers").expect("it is ben's");
    assert_eq!(other.state, AccountState::Active);
    assert_eq!(house.find(ben.id).await, ben);
}

async fn nobody_is_forgotten_without_approval(house: &House) {
    let (ana, own) = house.arrive(person("ana")).await;
    assert!(!house.people.person_erase(&erasure(ana.id, NOW)).await.expect("store answers"));
    assert!(ask(house, ana.id, DeletionState::Requested).await);
    assert!(!house.people.person_erase(&erasure(ana.id, NOW)).await.expect("store answers"));
    let (ben, _) = house.arrive(person("ben")).await;
    house.join(&ben, own.id, Role::Admin).await;
    let (from, to) = (DeletionState::Requested, DeletionState::Approved);
    assert!(house.people.deletion_move(ana.id, from, to, &audit("x")).await.expect("store answers"));
    let erased = house.people.person_erase(&erasure(ana.id, NOW)).await.expect("store answers");
    assert!(!erased, "ben would be left without an owner");
    assert_eq!(house.find(ana.id).await, ana);
    assert_eq!(house.accounts.account_find(own.id).await.expect("store answers"), Some(own));
}

/// DATA-14: retention settings really delete.
async fn what_is_over_is_deleted(house: &House) {
    let (ana, own) = house.arrive(person("ana")).await;
    let session = |name: &str, expires, ended| Session {
        id: SessionId::generate(),
        person: ana.id,
        token: hash(name),
        created: NOW,
        last_seen: NOW,
        expires,
        ended,
        source: None,
        agent: String::new(),
    };
    for session in [
        session("expired", after(10), None),
        session("ended", after(1000), Some(after(10))),
        session("open", after(1000), None),
    ] {
        house.people.session_insert(&session, &audit_at("session", after(500))).await.expect("store answers");
    }
    let purge = |kind, before, limit| async move {
        house.people.kept_purge(kind, before, limit).await.expect("store answers")
    };
    assert_eq!(purge(Kept::Sessions, after(10), 10).await, 0, "only from before");
    assert_eq!(purge(Kept::Sessions, after(11), 1).await, 1, "never more than the limit");
    assert_eq!(purge(Kept::Sessions, after(11), 10).await, 1);
    assert!(house.people.session_find(&hash("open")).await.expect("store answers").is_some());

    house
        .people
        .token_insert(&token(&ana, "letter", TokenPurpose::VerifyEmail))
        .await
        .expect("store answers");
    assert_eq!(purge(Kept::Tokens, after(1000), 10).await, 0);
    assert_eq!(purge(Kept::Tokens, after(1001), 10).await, 1);

    let invitation = Invitation {
        id: InvitationId::generate(),
        account: own.id,
        email: "cem@example.com".parse().expect("an address"),
        role: Role::Member,
        invited_by: None,
        token: hash("invitation"),
        created: NOW,
        expires: after(10),
        closed: None,
    };
    house
        .people
        .invitation_insert(&invitation, &audit_at("invite", after(500)))
        .await
        .expect("store answers");
    assert_eq!(purge(Kept::Invitations, after(11), 10).await, 1);

    let before =
        house.people.audit_list(&AuditQuery::default(), None, 100).await.expect("store answers").len();
    let gone = purge(Kept::Audit, after(500), 100).await;
    let left = house.people.audit_list(&AuditQuery::default(), None, 100).await.expect("store answers");
    assert_eq!(left.len() as u64 + gone, before as u64);
    assert!(gone > 0 && left.iter().all(|event| event.at == after(500)), "{left:?}");
}

async fn who_never_arrived_is_deleted(house: &House) {
    let mut waiting = Vec::new();
    for name in ["gone", "has-a-key", "in-company", "verified", "new"] {
        let person = Person {
            email_verified: (name == "verified").then_some(NOW),
            created: if name == "new" { after(100) } else { NOW },
            ..person(name)
        };
        let (person, own) = house.arrive(person).await;
        let moved = house
            .people
            .organisation_set_state(own.id, AccountState::Active, AccountState::Inactive, &audit(own.id))
            .await;
        assert!(moved.expect("store answers"));
        waiting.push((person, own));
    }
    house.accounts.key_insert(&key(&waiting[1].1, "laptop")).await.expect("store answers");
    house.join(&waiting[3].0, waiting[2].1.id, Role::Member).await;
    house
        .people
        .token_insert(&token(&waiting[0].0, "letter", TokenPurpose::VerifyEmail))
        .await
        .expect("answers");

    assert_eq!(house.people.kept_purge(Kept::Unverified, after(50), 10).await.expect("store answers"), 1);
    let left = house.people.person_list(None, 10).await.expect("store answers");
    assert_eq!(
        left.iter().map(|person| person.id).collect::<Vec<_>>(),
        [1, 2, 3, 4].map(|at| waiting[at].0.id)
    );
    assert_eq!(house.accounts.account_find(waiting[0].1.id).await.expect("store answers"), None);
    assert!(house.people.token_find(&hash("letter")).await.expect("store answers").is_none());
    assert_eq!(house.people.kept_purge(Kept::Unverified, after(50), 10).await.expect("store answers"), 0);
}
