//! Runs: sorted parts of a transaction's writes that memory has no room for.
//!
//! A run is written once and read until its transaction ends. It is cut into blocks; memory keeps
//! the first key of each, and a filter that tells most keys which are not in it, so that a look at
//! a run costs one block or nothing. Every block has a checksum: what a disk damaged is an error,
//! not a row. [`Merge`] reads several layers of writes as one.
//!
//! Runs are files in a directory of their own, removed when they are dropped and, if the process
//! ended before that, at the next start. A store without a directory has them in memory.

use std::cmp::Ordering;
use std::collections::binary_heap::PeekMut;
use std::collections::{BinaryHeap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering as Memory};

use cairn_storage::{Direction, Span};

use crate::Result;
use crate::buffer::Pending;

/// A key and what is to become of it.
pub type Entry = (Vec<u8>, Pending);

/// Payload of a block, in bytes; more if a single record is larger.
const BLOCK_BYTES: usize = 16 << 10;
/// Before each payload: its length (u32) and its checksum (u64), little-endian.
const HEADER_BYTES: usize = 12;
/// Before each key: the flags, and the lengths of key and value (u32), little-endian.
const EXISTED: u8 = 1;
const HAS_VALUE: u8 = 2;
/// Written at a time.
const WRITE_BYTES: usize = 1 << 20;

/// Bits of a filter for each key, and how many of them a key sets: one in a hundred keys that are
/// not there is looked for in vain.
const FILTER_BITS: usize = 10;
const FILTER_PROBES: u64 = 6;

