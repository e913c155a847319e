//! Serializable transactions whose steps a test spells out, one after the other.
//!
//! They run on the simulator's engine, and their history is judged by the data alone, without the order of
//! time. A transaction that fails is out: its further steps do nothing.

use std::collections::BTreeMap;
use std::future::Future;
use std::ops::{ControlFlow, Range};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cairn_storage::{Background, Direction, Store, StoreOptions, Timestamp};
use cairn_tests::history::{Anomaly, Filter, History, Key, Level, Operation, Order, Value, check};
use cairn_tests::simulator::clock::SimulatedClock;
use cairn_tests::simulator::engine::TornEngine;
use cairn_tests::simulator::executor::block_on;
use cairn_tests::simulator::keys;
use cairn_tests::simulator::record::Recorder;
use cairn_tests::simulator::statement::{self, Wanted};
use cairn_txn::ssi::{Limits, Rules};
use cairn_txn::{
    Access, Error, Isolation, LockMode, Options, Result, SharedSnapshot, Transaction,
    TransactionManager, WaitPolicy,
};

/// Names a transaction.
pub type Name = u64;

/// What came of a schedule.
pub struct Outcome {
    /// Transactions that failed to serialize.
    pub failures: usize,
    /// What the others did wrong.
    pub anomalies: Vec<Anomaly>,
}

type Boxed<T> = Pin<Box<dyn Future<Output = Result<T>>>>;

fn poll<T>(future: &mut Boxed<T>) -> Poll<Result<T>> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// A condition on values.
#[derive(Clone, Copy)]
pub enum Parity {
    /// Those of registers with odd numbers, at first.
    Even = 0,
    /// Those of registers with even numbers.
    Odd = 1,
}

/// Registers in each of the groups.
const REGISTERS: u64 = 8;
const GROUPS: u64 = 2;
/// Setup and the last read.
const OWN: Name = 0;

/// See the module's head.
pub struct Stage {
    manager: Arc<TransactionManager>,
    recorder: Recorder,
    running: BTreeMap<Name, Transaction>,
    /// Those that wait for a safe snapshot.
    beginning: BTreeMap<Name, Boxed<Transaction>>,
    /// Those whose commit is written and not durable.
    ending: Vec<(Name, Boxed<Option<Timestamp>>)>,
    failures: usize,
    last_value: Value,
    /// Commits whose writes are in files run on its threads.
    runtime: tokio::runtime::Runtime,
}

impl Stage {
    /// An empty stage, with 8 registers in each of two groups.
    pub fn new(rules: Rules) -> Stage {
        Stage::with_options(Options { ssi_rules: rules, ..Options::default() })
    }

    /// One with little memory for what is read and written.
    pub fn with_limits(rules: Rules, ssi_limits: Limits) -> Stage {
        Stage::with_options(Options { ssi_rules: rules, ssi_limits, ..Options::default() })
    }

    /// One with no memory for a transaction's writes.
    pub fn with_spills(rules: Rules) -> Stage {
        Stage::with_options(Options { ssi_rules: rules, spill_bytes: 1, ..Options::default() })
    }

    fn with_options(options: Options) -> Stage {
        let engine = Arc::new(TornEngine::new(false));
        let manual = StoreOptions { background: Background::Manual, ..StoreOptions::default() };
        let store = Store::on_engine(engine, None, &manual, Box::new(|_| {})).unwrap();
        let clock = Arc::new(SimulatedClock::at(1_700_000_000_000));
        let manager = TransactionManager::open(Arc::new(store), clock, options).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build();
        let mut stage = Stage {
            manager,
            recorder: Recorder::default(),
            running: BTreeMap::new(),
            beginning: BTreeMap::new(),
            ending: Vec::new(),
            failures: 0,
            last_value: 0,
            runtime: runtime.unwrap(),
        };
        stage.start(OWN, Isolation::ReadCommitted, false, Access::Write);
        for group in 0..GROUPS {
            for number in 0..REGISTERS {
                stage.step(OWN, |transaction, value| {
                    let key = keys::register(group, number);
                    let row = keys::encode_values(&[value]);
                    transaction.put(keys::encode(key), row, false)?;
                    Ok(vec![Operation::Write { key, value }])
                });
            }
        }
        stage.commit(OWN);
        stage
    }

    fn start(&mut self, who: Name, isolation: Isolation, read_only: bool, access: Access) {
        let level = match isolation {
            Isolation::Serializable => Level::Serializable,
            _ => Level::ReadCommitted,
        };
        self.recorder.begin(who, level);
        let mut transaction = self.manager.begin(isolation);
        transaction.set_read_only(read_only);
        transaction.begin_statement(access);
        self.running.insert(who, transaction);
    }

    /// Begins on a snapshot of what is durable.
    pub fn begin(&mut self, who: Name) {
        self.start(who, Isolation::Serializable, false, Access::Read);
    }

