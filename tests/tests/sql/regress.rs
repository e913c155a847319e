//! PostgreSQL's regression scripts, statement by statement: `tests/regress/run.py` says how.
//!
//! `shares.txt` has how many statements of each give the same as PostgreSQL, and the test fails when one gives less.
//! `UPDATE_REGRESS=1` writes it anew, and the table in `docs/compatibility.md`.

use std::path::Path;
use std::process::Command;

use cairn_tests::program;

#[test]
fn regression_scripts_give_what_is_known() {
    let update = std::env::var_os("UPDATE_REGRESS").is_some();
    let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join("postgres-source");
    let status = Command::new("python3")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("regress/run.py"))
        .args([if update { "--update" } else { "--floor" }, "--source"])
        .arg(&source)
        .arg("--server")
        .arg(program("cairn"))
        .arg("--reasons")
        .arg(source.join("reasons.txt"))
        .status()
        .expect("Python is installed");
    assert!(status.success(), "run.py failed; outputs are in {}/results", source.display());
}
