//! The specs of `tests/isolation` on PostgreSQL 15 and on cairn.
//!
//! Every spec shows the anomalies that it expects of each level, and no others, on both servers; and each
//! interleaving does the same on both, but for what `differences.txt` lists. `ISOLATION_PERMUTATIONS` says how
//! many interleavings of a spec are tried at each level, if it has more; `ISOLATION_SPECS` (names, by commas)
//! chooses specs, and `ISOLATION_TRACE` prints each interleaving that differs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use cairn_tests::isolation::compare::{difference, read_differences};
use cairn_tests::isolation::server::{Answer, Server};
use cairn_tests::isolation::spec::Spec;
use cairn_tests::isolation::{LEVELS, Level, Observed, explore, follow};
use cairn_tests::{Cairn, Postgres};

use crate::from_env;

/// All interleavings of two sessions with four and six steps.
const DEFAULT_PERMUTATIONS: u64 = 210;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("isolation")
}

/// Those that `chosen` has, or all.
fn read_specs(chosen: &BTreeSet<String>) -> Vec<Spec> {
    let entries = std::fs::read_dir(directory()).unwrap();
    let mut paths: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "spec"))
        .collect();
    paths.sort();
    assert!(paths.len() >= 60, "specs are missing");
    let specs = paths.iter().map(|path| Spec::read(path).unwrap_or_else(|what| panic!("{what}")));
    specs.filter(|spec| chosen.is_empty() || chosen.contains(&spec.name)).collect()
}

/// Connects, and makes the tables anew.
async fn prepare(spec: &Spec, url: &str, is_cairn: bool) -> Result<Server, String> {
    let server = Server::connect(url, is_cairn, spec.sessions.len()).await?;
    for sql in &spec.teardown {
        server.execute(sql).await;
    }
    for sql in &spec.tables {
        if let Answer::Failed(code) = server.execute(sql).await {
            return Err(format!("{sql}: {code}"));
        }
    }
    Ok(server)
}

/// What went wrong, and what differed.
#[derive(Default)]
struct Findings {
    failures: Vec<String>,
    /// In how many interleavings.
    differences: BTreeMap<String, usize>,
}

impl Findings {
    /// Holds what was observed to what the spec expects.
    fn judge(&mut self, spec: &Spec, level: Level, observed: &Observed, on_cairn: bool) {
        let found: BTreeSet<String> = observed.anomalies.keys().cloned().collect();
        let expected = spec.expected(level, on_cairn);
        if found != *expected {
            let server = if on_cairn { "cairn" } else { "PostgreSQL" };
            let name = &spec.name;
            let what = format!("{name}, {level}, {server}: {found:?} instead of {expected:?}");
            self.failures.push(what);
        }
    }

    fn compare(&mut self, spec: &Spec, level: Level, postgres: &Observed, cairn: &Observed) {
        let trace = std::env::var_os("ISOLATION_TRACE").is_some();
        for (order, there) in &cairn.runs {
            let here = &postgres.runs[order];
            let Some(line) = difference(spec, level, here, there) else { continue };
            if trace {
                eprintln!("{line}\n  PostgreSQL {here:?}\n  cairn {there:?}");
            }
            *self.differences.entry(line).or_default() += 1;
        }
    }
}

/// One spec at all levels on both servers.
async fn run_spec(
    spec: &Spec,
    limit: usize,
    postgres: &str,
    cairn: &str,
    findings: &mut Findings,
) -> Result<(), String> {
    let oracle = prepare(spec, postgres, false).await?;
    let server = prepare(spec, cairn, true).await?;
    for level in LEVELS {
        let started = Instant::now();
        let expected = explore(spec, &oracle, level, limit).await?;
        let explored = started.elapsed();
        findings.judge(spec, level, &expected, false);
        let found = follow(spec, &server, level, expected.runs.keys()).await?;
        findings.judge(spec, level, &found, true);
        findings.compare(spec, level, &expected, &found);
        eprintln!(
            "{} {level}: {} interleavings, {:.1} s and {:.1} s; {:?}",
            spec.name,
            expected.runs.len(),
            explored.as_secs_f64(),
            (started.elapsed() - explored).as_secs_f64(),
            found.anomalies,
        );
    }
    for server in [oracle, server] {
        for sql in &spec.teardown {
            server.execute(sql).await;
        }
    }
    Ok(())
}

#[tokio::test]
async fn every_interleaving_is_as_on_postgresql() {
    let limit = from_env("ISOLATION_PERMUTATIONS", DEFAULT_PERMUTATIONS);
    let chosen = std::env::var("ISOLATION_SPECS").unwrap_or_default();
    let chosen: BTreeSet<String> =
        chosen.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let known = std::fs::read_to_string(directory().join("differences.txt")).unwrap();
    let known = read_differences(&known).unwrap_or_else(|what| panic!("{what}"));
    let dir = tempfile::tempdir().unwrap();
    let cairn = Cairn::start(&dir.path().join("data"), &[]);
    let postgres = Postgres::start();
    let mut findings = Findings::default();
    for spec in read_specs(&chosen) {
        let ended =
            run_spec(&spec, limit as usize, &postgres.url(), &cairn.url(), &mut findings).await;
        if let Err(what) = ended {
            findings.failures.push(format!("{}: {what}", spec.name));
        }
    }
    let Findings { mut failures, differences } = findings;
    for (line, count) in &differences {
        if !known.contains_key(line) {
            failures.push(format!("differs {count} times and is not listed: {line}"));
        }
    }
    // A smaller choice need not show all that is listed.
    if chosen.is_empty() && limit >= DEFAULT_PERMUTATIONS {
        for line in known.keys().filter(|line| !differences.contains_key(*line)) {
            failures.push(format!("is listed and does not differ: {line}"));
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}
