//! FROM: tables, derived tables, functions and joins.

use datafusion::common::{Column, TableReference};
use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, LogicalPlanBuilder, lit};
use datafusion::sql::sqlparser::ast::{
    self, JoinConstraint, JoinOperator, TableFactor, TableWithJoins,
};

use super::locking::RangedKind;
use super::query::rename_columns;
use super::stored::Stored;
use super::{Binder, Bound, BoundQuery, Scope, ScopeColumn, column_of, fold, name_parts};
use crate::error::{Error, Result, SqlState};
use crate::relation::{Relation, Source};
use crate::types::{Datum, Type, TypeMod};

impl Binder<'_> {
    /// The product of all FROM items.
    pub(super) fn from(&self, items: &[TableWithJoins]) -> Result<(LogicalPlan, Scope)> {
        let mut result: Option<(LogicalPlan, Scope)> = None;
        for item in items {
            let (plan, scope) = self.joined(item)?;
            result = Some(match result {
                None => (plan, scope),
                Some((before, before_scope)) => {
                    let scope = both(before_scope, scope)?;
                    (LogicalPlanBuilder::new(before).cross_join(plan)?.build()?, scope)
                }
            });
        }
        Ok(match result {
            Some(result) => result,
            None => (LogicalPlanBuilder::empty(true).build()?, Scope::default()),
        })
    }

    fn joined(&self, item: &TableWithJoins) -> Result<(LogicalPlan, Scope)> {
        let first = self.ranged();
        let (mut plan, mut scope) = self.factor(&item.relation)?;
        for join in &item.joins {
            let middle = self.ranged();
            let (right, right_scope) = self.factor(&join.relation)?;
            let (fills_left, fills_right) = nullable_sides(&join.join_operator);
            if fills_left {
                self.make_nullable(first..middle);
            }
            if fills_right {
                self.make_nullable(middle..self.ranged());
            }
            (plan, scope) =
                self.nested(|| self.join(plan, scope, right, right_scope, &join.join_operator))?;
        }
        Ok((plan, scope))
    }

    fn join(
        &self,
        left: LogicalPlan,
        left_scope: Scope,
        right: LogicalPlan,
        right_scope: Scope,
        operator: &JoinOperator,
    ) -> Result<(LogicalPlan, Scope)> {
        let (join_type, constraint) = match operator {
            JoinOperator::Join(c) | JoinOperator::Inner(c) => (JoinType::Inner, c),
            JoinOperator::Left(c) | JoinOperator::LeftOuter(c) => (JoinType::Left, c),
            JoinOperator::Right(c) | JoinOperator::RightOuter(c) => (JoinType::Right, c),
            JoinOperator::FullOuter(c) => (JoinType::Full, c),
            JoinOperator::CrossJoin(_) => {
                let scope = both(left_scope, right_scope)?;
                return Ok((LogicalPlanBuilder::new(left).cross_join(right)?.build()?, scope));
            }
            _ => return Err(Error::unsupported("this kind of join")),
        };
        let using: Vec<String> = match constraint {
            JoinConstraint::Using(names) => {
                names.iter().filter_map(|name| name_parts(name).pop()).collect()
            }
            JoinConstraint::Natural => {
                let visible = left_scope.columns.iter().filter(|column| !column.merged_away);
                let shared = visible.filter(|column| {
                    right_scope.columns.iter().any(|c| !c.merged_away && c.name == column.name)
                });
                shared.map(|column| column.name.clone()).collect()
            }
            _ => Vec::new(),
        };
        let mut conditions = Vec::new();
        let mut merged = Vec::new();
        for name in &using {
            let (a, b) = (
                using_column(&left_scope, name, "left")?,
                using_column(&right_scope, name, "right")?,
            );
            self.note_column(a.origin);
            self.note_column(b.origin);
            let bound = |c: &ScopeColumn| Bound {
                expr: Expr::Column(c.column.clone()),
                ty: c.ty,
                position: None,
            };
            let equal =
                self.compare(bound(a), "=", datafusion::logical_expr::Operator::Eq, bound(b))?;
            conditions.push(equal.expr);
            merged.push((name.clone(), a.clone(), b.clone()));
        }
        let mut scope = both(left_scope, right_scope)?;
        if let JoinConstraint::On(condition) = constraint {
            let before = self.replace_scope(scope.clone());
            let _none = self.forbid("JOIN conditions");
            let bound = self.expr(condition).and_then(|c| self.expect_bool(c, "JOIN/ON"));
            self.replace_scope(before);
            conditions.push(bound?.expr);
        }
        if conditions.is_empty() {
            conditions.push(lit(true));
        }
        let mut plan =
            LogicalPlanBuilder::new(left).join_on(right, join_type, conditions)?.build()?;
        if !merged.is_empty() {
            (plan, scope) = self.merge_columns(plan, scope, merged, join_type)?;
        }
        Ok((plan, scope))
    }

    fn replace_scope(&self, scope: Scope) -> Scope {
        match self.levels.borrow_mut().last_mut() {
            Some(level) => std::mem::replace(&mut level.scope, scope),
            None => scope,
        }
    }

    /// USING: one column in place of two, in front of the others.
    fn merge_columns(
        &self,
        mut plan: LogicalPlan,
        mut scope: Scope,
        merged: Vec<(String, ScopeColumn, ScopeColumn)>,
        join_type: JoinType,
    ) -> Result<(LogicalPlan, Scope)> {
        let mut front = Vec::new();
        let mut computed = Vec::new();
        for (name, a, b) in merged {
            for column in &mut scope.columns {
                column.merged_away |= column.column == a.column || column.column == b.column;
            }
            let mut shown = if join_type == JoinType::Right { b.clone() } else { a.clone() };
            if join_type == JoinType::Full {
                let (a, b) = (Expr::Column(a.column), Expr::Column(b.column));
                let present = Expr::IsNotNull(Box::new(a.clone()));
                let pairs = vec![(Box::new(present), Box::new(a))];
                let unique = self.fresh("x");
                let either = Expr::Case(Case::new(None, pairs, Some(Box::new(b))));
                computed.push(either.alias(&unique));
                shown.column = Column::new_unqualified(unique);
            }
            front.push(ScopeColumn { name, merged_away: false, relation: String::new(), ..shown });
        }
        if !computed.is_empty() {
            let all = plan.schema().columns().into_iter().map(Expr::Column).chain(computed);
            let all = all.collect::<Vec<_>>();
            plan = LogicalPlanBuilder::new(plan).project(all)?.build()?;
        }
        front.append(&mut scope.columns);
        Ok((plan, Scope { columns: front }))
    }

    fn factor(&self, factor: &TableFactor) -> Result<(LogicalPlan, Scope)> {
        match factor {
            TableFactor::Table { name, alias, args: None, sample: None, version: None, .. } => {
                let position = self.position_of(name);
                let (schema, table) =
                    super::relation_name(name).map_err(|error| error.at(position))?;
                self.named_relation(schema.as_deref(), &table, alias.as_ref(), position)
            }
            TableFactor::Table {
                name, alias, args: Some(args), with_ordinality: false, ..
            } => self.table_function(name, &args.args, alias.as_ref()),
            TableFactor::Function { lateral: false, name, args, alias, with_ordinality: false } => {
                self.table_function(name, args, alias.as_ref())
            }
            TableFactor::Derived { lateral: false, subquery, alias, sample: None } => {
                let Some(alias) = alias else {
                    return Err(Error::new(
                        SqlState::SyntaxError,
                        "subquery in FROM must have an alias",
                    )
                    .hint("For example, FROM (SELECT ...) [AS] foo.")
                    .at(self.position_of(&**subquery)));
                };
                let mut query = self.nested(|| self.query(subquery))?;
                let types = query.columns.iter().map(|column| match column.ty.kind {
                    Type::Unknown => TypeMod::plain(Type::Text),
                    _ => column.ty,
                });
                let types = types.collect::<Vec<_>>();
                query = self.cast_outputs(query, &types)?;
                rename_columns(&mut query, alias)?;
                let name = fold(&alias.name);
                self.range_over(&name, RangedKind::Subquery);
                self.derived(&name, query)
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                self.nested(|| self.joined(table_with_joins))
            }
            TableFactor::Derived { lateral: true, .. } => Err(Error::unsupported("LATERAL")),
            other => Err(Error::unsupported(format!("FROM item {other}"))),
        }
    }

    /// A query as a relation.
    pub(super) fn derived(&self, name: &str, query: BoundQuery) -> Result<(LogicalPlan, Scope)> {
        let unique = self.fresh("t");
        let plan = LogicalPlanBuilder::new(query.plan)
            .alias(TableReference::bare(unique.as_str()))?
            .build()?;
        let columns = plan.schema().columns();
        let columns = query.columns.into_iter().zip(columns).map(|(output, column)| ScopeColumn {
            relation: name.to_owned(),
            name: output.name,
            column,
            ty: output.ty,
            merged_away: false,
            origin: output.origin,
        });
        Ok((plan, Scope { columns: columns.collect() }))
    }

    /// A table, WITH query or system relation by name.
    pub(super) fn named_relation(
        &self,
        schema: Option<&str>,
        name: &str,
        alias: Option<&ast::TableAlias>,
        position: Option<usize>,
    ) -> Result<(LogicalPlan, Scope)> {
        let shown = alias.map_or(name.to_owned(), |alias| fold(&alias.name));
        if schema.is_none() {
            let tables = self.common_tables.borrow();
            let found = tables.iter().rev().find(|table| table.name == name).cloned();
            drop(tables);
            if let Some(found) = found {
                let mut query = found.query;
                // Another use of the same plan needs names of its own.
                let renamed = query.plan.schema().columns().into_iter();
                let renamed = renamed.map(|column| Expr::Column(column).alias(self.fresh("x")));
                let renamed = renamed.collect::<Vec<_>>();
                query.plan = LogicalPlanBuilder::new(query.plan).project(renamed)?.build()?;
                if let Some(alias) = alias {
                    rename_columns(&mut query, alias)?;
                }
                self.range_over(&shown, RangedKind::CommonTable);
                return self.derived(&shown, query);
            }
        }
        let (relation, mut columns) = match crate::system::find(schema, name) {
            Some(relation) => {
                let columns = relation.columns.iter();
                let columns =
                    columns.map(|(name, kind)| ((*name).to_owned(), TypeMod::plain(*kind), None));
                (Relation::new(Source::System(relation)), columns.collect::<Vec<_>>())
            }
            None => {
                let found = self.stored(schema, name).map_err(|error| error.at(position))?;
                let (table, names) = match found {
                    (Stored::Table(table), names) => (table, names),
                    (Stored::View(view), _) => return self.view_relation(&view, &shown, alias),
                    (Stored::Sequence(sequence), _) => {
                        return self.sequence_relation(&sequence, &shown, alias);
                    }
                };
                self.note_table(&table);
                let columns = names.into_iter().filter_map(|(index, name)| {
                    let kind = table.columns.get(index)?.kind();
                    Some((name, kind, Some((table.id, index as i16 + 1))))
                });
                let columns = columns.collect();
                (Relation::new(Source::Table(table)), columns)
            }
        };
        if let Some(alias) = alias {
            for (column, name) in columns.iter_mut().zip(&alias.columns) {
                column.0 = fold(&name.name);
            }
        }
        let unique = self.fresh("t");
        let kind = match &relation.source {
            Source::Table(table) => RangedKind::Table(table.clone(), unique.clone()),
            _ => RangedKind::System,
        };
        self.range_over(&shown, kind);
        let plan = LogicalPlanBuilder::scan(TableReference::bare(unique.as_str()), relation, None)?;
        let columns = columns.into_iter().enumerate().map(|(index, (name, ty, origin))| {
            let index = origin.map_or(index, |(_, number): (u32, i16)| number as usize - 1);
            ScopeColumn {
                relation: shown.clone(),
                name,
                column: column_of(&unique, &format!("c{index}")),
                ty,
                merged_away: false,
                origin,
            }
        });
        Ok((plan.build()?, Scope { columns: columns.collect() }))
    }

    fn table_function(
        &self,
        name: &ast::ObjectName,
        args: &[ast::FunctionArg],
        alias: Option<&ast::TableAlias>,
    ) -> Result<(LogicalPlan, Scope)> {
        let function = name_parts(name).pop().unwrap_or_default();
        if function != "generate_series" {
            return Err(Error::unsupported(format!("function {function} in FROM")));
        }
        let mut bound = Vec::new();
        for arg in args {
            let ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) = arg else {
                return Err(Error::unsupported("this argument"));
            };
            bound.push(self.expr(expr)?);
        }
        let narrow =
            bound.iter().all(|b| matches!(b.kind(), Type::Int2 | Type::Int4 | Type::Unknown));
        if !matches!(bound.len(), 2 | 3) {
            return Err(super::call::no_function("generate_series", &[]));
        }
        let integers =
            |b: &Bound| matches!(b.kind(), Type::Int2 | Type::Int4 | Type::Int8 | Type::Unknown);
        if !bound.iter().all(integers) {
            return Err(Error::unsupported("generate_series over this type"));
        }
        let mut exprs = Vec::new();
        for arg in bound {
            let expr = self.implicit(arg, Type::Int8)?.expr;
            if expr.any_column_refs() {
                return Err(Error::unsupported("LATERAL"));
            }
            exprs.push(expr);
        }
        if exprs.len() == 2 {
            exprs.push(self.literal(&Datum::Int64(1), Type::Int8)?.expr);
        }
        let relation = Relation::new(Source::Series(exprs));
        let unique = self.fresh("t");
        let plan = LogicalPlanBuilder::scan(TableReference::bare(unique.as_str()), relation, None)?;
        let mut plan = plan.build()?;
        let mut column = column_of(&unique, "c0");
        if narrow {
            let input = Bound::new(Expr::Column(column), Type::Int8);
            let target = TypeMod::plain(Type::Int4);
            let cast = self.explicit_cast(input, target)?;
            let name = self.fresh("x");
            plan = LogicalPlanBuilder::new(plan).project(vec![cast.expr.alias(&name)])?.build()?;
            column = Column::new_unqualified(name);
        }
        let relation = alias.map_or("generate_series".to_owned(), |alias| fold(&alias.name));
        self.range_over(&relation, RangedKind::Function);
        let listed = alias.and_then(|alias| alias.columns.first()).map(|column| fold(&column.name));
        let name = listed.unwrap_or_else(|| relation.clone());
        let kind = if narrow { Type::Int4 } else { Type::Int8 };
        let column = ScopeColumn {
            relation,
            name,
            column,
            ty: TypeMod::plain(kind),
            merged_away: false,
            origin: None,
        };
        Ok((plan, Scope { columns: vec![column] }))
    }
}

