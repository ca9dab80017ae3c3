//! What every store of conduct must do.

use accounts::{
    Appeal, BanMark, BlockedEndUser, Case, CaseQuery, CaseState, Cause, ConductRecord, ConductStore,
    Decision, EndUserId, Evidence, Measure, Restriction, SeenClient, Violation, ViolationQuery,
};
use futures::future::join_all;
use vocab::{AccountId, CaseId, KeyId, RequestId, Timestamp};

/// Runs every rule on a fresh store.
pub async fn all<S: ConductStore>(fresh: impl AsyncFn() -> S) {
    an_account_client_and_hour_have_one_violation(&fresh().await).await;
    violations_are_listed_newest_first(&fresh().await).await;
    old_violations_are_forgotten_in_portions(&fresh().await).await;
    cases_come_back_as_they_went_in(&fresh().await).await;
    cases_are_listed_by_account_state_and_cursor(&fresh().await).await;
    an_account_is_told_of_a_strike_once(&fresh().await).await;
    a_record_is_written_on_the_version_before_it(&fresh().await).await;
    of_writers_at_once_one_wins(&fresh().await).await;
    an_end_user_is_blocked_on_one_account(&fresh().await).await;
    end_users_are_listed_in_pages(&fresh().await).await;
    marks_lead_to_the_ban_that_left_them(&fresh().await).await;
}

/// A case as a test wants it: struck, with everything filled in.
pub fn case(account: AccountId) -> Case {
    Case {
        id: CaseId::generate(),
        account,
        cause: Cause::UnsupportedClient,
        state: CaseState::Struck,
        measure: Some(Measure::Throttle),
        evidence: Evidence {
            client: Some(client("OpenAI Python SDK")),
            door: Some("coding".to_owned()),
            requests: vec![RequestId::generate(at(1))],
            note: "many networks at once".to_owned(),
        },
        opened: at(1_000),
        struck: Some(at(2_000)),
        appeal: Some(Appeal { filed: at(3_000), words: "'; DROP TABLE conduct_case; -- 名前".to_owned() }),
        decision: Some(Decision { at: at(4_000), by: "per_1".to_owned(), words: "seen".to_owned() }),
    }
}

