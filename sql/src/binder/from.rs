//! FROM: tables, derived tables, functions and joins.

use datafusion::common::{Column, TableReference};
use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, LogicalPlanBuilder, lit};
use datafusion::sql::sqlparser::ast::{
    self, JoinConstraint, JoinOperator, TableFactor, TableWithJoins,
};

use super::expr::common_type;
use super::locking::RangedKind;
use super::query::rename_columns;
use super::stored::Stored;
use super::{Binder, Bound, BoundQuery, Scope, ScopeColumn, column_of, fold, name_parts};
use crate::error::{Error, Result, SqlState};
use crate::parser::forms::{MERGED_AS, NATURAL};
use crate::relation::{Relation, Source};
use crate::types::{Type, TypeMod};

/// An item of FROM.
pub(super) struct Item {
    pub(super) plan: LogicalPlan,
    pub(super) scope: Scope,
    /// Columns of the items to its left that it uses, and the slots that they go to.
    pub(super) laterals: Vec<(usize, Expr)>,
}

impl Item {
    fn plain((plan, scope): (LogicalPlan, Scope)) -> Item {
        Item { plan, scope, laterals: Vec::new() }
    }
}

impl Binder<'_> {
    /// The product of all FROM items.
    pub(super) fn from(&self, items: &[TableWithJoins]) -> Result<(LogicalPlan, Scope)> {
        let mut result: Option<Item> = None;
        for item in items {
            let right = self.joined(item)?;
            let left = match result {
                None => right,
                Some(left) => self.product(left, right)?,
            };
            self.put_beside(0, &left.scope, false);
            result = Some(left);
        }
        self.put_beside(0, &Scope::default(), false);
        Ok(match result {
            Some(Item { plan, scope, .. }) => (plan, scope),
            None => (LogicalPlanBuilder::empty(true).build()?, Scope::default()),
        })
    }

    fn joined(&self, item: &TableWithJoins) -> Result<Item> {
        let first = self.ranged();
        let outside = self.count_beside();
        let mut left = self.factor(&item.relation)?;
        for join in &item.joins {
            let middle = self.ranged();
            let (fills_left, fills_right) = nullable_sides(&join.join_operator);
            self.put_beside(outside, &left.scope, fills_left);
            let right = self.factor(&join.relation)?;
            self.put_beside(outside, &Scope::default(), false);
            if fills_left {
                self.make_nullable(first..middle);
            }
            if fills_right {
                self.make_nullable(middle..self.ranged());
            }
            left = self.nested(|| self.join(left, right, &join.join_operator))?;
        }
        Ok(left)
    }

    fn product(&self, left: Item, right: Item) -> Result<Item> {
        let scope = both(left.scope.clone(), right.scope.clone())?;
        self.combine(left, right, scope, JoinType::Inner, Vec::new())
    }

    fn join(&self, left: Item, right: Item, operator: &JoinOperator) -> Result<Item> {
        let (join_type, constraint) = match operator {
            JoinOperator::Join(c) | JoinOperator::Inner(c) => (JoinType::Inner, c),
            JoinOperator::Left(c) | JoinOperator::LeftOuter(c) => (JoinType::Left, c),
            JoinOperator::Right(c) | JoinOperator::RightOuter(c) => (JoinType::Right, c),
            JoinOperator::FullOuter(c) => (JoinType::Full, c),
            JoinOperator::CrossJoin(_) => return self.product(left, right),
            _ => return Err(Error::unsupported("this kind of join")),
        };
        // The name of what is merged.
        let mut merged_as = None;
        let is_natural = |names: &[ast::ObjectName]| match names {
            [only] => name_parts(only).as_slice() == [NATURAL],
            _ => false,
        };
        let using: Vec<String> = match constraint {
            JoinConstraint::Using(names) if !is_natural(names) => {
                let mut columns: Vec<String> =
                    names.iter().filter_map(|name| name_parts(name).pop()).collect();
                if let Some(name) = columns.last().and_then(|last| last.strip_prefix(MERGED_AS)) {
                    merged_as = Some(name.to_owned());
                    columns.pop();
                }
                columns
            }
            JoinConstraint::Using(_) | JoinConstraint::Natural => {
                let listed = |column: &&ScopeColumn| !column.merged_away && !column.unlisted;
                let visible = left.scope.columns.iter().filter(listed);
                let shared = visible.filter(|column| {
                    right.scope.columns.iter().any(|c| !c.merged_away && c.name == column.name)
                });
                shared.map(|column| column.name.clone()).collect()
            }
            _ => Vec::new(),
        };
        let mut conditions = Vec::new();
        let mut merged = Vec::new();
        for name in &using {
            let (a, b) = (
                using_column(&left.scope, name, "left")?,
                using_column(&right.scope, name, "right")?,
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
        let scope = both(left.scope.clone(), right.scope.clone())?;
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
        let Item { plan, scope, laterals } =
            self.combine(left, right, scope, join_type, conditions)?;
        if merged.is_empty() {
            return Ok(Item { plan, scope, laterals });
        }
        let (plan, mut scope) = self.merge_columns(plan, scope, merged, join_type)?;
        if let Some(relation) = merged_as {
            if scope.columns.iter().any(|column| column.relation == relation) {
                let message = format!("table name \"{relation}\" specified more than once");
                return Err(Error::new(SqlState::DuplicateAlias, message));
            }
            self.range_over(&relation, RangedKind::Join);
            let merged: Vec<ScopeColumn> =
                scope.columns.iter().take(using.len()).cloned().collect();
            scope.columns.extend(merged.into_iter().map(|column| ScopeColumn {
                relation: relation.clone(),
                merged_away: true,
                ..column
            }));
        }
        Ok(Item { plan, scope, laterals })
    }

    pub(super) fn replace_scope(&self, scope: Scope) -> Scope {
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
            let ty = common_type(&[a.ty, b.ty], "JOIN/USING", &[None, None])?;
            // Of an inner join, the one that needs no conversion.
            let takes_right = match join_type {
                JoinType::Right => true,
                JoinType::Inner => a.ty != ty && b.ty == ty,
                _ => false,
            };
            let mut shown = if takes_right { b.clone() } else { a.clone() };
            if join_type == JoinType::Full || shown.ty != ty {
                let converted = |column: &ScopeColumn| {
                    let expr = Expr::Column(column.column.clone());
                    let bound = Bound { expr, ty: column.ty, position: None };
                    match column.ty == ty {
                        true => Ok(bound),
                        false => self.implicit(bound, ty.kind),
                    }
                };
                let mut value = converted(&shown)?.expr;
                if join_type == JoinType::Full {
                    let present = Expr::IsNotNull(Box::new(value.clone()));
                    let pairs = vec![(Box::new(present), Box::new(value))];
                    value = Expr::Case(Case::new(None, pairs, Some(Box::new(converted(&b)?.expr))));
                }
                let unique = self.fresh("x");
                computed.push(value.alias(&unique));
                shown.column = Column::new_unqualified(unique);
                shown.ty = ty;
                shown.origin = None;
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

    fn factor(&self, factor: &TableFactor) -> Result<Item> {
        if let Some(functions) = self.functions_of(factor)? {
            return self.table_functions(functions);
        }
        match factor {
            TableFactor::Table { name, alias, args: None, sample, version: None, .. } => {
                let position = self.position_of(name);
                let (schema, table) =
                    super::relation_name(name).map_err(|error| error.at(position))?;
                let (mut plan, scope) =
                    self.named_relation(schema.as_deref(), &table, alias.as_ref(), position)?;
                if let Some(sample) = sample {
                    plan = self.sampled(plan, sample, position)?;
                }
                Ok(Item::plain((plan, scope)))
            }
            TableFactor::Derived { lateral, subquery, alias, sample: None } => {
                let Some(alias) = alias else {
                    return Err(Error::new(
                        SqlState::SyntaxError,
                        "subquery in FROM must have an alias",
                    )
                    .hint("For example, FROM (SELECT ...) [AS] foo.")
                    .at(self.position_before(&**subquery, &["("])));
                };
                let bind = || self.nested(|| self.query(subquery));
                let (mut query, laterals) = match lateral {
                    true => self.beside("FROM clause of their own query level", bind)?,
                    false => (bind()?, Vec::new()),
                };
                let types = query.columns.iter().map(|column| match column.ty.kind {
                    Type::Unknown => TypeMod::plain(Type::Text),
                    _ => column.ty,
                });
                let types = types.collect::<Vec<_>>();
                query = self.cast_outputs(query, &types)?;
                rename_columns(&mut query, alias)?;
                let name = fold(&alias.name);
                self.range_over(&name, RangedKind::Derived);
                let (plan, scope) = self.derived(&name, query)?;
                Ok(Item { plan, scope, laterals })
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                let mut item = self.nested(|| self.joined(table_with_joins))?;
                if let Some(alias) = alias {
                    item.scope = self.covered(item.scope, alias)?;
                    self.range_over(&fold(&alias.name), RangedKind::Join);
                }
                Ok(item)
            }
            TableFactor::Derived { sample: Some(_), subquery, .. } => {
                let message = "syntax error at or near \"TABLESAMPLE\"";
                let at = self.position_behind(&**subquery, &["TABLESAMPLE"]);
                Err(Error::new(SqlState::SyntaxError, message).at(at))
            }
            other => Err(Error::unsupported(format!("FROM item {other}"))),
        }
    }

    /// The columns of a join that has a name, which is all that names find of it.
    fn covered(&self, scope: Scope, alias: &ast::TableAlias) -> Result<Scope> {
        let (listed, covered): (Vec<_>, Vec<_>) = (
            scope.columns.iter().filter(|c| !c.merged_away && !c.unlisted).cloned().collect(),
            scope.columns,
        );
        super::query::check_alias(alias, "join expression", listed.len())?;
        if let Some(level) = self.levels.borrow_mut().last_mut() {
            level.covered.columns.extend(covered);
        }
        let relation = fold(&alias.name);
        let names = alias.columns.iter().map(Some).chain(std::iter::repeat(None));
        let columns = listed.into_iter().zip(names).map(|(column, name)| ScopeColumn {
            relation: relation.clone(),
            name: name.map_or(column.name, |name| fold(&name.name)),
            ..column
        });
        Ok(Scope { columns: columns.collect() })
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
            unlisted: false,
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
                if found.gives_nothing {
                    let message = format!("WITH query \"{name}\" does not have a RETURNING clause");
                    return Err(Error::new(SqlState::FeatureNotSupported, message).at(position));
                }
                return self.common_relation(found, &shown, alias);
            }
        }
        // Behind these are system columns.
        let mut listed = usize::MAX;
        let (relation, mut columns) = match crate::system::find(schema, name) {
            Some(relation) => {
                if let crate::system::Content::Query(query) = relation.content {
                    self.range_over(&shown, RangedKind::System);
                    return self.system_view(relation, query, &shown, alias);
                }
                let columns = relation.all_columns();
                let columns =
                    columns.map(|(name, kind)| (name.to_owned(), TypeMod::plain(kind), None));
                listed = relation.columns.len();
                (Relation::new(Source::System(relation)), columns.collect::<Vec<_>>())
            }
            None => {
                let found = self.stored(schema, name).map_err(|error| match schema {
                    None => self.with_later_tables(name, error).at(position),
                    Some(_) => error.at(position),
                })?;
                let (table, names) = match found {
                    (Stored::Table(table), names) => (table, names),
                    (Stored::View(view), _) => return self.view_relation(&view, &shown, alias),
                    (Stored::Sequence(sequence), _) => {
                        return self.sequence_relation(&sequence, &shown, alias);
                    }
                };
                self.check_populated(&table)?;
                self.note_table(&table);
                let columns = names.into_iter().filter_map(|(index, name)| {
                    let kind = table.columns.get(index)?.declared();
                    Some((name, kind, Some((table.id, index as i16 + 1))))
                });
                let columns = columns.collect();
                (Relation::of_table(table, self.settings.hints()), columns)
            }
        };
        if let Some(alias) = alias {
            super::query::check_alias(alias, "table", columns.len().min(listed))?;
            for (column, name) in columns.iter_mut().take(listed).zip(&alias.columns) {
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
            let unlisted = index >= listed;
            let index = origin.map_or(index, |(_, number): (u32, i16)| number as usize - 1);
            ScopeColumn {
                relation: shown.clone(),
                name,
                column: column_of(&unique, &format!("c{index}")),
                ty,
                merged_away: false,
                unlisted,
                origin,
            }
        });
        Ok((plan.build()?, Scope { columns: columns.collect() }))
    }
}

/// Whether a join may give NULLs in place of its left side's rows, and of its right side's.
pub(super) fn nullable_sides(operator: &JoinOperator) -> (bool, bool) {
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
pub(super) fn both(mut left: Scope, right: Scope) -> Result<Scope> {
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
