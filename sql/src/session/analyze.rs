//! ANALYZE: a sample of a table's rows, and what it says of the columns.
//!
//! Rows are read a part at a time, and a reservoir keeps some of them, each with the same chance
//! (Vitter's algorithm R). What is estimated of a column, and how, is what PostgreSQL does: the number of its
//! values after Haas and Stokes, the most common values that stand out, and a histogram of the others.

use std::ops::ControlFlow;
use std::sync::Arc;

use cairn_txn::LockMode;
use cairn_txn::storage::{Direction, Span};

use super::Session;
use crate::catalog::statistics::{ColumnStatistics, Statistics};
use crate::catalog::{Table, index_span};
use crate::codec;
use crate::error::Result;
use crate::row::computed::Programs;
use crate::types::{Datum, Type};

/// Rows of a sample, for each that `default_statistics_target` counts.
const ROWS_PER_TARGET: usize = 300;
/// Memory of a sample.
const MAX_SAMPLE_BYTES: usize = 64 << 20;
/// Rows that are read before others on the same thread have their turn.
const PART_ROWS: usize = 5_000;
/// Values longer than this are counted and not kept.
const MAX_VALUE_BYTES: usize = 1024;

/// Rows that stand for all.
struct Sample {
    /// With their places among all.
    rows: Vec<(u64, Vec<u8>)>,
    seen: u64,
    bytes: u64,
    capacity: usize,
    random: u64,
}

impl Sample {
    fn new(capacity: usize) -> Sample {
        let seed = crate::types::datetime::now() as u64 | 1;
        Sample { rows: Vec::new(), seen: 0, bytes: 0, capacity, random: seed }
    }

    /// Xorshift: nothing hangs on how random it is.
    fn below(&mut self, bound: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % bound.max(1)
    }

    fn add(&mut self, value: &[u8]) {
        let place = self.seen;
        self.seen += 1;
        self.bytes += value.len() as u64;
        if self.rows.len() < self.capacity {
            self.rows.push((place, value.to_vec()));
            return;
        }
        let at = self.below(self.seen) as usize;
        if let Some(slot) = self.rows.get_mut(at) {
            *slot = (place, value.to_vec());
        }
    }
}

impl Session {
    /// Finds out about a table, or some of its columns, and keeps it.
    pub(super) async fn analyze(&mut self, table: &Arc<Table>, columns: &[usize]) -> Result<()> {
        self.lock_table(table, LockMode::ShareUpdateExclusive).await?;
        let target: usize = self.settings.show("default_statistics_target")?.parse().unwrap_or(100);
        let sample = self.sample(table, target).await?;
        let known = self.schema().statistics(table.id).cloned();
        let mut found = Statistics {
            rows: sample.seen as f64,
            bytes: sample.bytes,
            columns: known.map(|known| known.columns.clone()).unwrap_or_default(),
            ..Statistics::default()
        };
        let mut rows = Vec::with_capacity(sample.rows.len());
        for (_, value) in &sample.rows {
            rows.push(table.decode_row(value)?);
        }
        for (position, column) in table.visible() {
            if !columns.is_empty() && !columns.contains(&position) {
                continue;
            }
            let values = rows.iter().map(|row| row.get(position).unwrap_or(&Datum::Null));
            let of_column = describe(column.kind().kind, values, sample.seen as f64, target);
            match of_column {
                Some(of_column) => found.columns.insert(position, of_column),
                None => found.columns.remove(&position),
            };
        }
        self.with_binder("", |binder| Programs::prepare(table, binder))?;
        for index in table.indexes.iter().filter(|index| index.predicate.is_some()) {
            let mut count = 0usize;
            for row in &rows {
                count += usize::from(table.computed_values(index, row)?.is_some());
            }
            let part = count as f64 / rows.len().max(1) as f64;
            found.indexes.insert(index.oid(), (part * found.rows).round());
        }
        self.lock_catalog().await?;
        self.draft(|draft| draft.put_statistics(table.id, found))
    }

    async fn sample(&mut self, table: &Table, target: usize) -> Result<Sample> {
        let view = self.block().transaction.latest();
        let cancel = self.cancel.flag();
        let mut sample = Sample::new(target * ROWS_PER_TARGET);
        let mut rows = index_span(table.primary.storage);
        let mut kept_bytes = 0usize;
        loop {
            let (mut count, mut last) = (0, None);
            view.scan(&rows, Direction::Forward, &mut |key, value| {
                kept_bytes += if sample.rows.len() < sample.capacity { value.len() } else { 0 };
                if kept_bytes > MAX_SAMPLE_BYTES {
                    sample.capacity = sample.capacity.min(sample.rows.len().max(1));
                }
                sample.add(value);
                count += 1;
                if count < PART_ROWS {
                    return ControlFlow::Continue(());
                }
                last = Some(key.to_vec());
                ControlFlow::Break(())
            })?;
            let Some(last) = last else { break };
            if cancel.load(std::sync::atomic::Ordering::Relaxed) {
                return Err(crate::row::canceled());
            }
            rows.start = Span::point(&last).end;
            tokio::task::yield_now().await;
        }
        // In the order of the table again.
        sample.rows.sort_unstable_by_key(|(place, _)| *place);
        Ok(sample)
    }
}

