//! What the clients of a simulation share.

use std::cell::{Cell, RefCell, RefMut};
use std::ops::Range;
use std::sync::Arc;

use cairn_txn::ssi::Limits;
use cairn_txn::{Isolation, SharedSnapshot, TransactionManager};

use super::keys::{self, KeySpace};
use super::random::Random;
use super::record::Recorder;
use crate::history::{Filter, Key, Level, Value};

/// What a seed decides before anything happens.
#[derive(Clone, Debug)]
pub struct Shape {
    /// What there is to read and write.
    pub keys: KeySpace,
    /// Clients at a time.
    pub clients: usize,
    /// The levels that transactions run at.
    pub levels: Vec<(Isolation, Level)>,
    /// Whether the power fails now and then. Then every commit waits for the disk; without it
    /// some do not.
    pub crashes: bool,
    /// One in so many steps syncs the log.
    pub sync_one_in: u64,
    /// One in so many steps loses a client.
    pub drop_one_in: u64,
    /// Whether the client that ran last is likely to go on.
    pub is_sticky: bool,
    /// Memory for what serializable transactions have read and written.
    pub ssi_limits: Limits,
    /// Whether transactions read ranges and change one row.
    pub is_skewed: bool,
    /// One in so many transactions takes over the snapshot of another one.
    pub adopts_one_in: u64,
    /// Whether some statements have conditions on values.
    pub filters: bool,
}

/// So little that most of what is read and written has to be told coarsely.
pub const LITTLE_MEMORY: Limits = Limits { points: 6, ranges: 4, filter_bytes: 1000 };

impl Shape {
    /// The shape of a seed's simulation; its levels are one of `levels`, or all of them.
    pub fn new(random: &mut Random, levels: &[(Isolation, Level)]) -> Shape {
        let level = random.below(levels.len() as u64 + 1) as usize;
        let one = levels.get(level).map(|level| vec![*level]);
        let mut shape = Shape {
            keys: KeySpace {
                groups: 1 + random.below(3),
                lists: 1 + random.below(4),
                registers: 2 + random.below(4),
                slots: 2 + random.below(6),
            },
            clients: 2 + random.below(9) as usize,
            levels: one.unwrap_or_else(|| levels.to_vec()),
            crashes: random.below(2) == 0,
            sync_one_in: [2, 5, 30][random.below(3) as usize],
            drop_one_in: [200, 1000, 5000][random.below(3) as usize],
            is_sticky: random.below(2) == 0,
            ssi_limits: Limits::default(),
            filters: false,
            is_skewed: random.below(4) == 0,
            adopts_one_in: [3, 10, 100][random.below(3) as usize],
        };
        let both = random.below(9);
        if both / 3 == 0 {
            shape.ssi_limits = LITTLE_MEMORY;
        }
        shape.filters = !both.is_multiple_of(3);
        shape
    }
}

/// See the module's head. Nothing of it is borrowed while a client waits.
pub struct World {
    shape: Shape,
    random: RefCell<Random>,
    recorder: RefCell<Recorder>,
    manager: RefCell<Arc<TransactionManager>>,
    remaining: Cell<u64>,
    last_value: Cell<Value>,
    /// Keys that are used once, in the order of their making.
    fresh: RefCell<Vec<Key>>,
    /// A snapshot that others may take over, and the transaction whose it is.
    shared: RefCell<Option<(SharedSnapshot, usize)>>,
    failure: RefCell<Option<String>>,
}

impl World {
    /// A world in which clients are to run this many transactions.
    pub fn new(
        shape: Shape,
        random: Random,
        manager: Arc<TransactionManager>,
        transactions: u64,
    ) -> World {
        World {
            shape,
            random: RefCell::new(random),
            recorder: RefCell::default(),
            manager: RefCell::new(manager),
            remaining: Cell::new(transactions),
            last_value: Cell::new(0),
            fresh: RefCell::default(),
            shared: RefCell::default(),
            failure: RefCell::default(),
        }
    }

    /// What the seed decided beforehand.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// A number below `bound`.
    pub fn below(&self, bound: u64) -> u64 {
        self.random.borrow_mut().below(bound)
    }

    /// True once in `count` times.
    pub fn one_in(&self, count: u64) -> bool {
        self.below(count) == 0
    }

    /// One of several.
    pub fn one_of<T: Copy>(&self, several: &[T]) -> T {
        several[self.below(several.len() as u64) as usize]
    }

