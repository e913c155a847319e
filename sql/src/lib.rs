//! SQL on transactions: parse, bind, plan, execute.
//!
//! A statement's way through this crate, from the top:
//!
//! * [`session`] holds what a connection is to SQL: transaction block, settings, prepared
//!   statements, portals. [`parser`] turns text into statements.
//! * [`binder`] settles names and types as PostgreSQL does and emits DataFusion's logical plans;
//!   [`optimizer`] improves them. The result is cached by text.
//! * [`row`] executes short reads and all changes; [`vector`] everything else, on
//!   DataFusion. Both evaluate the same [`functions`] on the same [`types`], so they agree.
//! * [`catalog`] says what tables there are, [`codec`] how their rows and keys look in storage.

pub mod binder;
pub mod catalog;
pub mod codec;
mod dialect;
pub mod error;
pub mod functions;
mod keywords;
pub mod lock_names;
pub mod operator;
pub mod optimizer;
pub mod parser;
pub mod plan_walk;
pub mod relation;
pub mod row;
pub mod session;
pub mod sessions;
mod sqlstate;
pub mod system;
#[cfg(test)]
mod tests;
pub mod types;
pub mod vector;

pub use error::{Error, Report, Result, SqlState};
