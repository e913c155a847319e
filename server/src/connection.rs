//! The loop of one connection.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use cairn_sql::error::{Error, Report, Result, SqlState};
use cairn_sql::session::{CopyIn, Outcome, Portal, Prepared, Rows, Session, Status};
use cairn_sql::types::io::{self, Style};
use cairn_sql::types::{Datum, Type};
use pgwire::messages::copy::{CopyData, CopyDone, CopyInResponse, CopyOutResponse};
use pgwire::messages::data::{NoData, ParameterDescription};
use pgwire::messages::extendedquery::{
    BindComplete, CloseComplete, ParseComplete, PortalSuspended,
};
use pgwire::messages::response::{
    CommandComplete, EmptyQueryResponse, ReadyForQuery, TransactionStatus,
};
use pgwire::messages::startup::{
    Authentication, BackendKeyData, NegotiateProtocolVersion, ParameterStatus, SecretKey,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::frame::{self, Fields, Malformed};
use crate::listener::Server;
use crate::reply::{self, Scratch};

/// Replies collect up to here before they are written.
const FLUSH_BYTES: usize = 64 << 10;
/// How long a client may take to start up.
const STARTUP_TIMEOUT: Duration = Duration::from_secs(60);
/// Most portals of a session.
const MAX_PORTALS: usize = 10_000;

const SSL_REQUEST: i32 = 80_877_103;
const GSS_REQUEST: i32 = 80_877_104;
const CANCEL_REQUEST: i32 = 80_877_102;
const PROTOCOL_MAJOR: i32 = 3;

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

type Step<T> = std::result::Result<T, Ended>;

struct Connection {
    socket: TcpStream,
    input: BytesMut,
    out: BytesMut,
    session: Session,
    server: Arc<Server>,
    scratch: Scratch,
    /// After an error in the extended protocol everything up to Sync is skipped.
    skipping: bool,
    copy: Option<Box<CopyIn>>,
    reported: Vec<(&'static str, String)>,
    shutdown: watch::Receiver<bool>,
}

fn fatal(state: SqlState, message: impl Into<String>) -> Report {
    Error::new(state, message).into_report()
}

async fn refuse(socket: &mut TcpStream, report: &Report) -> Step<()> {
    let mut out = BytesMut::new();
    reply::error(&mut out, report, "FATAL")?;
    socket.write_all(&out).await?;
    Ok(socket.shutdown().await?)
}

/// Serves a connection from its first byte to its last.
pub async fn serve(server: Arc<Server>, mut socket: TcpStream, admitted: bool) -> Step<()> {
    socket.set_nodelay(true)?;
    let mut input = BytesMut::with_capacity(8 << 10);
    let started = tokio::time::timeout(STARTUP_TIMEOUT, startup(&server, &mut socket, &mut input));
    let parameters = match started.await {
        Ok(Ok(Some(parameters))) => parameters,
        Ok(Ok(None)) => return Ok(()),
        Ok(Err(Ended::Malformed(error))) => {
            return refuse(&mut socket, &fatal(SqlState::ProtocolViolation, error.to_string()))
                .await;
        }
        Ok(Err(error)) => return Err(error),
        Err(_) => return Ok(()),
    };
    if !admitted {
        let report = fatal(SqlState::TooManyConnections, "sorry, too many clients already");
        return refuse(&mut socket, &report).await;
    }
    let get = |name: &str| parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    let Some(user) = get("user") else {
        let message = "no PostgreSQL user name specified in startup packet";
        let report = fatal(SqlState::InvalidAuthorizationSpecification, message);
        return refuse(&mut socket, &report).await;
    };
    let database = get("database").unwrap_or_else(|| user.clone());
    if user != "postgres" {
        let report = fatal(
            SqlState::InvalidAuthorizationSpecification,
            format!("role \"{user}\" does not exist"),
        );
        return refuse(&mut socket, &report).await;
    }
    if database != "postgres" {
        let report =
            fatal(SqlState::InvalidCatalogName, format!("database \"{database}\" does not exist"));
        return refuse(&mut socket, &report).await;
    }
    let mut session = Session::new(server.database.clone(), &user, &database);
    for (name, value) in &parameters {
        if matches!(name.as_str(), "user" | "database" | "replication") || name.starts_with("_pq_.")
        {
            continue;
        }
        let set = match name.as_str() {
            "options" => set_options(&mut session, value),
            name => session.settings_mut().set(name, Some(value)),
        };
        if let Err(error) = set {
            return refuse(&mut socket, &error.into_report()).await;
        }
    }
    session.settings_mut().keep_as_defaults();
    let key = (session.id() as i32, rand::random::<i32>());
    server.register(key, session.cancel_handle());
    let mut connection = Connection {
        socket,
        input,
        out: BytesMut::with_capacity(8 << 10),
        shutdown: server.shutdown_signal(),
        session,
        server: server.clone(),
        scratch: Scratch::default(),
        skipping: false,
        copy: None,
        reported: Vec::new(),
    };
    let ended = connection.run(key).await;
    connection.session.end();
    server.unregister(key);
    if let Err(Ended::Malformed(error)) = &ended {
        let report = fatal(SqlState::ProtocolViolation, error.to_string());
        return refuse(&mut connection.socket, &report).await;
    }
    ended
}

/// `-c name=value` and `--name=value`.
fn set_options(session: &mut Session, options: &str) -> Result<()> {
    let mut words = options.split_whitespace();
    while let Some(word) = words.next() {
        let assignment = match word {
            "-c" => words.next().unwrap_or_default(),
            word => {
                word.strip_prefix("--").or_else(|| word.strip_prefix("-c")).ok_or_else(|| {
                    Error::new(
                        SqlState::SyntaxError,
                        format!("invalid command-line argument for server process: {word}"),
                    )
                })?
            }
        };
        let (name, value) = assignment.split_once('=').unwrap_or((assignment, ""));
        session.settings_mut().set(&name.replace('-', "_"), Some(value))?;
    }
    Ok(())
}

/// Reads startup packets until one starts a session; `None` if there is to be none.
async fn startup(
    server: &Server,
    socket: &mut TcpStream,
    input: &mut BytesMut,
) -> Step<Option<Vec<(String, String)>>> {
    loop {
        let Some(packet) = frame::next_startup(input)? else {
            if socket.read_buf(input).await? == 0 {
                return Ok(None);
            }
            continue;
        };
        let mut fields = Fields(packet);
        match fields.int32()? {
            SSL_REQUEST | GSS_REQUEST => {
                if !input.is_empty() {
                    return Err(
                        Malformed("received unencrypted data after SSL request".into()).into()
                    );
                }
                socket.write_all(b"N").await?;
            }
            CANCEL_REQUEST => {
                let key = (fields.int32()?, fields.int32()?);
                server.cancel(key);
                return Ok(None);
            }
            version if version >> 16 == PROTOCOL_MAJOR => {
                let mut parameters = Vec::new();
                loop {
                    let name = fields.string()?;
                    if name.is_empty() {
                        break;
                    }
                    parameters.push((name, fields.string()?));
                }
                fields.end()?;
                let unknown: Vec<String> = parameters
                    .iter()
                    .filter(|(name, _)| name.starts_with("_pq_."))
                    .map(|(name, _)| name.clone())
                    .collect();
                if version & 0xffff != 0 || !unknown.is_empty() {
                    // This server speaks 3.0 and no extensions; the client may take it or leave.
                    let mut out = BytesMut::new();
                    reply::put(
                        &mut out,
                        &NegotiateProtocolVersion::new(PROTOCOL_MAJOR << 16, unknown),
                    )?;
                    socket.write_all(&out).await?;
                }
                return Ok(Some(parameters));
            }
            version => {
                let message = format!(
                    "unsupported frontend protocol {}.{}: server supports 3.0 to 3.0",
                    version >> 16,
                    version & 0xffff
                );
                refuse(socket, &fatal(SqlState::FeatureNotSupported, message)).await?;
                return Ok(None);
            }
        }
    }
}

impl Connection {
    async fn run(&mut self, key: (i32, i32)) -> Step<()> {
        reply::put(&mut self.out, &Authentication::Ok)?;
        self.report_parameters()?;
        reply::put(&mut self.out, &BackendKeyData::new(key.0, SecretKey::I32(key.1)))?;
        self.ready()?;
        self.flush().await?;
        loop {
            while let Some((kind, body)) = frame::next(&mut self.input)? {
                if !self.message(kind, body).await? {
                    return Ok(());
                }
                if self.out.len() >= FLUSH_BYTES {
                    self.flush().await?;
                }
            }
            self.flush().await?;
            if !self.wait_for_input().await? {
                return Ok(());
            }
        }
    }

    /// Waits for the client; false when the connection is to end.
    async fn wait_for_input(&mut self) -> Step<bool> {
        let idle_limit = match self.session.status() {
            Status::Idle => None,
            _ => self.session.settings().idle_in_transaction_timeout(),
        };
        let idle = async {
            match idle_limit {
                Some(limit) => tokio::time::sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        let report = tokio::select! {
            read = self.socket.read_buf(&mut self.input) => return Ok(read? > 0),
            _ = self.shutdown.wait_for(|down| *down) => fatal(
                SqlState::AdminShutdown,
                "terminating connection due to administrator command",
            ),
            () = idle => fatal(
                SqlState::IdleInTransactionSessionTimeout,
                "terminating connection due to idle-in-transaction timeout",
            ),
        };
        reply::error(&mut self.out, &report, "FATAL")?;
        self.flush().await?;
        Ok(false)
    }

    async fn flush(&mut self) -> Step<()> {
        if !self.out.is_empty() {
            self.socket.write_all(&self.out).await?;
            self.out.clear();
        }
        Ok(())
    }

    fn ready(&mut self) -> Result<()> {
        let status = match self.session.status() {
            Status::Idle => TransactionStatus::Idle,
            Status::Open => TransactionStatus::Transaction,
            Status::Failed => TransactionStatus::Error,
        };
        reply::put(&mut self.out, &ReadyForQuery::new(status))
    }

    /// Tells the client of settings that changed since it last heard.
    fn report_parameters(&mut self) -> Result<()> {
        let now = self.session.settings().reported();
        for parameter in &now {
            if !self.reported.contains(parameter) {
                let (name, value) = parameter.clone();
                reply::put(&mut self.out, &ParameterStatus::new(name.to_owned(), value))?;
            }
        }
        self.reported = now;
        Ok(())
    }

    fn put_notices(&mut self) -> Result<()> {
        for report in self.session.take_notices() {
            reply::notice(&mut self.out, report)?;
        }
        Ok(())
    }

    fn put_error(&mut self, error: Error) -> Result<()> {
        self.session.fail();
        self.put_notices()?;
        reply::error(&mut self.out, &error.into_report(), "ERROR")
    }

    /// Handles a message; false ends the connection.
    async fn message(&mut self, kind: u8, body: Bytes) -> Step<bool> {
        if self.copy.is_some() {
            return self.copy_message(kind, body).await;
        }
        if self.skipping && !matches!(kind, b'S' | b'X') {
            return Ok(true);
        }
        let mut fields = Fields(body);
        match kind {
            b'Q' => {
                let sql = fields.string()?;
                fields.end()?;
                self.simple_query(&sql).await?;
            }
            b'X' => return Ok(false),
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
            b'P' | b'B' | b'D' | b'E' | b'C' => {
                let handled = self.extended(kind, fields).await?;
                if let Err(error) = handled {
                    self.put_error(error)?;
                    self.skipping = true;
                }
            }
            b'F' => {
                self.put_error(Error::unsupported("the function call message"))?;
                self.skipping = true;
            }
            other => {
                return Err(Malformed(format!("invalid frontend message type {other}")).into());
            }
        }
        Ok(true)
    }

    async fn extended(&mut self, kind: u8, mut fields: Fields) -> Step<Result<()>> {
        Ok(match kind {
            b'P' => {
                let (name, sql) = (fields.string()?, fields.string()?);
                let count = usize::from(fields.int16()? as u16);
                let mut types = Fields(fields.take(count * 4)?);
                fields.end()?;
                let types: frame::Result<Vec<u32>> =
                    (0..count).map(|_| types.int32().map(|oid| oid as u32)).collect();
                let prepared = self.session.prepare(&name, &sql, &types?);
                prepared.and_then(|()| reply::put(&mut self.out, &ParseComplete::new()))
            }
            b'B' => {
                let (portal, statement) = (fields.string()?, fields.string()?);
                let formats = fields.int16s()?;
                let values = fields.values()?;
                let results = fields.int16s()?;
                fields.end()?;
                self.bind(portal, &statement, &formats, values, results)
            }
            b'D' => {
                let (what, name) = (fields.byte()?, fields.string()?);
                fields.end()?;
                match what {
                    b'S' => self.describe_statement(&name),
                    b'P' => self.describe_portal(&name),
                    _ => return Err(Malformed("invalid DESCRIBE message subtype".into()).into()),
                }
            }
            b'E' => {
                let (name, max_rows) = (fields.string()?, fields.int32()?);
                fields.end()?;
                let limit = usize::try_from(max_rows).ok().filter(|rows| *rows > 0);
                self.execute_portal(&name, limit).await?
            }
            _ => {
                let (what, name) = (fields.byte()?, fields.string()?);
                fields.end()?;
                match what {
                    b'S' => self.session.close_prepared(&name),
                    b'P' => drop(self.session.portals.remove(&name)),
                    _ => return Err(Malformed("invalid CLOSE message subtype".into()).into()),
                }
                reply::put(&mut self.out, &CloseComplete::new())
            }
        })
    }

    fn bind(
        &mut self,
        portal: String,
        statement: &str,
        formats: &[i16],
        values: Vec<Option<Bytes>>,
        results: Vec<i16>,
    ) -> Result<()> {
        let prepared = self.session.prepared(statement)?;
        let violation = |message: String| Error::new(SqlState::ProtocolViolation, message);
        if formats.len() > 1 && formats.len() != values.len() {
            return Err(violation(format!(
                "bind message has {} parameter formats but {} parameters",
                formats.len(),
                values.len()
            )));
        }
        if values.len() != prepared.parameters.len() {
            return Err(violation(format!(
                "bind message supplies {} parameters, but prepared statement \"{statement}\" requires {}",
                values.len(),
                prepared.parameters.len()
            )));
        }
        if let Some(columns) = &prepared.columns
            && results.len() > 1
            && results.len() != columns.len()
        {
            return Err(violation(format!(
                "bind message has {} result formats but query has {} columns",
                results.len(),
                columns.len()
            )));
        }
        if let Some(code) = formats.iter().chain(&results).find(|code| !matches!(code, 0 | 1)) {
            let message = format!("unsupported format code: {code}");
            return Err(Error::new(SqlState::InvalidParameterValue, message));
        }
        if !portal.is_empty() && self.session.portals.contains_key(&portal) {
            return Err(Error::new(
                SqlState::DuplicateCursor,
                format!("portal \"{portal}\" already exists"),
            ));
        }
        if self.session.portals.len() >= MAX_PORTALS {
            return Err(Error::new(SqlState::ProgramLimitExceeded, "too many portals"));
        }
        let style = self.style();
        let mut params = Vec::with_capacity(values.len());
        for (index, (value, kind)) in values.into_iter().zip(&prepared.parameters).enumerate() {
            params.push(match value {
                None => Datum::Null,
                Some(bytes) => {
                    let binary = reply::format_of(formats, index) == 1;
                    parameter(*kind, &bytes, binary, &style)?
                }
            });
        }
        let bound = Portal { prepared, params, formats: results, outcome: None };
        self.session.portals.insert(portal, bound);
        reply::put(&mut self.out, &BindComplete::new())
    }

    fn describe_statement(&mut self, name: &str) -> Result<()> {
        let prepared = self.session.prepared(name)?;
        let oids = prepared.parameters.iter().map(|kind| kind.oid()).collect();
        reply::put(&mut self.out, &ParameterDescription::new(oids))?;
        self.describe_columns(&prepared, &[])
    }

    fn describe_columns(&mut self, prepared: &Prepared, formats: &[i16]) -> Result<()> {
        match &prepared.columns {
            Some(columns) => reply::row_description(&mut self.out, columns, formats),
            None => reply::put(&mut self.out, &NoData::new()),
        }
    }

    fn describe_portal(&mut self, name: &str) -> Result<()> {
        let portal = self.session.portals.get(name).ok_or_else(|| no_portal(name))?;
        let (prepared, formats) = (portal.prepared.clone(), portal.formats.clone());
        self.describe_columns(&prepared, &formats)
    }

    async fn execute_portal(&mut self, name: &str, limit: Option<usize>) -> Step<Result<()>> {
        let Some(mut portal) = self.session.portals.remove(name) else {
            return Ok(Err(no_portal(name)));
        };
        let outcome = match portal.outcome.take() {
            Some(outcome) => Ok(outcome),
            None => {
                let params = std::mem::take(&mut portal.params);
                self.run_statement(&portal.prepared, params).await?
            }
        };
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => return Ok(Err(error)),
        };
        if let Err(error) = self.put_notices() {
            return Ok(Err(error));
        }
        match outcome {
            Outcome::Rows(mut rows) => {
                rows.restart_count();
                let sent = self.send_rows(&mut rows, &portal.formats, limit).await?;
                let finished = match sent {
                    Ok(finished) => finished,
                    Err(error) => return Ok(Err(error)),
                };
                let done = match finished {
                    true => reply::put(&mut self.out, &CommandComplete::new(rows.tag())),
                    false => reply::put(&mut self.out, &PortalSuspended::new()),
                };
                // Kept also at its end: further Executes give no rows.
                portal.outcome = Some(Outcome::Rows(rows));
                self.session.portals.insert(name.to_owned(), portal);
                Ok(done)
            }
            other => self.complete(other).await,
        }
    }

    /// Sends an outcome that is not rows of a query.
    async fn complete(&mut self, outcome: Outcome) -> Step<Result<()>> {
        Ok(match outcome {
            Outcome::Empty => reply::put(&mut self.out, &EmptyQueryResponse::new()),
            Outcome::Command(tag) => reply::put(&mut self.out, &CommandComplete::new(tag)),
            Outcome::Rows(mut rows) => {
                let columns = rows.columns.clone();
                if let Err(error) = reply::row_description(&mut self.out, &columns, &[]) {
                    return Ok(Err(error));
                }
                match self.send_rows(&mut rows, &[], None).await? {
                    Ok(_) => reply::put(&mut self.out, &CommandComplete::new(rows.tag())),
                    Err(error) => Err(error),
                }
            }
            Outcome::CopyIn(copy) => {
                let width = copy.width();
                let response = CopyInResponse::new(0, width as i16, vec![0; width]);
                self.copy = Some(copy);
                let put = reply::put(&mut self.out, &response);
                self.flush().await?;
                put
            }
            Outcome::CopyOut(mut rows) => {
                let width = rows.columns.len();
                let response = CopyOutResponse::new(0, width as i16, vec![0; width]);
                if let Err(error) = reply::put(&mut self.out, &response) {
                    return Ok(Err(error));
                }
                loop {
                    let lines = match rows.next(usize::MAX).await {
                        Ok(lines) => lines,
                        Err(error) => return Ok(Err(error)),
                    };
                    if lines.is_empty() {
                        break;
                    }
                    for line in lines {
                        if let Some(Datum::Text(line)) = line.into_iter().next() {
                            let data = CopyData::new(Bytes::from(line));
                            if let Err(error) = reply::put(&mut self.out, &data) {
                                return Ok(Err(error));
                            }
                        }
                    }
                    self.flush().await?;
                }
                let done = reply::put(&mut self.out, &CopyDone::new());
                done.and_then(|()| reply::put(&mut self.out, &CommandComplete::new(rows.tag())))
            }
        })
    }

    /// Sends rows up to the limit; true if there are no more.
    async fn send_rows(
        &mut self,
        rows: &mut Rows,
        formats: &[i16],
        limit: Option<usize>,
    ) -> Step<Result<bool>> {
        let style = self.style();
        let mut left = limit.unwrap_or(usize::MAX);
        while left > 0 {
            let batch = match rows.next(left).await {
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
        }
    }

    /// Runs a statement while watching whether the client is still there.
    async fn run_statement(
        &mut self,
        prepared: &Prepared,
        params: Vec<Datum>,
    ) -> Step<Result<Outcome>> {
        let cancel = self.session.cancel_handle();
        let socket = &self.socket;
        let gone = async {
            let mut byte = [0u8; 1];
            match socket.peek(&mut byte).await {
                Ok(0) | Err(_) => {}
                // There is more input; it waits its turn.
                Ok(_) => std::future::pending().await,
            }
        };
        let run = self.session.execute(prepared, params);
        tokio::pin!(run);
        tokio::select! {
            biased;
            outcome = &mut run => Ok(outcome),
            () = gone => {
                cancel.cancel();
                Ok(run.await)
            }
        }
    }

    async fn simple_query(&mut self, sql: &str) -> Step<()> {
        let statements = match self.session.parse(sql) {
            Ok(statements) => statements,
            Err(error) => {
                self.put_error(error)?;
                return Ok(self.ready()?);
            }
        };
        // A simple query closes the unnamed statement and portal.
        self.session.close_prepared("");
        self.session.portals.remove("");
        for statement in statements {
            let result = match self.run_statement(&statement, Vec::new()).await? {
                Ok(outcome) => {
                    self.put_notices()?;
                    self.complete(outcome).await?
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

    /// Waits for one message of a COPY; false if the client went away.
    async fn copy_step(&mut self) -> Step<bool> {
        match frame::next(&mut self.input)? {
            Some((kind, body)) => self.copy_message(kind, body).await,
            None => {
                self.flush().await?;
                Ok(self.socket.read_buf(&mut self.input).await? > 0)
            }
        }
    }

    async fn copy_message(&mut self, kind: u8, body: Bytes) -> Step<bool> {
        let Some(mut copy) = self.copy.take() else { return Ok(true) };
        let result = match kind {
            b'd' => match self.session.copy_data(&mut copy, &body).await {
                Ok(()) => {
                    self.copy = Some(copy);
                    return Ok(true);
                }
                Err(error) => Err(error),
            },
            b'c' => match self.session.copy_done(copy).await {
                Ok(tag) => reply::put(&mut self.out, &CommandComplete::new(tag)),
                Err(error) => Err(error),
            },
            b'f' => {
                let message = Fields(body).string()?;
                Err(Error::new(
                    SqlState::QueryCanceled,
                    format!("COPY from stdin failed: {message}"),
                ))
            }
            b'H' | b'S' => {
                self.copy = Some(copy);
                return Ok(true);
            }
            b'X' => return Ok(false),
            other => {
                return Err(Malformed(format!(
                    "unexpected message type 0x{other:02X} during COPY from stdin"
                ))
                .into());
            }
        };
        if let Err(error) = result {
            self.put_error(error)?;
            self.skipping = false;
        }
        Ok(true)
    }
}

fn no_portal(name: &str) -> Error {
    Error::new(SqlState::InvalidCursorName, format!("portal \"{name}\" does not exist"))
}

fn parameter(kind: Type, bytes: &[u8], binary: bool, style: &Style) -> Result<Datum> {
    match binary {
        true => io::from_binary(kind, bytes),
        false => io::from_text(kind, io::utf8(bytes)?, style),
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Also when the loop panicked: locks must not outlive their session.
        self.session.end();
        self.input.advance(self.input.len());
        debug_assert!(Arc::strong_count(&self.server) > 0);
    }
}
