//! The protocol with hostile, broken and unusual input. Every expected answer is PostgreSQL 15's
//! to the same bytes.

use std::cell::Cell;
use std::time::Duration;

use crate::wire::*;

const FIVE: &str = "SELECT g FROM generate_series(1, 5) g";
const TABLE: &str = "CREATE TABLE t (id int PRIMARY KEY, s text)";

/// Whatever is wrong inside a message whose length is right is an error like any other: the
/// connection goes on behind Sync.
#[tokio::test]
async fn malformed_messages_are_errors_and_the_connection_goes_on() {
    let server = Server::start(&[]);
    let p = |sql: &str| parse("", sql);
    let synced = |kind: u8, body: &[u8]| [message(kind, body), sync()].concat();
    let bound = |body: &[u8]| [p("SELECT $1::int"), message(b'B', body), sync()].concat();
    let values = |formats: &[i16], values: &[&[u8]], results: &[i16]| {
        let bind = bind_values("", "", formats, values, results);
        [p("SELECT $1::int, 2, 3"), bind, execute("", 0), sync()].concat()
    };
    let text = |format: i16, value: &[u8]| {
        let bind = bind_values("", "", &[format], &[value], &[]);
        [p("SELECT $1::text"), bind, sync()].concat()
    };
    let binary = |kind: &str, value: &[u8]| {
        let bind = bind_values("", "", &[1], &[value], &[]);
        [p(&format!("SELECT $1::{kind}")), bind, execute("", 0), sync()].concat()
    };
    let cases: Vec<Case> = vec![
        ("query without terminator", message(b'Q', b"SELECT 1"), "08P01 ZI"),
        ("empty query message", message(b'Q', b""), "08P01 ZI"),
        ("query with a tail", message(b'Q', b"SELECT 1\0SELECT 2\0"), "08P01 ZI"),
        ("query not in UTF-8", message(b'Q', b"SELECT '\xff'\0"), "22021 ZI"),
        ("sync with a body", message(b'S', b"xxx"), "08P01 ZI"),
        ("flush with a body", synced(b'H', b"xxx"), "08P01 ZI"),
        ("parse without terminator", synced(b'P', b"abc"), "08P01 ZI"),
        ("parse cut in its count", synced(b'P', b"\0SELECT 1\0\0"), "08P01 ZI"),
        ("parse with too many types", synced(b'P', b"\0SELECT 1\0\xff\xff"), "08P01 ZI"),
        ("parse with a tail", synced(b'P', b"\0SELECT 1\0\0\0x"), "08P01 ZI"),
        ("parse not in UTF-8", synced(b'P', b"\0SELECT '\xff'\0\0\0"), "22021 ZI"),
        ("statement name not in UTF-8", synced(b'P', b"\xff\0SELECT 1\0\0\0"), "22021 ZI"),
        ("bind without counts", bound(b"\0\0"), "1 08P01 ZI"),
        ("bind with 65535 formats", bound(b"\0\0\xff\xff"), "1 08P01 ZI"),
        ("bind with 65535 values", bound(b"\0\0\0\0\xff\xff"), "1 08P01 ZI"),
        (
            "bind with 65535 result formats",
            bound(b"\0\0\0\0\0\x01\0\0\0\x011\xff\xff"),
            "1 08P01 ZI",
        ),
        ("bind with a value of 2 GiB", bound(b"\0\0\0\0\0\x01\x7f\xff\xff\xff1\0\0"), "1 08P01 ZI"),
        (
            "bind with a value of length -2",
            bound(b"\0\0\0\0\0\x01\xff\xff\xff\xfe\0\0"),
            "1 08P01 ZI",
        ),
        ("bind with a tail", bound(b"\0\0\0\0\0\x01\0\0\0\x011\0\0x"), "1 08P01 ZI"),
        ("bind with a parameter too few", values(&[], &[], &[]), "1 08P01 ZI"),
        ("bind with a parameter too many", values(&[], &[b"1", b"2"], &[]), "1 08P01 ZI"),
        ("bind with a format too many", values(&[0, 0], &[b"1"], &[]), "1 08P01 ZI"),
        ("bind with a result format too few", values(&[], &[b"1"], &[0, 0]), "1 08P01 ZI"),
        ("bind with parameter format 7", values(&[7], &[b"1"], &[]), "1 22023 ZI"),
        ("bind with result format 7", values(&[], &[b"1"], &[7]), "1 2 22023 ZI"),
        ("one format for all", values(&[0], &[b"1"], &[1]), "1 2 D3 SELECT_1 ZI"),
        ("text parameter not in UTF-8", text(0, b"\xff"), "1 22021 ZI"),
        ("binary text parameter not in UTF-8", text(1, b"\xff"), "1 22021 ZI"),
        ("text parameter with a zero byte", text(0, b"a\0b"), "1 22021 ZI"),
        ("a number that is none", values(&[], &[b"x"], &[]), "1 22P02 ZI"),
        ("binary int without bytes", binary("int", b""), "1 08P01 ZI"),
        ("binary int of 3 bytes", binary("int", b"123"), "1 08P01 ZI"),
        ("binary int of 5 bytes", binary("int", b"12345"), "1 22P03 ZI"),
        (
            "binary numeric with more digits than bytes",
            binary("numeric", b"\x7f\xff\xff\xff\0\0\0\0"),
            "1 08P01 ZI",
        ),
        (
            "binary numeric with a digit of 32767",
            binary("numeric", b"\0\x01\0\0\0\0\0\0\x7f\xff"),
            "1 22P03 ZI",
        ),
        ("binary time before midnight", binary("time", &[0xff; 8]), "1 22008 ZI"),
        (
            "binary timestamp past the last",
            binary("timestamp", b"\x7f\xff\xff\xff\0\0\0\0"),
            "1 22008 ZI",
        ),
        ("describe of neither", synced(b'D', b"Qx\0"), "08P01 ZI"),
        ("describe without body", synced(b'D', b""), "08P01 ZI"),
        ("close of neither", synced(b'C', b"Qx\0"), "08P01 ZI"),
        ("execute cut short", synced(b'E', b"\0\0"), "08P01 ZI"),
        // A function call answers for itself, without Sync. Which error depends on the function.
        ("function call cut short", message(b'F', b""), "08P01 ZI"),
    ];
    check(&server, true, cases).await;
}

