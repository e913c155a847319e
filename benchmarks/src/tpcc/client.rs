//! The terminals' client: PostgreSQL's protocol over a blocking socket.
//!
//! The idea is that of pgbench's prepared mode. A terminal waits for each answer before it asks
//! again, so it needs no runtime, no queues and no second task: a thread, a socket, a buffer each
//! way. Statements are prepared and described once; each execution is one write of Bind, Execute
//! and Sync, and mostly one read. Values travel in binary.
//!
//! The client shares the machine with the server that is measured. With an asynchronous client it
//! took as much processor time as the server, and that hid how servers differ.
//!
//! It waits for the socket by epoll, as libpq does by poll, and then reads. A thread that sleeps in
//! recv() on a Unix socket is also woken when the server takes its request, and sleeps again: one
//! of two switches of a round trip for nothing.
//!
//! Messages are put together and taken apart by postgres-protocol, values by the conversions of
//! tokio-postgres, as that client does it.

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;

use bytes::BytesMut;
use mio::event::Event;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use postgres_protocol::message::backend::{DataRowBody, ErrorResponseBody, Message};
use postgres_protocol::message::frontend::{self, BindError};
use tokio_postgres::Config;
use tokio_postgres::config::Host;
use tokio_postgres::error::SqlState;
use tokio_postgres::fallible_iterator::FallibleIterator as _;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type};

use super::{Error, Result};

/// PostgreSQL's port, where the URL names none.
const DEFAULT_PORT: u16 = 5432;
/// Read from the socket at a time; most answers are far smaller.
const CHUNK_BYTES: usize = 16 * 1024;
/// The protocol's code for values in binary; one code stands for all values of a message.
const BINARY: Option<i16> = Some(1);

/// What the server refused, and why.
#[derive(Debug)]
pub struct ServerError {
    /// SQLSTATE.
    pub code: SqlState,
    message: String,
    detail: Option<String>,
}

impl ServerError {
    fn read(body: &ErrorResponseBody) -> Result<ServerError> {
        let mut error =
            ServerError { code: SqlState::INTERNAL_ERROR, message: String::new(), detail: None };
        let mut fields = body.fields();
        while let Some(field) = fields.next()? {
            let value = String::from_utf8_lossy(field.value_bytes());
            match field.type_() {
                b'C' => error.code = SqlState::from_code(&value),
                b'M' => error.message = value.into_owned(),
                b'D' => error.detail = Some(value.into_owned()),
                _ => {}
            }
        }
        Ok(error)
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code.code())?;
        self.detail.as_ref().map_or(Ok(()), |detail| write!(f, ": {detail}"))
    }
}

impl std::error::Error for ServerError {}

/// A prepared statement.
pub struct Statement {
    name: String,
    parameters: Vec<Type>,
    columns: Vec<Type>,
}

fn type_of(oid: u32) -> Result<Type> {
    Type::from_oid(oid).ok_or_else(|| format!("the type with OID {oid} is not built in").into())
}

/// What a statement gave, until the next one is executed.
pub struct Rows<'a> {
    columns: &'a [Type],
    bodies: &'a [DataRowBody],
}

impl<'a> Rows<'a> {
    /// How many.
    pub fn len(&self) -> usize {
        self.bodies.len()
    }

    /// A row by its place.
    pub fn get(&self, index: usize) -> Option<Row<'a>> {
        self.bodies.get(index).map(|body| Row { columns: self.columns, body })
    }
}

/// A row, until the next statement is executed.
pub struct Row<'a> {
    columns: &'a [Type],
    body: &'a DataRowBody,
}

impl<'a> Row<'a> {
    /// The value of a column. Only this decodes it.
    pub fn get<T: FromSql<'a>>(&self, index: usize) -> Result<T> {
        let missing = || format!("there is no column {index}");
        let column = self.columns.get(index).ok_or_else(missing)?;
        if !T::accepts(column) {
            return Err(format!("column {index} has type {column}").into());
        }
        let range = self.body.ranges().nth(index)?.ok_or_else(missing)?;
        let buffer = self.body.buffer();
        T::from_sql_nullable(column, range.map(|range| &buffer[range]))
    }
}

