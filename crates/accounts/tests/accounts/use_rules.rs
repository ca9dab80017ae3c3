//! What happens to accounts that use their plan in another way than it is meant.

mod watched_store;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use accounts::{
    AppealState, BanMark, Case, CaseEvent, CaseQuery, CaseState, Cause, Conduct, ConductError, EndUserId,
    EndUsers, Evidence, Restriction, SeenClient, Sighting, UseRules, Violation, ViolationQuery,
};
use futures::future::join_all;
use testkit::clock::ManualClock;
use testkit::contract;
use testkit::memory::MemoryConduct;
use vocab::{AccountId, CaseId, Clock, InForce, KeyId, RequestId};
use watched_store::WatchedStore;

const A_DAY: Duration = Duration::from_secs(24 * 3600);

/// A platform with rules, a clock with hands, and Ana, who has a plan.
struct House {
    store: Arc<WatchedStore>,
    clock: Arc<ManualClock>,
    rules: Arc<InForce<UseRules>>,
    conduct: Conduct,
    ana: AccountId,
}

impl House {
    fn new(enforcement: &str) -> Self {
        let rules = UseRules::from_json(&format!(r#"{{"enforcement": "{enforcement}"}}"#)).unwrap();
        let (store, clock) = (Arc::new(WatchedStore::default()), Arc::new(ManualClock::default()));
        let rules = Arc::new(InForce::new(rules));
        let conduct = Conduct::new(store.clone(), rules.clone(), clock.clone());
        Self { store, clock, rules, conduct, ana: AccountId::generate() }
    }

    /// Another process that serves requests, and remembers nothing.
    fn another_node(&self) -> Conduct {
        Conduct::new(self.store.clone(), self.rules.clone(), self.clock.clone())
    }

    fn sighting(&self, name: &str, is_plain_sdk: bool) -> Sighting {
        Sighting {
            account: self.ana,
            key: KeyId::generate(),
            request: RequestId::generate(self.clock.now()),
            door: "coding".to_owned(),
            client: SeenClient {
                name: Some(name.to_owned()),
                version: Some("3.54.0".to_owned()),
                confidence: "good".to_owned(),
                signals: vec!["user_agent".to_owned()],
                is_plain_sdk,
            },
        }
    }

    /// A plain SDK calls the coding door with Ana's plan.
    async fn sdk_calls(&self) -> Option<Case> {
        self.conduct.witness(&self.sighting("OpenAI Python SDK", true)).await.unwrap()
    }

    /// A plain SDK calls, a day after it last did.
    async fn sdk_strikes(&self) -> Case {
        self.clock.advance(A_DAY);
        self.sdk_calls().await.unwrap()
    }

    async fn violations(&self) -> Vec<Violation> {
        self.conduct.violations(&ViolationQuery::default(), 100).await.unwrap()
    }

    async fn restriction(&self) -> Option<Restriction> {
        self.conduct.record(self.ana).await.unwrap().restriction
    }

    async fn is_suspended_for_review(&self) -> bool {
        matches!(self.restriction().await, Some(Restriction::Suspended { awaits_review: true, .. }))
    }
}

#[tokio::test]
async fn the_store_in_memory_keeps_the_contract() {
    contract::conduct::all(async || MemoryConduct::default()).await;
}

/// USE-02: observe: violation row written, call still 200.
#[tokio::test]
async fn a_plain_sdk_that_is_observed_leaves_a_note_and_no_strike() {
    let house = House::new("observe");
    assert_eq!(house.sdk_calls().await, None);

    let notes = house.violations().await;
    assert_eq!(notes.len(), 1);
    assert_eq!(notes[0].account, house.ana);
    assert_eq!(notes[0].client.name.as_deref(), Some("OpenAI Python SDK"));
    assert_eq!(notes[0].client.confidence, "good");
    assert_eq!(house.restriction().await, None);
}

/// USE-02: however busy a program is, it writes one row an hour, and asks the store for no more.
#[tokio::test]
async fn a_busy_sdk_writes_one_note_an_hour() {
    let house = House::new("observe");
    for _ in 0..1000 {
        house.sdk_calls().await;
    }
    assert_eq!(house.violations().await.len(), 1);
    assert_eq!(house.store.writes.load(Ordering::SeqCst), 1);

    house.clock.advance(Duration::from_secs(3600));
    house.sdk_calls().await;
    house.conduct.witness(&house.sighting("axios", true)).await.unwrap();
    assert_eq!(house.violations().await.len(), 3);
}

/// USE-02: a note that could not be written is written with the next request.
#[tokio::test]
async fn a_note_is_not_lost_with_a_store_that_is_down() {
    let house = House::new("observe");
    house.store.is_down.store(true, Ordering::SeqCst);
    assert!(house.conduct.witness(&house.sighting("axios", true)).await.is_err());
    house.store.is_down.store(false, Ordering::SeqCst);
    house.conduct.witness(&house.sighting("axios", true)).await.unwrap();
    assert_eq!(house.violations().await.len(), 1);
}

/// USE-01: enforce: a plain SDK client on the coding endpoint -> strike and code 1313.
#[tokio::test]
async fn a_plain_sdk_brings_a_strike_where_the_rules_are_enforced() {
    let house = House::new("enforce");
    let case = house.sdk_calls().await.unwrap();

    assert_eq!(
        (case.account, case.cause, case.state),
        (house.ana, Cause::UnsupportedClient, CaseState::Struck)
    );
    let evidence = &case.evidence;
    assert_eq!(evidence.client.as_ref().unwrap().name.as_deref(), Some("OpenAI Python SDK"));
    assert_eq!((evidence.door.as_deref(), evidence.requests.len()), (Some("coding"), 1));
    assert_eq!(house.violations().await.len(), 1);
    let record = house.conduct.record(house.ana).await.unwrap();
    assert_eq!((record.strikes, record.last_strike), (1, Some(house.clock.now())));
}

/// USE-01, USE-02: a tool that is not on the list, and a program nobody knows, are noted at most.
#[tokio::test]
async fn nothing_but_a_plain_sdk_brings_a_strike() {
    let house = House::new("enforce");
    for (name, is_plain_sdk) in [("aider", false), ("OpenAI JavaScript SDK", false), ("Claude Code", false)] {
        assert_eq!(house.conduct.witness(&house.sighting(name, is_plain_sdk)).await.unwrap(), None, "{name}");
    }
    assert_eq!(house.violations().await.len(), 2);
    assert_eq!(house.restriction().await, None);
}

/// USE-05: a program that goes on after its strike breaks the rules once, not a thousand times.
#[tokio::test]
async fn a_busy_sdk_is_struck_once_a_day() {
    let house = House::new("enforce");
    assert!(house.sdk_calls().await.is_some());
    for _ in 0..100 {
        assert_eq!(house.sdk_calls().await, None);
    }
    // Another node, which remembers nothing, finds the strike in the store.
    assert_eq!(house.another_node().witness(&house.sighting("axios", true)).await.unwrap(), None);
    house.clock.advance(A_DAY);
    assert!(house.sdk_calls().await.is_some());
}

#[tokio::test]
async fn several_nodes_that_see_the_same_sdk_at_once_strike_once() {
    let house = House::new("enforce");
    let nodes: Vec<Conduct> = (0..8).map(|_| house.another_node()).collect();
    let sighting = house.sighting("axios", true);
    let cases = join_all(nodes.iter().map(|node| node.witness(&sighting))).await;
    assert_eq!(cases.into_iter().filter(|case| case.as_ref().unwrap().is_some()).count(), 1);
    assert_eq!(house.conduct.record(house.ana).await.unwrap().strikes, 1);
}

/// USE-05, USE-06, DATA-07: Strike 1: throttle. Strike 2: suspend. Third strike: account suspended at once, ban final
/// only after a reviewer confirms.
#[tokio::test]
async fn three_strikes_end_in_a_ban_once_a_reviewer_confirms() {
    let house = House::new("enforce");

    let first = house.sdk_strikes().await;
    let throttled = Restriction::Throttled { calls_per_minute: 1, until: None, case: first.id };
    assert_eq!(house.restriction().await, Some(throttled));

    let second = house.sdk_strikes().await;
    let suspended = Restriction::Suspended { until: None, awaits_review: false, case: second.id };
    assert_eq!(house.restriction().await, Some(suspended));

    let third = house.sdk_strikes().await;
    assert_eq!(third.state, CaseState::InReview);
    assert!(house.is_suspended_for_review().await);

    let queue = house.conduct.queue(None, 10).await.unwrap();
    assert_eq!(queue.iter().map(|case| case.id).collect::<Vec<_>>(), [third.id]);
    house.clock.advance(A_DAY);
    let upheld = house.conduct.uphold(third.id, "per_reviewer", "three times the same bot").await.unwrap();
    assert_eq!(upheld.decision.unwrap().by, "per_reviewer");
    let banned = Restriction::Banned { since: house.clock.now(), case: third.id };
    assert_eq!(house.restriction().await, Some(banned));

    // Whoever is banned cannot be struck any more.
    house.clock.advance(A_DAY);
    assert_eq!(house.sdk_calls().await, None);
}

/// DATA-07: `use.ban_needs_review = false` bans at once.
#[tokio::test]
async fn an_operator_may_ban_without_a_review() {
    let house = House::new("enforce");
    let rules = UseRules { ban_needs_review: false, ..(*house.conduct.rules()).clone() };
    house.rules.replace(rules);
    for _ in 0..3 {
        house.sdk_strikes().await;
    }
    assert!(matches!(house.restriction().await, Some(Restriction::Banned { .. })));
}

/// USE-08: Appeal filed -> state open; reviewer lifts -> limits gone and strike removed.
#[tokio::test]
async fn an_appeal_that_is_heard_takes_the_strike_and_its_limits_away() {
    let house = House::new("enforce");
    let strike = house.sdk_strikes().await;
    assert_eq!(strike.appeal_state(), None);

    let appealed = house.conduct.appeal(house.ana, strike.id, " It was my editor. ").await.unwrap();
    assert_eq!(appealed.appeal_state(), Some(AppealState::Open));
    assert_eq!(appealed.appeal.unwrap().words, "It was my editor.");
    assert!(house.restriction().await.is_some(), "until somebody decides");
    assert_eq!(house.conduct.queue(None, 10).await.unwrap().len(), 1);

    let lifted = house.conduct.lift(strike.id, "per_reviewer", "it was").await.unwrap();
    assert_eq!(lifted.appeal_state(), Some(AppealState::Lifted));
    let record = house.conduct.record(house.ana).await.unwrap();
    assert_eq!((record.strikes, record.restriction), (0, None));
    assert!(house.conduct.queue(None, 10).await.unwrap().is_empty());

    // The next strike is the first again.
    house.sdk_strikes().await;
    assert!(matches!(house.restriction().await, Some(Restriction::Throttled { .. })));
}

/// USE-08: reviewer upholds: the strike stays, and there is no second appeal.
#[tokio::test]
async fn an_appeal_that_is_turned_down_leaves_everything_as_it_is() {
    let house = House::new("enforce");
    let strike = house.sdk_strikes().await;
    let before = house.restriction().await;
    house.conduct.appeal(house.ana, strike.id, "It was my editor.").await.unwrap();
    let upheld = house.conduct.uphold(strike.id, "per_reviewer", "it was not").await.unwrap();

    assert_eq!(upheld.appeal_state(), Some(AppealState::Upheld));
    assert_eq!(house.restriction().await, before);
    let again = house.conduct.appeal(house.ana, strike.id, "Really!").await.unwrap_err();
    assert!(matches!(again, ConductError::Illegal(illegal) if illegal.event == CaseEvent::Appeal));
}

/// USE-08, DATA-07: of three strikes one is lifted, and the ban that was proposed is off.
#[tokio::test]
async fn lifting_an_earlier_strike_steps_the_measures_down() {
    let house = House::new("enforce");
    let first = house.sdk_strikes().await;
    house.sdk_strikes().await;
    let third = house.sdk_strikes().await;
    assert!(house.is_suspended_for_review().await);

    house.conduct.lift(third.id, "per_reviewer", "a mistake").await.unwrap();
    assert!(matches!(house.restriction().await, Some(Restriction::Suspended { awaits_review: false, .. })));
    house.conduct.lift(first.id, "per_reviewer", "a mistake").await.unwrap();
    assert!(matches!(house.restriction().await, Some(Restriction::Throttled { .. })));
}

#[tokio::test]
async fn nobody_appeals_for_somebody_else_or_without_words() {
    let house = House::new("enforce");
    let strike = house.sdk_strikes().await;
    let stranger = house.conduct.appeal(AccountId::generate(), strike.id, "Please!").await.unwrap_err();
    assert!(matches!(stranger, ConductError::UnknownCase(id) if id == strike.id));
    for words in ["", "   ", "\0", &"x".repeat(4001)] {
        let refused = house.conduct.appeal(house.ana, strike.id, words).await.unwrap_err();
        assert!(matches!(refused, ConductError::InvalidWords { .. }));
    }
    let unknown = house.conduct.lift(CaseId::generate(), "per_reviewer", "").await.unwrap_err();
    assert!(matches!(unknown, ConductError::UnknownCase(_)));
}

/// USE-03, USE-04: a signal opens a case, and a person says what it is.
#[tokio::test]
async fn an_operator_opens_a_case_and_strikes_or_dismisses_it() {
    let house = House::new("observe");
    let note = "forty networks in one hour".to_owned();
    let open = async |cause| {
        let evidence = Evidence { note: note.clone(), ..Evidence::default() };
        house.conduct.open(house.ana, cause, evidence).await.unwrap()
    };
    let (sharing, resale) = (open(Cause::Sharing).await, open(Cause::Resale).await);
    assert_eq!(house.restriction().await, None);
    assert_eq!(house.conduct.queue(None, 10).await.unwrap().len(), 2);

    house.conduct.dismiss(resale.id, "per_reviewer", "one person, many trains").await.unwrap();
    let struck = house.conduct.strike(sharing.id, "per_reviewer", "a whole office").await.unwrap();
    assert_eq!(struck.state, CaseState::Struck);
    assert!(matches!(house.restriction().await, Some(Restriction::Throttled { .. })));
    let closed = CaseQuery { states: vec![CaseState::Dismissed], ..CaseQuery::default() };
    assert_eq!(house.conduct.cases(&closed, 10).await.unwrap()[0].id, resale.id);
}

/// LEGAL-05: Sign-up with a banned mail -> review; a ban that was lifted is forgotten.
#[tokio::test]
async fn a_banned_person_who_signs_up_again_is_noticed() {
    let house = House::new("enforce");
    house.sdk_strikes().await;
    house.sdk_strikes().await;
    let third = house.sdk_strikes().await;
    let marks = [BanMark::of_email("ana@example.com")];
    let early = house.conduct.remember_ban(third.id, &marks).await.unwrap_err();
    assert!(matches!(early, ConductError::NoBan(_)));

    house.conduct.uphold(third.id, "per_reviewer", "").await.unwrap();
    house.conduct.remember_ban(third.id, &marks).await.unwrap();
    let same = [BanMark::of_email("Ana@Example.com")];
    assert_eq!(house.conduct.earlier_ban(&same).await.unwrap(), Some(third.id));
    assert_eq!(house.conduct.earlier_ban(&[BanMark::of_email("ben@example.com")]).await.unwrap(), None);

    house.conduct.lift(third.id, "per_reviewer", "").await.unwrap();
    assert_eq!(house.conduct.earlier_ban(&same).await.unwrap(), None);
}

/// USE-10: Block user_id "u-000001": calls with it -> 429; other ids 200.
#[tokio::test]
async fn a_blocked_end_user_is_refused_and_others_are_not() {
    let house = House::new("observe");
    let node = EndUsers::new(house.store.clone(), house.clock.clone());
    let other_node = EndUsers::new(house.store.clone(), house.clock.clone());
    let [bad, good]: [EndUserId; 2] = ["u-000001", "u-000002"].map(|id| id.parse().unwrap());
    assert!(!other_node.is_blocked(house.ana, &bad).await);

    assert!(node.block(house.ana, bad.clone(), "spam").await.unwrap());
    assert!(node.is_blocked(house.ana, &bad).await);
    assert!(!node.is_blocked(house.ana, &good).await);
    assert!(!node.is_blocked(AccountId::generate(), &bad).await);
    // Another node hears of it within a second.
    house.clock.advance(Duration::from_secs(1));
    assert!(other_node.is_blocked(house.ana, &bad).await);

    assert!(node.unblock(house.ana, &bad).await.unwrap());
    assert!(!node.is_blocked(house.ana, &bad).await);
}

/// USE-10: a store that is down neither frees a blocked end user nor stops the others.
#[tokio::test]
async fn what_was_known_of_end_users_counts_while_the_store_is_down() {
    let house = House::new("observe");
    let users = EndUsers::new(house.store.clone(), house.clock.clone());
    let [bad, good]: [EndUserId; 2] = ["u-000001", "u-000002"].map(|id| id.parse().unwrap());
    users.block(house.ana, bad.clone(), "spam").await.unwrap();
    assert!(users.is_blocked(house.ana, &bad).await);

    house.store.is_down.store(true, Ordering::SeqCst);
    house.clock.advance(Duration::from_secs(60));
    assert!(users.is_blocked(house.ana, &bad).await);
    assert!(!users.is_blocked(house.ana, &good).await);
}
