//! SQL logic tests: `tests/logic/run.py` says how.
//!
//! PostgreSQL has to give what the files say. cairn has to as well, but for so many records of a folder as `known.txt`
//! says; the test fails when there are more. `UPDATE_LOGIC=1` writes that file anew, and the table in
//! `docs/compatibility.md`.

use std::path::Path;
use std::process::Command;

use cairn_tests::program;

#[test]
fn logic_tests_give_what_is_known() {
    let update = std::env::var_os("UPDATE_LOGIC").is_some();
    let status = Command::new("python3")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("logic/run.py"))
        .args(["--oracle", "postgres", if update { "--note" } else { "--known" }, "--server"])
        .arg(program("cairn"))
        .status()
        .expect("Python is installed");
    assert!(status.success(), "run.py failed");
}
