//! When a plan counts, and which: rules PLAN-04, PLAN-05, PLAN-10, PLAN-11, PLAN-14, PLAN-16.

use accounts::{Holdings, NoPlan, PlanBook, Subscription, SubscriptionState, Term, UtcOffset};
use ledger::PoolKind;
use serde_json::json;

use crate::{book_with, moment, subscription};

fn holdings(live: &[&Subscription], last_over: Option<&Subscription>) -> Holdings {
    Holdings { live: live.iter().copied().cloned().collect(), last_over: last_over.cloned() }
}

/// PLAN-04: an account that never had a plan is not told that it expired, unless the operator's setting says so.
#[test]
fn who_never_had_a_plan_has_none() {
    let now = moment("2026-07-07T00:00:00Z");
    let upcoming = subscription("lite", "2026-08-01T00:00:00Z", None);
    let mut stillborn = subscription("lite", "2026-07-02T00:00:00Z", None);
    stillborn.ended_early = Some(moment("2026-07-01T00:00:00Z"));
    for held in [holdings(&[], None), holdings(&[&upcoming], None), holdings(&[&stillborn], None)] {
        assert_eq!(held.plan_at(now, PlanBook::documented()), Err(NoPlan::Never));
    }
}

/// PLAN-05: a plan counts until its last moment; a second later it has expired, and after renewal all is well.
#[test]
fn a_plan_counts_until_its_end() {
    let book = PlanBook::documented();
    let ends = "2026-07-01T12:00:00Z";
    let lite = subscription("lite", "2026-06-01T12:00:00Z", Some(ends));
    let held = holdings(&[&lite], None);
    let last = moment("2026-07-01T11:59:59.999Z");
    assert_eq!(held.plan_at(last, book).unwrap().subscription, &lite);

    let expired = Err(NoPlan::Expired { at: moment(ends) });
    let a_second_later = moment("2026-07-01T12:00:01Z");
    assert_eq!(held.plan_at(moment(ends), book), expired);
    assert_eq!(held.plan_at(a_second_later, book), expired);
    assert_eq!(holdings(&[], Some(&lite)).plan_at(a_second_later, book), expired);

    let renewed = subscription("lite", ends, None);
    let held = holdings(&[&renewed, &lite], None);
    assert_eq!(held.plan_at(a_second_later, book).unwrap().subscription, &renewed);
    assert_eq!(held.plan_at(last, book).unwrap().subscription, &lite, "without a gap or an overlap");
}

#[test]
fn an_ended_plan_is_over_from_that_moment() {
    let mut lite = subscription("lite", "2026-06-01T00:00:00Z", Some("2026-07-01T00:00:00Z"));
    lite.ended_early = Some(moment("2026-06-10T00:00:00Z"));
    let state = |at: &str| lite.state(moment(at));
    assert_eq!(state("2026-05-31T23:59:59Z"), SubscriptionState::Upcoming);
    assert_eq!(state("2026-06-01T00:00:00Z"), SubscriptionState::Active);
    assert_eq!(state("2026-06-09T23:59:59Z"), SubscriptionState::Active);
    assert_eq!(state("2026-06-10T00:00:00Z"), SubscriptionState::Over);
    assert_eq!(lite.over_at(), lite.ended_early);
}

/// PLAN-11: the better of two plans counts, and the other again when it is over.
#[test]
fn the_better_of_two_plans_counts() {
    let book = PlanBook::documented();
    let lite = subscription("lite", "2026-06-01T00:00:00Z", None);
    let max = subscription("max", "2026-06-10T00:00:00Z", Some("2026-06-20T00:00:00Z"));
    let held = holdings(&[&max, &lite], None);
    let plan_at = |at: &str| held.plan_at(moment(at), book).unwrap().plan.name.as_str();
    assert_eq!(plan_at("2026-06-09T00:00:00Z"), "Lite Plan");
    assert_eq!(plan_at("2026-06-10T00:00:00Z"), "Max Plan");
    assert_eq!(plan_at("2026-06-20T00:00:00Z"), "Lite Plan");
}

/// PLAN-16: a new subscription has quota of its own, and its week begins at its first second.
#[test]
fn a_new_subscription_begins_with_nothing_used() {
    let book = PlanBook::documented();
    let lite = subscription("lite", "2026-06-01T00:00:00Z", None);
    let pro = subscription("pro", "2026-06-04T10:00:00Z", None);
    assert_ne!(lite.pool(PoolKind::Prompts), pro.pool(PoolKind::Prompts));
    let held = book.plan(&pro.plan).unwrap();
    let week = book.windows(held, &pro, PoolKind::Prompts, pro.starts)[1];
    let ends = moment("2026-06-11T10:00:00Z");
    assert_eq!(week.span, ledger::WindowSpan::Anchored { starts: pro.starts, ends });
    assert_eq!(week.limit, book.prompts(2000));
}

/// A plan that the operator took out of the book is told apart from one that expired.
#[test]
fn a_plan_that_left_the_book_does_not_count() {
    let now = moment("2026-07-07T00:00:00Z");
    let gold = subscription("gold", "2026-06-01T00:00:00Z", None);
    let lite = subscription("lite", "2026-06-01T00:00:00Z", None);
    let book = PlanBook::documented();
    let withdrawn = NoPlan::Withdrawn { plan: "gold".parse().unwrap() };
    assert_eq!(holdings(&[&gold], None).plan_at(now, book), Err(withdrawn));
    assert_eq!(holdings(&[&gold, &lite], None).plan_at(now, book).unwrap().subscription, &lite);

    let mut gold_plan = serde_json::to_value(book.plan(&lite.plan).unwrap()).unwrap();
    gold_plan["rank"] = json!(9);
    let both = holdings(&[&gold, &lite], None);
    let mut plans: serde_json::Value = serde_json::from_str(PlanBook::documented_json()).unwrap();
    plans["plans"]["gold"] = gold_plan;
    let book = book_with("/plans", plans["plans"].take());
    assert_eq!(both.plan_at(now, &book).unwrap().subscription, &gold);
}

/// PLAN-10: a month and a year are thirteen months, and the calendar's short months take nothing away.
#[test]
fn terms_follow_the_calendar() {
    let ends = |term: Term, starts: &str| term.ends(moment(starts), UtcOffset::UTC_8).unwrap();
    let month = Term::Months(1);
    assert_eq!(ends(month, "2026-01-01T00:00:00+08:00"), moment("2026-02-01T00:00:00+08:00"));
    assert_eq!(ends(Term::Months(12), "2026-02-01T00:00:00+08:00"), moment("2027-02-01T00:00:00+08:00"));
    assert_eq!(ends(month, "2026-01-31T09:30:00+08:00"), moment("2026-02-28T09:30:00+08:00"));
    assert_eq!(ends(month, "2028-01-31T09:30:00+08:00"), moment("2028-02-29T09:30:00+08:00"));
    assert_eq!(ends(Term::Days(30), "2026-01-31T09:30:00+08:00"), moment("2026-03-02T09:30:00+08:00"));
    assert_eq!(Term::Endless.ends(moment("2026-01-01T00:00:00Z"), UtcOffset::UTC_8), None);
    for senseless in [Term::Months(0), Term::Months(1201), Term::Days(0), Term::Days(36_501)] {
        assert!(!senseless.is_sensible(), "{senseless:?}");
    }
}
