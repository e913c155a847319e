//! A statement of a client: what it asks in SQL, and what the answer means in a history.

use std::ops::Range;

use tokio_postgres::Row;

use super::keys;
use super::round::Round;
use super::session::{Failure, Session};
use crate::history::{Found, Key, Operation, Value};
use crate::simulator::random::Random;

/// One statement.
#[derive(Clone, Debug)]
pub(super) enum Statement {
    ReadList(Key),
    /// FOR UPDATE.
    LockList(Key),
    ScanLists(u64),
    /// FOR SHARE.
    LockLists(u64),
    Append(Key),
    /// With RETURNING, which shows what was there.
    AppendSeen(Key),
    /// To all lists of a group.
    AppendAll(u64),
    ReadCell(Key),
    LockCell(Key),
    /// By a range of primary keys.
    ScanCells(Range<Key>),
    /// By the index.
    ScanGroup(u64),
    /// By a range of the index.
    ScanGroups(Range<u64>),
    LockGroup(u64),
    Write(Key),
    Insert(Key),
    Delete(Key),
    /// To the next group.
    Move(Key),
}

/// Kinds of statements by number, those that only read first.
const READS: u64 = 8;
const ALL: u64 = 24;

fn some_cell(random: &mut Random, group: u64) -> Key {
    match random.below(6) {
        0 | 1 => keys::register(group, random.below(keys::REGISTERS_PER_GROUP)),
        2 => keys::deletable(group, random.below(keys::DELETABLE_PER_GROUP)),
        3 => keys::slot(group, random.below(keys::SLOTS_PER_GROUP)),
        _ => keys::mover(group, random.below(keys::MOVERS_PER_GROUP)),
    }
}

/// Some of the cells that stay: from a register to the slots, or to the last fresh one.
fn some_range(random: &mut Random, group: u64) -> Range<Key> {
    let all = keys::settled(group);
    let start = keys::register(group, random.below(keys::REGISTERS_PER_GROUP));
    match random.below(2) {
        0 => start..keys::slot(group, 1 + random.below(keys::SLOTS_PER_GROUP)),
        _ => start..all.end,
    }
}

impl Statement {
    /// Some statement on a group, or on a group and the next one.
    pub fn choose(random: &mut Random, round: &Round, group: u64, read_only: bool) -> Statement {
        let list = keys::list(group, random.below(keys::LISTS_PER_GROUP));
        match random.below(if read_only { READS } else { ALL }) {
            0 | 1 => Statement::ReadList(list),
            2 => Statement::ScanLists(group),
            3 => Statement::ReadCell(some_cell(random, group)),
            4 => Statement::ScanCells(some_range(random, group)),
            5 | 6 => Statement::ScanGroup(group),
            7 => Statement::ScanGroups(group..group + 2),
            8 => Statement::LockList(list),
            9 => Statement::LockLists(group),
            10 => Statement::LockCell(some_cell(random, group)),
            11 => match random.below(4) {
                0 => Statement::LockGroup(group),
                _ => Statement::LockCell(some_cell(random, group)),
            },
            12..=14 => Statement::Append(list),
            15 | 16 => Statement::AppendSeen(list),
            17 => Statement::AppendAll(group),
            18 | 19 => Statement::Write(some_cell(random, group)),
            20 => Statement::Insert(keys::slot(group, random.below(keys::SLOTS_PER_GROUP))),
            21 => Statement::Insert(keys::fresh(group, round.fresh())),
            22 => Statement::Delete(match random.below(3) {
                0 => keys::slot(group, random.below(keys::SLOTS_PER_GROUP)),
                _ => keys::deletable(group, random.below(keys::DELETABLE_PER_GROUP)),
            }),
            _ => Statement::Move(keys::mover(group, random.below(keys::MOVERS_PER_GROUP))),
        }
    }

