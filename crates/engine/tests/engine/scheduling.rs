use std::sync::Arc;
use std::time::Duration;

use engine::{Embedded, Settings};
use futures::StreamExt;
use inference::{CacheScope, ChatEvent, EngineError, FinishReason, Message, Part};
use vocab::Tokens;

use crate::setting::{Hands, answer, ask, long_text, read, settings, talk_for, tiny};

/// DESIGN §9: no token waits behind another request's prompt. Counted in steps of the network, not in time.
#[tokio::test]
async fn a_long_prompt_does_not_stop_anothers_tokens() {
    const BITE: u32 = 8;
    let embedded =
        Embedded::start(Settings { context_tokens: 4_096, prompt_tokens_per_step: BITE, ..settings() });
    let engine = embedded.engine("tiny", tiny());

    let mut talking = engine.chat(talk_for("Talk for long", 2_000)).await.unwrap();
    // It is heard of before its prompt is read, and then it talks.
    talking.next().await.unwrap().unwrap();
    talking.next().await.unwrap().unwrap();

    let before = embedded.stats("tiny").unwrap();
    let mut reader = ask(&long_text("a report", 700));
    reader.max_tokens = Some(1);
    let read_in = answer(engine.as_ref(), reader).await;
    let after = embedded.stats("tiny").unwrap();

    let bites = read_in.prompt.0 / u64::from(BITE);
    assert!(bites > 100, "{bites}");
    let talked = after.output_tokens - before.output_tokens;
    assert!(talked + 2 >= bites, "the other answer got {talked} tokens in {bites} bites of the prompt");
    drop(talking);
    embedded.shutdown().await;
}

/// A client that hangs up frees its slot within a step: while it is answered, read in, or still waiting.
#[tokio::test]
async fn hanging_up_frees_the_slot() {
    let embedded =
        Embedded::start(Settings { slots: 1, batch_tokens: 8, prompt_tokens_per_step: 8, ..settings() });
    let engine = embedded.engine("tiny", tiny());
    let endless = talk_for("Talk for ever", 1_500);
    let mut answered = engine.chat(endless).await.unwrap();
    assert!(matches!(answered.next().await, Some(Ok(ChatEvent::Started { .. }))));
    assert!(answered.next().await.is_some(), "it is answered");
    let waiting = engine.chat(ask(&long_text("never read", 1_000))).await.unwrap();
    let being_read = ask(&long_text("half read", 1_000));
    drop(answered);
    drop(waiting);
    let half = engine.chat(being_read).await.unwrap();
    drop(half);

    let last = answer(engine.as_ref(), ask("And me?")).await;
    assert_eq!(last.reason, Some(FinishReason::Length));
    let stats = embedded.stats("tiny").unwrap();
    assert!(stats.prompt_tokens < 1_000, "{stats:?}");
    assert_eq!(engine.describe().in_flight, 0);
    embedded.shutdown().await;
}

/// A full queue is refused at once, with a hint when to come back (code 1302's reason).
#[tokio::test]
async fn a_full_queue_is_busy() {
    let embedded = Embedded::start(Settings { slots: 1, queue_max: 1, ..settings() });
    let engine = embedded.engine("tiny", tiny());
    let endless = talk_for("Talk", 1_500);
    let _running = engine.chat(endless.clone()).await.unwrap();
    let _waiting = engine.chat(endless.clone()).await.unwrap();
    let refused = engine.chat(endless).await.err();
    assert!(matches!(refused, Some(EngineError::Busy { retry_after: Some(_) })), "{refused:?}");
    assert_eq!(engine.describe().in_flight, 2);
    embedded.shutdown().await;
}

/// A reader who stops reading pauses its own answer and nobody else's, and misses nothing.
#[tokio::test]
async fn a_slow_reader_holds_up_only_itself() {
    let embedded = Embedded::start(settings());
    let engine = embedded.engine("tiny", tiny());
    let unread = engine.chat(talk_for("Talk for long", 600)).await.unwrap();
    for n in 0..5 {
        answer(engine.as_ref(), ask(&format!("number {n}"))).await;
    }
    let late = read(unread).await.unwrap();
    assert_eq!((late.reason, late.usage.completion()), (Some(FinishReason::Length), Tokens(600)));
    embedded.shutdown().await;
}

/// Connections that nobody reads from do not stop the others, even where they would fill all slots; and whoever
/// reads on in the end misses nothing.
#[tokio::test]
async fn unread_answers_give_up_their_slots() {
    let embedded = Embedded::start(Settings { slots: 2, ..settings() });
    let engine = embedded.engine("tiny", tiny());
    let unread = [
        engine.chat(talk_for("Talk for long", 700)).await.unwrap(),
        engine.chat(talk_for("Talk as long", 700)).await.unwrap(),
    ];
    let between = answer(engine.as_ref(), ask("Is anyone there?")).await;
    assert_eq!(between.reason, Some(FinishReason::Length));
    for stream in unread {
        let late = read(stream).await.unwrap();
        assert_eq!((late.reason, late.usage.completion()), (Some(FinishReason::Length), Tokens(700)));
    }
    assert_eq!(engine.describe().in_flight, 0);
    embedded.shutdown().await;
}

