//! CREATE VIEW.

use datafusion::sql::sqlparser::tokenizer::Location;

use super::super::Session;
use super::super::constraints::{place, truncate_name};
use super::super::settings::Severity;
use super::duplicate_relation;
use crate::binder::fold;
use crate::binder::position::position_of;
use crate::catalog::names::{Named, RelationName, is_temporary};
use crate::catalog::view::{Use, View};
use crate::catalog::{Column, MAX_COLUMNS, Schema};
use crate::error::{Error, Result, SqlState};
use crate::parser::definition::CreateView;
use crate::types::Type;

fn not_possible(message: String) -> Error {
    Error::new(SqlState::InvalidTableDefinition, message)
}

impl Session {
    pub(super) async fn create_view(&mut self, create: &CreateView, sql: &str) -> Result<()> {
        let position = place(sql, &create.name);
        self.lock_catalog().await?;
        let (outputs, uses) = self.with_binder(sql, |binder| {
            binder.record_uses();
            let bound = binder.top_query(&create.query)?;
            match binder.parameter_types()?.is_empty() {
                true => Ok((bound.columns, binder.take_uses())),
                false => Err(Error::new(SqlState::UndefinedParameter, "there is no parameter $1")),
            }
        })?;
        if create.columns.len() > outputs.len() {
            return Err(Error::new(
                SqlState::SyntaxError,
                "CREATE VIEW specifies more column names than columns",
            ));
        }
        if outputs.len() > MAX_COLUMNS {
            return Err(Error::new(
                SqlState::TooManyColumns,
                format!("target lists can have at most {MAX_COLUMNS} entries"),
            ));
        }
        let mut columns: Vec<Column> = Vec::new();
        for (at, output) in outputs.iter().enumerate() {
            let name = create.columns.get(at).map(|name| truncate_name(fold(name)));
            let name = name.unwrap_or_else(|| output.name.clone());
            if columns.iter().any(|column| column.name == name) {
                return Err(Error::new(
                    SqlState::DuplicateColumn,
                    format!("column \"{name}\" specified more than once"),
                ));
            }
            if matches!(output.ty.kind, Type::Record | Type::Void) {
                let kind = output.ty.kind.name();
                return Err(not_possible(format!("column \"{name}\" has pseudo-type {kind}")));
            }
            columns.push(Column::new(name, output.ty));
        }
        let schema = self.schema();
        let reads_temporary = uses.iter().any(|used| reads_temporary(&schema, used));
        let temporary = create.temporary || reads_temporary;
        let name = self.new_name(&create.name, temporary).map_err(|error| error.at(position))?;
        if reads_temporary && !create.temporary {
            let message = format!("view \"{name}\" will be a temporary view");
            self.notice(Severity::Notice, SqlState::SuccessfulCompletion, message);
        }
        self.has_temporary |= is_temporary(&name.schema);
        let replaced = self.replaced_view(&name, create.or_replace, &columns)?;
        let id = replaced.as_ref().map_or_else(|| schema.allocate_id(), |old| old.id);
        let view = View {
            id,
            schema: name.schema,
            name: name.name,
            columns,
            query: text(sql, create.start, create.end),
            uses,
            comment: replaced.and_then(|old| old.comment),
        };
        self.draft(|draft| draft.put_view(view))
    }

    /// The view that one of these columns takes the place of.
    fn replaced_view(
        &self,
        name: &RelationName,
        or_replace: bool,
        columns: &[Column],
    ) -> Result<Option<View>> {
        let schema = self.schema();
        let old = match schema.named(name) {
            None => return Ok(None),
            Some(_) if !or_replace => return Err(duplicate_relation(name)),
            Some(Named::View(id)) => schema.view_by_id(id),
            Some(_) => {
                let message = format!("\"{name}\" is not a view");
                return Err(Error::new(SqlState::WrongObjectType, message));
            }
        };
        let Some(old) = old else { return Ok(None) };
        if columns.len() < old.columns.len() {
            return Err(not_possible("cannot drop columns from view".into()));
        }
        for (before, after) in old.columns.iter().zip(columns) {
            if before.name != after.name {
                return Err(not_possible(format!(
                    "cannot change name of view column \"{}\" to \"{}\"",
                    before.name, after.name
                ))
                .hint(
                    "Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead.",
                ));
            }
            if (before.type_oid, before.typmod) != (after.type_oid, after.typmod) {
                return Err(not_possible(format!(
                    "cannot change data type of view column \"{}\" from {} to {}",
                    before.name,
                    before.declared().display(),
                    after.declared().display()
                )));
            }
        }
        Ok(Some((**old).clone()))
    }
}

fn reads_temporary(schema: &Schema, used: &Use) -> bool {
    let found = [
        schema.table_by_id(used.id).map(|table| table.schema.as_str()),
        schema.view_by_id(used.id).map(|view| view.schema.as_str()),
    ];
    found.into_iter().flatten().any(is_temporary)
}

/// What stands between two places of a text.
fn text(sql: &str, start: Location, end: Option<Location>) -> String {
    let at = |location: Location| position_of(sql, location.line, location.column);
    let start = at(start).unwrap_or(1);
    let end = end.and_then(at).unwrap_or(usize::MAX);
    let text: String = sql.chars().skip(start - 1).take(end.saturating_sub(start)).collect();
    text.trim_end().to_owned()
}
