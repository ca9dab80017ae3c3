//! The streamed answer of `POST messages`, byte for byte (`anthropic-api.md` §13).

use inference::{ChatEvent, FinishReason};
use vocab::Usage;

use super::block_sequence::{BlockSequence, BlockSink, Opening, Piece};
use super::error_envelope::ErrorEnvelope;
use super::message::MessageHead;
use super::stop_reason::StopReason;
use crate::Code;
use crate::json_text::{push_number, push_string};

/// Writes each event of an answer as whole server-sent events: `event: …\ndata: {…}\n\n`.
///
/// `message_start` comes with the first event, or with the first sign of life; the counts in it are those known by
/// then, and the ones in `message_delta` win. After the end nothing more is written, whatever is called.
#[derive(Debug)]
pub struct EventWriter {
    head: MessageHead,
    blocks: BlockSequence,
    usage: Usage,
    stop_met: Option<String>,
    has_begun: bool,
    has_ended: bool,
}

impl EventWriter {
    /// Begins a stream.
    pub fn new(head: &MessageHead) -> Self {
        Self {
            head: head.clone(),
            blocks: BlockSequence::default(),
            usage: Usage::default(),
            stop_met: None,
            has_begun: false,
            has_ended: false,
        }
    }

    /// Appends what `event` means to the client, which may be nothing. `Finished` also ends the stream.
    pub fn write(&mut self, event: &ChatEvent, out: &mut Vec<u8>) {
        if self.has_ended {
            return;
        }
        match event {
            ChatEvent::Started { prompt, cached } => {
                self.usage.cached_prompt = *cached.min(prompt);
                self.usage.fresh_prompt = prompt.saturating_sub(*cached);
            }
            ChatEvent::Usage(usage) => self.usage = *usage,
            ChatEvent::StopMet(text) => self.stop_met = Some(text.clone()),
            ChatEvent::Finished { reason, usage } => {
                self.usage = *usage;
                return self.finish(*reason, out);
            }
            _ => {}
        }
        self.begin(out);
        self.blocks.take(event, &mut Events(out));
    }

    /// Appends a sign of life: the beginning of the message if that is still due, or else a ping.
    pub fn write_keep_alive(&mut self, out: &mut Vec<u8>) {
        if self.has_ended {
            return;
        }
        if self.has_begun { push_ping(out) } else { self.begin(out) }
    }

    /// Appends an error and ends the stream: there is no `message_stop` after it.
    pub fn write_error(&mut self, error: &ErrorEnvelope, out: &mut Vec<u8>) {
        if self.has_ended {
            return;
        }
        out.extend_from_slice(b"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":");
        push_string(out, &error.error.kind);
        out.extend_from_slice(b",\"code\":");
        push_string(out, &error.error.code);
        out.extend_from_slice(b",\"message\":");
        push_string(out, &error.error.message);
        out.extend_from_slice(b"},\"request_id\":");
        push_string(out, &error.request_id);
        out.extend_from_slice(b"}\n\n");
        self.has_ended = true;
    }

    /// Whether the stream has ended.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if self.has_begun {
            return;
        }
        self.has_begun = true;
        out.extend_from_slice(
            b"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":",
        );
        push_string(out, &self.head.message_id());
        out.extend_from_slice(b",\"type\":\"message\",\"role\":\"assistant\",\"model\":");
        push_string(out, self.head.model.as_str());
        out.extend_from_slice(
            b",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":",
        );
        push_input(out, self.usage);
        // Nothing has been made yet; real servers and the recorded answers say 1.
        out.extend_from_slice(b",\"output_tokens\":1}}}\n\n");
        push_ping(out);
    }

    fn finish(&mut self, reason: FinishReason, out: &mut Vec<u8>) {
        let id = self.head.id.as_str();
        if reason == FinishReason::NetworkError {
            let message = Code::NetworkFailed.render(&[("error_id", id)]);
            let error =
                ErrorEnvelope::new(Code::NetworkFailed, Code::NetworkFailed.http_status(), &message, id);
            return self.write_error(&error, out);
        }
        self.begin(out);
        let calls = self.blocks.finish(reason, &mut Events(out));
        let stop_reason = StopReason::of(reason, calls, self.stop_met.is_some());

        out.extend_from_slice(
            b"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":",
        );
        push_optional(out, stop_reason.map(StopReason::as_str));
        out.extend_from_slice(b",\"stop_sequence\":");
        let stop_met = self.stop_met.as_deref().filter(|_| stop_reason == Some(StopReason::StopSequence));
        push_optional(out, stop_met);
        out.extend_from_slice(b"},\"usage\":{\"input_tokens\":");
        push_input(out, self.usage);
        out.extend_from_slice(b",\"output_tokens\":");
        push_number(out, self.usage.completion().0);
        if self.usage.reasoning.0 > 0 {
            out.extend_from_slice(b",\"output_tokens_details\":{\"thinking_tokens\":");
            push_number(out, self.usage.reasoning.0);
            out.push(b'}');
        }
        out.extend_from_slice(b"}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
        self.has_ended = true;
    }
}

/// Blocks as events.
struct Events<'a>(&'a mut Vec<u8>);

impl BlockSink for Events<'_> {
    fn open(&mut self, index: u32, block: Opening<'_>) {
        let Self(out) = self;
        out.extend_from_slice(
            b"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":",
        );
        push_number(out, index.into());
        out.extend_from_slice(b",\"content_block\":{\"type\":");
        match block {
            Opening::Thinking => out.extend_from_slice(b"\"thinking\",\"thinking\":\"\",\"signature\":\"\""),
            Opening::Text => out.extend_from_slice(b"\"text\",\"text\":\"\""),
            Opening::ToolUse { id, name } => {
                out.extend_from_slice(b"\"tool_use\",\"id\":");
                push_string(out, id);
                out.extend_from_slice(b",\"name\":");
                push_string(out, name);
                out.extend_from_slice(b",\"input\":{}");
            }
        }
        out.extend_from_slice(b"}}\n\n");
    }

    fn piece(&mut self, index: u32, piece: Piece<'_>) {
        let Self(out) = self;
        let (delta, text): (&[u8], _) = match piece {
            Piece::Thinking(text) => (b"\"thinking_delta\",\"thinking\":", text),
            Piece::Signature(text) => (b"\"signature_delta\",\"signature\":", text),
            Piece::Text(text) => (b"\"text_delta\",\"text\":", text),
            Piece::Input(text) => (b"\"input_json_delta\",\"partial_json\":", text),
        };
        out.reserve(text.len() + 160);
        out.extend_from_slice(
            b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":",
        );
        push_number(out, index.into());
        out.extend_from_slice(b",\"delta\":{\"type\":");
        out.extend_from_slice(delta);
        push_string(out, text);
        out.extend_from_slice(b"}}\n\n");
    }

    fn close(&mut self, index: u32) {
        let Self(out) = self;
        out.extend_from_slice(
            b"event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":",
        );
        push_number(out, index.into());
        out.extend_from_slice(b"}\n\n");
    }

    fn cut_off(&mut self, index: u32) -> bool {
        self.close(index);
        false
    }
}

fn push_ping(out: &mut Vec<u8>) {
    out.extend_from_slice(b"event: ping\ndata: {\"type\":\"ping\"}\n\n");
}

/// The rest of the input counts, after the name of the first.
fn push_input(out: &mut Vec<u8>, usage: Usage) {
    push_number(out, usage.fresh_prompt.0);
    out.extend_from_slice(b",\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":");
    push_number(out, usage.cached_prompt.0);
}

fn push_optional(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => push_string(out, text),
        None => out.extend_from_slice(b"null"),
    }
}
