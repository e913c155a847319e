//! A simulated client: one transaction after the other, through the seam that SQL uses.
//!
//! It does what `cairn-sql` does with a statement, on rows of bytes: read on the statement's
//! snapshot, lock before writing, start the statement again when READ COMMITTED found a newer row,
//! keep what a statement did behind a savepoint. Between any two steps others may go first.

use std::rc::Rc;
use std::sync::atomic::Ordering;

use cairn_txn::{Access, Error, Isolation, LockMode, Transaction, WaitPolicy};

use super::executor::{patiently, pause};
use super::keys::TABLE;
use super::statement::Statement;
use super::world::World;
use crate::history::Level;

/// Why a statement did not end well.
#[derive(Debug)]
pub enum Failure {
    /// It met a newer version and has to run again.
    Restart,
    /// The key that it inserts is there.
    Duplicate,
    /// It waited too long for a lock.
    TimedOut,
    /// The client changed its mind.
    GaveUp,
    /// The snapshot that it was to take over is not to be had any more.
    SnapshotGone,
    /// What the transaction layer says.
    Layer(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Layer(error)
    }
}

impl Failure {
    /// Whether a client that returns to a savepoint can go on.
    fn is_of_statement(&self) -> bool {
        matches!(
            self,
            Failure::Duplicate
                | Failure::TimedOut
                | Failure::Layer(Error::LockNotAvailable | Error::Deadlock { .. })
        )
    }

    /// Whether transactions got in each other's way.
    fn is_conflict(&self) -> bool {
        matches!(self, Failure::Layer(Error::Serialization(_)))
    }

    /// Whether it is nobody's fault.
    fn is_expected(&self) -> bool {
        self.is_of_statement()
            || self.is_conflict()
            || matches!(self, Failure::GaveUp | Failure::SnapshotGone)
    }

    fn describe(&self) -> String {
        match self {
            Failure::Layer(Error::Deadlock(cycle)) => {
                let edges = cycle.iter().map(|w| format!("{} for {}", w.waiter.id, w.blocker.id));
                format!("deadlock: {}", edges.collect::<Vec<_>>().join(", "))
            }
            Failure::Layer(error) => error.to_string(),
            other => format!("{other:?}"),
        }
    }
}

/// A client and its session.
pub struct Client {
    world: Rc<World>,
    session: u64,
}

impl Client {
    /// A client of its own session.
    pub fn new(world: Rc<World>, session: u64) -> Client {
        Client { world, session }
    }

    /// What it shares with others.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Runs transactions until all have been run.
    pub async fn run(self) {
        while self.world.take_transaction() {
            if self.world.one_in(10) && self.read_now() {
                pause().await;
                continue;
            }
            self.transaction().await;
            pause().await;
        }
    }

    /// A short read without a transaction. False if a table lock is in its way.
    fn read_now(&self) -> bool {
        let Some(view) = self.world.manager().read_now(std::iter::once(TABLE)) else {
            return false;
        };
        let range = self.world.range();
        match super::statement::scan(&view, &range) {
            Ok(scan) => {
                self.world.record().begin(self.session, Level::ReadCommitted);
                self.world.record().did(self.session, vec![scan.into_operation(range)]);
                self.world.record().committed(self.session);
            }
            Err(error) => self.world.fail(format!("a read failed: {error}")),
        }
        true
    }

    async fn transaction(&self) {
        let (isolation, level) = self.world.one_of(&self.world.shape().levels);
        let mut transaction = self.world.manager().begin(isolation);
        let index = self.world.record().begin(self.session, level);
        let read_only = self.world.one_in(6);
        transaction.set_read_only(read_only);
        let outcome = match (self.adopt(&mut transaction, read_only), read_only) {
            (Err(failure), _) => Err(failure),
            (Ok(()), true) => self.reads(&mut transaction, index).await,
            (Ok(()), false) => self.statements(&mut transaction, index).await,
        };
        match outcome {
            Ok(()) => self.commit(transaction).await,
            Err(failure) => {
                transaction.rollback();
                self.aborted(&failure);
            }
        }
    }

    /// Now and then takes over a snapshot that another one shares, as with SET TRANSACTION SNAPSHOT.
    fn adopt(&self, transaction: &mut Transaction, read_only: bool) -> Result<(), Failure> {
        if !self.world.one_in(self.world.shape().adopts_one_in) {
            return Ok(());
        }
        let Some((snapshot, index)) = self.world.shared() else { return Ok(()) };
        let fits = snapshot.isolation() == transaction.isolation()
            && (read_only || !snapshot.is_read_only());
        if !fits {
            return Ok(());
        }
        if !transaction.adopt_snapshot(&snapshot) {
            return Err(Failure::SnapshotGone);
        }
        self.world.record().adopted(self.session, index);
        Ok(())
    }

    /// Now and then lets others take over the snapshot of the history's `index`-th transaction.
    fn share(&self, transaction: &Transaction, index: usize) {
        if transaction.isolation() == Isolation::ReadCommitted || !self.world.one_in(12) {
            return;
        }
        if let Some(snapshot) = transaction.share_snapshot() {
            self.world.share(snapshot, index);
        }
    }

