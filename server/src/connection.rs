//! The loop of one connection.

mod portals;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::{Buf, Bytes, BytesMut};
use cairn_sql::error::{Error, Report, Result, SqlState};
use cairn_sql::session::{Cancel, Outcome, Prepared, Rows, Session, Settings, Status};
use cairn_sql::types::io::Style;
use cairn_sql::types::{Datum, Type};
use futures::task::AtomicWaker;
use pgwire::messages::copy::CopyInResponse;
use pgwire::messages::extendedquery::{CloseComplete, ParseComplete};
use pgwire::messages::response::{EmptyQueryResponse, ReadyForQuery, TransactionStatus};
use pgwire::messages::startup::{Authentication, BackendKeyData, ParameterStatus, SecretKey};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::copy::CopyState;
use crate::frame::{self, Consequence, Fields, Malformed};
use crate::listener::{Handle, Place, Server};
use crate::reply::{self, Scratch};
use crate::socket::Socket;

/// Replies collect up to here before they are written.
pub(crate) const FLUSH_BYTES: usize = 64 << 10;
/// A buffer of replies that has grown beyond this is not kept for the next ones.
const KEPT_BYTES: usize = 2 * FLUSH_BYTES;

/// Why a connection ended before its client said so.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// The socket failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The client broke the protocol.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// An encoding error of ours.
    #[error(transparent)]
    Sql(#[from] Error),
}

/// The statements of a query string, with the values of their parameters.
type Statements = Vec<(Arc<Prepared>, Vec<Datum>)>;

/// Result of a step of the loop.
pub(crate) type Step<T> = std::result::Result<T, Ended>;

