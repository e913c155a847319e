//! Could a database at an isolation level have given these answers?
//!
//! A [`History`] is what clients did and saw: transactions over lists that are only appended to,
//! registers that are overwritten, and reads of all keys of a range. [`check`] infers from it in which
//! order versions came to be, who read which, and who overwrote what another had read, draws the direct
//! serialization graph, and reports the phenomena that the level forbids, each with its cycle. It asks
//! nothing of the database and believes nothing but the answers, so one checker serves the simulator and
//! recordings of real clients.
//!
//! Everything rests on unique values: a value names the transaction that wrote it, and a list names
//! the whole past of its key. The phenomena are those of Adya, "Weak Consistency: A Generalized
//! Theory and Optimistic Implementations for Distributed Transactions" (1999); inferring them from
//! lists is due to Kingsbury and Alvaro, "Elle: Inferring Isolation Anomalies from Experimental
//! Observations" (VLDB 2020).
//!
//! The checker is sound, not complete: what it cannot know (the order of two registers' versions without
//! commit timestamps, which of two deletions a reader saw) draws no edge.
//!
//! * [`anomaly`] has the phenomena and how they read.
//! * `versions` finds out who wrote and who saw which version, and what is wrong without any graph.
//! * `graph` draws the edges; `cycles` looks for cycles of each kind.

pub mod anomaly;
mod cycles;
mod graph;
#[cfg(test)]
mod tests;
mod versions;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use anomaly::Anomalies;
pub use anomaly::{Anomaly, Phenomenon};
use graph::Graph;
use versions::Versions;

/// Names a list or a register, which a key is for good.
pub type Key = u64;

/// Names a version: no two writes of one key write the same.
pub type Value = u64;

/// Isolation levels, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// G0 and G1 are forbidden (Adya's PL-2).
    ReadCommitted,
    /// Also G-single, G-nonadjacent and lost updates.
    SnapshotIsolation,
    /// Also G2-item and G2 (Adya's PL-3).
    Serializable,
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its commit was acknowledged.
    Committed,
    /// It certainly had no effect.
    Aborted,
    /// Its client never heard. Counts as committed if somebody saw its writes, else not at all.
    Unknown,
}

/// Which order beside that of the data the answers must agree with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// None.
    #[default]
    Free,
    /// That of each session's transactions.
    Sessions,
    /// That of time: what began after an acknowledged end comes after it.
    RealTime,
}

/// The content of a key that a scan found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The elements of a list.
    List(Vec<Value>),
    /// The value of a register.
    Register(Value),
}

impl Found {
    /// The version that is there; an empty list has none.
    fn version(&self) -> Option<Value> {
        match self {
            Found::List(values) => values.last().copied(),
            Found::Register(value) => Some(*value),
        }
    }
}

/// A condition on a register's value, or the last one of a list: its remainder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter {
    /// By what it is divided.
    pub modulus: u64,
    /// What is left.
    pub remainder: u64,
}

impl Filter {
    /// Whether a version fulfils the condition; what is not there does not.
    pub fn admits(&self, version: Option<Value>) -> bool {
        version.is_some_and(|value| value % self.modulus == self.remainder)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "value % {} = {}", self.modulus, self.remainder)
    }
}

/// One step of a transaction, with its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Appended `value` to a list.
    Append {
        /// The list.
        key: Key,
        /// What was appended.
        value: Value,
    },
    /// Read a list; one that is not there reads as empty.
    ReadList {
        /// The list.
        key: Key,
        /// Its elements.
        values: Vec<Value>,
    },
    /// Set a register.
    Write {
        /// The register.
        key: Key,
        /// What it was set to.
        value: Value,
    },
    /// Removed a register.
    Delete {
        /// The register.
        key: Key,
        /// Names the deletion among the versions; nobody reads it.
        value: Value,
    },
    /// Read a register.
    Read {
        /// The register.
        key: Key,
        /// Its value, if it was there.
        value: Option<Value>,
    },
    /// Read all that is there of a range: a predicate read. Keys that were not found were read
    /// too, in the version in which they are not there.
    Scan {
        /// The range.
        keys: Range<Key>,
        /// What was there.
        found: Vec<(Key, Found)>,
    },
    /// Read what of a range fulfils a condition. Of other keys the answer tells no more than that they
    /// do not, nor those that were not there: who makes one of them fulfil it comes later.
    Select {
        /// The range.
        keys: Range<Key>,
        /// The condition.
        filter: Filter,
        /// Everything that was there. What does not fulfil the condition is no part of the answer, but
        /// says which version of its key the answer is about.
        seen: Vec<(Key, Found)>,
    },
}

impl Operation {
    /// Whether its answer has `key`, as something that is there.
    pub fn shows(&self, key: Key) -> bool {
        match self {
            Operation::Read { key: read, value } => *read == key && value.is_some(),
            Operation::Scan { found, .. } => found.iter().any(|(shown, _)| *shown == key),
            Operation::Select { filter, seen, .. } => {
                seen.iter().any(|(shown, row)| *shown == key && filter.admits(row.version()))
            }
            _ => false,
        }
    }
}

