//! Documents of strangers, read by the built program as the server has them read.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use capabilities::documents::{DocumentError, DocumentLimits, DocumentReader};
use outbound::documents::{DocumentProcess, DocumentProcessSettings, DocumentProgram};

/// How long a process may take before it is killed: longer than any limit that it gives itself lasts, however many tests
/// run beside it.
const CLOCK: Duration = Duration::from_secs(90);

/// What a document may cost here: enough for any of ours, and soon used up.
fn limits() -> DocumentLimits {
    DocumentLimits { memory_bytes_max: 512 * 1024 * 1024, cpu_seconds_max: 3, ..DocumentLimits::default() }
}

fn reader(limits: &DocumentLimits) -> DocumentProcess {
    let limits = serde_json::to_string(limits).expect("plain numbers");
    let program = DocumentProgram {
        path: PathBuf::from(env!("CARGO_BIN_EXE_azimuth")),
        arguments: ["internal", "document-text", "--limits", &limits].map(Into::into).into(),
        environment: vec![("MIMALLOC_ARENA_RESERVE", "32M".to_owned())],
    };
    let settings = DocumentProcessSettings {
        at_once_max: 4,
        waiting_max: 16,
        wait_max: Duration::from_secs(120),
        duration_max: CLOCK,
        answer_bytes_max: 1024 * 1024,
    };
    DocumentProcess::new(program, settings)
}

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures/documents");
    std::fs::read(folder.join(name)).expect("a fixture")
}

/// A PDF of one page that has `more` objects besides its own, of which 9 is what it draws.
fn pdf(resources: &str, more: &[u8]) -> Vec<u8> {
    let head = format!(
        "%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n\
         3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 9 0 R/Resources<<{resources}\
         /Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj\n"
    );
    [head.as_bytes(), more, b"\ntrailer<</Root 1 0 R>>\n%%EOF"].concat()
}

fn stream(number: u32, about: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("{number} 0 obj<<{about}/Length {}>>stream\n", content.len());
    [head.as_bytes(), content, b"\nendstream endobj\n"].concat()
}

#[tokio::test]
async fn a_pdf_is_read_in_a_process_of_its_own() {
    let reader = reader(&limits());
    let (english, chinese) = (fixture("prose-en.pdf"), fixture("mixed-zh.pdf"));
    let (english, chinese) =
        tokio::join!(reader.text("application/pdf", &english), reader.text("application/pdf", &chinese));
    assert!(english.unwrap().starts_with("The Declaration of Independence\n"));
    assert!(chinese.unwrap().contains("每位读者每次最多借阅十本书。"));
    assert_eq!(reader.text("application/pdf", &fixture("scanned-all.pdf")).await, Err(DocumentError::NoText));
    assert_eq!(reader.text("application/pdf", b"no PDF").await, Err(DocumentError::Unreadable));
}

#[tokio::test]
async fn limits_are_the_ones_that_the_server_says() {
    let few = DocumentLimits { bytes_max: 100, ..limits() };
    let refused = reader(&few).text("application/pdf", &fixture("prose-en.pdf")).await.unwrap_err();
    assert_eq!(refused.to_string(), "the document has 101 bytes, more than 100");
    let few = DocumentLimits { characters_max: 100, ..limits() };
    let refused = reader(&few).text("application/pdf", &fixture("prose-en.pdf")).await;
    assert_eq!(refused, Err(DocumentError::TooMuchText { characters_max: 100 }));
}

/// Four gibibytes of zeros, packed three times.
const BOMB: &str = "\
    78daabb8f5f68ea25f0ca348db4573cd26052e0e91b6d4048e840b1d8b3c79fb583a9b5b1e1cdfc027c27d40b19039b459bd\
    832be4b2e219a37be5e784d6fd29fe1cfbafb27e8e4f5be28e79fff6ff8f88956660606898b8bb6eefcf8fb66c3cd6dd372f\
    7ee4040a1994edbf5ebf4ec7bdb17ef9edf6738c4091c5e5bbb7efdef847e04775e9be4732202555d1f33f373f15fbb0a5e2\
    c69fa7726011fd2690d2094a1240924117ccb900e11822734665466546654665466546654665466546654665466546654665\
    466546654665466546654665466546654665466546654665682053f4dd727e9d3f23fbf9ee9b37ff395c3f9a5221ad163fd3\
    6ac914003cd9bf1d";

