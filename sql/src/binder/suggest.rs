//! What a name that was not found may have been meant to be: the hints of PostgreSQL's
//! `errorMissingColumn` and `errorMissingRTE`.

use super::{Binder, Level, ScopeColumn};
use crate::error::{Error, SqlState};

/// Names further apart than this are not suggested, as in PostgreSQL.
const MAX_DISTANCE: usize = 3;

impl Binder<'_> {
    /// The error for a column that no level has.
    pub(super) fn unknown_column(&self, relation: Option<&str>, name: &str) -> Error {
        let levels = self.levels.borrow();
        let columns = || levels.iter().rev().flat_map(|level| &level.scope.columns);
        // Columns that are there, but not for this place.
        let all_hidden = || {
            let levels = levels.iter().rev();
            levels.flat_map(|level| {
                let columns = level.out_of_reach.columns.iter().chain(&level.beside);
                columns.chain(&level.covered.columns)
            })
        };
        let mut hidden = all_hidden();
        let Some(relation) = relation else {
            let error =
                Error::new(SqlState::UndefinedColumn, format!("column \"{name}\" does not exist"));
            return match hidden.find(|column| column.name == name) {
                Some(column) => error.hint(format!(
                    "There is a column named \"{name}\" in table \"{}\", but it cannot be referenced \
                     from this part of the query.",
                    column.relation
                )),
                None => with_hint(error, columns().chain(all_hidden()), None, name),
            };
        };
        if columns().any(|column| column.relation == relation) {
            let error = Error::new(
                SqlState::UndefinedColumn,
                format!("column {relation}.{name} does not exist"),
            );
            return with_hint(error, columns(), Some(relation), name);
        }
        drop(hidden);
        drop(levels);
        self.unknown_relation(relation)
    }

    /// The error for a relation that no level has.
    pub(super) fn unknown_relation(&self, relation: &str) -> Error {
        let levels = self.levels.borrow();
        let columns = || levels.iter().rev().flat_map(|level| &level.scope.columns);
        let mut hidden = levels.iter().rev().flat_map(|level| {
            let columns = level.out_of_reach.columns.iter().chain(&level.beside);
            columns.chain(&level.covered.columns)
        });
        let invalid = || invalid_reference(SqlState::UndefinedTable, relation);
        if hidden.any(|column| column.relation == relation) {
            return invalid().hint(not_from_here(relation));
        }
        // The table may be there under an alias.
        let tables = self.tables_used.borrow();
        let hidden = columns().find(|column| {
            let table = column.origin.and_then(|(id, _)| tables.iter().find(|t| t.id == id));
            table.is_some_and(|table| table.name == relation)
        });
        match hidden {
            Some(column) => invalid().hint(format!(
                "Perhaps you meant to reference the table alias \"{}\".",
                column.relation
            )),
            None => Error::new(
                SqlState::UndefinedTable,
                format!("missing FROM-clause entry for table \"{relation}\""),
            ),
        }
    }
}

impl Level {
    /// The error of a LATERAL item that names a column which it finds and may not use: that of a table
    /// on the side of an outer join that has rows without partner, or of the one that is changed.
    pub(super) fn refusal(&self, column: &ScopeColumn) -> Option<Error> {
        let error = || invalid_reference(SqlState::InvalidColumnReference, &column.relation);
        if self.barred.contains(&column.column) {
            let detail = "The combining JOIN type must be INNER or LEFT for a LATERAL reference.";
            return Some(error().detail(detail));
        }
        let mut hidden = self.out_of_reach.columns.iter();
        let is_hidden = hidden.any(|hidden| hidden.column == column.column);
        is_hidden.then(|| error().hint(not_from_here(&column.relation)))
    }
}

fn invalid_reference(state: SqlState, relation: &str) -> Error {
    let message = format!("invalid reference to FROM-clause entry for table \"{relation}\"");
    Error::new(state, message)
}

fn not_from_here(relation: &str) -> String {
    format!(
        "There is an entry for table \"{relation}\", but it cannot be referenced from this part of the \
         query."
    )
}

fn with_hint<'c>(
    error: Error,
    columns: impl Iterator<Item = &'c ScopeColumn>,
    relation: Option<&str>,
    name: &str,
) -> Error {
    let mut best = MAX_DISTANCE + 1;
    let mut found: Vec<&ScopeColumn> = Vec::new();
    for column in columns.filter(|column| !column.relation.is_empty()) {
        let distance = levenshtein(name, &column.name);
        // More than half of the name wrong is no likeness.
        if distance > column.name.chars().count() / 2 {
            continue;
        }
        let distance =
            distance + relation.map_or(0, |relation| levenshtein(relation, &column.relation));
        if distance > best {
            continue;
        }
        // LATERAL may find one twice.
        if found.iter().any(|other| other.column == column.column) {
            continue;
        }
        if distance < best {
            found.clear();
            best = distance;
        }
        found.push(column);
    }
    let shown = |column: &ScopeColumn| format!("\"{}.{}\"", column.relation, column.name);
    match found.as_slice() {
        [one] => error.hint(format!("Perhaps you meant to reference the column {}.", shown(one))),
        [one, other] => error.hint(format!(
            "Perhaps you meant to reference the column {} or the column {}.",
            shown(one),
            shown(other)
        )),
        _ => error,
    }
}

/// Insertions, deletions and substitutions between two words (Wagner and Fischer 1974).
fn levenshtein(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, to) in row.iter_mut().skip(1).zip(&b) {
            let cost = diagonal + usize::from(from != *to);
            diagonal = *cell;
            left = cost.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}
