//! LIKE: the columns of another table, and what else is asked for of it.

use std::sync::Arc;

use super::super::Session;
use super::super::constraints::{column_part, place, second_primary_key};
use super::column::NewColumn;
use super::identity::SequenceOf;
use super::undefined_table;
use crate::catalog::constraint::Check;
use crate::catalog::index::FIRST_EXPRESSION;
use crate::catalog::names::PUBLIC;
use crate::catalog::{Column, Index, Schema, Sequence, Table};
use crate::error::{Error, Result, SqlState};
use crate::functions::strings::quote_ident;
use crate::parser::definition::{Like, LikeOption, SequenceOption};

/// What is taken over besides columns.
pub(super) struct Copied {
    source: Arc<Table>,
    included: Vec<LikeOption>,
    /// Where each of its columns is in the new table.
    places: Vec<Option<usize>>,
}

impl Session {
    /// The columns that LIKE stands for, behind `before` others.
    pub(super) fn like(
        &self,
        like: &Like,
        before: usize,
        sql: &str,
    ) -> Result<(Vec<NewColumn>, Copied)> {
        let position = place(sql, &like.table);
        let wanted = self.named(&like.table).map_err(|error| error.at(position))?;
        let schema = self.schema();
        let Some(source) = schema.table(&wanted) else {
            let other = match (schema.index(&wanted), schema.sequence(&wanted)) {
                (Some(_), _) => "indexes",
                (_, Some(_)) => "sequences",
                _ if schema.view(&wanted).is_some() => {
                    return Err(Error::unsupported("LIKE of a view"));
                }
                _ => return Err(undefined_table("relation", &wanted).at(position)),
            };
            return Err(Error::new(
                SqlState::WrongObjectType,
                format!("relation \"{wanted}\" is invalid in LIKE clause"),
            )
            .detail(format!("This operation is not supported for {other}."))
            .at(position));
        };
        let has = |option| like.included.contains(&option);
        let mut columns = Vec::new();
        let mut places = vec![None; source.columns.len()];
        for (position, column) in source.visible() {
            if let Some(place) = places.get_mut(position) {
                *place = Some(before + columns.len());
            }
            let mut copy = Column::new(column.name.clone(), column.declared());
            copy.not_null = column.not_null;
            let owned = column.sequence.and_then(|id| schema.sequence_by_id(id));
            let mut sequence = None;
            match (column.identity, owned) {
                (Some(identity), Some(owned)) if has(LikeOption::Identity) => {
                    copy.identity = Some(identity);
                    let (kind, options) = (column.kind().kind, options_of(owned));
                    sequence = Some(SequenceOf { kind, options });
                }
                // Of a serial column the default is taken over: both count on.
                (None, Some(owned)) if has(LikeOption::Defaults) => {
                    let name = match owned.schema.as_str() {
                        PUBLIC => owned.name.clone(),
                        schema => format!("{}.{}", quote_ident(schema), quote_ident(&owned.name)),
                    };
                    copy.default = Some(format!("nextval('{}')", name.replace('\'', "''")));
                }
                _ => {}
            }
            if has(LikeOption::Defaults) && column.default.is_some() {
                copy.default.clone_from(&column.default);
            }
            if has(LikeOption::Generated) {
                copy.generated.clone_from(&column.generated);
            }
            if has(LikeOption::Comments) {
                copy.comment.clone_from(&column.comment);
            }
            columns.push(NewColumn::known(copy, sequence));
        }
        let copied = Copied { source: source.clone(), included: like.included.clone(), places };
        Ok((columns, copied))
    }
}

/// Options that make a sequence like another one.
fn options_of(sequence: &Sequence) -> Vec<SequenceOption> {
    vec![
        SequenceOption::Increment(sequence.increment),
        SequenceOption::MinValue(Some(sequence.min)),
        SequenceOption::MaxValue(Some(sequence.max)),
        SequenceOption::Start(sequence.start),
        SequenceOption::Cycle(sequence.cycle),
    ]
}

impl Copied {
    fn has(&self, option: LikeOption) -> bool {
        self.included.contains(&option)
    }

    /// Adds the conditions, if they are asked for.
    pub fn add_checks(&self, table: &mut Table) {
        if self.has(LikeOption::Constraints) {
            let comments = self.has(LikeOption::Comments);
            table.checks.extend(self.source.checks.iter().map(|check| Check {
                id: 0,
                comment: check.comment.clone().filter(|_| comments),
                ..check.clone()
            }));
        }
    }

    /// Adds indexes and the constraints that are made of them, if they are asked for.
    pub fn add_indexes(&self, schema: &Schema, table: &mut Table) -> Result<()> {
        if !self.has(LikeOption::Indexes) {
            return Ok(());
        }
        let is_index = |index: &&Index| {
            index.storage != self.source.primary.storage || self.source.has_primary_key()
        };
        for index in self.source.all_indexes().filter(is_index) {
            let place = |column: &usize| {
                if *column >= FIRST_EXPRESSION {
                    return Ok(*column);
                }
                let place = self.places.get(*column).copied().flatten();
                place.ok_or_else(|| Error::internal("an index on a column that is not there"))
            };
            let columns = index.columns.iter().map(place).collect::<Result<Vec<_>>>()?;
            let include = index.include.iter().map(place).collect::<Result<Vec<_>>>()?;
            let names = |positions: &[usize]| -> Vec<String> {
                let name = |at: &usize| match index.expression(*at) {
                    Some(expression) => Some(expression.name.clone()),
                    None => table.columns.get(*at).map(|column| column.name.clone()),
                };
                positions.iter().filter_map(name).collect()
            };
            let part = column_part(&names(&columns), &names(&include));
            let owner = index.constraint.then_some(&*table);
            let name = match (index.primary || is_primary(&self.source, index), index.constraint) {
                (true, _) => {
                    schema.free_relation_name(&table.schema, &[&table.name], "pkey", owner)
                }
                (_, true) => {
                    schema.free_relation_name(&table.schema, &[&table.name, &part], "key", owner)
                }
                _ => schema.free_relation_name(
                    &table.schema,
                    &[&table.name, &part],
                    "idx",
                    Some(table),
                ),
            };
            let stores_rows = is_primary(&self.source, index);
            let comments = self.has(LikeOption::Comments);
            let copy = Index {
                id: 0,
                storage: if stores_rows { table.primary.storage } else { schema.allocate_id() },
                name,
                columns,
                include,
                comment: index.comment.clone().filter(|_| comments),
                constraint_comment: index.constraint_comment.clone().filter(|_| comments),
                ..index.clone()
            };
            if copy.primary || stores_rows {
                if table.primary_key().is_some() {
                    return Err(second_primary_key(table));
                }
                for position in &copy.columns {
                    if let Some(column) = table.columns.get_mut(*position) {
                        column.not_null = true;
                    }
                }
            }
            match stores_rows {
                true => table.primary = copy,
                false => table.indexes.push(copy),
            }
        }
        Ok(())
    }
}

fn is_primary(table: &Table, index: &Index) -> bool {
    index.storage == table.primary.storage
}