/// Where the next message begins is unknown, so nothing can follow. PostgreSQL hangs up without
/// a word when it is the length that is wrong.
#[tokio::test]
async fn broken_framing_ends_the_connection() {
    let server = Server::start(&[]);
    let failed = || parse("", "nonsense");
    let cases: Vec<Case> = vec![
        ("length -1", header(b'Q', -1), "end"),
        ("length 3", header(b'Q', 3), "end"),
        ("length 0", header(b'S', 0), "end"),
        ("length 1 GiB", header(b'Q', 1 << 30), "end"),
        ("the greatest length", header(b'P', i32::MAX), "end"),
        ("the least length", header(b'B', i32::MIN), "end"),
        ("unknown type", message(b'~', b""), "FATAL:08P01 end"),
        ("type zero", message(0, b"abc"), "FATAL:08P01 end"),
        ("password nobody asked for", message(b'p', b"x\0"), "FATAL:08P01 end"),
        // What was already answered is not lost, and skipping to Sync is no excuse.
        ("after an answer", [query(""), message(b'~', b"")].concat(), "I ZI FATAL:08P01 end"),
        ("while skipping", [failed(), message(b'~', b"")].concat(), "42601 FATAL:08P01 end"),
        ("terminate", [query("SELECT 1"), terminate()].concat(), "T1 D1 SELECT_1 ZI end"),
        ("terminate behind an error", [failed(), sync(), terminate()].concat(), "42601 ZI end"),
    ];
    check(&server, true, cases).await;
}

