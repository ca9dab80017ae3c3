//! Tool calls that are still being written.

use std::mem;

use super::chat_response::{AnswerToolCall, CalledFunction};

/// The calls of one answer whose arguments are not complete yet.
#[derive(Debug, Default)]
pub(super) struct PendingCalls(Vec<AnswerToolCall>);

impl PendingCalls {
    /// A call begins.
    pub fn start(&mut self, index: u32, id: String, name: String) {
        let function = CalledFunction { arguments: String::new(), name };
        self.0.push(AnswerToolCall { function, id, index, kind: "function".to_owned() });
    }

    /// A call's arguments go on.
    pub fn append(&mut self, index: u32, fragment: &str) {
        if let Some(call) = self.0.iter_mut().find(|call| call.index == index) {
            call.function.arguments.push_str(fragment);
        }
    }

    /// A call is complete.
    pub fn finish(&mut self, index: u32) -> Option<AnswerToolCall> {
        let place = self.0.iter().position(|call| call.index == index)?;
        Some(completed(self.0.remove(place)))
    }

    /// The calls that were never said to be complete, in order.
    pub fn finish_all(&mut self) -> impl Iterator<Item = AnswerToolCall> {
        mem::take(&mut self.0).into_iter().map(completed)
    }
}

/// A call without arguments has the empty object, because clients parse the text.
fn completed(mut call: AnswerToolCall) -> AnswerToolCall {
    if call.function.arguments.is_empty() {
        call.function.arguments.push_str("{}");
    }
    call
}
