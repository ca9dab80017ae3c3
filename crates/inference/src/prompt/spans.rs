//! `{% generation %}` in chat templates: a tag of Hugging Face's that marks what the model wrote, for training.

use std::borrow::Cow;

/// The template with tags in its place that change nothing. Their marks for blank text (`{%-`) stay, so what is
/// rendered is the same.
pub(super) fn without_generation_tags(source: &str) -> Cow<'_, str> {
    if !source.contains("generation") {
        return Cow::Borrowed(source);
    }
    let mut plain = String::with_capacity(source.len() + 16);
    let mut rest = source;
    let mut is_raw = false;
    while let Some(at) = rest.find("{%").into_iter().chain(rest.find("{#").filter(|_| !is_raw)).min() {
        let (before, tag) = rest.split_at(at);
        plain.push_str(before);
        let closer = if tag.starts_with("{#") { "#}" } else { "%}" };
        let Some(length) = tag[2..].find(closer) else {
            rest = tag;
            break;
        };
        let (tag, after) = tag.split_at(2 + length + 2);
        rest = after;
        let inside = tag[2..2 + length].trim_start_matches(['-', '+']).trim_end_matches(['-', '+']);
        let replacement = match (inside.trim(), is_raw) {
            _ if closer == "#}" => None,
            ("raw", false) => {
                is_raw = true;
                None
            }
            ("endraw", true) => {
                is_raw = false;
                None
            }
            ("generation", false) => Some("if true"),
            ("endgeneration", false) => Some("endif"),
            _ => None,
        };
        match replacement {
            Some(word) => plain.push_str(&tag.replace(inside.trim(), word)),
            None => plain.push_str(tag),
        }
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_tags_are_replaced() {
        for (source, expected) in [
            ("{% generation %}a{% endgeneration %}", "{% if true %}a{% endif %}"),
            ("{%- generation -%} a {%+ endgeneration +%}", "{%- if true -%} a {%+ endif +%}"),
            ("{%generation%}x{%endgeneration%}", "{%if true%}x{%endif%}"),
            ("{# {% generation %} #}{{ generation }}", "{# {% generation %} #}{{ generation }}"),
            (
                "{% raw %}{% generation %}{# {% endraw %}{% generation %}",
                "{% raw %}{% generation %}{# {% endraw %}{% if true %}",
            ),
            ("{% if add_generation_prompt %}{% endif %}", "{% if add_generation_prompt %}{% endif %}"),
            ("generation {% if", "generation {% if"),
            ("{% é generation {#", "{% é generation {#"),
        ] {
            assert_eq!(without_generation_tags(source), expected, "{source}");
        }
    }
}