#[tokio::test]
async fn the_extended_protocol_keeps_to_its_order() {
    let server = Server::start(&[]);
    let mut wire = server.connect().await;
    assert_eq!(wire.ask(TABLE).await, "CREATE_TABLE ZI");
    let e = execute;
    let s = sync;
    let one = || [parse("", "SELECT 1"), bind("p", "")].concat();
    let five = || [parse("", FIVE), bind("p", "")].concat();
    let insert = |id: i32| run(&format!("INSERT INTO t VALUES ({id})"));
    let ids = || query("SELECT id FROM t WHERE id < 10");
    let cases: Vec<Case> = vec![
        ("unknown portal", [e("nope", 0), s()].concat(), "34000 ZI"),
        ("no unnamed portal", [e("", 0), s()].concat(), "34000 ZI"),
        ("unknown statement", [bind("", "nope"), s()].concat(), "26000 ZI"),
        ("no unnamed statement", [bind("", ""), s()].concat(), "26000 ZI"),
        ("describe an unknown statement", [about(b'D', b'S', "x"), s()].concat(), "26000 ZI"),
        ("describe an unknown portal", [about(b'D', b'P', "x"), s()].concat(), "34000 ZI"),
        (
            "close what is unknown",
            [about(b'C', b'S', "x"), about(b'C', b'P', "x"), s()].concat(),
            "3 3 ZI",
        ),
        (
            "describe",
            [
                parse("a", "SELECT $1::int AS x, $2::text"),
                about(b'D', b'S', "a"),
                bind_values("p", "a", &[], &[b"1", b"x"], &[]),
                about(b'D', b'P', "p"),
                about(b'C', b'P', "p"),
                about(b'D', b'P', "p"),
                s(),
            ]
            .concat(),
            "1 t2 T2 2 T2 3 34000 ZI",
        ),
        (
            "describe what has no rows",
            [parse("a", "INSERT INTO t VALUES ($1)"), about(b'D', b'S', "a"), s()].concat(),
            "1 t1 n ZI",
        ),
        (
            "everything up to Sync is skipped",
            [
                parse("", "nonsense"),
                bind("", ""),
                about(b'D', b'P', ""),
                e("", 0),
                flush(),
                query("SELECT 1"),
                message(b'F', b""),
                message(b'Q', b"broken"),
                s(),
                query("SELECT 1"),
            ]
            .concat(),
            "42601 ZI T1 D1 SELECT_1 ZI",
        ),
        (
            // Text behind the failed statement does not run, and what came before it is undone.
            "an error in the middle of a batch",
            [insert(1), run("SELECT 1/id FROM t WHERE id = 0 OR 1/(id - 1) = 0"), insert(2), s()]
                .concat(),
            "1 2 INSERT_0_1 1 2 22012 ZI",
        ),
        (
            "the batch left nothing",
            [insert(3), s(), ids()].concat(),
            "1 2 INSERT_0_1 ZI T1 D1 SELECT_1 ZI",
        ),
        (
            "an error in a block",
            [query("BEGIN"), run("nonsense"), s(), one(), s(), run("ROLLBACK"), s()].concat(),
            "BEGIN ZT 42601 ZE 25P02 ZE 1 2 ROLLBACK ZI",
        ),
        (
            "a query without Sync before it ends the transaction",
            [insert(4), query("SELECT nothing"), query("SELECT id FROM t WHERE id = 4")].concat(),
            "1 2 INSERT_0_1 42703 ZI T1 SELECT_0 ZI",
        ),
        (
            "two statements under a name",
            [parse("a", "SELECT 1"), parse("a", "SELECT 2"), s(), parse("a", "SELECT 3"), s()]
                .concat(),
            "1 42P05 ZI 42P05 ZI",
        ),
        ("two portals under a name", [one(), bind("p", ""), s()].concat(), "1 2 42P03 ZI"),
        (
            "two commands in a statement",
            [parse("", "SELECT 1; SELECT 2"), s()].concat(),
            "42601 ZI",
        ),
        ("a portal ends at Sync", [one(), s(), e("p", 0), s()].concat(), "1 2 ZI 34000 ZI"),
        (
            "a portal ends with its block",
            [query("BEGIN"), one(), s(), query("COMMIT"), e("p", 0), s()].concat(),
            "BEGIN ZT 1 2 ZT COMMIT ZI 34000 ZI",
        ),
        (
            "a portal read in parts",
            [five(), e("p", 2), e("p", 2), e("p", 2), e("p", 2), s()].concat(),
            "1 2 D1 D1 s D1 D1 s D1 SELECT_1 SELECT_0 ZI",
        ),
        (
            "a portal read exactly",
            [five(), e("p", 5), e("p", 5), s()].concat(),
            "1 2 D1 D1 D1 D1 D1 s SELECT_0 ZI",
        ),
        (
            "a portal read across Sync",
            [query("BEGIN"), five(), e("p", 3), s(), e("p", 0), s(), query("COMMIT")].concat(),
            "BEGIN ZT 1 2 D1 D1 D1 s ZT D1 D1 SELECT_2 ZT COMMIT ZI",
        ),
        (
            "a portal outlives a query in its block",
            [query("BEGIN"), five(), e("p", 2), s(), query("SELECT 1"), e("p", 0), s()].concat(),
            "BEGIN ZT 1 2 D1 D1 s ZT T1 D1 SELECT_1 ZT D1 D1 D1 SELECT_3 ZT",
        ),
        (
            "a negative limit is none",
            [five(), e("p", -5), s()].concat(),
            "1 2 D1 D1 D1 D1 D1 SELECT_5 ZI",
        ),
        (
            "a portal closed half read",
            [five(), e("p", 2), about(b'C', b'P', "p"), e("p", 2), s()].concat(),
            "1 2 D1 D1 s 3 34000 ZI",
        ),
        (
            "a portal outlives its statement",
            [
                parse("a", FIVE),
                bind("p", "a"),
                about(b'C', b'S', "a"),
                e("p", 2),
                bind("q", "a"),
                s(),
            ]
            .concat(),
            "1 2 3 D1 D1 s 26000 ZI",
        ),
        ("a command runs once", [insert(5), e("", 0), s()].concat(), "1 2 INSERT_0_1 55000 ZI"),
        (
            "a query closes the unnamed statement",
            [parse("", "SELECT 1"), query(""), bind("", ""), s()].concat(),
            "1 I ZI 26000 ZI",
        ),
        (
            "so does a Parse that fails",
            [parse("", "SELECT 1"), s(), parse("", "nonsense"), s(), bind("", ""), s()].concat(),
            "1 ZI 42601 ZI 26000 ZI",
        ),
        (
            "nothing to run",
            [query(";;"), run("-- nothing"), about(b'D', b'P', ""), s()].concat(),
            "I ZI 1 2 I n ZI",
        ),
        ("Sync upon Sync", [s(), s(), s()].concat(), "ZI ZI ZI"),
    ];
    check(&server, true, cases).await;
}

