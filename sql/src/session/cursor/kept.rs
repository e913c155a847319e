//! Rows that a cursor has read and may have to give again: in memory up to a limit, then in a file.
//!
//! The limits are those of a session, for all of its cursors together, so that it takes no more however
//! many it opens. Rows in a file stand in blocks, of which one is in memory at a time; an index has
//! where each begins. The file has no name and is gone when the cursor is.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::codec::{RowReader, encode_datum};
use crate::error::{Error, Result, SqlState};
use crate::row::Row;
use crate::types::Datum;

/// Most bytes of rows that the cursors of a session have in memory.
const MEMORY_BYTES: u64 = 16 << 20;
/// Most bytes of rows that they have in files.
const FILE_BYTES: u64 = 4 << 30;
/// A block is written when it has as many bytes.
const BLOCK_BYTES: usize = 64 << 10;

/// What the cursors of a session have taken.
#[derive(Debug)]
pub struct Budget {
    memory: AtomicU64,
    file: AtomicU64,
    memory_limit: u64,
    file_limit: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Budget::new(MEMORY_BYTES, FILE_BYTES)
    }
}

impl Budget {
    /// With these limits, in bytes.
    pub fn new(memory_limit: u64, file_limit: u64) -> Budget {
        Budget { memory: AtomicU64::new(0), file: AtomicU64::new(0), memory_limit, file_limit }
    }

    /// Takes memory, if there is as much.
    fn take_memory(&self, bytes: u64) -> bool {
        take(&self.memory, bytes, self.memory_limit)
    }

    fn take_file(&self, bytes: u64) -> Result<()> {
        match take(&self.file, bytes, self.file_limit) {
            true => Ok(()),
            false => Err(Error::new(
                SqlState::ConfigurationLimitExceeded,
                format!(
                    "the rows kept by the cursors of this session exceed {} bytes",
                    self.file_limit
                ),
            )
            .hint("Close cursors, or declare them NO SCROLL and without WITH HOLD.")),
        }
    }
}

fn take(used: &AtomicU64, bytes: u64, limit: u64) -> bool {
    let add = |now: u64| now.checked_add(bytes).filter(|sum| *sum <= limit);
    used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
}

/// A block of rows in the file.
#[derive(Clone, Copy, Debug)]
struct Block {
    first_row: u64,
    offset: u64,
    bytes: usize,
}

/// Rows by their numbers, from 0 on.
#[derive(Debug)]
pub struct KeptRows {
    budget: Arc<Budget>,
    /// While they are few, all of them.
    rows: Vec<Row>,
    memory_bytes: u64,
    len: u64,
    file: Option<Spilled>,
}

#[derive(Debug)]
struct Spilled {
    file: File,
    bytes: u64,
    blocks: Vec<Block>,
    /// Rows that are no block yet, encoded, and the number of the first.
    tail: Vec<u8>,
    tail_first: u64,
    /// The rows of the block that was read last, and the number of the first.
    cached: (u64, Vec<Row>),
}

fn row_bytes(row: &[Datum]) -> u64 {
    let datum = |datum: &Datum| {
        let heap = match datum {
            Datum::Text(text) => text.len(),
            Datum::Bytes(bytes) => bytes.len(),
            _ => 0,
        };
        size_of::<Datum>() + heap
    };
    (size_of::<Row>() + row.iter().map(datum).sum::<usize>()) as u64
}

fn failed(error: &std::io::Error) -> Error {
    Error::new(SqlState::IoError, format!("could not keep the rows of a cursor: {error}"))
}

impl KeptRows {
    /// None yet.
    pub fn new(budget: Arc<Budget>) -> KeptRows {
        KeptRows { budget, rows: Vec::new(), memory_bytes: 0, len: 0, file: None }
    }

