const FILE_NAME_BYTES_MAX: usize = 200;

/// The name under which a hub's file is stored here: the last part of its path, if that is harmless on
/// every system.
pub(super) fn local_name(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next()?;
    is_harmless(path).then_some(name)
}

/// Whether no part of the path climbs, hides or carries odd characters.
fn is_harmless(path: &str) -> bool {
    path.split('/').all(|part| {
        (1..=FILE_NAME_BYTES_MAX).contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'+'))
            && !part.starts_with('.')
            && !part.ends_with('.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hub, or whoever stands in for it, cannot make us write elsewhere.
    #[test]
    fn names_that_would_escape_are_refused() {
        assert_eq!(local_name("Q4/GLM-4.7-Q4_K_M.gguf"), Some("GLM-4.7-Q4_K_M.gguf"));
        let hostile = [
            "../m.gguf",
            "a/../../m.gguf",
            "/etc/m.gguf",
            "..",
            "a//m.gguf",
            ".m.gguf",
            "C:m.gguf",
            "a\\m.gguf",
            "m\0.gguf",
            "m\n.gguf",
            "m.gguf.",
            "",
            "é.gguf",
            "a b.gguf",
        ];
        for path in hostile {
            assert_eq!(local_name(path), None, "{path:?}");
        }
        assert_eq!(local_name(&"x".repeat(300)), None);
    }
}