/// A value and how often it occurs.
struct Group {
    count: usize,
    /// One of those that have it.
    first: usize,
}

/// What a sample says of a column of a table with so many rows; `None` if there is nothing.
fn describe<'d>(
    kind: Type,
    values: impl Iterator<Item = &'d Datum>,
    rows: f64,
    target: usize,
) -> Option<ColumnStatistics> {
    let all: Vec<&Datum> = values.collect();
    if all.is_empty() {
        return None;
    }
    let present: Vec<&Datum> = all.iter().copied().filter(|value| !value.is_null()).collect();
    let mut found = ColumnStatistics {
        null_fraction: 1.0 - present.len() as f64 / all.len() as f64,
        ..ColumnStatistics::default()
    };
    if present.is_empty() {
        return Some(found);
    }
    let width = |value: &Datum| match value {
        Datum::Text(text) => text.len() + if text.len() < 127 { 1 } else { 4 },
        Datum::Bytes(bytes) => bytes.len() + 4,
        _ => usize::try_from(kind.size()).unwrap_or(8),
    };
    let total: usize = present.iter().map(|value| width(value)).sum();
    found.average_width = (total / present.len()) as i32;
    if !kind.is_comparable() {
        return Some(found);
    }
    // By their keys, which sort as the values do; places break ties.
    let mut keys: Vec<(Vec<u8>, usize)> = Vec::with_capacity(present.len());
    let mut wide = 0usize;
    for (place, value) in present.iter().enumerate() {
        if width(value) > MAX_VALUE_BYTES {
            wide += 1;
            continue;
        }
        let mut key = Vec::new();
        codec::encode_key(kind, value, &mut key);
        keys.push((key, place));
    }
    keys.sort_unstable();
    let mut groups: Vec<Group> = Vec::new();
    for (at, (key, _)) in keys.iter().enumerate() {
        let same = at.checked_sub(1).and_then(|before| keys.get(before));
        match groups.last_mut().filter(|_| same.is_some_and(|(before, _)| before == key)) {
            Some(group) => group.count += 1,
            None => groups.push(Group { count: 1, first: at }),
        }
    }
    let single = groups.iter().filter(|group| group.count == 1).count();
    let repeated = groups.len() - single;
    let with_values = rows * (1.0 - found.null_fraction);
    found.distinct = match () {
        () if repeated == 0 => -(1.0 - found.null_fraction),
        () if wide == 0 && single == 0 => groups.len() as f64,
        () => {
            let (n, d) = (present.len() as f64, (groups.len() + wide) as f64);
            let f1 = (single + wide) as f64;
            let estimate = n * d / ((n - f1) + f1 * n / with_values.max(n));
            estimate.clamp(d, with_values.max(d)).round()
        }
    };
    if found.distinct > 0.1 * rows {
        found.distinct = -(found.distinct / rows);
    }
    let value_at = |at: usize| {
        let value = keys.get(at).and_then(|(_, place)| present.get(*place));
        let mut bytes = Vec::new();
        codec::encode_datum(value.copied().unwrap_or(&Datum::Null), &mut bytes);
        bytes
    };
    // All of them, if they are few; else those that are much more frequent than the average.
    let complete = wide == 0 && single == 0 && groups.len() <= target && found.distinct > 0.0;
    let average = present.len() as f64 / found.distinct_in(rows).max(1.0);
    let has_all = all.len() as f64 >= rows;
    let least = match () {
        () if complete => 1.0,
        () if has_all => 2.0,
        () => (average * 1.25).max(2.0),
    };
    let mut common: Vec<usize> = (0..groups.len())
        .filter(|at| groups.get(*at).is_some_and(|g| g.count as f64 >= least))
        .collect();
    common.sort_by_key(|at| std::cmp::Reverse(groups.get(*at).map_or(0, |group| group.count)));
    common.truncate(target);
    for at in &common {
        if let Some(group) = groups.get(*at) {
            let part = group.count as f64 / all.len() as f64;
            found.common.push((value_at(group.first), part));
        }
    }
    let mut others: Vec<usize> = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        if !common.contains(&at) {
            others.extend(group.first..group.first + group.count);
        }
    }
    let different = groups.len() - common.len();
    let bounds = different.min(target + 1);
    if bounds >= 2 {
        for number in 0..bounds {
            let at = number * (others.len() - 1) / (bounds - 1);
            found.bounds.extend(others.get(at).map(|at| value_at(*at)));
        }
    }
    found.correlation = correlation(&keys);
    Some(found)
}

/// How far the places of values rise with the values.
fn correlation(keys: &[(Vec<u8>, usize)]) -> Option<f64> {
    if keys.len() < 2 {
        return None;
    }
    let count = keys.len() as f64;
    let sum = (count - 1.0) * count / 2.0;
    let squares = (count - 1.0) * count * (2.0 * count - 1.0) / 6.0;
    // Places are those among values that are present.
    let mut places: Vec<usize> = keys.iter().map(|(_, place)| *place).collect();
    places.sort_unstable();
    let rank = |place: usize| places.binary_search(&place).unwrap_or_default() as f64;
    let products: f64 =
        keys.iter().enumerate().map(|(at, (_, place))| at as f64 * rank(*place)).sum();
    let variance = count * squares - sum * sum;
    (variance > 0.0).then(|| (count * products - sum * sum) / variance)
}
