//! The rows that a statement has changed, where it could come to one of them twice: by a join, by a
//! source with several rows for one key, or by several changes in one statement. What it reads is
//! older than its changes, so a row must not be changed again from that.

use std::collections::HashSet;

/// Keys of rows, as they were and as they became; or nothing, where no row can come twice.
#[derive(Debug, Default)]
pub struct Touched(Option<HashSet<Vec<u8>>>);

impl Touched {
    /// Keeps what it is told from now on.
    pub fn keep(&mut self) {
        self.0.get_or_insert_default();
    }

    /// Whether it keeps what it is told.
    pub fn keeps(&self) -> bool {
        self.0.is_some()
    }

    /// Whether the row under this key was changed.
    pub fn has(&self, key: &[u8]) -> bool {
        self.0.as_ref().is_some_and(|keys| keys.contains(key))
    }

    /// Notes that it was.
    pub fn add(&mut self, key: Vec<u8>) {
        if let Some(keys) = &mut self.0 {
            keys.insert(key);
        }
    }
}
