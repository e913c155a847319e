//! Statements without end: they leave room for others, and end when they are asked to, when their time
//! is up, and when their client goes away.

use std::time::{Duration, Instant};

use crate::wire::*;

/// Rows of the table: few enough that a read of it begins where its connection is served.
const ROWS: u32 = 1500;
/// What an answer may take beside statements without end: they have the processors, too.
const SOON: Duration = Duration::from_secs(5);

/// None of these would end by itself in a week.
const ENDLESS: &[&str] = &[
    "SELECT count(*) FROM big a, big b, big c, big d WHERE a.s || b.s < c.s || d.s",
    "SELECT count(*) FROM big a, big b, big c, big d WHERE a.s < b.s AND b.s < c.s AND c.s < a.s AND d.i < 0",
    "SELECT count(*) FROM big a, big b, big c, big d",
    "SELECT count(*) FROM big a LEFT JOIN big b ON a.s || b.s < a.s LEFT JOIN big c ON b.s || c.s < a.s, big d, big e",
    "SELECT count(*) FROM big a WHERE NOT EXISTS (SELECT 1 FROM big b, big c, big d WHERE b.s || c.s || d.s < a.s)",
    "SELECT (SELECT count(*) FROM big b, big c, big d WHERE b.s || c.s || d.s < a.s) FROM big a",
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION SELECT 1 - n FROM r, big a, big b, big c) SELECT count(*) FROM r",
    "SELECT count(*) FROM generate_series(1, 1000000000000000)",
    "SELECT sum(n) OVER () FROM generate_series(1, 1000000000000000) n LIMIT 1",
    "SELECT count(*) FROM pg_class a, pg_class b, pg_class c, pg_class d, pg_class e, pg_class f",
    "UPDATE big SET s = s WHERE i IN (SELECT a.i FROM big a, big b, big c, big d WHERE a.s || b.s < c.s || d.s)",
    "INSERT INTO big SELECT a.i + 5000, 'x' FROM big a, big b, big c, big d WHERE a.s || b.s < c.s || d.s",
    "MERGE INTO big t USING (SELECT a.i FROM big a, big b, big c, big d WHERE a.s || b.s < c.s || d.s) x ON x.i = t.i WHEN MATCHED THEN DELETE",
    "SELECT * FROM big a, big b, big c, big d WHERE a.s || b.s < c.s || d.s FOR UPDATE SKIP LOCKED",
    "CREATE TABLE other AS SELECT 1 FROM big a, big b, big c, big d WHERE a.s || b.s < c.s || d.s",
    "COPY (SELECT 1 FROM big a, big b, big c, big d WHERE a.s || b.s < c.s || d.s) TO STDOUT",
];

async fn start() -> Server {
    let server = Server::start(&["--threads", "2"]);
    let mut wire = server.connect().await;
    wire.ask("CREATE TABLE big (i int PRIMARY KEY, s text)").await;
    let rows = format!("INSERT INTO big SELECT n, 'x' || n FROM generate_series(1, {ROWS}) n");
    assert_eq!(wire.ask(&rows).await, format!("INSERT_0_{ROWS} ZI"));
    server
}

/// Reads up to the error that ends a statement.
async fn error_of(wire: &mut Wire) -> String {
    loop {
        let found = wire.read(1).await;
        if !matches!(found.as_str(), "T1" | "T2" | "T8" | "H") {
            return found;
        }
    }
}

/// As many of them at a time as there are threads, so that any one that kept its own would be noticed.
#[tokio::test]
async fn beside_statements_without_end_others_are_answered() {
    let server = start().await;
    let mut other = server.connect().await;
    for sql in ENDLESS {
        let (mut first, mut second) = (server.connect().await, server.connect().await);
        first.send(&query(sql)).await;
        second.send(&query(sql)).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let asked = Instant::now();
        assert_eq!(other.ask("SELECT s FROM big WHERE i = 7").await, "T1 D1 SELECT_1 ZI");
        // One that is long as well, and has an end.
        let grouped =
            "SELECT count(*) FROM (SELECT s FROM big, generate_series(1, 5) GROUP BY s) x";
        assert_eq!(other.ask(grouped).await, "T1 D1 SELECT_1 ZI");
        let mut canceling = server.open().await;
        canceling.send(&first.cancel_request(0)).await;
        assert_eq!(error_of(&mut first).await, "57014", "{sql}");
        assert_eq!(first.read(1).await, "ZI");
        let mut canceling = server.open().await;
        canceling.send(&second.cancel_request(0)).await;
        assert_eq!(error_of(&mut second).await, "57014", "{sql}");
        assert!(asked.elapsed() < SOON, "{sql} took {:?}", asked.elapsed());
    }
}