#[tokio::test]
async fn copy_takes_only_what_belongs_to_it() {
    let server = Server::start(&[]);
    let mut wire = server.connect().await;
    assert_eq!(wire.ask(TABLE).await, "CREATE_TABLE ZI");
    let copy = |rest: &[Vec<u8>]| [query("COPY t FROM STDIN"), rest.concat()].concat();
    let extended = |rest: &[Vec<u8>]| [run("COPY t FROM STDIN"), rest.concat()].concat();
    let data = |bytes: &[u8]| message(b'd', bytes);
    let done = || message(b'c', b"");
    let one = || run("SELECT 1");
    let mixed = "COPY t FROM STDIN; SELECT 1; COPY t FROM STDIN";
    let out = "COPY (SELECT 1) TO STDOUT";
    let has = |id: i32| query(&format!("SELECT id FROM t WHERE id = {id}"));
    let cases: Vec<Case> = vec![
        (
            "copy messages outside COPY",
            [data(b"x"), done(), message(b'f', b"x\0"), message(b'f', b""), query("")].concat(),
            "I ZI",
        ),
        (
            "lines in pieces",
            copy(&[data(b"1"), data(b""), data(b"\ta\n2\tb"), done()]),
            "G COPY_2 ZI",
        ),
        (
            "nothing behind \\.",
            copy(&[data(b"3\ta\n\\.\n4\tb\n"), done(), has(4)]),
            "G COPY_1 ZI T1 SELECT_0 ZI",
        ),
        (
            "given up",
            copy(&[data(b"5\ta\n"), message(b'f', b"why\0"), has(5)]),
            "G 57014 ZI T1 SELECT_0 ZI",
        ),
        ("given up without terminator", copy(&[message(b'f', b"why")]), "G 08P01 ZI"),
        // What is already on its way behind an error is swallowed.
        (
            "bad data",
            copy(&[data(b"x\ty\n"), data(b"6\ta\n"), done(), has(6)]),
            "G 22P02 ZI T1 SELECT_0 ZI",
        ),
        ("a column too few", copy(&[data(b"7\n"), done()]), "G 22P04 ZI"),
        ("a column too many", copy(&[data(b"7\ta\tb\n"), done()]), "G 22P04 ZI"),
        ("not in UTF-8", copy(&[data(b"7\t\xff\n"), done()]), "G 22021 ZI"),
        ("a zero byte", copy(&[data(b"7\ta\0b\n"), done()]), "G 22021 ZI"),
        ("flush and sync inside", copy(&[sync(), flush(), data(b"8\ta\n"), done()]), "G COPY_1 ZI"),
        ("a query inside", copy(&[query("SELECT 1")]), "G 08P01 FATAL:08P01 end"),
        ("an unknown type inside", copy(&[message(b'~', b"")]), "G 08P01 FATAL:08P01 end"),
        (
            "extended",
            extended(&[data(b"9\ta\n"), done(), one(), sync()]),
            "1 2 G COPY_1 1 2 D1 SELECT_1 ZI",
        ),
        (
            "extended, with bad data",
            extended(&[data(b"x\n"), done(), one(), sync()]),
            "1 2 G 22P02 ZI",
        ),
        (
            "extended, given up",
            extended(&[message(b'f', b"why\0"), one(), sync()]),
            "1 2 G 57014 ZI",
        ),
        (
            "between statements",
            [query(mixed), data(b"10\ta\n"), done(), data(b"11\ta\n"), done()].concat(),
            "G COPY_1 T1 D1 SELECT_1 G COPY_1 ZI",
        ),
        (
            "in a block",
            [query("BEGIN"), copy(&[data(b"x\n"), done(), query("SELECT 1")]), query("ROLLBACK")]
                .concat(),
            "BEGIN ZT G 22P02 ZE 25P02 ZE ROLLBACK ZI",
        ),
        (
            "out, with a row limit",
            [parse("", out), bind("", ""), about(b'D', b'P', ""), execute("", 1), sync()].concat(),
            "1 2 n H d c COPY_1 ZI",
        ),
    ];
    check(&server, true, cases).await;
}

