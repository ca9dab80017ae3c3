//! Recognising the program that sent a request (`USE-01`, `USE-02`).
//!
//! A plan is for the listed tools, and some of them look like the libraries they are made with. So every signal is
//! weighed, none is trusted, and what comes out is a [`Finding`], which goes into the usage record. What follows from it
//! is the business of `accounts::UseRules`.

mod finding;
mod patterns;
mod signals;
#[cfg(test)]
mod tests;
mod words;

pub use finding::{Confidence, Finding, Signal, SignalSet};
pub use patterns::{Category, InvalidPatterns, Mark, ToolName, ToolPattern, ToolPatterns};
pub use signals::Signals;
use words::{Found, Place, Words};

/// Longest version that is kept.
const VERSION_BYTES_MAX: usize = 32;

/// Tells tools by what they send. Made once; recognising costs about a microsecond and holds no lock.
pub struct Recogniser {
    tools: Vec<ToolPattern>,
    user_agents: Words,
    titles: Words,
    referers: Words,
    mcp_clients: Words,
    prompts: Words,
    prompt_words: Words,
    marks: Vec<(Mark, u16)>,
    tool_sets: Vec<ToolSet>,
    forms: Vec<Form>,
}

/// Names of tools that tell a tool when all of them are there.
struct ToolSet {
    names: Vec<String>,
    tool: u16,
}

/// One form of a tool that has several.
struct Form {
    of: u16,
    tool: u16,
    entry: Vec<String>,
}

/// What each signal says, by its place in [`Signal::ALL`].
#[derive(Default)]
struct Votes([Option<u16>; Signal::ALL.len()]);

impl Recogniser {
    /// Gets ready to recognise the tools of `patterns`.
    pub fn new(patterns: ToolPatterns) -> Result<Self, InvalidPatterns> {
        patterns.check()?;
        let tools = patterns.tools;
        let gather = |place, texts: fn(&ToolPattern) -> &Vec<String>| {
            Words::new(
                place,
                numbered(&tools)
                    .flat_map(|(number, tool)| texts(tool).iter().map(move |text| (number, text))),
            )
        };
        let forms = numbered(&tools).filter_map(|(number, tool)| {
            let (of, _) = numbered(&tools).find(|(_, other)| Some(&other.name) == tool.part_of.as_ref())?;
            Some(Form { of, tool: number, entry: tool.entry.clone() })
        });
        let marks =
            numbered(&tools).flat_map(|(number, tool)| tool.marks.iter().map(move |mark| (*mark, number)));
        let sets = numbered(&tools).flat_map(|(number, tool)| {
            let sets = tool.tools_all_of.iter().cloned();
            sets.map(move |names| ToolSet { names, tool: number })
        });
        Ok(Self {
            user_agents: gather(Place::Beginning, |tool| &tool.user_agent)?,
            titles: gather(Place::Whole, |tool| &tool.title)?,
            referers: gather(Place::Address, |tool| &tool.referer)?,
            mcp_clients: gather(Place::Whole, |tool| &tool.mcp_client)?,
            prompts: gather(Place::Beginning, |tool| &tool.system_begins)?,
            prompt_words: gather(Place::Anywhere, |tool| &tool.system_contains)?,
            marks: marks.collect(),
            tool_sets: sets.collect(),
            forms: forms.collect(),
            tools,
        })
    }

    /// Knows the standard tools, and before them those of an operator's document, whose word counts more.
    pub fn with(extra: ToolPatterns) -> Result<Self, InvalidPatterns> {
        Self::new(ToolPatterns::standard().with(extra))
    }

    /// Says which program seems to have sent a request.
    pub fn recognise(&self, signals: &Signals<'_>) -> Finding {
        let user_agent = signals.user_agent.and_then(|value| self.user_agents.find(value));
        let votes = self.votes(signals, user_agent);

        if let Some(tool) = self.first(&votes, |category| category != Category::PlainSdk) {
            let (confidence, signal_set) = votes.agreement(tool);
            let named = self.form(tool, signals);
            let version = version(signals, user_agent.filter(|found| found.tool == tool));
            return self.finding(named, version, confidence, signal_set);
        }
        let Some(tool) = self.first(&votes, |category| category == Category::PlainSdk) else {
            return Finding::unknown();
        };
        let (_, signal_set) = votes.agreement(tool);
        let version = version(signals, user_agent.filter(|found| found.tool == tool));
        let mut finding = self.finding(tool, version, Confidence::Good, signal_set);
        finding.is_plain_sdk = !says_something_else(signals, &votes);
        finding
    }

    fn votes(&self, signals: &Signals<'_>, user_agent: Option<Found<'_>>) -> Votes {
        let tool_of = |found: Found<'_>| found.tool;
        let mark = |mark, is_there: bool| is_there.then(|| self.marked(mark)).flatten();
        let mut votes = Votes::default();
        votes.set(Signal::Title, signals.title.and_then(|value| self.titles.find(value.trim())).map(tool_of));
        votes.set(Signal::UserAgent, user_agent.map(tool_of));
        votes.set(Signal::BillingBlock, mark(Mark::BillingBlock, signals.claude_billing().is_some()));
        votes.set(Signal::ClaudeSession, mark(Mark::ClaudeSession, signals.is_claude_session()));
        votes.set(Signal::ClineVersion, mark(Mark::ClineVersion, signals.cline_version.is_some()));
        votes.set(Signal::Referer, signals.referer.and_then(|value| self.referers.find(value)).map(tool_of));
        votes.set(
            Signal::McpClient,
            signals.mcp_client.and_then(|value| self.mcp_clients.find(value)).map(tool_of),
        );
        votes.set(Signal::ZaiSdk, mark(Mark::ZaiSdk, signals.is_zai_sdk()));
        let is_named = self.first(&votes, |category| category != Category::PlainSdk).is_some();
        let prompt = signals
            .system_beginning()
            .and_then(|text| self.prompts.find(text).or_else(|| self.prompt_words.find(text)));
        votes.set(Signal::System, prompt.map(tool_of));
        // Reading all names of tools costs more than everything else, and adds little to a program that named itself.
        if !is_named {
            votes.set(Signal::Tools, self.by_tools(signals.first_tools()));
        }
        votes
    }

