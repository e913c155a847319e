//! Messages of the frontend: framing and fields, with every length checked.

use bytes::{Buf, Bytes, BytesMut};
use cairn_sql::error::{Error, SqlState};

/// Largest message once a connection is established, as in PostgreSQL.
pub const MAX_MESSAGE_BYTES: usize = (1 << 30) - 1;
/// Largest startup packet, as in PostgreSQL.
pub const MAX_STARTUP_BYTES: usize = 10_000;

/// A message that breaks the protocol.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Malformed {
    /// What is wrong.
    pub message: String,
    /// What comes of it.
    pub consequence: Consequence,
    /// Whether text is not in the client's encoding.
    pub encoding: bool,
}

/// What a broken message leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// An error; the next message can be found.
    Error,
    /// The end of the connection, with a word about why.
    Fatal,
    /// The end without a word: whoever is there may not speak the protocol.
    HangUp,
}

impl Malformed {
    /// Of the contents of a message.
    pub fn new(message: impl Into<String>) -> Malformed {
        Malformed { message: message.into(), consequence: Consequence::Error, encoding: false }
    }
}

impl From<Malformed> for Error {
    fn from(malformed: Malformed) -> Error {
        let state = match malformed.encoding {
            true => SqlState::CharacterNotInRepertoire,
            false => SqlState::ProtocolViolation,
        };
        Error::new(state, malformed.message)
    }
}

/// Result of reading a message.
pub type Result<T> = std::result::Result<T, Malformed>;

fn malformed<T>(what: impl Into<String>) -> Result<T> {
    Err(Malformed::new(what))
}

fn unframed<T>(what: impl Into<String>) -> Result<T> {
    Err(Malformed { consequence: Consequence::HangUp, ..Malformed::new(what) })
}

/// Takes the next whole message from `input`: its type and body. `None` until it is all there.
pub fn next(input: &mut BytesMut) -> Result<Option<(u8, Bytes)>> {
    let Some((head, _)) = input.split_first_chunk::<5>() else { return Ok(None) };
    let [kind, length @ ..] = *head;
    let length = u32::from_be_bytes(length) as usize;
    if !(4..=MAX_MESSAGE_BYTES).contains(&length) {
        return unframed("invalid message length");
    }
    if input.len() < 1 + length {
        return Ok(None);
    }
    let mut frame = input.split_to(1 + length);
    frame.advance(5);
    Ok(Some((kind, frame.freeze())))
}

/// Takes a startup packet's body, behind its length. `None` until it is all there.
pub fn next_startup(input: &mut BytesMut) -> Result<Option<Bytes>> {
    let Some((head, _)) = input.split_first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_be_bytes(*head) as usize;
    if !(8..=MAX_STARTUP_BYTES).contains(&length) {
        return unframed("invalid length of startup packet");
    }
    if input.len() < length {
        return Ok(None);
    }
    let mut frame = input.split_to(length);
    frame.advance(4);
    Ok(Some(frame.freeze()))
}

/// Reads the fields of a message body in order.
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let Some((head, tail)) = self.0.split_at_checked(count) else {
            return malformed("insufficient data left in message");
        };
        self.0 = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let Some((head, tail)) = self.0.split_first_chunk::<N>() else {
            return malformed("insufficient data left in message");
        };
        self.0 = tail;
        Ok(*head)
    }

    /// A byte.
    pub fn byte(&mut self) -> Result<u8> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    /// A count or a format: two bytes.
    pub fn int16(&mut self) -> Result<i16> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    /// Four bytes.
    pub fn int32(&mut self) -> Result<i32> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    /// A string up to its zero byte.
    pub fn string(&mut self) -> Result<&'a str> {
        let Some(end) = self.0.iter().position(|byte| *byte == 0) else {
            return malformed("invalid string in message");
        };
        let text = self.take(end)?;
        self.take(1)?;
        std::str::from_utf8(text).map_err(|error| {
            let at = error.valid_up_to();
            let byte = text.get(at).copied().unwrap_or_default();
            let message = format!("invalid byte sequence for encoding \"UTF8\": 0x{byte:02x}");
            Malformed { encoding: true, ..Malformed::new(message) }
        })
    }

    /// A list of two-byte numbers behind its count.
    pub fn int16s(&mut self) -> Result<Vec<i16>> {
        let count = usize::from(self.int16()? as u16);
        let mut body = Fields(self.take(count * 2)?);
        (0..count).map(|_| body.int16()).collect()
    }

    /// Parameter values behind their count: NULL or bytes.
    pub fn values(&mut self) -> Result<Vec<Option<&'a [u8]>>> {
        let count = usize::from(self.int16()? as u16);
        if self.0.len() < count * 4 {
            return malformed("insufficient data left in message");
        }
        let mut values = Vec::with_capacity(count);
        for _ in 0..count {
            values.push(match self.int32()? {
                -1 => None,
                length => match usize::try_from(length) {
                    Ok(length) => Some(self.take(length)?),
                    Err(_) => return malformed("invalid length of a parameter"),
                },
            });
        }
        Ok(values)
    }

    /// Nothing may be left.
    pub fn end(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { malformed("invalid message format") }
    }
}
