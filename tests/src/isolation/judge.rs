//! Which anomalies an interleaving shows.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use super::Level;
use super::run::{self, Run};
use super::server::{Answer, Server};
use super::spec::{Claim, Condition, Spec};

/// The anomaly of an interleaving that is like no serial order of its transactions.
pub const UNSERIALIZABLE: &str = "not serializable";

/// Class 40 of SQLSTATE, transaction rollback.
const ROLLBACK_CLASS: &str = "40";

/// Judges the interleavings of a spec on a server at a level.
pub struct Judge<'a> {
    spec: &'a Spec,
    server: &'a Server,
    level: Level,
    /// What sessions do one after the other, in the orders that were needed so far.
    serial: HashMap<Vec<usize>, Run>,
}

impl<'a> Judge<'a> {
    /// One that has seen nothing yet.
    pub fn new(spec: &'a Spec, server: &'a Server, level: Level) -> Judge<'a> {
        Judge { spec, server, level, serial: HashMap::new() }
    }

    /// The names of all that are wrong with it.
    pub async fn anomalies(&mut self, run: &Run) -> Result<BTreeSet<String>, String> {
        let anomalies = self.spec.anomalies.iter();
        let found = anomalies.filter(|anomaly| anomaly.conditions.iter().all(|c| holds(c, run)));
        let mut names: BTreeSet<String> = found.map(|anomaly| anomaly.name.clone()).collect();
        if !self.is_serializable(run).await? {
            names.insert(UNSERIALIZABLE.to_owned());
        }
        Ok(names)
    }

    async fn is_serializable(&mut self, run: &Run) -> Result<bool, String> {
        for order in permutations(&run.committed) {
            let serial = match self.serial.entry(order) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => {
                    let mut steps = Vec::new();
                    for session in place.key() {
                        steps.extend(vec![*session; self.spec.sessions[*session].steps.len()]);
                    }
                    place.insert(run::run(self.spec, self.server, self.level, &steps).await?)
                }
            };
            if is_like(run, serial) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Whether those who have committed saw the same in both, and left the same. What failed as part of a concurrent
/// execution, and was taken back to a savepoint, has seen nothing.
pub(super) fn is_like(run: &Run, serial: &Run) -> bool {
    run.last == serial.last
        && run.committed.iter().all(|session| {
            let mut outcomes = run.outcomes[*session].iter().zip(&serial.outcomes[*session]);
            outcomes.all(|(outcome, serial)| {
                outcome.answer == serial.answer || outcome.answer.fails(ROLLBACK_CLASS)
            })
        })
}

fn holds(condition: &Condition, run: &Run) -> bool {
    match condition {
        Condition::Commits(session) => run.committed.contains(session),
        Condition::Step(session, step, claim) => {
            is_true(claim, &run.outcomes[*session][*step].answer)
        }
        Condition::Last(claim) => {
            let (rows, count) = (run.last.clone(), run.last.len() as u64);
            is_true(claim, &Answer::Done { rows, count })
        }
    }
}

fn is_true(claim: &Claim, answer: &Answer) -> bool {
    match (claim, answer) {
        (Claim::Shows(row), Answer::Done { rows, .. }) => rows.contains(row),
        (Claim::Lacks(row), Answer::Done { rows, .. }) => !rows.contains(row),
        (Claim::Counts(wanted), Answer::Done { count, .. }) => count == wanted,
        (Claim::Fails(code), answer) => answer.fails(code),
        (_, Answer::Failed(_)) => false,
    }
}

/// All orders of a few things.
pub(super) fn permutations(things: &[usize]) -> Vec<Vec<usize>> {
    if things.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (at, first) in things.iter().enumerate() {
        let others = [&things[..at], &things[at + 1..]].concat();
        for mut rest in permutations(&others) {
            rest.insert(0, *first);
            all.push(rest);
        }
    }
    all
}
