//! The phenomena, and how one reads in a report.

use std::collections::BTreeMap;
use std::fmt;

use super::History;

/// What can be wrong with a history. G0 to G2 are Adya's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phenomenon {
    /// Dirty write: a cycle of nothing but overwrites.
    G0,
    /// Aborted read: a committed transaction saw what never was committed.
    G1a,
    /// Intermediate read: it saw what its writer itself replaced later.
    G1b,
    /// Circular information flow: a cycle of overwrites and reads.
    G1c,
    /// A cycle with exactly one anti-dependency, such as read skew.
    GSingle,
    /// A cycle with several anti-dependencies of which no two are in a row, such as a long fork.
    GNonadjacent,
    /// A cycle with several anti-dependencies, all between reads and writes of keys that
    /// were there, such as write skew.
    G2Item,
    /// A cycle with several anti-dependencies, at least one through a key that a scan did not find.
    G2,
    /// Two transactions changed the same version that both had read.
    LostUpdate,
    /// A transaction did not see its own changes, or saw them too early.
    Internal,
    /// Two reads of a list of which neither is a prefix of the other.
    IncompatibleOrder,
    /// An element twice in a list, or a key twice in a scan.
    Duplicate,
    /// A value that nobody wrote.
    UnwrittenRead,
    /// A committed write that is not there in the end, or a key that nobody removed.
    LostWrite,
}

impl fmt::Display for Phenomenon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phenomenon::G0 => "G0 (dirty write)",
            Phenomenon::G1a => "G1a (aborted read)",
            Phenomenon::G1b => "G1b (intermediate read)",
            Phenomenon::G1c => "G1c (circular information flow)",
            Phenomenon::GSingle => "G-single",
            Phenomenon::GNonadjacent => "G-nonadjacent",
            Phenomenon::G2Item => "G2-item",
            Phenomenon::G2 => "G2 (predicate)",
            Phenomenon::LostUpdate => "lost update",
            Phenomenon::Internal => "internal inconsistency",
            Phenomenon::IncompatibleOrder => "incompatible orders",
            Phenomenon::Duplicate => "duplicate",
            Phenomenon::UnwrittenRead => "read of what nobody wrote",
            Phenomenon::LostWrite => "lost write",
        })
    }
}

/// One occurrence of a phenomenon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// Which.
    pub phenomenon: Phenomenon,
    /// What happened, for people: the edges of the cycle and the transactions in it.
    pub description: String,
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.phenomenon, self.description)
    }
}

/// Most occurrences of one phenomenon that are reported.
const MAX_REPORTED: usize = 8;
/// A transaction's steps are cut there in a description.
const TRANSACTION_CHARS: usize = 600;

/// Collects the first few of each phenomenon.
pub(super) struct Anomalies<'a> {
    history: &'a History,
    found: BTreeMap<Phenomenon, Vec<Anomaly>>,
}

impl<'a> Anomalies<'a> {
    pub(super) fn new(history: &'a History) -> Anomalies<'a> {
        Anomalies { history, found: BTreeMap::new() }
    }

    /// Whether there is one of this kind.
    pub(super) fn has(&self, phenomenon: Phenomenon) -> bool {
        self.found.contains_key(&phenomenon)
    }

    /// Whether further ones of this kind would not be reported.
    pub(super) fn is_full(&self, phenomenon: Phenomenon) -> bool {
        self.found.get(&phenomenon).is_some_and(|found| found.len() >= MAX_REPORTED)
    }

    /// Notes what happened, and what each of `transactions` did.
    pub(super) fn add(
        &mut self,
        phenomenon: Phenomenon,
        transactions: &[usize],
        what: impl FnOnce() -> String,
    ) {
        if self.is_full(phenomenon) {
            return;
        }
        let mut description = what();
        for index in transactions {
            let Some(transaction) = self.history.transactions.get(*index) else { continue };
            let shown = transaction.to_string();
            description.push_str(&format!("\n  T{index}, "));
            description.extend(shown.chars().take(TRANSACTION_CHARS));
            if shown.chars().nth(TRANSACTION_CHARS).is_some() {
                description.push_str(" ...");
            }
        }
        self.found.entry(phenomenon).or_default().push(Anomaly { phenomenon, description });
    }

    /// All of them, the worst phenomenon first.
    pub(super) fn into_list(self) -> Vec<Anomaly> {
        self.found.into_values().flatten().collect()
    }
}
