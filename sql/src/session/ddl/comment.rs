//! COMMENT ON: texts that the descriptors keep.

use std::sync::Arc;

use datafusion::sql::sqlparser::ast::ObjectName;

use super::super::Session;
use super::{undefined_column, undefined_table};
use crate::binder::{fold, name_parts};
use crate::catalog::names::RelationName;
use crate::catalog::types::TypeShape;
use crate::catalog::{Schema, Table};
use crate::error::{Error, Result, SqlState};
use crate::parser::definition::{Comment, CommentObject};

/// The error of a name that something else has.
fn wrong_kind(schema: &Schema, name: &RelationName, kind: &str) -> Error {
    match schema.is_taken(name) {
        true => Error::new(SqlState::WrongObjectType, format!("\"{name}\" is not {kind}")),
        false => undefined_table("relation", name),
    }
}

impl Session {
    fn table_of(&self, name: &ObjectName) -> Result<Arc<Table>> {
        let wanted = self.named(name)?;
        let schema = self.schema();
        schema.table(&wanted).cloned().ok_or_else(|| wrong_kind(&schema, &wanted, "a table"))
    }

    pub(super) async fn comment(&mut self, comment: &Comment) -> Result<()> {
        self.lock_catalog().await?;
        let schema = self.schema();
        let text = comment.text.clone().filter(|text| !text.is_empty());
        let changed = match &comment.object {
            CommentObject::Table(name) => {
                let table = self.table_of(name)?;
                Table { comment: text, ..(*table).clone() }
            }
            CommentObject::Column(name) => return self.comment_on_column(name, text),
            CommentObject::Index(name) => {
                let wanted = self.named(name)?;
                let (table, _) = schema
                    .index(&wanted)
                    .ok_or_else(|| wrong_kind(&schema, &wanted, "an index"))?;
                let mut changed = (**table).clone();
                let others = &mut changed.indexes;
                let mut all = std::iter::once(&mut changed.primary).chain(others);
                if let Some(index) = all.find(|index| index.name == wanted.name) {
                    index.comment = text;
                }
                changed
            }
            CommentObject::Sequence(name) => {
                let wanted = self.named(name)?;
                let sequence = schema
                    .sequence(&wanted)
                    .ok_or_else(|| wrong_kind(&schema, &wanted, "a sequence"))?;
                let mut changed = (**sequence).clone();
                changed.comment = text;
                return self.draft(|draft| draft.put_sequence(changed));
            }
            CommentObject::View(name) => {
                let wanted = self.named(name)?;
                let view =
                    schema.view(&wanted).ok_or_else(|| wrong_kind(&schema, &wanted, "a view"))?;
                let mut changed = (**view).clone();
                changed.comment = text;
                return self.draft(|draft| draft.put_view(changed));
            }
            CommentObject::Type(name) => {
                let mut changed = (*self.type_to_alter(name)?).clone();
                changed.comment = text;
                return self.draft(|draft| draft.put_type(changed));
            }
            CommentObject::DomainConstraint(constraint, name) => {
                let mut changed = (*self.type_to_alter(name)?).clone();
                let constraint = fold(constraint);
                let checks = match &mut changed.shape {
                    TypeShape::Domain(domain) => domain.checks.as_mut_slice(),
                    _ => &mut [],
                };
                let Some(check) = checks.iter_mut().find(|check| check.name == constraint) else {
                    let domain = changed.name;
                    return Err(Error::new(
                        SqlState::UndefinedObject,
                        format!("constraint \"{constraint}\" for domain {domain} does not exist"),
                    ));
                };
                check.comment = text;
                return self.draft(|draft| draft.put_type(changed));
            }
            CommentObject::Constraint(constraint, name) => {
                let table = self.table_of(name)?;
                let mut changed = (*table).clone();
                comment_on_constraint(&mut changed, &fold(constraint), text)?;
                changed
            }
        };
        self.draft(|draft| draft.put_table(changed))
    }

    fn comment_on_column(&mut self, name: &ObjectName, text: Option<String>) -> Result<()> {
        let parts = name_parts(name);
        let Some(([before @ .., relation], column)) =
            parts.split_last().map(|(last, rest)| (rest, last))
        else {
            return Err(Error::new(SqlState::SyntaxError, "column name must be qualified"));
        };
        let schema = self.schema();
        let relation = &self.named_in(before.last().map(String::as_str), relation.clone())?;
        let Some(table) = schema.table(relation) else {
            let other = match (schema.index(relation), schema.sequence(relation)) {
                (Some(_), _) => "indexes",
                (_, Some(_)) => "sequences",
                _ if schema.view(relation).is_some() => {
                    return Err(Error::unsupported("COMMENT ON COLUMN of a view"));
                }
                _ => return Err(undefined_table("relation", relation)),
            };
            return Err(Error::new(
                SqlState::WrongObjectType,
                format!("cannot set comment on relation \"{relation}\""),
            )
            .detail(format!("This operation is not supported for {other}.")));
        };
        let mut changed = (**table).clone();
        let position = changed.position(column);
        let position = position.ok_or_else(|| undefined_column(table, column))?;
        if let Some(column) = changed.columns.get_mut(position) {
            column.comment = text;
        }
        self.draft(|draft| draft.put_table(changed))
    }
}

fn comment_on_constraint(table: &mut Table, name: &str, text: Option<String>) -> Result<()> {
    if let Some(check) = table.checks.iter_mut().find(|check| check.name == name) {
        check.comment = text;
        return Ok(());
    }
    if let Some(key) = table.foreign_keys.iter_mut().find(|key| key.name == name) {
        key.comment = text;
        return Ok(());
    }
    let mut all = std::iter::once(&mut table.primary).chain(&mut table.indexes);
    match all.find(|index| index.constraint && index.name == name) {
        Some(index) => {
            index.constraint_comment = text;
            Ok(())
        }
        None => Err(Error::new(
            SqlState::UndefinedObject,
            format!("constraint \"{name}\" for table \"{}\" does not exist", table.name),
        )),
    }
}
