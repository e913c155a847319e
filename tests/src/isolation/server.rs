//! A server under test, with a connection for each session and one to watch them.
//!
//! Whether a statement waits for another session is asked of the server, as PostgreSQL's own isolationtester does: by
//! `pg_isolation_test_session_is_blocked`. A server that has no such function is given time instead: what has
//! no answer by then is taken to wait.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// How long an answer is awaited before the server is asked whether the statement waits, and again.
const POLL: Duration = Duration::from_millis(3);
/// How long it is awaited if the server cannot be asked.
const PATIENCE: Duration = Duration::from_millis(100);

/// What a statement was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It did what it should.
    Done {
        /// Columns joined with `|`, in the order of their text: no order is promised where none is asked for.
        rows: Vec<String>,
        /// How many came or were changed.
        count: u64,
    },
    /// The SQLSTATE, or what the driver says if there is none.
    Failed(String),
}

impl Answer {
    /// The rows, if it has not failed.
    pub fn rows(self) -> Result<Vec<String>, String> {
        match self {
            Answer::Done { rows, .. } => Ok(rows),
            Answer::Failed(code) => Err(code),
        }
    }

    /// Whether it is an error of this SQLSTATE, or of a class if only its two letters are given.
    pub fn fails(&self, code: &str) -> bool {
        matches!(self, Answer::Failed(found) if found.starts_with(code))
    }
}

/// Connections to one server.
pub struct Server {
    control: Client,
    sessions: Vec<Arc<Client>>,
    pids: Vec<String>,
    /// Whether it can be asked who waits.
    tells_who_waits: bool,
}

async fn connect(url: &str) -> Result<Client, String> {
    let connected = tokio_postgres::connect(url, NoTls).await;
    let (client, connection) = connected.map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    Ok(client)
}

async fn ask(client: &Client, sql: &str) -> Answer {
    let messages = match client.simple_query(sql).await {
        Ok(messages) => messages,
        Err(error) => {
            let code = error.code().map(|code| code.code().to_owned());
            return Answer::Failed(code.unwrap_or_else(|| error.to_string()));
        }
    };
    let (mut rows, mut count) = (Vec::new(), 0);
    for message in messages {
        match message {
            SimpleQueryMessage::Row(row) => {
                let columns = (0..row.len()).map(|column| row.get(column).unwrap_or("null"));
                rows.push(columns.collect::<Vec<_>>().join("|"));
            }
            SimpleQueryMessage::CommandComplete(rows) => count = rows,
            _ => {}
        }
    }
    rows.sort();
    Answer::Done { rows, count }
}

impl Server {
    /// Connects `sessions` sessions, and one more.
    pub async fn connect(url: &str, is_cairn: bool, sessions: usize) -> Result<Server, String> {
        let control = connect(url).await?;
        let mut server =
            Server { control, sessions: Vec::new(), pids: Vec::new(), tells_who_waits: true };
        for _ in 0..sessions {
            let client = connect(url).await?;
            let pid = ask(&client, "SELECT pg_backend_pid()").await.rows()?;
            server.pids.push(pid.concat());
            if !is_cairn {
                // PostgreSQL looks for deadlocks only after this time, which is a second by default.
                ask(&client, "SET deadlock_timeout = '20ms'").await.rows()?;
            }
            server.sessions.push(Arc::new(client));
        }
        server.tells_who_waits = matches!(server.ask_who_waits(0).await, Answer::Done { .. });
        Ok(server)
    }

    /// Executes a statement beside all sessions.
    pub async fn execute(&self, sql: &str) -> Answer {
        ask(&self.control, sql).await
    }

    /// Executes a statement of a session, to its end.
    pub async fn execute_in(&self, session: usize, sql: &str) -> Answer {
        ask(&self.sessions[session], sql).await
    }

    /// Begins a statement of a session.
    pub fn start(&self, session: usize, sql: &str) -> JoinHandle<Answer> {
        let (client, sql) = (Arc::clone(&self.sessions[session]), sql.to_owned());
        tokio::spawn(async move { ask(&client, &sql).await })
    }

    /// How long to wait for an answer before asking [who waits](Server::waits).
    pub fn patience(&self) -> Duration {
        if self.tells_who_waits { POLL } else { PATIENCE }
    }

    async fn ask_who_waits(&self, session: usize) -> Answer {
        let (pid, pids) = (&self.pids[session], self.pids.join(","));
        let function = "pg_catalog.pg_isolation_test_session_is_blocked";
        self.execute(&format!("SELECT {function}({pid}, '{{{pids}}}')")).await
    }

    /// Whether a session, which has not answered for the time of [`Server::patience`], waits for another one.
    pub async fn waits(&self, session: usize) -> Result<bool, String> {
        if !self.tells_who_waits {
            return Ok(true);
        }
        Ok(self.ask_who_waits(session).await.rows()? == ["t"])
    }
}
