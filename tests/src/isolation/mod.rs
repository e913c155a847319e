//! Isolation specs: the steps of a few sessions in every interleaving, at each level, on any server.
//!
//! A spec is a file of `tests/isolation` ([`spec`] has the format). Its steps run in all interleavings of its
//! sessions, or in a sample that a seed settles ([`interleavings`]), each session on a connection of its
//! own ([`server`]); [`run`] drives them, notices who waits, and keeps what each step was answered.
//!
//! What an interleaving did is [judged](judge) twice. First, without any knowledge of the spec: do the same
//! transactions, one after the other in some order on the same server, give the same answers and leave the same
//! rows? If in no order, then it is `not serializable`. This asks for no annotations, and it covers predicates and
//! reads alike, which is why the [checker of histories](crate::history), to which keys and
//! versions have to be told, is not used here. Second, by conditions that the spec
//! gives names: which phenomenon it was, also where a weak level makes every interleaving unserializable. A
//! level is right if exactly those anomalies occur that the spec expects of it, each in some interleaving.
//!
//! The same interleavings run on PostgreSQL and on cairn, and [`compare`] wants the same answer to every step, the
//! same waits and the same rows in the end, but for what `differences.txt` lists.

pub mod compare;
pub mod interleavings;
pub mod judge;
pub mod run;
pub mod server;
pub mod spec;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use judge::Judge;
use run::Run;
use server::Server;
use spec::Spec;

/// The levels that a spec runs at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A snapshot for each statement.
    ReadCommitted,
    /// A snapshot for the transaction.
    RepeatableRead,
    /// As if one after the other.
    Serializable,
}

/// All of them.
pub const LEVELS: [Level; 3] = [Level::ReadCommitted, Level::RepeatableRead, Level::Serializable];

/// As in SQL.
impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::ReadCommitted => "read committed",
            Level::RepeatableRead => "repeatable read",
            Level::Serializable => "serializable",
        })
    }
}

/// What the interleavings of a spec did on one server at one level.
#[derive(Default)]
pub struct Observed {
    /// The interleavings, by the order that was asked for.
    pub runs: BTreeMap<Vec<usize>, Run>,
    /// In how many interleavings each anomaly was seen.
    pub anomalies: BTreeMap<String, usize>,
}

impl Observed {
    async fn add(
        &mut self,
        order: Vec<usize>,
        run: Run,
        judge: &mut Judge<'_>,
    ) -> Result<(), String> {
        for anomaly in judge.anomalies(&run).await? {
            *self.anomalies.entry(anomaly).or_default() += 1;
        }
        self.runs.insert(order, run);
        Ok(())
    }
}

/// Runs the interleavings of `spec`, at most about `limit`, leaving out those that cannot be: where a step is to
/// begin while its session waits, the order that comes of it is that of another interleaving.
pub async fn explore(
    spec: &Spec,
    server: &Server,
    level: Level,
    limit: usize,
) -> Result<Observed, String> {
    let mut judge = Judge::new(spec, server, level);
    let mut observed = Observed::default();
    // A beginning, and the session that waited after it.
    let mut stuck: HashSet<(Vec<usize>, usize)> = HashSet::new();
    for order in interleavings::choose(&spec.step_counts(), limit, &spec.name) {
        let is_stuck = |at: usize| stuck.contains(&(order[..at].to_vec(), order[at]));
        if observed.runs.contains_key(&order) || (0..order.len()).any(is_stuck) {
            continue;
        }
        let run = run::run(spec, server, level, &order).await?;
        if let Some(at) = (0..order.len()).find(|at| order[*at] != run.order[*at]) {
            stuck.insert((order[..at].to_vec(), order[at]));
        }
        let order = run.order.clone();
        if !observed.runs.contains_key(&order) {
            observed.add(order, run, &mut judge).await?;
        }
    }
    Ok(observed)
}

/// Runs the interleavings that another server was seen with.
pub async fn follow<'a>(
    spec: &Spec,
    server: &Server,
    level: Level,
    orders: impl Iterator<Item = &'a Vec<usize>>,
) -> Result<Observed, String> {
    let mut judge = Judge::new(spec, server, level);
    let mut observed = Observed::default();
    for order in orders {
        let run = run::run(spec, server, level, order).await?;
        observed.add(order.clone(), run, &mut judge).await?;
    }
    Ok(observed)
}
