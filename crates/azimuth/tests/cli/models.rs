use testkit::fake_hub::{FakeHub, Fault};

use crate::Installation;

fn demo_model() -> Vec<u8> {
    std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/azimuth-demo.gguf"))
        .expect("the demo model")
}

/// A download that is cut and then damaged arrives whole, is checked, and can be inspected, listed and removed.
#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_pulled_over_a_bad_line() {
    let model = demo_model();
    let hub = FakeHub::start("org/demo-gguf", &[("demo-Q8_0.gguf", &model), ("README.md", b"about")]).await;
    hub.next_download(Fault::CutAfter(1_000_000));
    let url = hub.base_url();
    let installation = Installation::new();
    let pulled = tokio::task::block_in_place(|| {
        installation.json(&["models", "pull", "hf:org/demo-gguf:Q8_0", "--mirror", &url, "--json"])
    });
    assert_eq!(pulled["bytes"], model.len());
    assert_eq!(pulled["verified"], true);
    assert!(hub.downloads().len() >= 2, "it was taken up again where it was cut");
    assert!(std::fs::read(installation.data().join("models/demo-Q8_0.gguf")).unwrap() == model);

    let info = installation.json(&["models", "info", "demo-Q8_0.gguf", "--json"]);
    assert_eq!(info["architecture"], "glm4");
    let list = installation.json(&["models", "list", "--json"]);
    assert_eq!(list["files"].as_array().unwrap().len(), 1);
    assert!(installation.run(&["models", "rm", "demo-Q8_0.gguf"]).status.success());
    assert!(!installation.run(&["models", "rm", "../azimuth.db"]).status.success());
}

/// A wrong name lists what there is.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_there_is_answered_with_those_that_are() {
    let hub = FakeHub::start("org/demo-gguf", &[("demo-Q8_0.gguf", b"x"), ("demo-Q4_K_M.gguf", b"y")]).await;
    let url = hub.base_url();
    let installation = Installation::new();
    let output = tokio::task::block_in_place(|| {
        installation.run(&["models", "pull", "hf:org/demo-gguf:Q5_K_M", "--mirror", &url])
    });
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("Q8_0") && said.contains("Q4_K_M"), "{said}");
}

#[test]
fn a_file_that_is_no_model_is_named() {
    let installation = Installation::new();
    let file = installation.data().join("picture.gguf");
    std::fs::write(&file, b"\x89PNG").unwrap();
    let output = installation.run(&["models", "info", file.to_str().unwrap()]);
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("picture.gguf"));
}
