//! WITH: queries that others read by name.
//!
//! One that always gives the same rows becomes part of each plan that reads it, unless MATERIALIZED
//! asks for more. All others are run by themselves ([`Common`]), recursive ones always.

use std::sync::Arc;

use datafusion::common::TableReference;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{self, CteAsMaterialized, Query, SetExpr, SetQuantifier};

use super::expr::common_type;
use super::locking::RangedKind;
use super::query::rename_columns;
use super::recursion;
use super::search_cycle::Clauses;
use super::{Binder, BoundQuery, Level, OutputColumn, Scope, ScopeColumn, column_of, fold};
use crate::error::{Error, Result, SqlState};
use crate::plan_walk::is_volatile;
use crate::relation::{Common, Recursion, Relation, Source, WorkingTable};
use crate::types::{Type, TypeMod};

/// A WITH query.
#[derive(Clone)]
pub(super) struct CommonTable {
    pub(super) name: String,
    columns: Vec<OutputColumn>,
    rows: CommonRows,
    /// The number of levels around it.
    depth: usize,
    /// Whether it changes rows and has no RETURNING: it cannot be read.
    pub(super) gives_nothing: bool,
}

impl CommonTable {
    /// One whose plan is part of the plans that read it.
    pub(super) fn inline(name: String, query: BoundQuery, gives_nothing: bool) -> CommonTable {
        let BoundQuery { plan, columns } = query;
        CommonTable { name, columns, rows: CommonRows::Inline(plan), depth: 0, gives_nothing }
    }
}

/// Where the rows of a WITH query come from.
#[derive(Clone)]
enum CommonRows {
    /// Its plan is part of the plans that read it.
    Inline(LogicalPlan),
    /// It is run by itself.
    Kept(Arc<Common>),
    /// It is being bound, and this is its recursive term. Stars stand for so many columns.
    Working(Arc<WorkingTable>, usize),
}