/// A violation of `account`, with `tool`, in the hour of `at_ms`.
pub fn violation(account: AccountId, tool: &str, at_ms: i64) -> Violation {
    Violation {
        account,
        hour: Violation::hour_of(at(at_ms)),
        at: at(at_ms),
        request: RequestId::generate(at(at_ms)),
        key: KeyId::generate(),
        door: "coding".to_owned(),
        client: client(tool),
    }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn client(name: &str) -> SeenClient {
    SeenClient {
        name: Some(name.to_owned()),
        version: Some("3.54.0".to_owned()),
        confidence: "good".to_owned(),
        signals: vec!["user_agent".to_owned()],
        is_plain_sdk: true,
    }
}

fn record(account: AccountId, version: u32) -> ConductRecord {
    ConductRecord { version, ..ConductRecord::clean(account) }
}

const HOUR_MS: i64 = 3_600_000;

/// USE-02: a busy program writes one row an hour.
async fn an_account_client_and_hour_have_one_violation<S: ConductStore>(store: &S) {
    let (ana, ben) = (AccountId::generate(), AccountId::generate());
    let first = violation(ana, "axios", HOUR_MS);
    let insert =
        async |violation: &Violation| store.violation_insert(violation).await.expect("store answers");
    assert!(insert(&first).await);
    assert!(!insert(&violation(ana, "axios", 2 * HOUR_MS - 1)).await);
    assert!(insert(&violation(ana, "axios", 2 * HOUR_MS)).await);
    assert!(insert(&violation(ana, "curl", HOUR_MS)).await);
    assert!(insert(&violation(ben, "axios", HOUR_MS)).await);

    let query =
        ViolationQuery { account: Some(ana), until: Some(at(HOUR_MS + 1)), ..ViolationQuery::default() };
    let kept = store.violation_list(&query, 10).await.expect("store answers");
    assert_eq!(kept.len(), 2);
    assert!(kept.contains(&first), "the first request of the hour stands");
}

async fn violations_are_listed_newest_first<S: ConductStore>(store: &S) {
    let (ana, ben) = (AccountId::generate(), AccountId::generate());
    let rows = [
        violation(ana, "axios", HOUR_MS),
        violation(ben, "axios", 2 * HOUR_MS),
        violation(ana, "axios", 3 * HOUR_MS),
        violation(ana, "axios", 4 * HOUR_MS),
    ];
    for row in &rows {
        store.violation_insert(row).await.expect("store answers");
    }
    let list = async |query: ViolationQuery, limit| {
        store.violation_list(&query, limit).await.expect("store answers")
    };
    let all = list(ViolationQuery::default(), 10).await;
    assert_eq!(all, [3, 2, 1, 0].map(|index: usize| rows[index].clone()));
    assert_eq!(list(ViolationQuery::default(), 1).await, rows[3..]);
    let of_ana =
        ViolationQuery { account: Some(ana), since: Some(at(3 * HOUR_MS)), until: Some(at(4 * HOUR_MS)) };
    assert_eq!(list(of_ana, 10).await, rows[2..3]);
}

async fn old_violations_are_forgotten_in_portions<S: ConductStore>(store: &S) {
    let ana = AccountId::generate();
    for hour in 1..=5 {
        store.violation_insert(&violation(ana, "axios", hour * HOUR_MS)).await.expect("store answers");
    }
    let forget = async |limit| store.violation_forget(at(4 * HOUR_MS), limit).await.expect("store answers");
    assert_eq!(forget(2).await, 2);
    assert_eq!(forget(2).await, 1);
    assert_eq!(forget(2).await, 0);
    let kept = store.violation_list(&ViolationQuery::default(), 10).await.expect("store answers");
    assert_eq!(kept.len(), 2);
}

async fn cases_come_back_as_they_went_in<S: ConductStore>(store: &S) {
    let ana = AccountId::generate();
    let full = case(ana);
    let bare = Case {
        id: CaseId::generate(),
        state: CaseState::Open,
        measure: None,
        evidence: Evidence::default(),
        struck: None,
        appeal: None,
        decision: None,
        ..full.clone()
    };
    assert!(store.conduct_write(&record(ana, 1), &full).await.expect("store answers"));
    assert!(store.conduct_write(&record(ana, 2), &bare).await.expect("store answers"));
    assert_eq!(store.case_find(full.id).await.expect("store answers"), Some(full.clone()));
    assert_eq!(store.case_find(bare.id).await.expect("store answers"), Some(bare));
    assert_eq!(store.case_find(CaseId::generate()).await.expect("store answers"), None);

    let lifted = Case { state: CaseState::Lifted, appeal: None, ..full };
    assert!(store.conduct_write(&record(ana, 3), &lifted).await.expect("store answers"));
    assert_eq!(store.case_find(lifted.id).await.expect("store answers"), Some(lifted));
}

async fn cases_are_listed_by_account_state_and_cursor<S: ConductStore>(store: &S) {
    let (ana, ben) = (AccountId::generate(), AccountId::generate());
    let mut cases = Vec::new();
    for (account, version, state) in [
        (ana, 1, CaseState::Struck),
        (ben, 1, CaseState::Appealed),
        (ana, 2, CaseState::InReview),
        (ana, 3, CaseState::Lifted),
    ] {
        let case = Case { state, ..case(account) };
        assert!(store.conduct_write(&record(account, version), &case).await.expect("store answers"));
        cases.push(case);
    }
    let list = async |query: CaseQuery, limit| store.case_list(&query, limit).await.expect("store answers");
    let waiting = vec![CaseState::Appealed, CaseState::InReview];

    assert_eq!(list(CaseQuery::default(), 10).await, cases);
    assert_eq!(list(CaseQuery { states: waiting.clone(), ..CaseQuery::default() }, 10).await, cases[1..3]);
    let of_ana = CaseQuery { account: Some(ana), states: waiting, cursor: None };
    assert_eq!(list(of_ana, 10).await, cases[2..3]);
    let after_first = CaseQuery { account: Some(ana), states: Vec::new(), cursor: Some(cases[0].id) };
    assert_eq!(list(after_first, 1).await, cases[2..3]);
}

/// What happens to a strike later is no reason to tell of it again; a case that is no strike is not told.
async fn an_account_is_told_of_a_strike_once<S: ConductStore>(store: &S) {
    let (ana, ben) = (AccountId::generate(), AccountId::generate());
    let untold = async |limit| {
        let cases = store.case_untold(limit).await.expect("store answers");
        cases.into_iter().map(|case| case.id).collect::<Vec<_>>()
    };
    let mut struck = case(ana);
    let other = case(ben);
    let open = Case { state: CaseState::Open, measure: None, struck: None, ..case(ana) };
    let write = async |version, case: &Case| {
        assert!(store.conduct_write(&record(case.account, version), case).await.expect("store answers"));
    };
    write(1, &struck).await;
    write(2, &open).await;
    write(1, &other).await;
    let mut both = [struck.id, other.id];
    both.sort();
    assert_eq!(untold(10).await, both);
    assert_eq!(untold(1).await, both[..1]);

    let tell = async |id| store.case_tell(id).await.expect("store answers");
    assert!(tell(struck.id).await);
    assert!(!tell(struck.id).await);
    assert!(!tell(CaseId::generate()).await);
    struck.state = CaseState::Upheld;
    write(3, &struck).await;
    assert_eq!(untold(10).await, [other.id]);
}

async fn a_record_is_written_on_the_version_before_it<S: ConductStore>(store: &S) {
    let ana = AccountId::generate();
    assert_eq!(store.conduct_find(ana).await.expect("store answers"), None);
    let write = async |record: &ConductRecord, case: &Case| {
        store.conduct_write(record, case).await.expect("store answers")
    };

    let early = case(ana);
    assert!(!write(&record(ana, 2), &early).await, "there is no version 1");
    assert_eq!(store.case_find(early.id).await.expect("store answers"), None, "both or neither");

    let first = case(ana);
    let suspended = Restriction::Suspended { until: Some(at(9_000)), awaits_review: true, case: first.id };
    let one = ConductRecord {
        account: ana,
        version: 1,
        strikes: 2,
        last_strike: Some(at(2_000)),
        restriction: Some(suspended),
    };
    assert!(write(&one, &first).await);
    assert_eq!(store.conduct_find(ana).await.expect("store answers"), Some(one));

    let late = case(ana);
    assert!(!write(&record(ana, 1), &late).await, "somebody else wrote version 1");
    assert_eq!(store.case_find(late.id).await.expect("store answers"), None);
    assert!(write(&record(ana, 2), &late).await);
    assert_eq!(store.conduct_find(ana).await.expect("store answers"), Some(record(ana, 2)));
}

async fn of_writers_at_once_one_wins<S: ConductStore>(store: &S) {
    let ana = AccountId::generate();
    for version in 1..=4 {
        let cases: Vec<Case> = (0..8).map(|_| case(ana)).collect();
        let record = record(ana, version);
        let wrote = join_all(cases.iter().map(|case| store.conduct_write(&record, case))).await;
        let winners = wrote.into_iter().filter(|wrote| *wrote.as_ref().expect("store answers")).count();
        assert_eq!(winners, 1);
    }
    assert_eq!(store.case_list(&CaseQuery::default(), 100).await.expect("store answers").len(), 4);
}

/// USE-10: one end user, on one account.
async fn an_end_user_is_blocked_on_one_account<S: ConductStore>(store: &S) {
    let (ana, ben) = (AccountId::generate(), AccountId::generate());
    let blocked = end_user(ana, "u-000001");
    assert!(store.end_user_block(&blocked).await.expect("store answers"));
    let again = BlockedEndUser { blocked: at(9), note: "other words".to_owned(), ..blocked.clone() };
    assert!(!store.end_user_block(&again).await.expect("store answers"));

    assert_eq!(
        store.end_user_list(ana, None, 10).await.expect("store answers"),
        std::slice::from_ref(&blocked)
    );
    assert!(store.end_user_list(ben, None, 10).await.expect("store answers").is_empty());
    assert!(!store.end_user_unblock(ben, &blocked.id).await.expect("store answers"));
    assert!(store.end_user_unblock(ana, &blocked.id).await.expect("store answers"));
    assert!(!store.end_user_unblock(ana, &blocked.id).await.expect("store answers"));
    assert!(store.end_user_list(ana, None, 10).await.expect("store answers").is_empty());
}

async fn end_users_are_listed_in_pages<S: ConductStore>(store: &S) {
    let ana = AccountId::generate();
    // Databases differ in how they sort such texts; each of them once is what counts.
    let ids = ["U-000002", "u-000001", "u_000001", "ü-000001", "名前名前名前"];
    for id in ids.iter().rev() {
        store.end_user_block(&end_user(ana, id)).await.expect("store answers");
    }
    let mut listed = Vec::new();
    let mut cursor: Option<EndUserId> = None;
    loop {
        let page = store.end_user_list(ana, cursor.as_ref(), 2).await.expect("store answers");
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        cursor = Some(last.id.clone());
        listed.extend(page.into_iter().map(|blocked| blocked.id.as_str().to_owned()));
    }
    listed.sort();
    assert_eq!(listed, ids);
}

/// LEGAL-05: who was banned is noticed when they come back, until the ban is lifted.
async fn marks_lead_to_the_ban_that_left_them<S: ConductStore>(store: &S) {
    let (first, second) = (CaseId::generate(), CaseId::generate());
    let [ana, ben, eve] = ["ana", "ben", "eve"].map(|name| BanMark::of_email(&format!("{name}@example.com")));
    let find = async |marks: &[BanMark]| store.ban_mark_find(marks).await.expect("store answers");
    assert_eq!(find(&[]).await, None);
    store.ban_mark_insert(first, &[ana.clone(), ben.clone()]).await.expect("store answers");
    store.ban_mark_insert(second, &[ben.clone(), eve.clone()]).await.expect("store answers");

    assert_eq!(find(&[eve.clone(), ana.clone()]).await, Some(second));
    assert_eq!(find(&[ben]).await, Some(first));
    store.ban_mark_forget(second).await.expect("store answers");
    assert_eq!(find(std::slice::from_ref(&eve)).await, None);
    assert_eq!(find(&[eve, ana]).await, Some(first));
}

fn end_user(account: AccountId, id: &str) -> BlockedEndUser {
    let id = id.parse().expect("an id of an end user");
    BlockedEndUser { account, id, blocked: at(5), note: "spam".to_owned() }
}
