//! What can go wrong in a transaction.

use crate::locks::Wait;
use crate::ssi::Dependency;

/// How a concurrent transaction got in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conflict {
    /// The row was updated after this transaction's snapshot.
    ConcurrentUpdate,
    /// The row was deleted after this transaction's snapshot.
    ConcurrentDelete,
    /// SERIALIZABLE: three transactions, of which not all can commit.
    Dependency(Box<Dependency>),
    /// SERIALIZABLE: a key that this transaction has looked for, and not found, was added since.
    ConcurrentInsert,
}

/// Errors of the transaction layer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The storage layer failed.
    #[error(transparent)]
    Storage(#[from] cairn_storage::Error),
    /// First committer wins, and this transaction is not the first.
    #[error("could not serialize access due to {}", match .0 {
        Conflict::ConcurrentUpdate => "concurrent update",
        Conflict::ConcurrentDelete => "concurrent delete",
        Conflict::Dependency(_) | Conflict::ConcurrentInsert => "read/write dependencies among transactions",
    })]
    Serialization(Conflict),
    /// Waiting would close this cycle.
    #[error("deadlock detected")]
    Deadlock(Box<[Wait]>),
    /// NOWAIT was asked for and the lock is taken.
    #[error("could not obtain lock")]
    LockNotAvailable,
    /// The transaction wrote more than one transaction may.
    #[error("transaction is too large: its writes exceed {limit_bytes} bytes")]
    TooLarge {
        /// The limit.
        limit_bytes: usize,
    },
}

/// Result of a transactional operation.
pub type Result<T> = std::result::Result<T, Error>;
