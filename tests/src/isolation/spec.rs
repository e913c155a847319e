//! The format of a spec.
//!
//! A file of lines. `#` begins a comment; an empty line ends a section. The sections:
//!
//! ```text
//! tables                      one statement a line, once, before everything
//! setup                       before each interleaving
//! final                       one query after each interleaving: what the sessions have left
//! teardown                    once, in the end (and before `tables`, where it may fail)
//! session NAME [read only | autocommit]
//! STEP: STATEMENT             a session's steps, in their order
//! anomaly NAME: CONDITION [and CONDITION ...]
//! expect LEVEL [on cairn]: none | NAME, NAME, ...
//! ```
//!
//! Each session is in a transaction at the level that is being tested before its first step, and ends
//! it with its last one; with `autocommit` each step is alone. A condition is `SESSION commits`, or about the answer to a
//! step or to the final query: `STEP shows ROW`, `STEP lacks ROW` (and did not fail), `STEP counts N` rows,
//! `STEP fails SQLSTATE`. A row's columns are joined with `|`. An anomaly with several lines is any of
//! them. `not serializable` is an anomaly of every spec.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::judge::UNSERIALIZABLE;
use super::{LEVELS, Level};

/// A spec as read.
#[derive(Debug)]
pub struct Spec {
    /// That of its file.
    pub name: String,
    /// Statements that make its tables.
    pub tables: Vec<String>,
    /// Statements before each interleaving.
    pub setup: Vec<String>,
    /// The query after each interleaving.
    pub last: String,
    /// Statements that drop its tables.
    pub teardown: Vec<String>,
    /// Who does what.
    pub sessions: Vec<Session>,
    /// What may go wrong.
    pub anomalies: Vec<Anomaly>,
    expected: BTreeMap<(Level, bool), BTreeSet<String>>,
}

/// One connection's part.
#[derive(Debug)]
pub struct Session {
    /// How conditions call it.
    pub name: String,
    /// What its steps are parts of.
    pub mode: Mode,
    /// One after the other.
    pub steps: Vec<Step>,
}

/// What a session's steps are parts of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A transaction.
    ReadWrite,
    /// A transaction that is declared READ ONLY.
    ReadOnly,
    /// Nothing.
    Autocommit,
}

/// A statement.
#[derive(Debug)]
pub struct Step {
    /// Unique in the spec.
    pub name: String,
    /// What is sent.
    pub sql: String,
}

/// A phenomenon and how to see it.
#[derive(Debug)]
pub struct Anomaly {
    /// What it is called.
    pub name: String,
    /// All of these hold.
    pub conditions: Vec<Condition>,
}

/// Something about an interleaving.
#[derive(Debug, PartialEq, Eq)]
pub enum Condition {
    /// A session's transaction has committed.
    Commits(usize),
    /// About the answer to the step of a session.
    Step(usize, usize, Claim),
    /// About the answer to the final query.
    Last(Claim),
}

/// Something about an answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Claim {
    /// It has this row.
    Shows(String),
    /// It is no error and has not this row.
    Lacks(String),
    /// That many rows came or were changed.
    Counts(u64),
    /// It is an error with this SQLSTATE.
    Fails(String),
}

