//! Turns the bytes of one answer into events. Knows nothing of sockets or time.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use inference::{ChatEvent, ChatRequest, EngineError, FinishReason};

use super::anthropic::MessageReader;
use super::chunk_reader::ChunkReader;
use super::config::{Kind, RemoteConfig};
use super::meter::estimate_prompt;
use super::refusal::Refusals;
use super::sse::{SseReader, TooLong};
use super::telling::Telling;

/// One event, or a whole answer that was not streamed, may have this many bytes.
const EVENT_BYTES_MAX: usize = 8 << 20;

/// The state of one answer.
pub(super) struct Decoder {
    framing: Framing,
    reader: Reader,
    telling: Telling,
    refusals: Arc<Refusals>,
    is_done: bool,
}

/// How the body is cut, which its first byte tells more surely than its content type.
enum Framing {
    Unknown,
    Events(SseReader),
    Whole(BytesMut),
}

/// Reads the events of one dialect.
pub(super) enum Reader {
    Chunks(ChunkReader),
    Messages(MessageReader),
}

/// What an event was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// A piece of the answer, or nothing of interest.
    More,
    /// The end.
    Ended,
    /// The host's way to say that it failed.
    Refused,
}

impl Reader {
    /// The reader of this host's dialect.
    pub fn new(config: &RemoteConfig, request: &ChatRequest) -> Self {
        match config.kind {
            Kind::OpenAi | Kind::ZAi => Self::Chunks(ChunkReader::new(request, config.raw_text)),
            Kind::Anthropic => Self::Messages(MessageReader::default()),
        }
    }
}

impl Decoder {
    pub fn new(request: &ChatRequest, reader: Reader, refusals: Arc<Refusals>) -> Self {
        let telling = Telling::new(estimate_prompt(request));
        Self { framing: Framing::Unknown, reader, telling, refusals, is_done: false }
    }

    /// Takes the next piece of the body.
    pub fn push(&mut self, mut piece: Bytes) -> Result<(), EngineError> {
        if matches!(self.framing, Framing::Unknown) {
            let blank = piece.len() - piece.trim_ascii_start().len();
            let _ = piece.split_to(blank);
            self.framing = match piece.first() {
                None => return Ok(()),
                Some(b'{' | b'[') => Framing::Whole(BytesMut::new()),
                Some(b'<') => return Err(failed("the host sent a web page; is `base_url` right?")),
                Some(_) => Framing::Events(SseReader::new(EVENT_BYTES_MAX)),
            };
        }
        match &mut self.framing {
            Framing::Unknown => Ok(()),
            Framing::Whole(body) => {
                if body.len() + piece.len() > EVENT_BYTES_MAX {
                    return Err(too_long(TooLong));
                }
                body.extend_from_slice(&piece);
                Ok(())
            }
            Framing::Events(reader) => {
                reader.push(piece);
                while let Some(data) = self.next_event()? {
                    self.take(&data)?;
                    if self.is_done {
                        break;
                    }
                }
                Ok(())
            }
        }
    }

    /// The body has ended, by itself or because of `cause`.
    pub fn end(&mut self, cause: Option<String>) -> Result<(), EngineError> {
        if self.is_done {
            return Ok(());
        }
        let rest = match &mut self.framing {
            Framing::Unknown => None,
            Framing::Whole(body) => Some(body.split().freeze()),
            Framing::Events(reader) if cause.is_none() => reader.finish().map_err(too_long)?,
            Framing::Events(_) => None,
        };
        if let Some(rest) = rest.filter(|_| cause.is_none()) {
            self.take(&rest)?;
        }
        if self.is_done {
            return Ok(());
        }
        let is_whole_answer = matches!(self.framing, Framing::Whole(_)) && self.telling.has_output();
        if self.telling.reason.is_some() || (cause.is_none() && is_whole_answer) {
            return self.finish();
        }
        if matches!(self.framing, Framing::Unknown) && cause.is_none() {
            return Err(self.refusals.read_silence(self.telling.prompt_estimate()));
        }
        Err(failed(&match cause {
            Some(cause) => format!("the connection broke in the middle of the answer: {cause}"),
            None => "the host closed the connection before the end of the answer".to_owned(),
        }))
    }

    /// The next event that is ready.
    pub fn pop(&mut self) -> Option<ChatEvent> {
        self.telling.pop()
    }

    /// Whether anything came that a caller would see, or the answer's end.
    pub fn has_output(&self) -> bool {
        self.telling.has_output() || self.is_finishing()
    }

    /// Whether the host said why the answer ended, so that only figures may follow.
    pub fn is_finishing(&self) -> bool {
        self.telling.reason.is_some() || self.is_done
    }

    /// Whether the answer is complete.
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    fn next_event(&mut self) -> Result<Option<Bytes>, EngineError> {
        match &mut self.framing {
            Framing::Events(reader) => reader.next().map_err(too_long),
            Framing::Unknown | Framing::Whole(_) => Ok(None),
        }
    }

    fn take(&mut self, data: &[u8]) -> Result<(), EngineError> {
        let data = data.trim_ascii();
        if data.is_empty() {
            return Ok(());
        }
        if data == b"[DONE]" {
            return self.finish();
        }
        let read = match &mut self.reader {
            Reader::Chunks(chunks) => chunks.take(data, &mut self.telling)?,
            Reader::Messages(message) => message.take(data, &mut self.telling)?,
        };
        match read {
            Read::More => Ok(()),
            Read::Ended => self.finish(),
            Read::Refused => Err(self.refusals.read_event(data, self.telling.prompt_estimate())),
        }
    }

    fn finish(&mut self) -> Result<(), EngineError> {
        let reason = self.telling.reason.unwrap_or(FinishReason::Stop);
        let reason = match &mut self.reader {
            Reader::Chunks(chunks) => chunks.finish(reason, &mut self.telling)?,
            Reader::Messages(message) => message.finish(reason, &mut self.telling)?,
        };
        self.telling.finish(reason);
        self.is_done = true;
        Ok(())
    }
}

fn too_long(_: TooLong) -> EngineError {
    failed("the host sent an event of more than 8 MiB")
}

fn failed(reason: &str) -> EngineError {
    EngineError::Failed { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests;
