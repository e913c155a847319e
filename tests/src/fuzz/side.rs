//! A server that statements run on, and what it says to each.

use std::time::Duration;

use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// What a statement came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Rows as text, NULLs apart from texts.
    Rows(Vec<Vec<Option<String>>>),
    /// SQLSTATE and message.
    Error(String, String),
    /// The connection ended.
    Lost,
    /// No answer, although the server had been told a time.
    Hang,
}

impl Outcome {
    /// The SQLSTATE of an error.
    pub fn code(&self) -> Option<&str> {
        match self {
            Outcome::Error(code, _) => Some(code),
            _ => None,
        }
    }
}

/// What the server is told to end a statement after.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);
/// What it may take until it has.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
const CONNECT_ATTEMPTS: u32 = 50;
const CONNECT_INTERVAL: Duration = Duration::from_millis(200);

/// A server, by its URL.
pub struct Side {
    url: String,
    client: Option<Client>,
}

impl Side {
    /// The server at a URL, which it connects to when there is something to run.
    pub fn new(url: &str) -> Side {
        Side { url: url.to_owned(), client: None }
    }

    async fn connect(&self) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await?;
        tokio::spawn(connection);
        let timeout = STATEMENT_TIMEOUT.as_millis();
        client
            .batch_execute(&format!("SET statement_timeout = {timeout}; SET timezone = 'UTC'"))
            .await?;
        Ok(client)
    }

    async fn client(&mut self) -> Option<&Client> {
        for _ in 0..CONNECT_ATTEMPTS {
            if self.client.as_ref().is_some_and(|client| !client.is_closed()) {
                break;
            }
            match self.connect().await {
                Ok(client) => self.client = Some(client),
                Err(_) => tokio::time::sleep(CONNECT_INTERVAL).await,
            }
        }
        self.client.as_ref()
    }

    /// Runs it. Without a connection it makes one first, a server that was lost having time to come back.
    pub async fn run(&mut self, sql: &str) -> Outcome {
        let Some(client) = self.client().await else { return Outcome::Lost };
        let Ok(result) = tokio::time::timeout(ANSWER_TIMEOUT, client.simple_query(sql)).await
        else {
            self.client = None;
            return Outcome::Hang;
        };
        match result {
            Ok(messages) => Outcome::Rows(messages.iter().filter_map(row).collect()),
            Err(error) => match error.as_db_error() {
                Some(error) => {
                    Outcome::Error(error.code().code().to_owned(), error.message().to_owned())
                }
                None => {
                    self.client = None;
                    Outcome::Lost
                }
            },
        }
    }
}

fn row(message: &SimpleQueryMessage) -> Option<Vec<Option<String>>> {
    match message {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect())
        }
        _ => None,
    }
}
