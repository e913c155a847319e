//! A connection with its prepared statements, and what its errors mean.

use std::error::Error as _;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, NoTls, Statement};

use super::server::Server;
use crate::history::Level;

/// How long the server may take to come back.
const RECONNECT_TIMEOUT: Duration = Duration::from_secs(60);
const RECONNECT_PAUSE: Duration = Duration::from_millis(20);

/// Why a transaction or a part of it did not end well.
#[derive(Debug)]
pub(super) enum Failure {
    /// 40001.
    Serialization,
    /// 40P01.
    Deadlock,
    /// A key that is inserted is there (23505).
    Duplicate,
    /// The client changed its mind.
    GaveUp,
    /// The connection is gone.
    Lost,
    /// What must not happen.
    Unexpected(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        match error.code() {
            Some(&SqlState::T_R_SERIALIZATION_FAILURE) => Failure::Serialization,
            Some(&SqlState::T_R_DEADLOCK_DETECTED) => Failure::Deadlock,
            Some(&SqlState::UNIQUE_VIOLATION) => Failure::Duplicate,
            None if error.is_closed() || is_io(&error) => Failure::Lost,
            _ => Failure::Unexpected(describe(&error)),
        }
    }
}

/// A message that cannot be read is an error of the same type, and nothing that may happen.
fn is_io(error: &Error) -> bool {
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    let kind = source.map(io::Error::kind);
    kind.is_some_and(|kind| !matches!(kind, ErrorKind::InvalidData | ErrorKind::InvalidInput))
}

fn describe(error: &Error) -> String {
    match error.as_db_error() {
        Some(error) => format!("{} ({})", error.message(), error.code().code()),
        None => error.to_string(),
    }
}

/// As SQL spells a level.
pub(super) fn level_sql(level: Level) -> &'static str {
    match level {
        Level::ReadCommitted => "READ COMMITTED",
        Level::SnapshotIsolation => "REPEATABLE READ",
        Level::Serializable => "SERIALIZABLE",
    }
}

macro_rules! statements {
    ($($name:ident = $sql:literal;)*) => {
        pub(super) struct Statements { $(pub $name: Statement,)* }

        impl Statements {
            async fn prepare(client: &Client) -> Result<Statements, Error> {
                Ok(Statements { $($name: client.prepare($sql).await?,)* })
            }
        }
    };
}

// Lists by key and by range; cells by key, by range of keys, and by group through the index.
statements! {
    read_list = "SELECT v FROM lists WHERE k = $1";
    lock_list = "SELECT v FROM lists WHERE k = $1 FOR UPDATE";
    scan_lists = "SELECT k, v FROM lists WHERE k BETWEEN $1 AND $2";
    lock_lists = "SELECT k, v FROM lists WHERE k BETWEEN $1 AND $2 FOR SHARE";
    append = "UPDATE lists SET v = v || ',' || $2::text WHERE k = $1";
    append_seen = "UPDATE lists SET v = v || ',' || $2::text WHERE k = $1 RETURNING k, v";
    append_all = "UPDATE lists SET v = v || ',' || $3::text WHERE k BETWEEN $1 AND $2 RETURNING k, v";
    read_cell = "SELECT k, g, v FROM cells WHERE k = $1";
    lock_cell = "SELECT k, g, v FROM cells WHERE k = $1 FOR UPDATE";
    scan_cells = "SELECT k, g, v FROM cells WHERE k BETWEEN $1 AND $2";
    scan_groups = "SELECT k, g, v FROM cells WHERE g BETWEEN $1 AND $2";
    scan_group = "SELECT k, g, v FROM cells WHERE g = $1";
    lock_group = "SELECT k, g, v FROM cells WHERE g = $1 FOR UPDATE";
    write_cell = "UPDATE cells SET v = $2 WHERE k = $1 RETURNING g";
    insert_cell = "INSERT INTO cells (k, g, v) VALUES ($1, $2, $3)";
    delete_cell = "DELETE FROM cells WHERE k = $1 RETURNING v";
    move_cell = "UPDATE cells SET g = $3, v = $4 WHERE k = $1 AND g = $2";
}

/// See the module's head.
pub(super) struct Session {
    /// For what is not prepared.
    pub client: Client,
    pub statements: Statements,
}

impl Session {
    async fn try_connect(url: &str, level: Level) -> Result<Session, Error> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        // Its errors reach the client's own calls.
        tokio::spawn(connection);
        let level = level_sql(level).to_lowercase();
        client.batch_execute(&format!("SET default_transaction_isolation = '{level}'")).await?;
        let statements = Statements::prepare(&client).await?;
        Ok(Session { client, statements })
    }

    /// Connects as soon as the server is there. Statements outside of a block run at `level`.
    pub async fn connect(server: &Server, level: Level) -> Result<Session, Failure> {
        let started = Instant::now();
        loop {
            match Session::try_connect(&server.url(), level).await {
                Ok(session) => return Ok(session),
                // The tables are missing, say: waiting does not help.
                Err(error) if error.as_db_error().is_some() => return Err(error.into()),
                Err(error) if started.elapsed() > RECONNECT_TIMEOUT => {
                    let what = format!("the server did not come back: {}", describe(&error));
                    return Err(Failure::Unexpected(what));
                }
                Err(_) => tokio::time::sleep(RECONNECT_PAUSE).await,
            }
        }
    }

    /// The statement that begins a block.
    pub async fn begin(&self, level: Level, read_only: bool) -> Result<(), Failure> {
        let mode = if read_only { ", READ ONLY" } else { "" };
        let begin = format!("BEGIN ISOLATION LEVEL {}{mode}", level_sql(level));
        Ok(self.client.batch_execute(&begin).await?)
    }
}
