//! PostgreSQL's own isolation specs on cairn: `tests/isolation/postgres.sh` says how.
//!
//! `postgres_specs.txt` has what came of each, and the test fails when that changes, for the better too.
//! `UPDATE_POSTGRES_SPECS=1` writes it anew.

use std::path::Path;
use std::process::{Command, Stdio};

use cairn_tests::Cairn;

#[test]
fn postgresqls_isolation_specs_give_what_is_known() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("isolation");
    let dir = tempfile::tempdir().unwrap();
    let cairn = Cairn::start(&dir.path().join("data"), &[]);
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("postgres-isolation");
    let output = Command::new(directory.join("postgres.sh"))
        .args(["127.0.0.1", &cairn.port.to_string()])
        .env("CACHE", &cache)
        .env("SOURCE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("postgres-source"))
        .stderr(Stdio::inherit())
        .output()
        .expect("bash is installed");
    assert!(output.status.success(), "postgres.sh failed");
    let found = String::from_utf8(output.stdout).expect("its output is text");
    let count = |verdict: &str| found.lines().filter(|line| line.contains(verdict)).count();
    let (passes, lacks) = (count(" passes"), count(" lacks: "));
    eprintln!("{} specs: {passes} pass, {lacks} lack something", found.lines().count());
    let list = directory.join("postgres_specs.txt");
    if std::env::var_os("UPDATE_POSTGRES_SPECS").is_some() {
        std::fs::write(&list, &found).unwrap();
    }
    let known = std::fs::read_to_string(&list).unwrap();
    let gone = known.lines().filter(|line| !found.lines().any(|other| other == *line));
    let new = found.lines().filter(|line| !known.lines().any(|other| other == *line));
    let changes: Vec<_> =
        gone.map(|line| format!("- {line}")).chain(new.map(|line| format!("+ {line}"))).collect();
    let where_to_look = cache.join("results");
    assert!(
        changes.is_empty(),
        "not as in postgres_specs.txt (see {}):\n{}",
        where_to_look.display(),
        changes.join("\n"),
    );
}
