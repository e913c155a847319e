//! Conformance, mirror and model tests of the engines, and tests of ranges and directories.

mod conformance;
mod mirror;
mod ranges;
