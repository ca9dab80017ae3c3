use vocab::{AccountId, CaseId, Timestamp};

use super::*;

fn rules(json: &str) -> UseRules {
    UseRules::from_json(json).unwrap()
}

fn hour(number: i64) -> Timestamp {
    Timestamp::from_millis(1_770_631_146_000 + number * 3_600_000)
}

fn case(state: CaseState, measure: Measure, struck: Timestamp) -> Case {
    Case {
        id: CaseId::generate(),
        account: AccountId::generate(),
        cause: Cause::UnsupportedClient,
        state,
        measure: Some(measure),
        evidence: Evidence::default(),
        opened: struck,
        struck: Some(struck),
        appeal: None,
        decision: None,
    }
}

#[test]
fn an_empty_document_is_the_documented_rules() {
    let documented = rules("{}");
    assert_eq!(documented, UseRules::default());
    assert_eq!(documented.enforcement, Enforcement::Observe);
    assert_eq!(documented.strikes_to_ban.get(), 3);
    assert!(documented.ban_needs_review);
    assert_eq!(documented.throttle_calls_per_minute.get(), 1);
}

#[test]
fn a_mistake_in_the_document_names_its_field() {
    let refusal = |json: &str| {
        let error = UseRules::from_json(json).unwrap_err();
        std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string)
    };
    assert!(refusal(r#"{"enforcement": "strict"}"#).contains("enforcement"));
    assert!(refusal(r#"{"strikes_to_ban": 0}"#).contains("strikes_to_ban"));
    assert!(refusal(r#"{"throttle_calls_per_minute": 0}"#).contains("throttle_calls_per_minute"));
    assert!(refusal(r#"{"strikes": 3}"#).contains("strikes"));
    assert!(refusal(r#"{"throttle_hours": 4000000000}"#).contains("throttle_hours"));
    let many = serde_json::json!({ "allowed_clients": vec!["x"; 513] }).to_string();
    assert!(refusal(&many).contains("allowed_clients"));
}

/// USE-01: with `enforce`, only what is a plain library by every signal is refused; with `observe`, nothing is.
#[test]
fn a_plain_library_is_refused_only_where_the_rules_are_enforced() {
    let verdicts = |enforcement: &str| {
        let rules = rules(&format!(r#"{{"enforcement": "{enforcement}"}}"#));
        [
            rules.judge(Some("Claude Code"), false),
            rules.judge(Some("claude code"), false),
            rules.judge(Some("OpenAI Python SDK"), true),
            // A library's user agent, and something beside it that nobody knows.
            rules.judge(Some("OpenAI Python SDK"), false),
            // A tool, though none the plan lists.
            rules.judge(Some("aider"), false),
            rules.judge(None, false),
        ]
    };
    use Verdict::{Allowed, Noted, Refused};
    assert_eq!(verdicts("observe"), [Allowed, Allowed, Noted, Noted, Noted, Allowed]);
    assert_eq!(verdicts("enforce"), [Allowed, Allowed, Refused, Noted, Noted, Allowed]);
    assert_eq!(verdicts("off"), [Allowed; 6]);
}

/// USE-01, C-33: the list is data.
#[test]
fn an_operator_allows_another_tool_or_even_a_library() {
    let rules = rules(r#"{"enforcement": "enforce", "allowed_clients": ["aider", "OpenAI Python SDK"]}"#);
    assert_eq!(rules.judge(Some("aider"), false), Verdict::Allowed);
    assert_eq!(rules.judge(Some("OpenAI Python SDK"), true), Verdict::Allowed);
    assert_eq!(rules.judge(Some("axios"), true), Verdict::Refused);
    assert_eq!(rules.judge(Some("Claude Code"), false), Verdict::Noted);
}

/// USE-05: Strike 1: throttle. Strike 2: suspend. Strike 3: ban.
#[test]
fn the_number_of_strikes_decides_the_measure() {
    let measures = |rules: &UseRules| [1, 2, 3, 4].map(|strike| rules.measure(strike));
    use Measure::{Ban, Suspend, Throttle};
    assert_eq!(measures(&UseRules::default()), [Throttle, Suspend, Ban, Ban]);
    assert_eq!(measures(&rules(r#"{"strikes_to_ban": 5}"#)), [Throttle, Suspend, Suspend, Suspend]);
    assert_eq!(measures(&rules(r#"{"strikes_to_ban": 1}"#)), [Ban; 4]);
}

/// USE-06: Throttle: rate 1 call a minute, else 1313.
#[test]
fn a_throttled_account_may_call_once_a_minute() {
    let strikes = [case(CaseState::Struck, Measure::Throttle, hour(0))];
    let throttle = Restriction::of(&strikes, &UseRules::default()).unwrap();
    assert_eq!(throttle, Restriction::Throttled { calls_per_minute: 1, until: None, case: strikes[0].id });

    let at = |seconds: i64| Timestamp::from_millis(hour(1).as_millis() + seconds * 1000);
    assert!(throttle.admits(None, at(0)));
    assert!(!throttle.admits(Some(at(0)), at(59)));
    assert!(throttle.admits(Some(at(0)), at(60)));
}

#[test]
fn a_measure_with_a_length_ends_by_itself() {
    let rules = rules(r#"{"throttle_hours": 24, "suspend_hours": 48}"#);
    let one = case(CaseState::Struck, Measure::Throttle, hour(0));
    let two = case(CaseState::Upheld, Measure::Suspend, hour(10));

    let throttle = Restriction::of([&one], &rules).unwrap();
    assert!(throttle.is_in_force(hour(23)) && !throttle.is_in_force(hour(24)));
    assert!(throttle.admits(Some(hour(24)), hour(24)));

    let suspension = Restriction::of([&one, &two], &rules).unwrap();
    let expected = Restriction::Suspended { until: Some(hour(58)), awaits_review: false, case: two.id };
    assert_eq!(suspension, expected);
    assert!(!suspension.admits(None, hour(57)));
    assert!(suspension.admits(None, hour(58)));
}

/// DATA-07: Third strike: account suspended at once, ban final only after a reviewer confirms.
#[test]
fn no_number_of_strikes_bans_without_a_person() {
    let rules = UseRules::default();
    let mut strikes: Vec<Case> =
        (0..5).map(|number| case(CaseState::Struck, Measure::Suspend, hour(number))).collect();
    let pending = |strikes: &[Case]| Restriction::of(strikes, &rules).unwrap();
    assert!(matches!(pending(&strikes), Restriction::Suspended { awaits_review: true, until: None, .. }));

    strikes.push(case(CaseState::InReview, Measure::Ban, hour(9)));
    assert!(matches!(pending(&strikes), Restriction::Suspended { awaits_review: true, .. }));
    strikes[5].state = CaseState::Appealed;
    assert!(matches!(pending(&strikes), Restriction::Suspended { awaits_review: true, .. }));

    strikes[5].state = CaseState::Upheld;
    assert_eq!(pending(&strikes), Restriction::Banned { since: hour(9), case: strikes[5].id });
}

#[test]
fn only_strikes_that_stand_restrict_an_account() {
    let rules = UseRules::default();
    let idle = [CaseState::Open, CaseState::Dismissed, CaseState::Lifted];
    let cases: Vec<Case> = idle.into_iter().map(|state| case(state, Measure::Ban, hour(0))).collect();
    assert_eq!(Restriction::of(&cases, &rules), None);
}

#[test]
fn a_case_ends_where_a_person_says_and_never_begins_again() {
    use CaseEvent::{Appeal, Dismiss, Lift, ProposeBan, Strike, Uphold};
    let events = [Strike, ProposeBan, Appeal, Uphold, Lift, Dismiss];
    let possible = |state: CaseState| -> Vec<CaseEvent> {
        events.into_iter().filter(|event| state.after(*event).is_ok()).collect()
    };
    assert_eq!(possible(CaseState::Open), [Strike, ProposeBan, Dismiss]);
    assert_eq!(possible(CaseState::Struck), [Appeal, Lift]);
    assert_eq!(possible(CaseState::InReview), [Appeal, Uphold, Lift]);
    assert_eq!(possible(CaseState::Appealed), [Uphold, Lift]);
    assert_eq!(possible(CaseState::Upheld), [Lift]);
    assert_eq!(possible(CaseState::Dismissed), []);
    assert_eq!(possible(CaseState::Lifted), []);
}

/// USE-10: `user_id` has 6 to 128 characters.
#[test]
fn an_end_users_id_has_six_to_a_hundred_and_twenty_eight_characters() {
    for accepted in ["u-0001", "名前名前名前", &"x".repeat(128)] {
        assert!(accepted.parse::<EndUserId>().is_ok(), "{accepted}");
    }
    for refused in ["", "u-001", "名前名前名", &"x".repeat(129), "u-0001\0"] {
        assert_eq!(refused.parse::<EndUserId>(), Err(InvalidEndUserId), "{refused:?}");
    }
}

/// LEGAL-05: a mark says whether two addresses are the same, and nothing else.
#[test]
fn a_mark_is_the_same_for_the_same_address_and_tells_nothing_of_it() {
    let mark = BanMark::of_email(" Ana@Example.com");
    assert_eq!(mark, BanMark::of_email("ana@example.com"));
    assert_ne!(mark, BanMark::of_email("ben@example.com"));
    assert_ne!(mark, BanMark::of_signal("device", "ana@example.com"));
    assert!(!format!("{mark:?}").contains("ana"));
    assert_eq!(mark.to_string().parse(), Ok(mark));
    assert!("ana@example.com".parse::<BanMark>().is_err());
}

#[test]
fn a_restriction_survives_its_own_text() {
    for restriction in [
        Restriction::Throttled { calls_per_minute: 1, until: Some(hour(1)), case: CaseId::generate() },
        Restriction::Suspended { until: None, awaits_review: true, case: CaseId::generate() },
        Restriction::Banned { since: hour(2), case: CaseId::generate() },
    ] {
        let text = serde_json::to_string(&restriction).unwrap();
        assert_eq!(serde_json::from_str::<Restriction>(&text).unwrap(), restriction);
    }
}
