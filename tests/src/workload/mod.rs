//! Histories of real clients, on a server that is killed.
//!
//! Clients of tokio-postgres run random transactions in SQL against the `cairn` program: they append to
//! lists, overwrite, insert, delete and move rows, read by key, by range and through a secondary index,
//! lock rows, go back to savepoints. Now and then the server gets SIGKILL and starts again on the same
//! directory. What clients saw goes to the [checker](crate::history), round by round.
//!
//! Where the [simulator](crate::simulator) controls everything and knows the fate of all transactions, this
//! controls nothing and knows what clients know. A transaction whose connection broke may be
//! committed or not; one whose commit was acknowledged has to be there.
//!
//! * [`server`] is killed and comes back; `session` is a connection to it, with its statements.
//! * `keys` says what is in the tables, `statement` asks for it.
//! * `client` runs transactions and takes notes, `round` bounds how many are judged together.

mod client;
mod keys;
mod round;
pub mod server;
mod session;
mod statement;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use crate::history::{History, Level, Order, Outcome, Transaction, check};
pub use client::Counts;
use client::{Client, World};
use round::{Contents, GROUPS, Round};
use server::{Killer, Server};
use session::{Failure, Session};

/// How long, by how many, and at which level.
#[derive(Clone, Debug)]
pub struct Config {
    /// The level that all transactions ask for and are held to.
    pub level: Level,
    /// How long clients run.
    pub duration: Duration,
    /// The mean time between two kills.
    pub kill_every: Duration,
    /// Clients, each with one connection.
    pub clients: u64,
    /// Decides what clients ask for; what they get is up to the server.
    pub seed: u64,
}

/// What a run that went well was like.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// How transactions ended.
    pub counts: Counts,
    /// Histories that were judged.
    pub rounds: u64,
    /// Times that the server was killed.
    pub kills: u64,
    /// Whether some history shows what the next stronger level forbids: then the load would have shown it
    /// at that level, too. `None` at SERIALIZABLE.
    pub breaks_next_level: Option<bool>,
}

/// Between two lines about how far it is.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(10);

/// Runs clients and judges what they saw.
///
/// # Errors
///
/// If something happened that may not: says what.
pub fn run(config: &Config) -> Result<Report, String> {
    let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
    let server = Arc::new(Server::start(&dir.path().join("data")));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let mut series = Series::start(config, server.clone()).await?;
        let killer = Killer::start(server.clone(), config.kill_every, config.seed);
        let outcome = series.run().await;
        let blocking = tokio::task::spawn_blocking(move || killer.stop());
        blocking.await.map_err(|error| error.to_string())?;
        outcome?;
        series.finish().await
    })
}

fn next_level(level: Level) -> Option<Level> {
    match level {
        Level::ReadCommitted => Some(Level::SnapshotIsolation),
        Level::SnapshotIsolation => Some(Level::Serializable),
        Level::Serializable => None,
    }
}

/// Rounds, one after the other.
struct Series {
    config: Config,
    world: Arc<World>,
    started: Instant,
    clients: Vec<Client>,
    /// For what is done while no clients run.
    own: Option<Session>,
    next_group: u64,
    /// The digests of what rounds left behind. Nobody touches it any more.
    left: Vec<(Range<u64>, u64)>,
    /// The history that is being judged, if there is one.
    judging: Option<JoinHandle<Result<bool, String>>>,
    breaks_next_level: bool,
}

impl Series {
    async fn start(config: &Config, server: Arc<Server>) -> Result<Series, String> {
        // Sessions prepare statements that need the tables.
        let (client, connection) = tokio_postgres::connect(&server.url(), tokio_postgres::NoTls)
            .await
            .map_err(|error| error.to_string())?;
        tokio::spawn(connection);
        client.batch_execute(keys::SCHEMA).await.map_err(|error| error.to_string())?;
        let started = Instant::now();
        let world = Arc::new(World::new(server, config.level, started + config.duration));
        let seeds = (1..=config.clients)
            .map(|number| config.seed.wrapping_mul(1_000_003).wrapping_add(number));
        Ok(Series {
            config: config.clone(),
            clients: seeds.map(|seed| Client::new(world.clone(), seed)).collect(),
            world,
            started,
            own: None,
            next_group: 0,
            left: Vec::new(),
            judging: None,
            breaks_next_level: false,
        })
    }

    async fn run(&mut self) -> Result<(), String> {
        let mut said = self.started;
        while Instant::now() < self.world.until {
            self.round().await?;
            if said.elapsed() > PROGRESS_INTERVAL {
                said = Instant::now();
                self.say();
            }
        }
        self.await_verdict().await
    }

