//! pg_rewrite: the rule that is behind each view, and what hangs on what by it. Tools learn from it in
//! which order views can be made.

use super::{Asked, class_oid, oid, text};
use crate::catalog::Schema;
use crate::catalog::view::View;
use crate::error::Result;
use crate::row::Row;
use crate::types::Datum;

/// The number of a view's rule: the one before those of defaults (`classes::default_oid`), as if the view
/// had a column with the number 0.
fn rule_oid(view: &View) -> u32 {
    view.id.wrapping_mul(2048)
}

/// Views and materialized views.
fn views(schema: &Schema) -> Vec<&View> {
    let materialized = schema.tables().filter_map(|table| table.definition.as_deref());
    schema.views().map(|view| &**view).chain(materialized).collect()
}

/// pg_rewrite.
pub fn rules(asked: &Asked<'_>) -> Result<Vec<Row>> {
    let rows = views(&asked.system.schema).into_iter().map(|view| {
        vec![
            oid(rule_oid(view)),
            text("_RETURN"),
            oid(view.id),
            text("1"),
            text("O"),
            Datum::Bool(true),
            text("<>"),
            text("<>"),
        ]
    });
    Ok(rows.collect())
}

/// Takes a line of pg_depend: of what (class and object), on what (class, object and part), and its kind.
type AddDependency<'a> = dyn FnMut((u32, u32), (u32, u32, i32), &str) + 'a;

/// Tells of dependencies.
pub fn dependencies(schema: &Schema, add: &mut AddDependency<'_>) {
    use class_oid::{PG_CLASS, PG_REWRITE};
    for view in views(schema) {
        let rule = (PG_REWRITE, rule_oid(view));
        add(rule, (PG_CLASS, view.id, 0), "i");
        for used in &view.uses {
            match used.needed.as_slice() {
                [] => add(rule, (PG_CLASS, used.id, 0), "n"),
                columns => columns
                    .iter()
                    .for_each(|at| add(rule, (PG_CLASS, used.id, *at as i32 + 1), "n")),
            }
        }
    }
}
