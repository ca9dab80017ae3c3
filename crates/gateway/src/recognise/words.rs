use aho_corasick::{AhoCorasick, Anchored, Input, MatchKind, StartKind};

use super::InvalidPatterns;

/// All texts of one kind, searched for in one pass over the value.
pub(super) struct Words {
    automaton: AhoCorasick,
    /// Which tool each text belongs to.
    tools: Vec<u16>,
    place: Place,
}

/// Where in a value a text has to stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// At the beginning, up to the end of a word.
    Beginning,
    /// At the beginning, up to the end of a host or of a path's segment.
    Address,
    /// It is the whole value.
    Whole,
    /// Anywhere.
    Anywhere,
}

/// A text that was found.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    /// Whose it is.
    pub tool: u16,
    /// What follows it.
    pub rest: &'a str,
}

impl Words {
    /// Gathers the `texts` of the tools; the first of two equal ones counts.
    pub(super) fn new<'t>(
        place: Place,
        texts: impl Iterator<Item = (u16, &'t String)>,
    ) -> Result<Self, InvalidPatterns> {
        let (tools, texts): (Vec<u16>, Vec<&String>) = texts.unzip();
        let (start, kind) = match place {
            Place::Anywhere => (StartKind::Unanchored, MatchKind::LeftmostFirst),
            _ => (StartKind::Anchored, MatchKind::LeftmostLongest),
        };
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .start_kind(start)
            .match_kind(kind)
            .build(texts)
            .map_err(|_| InvalidPatterns::TooMany { what: "patterns", max: tools.len() })?;
        Ok(Self { automaton, tools, place })
    }

    pub(super) fn find<'a>(&self, value: &'a str) -> Option<Found<'a>> {
        let anchored = if self.place == Place::Anywhere { Anchored::No } else { Anchored::Yes };
        // Only wrong settings of the automaton are an error, and these are right.
        let found = self.automaton.try_find(Input::new(value).anchored(anchored)).ok().flatten()?;
        let (before, rest) = value.split_at_checked(found.end())?;
        let is_whole = match self.place {
            Place::Anywhere => true,
            Place::Whole => rest.is_empty(),
            Place::Address => rest.is_empty() || rest.starts_with(['/', '?', '#']),
            Place::Beginning => {
                let goes_on = |c: char| c.is_ascii_alphanumeric();
                !(before.ends_with(goes_on) && rest.starts_with(goes_on))
            }
        };
        let tool = self.tools.get(found.pattern().as_usize())?;
        is_whole.then_some(Found { tool: *tool, rest })
    }
}