#[tokio::test]
async fn a_file_that_swells_is_ended_when_its_memory_is_used_up() {
    let packed = hex::decode(BOMB).expect("hexadecimal");
    let bomb = stream(9, "/Filter[/FlateDecode/FlateDecode/FlateDecode]", &packed);
    // Far more time than it needs to fill its memory.
    let limits = DocumentLimits { cpu_seconds_max: 300, ..limits() };
    let begun = Instant::now();
    assert_eq!(reader(&limits).text("application/pdf", &pdf("", &bomb)).await, Err(DocumentError::TooHard));
    assert!(begun.elapsed() < CLOCK, "the clock need not end it");
}

/// Drawings that draw ten drawings each, which draw ten each.
#[tokio::test]
async fn a_file_that_never_ends_is_ended_when_its_time_is_used_up() {
    let ten = b"/X Do ".repeat(10);
    let mut objects = stream(9, "", &ten);
    for number in 10..40_u32 {
        let next = number + 1;
        let about =
            format!("/Type/XObject/Subtype/Form/BBox[0 0 200 200]/Resources<</XObject<</X {next} 0 R>>>>");
        objects.extend(stream(number, &about, &ten));
    }
    objects.extend(stream(40, "/Type/XObject/Subtype/Form/BBox[0 0 9 9]", b"BT /F1 9 Tf (ha) Tj ET"));
    let begun = Instant::now();
    let endless = pdf("/XObject<</X 10 0 R>>", &objects);
    assert_eq!(reader(&limits()).text("application/pdf", &endless).await, Err(DocumentError::TooHard));
    assert!(begun.elapsed() < CLOCK, "the clock need not end it");
}

/// Whatever becomes of these, it becomes of them alone, and the next document is read.
#[tokio::test]
async fn files_that_lead_nowhere_do_no_harm() {
    let reader = reader(&limits());
    let deep = [b"9 0 obj".as_slice(), b"[".repeat(1_000_000).as_slice(), b"endobj"].concat();
    let circle = b"9 0 obj 9 0 R endobj".to_vec();
    let own_page = stream(9, "/Filter 9 0 R/DecodeParms 9 0 R/Length 9 0 R", b"BT ET");
    let drawn = stream(9, "", &b"q BT ".repeat(500_000));
    for more in [deep, circle, own_page, drawn] {
        assert!(reader.text("application/pdf", &pdf("", &more)).await.is_err());
    }
    let own_parent = b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n\
        2 0 obj<</Type/Pages/Kids[2 0 R 2 0 R 2 0 R]/Count 9/Parent 2 0 R>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF";
    assert!(reader.text("application/pdf", own_parent).await.is_err());
    let fine = stream(9, "", b"BT /F1 9 Tf 20 100 Td (still here) Tj ET");
    assert_eq!(reader.text("application/pdf", &pdf("", &fine)).await.unwrap(), "still here");
}

/// Before it has seen a byte of the document, it can open no file and no connection, and write into none.
#[cfg(target_os = "linux")]
#[test]
fn the_process_gives_up_what_it_does_not_need() {
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_azimuth"))
        .args(["internal", "document-text", "--limits"])
        .arg(serde_json::to_string(&limits()).expect("plain numbers"))
        .arg("application/pdf")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts");
    let path = format!("/proc/{}/limits", child.id());
    let limit = |name: &str| -> Option<String> {
        let limits = std::fs::read_to_string(&path).expect("it runs: it has not been given its document");
        let row = limits.lines().find_map(|line| line.strip_prefix(name)).expect("a row for each limit");
        row.split_whitespace().nth(1).map(str::to_owned)
    };
    let begun = Instant::now();
    while limit("Max processes").as_deref() != Some("0") {
        assert!(begun.elapsed() < CLOCK, "it does not confine itself");
        std::thread::sleep(Duration::from_millis(10));
    }
    for (name, value) in [
        ("Max open files", "0"),
        ("Max file size", "0"),
        ("Max core file size", "0"),
        ("Max cpu time", "3"),
        ("Max address space", "536870912"),
    ] {
        assert_eq!(limit(name).as_deref(), Some(value), "{name}");
    }
    drop(child.stdin.take());
    assert!(child.wait().expect("it ends").success(), "no document is an answer too");
}

/// Nobody should need it, so `azimuth --help` does not show it.
#[test]
fn the_command_is_the_servers_own() {
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_azimuth"))
        .arg("--help")
        .stdin(Stdio::null())
        .output()
        .expect("the program runs");
    assert!(help.status.success());
    assert!(!String::from_utf8_lossy(&help.stdout).contains("internal"));
}
