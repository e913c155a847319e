//! SQL on cairn and on PostgreSQL 15, which says what is right: its own [regression scripts](regress), [logic
//! tests](logic), and what a [fuzzer](fuzz) makes up.

mod fuzz;
mod logic;
mod regress;
