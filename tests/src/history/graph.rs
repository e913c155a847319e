//! The direct serialization graph: who must come before whom.

use std::fmt;

use super::anomaly::{Anomalies, Phenomenon};
use super::versions::{Absent, Version, Versions};
use super::{History, Key, Order, Outcome, Value};

/// Why one transaction comes before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// The other overwrote what it wrote.
    Ww,
    /// The other read what it wrote.
    Wr,
    /// The other overwrote what it had read.
    RwItem,
    /// The other wrote a key that its scan had not found, or had passed over.
    RwPredicate,
    /// Its session ran the other next.
    Session,
    /// It had ended before the other began.
    RealTime,
}

/// A set of kinds.
pub(super) type Kinds = u8;

impl Kind {
    /// The set with just this one.
    pub(super) const fn bit(self) -> Kinds {
        1 << self as u8
    }

    /// Whether this is an anti-dependency.
    pub(super) fn is_rw(self) -> bool {
        matches!(self, Kind::RwItem | Kind::RwPredicate)
    }
}

/// An edge. Nodes are transactions by their position and, from their number on, moments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub from: usize,
    pub to: usize,
    pub kind: Kind,
    key: Key,
    /// The version that was overwritten or read.
    old: Option<Value>,
    /// The version that took its place.
    new: Option<Value>,
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Edge { from, to, key, .. } = self;
        let version = |value: Option<Value>| match value {
            Some(value) => format!("{value} of key {key}"),
            None => format!("key {key} as it was at first"),
        };
        let (old, new) = (version(self.old), version(self.new));
        match self.kind {
            Kind::Ww => write!(f, "T{from} -ww-> T{to}: T{to} replaced {old} with {new}"),
            Kind::Wr => write!(f, "T{from} -wr-> T{to}: T{to} read {old}"),
            Kind::RwItem => write!(f, "T{from} -rw-> T{to}: T{from} read {old}, T{to} wrote {new}"),
            Kind::RwPredicate => {
                write!(f, "T{from} -rw(predicate)-> T{to}: T{from} found no {new}, T{to} wrote it")
            }
            Kind::Session => write!(f, "T{from} -session-> T{to}: the same session, later"),
            Kind::RealTime => {
                write!(f, "T{from} -time-> T{to}: T{from} had ended before T{to} began")
            }
        }
    }
}

/// The graph, with its edges sorted by where they start.
pub(super) struct Graph {
    edges: Vec<Edge>,
    /// Where the edges of each node start, and where the last ones end.
    starts: Vec<usize>,
    names: Names,
}

/// What a node's number means.
#[derive(Clone, Copy)]
struct Names {
    /// The number of nodes that are not second copies.
    nodes: usize,
    /// Nodes below this are transactions.
    transactions: usize,
}

impl Graph {
    /// Draws all edges that are certain.
    pub(super) fn build(
        history: &History,
        versions: &Versions<'_>,
        anomalies: &mut Anomalies<'_>,
    ) -> Graph {
        let mut edges = Vec::new();
        add_writes(versions, &mut edges);
        add_reads(versions, &mut edges, anomalies);
        let transactions = history.transactions.len();
        let mut nodes = transactions;
        match history.order {
            Order::Free => {}
            Order::Sessions => add_sessions(history, versions, &mut edges),
            Order::RealTime => {
                add_sessions(history, versions, &mut edges);
                nodes += add_times(history, versions, &mut edges);
            }
        }
        edges.sort_by_key(|edge| (edge.from, edge.to, edge.kind as u8));
        edges.dedup_by_key(|edge| (edge.from, edge.to, edge.kind as u8));
        Graph::of_sorted(edges, nodes, Names { nodes, transactions })
    }

    /// The graph with two copies of each node, whose cycles are those of this one without two
    /// anti-dependencies in a row: one that is `kept` leads from a first copy to a second, and
    /// `dependencies` from either to a first one.
    pub(super) fn split(&self, dependencies: Kinds, kept: impl Fn(&Edge) -> bool) -> Graph {
        let nodes = self.len();
        let mut edges = Vec::new();
        for edge in &self.edges {
            if edge.kind.bit() & dependencies != 0 {
                edges.push(*edge);
                edges.push(Edge { from: edge.from + nodes, ..*edge });
            } else if edge.kind.is_rw() && kept(edge) {
                edges.push(Edge { to: edge.to + nodes, ..*edge });
            }
        }
        edges.sort_by_key(|edge| edge.from);
        Graph::of_sorted(edges, nodes * 2, self.names)
    }

    /// An edge of a split graph as it is in the graph that was split; any other as it is.
    pub(super) fn unsplit(&self, edge: &Edge) -> Edge {
        Edge { from: edge.from % self.names.nodes, to: edge.to % self.names.nodes, ..*edge }
    }

    fn of_sorted(edges: Vec<Edge>, nodes: usize, names: Names) -> Graph {
        let mut starts = Vec::with_capacity(nodes + 1);
        let mut next = 0;
        for node in 0..nodes {
            starts.push(next);
            while edges.get(next).is_some_and(|edge| edge.from == node) {
                next += 1;
            }
        }
        starts.push(next);
        Graph { edges, starts, names }
    }

