//! System relations that are queries over others: PostgreSQL's own views of its catalogs, and those of
//! standard SQL.
//!
//! A query names the columns that it has something to tell of; the others are NULL.

mod catalog;
mod standard;

/// The query of a view, if it has one.
pub fn query(schema: &str, name: &str) -> Option<&'static str> {
    let all = match schema {
        super::CATALOG_SCHEMA => catalog::VIEWS,
        super::INFORMATION_SCHEMA => standard::VIEWS,
        _ => return None,
    };
    all.iter().find(|(view, _)| *view == name).map(|(_, query)| *query)
}
