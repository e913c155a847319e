//! Bulk loading: COPY by one connection, and INSERTs of many rows by several.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::SinkExt;
use tokio_postgres::Client;

use super::timed::{Latency, Timed, histogram};
use crate::tpcc::{Error, Result, connect};

/// Bytes handed over at a time.
const CHUNK_BYTES: usize = 64 << 10;
/// Connections that insert.
const CONNECTIONS: u32 = 8;
/// Rows of an INSERT.
const ROWS_PER_INSERT: u32 = 100;
/// Keys of a connection of its own.
const KEYS_PER_CONNECTION: u32 = 200_000_000;
/// As wide as the column, because blanks would be stored for less.
const FILLER: &str =
    "cairn-compare-cairn-compare-cairn-compare-cairn-compare-cairn-compare-cairn-compare-";

/// Makes an empty table like pgbench_accounts.
pub async fn reset(url: &str) -> Result<()> {
    let client = connect(url).await?;
    client.batch_execute("DROP TABLE IF EXISTS bulk_rows").await?;
    let create = "CREATE TABLE bulk_rows \
                  (aid int PRIMARY KEY, bid int, abalance int, filler char(84))";
    Ok(client.batch_execute(create).await?)
}

/// Sends rows, each in COPY's text format without the line's end; gives how many arrived.
pub async fn copy_in(
    client: &Client,
    table: &str,
    rows: impl Iterator<Item = String>,
) -> Result<u64> {
    let statement = format!("COPY {table} FROM STDIN");
    let sink = client.copy_in(statement.as_str()).await?;
    let mut sink = std::pin::pin!(sink);
    let mut chunk = String::new();
    for row in rows {
        chunk.push_str(&row);
        chunk.push('\n');
        if chunk.len() >= CHUNK_BYTES {
            sink.send(Bytes::from(std::mem::take(&mut chunk))).await?;
        }
    }
    if !chunk.is_empty() {
        sink.send(Bytes::from(chunk)).await?;
    }
    Ok(sink.finish().await?)
}

/// Fills the empty table by one COPY.
pub async fn copy(url: &str, rows: u32) -> Result<Timed> {
    let client = connect(url).await?;
    let started = Instant::now();
    let lines = (1..=rows).map(|aid| format!("{aid}\t1\t0\t{FILLER}"));
    let arrived = copy_in(&client, "bulk_rows", lines).await?;
    let elapsed_s = started.elapsed().as_secs_f64();
    if arrived != u64::from(rows) {
        return Err(format!("COPY sent {rows} rows, and {arrived} arrived").into());
    }
    Ok(Timed {
        throughput: f64::from(rows) / elapsed_s,
        operations: arrived,
        latency: None,
        aborts: None,
    })
}

fn insert_statement(first: u32) -> String {
    let rows = first..first + ROWS_PER_INSERT;
    let rows: Vec<String> = rows.map(|aid| format!("({aid}, 1, 0, '{FILLER}')")).collect();
    format!("INSERT INTO bulk_rows (aid, bid, abalance, filler) VALUES {}", rows.join(", "))
}

/// Inserts into the empty table for a time, in rising keys apart for each connection.
pub async fn insert(url: &str, duration_s: u64) -> Result<Timed> {
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(connect(url).await?);
    }
    let (started, duration) = (Instant::now(), Duration::from_secs(duration_s));
    let mut tasks = Vec::new();
    for (connection, client) in (0..CONNECTIONS).zip(clients) {
        tasks.push(tokio::spawn(async move {
            let mut latencies_us = histogram()?;
            let mut first = connection * KEYS_PER_CONNECTION + 1;
            while started.elapsed() < duration {
                let statement = insert_statement(first);
                first += ROWS_PER_INSERT;
                let begun = Instant::now();
                client.batch_execute(&statement).await?;
                latencies_us.saturating_record(begun.elapsed().as_micros() as u64);
            }
            Ok::<_, Error>(latencies_us)
        }));
    }
    let mut latencies_us = histogram()?;
    for task in tasks {
        latencies_us.add(task.await??)?;
    }
    let rows = latencies_us.len() * u64::from(ROWS_PER_INSERT);
    Ok(Timed {
        throughput: rows as f64 / started.elapsed().as_secs_f64(),
        operations: rows,
        latency: Latency::of(&latencies_us),
        aborts: None,
    })
}
