//! The PostgreSQL protocol over TCP and Unix sockets, in front of `cairn-sql`.
//!
//! * [`listener`] accepts connections, limits them and closes them at shutdown.
//! * [`workers`] are the threads that serve them; `socket` is either kind of socket.
//! * [`startup`] takes a connection to its session.
//! * [`connection`] is the loop of one connection: messages until the end. Replies
//!   collect in one buffer that is written at Sync, at Flush, after a simple query, or when it is
//!   full: one write a round trip.
//! * [`copy`] is what takes the place of rows during COPY.
//! * [`frame`] cuts messages out of the input and reads their fields. It is ours because
//!   pgwire's decoders read past a frame and panic on some hostile counts; pgwire's message types
//!   encode everything that goes out.
//! * [`reply`] writes rows and errors.

mod connection;
mod copy;
pub mod frame;
pub mod listener;
pub mod reply;
mod socket;
mod startup;
pub mod workers;

#[cfg(test)]
mod tests;