impl Binder<'_> {
    /// Binds WITH queries; they stay in sight.
    pub fn bind_with(&self, with: &Option<ast::With>) -> Result<()> {
        let at_top = self.at_top.replace(false);
        let Some(with) = with else { return Ok(()) };
        let mut names: Vec<String> = Vec::new();
        for cte in &with.cte_tables {
            let name = fold(&cte.alias.name);
            if names.contains(&name) {
                return Err(Error::new(
                    SqlState::DuplicateAlias,
                    format!("WITH query name \"{name}\" specified more than once"),
                )
                .at(self.position(cte.alias.name.span)));
            }
            names.push(name);
        }
        if with.recursive {
            for index in self.order_of_binding(with, &names)? {
                if let Some(cte) = with.cte_tables.get(index) {
                    self.bind_common(cte, true, at_top)?;
                }
            }
            return Ok(());
        }
        let before = self.later_tables.borrow().len();
        self.later_tables.borrow_mut().extend(names.into_iter().rev());
        let bound = with.cte_tables.iter().try_for_each(|cte| {
            self.bind_common(cte, false, at_top)?;
            self.later_tables.borrow_mut().pop();
            Ok(())
        });
        self.later_tables.borrow_mut().truncate(before);
        bound
    }

    /// An order in which each query comes behind those that it reads.
    fn order_of_binding(&self, with: &ast::With, names: &[String]) -> Result<Vec<usize>> {
        let queries = with.cte_tables.iter();
        let mut reads: Vec<Vec<usize>> =
            queries.map(|cte| recursion::read_by(&cte.query, names)).collect();
        for (index, reads) in reads.iter_mut().enumerate() {
            reads.retain(|other| *other != index);
        }
        let mut order: Vec<usize> = Vec::new();
        let mut left: Vec<usize> = (0..names.len()).collect();
        while !left.is_empty() {
            let ready = left.iter().position(|index| {
                reads.get(*index).is_none_or(|reads| !reads.iter().any(|read| left.contains(read)))
            });
            let Some(at) = ready else {
                let first = left.first().and_then(|index| with.cte_tables.get(*index));
                let message = "mutual recursion between WITH items is not implemented";
                return Err(Error::new(SqlState::FeatureNotSupported, message)
                    .at(first.and_then(|cte| self.position(cte.alias.name.span))));
            };
            order.push(left.remove(at));
        }
        Ok(order)
    }

    fn bind_common(&self, cte: &ast::Cte, may_recur: bool, at_top: bool) -> Result<()> {
        let name = fold(&cte.alias.name);
        let recurs =
            may_recur && !recursion::read_by(&cte.query, std::slice::from_ref(&name)).is_empty();
        let (clauses, plain) = self.clauses_of(cte).unzip();
        if clauses.is_some() && !recurs {
            return Err(Error::new(SqlState::SyntaxError, "WITH query is not recursive")
                .at(self.position(cte.alias.name.span)));
        }
        let cte = plain.as_ref().unwrap_or(cte);
        if let Some(changing) = self.changing_table(cte, may_recur, at_top)? {
            self.common_tables.borrow_mut().push(changing);
            return Ok(());
        }
        let depth = self.levels.borrow().len();
        self.levels.borrow_mut().push(Level::default());
        let bound = self.nested(|| match recurs {
            true => self.recursive(&name, cte, clauses),
            false => self.not_recursive(&name, cte),
        });
        let level = self.levels.borrow_mut().pop();
        if level.is_some_and(|level| !level.captured.is_empty()) {
            return Err(Error::internal("a WITH query has captured columns"));
        }
        let (columns, rows) = bound?;
        let table = CommonTable { name, columns, rows, depth, gives_nothing: false };
        self.common_tables.borrow_mut().push(table);
        Ok(())
    }

    pub(super) fn check_columns(&self, cte: &ast::Cte, available: usize) -> Result<()> {
        let listed = cte.alias.columns.len();
        if listed <= available {
            return Ok(());
        }
        Err(Error::new(
            SqlState::InvalidColumnReference,
            format!(
                "WITH query \"{}\" has {available} columns available but {listed} columns specified",
                fold(&cte.alias.name)
            ),
        )
        .at(self.position(cte.alias.name.span)))
    }

    fn not_recursive(&self, name: &str, cte: &ast::Cte) -> Result<(Vec<OutputColumn>, CommonRows)> {
        let bound = self.query(&cte.query)?;
        let mut query = self.settle_outputs(bound)?;
        self.check_columns(cte, query.columns.len())?;
        rename_columns(&mut query, &cte.alias)?;
        let BoundQuery { plan, columns } = query;
        let by_itself = match cte.materialized {
            Some(CteAsMaterialized::Materialized) => true,
            Some(CteAsMaterialized::NotMaterialized) | None => false,
        };
        if !by_itself && !is_volatile(&plan)? {
            return Ok((columns, CommonRows::Inline(plan)));
        }
        let kinds = columns.iter().map(|column| column.ty.kind).collect();
        let common = Common::new(name.to_owned(), plan, None, kinds);
        Ok((columns, CommonRows::Kept(Arc::new(common))))
    }

    /// A query that reads itself: the columns have the types of its first term.
    fn recursive(
        &self,
        name: &str,
        cte: &ast::Cte,
        clauses: Option<Clauses>,
    ) -> Result<(Vec<OutputColumn>, CommonRows)> {
        let query = recursion::unwrapped(&cte.query);
        self.check_recursion(name, cte.alias.name.span, query)?;
        let SetExpr::SetOperation { left, right, set_quantifier, .. } = &*query.body else {
            return Err(Error::internal("a recursive query without terms"));
        };
        let tables = self.common_tables.borrow().len();
        self.bind_with(&query.with)?;
        if clauses.is_some() {
            self.check_first_term(left)?;
        }
        let mut first = self.settle_outputs(self.set_expr(left)?)?;
        self.check_columns(cte, first.columns.len())?;
        let mut columns = first.columns.clone();
        for (column, listed) in columns.iter_mut().zip(&cte.alias.columns) {
            column.name = fold(&listed.name);
        }
        let listed = columns.len();
        let added = clauses.map(|clauses| self.added_by(clauses, &columns)).transpose()?;
        if let Some(added) = &added {
            first = self.first_with(first, added)?;
            columns.extend(added.columns.iter().cloned());
        }
        let kinds: Vec<Type> = columns.iter().map(|column| column.ty.kind).collect();
        let id = self.fresh_slot();
        let working = WorkingTable { name: name.to_owned(), id, columns: kinds.clone() };
        self.common_tables.borrow_mut().push(CommonTable {
            name: name.to_owned(),
            columns: columns.clone(),
            rows: CommonRows::Working(Arc::new(working), listed),
            depth: self.levels.borrow().len(),
            gives_nothing: false,
        });
        let second = match &added {
            Some(added) => {
                self.longer_term(right, name, added).and_then(|right| self.set_expr(&right))
            }
            None => self.set_expr(right),
        };
        self.common_tables.borrow_mut().truncate(tables);
        let second = second?;
        if second.columns.len() != columns.len() {
            return Err(Error::new(
                SqlState::SyntaxError,
                "each UNION query must have the same number of columns",
            )
            .at(second.columns.first().and_then(|column| column.position)));
        }
        for (index, (a, b)) in first.columns.iter().zip(&second.columns).enumerate() {
            let overall = common_type(&[a.ty, b.ty], "UNION", &[a.position, b.position])?;
            let is_record = matches!(overall.kind, Type::Record | Type::RecordArray);
            if overall != a.ty && !(is_record && overall.kind == a.ty.kind) {
                return Err(Error::new(
                    SqlState::DatatypeMismatch,
                    format!(
                        "recursive query \"{name}\" column {} has type {} in non-recursive term but type {} overall",
                        index + 1,
                        a.ty.display(),
                        overall.display()
                    ),
                )
                .hint("Cast the output of the non-recursive term to the correct type.")
                .at(a.position));
            }
        }
        let types: Vec<TypeMod> = columns.iter().map(|column| column.ty).collect();
        let mut second = self.cast_outputs(second, &types)?;
        if let Some(added) = &added {
            second = self.second_with(second, added)?;
        }
        let distinct = !matches!(set_quantifier, SetQuantifier::All);
        let recursion = Recursion { term: second.plan, id, distinct };
        let common = Common::new(name.to_owned(), first.plan, Some(recursion), kinds);
        for column in &mut columns {
            column.origin = None;
        }
        Ok((columns, CommonRows::Kept(Arc::new(common))))
    }

    /// A WITH query as an item of FROM.
    pub(super) fn common_relation(
        &self,
        table: CommonTable,
        shown: &str,
        alias: Option<&ast::TableAlias>,
    ) -> Result<(LogicalPlan, Scope)> {
        self.range_over(shown, RangedKind::CommonTable);
        let CommonTable { columns, rows, depth, .. } = table;
        let mut query = BoundQuery { plan: LogicalPlan::default(), columns };
        if let Some(alias) = alias {
            rename_columns(&mut query, alias)?;
        }
        let mut listed = usize::MAX;
        let source = match rows {
            CommonRows::Inline(plan) => {
                // Another use of the same plan needs names of its own.
                let renamed = plan.schema().columns().into_iter();
                let renamed = renamed.map(|column| Expr::Column(column).alias(self.fresh("x")));
                let renamed = renamed.collect::<Vec<_>>();
                query.plan = LogicalPlanBuilder::new(plan).project(renamed)?.build()?;
                return self.derived(shown, query);
            }
            CommonRows::Kept(common) => {
                let levels = self.levels.borrow();
                common.refer(levels.iter().skip(depth).any(|level| level.repeats));
                Source::Common(common)
            }
            CommonRows::Working(working, count) => {
                listed = count;
                if let Some(level) = self.levels.borrow_mut().last_mut() {
                    level.reads_working = true;
                }
                Source::Working(working)
            }
        };
        let unique = self.fresh("t");
        let name = TableReference::bare(unique.as_str());
        let plan = LogicalPlanBuilder::scan(name, Relation::new(source), None)?.build()?;
        let columns = query.columns.into_iter().enumerate().map(|(index, column)| ScopeColumn {
            relation: shown.to_owned(),
            name: column.name,
            column: column_of(&unique, &Relation::column_of_common(index)),
            ty: column.ty,
            merged_away: false,
            unlisted: index >= listed,
            origin: column.origin,
        });
        Ok((plan, Scope { columns: columns.collect() }))
    }

    /// The error that no relation has a name, if a WITH query of that name follows.
    pub(super) fn with_later_tables(&self, name: &str, error: Error) -> Error {
        if !self.later_tables.borrow().iter().any(|later| later == name) {
            return error;
        }
        error
            .detail(format!(
                "There is a WITH item named \"{name}\", but it cannot be referenced from this part of the query."
            ))
            .hint("Use WITH RECURSIVE, or re-order the WITH items to remove forward references.")
    }
}

/// The query that a WITH query is, without parentheses that have no clauses of their own.
pub(super) fn strip(query: &Query) -> &Query {
    match &*query.body {
        SetExpr::Query(inner)
            if query.with.is_none()
                && query.order_by.is_none()
                && query.limit_clause.is_none()
                && query.fetch.is_none()
                && query.locks.is_empty() =>
        {
            strip(inner)
        }
        _ => query,
    }
}
