//! The streamed answer of `POST chat/completions`, byte for byte (`http-api.md` §0.3 and §2.5).

use inference::{ChatEvent, FinishReason, TokenLogprob};
use vocab::Usage;

use super::chat_response::{AnswerHead, AnswerToolCall, token_logprob};
use super::pending_calls::PendingCalls;
use crate::ErrorBody;
use crate::json_text::{push_json, push_number, push_string};

/// Writes each event of an answer as whole server-sent events: `data: {…}\n\n`.
///
/// This is the hot path of a stream, so chunks are written by hand: what they have in common is rendered once.
/// After the end nothing more is written, whatever is called.
#[derive(Debug)]
pub struct ChunkWriter {
    /// Everything up to the choice's index, with the comma after it.
    head: Vec<u8>,
    /// Calls whose arguments are gathered; `None` if they are streamed in pieces.
    pending: Option<PendingCalls>,
    /// With `tool_stream`, the calls that have begun and whether arguments of them were sent.
    streamed: Vec<StreamedCall>,
    has_ended: bool,
}

#[derive(Debug)]
struct StreamedCall {
    index: u32,
    has_arguments: bool,
}

impl ChunkWriter {
    /// Begins a stream. With `tool_stream` the arguments of tool calls are sent as they arise, without it each
    /// call is one chunk (CAP-TST-03).
    pub fn new(head: &AnswerHead, tool_stream: bool) -> Self {
        let mut bytes = b"data: {\"id\":".to_vec();
        push_string(&mut bytes, head.id.as_str());
        bytes.extend_from_slice(b",\"created\":");
        bytes.extend_from_slice(head.created.as_secs().to_string().as_bytes());
        bytes.extend_from_slice(b",\"object\":\"chat.completion.chunk\",\"model\":");
        push_string(&mut bytes, head.model.as_str());
        bytes.extend_from_slice(b",\"choices\":[{\"index\":0,");
        let pending = (!tool_stream).then(PendingCalls::default);
        Self { head: bytes, pending, streamed: Vec::new(), has_ended: false }
    }

    /// Appends what `event` means to the client, which may be nothing. `Finished` also ends the stream.
    pub fn write(&mut self, event: &ChatEvent, out: &mut Vec<u8>) {
        if self.has_ended {
            return;
        }
        match event {
            ChatEvent::Started { .. }
            | ChatEvent::Signature(_)
            | ChatEvent::StopMet(_)
            | ChatEvent::Usage(_) => {}
            ChatEvent::Reasoning(text) => self.text(b"reasoning_content", text, out),
            ChatEvent::Content(text) => self.text(b"content", text, out),
            ChatEvent::ToolCallStarted { index, id, name } => self.call_started(*index, id, name, out),
            ChatEvent::ToolCallArguments { index, fragment } => self.call_arguments(*index, fragment, out),
            ChatEvent::ToolCallFinished { index } => self.call_finished(*index, out),
            ChatEvent::Logprobs(tokens) => self.logprobs(tokens, out),
            ChatEvent::Finished { reason, usage } => self.finished(*reason, *usage, out),
        }
    }

    /// Appends a chunk with an empty delta, the only sign of life that every client bears.
    pub fn write_keep_alive(&self, out: &mut Vec<u8>) {
        if !self.has_ended {
            out.extend_from_slice(&self.head);
            out.extend_from_slice(b"\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n");
        }
    }

    /// Appends an error and ends the stream: for what no finish reason says (`errors.md` §4).
    pub fn write_error(&mut self, error: &ErrorBody, out: &mut Vec<u8>) {
        if self.has_ended {
            return;
        }
        out.extend_from_slice(b"data: {\"error\":{\"code\":");
        push_string(out, &error.error.code);
        out.extend_from_slice(b",\"message\":");
        push_string(out, &error.error.message);
        out.extend_from_slice(b"}}\n\n");
        self.done(out);
    }

