//! The engine's files: copies of them, and its logs.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Names of the files, with what changes when they do.
type Listing = Vec<(OsString, u64, SystemTime)>;

/// `None` if a file goes meanwhile.
fn list(dir: &Path) -> Option<Listing> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        // What is not data.
        if name == "LOCK" || name.to_string_lossy().starts_with("LOG") {
            continue;
        }
        let metadata = entry.metadata().ok()?;
        found.push((name, metadata.len(), metadata.modified().unwrap()));
    }
    found.sort();
    Some(found)
}

/// Copies the engine's files of `from` into the new directory `to`, as a process that is killed leaves
/// them: also while an engine has them open, if nobody writes. The engine itself may be flushing or
/// compacting, so it is done again until nothing has changed meanwhile.
pub fn copy(from: &Path, to: &Path) {
    for _ in 0..1000 {
        fs::create_dir(to).unwrap();
        let before = list(from);
        let names = before.iter().flatten().map(|(name, ..)| name);
        let mut copied = names.map(|name| fs::copy(from.join(name), to.join(name)));
        if copied.all(|copied| copied.is_ok()) && before.is_some() && list(from) == before {
            return;
        }
        fs::remove_dir_all(to).unwrap();
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{} is never at rest", from.display());
}

/// The logs, the oldest first, and how long they are.
pub fn logs(dir: &Path) -> Vec<(PathBuf, u64)> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let logs = entries.filter(|entry| entry.path().extension().is_some_and(|ext| ext == "log"));
    let mut logs: Vec<_> = logs.map(|log| (log.path(), log.metadata().unwrap().len())).collect();
    logs.sort();
    logs
}

/// The log that is written to, and how long it is.
pub fn newest_log(dir: &Path) -> (PathBuf, u64) {
    logs(dir).pop().unwrap()
}