    /// The number of nodes.
    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether a node is a transaction and no moment.
    pub(super) fn is_transaction(&self, node: usize) -> bool {
        node < self.names.transactions
    }

    /// All edges, sorted by where they start.
    pub(super) fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// The edges from `node`.
    pub(super) fn edges_from(&self, node: usize) -> &[Edge] {
        &self.edges[self.starts[node]..self.starts[node + 1]]
    }

    /// The position of the first edge from `node` in [`Graph::edges`].
    pub(super) fn first_edge(&self, node: usize) -> usize {
        self.starts[node]
    }
}

fn add_writes(versions: &Versions<'_>, edges: &mut Vec<Edge>) {
    for (key, object) in &versions.objects {
        let mut add = |old: &Version, new: &Version| {
            if old.by != new.by {
                let (from, to) = (old.by, new.by);
                let (old, new) = (Some(old.value), Some(new.value));
                edges.push(Edge { from, to, kind: Kind::Ww, key: *key, old, new });
            }
        };
        for (old, new) in object.order.iter().zip(object.order.iter().skip(1)) {
            add(old, new);
        }
        if let Some(last) = object.order.last() {
            object.tail.iter().for_each(|new| add(last, new));
        }
        for old in &object.tail {
            let followers = object.followers.get(&old.value);
            followers.into_iter().flatten().for_each(|new| add(old, new));
        }
    }
}

fn add_reads(versions: &Versions<'_>, edges: &mut Vec<Edge>, anomalies: &mut Anomalies<'_>) {
    for seen in &versions.reads {
        let (reader, key) = (seen.reader, seen.key);
        let Some(object) = versions.objects.get(&key) else { continue };
        let old = match seen.value {
            Some(value) => Some(value),
            None => match versions.absent(seen) {
                Absent::Initial => None,
                Absent::Deleted(value) => Some(value),
                Absent::Ambiguous => continue,
                Absent::Impossible => {
                    anomalies.add(Phenomenon::LostWrite, &[reader], || {
                        format!("T{reader} did not find key {key}, which nobody deleted")
                    });
                    continue;
                }
            },
        };
        let read = match seen.filter {
            None => old.and_then(|value| object.find(value)),
            // Of what was passed over it matters who made it so.
            Some(filter) => object.last_to_end(old, filter),
        };
        if let Some(version) = read
            && version.by != reader
            && versions.counts[version.by]
        {
            let (from, old) = (version.by, Some(version.value));
            edges.push(Edge { from, to: reader, kind: Kind::Wr, key, old, new: None });
        }
        let is_predicate = seen.by_predicate && (old.is_none() || seen.filter.is_some());
        let kind = if is_predicate { Kind::RwPredicate } else { Kind::RwItem };
        let fulfilling;
        let next = match seen.filter {
            None => object.successors(old),
            Some(filter) => {
                fulfilling = object.first_to_fulfil(old, filter);
                &fulfilling
            }
        };
        for next in next.iter().filter(|next| next.by != reader) {
            let new = Some(next.value);
            edges.push(Edge { from: reader, to: next.by, kind, key, old, new });
        }
    }
}

fn order_edge(from: usize, to: usize, kind: Kind) -> Edge {
    Edge { from, to, kind, key: 0, old: None, new: None }
}

/// From each transaction of a session to its next one that counts.
fn add_sessions(history: &History, versions: &Versions<'_>, edges: &mut Vec<Edge>) {
    let mut last = std::collections::HashMap::new();
    for (index, transaction) in history.transactions.iter().enumerate() {
        let Some(session) = transaction.session.filter(|_| versions.counts[index]) else {
            continue;
        };
        if let Some(before) = last.insert(session, index) {
            edges.push(order_edge(before, index, Kind::Session));
        }
    }
}

/// Draws the order of time with a node for each moment at which a transaction ended, as edges
/// between all pairs would be too many. Returns the number of those nodes.
fn add_times(history: &History, versions: &Versions<'_>, edges: &mut Vec<Edge>) -> usize {
    let transactions = history.transactions.iter().enumerate();
    // At the same moment starts come first: such a pair is concurrent.
    let mut events: Vec<(u64, bool, usize)> = Vec::new();
    for (index, transaction) in transactions.filter(|(index, _)| versions.counts[*index]) {
        events.extend(transaction.start.map(|at| (at, false, index)));
        if transaction.outcome == Outcome::Committed {
            events.extend(transaction.end.map(|at| (at, true, index)));
        }
    }
    events.sort_unstable();
    let mut moments = 0;
    for (_, is_end, index) in events {
        let last = (moments > 0).then(|| history.transactions.len() + moments - 1);
        if is_end {
            let moment = history.transactions.len() + moments;
            edges.extend(last.map(|last| order_edge(last, moment, Kind::RealTime)));
            edges.push(order_edge(index, moment, Kind::RealTime));
            moments += 1;
        } else {
            edges.extend(last.map(|last| order_edge(last, index, Kind::RealTime)));
        }
    }
    moments
}
