use std::fs;
use std::path::Path;
use std::sync::Arc;

use engine::{CacheSettings, DiskCacheSettings, Embedded, Settings};
use futures::StreamExt;
use inference::{CacheScope, ChatEvent, ChatRequest};
use vocab::Tokens;

use crate::setting::{Answer, Hands, answer, ask, long_text, settings, talk_for, tiny, tiny_moe};

fn with_logprobs(text: &str) -> ChatRequest {
    let mut request = ask(text);
    request.logprobs = Some(5);
    request
}

/// Bit for bit.
fn same_answer(a: &Answer, b: &Answer) {
    assert_eq!(a.content, b.content);
    assert!(
        a.logprobs == b.logprobs,
        "a cache hit must not change a single bit: {:?} {:?}",
        a.logprobs[0],
        b.logprobs[0]
    );
}

/// The same but for the order of additions: the tokens lie in other places of the model's memory.
fn equal_answer(a: &Answer, b: &Answer) {
    assert_eq!(a.content, b.content);
    for (a, b) in a.logprobs.iter().zip(&b.logprobs) {
        assert!((a.logprob - b.logprob).abs() < 1e-4, "{a:?} {b:?}");
    }
}

/// What of a prompt the cache can serve at best.
fn blocks(prompt: Tokens) -> Tokens {
    Tokens((prompt.0 - 1) / 64 * 64)
}

/// CACHE-01, CACHE-02: the second call with the same start is served from the cache, says how much of it was,
/// and is answered bit for bit as if nothing had been cached.
#[tokio::test]
async fn a_repeated_prompt_is_cached_and_answered_the_same() {
    for model in [tiny(), tiny_moe()] {
        let embedded = Embedded::start(settings());
        let engine = embedded.engine("tiny", model);
        let text = long_text("The handbook", 300);
        let cold = answer(engine.as_ref(), with_logprobs(&text)).await;
        let hit = answer(engine.as_ref(), with_logprobs(&text)).await;
        assert_eq!(cold.cached, Tokens::ZERO);
        assert_eq!(hit.cached, blocks(hit.prompt));
        assert_eq!(hit.usage.cached_prompt, hit.cached);
        assert_eq!(hit.usage.prompt(), hit.prompt);
        same_answer(&cold, &hit);

        let longer = answer(engine.as_ref(), with_logprobs(&format!("{text} and then?"))).await;
        assert!(longer.cached > Tokens(250) && longer.cached < longer.prompt);
        embedded.shutdown().await;
    }
}

/// Two answers at once share the start of their prompts while both run.
#[tokio::test]
async fn a_branch_shares_what_a_running_answer_has_read() {
    let embedded = Embedded::start(settings());
    let engine = embedded.engine("tiny", tiny());
    let text = long_text("The handbook", 300);
    let alone = answer(engine.as_ref(), with_logprobs(&format!("{text} B"))).await;
    embedded.shutdown().await;

    let embedded = Embedded::start(settings());
    let engine = embedded.engine("tiny", tiny());
    let running = engine.chat(talk_for(&format!("{text} A"), 1_000)).await.unwrap();
    let mut cached = Tokens::ZERO;
    for _ in 0..50 {
        let branch = answer(engine.as_ref(), with_logprobs(&format!("{text} B"))).await;
        equal_answer(&alone, &branch);
        cached = cached.max(branch.cached);
        if cached > Tokens(250) {
            break;
        }
    }
    assert!(cached > Tokens(250), "{cached}");
    drop(running);
    embedded.shutdown().await;
}

/// CACHE-04: a small change at the start of the text leaves nothing to reuse.
#[tokio::test]
async fn a_changed_start_misses() {
    let embedded = Embedded::start(settings());
    let engine = embedded.engine("tiny", tiny());
    let text = long_text("The handbook", 300);
    answer(engine.as_ref(), ask(&text)).await;
    assert_eq!(answer(engine.as_ref(), ask(&format!(" {text}"))).await.cached, Tokens::ZERO);
    embedded.shutdown().await;
}

/// CACHE-06: what one account sent is not there for another one.
#[tokio::test]
async fn accounts_do_not_share_entries() {
    let embedded = Embedded::start(settings());
    let engine = embedded.engine("tiny", tiny());
    let text = long_text("The handbook", 300);
    let first = answer(engine.as_ref(), with_logprobs(&text)).await;
    let mut other = with_logprobs(&text);
    other.cache_scope = CacheScope("bob".into());
    let second = answer(engine.as_ref(), other).await;
    assert_eq!(second.cached, Tokens::ZERO);
    equal_answer(&first, &second);
    embedded.shutdown().await;
}

/// CACHE-05: an entry that nobody used for its lifetime is computed again.
#[tokio::test]
async fn entries_grow_old() {
    let hands = Arc::new(Hands::default());
    let cache = CacheSettings { ttl_seconds: 60, ..CacheSettings::default() };
    let embedded = Embedded::start_with_clock(Settings { cache, ..settings() }, hands.clone());
    let engine = embedded.engine("tiny", tiny());
    let text = long_text("The handbook", 300);
    answer(engine.as_ref(), ask(&text)).await;
    hands.turn(60_000);
    assert!(answer(engine.as_ref(), ask(&text)).await.cached > Tokens::ZERO);
    hands.turn(60_001);
    assert_eq!(answer(engine.as_ref(), ask(&text)).await.cached, Tokens::ZERO);
    embedded.shutdown().await;
}

