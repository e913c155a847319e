//! Whole servers under real clients.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use cairn_tests::{Cairn, Postgres, program};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

async fn connect(cairn: &Cairn) -> Client {
    let (client, connection) = tokio_postgres::connect(&cairn.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

fn psql(port: u16, script: &Path) -> String {
    let output = Command::new("psql")
        .args(["-X", "-a", "-h", "127.0.0.1", "-U", "postgres", "-d", "postgres"])
        .args(["-v", "VERBOSITY=verbose", "-p", &port.to_string(), "-f"])
        .arg(script.file_name().unwrap())
        .current_dir(script.parent().unwrap())
        .output()
        .expect("psql is installed");
    let both = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&both).into_owned();
    text.lines().filter(|line| !line.starts_with("LOCATION:")).collect::<Vec<_>>().join("\n")
}

/// How many lines of PostgreSQL's output, as a multiset, cairn's lacks.
fn missing_lines(expected: &str, found: &str) -> usize {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for line in expected.lines() {
        *counts.entry(line).or_default() += 1;
    }
    for line in found.lines() {
        *counts.entry(line).or_default() -= 1;
    }
    counts.values().filter(|count| **count > 0).sum::<i64>() as usize
}

/// The scripts of `tests/psql` on both servers. `differences.txt` says how many lines of
/// each script's output cairn does not give yet; more is a regression.
#[test]
fn psql_scripts_give_what_postgresql_gives() {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("psql");
    let known = std::fs::read_to_string(scripts.join("differences.txt")).unwrap();
    let known: BTreeMap<&str, usize> = known
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(name, count)| Some((name, count.trim().parse().ok()?)))
        .collect();
    let dir = tempfile::tempdir().unwrap();
    let cairn = Cairn::start(&dir.path().join("data"), &[]);
    let oracle = Postgres::start();
    let mut names: Vec<_> = std::fs::read_dir(&scripts)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "sql"))
        .collect();
    names.sort();
    assert!(names.len() >= 14, "scripts are missing");
    let mut changed = Vec::new();
    for script in names {
        let name = script.file_stem().unwrap().to_str().unwrap();
        let expected = psql(oracle.port, &script);
        assert!(expected.lines().count() > 100, "{name} did not run on PostgreSQL");
        let missing = missing_lines(&expected, &psql(cairn.port, &script));
        println!("{name} {missing} of {} lines differ", expected.lines().count());
        if known.get(name).is_none_or(|known| missing > *known) {
            changed.push(format!("{name} {missing}"));
        }
    }
    assert!(changed.is_empty(), "more differs than differences.txt says:\n{}", changed.join("\n"));
}