    /// Whether the stream has ended.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    fn text(&self, field: &[u8], text: &str, out: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        out.reserve(self.head.len() + field.len() + text.len() + 48);
        out.extend_from_slice(&self.head);
        out.extend_from_slice(b"\"delta\":{\"role\":\"assistant\",\"");
        out.extend_from_slice(field);
        out.extend_from_slice(b"\":");
        push_string(out, text);
        out.extend_from_slice(b"}}]}\n\n");
    }

    fn call_started(&mut self, index: u32, id: &str, name: &str, out: &mut Vec<u8>) {
        if let Some(pending) = &mut self.pending {
            pending.start(index, id.to_owned(), name.to_owned());
            return;
        }
        self.streamed.push(StreamedCall { index, has_arguments: false });
        out.extend_from_slice(&self.head);
        out.extend_from_slice(b"\"delta\":{\"role\":\"assistant\",\"tool_calls\":[");
        push_call(out, index, id, name, "");
        out.extend_from_slice(b"]}}]}\n\n");
    }

    fn call_arguments(&mut self, index: u32, fragment: &str, out: &mut Vec<u8>) {
        if let Some(pending) = &mut self.pending {
            pending.append(index, fragment);
            return;
        }
        let Some(call) = self.streamed.iter_mut().find(|call| call.index == index) else { return };
        if !fragment.is_empty() {
            call.has_arguments = true;
            self.piece(index, fragment, out);
        }
    }

    fn call_finished(&mut self, index: u32, out: &mut Vec<u8>) {
        if let Some(pending) = &mut self.pending {
            let call = pending.finish(index);
            call.iter().for_each(|call| self.whole_call(call, out));
            return;
        }
        let Some(place) = self.streamed.iter().position(|call| call.index == index) else { return };
        if !self.streamed.remove(place).has_arguments {
            // Clients parse the joined pieces, and an empty text is not JSON.
            self.piece(index, "{}", out);
        }
    }

    fn piece(&self, index: u32, fragment: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
        out.extend_from_slice(b"\"delta\":{\"role\":\"assistant\",\"tool_calls\":[{\"index\":");
        push_number(out, index.into());
        out.extend_from_slice(b",\"function\":{\"arguments\":");
        push_string(out, fragment);
        out.extend_from_slice(b"}}]}}]}\n\n");
    }

    /// A call in one chunk, which carries no role.
    fn whole_call(&self, call: &AnswerToolCall, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
        out.extend_from_slice(b"\"delta\":{\"tool_calls\":[");
        push_call(out, call.index, &call.id, &call.function.name, &call.function.arguments);
        out.extend_from_slice(b"]}}]}\n\n");
    }

    /// Log probabilities travel on a chunk of their own with an empty delta; OpenAI's clients append them.
    fn logprobs(&self, tokens: &[TokenLogprob], out: &mut Vec<u8>) {
        if tokens.is_empty() {
            return;
        }
        out.extend_from_slice(&self.head);
        out.extend_from_slice(
            b"\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":{\"content\":[",
        );
        for (place, token) in tokens.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            push_json(out, &token_logprob(token));
        }
        out.extend_from_slice(b"]}}]}\n\n");
    }

    fn finished(&mut self, reason: FinishReason, usage: Usage, out: &mut Vec<u8>) {
        // A call that was cut off has no use; only an answer that waits for results vouches for it.
        if reason == FinishReason::ToolCalls {
            let unfinished: Vec<u32> = self.streamed.iter().map(|call| call.index).collect();
            unfinished.into_iter().for_each(|index| self.call_finished(index, out));
            let gathered: Vec<_> = self.pending.iter_mut().flat_map(PendingCalls::finish_all).collect();
            gathered.iter().for_each(|call| self.whole_call(call, out));
        }
        out.extend_from_slice(&self.head);
        out.extend_from_slice(b"\"finish_reason\":\"");
        out.extend_from_slice(reason.as_str().as_bytes());
        out.extend_from_slice(b"\",\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}],\"usage\":");
        push_usage(out, usage);
        out.extend_from_slice(b"}\n\n");
        self.done(out);
    }

    fn done(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"data: [DONE]\n\n");
        self.has_ended = true;
    }
}

fn push_call(out: &mut Vec<u8>, index: u32, id: &str, name: &str, arguments: &str) {
    out.extend_from_slice(b"{\"id\":");
    push_string(out, id);
    out.extend_from_slice(b",\"index\":");
    push_number(out, index.into());
    out.extend_from_slice(b",\"type\":\"function\",\"function\":{\"name\":");
    push_string(out, name);
    out.extend_from_slice(b",\"arguments\":");
    push_string(out, arguments);
    out.extend_from_slice(b"}}");
}

fn push_usage(out: &mut Vec<u8>, usage: Usage) {
    out.extend_from_slice(b"{\"prompt_tokens\":");
    push_number(out, usage.prompt().0);
    out.extend_from_slice(b",\"completion_tokens\":");
    push_number(out, usage.completion().0);
    out.extend_from_slice(b",\"total_tokens\":");
    push_number(out, usage.total().0);
    out.extend_from_slice(b",\"prompt_tokens_details\":{\"cached_tokens\":");
    push_number(out, usage.cached_prompt.0);
    out.push(b'}');
    if usage.reasoning.0 > 0 {
        out.extend_from_slice(b",\"completion_tokens_details\":{\"reasoning_tokens\":");
        push_number(out, usage.reasoning.0);
        out.push(b'}');
    }
    out.push(b'}');
}
