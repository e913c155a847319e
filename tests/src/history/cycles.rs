//! Cycles in the graph, by kind.
//!
//! Tarjan's algorithm finds the strongly connected components ("Depth-first search and linear graph
//! algorithms", 1972) over the edges that a phenomenon may have, and in each a breadth-first search closes one
//! edge to a short cycle. What snapshot isolation forbids are the cycles without two anti-dependencies in
//! a row (Cerone and Gotsman, "Analysing Snapshot Isolation", PODC 2016), of which G-single is the simplest.
//! Those are all cycles of the split graph, in which an anti-dependency leads to a second copy of its
//! transaction that only dependencies leave, so write skews, of which an honest history may have many,
//! are no cycles there and cost nothing.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::anomaly::{Anomalies, Phenomenon};
use super::graph::{Edge, Graph, Kind, Kinds};
use super::{History, Level};

const ORDER: Kinds = Kind::Session.bit() | Kind::RealTime.bit();
const DEPENDENCIES: Kinds = Kind::Ww.bit() | Kind::Wr.bit() | ORDER;
/// Edges of one component that are tried before it is given up.
const MAX_TRIES: usize = 200;

/// Reports all cycles that `level` forbids.
pub(super) fn find(history: &History, graph: &Graph, level: Level, anomalies: &mut Anomalies<'_>) {
    let mut search = Search::new(graph);
    let overwrites = Kind::Ww.bit() | ORDER;
    let any = |_: usize| true;
    let over = |kinds: Kinds| move |edge: &Edge| edge.kind.bit() & kinds != 0;
    search.cycles(Phenomenon::G0, Kind::Ww.bit(), over(overwrites), any, anomalies);
    search.cycles(Phenomenon::G1c, Kind::Wr.bit(), over(DEPENDENCIES), any, anomalies);
    let level_of = |node: usize| history.transactions.get(node).map(|t| t.level);
    if level >= Level::SnapshotIsolation {
        let strict = |edge: &Edge| level_of(edge.from) >= Some(Level::SnapshotIsolation);
        let split = graph.split(DEPENDENCIES, strict);
        let components = components(&split, &over(Kinds::MAX));
        let is_closed = |edge: &&Edge| components[edge.from] == components[edge.to];
        let rw = split.edges().iter().filter(|edge| edge.kind.is_rw());
        let suspects: Vec<Edge> = rw.filter(is_closed).map(|edge| split.unsplit(edge)).collect();
        if !suspects.is_empty() {
            search.single(&suspects, anomalies);
        }
        // One with a single anti-dependency says more than those that go on from there.
        if !suspects.is_empty() && !anomalies.has(Phenomenon::GSingle) {
            let mut search = Search::new(&split);
            let (rw, all) = (Kind::RwItem.bit() | Kind::RwPredicate.bit(), over(Kinds::MAX));
            search.cycles(Phenomenon::GNonadjacent, rw, all, |count| count > 1, anomalies);
        }
    }
    if level >= Level::Serializable {
        let serializable = |node| level_of(node).is_none_or(|level| level == Level::Serializable);
        let among = |kinds: Kinds| {
            move |edge: &Edge| {
                edge.kind.bit() & kinds != 0 && serializable(edge.from) && serializable(edge.to)
            }
        };
        let items = DEPENDENCIES | Kind::RwItem.bit();
        let rw = Kind::RwItem.bit();
        search.cycles(Phenomenon::G2Item, rw, among(items), |count| count > 1, anomalies);
        let rw = Kind::RwPredicate.bit();
        search.cycles(Phenomenon::G2, rw, among(items | rw), |count| count > 1, anomalies);
    }
}

struct Search<'a> {
    graph: &'a Graph,
    /// The number of the last search that came by a node.
    visited: Vec<usize>,
    search: usize,
}