#[tokio::test]
async fn prepared_statements_transactions_and_errors() {
    let dir = tempfile::tempdir().unwrap();
    let cairn = Cairn::start(&dir.path().join("data"), &[]);
    let mut client = connect(&cairn).await;
    client
        .batch_execute("CREATE TABLE t (id int PRIMARY KEY, name text NOT NULL, n bigint)")
        .await
        .unwrap();
    let insert = client.prepare("INSERT INTO t VALUES ($1, $2, $3)").await.unwrap();
    for id in 0..10i32 {
        let name = format!("row {id}");
        assert_eq!(client.execute(&insert, &[&id, &name, &i64::from(id)]).await.unwrap(), 1);
    }
    let row = client.query_one("SELECT name, n FROM t WHERE id = $1", &[&7i32]).await.unwrap();
    assert_eq!((row.get::<_, String>(0), row.get::<_, i64>(1)), ("row 7".into(), 7));
    let duplicate = client.execute(&insert, &[&7i32, &"again", &0i64]).await.unwrap_err();
    let error = duplicate.as_db_error().unwrap();
    assert_eq!(error.code(), &SqlState::UNIQUE_VIOLATION);
    assert_eq!(error.constraint(), Some("t_pkey"));
    let transaction = client.transaction().await.unwrap();
    transaction.execute("DELETE FROM t WHERE id < 5", &[]).await.unwrap();
    transaction.rollback().await.unwrap();
    let transaction = client.transaction().await.unwrap();
    transaction.execute("UPDATE t SET n = n + 1", &[]).await.unwrap();
    transaction.commit().await.unwrap();
    let row = client.query_one("SELECT count(*), sum(n)::bigint FROM t", &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (10, 55));
    let failed = client.query("SELECT 1/0", &[]).await.unwrap_err();
    assert_eq!(failed.code(), Some(&SqlState::DIVISION_BY_ZERO));
    // A portal that is read in parts.
    let transaction = client.transaction().await.unwrap();
    let portal = transaction.bind("SELECT id FROM t ORDER BY id", &[]).await.unwrap();
    let mut ids = Vec::new();
    loop {
        let part = transaction.query_portal(&portal, 4).await.unwrap();
        if part.is_empty() {
            break;
        }
        ids.extend(part.iter().map(|row| row.get::<_, i32>(0)));
    }
    assert_eq!(ids, (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_committed_row_survives_sigterm_and_sigkill() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let cairn = Cairn::start(&data, &[]);
    let client = connect(&cairn).await;
    client.batch_execute("CREATE TABLE t (id serial PRIMARY KEY, s text)").await.unwrap();
    client.batch_execute("INSERT INTO t (s) VALUES ('a')").await.unwrap();
    assert!(cairn.terminate(), "an orderly end is a success");
    let cairn = Cairn::start(&data, &[]);
    let client = connect(&cairn).await;
    client.batch_execute("INSERT INTO t (s) VALUES ('b')").await.unwrap();
    cairn.kill();
    let cairn = Cairn::start(&data, &[]);
    let client = connect(&cairn).await;
    let rows = client.query("SELECT id, s FROM t ORDER BY id", &[]).await.unwrap();
    let rows: Vec<(i32, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(rows, [(1, "a".into()), (2, "b".into())]);
}

#[tokio::test]
async fn a_range_splits_under_load_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let cairn = Cairn::start(&dir.path().join("data"), &["--range-split-kib", "256"]);
    let client = connect(&cairn).await;
    client.batch_execute("CREATE TABLE t (id int PRIMARY KEY, s text)").await.unwrap();
    let load = "INSERT INTO t SELECT g, repeat('x', 100) FROM generate_series(1, 20000) g";
    client.batch_execute(load).await.unwrap();
    let mut ranges = 0i64;
    for _ in 0..50 {
        let count = "SELECT count(*) FROM cairn.ranges WHERE relation = 't'";
        ranges = client.query_one(count, &[]).await.unwrap().get(0);
        if ranges >= 4 {
            break;
        }
        client.batch_execute("UPDATE t SET s = s || 'y' WHERE id % 100 = 7").await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    assert!(ranges >= 4, "{ranges} ranges");
    let row = client.query_one(
        "SELECT count(*), sum(id) FROM (SELECT id FROM t WHERE length(s) >= 100) x",
        &[],
    );
    assert_eq!(row.await.unwrap().get::<_, i64>(0), 20_000);
}

#[test]
fn tpcc_keeps_its_conditions_through_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let acknowledged = dir.path().join("acknowledged");
    let bench = |cairn: &Cairn, args: &[&str]| {
        let mut command = Command::new(program("cairn-bench"));
        command.arg("tpcc").args(args).args(["--url", &cairn.url()]);
        command
    };
    let cairn = Cairn::start(&data, &[]);
    assert!(bench(&cairn, &["load"]).status().unwrap().success());
    let file = acknowledged.to_str().unwrap();
    let run = ["run", "--duration-s", "5", "--warmup-s", "0", "--acknowledged", file];
    assert!(bench(&cairn, &run).status().unwrap().success());
    let run = ["run", "--duration-s", "60", "--warmup-s", "0", "--acknowledged", file];
    let mut running = bench(&cairn, &run).stderr(std::process::Stdio::null()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(5));
    cairn.kill();
    assert!(!running.wait().unwrap().success(), "the run noticed the kill");
    assert!(std::fs::read_to_string(&acknowledged).unwrap().lines().count() > 100);
    let cairn = Cairn::start(&data, &[]);
    assert!(bench(&cairn, &["check", "--acknowledged", file]).status().unwrap().success());
}
