//! The terminals' client against a server that gives canned answers.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use tokio_postgres::error::SqlState;

use super::Error;
use super::client::{Client, ServerError};

const INT4: u32 = 23;
const BPCHAR: u32 = 1042;
/// AuthenticationOk.
const TRUSTED: [u8; 4] = [0; 4];

/// Messages to the server: their tags and bodies.
type Sent = Vec<(u8, Vec<u8>)>;

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32 + 4).to_be_bytes();
    [[tag].as_slice(), &length, body].concat()
}

fn ready(status: u8) -> Vec<u8> {
    message(b'Z', &[status])
}

fn data_row(values: &[Option<&[u8]>]) -> Vec<u8> {
    let mut body = (values.len() as u16).to_be_bytes().to_vec();
    for value in values {
        let length = value.map_or(-1, |value| value.len() as i32);
        body.extend(length.to_be_bytes());
        body.extend(value.unwrap_or_default());
    }
    message(b'D', &body)
}

fn refusal(code: &str, text: &str) -> Vec<u8> {
    message(b'E', format!("SERROR\0C{code}\0M{text}\0Dwhy\0\0").as_bytes())
}

/// Of a statement with an int4 as its parameter and in its columns, and a char.
fn prepared() -> Vec<u8> {
    let parameters = [[0u8, 1].as_slice(), &INT4.to_be_bytes()].concat();
    let mut columns = vec![0u8, 2];
    for (name, oid) in [("id", INT4), ("note", BPCHAR)] {
        columns.extend(name.as_bytes());
        // The end of the name, the column's table and number.
        columns.extend([0; 7]);
        columns.extend(oid.to_be_bytes());
        // Length, modifier and format.
        columns.extend([0; 8]);
    }
    [message(b'1', &[]), message(b't', &parameters), message(b'T', &columns), ready(b'I')].concat()
}

fn rows(rows: &[Vec<u8>]) -> Vec<u8> {
    [message(b'2', &[]), rows.concat(), message(b'C', b"SELECT\0"), ready(b'T')].concat()
}

fn read(stream: &mut TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

fn body(stream: &mut TcpStream) -> Vec<u8> {
    let length = u32::from_be_bytes(read(stream, 4).try_into().unwrap());
    read(stream, length as usize - 4)
}

/// Answers the startup, and then each Sync or Query; gives what it was sent.
fn serve(answers: Vec<Vec<u8>>) -> (String, JoinHandle<Sent>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut sent = Vec::new();
        for (index, answer) in answers.iter().enumerate() {
            if index == 0 {
                sent.push((0, body(&mut stream)));
            } else {
                loop {
                    let tag = read(&mut stream, 1)[0];
                    sent.push((tag, body(&mut stream)));
                    if matches!(tag, b'S' | b'Q') {
                        break;
                    }
                }
            }
            stream.write_all(answer).unwrap();
        }
        sent
    });
    (format!("postgresql://someone@127.0.0.1:{port}/shop"), server)
}

fn welcome() -> Vec<u8> {
    [message(b'R', &TRUSTED), message(b'S', b"server_version\x0015\0"), ready(b'I')].concat()
}

fn code(error: &Error) -> Option<&SqlState> {
    error.downcast_ref::<ServerError>().map(|error| &error.code)
}