/// A reader who takes nothing for long loses its answer, so that such readers cannot fill the queue.
#[tokio::test]
async fn a_reader_who_never_reads_is_given_up() {
    let hands = Arc::new(Hands::default());
    let embedded =
        Embedded::start_with_clock(Settings { reader_seconds_max: 60, ..settings() }, hands.clone());
    let engine = embedded.engine("tiny", tiny());
    let unread = engine.chat(talk_for("Talk for long", 1_500)).await.unwrap();
    let written = async || {
        let before = embedded.stats("tiny").map(|stats| stats.output_tokens);
        tokio::time::sleep(Duration::from_millis(50)).await;
        before == embedded.stats("tiny").map(|stats| stats.output_tokens)
    };
    while !written().await || embedded.stats("tiny").unwrap().output_tokens < 500 {}
    assert_eq!(engine.describe().in_flight, 1);

    hands.turn(61_000);
    while engine.describe().in_flight > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(read(unread).await.unwrap().reason, None, "what was there can be read, but no end");
    embedded.shutdown().await;
}

/// When the answers together outgrow the model's memory, the youngest waits and then goes on where it was.
#[tokio::test]
async fn answers_that_do_not_fit_together_wait_for_each_other() {
    let embedded = Embedded::start(Settings { context_tokens: 512, ..settings() });
    let engine = embedded.engine("tiny", tiny());
    let request = |n: u32| talk_for(&format!("Story number {n}"), 300);
    let streams = futures::future::join_all((0..3).map(|n| engine.chat(request(n)))).await;
    let together = futures::future::join_all(streams.into_iter().map(|stream| read(stream.unwrap()))).await;
    for answer in together {
        let answer = answer.unwrap();
        assert_eq!((answer.reason, answer.usage.completion()), (Some(FinishReason::Length), Tokens(300)));
    }
    assert!(embedded.stats("tiny").unwrap().preemptions > 0);
    embedded.shutdown().await;
}

/// MODEL-03: prompt and answer together fill the window and no more, however much was asked for; the answer says so.
#[tokio::test]
async fn a_full_window_ends_the_answer() {
    let embedded = Embedded::start(Settings { context_tokens: 256, ..settings() });
    let engine = embedded.engine("tiny", tiny());
    for max_tokens in [None, Some(131_072)] {
        let mut request = talk_for("Go on", 1);
        request.max_tokens = max_tokens;
        let answer = answer(engine.as_ref(), request).await;
        assert_eq!(answer.reason, Some(FinishReason::ModelContextWindowExceeded), "{max_tokens:?}");
        assert_eq!(answer.usage.total(), Tokens(256));
    }
    embedded.shutdown().await;
}

