//! Statements as the transaction layer sees them: reads, locks, writes.

use std::any::Any;
use std::ops::{ControlFlow, Range};

use cairn_txn::storage::Direction;
use cairn_txn::{Access, LockMode, LockOutcome, ReadView, RowFilter, Transaction, WaitPolicy};

use super::client::{Client, Failure};
use super::executor::{patiently, pause};
use super::keys;
use super::world::World;
use crate::history::{Filter, Found, Key, Operation};

/// One statement.
#[derive(Clone, Debug)]
pub enum Statement {
    /// SELECT by key.
    Read(Key),
    /// SELECT of a range.
    Scan(Range<Key>),
    /// SELECT of a range, or of a key, with a condition on values: of all rows that fulfil it, or of the
    /// first one.
    Select(Range<Key>, Filter, Wanted),
    /// SELECT FOR ...
    Lock(Key, LockMode, WaitPolicy),
    /// UPDATE of one row: appends to a list, overwrites a register.
    Update(Key),
    /// UPDATE of a range.
    UpdateAll(Range<Key>),
    /// UPDATE of a range with a condition on values.
    UpdateSome(Range<Key>, Filter),
    /// INSERT.
    Insert(Key),
    /// DELETE.
    Delete(Key),
}

/// How much of a range a SELECT wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All.
    All,
    /// All, sent before the end is reached.
    Streamed,
    /// LIMIT 1.
    First,
    /// ORDER BY ... DESC LIMIT 1.
    Last,
}

/// A condition as the transaction layer knows it.
#[derive(Debug)]
struct Condition(Filter);

impl RowFilter for Condition {
    fn may_match(&self, _: &[u8], row: &[u8]) -> bool {
        self.0.admits(keys::last_value(row))
    }

    fn is_same(&self, other: &dyn RowFilter) -> bool {
        (other as &dyn Any).downcast_ref::<Condition>().is_some_and(|other| other.0 == self.0)
    }

    fn heap_bytes(&self) -> usize {
        0
    }
}

/// Reads what fulfils a condition, and tells of all that it has seen on the way.
pub fn select(
    view: ReadView,
    range: &Range<Key>,
    filter: Filter,
    wanted: Wanted,
) -> cairn_txn::Result<(Rows, Operation)> {
    let mut rows = Vec::new();
    let mut range = range.clone();
    let known = view.filter(|| Some(Condition(filter)));
    if range.end - range.start == 1 {
        let row = view.get_where(&keys::encode(range.start), known.as_ref())?;
        rows.extend(row.map(|row| (range.start, row)));
    } else {
        let view = if wanted == Wanted::Streamed { view.ahead() } else { view };
        let direction = match wanted {
            Wanted::Last => Direction::Reverse,
            _ => Direction::Forward,
        };
        let (span, mut ended_at) = (keys::span(&range), None);
        view.scan_where(&span, direction, known.as_ref(), &mut |key, row| {
            rows.push((keys::decode(key), row.to_vec()));
            let ends = matches!(wanted, Wanted::First | Wanted::Last);
            match ends && filter.admits(keys::last_value(row)) {
                true => {
                    ended_at = Some(keys::decode(key));
                    ControlFlow::Break(())
                }
                false => ControlFlow::Continue(()),
            }
        })?;
        match (ended_at, direction) {
            (Some(key), Direction::Forward) => range.end = key + 1,
            (Some(key), Direction::Reverse) => range.start = key,
            (None, _) => {}
        }
    }
    let seen = rows.iter().map(|(key, row)| (*key, keys::found(*key, row)));
    let operation = Operation::Select { keys: range, filter, seen: seen.collect() };
    rows.retain(|(_, row)| filter.admits(keys::last_value(row)));
    Ok((Rows(rows), operation))
}

/// What a change does to a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Update,
    Delete,
}

/// Keys and what was found there.
pub struct Rows(Vec<(Key, Vec<u8>)>);

impl Rows {
    /// The scan of `keys` that found them.
    pub fn into_operation(self, keys: Range<Key>) -> Operation {
        let rows = self.0.into_iter();
        let found: Vec<(Key, Found)> =
            rows.map(|(key, row)| (key, keys::found(key, &row))).collect();
        Operation::Scan { keys, found }
    }
}

