//! In which orders the steps of several sessions can be taken.
//!
//! An interleaving is a list of sessions: each entry is the next step of that one. Of many, a sample is
//! taken that depends on the spec's name alone, so that every run of the tests has the same.

use crate::simulator::random::Random;

/// Beyond that the exact number does not matter.
const MANY: u128 = u64::MAX as u128;

/// How many interleavings there are of sessions with so many steps: a multinomial coefficient.
pub fn count(steps: &[usize]) -> u128 {
    let (mut total, mut taken) = (1u128, 0u128);
    for steps in steps {
        for step in 1..=*steps as u128 {
            taken += 1;
            // Divides without rest: it is a binomial coefficient times what was there before.
            total = total * taken / step;
            if total > MANY {
                return total;
            }
        }
    }
    total
}

/// All interleavings in their order, or if they are more than `limit`, that many drawn from `name`, some maybe
/// twice.
pub fn choose(steps: &[usize], limit: usize, name: &str) -> Vec<Vec<usize>> {
    if count(steps) <= limit as u128 {
        let mut all = Vec::new();
        extend(&mut steps.to_vec(), &mut Vec::new(), &mut all);
        return all;
    }
    let seed =
        name.bytes().fold(0, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
    let mut random = Random::new(seed);
    (0..limit).map(|_| draw(steps, &mut random)).collect()
}

/// Adds to `all` whatever begins with `begun`, when `left` steps of each session are to come.
fn extend(left: &mut [usize], begun: &mut Vec<usize>, all: &mut Vec<Vec<usize>>) {
    if left.iter().all(|left| *left == 0) {
        all.push(begun.clone());
        return;
    }
    for session in 0..left.len() {
        if left[session] > 0 {
            left[session] -= 1;
            begun.push(session);
            extend(left, begun, all);
            begun.pop();
            left[session] += 1;
        }
    }
}

/// One of all, each as likely as the others: the next step is that of a session by how many it has left.
fn draw(steps: &[usize], random: &mut Random) -> Vec<usize> {
    let mut left: Vec<usize> =
        steps.iter().enumerate().flat_map(|(session, steps)| vec![session; *steps]).collect();
    let mut order = Vec::with_capacity(left.len());
    while !left.is_empty() {
        order.push(left.swap_remove(random.below(left.len() as u64) as usize));
    }
    order
}
