use crate::Result;

/// The kind of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text = 1,
    Binary = 2,
}

/// A WebSocket message, received or to be sent. Functions that send messages also take a `&str`, which becomes a text
/// message, and a `&[u8]`, which becomes a binary message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    pub kind: Kind,
    pub data: &'a [u8],
}

impl<'a> Message<'a> {
    /// Makes a text message. Sending it fails with [`Error::Invalid`](crate::Error::Invalid) if it is not UTF-8.
    pub fn text(data: &'a (impl AsRef<[u8]> + ?Sized)) -> Message<'a> {
        Message { kind: Kind::Text, data: data.as_ref() }
    }

    /// Makes a binary message.
    pub fn binary(data: &'a (impl AsRef<[u8]> + ?Sized)) -> Message<'a> {
        Message { kind: Kind::Binary, data: data.as_ref() }
    }

    /// Returns true for a text message.
    pub fn is_text(&self) -> bool {
        self.kind == Kind::Text
    }

    /// Returns the data as a string. It is an error if the data of a binary message is not UTF-8.
    pub fn as_str(&self) -> Result<&'a str> {
        Ok(std::str::from_utf8(self.data)?)
    }
}

impl<'a> From<&'a str> for Message<'a> {
    fn from(text: &'a str) -> Message<'a> {
        Message::text(text)
    }
}

impl<'a> From<&'a String> for Message<'a> {
    fn from(text: &'a String) -> Message<'a> {
        Message::text(text)
    }
}

impl<'a> From<&'a [u8]> for Message<'a> {
    fn from(data: &'a [u8]) -> Message<'a> {
        Message::binary(data)
    }
}

impl<'a> From<&'a Vec<u8>> for Message<'a> {
    fn from(data: &'a Vec<u8>) -> Message<'a> {
        Message::binary(data)
    }
}
