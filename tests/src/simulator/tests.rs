//! The simulation's own parts: chance, the torn log, and waiting.

use cairn_storage::{Batch, Engine, Timestamp, Write};

use super::engine::TornEngine;
use super::executor::{Executor, block_on, patiently, pause};
use super::keys;
use super::random::Random;

#[test]
fn a_seed_means_the_same_for_ever() {
    let mut random = Random::new(0);
    assert_eq!(random.bits(), 0xe220_a839_7b1d_cdaf);
    assert_eq!(random.bits(), 0x6e78_9e6a_a1b9_65f4);
    assert!((0..1000).all(|_| random.below(3) < 3));
}

#[test]
fn a_power_cut_leaves_what_was_synced_and_a_prefix_of_the_rest() {
    let engine = TornEngine::new(false);
    let key = |number: u64| keys::encode(number);
    let write = |number: u64| {
        let (at, value) = (Timestamp(number), Some(vec![1]));
        let write = Write { at, key: key(number), value, existed: false };
        engine.write(&Batch { writes: vec![write], system: Vec::new() }).unwrap();
    };
    (1..=3).for_each(write);
    engine.sync().unwrap();
    (4..=7).for_each(write);
    assert_eq!(engine.unsynced(), 4);
    let (after, lost) = engine.cut_power(1).unwrap();
    assert_eq!(lost.into_iter().collect::<Vec<_>>(), [5, 6, 7].map(Timestamp));
    let found = |number: u64| after.get(&key(number), Timestamp::MAX).unwrap().is_some();
    assert!((1..=4).all(found) && !(5..=7).any(found));
    assert_eq!(after.unsynced(), 0);
    assert!(engine.sync().is_err() && after.sync().is_ok());
}

#[test]
fn tasks_move_only_when_polled_and_are_ready_only_when_woken() {
    let mut executor = Executor::new(2);
    let (sender, receiver) = std::sync::mpsc::channel();
    executor.spawn(0, async move {
        sender.send(1).unwrap();
        pause().await;
        sender.send(2).unwrap();
    });
    executor.spawn(1, std::future::pending());
    assert_eq!(executor.ready(), [0, 1]);
    executor.poll(1);
    executor.poll(0);
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [1]);
    assert_eq!(executor.ready(), [0]);
    executor.poll(0);
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [2]);
    assert_eq!(executor.running(), [1]);
    executor.cancel(1);
    assert!(executor.running().is_empty());
    assert_eq!(block_on(patiently(std::future::pending::<()>(), 3), || {}), None);
    assert_eq!(block_on(patiently(pause(), 3), || {}), Some(()));
}

#[test]
fn rows_are_in_the_order_of_their_keys_and_read_as_written() {
    let all = [keys::list(0, 3), keys::register(0, 1), keys::slot(0, 2), keys::fresh(0, 9)];
    assert!(all.is_sorted() && all.map(keys::encode).is_sorted());
    for key in all {
        assert_eq!(keys::decode(&keys::encode(key)), key);
        assert!(keys::group(0).contains(&key) && !keys::group(1).contains(&key));
        assert!(keys::span(&keys::group(0)).contains(&keys::encode(key)));
    }
    assert_eq!(keys::decode_values(&keys::encode_values(&[7, 8])), [7, 8]);
}
