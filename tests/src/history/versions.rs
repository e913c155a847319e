//! Who wrote which version, who saw it, and in which order the versions of a key came to be.
//!
//! A version is named by the value that made it: for a list, the last element; for a register, what
//! it was set to. Here is also found what is wrong without any graph: reads of what was aborted,
//! replaced or never written, transactions that contradict themselves, lists that
//! contradict each other, and writes that are missing in the end.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::ops::Range;

use super::anomaly::{Anomalies, Phenomenon};
use super::{Filter, Found, History, Key, Level, Operation, Outcome, Value};

/// A write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Version {
    /// The transaction that wrote it.
    pub by: usize,
    /// What it wrote.
    pub value: Value,
    /// Whether that transaction wrote the key no more.
    is_last: bool,
    is_delete: bool,
}

/// A read of one key by a transaction that had not written the key, or of what was there before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// The transaction that read.
    pub reader: usize,
    /// What it read.
    pub key: Key,
    /// The version; `None` if there was nothing.
    pub value: Option<Value>,
    /// Whether a scan did not find the key.
    pub by_predicate: bool,
    /// The condition that the version did not fulfil, where no more than that was read of it.
    pub filter: Option<Filter>,
    /// Whether the reader had not yet written the key.
    is_before_own_writes: bool,
}

/// Who reads what, and the condition that it does not fulfil, where only that was read.
#[derive(Clone, Copy)]
struct Reading {
    reader: usize,
    key: Key,
    filter: Option<Filter>,
}

/// Which version a read that found nothing saw.
pub(super) enum Absent {
    /// The one before all writes.
    Initial,
    /// The one that this deletion made.
    Deleted(Value),
    /// One of several.
    Ambiguous,
    /// None: there was always something.
    Impossible,
}

/// A list or a register.
#[derive(Default)]
pub(super) struct Object<'a> {
    is_list: bool,
    /// All writes, in the order of the history.
    versions: Vec<Version>,
    by_value: HashMap<Value, usize>,
    /// The longest list that was read.
    longest: &'a [Value],
    longest_reader: usize,
    /// Whether there was no time before it was written.
    is_in_setup: bool,
    /// The versions that count whose order is known, oldest first.
    pub order: Vec<Version>,
    /// The versions after those, in an order that is not known.
    pub tail: Vec<Version>,
    /// For a version in `tail`, those made by transactions that had seen it.
    pub followers: HashMap<Value, Vec<Version>>,
    positions: HashMap<Value, usize>,
}

impl Object<'_> {
    /// The write of `value`, if there was one.
    pub(super) fn find(&self, value: Value) -> Option<Version> {
        self.versions.get(*self.by_value.get(&value)?).copied()
    }

    /// Those after `value` (`None`: the initial version), if their order is known, and all of the tail.
    fn after(&self, value: Option<Value>) -> (&[Version], &[Version]) {
        let position = value.map(|value| self.positions.get(&value));
        match position {
            None => (&self.order, &self.tail),
            Some(Some(position)) => {
                (self.order.get(position + 1..).unwrap_or_default(), &self.tail)
            }
            Some(None) => (&[], &[]),
        }
    }

    /// Nobody finds what its transaction has overwritten itself.
    fn fulfils(version: &Version, filter: Filter) -> bool {
        version.is_last && filter.admits((!version.is_delete).then_some(version.value))
    }

    /// Of the versions after `value`, the first that fulfils a condition, or those of which one may be
    /// the first.
    pub(super) fn first_to_fulfil(&self, value: Option<Value>, filter: Filter) -> Vec<Version> {
        let (ordered, tail) = self.after(value);
        let fulfils = |version: &&Version| Self::fulfils(version, filter);
        match ordered.iter().find(fulfils) {
            Some(first) => vec![*first],
            None => tail.iter().filter(fulfils).copied().collect(),
        }
    }

    /// The version up to `value` that was the last to end a condition's being fulfilled, if there is
    /// one and the order is known.
    pub(super) fn last_to_end(&self, value: Option<Value>, filter: Filter) -> Option<Version> {
        let position = self.positions.get(&value?)?;
        let until = self.order.get(..=*position)?;
        let last = until.iter().rposition(|version| Self::fulfils(version, filter))?;
        until.get(last + 1).copied()
    }

    /// The versions that may have replaced `value` (`None`: the initial version), each of them
    /// directly or through others of the list.
    pub(super) fn successors(&self, value: Option<Value>) -> &[Version] {
        let next = match value {
            None => 0,
            Some(value) => match self.positions.get(&value) {
                Some(position) => position + 1,
                None => return self.followers.get(&value).map_or(&[], Vec::as_slice),
            },
        };
        match self.order.get(next..=next) {
            Some(next) => next,
            None => &self.tail,
        }
    }
}