/// Whether a join may give NULLs in place of its left side's rows, and of its right side's.
fn nullable_sides(operator: &JoinOperator) -> (bool, bool) {
    match operator {
        JoinOperator::Left(_) | JoinOperator::LeftOuter(_) => (false, true),
        JoinOperator::Right(_) | JoinOperator::RightOuter(_) => (true, false),
        JoinOperator::FullOuter(_) => (true, true),
        _ => (false, false),
    }
}

fn using_column<'s>(scope: &'s Scope, name: &str, side: &str) -> Result<&'s ScopeColumn> {
    let mut found =
        scope.columns.iter().filter(|column| column.name == name && !column.merged_away);
    match (found.next(), found.next()) {
        (Some(column), None) => Ok(column),
        (Some(_), Some(_)) => Err(Error::new(
            SqlState::AmbiguousColumn,
            format!("common column name \"{name}\" appears more than once in {side} table"),
        )),
        (None, _) => Err(Error::new(
            SqlState::UndefinedColumn,
            format!("column \"{name}\" specified in USING clause does not exist in {side} table"),
        )),
    }
}

/// Both sides' columns; a relation name may occur once.
fn both(mut left: Scope, right: Scope) -> Result<Scope> {
    let clash = right.columns.iter().find(|column| {
        !column.relation.is_empty() && left.columns.iter().any(|l| l.relation == column.relation)
    });
    if let Some(column) = clash {
        return Err(Error::new(
            SqlState::DuplicateAlias,
            format!("table name \"{}\" specified more than once", column.relation),
        ));
    }
    left.columns.extend(right.columns);
    Ok(left)
}