/// A connection with its session.
pub(crate) struct Connection {
    pub(crate) socket: Socket,
    pub(crate) input: BytesMut,
    pub(crate) out: BytesMut,
    pub(crate) session: Session,
    scratch: Scratch,
    /// After an error in the extended protocol everything up to Sync is skipped.
    pub(crate) skipping: bool,
    pub(crate) copy: Option<CopyState>,
    /// The settings as of the last report, and what of them the client was told.
    reported: (Option<Arc<Settings>>, Vec<(&'static str, String)>),
    server: Arc<Server>,
    /// Wakes the loop where it waits for the client.
    waiting: Arc<AtomicWaker>,
    _place: Place,
}

/// Why a connection is no longer served where it was.
pub(crate) enum Served {
    /// It has ended.
    Ended,
    /// Another thread has less to do.
    Moves(usize),
}

/// A report that ends the connection.
pub(crate) fn fatal(state: SqlState, message: impl Into<String>) -> Report {
    Error::new(state, message).into_report()
}

impl Connection {
    /// A connection that has started up.
    pub(crate) fn new(
        server: &Arc<Server>,
        socket: Socket,
        input: BytesMut,
        session: Session,
        place: Place,
    ) -> Connection {
        Connection {
            socket,
            input,
            out: BytesMut::with_capacity(8 << 10),
            server: server.clone(),
            waiting: Arc::default(),
            session,
            scratch: Scratch::default(),
            skipping: false,
            copy: None,
            reported: (None, Vec::new()),
            _place: place,
        }
    }

    /// Goes on where another thread has left off.
    pub(crate) fn move_here(&mut self) -> Step<()> {
        self.socket = self.socket.on_this_thread()?;
        Ok(())
    }

    /// For whoever wants something of it from outside.
    pub(crate) fn outside_handle(&self) -> Handle {
        Handle { cancel: self.session.cancel_handle(), waiting: self.waiting.clone() }
    }

    /// Ends the session; tells the client of a message whose frame was broken.
    pub(crate) async fn end(mut self, ended: Step<()>) -> Step<()> {
        self.session.end();
        if let Err(Ended::Malformed(error)) = &ended
            && error.consequence != Consequence::HangUp
        {
            let report = fatal(SqlState::ProtocolViolation, error.to_string());
            reply::error(&mut self.out, &report, "FATAL")?;
            self.flush().await?;
            return Ok(self.socket.shutdown().await?);
        }
        ended
    }

    /// Tells the client that its session has begun.
    pub(crate) async fn greet(&mut self, key: (i32, i32)) -> Step<()> {
        reply::put(&mut self.out, &Authentication::Ok)?;
        self.report_parameters()?;
        reply::put(&mut self.out, &BackendKeyData::new(key.0, SecretKey::I32(key.1)))?;
        self.ready()?;
        self.flush().await
    }

    /// Serves until the client leaves, or another thread than `worker` is to go on.
    pub(crate) async fn run(&mut self, worker: usize) -> Step<Served> {
        let mut told = 0;
        loop {
            while let Some((kind, body)) = frame::next(&mut self.input)? {
                if !self.message(kind, body).await? {
                    self.flush().await?;
                    return Ok(Served::Ended);
                }
                if self.out.len() >= FLUSH_BYTES {
                    self.flush().await?;
                }
            }
            self.flush().await?;
            if let Some(other) = self.server.workers.better(worker, &mut told) {
                return Ok(Served::Moves(other));
            }
            if self.input.is_empty() && self.input.capacity() > FLUSH_BYTES {
                self.input = BytesMut::with_capacity(8 << 10);
            }
            if !self.wait_for_input().await? {
                return Ok(Served::Ended);
            }
        }
    }

    /// Waits for the client; false when the connection is to end.
    pub(crate) async fn wait_for_input(&mut self) -> Step<bool> {
        let idle_limit = match self.session.status() {
            Status::Idle => None,
            _ => self.session.settings().idle_in_transaction_timeout(),
        };
        let report = {
            let mut read = pin!(self.socket.read_buf(&mut self.input));
            let input = poll_fn(|context| {
                if let Poll::Ready(read) = read.as_mut().poll(context) {
                    return Poll::Ready(Some(read));
                }
                self.waiting.register(context.waker());
                // Looked at behind the registration, so that no wake is lost in between.
                if self.server.is_shutting_down() { Poll::Ready(None) } else { Poll::Pending }
            });
            let input = match idle_limit {
                None => Ok(input.await),
                Some(limit) => tokio::time::timeout(limit, input).await,
            };
            match input {
                Ok(Some(read)) => return Ok(read? > 0),
                Ok(None) => fatal(
                    SqlState::AdminShutdown,
                    "terminating connection due to administrator command",
                ),
                Err(_) => fatal(
                    SqlState::IdleInTransactionSessionTimeout,
                    "terminating connection due to idle-in-transaction timeout",
                ),
            }
        };
        reply::error(&mut self.out, &report, "FATAL")?;
        self.flush().await?;
        Ok(false)
    }

    pub(crate) async fn flush(&mut self) -> Step<()> {
        if !self.out.is_empty() {
            self.socket.write_all(&self.out).await?;
            self.out.clear();
            if self.out.capacity() > KEPT_BYTES {
                self.out = BytesMut::with_capacity(8 << 10);
            }
        }
        Ok(())
    }

    fn ready(&mut self) -> Result<()> {
        self.session.rest();
        let status = match self.session.status() {
            Status::Idle => TransactionStatus::Idle,
            Status::Open => TransactionStatus::Transaction,
            Status::Failed => TransactionStatus::Error,
        };
        reply::put(&mut self.out, &ReadyForQuery::new(status))
    }

    /// Tells the client of settings that changed since it last heard.
    fn report_parameters(&mut self) -> Result<()> {
        let settings = self.session.shared_settings();
        let unchanged = self.reported.0.as_ref().is_some_and(|last| Arc::ptr_eq(last, settings));
        if unchanged {
            return Ok(());
        }
        let (settings, now) = (settings.clone(), settings.reported());
        for parameter in &now {
            if !self.reported.1.contains(parameter) {
                let (name, value) = parameter.clone();
                reply::put(&mut self.out, &ParameterStatus::new(name.to_owned(), value))?;
            }
        }
        self.reported = (Some(settings), now);
        Ok(())
    }

    fn put_notices(&mut self) -> Result<()> {
        for report in self.session.take_notices() {
            reply::notice(&mut self.out, report)?;
        }
        Ok(())
    }

    pub(crate) fn put_error(&mut self, error: Error) -> Result<()> {
        self.session.fail();
        self.put_notices()?;
        reply::error(&mut self.out, &self.session.report(error), "ERROR")
    }

    /// Handles a message; false ends the connection.
    async fn message(&mut self, kind: u8, body: Bytes) -> Step<bool> {
        if self.copy.is_some() {
            if self.copy_now(kind, &body)? {
                return Ok(true);
            }
            return Box::pin(self.copy_message(kind, body)).await;
        }
        if self.skipping && !matches!(kind, b'S' | b'X') {
            return match kind {
                b'Q' | b'H' | b'd' | b'c' | b'f' | b'P' | b'B' | b'D' | b'E' | b'C' | b'F' => {
                    Ok(true)
                }
                _ => Err(unknown_message(kind)),
            };
        }
        let handled = match self.handle(kind, Fields(&body)).await {
            // The frame was whole, so the next message can be found.
            Err(Ended::Malformed(malformed)) if malformed.consequence == Consequence::Error => {
                Err(malformed.into())
            }
            handled => handled?,
        };
        if let Err(error) = handled {
            self.put_error(error)?;
            // These end what is skipped, or were never part of it.
            self.skipping = !matches!(kind, b'Q' | b'S' | b'F');
            if !self.skipping {
                self.ready()?;
            }
        }
        Ok(kind != b'X')
    }

    async fn handle(&mut self, kind: u8, mut fields: Fields<'_>) -> Step<Result<()>> {
        match kind {
            b'Q' => {
                let sql = fields.string()?;
                fields.end()?;
                let mut parsed = self.session.parse(sql);
                let answered = match &mut parsed {
                    Ok(statements) => self.query_now(statements)?,
                    Err(_) => false,
                };
                if answered {
                    if let Err(error) = self.session.finish_implicit().await {
                        self.put_error(error)?;
                    }
                    self.ready()?;
                } else {
                    Box::pin(self.simple_query(parsed)).await?;
                }
            }
            b'X' => {}
            b'S' => {
                fields.end()?;
                self.skipping = false;
                if let Err(error) = self.session.finish_implicit().await {
                    self.put_error(error)?;
                }
                self.report_parameters()?;
                self.ready()?;
            }
            b'H' => {
                fields.end()?;
                self.flush().await?;
            }
            // Left over from a COPY that failed.
            b'd' | b'c' | b'f' => {}
            b'P' | b'B' | b'D' | b'E' | b'C' => return self.extended(kind, fields).await,
            b'F' => {
                fields.int32()?;
                fields.int16s()?;
                fields.values()?;
                fields.int16()?;
                fields.end()?;
                return Ok(Err(Error::unsupported("the function call message")));
            }
            _ => return Err(unknown_message(kind)),
        }
        Ok(Ok(()))
    }

    async fn extended(&mut self, kind: u8, mut fields: Fields<'_>) -> Step<Result<()>> {
        Ok(match kind {
            b'P' => {
                let (name, sql) = (fields.string()?, fields.string()?);
                let count = usize::from(fields.int16()? as u16);
                let mut types = Fields(fields.take(count * 4)?);
                fields.end()?;
                let types: frame::Result<Vec<u32>> =
                    (0..count).map(|_| types.int32().map(|oid| oid as u32)).collect();
                let prepared = self.session.prepare(name, sql, &types?);
                prepared.and_then(|()| reply::put(&mut self.out, &ParseComplete::new()))
            }
            b'B' => {
                let (portal, statement) = (fields.string()?, fields.string()?);
                let formats = fields.int16s()?;
                let values = fields.values()?;
                let results = fields.int16s()?;
                fields.end()?;
                self.bind(portal, statement, &formats, values, results)
            }
            b'D' => {
                let (what, name) = (fields.byte()?, fields.string()?);
                fields.end()?;
                match what {
                    b'S' => self.describe_statement(name),
                    b'P' => self.describe_portal(name),
                    _ => return Err(Malformed::new("invalid DESCRIBE message subtype").into()),
                }
            }
            b'E' => {
                let (name, max_rows) = (fields.string()?, fields.int32()?);
                fields.end()?;
                let limit = usize::try_from(max_rows).ok().filter(|rows| *rows > 0);
                match self.execute_portal_now(name, limit) {
                    Some(done) => done,
                    // On the heap, as all that is large and awaited in a loop: else it would be
                    // copied into each future around it.
                    None => Box::pin(self.execute_portal(name, limit)).await?,
                }
            }
            _ => {
                let (what, name) = (fields.byte()?, fields.string()?);
                fields.end()?;
                match what {
                    b'S' => self.session.close_prepared(name),
                    b'P' => drop(self.session.portals.close(name)),
                    _ => return Err(Malformed::new("invalid CLOSE message subtype").into()),
                }
                reply::put(&mut self.out, &CloseComplete::new())
            }
        })
    }

    /// Answers a query that is one short read, up to the end of its transaction. False leaves it to
    /// [`Connection::simple_query`].
    fn query_now(&mut self, statements: &mut Statements) -> Step<bool> {
        let [(prepared, params)] = statements.as_mut_slice() else { return Ok(false) };
        let Some(executed) = self.session.execute_now(prepared, params) else { return Ok(false) };
        self.close_unnamed();
        let columns = executed.iter().flat_map(|rows| rows.columns.iter());
        let style = self.style_of(columns.map(|column| column.ty.kind));
        let (out, scratch) = (&mut self.out, &mut self.scratch);
        let answered = executed.and_then(|mut rows| {
            reply::row_description(out, &rows.columns, &[])?;
            reply::ready_rows(out, &mut rows, &[], &style, scratch)
        });
        if let Err(error) = answered {
            self.put_error(error)?;
        }
        Ok(true)
    }

    /// Sends an outcome that is not rows of a query.
    async fn complete(&mut self, outcome: Outcome, extended: bool) -> Step<Result<()>> {
        Ok(match outcome {
            Outcome::Empty => reply::put(&mut self.out, &EmptyQueryResponse::new()),
            Outcome::Command(tag) => reply::command_complete(&mut self.out, &tag),
            Outcome::Rows(mut rows) => {
                let (columns, formats) = (rows.columns.clone(), std::mem::take(&mut rows.formats));
                if let Err(error) = reply::row_description(&mut self.out, &columns, &formats) {
                    return Ok(Err(error));
                }
                match self.send_rows(&mut rows, &formats, None).await? {
                    Ok(_) => reply::command_complete(&mut self.out, &rows.tag()),
                    Err(error) => Err(error),
                }
            }
            Outcome::CopyIn(copy) => {
                let width = copy.width();
                let format = i16::from(copy.is_binary());
                let response = CopyInResponse::new(format as i8, width as i16, vec![format; width]);
                self.copy = Some(CopyState { copy, extended });
                let put = reply::put(&mut self.out, &response);
                self.flush().await?;
                put
            }
            Outcome::CopyOut(copy) => Box::pin(self.copy_out(copy)).await?,
        })
    }

    /// Sends rows up to the limit; true if there are no more.
    async fn send_rows(
        &mut self,
        rows: &mut Rows,
        formats: &[i16],
        limit: Option<usize>,
    ) -> Step<Result<bool>> {
        let style = self.style_of(rows.columns.iter().map(|column| column.ty.kind));
        let mut left = limit.unwrap_or(usize::MAX);
        while left > 0 {
            let next = rows.next(left);
            let batch = match while_there(&self.socket, &self.session.cancel_handle(), next).await {
                Ok(batch) => batch,
                Err(error) => return Ok(Err(error)),
            };
            if batch.is_empty() {
                return Ok(Ok(true));
            }
            left -= batch.len();
            for row in batch {
                let put = reply::data_row(
                    &mut self.out,
                    &row,
                    &rows.columns,
                    formats,
                    &style,
                    &mut self.scratch,
                );
                if let Err(error) = put {
                    return Ok(Err(error));
                }
            }
            if self.out.len() >= FLUSH_BYTES {
                self.flush().await?;
            }
        }
        // The limit is reached; PostgreSQL reports suspension even when nothing is left.
        Ok(Ok(false))
    }

    fn style(&self) -> Style {
        let settings = self.session.settings();
        Style {
            zone: settings.zone,
            now: 0,
            extra_float_digits: settings.extra_float_digits(),
            bytea_escape: settings.bytea_escape(),
            dates: settings.dates(),
            intervals: settings.intervals(),
            names: None,
        }
    }

    /// The style of values of these types: some are looked up by name.
    fn style_of(&self, mut kinds: impl Iterator<Item = Type>) -> Style {
        let looks_up = kinds.any(|kind| {
            matches!(
                kind,
                Type::Regclass | Type::RegclassArray | Type::Regtype | Type::RegtypeArray
            )
        });
        let mut style = self.style();
        if looks_up {
            style.names = Some(self.session.names());
        }
        style
    }

    /// Runs a statement while watching whether the client is still there.
    async fn run_statement(
        &mut self,
        prepared: &Prepared,
        params: Vec<Datum>,
    ) -> Step<Result<Outcome>> {
        let cancel = self.session.cancel_handle();
        Ok(while_there(&self.socket, &cancel, self.session.execute(prepared, params)).await)
    }

    async fn simple_query(&mut self, parsed: Result<Statements>) -> Step<()> {
        let statements = match parsed {
            Ok(statements) => statements,
            Err(error) => {
                self.put_error(error)?;
                return Ok(self.ready()?);
            }
        };
        self.close_unnamed();
        let alone = statements.len() == 1;
        for (statement, params) in statements {
            self.session.set_alone(alone);
            let ran = self.run_statement(&statement, params).await?;
            self.session.set_alone(false);
            let result = match ran {
                Ok(outcome) => {
                    self.put_notices()?;
                    self.complete(outcome, false).await?
                }
                Err(error) => Err(error),
            };
            if let Err(error) = result {
                self.put_error(error)?;
                break;
            }
            while self.copy.is_some() {
                if !self.copy_step().await? {
                    return Ok(());
                }
            }
        }
        if let Err(error) = self.session.finish_implicit().await {
            self.put_error(error)?;
        }
        self.put_notices()?;
        self.report_parameters()?;
        Ok(self.ready()?)
    }
}

/// Waits for work of a session; if its client goes away meanwhile, the work is asked to end.
pub(crate) async fn while_there<T>(
    socket: &Socket,
    cancel: &Cancel,
    work: impl Future<Output = T>,
) -> T {
    let mut work = pin!(work);
    // Most work is over before it is worth while to watch anything.
    let first = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
    if let Poll::Ready(done) = first {
        return done;
    }
    tokio::select! {
        biased;
        done = &mut work => done,
        () = socket.gone() => {
            cancel.cancel();
            work.await
        }
    }
}

fn unknown_message(kind: u8) -> Ended {
    let message = format!("invalid frontend message type {kind}");
    Malformed { consequence: Consequence::Fatal, ..Malformed::new(message) }.into()
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Also when the loop panicked: locks must not outlive their session.
        self.session.end();
        self.input.advance(self.input.len());
    }
}