    /// Takes notes. Not to be held for longer than a note takes.
    pub fn record(&self) -> RefMut<'_, Recorder> {
        self.recorder.borrow_mut()
    }

    /// The manager, which a crash replaces.
    pub fn manager(&self) -> Arc<TransactionManager> {
        self.manager.borrow().clone()
    }

    /// Goes on with another manager.
    pub fn set_manager(&self, manager: Arc<TransactionManager>) {
        self.forget_shared();
        *self.manager.borrow_mut() = manager;
    }

    /// Lets others take over the snapshot of a transaction, the history's `index`-th.
    pub fn share(&self, snapshot: SharedSnapshot, index: usize) {
        *self.shared.borrow_mut() = Some((snapshot, index));
    }

    /// The snapshot that was shared last. Its transaction may have ended.
    pub fn shared(&self) -> Option<(SharedSnapshot, usize)> {
        self.shared.borrow().clone()
    }

    /// Lets go of the snapshot that was shared last.
    pub fn forget_shared(&self) {
        *self.shared.borrow_mut() = None;
    }

    /// Takes one of the transactions that are still to be run.
    pub fn take_transaction(&self) -> bool {
        let remaining = self.remaining.get();
        self.remaining.set(remaining.saturating_sub(1));
        remaining > 0
    }

    /// Whether all transactions have been taken.
    pub fn is_done(&self) -> bool {
        self.remaining.get() == 0
    }

    /// Something happened that may not.
    pub fn fail(&self, what: String) {
        self.failure.borrow_mut().get_or_insert(what);
    }

    /// The first such thing.
    pub fn failure(&self) -> Option<String> {
        self.failure.borrow().clone()
    }

    /// A value that was not used before.
    pub fn value(&self) -> Value {
        self.last_value.set(self.last_value.get() + 1);
        self.last_value.get()
    }

    /// A condition that some values fulfil.
    pub fn filter(&self) -> Filter {
        let modulus = 2 + self.below(3);
        Filter { modulus, remainder: self.below(modulus) }
    }

    fn group(&self) -> u64 {
        self.below(self.shape.keys.groups)
    }

    /// A list.
    pub fn list(&self) -> Key {
        keys::list(self.group(), self.below(self.shape.keys.lists))
    }

    /// A register, of any kind.
    pub fn register(&self) -> Key {
        match self.below(4) {
            0 => self.slot(),
            1 => self.recent().unwrap_or_else(|| self.slot()),
            _ => keys::register(self.group(), self.below(self.shape.keys.registers)),
        }
    }

    /// A register that may be there or not.
    pub fn slot(&self) -> Key {
        keys::slot(self.group(), self.below(self.shape.keys.slots))
    }

    /// A key that nobody has used.
    pub fn fresh(&self) -> Key {
        let mut fresh = self.fresh.borrow_mut();
        let key = keys::fresh(self.below(self.shape.keys.groups), fresh.len() as u64);
        fresh.push(key);
        key
    }

    /// One of the last keys from [`World::fresh`].
    fn recent(&self) -> Option<Key> {
        let fresh = self.fresh.borrow();
        let back = 1 + self.below(12) as usize;
        fresh.len().checked_sub(back).and_then(|index| fresh.get(index)).copied()
    }

    /// A register that may be deleted. Slots are not, as they are inserted again: which of several
    /// absences a reader saw would be anyone's guess.
    pub fn deletable(&self) -> Key {
        let preloaded = || keys::register(self.group(), self.below(self.shape.keys.registers));
        match self.one_in(6) {
            true => preloaded(),
            false => self.recent().unwrap_or_else(preloaded),
        }
    }

    /// Any key.
    pub fn key(&self) -> Key {
        if self.one_in(2) { self.list() } else { self.register() }
    }

    /// The lists of a group, or the other keys that are there from the start or may come to be.
    pub fn part(&self) -> Range<Key> {
        let group = self.group();
        if self.one_in(2) { keys::lists(group) } else { keys::registers(group) }
    }

    /// The keys of a group, some of them, or all that there are.
    pub fn range(&self) -> Range<Key> {
        let group = self.group();
        match self.below(12) {
            0..=2 => keys::lists(group),
            3..=5 => keys::registers(group),
            6 | 7 => keys::fresh_ones(group),
            8 => keys::group(0).start..keys::group(self.shape.keys.groups - 1).end,
            _ => keys::group(group),
        }
    }

    /// Every key that there may be.
    pub fn all_keys(&self) -> Vec<Key> {
        let space = self.shape.keys;
        let slots = (0..space.groups)
            .flat_map(|group| (0..space.slots).map(move |number| keys::slot(group, number)));
        let mut all: Vec<Key> = space.preloaded().chain(slots).collect();
        all.extend(self.fresh.borrow().iter());
        all
    }
}
