//! What was acknowledged is there after SIGTERM, SIGKILL and the splitting of ranges.

use std::process::Command;

use cairn_tests::{Cairn, program};

use crate::connect;

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
        let count = "SELECT count(*) FROM pg_cairn.ranges WHERE relation = 't'";
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
