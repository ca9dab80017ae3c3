use std::fs;
use std::path::Path;

use engine::{Embedded, LoadState, ModelFile, ModelFileError, Settings};
use inference::{EngineError, FinishReason};

use crate::setting::{answer, ask, demo, settings, talk_for, tiny, tiny_moe};

/// `models info`: what a file says of itself, without loading it.
#[test]
fn a_model_file_tells_what_it_is() {
    let file = ModelFile::inspect(&tiny_moe()).unwrap();
    assert_eq!(file.architecture, "glm4moe");
    assert_eq!(file.name.as_deref(), Some("tiny-glm4moe"));
    assert_eq!(file.quantisation, "F32");
    assert_eq!(file.context_tokens, Some(4_096));
    assert_eq!(file.vocabulary, 640);
    assert!(file.has_chat_template);
    assert!((200_000..300_000).contains(&file.parameters), "{}", file.parameters);
    assert_eq!(file.file_bytes, fs::metadata(tiny_moe()).unwrap().len());

    assert_eq!(ModelFile::inspect(&demo()).unwrap().quantisation, "Q8_0");
}

fn problem(path: &Path) -> ModelFileError {
    ModelFile::inspect(path).expect_err("the file is bad")
}

/// Every way a file can be wrong has its own sentence, and llama.cpp never sees the file.
#[test]
fn bad_files_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let whole = fs::read(tiny()).unwrap();
    let write = |name: &str, bytes: &[u8]| {
        fs::write(path(name), bytes).unwrap();
        path(name)
    };

    assert!(matches!(problem(&path("missing")), ModelFileError::Missing(_)));
    assert!(matches!(problem(folder.path()), ModelFileError::NotGguf(_) | ModelFileError::Unreadable { .. }));
    assert!(matches!(problem(&write("empty", b"")), ModelFileError::NotGguf(_)));
    assert!(matches!(problem(&write("text", b"<html>404</html>")), ModelFileError::NotGguf(_)));
    for bytes in [20, 5_000, whole.len() / 2, whole.len() - 1] {
        let cut = problem(&write("cut", &whole[..bytes]));
        assert!(matches!(cut, ModelFileError::Truncated { .. }), "{bytes}: {cut}");
    }
    let mut other = whole.clone();
    other[4] = 9;
    assert!(matches!(problem(&write("version", &other)), ModelFileError::Version { version: 9, .. }));
    let with_architecture = |name: &str| {
        let at = whole.windows(4).position(|w| w == b"glm4").unwrap();
        let mut bytes = whole.clone();
        bytes[at..at + 4].copy_from_slice(name.as_bytes());
        bytes
    };
    let unknown = problem(&write("unknown", &with_architecture("glmX")));
    assert!(unknown.to_string().contains("`glmX`") && unknown.to_string().contains("glm4moe"), "{unknown}");
    assert!(matches!(
        problem(&write("clip", &with_architecture("clip"))),
        ModelFileError::NotAChatModel { .. }
    ));
}

/// However a header is mangled, reading it ends with an answer, and takes no memory it does not need.
#[test]
fn mangled_headers_do_not_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    let whole = fs::read(tiny()).unwrap();
    let mut state: u64 = 42;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap()
    };
    for _ in 0..300 {
        let mut bytes = whole.clone();
        for _ in 0..1 + next() % 8 {
            let at = next() % 30_000;
            bytes[at] = u8::try_from(next() % 256).unwrap();
        }
        bytes.truncate(1 + next() % (whole.len() * 2));
        fs::write(&path, bytes).unwrap();
        let _ = ModelFile::inspect(&path);
    }
}