impl Spec {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Spec, String> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
        Spec::parse(&name, &text).map_err(|error| format!("{name}.spec, {error}"))
    }

    /// Reads a spec's text. The error says in which line.
    pub fn parse(name: &str, text: &str) -> Result<Spec, String> {
        let mut spec = Spec {
            name: name.to_owned(),
            tables: Vec::new(),
            setup: Vec::new(),
            last: String::new(),
            teardown: Vec::new(),
            sessions: Vec::new(),
            anomalies: Vec::new(),
            expected: BTreeMap::new(),
        };
        let mut section = "";
        for (number, line) in (1..).zip(text.lines()) {
            spec.add(line, &mut section).map_err(|error| format!("line {number}: {error}"))?;
        }
        let is_missing = |level: &Level| !spec.expected.contains_key(&(*level, false));
        match LEVELS.into_iter().find(is_missing) {
            Some(level) => Err(format!("nothing is said about {level}")),
            None if spec.last.is_empty() => Err("there is no final query".into()),
            None => Ok(spec),
        }
    }

    fn add<'a>(&mut self, line: &'a str, section: &mut &'a str) -> Result<(), String> {
        if line.starts_with('#') {
            return Ok(());
        }
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        match (*section, first) {
            (_, "") => *section = "",
            ("tables", _) => self.tables.push(line.to_owned()),
            ("setup", _) => self.setup.push(line.to_owned()),
            ("final", _) => line.clone_into(&mut self.last),
            ("teardown", _) => self.teardown.push(line.to_owned()),
            ("session", _) => self.add_step(line)?,
            (_, "session") => {
                self.add_session(rest)?;
                *section = first;
            }
            (_, "anomaly") => self.add_anomaly(rest)?,
            (_, "expect") => self.add_expectation(rest)?,
            ("", "tables" | "setup" | "final" | "teardown") => *section = first,
            _ => return Err(format!("what is {line:?}?")),
        }
        Ok(())
    }

    fn add_session(&mut self, words: &str) -> Result<(), String> {
        let (name, mode) = words.split_once(' ').unwrap_or((words, ""));
        let mode = match mode {
            "" => Mode::ReadWrite,
            "read only" => Mode::ReadOnly,
            "autocommit" => Mode::Autocommit,
            _ => return Err(format!("no session is {mode:?}")),
        };
        self.sessions.push(Session { name: name.to_owned(), mode, steps: Vec::new() });
        Ok(())
    }

    fn add_step(&mut self, line: &str) -> Result<(), String> {
        let (name, sql) = line.split_once(": ").ok_or("a step is NAME: STATEMENT")?;
        if self.find_step(name).is_some() {
            return Err(format!("there are two steps {name}"));
        }
        let session = self.sessions.last_mut().ok_or("the step has no session")?;
        session.steps.push(Step { name: name.to_owned(), sql: sql.to_owned() });
        Ok(())
    }

    fn add_anomaly(&mut self, rest: &str) -> Result<(), String> {
        let (name, conditions) = rest.split_once(": ").ok_or("an anomaly is NAME: CONDITIONS")?;
        let conditions = conditions.split(" and ").map(|condition| self.condition(condition));
        let conditions = conditions.collect::<Result<_, _>>()?;
        self.anomalies.push(Anomaly { name: name.to_owned(), conditions });
        Ok(())
    }

    fn add_expectation(&mut self, rest: &str) -> Result<(), String> {
        let (level, names) = rest.split_once(": ").ok_or("an expectation is LEVEL: NAMES")?;
        let (level, on_cairn) = match level.strip_suffix(" on cairn") {
            Some(level) => (level, true),
            None => (level, false),
        };
        let level = LEVELS.into_iter().find(|known| known.to_string() == level);
        let level = level.ok_or("there is no such level")?;
        let names = names.split(", ").filter(|name| *name != "none");
        let names: BTreeSet<String> = names.map(str::to_owned).collect();
        let is_known = |name: &&String| {
            *name == UNSERIALIZABLE || self.anomalies.iter().any(|anomaly| anomaly.name == **name)
        };
        if let Some(name) = names.iter().find(|name| !is_known(name)) {
            return Err(format!("there is no anomaly {name:?}"));
        }
        match self.expected.insert((level, on_cairn), names) {
            Some(_) => Err(format!("two expectations of {level}")),
            None => Ok(()),
        }
    }

    fn condition(&self, text: &str) -> Result<Condition, String> {
        let mut words = text.splitn(3, ' ');
        let (subject, verb) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let object = words.next();
        if (verb, object) == ("commits", None) {
            let session = self.sessions.iter().position(|session| session.name == subject);
            return Ok(Condition::Commits(session.ok_or(format!("no session {subject}"))?));
        }
        let object = object.ok_or(format!("what is {text:?}?"))?;
        let claim = match verb {
            "shows" => Claim::Shows(object.to_owned()),
            "lacks" => Claim::Lacks(object.to_owned()),
            "counts" => Claim::Counts(object.parse().map_err(|_| format!("{object} rows?"))?),
            "fails" => Claim::Fails(object.to_owned()),
            _ => return Err(format!("what is {text:?}?")),
        };
        if subject == "final" {
            return Ok(Condition::Last(claim));
        }
        let (session, step) = self.find_step(subject).ok_or(format!("no step {subject}"))?;
        Ok(Condition::Step(session, step, claim))
    }

    /// The session and the place in it.
    fn find_step(&self, name: &str) -> Option<(usize, usize)> {
        self.sessions.iter().enumerate().find_map(|(index, session)| {
            Some((index, session.steps.iter().position(|step| step.name == name)?))
        })
    }

    /// How many steps each session has.
    pub fn step_counts(&self) -> Vec<usize> {
        self.sessions.iter().map(|session| session.steps.len()).collect()
    }

    /// The anomalies that are to be seen at a level, and no others are.
    pub fn expected(&self, level: Level, on_cairn: bool) -> &BTreeSet<String> {
        let special = self.expected.get(&(level, on_cairn));
        special.unwrap_or_else(|| &self.expected[&(level, false)])
    }
}
