//! Versioned, ordered keys in ranges: the ground the other layers stand on.
//!
//! From the bottom up:
//!
//! * [`engine`] is the contract: a sorted map whose keys have versions, read at a
//!   [`Timestamp`] and written atomically. [`rocks`] fulfils it on RocksDB with
//!   user-defined timestamps, [`memory`] on a `BTreeMap`; one conformance suite holds both
//!   to it.
//! * [`ranges`] cuts the key space into contiguous ranges with persisted descriptors and
//!   live statistics. Ranges split by size and merge when small; they are the unit of
//!   parallel scans and of statistics.
//! * [`log_writer`] is group commit: whoever submits a batch writes it, and one thread syncs for all
//!   who did meanwhile.
//! * `dead_spans` knows where [`rocks`] would walk over nothing but tombstones.
//! * [`row_cache`] keeps the newest versions of rows that were read by key.
//! * [`background`] says whether threads do what no caller waits for.
//! * [`store`] puts these together and is what `cairn-txn` uses. [`data_dir`] guards
//!   the directory: who may open it, and whether it is ours.
//!
//! Nothing here knows about transactions: a timestamp is a number that the caller chose, and
//! the caller promises that the versions of one key are written in rising order.

pub mod background;
pub mod data_dir;
mod dead_spans;
pub mod engine;
mod error;
pub mod log_writer;
pub mod memory;
pub mod ranges;
pub mod rocks;
pub mod row_cache;
pub mod store;
mod timestamp;

#[cfg(test)]
mod tests;

pub use background::Background;
pub use engine::{Batch, Direction, Engine, INDEX_PREFIX_BYTES, Span, Write};
pub use error::{Error, Result};
pub use store::{Store, StoreOptions};
pub use timestamp::Timestamp;