#[test]
fn rows_are_read() {
    let two = [
        data_row(&[Some(&[0, 0, 0, 7]), Some(b"ab")]),
        data_row(&[Some(&[255, 255, 255, 255]), None]),
    ];
    let answers = vec![welcome(), prepared(), rows(&two), rows(&two[..1]), rows(&[]), rows(&two)];
    let (url, server) = serve(answers);
    let mut client = Client::connect(&url).unwrap();
    let statement = client.prepare("some", "SELECT").unwrap();
    assert!(!client.in_block());
    let found = client.query(&statement, &[&1i32]).unwrap();
    assert_eq!(found.len(), 2);
    let (first, second) = (found.get(0).unwrap(), found.get(1).unwrap());
    assert_eq!((first.get::<i32>(0).unwrap(), first.get::<&str>(1).unwrap()), (7, "ab"));
    assert_eq!(second.get::<i32>(0).unwrap(), -1);
    assert_eq!(second.get::<Option<String>>(1).unwrap(), None);
    assert!(second.get::<String>(1).is_err(), "it is null");
    assert!(first.get::<i64>(0).is_err(), "it is an int4");
    assert!(first.get::<i32>(2).is_err(), "there are two columns");
    assert!(client.in_block());
    assert_eq!(client.query_one(&statement, &[&2i32]).unwrap().get::<i32>(0).unwrap(), 7);
    assert!(client.query_opt(&statement, &[&3i32]).unwrap().is_none());
    assert!(client.query_one(&statement, &[&4i32]).is_err(), "there are two rows");
    // Neither is sent.
    assert!(client.execute(&statement, &[]).is_err(), "it has a parameter");
    assert!(client.execute(&statement, &[&5i64]).is_err(), "the parameter is an int4");
    let sent = server.join().unwrap();
    let tags: Vec<u8> = sent.iter().map(|(tag, _)| *tag).collect();
    assert_eq!(tags, b"\0PDSBESBESBESBES");
    assert!(sent[0].1.ends_with(b"user\0someone\0database\0shop\0\0"));
    // The portal, the statement, one format, one value, one format.
    assert_eq!(sent[4].1, b"\0some\0\0\x01\0\x01\0\x01\0\0\0\x04\0\0\0\x01\0\x01\0\x01");
}

#[test]
fn errors_keep_their_code() {
    let refused = [refusal("40001", "again"), ready(b'E')].concat();
    let done = [message(b'C', b"ROLLBACK\0"), ready(b'I')].concat();
    let closing = refusal("57P01", "shutting down");
    let (url, server) = serve(vec![welcome(), prepared(), refused, done, closing]);
    let mut client = Client::connect(&url).unwrap();
    let statement = client.prepare("some", "SELECT").unwrap();
    let error = client.execute(&statement, &[&1i32]).unwrap_err();
    assert_eq!(code(&error), Some(&SqlState::T_R_SERIALIZATION_FAILURE));
    assert_eq!(error.to_string(), "again (40001): why");
    assert!(client.in_block());
    client.simple_query("ROLLBACK").unwrap();
    assert!(!client.in_block());
    // Behind this one the server closes the connection.
    let error = client.execute(&statement, &[&1i32]).unwrap_err();
    assert_eq!(code(&error), Some(&SqlState::ADMIN_SHUTDOWN));
    assert!(client.simple_query("COMMIT").is_err());
    server.join().unwrap();
}

#[test]
fn long_answers_are_read_whole() {
    // Longer than what is read at a time, and than the buffer.
    let note = vec![b'x'; 100_000];
    let row = data_row(&[Some(&[0, 0, 0, 7]), Some(&note)]);
    let long = rows(&[row.clone(), row.clone(), row]);
    let (url, server) = serve(vec![welcome(), prepared(), long.clone(), long]);
    let mut client = Client::connect(&url).unwrap();
    let statement = client.prepare("some", "SELECT").unwrap();
    for _ in 0..2 {
        let found = client.query(&statement, &[&1i32]).unwrap();
        assert_eq!(found.len(), 3);
        assert_eq!(found.get(2).unwrap().get::<&str>(1).unwrap().len(), note.len());
    }
    server.join().unwrap();
}

#[test]
fn connections_need_trust() {
    let (url, server) = serve(vec![message(b'R', &[0, 0, 0, 3])]);
    let error = Client::connect(&url).err().unwrap();
    assert!(error.to_string().contains("password"), "{error}");
    server.join().unwrap();
    let (url, server) = serve(vec![refusal("28000", "no such role")]);
    let error = Client::connect(&url).err().unwrap();
    assert_eq!(code(&error), Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION));
    server.join().unwrap();
    for url in ["postgresql://%2Ftmp/shop?user=someone", "postgresql://127.0.0.1/shop"] {
        assert!(Client::connect(url).is_err(), "{url}");
    }
}
