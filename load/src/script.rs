//! What the upstream does, written into the name of the model that is asked for: the one field that every gateway
//! passes on. `events=500,interval_us=10000` is a stream of five hundred events, a hundred a second.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;

/// How the upstream answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// How many pieces the answer has; a whole answer holds the same text.
    pub events: usize,
    /// Bytes of text in each piece.
    pub event_bytes: usize,
    /// Time between two pieces of a stream; zero sends the whole stream at once.
    pub interval: Duration,
    /// Time before the answer begins.
    pub delay: Duration,
    /// Whether a whole answer is given also to those who ask for a stream, as a few hosts do.
    pub always_whole: bool,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            events: 16,
            event_bytes: 4,
            interval: Duration::ZERO,
            delay: Duration::ZERO,
            always_whole: false,
        }
    }
}

impl Script {
    /// Reads a model's name; what it does not say is as in the default.
    pub fn parse(name: &str) -> Self {
        let mut script = Self::default();
        for (key, value) in name.split(',').filter_map(|setting| setting.split_once('=')) {
            let Ok(number) = value.parse::<u32>() else { continue };
            match key {
                "events" => script.events = number as usize,
                "event_bytes" => script.event_bytes = number as usize,
                "interval_us" => script.interval = Duration::from_micros(number.into()),
                "delay_us" => script.delay = Duration::from_micros(number.into()),
                "always_whole" => script.always_whole = number != 0,
                _ => {}
            }
        }
        script
    }

    /// The name that `parse` reads.
    pub fn name(&self) -> String {
        format!(
            "events={},event_bytes={},interval_us={},delay_us={},always_whole={}",
            self.events,
            self.event_bytes,
            self.interval.as_micros(),
            self.delay.as_micros(),
            u8::from(self.always_whole)
        )
    }
}

/// A script with its answer rendered, so that answering costs next to nothing.
pub struct Prepared {
    pub script: Script,
    /// The answer in one JSON object.
    pub whole: Bytes,
    /// One content event.
    pub event: Bytes,
    /// The last event, the figures and `[DONE]`.
    pub end: Bytes,
    /// The whole stream.
    pub stream: Bytes,
}

impl Prepared {
    pub fn new(script: Script) -> Self {
        const HEAD: &str = "{\"id\":\"chatcmpl-load\",\"object\":\"chat.completion";
        let piece: String = " word".chars().cycle().take(script.event_bytes).collect();
        let chunk = |choice: &str| {
            format!("data: {HEAD}.chunk\",\"created\":1,\"model\":\"load\",\"choices\":[{choice}]}}\n\n")
        };
        let usage = format!(
            "\"usage\":{{\"prompt_tokens\":20,\"completion_tokens\":{0},\"total_tokens\":{1}}}",
            script.events,
            script.events + 20
        );

        let event =
            chunk(&format!("{{\"index\":0,\"delta\":{{\"content\":\"{piece}\"}},\"finish_reason\":null}}"));
        let end = chunk("{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}")
            + &format!("data: {HEAD}.chunk\",\"created\":1,\"model\":\"load\",\"choices\":[],{usage}}}\n\n")
            + "data: [DONE]\n\n";
        let mut whole = format!("{HEAD}\",\"created\":1,\"model\":\"load\",\"choices\":[{{\"index\":0,");
        // Writing to a `String` cannot fail.
        let _ = write!(
            whole,
            "\"message\":{{\"role\":\"assistant\",\"content\":\"{}\"}},\"finish_reason\":\"stop\"}}],{usage}}}",
            piece.repeat(script.events)
        );
        let stream = event.repeat(script.events) + &end;
        Self { script, whole: whole.into(), event: event.into(), end: end.into(), stream: stream.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_was_meant() {
        let script = Script { events: 500, interval: Duration::from_millis(10), ..Script::default() };
        assert_eq!(Script::parse(&script.name()), script);
        assert_eq!(Script::parse("gpt-4"), Script::default());
    }

    #[test]
    fn answers_are_json() {
        let prepared = Prepared::new(Script::default());
        let whole: serde_json::Value = serde_json::from_slice(&prepared.whole).unwrap();
        assert_eq!(whole["usage"]["completion_tokens"], 16);
        let event = prepared.event.strip_prefix(b"data: ").unwrap();
        let event: serde_json::Value = serde_json::from_slice(event).unwrap();
        assert_eq!(event["choices"][0]["delta"]["content"], " wor");
    }
}
