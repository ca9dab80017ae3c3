//! Reading values as models write them.

use indexmap::IndexMap;

use super::{Dialect, Literal};

/// Reads one value from the front of a text.
pub(super) struct Reader<'a> {
    rest: &'a str,
    dialect: Dialect,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, dialect: Dialect) -> Self {
        Self { rest: text, dialect }
    }

    /// The only value in the text, nested at most `depth` deep.
    pub(super) fn whole(mut self, depth: usize) -> Option<Literal> {
        let value = self.value(depth)?;
        self.skip_blank();
        self.rest.is_empty().then_some(value)
    }

    fn value(&mut self, depth: usize) -> Option<Literal> {
        self.skip_blank();
        match self.rest.chars().next()? {
            '{' => self.map(depth.checked_sub(1)?),
            '[' => self.list(depth.checked_sub(1)?),
            '"' | '\'' => self.string().map(Literal::Text),
            c if c.is_ascii_alphabetic() => self.word(),
            _ => self.number(),
        }
    }

    fn map(&mut self, depth: usize) -> Option<Literal> {
        self.take('{');
        let mut entries = IndexMap::new();
        self.sequence('}', |reader| {
            let key = reader.value(0).and_then(|key| reader.key(key))?;
            reader.skip_blank();
            reader.take(':').then_some(())?;
            entries.insert(key, reader.value(depth)?);
            Some(())
        })?;
        Some(Literal::Map(entries))
    }

    fn list(&mut self, depth: usize) -> Option<Literal> {
        self.take('[');
        let mut items = Vec::new();
        self.sequence(']', |reader| {
            items.push(reader.value(depth)?);
            Some(())
        })?;
        Some(Literal::List(items))
    }

    /// Items with commas between them, up to and including `closer`.
    fn sequence(&mut self, closer: char, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.skip_blank();
        if self.take(closer) {
            return Some(());
        }
        loop {
            item(self)?;
            self.skip_blank();
            let more = self.take(',');
            self.skip_blank();
            if !more || self.dialect == Dialect::Lenient {
                if self.take(closer) {
                    return Some(());
                }
                more.then_some(())?;
            }
        }
    }

    /// Python has keys that are not strings; `json.dumps` turns them into strings.
    fn key(&self, key: Literal) -> Option<String> {
        match (key, self.dialect) {
            (Literal::Text(text), _) => Some(text),
            (Literal::Number(digits), Dialect::Lenient) => Some(digits),
            (Literal::Bool(value), Dialect::Lenient) => Some(value.to_string()),
            (Literal::Null, Dialect::Lenient) => Some("null".to_owned()),
            _ => None,
        }
    }

    fn word(&mut self) -> Option<Literal> {
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        match (word, self.dialect) {
            ("null", _) | ("None", Dialect::Lenient) => Some(Literal::Null),
            ("true", _) | ("True", Dialect::Lenient) => Some(Literal::Bool(true)),
            ("false", _) | ("False", Dialect::Lenient) => Some(Literal::Bool(false)),
            _ => None,
        }
    }

    fn number(&mut self) -> Option<Literal> {
        let lenient = self.dialect == Dialect::Lenient;
        let mut number = String::new();
        if self.take('-') {
            number.push('-');
        } else if lenient {
            self.take('+');
        }
        let whole = self.digits();
        if whole.len() > 1 && whole.starts_with('0') {
            return None;
        }
        let has_point = self.take('.');
        let decimals = if has_point { self.digits() } else { "" };
        // JSON wants a digit on both sides of the point, Python on either.
        if whole.is_empty() && (decimals.is_empty() || !lenient)
            || has_point && decimals.is_empty() && !lenient
        {
            return None;
        }
        number.push_str(if whole.is_empty() { "0" } else { whole });
        if has_point {
            number.push('.');
            number.push_str(if decimals.is_empty() { "0" } else { decimals });
        }
        if self.take('e') || self.take('E') {
            number.push('e');
            if self.take('-') {
                number.push('-');
            } else {
                self.take('+');
            }
            let exponent = self.digits();
            (!exponent.is_empty()).then_some(())?;
            number.push_str(exponent);
        }
        let goes_on = self.rest.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.');
        // What overflows to infinity could not be read by most clients.
        let is_finite = number.parse::<f64>().is_ok_and(f64::is_finite);
        (!goes_on && is_finite).then_some(Literal::Number(number))
    }

    fn digits(&mut self) -> &'a str {
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest;
        digits
    }

    fn string(&mut self) -> Option<String> {
        let lenient = self.dialect == Dialect::Lenient;
        let quote = if self.take('"') {
            '"'
        } else if lenient && self.take('\'') {
            '\''
        } else {
            return None;
        };
        let mut text = String::new();
        loop {
            let end = self.rest.find(|c: char| c == quote || c == '\\' || c < ' ')?;
            let (plain, rest) = self.rest.split_at(end);
            text.push_str(plain);
            self.rest = rest;
            match self.next()? {
                '\\' => self.escape(&mut text)?,
                c if c == quote => return Some(text),
                control => {
                    lenient.then_some(())?;
                    text.push(control);
                }
            }
        }
    }

    /// What follows a backslash.
    fn escape(&mut self, text: &mut String) -> Option<()> {
        let lenient = self.dialect == Dialect::Lenient;
        match self.next()? {
            c @ ('"' | '\\' | '/') => text.push(c),
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            'b' => text.push('\u{8}'),
            'f' => text.push('\u{C}'),
            'u' => {
                let unit = self.hex(4)?;
                text.push(self.character(unit)?);
            }
            '\'' if lenient => text.push('\''),
            '\n' if lenient => {}
            'x' if lenient => text.push(char::from_u32(self.hex(2)?)?),
            'U' if lenient => text.push(char::from_u32(self.hex(8)?)?),
            c if lenient => text.extend(['\\', c]),
            _ => return None,
        }
        Some(())
    }

    /// The character of a `\u` escape. A half of a surrogate pair without the other has none of its own.
    fn character(&mut self, unit: u32) -> Option<char> {
        if let Some(character) = char::from_u32(unit) {
            return Some(character);
        }
        let before = self.rest;
        if unit < 0xDC00 && self.take('\\') && self.take('u') {
            let low = self.hex(4)?;
            if (0xDC00..0xE000).contains(&low) {
                return char::from_u32(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
            }
        }
        self.rest = before;
        Some(char::REPLACEMENT_CHARACTER)
    }

    fn hex(&mut self, digits: usize) -> Option<u32> {
        let text = self.rest.get(..digits)?;
        text.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(())?;
        self.rest = &self.rest[digits..];
        u32::from_str_radix(text, 16).ok()
    }

    fn skip_blank(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn take(&mut self, expected: char) -> bool {
        match self.rest.strip_prefix(expected) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }
}
