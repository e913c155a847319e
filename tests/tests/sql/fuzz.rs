//! Random statements on both servers: `cairn_tests::fuzz` says how.
//!
//! `FUZZ_QUERIES` and `FUZZ_SEED` say how many and which.

use cairn_tests::fuzz::{Config, run};
use cairn_tests::{Cairn, Postgres};

const QUERIES: u64 = 1000;
const MOST_DIFFERENCES: usize = 20;

fn from_env(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(value) => value.parse().unwrap_or_else(|_| panic!("{name}={value} is no number")),
        Err(_) => default,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_statements_give_what_postgresql_gives() {
    let dir = tempfile::tempdir().unwrap();
    let cairn = Cairn::start(&dir.path().join("data"), &[]);
    let oracle = Postgres::start();
    let config = Config {
        seed: from_env("FUZZ_SEED", 1),
        queries: from_env("FUZZ_QUERIES", QUERIES),
        most_differences: MOST_DIFFERENCES,
    };
    let report = run(&config, &oracle.url(), &cairn.url()).await;
    eprintln!("{} statements, {} of them errors", report.statements, report.failed);
    for (message, count) in &report.unsupported {
        eprintln!("{count} times: {message}");
    }
    for (reason, count) in &report.explained {
        eprintln!("{count} differences: {reason}");
    }
    let found: Vec<_> =
        report.differences.iter().map(|difference| difference.to_string()).collect();
    assert!(found.is_empty(), "{} differences:\n\n{}", found.len(), found.join("\n\n"));
}