    /// Runs it; what it writes is `value`. Returns what was read and written.
    pub async fn run(&self, session: &Session, value: Value) -> Result<Vec<Operation>, Failure> {
        let s = &session.statements;
        match self {
            Statement::ReadList(key) => read_list(session, &s.read_list, *key).await,
            Statement::LockList(key) => read_list(session, &s.lock_list, *key).await,
            Statement::ScanLists(group) => {
                scan_lists(session, &s.scan_lists, &(*group..group + 1)).await
            }
            Statement::LockLists(group) => {
                scan_lists(session, &s.lock_lists, &(*group..group + 1)).await
            }
            Statement::Append(key) => {
                let (k, text) = (keys::sql(*key), value.to_string());
                let count = session.client.execute(&s.append, &[&k, &text]).await?;
                expect(count == 1, || format!("{count} lists have the key {key}"))?;
                Ok(vec![Operation::Append { key: *key, value }])
            }
            Statement::AppendSeen(key) => {
                let (k, text) = (keys::sql(*key), value.to_string());
                let row = session.client.query_one(&s.append_seen, &[&k, &text]).await?;
                Ok(appended(&row, value)?.into())
            }
            Statement::AppendAll(group) => {
                let (low, high) = bounds(&keys::lists(&(*group..group + 1)));
                let text = value.to_string();
                let rows = session.client.query(&s.append_all, &[&low, &high, &text]).await?;
                let found = rows.len() as u64;
                let is_whole = found == keys::LISTS_PER_GROUP;
                expect(is_whole, || format!("{found} lists in group {group}"))?;
                let mut operations = Vec::new();
                for row in &rows {
                    operations.extend(appended(row, value)?);
                }
                Ok(operations)
            }
            Statement::ReadCell(key) => read_cell(session, &s.read_cell, *key).await,
            Statement::LockCell(key) => read_cell(session, &s.lock_cell, *key).await,
            Statement::ScanCells(range) => {
                let (low, high) = bounds(range);
                let rows = session.client.query(&s.scan_cells, &[&low, &high]).await?;
                Ok(vec![found_cells(&rows, range.clone())])
            }
            Statement::ScanGroup(group) => scan_group(session, &s.scan_group, *group).await,
            Statement::LockGroup(group) => scan_group(session, &s.lock_group, *group).await,
            Statement::ScanGroups(groups) => {
                let (low, high) = bounds(groups);
                let rows = session.client.query(&s.scan_groups, &[&low, &high]).await?;
                Ok(vec![found_cells(&rows, keys::cells(groups))])
            }
            Statement::Write(key) => {
                let (k, v) = (keys::sql(*key), keys::sql(value));
                let row = session.client.query_opt(&s.write_cell, &[&k, &v]).await?;
                Ok(vec![match row {
                    Some(row) => {
                        let group = keys::unsql(row.get(0));
                        Operation::Write { key: keys::place(*key, group), value }
                    }
                    None => Operation::Read { key: *key, value: None },
                }])
            }
            Statement::Insert(key) => {
                let [k, g, v] = [*key, keys::home(*key), value].map(keys::sql);
                session.client.execute(&s.insert_cell, &[&k, &g, &v]).await?;
                Ok(vec![Operation::Write { key: *key, value }])
            }
            Statement::Delete(key) => {
                let k = keys::sql(*key);
                let row = session.client.query_opt(&s.delete_cell, &[&k]).await?;
                let seen = row.map(|row| keys::unsql(row.get(0)));
                let mut operations = vec![Operation::Read { key: *key, value: seen }];
                operations.extend(seen.map(|_| Operation::Delete { key: *key, value }));
                Ok(operations)
            }
            Statement::Move(key) => {
                let (from, to) = (keys::home(*key), keys::home(*key) + 1);
                let [k, g, next, v] = [*key, from, to, value].map(keys::sql);
                match session.client.execute(&s.move_cell, &[&k, &g, &next, &v]).await? {
                    0 => Ok(vec![Operation::Read { key: *key, value: None }]),
                    _ => Ok(vec![
                        Operation::Delete { key: *key, value },
                        Operation::Write { key: keys::place(*key, to), value },
                    ]),
                }
            }
        }
    }
}

fn expect(holds: bool, what: impl FnOnce() -> String) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(Failure::Unexpected(what())) }
}

/// The first and the last of a range that is not empty, as BETWEEN wants them.
pub(super) fn bounds(range: &Range<u64>) -> (i64, i64) {
    (keys::sql(range.start), keys::sql(range.end - 1))
}

/// What an UPDATE that appended `value` returned.
fn appended(row: &Row, value: Value) -> Result<[Operation; 2], Failure> {
    let key = keys::unsql(row.get(0));
    let mut values = keys::elements(row.get(1));
    let last = values.pop();
    expect(last == Some(value), || format!("list {key} ends with {last:?} instead of {value}"))?;
    Ok([Operation::ReadList { key, values }, Operation::Append { key, value }])
}

type Sql = tokio_postgres::Statement;

async fn read_list(session: &Session, sql: &Sql, key: Key) -> Result<Vec<Operation>, Failure> {
    let row = session.client.query_one(sql, &[&keys::sql(key)]).await?;
    Ok(vec![Operation::ReadList { key, values: keys::elements(row.get(0)) }])
}

async fn scan_lists(
    session: &Session,
    sql: &Sql,
    groups: &Range<u64>,
) -> Result<Vec<Operation>, Failure> {
    let range = keys::lists(groups);
    let (low, high) = bounds(&range);
    let rows = session.client.query(sql, &[&low, &high]).await?;
    Ok(vec![found_lists(&rows, range)])
}

async fn read_cell(session: &Session, sql: &Sql, key: Key) -> Result<Vec<Operation>, Failure> {
    let row = session.client.query_opt(sql, &[&keys::sql(key)]).await?;
    Ok(vec![match row {
        Some(row) => {
            let (key, value) = cell(&row);
            Operation::Read { key, value: Some(value) }
        }
        None => Operation::Read { key, value: None },
    }])
}

async fn scan_group(session: &Session, sql: &Sql, group: u64) -> Result<Vec<Operation>, Failure> {
    let rows = session.client.query(sql, &[&keys::sql(group)]).await?;
    Ok(vec![found_cells(&rows, keys::cells(&(group..group + 1)))])
}

/// The key and the value of a row of key, group and value.
fn cell(row: &Row) -> (Key, Value) {
    let [k, g, v] = [0_usize, 1, 2].map(|column| keys::unsql(row.get(column)));
    (keys::place(k, g), v)
}

/// The scan of `keys` that found these rows of cells.
pub(super) fn found_cells(rows: &[Row], keys: Range<Key>) -> Operation {
    let found = rows.iter().map(cell).map(|(key, value)| (key, Found::Register(value)));
    Operation::Scan { keys, found: found.collect() }
}

/// The scan of `keys` that found these rows of lists.
pub(super) fn found_lists(rows: &[Row], keys: Range<Key>) -> Operation {
    let found = rows.iter().map(|row| {
        let values = keys::elements(row.get(1));
        (keys::unsql(row.get(0)), Found::List(values))
    });
    Operation::Scan { keys, found: found.collect() }
}
