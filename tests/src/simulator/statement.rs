//! Statements as the transaction layer sees them: reads, locks, writes.

use std::ops::{ControlFlow, Range};

use cairn_txn::storage::Direction;
use cairn_txn::{Access, LockMode, LockOutcome, ReadView, Transaction, WaitPolicy};

use super::client::{Client, Failure};
use super::executor::{patiently, pause};
use super::keys;
use super::world::World;
use crate::history::{Found, Key, Operation};

/// One statement.
#[derive(Clone, Debug)]
pub enum Statement {
    /// SELECT by key.
    Read(Key),
    /// SELECT of a range.
    Scan(Range<Key>),
    /// SELECT FOR ...
    Lock(Key, LockMode, WaitPolicy),
    /// UPDATE of one row: appends to a list, overwrites a register.
    Update(Key),
    /// UPDATE of a range.
    UpdateAll(Range<Key>),
    /// INSERT.
    Insert(Key),
    /// DELETE.
    Delete(Key),
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

    /// Whether it only reads.
    pub fn access(&self) -> Access {
        match self {
            Statement::Read(_) | Statement::Scan(_) => Access::Read,
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
                let mut operations = vec![rows.into_operation(range.clone())];
                operations.append(&mut changes);
                Ok(operations)
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
