//! Connections leave a thread that has more of those in use, and no more of them than evens it out.

use std::time::Duration;

use crate::workers::Workers;

#[test]
fn connections_move_until_threads_are_even() {
    let workers = Workers::start(2, 1 << 20).unwrap();
    let mut told = [0u64; 4];
    // What was counted shows one epoch later; a test that sleeps too long misses it, and counts again.
    for _ in 0..100 {
        let moves: Vec<_> = told.iter_mut().filter_map(|told| workers.better(0, told)).collect();
        if !moves.is_empty() {
            // Two are enough; a third may go if a new epoch begins in between.
            assert!(moves.len() <= 3 && moves.iter().all(|to| *to == 1), "{moves:?}");
            workers.end();
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("nobody moved away from three others");
}

#[test]
fn even_threads_keep_what_they_have() {
    let workers = Workers::start(2, 1 << 20).unwrap();
    let mut told = [0u64; 2];
    for _ in 0..5 {
        for (number, told) in told.iter_mut().enumerate() {
            assert_eq!(workers.better(number, told), None);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    workers.end();
}
