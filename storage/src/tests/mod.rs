//! Conformance, mirror and model tests of the engines, and tests of ranges, data directories and
//! the log.

mod conformance;
mod data_dir;
mod log_writer;
mod mirror;
mod model;
mod ranges;