#[tokio::test]
async fn startup_packets_of_all_kinds() {
    let server = Server::start(&[]);
    let raw = |rest: &[u8]| packet(VERSION, rest);
    let with = |more: &[(&str, &str)]| startup(VERSION, &[USER, more].concat());
    let bytes = |length: i32, rest: &[u8]| [&length.to_be_bytes()[..], rest].concat();
    let filled = |length: usize| {
        let empty = with(&[("options", "")]).len();
        with(&[("options", " ".repeat(length - empty).as_str())])
    };
    let cases: Vec<Case> = vec![
        ("HTTP", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(), "end"),
        ("all ones", vec![0xff; 64], "end"),
        ("zeros", vec![0; 64], "end"),
        ("length 7", bytes(7, b"abc"), "end"),
        ("negative length", bytes(-8, b"\0\x03\0\0"), "end"),
        ("length 20001", bytes(20_001, b"\0\x03\0\0"), "end"),
        ("no parameters", raw(b"\0"), "FATAL:28000 end"),
        ("nothing but the version", raw(b""), "FATAL:08P01 end"),
        ("a name without end", raw(b"user\0postgres"), "FATAL:08P01 end"),
        ("no last terminator", raw(b"user\0postgres\0"), "FATAL:08P01 end"),
        ("a tail", raw(b"user\0postgres\0\0xx"), "FATAL:08P01 end"),
        ("major version 4", startup(4 << 16, USER), "FATAL:0A000 end"),
        ("an invented version", startup((1234 << 16) | 5600, USER), "FATAL:0A000 end"),
        ("version -1", startup(-1, USER), "FATAL:0A000 end"),
        ("a cancel request cut short", packet(CANCEL_REQUEST, b"\0\0\0\x01"), "end"),
        ("a cancel request for nobody", packet(CANCEL_REQUEST, &[1; 8]), "end"),
        ("data behind an SSL request", [packet(SSL_REQUEST, b""), with(&[])].concat(), "end"),
        ("exactly 10000 bytes", filled(10_000), "R K ZI"),
    ];
    check(&server, false, cases).await;
    // PostgreSQL sends AuthenticationOk before these; only what is refused matters here.
    for (name, parameters, expected) in [
        ("user", &[("user", "nobody"), ("database", "postgres")][..], "FATAL:28000 end"),
        ("database", &[("user", "postgres"), ("database", "nowhere")][..], "FATAL:3D000 end"),
        ("setting", &[("user", "postgres"), ("nope", "1")][..], "FATAL:42704 end"),
        ("value", &[("user", "postgres"), ("statement_timeout", "x")][..], "FATAL:22023 end"),
        ("options", &[("user", "postgres"), ("options", "xyz")][..], "FATAL:42601 end"),
        ("empty -c", &[("user", "postgres"), ("options", "-c")][..], "FATAL:42601 end"),
    ] {
        let mut wire = server.open().await;
        wire.send(&startup(VERSION, parameters)).await;
        let found = wire.read(3).await;
        assert_eq!(found.trim_start_matches("R "), expected, "unknown {name}");
    }
}