/// A prompt that does not fit is refused with both numbers, before the network runs. Clients shorten their
/// prompts by the first, so it is right, or near it where counting to the end would take long.
#[tokio::test]
async fn a_prompt_that_does_not_fit_is_refused_before_anything_runs() {
    let embedded = Embedded::start(Settings { context_tokens: 512, ..settings() });
    let engine = embedded.engine("tiny", tiny());
    for words in [600, 20_000, 200_000, 2_000_000] {
        let request = ask(&long_text("too much", words));
        let counted = engine.count_tokens(&request).await.unwrap();
        match engine.chat(request).await.err() {
            Some(EngineError::ContextOverflow(overflow)) => {
                assert_eq!(overflow.window, Tokens(512));
                let is_near = overflow.prompt.0.abs_diff(counted.0) < counted.0 / 4;
                assert!(
                    if words < 1_000 { overflow.prompt == counted } else { is_near },
                    "{overflow}, {counted}"
                );
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(embedded.stats("tiny").unwrap().steps, 0);
    embedded.shutdown().await;
}

/// Text with no place to cut, which recursive splitting rules cannot bear.
#[tokio::test]
async fn monstrous_words_are_only_long() {
    let embedded = Embedded::start(settings());
    let engine = embedded.engine("tiny", tiny());
    for letter in ["a", " ", "\n", "你", "1", "😀", "\u{0}", "<|user|>", "<think>"] {
        let request = ask(&letter.repeat(400_000));
        let refused = engine.chat(request).await.err();
        assert!(matches!(refused, Some(EngineError::ContextOverflow(_))), "{letter:?}: {refused:?}");
    }
    embedded.shutdown().await;
}

/// Sixty-four callers of several accounts, a third of whom leave at random moments.
#[tokio::test]
async fn a_crowd_with_random_hang_ups_is_served() {
    let embedded = Embedded::start(Settings { slots: 8, queue_max: 64, ..settings() });
    let engine = embedded.engine("tiny", tiny());
    embedded.load("tiny").await.unwrap();
    let callers = (0..64u64).map(|n| {
        let engine = engine.clone();
        tokio::spawn(async move {
            let mut request =
                ask(&long_text(&format!("caller {}", n % 7), 40 + usize::try_from(n).unwrap() * 3));
            request.cache_scope = CacheScope(format!("account {}", n % 5));
            request.sampling.greedy = false;
            request.sampling.temperature = Some(1.0);
            request.max_tokens = Some(40);
            let mut stream = engine.chat(request).await.unwrap();
            if n % 3 == 0 {
                for _ in 0..n % 11 {
                    stream.next().await;
                }
                return None;
            }
            Some(read(stream).await.unwrap())
        })
    });
    for caller in futures::future::join_all(callers).await {
        if let Some(answer) = caller.unwrap() {
            assert!(answer.reason.is_some());
        }
    }
    // Those who left are noticed at the next step.
    answer(engine.as_ref(), ask("the last")).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(engine.describe().in_flight, 0);
    embedded.shutdown().await;
}

/// The same seed draws the same answer; another one, another.
#[tokio::test]
async fn a_seed_repeats_the_draw() {
    let embedded = Embedded::start(settings());
    let engine = embedded.engine("tiny", tiny());
    let drawn = |seed| {
        let mut request = ask("Surprise me");
        request.sampling.greedy = false;
        request.sampling.temperature = Some(1.0);
        request.sampling.seed = Some(seed);
        request
    };
    let first = answer(engine.as_ref(), drawn(7)).await.content;
    assert_eq!(answer(engine.as_ref(), drawn(7)).await.content, first);
    assert_ne!(answer(engine.as_ref(), drawn(8)).await.content, first);
    embedded.shutdown().await;
}

/// Temperature zero, and what is as good as zero, takes the likeliest token; a single token is an answer.
#[tokio::test]
async fn without_warmth_the_likeliest_token_is_taken() {
    let embedded = Embedded::start(settings());
    let engine = embedded.engine("tiny", tiny());
    let likeliest = answer(engine.as_ref(), ask("Surprise me")).await.content;
    for temperature in [0.0, f32::MIN_POSITIVE, 1e-20] {
        let mut request = ask("Surprise me");
        request.sampling.greedy = false;
        request.sampling.temperature = Some(temperature);
        assert_eq!(answer(engine.as_ref(), request).await.content, likeliest, "{temperature}");
    }
    let mut single = ask("Surprise me");
    single.max_tokens = Some(1);
    let single = answer(engine.as_ref(), single).await;
    assert_eq!((single.reason, single.usage.answer), (Some(FinishReason::Length), Tokens(1)));
    assert!(likeliest.starts_with(&single.content));
    embedded.shutdown().await;
}

/// Each output token comes with its log probability and the best alternatives, best first.
#[tokio::test]
async fn logprobs_are_those_of_the_model() {
    let embedded = Embedded::start(settings());
    let engine = embedded.engine("tiny", tiny());
    let mut request = ask("Count");
    request.logprobs = Some(3);
    let answer = answer(engine.as_ref(), request).await;
    assert_eq!(Tokens::from(answer.logprobs.len()), answer.usage.answer);
    for token in &answer.logprobs {
        assert_eq!(token.top.len(), 3);
        assert_eq!(token.top[0].bytes, token.bytes, "greedy takes the best");
        assert!((token.top[0].logprob - token.logprob).abs() < 1e-6);
        assert!(token.top[0].logprob >= token.top[1].logprob && token.logprob < 0.0);
    }
    embedded.shutdown().await;
}

/// Pictures are refused clearly where the model cannot see.
#[tokio::test]
async fn media_are_refused_by_name() {
    let embedded = Embedded::start(settings());
    let engine = embedded.engine("tiny", tiny());
    let mut request = ask("What is this?");
    request
        .messages
        .push(Message::User { content: vec![Part::Image { url: "data:image/png;base64,".into() }] });
    let refused = engine.chat(request).await.err();
    assert!(matches!(refused, Some(EngineError::Unsupported { field: "messages", .. })), "{refused:?}");
    embedded.shutdown().await;
}

/// `count_tokens` says what `chat` will say.
#[tokio::test]
async fn counting_agrees_with_answering() {
    let embedded = Embedded::start(settings());
    let engine = embedded.engine("tiny", tiny());
    let request = ask("How long am I? 你好");
    let counted = engine.count_tokens(&request).await.unwrap();
    assert_eq!(answer(engine.as_ref(), request).await.prompt, counted);
    embedded.shutdown().await;
}

/// Whoever shows how long a prompt is need not wait until it has been read.
#[tokio::test]
async fn the_length_of_a_prompt_is_told_before_it_is_read() {
    let embedded = Embedded::start(Settings { batch_tokens: 8, prompt_tokens_per_step: 8, ..settings() });
    let engine = embedded.engine("tiny", tiny());
    let request = ask(&long_text("a long one", 1_000));
    let counted = engine.count_tokens(&request).await.unwrap();
    let mut answer = engine.chat(request).await.unwrap();
    let Some(Ok(ChatEvent::Started { prompt, .. })) = answer.next().await else { panic!("it begins") };
    assert_eq!(prompt, counted);
    let read = embedded.stats("tiny").unwrap().prompt_tokens;
    assert!(read < prompt.0, "{read} tokens were read before their number was told");
    embedded.shutdown().await;
}
