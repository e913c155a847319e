//! A transaction's own writes in memory and in runs, against a plain map.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::ControlFlow;
use std::sync::Arc;

use cairn_storage::memory::MemoryEngine;
use cairn_storage::{Direction, Span, Store, StoreOptions};

use crate::buffer::{Pending, record};
use crate::clock::SystemClock;
use crate::spill::SpillArea;
use crate::{Access, Error, Isolation, Options, Savepoint, Transaction, TransactionManager};

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

fn manager(spill_bytes: usize) -> Arc<TransactionManager> {
    let engine = Arc::new(MemoryEngine::new());
    let store = Store::on_engine(engine, None, &StoreOptions::default(), Box::new(|_| {})).unwrap();
    let options = Options { spill_bytes, ..Options::default() };
    TransactionManager::open(Arc::new(store), Arc::new(SystemClock), options).unwrap()
}

/// The splitmix64 generator.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }

    fn key(&mut self) -> Vec<u8> {
        numbered(self.below(2), self.below(150))
    }
}

/// A key of one of two indexes.
fn numbered(index: u64, number: u64) -> Vec<u8> {
    format!("tab{index}/{number:03}").into_bytes()
}

fn scan(t: &Transaction, span: &Span, direction: Direction) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows = Vec::new();
    t.view()
        .scan(span, direction, &mut |key, value| {
            rows.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        })
        .unwrap();
    rows
}

/// Compares a span, in both directions, and some keys.
fn compare(t: &Transaction, model: &Rows, random: &mut Random, step: u64) {
    let (a, b) = (random.key(), random.key());
    let span = match random.below(3) {
        0 => Span::default(),
        _ => Span::new(a.clone().min(b.clone()), a.clone().max(b.clone())),
    };
    let inside = model.iter().filter(|(key, _)| span.contains(key));
    let mut expected: Vec<_> = inside.map(|(k, v)| (k.clone(), v.clone())).collect();
    assert_eq!(scan(t, &span, Direction::Forward), expected, "step {step}");
    expected.reverse();
    assert_eq!(scan(t, &span, Direction::Reverse), expected, "step {step}");
    let found = t.view().multi_get(&[a.clone(), b.clone()]).unwrap();
    assert_eq!(found, [model.get(&a).cloned(), model.get(&b).cloned()], "step {step}");
    assert_eq!(t.get_latest(&a).unwrap(), model.get(&a).cloned(), "step {step}");
    assert_eq!(t.none_exists(&[&a]).unwrap(), !model.contains_key(&a), "step {step}");
}

async fn history(seed: u64) {
    let manager = manager(2000);
    let mut random = Random(seed);
    let mut model = Rows::new();
    for round in 0..4 {
        let before = model.clone();
        let mut t = manager.begin(Isolation::ReadCommitted);
        t.begin_statement(Access::Write);
        let mut savepoints: Vec<(Savepoint, Rows)> = Vec::new();
        for step in 0..600u64 {
            let key = random.key();
            let value = vec![random.below(256) as u8; random.below(60) as usize];
            match random.below(40) {
                0 => savepoints.push((t.savepoint(), model.clone())),
                1 => {
                    if savepoints.pop().is_some() {
                        t.release_savepoint();
                    }
                }
                2 => {
                    if let Some((savepoint, then)) = savepoints.last() {
                        t.rollback_to(*savepoint);
                        model.clone_from(then);
                    }
                }
                3..=5 => compare(&t, &model, &mut random, step),
                6..=12 => {
                    if model.remove(&key).is_some() {
                        t.delete(key).unwrap();
                    }
                }
                13..=20 => {
                    let existed = model.insert(key.clone(), value.clone()).is_some();
                    t.put(key, value, existed).unwrap();
                }
                // Adds some in order, as a load does.
                _ => {
                    let (index, first) = (random.below(2), random.below(150));
                    let keys = (first..first + random.below(20)).map(|at| numbered(index, at));
                    for key in keys {
                        if let Entry::Vacant(entry) = model.entry(key) {
                            let key = entry.key().clone();
                            assert!(t.add(key, value.clone()).unwrap(), "step {step}");
                            entry.insert(value.clone());
                        }
                    }
                }
            }
        }
        if round % 2 == 1 {
            t.rollback();
            model = before;
        } else {
            // Also with savepoints open.
            t.commit(true).await.unwrap();
        }
        let mut t = manager.begin(Isolation::ReadCommitted);
        t.begin_statement(Access::Read);
        let all: Vec<_> = model.clone().into_iter().collect();
        assert_eq!(scan(&t, &Span::default(), Direction::Forward), all, "round {round}");
    }
}

#[tokio::test]
async fn a_transaction_reads_its_writes_wherever_they_are() {
    for seed in 1..20 {
        history(seed).await;
    }
}

#[tokio::test]
async fn memory_stays_bounded_also_with_a_savepoint_open() {
    let engine = Arc::new(MemoryEngine::new());
    let store = Store::on_engine(engine, None, &StoreOptions::default(), Box::new(|_| {})).unwrap();
    // What is in memory may never be more than twice what is asked for.
    let options =
        Options { spill_bytes: 5000, max_transaction_bytes: 10_000, ..Options::default() };
    let manager =
        TransactionManager::open(Arc::new(store), Arc::new(SystemClock), options).unwrap();
    let mut t = manager.begin(Isolation::ReadCommitted);
    t.begin_statement(Access::Write);
    for n in 0..1000u32 {
        if n == 310 {
            t.savepoint();
        }
        assert!(t.add(n.to_be_bytes().to_vec(), vec![7; 100]).unwrap());
    }
    assert!(!t.add(999u32.to_be_bytes().to_vec(), vec![8]).unwrap());
    t.commit(true).await.unwrap();
    let t = manager.begin(Isolation::ReadCommitted);
    assert_eq!(scan(&t, &Span::default(), Direction::Forward).len(), 1000);
}

fn runs_in(dir: &std::path::Path) -> usize {
    std::fs::read_dir(dir).unwrap().count()
}

#[test]
fn a_damaged_run_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let area = SpillArea::open(Some(dir.path().join("spill"))).unwrap();
    let pending =
        |n: u32| Pending { value: Some(vec![n as u8; 100]), existed: n.is_multiple_of(3) };
    let rows: BTreeMap<Vec<u8>, Pending> =
        (0..1000u32).map(|n| (n.to_be_bytes().to_vec(), pending(n))).collect();
    let records = rows.iter().map(|(key, pending)| record(key, pending));
    let run = area.write(records, rows.len()).unwrap();
    let key = 500u32.to_be_bytes();
    assert_eq!(run.get(&key).unwrap(), Some(pending(500)));
    assert_eq!(run.get(&[0, 0, 1]).unwrap(), None);
    let found = run.cursor(&Span::default(), Direction::Forward).map(Result::unwrap);
    assert!(found.eq(rows.clone()));
    let path = dir.path().join("spill").join(run.name().unwrap());
    let mut bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes.len() as u64, run.bytes());
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let all: crate::Result<Vec<_>> = run.cursor(&Span::default(), Direction::Reverse).collect();
    let is_damage =
        |error: &Error| matches!(error, Error::Storage(cairn_storage::Error::Corrupted(_)));
    assert!(all.is_err_and(|error| is_damage(&error)));
    let name = run.name().unwrap().to_owned();
    assert!(area.reopen(&name, run.bytes()).is_err_and(|error| is_damage(&error)));
    assert!(area.reopen(&name, run.bytes() - 1).is_err_and(|error| is_damage(&error)));
    drop(run);
    assert_eq!(runs_in(&dir.path().join("spill")), 0);
}