#[tokio::test]
async fn encryption_is_declined_and_versions_are_negotiated() {
    let server = Server::start(&[]);
    for requests in [&[SSL_REQUEST][..], &[GSS_REQUEST], &[GSS_REQUEST, SSL_REQUEST]] {
        let mut wire = server.open().await;
        for request in requests {
            wire.send(&packet(*request, b"")).await;
            assert_eq!(wire.byte().await, b'N');
        }
        wire.send(&startup(VERSION, USER)).await;
        assert_eq!(wire.read(3).await, "R K ZI");
    }
    // Once is enough: the second request is an unsupported version.
    let mut wire = server.open().await;
    wire.send(&packet(SSL_REQUEST, b"")).await;
    assert_eq!(wire.byte().await, b'N');
    wire.send(&packet(SSL_REQUEST, b"")).await;
    assert_eq!(wire.read(2).await, "FATAL:0A000 end");
    // PostgreSQL 15 answers 3.2 with 3.0 and the options it does not know.
    for (version, option, expected) in [
        (VERSION + 2, None, &b"\0\x03\0\0\0\0\0\0"[..]),
        (VERSION + 0xffff, None, &b"\0\x03\0\0\0\0\0\0"[..]),
        (VERSION, Some(("_pq_.foo", "1")), &b"\0\x03\0\0\0\0\0\x01_pq_.foo\0"[..]),
    ] {
        let parameters: Vec<_> = USER.iter().copied().chain(option).collect();
        let mut wire = server.open().await;
        wire.send(&startup(version, &parameters)).await;
        assert_eq!(wire.next_message().await, Some((b'v', expected.to_vec())));
        assert_eq!(wire.read(3).await, "R K ZI");
    }
    // A packet may come a byte at a time.
    let mut wire = server.open().await;
    for byte in [startup(VERSION, USER), query("SELECT 1")].concat() {
        wire.send(&[byte]).await;
    }
    assert_eq!(wire.read(7).await, "R K ZI T1 D1 SELECT_1 ZI");
}

