//! What the child may do to us. What documents do to the child is tried with the real program, in `azimuth`'s tests.

use std::sync::Arc;
use std::time::Instant;

use super::*;

const SETTINGS: DocumentProcessSettings = DocumentProcessSettings {
    at_once_max: 1,
    waiting_max: 1,
    wait_max: Duration::from_secs(30),
    duration_max: Duration::from_secs(30),
    answer_bytes_max: 1000,
};

/// A program that does what `script` says.
fn process(script: &str, settings: DocumentProcessSettings) -> DocumentProcess {
    let program = DocumentProgram {
        path: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into(), "reader".into()],
        environment: vec![("GREETING", "hello".to_owned())],
    };
    DocumentProcess::new(program, settings)
}

async fn answer(script: &str) -> Result<String, DocumentError> {
    process(script, SETTINGS).text("application/pdf", b"a document").await
}

#[tokio::test]
async fn the_child_has_the_document_its_type_and_only_the_environment_it_is_given() {
    let script = r#"printf '{"Ok":"%s %s %s %s"}' "$GREETING" "$1" "$(cat)" "$HOME$CARGO_MANIFEST_DIR""#;
    assert_eq!(answer(script).await.unwrap(), "hello application/pdf a document ");
    assert_eq!(answer(r#"printf '{"Err":"protected"}'"#).await, Err(DocumentError::Protected));
    let pages = r#"printf '{"Err":{"too_many_pages":{"pages":101,"pages_max":100}}}'"#;
    assert_eq!(answer(pages).await, Err(DocumentError::TooManyPages { pages: 101, pages_max: 100 }));
}

#[tokio::test]
async fn a_child_that_panics_or_is_ended_by_the_system_is_the_documents_fault() {
    assert_eq!(answer("exit 101").await, Err(DocumentError::Unreadable));
    assert_eq!(answer("kill -XCPU $$").await, Err(DocumentError::TooHard));
    assert_eq!(answer("kill -ABRT $$").await, Err(DocumentError::TooHard));
}

#[tokio::test]
async fn a_child_that_fails_otherwise_is_ours() {
    for script in ["exit 2", "echo nonsense", "true", r#"printf '{"Ok":"cut"#] {
        assert_eq!(answer(script).await, Err(DocumentError::Failed), "{script}");
    }
    let program = DocumentProgram { path: "/nowhere".into(), arguments: Vec::new(), environment: Vec::new() };
    let absent = DocumentProcess::new(program, SETTINGS);
    assert_eq!(absent.text("application/pdf", b"").await, Err(DocumentError::Failed));
}

#[tokio::test]
async fn a_child_that_does_not_end_is_killed() {
    let mark = tempfile::NamedTempFile::new().unwrap();
    let script = format!("echo $$ > {}; while :; do sleep 1; done", mark.path().display());
    let settings = DocumentProcessSettings { duration_max: Duration::from_secs(2), ..SETTINGS };
    let reader = process(&script, settings);
    assert_eq!(reader.text("application/pdf", b"").await, Err(DocumentError::TooHard));

    let id: u32 = std::fs::read_to_string(mark.path()).unwrap().trim().parse().unwrap();
    let begun = Instant::now();
    while is_running(id) {
        assert!(begun.elapsed() < Duration::from_secs(20), "it still runs");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn is_running(id: u32) -> bool {
    std::process::Command::new("/bin/sh")
        .args(["-c", &format!("kill -0 {id}")])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A child that talks without end is not listened to without end, and one that does not listen is not waited for.
#[tokio::test]
async fn neither_side_can_hold_the_other() {
    let settings = DocumentProcessSettings { duration_max: Duration::from_secs(20), ..SETTINGS };
    let endless = process("while :; do echo more and more; done", settings);
    let begun = Instant::now();
    assert!(endless.text("application/pdf", b"").await.is_err());
    let deaf = process(r#"printf '{"Ok":"knew it"}'"#, SETTINGS);
    assert_eq!(deaf.text("application/pdf", &vec![0; 4 * 1024 * 1024]).await.unwrap(), "knew it");
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn no_more_than_may_run_run_and_no_more_than_may_wait_wait() {
    let settings = DocumentProcessSettings { wait_max: Duration::from_millis(100), ..SETTINGS };
    let gate = tempfile::tempdir().unwrap();
    let open = gate.path().join("open");
    let script =
        format!(r#"while [ ! -e {} ]; do sleep 0.05; done; printf '{{"Ok":"read"}}'"#, open.display());
    let reader = Arc::new(process(&script, settings));
    let first = tokio::spawn({
        let reader = reader.clone();
        async move { reader.text("application/pdf", b"").await }
    });
    while reader.places.available_permits() > 0 {
        tokio::task::yield_now().await;
    }
    let (second, third) =
        tokio::join!(reader.text("application/pdf", b""), reader.text("application/pdf", b""));
    assert_eq!(second, Err(DocumentError::Busy), "it waited long enough");
    assert_eq!(third, Err(DocumentError::Busy), "there is no place to wait");
    std::fs::write(&open, "").unwrap();
    assert_eq!(first.await.unwrap().unwrap(), "read");
    assert_eq!(reader.text("application/pdf", b"").await.unwrap(), "read", "the place is free again");
}
