//! Both engines fed the same random history have to agree on every read.

use std::ops::ControlFlow;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::Timestamp;
use crate::engine::{Batch, Direction, Engine, Span, Write};
use crate::memory::MemoryEngine;
use crate::rocks::{RocksEngine, RocksOptions};

#[derive(Clone, Debug)]
enum Step {
    Put(u8, u8),
    Delete(u8),
    Get(u8, u16),
    Scan(u8, u8, u16, bool),
    Newest(u8),
    Collect(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..32u8, any::<u8>()).prop_map(|(k, v)| Step::Put(k, v)),
        2 => (0..32u8).prop_map(Step::Delete),
        3 => (0..32u8, any::<u16>()).prop_map(|(k, back)| Step::Get(k, back)),
        2 => (0..32u8, 0..33u8, any::<u16>(), any::<bool>())
            .prop_map(|(a, b, back, reverse)| Step::Scan(a, b, back, reverse)),
        1 => (0..32u8).prop_map(Step::Newest),
        1 => any::<u16>().prop_map(Step::Collect),
    ]
}

fn scan(engine: &dyn Engine, span: &Span, at: Timestamp, direction: Direction) -> String {
    let mut found = Vec::new();
    let result = engine.scan(span, at, direction, &mut |key, value| {
        found.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    });
    format!("{result:?} {found:?}")
}

/// The same histories every time; `PROPTEST_CASES` and `PROPTEST_RNG_SEED` ask for others.
fn config() -> ProptestConfig {
    let asked = |name| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    ProptestConfig {
        cases: asked("PROPTEST_CASES").map_or(64, |cases| cases as u32),
        rng_seed: RngSeed::Fixed(asked("PROPTEST_RNG_SEED").unwrap_or(1)),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]
    #[test]
    fn engines_agree(steps in prop::collection::vec(step(), 1..300)) {
        let dir = tempfile::tempdir().unwrap();
        let options = RocksOptions { cache_bytes: 1 << 20, memtable_bytes: 1 << 16 };
        let rocks = RocksEngine::open(dir.path(), &options).unwrap();
        let memory = MemoryEngine::new();
        let mut now = 1u64;
        let mut bound = 0u64;
        for step in steps {
            let past = |back: u16| Timestamp(now.saturating_sub(u64::from(back) % (now + 1)));
            match step {
                Step::Put(..) | Step::Delete(_) => {
                    now += 1;
                    let (key, value) = match step {
                        Step::Put(key, value) => (key, Some(vec![value])),
                        Step::Delete(key) => (key, None),
                        _ => unreachable!(),
                    };
                    let write = Write { at: Timestamp(now), key: vec![key], value, existed: false };
                    let batch = Batch { writes: vec![write], system: Vec::new() };
                    rocks.write(&batch).unwrap();
                    memory.write(&batch).unwrap();
                }
                Step::Get(key, back) => {
                    let at = past(back);
                    prop_assert_eq!(
                        format!("{:?}", rocks.get(&[key], at)),
                        format!("{:?}", memory.get(&[key], at))
                    );
                }
                Step::Scan(a, b, back, reverse) => {
                    let (span, at) = (Span::new(vec![a], vec![b]), past(back));
                    let direction =
                        if reverse { Direction::Reverse } else { Direction::Forward };
                    prop_assert_eq!(
                        scan(&rocks, &span, at, direction),
                        scan(&memory, &span, at, direction)
                    );
                }
                Step::Newest(key) => {
                    // Below the bound a version may be remembered or not.
                    let above = |ts: Option<Timestamp>| ts.filter(|ts| ts.0 > bound);
                    prop_assert_eq!(
                        above(rocks.newest_version(&[key]).unwrap()),
                        above(memory.newest_version(&[key]).unwrap())
                    );
                }
                Step::Collect(back) => {
                    let at = past(back);
                    bound = bound.max(at.0);
                    rocks.collect_garbage(at).unwrap();
                    memory.collect_garbage(at).unwrap();
                }
            }
        }
    }
}