    /// Begins on a snapshot of what is written.
    pub fn begin_on_newest(&mut self, who: Name) {
        self.start(who, Isolation::Serializable, false, Access::Write);
    }

    /// Begins as READ ONLY.
    pub fn begin_read_only(&mut self, who: Name) {
        self.start(who, Isolation::Serializable, true, Access::Read);
    }

    /// Begins as READ ONLY DEFERRABLE. If it has to wait, its next step does.
    pub fn begin_deferrable(&mut self, who: Name) {
        self.recorder.begin(who, Level::Serializable);
        let mut transaction = self.manager.begin(Isolation::Serializable);
        transaction.set_read_only(true);
        let mut beginning: Boxed<Transaction> = Box::pin(async move {
            transaction.await_safe_snapshot().await?;
            Ok(transaction)
        });
        match poll(&mut beginning) {
            Poll::Ready(transaction) => {
                self.running.insert(who, transaction.unwrap());
            }
            Poll::Pending => {
                self.beginning.insert(who, beginning);
            }
        }
    }

    /// The snapshot of a running transaction.
    pub fn share(&self, who: Name) -> SharedSnapshot {
        self.running[&who].share_snapshot().expect("it has a snapshot")
    }

    /// Begins with the snapshot of another transaction; fails if that is not to be had.
    pub fn adopt(&mut self, who: Name, shared: &SharedSnapshot) {
        self.start_on(who, shared, false);
    }

    /// The same as READ ONLY.
    pub fn adopt_read_only(&mut self, who: Name, shared: &SharedSnapshot) {
        self.start_on(who, shared, true);
    }

    fn start_on(&mut self, who: Name, shared: &SharedSnapshot, read_only: bool) {
        self.recorder.begin(who, Level::Serializable);
        let mut transaction = self.manager.begin(Isolation::Serializable);
        transaction.set_read_only(read_only);
        match transaction.adopt_snapshot(shared) {
            true => {
                self.running.insert(who, transaction);
            }
            false => self.failed(who, "its snapshot is gone"),
        }
    }

    fn take(&mut self, who: Name) -> Option<Transaction> {
        let Some(beginning) = self.beginning.remove(&who) else {
            return self.running.remove(&who);
        };
        let begun = block_on(beginning, || self.manager.store().sync_log());
        Some(begun.expect("it has a snapshot by now"))
    }

    fn failed(&mut self, who: Name, why: &str) {
        self.failures += 1;
        self.recorder.aborted(who, why);
    }

    fn conflicted(&mut self, who: Name, error: &Error) {
        assert!(matches!(error, Error::Serialization(_)), "{error}");
        self.failed(who, &error.to_string());
    }

    fn step(
        &mut self,
        who: Name,
        act: impl FnOnce(&mut Transaction, Value) -> Result<Vec<Operation>>,
    ) {
        let Some(mut transaction) = self.take(who) else { return };
        self.last_value += 1;
        match act(&mut transaction, self.last_value) {
            Ok(operations) => {
                self.recorder.did(who, operations);
                self.running.insert(who, transaction);
            }
            Err(error) => {
                drop(transaction);
                self.conflicted(who, &error);
            }
        }
    }

    /// Reads a register by its key.
    pub fn read(&mut self, who: Name, key: Key) {
        self.step(who, |transaction, _| {
            let row = transaction.view().get(&keys::encode(key))?;
            Ok(vec![keys::read(key, row.as_deref())])
        });
    }

    /// Reads a register as a range of one key.
    pub fn scan(&mut self, who: Name, key: Key) {
        self.step(who, |transaction, _| {
            let range = key..key + 1;
            let rows = statement::scan(&transaction.view(), &range)?;
            Ok(vec![rows.into_operation(range)])
        });
    }

    /// Reads of a range, or of a single key, what has a value of this parity.
    pub fn select(&mut self, who: Name, range: Range<Key>, parity: Parity) {
        self.step(who, |transaction, _| {
            let filter = Filter { modulus: 2, remainder: parity as u64 };
            let (_, read) = statement::select(transaction.view(), &range, filter, Wanted::All)?;
            Ok(vec![read])
        });
    }

    /// Overwrites a register with a value of this parity.
    pub fn write_as(&mut self, who: Name, key: Key, parity: Parity) {
        if (self.last_value + 1) % 2 != parity as u64 {
            self.last_value += 1;
        }
        self.write(who, key);
    }

    /// Reads a range up to its first row.
    pub fn scan_to_first(&mut self, who: Name, range: Range<Key>) {
        self.step(who, |transaction, _| {
            let mut found = None;
            let view = transaction.view();
            view.scan(&keys::span(&range), Direction::Forward, &mut |key, row| {
                found = Some((keys::decode(key), row.to_vec()));
                ControlFlow::Break(())
            })?;
            let (key, row) = found.expect("the range is not empty");
            let (keys, found) = (range.start..key + 1, vec![(key, keys::found(key, &row))]);
            Ok(vec![Operation::Scan { keys, found }])
        });
    }

