//! A client: one transaction after the other on one connection, and notes of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::round::Round;
use super::server::Server;
use super::session::{Failure, Session};
use super::statement::Statement;
use crate::history::{Level, Outcome, Transaction};
use crate::simulator::random::Random;

/// What all clients share.
pub(super) struct World {
    pub server: Arc<Server>,
    pub level: Level,
    /// When clients begin no more transactions.
    pub until: Instant,
    clock: AtomicU64,
    last_value: AtomicU64,
    last_session: AtomicU64,
}

impl World {
    pub fn new(server: Arc<Server>, level: Level, until: Instant) -> World {
        let zero = || AtomicU64::new(0);
        let (clock, last_value, last_session) = (zero(), zero(), zero());
        World { server, level, until, clock, last_value, last_session }
    }

    /// A stamp: whoever gets it after another was given out, gets a greater one.
    pub fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// A value that nobody else writes.
    pub fn value(&self) -> u64 {
        self.last_value.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A connection is a session of the history: what a lost one was at is not before what its client
    /// does next.
    fn session(&self) -> u64 {
        self.last_session.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// How transactions ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Acknowledged commits.
    pub committed: u64,
    /// Aborted with 40001.
    pub serialization_failures: u64,
    /// Aborted with 40P01.
    pub deadlocks: u64,
    /// Aborted with 23505.
    pub duplicates: u64,
    /// Rolled back by the client.
    pub given_up: u64,
    /// Those whose connection was lost before they asked for their commit.
    pub cut_off: u64,
    /// Those whose connection was lost after that.
    pub unknown: u64,
    /// Returns to savepoints.
    pub taken_back: u64,
}

impl Counts {
    /// Adds those of another client.
    pub fn add(&mut self, other: &Counts) {
        self.committed += other.committed;
        self.serialization_failures += other.serialization_failures;
        self.deadlocks += other.deadlocks;
        self.duplicates += other.duplicates;
        self.given_up += other.given_up;
        self.cut_off += other.cut_off;
        self.unknown += other.unknown;
        self.taken_back += other.taken_back;
    }

    /// Transactions of all kinds.
    pub fn transactions(&self) -> u64 {
        let aborted = self.serialization_failures + self.deadlocks + self.duplicates;
        self.committed + aborted + self.given_up + self.cut_off + self.unknown
    }

    fn count(&mut self, ended: &Result<(), Failure>, asked_to_commit: bool) {
        match ended {
            Ok(()) => self.committed += 1,
            Err(Failure::Serialization) => self.serialization_failures += 1,
            Err(Failure::Deadlock) => self.deadlocks += 1,
            Err(Failure::Duplicate) => self.duplicates += 1,
            Err(Failure::GaveUp) => self.given_up += 1,
            Err(Failure::Lost) if asked_to_commit => self.unknown += 1,
            Err(Failure::Lost | Failure::Unexpected(_)) => self.cut_off += 1,
        }
    }
}

/// A transaction on its way.
struct Attempt {
    transaction: Transaction,
    /// What it took back, as transactions of their own.
    taken_back: Vec<Transaction>,
    asked_to_commit: bool,
}

/// See the module's head.
pub(super) struct Client {
    world: Arc<World>,
    random: Random,
    /// With its number in the history.
    session: Option<(Session, u64)>,
    pub counts: Counts,
}

impl Client {
    pub fn new(world: Arc<World>, seed: u64) -> Client {
        Client { world, random: Random::new(seed), session: None, counts: Counts::default() }
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.random.below(count) == 0
    }

    /// Runs its part of a round. Returns what it did, in any order but for that of its sessions.
    pub async fn run(mut self, round: Arc<Round>) -> Result<(Client, Vec<Transaction>), String> {
        let mut done = Vec::new();
        while Instant::now() < self.world.until
            && let Some(group) = round.take(&mut self.random)
        {
            let attempt = self.transaction(&round, group).await?;
            done.push(attempt.transaction);
            done.extend(attempt.taken_back);
        }
        Ok((self, done))
    }

    async fn transaction(&mut self, round: &Round, group: u64) -> Result<Attempt, String> {
        let (session, number) = match self.session.take() {
            Some(session) => session,
            None => {
                let session = Session::connect(&self.world.server, self.world.level).await;
                (session.map_err(|why| format!("{why:?}"))?, self.world.session())
            }
        };
        let mut transaction = Transaction::new(Outcome::Unknown, Vec::new());
        transaction.level = self.world.level;
        transaction.session = Some(number);
        transaction.start = Some(self.world.tick());
        let mut attempt = Attempt { transaction, taken_back: Vec::new(), asked_to_commit: false };
        let is_alone = self.one_in(10);
        let ended = match is_alone {
            true => self.statement(&session, round, group, true, &mut attempt).await,
            false => self.block(&session, round, group, &mut attempt).await,
        };
        self.counts.count(&ended, attempt.asked_to_commit);
        attempt.transaction.outcome = match &ended {
            Ok(()) => {
                attempt.transaction.end = Some(self.world.tick());
                Outcome::Committed
            }
            Err(Failure::Lost) if attempt.asked_to_commit => Outcome::Unknown,
            // The server cannot have committed what nobody asked it to commit.
            Err(_) => Outcome::Aborted,
        };
        let is_usable = match ended {
            Ok(()) => true,
            Err(Failure::Lost) => false,
            Err(Failure::Unexpected(what)) => return Err(what),
            Err(_) => is_alone || session.client.batch_execute("ROLLBACK").await.is_ok(),
        };
        self.session = is_usable.then_some((session, number));
        Ok(attempt)
    }

    async fn block(
        &mut self,
        session: &Session,
        round: &Round,
        group: u64,
        attempt: &mut Attempt,
    ) -> Result<(), Failure> {
        let read_only = self.one_in(5);
        session.begin(self.world.level, read_only).await?;
        let statements = 1 + self.random.below(5);
        for _ in 0..statements {
            match !read_only && self.one_in(6) {
                true => self.in_savepoint(session, round, group, attempt).await?,
                false => self.statement(session, round, group, read_only, attempt).await?,
            }
        }
        if self.one_in(20) {
            return Err(Failure::GaveUp);
        }
        attempt.asked_to_commit = true;
        Ok(session.client.batch_execute("COMMIT").await?)
    }

    /// A statement or two behind a savepoint, to which the client returns if a key was there already,
    /// and sometimes if not.
    async fn in_savepoint(
        &mut self,
        session: &Session,
        round: &Round,
        group: u64,
        attempt: &mut Attempt,
    ) -> Result<(), Failure> {
        session.client.batch_execute("SAVEPOINT s").await?;
        let mark = attempt.transaction.operations.len();
        let mut outcome = self.statement(session, round, group, false, attempt).await;
        if outcome.is_ok() && self.one_in(2) {
            outcome = self.statement(session, round, group, false, attempt).await;
        }
        let goes_back = match &outcome {
            Ok(()) => self.one_in(3),
            Err(failure) => matches!(failure, Failure::Duplicate),
        };
        if goes_back {
            session.client.batch_execute("ROLLBACK TO SAVEPOINT s").await?;
            attempt.taken_back.push(attempt.transaction.take_back(mark));
            self.counts.taken_back += 1;
            outcome = Ok(());
        }
        outcome?;
        Ok(session.client.batch_execute("RELEASE SAVEPOINT s").await?)
    }

    async fn statement(
        &mut self,
        session: &Session,
        round: &Round,
        group: u64,
        read_only: bool,
        attempt: &mut Attempt,
    ) -> Result<(), Failure> {
        let statement = Statement::choose(&mut self.random, round, group, read_only);
        let operations = statement.run(session, self.world.value()).await?;
        attempt.transaction.operations.extend(operations);
        Ok(())
    }
}