/// All rows of a range.
pub fn scan(view: &ReadView, range: &Range<Key>) -> cairn_txn::Result<Rows> {
    let mut rows = Vec::new();
    view.scan(&keys::span(range), Direction::Forward, &mut |key, row| {
        rows.push((keys::decode(key), row.to_vec()));
        ControlFlow::Continue(())
    })?;
    Ok(Rows(rows))
}

impl Statement {
    /// Some statement.
    pub fn choose(world: &World) -> Statement {
        if world.shape().filters && world.one_in(4) {
            return Statement::choose_with_filter(world);
        }
        match world.below(20) {
            0..=3 => Statement::Read(world.key()),
            4..=6 => Statement::Scan(world.range()),
            7 | 8 => {
                let modes = [
                    LockMode::ForKeyShare,
                    LockMode::ForShare,
                    LockMode::ForNoKeyUpdate,
                    LockMode::ForUpdate,
                ];
                let policies = [WaitPolicy::Block, WaitPolicy::NoWait, WaitPolicy::Skip];
                Statement::Lock(world.key(), world.one_of(&modes), world.one_of(&policies))
            }
            9..=12 => Statement::Update(world.list()),
            13..=15 => Statement::Update(world.register()),
            16 => Statement::UpdateAll(world.range()),
            17 | 18 if world.one_in(2) => Statement::Insert(world.slot()),
            17 | 18 => Statement::Insert(world.fresh()),
            _ => Statement::Delete(world.deletable()),
        }
    }

    /// Some statement of a transaction that reads parts of groups, and changes one row wherever it is: what
    /// makes write skews, also among more than two.
    pub fn choose_skewed(world: &World, is_change: bool) -> Statement {
        match is_change {
            true => Statement::Update(world.key()),
            false => Statement::Scan(world.part()),
        }
    }

    fn choose_with_filter(world: &World) -> Statement {
        let filter = world.filter();
        match world.below(8) {
            0 => {
                let key = world.key();
                Statement::Select(key..key + 1, filter, Wanted::All)
            }
            1 | 2 => Statement::UpdateSome(world.range(), filter),
            _ => {
                let wanted = [Wanted::All, Wanted::Streamed, Wanted::First, Wanted::Last];
                Statement::Select(world.range(), filter, world.one_of(&wanted))
            }
        }
    }

    /// Whether it only reads.
    pub fn access(&self) -> Access {
        match self {
            Statement::Read(_) | Statement::Scan(_) | Statement::Select(..) => Access::Read,
            _ => Access::Write,
        }
    }

    /// Runs it on the statement's snapshot. Returns what was read and written.
    pub async fn attempt(
        &self,
        client: &Client,
        transaction: &mut Transaction,
    ) -> Result<Vec<Operation>, Failure> {
        match self {
            Statement::Read(key) => {
                let row = transaction.view().get(&keys::encode(*key))?;
                Ok(vec![keys::read(*key, row.as_deref())])
            }
            Statement::Scan(range) => {
                let rows = scan(&transaction.view(), range)?;
                Ok(vec![rows.into_operation(range.clone())])
            }
            Statement::Select(range, filter, wanted) => {
                let view = transaction.view();
                let (_, read) = select(view, range, *filter, *wanted)?;
                Ok(vec![read])
            }
            Statement::Lock(key, mode, policy) => {
                let row = transaction.view().get(&keys::encode(*key))?;
                let is_shown =
                    row.is_none() || lock_row(client, transaction, *key, *mode, *policy).await?;
                // A row that was skipped is no part of the answer.
                Ok(is_shown.then(|| keys::read(*key, row.as_deref())).into_iter().collect())
            }
            Statement::Update(key) => change(client, transaction, *key, Change::Update).await,
            Statement::Delete(key) => change(client, transaction, *key, Change::Delete).await,
            Statement::UpdateAll(range) => {
                let rows = scan(&transaction.view(), range)?;
                let mut changes = change_all(client, transaction, &rows).await?;
                changes.insert(0, rows.into_operation(range.clone()));
                Ok(changes)
            }
            Statement::UpdateSome(range, filter) => {
                let view = transaction.view();
                let (rows, read) = select(view, range, *filter, Wanted::All)?;
                let mut changes = change_all(client, transaction, &rows).await?;
                changes.insert(0, read);
                Ok(changes)
            }
            Statement::Insert(key) => insert(client, transaction, *key).await,
        }
    }
}