    /// The tool that the most telling of the votes for such a category names.
    fn first(&self, votes: &Votes, is_meant: impl Fn(Category) -> bool) -> Option<u16> {
        votes.0.iter().flatten().copied().find(|tool| is_meant(self.tools[usize::from(*tool)].category))
    }

    fn marked(&self, mark: Mark) -> Option<u16> {
        self.marks.iter().find(|(other, _)| *other == mark).map(|(_, tool)| *tool)
    }

    fn by_tools(&self, names: &[&str]) -> Option<u16> {
        let is_there = |wanted: &String| names.contains(&wanted.as_str());
        self.tool_sets.iter().find(|set| set.names.iter().all(is_there)).map(|set| set.tool)
    }

    /// The form of `tool` that the request names, or `tool` itself.
    fn form(&self, tool: u16, signals: &Signals<'_>) -> u16 {
        let places = [signals.user_agent, signals.claude_billing()];
        let is_entered = |entry: &String| places.iter().flatten().any(|place| place.contains(entry.as_str()));
        let form = self.forms.iter().find(|form| form.of == tool && form.entry.iter().any(is_entered));
        form.map_or(tool, |form| form.tool)
    }

    fn finding(
        &self,
        tool: u16,
        version: Option<String>,
        confidence: Confidence,
        signals: SignalSet,
    ) -> Finding {
        let tool = &self.tools[usize::from(tool)];
        Finding {
            tool: Some(tool.name.clone()),
            version,
            confidence,
            category: tool.category,
            is_listed: tool.is_listed,
            is_plain_sdk: false,
            signals,
        }
    }
}

impl Default for Recogniser {
    /// Knows the standard tools.
    fn default() -> Self {
        Self::new(ToolPatterns::standard()).expect("the standard list is part of the program")
    }
}

impl Votes {
    fn set(&mut self, signal: Signal, tool: Option<u16>) {
        self.0[signal as usize] = tool;
    }

    fn says(&self, signal: Signal) -> bool {
        self.0[signal as usize].is_some()
    }

    /// How surely, and by what, the votes name `tool`.
    fn agreement(&self, tool: u16) -> (Confidence, SignalSet) {
        let (mut set, mut good, mut fair) = (SignalSet::default(), 0, 0);
        for signal in Signal::ALL.into_iter().filter(|signal| self.0[*signal as usize] == Some(tool)) {
            set.insert(signal);
            if signal.is_fair() { fair += 1 } else { good += 1 }
        }
        let confidence = match (good, fair) {
            (0, 0) => Confidence::None,
            (0, 1) => Confidence::Fair,
            (0, _) | (1, 0) => Confidence::Good,
            _ => Confidence::Certain,
        };
        (confidence, set)
    }
}

/// Whether a request that looks like a library's names its program in a way nobody knows.
fn says_something_else(signals: &Signals<'_>, votes: &Votes) -> bool {
    let Signals {
        user_agent,
        title,
        referer,
        app,
        claude_session,
        cline_version,
        billing_block,
        mcp_client,
        ..
    } = signals;
    let is_new = |signal, is_there: bool| is_there && !votes.says(signal);
    is_new(Signal::UserAgent, user_agent.is_some())
        || is_new(Signal::Title, title.is_some())
        || is_new(Signal::Referer, referer.is_some())
        || is_new(Signal::ClaudeSession, app.is_some() || claude_session.is_some())
        || is_new(Signal::ClineVersion, cline_version.is_some())
        || is_new(Signal::BillingBlock, billing_block.is_some())
        || is_new(Signal::McpClient, mcp_client.is_some())
}

/// The version of the tool: from its user agent, or where else tools say it.
fn version(signals: &Signals<'_>, user_agent: Option<Found<'_>>) -> Option<String> {
    let from_agent = user_agent.and_then(|found| leading_version(found.rest));
    let from_billing = || {
        let (_, rest) = signals.claude_billing()?.split_once("cc_version=")?;
        leading_version(rest)
    };
    from_agent
        .or_else(|| signals.cline_version.and_then(leading_version))
        .or_else(|| signals.mcp_version.and_then(leading_version))
        .or_else(from_billing)
        .or_else(|| signals.zai_sdk_version.and_then(leading_version))
        .map(str::to_owned)
}

/// The version `text` begins with, after a slash, a space or the letter v.
fn leading_version(text: &str) -> Option<&str> {
    let text = text.trim_start_matches(['/', ' ', 'v']);
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | '_');
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let is_version = text.starts_with(|c: char| c.is_ascii_digit()) && end <= VERSION_BYTES_MAX;
    is_version.then(|| &text[..end])
}

/// The tools with the numbers they are known by.
fn numbered(tools: &[ToolPattern]) -> impl Iterator<Item = (u16, &ToolPattern)> {
    (0..).zip(tools)
}
