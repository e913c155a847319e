//! Conformance, mirror and model tests of the engines, tests of ranges, the row cache, data
//! directories and the log, and of what is left of the log's files when something happens to them.

mod conformance;
mod data_dir;
mod dead_spans;
mod files;
mod log_damage;
mod log_room;
mod log_writer;
mod mirror;
mod model;
mod power;
mod ranges;
mod row_cache;
