//! Pulling models from a hub over a bad line.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::time::Duration;

use outbound::hub::{FileError, ModelReference, PullError, PullOptions, PulledModel, pull};
use tempfile::TempDir;
use testkit::fake_hub::{FakeHub, Fault};
use vocab::Secret;

const REPOSITORY: &str = "zai-org/GLM-Tiny-GGUF";

fn weights() -> Vec<u8> {
    (0..3_000_000_u32).map(|n| u8::try_from(n.wrapping_mul(2_654_435_761) >> 24).unwrap()).collect()
}

fn options(hub: &FakeHub) -> PullOptions {
    PullOptions {
        base_url: hub.base_url(),
        attempts_max: 3,
        pause: Duration::from_millis(1),
        pause_max: Duration::from_millis(5),
        ..PullOptions::default()
    }
}

fn reference(selector: &str) -> ModelReference {
    format!("hf:{REPOSITORY}{selector}").parse().unwrap()
}

async fn fetch(hub: &FakeHub, folder: &Path) -> Result<PulledModel, PullError> {
    pull(&reference(""), folder, &options(hub), |_| {}).await
}

async fn one_file(bytes: &[u8]) -> (FakeHub, TempDir) {
    let hub = FakeHub::start(REPOSITORY, &[("glm-tiny-Q8_0.gguf", bytes), ("README.md", b"hi")]).await;
    (hub, TempDir::new().unwrap())
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_model_is_fetched_checked_and_named_with_its_progress_told() {
    let weights = weights();
    let (hub, folder) = one_file(&weights).await;
    let mut seen = Vec::new();
    let pulled = pull(&reference(":q8_0"), folder.path(), &options(&hub), |progress| {
        assert_eq!((progress.file, progress.bytes_total), ("glm-tiny-Q8_0.gguf", 3_000_000));
        seen.push(progress.bytes);
    })
    .await
    .unwrap();
    assert!(pulled.is_verified);
    assert_eq!(std::fs::read(&pulled.path).unwrap(), weights);
    assert_eq!(names(folder.path()), ["glm-tiny-Q8_0.gguf"]);
    assert!(seen.is_sorted() && seen.last() == Some(&3_000_000), "{seen:?}");

    fetch(&hub, folder.path()).await.unwrap();
    assert_eq!(hub.downloads().len(), 1, "what is here is not fetched again");
}

#[tokio::test]
async fn a_cut_line_is_taken_up_where_it_broke() {
    let weights = weights();
    let (hub, folder) = one_file(&weights).await;
    hub.next_download(Fault::CutAfter(1_000_000)).next_download(Fault::Status(503));
    hub.next_download(Fault::CutAfter(500_000));
    let pulled = fetch(&hub, folder.path()).await.unwrap();
    assert_eq!(std::fs::read(&pulled.path).unwrap(), weights);
    let ranges: Vec<_> = hub.downloads().into_iter().map(|(_, range)| range).collect();
    let from = |at: u32| Some(format!("bytes={at}-"));
    assert_eq!(ranges, [None, from(1_000_000), from(1_000_000), from(1_500_000)]);
}

/// A pull that was given up keeps what had come, and the next one goes on from there.
#[tokio::test]
async fn a_later_pull_goes_on_from_what_an_earlier_one_left() {
    let weights = weights();
    let (hub, folder) = one_file(&weights).await;
    for _ in 0..3 {
        hub.next_download(Fault::CutAfter(0));
    }
    let error = fetch(&hub, folder.path()).await.unwrap_err();
    assert!(matches!(error, PullError::Broken { attempts: 3, .. }), "{error}");

    std::fs::write(folder.path().join("glm-tiny-Q8_0.gguf.part"), &weights[..2_000_000]).unwrap();
    fetch(&hub, folder.path()).await.unwrap();
    assert_eq!(hub.downloads().pop().unwrap().1.as_deref(), Some("bytes=2000000-"));
}

#[tokio::test]
async fn a_damaged_file_is_fetched_anew_and_given_up_after_a_few_times() {
    let weights = weights();
    let (hub, folder) = one_file(&weights).await;
    hub.next_download(Fault::Corrupt);
    let pulled = fetch(&hub, folder.path()).await.unwrap();
    assert_eq!(std::fs::read(&pulled.path).unwrap(), weights);

    let (hub, folder) = one_file(&weights).await;
    for _ in 0..3 {
        hub.next_download(Fault::Corrupt);
    }
    let error = fetch(&hub, folder.path()).await.unwrap_err();
    assert!(matches!(error, PullError::Corrupt { attempts: 3, .. }), "{error}");
    assert!(names(folder.path()).is_empty(), "nothing damaged is kept");
}

#[tokio::test]
async fn a_leftover_of_another_file_does_not_spoil_the_new_one() {
    let weights = weights();
    for leftover in [vec![7; 1000], vec![7; 3_000_000], vec![7; 4_000_000]] {
        let (hub, folder) = one_file(&weights).await;
        std::fs::write(folder.path().join("glm-tiny-Q8_0.gguf.part"), leftover).unwrap();
        let pulled = fetch(&hub, folder.path()).await.unwrap();
        assert_eq!(std::fs::read(&pulled.path).unwrap(), weights);
    }
}

#[tokio::test]
async fn a_hub_that_ignores_ranges_begins_anew() {
    let weights = weights();
    let (hub, folder) = one_file(&weights).await;
    hub.next_download(Fault::CutAfter(1_000_000)).next_download(Fault::IgnoreRange);
    let pulled = fetch(&hub, folder.path()).await.unwrap();
    assert_eq!(std::fs::read(&pulled.path).unwrap(), weights);
}

/// The token opens the hub and goes nowhere else.
#[tokio::test]
async fn a_token_is_never_sent_to_another_host() {
    let (hub, folder) = one_file(b"weights").await;
    hub.requires_token("planted-token").redirects_downloads();
    let mut options = options(&hub);
    options.token = Some(Secret::new("planted-token"));
    pull(&reference(""), folder.path(), &options, |_| {}).await.unwrap();
    assert_eq!(hub.tokens_leaked(), Vec::<String>::new());
    assert!(!format!("{options:?}").contains("planted"));
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let (hub, folder) = one_file(b"weights").await;
    hub.requires_token("t");
    let error = fetch(&hub, folder.path()).await.unwrap_err();
    assert!(
        matches!(error, PullError::Unauthorized { .. }) && error.to_string().contains("HF_TOKEN"),
        "{error}"
    );

    let (hub, folder) = one_file(b"weights").await;
    hub.refuses_with(403);
    assert!(matches!(fetch(&hub, folder.path()).await, Err(PullError::Forbidden { .. })));

    let (hub, folder) = one_file(b"weights").await;
    let other = "hf:zai-org/other".parse().unwrap();
    let error = pull(&other, folder.path(), &options(&hub), |_| {}).await.unwrap_err();
    assert!(matches!(error, PullError::NotFound { .. }), "{error}");

    hub.refuses_with(500);
    assert!(matches!(fetch(&hub, folder.path()).await, Err(PullError::Hub(_))));
}

#[tokio::test]
async fn a_split_model_is_fetched_in_all_its_parts() {
    let hub = FakeHub::start(
        REPOSITORY,
        &[("Q8/m-Q8_0-00002-of-00002.gguf", b"two"), ("Q8/m-Q8_0-00001-of-00002.gguf", b"one")],
    )
    .await;
    let folder = TempDir::new().unwrap();
    let mut parts = Vec::new();
    let pulled = pull(&reference(":Q8_0"), folder.path(), &options(&hub), |progress| {
        parts.push((progress.part, progress.parts));
    })
    .await
    .unwrap();
    assert_eq!(names(folder.path()), ["m-Q8_0-00001-of-00002.gguf", "m-Q8_0-00002-of-00002.gguf"]);
    assert!(pulled.path.ends_with("m-Q8_0-00001-of-00002.gguf"));
    assert_eq!((pulled.bytes, parts.last()), (6, Some(&(2, 2))));
}

#[tokio::test]
async fn an_unclear_reference_lists_what_there_is() {
    let hub = FakeHub::start(REPOSITORY, &[("a.gguf", b"a"), ("b.gguf", b"b")]).await;
    let folder = TempDir::new().unwrap();
    let error = fetch(&hub, folder.path()).await.unwrap_err();
    assert!(matches!(error, PullError::Choose { .. }));
    assert!(error.to_string().contains("a.gguf") && error.to_string().contains("b.gguf"), "{error}");
}

#[tokio::test]
async fn another_file_of_that_name_is_left_alone() {
    let (hub, folder) = one_file(b"weights").await;
    let path = folder.path().join("glm-tiny-Q8_0.gguf");
    std::fs::write(&path, "precious").unwrap();
    assert!(matches!(fetch(&hub, folder.path()).await, Err(PullError::Occupied(_))));
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
}

#[tokio::test]
async fn two_pulls_of_one_file_do_not_write_over_each_other() {
    let (hub, folder) = one_file(b"weights").await;
    let part = std::fs::File::create(folder.path().join("glm-tiny-Q8_0.gguf.part")).unwrap();
    part.lock().unwrap();
    assert!(matches!(fetch(&hub, folder.path()).await, Err(PullError::UnderWay(_))));
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let (hub, folder) = one_file(b"weights").await;
    let blocked = folder.path().join("file");
    std::fs::write(&blocked, "").unwrap();
    let error = fetch(&hub, &blocked.join("models")).await.unwrap_err();
    assert!(matches!(error, PullError::File { source: FileError::Other(_), .. }), "{error:?}");
    let full = FileError::from(std::io::Error::from(std::io::ErrorKind::StorageFull));
    assert_eq!(full.to_string(), "the disk is full");
}