    fn aborted(&self, failure: &Failure) {
        if !failure.is_expected() {
            self.world.fail(format!("session {}: {}", self.session, failure.describe()));
        }
        self.world.record().aborted(self.session, failure.describe());
    }

    async fn commit(&self, mut transaction: Transaction) {
        let durable = self.world.shape().crashes || !self.world.one_in(5);
        let written = self.world.record().committing(self.session);
        let stamp = written.clone();
        transaction.on_commit(Box::new(move |at| stamp.store(at.0, Ordering::Relaxed)));
        match transaction.commit(durable).await {
            Ok(at) => {
                if at.map_or(0, |at| at.0) != written.load(Ordering::Relaxed) {
                    self.world.fail(format!("session {}: two commit timestamps", self.session));
                }
                self.world.record().committed(self.session);
            }
            Err(error) => self.aborted(&error.into()),
        }
    }

    /// What one does that is declared READ ONLY, and sometimes DEFERRABLE.
    async fn reads(&self, transaction: &mut Transaction, index: usize) -> Result<(), Failure> {
        let may_defer = transaction.isolation() == Isolation::Serializable;
        if may_defer && !transaction.has_snapshot() && self.world.one_in(3) {
            transaction.await_safe_snapshot().await?;
        }
        for _ in 0..1 + self.world.below(5) {
            let statement = loop {
                let statement = Statement::choose(&self.world);
                if statement.access() == Access::Read {
                    break statement;
                }
            };
            self.note(&statement);
            transaction.begin_statement(Access::Read);
            let operations = statement.attempt(self, transaction).await?;
            transaction.end_statement();
            self.world.record().did(self.session, operations);
            self.share(transaction, index);
            pause().await;
        }
        Ok(())
    }

    async fn statements(&self, transaction: &mut Transaction, index: usize) -> Result<(), Failure> {
        self.lock_table(transaction).await?;
        let is_skewed = self.world.shape().is_skewed;
        let statements = if is_skewed { 2 + self.world.below(2) } else { 1 + self.world.below(5) };
        let change_at = self.world.below(statements);
        for at in 0..statements {
            if is_skewed {
                let statement = Statement::choose_skewed(&self.world, at == change_at);
                self.execute(transaction, statement).await?;
            } else if self.world.one_in(6) {
                self.in_savepoint(transaction).await?;
            } else {
                self.execute(transaction, Statement::choose(&self.world)).await?;
            }
            self.share(transaction, index);
            pause().await;
        }
        match self.world.one_in(20) {
            true => Err(Failure::GaveUp),
            false => Ok(()),
        }
    }

    /// As every statement of a writer does, or, now and then, in a mode that shuts others out.
    async fn lock_table(&self, transaction: &mut Transaction) -> Result<(), Failure> {
        let mode = match self.world.below(60) {
            0 => LockMode::AccessExclusive,
            1 => LockMode::Share,
            _ => LockMode::RowExclusive,
        };
        let lock = transaction.lock_name(TABLE, mode, WaitPolicy::Block);
        match self.world.one_in(10) {
            true => patiently(lock, self.world.below(40)).await.ok_or(Failure::TimedOut)??,
            false => lock.await?,
        };
        Ok(())
    }

    /// A statement or two behind a savepoint, to which the client returns if they fail, and
    /// sometimes if not.
    async fn in_savepoint(&self, transaction: &mut Transaction) -> Result<(), Failure> {
        let savepoint = transaction.savepoint();
        let mark = self.world.record().mark(self.session);
        let mut outcome = self.execute(transaction, Statement::choose(&self.world)).await;
        if outcome.is_ok() && self.world.one_in(2) {
            outcome = self.execute(transaction, Statement::choose(&self.world)).await;
        }
        let goes_back = match &outcome {
            Ok(()) => self.world.one_in(3),
            // After a conflict there is seldom much left to do, but it is allowed.
            Err(failure) => {
                failure.is_of_statement() || failure.is_conflict() && self.world.one_in(2)
            }
        };
        if goes_back {
            transaction.rollback_to(savepoint);
            self.world.record().take_back(self.session, mark);
            outcome = Ok(());
        }
        transaction.release_savepoint();
        outcome
    }

    /// Runs a statement, again for as long as READ COMMITTED meets newer versions.
    async fn execute(
        &self,
        transaction: &mut Transaction,
        statement: Statement,
    ) -> Result<(), Failure> {
        let access = statement.access();
        loop {
            self.note(&statement);
            transaction.begin_statement(access);
            let savepoint = transaction.savepoint();
            let outcome = statement.attempt(self, transaction).await;
            if matches!(outcome, Err(Failure::Restart)) {
                assert!(transaction.isolation() == Isolation::ReadCommitted, "only there");
                transaction.rollback_writes(savepoint);
                transaction.release_savepoint();
                continue;
            }
            transaction.release_savepoint();
            transaction.end_statement();
            self.world.record().did(self.session, outcome?);
            return Ok(());
        }
    }

    fn note(&self, statement: &Statement) {
        self.world.record().note(format_args!("session {}: {statement:?}", self.session));
    }
}
