//! Sequences: numbers that are handed out once, outside of transactions.
//!
//! Values are reserved in blocks. The reservation goes to the log before the commit of
//! any transaction that used one of them, because the log is written in order; so after a crash no
//! committed value comes again, and at most a block is skipped.

use std::collections::HashMap;
use std::sync::Arc;

use cairn_txn::TransactionManager;
use parking_lot::Mutex;

use super::Sequence;
use crate::error::{Error, Result, SqlState};

/// Values that one reservation covers, as PostgreSQL logs them.
const BLOCK: i64 = 32;
/// Row numbers are asked for by every insert, so their blocks are larger.
const ROW_NUMBER_BLOCK: i64 = 4096;

#[derive(Clone, Copy, Debug)]
struct State {
    /// The last value handed out, or the one before the first.
    last: i64,
    /// Whether `last` has been handed out.
    is_called: bool,
    /// Values up to here are reserved.
    reserved: i64,
}

/// All sequences of one server.
pub struct Sequences {
    manager: Arc<TransactionManager>,
    states: Mutex<HashMap<u32, State>>,
    /// By number of the session.
    sessions: Mutex<HashMap<i64, Used>>,
}

/// What a session got: `currval` of each sequence, and the sequence it last used.
type Used = (HashMap<u32, i64>, u32);

/// First byte of the keys of states.
pub const PREFIX: &[u8] = b"s";

fn key(id: u32) -> Vec<u8> {
    [PREFIX, &id.to_be_bytes()].concat()
}

impl Sequences {
    /// None handed out yet in this run.
    pub fn new(manager: Arc<TransactionManager>) -> Sequences {
        let (states, sessions) = Default::default();
        Sequences { manager, states, sessions }
    }

    fn stored(&self, id: u32) -> Result<Option<(i64, bool)>> {
        let view = self.manager.begin(cairn_txn::Isolation::ReadCommitted).latest();
        let Some(bytes) = view.get(&key(id))? else { return Ok(None) };
        let corrupted = || Error::new(SqlState::DataCorrupted, "unreadable sequence state");
        let (value, flag) = bytes.split_first_chunk::<8>().ok_or_else(corrupted)?;
        Ok(Some((i64::from_le_bytes(*value), flag == [1])))
    }

    fn store(&self, id: u32, value: i64, is_called: bool) {
        let mut bytes = value.to_le_bytes().to_vec();
        bytes.push(u8::from(is_called));
        self.manager.write_behind(key(id), bytes);
    }

    fn advance(&self, sequence: &Sequence, block: i64) -> Result<i64> {
        let mut states = self.states.lock();
        let mut state = match states.get(&sequence.id) {
            Some(state) => *state,
            None => match self.stored(sequence.id)? {
                Some((last, is_called)) => State { last, is_called, reserved: last },
                None => State { last: sequence.start, is_called: false, reserved: sequence.start },
            },
        };
        let next = if state.is_called {
            match state.last.checked_add(sequence.increment) {
                Some(next) if next > sequence.max || next < sequence.min => self.wrap(sequence)?,
                Some(next) => next,
                None => self.wrap(sequence)?,
            }
        } else {
            state.last
        };
        let beyond =
            if sequence.increment > 0 { next > state.reserved } else { next < state.reserved };
        let wrapped = state.is_called && (next > state.last) != (sequence.increment > 0);
        if beyond || wrapped || !state.is_called {
            let ahead = sequence.increment.saturating_mul(block - 1);
            state.reserved = next.saturating_add(ahead).clamp(sequence.min, sequence.max);
            self.store(sequence.id, state.reserved, true);
        }
        state.last = next;
        state.is_called = true;
        states.insert(sequence.id, state);
        Ok(next)
    }

