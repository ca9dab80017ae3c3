use std::fmt;
use std::ops::{Deref, RangeInclusive};
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

/// Tools known to a [`Recogniser`](super::Recogniser): data, which operators extend by a document of this shape.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolPatterns {
    /// The tools. Where two claim the same text, the first has it.
    pub tools: Vec<ToolPattern>,
}

/// How one tool is recognised. Texts are compared without regard to the case of ASCII letters.
///
/// A pattern that ends in a letter or digit matches whole words only: `node` is no `nodemon`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolPattern {
    /// What it is called, in records and in `allowed_clients`.
    pub name: ToolName,
    /// What kind of tool it is.
    pub category: Category,
    /// Whether the plan's own list names it. Guides exist for tools that the list does not name (C-33).
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_listed: bool,
    /// A tool this one is a form of: it is meant when that one is recognised and `entry` is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_of: Option<ToolName>,
    /// Words in the user agent or the billing block that tell this form of the tool from others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entry: Vec<String>,
    /// Beginnings of the user agent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub user_agent: Vec<String>,
    /// Whole values of `X-Title`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub title: Vec<String>,
    /// Beginnings of `HTTP-Referer`, up to the end of a host or path segment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub referer: Vec<String>,
    /// Whole names of MCP clients.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mcp_client: Vec<String>,
    /// Headers and blocks that only this tool sends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Mark>,
    /// Beginnings of the system prompt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub system_begins: Vec<String>,
    /// Words near the beginning of the system prompt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub system_contains: Vec<String>,
    /// Sets of names of tools: one whole set tells the tool. Here case counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools_all_of: Vec<Vec<String>>,
}

/// What kind of program a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// A coding tool.
    CodingTool,
    /// A general-purpose agent: served on the plan as well as load allows (RATE-06).
    GeneralPurpose,
    /// The local MCP server for pictures: the plan's five-hour pool pays for it on the general door too (MCPQ-04).
    VisionMcp,
    /// A library for programs, which the plan does not cover (USE-01).
    PlainSdk,
    /// Nothing that is known.
    Unknown,
}

/// A header or block that one tool alone sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// The first system text is `x-anthropic-billing-header: … cc_entrypoint=…`.
    BillingBlock,
    /// `x-app: cli` together with `X-Claude-Code-Session-Id`.
    ClaudeSession,
    /// `X-Cline-Version`.
    ClineVersion,
    /// `Zai-SDK-Ver`, or `x-source-channel: …-sdk`.
    ZaiSdk,
}

/// What a tool is called. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ToolName(Arc<str>);

/// Patterns that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPatterns {
    /// There are more tools, or more patterns of one kind, than are looked for.
    #[error("more than {max} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
    /// A name that cannot be shown in one line of a list.
    #[error("`{0}` cannot name a tool: a name is 1 to 64 characters without control characters")]
    Name(ToolName),
    /// A pattern that would match almost anything, or nothing.
    #[error("tool `{tool}`: pattern `{pattern}` is not 3 to 200 bytes long")]
    Pattern {
        /// Whose.
        tool: ToolName,
        /// Which.
        pattern: String,
    },
    /// A form of a tool that is not there.
    #[error("tool `{tool}` is part of `{part_of}`, which is no tool here")]
    PartOf {
        /// The form.
        tool: ToolName,
        /// What it names.
        part_of: ToolName,
    },
    /// A tool claims to be nothing known.
    #[error("tool `{0}` needs another category than `unknown`")]
    Unknown(ToolName),
}

const TOOLS_MAX: usize = 256;
const TEXTS_MAX: usize = 2048;
const TOOL_SETS_MAX: usize = 64;
const NAME_CHARS_MAX: usize = 64;
const PATTERN_BYTES: RangeInclusive<usize> = 3..=200;

impl ToolPatterns {
    /// The tools of the plan's list, those that have a guide, and the usual libraries.
    pub fn standard() -> Self {
        static STANDARD: LazyLock<ToolPatterns> = LazyLock::new(|| {
            serde_json::from_str(include_str!("../../data/tools.json"))
                .expect("the list is part of the program")
        });
        STANDARD.clone()
    }

    /// These tools, and `extra` before them, so that an operator's word counts more.
    #[must_use]
    pub fn with(mut self, extra: Self) -> Self {
        self.tools.splice(0..0, extra.tools);
        self
    }

    /// Whether these can be used; a mistake names the tool.
    pub(super) fn check(&self) -> Result<(), InvalidPatterns> {
        let (mut texts, mut sets) = (0, 0);
        for tool in &self.tools {
            tool.check(self)?;
            texts += tool.texts().count();
            sets += tool.tools_all_of.len();
        }
        let at_most = |what, count: usize, max| {
            if count > max { Err(InvalidPatterns::TooMany { what, max }) } else { Ok(()) }
        };
        at_most("tools", self.tools.len(), TOOLS_MAX)?;
        at_most("patterns", texts, TEXTS_MAX)?;
        at_most("sets of names of tools", sets, TOOL_SETS_MAX)
    }
}

impl ToolPattern {
    /// Every text that has to be of a sensible length.
    fn texts(&self) -> impl Iterator<Item = &String> {
        let Self { entry, user_agent, title, referer, mcp_client, system_begins, system_contains, .. } = self;
        [entry, user_agent, title, referer, mcp_client, system_begins, system_contains].into_iter().flatten()
    }

    fn check(&self, among: &ToolPatterns) -> Result<(), InvalidPatterns> {
        let name = self.name.as_str();
        let is_short = (1..=NAME_CHARS_MAX).contains(&name.chars().take(NAME_CHARS_MAX + 1).count());
        if !is_short || name.chars().any(char::is_control) {
            return Err(InvalidPatterns::Name(self.name.clone()));
        }
        if self.category == Category::Unknown {
            return Err(InvalidPatterns::Unknown(self.name.clone()));
        }
        if let Some(pattern) = self.texts().find(|text| !PATTERN_BYTES.contains(&text.len())) {
            return Err(InvalidPatterns::Pattern { tool: self.name.clone(), pattern: pattern.clone() });
        }
        for set in &self.tools_all_of {
            if !(1..=16).contains(&set.len()) || set.iter().any(|name| !(1..=128).contains(&name.len())) {
                return Err(InvalidPatterns::Pattern { tool: self.name.clone(), pattern: set.join(", ") });
            }
        }
        match &self.part_of {
            Some(part_of) if !among.tools.iter().any(|tool| tool.name == *part_of) => {
                Err(InvalidPatterns::PartOf { tool: self.name.clone(), part_of: part_of.clone() })
            }
            _ => Ok(()),
        }
    }
}

impl ToolName {
    /// The name as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for ToolName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ToolName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for ToolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ToolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !value
}