/// Either kind of socket.
enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    fn connect(host: &Host, port: u16) -> Result<Stream> {
        match host {
            Host::Tcp(host) => {
                let stream = TcpStream::connect((host.as_str(), port))
                    .map_err(|error| format!("cannot connect to {host}:{port}: {error}"))?;
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
            Host::Unix(dir) => {
                let path = dir.join(format!(".s.PGSQL.{port}"));
                let stream = UnixStream::connect(&path)
                    .map_err(|error| format!("cannot connect to {}: {error}", path.display()))?;
                Ok(Stream::Unix(stream))
            }
        }
    }

    fn fd(&self) -> RawFd {
        match self {
            Stream::Tcp(stream) => stream.as_raw_fd(),
            Stream::Unix(stream) => stream.as_raw_fd(),
        }
    }

    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.read(into),
            Stream::Unix(stream) => stream.read(into),
        }
    }

    fn write_all(&mut self, from: &[u8]) -> std::io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.write_all(from),
            Stream::Unix(stream) => stream.write_all(from),
        }
    }
}

/// Tells when there is something to read.
struct Readiness {
    poll: Poll,
    events: Events,
}

impl Readiness {
    fn of(stream: &Stream) -> std::io::Result<Readiness> {
        let poll = Poll::new()?;
        poll.registry().register(&mut SourceFd(&stream.fd()), Token(0), Interest::READABLE)?;
        Ok(Readiness { poll, events: Events::with_capacity(1) })
    }

    /// Waits for bytes that arrived since the last time; whether they are the last ones.
    fn wait(&mut self) -> std::io::Result<bool> {
        self.poll.poll(&mut self.events, None)?;
        Ok(self.events.iter().any(Event::is_read_closed))
    }
}

/// The socket and its buffers.
struct Wire {
    stream: Stream,
    readiness: Readiness,
    /// Whether the last read may have left something, if only the end.
    more: bool,
    /// Whether nothing comes behind what is there.
    ends: bool,
    /// Messages to write at once.
    outgoing: BytesMut,
    /// Filled by each read.
    chunk: Box<[u8]>,
    /// Read and not parsed yet. Messages are slices of it; once they are gone it is used again, so
    /// that reading allocates nothing.
    incoming: BytesMut,
    /// Whether a transaction block is open, by the last answer.
    in_block: bool,
}

impl Wire {
    /// Where the next messages go.
    fn begin(&mut self) -> &mut BytesMut {
        self.outgoing.clear();
        &mut self.outgoing
    }

