//! What can go wrong below the transactions.

use std::path::PathBuf;

/// Errors of the storage layer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Another process has the data directory open.
    #[error("data directory \"{0}\" is in use by another process")]
    InUse(PathBuf),
    /// The directory exists, holds files, and is not a cairn data directory.
    #[error("directory \"{0}\" exists but is not a cairn data directory")]
    NotOurs(PathBuf),
    /// The directory was written by a version of cairn with another on-disk format.
    #[error("data directory \"{path}\" has format {found}, this version reads format {supported}")]
    Format {
        /// The directory.
        path: PathBuf,
        /// The format it is in.
        found: u32,
        /// The format that this version writes.
        supported: u32,
    },
    /// The operating system refused something.
    #[error("could not {action} \"{path}\": {message}")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// The system's message.
        message: String,
    },
    /// The engine reported an error.
    #[error("storage engine: {0}")]
    Engine(String),
    /// Bytes on disk that cannot have been written by us.
    #[error("corrupted data: {0}")]
    Corrupted(String),
    /// A read below the timestamp up to which old versions have been collected.
    #[error("snapshot too old: versions at the requested timestamp have been collected")]
    SnapshotTooOld,
    /// A log write or sync failed earlier; nothing further is accepted.
    #[error("the log could not be written: {0}")]
    LogFailed(String),
}

/// Result of a storage operation.
pub type Result<T> = std::result::Result<T, Error>;
