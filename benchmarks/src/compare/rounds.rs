//! The order of things: workloads that belong together are prepared on all their servers, and then
//! they take turns.
//!
//! Turns, because the machine's own speed changes within minutes: what one round of the two saw is
//! as alike as it can be. Before each turn both servers come to rest, so that neither pays for what
//! the other put off (compactions, checkpoints, dirty pages), within limits: a server that never
//! rests is measured all the same.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::Compare;
use super::data::{self, Data};
use super::machine::Machine;
use super::report::{Report, Round, Side};
use super::servers::{Kind, Server};
use super::usage::{self, Usage};
use super::workloads::Workload;
use crate::tpcc::{Result, describe};

/// A run before those that count.
const WARM_UP_S: u64 = 2;
/// How long servers are given to come to rest.
const REST_TIMEOUT: Duration = Duration::from_secs(10);
/// How long they are watched at a time, and how much they may do meanwhile and count as at rest.
const REST_STEP: Duration = Duration::from_millis(250);
const REST_CPU_S: f64 = 0.03;

/// A server and what is on it.
struct Subject {
    server: Server,
    loaded: Option<Data>,
}

/// A workload, and its turns: places and kinds of servers, and what they did.
struct Turns<'w> {
    workload: &'w Workload,
    sides: Vec<(usize, Kind, Side)>,
}

/// The servers, and what they did so far.
pub struct Bench<'a> {
    options: &'a Compare,
    subjects: Vec<Subject>,
    report: Report,
    bar: ProgressBar,
}

impl<'a> Bench<'a> {
    /// Starts the servers that the workloads want.
    pub fn start(options: &'a Compare, workloads: &[Workload]) -> Result<Bench<'a>> {
        let report = Report::new(options, Machine::read(options)?);
        let mut servers = Vec::new();
        if workloads.iter().any(|workload| !workload.floor) {
            servers.push(Server::postgres(options)?);
            servers.push(Server::cairn(options)?);
        }
        if workloads.iter().any(|workload| workload.floor) {
            servers.push(Server::floor(options)?);
        }
        let subjects = servers.into_iter().map(|server| Subject { server, loaded: None });
        let turns = workloads.iter().map(|workload| if workload.floor { 1 } else { 2 });
        let bar = ProgressBar::new(turns.sum::<u64>() * u64::from(options.rounds));
        bar.set_style(ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {msg}")?);
        bar.enable_steady_tick(Duration::from_secs(1));
        Ok(Bench { options, subjects: subjects.collect(), report, bar })
    }

    /// What is known so far.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Ends the servers.
    pub fn finish(self) -> Report {
        self.bar.finish_and_clear();
        for subject in &self.subjects {
            if self.options.keep {
                let dir = subject.server.dir().display();
                println!("{} kept in {dir}", subject.server.kind.name());
            }
        }
        self.report
    }

    /// A line that stays, on a terminal or not.
    fn say(&self, line: &str) {
        match self.bar.is_hidden() {
            true => eprintln!("{line}"),
            false => self.bar.println(line),
        }
    }

    /// Runs workloads of one family on all their servers. What goes wrong is part of the report.
    pub async fn run(&mut self, family: &[Workload]) {
        let mut all: Vec<Turns<'_>> = family.iter().map(|workload| self.turns(workload)).collect();
        for Turns { workload, sides } in &mut all {
            for (at, kind, side) in sides {
                self.bar.set_message(format!("{}: preparing {}", workload.name, kind.name()));
                if let Err(error) = self.prepare(*at, workload).await {
                    side.end(&error);
                    self.say(&format!("{} {}: {}", workload.name, kind.name(), describe(&error)));
                }
            }
        }
        for number in 1..=self.options.rounds {
            for Turns { workload, sides } in &mut all {
                for (at, kind, side) in sides {
                    if side.is_open() {
                        self.turn(workload, number, *at, *kind, side).await;
                    }
                    self.bar.inc(1);
                }
            }
        }
        for Turns { workload, sides } in all {
            self.report.add(workload, sides.into_iter().map(|(_, _, side)| side));
        }
    }

    fn turns<'w>(&self, workload: &'w Workload) -> Turns<'w> {
        let kinds = self.subjects.iter().map(|subject| subject.server.kind).enumerate();
        let sides = kinds
            .filter(|(_, kind)| (*kind == Kind::Floor) == workload.floor)
            .map(|(at, kind)| (at, kind, Side::default()))
            .collect();
        Turns { workload, sides }
    }

    /// Measures once, and says so.
    async fn turn(&self, workload: &Workload, number: u32, at: usize, kind: Kind, side: &mut Side) {
        self.bar.set_message(format!("{} {number}: {}", workload.name, kind.name()));
        let duration_s = self.options.duration_s;
        let shown = match self.measure(at, workload, duration_s, u64::from(number)).await {
            Ok(round) => {
                let shown = round.summary(workload.unit);
                side.add(round);
                shown
            }
            Err(error) => {
                side.end(&error);
                describe(&error)
            }
        };
        self.say(&format!("{} {number} {}: {shown}", workload.name, kind.name()));
    }

    fn subject(&mut self, at: usize) -> Result<&mut Subject> {
        self.subjects.get_mut(at).ok_or_else(|| "no such server".into())
    }

    async fn prepare(&mut self, at: usize, workload: &Workload) -> Result<()> {
        let options = self.options;
        let subject = self.subject(at)?;
        workload.probe(&subject.server).await?;
        if subject.loaded != Some(workload.data) {
            subject.loaded = None;
            data::load(workload.data, &subject.server, options).await?;
            subject.loaded = Some(workload.data);
        }
        data::tidy(&subject.server).await?;
        if workload.warms_up() {
            self.measure(at, workload, WARM_UP_S, 0).await?;
        }
        Ok(())
    }

    async fn measure(
        &self,
        at: usize,
        workload: &Workload,
        duration_s: u64,
        seed: u64,
    ) -> Result<Round> {
        let subject = self.subjects.get(at).ok_or("no such server")?;
        let server = &subject.server;
        workload.reset(server).await?;
        self.rest().await?;
        let gone = || format!("{} is gone", server.kind.name());
        let before = Usage::now(server.pid).ok_or_else(gone)?;
        let timed = workload.run(server, self.options, duration_s, seed).await?;
        let after = Usage::now(server.pid).ok_or_else(gone)?;
        Ok(Round::new(&timed, &after.since(&before)))
    }

    /// Waits until what was put off is done, or for as long as is reasonable.
    async fn rest(&self) -> Result<()> {
        let sync = || std::process::Command::new("sync").status();
        let status = tokio::task::spawn_blocking(sync).await??;
        if !status.success() {
            return Err("could not write dirty pages: sync failed".into());
        }
        let started = Instant::now();
        while started.elapsed() < REST_TIMEOUT {
            let before = self.cpu_s();
            tokio::time::sleep(REST_STEP).await;
            if self.cpu_s() - before < REST_CPU_S {
                break;
            }
        }
        Ok(())
    }

    /// Processor time of all servers; one that is gone uses none.
    fn cpu_s(&self) -> f64 {
        self.subjects.iter().filter_map(|subject| usage::cpu_s(subject.server.pid)).sum()
    }
}
