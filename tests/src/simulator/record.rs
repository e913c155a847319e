//! What happened: a history for the checker, a trace for people.
//!
//! The simulation knows more than its clients: when a commit was written, and whether it outlived a
//! crash. So the fate of every transaction is known in the end, also of those whose client went away.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cairn_storage::Timestamp;

use crate::history::{Level, Operation, Outcome, Transaction};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Running,
    /// Its commit was asked for.
    Committing,
    /// Its client went away after that.
    InDoubt,
    Ended,
}

struct Record {
    transaction: Transaction,
    /// The timestamp at which it was written, or zero.
    written: Arc<AtomicU64>,
    fate: Fate,
}

impl Record {
    fn end(&mut self, outcome: Outcome) {
        self.fate = Fate::Ended;
        self.transaction.outcome = outcome;
        let at = self.written.load(Ordering::Relaxed);
        self.transaction.commit_at = (outcome == Outcome::Committed && at > 0).then_some(at);
    }
}

/// Takes notes.
#[derive(Default)]
pub struct Recorder {
    records: Vec<Record>,
    /// The running transaction of each session.
    running: BTreeMap<u64, usize>,
    trace: Vec<String>,
    /// Counts what happens, as a clock for stamps.
    now: u64,
    /// Steps of the scheduler.
    pub steps: u64,
}

impl Recorder {
    /// Adds a line to the trace.
    pub fn note(&mut self, what: impl Display) {
        self.trace.push(format!("{:>7} {what}", self.steps));
    }

    /// The trace so far.
    pub fn trace(&self) -> &[String] {
        &self.trace
    }

    fn tick(&mut self) -> u64 {
        self.now += 1;
        self.now
    }

    fn of(&mut self, session: u64) -> &mut Record {
        let index = self.running.get(&session).expect("the session has a transaction");
        &mut self.records[*index]
    }

    /// A transaction begins. Returns its position in the history.
    pub fn begin(&mut self, session: u64, level: Level) -> usize {
        let mut transaction = Transaction::new(Outcome::Unknown, Vec::new());
        transaction.level = level;
        transaction.session = Some(session);
        transaction.start = Some(self.tick());
        let index = self.records.len();
        let before = self.running.insert(session, index);
        assert!(before.is_none(), "a session has one transaction at a time");
        self.records.push(Record { transaction, written: Arc::default(), fate: Fate::Running });
        self.note(format_args!("session {session}: begin T{index}, {level:?}"));
        index
    }

    /// It goes on with the snapshot of the `index`-th transaction: it is as old as that one, and sees
    /// nothing of what its own session has done since.
    pub fn adopted(&mut self, session: u64, index: usize) {
        self.note(format_args!("session {session}: with the snapshot of T{index}"));
        let start = self.records[index].transaction.start;
        let transaction = &mut self.of(session).transaction;
        (transaction.start, transaction.session) = (start, None);
    }

    /// It did this.
    pub fn did(&mut self, session: u64, operations: Vec<Operation>) {
        for operation in &operations {
            self.note(format_args!("session {session}: {operation}"));
        }
        self.of(session).transaction.operations.extend(operations);
    }

    /// How much it has done, for [`Recorder::take_back`].
    pub fn mark(&mut self, session: u64) -> usize {
        self.of(session).transaction.operations.len()
    }

    /// It returned to a savepoint.
    pub fn take_back(&mut self, session: u64, mark: usize) {
        self.note(format_args!("session {session}: rollback to savepoint"));
        let transaction = self.of(session).transaction.take_back(mark);
        self.records.push(Record { transaction, written: Arc::default(), fate: Fate::Ended });
    }

    /// It asks for its commit; the timestamp is to be stored where this says once it is written.
    pub fn committing(&mut self, session: u64) -> Arc<AtomicU64> {
        self.note(format_args!("session {session}: commit"));
        let record = self.of(session);
        record.fate = Fate::Committing;
        record.written.clone()
    }

    /// Its commit was acknowledged.
    pub fn committed(&mut self, session: u64) {
        let now = self.tick();
        self.note(format_args!("session {session}: committed"));
        let record = self.of(session);
        record.transaction.end = Some(now);
        record.end(Outcome::Committed);
        self.running.remove(&session);
    }

    /// It was rolled back.
    pub fn aborted(&mut self, session: u64, why: impl Display) {
        self.note(format_args!("session {session}: aborted, {why}"));
        self.of(session).end(Outcome::Aborted);
        self.running.remove(&session);
    }

    /// Its client is gone, if there was one.
    pub fn abandoned(&mut self, session: u64) {
        let Some(index) = self.running.remove(&session) else { return };
        let record = &mut self.records[index];
        match record.fate {
            Fate::Committing => record.fate = Fate::InDoubt,
            _ => record.end(Outcome::Aborted),
        }
        self.note(format_args!("session {session}: gone"));
    }

    /// All versions with these timestamps are gone. An error if a commit among them had been
    /// acknowledged.
    pub fn crashed(&mut self, lost: &BTreeSet<Timestamp>) -> Result<(), String> {
        assert!(self.running.is_empty(), "clients do not outlive a crash");
        for (index, record) in self.records.iter_mut().enumerate() {
            let at = record.written.load(Ordering::Relaxed);
            let is_lost = lost.contains(&Timestamp(at));
            match record.fate {
                Fate::InDoubt if at == 0 || is_lost => record.end(Outcome::Aborted),
                Fate::InDoubt => record.end(Outcome::Committed),
                _ if is_lost && record.transaction.outcome == Outcome::Committed => {
                    return Err(format!("T{index} was acknowledged, and the crash took it back"));
                }
                _ => {}
            }
            // A timestamp that was lost can be given out again.
            record.written = Arc::default();
        }
        Ok(())
    }

    /// All transactions, with those in doubt settled: no crash took what they had written.
    pub fn finish(&mut self) -> Vec<Transaction> {
        assert!(self.running.is_empty(), "all clients are done");
        for record in &mut self.records {
            let was_written = record.written.load(Ordering::Relaxed) > 0;
            match (record.fate, was_written) {
                (Fate::Ended, _) => {}
                (_, true) => record.end(Outcome::Committed),
                (_, false) => record.end(Outcome::Aborted),
            }
        }
        self.records.iter().map(|record| record.transaction.clone()).collect()
    }
}
