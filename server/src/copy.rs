//! COPY on the wire: data messages in and out, in place of rows.

use bytes::Bytes;
use cairn_sql::error::{Error, Result, SqlState};
use cairn_sql::session::{CopyIn, CopyOut, Lines};
use pgwire::messages::copy::{CopyDone, CopyOutResponse};

use crate::connection::{Connection, FLUSH_BYTES, Step, while_there};
use crate::frame::{self, Consequence, Fields, Malformed};
use crate::reply;

/// Data is read from the socket in pieces of up to this.
const READ_BYTES: usize = 64 << 10;

/// A COPY FROM STDIN that waits for data.
pub(crate) struct CopyState {
    /// What takes the data.
    pub copy: Box<CopyIn>,
    /// Whether it was started by the extended protocol.
    pub extended: bool,
}

impl Connection {
    /// Waits for one message of a COPY; false if the client went away.
    pub(crate) async fn copy_step(&mut self) -> Step<bool> {
        match frame::next(&mut self.input)? {
            Some((kind, body)) if self.copy_now(kind, &body)? => Ok(true),
            Some((kind, body)) => self.copy_message(kind, body).await,
            None => {
                self.flush().await?;
                self.input.reserve(READ_BYTES);
                self.wait_for_input().await
            }
        }
    }

    /// Takes data that makes no full batch yet, as nearly all messages do. False leaves the message
    /// to [`Connection::copy_message`].
    pub(crate) fn copy_now(&mut self, kind: u8, body: &[u8]) -> Step<bool> {
        let Some(CopyState { copy, extended }) = &mut self.copy else { return Ok(false) };
        if kind != b'd' {
            return Ok(false);
        }
        match self.session.copy_data(copy, body) {
            Ok(more) => Ok(more),
            Err(error) => {
                self.skipping = *extended;
                self.copy = None;
                self.put_error(error)?;
                Ok(true)
            }
        }
    }

    pub(crate) async fn copy_message(&mut self, kind: u8, body: Bytes) -> Step<bool> {
        let Some(CopyState { mut copy, extended }) = self.copy.take() else { return Ok(true) };
        let result = match kind {
            b'd' => match self.copy_batches(&mut copy).await {
                Ok(()) => {
                    self.copy = Some(CopyState { copy, extended });
                    return Ok(true);
                }
                Err(error) => Err(error),
            },
            b'c' => match self.session.copy_done(copy).await {
                Ok(tag) => reply::command_complete(&mut self.out, &tag),
                Err(error) => Err(error),
            },
            b'f' => Err(match Fields(&body).string() {
                Ok(message) => Error::new(
                    SqlState::QueryCanceled,
                    format!("COPY from stdin failed: {message}"),
                ),
                Err(malformed) => malformed.into(),
            }),
            b'H' | b'S' => {
                self.copy = Some(CopyState { copy, extended });
                return Ok(true);
            }
            b'X' => return Ok(false),
            other => {
                let message =
                    format!("unexpected message type 0x{other:02X} during COPY from stdin");
                self.put_error(Error::new(SqlState::ProtocolViolation, message))?;
                let message = "terminating connection because protocol synchronization was lost";
                let lost = Malformed::new(message);
                return Err(Malformed { consequence: Consequence::Fatal, ..lost }.into());
            }
        };
        if let Err(error) = result {
            self.put_error(error)?;
            // Within a batch of the extended protocol the rest of it falls.
            self.skipping = extended;
        }
        Ok(true)
    }

    /// Adds what data has been taken, until there is less of it than a batch.
    async fn copy_batches(&mut self, copy: &mut CopyIn) -> Result<()> {
        loop {
            self.session.copy_batch(copy).await?;
            if self.session.copy_data(copy, &[])? {
                return Ok(());
            }
        }
    }

    /// COPY TO STDOUT: lines as they come, each a message.
    pub(crate) async fn copy_out(&mut self, mut copy: Box<CopyOut>) -> Step<Result<()>> {
        let width = copy.width();
        let response = CopyOutResponse::new(
            i8::from(copy.is_binary()),
            width as i16,
            vec![i16::from(copy.is_binary()); width],
        );
        if let Err(error) = reply::put(&mut self.out, &response) {
            return Ok(Err(error));
        }
        let mut lines = Lines::default();
        loop {
            let next = copy.next(&mut lines);
            match while_there(&self.socket, &self.session.cancel_handle(), next).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => return Ok(Err(error)),
            }
            for line in lines.iter() {
                if let Err(error) = reply::copy_data(&mut self.out, line) {
                    return Ok(Err(error));
                }
            }
            if self.out.len() >= FLUSH_BYTES {
                self.flush().await?;
            }
        }
        let done = reply::put(&mut self.out, &CopyDone::new());
        Ok(done.and_then(|()| reply::command_complete(&mut self.out, &copy.tag())))
    }
}
