//! Deadlocks are cycles of parties, and found when they arise.
//!
//! A cycle can only be closed by a request that starts to wait while somebody waits for its own locks, so
//! each such request walks the waits-for graph once, under one mutex that serializes walkers. Edges
//! are read from the shards during the walk rather than stored, so they are never stale.
//!
//! An edge is *hard* if it leads to a holder, and *soft* if it leads to one who is only further ahead in the
//! queue. A cycle with soft edges is no deadlock if queues can be put in another order in which nobody waits
//! in a circle, as in PostgreSQL: soft edges are turned round, one after the other, until that is so. What
//! is tried is an order on paper; the queues change when it is found good.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Asker, Entry, HeldLock, LockTable, Owner, Party, SessionId, Wait, Waiter};
use crate::{Error, Result};

/// Orders that are tried before a cycle counts as a deadlock.
const MAX_TRIES: usize = 100;

/// A wait, as part of the graph.
struct Edge {
    wait: Wait,
    is_soft: bool,
}

/// `waiter` is to come before `blocker` in the queue of `key`.
#[derive(Clone)]
struct Turn {
    key: Box<[u8]>,
    waiter: Party,
    blocker: Party,
}

/// Other orders of queues, by their keys.
type Orders = BTreeMap<Box<[u8]>, Vec<Party>>;

impl Entry {
    /// Whom `party`, waiting here, waits for, if the queue has this order or the one that it has.
    fn blockers(&self, party: Party, order: Option<&Vec<Party>>) -> Vec<Edge> {
        let is_of = |party: Party| move |waiter: &&Waiter| waiter.owner.party() == party;
        let Some(waiter) = self.queue.iter().find(is_of(party)) else { return Vec::new() };
        let conflicts = waiter.mode.conflicts();
        let edge = |blocker: Owner, is_soft| {
            let key = Box::from(&*self.key);
            let wait = Wait { waiter: waiter.owner, key, mode: waiter.mode, blocker };
            Edge { wait, is_soft }
        };
        let holders = self.holders.iter().filter(|(_, modes)| modes & conflicts != 0);
        let holders = holders.map(|(owner, _)| *owner).filter(|owner| owner.party() != party);
        let mut edges: Vec<Edge> = holders.map(|owner| edge(owner, false)).collect();
        let ahead: Vec<&Waiter> = match order {
            None => self.queue.iter().take_while(|other| other.owner.party() != party).collect(),
            Some(order) => order
                .iter()
                .take_while(|other| **other != party)
                .filter_map(|other| self.queue.iter().find(is_of(*other)))
                .collect(),
        };
        let ahead = ahead.into_iter().filter(|other| other.mode.bit() & conflicts != 0);
        edges.extend(ahead.map(|other| edge(other.owner, true)));
        edges
    }

    /// Puts the queue in an order. Those who have come since that was made stay behind.
    fn reorder(&mut self, order: &[Party]) {
        let place = |waiter: &Waiter| order.iter().position(|other| *other == waiter.owner.party());
        let place = |waiter: &Waiter| place(waiter).unwrap_or(usize::MAX);
        self.queue.make_contiguous().sort_by_key(place);
    }
}

/// A queue in which each turn is taken, or `None` if they contradict each other. Whoever has to come before
/// somebody moves ahead of that one; nobody else moves.
fn arrange(mut queue: Vec<Party>, turns: &[(Party, Party)]) -> Option<Vec<Party>> {
    let mut from_behind = Vec::with_capacity(queue.len());
    while !queue.is_empty() {
        let is_last = |party: &Party| {
            let mut turns = turns.iter().filter(|(waiter, _)| waiter == party);
            turns.all(|(_, blocker)| !queue.contains(blocker))
        };
        let last = queue.iter().rposition(is_last)?;
        from_behind.push(queue.remove(last));
    }
    from_behind.reverse();
    Some(from_behind)
}

/// The look for a cycle.
struct Search<'a> {
    table: &'a LockTable,
    waiting: &'a HashMap<Party, Vec<u8>>,
    orders: &'a Orders,
    target: Party,
    path: Vec<Edge>,
    seen: HashSet<Party>,
}

impl Search<'_> {
    /// Depth first from `from` to the target; the path has the edges found.
    fn reaches(&mut self, from: Party) -> bool {
        for edge in self.table.edges(self.waiting, from, self.orders) {
            let blocker = edge.wait.blocker.party();
            self.path.push(edge);
            if blocker == self.target {
                return true;
            }
            if self.seen.insert(blocker) && self.reaches(blocker) {
                return true;
            }
            self.path.pop();
        }
        false
    }
}

