//! Conformance, mirror and model tests of the engines, and tests of ranges, the row cache, data
//! directories and the log.

mod conformance;
mod data_dir;
mod dead_spans;
mod log_writer;
mod mirror;
mod model;
mod ranges;
mod row_cache;