    /// Adds one behind the others.
    ///
    /// # Errors
    /// If the limits are reached, or the file cannot be written.
    pub fn push(&mut self, row: Row) -> Result<()> {
        if self.file.is_none() {
            let bytes = row_bytes(&row);
            if self.budget.take_memory(bytes) {
                self.memory_bytes += bytes;
                self.rows.push(row);
                self.len += 1;
                return Ok(());
            }
            self.spill()?;
        }
        let Some(file) = &mut self.file else { return Err(Error::internal("no file of rows")) };
        file.push(&row, self.len, &self.budget)?;
        self.len += 1;
        Ok(())
    }

    /// The row with this number.
    pub fn get(&mut self, number: u64) -> Result<Option<Row>> {
        match &mut self.file {
            None => Ok(usize::try_from(number).ok().and_then(|at| self.rows.get(at)).cloned()),
            Some(_) if number >= self.len => Ok(None),
            Some(file) => file.get(number).map(Some),
        }
    }

    /// Goes on in a file.
    fn spill(&mut self) -> Result<()> {
        let file = tempfile::tempfile().map_err(|error| failed(&error))?;
        let mut spilled = Spilled {
            file,
            bytes: 0,
            blocks: Vec::new(),
            tail: Vec::new(),
            tail_first: 0,
            cached: (0, Vec::new()),
        };
        for (number, row) in (0..).zip(std::mem::take(&mut self.rows)) {
            spilled.push(&row, number, &self.budget)?;
        }
        self.budget.memory.fetch_sub(std::mem::take(&mut self.memory_bytes), Ordering::Relaxed);
        self.file = Some(spilled);
        Ok(())
    }
}

impl Spilled {
    fn push(&mut self, row: &[Datum], number: u64, budget: &Budget) -> Result<()> {
        if self.tail.is_empty() {
            self.tail_first = number;
        }
        self.tail.extend((row.len() as u32).to_le_bytes());
        for datum in row {
            encode_datum(datum, &mut self.tail);
        }
        if self.tail.len() < BLOCK_BYTES {
            return Ok(());
        }
        let bytes = self.tail.len();
        budget.take_file(bytes as u64)?;
        let block = Block { first_row: self.tail_first, offset: self.bytes, bytes };
        self.bytes += bytes as u64;
        self.file.write_all_at(&self.tail, block.offset).map_err(|error| failed(&error))?;
        self.blocks.push(block);
        self.tail.clear();
        Ok(())
    }

    fn get(&mut self, number: u64) -> Result<Row> {
        let missing = || Error::internal("a kept row is missing");
        let in_cache = |(first, rows): &(u64, Vec<Row>)| {
            let at = usize::try_from(number.checked_sub(*first)?).ok()?;
            rows.get(at).cloned()
        };
        if let Some(row) = in_cache(&self.cached) {
            return Ok(row);
        }
        self.cached = if !self.tail.is_empty() && number >= self.tail_first {
            (self.tail_first, decode(&self.tail)?)
        } else {
            let behind = self.blocks.partition_point(|block| block.first_row <= number);
            let block = behind.checked_sub(1).and_then(|at| self.blocks.get(at));
            let block = *block.ok_or_else(missing)?;
            let mut bytes = vec![0; block.bytes];
            self.file.read_exact_at(&mut bytes, block.offset).map_err(|error| failed(&error))?;
            (block.first_row, decode(&bytes)?)
        };
        in_cache(&self.cached).ok_or_else(missing)
    }
}

fn decode(mut bytes: &[u8]) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    while let Some((width, rest)) = bytes.split_first_chunk::<4>() {
        let mut reader = RowReader::new(rest);
        let row = (0..u32::from_le_bytes(*width)).map(|_| reader.next_datum());
        rows.push(row.collect::<Result<Row>>()?);
        bytes = reader.rest();
    }
    Ok(rows)
}

impl Drop for KeptRows {
    fn drop(&mut self) {
        self.budget.memory.fetch_sub(self.memory_bytes, Ordering::Relaxed);
        let in_file = self.file.as_ref().map_or(0, |file| file.bytes);
        self.budget.file.fetch_sub(in_file, Ordering::Relaxed);
    }
}
