/// What of a request can tell which program sent it. Borrowed from the request; making one costs nothing.
///
/// Header values are given as they came; a header that is missing, or is no text, is none. No field is trusted: anyone
/// can copy any of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Signals<'a> {
    /// `User-Agent`.
    pub user_agent: Option<&'a str>,
    /// `X-Title`.
    pub title: Option<&'a str>,
    /// `HTTP-Referer`, or `Referer`.
    pub referer: Option<&'a str>,
    /// `x-app`.
    pub app: Option<&'a str>,
    /// `X-Claude-Code-Session-Id`.
    pub claude_session: Option<&'a str>,
    /// `X-Cline-Version`.
    pub cline_version: Option<&'a str>,
    /// `Zai-SDK-Ver`.
    pub zai_sdk_version: Option<&'a str>,
    /// `x-source-channel`.
    pub source_channel: Option<&'a str>,
    /// The first system text of a Claude Code request, `x-anthropic-billing-header: …`, which is no header at all.
    pub billing_block: Option<&'a str>,
    /// The system prompt, or its beginning; the first [`Signals::SYSTEM_BYTES`] are looked at.
    pub system: Option<&'a str>,
    /// Names of the tools the model may call; the first [`Signals::TOOLS_MAX`] are looked at.
    pub tools: &'a [&'a str],
    /// `clientInfo.name` of an MCP client, and its version.
    pub mcp_client: Option<&'a str>,
    /// `clientInfo.version` of an MCP client.
    pub mcp_version: Option<&'a str>,
}

impl<'a> Signals<'a> {
    /// How much of a system prompt is looked at.
    pub const SYSTEM_BYTES: usize = 200;

    /// How many names of tools are looked at.
    pub const TOOLS_MAX: usize = 64;

    /// How a billing block begins.
    const BILLING_BLOCK: &'static str = "x-anthropic-billing-header:";

    /// Reads a request's system texts, in their order: the billing block, if the first of them is one, and the prompt.
    #[must_use]
    pub fn with_system(mut self, texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut texts = texts.into_iter();
        let Some(first) = texts.next() else { return self };
        if first.starts_with(Self::BILLING_BLOCK) {
            self.billing_block = Some(first);
            self.system = texts.next();
        } else {
            self.system = Some(first);
        }
        self
    }

    /// The part of the system prompt that is looked at.
    pub(super) fn system_beginning(&self) -> Option<&'a str> {
        let text = self.system?.trim_start();
        Some(&text[..text.floor_char_boundary(Self::SYSTEM_BYTES)])
    }

    /// The tools that are looked at.
    pub(super) fn first_tools(&self) -> &'a [&'a str] {
        &self.tools[..self.tools.len().min(Self::TOOLS_MAX)]
    }

    /// The billing block, if it says how the program was entered, as Claude Code's does.
    pub(super) fn claude_billing(&self) -> Option<&'a str> {
        let block = self.billing_block?;
        // Blocks are short; a long text that begins like one is not read to its end.
        let block = &block[..block.floor_char_boundary(2 * Self::SYSTEM_BYTES)];
        (block.starts_with(Self::BILLING_BLOCK) && block.contains("cc_entrypoint=")).then_some(block)
    }

    /// Whether the headers are those of Claude Code's own requests.
    pub(super) fn is_claude_session(&self) -> bool {
        self.app == Some("cli") && self.claude_session.is_some_and(|id| !id.is_empty())
    }

    /// Whether the headers are those of the platform's own SDKs.
    pub(super) fn is_zai_sdk(&self) -> bool {
        self.zai_sdk_version.is_some() || self.source_channel.is_some_and(|name| name.ends_with("-sdk"))
    }
}
