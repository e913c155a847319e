//! The scripts of `tests/psql` on cairn and on PostgreSQL: what psql prints is to be the same.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use cairn_tests::{Cairn, Postgres};

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
    assert!(names.len() >= 22, "scripts are missing");
    let mut changed = Vec::new();
    for script in names {
        let name = script.file_stem().unwrap().to_str().unwrap();
        let expected = psql(oracle.port, &script);
        assert!(expected.lines().count() > 30, "{name} did not run on PostgreSQL");
        let missing = missing_lines(&expected, &psql(cairn.port, &script));
        println!("{name} {missing} of {} lines differ", expected.lines().count());
        if known.get(name).is_none_or(|known| missing > *known) {
            changed.push(format!("{name} {missing}"));
        }
    }
    assert!(changed.is_empty(), "more differs than differences.txt says:\n{}", changed.join("\n"));
}
