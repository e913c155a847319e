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

/// Arrays in their binary form, both ways.
#[tokio::test]
async fn arrays() {
    let dir = tempfile::tempdir().unwrap();
    let cairn = Cairn::start(&dir.path().join("data"), &[]);
    let client = connect(&cairn).await;
    let table = "CREATE TABLE t (id int PRIMARY KEY, tags text[], scores float8[], flags bool[])";
    client.batch_execute(table).await.unwrap();
    let insert = client.prepare("INSERT INTO t VALUES ($1, $2, $3, $4)").await.unwrap();
    for id in 1..=5i32 {
        let tags = vec![Some(format!("tag {id}")), None, Some(String::new())];
        let scores: Vec<f64> = (0..id).map(f64::from).collect();
        let flags: Option<Vec<bool>> = (id % 2 == 0).then(|| vec![true, false]);
        client.execute(&insert, &[&id, &tags, &scores, &flags]).await.unwrap();
    }
    // What most drivers send in place of a list.
    let wanted = vec![4i32, 2, 9, 2];
    let rows = client.query("SELECT * FROM t WHERE id = ANY($1) ORDER BY id", &[&wanted]).await;
    let rows = rows.unwrap();
    assert_eq!(rows.iter().map(|row| row.get(0)).collect::<Vec<i32>>(), [2, 4]);
    let tags: Vec<Option<String>> = rows[0].get(1);
    assert_eq!(tags, [Some("tag 2".into()), None, Some(String::new())]);
    assert_eq!(rows[0].get::<_, Vec<f64>>(2), [0.0, 1.0]);
    assert_eq!(rows[1].get::<_, Option<Vec<bool>>>(3), Some(vec![true, false]));
    let none = client.query("SELECT id FROM t WHERE id = ANY($1)", &[&Vec::<i32>::new()]).await;
    assert!(none.unwrap().is_empty());
    let names = vec!["tag 1", "tag 5"];
    let sql = "SELECT array_agg(id ORDER BY id), array_agg(tags[1]) FROM t WHERE tags && $1";
    let row = client.query_one(sql, &[&names]).await.unwrap();
    assert_eq!(row.get::<_, Vec<i32>>(0), [1, 5]);
    // Of each type that has elements of its own form.
    let sql = "SELECT $1::int2[], $2::int8[], $3::float4[], $4::bytea[], $5::varchar[], $6::oid[]";
    let bytes = vec![vec![0u8, 255], Vec::new()];
    let params: [&(dyn tokio_postgres::types::ToSql + Sync); 6] = [
        &vec![-1i16, 2],
        &vec![i64::MIN, i64::MAX],
        &vec![1.5f32, -0.0],
        &bytes,
        &vec!["a", "b c"],
        &vec![4_000_000_000u32],
    ];
    let row = client.query_one(sql, &params).await.unwrap();
    assert_eq!(row.get::<_, Vec<i16>>(0), [-1, 2]);
    assert_eq!(row.get::<_, Vec<i64>>(1), [i64::MIN, i64::MAX]);
    assert_eq!(row.get::<_, Vec<f32>>(2), [1.5, -0.0]);
    assert_eq!(row.get::<_, Vec<Vec<u8>>>(3), bytes);
    assert_eq!(row.get::<_, Vec<String>>(4), ["a", "b c"]);
    assert_eq!(row.get::<_, Vec<u32>>(5), [4_000_000_000]);
    // Dimensions are told as well, which this driver does not take.
    let two = client.query_one("SELECT '{{1,2},{3,4}}'::int[]", &[]).await.unwrap();
    assert!(two.try_get::<_, Vec<i32>>(0).is_err());
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
