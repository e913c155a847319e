//! Who does the work that no caller waits for.
//!
//! Syncing the log, splitting and merging ranges, and moving the garbage bound happen on threads.
//! A simulation runs on one thread and chooses itself when each of them happens, or no run of
//! it could be repeated; so it is injected, as the clock is.

/// Who does it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Background {
    /// Threads, one for each kind of work.
    #[default]
    Threads,
    /// The owner, by calling [`Store::sync_log`](crate::Store::sync_log),
    /// [`Store::maintain`](crate::Store::maintain) and, in the layer above, `collect_garbage`.
    /// Until the log is synced, what waits for it waits.
    Manual,
}
