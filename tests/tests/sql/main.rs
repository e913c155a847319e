//! SQL on cairn and on PostgreSQL 15, which says what is right: its own [regression scripts](regress) and [logic
//! tests](logic).

mod logic;
mod regress;