impl<'a> Search<'a> {
    fn new(graph: &'a Graph) -> Search<'a> {
        Search { graph, visited: vec![0; graph.len()], search: 0 }
    }

    /// Reports for each component over `allowed` edges a cycle through an edge of the kinds
    /// `through` with an accepted number of anti-dependencies.
    fn cycles(
        &mut self,
        phenomenon: Phenomenon,
        through: Kinds,
        allowed: impl Fn(&Edge) -> bool,
        accepted: impl Fn(usize) -> bool,
        anomalies: &mut Anomalies<'_>,
    ) {
        let graph = self.graph;
        let components = components(graph, &allowed);
        let mut tries = vec![0; graph.len()];
        let starts = graph.edges().iter().filter(|edge| edge.kind.bit() & through != 0);
        for edge in starts.filter(|edge| allowed(edge)) {
            let component = components[edge.from];
            if component != components[edge.to] || tries[component] >= MAX_TRIES {
                continue;
            }
            if anomalies.is_full(phenomenon) {
                return;
            }
            tries[component] += 1;
            let inside = |edge: &Edge| allowed(edge) && components[edge.to] == component;
            let Some(path) = self.path(edge.to, edge.from, inside) else { continue };
            let cycle: Vec<Edge> = std::iter::once(*edge).chain(path).collect();
            if accepted(cycle.iter().filter(|edge| edge.kind.is_rw()).count()) {
                self.report(phenomenon, &cycle, anomalies);
                tries[component] = MAX_TRIES;
            }
        }
    }

    /// Reports those of `suspects`, anti-dependencies from T to U, that a path of dependencies from U
    /// to T closes. It rises in a topological order that is close to the order of the history, so
    /// only the few transactions between U and T are visited, and none if U comes after T.
    fn single(&mut self, suspects: &[Edge], anomalies: &mut Anomalies<'_>) {
        let positions = positions(self.graph);
        for edge in suspects {
            let target = positions[edge.from];
            if positions[edge.to] > target || anomalies.is_full(Phenomenon::GSingle) {
                continue;
            }
            let between =
                |edge: &Edge| edge.kind.bit() & DEPENDENCIES != 0 && positions[edge.to] <= target;
            let Some(path) = self.path(edge.to, edge.from, between) else { continue };
            let cycle: Vec<Edge> = std::iter::once(*edge).chain(path).collect();
            self.report(Phenomenon::GSingle, &cycle, anomalies);
        }
    }

    /// A shortest path over allowed edges.
    fn path(
        &mut self,
        from: usize,
        to: usize,
        allowed: impl Fn(&Edge) -> bool,
    ) -> Option<Vec<Edge>> {
        self.search += 1;
        self.visited[from] = self.search;
        // Each edge with the place in this list of the one before it.
        let mut reached: Vec<(Edge, Option<usize>)> = Vec::new();
        let mut queue = VecDeque::from([(from, None)]);
        while let Some((node, before)) = queue.pop_front() {
            for edge in self.graph.edges_from(node).iter().filter(|edge| allowed(edge)) {
                if edge.to != to && self.visited[edge.to] == self.search {
                    continue;
                }
                self.visited[edge.to] = self.search;
                reached.push((*edge, before));
                let place = reached.len() - 1;
                if edge.to == to {
                    let mut path = Vec::new();
                    let mut next = Some(place);
                    while let Some((edge, before)) = next.and_then(|place| reached.get(place)) {
                        path.push(*edge);
                        next = *before;
                    }
                    path.reverse();
                    return Some(path);
                }
                queue.push_back((edge.to, Some(place)));
            }
        }
        None
    }

    /// A cycle that starts at a transaction. Moments in between are left out.
    fn report(&self, phenomenon: Phenomenon, cycle: &[Edge], anomalies: &mut Anomalies<'_>) {
        let mut edges: Vec<Edge> = Vec::new();
        for edge in cycle {
            let edge = self.graph.unsplit(edge);
            match edges.last_mut() {
                Some(last) if !self.graph.is_transaction(last.to) => last.to = edge.to,
                _ => edges.push(edge),
            }
        }
        let mut transactions: Vec<usize> = edges.iter().map(|edge| edge.from).collect();
        transactions.sort_unstable();
        transactions.dedup();
        anomalies.add(phenomenon, &transactions, || {
            let lines = edges.iter().map(|edge| format!("\n  {edge}"));
            format!("a cycle of {}:{}", edges.len(), lines.collect::<String>())
        });
    }
}

/// The strongly connected component of each node.
fn components(graph: &Graph, allowed: &impl Fn(&Edge) -> bool) -> Vec<usize> {
    const UNSEEN: usize = usize::MAX;
    let nodes = graph.len();
    let mut index = vec![UNSEEN; nodes];
    let mut low = vec![0_usize; nodes];
    let mut component = vec![UNSEEN; nodes];
    let (mut next_index, mut next_component) = (0, 0);
    let mut stack = Vec::new();
    // The recursion: a node, and its next edge.
    let mut calls: Vec<(usize, usize)> = Vec::new();
    for root in 0..nodes {
        if index[root] != UNSEEN {
            continue;
        }
        calls.push((root, graph.first_edge(root)));
        while let Some((node, next)) = calls.last_mut() {
            let node = *node;
            if index[node] == UNSEEN {
                (index[node], low[node]) = (next_index, next_index);
                next_index += 1;
                stack.push(node);
            }
            let edge = graph.edges().get(*next).filter(|edge| edge.from == node);
            *next += 1;
            match edge {
                Some(edge) if !allowed(edge) => {}
                Some(edge) if index[edge.to] == UNSEEN => {
                    calls.push((edge.to, graph.first_edge(edge.to)));
                }
                Some(edge) if component[edge.to] == UNSEEN => {
                    low[node] = low[node].min(index[edge.to]);
                }
                Some(_) => {}
                None => {
                    calls.pop();
                    if let Some((caller, _)) = calls.last() {
                        low[*caller] = low[*caller].min(low[node]);
                    }
                    if low[node] == index[node] {
                        while let Some(member) = stack.pop() {
                            component[member] = next_component;
                            if member == node {
                                break;
                            }
                        }
                        next_component += 1;
                    }
                }
            }
        }
    }
    component
}

/// The place of each node in a topological order by dependencies that prefers the order of the
/// history. Where they are cyclic, which is reported elsewhere, some edge goes against it.
fn positions(graph: &Graph) -> Vec<usize> {
    let nodes = graph.len();
    let is_dependency = |edge: &&Edge| edge.kind.bit() & DEPENDENCIES != 0;
    let mut before = vec![0_usize; nodes];
    // A moment comes as soon as the transaction that ended in it.
    let mut priority: Vec<usize> = (0..nodes).collect();
    for edge in graph.edges().iter().filter(is_dependency) {
        before[edge.to] += 1;
        if !graph.is_transaction(edge.to) && graph.is_transaction(edge.from) {
            priority[edge.to] = edge.from;
        }
    }
    let by_priority = |node: usize| Reverse((priority[node], node));
    let mut ready: BinaryHeap<Reverse<(usize, usize)>> =
        (0..nodes).filter(|node| before[*node] == 0).map(by_priority).collect();
    let mut position = vec![usize::MAX; nodes];
    let (mut next, mut unplaced) = (0, 0);
    while next < nodes {
        let node = ready.pop().map(|Reverse((_, node))| node).unwrap_or_else(|| {
            while position[unplaced] != usize::MAX {
                unplaced += 1;
            }
            unplaced
        });
        if position[node] != usize::MAX {
            continue;
        }
        position[node] = next;
        next += 1;
        for edge in graph.edges_from(node).iter().filter(is_dependency) {
            before[edge.to] -= 1;
            if before[edge.to] == 0 {
                ready.push(by_priority(edge.to));
            }
        }
    }
    position
}
