//! What a driver does: prepared statements, transactions, errors with their fields, portals.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use cairn_tests::Cairn;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Config, NoTls};

use crate::connect;

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

/// As libpq sends PGOPTIONS; a backslash keeps a value with a blank together.
#[tokio::test]
async fn options_of_a_connection_are_its_defaults() {
    let dir = tempfile::tempdir().unwrap();
    let cairn = Cairn::start(&dir.path().join("data"), &[]);
    let mut config: Config = cairn.url().parse().unwrap();
    config.options(r"-c statement_timeout=5s  -c default_transaction_isolation=repeatable\ read");
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    let level = client.query_one("SHOW transaction_isolation", &[]).await.unwrap();
    assert_eq!(level.get::<_, &str>(0), "repeatable read");
    let timeout = client.query_one("SHOW statement_timeout", &[]).await.unwrap();
    assert_eq!(timeout.get::<_, &str>(0), "5s");
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(!text.is_empty() || output.status.success(), "{command:?}: {complaints}");
    text
}

/// The cases of `tests/clients` by drivers of Python. `known_failures.txt` names those that fail
/// and says why; one that fails without being named is a regression, one that is named and passes
/// has to be taken off the list.
#[test]
fn python_drivers() {
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients");
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python-drivers");
    let python = venv.join("bin/python");
    run(Command::new("python3").args(["-m", "venv"]).arg(&venv));
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
        .arg(clients.join("requirements.txt")));
    let known = std::fs::read_to_string(clients.join("known_failures.txt")).unwrap();
    let known: BTreeSet<&str> = known.lines().filter_map(|l| Some(l.split_once(':')?.0)).collect();
    let dir = tempfile::tempdir().unwrap();
    let cairn = Cairn::start(&dir.path().join("data"), &[]);
    let mut failed = BTreeSet::new();
    for (driver, at_least) in [("psycopg", 300), ("asyncpg", 100)] {
        let script = clients.join(format!("{driver}_test.py"));
        let output = run(Command::new(&python).arg(script).arg(cairn.url()));
        let passed = output.lines().filter(|line| line.starts_with("ok ")).count();
        assert!(passed >= at_least, "{driver}: {passed} cases passed\n{output}");
        let lines = output.lines().filter_map(|line| line.strip_prefix("FAIL "));
        failed.extend(lines.filter_map(|l| Some(format!("{driver} {}", l.split_once(':')?.0))));
    }
    let failed: BTreeSet<&str> = failed.iter().map(String::as_str).collect();
    let new: Vec<_> = failed.difference(&known).collect();
    let mended: Vec<_> = known.difference(&failed).collect();
    assert!(new.is_empty() && mended.is_empty(), "new failures: {new:?}; now passing: {mended:?}");
}
