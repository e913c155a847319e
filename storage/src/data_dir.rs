//! The data directory: whether it is ours, in a format we read, and not open elsewhere.
//!
//! A marker file names the format, a lock file is held for as long as the store is open. The
//! marker is written last when a directory is made, so that an interrupted creation
//! leaves a directory that is recognisably not finished: nothing in it but an empty engine folder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// The on-disk format that this version reads and writes.
pub const FORMAT: u32 = 2;

const MARKER: &str = "CAIRN";
const DRAFT: &str = "CAIRN.new";
const LOCK: &str = "cairn.lock";
const ENGINE: &str = "rocksdb";
const SPILL: &str = "spill";

/// A data directory held open by this process.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_path_buf();
    move |error| Error::Io { action, path, message: error.to_string() }
}

impl DataDir {
    /// Takes possession of `path`, making it a data directory when it is missing or empty.
    pub fn open(path: &Path) -> Result<DataDir> {
        fs::create_dir_all(path).map_err(io("create data directory", path))?;
        let marker = path.join(MARKER);
        // A directory of somebody else's is left as it is, without a lock file.
        if !marker.exists() {
            check_unfinished(path)?;
        }
        let lock_path = path.join(LOCK);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(io("open lock file", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::InUse(path.to_path_buf())),
            Err(TryLockError::Error(error)) => {
                return Err(io("lock", &lock_path)(error));
            }
        }
        if marker.exists() {
            check_marker(path, &marker)?;
            // RocksDB would make a new, empty store in place of one that is gone.
            if !path.join(ENGINE).exists() {
                return Err(Error::Corrupted(format!(
                    "{} is a data directory, but its {ENGINE} folder is missing",
                    path.display()
                )));
            }
        } else {
            fs::create_dir_all(path.join(ENGINE)).map_err(io("create", path))?;
            write_marker(path, &marker)?;
        }
        Ok(DataDir { path: path.to_path_buf(), _lock: lock })
    }

    /// Where the engine keeps its files.
    pub fn engine_path(&self) -> PathBuf {
        self.path.join(ENGINE)
    }

    /// Where temporary files of large transactions are.
    pub fn spill_path(&self) -> PathBuf {
        self.path.join(SPILL)
    }
}

/// Whether a directory without marker is one whose making was interrupted, or empty.
fn check_unfinished(path: &Path) -> Result<()> {
    let entries = fs::read_dir(path).map_err(io("read data directory", path))?;
    for entry in entries {
        let entry = entry.map_err(io("read data directory", path))?;
        let name = entry.file_name();
        let empty_engine = name == ENGINE
            && fs::read_dir(entry.path()).is_ok_and(|mut entries| entries.next().is_none());
        let ours = [LOCK, DRAFT, MARKER, "lost+found"].iter().any(|own| name == *own);
        if !ours && !empty_engine {
            return Err(Error::NotOurs(path.to_path_buf()));
        }
    }
    Ok(())
}

fn write_marker(path: &Path, marker: &Path) -> Result<()> {
    let draft = path.join(DRAFT);
    let mut file = File::create(&draft).map_err(io("create", &draft))?;
    writeln!(file, "cairn data directory\nformat {FORMAT}").map_err(io("write", &draft))?;
    file.sync_all().map_err(io("sync", &draft))?;
    fs::rename(&draft, marker).map_err(io("rename", &draft))?;
    File::open(path).and_then(|dir| dir.sync_all()).map_err(io("sync", path))
}

fn check_marker(path: &Path, marker: &Path) -> Result<()> {
    let text = fs::read_to_string(marker).map_err(io("read", marker))?;
    let mut lines = text.lines();
    if lines.next() != Some("cairn data directory") {
        return Err(Error::NotOurs(path.to_path_buf()));
    }
    let found = lines
        .next()
        .and_then(|line| line.strip_prefix("format "))
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| Error::Corrupted(format!("unreadable marker file {}", marker.display())))?;
    if found != FORMAT {
        return Err(Error::Format { path: path.to_path_buf(), found, supported: FORMAT });
    }
    Ok(())
}
