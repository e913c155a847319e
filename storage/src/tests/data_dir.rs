//! Which directories are opened, and what is said of the others.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::Error;
use crate::data_dir::{DataDir, FORMAT};

/// A directory in which a store was made and closed.
fn made() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data");
    DataDir::open(&path).unwrap();
    (dir, path)
}

#[test]
fn a_directory_is_open_once() {
    let (_dir, path) = made();
    let held = DataDir::open(&path).unwrap();
    assert!(matches!(DataDir::open(&path), Err(Error::InUse(found)) if found == path));
    drop(held);
    DataDir::open(&path).unwrap();
}

#[test]
fn somebody_elses_directory_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    // The second could be taken for an unfinished creation, if it were not for the file.
    for file in ["letter.txt", "rocksdb/CURRENT"] {
        let path = dir.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "dear").unwrap();
        assert!(matches!(DataDir::open(dir.path()), Err(Error::NotOurs(_))), "{file}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn another_format_is_named_and_kept() {
    let (_dir, path) = made();
    let marker = format!("cairn data directory\nformat {}\n", FORMAT + 1);
    fs::write(path.join("CAIRN"), &marker).unwrap();
    let error = DataDir::open(&path).unwrap_err();
    let Error::Format { found, supported, .. } = error else { panic!("{error:?}") };
    assert_eq!((found, supported), (FORMAT + 1, FORMAT));
    assert_eq!(fs::read_to_string(path.join("CAIRN")).unwrap(), marker);
}

#[test]
fn an_interrupted_creation_is_completed() {
    let (_dir, path) = made();
    let marker = fs::read_to_string(path.join("CAIRN")).unwrap();
    fs::remove_file(path.join("CAIRN")).unwrap();
    // Longer than the marker, so that a draft that is not cut would show.
    fs::write(path.join("CAIRN.new"), "cairn da".repeat(20)).unwrap();
    drop(DataDir::open(&path).unwrap());
    assert_eq!(fs::read_to_string(path.join("CAIRN")).unwrap(), marker);
    assert!(!path.join("CAIRN.new").exists());
    DataDir::open(&path).unwrap();
}

#[test]
fn a_missing_engine_is_not_replaced_by_an_empty_one() {
    let (_dir, path) = made();
    let engine = DataDir::open(&path).unwrap().engine_path();
    fs::remove_dir(&engine).unwrap();
    assert!(matches!(DataDir::open(&path), Err(Error::Corrupted(_))));
    assert!(!engine.exists());
}

#[test]
fn an_unreadable_marker_is_not_guessed_at() {
    let (_dir, path) = made();
    for marker in ["cairn data directory\nformat two\n", "cairn data directory\n"] {
        fs::write(path.join("CAIRN"), marker).unwrap();
        assert!(matches!(DataDir::open(&path), Err(Error::Corrupted(_))), "{marker:?}");
    }
    fs::write(path.join("CAIRN"), "something else\n").unwrap();
    assert!(matches!(DataDir::open(&path), Err(Error::NotOurs(_))));
}
