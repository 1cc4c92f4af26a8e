//! The part of JSON that the messages of a chat need.

/// A parsed value.
pub enum Value {
    Null,
    String(String),
    Object(Vec<(String, Value)>),
    /// Anything else: an array, a number, true, false.
    Other,
}

impl Value {
    /// Returns a member of an object: the last one, if several have the name; `Null` if there is none.
    pub fn get(&self, name: &str) -> &Value {
        if let Value::Object(members) = self {
            if let Some((_, v)) = members.iter().rev().find(|(n, _)| n == name) {
                return v;
            }
        }
        &Value::Null
    }

    /// Returns the string; an empty string for other values.
    pub fn str(&self) -> &str {
        match self {
            Value::String(s) => s,
            _ => "",
        }
    }
}

/// The deepest nesting of arrays and objects.
const MAX_DEPTH: usize = 64;

/// Parses a text that consists of one value.
pub fn parse(text: &str) -> Option<Value> {
    let mut p = Parser { text, at: 0 };
    let v = p.value(0)?;
    p.space();
    (p.at == text.len()).then_some(v)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> u8 {
        *self.text.as_bytes().get(self.at).unwrap_or(&0)
    }

    fn space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    /// Skips white space, and then the byte if it is next. Returns whether it was.
    fn take(&mut self, byte: u8) -> bool {
        self.space();
        let is = self.peek() == byte;
        self.at += is as usize;
        is
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        self.space();
        match self.peek() {
            b'"' => self.string().map(Value::String),
            b'{' if depth < MAX_DEPTH => self.object(depth),
            b'[' if depth < MAX_DEPTH => self.array(depth),
            b'-' | b'0'..=b'9' => self.number(),
            _ => {
                let rest = &self.text[self.at..];
                let word = ["null", "true", "false"].into_iter().find(|w| rest.starts_with(*w))?;
                self.at += word.len();
                Some(if word == "null" { Value::Null } else { Value::Other })
            }
        }
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        let mut members = Vec::new();
        if self.take(b'}') {
            return Some(Value::Object(members));
        }
        loop {
            self.space();
            let name = self.string()?;
            if !self.take(b':') {
                return None;
            }
            members.push((name, self.value(depth + 1)?));
            if self.take(b'}') {
                return Some(Value::Object(members));
            }
            if !self.take(b',') {
                return None;
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        if self.take(b']') {
            return Some(Value::Other);
        }
        loop {
            self.value(depth + 1)?;
            if self.take(b']') {
                return Some(Value::Other);
            }
            if !self.take(b',') {
                return None;
            }
        }
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn number(&mut self) -> Option<Value> {
        self.at += (self.peek() == b'-') as usize;
        if self.peek() == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.at += 1;
            self.at += matches!(self.peek(), b'+' | b'-') as usize;
            self.digits()?;
        }
        Some(Value::Other)
    }

    fn string(&mut self) -> Option<String> {
        if !self.take(b'"') {
            return None;
        }
        let mut out = String::new();
        loop {
            let start = self.at;
            while !matches!(self.peek(), b'"' | b'\\' | 0..=0x1f) {
                self.at += 1;
            }
            out.push_str(&self.text[start..self.at]);
            match self.peek() {
                b'"' => {
                    self.at += 1;
                    return Some(out);
                }
                b'\\' => out.push(self.escape()?),
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        self.at += 2;
        Some(match self.text.as_bytes().get(self.at - 1)? {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            c @ (b'"' | b'\\' | b'/') => *c as char,
            b'u' => {
                let unit = self.hex()?;
                if !(0xd800..0xdc00).contains(&unit) || !self.text[self.at..].starts_with("\\u") {
                    return Some(char::from_u32(unit).unwrap_or('\u{fffd}'));
                }
                self.at += 2;
                let low = self.hex()?;
                let pair = 0x10000 + ((unit - 0xd800) << 10) + low.wrapping_sub(0xdc00);
                if (0xdc00..0xe000).contains(&low) {
                    char::from_u32(pair)?
                } else {
                    '\u{fffd}'
                }
            }
            _ => return None,
        })
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }
}

/// Writes a string in quotes.
pub fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\0'..='\x1f' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", c as u32)),
            _ => out.push(c),
        }
    }
    out.push('"');
}
