//! pg_dump and pg_restore carry databases between cairn and PostgreSQL, both ways: what came over is
//! dumped again and compared with the first dump.

use std::path::Path;
use std::process::{Command, Stdio};

use cairn_tests::{Cairn, Postgres, program};

/// A program of PostgreSQL's, and what it prints. It must not complain.
fn run(name: &str, url: &str, args: &[&str]) -> String {
    let output = Command::new(name).args(["-d", url]).args(args).output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.is_empty(), "{name} {args:?}: {complaints}");
    String::from_utf8(output.stdout).unwrap()
}

fn sql(url: &str, file: &Path) {
    let file = file.to_str().unwrap();
    run("psql", url, &["-X", "-q", "-o", "/dev/null", "-v", "ON_ERROR_STOP=1", "-f", file]);
}

/// A dump but for what is new each time: a key, and the versions of programs.
fn dump(url: &str, args: &[&str]) -> String {
    let whole = run("pg_dump", url, args);
    let is_same = |line: &&str| {
        !line.starts_with("\\restrict")
            && !line.starts_with("\\unrestrict")
            && !line.starts_with("-- Dumped ")
    };
    whole.lines().filter(is_same).fold(String::new(), |all, line| all + line + "\n")
}

fn assert_same(what: &str, expected: &str, found: &str) {
    let mut lines = expected.lines().zip(found.lines());
    if let Some((expected, found)) = lines.find(|(expected, found)| expected != found) {
        panic!("{what}: {found:?} for {expected:?}");
    }
    assert_eq!(expected.lines().count(), found.lines().count(), "{what}");
}

/// One more database of PostgreSQL.
fn another(postgres: &Postgres, name: &str) -> String {
    run("psql", &postgres.url(), &["-X", "-q", "-c", &format!("CREATE DATABASE {name}")]);
    format!("postgresql://postgres@127.0.0.1:{}/{name}", postgres.port)
}

fn as_it_is(dump: &str) -> String {
    dump.to_owned()
}

/// PostgreSQL dumps rows as they lie in its files, cairn by their keys.
fn in_any_order(dump: &str) -> String {
    let mut lines: Vec<&str> = dump.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

/// From PostgreSQL to cairn and on to another database of PostgreSQL; `shape` is what is compared.
fn there_and_back(postgres: &Postgres, from: &str, shape: fn(&str) -> String) {
    let dir = tempfile::tempdir().unwrap();
    let cairn = Cairn::start(&dir.path().join("data"), &[]);
    let expected = dump(from, &[]);
    assert!(expected.lines().count() > 100, "there is something in it");
    let file = dir.path().join("dump.sql");
    std::fs::write(&file, &expected).unwrap();
    sql(&cairn.url(), &file);
    let found = dump(&cairn.url(), &[]);
    assert_same("what cairn dumps", &shape(&expected), &shape(&found));
    std::fs::write(&file, &found).unwrap();
    let back = another(postgres, "back");
    sql(&back, &file);
    assert_same("what came back", &shape(&expected), &shape(&dump(&back, &[])));
}

fn everything(postgres: &Postgres) -> String {
    let url = another(postgres, "everything");
    sql(&url, &Path::new(env!("CARGO_MANIFEST_DIR")).join("dump/everything.sql"));
    url
}

#[test]
fn a_schema_with_everything_goes_there_and_back() {
    let postgres = Postgres::start();
    let from = everything(&postgres);
    there_and_back(&postgres, &from, as_it_is);
}

#[test]
fn inserts_and_archives_are_restored() {
    let postgres = Postgres::start();
    let from = everything(&postgres);
    let expected = dump(&from, &[]);
    let dir = tempfile::tempdir().unwrap();
    let inserts = dir.path().join("inserts.sql");
    std::fs::write(&inserts, dump(&from, &["--inserts", "--rows-per-insert=3"])).unwrap();
    let cairn = Cairn::start(&dir.path().join("of inserts"), &[]);
    sql(&cairn.url(), &inserts);
    assert_same("by INSERT", &expected, &dump(&cairn.url(), &[]));
    for (format, jobs) in [("custom", "1"), ("directory", "2")] {
        let archive = dir.path().join(format);
        let archive = archive.to_str().unwrap();
        run("pg_dump", &from, &["-F", format, "-f", archive]);
        let cairn = Cairn::start(&dir.path().join(format!("of {format}")), &[]);
        run("pg_restore", &cairn.url(), &["-e", "-j", jobs, archive]);
        assert_same(format, &expected, &dump(&cairn.url(), &[]));
        let own = dir.path().join(format!("own {format}"));
        let own = own.to_str().unwrap();
        run("pg_dump", &cairn.url(), &["-F", format, "-j", jobs, "-f", own]);
        let back = another(&postgres, &format!("back_{format}"));
        run("pg_restore", &back, &["-e", "-j", jobs, own]);
        assert_same(format, &expected, &dump(&back, &[]));
    }
}

#[test]
fn the_database_of_tpcc_goes_there_and_back() {
    let postgres = Postgres::start();
    let from = another(&postgres, "tpcc");
    let loaded = Command::new(program("cairn-bench"))
        .args(["tpcc", "load", "--warehouses", "1", "--url", &from])
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .status();
    assert!(loaded.unwrap().success());
    there_and_back(&postgres, &from, in_any_order);
}
