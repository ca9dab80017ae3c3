use accounts::{Load, SeenClient};
use serde::{Deserialize, Serialize};

use super::{Category, ToolName};
use crate::Door;

/// Which program a request seems to come from: a signal, never a proof (USE-02).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The tool or library, if its traces are known.
    pub tool: Option<ToolName>,
    /// Its version, as far as it says so.
    pub version: Option<String>,
    /// How sure this is.
    pub confidence: Confidence,
    /// What kind of program it is.
    pub category: Category,
    /// Whether the plan's own list names the tool.
    pub is_listed: bool,
    /// Whether *every* signal there is says that this is a library in somebody's program. One signal that says
    /// something else, known or not, and this is not so.
    pub is_plain_sdk: bool,
    /// What it was recognised by.
    pub signals: SignalSet,
}

impl Finding {
    /// Nothing is known.
    pub fn unknown() -> Self {
        Self {
            tool: None,
            version: None,
            confidence: Confidence::None,
            category: Category::Unknown,
            is_listed: false,
            is_plain_sdk: false,
            signals: SignalSet::default(),
        }
    }

    /// Whether the plan pays for a request that came by `door`, if the account has one (ENDP-05, MCPQ-04).
    ///
    /// The local vision server calls the general door with the plan's key, and draws on the plan's five-hour pool.
    pub fn draws_on_plan(&self, door: Door) -> bool {
        match door {
            Door::Coding | Door::Anthropic => true,
            Door::General => self.category == Category::VisionMcp,
        }
    }

    /// Whether the request is among the first to be refused when there is too much to do (RATE-06).
    pub fn gives_way(&self, load: Load) -> bool {
        load == Load::High && self.category == Category::GeneralPurpose
    }

    /// The finding in the words of the rules of use.
    pub fn seen_client(&self) -> SeenClient {
        SeenClient {
            name: self.tool.as_ref().map(ToString::to_string),
            version: self.version.clone(),
            confidence: self.confidence.as_str().to_owned(),
            signals: self.signals.names().map(str::to_owned).collect(),
            is_plain_sdk: self.is_plain_sdk,
        }
    }
}

/// How sure a [`Finding`] is. Anyone can copy anything a client sends, so the surest is not proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Nothing was recognised.
    None,
    /// One of the signals that change with versions: the first words of a prompt, or names of tools.
    Fair,
    /// One signal by which the program names itself, or two fair ones that agree.
    Good,
    /// Several signals that agree, one of them good.
    Certain,
}

impl Confidence {
    /// The name used in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Fair => "fair",
            Self::Good => "good",
            Self::Certain => "certain",
        }
    }
}

/// One thing a program can be recognised by, the most telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Signal {
    /// `X-Title`.
    Title,
    /// Headers of the platform's SDKs.
    ZaiSdk,
    /// The user agent.
    UserAgent,
    /// The billing block among the system texts.
    BillingBlock,
    /// `x-app` with a Claude Code session.
    ClaudeSession,
    /// `X-Cline-Version`.
    ClineVersion,
    /// `HTTP-Referer`.
    Referer,
    /// The name an MCP client gives itself.
    McpClient,
    /// The first words of the system prompt.
    System,
    /// Names of tools.
    Tools,
}

impl Signal {
    /// Every signal, the most telling first.
    pub const ALL: [Self; 10] = [
        Self::Title,
        Self::ZaiSdk,
        Self::UserAgent,
        Self::BillingBlock,
        Self::ClaudeSession,
        Self::ClineVersion,
        Self::Referer,
        Self::McpClient,
        Self::System,
        Self::Tools,
    ];

    /// The name used in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::ZaiSdk => "zai_sdk",
            Self::UserAgent => "user_agent",
            Self::BillingBlock => "billing_block",
            Self::ClaudeSession => "claude_session",
            Self::ClineVersion => "cline_version",
            Self::Referer => "referer",
            Self::McpClient => "mcp_client",
            Self::System => "system_prompt",
            Self::Tools => "tools",
        }
    }

    /// Whether this signal changes with versions of a tool.
    pub(super) fn is_fair(self) -> bool {
        matches!(self, Self::System | Self::Tools)
    }
}

/// Some of the signals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SignalSet(u16);

impl SignalSet {
    /// Whether `signal` is one of them.
    pub fn contains(self, signal: Signal) -> bool {
        self.0 & (1 << signal as u8) != 0
    }

    /// Their names, the most telling first.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Signal::ALL.into_iter().filter(move |signal| self.contains(*signal)).map(Signal::as_str)
    }

    pub(super) fn insert(&mut self, signal: Signal) {
        self.0 |= 1 << signal as u8;
    }
}
