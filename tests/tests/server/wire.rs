//! A client that speaks raw bytes, so that it can also say what no driver would.
//!
//! What the server answers becomes a line of words, one a message: the message's type, with the
//! count of columns for `T`, `D` and `t`, the status for `Z`, the tag for a completion, and the
//! SQLSTATE for errors (`42601`, `FATAL:08P01`). `end` is the end of the connection, `silence`
//! an answer that did not come.

use std::time::Duration;

use cairn_tests::Cairn;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A guard against servers that hang; nothing depends on how long an answer takes.
const SILENCE: Duration = Duration::from_secs(20);

pub const VERSION: i32 = 3 << 16;
pub const SSL_REQUEST: i32 = 80_877_103;
pub const GSS_REQUEST: i32 = 80_877_104;
pub const CANCEL_REQUEST: i32 = 80_877_102;
pub const USER: &[(&str, &str)] = &[("user", "postgres"), ("database", "postgres")];

/// A throwaway server with its directory.
pub struct Server {
    cairn: Cairn,
    _dir: TempDir,
}

impl Server {
    pub fn start(args: &[&str]) -> Server {
        let dir = tempfile::tempdir().unwrap();
        Server { cairn: Cairn::start(&dir.path().join("data"), args), _dir: dir }
    }

    pub async fn open(&self) -> Wire {
        Wire::open(self.cairn.port).await
    }

    pub async fn connect(&self) -> Wire {
        Wire::connect(self.cairn.port).await
    }

    /// Whether a new connection is served.
    pub async fn serves(&self) -> bool {
        let Ok(stream) = TcpStream::connect(("127.0.0.1", self.cairn.port)).await else {
            return false;
        };
        let mut wire = Wire { stream, input: Vec::new(), key: [0; 8] };
        wire.send(&[startup(VERSION, USER), query("SELECT 1")].concat()).await;
        wire.read(7).await == "R K ZI T1 D1 SELECT_1 ZI"
    }
}

/// A packet before the session: its code and what follows.
pub fn packet(code: i32, rest: &[u8]) -> Vec<u8> {
    let length = i32::try_from(rest.len() + 8).unwrap();
    [&length.to_be_bytes()[..], &code.to_be_bytes(), rest].concat()
}

pub fn startup(version: i32, parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut rest = Vec::new();
    for (name, value) in parameters {
        rest.extend([name.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat());
    }
    rest.push(0);
    packet(version, &rest)
}

pub fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&header(kind, i32::try_from(body.len() + 4).unwrap())[..], body].concat()
}

/// The head of a message, which may lie about the length.
pub fn header(kind: u8, length: i32) -> Vec<u8> {
    [&[kind][..], &length.to_be_bytes()].concat()
}

fn text(string: &str) -> Vec<u8> {
    [string.as_bytes(), b"\0"].concat()
}

fn int16s(numbers: &[i16]) -> Vec<u8> {
    let mut bytes = (numbers.len() as u16).to_be_bytes().to_vec();
    bytes.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
    bytes
}

pub fn query(sql: &str) -> Vec<u8> {
    message(b'Q', &text(sql))
}

pub fn parse(name: &str, sql: &str) -> Vec<u8> {
    message(b'P', &[text(name), text(sql), vec![0, 0]].concat())
}

/// Bind without parameters.
pub fn bind(portal: &str, statement: &str) -> Vec<u8> {
    bind_values(portal, statement, &[], &[], &[])
}

pub fn bind_values(
    portal: &str,
    statement: &str,
    formats: &[i16],
    values: &[&[u8]],
    results: &[i16],
) -> Vec<u8> {
    let mut body = [text(portal), text(statement), int16s(formats)].concat();
    body.extend((values.len() as u16).to_be_bytes());
    for value in values {
        body.extend([&(value.len() as i32).to_be_bytes()[..], *value].concat());
    }
    body.extend(int16s(results));
    message(b'B', &body)
}

/// Describe (`D`) or Close (`C`) of a statement (`S`) or portal (`P`).
pub fn about(kind: u8, what: u8, name: &str) -> Vec<u8> {
    message(kind, &[vec![what], text(name)].concat())
}

pub fn execute(portal: &str, max_rows: i32) -> Vec<u8> {
    message(b'E', &[text(portal), max_rows.to_be_bytes().to_vec()].concat())
}

/// Parse, Bind and Execute of the unnamed statement.
pub fn run(sql: &str) -> Vec<u8> {
    [parse("", sql), bind("", ""), execute("", 0)].concat()
}

pub fn sync() -> Vec<u8> {
    message(b'S', b"")
}

pub fn flush() -> Vec<u8> {
    message(b'H', b"")
}

pub fn terminate() -> Vec<u8> {
    message(b'X', b"")
}