/// A hash of bytes, for checksums and filters; the same on every machine and in every run.
fn hash(bytes: &[u8]) -> u64 {
    let mix = |hash: u64, word: [u8; 8]| {
        (hash ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
    };
    let (words, rest) = bytes.as_chunks::<8>();
    let mut hash = words.iter().fold(bytes.len() as u64, |hash, word| mix(hash, *word));
    let mut last = [0; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    hash = mix(hash, last);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// A Bloom filter. An empty one holds everything.
#[derive(Debug, Default)]
struct Filter {
    words: Vec<u64>,
}

impl Filter {
    fn for_keys(count: usize) -> Filter {
        Filter { words: vec![0; (count * FILTER_BITS).div_ceil(64).max(1)] }
    }

    fn places(&self, key: &[u8]) -> impl Iterator<Item = (usize, u64)> + use<> {
        let bits = self.words.len() as u64 * 64;
        let first = hash(key);
        let step = first.rotate_left(32) | 1;
        (0..FILTER_PROBES).map(move |probe| {
            let place = first.wrapping_add(probe.wrapping_mul(step)) % bits.max(1);
            ((place / 64) as usize, 1 << (place % 64))
        })
    }

    fn add(&mut self, key: &[u8]) {
        for (word, bit) in self.places(key) {
            if let Some(word) = self.words.get_mut(word) {
                *word |= bit;
            }
        }
    }

    fn may_hold(&self, key: &[u8]) -> bool {
        self.places(key).all(|(word, bit)| self.words.get(word).is_none_or(|word| word & bit != 0))
    }
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> crate::Error {
    let path = path.to_path_buf();
    move |error| {
        let message = error.to_string();
        cairn_storage::Error::Io { action, path, message }.into()
    }
}

#[derive(Debug)]
enum Data {
    Memory(Vec<u8>),
    File {
        file: File,
        path: PathBuf,
        /// Whether it outlives this value.
        kept: AtomicBool,
    },
}

/// Where a block is, and its first key.
#[derive(Debug)]
struct Block {
    first: Vec<u8>,
    offset: u64,
    payload_bytes: u32,
}

/// Writes of a transaction, sorted by key without repetition.
#[derive(Debug)]
pub struct Run {
    data: Data,
    bytes: u64,
    blocks: Vec<Block>,
    last: Vec<u8>,
    filter: Filter,
}

/// A record of a payload: key, value, and whether the key was live before the transaction.
pub(crate) type Record<'a> = (&'a [u8], Option<&'a [u8]>, bool);

pub(crate) fn put_record(payload: &mut Vec<u8>, (key, value, existed): Record<'_>) {
    let flags = if existed { EXISTED } else { 0 };
    payload.push(flags | if value.is_some() { HAS_VALUE } else { 0 });
    for part in [key, value.unwrap_or_default()] {
        payload.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
    }
    payload.extend(key);
    payload.extend(value.unwrap_or_default());
}

/// Takes the first record off a payload; `None` if there is none in it.
pub(crate) fn take_record<'a>(rest: &mut &'a [u8]) -> Option<Record<'a>> {
    let (flags, tail) = rest.split_first()?;
    let (key_bytes, tail) = tail.split_first_chunk::<4>()?;
    let (value_bytes, tail) = tail.split_first_chunk::<4>()?;
    let (key, tail) = tail.split_at_checked(u32::from_le_bytes(*key_bytes) as usize)?;
    let (value, tail) = tail.split_at_checked(u32::from_le_bytes(*value_bytes) as usize)?;
    *rest = tail;
    Some((key, (flags & HAS_VALUE != 0).then_some(value), flags & EXISTED != 0))
}

/// The payload of a block with its header, if that is right.
fn payload_of(block: &[u8]) -> Option<&[u8]> {
    let (bytes, rest) = block.split_first_chunk::<4>()?;
    let (checksum, payload) = rest.split_first_chunk::<8>()?;
    let whole = u32::from_le_bytes(*bytes) as usize == payload.len();
    (whole && u64::from_le_bytes(*checksum) == hash(payload)).then_some(payload)
}

impl Run {
    /// Size in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Name of its file, unless it is in memory.
    pub fn name(&self) -> Option<&str> {
        match &self.data {
            Data::Memory(_) => None,
            Data::File { path, .. } => path.file_name().and_then(|name| name.to_str()),
        }
    }

    /// Says whether its file is to stay when this value is dropped.
    pub fn keep(&self, keep: bool) {
        if let Data::File { kept, .. } = &self.data {
            kept.store(keep, Memory::Relaxed);
        }
    }

    /// Whether `key` may be in it; false is certain.
    pub fn may_hold(&self, key: &[u8]) -> bool {
        let starts = self.blocks.first().is_some_and(|block| block.first.as_slice() <= key);
        starts && key <= self.last.as_slice() && self.filter.may_hold(key)
    }

    /// The write of `key`, if it is in here.
    pub fn get(&self, key: &[u8]) -> Result<Option<Pending>> {
        if !self.may_hold(key) {
            return Ok(None);
        }
        let behind = self.blocks.partition_point(|block| block.first.as_slice() <= key);
        let Some(block) = behind.checked_sub(1).and_then(|index| self.blocks.get(index)) else {
            return Ok(None);
        };
        let bytes = self.read(block)?;
        let mut rest = payload_of(&bytes).ok_or_else(|| self.damaged())?;
        while !rest.is_empty() {
            let (found, value, existed) = take_record(&mut rest).ok_or_else(|| self.damaged())?;
            match found.cmp(key) {
                Ordering::Less => {}
                Ordering::Equal => {
                    return Ok(Some(Pending { value: value.map(<[u8]>::to_vec), existed }));
                }
                Ordering::Greater => break,
            }
        }
        Ok(None)
    }

    /// The writes of the keys in `span`.
    pub fn cursor(self: &Arc<Self>, span: &Span, direction: Direction) -> Cursor {
        let blocks = &self.blocks;
        let next_block = match direction {
            Direction::Forward => {
                let behind = blocks.partition_point(|block| block.first <= span.start);
                (self.last >= span.start).then_some(behind.saturating_sub(1))
            }
            Direction::Reverse if span.end.is_empty() => blocks.len().checked_sub(1),
            Direction::Reverse => {
                blocks.partition_point(|block| block.first < span.end).checked_sub(1)
            }
        };
        let (run, span) = (self.clone(), span.clone());
        Cursor { run, span, direction, next_block, entries: VecDeque::new() }
    }

    /// A block with its header.
    fn read(&self, block: &Block) -> Result<Vec<u8>> {
        let length = HEADER_BYTES + block.payload_bytes as usize;
        match &self.data {
            Data::Memory(bytes) => {
                let start = usize::try_from(block.offset).unwrap_or(usize::MAX);
                let block = start.checked_add(length).and_then(|end| bytes.get(start..end));
                Ok(block.ok_or_else(|| self.damaged())?.to_vec())
            }
            Data::File { file, path, .. } => {
                let mut bytes = vec![0; length];
                file.read_exact_at(&mut bytes, block.offset).map_err(io("read", path))?;
                Ok(bytes)
            }
        }
    }

    fn damaged(&self) -> crate::Error {
        let name = self.name().unwrap_or("in memory");
        cairn_storage::Error::Corrupted(format!("run {name} is damaged")).into()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Data::File { path, kept, .. } = &self.data
            && !kept.load(Memory::Relaxed)
            && let Err(error) = std::fs::remove_file(path)
        {
            tracing::warn!(%error, path = %path.display(), "could not remove a temporary file");
        }
    }
}

/// The writes of a run, from a block at a time.
pub struct Cursor {
    run: Arc<Run>,
    span: Span,
    direction: Direction,
    next_block: Option<usize>,
    entries: VecDeque<Entry>,
}

impl Cursor {
    fn advance(&mut self) -> Result<Option<Entry>> {
        loop {
            let entry = match self.direction {
                Direction::Forward => self.entries.pop_front(),
                Direction::Reverse => self.entries.pop_back(),
            };
            if entry.is_some() {
                return Ok(entry);
            }
            // After an error there is nothing more.
            let Some(index) = self.next_block.take() else { return Ok(None) };
            let Some(block) = self.run.blocks.get(index) else { return Ok(None) };
            let bytes = self.run.read(block)?;
            let mut rest = payload_of(&bytes).ok_or_else(|| self.run.damaged())?;
            while !rest.is_empty() {
                let record = take_record(&mut rest).ok_or_else(|| self.run.damaged())?;
                let (key, value, existed) = record;
                if self.span.contains(key) {
                    let value = value.map(<[u8]>::to_vec);
                    self.entries.push_back((key.to_vec(), Pending { value, existed }));
                }
            }
            self.next_block = match self.direction {
                Direction::Forward => {
                    let next = self.run.blocks.get(index + 1);
                    let inside =
                        |block: &&Block| self.span.end.is_empty() || block.first < self.span.end;
                    next.filter(inside).map(|_| index + 1)
                }
                Direction::Reverse if block.first <= self.span.start => None,
                Direction::Reverse => index.checked_sub(1),
            };
        }
    }
}

impl Iterator for Cursor {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Result<Entry>> {
        self.advance().transpose()
    }
}

/// The next write of a layer. The one that comes first is the greatest.
struct Head {
    key: Vec<u8>,
    pending: Pending,
    layer: usize,
    direction: Direction,
}

impl Ord for Head {
    fn cmp(&self, other: &Head) -> Ordering {
        let by_key = match self.direction {
            Direction::Forward => other.key.cmp(&self.key),
            Direction::Reverse => self.key.cmp(&other.key),
        };
        by_key.then(self.layer.cmp(&other.layer))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Head) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Head) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head {}

/// One layer of writes in key order.
pub type Layer<'a> = Box<dyn Iterator<Item = Result<Entry>> + 'a>;

/// Layers of one transaction's writes as one. Of a key in several, the newest layer has the value,
/// and the oldest knows whether the key existed before the transaction.
pub struct Merge<'a> {
    layers: Vec<Layer<'a>>,
    heads: BinaryHeap<Head>,
}

impl<'a> Merge<'a> {
    /// Merges `layers`, the oldest first, each in order of `direction`.
    pub fn new(mut layers: Vec<Layer<'a>>, direction: Direction) -> Result<Merge<'a>> {
        let mut heads = BinaryHeap::with_capacity(layers.len());
        for (layer, entries) in layers.iter_mut().enumerate() {
            if let Some((key, pending)) = entries.next().transpose()? {
                heads.push(Head { key, pending, layer, direction });
            }
        }
        Ok(Merge { layers, heads })
    }

    /// Merges whole runs, the oldest first.
    pub fn of_runs(runs: &'a [Arc<Run>]) -> Result<Merge<'a>> {
        let direction = Direction::Forward;
        let layer =
            |run: &'a Arc<Run>| -> Layer<'a> { Box::new(run.cursor(&Span::default(), direction)) };
        Merge::new(runs.iter().map(layer).collect(), direction)
    }

    fn take(&mut self) -> Result<Option<Entry>> {
        let Some(mut top) = self.heads.peek_mut() else { return Ok(None) };
        let next = self.layers.get_mut(top.layer).and_then(Iterator::next).transpose()?;
        Ok(Some(match next {
            Some((key, pending)) => {
                (std::mem::replace(&mut top.key, key), std::mem::replace(&mut top.pending, pending))
            }
            None => {
                let head = PeekMut::pop(top);
                (head.key, head.pending)
            }
        }))
    }

    fn advance(&mut self) -> Result<Option<Entry>> {
        let Some((key, mut pending)) = self.take()? else { return Ok(None) };
        while self.heads.peek().is_some_and(|head| head.key == key) {
            if let Some((_, older)) = self.take()? {
                pending.existed = older.existed;
            }
        }
        Ok(Some((key, pending)))
    }
}

impl Iterator for Merge<'_> {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Result<Entry>> {
        self.advance().transpose()
    }
}

/// Where the bytes of a new run go.
enum Sink {
    Memory(Vec<u8>),
    File(BufWriter<File>, PathBuf),
}

/// A run that is being written.
struct Draft {
    sink: Sink,
    bytes: u64,
    blocks: Vec<Block>,
    filter: Filter,
    payload: Vec<u8>,
    first: Option<Vec<u8>>,
    last: Vec<u8>,
}

impl Draft {
    fn new(sink: Sink, count: usize) -> Draft {
        Draft {
            sink,
            bytes: 0,
            blocks: Vec::new(),
            filter: Filter::for_keys(count),
            payload: Vec::new(),
            first: None,
            last: Vec::new(),
        }
    }

    fn put(&mut self, record: Record<'_>) -> Result<()> {
        let (key, _, _) = record;
        debug_assert!(self.bytes == 0 && self.first.is_none() || self.last.as_slice() < key);
        if self.first.is_none() {
            self.first = Some(key.to_vec());
        }
        self.filter.add(key);
        put_record(&mut self.payload, record);
        self.last.clear();
        self.last.extend(key);
        match self.payload.len() >= BLOCK_BYTES {
            true => self.end_block(),
            false => Ok(()),
        }
    }

    fn end_block(&mut self) -> Result<()> {
        let Some(first) = self.first.take() else { return Ok(()) };
        let payload_bytes = u32::try_from(self.payload.len()).map_err(|_| {
            cairn_storage::Error::Engine("a write is too large for a temporary file".into())
        })?;
        let length = payload_bytes.to_le_bytes();
        let checksum = hash(&self.payload).to_le_bytes();
        for part in [&length[..], &checksum[..], self.payload.as_slice()] {
            match &mut self.sink {
                Sink::Memory(bytes) => bytes.extend(part),
                Sink::File(file, path) => file.write_all(part).map_err(io("write", path))?,
            }
        }
        self.blocks.push(Block { first, offset: self.bytes, payload_bytes });
        self.bytes += (HEADER_BYTES + self.payload.len()) as u64;
        self.payload.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<Run> {
        self.end_block()?;
        let data = match self.sink {
            Sink::Memory(bytes) => Data::Memory(bytes),
            Sink::File(file, path) => {
                let file = file.into_inner().map_err(|error| io("write", &path)(error.into()))?;
                Data::File { file, path, kept: AtomicBool::new(false) }
            }
        };
        let Draft { bytes, blocks, filter, last, .. } = self;
        Ok(Run { data, bytes, blocks, last, filter })
    }
}

/// Where runs are made.
pub struct SpillArea {
    /// `None`: in memory.
    dir: Option<PathBuf>,
    next: AtomicU64,
}

impl SpillArea {
    /// Runs in `dir`, which is made if need be, or in memory. What is in there stays for now.
    pub fn open(dir: Option<PathBuf>) -> Result<SpillArea> {
        if let Some(dir) = &dir {
            std::fs::create_dir_all(dir).map_err(io("create", dir))?;
            if let Some(parent) = dir.parent() {
                sync_dir(parent)?;
            }
        }
        Ok(SpillArea { dir, next: AtomicU64::new(1) })
    }

    /// Removes the files that an earlier process left. Before any run is made.
    pub fn clear(&self) -> Result<()> {
        let Some(dir) = &self.dir else { return Ok(()) };
        for entry in std::fs::read_dir(dir).map_err(io("read", dir))? {
            let path = entry.map_err(io("read", dir))?.path();
            std::fs::remove_file(&path).map_err(io("remove", &path))?;
        }
        Ok(())
    }

    /// Whether runs can outlive the process.
    pub fn is_on_disk(&self) -> bool {
        self.dir.is_some()
    }

    /// Makes a run of `count` writes, which rise by key without repetition. Blocks on the disk.
    pub fn write<'a>(
        &self,
        writes: impl Iterator<Item = Record<'a>>,
        count: usize,
    ) -> Result<Arc<Run>> {
        let Some(dir) = &self.dir else {
            return fill(Draft::new(Sink::Memory(Vec::new()), count), writes);
        };
        let number = self.next.fetch_add(1, Memory::Relaxed);
        let path = dir.join(format!("{number}.run"));
        let file = OpenOptions::new().create_new(true).read(true).write(true).open(&path);
        let file = BufWriter::with_capacity(WRITE_BYTES, file.map_err(io("create", &path))?);
        let run = fill(Draft::new(Sink::File(file, path.clone()), count), writes);
        if run.is_err() {
            // On a full disk it is in the way; if it stays it goes at the next start.
            let _ = std::fs::remove_file(&path);
        }
        run
    }

    /// Makes runs durable.
    pub fn sync(&self, runs: &[Arc<Run>]) -> Result<()> {
        for run in runs {
            if let Data::File { file, path, .. } = &run.data {
                file.sync_all().map_err(io("sync", path))?;
            }
        }
        self.dir.as_deref().map_or(Ok(()), sync_dir)
    }

    /// Opens a run of an earlier process again, by its name and its size. Its file is kept.
    pub fn reopen(&self, name: &str, bytes: u64) -> Result<Arc<Run>> {
        let damaged = || -> crate::Error {
            cairn_storage::Error::Corrupted(format!("run {name} is damaged")).into()
        };
        let path = self.dir.as_ref().ok_or_else(damaged)?.join(name);
        let file = File::open(&path).map_err(io("open", &path))?;
        if file.metadata().map_err(io("read", &path))?.len() != bytes {
            return Err(damaged());
        }
        let (mut blocks, mut last, mut offset) = (Vec::new(), Vec::new(), 0);
        while offset < bytes {
            let mut header = [0; 4];
            file.read_exact_at(&mut header, offset).map_err(io("read", &path))?;
            let payload_bytes = u32::from_le_bytes(header);
            let length = HEADER_BYTES as u64 + u64::from(payload_bytes);
            if length > bytes - offset {
                return Err(damaged());
            }
            let mut block = vec![0; HEADER_BYTES + payload_bytes as usize];
            file.read_exact_at(&mut block, offset).map_err(io("read", &path))?;
            let mut rest = payload_of(&block).ok_or_else(damaged)?;
            let first = take_record(&mut rest).ok_or_else(damaged)?.0.to_vec();
            last.clone_from(&first);
            while !rest.is_empty() {
                last = take_record(&mut rest).ok_or_else(damaged)?.0.to_vec();
            }
            blocks.push(Block { first, offset, payload_bytes });
            offset += length;
        }
        let data = Data::File { file, path, kept: AtomicBool::new(true) };
        Ok(Arc::new(Run { data, bytes, blocks, last, filter: Filter::default() }))
    }
}

fn fill<'a>(mut draft: Draft, writes: impl Iterator<Item = Record<'a>>) -> Result<Arc<Run>> {
    for record in writes {
        draft.put(record)?;
    }
    Ok(Arc::new(draft.finish()?))
}

fn sync_dir(dir: &Path) -> Result<()> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(io("sync", dir))
}
