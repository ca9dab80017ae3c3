use tokio_util::task::TaskTracker;
use vocab::SystemClock;

use super::*;
use crate::MeterSettings;
use crate::fake_log::FakeLog;

/// The records that come of what `life` does with a tally.
async fn records(is_repeated: bool, life: impl FnOnce(Tally)) -> Vec<UsageRecord> {
    let log = Arc::new(FakeLog::default());
    let meter = Meter::start(log.clone(), MeterSettings::default(), &TaskTracker::new());
    let admission = Admission { is_repeated, ..Admission::of_nobody() };
    life(Tally::new(admission, meter.clone(), Arc::new(SystemClock)));
    meter.flush().await;
    log.records()
}

fn usage(fresh: u64, cached: u64, answer: u64) -> Usage {
    Usage {
        fresh_prompt: Tokens(fresh),
        cached_prompt: Tokens(cached),
        reasoning: Tokens::ZERO,
        answer: Tokens(answer),
    }
}

fn finished(usage: Usage) -> ChatEvent {
    ChatEvent::Finished { reason: FinishReason::Stop, usage }
}

fn word() -> ChatEvent {
    ChatEvent::Content("word".to_owned())
}

/// An engine that says nothing at the end does not make free what it said before.
#[tokio::test]
async fn figures_that_say_nothing_leave_earlier_ones_standing() {
    let records = records(false, |mut tally| {
        tally.count(ChatEvent::Started { prompt: Tokens(10), cached: Tokens(4) });
        tally.count(word());
        tally.count(ChatEvent::Usage(usage(6, 4, 9)));
        let end = tally.count(finished(Usage::default()));
        assert_eq!(end, finished(usage(6, 4, 9)));
    })
    .await;
    assert_eq!(records[0].usage, usage(6, 4, 9));
}

/// The classes stay disjoint when an engine corrects itself.
#[tokio::test]
async fn later_figures_replace_earlier_ones_whole() {
    let records = records(false, |mut tally| {
        tally.count(ChatEvent::Started { prompt: Tokens(100), cached: Tokens::ZERO });
        tally.count(finished(usage(20, 80, 5)));
    })
    .await;
    assert_eq!(records[0].usage, usage(20, 80, 5));
}

#[tokio::test]
async fn what_an_engine_does_not_count_is_counted_by_pieces() {
    let records = records(false, |mut tally| {
        tally.count(word());
        tally.count(word());
        tally.count(finished(usage(3, 0, 0)));
    })
    .await;
    assert_eq!(records[0].usage, usage(3, 0, 2));
    assert_eq!(records[0].ending, Ending::Finished);
}

#[tokio::test]
async fn a_request_is_recorded_once_whatever_follows_its_end() {
    let records = records(false, |mut tally| {
        tally.count(finished(usage(3, 0, 1)));
        tally.count(finished(usage(9, 0, 9)));
    })
    .await;
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].usage, usage(3, 0, 1));
}

/// A caller that leaves while an engine reads its prompt is recorded too.
#[tokio::test]
async fn leaving_is_recorded_before_and_after_the_first_word() {
    let early = records(false, drop).await;
    assert_eq!(early[0].ending, Ending::CallerLeftEarly);
    let late = records(false, |mut tally| {
        tally.count(word());
    })
    .await;
    assert_eq!(late[0].ending, Ending::CallerLeft);
}

/// An engine says how long a prompt is before it reads it; whoever leaves then has used nothing.
#[tokio::test]
async fn a_prompt_that_was_only_announced_is_not_used() {
    let announced = || ChatEvent::Started { prompt: Tokens(100), cached: Tokens(40) };
    let left = records(false, |mut tally| {
        tally.count(announced());
    })
    .await;
    assert_eq!((left[0].ending, left[0].usage), (Ending::CallerLeftEarly, Usage::default()));
    let answered = records(false, |mut tally| {
        tally.count(announced());
        tally.count(word());
    })
    .await;
    assert_eq!(answered[0].usage, usage(60, 40, 1));
}

/// An attempt that will be made again leaves the one record to the attempt that ends the request.
#[tokio::test]
async fn a_call_that_is_repeated_is_recorded_when_it_ends() {
    assert!(records(true, drop).await.is_empty());
    let busy = EngineError::Busy { retry_after: None };
    assert!(records(true, |tally| tally.refused(&busy)).await.is_empty());
    let failed = EngineError::Failed { reason: "gone".to_owned() };
    assert_eq!(records(true, |tally| tally.refused(&failed)).await[0].ending, Ending::EngineRefused);
    let ended = records(true, |mut tally| {
        tally.count(finished(usage(3, 0, 1)));
    });
    assert_eq!(ended.await[0].ending, Ending::Finished);
}

#[tokio::test]
async fn a_refusal_is_recorded_unless_the_caller_is_at_fault() {
    let busy = EngineError::Busy { retry_after: None };
    assert_eq!(records(false, |tally| tally.refused(&busy)).await[0].ending, Ending::EngineRefused);
    let wrong = EngineError::Rejected { message: "no".to_owned() };
    assert!(records(false, |tally| tally.refused(&wrong)).await.is_empty());
}
