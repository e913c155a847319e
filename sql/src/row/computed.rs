//! What indexes compute: the values of expressions in keys, and whether a partial index has a row.
//!
//! A program is made of the texts in an index's descriptor when a statement first uses the table, and
//! kept with that version of the table. It is there in two forms: compiled, for rows that are written,
//! and as the optimizer leaves conditions in scans, so that plans recognize what they ask for. All of
//! it is immutable, so rows give the same entries in every session and at any time.

use std::sync::{Arc, OnceLock};

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, TableReference};
use datafusion::logical_expr::utils::split_conjunction_owned;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};

use super::Row;
use super::expr::{Parameter, RowExpr, Scope};
use super::implication::implies;
use super::quantified::OverArray;
use crate::binder::Binder;
use crate::binder::dml::RETURNING;
use crate::binder::subplan::Subplan;
use crate::catalog::{Index, Table};
use crate::error::{Error, Result};
use crate::optimizer::optimize;
use crate::relation::{Relation, Source};
use crate::types::Datum;

/// The program of one index.
#[derive(Debug)]
pub struct Program {
    storage: u32,
    /// The expressions in its keys, over columns without qualifier.
    pub expressions: Vec<Expr>,
    /// The condition of a partial index, in parts that all have to be true.
    pub predicate: Vec<Expr>,
    /// Columns that it computes from.
    pub uses: Vec<usize>,
    values: Vec<RowExpr>,
    condition: Option<RowExpr>,
}

/// The programs of a table's indexes, once they are made.
#[derive(Debug, Default)]
pub struct Programs(OnceLock<Vec<Program>>);

impl Clone for Programs {
    /// A copy of a table is made to be changed.
    fn clone(&self) -> Programs {
        Programs::default()
    }
}

impl PartialEq for Programs {
    fn eq(&self, _: &Programs) -> bool {
        true
    }
}

impl Programs {
    /// Makes those of a table, unless they are there.
    pub fn prepare(table: &Table, binder: &Binder<'_>) -> Result<()> {
        let computed = || table.indexes.iter().filter(|index| index.is_computed());
        if computed().next().is_none() || table.programs.0.get().is_some() {
            return Ok(());
        }
        let made = computed().map(|index| Program::new(table, index, binder));
        let made = made.collect::<Result<Vec<_>>>()?;
        // Somebody else may have made the same.
        let _ = table.programs.0.set(made);
        Ok(())
    }

    /// That of an index.
    pub fn of(&self, index: &Index) -> Option<&Program> {
        self.0.get()?.iter().find(|program| program.storage == index.storage)
    }
}

/// An expression without the qualifiers of its columns.
pub fn unqualified(expr: &Expr) -> Expr {
    let stripped = expr.clone().transform(|expr| {
        Ok(match expr {
            Expr::Column(column) => {
                Transformed::yes(Expr::Column(Column::new_unqualified(column.name)))
            }
            Expr::Alias(alias) => Transformed::yes(*alias.expr),
            other => Transformed::no(other),
        })
    });
    stripped.map_or_else(|_| expr.clone(), |stripped| stripped.data)
}

/// A scan of a table, as statements have it.
fn scan(table: &Table) -> Result<LogicalPlanBuilder> {
    let relation = Relation::new(Source::Table(Arc::new(table.clone())));
    Ok(LogicalPlanBuilder::scan(TableReference::bare(RETURNING), relation, None)?)
}

/// A condition as scans have it.
pub fn normal_condition(table: &Table, condition: &Expr) -> Result<Vec<Expr>> {
    let plan = optimize(&scan(table)?.filter(condition.clone())?.build()?)?;
    let mut parts = Vec::new();
    let mut node = &plan;
    loop {
        node = match node {
            LogicalPlan::Projection(projection) => &projection.input,
            LogicalPlan::SubqueryAlias(alias) => &alias.input,
            LogicalPlan::Filter(filter) => {
                parts.extend(split_conjunction_owned(filter.predicate.clone()));
                &filter.input
            }
            LogicalPlan::TableScan(scan) => {
                parts.extend(scan.filters.iter().cloned().flat_map(split_conjunction_owned));
                break;
            }
            // No row fulfils it.
            LogicalPlan::EmptyRelation(_) => {
                parts.push(datafusion::logical_expr::lit(false));
                break;
            }
            other => {
                return Err(Error::internal(format!("a condition became {}", other.display())));
            }
        }
    }
    Ok(parts.iter().map(unqualified).collect())
}

/// An expression as plans have it.
pub fn normal_expression(table: &Table, expr: &Expr) -> Result<Expr> {
    let plan = optimize(&scan(table)?.project([expr.clone().alias("x")])?.build()?)?;
    match &plan {
        LogicalPlan::Projection(projection) => match projection.expr.as_slice() {
            [expr] => Ok(unqualified(expr)),
            _ => Err(Error::internal("a projection of one expression has others")),
        },
        _ => Ok(unqualified(expr)),
    }
}

impl Program {
    fn new(table: &Table, index: &Index, binder: &Binder<'_>) -> Result<Program> {
        let qualifier = TableReference::bare(RETURNING);
        let schema = DFSchema::try_from_qualified_schema(qualifier, &table.arrow_schema())?;
        let (mut expressions, mut values) = (Vec::new(), Vec::new());
        for expression in &index.expressions {
            let bound = binder.stored_index_expression(table, &expression.sql)?;
            values.push(RowExpr::compile(&bound, &schema)?);
            expressions.push(normal_expression(table, &bound)?);
        }
        let (mut predicate, mut condition) = (Vec::new(), None);
        if let Some(sql) = &index.predicate {
            let bound = binder.stored_index_predicate(table, sql)?;
            condition = Some(RowExpr::compile(&bound, &schema)?);
            predicate = normal_condition(table, &bound)?;
        }
        let uses = index.key_columns(table);
        let storage = index.storage;
        Ok(Program { storage, expressions, predicate, uses, values, condition })
    }

    /// Whether the index has all rows that fulfil these conditions, in the form of
    /// [`normal_condition`].
    pub fn is_implied_by(&self, given: &[Expr]) -> bool {
        implies(given, &self.predicate)
    }

    /// The values of a row's key columns; `None` if the index does not have the row.
    pub fn values(&self, index: &Index, row: &[Datum]) -> Result<Option<Row>> {
        if let Some(condition) = &self.condition
            && !condition.eval(row, &Alone)?.is_true()
        {
            return Ok(None);
        }
        let mut computed = self.values.iter();
        let values = index.columns.iter().map(|position| match index.expression(*position) {
            None => Ok(row.get(*position).cloned().unwrap_or(Datum::Null)),
            Some(_) => {
                let expr = computed.next();
                expr.ok_or_else(|| Error::internal("no such expression"))?.eval(row, &Alone)
            }
        });
        values.collect::<Result<Row>>().map(Some)
    }
}

/// Nothing around a row: what is immutable asks for nothing.
struct Alone;

impl Scope for Alone {
    fn parameter(&self, _: Parameter) -> Result<Datum> {
        Err(Error::internal("an expression of an index has a parameter"))
    }

    fn subplan(&self, _: &Arc<Subplan>, _: &[Datum]) -> Result<Datum> {
        Err(Error::internal("an expression of an index has a subquery"))
    }

    fn over_array(&self, over: &OverArray, row: &[Datum]) -> Result<Datum> {
        over.eval_alone(row, self)
    }
}
