//! From the first byte of a connection to a session: encryption requests, cancel requests, the
//! startup packet and its settings.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use cairn_sql::error::{Error, Report, Result, SqlState};
use cairn_sql::session::Session;
use pgwire::messages::startup::NegotiateProtocolVersion;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::connection::{Connection, Ended, Step, fatal};
use crate::frame::{self, Consequence, Fields};
use crate::listener::{Place, Server};
use crate::reply;
use crate::socket::Socket;

/// How long a client may take to start up.
const STARTUP_TIMEOUT: Duration = Duration::from_secs(60);

const SSL_REQUEST: i32 = 80_877_103;
const GSS_REQUEST: i32 = 80_877_104;
const CANCEL_REQUEST: i32 = 80_877_102;
const PROTOCOL_MAJOR: i32 = 3;

async fn refuse(socket: &mut Socket, report: &Report) -> Step<()> {
    let mut out = BytesMut::new();
    reply::error(&mut out, report, "FATAL")?;
    socket.write_all(&out).await?;
    Ok(socket.shutdown().await?)
}

/// Takes a connection to its session; `None` if there is to be none.
pub(crate) async fn start(server: &Arc<Server>, mut socket: Socket) -> Step<Option<Connection>> {
    let mut input = BytesMut::with_capacity(8 << 10);
    let started = tokio::time::timeout(STARTUP_TIMEOUT, startup(server, &mut socket, &mut input));
    let parameters = match started.await {
        Ok(Ok(Some(parameters))) => parameters,
        Ok(Ok(None)) => return Ok(None),
        Ok(Err(Ended::Malformed(error))) if error.consequence == Consequence::HangUp => {
            return Ok(None);
        }
        Ok(Err(Ended::Malformed(error))) => {
            let report = fatal(SqlState::ProtocolViolation, error.to_string());
            refuse(&mut socket, &report).await?;
            return Ok(None);
        }
        Ok(Err(error)) => return Err(error),
        Err(_) => return Ok(None),
    };
    match session(server, &parameters) {
        Ok((place, session)) => {
            if let Some(client) = socket.peer() {
                session.set_client(client);
            }
            Ok(Some(Connection::new(server, socket, input, session, place)))
        }
        Err(report) => {
            refuse(&mut socket, &report).await?;
            Ok(None)
        }
    }
}

/// The session that a startup packet asks for, and its place.
fn session(
    server: &Arc<Server>,
    parameters: &[(String, String)],
) -> std::result::Result<(Place, Session), Box<Report>> {
    let Some(place) = server.admit() else {
        let message = "sorry, too many clients already";
        return Err(fatal(SqlState::TooManyConnections, message).into());
    };
    let get = |name: &str| parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    let Some(user) = get("user") else {
        let message = "no PostgreSQL user name specified in startup packet";
        return Err(fatal(SqlState::InvalidAuthorizationSpecification, message).into());
    };
    let database = get("database").unwrap_or_else(|| user.clone());
    if user != "postgres" {
        let message = format!("role \"{user}\" does not exist");
        return Err(fatal(SqlState::InvalidAuthorizationSpecification, message).into());
    }
    if database != "postgres" {
        let message = format!("database \"{database}\" does not exist");
        return Err(fatal(SqlState::InvalidCatalogName, message).into());
    }
    let mut session = Session::new(server.database.clone(), &user, &database);
    for (name, value) in parameters {
        if matches!(name.as_str(), "user" | "database" | "replication") || name.starts_with("_pq_.")
        {
            continue;
        }
        let set = match name.as_str() {
            "options" => set_options(&mut session, value),
            name => session.settings_mut().set(name, Some(value)),
        };
        set.map_err(|error| Box::new(error.into_report()))?;
    }
    session.settings_mut().keep_as_defaults();
    Ok((place, session))
}

/// The words of `options`, between blanks. A backslash takes the next character as it is, so that a level
/// such as `repeatable\ read` is one word.
fn split_options(options: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = options.chars();
    while let Some(next) = rest.next() {
        match next {
            blank if blank.is_whitespace() => words.extend(word.take()),
            '\\' => word.get_or_insert_default().extend(rest.next()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    words
}

/// `-c name=value` and `--name=value`.
fn set_options(session: &mut Session, options: &str) -> Result<()> {
    let words = split_options(options);
    let mut words = words.iter().map(String::as_str);
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
        let Some((name, value)) = assignment.split_once('=') else {
            let message = format!("-c {assignment} requires a value");
            return Err(Error::new(SqlState::SyntaxError, message));
        };
        session.settings_mut().set(&name.replace('-', "_"), Some(value))?;
    }
    Ok(())
}

async fn unsupported_version(socket: &mut Socket, version: i32) -> Step<()> {
    let message = format!(
        "unsupported frontend protocol {}.{}: server supports 3.0 to 3.0",
        version >> 16,
        version & 0xffff
    );
    refuse(socket, &fatal(SqlState::FeatureNotSupported, message)).await
}

/// Reads startup packets until one starts a session; `None` if there is to be none.
async fn startup(
    server: &Server,
    socket: &mut Socket,
    input: &mut BytesMut,
) -> Step<Option<Vec<(String, String)>>> {
    let mut refused = Vec::new();
    loop {
        let Some(packet) = frame::next_startup(input)? else {
            if socket.read_buf(input).await? == 0 {
                return Ok(None);
            }
            continue;
        };
        let mut fields = Fields(&packet);
        match fields.int32()? {
            request @ (SSL_REQUEST | GSS_REQUEST) => {
                // Each kind of encryption may be asked for once; again it is taken for a version.
                if refused.contains(&request) {
                    unsupported_version(socket, request).await?;
                    return Ok(None);
                }
                refused.push(request);
                if !input.is_empty() {
                    // Whoever injected it must not get an answer.
                    return Ok(None);
                }
                socket.write_all(b"N").await?;
            }
            CANCEL_REQUEST => {
                if let (Ok(id), Ok(secret)) = (fields.int32(), fields.int32()) {
                    server.cancel((id, secret));
                }
                return Ok(None);
            }
            version if version >> 16 == PROTOCOL_MAJOR => {
                let mut parameters = Vec::new();
                loop {
                    let name = fields.string()?;
                    if name.is_empty() {
                        break;
                    }
                    parameters.push((name.to_owned(), fields.string()?.to_owned()));
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
                unsupported_version(socket, version).await?;
                return Ok(None);
            }
        }
    }
}