/// Callers of a model that cannot be loaded get an error they may retry elsewhere; the operator, the reason.
#[tokio::test]
async fn a_model_that_cannot_be_loaded_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.gguf");
    fs::write(&path, &fs::read(tiny()).unwrap()[..100_000]).unwrap();
    let embedded = Embedded::start(settings());
    let engine = embedded.engine("cut", &path);
    match engine.chat(ask("hi")).await.err() {
        Some(EngineError::Unavailable { reason }) => assert!(reason.contains("truncated"), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert!(!engine.is_healthy());
    assert!(matches!(*embedded.progress("cut").unwrap().borrow(), LoadState::Failed(_)));

    fs::copy(tiny(), &path).unwrap();
    assert_eq!(answer(engine.as_ref(), ask("hi")).await.reason, Some(FinishReason::Length));
    assert!(engine.is_healthy());
    embedded.shutdown().await;
}

/// A file may give its model any name at all.
#[tokio::test]
async fn a_model_may_have_a_strange_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("strange.gguf");
    let mut bytes = fs::read(tiny()).unwrap();
    let name = b"tiny-glm4";
    let at = bytes.windows(name.len()).position(|w| w == name).unwrap();
    bytes[at + 1] = 0;
    fs::write(&path, bytes).unwrap();
    let embedded = Embedded::start(settings());
    let engine = embedded.engine("strange", &path);
    assert_eq!(answer(engine.as_ref(), ask("hi")).await.reason, Some(FinishReason::Length));
    embedded.shutdown().await;
}

/// Two models share memory for one: asking for one unloads the other, if nobody is using it.
#[tokio::test]
async fn models_make_room_for_each_other() {
    let one_only = {
        let settings = settings();
        let needed = ModelFile::inspect(&tiny_moe()).unwrap().memory_bytes(&settings);
        Settings { memory_bytes_max: Some(needed + needed / 2), ..settings }
    };
    let embedded = Embedded::start(one_only);
    let (dense, moe) = (embedded.engine("dense", tiny()), embedded.engine("moe", tiny_moe()));
    let state = |name: &str| embedded.progress(name).unwrap().borrow().clone();
    assert_eq!(state("dense"), LoadState::Unloaded);

    let first = answer(dense.as_ref(), ask("hi")).await;
    assert_eq!((state("dense"), state("moe")), (LoadState::Ready, LoadState::Unloaded));
    answer(moe.as_ref(), ask("hi")).await;
    assert_eq!((state("dense"), state("moe")), (LoadState::Unloaded, LoadState::Ready));

    let using = moe.chat(talk_for("talk", 1_500)).await.unwrap();
    assert!(matches!(dense.chat(ask("hi")).await.err(), Some(EngineError::Busy { .. })));
    // That there is no room now says nothing against the model.
    assert!(dense.is_healthy());
    assert_eq!(state("dense"), LoadState::Unloaded);
    drop(using);

    let mut again = dense.chat(ask("hi")).await;
    while matches!(again, Err(EngineError::Busy { .. })) {
        tokio::task::yield_now().await;
        again = dense.chat(ask("hi")).await;
    }
    assert_eq!(crate::setting::read(again.unwrap()).await.unwrap().content, first.content);
    embedded.shutdown().await;
}

/// A model that is larger than all memory is refused in words.
#[tokio::test]
async fn a_model_larger_than_memory_is_refused() {
    let embedded = Embedded::start(Settings { memory_bytes_max: Some(1 << 20), ..settings() });
    match embedded.engine("tiny", tiny()).chat(ask("hi")).await.err() {
        Some(EngineError::Unavailable { reason }) => assert!(reason.contains("MiB"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

/// Many callers of a model that is not yet in memory wait for one loading.
#[tokio::test]
async fn callers_wait_while_a_model_is_loaded_once() {
    let embedded = Embedded::start(settings());
    let engine = embedded.engine("tiny", tiny());
    let answers = futures::future::join_all((0..8).map(|_| answer(engine.as_ref(), ask("hi")))).await;
    assert!(answers.iter().all(|answer| answer.reason == Some(FinishReason::Length)));
    embedded.load("tiny").await.unwrap();
    assert!(matches!(embedded.load("nobody").await, Err(EngineError::Unavailable { .. })));
    embedded.shutdown().await;
    assert!(matches!(engine.chat(ask("hi")).await.err(), Some(EngineError::Unavailable { .. })));
}