    fn receive(&mut self) -> Result<Message> {
        loop {
            if let Some(message) = Message::parse(&mut self.incoming)? {
                return Ok(message);
            }
            // Readiness is told once for what arrives. The socket blocks, so to read without need
            // does no harm.
            let ends = if self.more { Ok(self.ends) } else { self.readiness.wait() };
            match ends.and_then(|ends| Ok((ends, self.stream.read(&mut self.chunk)?))) {
                Ok((_, 0)) => return Err("the server closed the connection".into()),
                Ok((ends, count)) => {
                    self.ends = ends;
                    self.more = ends || count == self.chunk.len();
                    self.incoming.extend_from_slice(&self.chunk[..count]);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Sends what [`Wire::begin`] got and goes through the answer, to its ReadyForQuery. After an
    /// error that is not a [`ServerError`] the connection is of no more use.
    fn exchange(&mut self, mut each: impl FnMut(Message) -> Result<()>) -> Result<()> {
        self.stream.write_all(&self.outgoing)?;
        let mut refused: Option<ServerError> = None;
        loop {
            match self.receive() {
                Ok(Message::ReadyForQuery(body)) => {
                    self.in_block = body.status() != b'I';
                    return refused.map_or(Ok(()), |error| Err(error.into()));
                }
                Ok(Message::ErrorResponse(body)) => refused = Some(ServerError::read(&body)?),
                Ok(
                    Message::NoticeResponse(_)
                    | Message::NotificationResponse(_)
                    | Message::ParameterStatus(_),
                ) => {}
                Ok(message) => each(message)?,
                // A server that closes the connection says why before it does.
                Err(error) => return Err(refused.map_or(error, |refused| refused.into())),
            }
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        frontend::terminate(self.begin());
        // A courtesy: the server would notice the end of the connection, too.
        let _ = self.stream.write_all(&self.outgoing);
    }
}

/// A connection.
pub struct Client {
    wire: Wire,
    /// Those of the last statement.
    rows: Vec<DataRowBody>,
}

impl Client {
    /// Connects without a password.
    pub fn connect(url: &str) -> Result<Client> {
        let config: Config = url.parse()?;
        let host = config.get_hosts().first().ok_or("the URL has to name a host")?;
        let port = config.get_ports().first().copied().unwrap_or(DEFAULT_PORT);
        let user = config.get_user().ok_or("the URL has to name a user")?;
        let stream = Stream::connect(host, port)?;
        let mut wire = Wire {
            readiness: Readiness::of(&stream)?,
            stream,
            more: false,
            ends: false,
            outgoing: BytesMut::with_capacity(CHUNK_BYTES),
            chunk: vec![0; CHUNK_BYTES].into_boxed_slice(),
            incoming: BytesMut::with_capacity(2 * CHUNK_BYTES),
            in_block: false,
        };
        let mut parameters = vec![("client_encoding", "UTF8"), ("user", user)];
        parameters.extend(config.get_dbname().map(|name| ("database", name)));
        parameters.extend(config.get_options().map(|options| ("options", options)));
        frontend::startup_message(parameters, wire.begin())?;
        wire.exchange(|message| match message {
            Message::AuthenticationOk | Message::BackendKeyData(_) => Ok(()),
            _ => Err("the server wants a password; terminals need one that trusts them".into()),
        })?;
        Ok(Client { wire, rows: Vec::new() })
    }

    /// Prepares a statement under a name that no other one has.
    pub fn prepare(&mut self, name: &str, sql: &str) -> Result<Statement> {
        let out = self.wire.begin();
        frontend::parse(name, sql, [], out)?;
        frontend::describe(b'S', name, out)?;
        frontend::sync(out);
        let (mut parameters, mut columns) = (Vec::new(), Vec::new());
        self.wire.exchange(|message| {
            match message {
                Message::ParameterDescription(body) => {
                    let mut oids = body.parameters();
                    while let Some(oid) = oids.next()? {
                        parameters.push(type_of(oid)?);
                    }
                }
                Message::RowDescription(body) => {
                    let mut fields = body.fields();
                    while let Some(field) = fields.next()? {
                        columns.push(type_of(field.type_oid())?);
                    }
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(Statement { name: name.to_owned(), parameters, columns })
    }

    /// Executes a statement whose rows nobody wants.
    pub fn execute(&mut self, statement: &Statement, params: &[&(dyn ToSql + Sync)]) -> Result<()> {
        let Statement { name, parameters, .. } = statement;
        if params.len() != parameters.len() {
            let (given, wanted) = (params.len(), parameters.len());
            return Err(format!("{name} takes {wanted} parameters and got {given}").into());
        }
        // The messages of the last answer, so that their buffer can be used again.
        self.rows.clear();
        let out = self.wire.begin();
        let bound = frontend::bind(
            "",
            name,
            BINARY,
            params.iter().zip(parameters),
            |(&value, parameter), out| match value.to_sql_checked(parameter, out)? {
                IsNull::Yes => Ok(postgres_protocol::IsNull::Yes),
                IsNull::No => Ok(postgres_protocol::IsNull::No),
            },
            BINARY,
            out,
        );
        bound.map_err(|error| match error {
            BindError::Conversion(error) => error,
            BindError::Serialization(error) => Error::from(error),
        })?;
        frontend::execute("", 0, out)?;
        frontend::sync(out);
        let rows = &mut self.rows;
        self.wire.exchange(|message| {
            if let Message::DataRow(body) = message {
                rows.push(body);
            }
            Ok(())
        })
    }

    /// Executes a statement that gives rows.
    pub fn query<'a>(
        &'a mut self,
        statement: &'a Statement,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Rows<'a>> {
        self.execute(statement, params)?;
        Ok(Rows { columns: &statement.columns, bodies: &self.rows })
    }

    /// Executes a statement that gives a row or none.
    pub fn query_opt<'a>(
        &'a mut self,
        statement: &'a Statement,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row<'a>>> {
        let rows = self.query(statement, params)?;
        match rows.len() {
            0 | 1 => Ok(rows.get(0)),
            count => Err(format!("{} gave {count} rows instead of one", statement.name).into()),
        }
    }

    /// Executes a statement that gives one row.
    pub fn query_one<'a>(
        &'a mut self,
        statement: &'a Statement,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Row<'a>> {
        let row = self.query_opt(statement, params)?;
        row.ok_or_else(|| format!("{} gave no row", statement.name).into())
    }

    /// Executes what needs no preparing: beginnings and ends of transactions.
    pub fn simple_query(&mut self, sql: &str) -> Result<()> {
        self.rows.clear();
        frontend::query(sql, self.wire.begin())?;
        self.wire.exchange(|_| Ok(()))
    }

    /// Whether a transaction block is open.
    pub fn in_block(&self) -> bool {
        self.wire.in_block
    }
}
