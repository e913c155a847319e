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
use super::names::RelationName;
use crate::error::{Error, Result, SqlState};
use crate::types::Type;

/// Values that one reservation covers, as PostgreSQL logs them.
const BLOCK: i64 = 32;
/// Row numbers are asked for by every insert, so their blocks are larger.
const ROW_NUMBER_BLOCK: i64 = 4096;

/// How far a sequence is.
#[derive(Clone, Copy, Debug)]
pub struct State {
    /// The last value handed out, or the first one to be.
    pub last: i64,
    /// Whether `last` has been handed out.
    pub is_called: bool,
    /// Values up to here are reserved.
    reserved: i64,
}

impl State {
    /// How many values are reserved, as `log_cnt` shows it.
    pub fn log_count(&self, sequence: &Sequence) -> i64 {
        let ahead = i128::from(self.reserved) - i128::from(self.last);
        let count = ahead / i128::from(sequence.increment.max(1).max(-sequence.increment));
        i64::try_from(count.abs()).unwrap_or(i64::MAX)
    }
}

/// All sequences of one server.
pub struct Sequences {
    manager: Arc<TransactionManager>,
    states: Mutex<HashMap<u32, State>>,
    /// By number of the session.
    sessions: Mutex<HashMap<i64, Used>>,
}

/// What a session got: `currval` of each sequence, and the sequence it last used.
type Used = (HashMap<u32, Taken>, u32);

/// The values of a sequence that a session has taken: the last one that it gave out, and the last
/// one that it has.
#[derive(Clone, Copy)]
struct Taken {
    value: i64,
    last: i64,
}

/// The value so many steps behind `first`, or the last one before the bounds.
fn last_of(first: i64, sequence: &Sequence, steps: i64) -> i64 {
    let (first, step) = (i128::from(first), i128::from(sequence.increment));
    let bound = i128::from(if step > 0 { sequence.max } else { sequence.min });
    let room = if step == 0 { 0 } else { (bound - first) / step };
    let last = first + step * i128::from(steps).min(room).max(0);
    i64::try_from(last).unwrap_or(sequence.start)
}

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

    /// How far a sequence is.
    pub fn state(&self, sequence: &Sequence) -> Result<State> {
        self.known(&self.states.lock(), sequence)
    }

    fn known(&self, states: &HashMap<u32, State>, sequence: &Sequence) -> Result<State> {
        Ok(match states.get(&sequence.state()) {
            Some(state) => *state,
            None => match self.stored(sequence.state())? {
                Some((last, is_called)) => State { last, is_called, reserved: last },
                None => State { last: sequence.start, is_called: false, reserved: sequence.start },
            },
        })
    }

    /// The next value, and the last of those that are handed out with it.
    fn advance(&self, sequence: &Sequence, block: i64) -> Result<(i64, i64)> {
        let mut states = self.states.lock();
        let mut state = self.known(&states, sequence)?;
        let next = if state.is_called {
            match state.last.checked_add(sequence.increment) {
                Some(next) if next > sequence.max || next < sequence.min => self.wrap(sequence)?,
                Some(next) => next,
                None => self.wrap(sequence)?,
            }
        } else {
            state.last
        };
        let end = last_of(next, sequence, sequence.cache - 1);
        let up = sequence.increment > 0;
        let beyond = if up { end > state.reserved } else { end < state.reserved };
        let wrapped = state.is_called && (next > state.last) != up;
        if beyond || wrapped || !state.is_called {
            state.reserved = last_of(end, sequence, block);
            self.store(sequence.state(), state.reserved, true);
        }
        state.last = end;
        state.is_called = true;
        states.insert(sequence.state(), state);
        Ok((next, end))
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
        let mut sessions = self.sessions.lock();
        let (values, last_used) = sessions.entry(session).or_default();
        let taken = match values.get(&sequence.id) {
            Some(taken) if taken.value != taken.last => {
                Taken { value: taken.value.saturating_add(sequence.increment), ..*taken }
            }
            _ => {
                let (value, last) = self.advance(sequence, BLOCK)?;
                Taken { value, last }
            }
        };
        values.insert(sequence.id, taken);
        *last_used = sequence.id;
        Ok(taken.value)
    }

    /// Lets a session give up the values of a sequence that it has taken ahead.
    pub fn discard_taken(&self, sequence: u32, session: i64) {
        let mut sessions = self.sessions.lock();
        let taken = sessions.get_mut(&session).and_then(|(values, _)| values.get_mut(&sequence));
        if let Some(taken) = taken {
            taken.last = taken.value;
        }
    }

    /// The next row number of a table without primary key.
    pub fn next_row_number(&self, table: u32) -> Result<i64> {
        let rows = Sequence::new(table, RelationName::default(), Type::Int8);
        self.advance(&rows, ROW_NUMBER_BLOCK).map(|(number, _)| number)
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
        value.map(|taken| taken.value).ok_or_else(|| {
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
        value.map(|taken| taken.value).ok_or_else(|| {
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
        self.states
            .lock()
            .insert(sequence.state(), State { last: value, is_called, reserved: value });
        self.store(sequence.state(), value, is_called);
        if is_called {
            let mut sessions = self.sessions.lock();
            let (values, last) = sessions.entry(session).or_default();
            values.insert(sequence.id, Taken { value, last: value });
            *last = sequence.id;
        } else {
            self.discard_taken(sequence.id, session);
        }
        Ok(())
    }

    /// Lets a sequence that is new begin at `value`.
    pub fn start(&self, sequence: &Sequence, value: i64) -> Result<()> {
        let state = State { last: value, is_called: false, reserved: value };
        self.states.lock().insert(sequence.state(), state);
        self.store(sequence.state(), value, false);
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
