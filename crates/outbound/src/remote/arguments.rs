use serde::de::IgnoredAny;

/// The arguments of one tool call as they come in, watched for the brace that ends them.
///
/// What is certain is passed on at once. A beginning that is no object, and an empty object that may yet be
/// replaced by the real arguments, are kept back until [`Arguments::close`].
#[derive(Debug, Default)]
pub(super) struct Arguments {
    text: String,
    /// How much of `text` has been passed on.
    said: usize,
    /// The closers of what is open, innermost last.
    closers: Vec<u8>,
    in_string: bool,
    after_backslash: bool,
    is_whole: bool,
    is_closed: bool,
}

impl Arguments {
    /// Takes a further fragment in.
    pub fn push(&mut self, fragment: &str) {
        if self.is_whole {
            // An empty object that some hosts send ahead of the real arguments gives way. Anything else is
            // spaces, or the whole arguments once more, and has been said.
            let gives_way = self.is_bare_object() && self.said == 0;
            if !gives_way || !fragment.trim_start().starts_with('{') {
                return;
            }
            *self = Self::default();
        }
        let fragment = if self.text.is_empty() { fragment.trim_start() } else { fragment };
        let is_object = if self.text.is_empty() { fragment.starts_with('{') } else { self.is_object_like() };
        for (at, byte) in fragment.bytes().enumerate() {
            self.watch(byte);
            if is_object && self.closers.is_empty() && byte == b'}' {
                self.is_whole = true;
                // A closing brace is one byte, so this is a character boundary.
                self.text.push_str(&fragment[..=at]);
                return;
            }
        }
        self.text.push_str(fragment);
    }

    /// Ends the arguments at a natural stop: nothing becomes an empty object, an object inside a string comes
    /// out of it, and one whose end is missing is completed.
    pub fn close(&mut self) {
        if self.said == 0 && !self.is_object_like() {
            let text = self.text.trim();
            if matches!(text, "" | "null" | "[]") {
                *self = Self::from_whole("{}");
            } else if let Ok(inner) = serde_json::from_str::<String>(text) {
                let inner = inner.trim();
                *self = Self::from_whole(if inner.is_empty() { "{}" } else { inner });
            }
        }
        if !self.is_whole && self.is_object_like() {
            if self.after_backslash {
                self.text.push('\\');
            }
            if self.in_string {
                self.text.push('"');
            }
            self.text.extend(self.closers.drain(..).rev().map(char::from));
            self.is_whole = true;
        }
        self.is_closed = true;
    }

    /// What may be passed on and has not been.
    pub fn take_unsaid(&mut self) -> Option<String> {
        let is_certain = self.is_object_like() && (self.is_closed || !self.is_bare_object());
        if !is_certain || self.said == self.text.len() {
            return None;
        }
        let fragment = self.text[self.said..].to_owned();
        self.said = self.text.len();
        Some(fragment)
    }

    /// Whether the object's last brace has come.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Whether this is an object without members.
    pub fn is_bare_object(&self) -> bool {
        let inside = self.text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
        self.is_whole && inside.is_some_and(|inside| inside.trim().is_empty())
    }

    /// Whether all of it is one JSON object.
    pub fn is_object(&self) -> bool {
        self.is_object_like() && serde_json::from_str::<IgnoredAny>(&self.text).is_ok()
    }

    fn from_whole(text: &str) -> Self {
        let mut arguments = Self::default();
        arguments.push(text);
        arguments
    }

    fn is_object_like(&self) -> bool {
        self.text.starts_with('{')
    }

    fn watch(&mut self, byte: u8) {
        match byte {
            _ if self.after_backslash => self.after_backslash = false,
            b'\\' if self.in_string => self.after_backslash = true,
            b'"' => self.in_string = !self.in_string,
            _ if self.in_string => {}
            b'{' => self.closers.push(b'}'),
            b'[' => self.closers.push(b']'),
            b'}' | b']' => {
                self.closers.pop();
            }
            _ => {}
        }
    }
}