    async fn round(&mut self) -> Result<(), String> {
        let setup = self.fill().await?;
        let groups = self.next_group - GROUPS..self.next_group;
        let round = Arc::new(Round::new(groups.start));
        let running = self.clients.drain(..).map(|client| tokio::spawn(client.run(round.clone())));
        let running: Vec<_> = running.collect();
        let mut transactions = Vec::new();
        for task in running {
            let (client, done) = task.await.map_err(|error| error.to_string())??;
            self.clients.push(client);
            transactions.extend(done);
        }
        let final_read = self.read_all(&groups).await?;
        // The checker looks for cycles close to where a history goes on, so it should be in order. What
        // was taken back has no time.
        transactions.sort_by_key(|transaction| transaction.start);
        transactions.insert(0, setup);
        transactions.push(final_read);
        let last = transactions.len() - 1;
        let history = History {
            transactions,
            setup: Some(0),
            final_read: Some(last),
            order: Order::RealTime,
        };
        self.await_verdict().await?;
        let level = self.config.level;
        let next = next_level(level).filter(|_| !self.breaks_next_level);
        self.judging = Some(tokio::task::spawn_blocking(move || judge(history, level, next)));
        Ok(())
    }

    async fn await_verdict(&mut self) -> Result<(), String> {
        if let Some(judging) = self.judging.take() {
            self.breaks_next_level |= judging.await.map_err(|error| error.to_string())??;
        }
        Ok(())
    }

    async fn own(&mut self) -> Result<Session, Failure> {
        match self.own.take() {
            Some(session) => Ok(session),
            None => Session::connect(&self.world.server, self.config.level).await,
        }
    }

    /// The transaction before a round, on the next groups; on others if nobody knows what came of it.
    async fn fill(&mut self) -> Result<Transaction, String> {
        loop {
            let session = self.own().await.map_err(|why| format!("{why:?}"))?;
            let groups = self.next_group..self.next_group + GROUPS;
            self.next_group = groups.end;
            let start = self.world.tick();
            let world = self.world.clone();
            match round::fill(&session, self.config.level, &groups, || world.value()).await {
                Ok(operations) => {
                    self.own = Some(session);
                    return Ok(self.finished(operations, start));
                }
                Err(Failure::Lost) => {}
                Err(why) => return Err(format!("a round could not be prepared: {why:?}")),
            }
        }
    }

    async fn contents(&mut self, groups: &Range<u64>) -> Result<Contents, String> {
        loop {
            let session = self.own().await.map_err(|why| format!("{why:?}"))?;
            match round::read_all(&session, self.config.level, groups).await {
                Ok(contents) => {
                    self.own = Some(session);
                    return Ok(contents);
                }
                Err(Failure::Lost) => {}
                Err(why) => return Err(format!("groups {groups:?} could not be read: {why:?}")),
            }
        }
    }

    /// The transaction behind a round.
    async fn read_all(&mut self, groups: &Range<u64>) -> Result<Transaction, String> {
        let start = self.world.tick();
        let contents = self.contents(groups).await?;
        self.left.push((groups.clone(), contents.digest));
        Ok(self.finished(contents.operations, start))
    }

    fn finished(&self, operations: Vec<crate::history::Operation>, start: u64) -> Transaction {
        let mut transaction = Transaction::new(Outcome::Committed, operations);
        transaction.level = self.config.level;
        (transaction.start, transaction.end) = (Some(start), Some(self.world.tick()));
        transaction
    }

    /// Kills the server once more, and looks at what all rounds left behind.
    async fn finish(mut self) -> Result<Report, String> {
        let server = self.world.server.clone();
        let killed = tokio::task::spawn_blocking(move || server.kill()).await;
        killed.map_err(|error| error.to_string())?;
        self.own = None;
        for (groups, digest) in std::mem::take(&mut self.left) {
            if self.contents(&groups).await?.digest != digest {
                return Err(format!("groups {groups:?} changed behind their round"));
            }
            self.left.push((groups, digest));
        }
        self.say();
        let next = next_level(self.config.level);
        Ok(Report {
            counts: self.counts(),
            rounds: self.left.len() as u64,
            kills: self.world.server.kills(),
            breaks_next_level: next.map(|_| self.breaks_next_level),
        })
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.clients.iter().for_each(|client| counts.add(&client.counts));
        counts
    }

    fn say(&self) {
        let (counts, seconds) = (self.counts(), self.started.elapsed().as_secs_f64());
        eprintln!(
            "{}, {seconds:.0} s: {} transactions in {} rounds, {:.0} commits/s; 40001: {}, 40P01: {}, \
             23505: {}, given up: {}, cut off: {}, unknown: {}; savepoints returned to: {}; kills: {}",
            session::level_sql(self.config.level),
            counts.transactions(),
            self.left.len(),
            counts.committed as f64 / seconds,
            counts.serialization_failures,
            counts.deadlocks,
            counts.duplicates,
            counts.given_up,
            counts.cut_off,
            counts.unknown,
            counts.taken_back,
            self.world.server.kills(),
        );
    }
}

/// Fails if a history breaks its level; else says whether it breaks the next one.
fn judge(mut history: History, level: Level, next: Option<Level>) -> Result<bool, String> {
    let anomalies = check(&history, level);
    if !anomalies.is_empty() {
        let lines: Vec<String> = anomalies.iter().map(ToString::to_string).collect();
        return Err(format!("this is not {}:\n{}", session::level_sql(level), lines.join("\n")));
    }
    let Some(next) = next else { return Ok(false) };
    history.transactions.iter_mut().for_each(|transaction| transaction.level = next);
    Ok(!check(&history, next).is_empty())
}