fn on_disk(folder: &Path, resident_max: u32) -> Settings {
    let disk = DiskCacheSettings { min_tokens: 100, ..DiskCacheSettings::in_folder(folder) };
    Settings {
        cache: CacheSettings { disk: Some(disk), resident_max, ..CacheSettings::default() },
        ..settings()
    }
}

/// The disk tier: after a restart the first call is a hit, bit for bit the same; and still nobody else's.
#[tokio::test]
async fn the_cache_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let text = long_text("The handbook", 300);
    let embedded = Embedded::start(on_disk(folder.path(), 4));
    let cold = answer(embedded.engine("tiny", tiny()).as_ref(), with_logprobs(&text)).await;
    embedded.shutdown().await;

    let embedded = Embedded::start(on_disk(folder.path(), 4));
    let engine = embedded.engine("tiny", tiny());
    let mut other = with_logprobs(&text);
    other.cache_scope = CacheScope("bob".into());
    assert_eq!(answer(engine.as_ref(), other).await.cached, Tokens::ZERO);
    let restored = answer(engine.as_ref(), with_logprobs(&text)).await;
    assert_eq!(restored.cached, blocks(restored.prompt));
    same_answer(&cold, &restored);
    embedded.shutdown().await;
}

/// What memory has no room for goes to the disk and comes back from there.
#[tokio::test]
async fn evicted_conversations_come_back_from_disk() {
    let folder = tempfile::tempdir().unwrap();
    let embedded = Embedded::start(on_disk(folder.path(), 1));
    let engine = embedded.engine("tiny", tiny());
    let (one, two) = (long_text("One", 300), long_text("Two", 300));
    let first = answer(engine.as_ref(), with_logprobs(&one)).await;
    answer(engine.as_ref(), ask(&two)).await;
    assert_eq!(embedded.stats("tiny").unwrap().kept, 1);
    let again = answer(engine.as_ref(), with_logprobs(&one)).await;
    assert_eq!(again.cached, blocks(again.prompt));
    equal_answer(&first, &again);
    embedded.shutdown().await;
}

/// CACHE-02: when room for a conversation on disk is made in vain, of the very sequence that would have served
/// instead, nothing is said to be cached that is not.
#[tokio::test]
async fn a_conversation_that_cannot_come_back_is_read_anew() {
    let folder = tempfile::tempdir().unwrap();
    let embedded = Embedded::start(on_disk(folder.path(), 1));
    let engine = embedded.engine("tiny", tiny());
    let beginning = long_text("The handbook", 400);
    let large = with_logprobs(&format!("{beginning}{}", long_text("goes on", 350)));
    let first = answer(engine.as_ref(), large.clone()).await;
    let branch = answer(engine.as_ref(), ask(&format!("{beginning} and ends"))).await;
    assert!(branch.cached > Tokens(500), "{branch:?}");

    let other = talk_for(&long_text("Other", 560), 1_000);
    let mut running = engine.chat(other).await.unwrap();
    let Some(Ok(ChatEvent::Started { prompt, .. })) = running.next().await else { panic!("it begins") };
    assert!(running.next().await.is_some(), "its prompt is read");
    let (both, new) = (first.prompt + prompt, first.prompt.saturating_sub(branch.cached) + prompt);
    assert!(both > Tokens(2_048) && new < Tokens(1_700), "not what is meant: {both} {new}");
    let again = answer(engine.as_ref(), large).await;
    assert_eq!(again.cached, Tokens::ZERO);
    equal_answer(&first, &again);
    drop(running);
    embedded.shutdown().await;
}

/// Damaged cache files cost time, never an answer.
#[tokio::test]
async fn damaged_cache_files_are_ignored() {
    for damage in [
        |bytes: &mut Vec<u8>| bytes.truncate(100),
        |bytes: &mut Vec<u8>| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0xff;
        },
    ] {
        let folder = tempfile::tempdir().unwrap();
        let text = long_text("The handbook", 300);
        let embedded = Embedded::start(on_disk(folder.path(), 4));
        let cold = answer(embedded.engine("tiny", tiny()).as_ref(), with_logprobs(&text)).await;
        embedded.shutdown().await;
        let mut damaged = 0;
        for file in fs::read_dir(folder.path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|e| e == "kv") {
                let mut bytes = fs::read(&path).unwrap();
                damage(&mut bytes);
                fs::write(&path, bytes).unwrap();
                damaged += 1;
            }
        }
        assert_eq!(damaged, 1);

        let embedded = Embedded::start(on_disk(folder.path(), 4));
        let again = answer(embedded.engine("tiny", tiny()).as_ref(), with_logprobs(&text)).await;
        assert_eq!(again.cached, Tokens::ZERO);
        same_answer(&cold, &again);
        embedded.shutdown().await;
    }
}
