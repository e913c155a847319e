//! A round: some transactions on groups of keys of their own.
//!
//! A history has to end to be judged. So clients work in rounds, each on keys that only it uses: a first
//! transaction fills them while nobody else is there, a last one reads all of them.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use super::keys;
use super::session::{Failure, Session};
use super::statement::{bounds, found_cells, found_lists};
use crate::history::{Level, Operation, Value};
use crate::simulator::random::Random;

/// Transactions of a round: as many as are judged within a second.
const TRANSACTIONS: u64 = 4_000;
/// Transactions after which clients go on to the next group, so that lists stay short.
const PER_GROUP: u64 = 200;
/// Groups of a round. The last one is only moved to.
pub(super) const GROUPS: u64 = TRANSACTIONS / PER_GROUP + 1;

/// See the module's head.
pub(super) struct Round {
    /// Its groups.
    pub groups: Range<u64>,
    taken: AtomicU64,
    fresh: AtomicU64,
}

impl Round {
    /// A round on the groups from `first` on.
    pub fn new(first: u64) -> Round {
        let groups = first..first + GROUPS;
        Round { groups, taken: AtomicU64::new(0), fresh: AtomicU64::new(0) }
    }

    /// The group of the next transaction; `None` once all have been given out. A third of them stays
    /// behind, so that a group is not left at once.
    pub fn take(&self, random: &mut Random) -> Option<u64> {
        let number = self.taken.fetch_add(1, Ordering::Relaxed);
        let back = u64::from(random.below(3) == 0);
        (number < TRANSACTIONS)
            .then(|| self.groups.start + (number / PER_GROUP).saturating_sub(back))
    }

    /// A number that is given out once.
    pub fn fresh(&self) -> u64 {
        self.fresh.fetch_add(1, Ordering::Relaxed)
    }
}

/// Fills the groups in one transaction. What it wrote is committed if there is no failure.
pub(super) async fn fill(
    session: &Session,
    level: Level,
    groups: &Range<u64>,
    value: impl FnMut() -> Value,
) -> Result<Vec<Operation>, Failure> {
    let (inserts, operations) = keys::preload(groups.clone(), value);
    session.begin(level, false).await?;
    for insert in inserts {
        session.client.batch_execute(&insert).await?;
    }
    session.client.batch_execute("COMMIT").await?;
    Ok(operations)
}

/// What was found in all groups of a round.
pub(super) struct Contents {
    /// As read by a transaction.
    pub operations: Vec<Operation>,
    /// A digest of all rows.
    pub digest: u64,
}

/// Reads all groups in one transaction: cells through the index, and again by their keys, which
/// must give the same.
pub(super) async fn read_all(
    session: &Session,
    level: Level,
    groups: &Range<u64>,
) -> Result<Contents, Failure> {
    let (client, s) = (&session.client, &session.statements);
    session.begin(level, true).await?;
    let (list_keys, cell_keys) = (keys::lists(groups), keys::cells(groups));
    let (low, high) = bounds(&list_keys);
    let lists = client.query(&s.scan_lists, &[&low, &high]).await?;
    let (low, high) = bounds(groups);
    let cells = client.query(&s.scan_groups, &[&low, &high]).await?;
    let (low, high) = bounds(&cell_keys);
    let by_key = client.query(&s.scan_cells, &[&low, &high]).await?;
    client.batch_execute("COMMIT").await?;
    let sorted = |rows: &[tokio_postgres::Row]| {
        let cell =
            |row: &tokio_postgres::Row| [0_usize, 1, 2].map(|column| row.get::<_, i64>(column));
        let mut cells: Vec<[i64; 3]> = rows.iter().map(cell).collect();
        cells.sort_unstable();
        cells
    };
    let (sorted_cells, sorted_by_key) = (sorted(&cells), sorted(&by_key));
    if sorted_cells != sorted_by_key {
        let what = format!(
            "the index and the keys of groups {groups:?} disagree: \
             {sorted_cells:?} and {sorted_by_key:?}"
        );
        return Err(Failure::Unexpected(what));
    }
    let mut texts: Vec<(i64, &str)> = lists.iter().map(|row| (row.get(0), row.get(1))).collect();
    texts.sort_unstable();
    let mut digest = DefaultHasher::new();
    (texts, sorted_cells).hash(&mut digest);
    let operations = vec![found_lists(&lists, list_keys), found_cells(&cells, cell_keys)];
    Ok(Contents { operations, digest: digest.finish() })
}