fn word(kind: u8, body: &[u8]) -> String {
    let symbol = char::from(kind);
    match (kind, body) {
        (b'E' | b'N', _) => {
            let field = |tag: u8| {
                let mut fields = body.split(|byte| *byte == 0);
                let found = fields.find_map(|field| field.strip_prefix(&[tag]));
                String::from_utf8_lossy(found.unwrap_or_default()).into_owned()
            };
            match field(b'S').as_str() {
                "ERROR" => field(b'C'),
                severity => format!("{severity}:{}", field(b'C')),
            }
        }
        (b'Z', [status]) => format!("Z{}", char::from(*status)),
        (b'C', [tag @ .., 0]) => String::from_utf8_lossy(tag).replace(' ', "_"),
        (b'T' | b't' | b'D', [high, low, ..]) => {
            format!("{symbol}{}", u16::from_be_bytes([*high, *low]))
        }
        _ => symbol.to_string(),
    }
}

/// A connection.
pub struct Wire {
    stream: TcpStream,
    input: Vec<u8>,
    /// Process id and secret, as in BackendKeyData.
    key: [u8; 8],
}

impl Wire {
    /// Without a startup packet.
    pub async fn open(port: u16) -> Wire {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("the server listens");
        stream.set_nodelay(true).unwrap();
        Wire { stream, input: Vec::new(), key: [0; 8] }
    }

    pub async fn connect(port: u16) -> Wire {
        let mut wire = Wire::open(port).await;
        wire.send(&startup(VERSION, USER)).await;
        assert_eq!(wire.read(3).await, "R K ZI");
        wire
    }

    /// The cancel request for this connection; `flip` spoils the secret.
    pub fn cancel_request(&self, flip: u8) -> Vec<u8> {
        let mut key = self.key;
        key[7] ^= flip;
        packet(CANCEL_REQUEST, &key)
    }

    /// A server that has hung up already shows in what is read.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// The answer to SSLRequest.
    pub async fn byte(&mut self) -> u8 {
        tokio::time::timeout(SILENCE, self.stream.read_u8()).await.expect("an answer").unwrap()
    }

    /// The next message; `None` at the end.
    pub async fn next_message(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some((head, rest)) = self.input.split_first_chunk::<5>() {
                let [kind, length @ ..] = *head;
                let length = u32::from_be_bytes(length) as usize - 4;
                if let Some(body) = rest.get(..length) {
                    let body = body.to_vec();
                    self.input.drain(..5 + length);
                    return Some((kind, body));
                }
            }
            match self.stream.read_buf(&mut self.input).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    async fn next_word(&mut self) -> String {
        loop {
            match tokio::time::timeout(SILENCE, self.next_message()).await {
                Err(_) => return "silence".into(),
                Ok(None) => return "end".into(),
                Ok(Some((b'S', _))) => {}
                Ok(Some((kind, body))) => {
                    if kind == b'K' {
                        self.key = body.as_slice().try_into().expect("a secret of four bytes");
                    }
                    return word(kind, &body);
                }
            }
        }
    }

    async fn read_until(&mut self, enough: impl Fn(&[String]) -> bool) -> String {
        let mut words = Vec::new();
        while !enough(&words) {
            words.push(self.next_word().await);
            if words.last().is_some_and(|word| word == "end" || word == "silence") {
                break;
            }
        }
        words.join(" ")
    }

    /// That many words, or fewer up to the end.
    pub async fn read(&mut self, count: usize) -> String {
        self.read_until(|words| words.len() >= count).await
    }

    /// Up to the ReadyForQuery of that number.
    pub async fn read_ready(&mut self, count: usize) -> String {
        let ready = |word: &&String| word.starts_with('Z');
        self.read_until(|words| words.iter().filter(ready).count() >= count).await
    }

    /// The answer to a query string.
    pub async fn ask(&mut self, sql: &str) -> String {
        self.send(&query(sql)).await;
        self.read_ready(1).await
    }
}

/// What is sent on a connection of its own, under a name, and the answer PostgreSQL 15 gives.
pub type Case = (&'static str, Vec<u8>, &'static str);

/// Runs cases and says which went wrong. Behind an answer that does not end the connection nothing
/// more may come, and it must go on.
pub async fn check(server: &Server, in_session: bool, cases: Vec<Case>) {
    let mut wrong = Vec::new();
    for (name, bytes, expected) in cases {
        let mut wire = match in_session {
            true => server.connect().await,
            false => server.open().await,
        };
        wire.send(&bytes).await;
        let mut found = wire.read(expected.split(' ').count()).await;
        if found == expected && !expected.ends_with("end") {
            wire.send(&query("")).await;
            let rest = wire.read(2).await;
            if !rest.starts_with("I Z") {
                found = format!("{found}, then {rest}");
            }
        }
        if found != expected {
            wrong.push(format!("{name}\n  expected {expected}\n  found    {found}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(server.serves().await, "the server is gone");
}