#[tokio::test]
async fn a_cancel_request_needs_the_right_key() {
    let server = Server::start(&[]);
    let (mut holder, mut waiter) = (server.connect().await, server.connect().await);
    assert_eq!(holder.ask(TABLE).await, "CREATE_TABLE ZI");
    holder.ask("INSERT INTO t VALUES (1)").await;
    assert_eq!(holder.ask("BEGIN; UPDATE t SET s = 'x'").await, "BEGIN UPDATE_1 ZT");
    // Idle: there is nothing to cancel, and the next statement is not touched.
    let mut canceling = server.open().await;
    canceling.send(&waiter.cancel_request(0)).await;
    assert_eq!(canceling.read(1).await, "end");
    assert_eq!(waiter.ask("SELECT id FROM t").await, "T1 D1 SELECT_1 ZI");
    // With a wrong secret it waits until the holder is done.
    waiter.send(&query("UPDATE t SET s = 'y'")).await;
    let mut canceling = server.open().await;
    canceling.send(&waiter.cancel_request(1)).await;
    assert_eq!(canceling.read(1).await, "end");
    assert_eq!(holder.ask("COMMIT").await, "COMMIT ZI");
    assert_eq!(waiter.read_ready(1).await, "UPDATE_1 ZI");
    // With the right one it ends, whether it waits or computes. A request may come before the
    // statement has begun, so it is repeated.
    assert_eq!(holder.ask("BEGIN; UPDATE t SET s = 'x'").await, "BEGIN UPDATE_1 ZT");
    let request = waiter.cancel_request(0);
    for sql in ["UPDATE t SET s = 'y'", "SELECT count(*) FROM generate_series(1, 1000000000)"] {
        waiter.send(&query(sql)).await;
        let answered = Cell::new(false);
        let requests = async {
            while !answered.get() {
                let mut canceling = server.open().await;
                canceling.send(&request).await;
                assert_eq!(canceling.read(1).await, "end");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let answer = async {
            let answer = waiter.read_ready(1).await;
            answered.set(true);
            answer
        };
        let (answer, ()) = tokio::join!(answer, requests);
        // Behind the description of the rows, or not.
        assert_eq!(answer.trim_start_matches("T1 "), "57014 ZI", "{sql}");
        assert_eq!(waiter.ask("SELECT id FROM t").await, "T1 D1 SELECT_1 ZI");
    }
}

#[tokio::test]
async fn flush_brings_what_is_there() {
    let server = Server::start(&[]);
    let mut wire = server.connect().await;
    wire.send(&[run("SELECT 1"), flush()].concat()).await;
    assert_eq!(wire.read(4).await, "1 2 D1 SELECT_1");
    wire.send(&[execute("nope", 0), flush()].concat()).await;
    assert_eq!(wire.read(1).await, "34000");
    wire.send(&sync()).await;
    assert_eq!(wire.read(1).await, "ZI");
}

/// A client that goes away in the middle of a message leaves neither locks nor rows.
#[tokio::test]
async fn connections_dropped_anywhere_leave_nothing_behind() {
    let server = Server::start(&[]);
    let mut other = server.connect().await;
    assert_eq!(other.ask(TABLE).await, "CREATE_TABLE ZI");
    other.ask("INSERT INTO t VALUES (0, 'kept')").await;
    let bytes = query("COMMIT");
    for cut in 0..bytes.len() {
        let mut wire = server.connect().await;
        assert_eq!(wire.ask("BEGIN; UPDATE t SET s = 'lost'").await, "BEGIN UPDATE_1 ZT");
        wire.send(&bytes[..cut]).await;
        drop(wire);
        assert_eq!(other.ask("UPDATE t SET s = 'kept'").await, "UPDATE_1 ZI", "cut at {cut}");
    }
    let mut wire = server.connect().await;
    assert_eq!(wire.ask("BEGIN; DELETE FROM t").await, "BEGIN DELETE_1 ZT");
    wire.send(&[query("COPY t FROM STDIN"), header(b'd', 100), b"1\ta\n".to_vec()].concat()).await;
    assert_eq!(wire.read(1).await, "G");
    drop(wire);
    assert_eq!(other.ask("UPDATE t SET s = 'kept'").await, "UPDATE_1 ZI");
    for cut in 0..startup(VERSION, USER).len() {
        let mut wire = server.open().await;
        wire.send(&startup(VERSION, USER)[..cut]).await;
    }
    assert!(server.serves().await);
}

/// Threads are few; a client that does not read may hold none of them.
#[tokio::test]
async fn a_client_that_does_not_read_hinders_no_other() {
    let server = Server::start(&["--threads", "1"]);
    let mut deaf = Vec::new();
    for _ in 0..4 {
        let mut wire = server.connect().await;
        wire.send(&query("SELECT repeat('x', 1000) FROM generate_series(1, 100000)")).await;
        deaf.push(wire);
    }
    assert!(server.serves().await);
}

/// Any body under a known type is answered, and the connection goes on.
#[tokio::test]
async fn random_bodies_are_answered() {
    let server = Server::start(&[]);
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let mut wire = server.connect().await;
    for round in 0..1000 {
        let kind = b"PBDECHdcfFQ"[random(11) as usize];
        // Mostly small numbers, so that counts and lengths are often nearly right.
        let mask = [0, 1, 3, 0xff][random(4) as usize];
        let body: Vec<u8> = (0..random(40)).map(|_| random(256) as u8 & mask).collect();
        wire.send(&[message(kind, &body), sync()].concat()).await;
        let answers = if matches!(kind, b'F' | b'Q') { 2 } else { 1 };
        let found = wire.read_ready(answers).await;
        let kind = char::from(kind);
        assert!(found.ends_with("ZI"), "round {round}: {kind} with {body:?} gives {found}");
    }
    // In place of a startup packet anything may come; only the server has to stay.
    for _ in 0..100 {
        let mut wire = server.open().await;
        let garbage: Vec<u8> = (0..random(200)).map(|_| random(256) as u8).collect();
        wire.send(&garbage).await;
    }
    assert!(server.serves().await);
}