impl LockTable {
    /// A request has queued for `key`. Puts queues in another order if that is needed, and enough, to keep
    /// everybody out of a circle.
    pub(super) fn check_deadlock(&self, asker: &Asker<'_>, key: &[u8]) -> Result<()> {
        let party = asker.owner.party();
        let mut waiting = self.waiting.lock();
        waiting.insert(party, key.to_vec());
        // Nobody waits for one whose locks nobody asks for, so it closes no cycle. (Who asks for
        // one of them from now on walks the graph itself.)
        let wanted = |lock: &HeldLock| {
            let shard = self.shard(lock.hash).lock();
            shard.find(&lock.key, lock.hash).is_some_and(|entry| !entry.queue.is_empty())
        };
        if !asker.party_holds && !asker.held.iter().any(wanted) {
            return Ok(());
        }
        let Some(cycle) = self.cycle(&waiting, party, &Orders::new()) else { return Ok(()) };
        match self.find_orders(&waiting, party, &mut Vec::new(), &mut 0) {
            Some(orders) => {
                self.reorder(&orders);
                Ok(())
            }
            None => Err(Error::Deadlock(cycle.into_iter().map(|edge| edge.wait).collect())),
        }
    }

    /// The edges of a cycle through `start`.
    fn cycle(
        &self,
        waiting: &HashMap<Party, Vec<u8>>,
        start: Party,
        orders: &Orders,
    ) -> Option<Vec<Edge>> {
        let (path, seen) = (Vec::new(), HashSet::new());
        let mut search = Search { table: self, waiting, orders, target: start, path, seen };
        search.reaches(start).then_some(search.path)
    }

    /// Orders with which `party`, and all who change places, are in no cycle. They take `turns`, and others
    /// as needed.
    fn find_orders(
        &self,
        waiting: &HashMap<Party, Vec<u8>>,
        party: Party,
        turns: &mut Vec<Turn>,
        tries: &mut usize,
    ) -> Option<Orders> {
        *tries += 1;
        if *tries > MAX_TRIES {
            return None;
        }
        let orders = self.orders(turns)?;
        let mut starts: Vec<Party> =
            turns.iter().flat_map(|turn| [turn.waiter, turn.blocker]).collect();
        // Its own cycle is the one to go on with, if it is still in one.
        starts.push(party);
        let mut soft: Option<Vec<Turn>> = None;
        for start in starts {
            let Some(cycle) = self.cycle(waiting, start, &orders) else { continue };
            let edges = cycle.into_iter().rev().filter(|edge| edge.is_soft);
            let edges = edges.map(|Edge { wait, .. }| Turn {
                waiter: wait.waiter.party(),
                blocker: wait.blocker.party(),
                key: wait.key,
            });
            let edges: Vec<Turn> = edges.collect();
            if edges.is_empty() {
                return None;
            }
            soft = Some(edges);
        }
        let Some(soft) = soft else { return Some(orders) };
        for turn in soft {
            turns.push(turn);
            if let Some(orders) = self.find_orders(waiting, party, turns, tries) {
                return Some(orders);
            }
            turns.pop();
        }
        None
    }

    /// The queues of all turns with these taken.
    fn orders(&self, turns: &[Turn]) -> Option<Orders> {
        let mut orders = Orders::new();
        for Turn { key, .. } in turns {
            if orders.contains_key(key) {
                continue;
            }
            let hash = self.hash(key);
            let shard = self.shard(hash).lock();
            let queue = shard.find(key, hash).map(|entry| entry.queue.iter());
            let queue = queue.into_iter().flatten().map(|waiter| waiter.owner.party()).collect();
            drop(shard);
            let here = turns.iter().filter(|turn| turn.key == *key);
            let here: Vec<_> = here.map(|turn| (turn.waiter, turn.blocker)).collect();
            orders.insert(key.clone(), arrange(queue, &here)?);
        }
        Some(orders)
    }

    /// Puts queues in their new orders, and serves those whose turn it is then.
    fn reorder(&self, orders: &Orders) {
        for (key, order) in orders {
            let hash = self.hash(key);
            let mut shard = self.shard(hash).lock();
            if let Some(entry) = shard.find_mut(key, hash) {
                entry.reorder(order);
                entry.serve();
            }
        }
    }

    fn edges(&self, waiting: &HashMap<Party, Vec<u8>>, party: Party, orders: &Orders) -> Vec<Edge> {
        let Some(key) = waiting.get(&party) else { return Vec::new() };
        let hash = self.hash(key);
        let order = orders.get(key.as_slice());
        let shard = self.shard(hash).lock();
        shard.find(key, hash).map(|entry| entry.blockers(party, order)).unwrap_or_default()
    }

    /// What a session waits for, an edge for each who is in its way.
    pub fn waits(&self, session: SessionId) -> Vec<Wait> {
        let edges = self.edges(&self.waiting.lock(), (session, 0), &Orders::new());
        edges.into_iter().map(|edge| edge.wait).collect()
    }
}
