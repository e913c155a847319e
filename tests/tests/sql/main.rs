//! SQL on cairn and on PostgreSQL 15, which says what is right: PostgreSQL's own [regression scripts](regress).

mod regress;
