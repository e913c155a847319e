//! A differential fuzzer: random statements on cairn and on PostgreSQL, which are to say the same.
//!
//! A seed decides on [tables](schema), and on queries and changes of them that the [generator] makes from a
//! [grammar] of what cairn has. Rows are compared as text, errors by SQLSTATE. A statement that the servers differ on is
//! [made small](shrink), and told as a script that can be run by hand. Statements that cairn refuses with 0A000 are only
//! counted, so the grammar may be ahead of it.

mod compare;
mod forms;
mod generator;
mod grammar;
mod known;
mod schema;
mod shrink;
mod side;
mod tree;

use std::collections::BTreeMap;
use std::fmt;

use crate::simulator::random::Random;
use compare::{Verdict, compare};
use generator::Generator;
use schema::Schema;
use side::{Outcome, Side};
use tree::Node;

/// Statements on one schema.
const STATEMENTS_PER_SCHEMA: u64 = 40;

/// SQLSTATE of a statement that took longer than it may.
const TOO_LONG: &str = "57014";

/// Of a message.
const MOST_SHOWN_CHARACTERS: usize = 300;

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Config {
    /// Of the first schema; the next ones have the next seeds.
    pub seed: u64,
    /// How many statements.
    pub queries: u64,
    /// After so many differences it ends.
    pub most_differences: usize,
}

/// A statement that the servers differ on.
#[derive(Clone, Debug)]
pub struct Difference {
    /// Of its schema.
    pub seed: u64,
    /// How they differ.
    pub what: String,
    /// What to run.
    pub script: String,
    /// What PostgreSQL says to its last statement.
    pub expected: String,
    /// What cairn says.
    pub found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "-- FUZZ_SEED={} FUZZ_QUERIES={STATEMENTS_PER_SCHEMA}: {}",
            self.seed, self.what
        )?;
        writeln!(f, "{}", self.script)?;
        writeln!(f, "-- PostgreSQL: {}", self.expected)?;
        write!(f, "-- cairn:      {}", self.found)
    }
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Statements that ran.
    pub statements: u64,
    /// Of them, those that failed on both servers.
    pub failed: u64,
    /// What cairn refused, and how often.
    pub unsupported: BTreeMap<String, u64>,
    /// Differences with a known reason.
    pub explained: BTreeMap<&'static str, u64>,
    /// Each once.
    pub differences: Vec<Difference>,
}

/// A statement on tables.
#[derive(Clone, Debug)]
struct Case {
    setup: Vec<String>,
    statement: Node,
    /// The table that it changes.
    changes: Option<String>,
}

impl Case {
    /// What runs, the statement itself and, of one that changes something, what is there afterwards.
    fn steps(&self) -> Vec<String> {
        let statement = self.statement.sql();
        match &self.changes {
            None => vec![statement],
            Some(table) => {
                let see = format!("SELECT * FROM {table}");
                vec!["BEGIN".to_owned(), statement, see, "ROLLBACK".to_owned()]
            }
        }
    }

    fn script(&self) -> String {
        let statements: Vec<_> = self.setup.iter().cloned().chain(self.steps()).collect();
        statements
            .iter()
            .map(|statement| format!("{statement};\n"))
            .collect::<String>()
            .trim_end()
            .to_owned()
    }
}

/// Both of them.
struct Servers {
    oracle: Side,
    cairn: Side,
}

impl Servers {
    /// Makes the tables. False if one of the servers will not have them.
    async fn prepare(&mut self, setup: &[String]) -> bool {
        let mut script = vec![schema::clear()];
        script.extend_from_slice(setup);
        let script = script.join(";\n");
        let made = |outcome: &Outcome| matches!(outcome, Outcome::Rows(_));
        made(&self.oracle.run(&script).await) & made(&self.cairn.run(&script).await)
    }

    /// The outcomes of all steps that the verdict is about, and the verdict.
    async fn judge(&mut self, case: &Case) -> (Outcome, Outcome, Verdict) {
        let mut last = (Outcome::Rows(Vec::new()), Outcome::Rows(Vec::new()), Verdict::Same);
        for sql in case.steps() {
            let expected = self.oracle.run(&sql).await;
            if expected.code() == Some(TOO_LONG) {
                self.oracle.run("ROLLBACK").await;
                self.cairn.run("ROLLBACK").await;
                return (
                    expected.clone(),
                    expected,
                    Verdict::Explained("PostgreSQL takes too long itself"),
                );
            }
            let found = self.cairn.run(&sql).await;
            let verdict = compare(&case.statement, &sql, &expected, &found);
            if last.2 == Verdict::Same {
                last = (expected, found, verdict);
            }
        }
        last
    }

    async fn differs(&mut self, case: &Case) -> Option<String> {
        match self.judge(case).await.2 {
            Verdict::Differs(how) => Some(how),
            _ => None,
        }
    }
}

/// Runs statements on both servers until there are enough of them or of differences.
pub async fn run(config: &Config, oracle: &str, cairn: &str) -> Report {
    let mut servers = Servers { oracle: Side::new(oracle), cairn: Side::new(cairn) };
    let mut report = Report::default();
    let mut seed = config.seed;
    while report.statements < config.queries && report.differences.len() < config.most_differences {
        let mut random = Random::new(seed);
        let schema = Schema::generate(&mut random);
        assert!(
            servers.prepare(&schema.statements).await,
            "no tables:\n{}",
            schema.statements.join(";\n")
        );
        let mut generator = Generator::new(&mut random, &schema);
        for index in 0..STATEMENTS_PER_SCHEMA {
            let (statement, changes) = match index % 8 {
                7 => {
                    let (statement, table) = generator.change();
                    (statement, Some(table))
                }
                _ => (generator.query(), None),
            };
            let case = Case { setup: schema.statements.clone(), statement, changes };
            report.statements += 1;
            one(&mut servers, case, seed, &mut report).await;
        }
        seed += 1;
    }
    report
}

async fn one(servers: &mut Servers, case: Case, seed: u64, report: &mut Report) {
    let (expected, _, verdict) = servers.judge(&case).await;
    match verdict {
        Verdict::Same => report.failed += u64::from(expected.code().is_some()),
        Verdict::Unsupported(message) => *report.unsupported.entry(message).or_default() += 1,
        Verdict::Explained(reason) => *report.explained.entry(reason).or_default() += 1,
        Verdict::Differs(what) => {
            let setup = case.setup.clone();
            let small = shrink::shrink(servers, case, &what).await;
            let (expected, found, _) = servers.judge(&small).await;
            let difference = Difference {
                seed,
                what,
                script: small.script(),
                expected: shown(&expected),
                found: shown(&found),
            };
            let same =
                |other: &Difference| other.what == difference.what && other.what.contains('|');
            if !report.differences.iter().any(same) {
                report.differences.push(difference);
            }
            servers.prepare(&setup).await;
        }
    }
}

fn shown(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Rows(rows) => {
            let rows = rows.iter().take(5).map(|row| {
                let values: Vec<_> =
                    row.iter().map(|value| value.as_deref().unwrap_or("NULL")).collect();
                values.join(", ")
            });
            format!("({})", rows.collect::<Vec<_>>().join("), ("))
        }
        Outcome::Error(code, message) => {
            let message: String = message.chars().take(MOST_SHOWN_CHARACTERS).collect();
            format!("{code} {message}")
        }
        Outcome::Lost => "the connection is lost".to_owned(),
        Outcome::Hang => "no answer".to_owned(),
    }
}
