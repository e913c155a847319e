//! Each limit is reached: its SQLSTATE comes back, and the connection goes on. The limit of a
//! transaction's size is tested where it can be set, in `cairn-txn`.

use std::time::Duration;

use crate::wire::*;

/// Asks each and compares; collects what differs, with the start of the statement.
async fn check_answers(server: &Server, cases: &[(String, &str)]) {
    let mut wire = server.connect().await;
    let mut wrong = Vec::new();
    for (sql, expected) in cases {
        let found = wire.ask(sql).await;
        if found != *expected {
            let start: String = sql.chars().take(60).collect();
            wrong.push(format!("{start}\n  expected {expected}\n  found    {found}"));
        }
        if found.ends_with("end") || found.ends_with("silence") {
            break;
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(wire.ask("SELECT 1").await, "T1 D1 SELECT_1 ZI");
}

/// Connects until there is room: a place is free a moment after its connection has ended.
async fn connect_when_free(server: &Server) -> Option<Wire> {
    for _ in 0..200 {
        let mut wire = server.open().await;
        wire.send(&startup(VERSION, USER)).await;
        if wire.read(3).await == "R K ZI" {
            return Some(wire);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    None
}

#[tokio::test]
async fn connections() {
    let server = Server::start(&["--max-connections", "2"]);
    let mut first = connect_when_free(&server).await.unwrap();
    let mut second = connect_when_free(&server).await.unwrap();
    for _ in 0..5 {
        let mut third = server.open().await;
        third.send(&startup(VERSION, USER)).await;
        assert_eq!(third.read(2).await, "FATAL:53300 end");
    }
    // Those within go on, and a cancel request needs no place.
    assert_eq!(first.ask("SELECT 1").await, "T1 D1 SELECT_1 ZI");
    let mut canceling = server.open().await;
    canceling.send(&second.cancel_request(0)).await;
    assert_eq!(canceling.read(1).await, "end");
    assert_eq!(second.ask("SELECT 1").await, "T1 D1 SELECT_1 ZI");
    drop(first);
    assert!(connect_when_free(&server).await.is_some(), "the place is free again");
}

/// PostgreSQL 15 counts a connection from its startup packet on. Else whoever connects and says
/// nothing keeps everyone out.
#[tokio::test]
async fn connections_that_say_nothing_take_no_place() {
    let server = Server::start(&["--max-connections", "2"]);
    let _silent = [server.open().await, server.open().await];
    // Once this one is refused or served the two before it have been accepted.
    assert!(connect_when_free(&server).await.is_some());
}

#[tokio::test]
async fn portals_and_prepared_statements() {
    let server = Server::start(&[]);
    let mut wire = server.connect().await;
    let portals: Vec<u8> = (0..10_001).flat_map(|n| bind(&format!("p{n}"), "")).collect();
    wire.send(&[query("BEGIN"), parse("", "SELECT 1"), portals, sync()].concat()).await;
    assert_eq!(wire.read(3).await, "BEGIN ZT 1");
    assert_eq!(wire.read(10_000).await, "2 ".repeat(10_000).trim_end());
    assert_eq!(wire.read(2).await, "54000 ZE");
    assert_eq!(wire.ask("ROLLBACK").await, "ROLLBACK ZI");
    let statements: Vec<u8> =
        (0..10_001).flat_map(|n| parse(&format!("s{n}"), "SELECT 1")).collect();
    wire.send(&[statements, sync()].concat()).await;
    assert_eq!(wire.read(10_000).await, "1 ".repeat(10_000).trim_end());
    assert_eq!(wire.read(2).await, "54000 ZI");
    // One less makes room for one more.
    let again = [about(b'C', b'S', "s0"), parse("one more", "SELECT 1"), sync()].concat();
    wire.send(&again).await;
    assert_eq!(wire.read(3).await, "3 1 ZI");
}

#[tokio::test]
async fn parameters() {
    let server = Server::start(&[]);
    let mut wire = server.connect().await;
    let types = 23i32.to_be_bytes().repeat(65_535);
    let parse_typed = message(b'P', &[&b"\0SELECT $65535, $1\0\xff\xff"[..], &types].concat());
    let values = vec![&b"1"[..]; 65_535];
    let bind = bind_values("", "", &[], &values, &[]);
    wire.send(&[parse_typed, bind, execute("", 0), sync()].concat()).await;
    assert_eq!(wire.read(5).await, "1 2 D2 SELECT_1 ZI");
    for number in ["0", "65536", "2147483648", "99999999999999999999"] {
        let found = wire.ask(&format!("SELECT ${number}")).await;
        assert_eq!(found, "42P02 ZI", "${number}");
    }
}

#[tokio::test]
async fn bytes_of_messages_statements_and_lines() {
    let server = Server::start(&[]);
    let mut wire = server.connect().await;
    assert_eq!(wire.ask("CREATE TABLE t (s text)").await, "CREATE_TABLE ZI");
    // A line of COPY data: 64 MiB.
    wire.send(&query("COPY t FROM STDIN")).await;
    assert_eq!(wire.read(1).await, "G");
    let piece = message(b'd', &vec![b'x'; 1 << 20]);
    for _ in 0..65 {
        wire.send(&piece).await;
    }
    wire.send(&message(b'c', b"")).await;
    assert_eq!(wire.read(2).await, "54000 ZI");
    assert_eq!(wire.ask("SELECT count(*) FROM t").await, "T1 D1 SELECT_1 ZI");
    // A statement: 256 MiB.
    assert_eq!(wire.ask(&format!("SELECT 1 --{}", "x".repeat(256 << 20))).await, "54000 ZI");
    // A message: 1 GiB. Its head is enough, and nothing is set aside for the rest.
    wire.send(&header(b'd', 1 << 30)).await;
    let answer = wire.read(2).await;
    assert!(answer.ends_with("end"), "{answer}");
    // Just below, the server waits for what was promised, and the client leaves.
    for _ in 0..100 {
        server.connect().await.send(&header(b'Q', (1 << 30) - 1)).await;
    }
    assert!(server.serves().await);
}

fn numbered(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn columns_and_arguments() {
    let server = Server::start(&[]);
    let columns = |count| numbered(count, |n| format!("c{n} int"));
    let names = |count| numbered(count, |n| format!("c{n}"));
    let ones = |count| numbered(count, |_| "1".to_owned());
    let aliased = |name: &str| numbered(1_000, |n| format!("1 AS {name}{n}"));
    check_answers(
        &server,
        &[
            (format!("CREATE TABLE wide ({})", columns(1_601)), "54011 ZI"),
            (format!("CREATE TABLE wide ({})", columns(1_600)), "CREATE_TABLE ZI"),
            ("INSERT INTO wide (c1599) VALUES (1)".to_owned(), "INSERT_0_1 ZI"),
            ("SELECT c0, c1599 FROM wide".to_owned(), "T2 D2 SELECT_1 ZI"),
            ("SELECT a.*, b.c1 FROM wide a, wide b".to_owned(), "T1601 D1601 SELECT_1 ZI"),
            ("SELECT * FROM wide a, wide b".to_owned(), "54011 ZI"),
            (format!("SELECT {}", ones(1_664)), "T1664 D1664 SELECT_1 ZI"),
            (format!("SELECT {}", ones(1_665)), "54011 ZI"),
            (format!("VALUES ({})", ones(1_665)), "54011 ZI"),
            (
                format!("SELECT * FROM (SELECT {}) a, (SELECT {}) b", aliased("a"), aliased("b")),
                "54011 ZI",
            ),
            (format!("DELETE FROM wide RETURNING {}", ones(1_665)), "54011 ZI"),
            (format!("CREATE INDEX ON wide ({})", names(32)), "CREATE_INDEX ZI"),
            (format!("CREATE INDEX ON wide ({})", names(33)), "54011 ZI"),
            (format!("SELECT concat({})", ones(100)), "T1 D1 SELECT_1 ZI"),
            (format!("SELECT concat({})", ones(101)), "54023 ZI"),
            // Not a function, so without that limit.
            (format!("SELECT coalesce({})", ones(1_000)), "T1 D1 SELECT_1 ZI"),
        ],
    )
    .await;
}

#[tokio::test]
async fn sizes_of_values() {
    let server = Server::start(&[]);
    let sized = |kind: &str| (format!("CREATE TABLE t (a {kind})"), "22023 ZI");
    let number = |sql: &str| (format!("SELECT length(({sql})::text)"), "22003 ZI");
    let name = "n".repeat(64);
    check_answers(
        &server,
        &[
            ("SELECT length(repeat('x', 2000000000))".to_owned(), "54000 ZI"),
            ("SELECT length(lpad('x', 2000000000))".to_owned(), "54000 ZI"),
            ("SELECT length(rpad('x', 2000000000))".to_owned(), "54000 ZI"),
            (
                // 1.1 GB. Without a limit a few more zeros would use up the memory.
                "SELECT length(replace(repeat('x', 11000), 'x', repeat('y', 100000)))".to_owned(),
                "54000 ZI",
            ),
            sized("varchar(10485761)"),
            sized("char(10485761)"),
            sized("varchar(0)"),
            sized("numeric(1001)"),
            sized("numeric(0)"),
            number("'1e131072'::numeric"),
            number("'1e2147483648'::numeric"),
            number("'1e131071'::numeric * 10"),
            number("10::numeric ^ 200000"),
            number("'1e-16384'::numeric"),
            number("9223372036854775807 + 1"),
            ("SELECT length('1e131071'::numeric::text)".to_owned(), "T1 D1 SELECT_1 ZI"),
            // A name is cut at 63 bytes, which PostgreSQL says.
            (format!("CREATE TABLE {name} (a int)"), "NOTICE:42622 CREATE_TABLE ZI"),
            (format!("DROP TABLE {}", &name[1..]), "DROP_TABLE ZI"),
        ],
    )
    .await;
}

/// Each of these would go on for long, or for ever.
#[tokio::test]
async fn timeouts() {
    let server = Server::start(&[]);
    let (mut holder, mut wire) = (server.connect().await, server.connect().await);
    assert_eq!(holder.ask("CREATE TABLE t (id int PRIMARY KEY)").await, "CREATE_TABLE ZI");
    let filled = "INSERT INTO t SELECT g FROM generate_series(1, 20000) g";
    assert_eq!(holder.ask(filled).await, "INSERT_0_20000 ZI");
    assert_eq!(holder.ask("BEGIN; DELETE FROM t WHERE id = 1").await, "BEGIN DELETE_1 ZT");
    assert_eq!(wire.ask("SET lock_timeout = 50").await, "SET ZI");
    assert_eq!(wire.ask("DELETE FROM t").await, "55P03 ZI");
    assert_eq!(wire.ask("SET lock_timeout = 0").await, "SET ZI");
    assert_eq!(wire.ask("SET statement_timeout = 50").await, "SET ZI");
    assert_eq!(wire.ask("DELETE FROM t").await, "57014 ZI");
    wire.send(&[run("DELETE FROM t"), run("SELECT 1"), sync()].concat()).await;
    assert_eq!(wire.read(4).await, "1 2 57014 ZI");
    for sql in [
        "SELECT count(*) FROM generate_series(1, 1000000000)",
        "SELECT sum(a.id) FROM t a, t b, t c WHERE a.id + b.id + c.id = 7",
        "SELECT sum(a.id + b.id) FROM t a, generate_series(1, 1000000000) b (id)",
    ] {
        let answer = wire.ask(sql).await;
        // Behind the description of the rows, or not.
        assert_eq!(answer.trim_start_matches("T1 "), "57014 ZI", "{sql}");
    }
    // A transaction that waits for its client gives way, with its locks.
    let mut idle = server.connect().await;
    assert_eq!(idle.ask("SET idle_in_transaction_session_timeout = 50").await, "SET ZI");
    assert_eq!(idle.ask("BEGIN; DELETE FROM t WHERE id = 2").await, "BEGIN DELETE_1 ZT");
    assert_eq!(idle.read(2).await, "FATAL:25P03 end");
    assert_eq!(holder.ask("DELETE FROM t WHERE id = 2").await, "DELETE_1 ZT");
    assert_eq!(holder.ask("ROLLBACK").await, "ROLLBACK ZI");
    assert_eq!(wire.ask("SET statement_timeout = 0").await, "SET ZI");
    assert_eq!(wire.ask("SELECT count(*) FROM t").await, "T1 D1 SELECT_1 ZI");
}
