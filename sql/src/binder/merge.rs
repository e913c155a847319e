//! MERGE. Its source query is the join of the data source with the table, an outer one if there is something to
//! do for rows without a match. What to do with a row of it is settled one row at a time: conditions and
//! values of the clauses are expressions over the source query, evaluated only where they are needed.

use datafusion::common::DFSchema;
use datafusion::logical_expr::{Expr, JoinType, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{
    self, MergeClauseKind, MergeInsertKind, TableFactor, TableWithJoins,
};

use super::dml::{Assignments, BoundModify, ColumnSource, Operation, is_default, wrong_count};
use super::from::both;
use super::joined_change::note_columns;
use super::updatable::Change;
use super::{Binder, Level, Scope};
use crate::catalog::Table;
use crate::error::{Error, Result, SqlState};
use crate::parser::change;

/// A WHEN clause.
#[derive(Clone, Debug)]
pub struct MergeWhen {
    /// Whether it is for rows with a match.
    pub matched: bool,
    /// AND.
    pub condition: Option<Expr>,
    /// THEN.
    pub action: MergeAction,
}

/// What a WHEN clause does.
#[derive(Clone, Debug)]
pub enum MergeAction {
    /// DO NOTHING.
    Nothing,
    /// Remove the row of the table.
    Delete,
    /// Change it.
    Update(Assignments),
    /// Add one made of these, of which none is an input.
    Insert(Vec<ColumnSource>),
}

impl Binder<'_> {
    /// Binds MERGE.
    pub fn merge(&self, merge: &ast::Merge) -> Result<BoundModify> {
        if !merge.into {
            return Err(self.unexpected(self.position_of(&merge.table)));
        }
        if let Some(output) = &merge.output {
            let (ast::OutputClause::Output { output_token: token, .. }
            | ast::OutputClause::Returning { returning_token: token, .. }) = output;
            return Err(self.unexpected(self.position(token.0.span)));
        }
        if merge.clauses.is_empty() {
            let end = self.sql.trim_end().chars().count() + 1;
            let message = "syntax error at end of input";
            return Err(Error::new(SqlState::SyntaxError, message).at(Some(end)));
        }
        let item =
            |factor: &TableFactor| TableWithJoins { relation: factor.clone(), joins: Vec::new() };
        let (table, target, target_scope, shown) =
            self.changed_relation(&item(&merge.table), Change::Merge)?;
        let (source, source_scope) = self.others(&target_scope, &[item(&merge.source)])?;
        if source_scope.columns.iter().any(|column| column.relation == shown) {
            return Err(Error::new(
                SqlState::DuplicateAlias,
                format!("name \"{shown}\" specified more than once"),
            )
            .detail("The name is used both as MERGE target table and data source."));
        }
        let scope = both(target_scope.clone(), source_scope.clone())?;
        self.levels.borrow_mut().push(Level { scope, ..Level::default() });
        let on = (|| {
            let _none = self.forbid("JOIN conditions");
            self.expect_bool(self.expr(&merge.on)?, "JOIN/ON")
        })();
        self.levels.borrow_mut().pop();
        let scopes = Scopes { target: target_scope, source: source_scope };
        let mut whens: Vec<MergeWhen> = Vec::new();
        for clause in &merge.clauses {
            let when = self.merge_when(clause, &table, &scopes)?;
            let is_unreachable =
                whens.iter().any(|w| w.matched == when.matched && w.condition.is_none());
            if is_unreachable {
                return Err(Error::new(
                    SqlState::SyntaxError,
                    "unreachable WHEN clause specified after unconditional WHEN clause",
                ));
            }
            whens.push(when);
        }
        let join_type = match whens.iter().all(|when| when.matched) {
            true => JoinType::Inner,
            false => JoinType::Left,
        };
        let own = target.schema().columns().into_iter().take(table.columns.len());
        let own = own.collect::<Vec<_>>();
        let plan =
            LogicalPlanBuilder::new(source).join_on(target, join_type, [on?.expr])?.build()?;
        let mut bound = BoundModify {
            view_checks: Vec::new(),
            table,
            operation: Operation::Merge(whens),
            on_conflict: None,
            source: plan,
            repeats: true,
            returning: None,
            schema: DFSchema::empty(),
        };
        let mut columns = own;
        for expr in bound.expressions() {
            note_columns(expr, &bound.source, &mut columns)?;
        }
        let fields = columns.iter().map(|column| {
            let (qualifier, field) = bound.source.schema().qualified_field_from_column(column)?;
            Ok((qualifier.cloned(), field.clone()))
        });
        let fields = fields.collect::<Result<Vec<_>>>()?;
        bound.schema = DFSchema::new_with_metadata(fields, Default::default())?;
        let outputs = columns.into_iter().map(|column| Expr::Column(column).alias(self.fresh("x")));
        let outputs = outputs.collect::<Vec<_>>();
        bound.source = LogicalPlanBuilder::new(bound.source).project(outputs)?.build()?;
        Ok(bound)
    }

    fn merge_when(
        &self,
        clause: &ast::MergeClause,
        table: &Table,
        scopes: &Scopes,
    ) -> Result<MergeWhen> {
        let matched = clause.clause_kind == MergeClauseKind::Matched;
        let (scope, out_of_reach) = match matched {
            true => (both(scopes.target.clone(), scopes.source.clone())?, Scope::default()),
            false => (scopes.source.clone(), scopes.target.clone()),
        };
        self.levels.borrow_mut().push(Level { scope, out_of_reach, ..Level::default() });
        let bound = (|| {
            let condition = match &clause.predicate {
                None => None,
                Some(condition) => {
                    let _none = self.forbid("MERGE WHEN conditions");
                    Some(self.expect_bool(self.expr(condition)?, "WHEN")?.expr)
                }
            };
            let action = match &clause.action {
                ast::MergeAction::Delete { .. } => MergeAction::Delete,
                ast::MergeAction::Update(update) => match update.assignments.as_slice() {
                    [only] if is_nothing(only) => MergeAction::Nothing,
                    list => MergeAction::Update(self.assignments(list, table)?),
                },
                ast::MergeAction::Insert(insert) => self.merge_insert(insert, table)?,
            };
            Ok(MergeWhen { matched, condition, action })
        })();
        self.levels.borrow_mut().pop();
        bound
    }

    fn merge_insert(&self, insert: &ast::MergeInsertExpr, table: &Table) -> Result<MergeAction> {
        let (listed, overriding) = change::overriding(&insert.columns);
        let mut values: &[ast::Expr] = match &insert.kind {
            MergeInsertKind::Values(values) => {
                values.rows.first().map_or(&[], |row| row.content.as_slice())
            }
            MergeInsertKind::Row => &[],
        };
        let targets = match listed {
            [only] if change::is_nothing(only) => return Ok(MergeAction::Nothing),
            [only] if change::is_default_values(only) => {
                values = &[];
                Vec::new()
            }
            listed => self.insert_targets(table, listed)?,
        };
        if values.len() > targets.len() {
            let position = values.get(targets.len()).and_then(|value| self.position_of(value));
            return Err(wrong_count(true).at(position));
        }
        if let Some(lacking) = listed.get(values.len()).filter(|_| values.len() < targets.len()) {
            return Err(wrong_count(false).at(self.position_of(lacking)));
        }
        let _none = self.forbid("VALUES");
        let mut columns = Vec::new();
        for (index, column) in table.columns.iter().enumerate() {
            let mut given = Vec::new();
            for (target, value) in targets.iter().zip(values) {
                if target.column != index {
                    continue;
                }
                if is_default(value) {
                    target.check_default()?;
                    continue;
                }
                self.put_value(column, target, self.expr(value)?, 0, &mut given)?;
            }
            columns.push(match given.pop() {
                Some(value) => match self.takes_value(column, overriding)? {
                    true => ColumnSource::Default(value),
                    false => self.missing_source(table, column)?,
                },
                None => self.missing_source(table, column)?,
            });
        }
        Ok(MergeAction::Insert(columns))
    }
}

/// What the clauses can name.
struct Scopes {
    target: Scope,
    source: Scope,
}

fn is_nothing(assignment: &ast::Assignment) -> bool {
    match &assignment.target {
        ast::AssignmentTarget::ColumnName(name) => change::is_nothing(name),
        ast::AssignmentTarget::Tuple(_) => false,
    }
}
