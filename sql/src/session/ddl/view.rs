//! CREATE VIEW and ALTER VIEW.

use datafusion::sql::sqlparser::ast::Ident;
use datafusion::sql::sqlparser::tokenizer::Location;

use super::super::Session;
use super::super::constraints::{place, truncate_name};
use super::super::settings::Severity;
use super::{duplicate_relation, undefined_table};
use crate::binder::fold;
use crate::binder::position::position_of;
use crate::binder::stored::parse_query;
use crate::catalog::names::{Named, RelationName, is_temporary};
use crate::catalog::view::{CheckOption, Use, View};
use crate::catalog::{Column, MAX_COLUMNS, Schema};
use crate::error::{Error, Result, SqlState};
use crate::functions::strings::quote_ident;
use crate::parser::definition::{AlterView, CreateView, ViewAction};
use crate::parser::stored;
use crate::types::Type;
use crate::types::io::parse_bool;

fn not_possible(message: String) -> Error {
    Error::new(SqlState::InvalidTableDefinition, message)
}

impl Session {
    pub(super) async fn create_view(&mut self, create: &CreateView, sql: &str) -> Result<()> {
        let position = place(sql, &create.name);
        self.lock_catalog().await?;
        let mut query = text(sql, create.start, create.end);
        let mut parsed = std::borrow::Cow::Borrowed(&*create.query);
        if create.recursive {
            query = recursive_query(create, &query);
            parsed = std::borrow::Cow::Owned(parse_query(&query)?);
        }
        let (outputs, uses) =
            self.with_binder(if create.recursive { &query } else { sql }, |binder| {
                binder.record_uses();
                let bound = binder.top_query(&parsed)?;
                match binder.parameter_types()?.is_empty() {
                    true => Ok((bound.columns, binder.take_uses())),
                    false => {
                        Err(Error::new(SqlState::UndefinedParameter, "there is no parameter $1"))
                    }
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
        let old_defaults = replaced.as_ref().map(|old| old.columns.clone());
        let id = replaced.as_ref().map_or_else(|| schema.allocate_id(), |old| old.id);
        let view = View {
            id,
            schema: name.schema,
            name: name.name,
            columns,
            query,
            uses,
            comment: replaced.and_then(|old| old.comment),
            check_option: create.check_option,
            security_barrier: None,
            security_invoker: None,
            updatable: None,
        };
        let mut view = view;
        if let Some(old) = old_defaults {
            for (column, old) in view.columns.iter_mut().zip(old) {
                column.default = old.default;
            }
        }
        for (option, value) in &create.options {
            set_option(&mut view, &fold(option), value.as_deref())?;
        }
        let checks = view.check_option.is_some();
        view.updatable = self.with_binder("", |binder| binder.updatable_columns(&view))?;
        self.draft(|draft| draft.put_view(view.clone()))?;
        match checks {
            true => self.check_checkable(&view),
            false => Ok(()),
        }
    }

    /// Refuses WITH CHECK OPTION where nothing comes in through the view.
    fn check_checkable(&self, view: &View) -> Result<()> {
        match self.with_binder("", |binder| binder.why_not_updatable(view))? {
            None => Ok(()),
            Some(why) => Err(Error::new(
                SqlState::FeatureNotSupported,
                "WITH CHECK OPTION is supported only on automatically updatable views",
            )
            .hint(why)),
        }
    }

    /// ALTER VIEW, of columns and options.
    pub(super) async fn alter_view(&mut self, alter: &AlterView) -> Result<()> {
        self.lock_catalog().await?;
        let wanted = self.named(&alter.name)?;
        let schema = self.schema();
        let Some(view) = schema.view(&wanted) else {
            if schema.is_taken(&wanted) {
                let message = format!("\"{wanted}\" is not a view");
                return Err(Error::new(SqlState::WrongObjectType, message));
            }
            if alter.if_exists {
                self.skip(format!("relation \"{wanted}\" does not exist, skipping"));
                return Ok(());
            }
            return Err(undefined_table("relation", &wanted));
        };
        let mut changed = (**view).clone();
        match &alter.action {
            ViewAction::RenameColumn(from, to) => rename_column(&mut changed, &fold(from), to)?,
            ViewAction::SetDefault(column, default) => {
                let position = column_of(&changed, &fold(column))?;
                let column = changed.columns.get_mut(position);
                let column = column.ok_or_else(|| Error::internal("no such column"))?;
                let text = stored::to_text(default);
                self.with_binder("", |binder| binder.stored_default(column, &text))?;
                column.default = Some(text);
            }
            ViewAction::DropDefault(column) => {
                let position = column_of(&changed, &fold(column))?;
                if let Some(column) = changed.columns.get_mut(position) {
                    column.default = None;
                }
            }
            ViewAction::Set(options) => {
                for (option, value) in options {
                    set_option(&mut changed, &fold(option), value.as_deref())?;
                }
            }
            ViewAction::Reset(options) => {
                for (option, _) in options {
                    match fold(option).as_str() {
                        "check_option" => changed.check_option = None,
                        "security_barrier" => changed.security_barrier = None,
                        "security_invoker" => changed.security_invoker = None,
                        _ => {}
                    }
                }
            }
        }
        self.draft(|draft| draft.put_view(changed.clone()))?;
        match changed.check_option {
            Some(_) => self.check_checkable(&changed),
            None => Ok(()),
        }
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

fn column_of(view: &View, name: &str) -> Result<usize> {
    view.position(name).ok_or_else(|| {
        let message = format!("column \"{name}\" of relation \"{}\" does not exist", view.name);
        Error::new(SqlState::UndefinedColumn, message)
    })
}

fn rename_column(view: &mut View, from: &str, to: &Ident) -> Result<()> {
    let to = truncate_name(fold(to));
    let Some(position) = view.position(from) else {
        let message = format!("column \"{from}\" does not exist");
        return Err(Error::new(SqlState::UndefinedColumn, message));
    };
    if view.position(&to).is_some() {
        let message = format!("column \"{to}\" of relation \"{}\" already exists", view.name);
        return Err(Error::new(SqlState::DuplicateColumn, message));
    }
    if let Some(column) = view.columns.get_mut(position) {
        column.name = to;
    }
    Ok(())
}

/// Sets an option of a view.
fn set_option(view: &mut View, name: &str, value: Option<&str>) -> Result<()> {
    let invalid = |message: String| Error::new(SqlState::InvalidParameterValue, message);
    let flag = || {
        let value = value.unwrap_or("true");
        let known = parse_bool(value).map(|_| value.to_owned());
        known
            .ok_or_else(|| invalid(format!("invalid value for boolean option \"{name}\": {value}")))
    };
    match name {
        "security_barrier" => view.security_barrier = Some(flag()?),
        "security_invoker" => view.security_invoker = Some(flag()?),
        "check_option" => {
            view.check_option = Some(match value.unwrap_or("true") {
                "local" => CheckOption::Local,
                "cascaded" => CheckOption::Cascaded,
                value => {
                    let message = format!("invalid value for enum option \"{name}\": {value}");
                    return Err(
                        invalid(message).detail("Valid values are \"local\" and \"cascaded\".")
                    );
                }
            });
        }
        _ => return Err(invalid(format!("unrecognized parameter \"{name}\""))),
    }
    Ok(())
}

/// What CREATE RECURSIVE VIEW stands for.
fn recursive_query(create: &CreateView, query: &str) -> String {
    let name = create.name.0.last().and_then(|part| part.as_ident()).map(fold).unwrap_or_default();
    let name = quote_ident(&name);
    let columns = create.columns.iter().map(|column| quote_ident(&fold(column)));
    let columns = columns.collect::<Vec<_>>().join(", ");
    format!("WITH RECURSIVE {name}({columns}) AS ({query}) SELECT {columns} FROM {name}")
}

fn reads_temporary(schema: &Schema, used: &Use) -> bool {
    let found = [
        schema.table_by_id(used.id).map(|table| table.schema.as_str()),
        schema.view_by_id(used.id).map(|view| view.schema.as_str()),
    ];
    found.into_iter().flatten().any(is_temporary)
}

/// What stands between two places of a text.
pub(in crate::session) fn text(sql: &str, start: Location, end: Option<Location>) -> String {
    let at = |location: Location| position_of(sql, location.line, location.column);
    let start = at(start).unwrap_or(1);
    let end = end.and_then(at).unwrap_or(usize::MAX);
    let text: String = sql.chars().skip(start - 1).take(end.saturating_sub(start)).collect();
    text.trim_end().to_owned()
}
