//! Indexes that are built beside writers: nobody waits for the whole, nothing is missing, and what a kill
//! leaves half done is not used.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cairn_tests::Cairn;
use tokio_postgres::Client;

use crate::connect;

const ROWS: i32 = 20_000;

async fn load(client: &Client) {
    let make = "CREATE TABLE t (id int PRIMARY KEY, a int, s text)";
    client.batch_execute(make).await.unwrap();
    let rows =
        format!("INSERT INTO t SELECT i, i % 1000, 's' || i FROM generate_series(1, {ROWS}) i");
    client.batch_execute(&rows).await.unwrap();
}

async fn is_valid(client: &Client, index: &str) -> bool {
    let valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = $1::text::regclass";
    client.query_one(valid, &[&index]).await.unwrap().get(0)
}

/// Rows by the index on `a` and by looking at all of them.
async fn check(client: &Client) {
    let counts = "SELECT (SELECT count(*) FROM t WHERE a BETWEEN 0 AND 2000000), \
                  (SELECT count(*) FROM t WHERE a + 0 BETWEEN 0 AND 2000000), \
                  (SELECT sum(a) FROM t WHERE a BETWEEN 0 AND 2000000), \
                  (SELECT sum(a) FROM t WHERE a + 0 BETWEEN 0 AND 2000000)";
    let row = client.query_one(counts, &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), row.get::<_, i64>(1));
    assert_eq!(row.get::<_, Option<i64>>(2), row.get::<_, Option<i64>>(3));
    let plan = client.query("EXPLAIN SELECT count(*) FROM t WHERE a BETWEEN 5 AND 6", &[]);
    let plan = plan.await.unwrap();
    let lines: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    assert!(lines.iter().any(|line| line.contains("t_a")), "{lines:?}");
}

#[tokio::test]
async fn an_index_is_built_while_rows_change() {
    let dir = tempfile::tempdir().unwrap();
    let cairn = Cairn::start(&dir.path().join("data"), &[]);
    let client = connect(&cairn).await;
    load(&client).await;
    let stop = Arc::new(AtomicBool::new(false));
    let (changes, slowest) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut writers = Vec::new();
    for number in 0..4 {
        let writer = connect(&cairn).await;
        let (stop, changes, slowest) = (stop.clone(), changes.clone(), slowest.clone());
        writers.push(tokio::spawn(async move {
            let mut seed: i64 = 7919 * (number + 1);
            while !stop.load(Ordering::Relaxed) {
                seed = (seed * 1_103_515_245 + 12_345) % (1 << 31);
                let (id, a) = (seed as i32 % ROWS + 1, seed as i32 % 1_000_000);
                let started = Instant::now();
                let changed = match seed % 4 {
                    0 => writer.execute("DELETE FROM t WHERE id = $1", &[&id]).await,
                    1 => {
                        let insert = "INSERT INTO t VALUES ($1, $2, 'x') ON CONFLICT (id) DO UPDATE SET a = $2";
                        writer.execute(insert, &[&id, &a]).await
                    }
                    2 => {
                        let moved = "UPDATE t SET id = id + 100000 WHERE id = $1 AND NOT EXISTS \
                                     (SELECT FROM t WHERE id = $1 + 100000)";
                        writer.execute(moved, &[&id]).await
                    }
                    _ => writer.execute("UPDATE t SET a = $2 WHERE id = $1", &[&id, &a]).await,
                };
                // Two may move rows to one place.
                if let Err(error) = changed {
                    let code = error.code().map(|code| code.code().to_owned());
                    assert_eq!(code.as_deref(), Some("23505"), "{error}");
                }
                changes.fetch_add(1, Ordering::Relaxed);
                slowest.fetch_max(started.elapsed().as_millis() as u64, Ordering::Relaxed);
            }
        }));
    }
    for round in 0..3 {
        let before = changes.load(Ordering::Relaxed);
        client.batch_execute("CREATE INDEX CONCURRENTLY t_a ON t (a DESC)").await.unwrap();
        assert!(changes.load(Ordering::Relaxed) > before, "nobody could write");
        assert!(is_valid(&client, "t_a").await);
        check(&client).await;
        client.batch_execute("REINDEX INDEX CONCURRENTLY t_a").await.unwrap();
        check(&client).await;
        if round < 2 {
            client.batch_execute("DROP INDEX CONCURRENTLY t_a").await.unwrap();
        }
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(slowest.load(Ordering::Relaxed) < 5_000, "a write took {slowest:?} ms");
    check(&client).await;
}

#[tokio::test]
async fn who_may_not_know_of_it_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let cairn = Cairn::start(&dir.path().join("data"), &[]);
    let (client, builder) = (connect(&cairn).await, connect(&cairn).await);
    load(&client).await;
    client.batch_execute("BEGIN; INSERT INTO t VALUES (0, 5, 'early')").await.unwrap();
    let build = tokio::spawn(async move {
        builder.batch_execute("CREATE INDEX CONCURRENTLY t_a ON t (a)").await.unwrap();
        builder
    });
    let other = connect(&cairn).await;
    let phase = "SELECT phase, lockers_total FROM pg_stat_progress_create_index";
    let mut seen = Vec::new();
    for _ in 0..200 {
        seen = other.query(phase, &[]).await.unwrap();
        if seen.first().is_some_and(|row| row.get::<_, i64>(1) == 1) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let told: String = seen.first().unwrap().get(0);
    assert_eq!(told, "waiting for writers before build");
    assert!(!is_valid(&other, "t_a").await);
    // Others go on meanwhile, and keep the index.
    other.batch_execute("INSERT INTO t VALUES (-1, 5, 'later')").await.unwrap();
    client.batch_execute("INSERT INTO t VALUES (-2, 5, 'late'); COMMIT").await.unwrap();
    build.await.unwrap();
    check(&other).await;
    assert!(other.query(phase, &[]).await.unwrap().is_empty());
    let found = other.query("SELECT id FROM t WHERE a = 5 AND id <= 0 ORDER BY id", &[]);
    assert_eq!(found.await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_half_built_index_is_not_used_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let cairn = Cairn::start(&data, &[]);
    let (client, builder) = (connect(&cairn).await, connect(&cairn).await);
    load(&client).await;
    client.batch_execute("BEGIN; INSERT INTO t VALUES (0, 5, 'open')").await.unwrap();
    let build = tokio::spawn(async move {
        builder.batch_execute("CREATE UNIQUE INDEX CONCURRENTLY t_a ON t (a, id)").await
    });
    let other = connect(&cairn).await;
    let is_there = "SELECT count(*) FROM pg_class WHERE relname = 't_a'";
    while other.query_one(is_there, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    cairn.kill();
    assert!(build.await.unwrap().is_err());
    let cairn = Cairn::start(&data, &[]);
    let client = connect(&cairn).await;
    assert!(!is_valid(&client, "t_a").await);
    let count = client.query_one("SELECT count(*) FROM t WHERE a = 5", &[]).await.unwrap();
    assert_eq!(count.get::<_, i64>(0), i64::from(ROWS / 1000));
    client.batch_execute("INSERT INTO t VALUES (0, 5, 'new')").await.unwrap();
    client.batch_execute("REINDEX INDEX t_a").await.unwrap();
    assert!(is_valid(&client, "t_a").await);
    check(&client).await;
    client.batch_execute("DROP INDEX t_a").await.unwrap();
}
