//! Transactions over versioned storage.
//!
//! * [`clock`] and [`timestamps`] hand out rising timestamps and say which are visible.
//! * [`buffer`] holds a transaction's own writes until commit, with savepoints, and moves them to
//!   sorted files ([`spill`]) when there are too many; [`view`] reads a snapshot with those writes
//!   laid over it.
//! * [`locks`] is the lock table: rows and tables, FIFO queues, deadlock detection, and the
//!   commit timestamps of recently written keys, from which a writer learns that a row changed
//!   after its snapshot; [`session_locks`] are those that outlive transactions.
//! * [`ssi`] finds what would not be serializable: who has read what others overwrote.
//! * [`manager`] begins transactions and runs the commit pipeline and garbage collection;
//!   [`transaction`] is the only seam that `cairn-sql` sees.
//!
//! # The commit pipeline
//!
//! A commit takes its timestamp and writes its batch in one critical section, so the
//! log receives batches in timestamp order. There it also publishes its timestamp, notes it with every
//! key that was written, and releases its locks. Only then comes the sync, on the log's thread, for
//! all who committed meanwhile, and after it the committers are woken.
//! So a row that everybody changes is locked for as long as a transaction thinks, not for as
//! long as the disk turns.
//!
//! What that takes is that no answer tells of a commit that a crash could still take back. A
//! statement that only reads has a snapshot of what is durable, a prefix of the commit order: it
//! never waits. A statement that writes sees all that is written, and remembers how far; its commit is
//! behind that in the log, so it is durable no earlier, and one that ends without writes waits
//! for a barrier ([`Transaction::settled`]).
//!
//! A transaction with writes in files takes another way (`bulk_commit`), on which its timestamp
//! comes first and its batch last, so that others commit while it is written.
//!
//! # Isolation levels
//!
//! READ COMMITTED takes a snapshot per statement. A writer locks before it writes; a lock whose
//! key has a version newer than the snapshot says so, and the caller evaluates its
//! condition again on the newest version. REPEATABLE READ takes one snapshot, at the first
//! statement, and the same discovery is error 40001: the first committer has won. SERIALIZABLE is
//! that, and in addition no structure that could be part of a cycle commits ([`ssi`], and the
//! argument in `README.md`).

pub mod buffer;
mod bulk_commit;
pub mod clock;
mod error;
pub mod locks;
pub mod manager;
pub mod session_locks;
pub mod spill;
pub mod ssi;
mod tail;
pub mod timestamps;
pub mod transaction;
pub mod view;

#[cfg(test)]
mod tests;

pub use cairn_storage as storage;
pub use error::{Conflict, Error, Result};
pub use locks::{LockMode, SessionId, WaitPolicy};
pub use manager::{Options, TransactionManager};
pub use session_locks::{Lifetime, SessionLocks};
pub use ssi::{Filter, RowFilter};
pub use transaction::{
    Access, Isolation, LockOutcome, Referenced, Savepoint, SharedSnapshot, Transaction,
};
pub use view::ReadView;
