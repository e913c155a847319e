//! COPY of more than a transaction may hold in memory, in and out.

use std::path::Path;

use cairn_tests::Cairn;

use crate::connect;
use crate::wire::*;

const ROWS: u32 = 40_000;

/// Lines of about 110 bytes, in an order that is not the key's.
fn lines(first: u32) -> Vec<u8> {
    let line = |n: u32| format!("{}\t{n}\t{}\n", first + n * 7 % ROWS, "x".repeat(100));
    (0..ROWS).map(line).collect::<String>().into_bytes()
}

fn files(data: &Path) -> usize {
    std::fs::read_dir(data.join("spill")).unwrap().count()
}

/// Sends a COPY in messages of 64 KiB, and how it ends.
async fn copy(wire: &mut Wire, data: &[u8], end: Vec<u8>) -> String {
    wire.send(&query("COPY t FROM STDIN")).await;
    assert_eq!(wire.read(1).await, "G");
    for piece in data.chunks(64 << 10) {
        wire.send(&message(b'd', piece)).await;
    }
    wire.send(&end).await;
    wire.read(2).await
}

async fn count(cairn: &Cairn) -> (i64, i64) {
    let client = connect(cairn).await;
    let row = client.query_one("SELECT count(*), sum(n) FROM t", &[]).await.unwrap();
    (row.get(0), row.get::<_, Option<i64>>(1).unwrap_or(0))
}

#[tokio::test]
async fn a_copy_goes_through_files_and_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let cairn = Cairn::start(&data, &["--spill-mib", "1"]);
    let mut wire = Wire::connect(cairn.port).await;
    let table = "CREATE TABLE t (id int PRIMARY KEY, n int UNIQUE, s text)";
    assert_eq!(wire.ask(table).await, "CREATE_TABLE ZI");
    let sum = i64::from(ROWS) * i64::from(ROWS - 1) / 2;
    let done = || message(b'c', b"");
    // Given up: nothing stays.
    let given_up = copy(&mut wire, &lines(0), message(b'f', b"why\0")).await;
    assert_eq!(given_up, "57014 ZI");
    assert_eq!(files(&data), 0);
    assert_eq!(copy(&mut wire, &lines(0), done()).await, "COPY_40000 ZI");
    assert_eq!(files(&data), 0);
    assert_eq!(count(&cairn).await, (i64::from(ROWS), sum));
    // The same once more: its keys are there.
    assert_eq!(copy(&mut wire, &lines(0), done()).await, "23505 ZI");
    // In a block, with a savepoint that takes a part back, into a table that has rows.
    assert_eq!(wire.ask("BEGIN").await, "BEGIN ZT");
    assert_eq!(wire.ask("DELETE FROM t WHERE id < 30000").await, "DELETE_30000 ZT");
    assert_eq!(wire.ask("SAVEPOINT a").await, "SAVEPOINT ZT");
    assert_eq!(wire.ask("DELETE FROM t").await, "DELETE_10000 ZT");
    assert_eq!(copy(&mut wire, &lines(100_000), done()).await, "COPY_40000 ZT");
    assert_eq!(wire.ask("ROLLBACK TO a").await, "ROLLBACK ZT");
    assert_eq!(wire.ask("COMMIT").await, "COMMIT ZI");
    cairn.kill();
    let cairn = Cairn::start(&data, &[]);
    assert_eq!(count(&cairn).await.0, 10_000);
}

#[tokio::test]
async fn lines_go_out_as_they_come_in() {
    let server = Server::start(&["--spill-mib", "1"]);
    let mut wire = server.connect().await;
    assert_eq!(wire.ask("CREATE TABLE t (id int, n int, s text)").await, "CREATE_TABLE ZI");
    let sent = lines(0);
    assert_eq!(copy(&mut wire, &sent, message(b'c', b"")).await, "COPY_40000 ZI");
    wire.send(&query("COPY t TO STDOUT WITH (HEADER)")).await;
    assert_eq!(wire.read(1).await, "H");
    let mut received = Vec::new();
    loop {
        match wire.next_message().await.unwrap() {
            (b'd', line) => received.extend(line),
            (kind, _) => {
                assert_eq!(kind, b'c');
                break;
            }
        }
    }
    assert_eq!(wire.read(2).await, "COPY_40000 ZI");
    let (header, received) = received.split_at(b"id\tn\ts\n".len());
    assert_eq!(header, b"id\tn\ts\n");
    // Ranges are read side by side: the rows come in any order.
    let sorted = |text: &[u8]| {
        let mut lines: Vec<Vec<u8>> = text.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
        lines.sort_unstable();
        lines
    };
    assert!(sorted(received) == sorted(&sent));
}