/// What one transaction did. Steps taken back by a savepoint are no part of it; they make an
/// aborted transaction of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Its steps in their order.
    pub operations: Vec<Operation>,
    /// How it ended.
    pub outcome: Outcome,
    /// The level it ran at. Phenomena that this does not forbid are not held against it.
    pub level: Level,
    /// Whose it was. The transactions of a session stand in the history in their order.
    pub session: Option<u64>,
    /// When it began, on any clock that all stamps share.
    pub start: Option<u64>,
    /// When its end was acknowledged.
    pub end: Option<u64>,
    /// Its place in the order of commits, if the recorder knows it.
    pub commit_at: Option<u64>,
}

impl Transaction {
    /// A transaction held to whatever level the history is checked at, with no stamps.
    pub fn new(outcome: Outcome, operations: Vec<Operation>) -> Transaction {
        Transaction {
            operations,
            outcome,
            level: Level::Serializable,
            session: None,
            start: None,
            end: None,
            commit_at: None,
        }
    }

    /// Goes back to where it had done `mark` steps, as to a savepoint. What it wrote since then may be
    /// seen by nobody: it is returned as an aborted transaction of its own. What it read still
    /// counts, unless it read what it wrote.
    pub fn take_back(&mut self, mark: usize) -> Transaction {
        let since = self.operations.split_off(mark);
        let (writes, reads): (Vec<_>, Vec<_>) =
            since.into_iter().partition(|operation| operation.written_key().is_some());
        let keys: BTreeSet<Key> = writes.iter().filter_map(Operation::written_key).collect();
        self.operations.extend(reads.into_iter().filter(|read| match read {
            Operation::Scan { keys: scanned, .. } | Operation::Select { keys: scanned, .. } => {
                keys.range(scanned.clone()).next().is_none()
            }
            Operation::ReadList { key, .. } | Operation::Read { key, .. } => !keys.contains(key),
            _ => unreachable!("writes are elsewhere"),
        }));
        Transaction::new(Outcome::Aborted, writes)
    }
}

impl Operation {
    /// The key that it writes, if it does.
    pub fn written_key(&self) -> Option<Key> {
        match self {
            Operation::Append { key, .. }
            | Operation::Write { key, .. }
            | Operation::Delete { key, .. } => Some(*key),
            _ => None,
        }
    }
}

/// What happened, as far as clients could see. Reports call transactions by their position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// In any order, but for those of a session.
    pub transactions: Vec<Transaction>,
    /// The one that had ended before all others began: a register that it wrote was always there.
    pub setup: Option<usize>,
    /// The one that began after all others had ended: it must see every committed write.
    pub final_read: Option<usize>,
    /// The order to be respected.
    pub order: Order,
}

/// Everything in `history` that `level` forbids; of each phenomenon at most a handful.
///
/// Takes time near to linear in the size of the answers, and, for scans, in the number of keys that
/// lie in their ranges.
///
/// # Panics
///
/// If the recording makes no sense: one value written twice to one key, or a key that is both list
/// and register.
pub fn check(history: &History, level: Level) -> Vec<Anomaly> {
    let mut anomalies = Anomalies::new(history);
    let versions = Versions::observe(history, &mut anomalies);
    if level >= Level::SnapshotIsolation {
        versions.find_lost_updates(&mut anomalies);
    }
    let graph = Graph::build(history, &versions, &mut anomalies);
    cycles::find(history, &graph, level, &mut anomalies);
    anomalies.into_list()
}

fn show(f: &mut fmt::Formatter<'_>, key: Key, found: &Found) -> fmt::Result {
    match found {
        Found::List(values) => write!(f, " {key}:{values:?}"),
        Found::Register(value) => write!(f, " {key}:{value}"),
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operation::Append { key, value } => write!(f, "append {value} to {key}"),
            Operation::ReadList { key, values } => write!(f, "read {key} = {values:?}"),
            Operation::Write { key, value } => write!(f, "write {value} to {key}"),
            Operation::Delete { key, value } => write!(f, "delete {key} ({value})"),
            Operation::Read { key, value: Some(value) } => write!(f, "read {key} = {value}"),
            Operation::Read { key, value: None } => write!(f, "read {key} = nothing"),
            Operation::Scan { keys, found } => {
                write!(f, "scan {}..{} =", keys.start, keys.end)?;
                found.iter().try_for_each(|(key, found)| show(f, *key, found))
            }
            Operation::Select { keys, filter, seen } => {
                let (admitted, passed_over): (Vec<_>, Vec<_>) =
                    seen.iter().partition(|(_, row)| filter.admits(row.version()));
                write!(f, "select {}..{} where {filter} =", keys.start, keys.end)?;
                admitted.into_iter().try_for_each(|(key, found)| show(f, *key, found))?;
                write!(f, ", not")?;
                passed_over.into_iter().try_for_each(|(key, found)| show(f, *key, found))
            }
        }
    }
}

impl fmt::Display for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, {:?}", self.outcome, self.level)?;
        if let Some(session) = self.session {
            write!(f, ", session {session}")?;
        }
        if let Some(at) = self.commit_at {
            write!(f, ", commit {at}")?;
        }
        for (index, operation) in self.operations.iter().enumerate() {
            write!(f, "{} {operation}", if index == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}