    /// Overwrites a register without having read it.
    pub fn write(&mut self, who: Name, key: Key) {
        self.step(who, |transaction, value| {
            let bytes = keys::encode(key);
            let lock = transaction.lock_row(&bytes, LockMode::ForUpdate, WaitPolicy::Block);
            block_on(lock, || {})?;
            transaction.put(bytes, keys::encode_values(&[value]), true)?;
            Ok(vec![Operation::Write { key, value }])
        });
    }

    /// Adds a register without having read it, as an entry of a unique index.
    pub fn insert(&mut self, who: Name, key: Key) {
        self.step(who, |transaction, value| {
            let bytes = keys::encode(key);
            block_on(transaction.lock_unique(&bytes), || {})?;
            assert!(transaction.get_latest(&bytes)?.is_none(), "it is there");
            transaction.put(bytes, keys::encode_values(&[value]), false)?;
            Ok(vec![Operation::Write { key, value }])
        });
    }

    /// Removes a register without having read it, as an entry of an index.
    pub fn delete(&mut self, who: Name, key: Key) {
        self.step(who, |transaction, value| {
            let bytes = keys::encode(key);
            let lock = transaction.lock_row(&bytes, LockMode::ForUpdate, WaitPolicy::Block);
            block_on(lock, || {})?;
            transaction.delete(bytes)?;
            Ok(vec![Operation::Delete { key, value }])
        });
    }

    /// Takes everything back.
    pub fn rollback(&mut self, who: Name) {
        if let Some(transaction) = self.take(who) {
            transaction.rollback();
            self.recorder.aborted(who, "its client changed its mind");
        }
    }

    /// Commits, durably.
    pub fn commit(&mut self, who: Name) {
        self.write_commit(who);
        self.sync();
    }

    /// Commits as far as it goes before the log is synced.
    pub fn write_commit(&mut self, who: Name) {
        let Some(mut transaction) = self.take(who) else { return };
        let stamp = self.recorder.committing(who);
        transaction.on_commit(Box::new(move |at| stamp.store(at.0, Ordering::Relaxed)));
        let handle = self.runtime.handle().clone();
        let _entered = handle.enter();
        let mut ending: Boxed<Option<Timestamp>> = Box::pin(transaction.commit(true));
        match poll(&mut ending) {
            Poll::Ready(result) => self.ended(who, result),
            Poll::Pending => self.ending.push((who, ending)),
        }
    }

    /// Syncs the log, and acknowledges the commits that were written.
    pub fn sync(&mut self) {
        for (who, ending) in std::mem::take(&mut self.ending) {
            let result = block_on(ending, || {
                self.manager.store().sync_log();
                // A commit from files is written by another thread.
                std::thread::sleep(Duration::from_millis(1));
            });
            self.ended(who, result);
        }
    }

    fn ended(&mut self, who: Name, result: Result<Option<Timestamp>>) {
        match result {
            Ok(_) => self.recorder.committed(who),
            Err(error) => self.conflicted(who, &error),
        }
    }

    /// Reads a register as a range whose rows get about one by one, and commits with the first of them in
    /// hand.
    pub fn commit_within_scan(&mut self, who: Name, key: Key) {
        let Some(transaction) = self.take(who) else { return };
        let (range, view) = (key..key + 1, transaction.view().ahead());
        let (mut reader, mut found) = (Some(transaction), Vec::new());
        let scanned = view.scan(&keys::span(&range), Direction::Forward, &mut |key, row| {
            let key = keys::decode(key);
            found.push((key, keys::found(key, row)));
            if let Some(transaction) = reader.take() {
                block_on(transaction.commit(true), || {}).expect("it has only read");
            }
            ControlFlow::Continue(())
        });
        match (reader, scanned) {
            (None, _) => {
                self.recorder.did(who, vec![Operation::Scan { keys: range, found }]);
                self.recorder.committing(who);
                self.recorder.committed(who);
            }
            (Some(_), Err(error)) => self.conflicted(who, &error),
            (Some(_), Ok(())) => panic!("the range is empty"),
        }
    }

    /// Reads all there is, and judges.
    pub fn finish(mut self) -> Outcome {
        self.sync();
        assert!(self.running.is_empty() && self.beginning.is_empty(), "all have ended");
        self.start(OWN, Isolation::ReadCommitted, false, Access::Read);
        for group in 0..GROUPS {
            self.step(OWN, |transaction, _| {
                let range = keys::group(group);
                let rows = statement::scan(&transaction.view(), &range)?;
                Ok(vec![rows.into_operation(range)])
            });
        }
        self.commit(OWN);
        let transactions = self.recorder.finish();
        let (setup, final_read) = (Some(0), Some(transactions.len() - 1));
        let history = History { transactions, setup, final_read, order: Order::Free };
        Outcome { failures: self.failures, anomalies: check(&history, Level::Serializable) }
    }
}