/// What a transaction has done to a key so far.
enum Own {
    List(Vec<Value>),
    Register(Option<Value>),
}

/// What is known of all keys.
pub(super) struct Versions<'a> {
    history: &'a History,
    /// In the order of the keys.
    pub objects: BTreeMap<Key, Object<'a>>,
    /// Which transactions count as committed.
    pub counts: Vec<bool>,
    /// All reads of those transactions.
    pub reads: Vec<Seen>,
    /// Their list reads in full.
    lists: Vec<(usize, Key, &'a [Value])>,
}

impl<'a> Versions<'a> {
    /// Goes through the history and reports what is wrong already.
    pub(super) fn observe(history: &'a History, anomalies: &mut Anomalies<'_>) -> Versions<'a> {
        let mut versions = Versions {
            history,
            objects: BTreeMap::new(),
            counts: vec![false; history.transactions.len()],
            reads: Vec::new(),
            lists: Vec::new(),
        };
        for index in 0..history.transactions.len() {
            versions.index_writes(index);
        }
        versions.index_reads(anomalies);
        versions.order_lists(anomalies);
        versions.order_registers();
        versions.find_lost_writes(anomalies);
        versions
    }

    fn index_writes(&mut self, index: usize) {
        let mut before: HashMap<Key, usize> = HashMap::new();
        let Some(transaction) = self.history.transactions.get(index) else { return };
        for operation in &transaction.operations {
            let (key, value, is_list, is_delete) = match operation {
                Operation::Append { key, value } => (*key, *value, true, false),
                Operation::Write { key, value } => (*key, *value, false, false),
                Operation::Delete { key, value } => (*key, *value, false, true),
                _ => continue,
            };
            let object = self.objects.entry(key).or_default();
            assert!(
                object.versions.is_empty() || object.is_list == is_list,
                "key {key} is both list and register"
            );
            object.is_list = is_list;
            object.is_in_setup |= self.history.setup == Some(index);
            let position = object.versions.len();
            let twice = object.by_value.insert(value, position);
            assert!(twice.is_none(), "{value} is written twice to key {key}");
            if let Some(earlier) = before.insert(key, position)
                && let Some(earlier) = object.versions.get_mut(earlier)
            {
                earlier.is_last = false;
            }
            object.versions.push(Version { by: index, value, is_last: true, is_delete });
        }
    }

    /// Reads of all that counts; a transaction of unknown outcome counts from when it was seen.
    fn index_reads(&mut self, anomalies: &mut Anomalies<'_>) {
        let mut queue: VecDeque<usize> = VecDeque::new();
        for (index, transaction) in self.history.transactions.iter().enumerate() {
            if transaction.outcome == Outcome::Committed {
                self.counts[index] = true;
                queue.push_back(index);
            }
        }
        while let Some(reader) = queue.pop_front() {
            let mut writers = Vec::new();
            self.read_all(reader, &mut writers, anomalies);
            for writer in writers {
                if !self.counts[writer] && self.outcome(writer) == Outcome::Unknown {
                    self.counts[writer] = true;
                    queue.push_back(writer);
                }
            }
        }
    }

    fn outcome(&self, index: usize) -> Outcome {
        self.history.transactions[index].outcome
    }

    fn read_all(&mut self, reader: usize, writers: &mut Vec<usize>, found: &mut Anomalies<'_>) {
        let mut own: HashMap<Key, Own> = HashMap::new();
        let history = self.history;
        for operation in &history.transactions[reader].operations {
            match operation {
                Operation::Append { key, value } => {
                    match own.entry(*key).or_insert_with(|| Own::List(Vec::new())) {
                        Own::List(values) => values.push(*value),
                        Own::Register(_) => unreachable!("a key is list or register for good"),
                    }
                }
                Operation::Write { key, value } => {
                    own.insert(*key, Own::Register(Some(*value)));
                }
                Operation::Delete { key, .. } => {
                    own.insert(*key, Own::Register(None));
                }
                Operation::ReadList { key, values } => {
                    let read = Reading { reader, key: *key, filter: None };
                    self.read_list(read, values, own.get(key), writers, found);
                }
                Operation::Read { key, value } => {
                    let read = Reading { reader, key: *key, filter: None };
                    self.read_register(read, *value, own.get(key), writers, found);
                }
                Operation::Scan { keys, found: rows } => {
                    self.read_range(reader, keys, None, rows, &own, writers, found);
                }
                Operation::Select { keys, filter, seen } => {
                    self.read_range(reader, keys, Some(*filter), seen, &own, writers, found);
                }
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "what was read, by whom, and where findings go")]
    fn read_range(
        &mut self,
        reader: usize,
        keys: &Range<Key>,
        filter: Option<Filter>,
        rows: &'a [(Key, Found)],
        own: &HashMap<Key, Own>,
        writers: &mut Vec<usize>,
        found: &mut Anomalies<'_>,
    ) {
        let mut seen = BTreeSet::new();
        for (key, row) in rows {
            if !seen.insert(*key) {
                found.add(Phenomenon::Duplicate, &[reader], || {
                    format!("a scan by T{reader} found key {key} twice")
                });
            }
            let filter = filter.filter(|filter| !filter.admits(row.version()));
            let read = Reading { reader, key: *key, filter };
            match row {
                Found::List(values) => {
                    self.read_list(read, values, own.get(key), writers, found);
                }
                Found::Register(value) => {
                    self.read_register(read, Some(*value), own.get(key), writers, found);
                }
            }
        }
        assert!(keys.start <= keys.end, "a range that ends before it starts");
        let all = self.objects.range(keys.clone()).map(|(key, _)| *key);
        for key in all.filter(|key| !seen.contains(key)) {
            match own.get(&key) {
                Some(Own::Register(None)) => {}
                Some(_) => found.add(Phenomenon::Internal, &[reader], || {
                    format!("a scan by T{reader} did not find its own key {key}")
                }),
                None => self.reads.push(Seen {
                    reader,
                    key,
                    value: None,
                    by_predicate: true,
                    filter,
                    is_before_own_writes: true,
                }),
            }
        }
    }

    /// Whose version a read saw; reports one that may not be seen.
    fn writer_of(
        &self,
        reader: usize,
        key: Key,
        value: Value,
        anomalies: &mut Anomalies<'_>,
    ) -> Option<Version> {
        let Some(version) = self.objects.get(&key).and_then(|object| object.find(value)) else {
            anomalies.add(Phenomenon::UnwrittenRead, &[reader], || {
                format!("T{reader} read {value} of key {key}, which nobody wrote")
            });
            return None;
        };
        let writer = version.by;
        if writer == reader {
            anomalies.add(Phenomenon::Internal, &[reader], || {
                format!("T{reader} read its own {value} of key {key} in the wrong place")
            });
        } else if self.outcome(writer) == Outcome::Aborted {
            anomalies.add(Phenomenon::G1a, &[reader, writer], || {
                format!("T{reader} read {value} of key {key}, which T{writer} wrote and aborted")
            });
        }
        Some(version)
    }

    fn check_last(&self, reader: usize, key: Key, version: Version, found: &mut Anomalies<'_>) {
        if !version.is_last && version.by != reader {
            let (writer, value) = (version.by, version.value);
            found.add(Phenomenon::G1b, &[reader, writer], || {
                format!(
                    "T{reader} read {value} of key {key}, after which T{writer} wrote the key again"
                )
            });
        }
    }

    fn read_list(
        &mut self,
        Reading { reader, key, filter }: Reading,
        values: &'a [Value],
        own: Option<&Own>,
        writers: &mut Vec<usize>,
        anomalies: &mut Anomalies<'_>,
    ) {
        let own: &[Value] = match own {
            Some(Own::List(own)) => own,
            _ => &[],
        };
        let Some(before) = values.strip_suffix(own) else {
            anomalies.add(Phenomenon::Internal, &[reader], || {
                format!("T{reader} read {values:?} of key {key} after it had appended {own:?}")
            });
            return;
        };
        let mut last = None;
        for value in before {
            last = self.writer_of(reader, key, *value, anomalies);
            writers.extend(last.map(|version| version.by));
        }
        if let Some(last) = last {
            self.check_last(reader, key, last, anomalies);
        }
        self.lists.push((reader, key, values));
        // What its own element does not fulfil says nothing of what was there before.
        if filter.is_some() && !own.is_empty() {
            return;
        }
        self.reads.push(Seen {
            reader,
            key,
            value: before.last().copied(),
            by_predicate: filter.is_some(),
            filter,
            is_before_own_writes: own.is_empty(),
        });
    }

    fn read_register(
        &mut self,
        Reading { reader, key, filter }: Reading,
        value: Option<Value>,
        own: Option<&Own>,
        writers: &mut Vec<usize>,
        anomalies: &mut Anomalies<'_>,
    ) {
        if let Some(Own::Register(own)) = own {
            if *own != value {
                anomalies.add(Phenomenon::Internal, &[reader], || {
                    format!("T{reader} read {value:?} of key {key} after it had written {own:?}")
                });
            }
            return;
        }
        if let Some(value) = value
            && let Some(version) = self.writer_of(reader, key, value, anomalies)
        {
            writers.push(version.by);
            self.check_last(reader, key, version, anomalies);
        }
        self.reads.push(Seen {
            reader,
            key,
            value,
            by_predicate: filter.is_some(),
            filter,
            is_before_own_writes: true,
        });
    }

    /// The longest read of a list is its order; all others must be prefixes of it.
    fn order_lists(&mut self, anomalies: &mut Anomalies<'_>) {
        for (reader, key, values) in &self.lists {
            let Some(object) = self.objects.get_mut(key) else { continue };
            if values.len() > object.longest.len() {
                (object.longest, object.longest_reader) = (*values, *reader);
            }
        }
        for (reader, key, values) in &self.lists {
            let Some(object) = self.objects.get(key) else { continue };
            let longest = object.longest;
            let is_longest = longest.len() == values.len();
            if longest.starts_with(values) && !(is_longest && *reader == object.longest_reader) {
                continue;
            }
            let mut once = HashSet::new();
            if let Some(value) = values.iter().find(|value| !once.insert(**value)) {
                anomalies.add(Phenomenon::Duplicate, &[*reader], || {
                    format!("T{reader} read {value} twice in the list {key}")
                });
            } else if !longest.starts_with(values) {
                let other = object.longest_reader;
                anomalies.add(Phenomenon::IncompatibleOrder, &[*reader, other], || {
                    format!("T{reader} read the list {key} as {values:?}, T{other} as {longest:?}")
                });
            }
        }
        for object in self.objects.values_mut().filter(|object| object.is_list) {
            let counts = |version: &Version| self.counts[version.by];
            let (by_value, versions) = (&object.by_value, &object.versions);
            let find = |value: &Value| versions.get(*by_value.get(value)?).copied();
            object.order = object.longest.iter().filter_map(find).filter(counts).collect();
            let placed: HashSet<Value> = object.order.iter().map(|version| version.value).collect();
            // What was appended and never seen is behind all that was.
            let mut rest = object.versions.clone();
            rest.retain(|version| counts(version) && !placed.contains(&version.value));
            place(self.history, object, rest);
        }
    }

    /// Registers are in the order of commits if that is known, else behind what their writers saw.
    fn order_registers(&mut self) {
        for object in self.objects.values_mut().filter(|object| !object.is_list) {
            let mut rest = object.versions.clone();
            rest.retain(|version| self.counts[version.by]);
            let from_setup = |version: &Version| Some(version.by) == self.history.setup;
            object.order = rest.iter().copied().filter(from_setup).collect();
            rest.retain(|version| !from_setup(version));
            place(self.history, object, rest);
        }
        for seen in &self.reads {
            let (Some(value), true) = (seen.value, seen.is_before_own_writes) else { continue };
            let Some(object) = self.objects.get_mut(&seen.key) else { continue };
            if object.positions.contains_key(&value) {
                continue;
            }
            let is_own = |version: &&Version| version.by == seen.reader;
            if let Some(first) = object.tail.iter().find(is_own).copied() {
                let followers = object.followers.entry(value).or_default();
                if followers.iter().all(|follower| follower.value != first.value) {
                    followers.push(first);
                }
            }
        }
    }

    /// Which version a read that found nothing saw.
    pub(super) fn absent(&self, seen: &Seen) -> Absent {
        let Some(object) = self.objects.get(&seen.key) else { return Absent::Initial };
        if object.is_list {
            return Absent::Initial;
        }
        let may_have = |version: &&Version| {
            version.is_delete
                && version.by != seen.reader
                && self.outcome(version.by) != Outcome::Aborted
        };
        let mut deletions = object.versions.iter().filter(may_have);
        match (object.is_in_setup, deletions.next(), deletions.next()) {
            (false, None, _) => Absent::Initial,
            (true, Some(deletion), None) => Absent::Deleted(deletion.value),
            (true, None, _) => Absent::Impossible,
            _ => Absent::Ambiguous,
        }
    }

    /// Committed writes that the final read does not show.
    fn find_lost_writes(&self, anomalies: &mut Anomalies<'_>) {
        let Some(reader) = self.history.final_read else { return };
        let mut lists: HashMap<Key, HashSet<Value>> = HashMap::new();
        let mut registers: HashMap<Key, Option<Value>> = HashMap::new();
        for seen in self.reads.iter().filter(|seen| seen.reader == reader) {
            registers.insert(seen.key, seen.value);
            lists.entry(seen.key).or_default();
        }
        for (_, key, values) in self.lists.iter().filter(|list| list.0 == reader) {
            lists.entry(*key).or_default().extend(*values);
        }
        for (key, object) in &self.objects {
            if object.is_list {
                let Some(values) = lists.get(key) else { continue };
                for Version { by, value, .. } in &object.versions {
                    if self.outcome(*by) == Outcome::Committed && !values.contains(value) {
                        anomalies.add(Phenomenon::LostWrite, &[*by], || {
                            format!("T{by} appended {value} to key {key}, which is gone in the end")
                        });
                    }
                }
            } else if object.tail.is_empty()
                && let Some(read) = registers.get(key)
                && let Some(last) = object.order.last()
            {
                let expected = (!last.is_delete).then_some(last.value);
                // Nobody sees whose deletion it was, so one of unknown outcome cannot be told.
                let may_be_deleted = |version: &Version| {
                    version.is_delete && self.outcome(version.by) == Outcome::Unknown
                };
                let is_unclear = read.is_none() && object.versions.iter().any(may_be_deleted);
                if *read != expected && !is_unclear {
                    anomalies.add(Phenomenon::LostWrite, &[last.by, reader], || {
                        format!("key {key} should end as {expected:?} and is {read:?}")
                    });
                }
            }
        }
    }

    /// Transactions that changed the same version of a key, which both had read.
    pub(super) fn find_lost_updates(&self, anomalies: &mut Anomalies<'_>) {
        let mut writes: HashSet<(usize, Key)> = HashSet::new();
        for (key, object) in &self.objects {
            writes.extend(object.versions.iter().map(|version| (version.by, *key)));
        }
        let mut updated: HashMap<(Key, Value), usize> = HashMap::new();
        for seen in &self.reads {
            let Some(value) = seen.value.filter(|_| seen.filter.is_none()) else { continue };
            let level = self.history.transactions[seen.reader].level;
            if !seen.is_before_own_writes
                || level < Level::SnapshotIsolation
                || !writes.contains(&(seen.reader, seen.key))
            {
                continue;
            }
            let (key, reader) = (seen.key, seen.reader);
            let other = *updated.entry((key, value)).or_insert(reader);
            if other != reader {
                anomalies.add(Phenomenon::LostUpdate, &[other, reader], || {
                    format!("T{other} and T{reader} both read {value} of key {key} and changed it")
                });
            }
        }
    }
}

/// Puts `rest` behind the order of `object`, or in its tail if their order is not known.
fn place(history: &History, object: &mut Object<'_>, mut rest: Vec<Version>) {
    let commit_at = |version: &Version| history.transactions[version.by].commit_at;
    if rest.len() == 1 || rest.iter().all(|version| commit_at(version).is_some()) {
        rest.sort_by_key(commit_at);
        object.order.append(&mut rest);
    }
    object.tail = rest;
    let order = object.order.iter().enumerate();
    object.positions = order.map(|(position, version)| (version.value, position)).collect();
}
