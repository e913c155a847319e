//! What was done between two starts, and whether what the second one finds is right.

use std::collections::{BTreeMap, BTreeSet};

use cairn_storage::Timestamp;

use super::keys::{Found, Id};

/// A commit that was asked for.
#[derive(Clone, Debug)]
struct Commit {
    rows: u32,
    /// Slots, and whether it takes them or leaves them empty.
    slots: Vec<(u8, bool)>,
    /// Whether its writes go through files: those are committed before their turn comes.
    is_bulk: bool,
    /// When it was written, as far as anybody was told.
    at: Option<Timestamp>,
    acknowledged: bool,
}

/// What became of the commits between two starts.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Those that are there.
    pub there: Vec<Id>,
    /// How many of them were acknowledged.
    pub acknowledged: u64,
    /// How many of them are bulk commits.
    pub bulk: u64,
    /// Commits that were written and are gone.
    pub lost: u64,
}

/// See the module's head.
#[derive(Default)]
pub struct Journal {
    last: Id,
    /// Since the last start.
    commits: BTreeMap<Id, Commit>,
    /// The rows of what earlier starts have found.
    kept: BTreeMap<Id, u32>,
    slots: BTreeMap<u8, Id>,
    /// Boundaries of ranges that were acknowledged.
    anchors: BTreeSet<Vec<u8>>,
    /// No later commit may have this timestamp or one before it.
    newest: Timestamp,
    /// The first thing that went wrong while the power was on.
    complaint: Option<String>,
}

impl Journal {
    /// A commit is about to be made. It has at least one row.
    pub fn begin(&mut self, rows: u32, is_bulk: bool, slots: Vec<(u8, bool)>) -> Id {
        assert!(rows > 0, "a commit without rows leaves no trace");
        self.last += 1;
        let commit = Commit { rows, slots, is_bulk, at: None, acknowledged: false };
        self.commits.insert(self.last, commit);
        self.last
    }

    /// It is in the log, in its turn.
    pub fn written(&mut self, id: Id, at: Timestamp) {
        if at <= self.newest {
            self.complain(format!("commit {id} at {at:?} comes after {:?}", self.newest));
        }
        self.newest = at;
        if let Some(commit) = self.commits.get_mut(&id) {
            commit.at = Some(at);
        }
    }

    /// It is durable, as its client was told.
    pub fn acknowledged(&mut self, id: Id) {
        if let Some(commit) = self.commits.get_mut(&id) {
            commit.acknowledged = true;
        }
    }

    /// A range begins at `key` for good.
    pub fn anchored(&mut self, key: Vec<u8>) {
        self.anchors.insert(key);
    }

    /// The number of the last commit.
    pub fn last(&self) -> Id {
        self.last
    }

    /// Something went wrong that no power failure explains.
    pub fn complain(&mut self, what: String) {
        self.complaint.get_or_insert(what);
    }

    /// What went wrong, if anything did.
    pub fn complaint(&self) -> Option<&str> {
        self.complaint.as_deref()
    }

    /// Holds what a start has found to what was promised, and makes that the ground for what comes. Nothing
    /// found may be newer than `visible`.
    pub fn judge(
        &mut self,
        found: Found,
        starts: &BTreeSet<Vec<u8>>,
        visible: Timestamp,
    ) -> Result<Verdict, String> {
        let is_whole = |id: &Id, rows: u32| match found.rows.get(id) {
            None => Ok(false),
            Some(count) if *count == rows => Ok(true),
            Some(count) => {
                Err(format!("commit {id} is torn: {count} of its {rows} rows are there"))
            }
        };
        for (id, rows) in &self.kept {
            if !is_whole(id, *rows)? {
                return Err(format!("commit {id} was there after an earlier start and is gone"));
            }
        }
        let mut there = BTreeMap::new();
        let mut verdict = Verdict::default();
        for (id, commit) in &self.commits {
            match is_whole(id, commit.rows)? {
                true => {
                    there.insert(*id, commit);
                    verdict.acknowledged += u64::from(commit.acknowledged);
                    verdict.bulk += u64::from(commit.is_bulk);
                }
                false if commit.acknowledged => {
                    return Err(format!("commit {id} was acknowledged and is gone: {commit:?}"));
                }
                false => verdict.lost += u64::from(commit.at.is_some()),
            }
        }
        let known = |id: &&Id| self.kept.contains_key(id) || there.contains_key(id);
        if let Some(id) = found.rows.keys().find(|id| !known(id)) {
            return Err(format!("commit {id} was gone after an earlier start and is back"));
        }
        self.check_order(&there)?;
        self.check_slots(&there, &found)?;
        if let Some(key) = self.anchors.iter().find(|key| !starts.contains(*key)) {
            return Err(format!("no range starts at {key:?}, as was acknowledged"));
        }
        let newest = there.values().filter_map(|commit| commit.at).max();
        if newest.is_some_and(|newest| newest > visible) {
            return Err(format!(
                "there is a commit at {newest:?}, and all is to be read at {visible:?}"
            ));
        }
        verdict.there = there.keys().copied().collect();
        let rows = there.iter().map(|(id, commit)| (*id, commit.rows));
        self.kept.extend(rows.collect::<Vec<_>>());
        self.commits.clear();
        self.slots = found.slots;
        self.newest = visible;
        Ok(verdict)
    }

    /// Of commits one after the other the first are there. Those that nobody was told of were last.
    fn check_order(&self, there: &BTreeMap<Id, &Commit>) -> Result<(), String> {
        let mut in_order: Vec<_> = self.commits.iter().collect();
        in_order.sort_by_key(|(_, commit)| commit.at.unwrap_or(Timestamp::MAX));
        let mut gone = None;
        let mut untold = 0;
        for (id, commit) in in_order {
            let is_there = there.contains_key(id);
            if let (Some(gone), true, false) = (gone, is_there, commit.is_bulk) {
                return Err(format!(
                    "commit {id} is there, and {gone}, which came before it, is gone"
                ));
            }
            // One that was not written is gone by right. A bulk commit is committed ahead of its turn,
            // but once it had that it has to be there before all that come after it.
            if !is_there && commit.at.is_some() {
                gone = gone.or(Some(*id));
            }
            untold += u32::from(is_there && !commit.is_bulk && commit.at.is_none());
        }
        match untold {
            0 | 1 => Ok(()),
            _ => Err(format!("{untold} commits are there that were never written")),
        }
    }

    /// Each slot is as the last commit that is there has left it. They had it one after the other.
    fn check_slots(&self, there: &BTreeMap<Id, &Commit>, found: &Found) -> Result<(), String> {
        let mut expected = self.slots.clone();
        let mut in_order: Vec<_> = there.iter().collect();
        in_order.sort_by_key(|(_, commit)| commit.at.unwrap_or(Timestamp::MAX));
        for (id, commit) in in_order {
            for (slot, takes) in &commit.slots {
                match takes {
                    true => expected.insert(*slot, *id),
                    false => expected.remove(slot),
                };
            }
        }
        match expected == found.slots {
            true => Ok(()),
            false => Err(format!("slots are {:?}, should be {expected:?}", found.slots)),
        }
    }
}
