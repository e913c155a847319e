//! A server without a database: what `pgbench -S` costs when nothing is done.
//!
//! It reads pgbench's messages and sends the bytes that it expects, with blocking sockets and a
//! thread a connection. A server that speaks the protocol cannot cost less by much, so the distance
//! to it is what there is to gain. It knows what pgbench 15 sends, and no more.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use clap::Args;

use crate::tpcc::Result;

const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
/// Longest startup packet that is read.
const MAX_STARTUP_BYTES: usize = 10_000;

/// One column: abalance, an int4 in text.
const ROW_DESCRIPTION: &[u8] = b"\0\x01abalance\0\0\0\0\0\0\0\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0";
/// One parameter: an int4.
const PARAMETERS: &[u8] = b"\0\x01\0\0\0\x17";
/// The value 10, which is also the scale factor that pgbench asks for.
const ROW: &[u8] = b"\0\x01\0\0\0\x0210";
const TAG: &[u8] = b"SELECT 1\0";
const REFUSAL: &[u8] = b"SERROR\0VERROR\0C0A000\0Mthere are no catalogs here\0\0";

#[derive(Args)]
pub struct Floor {
    /// Address to listen on.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:5433")]
    listen: SocketAddr,
    /// Directory for a Unix socket in place of the address; its name has the address's port.
    #[arg(long, value_name = "DIR")]
    socket_dir: Option<PathBuf>,
}

/// Serves until the process ends.
pub fn run(options: &Floor) -> Result<()> {
    if let Some(dir) = &options.socket_dir {
        let path = dir.join(format!(".s.PGSQL.{}", options.listen.port()));
        let listener = UnixListener::bind(&path)
            .map_err(|error| format!("could not listen on {}: {error}", path.display()))?;
        for stream in listener.incoming() {
            start_thread(stream?)?;
        }
        return Ok(());
    }
    let listener = TcpListener::bind(options.listen)
        .map_err(|error| format!("could not listen on {}: {error}", options.listen))?;
    for stream in listener.incoming() {
        let stream = stream?;
        stream.set_nodelay(true)?;
        start_thread(stream)?;
    }
    Ok(())
}

fn start_thread(stream: impl Read + Write + Send + 'static) -> Result<()> {
    // A client that goes away ends its thread; there is nobody to tell.
    std::thread::Builder::new().spawn(move || drop(serve(stream)))?;
    Ok(())
}

fn serve(mut stream: impl Read + Write) -> io::Result<()> {
    if !start(&mut stream)? {
        return Ok(());
    }
    let mut chunk = [0; 8192];
    let (mut input, mut output) = (Vec::new(), Vec::new());
    loop {
        let count = stream.read(&mut chunk)?;
        if count == 0 {
            return Ok(());
        }
        input.extend_from_slice(chunk.get(..count).unwrap_or_default());
        let mut rest = input.as_slice();
        while let Some((kind, body, behind)) = next(rest) {
            if kind == b'X' {
                return Ok(());
            }
            answer(kind, body, &mut output);
            rest = behind;
        }
        let done = input.len() - rest.len();
        input.drain(..done);
        // One write for all that came in one read, as a good server does it.
        if !output.is_empty() {
            stream.write_all(&output)?;
            output.clear();
        }
    }
}

/// The handshake; false if the connection was for something else.
fn start(stream: &mut (impl Read + Write)) -> io::Result<bool> {
    loop {
        let mut head = [0; 8];
        stream.read_exact(&mut head)?;
        let [l0, l1, l2, l3, c0, c1, c2, c3] = head;
        let length = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
        let mut body = vec![0; length.saturating_sub(head.len()).min(MAX_STARTUP_BYTES)];
        stream.read_exact(&mut body)?;
        match u32::from_be_bytes([c0, c1, c2, c3]) {
            SSL_REQUEST | GSS_REQUEST => stream.write_all(b"N")?,
            version if version >> 16 == 3 => break,
            _ => return Ok(false),
        }
    }
    let mut output = Vec::new();
    put(&mut output, b'R', &[0; 4]);
    for (name, value) in [("server_version", "15.0"), ("client_encoding", "UTF8")] {
        put(&mut output, b'S', format!("{name}\0{value}\0").as_bytes());
    }
    put(&mut output, b'K', &[0; 8]);
    put(&mut output, b'Z', b"I");
    stream.write_all(&output)?;
    Ok(true)
}

/// The next whole message: its type, its body, and what is behind it.
fn next(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (head, rest) = input.split_first_chunk::<5>()?;
    let [kind, length @ ..] = *head;
    let length = (u32::from_be_bytes(length) as usize).checked_sub(4)?;
    let (body, behind) = rest.split_at_checked(length)?;
    Some((kind, body, behind))
}

fn put(output: &mut Vec<u8>, kind: u8, body: &[u8]) {
    output.push(kind);
    output.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
    output.extend_from_slice(body);
}

fn answer(kind: u8, body: &[u8], output: &mut Vec<u8>) {
    match kind {
        b'Q' => {
            // At first pgbench asks catalogs about partitions, and takes an error for "none".
            if body.windows(9).any(|part| part == b"partstrat") {
                put(output, b'E', REFUSAL);
            } else {
                put(output, b'T', ROW_DESCRIPTION);
                put(output, b'D', ROW);
                put(output, b'C', TAG);
            }
            put(output, b'Z', b"I");
        }
        b'P' => put(output, b'1', b""),
        b'B' => put(output, b'2', b""),
        b'D' => {
            if body.first() == Some(&b'S') {
                put(output, b't', PARAMETERS);
            }
            put(output, b'T', ROW_DESCRIPTION);
        }
        b'E' => {
            put(output, b'D', ROW);
            put(output, b'C', TAG);
        }
        b'C' => put(output, b'3', b""),
        b'S' => put(output, b'Z', b"I"),
        _ => {}
    }
}
