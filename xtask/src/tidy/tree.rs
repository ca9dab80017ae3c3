//! The text files of the project, as far as people write them.

use std::fs;
use std::path::Path;

const SKIPPED_FOLDERS: &[&str] =
    &[".git", ".venv", "__pycache__", "dist", "node_modules", "snapshots", "target"];
const SKIPPED_FILES: &[&str] = &["Cargo.lock", "package-lock.json"];
const TEXT_EXTENSIONS: &[&str] = &[
    "css", "html", "java", "js", "cjs", "json", "md", "mjs", "py", "rs", "sh", "sql", "toml", "ts", "tsx",
    "txt", "xml", "yaml", "yml",
];
const TEXT_NAMES: &[&str] = &["Makefile", "run"];

/// A file with its path from the root, slashes forward.
pub(super) struct Source {
    pub(super) path: String,
    pub(super) text: String,
}

/// Reads every text file below `root`, in order of path.
pub(super) fn read(root: &Path) -> Result<Vec<Source>, String> {
    let mut files = Vec::new();
    walk(root, root, &mut files).map_err(|error| format!("reading the tree: {error}"))?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<Source>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        // Links are left alone, so the walk ends whatever they point at.
        let kind = entry.file_type()?;
        if kind.is_dir() && !SKIPPED_FOLDERS.contains(&&*name) {
            walk(root, &path, files)?;
        } else if kind.is_file() && is_text(&path, &name) {
            let bytes = fs::read(&path)?;
            let path = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            files.push(Source { path, text: String::from_utf8_lossy(&bytes).into_owned() });
        }
    }
    Ok(())
}

fn is_text(path: &Path, name: &str) -> bool {
    let has_extension = path
        .extension()
        .is_some_and(|extension| TEXT_EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known)));
    (has_extension || TEXT_NAMES.contains(&name)) && !SKIPPED_FILES.contains(&name)
}