/// Locks a row and finds out whether it still is as it was read. False if it was skipped.
async fn lock_row(
    client: &Client,
    transaction: &mut Transaction,
    key: Key,
    mode: LockMode,
    policy: WaitPolicy,
) -> Result<bool, Failure> {
    let row = keys::encode(key);
    let lock = transaction.lock_row(&row, mode, policy);
    let outcome = match client.world().one_in(8) {
        // lock_timeout.
        true => patiently(lock, client.world().below(40)).await.ok_or(Failure::TimedOut)??,
        false => lock.await?,
    };
    pause().await;
    match outcome {
        LockOutcome::Unchanged => Ok(true),
        LockOutcome::Changed => Err(Failure::Restart),
        LockOutcome::Skipped => Ok(false),
    }
}

/// Locks and changes rows that were read.
async fn change_all(
    client: &Client,
    transaction: &mut Transaction,
    rows: &Rows,
) -> Result<Vec<Operation>, Failure> {
    let mut changes = Vec::new();
    // In an order that the optimizer chose: two such statements may deadlock.
    let reverse = client.world().one_in(4);
    let mut order: Vec<&(Key, Vec<u8>)> = rows.0.iter().collect();
    if reverse {
        order.reverse();
    }
    for (key, row) in order {
        let mode = LockMode::ForNoKeyUpdate;
        lock_row(client, transaction, *key, mode, WaitPolicy::Block).await?;
        changes.push(write(client, transaction, *key, row, Change::Update)?);
    }
    Ok(changes)
}

/// Reads, locks and changes a row, if it is there.
async fn change(
    client: &Client,
    transaction: &mut Transaction,
    key: Key,
    change: Change,
) -> Result<Vec<Operation>, Failure> {
    let row = transaction.view().get(&keys::encode(key))?;
    let read = keys::read(key, row.as_deref());
    let Some(row) = row else { return Ok(vec![read]) };
    pause().await;
    let mode = match change {
        Change::Update => LockMode::ForNoKeyUpdate,
        Change::Delete => LockMode::ForUpdate,
    };
    lock_row(client, transaction, key, mode, WaitPolicy::Block).await?;
    Ok(vec![read, write(client, transaction, key, &row, change)?])
}

/// Changes a row that was read as `row` and is locked.
fn write(
    client: &Client,
    transaction: &mut Transaction,
    key: Key,
    row: &[u8],
    change: Change,
) -> Result<Operation, Failure> {
    let value = client.world().value();
    let bytes = keys::encode(key);
    match (change, keys::is_list(key)) {
        (Change::Delete, _) => {
            transaction.delete(bytes)?;
            Ok(Operation::Delete { key, value })
        }
        (Change::Update, true) => {
            let list = [row, &keys::encode_values(&[value])].concat();
            transaction.put(bytes, list, true)?;
            Ok(Operation::Append { key, value })
        }
        (Change::Update, false) => {
            transaction.put(bytes, keys::encode_values(&[value]), true)?;
            Ok(Operation::Write { key, value })
        }
    }
}

/// Adds a row whose key must be new in the newest state, as one row and many are added in SQL.
async fn insert(
    client: &Client,
    transaction: &mut Transaction,
    key: Key,
) -> Result<Vec<Operation>, Failure> {
    let bytes = keys::encode(key);
    transaction.lock_unique(&bytes).await?;
    pause().await;
    let value = client.world().value();
    let row = keys::encode_values(&[value]);
    match client.world().one_in(2) {
        true if transaction.none_exists(&[bytes.as_slice()])? => {
            assert!(transaction.add(bytes, row)?, "it was new");
        }
        false if transaction.get_latest(&bytes)?.is_none() => transaction.put(bytes, row, false)?,
        _ => return Err(Failure::Duplicate),
    }
    Ok(vec![Operation::Write { key, value }])
}
