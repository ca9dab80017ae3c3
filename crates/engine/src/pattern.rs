//! Regular expressions of schemas, in the form that llama.cpp's converter can use.
//!
//! It takes a pattern as the text between the quotes of a JSON string, and does not know that a quote, a
//! backslash or a control character must not stand there as such; so patterns are rewritten to exclude them.

use std::iter::Peekable;
use std::str::Chars;

const BYTES_MAX: usize = 512;
const DEPTH_MAX: usize = 32;
const REPEATS_MAX: u32 = 1_000;
/// What no class may match, in the notation of classes.
const FORBIDDEN: &str = "\"\\\\\\x00-\\x1F\\x7F";
const DIGITS: &str = "0-9";
const WORD: &str = "a-zA-Z0-9_";

/// An equivalent of `pattern`, or one that allows a little less; `None` if there is none, or if it is not
/// anchored on both sides and so allows nearly anything.
pub(crate) fn rewrite(pattern: &str) -> Option<String> {
    let inner = pattern.strip_prefix('^')?.strip_suffix('$')?;
    if pattern.len() > BYTES_MAX || inner.ends_with('\\') {
        return None;
    }
    let mut chars = inner.chars().peekable();
    let mut out = String::from("^");
    let mut depth = 0usize;
    // Whether something stands before that can be repeated.
    let mut is_repeatable = false;
    while let Some(c) = chars.next() {
        is_repeatable = match c {
            '(' => {
                if chars.next_if_eq(&'?').is_some() {
                    chars.next_if_eq(&':')?;
                }
                depth += 1;
                if depth > DEPTH_MAX {
                    return None;
                }
                out.push('(');
                false
            }
            ')' => {
                depth = depth.checked_sub(1)?;
                out.push(')');
                true
            }
            '|' => {
                out.push('|');
                false
            }
            '*' | '+' | '?' | '{' => {
                if !is_repeatable {
                    return None;
                }
                out.push(c);
                if c == '{' {
                    copy_bounds(&mut chars, &mut out)?;
                }
                // Greedy or not, the same texts match.
                chars.next_if_eq(&'?');
                false
            }
            '[' => {
                copy_class(&mut chars, &mut out)?;
                true
            }
            '.' => {
                out.push_str(&format!("[^{FORBIDDEN}]"));
                true
            }
            '\\' => {
                match chars.next()? {
                    'd' => out.push_str(&format!("[{DIGITS}]")),
                    'w' => out.push_str(&format!("[{WORD}]")),
                    's' => out.push_str("[ ]"),
                    plain @ ('/' | '-' | '_' | ' ' | '@' | '#' | '%' | ',' | ':' | ';' | '=' | '!' | '<'
                    | '>' | '&' | '~') => {
                        out.push(plain);
                    }
                    special @ ('^' | '$' | '.' | '[' | ']' | '(' | ')' | '|' | '{' | '}' | '*' | '+'
                    | '?') => {
                        out.extend(['\\', special]);
                    }
                    _ => return None,
                }
                true
            }
            '^' | '$' | ']' | '}' | '"' => return None,
            c if c.is_control() => return None,
            c => {
                out.push(c);
                true
            }
        };
    }
    out.push('$');
    (depth == 0).then_some(out)
}

/// `m}`, `m,}` or `m,n}`.
fn copy_bounds(chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Option<()> {
    let mut bounds = String::new();
    loop {
        match chars.next()? {
            '}' => break,
            c if c.is_ascii_digit() || c == ',' => bounds.push(c),
            _ => return None,
        }
    }
    let (least, most) = bounds.split_once(',').unwrap_or((&bounds, &bounds));
    let least: u32 = least.parse().ok()?;
    let most: u32 = if most.is_empty() { least } else { most.parse().ok()? };
    if least > most || most > REPEATS_MAX {
        return None;
    }
    out.push_str(&bounds);
    out.push('}');
    Some(())
}

/// The rest of a class after its opening bracket.
fn copy_class(chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Option<()> {
    let is_negated = chars.next_if_eq(&'^').is_some();
    out.push_str(if is_negated { "[^" } else { "[" });
    let mut is_empty = true;
    loop {
        let first = match chars.next()? {
            ']' => break,
            '\\' => match chars.next()? {
                'd' => {
                    out.push_str(DIGITS);
                    is_empty = false;
                    continue;
                }
                'w' => {
                    out.push_str(WORD);
                    is_empty = false;
                    continue;
                }
                's' => ' ',
                c if c.is_ascii_alphanumeric() => return None,
                c => c,
            },
            c => c,
        };
        is_empty = false;
        let mut ahead = chars.clone();
        let last = match (ahead.next(), ahead.next()) {
            (Some('-'), Some(end)) if end != ']' => {
                if end == '\\' {
                    return None;
                }
                *chars = ahead;
                end
            }
            _ => first,
        };
        let has_forbidden = ['"', '\\', '\u{7f}'].iter().any(|c| (first..=last).contains(c)) || first < ' ';
        if first > last || (has_forbidden && !is_negated) {
            return None;
        }
        push_in_class(first, out);
        if last != first {
            out.push('-');
            push_in_class(last, out);
        }
    }
    if is_empty {
        return None;
    }
    if is_negated {
        out.push_str(FORBIDDEN);
    }
    out.push(']');
    Some(())
}

fn push_in_class(c: char, out: &mut String) {
    match c {
        ']' | '[' | '-' | '\\' => out.extend(['\\', c]),
        '^' => out.push_str("\\x5E"),
        c if c.is_ascii_control() => out.push_str(&format!("\\x{:02X}", u32::from(c))),
        c => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_patterns_are_kept_or_spelled_out() {
        for (pattern, rewritten) in [
            ("^[a-z]+$", "^[a-z]+$"),
            (r"^\d{4}-\d{2}$", "^[0-9]{4}-[0-9]{2}$"),
            (r"^(?:a|b)*?\.c$", r"^(a|b)*\.c$"),
            (r"^[\w.-]+@x$", r"^[a-zA-Z0-9_.\-]+@x$"),
        ] {
            assert_eq!(rewrite(pattern).as_deref(), Some(rewritten), "{pattern}");
        }
    }

    /// A pattern that matches a quote would end the string it is meant for.
    #[test]
    fn nothing_matches_what_cannot_stand_in_a_json_string() {
        assert_eq!(rewrite("^.$").unwrap(), "^[^\"\\\\\\x00-\\x1F\\x7F]$");
        assert_eq!(rewrite("^[^a]$").unwrap(), "^[^a\"\\\\\\x00-\\x1F\\x7F]$");
        for pattern in [r#"^"$"#, r"^\\$", "^[ -~]$", "^[!-z]$", "^\t$", r"^[\x00-\x7f]$"] {
            assert_eq!(rewrite(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn what_has_no_grammar_is_left_out() {
        for pattern in [
            "a+",
            "^a",
            "^(?=x)y$",
            "^(a$",
            "^a)$",
            "^*$",
            "^a{2000}$",
            "^a{3,1}$",
            "^[]$",
            "^a\\$",
            r"^\bx$",
            "^a^b$",
        ] {
            assert_eq!(rewrite(pattern), None, "{pattern}");
        }
        assert_eq!(rewrite(&format!("^{}a{}$", "(".repeat(60), ")".repeat(60))), None);
    }
}