#[tokio::test]
async fn a_statement_ends_when_its_time_is_up() {
    let server = start().await;
    for sql in ENDLESS {
        let mut wires = Vec::new();
        for _ in 0..3 {
            let mut wire = server.connect().await;
            assert_eq!(wire.ask("SET statement_timeout = 200").await, "SET ZI");
            wires.push(wire);
        }
        let asked = Instant::now();
        for wire in &mut wires {
            wire.send(&query(sql)).await;
        }
        for wire in &mut wires {
            assert_eq!(error_of(wire).await, "57014", "{sql}");
            assert_eq!(wire.read(1).await, "ZI");
        }
        assert!(asked.elapsed() < SOON, "{sql} took {:?}", asked.elapsed());
    }
}

#[tokio::test]
async fn a_statement_ends_when_its_client_goes_away() {
    let server = start().await;
    let mut other = server.connect().await;
    for sql in ENDLESS {
        let (mut simple, mut extended) = (server.connect().await, server.connect().await);
        simple.send(&query(sql)).await;
        if !sql.starts_with("COPY") {
            let messages = [parse("", sql), bind("", ""), execute("", 0), sync()].concat();
            extended.send(&messages).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop((simple, extended));
        let gone = Instant::now();
        // Its session ends with it.
        let left =
            "SELECT pid FROM pg_stat_activity WHERE query LIKE '%big%' AND pid <> pg_backend_pid()";
        while other.ask(left).await != "T1 SELECT_0 ZI" {
            assert!(gone.elapsed() < SOON, "{sql} goes on");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn what_a_canceled_statement_has_set_is_as_before() {
    let server = start().await;
    let (mut wire, mut other) = (server.connect().await, server.connect().await);
    assert_eq!(
        wire.ask("SET application_name = 'before'; SET statement_timeout = 200").await,
        "SET SET ZI"
    );
    let sql = "SELECT set_config('application_name', 'x', false), count(*) \
               FROM big a, big b, big c, big d WHERE a.s || b.s < c.s || d.s";
    assert_eq!(wire.ask(sql).await, "57014 ZI");
    let left = "SELECT pid FROM pg_stat_activity WHERE application_name = 'before'";
    assert_eq!(other.ask(left).await, "T1 D1 SELECT_1 ZI");
}

/// Work that is no query: it has an end, but a late one.
#[tokio::test]
async fn long_changes_let_others_go_first() {
    let server = start().await;
    let mut wire = server.connect().await;
    let mut other = server.connect().await;
    wire.ask("CREATE TABLE many (i int, s text)").await;
    let mut steps = vec!["INSERT INTO many SELECT n, 'x' || n FROM generate_series(1, 200000) n"];
    steps.extend(["CREATE INDEX many_s ON many (s)", "UPDATE many SET s = s || 'y'"]);
    steps.extend(["ALTER TABLE many ADD CHECK (i > 0)", "ALTER TABLE many ALTER i TYPE bigint"]);
    steps.extend(["CREATE TABLE copied AS SELECT * FROM many", "DELETE FROM many"]);
    for sql in steps {
        wire.send(&query(sql)).await;
        let (mut slowest, mut answers) = (Duration::ZERO, 0);
        let ended = loop {
            let asked = Instant::now();
            // On both threads.
            assert_eq!(other.ask("SELECT 1").await, "T1 D1 SELECT_1 ZI");
            let mut third = server.connect().await;
            assert_eq!(third.ask("SELECT 1").await, "T1 D1 SELECT_1 ZI");
            slowest = slowest.max(asked.elapsed());
            answers += 1;
            if let Ok(ended) = tokio::time::timeout(Duration::from_millis(5), wire.read(2)).await {
                break ended;
            }
        };
        assert!(ended.ends_with(" ZI"), "{sql}: {ended}");
        eprintln!("{sql}: {answers} answers, the slowest after {slowest:?}");
        assert!(slowest < Duration::from_secs(2), "{sql} kept others waiting for {slowest:?}");
    }
}
