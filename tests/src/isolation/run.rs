//! One interleaving: steps are begun in its order, and what they were answered is kept.
//!
//! After each step that is answered, everyone who waits is looked at again, until all have been answered or wait:
//! so it does not depend on time what an interleaving does. A step whose session still waits is put off
//! until that is over; the order that comes of it is kept as well. PostgreSQL alone decides after some time that it
//! has a deadlock.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::Level;
use super::server::{Answer, Server};
use super::spec::{Mode, Spec};

/// A step that is neither answered nor said to wait for so long is an error, and so is a step that waits
/// though all the others are done.
const HANG: Duration = Duration::from_secs(20);

/// What a step did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Its answer.
    pub answer: Answer,
    /// Whether it had to wait for another session.
    pub waited: bool,
}

/// What an interleaving did.
#[derive(Debug)]
pub struct Run {
    /// In which order the steps began.
    pub order: Vec<usize>,
    /// For each session and each of its steps.
    pub outcomes: Vec<Vec<Outcome>>,
    /// Which sessions took part and have committed.
    pub committed: Vec<usize>,
    /// The rows of the final query.
    pub last: Vec<String>,
}

/// A step that has begun.
struct Pending {
    answer: JoinHandle<Answer>,
    waited: bool,
}

struct Running<'a> {
    spec: &'a Spec,
    server: &'a Server,
    pending: Vec<Option<Pending>>,
    outcomes: Vec<Vec<Outcome>>,
    /// Whether what the session did so far has no effect.
    failed: Vec<bool>,
}

/// Runs the steps in `order`, which has all of a session's or none.
pub async fn run(
    spec: &Spec,
    server: &Server,
    level: Level,
    order: &[usize],
) -> Result<Run, String> {
    let what = |error| format!("{}, {level}, {order:?}: {error}", spec.name);
    for sql in &spec.setup {
        server.execute(sql).await.rows().map_err(|code| what(format!("{sql}: {code}")))?;
    }
    let sessions = (0..spec.sessions.len()).filter(|session| order.contains(session));
    let sessions: Vec<usize> = sessions.collect();
    for session in &sessions {
        let begin = match spec.sessions[*session].mode {
            Mode::ReadWrite => format!("BEGIN ISOLATION LEVEL {level}"),
            Mode::ReadOnly => format!("BEGIN ISOLATION LEVEL {level} READ ONLY"),
            Mode::Autocommit => continue,
        };
        let begun = server.execute_in(*session, &begin).await;
        begun.rows().map_err(|code| what(format!("{begin}: {code}")))?;
    }
    let mut running = Running {
        spec,
        server,
        pending: spec.sessions.iter().map(|_| None).collect(),
        outcomes: vec![Vec::new(); spec.sessions.len()],
        failed: vec![false; spec.sessions.len()],
    };
    let order = running.take_steps(order).await.map_err(what)?;
    let last = server.execute(&spec.last).await.rows().map_err(what)?;
    for session in &sessions {
        server.execute_in(*session, "ROLLBACK").await.rows().map_err(what)?;
    }
    let committed = sessions.into_iter().filter(|session| !running.failed[*session]).collect();
    Ok(Run { order, outcomes: running.outcomes, committed, last })
}

impl Running<'_> {
    /// The order that was possible.
    async fn take_steps(&mut self, order: &[usize]) -> Result<Vec<usize>, String> {
        let mut to_come: VecDeque<usize> = order.iter().copied().collect();
        let mut begun = Vec::with_capacity(order.len());
        while !to_come.is_empty() || self.pending.iter().any(Option::is_some) {
            let next = to_come.iter().position(|session| self.pending[*session].is_none());
            match next.and_then(|next| to_come.remove(next)) {
                Some(session) => {
                    begun.push(session);
                    self.begin(session);
                    if !self.settle(session).await? {
                        continue;
                    }
                }
                None => self.hear_of_anyone().await?,
            }
            self.settle_waiting().await?;
        }
        Ok(begun)
    }

    fn begin(&mut self, session: usize) {
        let step = &self.spec.sessions[session].steps[self.outcomes[session].len()];
        let answer = self.server.start(session, &step.sql);
        self.pending[session] = Some(Pending { answer, waited: false });
    }

    /// Whether the session's step has its answer, for which it is given `patience`.
    async fn hear(&mut self, session: usize, patience: Duration) -> bool {
        let Some(pending) = &mut self.pending[session] else { return true };
        let Ok(answer) = timeout(patience, &mut pending.answer).await else { return false };
        let waited = pending.waited;
        self.pending[session] = None;
        let answer = answer.expect("asking does not panic");
        let step = &self.spec.sessions[session].steps[self.outcomes[session].len()];
        match answer {
            Answer::Failed(_) => self.failed[session] = true,
            Answer::Done { .. } if step.sql.starts_with("ROLLBACK TO") => {
                self.failed[session] = false;
            }
            Answer::Done { .. } if step.sql == "ROLLBACK" => self.failed[session] = true,
            Answer::Done { .. } => {}
        }
        self.outcomes[session].push(Outcome { answer, waited });
        true
    }

    /// True when the session's step has its answer, false when it waits for another session.
    async fn settle(&mut self, session: usize) -> Result<bool, String> {
        let started = Instant::now();
        while !self.hear(session, self.server.patience()).await {
            if self.server.waits(session).await? {
                // It may have been answered before the server was asked.
                let heard = self.hear(session, Duration::ZERO).await;
                if let Some(pending) = &mut self.pending[session] {
                    pending.waited = true;
                }
                return Ok(heard);
            }
            if started.elapsed() > HANG {
                return Err(format!("{} neither answers nor waits", self.name(session)));
            }
        }
        Ok(true)
    }

    /// Looks at all who wait until nobody is answered any more.
    async fn settle_waiting(&mut self) -> Result<(), String> {
        let mut again = true;
        while again {
            again = false;
            for session in 0..self.pending.len() {
                if self.pending[session].is_some() && self.settle(session).await? {
                    again = true;
                }
            }
        }
        Ok(())
    }

    /// All who have steps left wait, for each other: one of them is to be told.
    async fn hear_of_anyone(&mut self) -> Result<(), String> {
        let started = Instant::now();
        while started.elapsed() < HANG {
            for session in 0..self.pending.len() {
                if self.pending[session].is_some()
                    && self.hear(session, Duration::from_millis(2)).await
                {
                    return Ok(());
                }
            }
        }
        let waiting = (0..self.pending.len()).filter(|session| self.pending[*session].is_some());
        let names: Vec<_> = waiting.map(|session| self.name(session)).collect();
        Err(format!("{} wait for ever", names.join(" and ")))
    }

    /// The step that a session is at.
    fn name(&self, session: usize) -> &str {
        &self.spec.sessions[session].steps[self.outcomes[session].len()].name
    }
}
