//! Blank text around calls, which is layout and not content.

use std::borrow::Cow;

/// Passes content on, but for the blank text at the start of each stretch of it.
#[derive(Debug)]
pub(super) struct Content {
    /// `None` once the stretch has shown a visible character.
    lead: Option<Lead>,
}

#[derive(Debug)]
struct Lead {
    /// Blank text that is content only if visible text follows.
    blank: String,
    /// Whether the stretch begins right after the thinking, where newlines are layout in any case.
    drops_newlines: bool,
}

impl Content {
    /// A stretch at the beginning of the output or after the thinking.
    pub(super) fn new(drops_newlines: bool) -> Self {
        Self { lead: Some(Lead { blank: String::new(), drops_newlines }) }
    }

    /// Begins a stretch after a call. Blank text still waiting stood before the call and is forgotten.
    pub(super) fn restart(&mut self) {
        *self = Self::new(false);
    }

    /// Whether the stretch has shown a visible character.
    pub(super) fn has_begun(&self) -> bool {
        self.lead.is_none()
    }

    /// The part of `text`, and of the blank text before it, that is content for certain.
    pub(super) fn take<'a>(&mut self, text: Cow<'a, str>) -> Cow<'a, str> {
        let Some(lead) = &mut self.lead else { return text };
        let text = if lead.drops_newlines && lead.blank.is_empty() {
            match text {
                Cow::Borrowed(text) => Cow::Borrowed(text.trim_start_matches('\n')),
                Cow::Owned(text) => Cow::Owned(text.trim_start_matches('\n').to_owned()),
            }
        } else {
            text
        };
        if text.chars().all(char::is_whitespace) {
            lead.blank.push_str(&text);
            return Cow::Borrowed("");
        }

        let blank = std::mem::take(&mut lead.blank);
        self.lead = None;
        if blank.is_empty() { text } else { Cow::Owned(blank + &text) }
    }
}