    fn wrap(&self, sequence: &Sequence) -> Result<i64> {
        let up = sequence.increment > 0;
        if sequence.cycle {
            return Ok(if up { sequence.min } else { sequence.max });
        }
        let (which, bound) = if up { ("maximum", sequence.max) } else { ("minimum", sequence.min) };
        Err(Error::new(
            SqlState::SequenceGeneratorLimitExceeded,
            format!("nextval: reached {which} value of sequence \"{}\" ({bound})", sequence.name),
        ))
    }

    /// `nextval`.
    pub fn next(&self, sequence: &Sequence, session: i64) -> Result<i64> {
        let value = self.advance(sequence, BLOCK)?;
        let mut sessions = self.sessions.lock();
        let (values, last) = sessions.entry(session).or_default();
        values.insert(sequence.id, value);
        *last = sequence.id;
        Ok(value)
    }

    /// The next row number of a table without primary key.
    pub fn next_row_number(&self, table: u32) -> Result<i64> {
        let rows = Sequence {
            id: table,
            name: String::new(),
            start: 1,
            increment: 1,
            min: 1,
            max: i64::MAX,
            cycle: false,
            owner: None,
            column: None,
            comment: None,
        };
        self.advance(&rows, ROW_NUMBER_BLOCK)
    }

    /// The last value that was handed out, to whomever.
    pub fn last_value(&self, sequence: &Sequence) -> Result<Option<i64>> {
        if let Some(state) = self.states.lock().get(&sequence.id) {
            return Ok(state.is_called.then_some(state.last));
        }
        let stored = self.stored(sequence.id)?;
        Ok(stored.filter(|(_, is_called)| *is_called).map(|(last, _)| last))
    }

    /// `currval`.
    pub fn current(&self, sequence: &Sequence, session: i64) -> Result<i64> {
        let sessions = self.sessions.lock();
        let value = sessions.get(&session).and_then(|(values, _)| values.get(&sequence.id));
        value.copied().ok_or_else(|| {
            Error::new(
                SqlState::ObjectNotInPrerequisiteState,
                format!(
                    "currval of sequence \"{}\" is not yet defined in this session",
                    sequence.name
                ),
            )
        })
    }

    /// `lastval`.
    pub fn last(&self, session: i64) -> Result<i64> {
        let sessions = self.sessions.lock();
        let value = sessions.get(&session).and_then(|(values, last)| values.get(last));
        value.copied().ok_or_else(|| {
            Error::new(
                SqlState::ObjectNotInPrerequisiteState,
                "lastval is not yet defined in this session",
            )
        })
    }

    /// `setval`.
    pub fn set(
        &self,
        sequence: &Sequence,
        value: i64,
        is_called: bool,
        session: i64,
    ) -> Result<()> {
        if value < sequence.min || value > sequence.max {
            return Err(Error::new(
                SqlState::NumericValueOutOfRange,
                format!(
                    "setval: value {value} is out of bounds for sequence \"{}\" ({}..{})",
                    sequence.name, sequence.min, sequence.max
                ),
            ));
        }
        self.states.lock().insert(sequence.id, State { last: value, is_called, reserved: value });
        self.store(sequence.id, value, is_called);
        if is_called {
            let mut sessions = self.sessions.lock();
            let (values, last) = sessions.entry(session).or_default();
            values.insert(sequence.id, value);
            *last = sequence.id;
        }
        Ok(())
    }

    /// Lets a sequence that is new begin at `value`.
    pub fn start(&self, sequence: &Sequence, value: i64) -> Result<()> {
        let state = State { last: value, is_called: false, reserved: value };
        self.states.lock().insert(sequence.id, state);
        self.store(sequence.id, value, false);
        Ok(())
    }

    /// Forgets a session.
    pub fn forget_session(&self, session: i64) {
        self.sessions.lock().remove(&session);
    }

    /// Gives unused reservations back, at an orderly shutdown.
    pub fn settle(&self) {
        for (id, state) in self.states.lock().drain() {
            if state.is_called {
                self.store(id, state.last, true);
            }
        }
    }
}
