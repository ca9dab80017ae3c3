//! The shared specification's examples, loaded by name.

use std::path::{Path, PathBuf};

/// A file or folder of the shared material.
pub fn shared(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path)
}

/// The text of the example block called `name` in `http-api.md`.
pub fn example(name: &str) -> String {
    let spec = std::fs::read_to_string(shared("spec/http-api.md")).unwrap();
    let (_, after) = spec.split_once(&format!("<!-- example: {name} -->\n```")).expect(name);
    let (_, block) = after.split_once('\n').unwrap();
    block.split_once("```").unwrap().0.to_owned()
}
