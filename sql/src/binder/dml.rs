//! INSERT, UPDATE and DELETE: a query that yields old rows and new values, and what to do
//! with them.
//!
//! For UPDATE and DELETE the source query yields all columns of the old row, then the new value
//! of each assigned column. For INSERT it yields the values of the listed columns. RETURNING is
//! a list of expressions over the row as it is after the change (before, for DELETE).

use std::sync::Arc;

use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{
    self, AssignmentTarget, FromTable, SetExpr, TableFactor, TableObject, TableWithJoins,
};

use super::call::ASSIGNMENT;
use super::{Binder, Bound, Level, OutputColumn, Scope, column_of, fold, name_parts};
use crate::catalog::{Column, Identity, Table};
use crate::error::{Error, Result, SqlState};
use crate::types::Type;

/// Where the value of a column comes from when a row is inserted.
#[derive(Clone, Debug)]
pub enum ColumnSource {
    /// A column of the source query.
    Input(usize),
    /// The default, an expression without columns.
    Default(Expr),
    /// The row number of a table without primary key.
    RowNumber,
}

/// A bound INSERT, UPDATE or DELETE.
#[derive(Clone, Debug)]
pub struct BoundModify {
    /// The table to change.
    pub table: Arc<Table>,
    /// What to do with each row of the source.
    pub operation: Operation,
    /// The source query.
    pub source: LogicalPlan,
    /// RETURNING: columns of the table are named `r.c0`, `r.c1`, ...
    pub returning: Option<Vec<(OutputColumn, Expr)>>,
}

/// What to do with each row.
#[derive(Clone, Debug)]
pub enum Operation {
    /// Add a row made of these.
    Insert(Vec<ColumnSource>),
    /// Replace the columns at these positions.
    Update(Vec<usize>),
    /// Remove it.
    Delete,
}

/// Qualifier of the target's columns in RETURNING.
pub const RETURNING: &str = "r";

impl Binder<'_> {
    fn target(&self, name: &ast::ObjectName) -> Result<Arc<Table>> {
        let position = self.position_of(name);
        let (schema, relation) = super::relation_name(name).map_err(|error| error.at(position))?;
        self.table(schema.as_deref(), &relation).map_err(|error| error.at(position))
    }

    /// The columns of one row of a table.
    pub(super) fn row_scope(&self, table: &Table, shown: &str) -> Scope {
        let columns = table.visible().map(|(index, column)| super::ScopeColumn {
            relation: shown.to_owned(),
            name: column.name.clone(),
            column: column_of(RETURNING, &format!("c{index}")),
            ty: column.kind(),
            merged_away: false,
            origin: Some((table.id, index as i16 + 1)),
        });
        Scope { columns: columns.collect() }
    }

    fn bind_returning(
        &self,
        table: &Table,
        shown: &str,
        items: &Option<Vec<ast::SelectItem>>,
    ) -> Result<Option<Vec<(OutputColumn, Expr)>>> {
        let Some(items) = items else { return Ok(None) };
        let scope = self.row_scope(table, shown);
        let mut level = Level { scope: scope.clone(), ..Level::default() };
        level.extraction.forbidden_in = Some("RETURNING");
        self.levels.borrow_mut().push(level);
        let bound = self.returning(items, &scope);
        self.levels.borrow_mut().pop();
        bound.map(Some)
    }

    /// Converts a value to a column's type as assignment does.
    pub(super) fn assign(&self, column: &Column, value: Bound) -> Result<Expr> {
        let (from, position) = (value.kind(), value.position);
        let target = column.kind();
        let converted = self.convert(value, target, ASSIGNMENT)?;
        converted.map(|bound| bound.expr).ok_or_else(|| {
            Error::new(
                SqlState::DatatypeMismatch,
                format!(
                    "column \"{}\" is of type {} but expression is of type {}",
                    column.name,
                    target.kind.name(),
                    from.name()
                ),
            )
            .hint("You will need to rewrite or cast the expression.")
            .at(position)
        })
    }

    /// The default of a column as an expression; NULL if there is none.
    pub fn default_of(&self, column: &Column) -> Result<Expr> {
        if let Some(id) = column.sequence {
            let sequence = self.schema.sequence_by_id(id).ok_or_else(|| {
                Error::internal(format!("the sequence of column {} is missing", column.name))
            })?;
            let args = vec![super::context(crate::functions::Context::Session)];
            let next = crate::row::sequence::call(
                crate::row::sequence::Operation::Next,
                Some(sequence.clone()),
                self.settings.sequences(),
                args,
            );
            return self.assign(column, Bound::new(next, Type::Int8));
        }
        match &column.default {
            Some(sql) => self.stored_default(column, sql),
            None => Ok(self.null(column.kind().kind)?.expr),
        }
    }

    /// Where the value of a column comes from that an INSERT or COPY does not name.
    pub fn missing_source(&self, table: &Table, column: &Column) -> Result<ColumnSource> {
        match column.hidden || column.dropped {
            // With a primary key nobody needs the number.
            true if column.dropped || table.has_primary_key() => {
                Ok(ColumnSource::Default(self.null(column.kind().kind)?.expr))
            }
            true => Ok(ColumnSource::RowNumber),
            false => self.default_of(column).map(ColumnSource::Default),
        }
    }

    /// A value for a parameter of this type, as EXECUTE gives it.
    pub fn parameter_value(&self, number: usize, sql: &ast::Expr, kind: Type) -> Result<Expr> {
        self.levels.borrow_mut().push(Level::default());
        let bound = self.expr(sql);
        self.levels.borrow_mut().pop();
        let bound = bound?;
        let (from, position) = (bound.kind(), bound.position);
        let converted = self.convert(bound, crate::types::TypeMod::plain(kind), ASSIGNMENT)?;
        converted.map(|bound| bound.expr).ok_or_else(|| {
            Error::new(
                SqlState::DatatypeMismatch,
                format!(
                    "parameter ${number} of type {} cannot be coerced to the expected type {}",
                    from.name(),
                    kind.name()
                ),
            )
            .hint("You will need to rewrite or cast the expression.")
            .at(position)
        })
    }

    /// Binds INSERT.
    pub fn insert(&self, insert: &ast::Insert) -> Result<BoundModify> {
        let TableObject::TableName(name) = &insert.table else {
            return Err(Error::unsupported("INSERT into a function"));
        };
        if !insert.into {
            let near = name.to_string();
            return Err(Error::new(
                SqlState::SyntaxError,
                format!("syntax error at or near \"{near}\""),
            )
            .at(self.position_of(name)));
        }
        if insert.on.is_some() {
            return Err(Error::unsupported("ON CONFLICT"));
        }
        let table = self.target(name)?;
        let shown = match &insert.table_alias {
            Some(alias) => fold(&alias.alias),
            None => table.name.clone(),
        };
        let explicit = !insert.columns.is_empty();
        let mut targets = Vec::new();
        for column in &insert.columns {
            let wanted = name_parts(column).pop().unwrap_or_default();
            let position = self.position_of(column);
            let index = table.position(&wanted).ok_or_else(|| {
                Error::new(
                    SqlState::UndefinedColumn,
                    format!("column \"{wanted}\" of relation \"{}\" does not exist", table.name),
                )
                .at(position)
            })?;
            if targets.contains(&index) {
                return Err(Error::new(
                    SqlState::DuplicateColumn,
                    format!("column \"{wanted}\" specified more than once"),
                )
                .at(position));
            }
            targets.push(index);
        }
        if !explicit {
            targets = table.visible().map(|(index, _)| index).collect();
        }
        let (source, inputs) = self.insert_source(insert, &table, &targets, explicit)?;
        let mut columns = Vec::new();
        for (index, column) in table.columns.iter().enumerate() {
            let input = targets.iter().position(|target| *target == index);
            columns.push(match input.and_then(|at| inputs.get(at)) {
                Some(Some(input)) => ColumnSource::Input(*input),
                _ => self.missing_source(&table, column)?,
            });
        }
        let returning = self.bind_returning(&table, &shown, &insert.returning)?;
        Ok(BoundModify { table, operation: Operation::Insert(columns), source, returning })
    }

    /// The source query of an INSERT, and for each target column its column there, if it is not
    /// DEFAULT.
    fn insert_source(
        &self,
        insert: &ast::Insert,
        table: &Table,
        targets: &[usize],
        explicit: bool,
    ) -> Result<(LogicalPlan, Vec<Option<usize>>)> {
        let Some(query) = &insert.source else {
            // DEFAULT VALUES
            return Ok((LogicalPlanBuilder::empty(true).build()?, vec![None; targets.len()]));
        };
        let count_error = |count: usize| {
            let more = if count > targets.len() {
                "INSERT has more expressions than target columns"
            } else {
                "INSERT has more target columns than expressions"
            };
            Error::new(SqlState::SyntaxError, more)
        };
        let lacking =
            |count: usize| insert.columns.get(count).and_then(|column| self.position_of(column));
        let column_at = |index: usize| {
            let position = targets.get(index).copied().unwrap_or_default();
            table.columns.get(position).ok_or_else(|| Error::internal("no such column"))
        };
        self.levels.borrow_mut().push(Level::default());
        let bound = if let SetExpr::Values(values) = &*query.body
            && query.limit_clause.is_none()
            && query.order_by.is_none()
            && query.with.is_none()
        {
            self.insert_values(values, table, targets, explicit, |count| {
                count_error(count).at(lacking(count))
            })
        } else {
            (|| {
                let query = self.query(query)?;
                let count = query.columns.len();
                if count > targets.len() || (explicit && count < targets.len()) {
                    let extra = query.columns.get(targets.len());
                    let position = extra.and_then(|column| column.position);
                    return Err(count_error(count).at(position.or_else(|| lacking(count))));
                }
                let inputs = query.plan.schema().columns();
                let mut exprs = Vec::new();
                for (index, (output, input)) in query.columns.iter().zip(inputs).enumerate() {
                    let column = column_at(index)?;
                    let position = output.position;
                    let value = Bound { expr: Expr::Column(input), ty: output.ty, position };
                    exprs.push(self.assign(column, value)?.alias(self.fresh("x")));
                }
                let plan = LogicalPlanBuilder::new(query.plan).project(exprs)?.build()?;
                let inputs = (0..targets.len()).map(|i| (i < count).then_some(i)).collect();
                Ok((plan, inputs))
            })()
        };
        self.levels.borrow_mut().pop();
        let (plan, inputs) = bound?;
        for (index, input) in inputs.iter().enumerate() {
            if input.is_some() {
                self.check_assigned(column_at(index)?)?;
            }
        }
        Ok((plan, inputs))
    }

    /// Refuses a value for a column that gives itself one.
    fn check_assigned(&self, column: &Column) -> Result<()> {
        if column.generated.is_some() {
            return Err(Error::new(
                SqlState::GeneratedAlways,
                format!("cannot insert a non-DEFAULT value into column \"{}\"", column.name),
            )
            .detail(format!("Column \"{}\" is a generated column.", column.name)));
        }
        if column.identity == Some(Identity::Always) {
            return Err(Error::new(
                SqlState::GeneratedAlways,
                format!("cannot insert a non-DEFAULT value into column \"{}\"", column.name),
            )
            .detail(format!(
                "Column \"{}\" is an identity column defined as GENERATED ALWAYS.",
                column.name
            ))
            .hint("Use OVERRIDING SYSTEM VALUE to override."));
        }
        Ok(())
    }

    fn insert_values(
        &self,
        values: &ast::Values,
        table: &Table,
        targets: &[usize],
        explicit: bool,
        count_error: impl Fn(usize) -> Error,
    ) -> Result<(LogicalPlan, Vec<Option<usize>>)> {
        let width = values.rows.first().map_or(0, |row| row.content.len());
        let mut rows: Vec<Vec<Expr>> = Vec::new();
        // A column is DEFAULT in all rows or a mixture; only the former needs no expression.
        let is_default = |expr: &ast::Expr| {
            matches!(expr, ast::Expr::Identifier(ident)
                if ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("default"))
        };
        let all_default: Vec<bool> = (0..width)
            .map(|at| values.rows.iter().all(|row| row.content.get(at).is_some_and(is_default)))
            .collect();
        for row in &values.rows {
            self.check_width(&row.content, width)?;
            if width > targets.len() || (explicit && width < targets.len()) {
                let at = if width > targets.len() { row.content.get(targets.len()) } else { None };
                return Err(count_error(width).at(at.and_then(|expr| self.position_of(expr))));
            }
            let mut exprs = Vec::new();
            for ((expr, target), skip) in row.content.iter().zip(targets).zip(&all_default) {
                if *skip {
                    continue;
                }
                let column =
                    table.columns.get(*target).ok_or_else(|| Error::internal("no such column"))?;
                exprs.push(match is_default(expr) {
                    true => self.default_of(column)?,
                    false => self.assign(column, self.expr(expr)?)?,
                });
            }
            rows.push(exprs);
        }
        let mut next = 0;
        let inputs = (0..targets.len()).map(|at| {
            if all_default.get(at) != Some(&false) {
                return None;
            }
            next += 1;
            Some(next - 1)
        });
        let inputs: Vec<Option<usize>> = inputs.collect();
        if next == 0 {
            let one = LogicalPlanBuilder::empty(true).build()?;
            let plans: Vec<_> = (1..values.rows.len()).map(|_| one.clone()).collect();
            let mut plan = one;
            for next in plans {
                plan = LogicalPlanBuilder::new(plan).union(next)?.build()?;
            }
            return Ok((plan, inputs));
        }
        // Typed by the target columns, so that a lone NULL has the column's layout.
        let plan = LogicalPlanBuilder::values(rows)?.build()?;
        Ok((plan, inputs))
    }

    /// The relation that UPDATE or DELETE changes, with its name in the statement.
    fn changed_relation(
        &self,
        item: &TableWithJoins,
    ) -> Result<(Arc<Table>, LogicalPlan, Scope, String)> {
        let TableFactor::Table { name, alias, args: None, .. } = &item.relation else {
            return Err(Error::unsupported("changing this relation"));
        };
        if !item.joins.is_empty() {
            return Err(Error::unsupported("a join as the changed relation"));
        }
        let table = self.target(name)?;
        let (schema, relation) = super::relation_name(name)?;
        let (plan, scope) = self.named_relation(
            schema.as_deref(),
            &relation,
            alias.as_ref(),
            self.position_of(name),
        )?;
        let shown = alias.as_ref().map_or(table.name.clone(), |alias| fold(&alias.name));
        Ok((table, plan, scope, shown))
    }

    /// All stored columns of the scanned target, hidden ones included.
    fn old_row(table: &Table, plan: &LogicalPlan) -> Vec<Expr> {
        let columns = plan.schema().columns();
        columns.into_iter().take(table.columns.len()).map(Expr::Column).collect()
    }

    fn modify_source(
        &self,
        plan: LogicalPlan,
        selection: &Option<ast::Expr>,
        outputs: Vec<Expr>,
    ) -> Result<LogicalPlan> {
        let mut plan = LogicalPlanBuilder::new(plan);
        if let Some(condition) = selection {
            let _none = self.forbid("WHERE");
            plan = plan.filter(self.expect_bool(self.expr(condition)?, "WHERE")?.expr)?;
        }
        let outputs = outputs.into_iter().map(|expr| expr.alias(self.fresh("x")));
        Ok(plan.project(outputs.collect::<Vec<_>>())?.build()?)
    }

    /// Binds UPDATE.
    pub fn update(&self, update: &ast::Update) -> Result<BoundModify> {
        if update.from.is_some() {
            return Err(Error::unsupported("UPDATE ... FROM"));
        }
        let (table, plan, scope, shown) = self.changed_relation(&update.table)?;
        self.levels.borrow_mut().push(Level { scope, ..Level::default() });
        let bound = self.update_source(update, &table, plan);
        self.levels.borrow_mut().pop();
        let (source, positions) = bound?;
        let returning = self.bind_returning(&table, &shown, &update.returning)?;
        Ok(BoundModify { table, operation: Operation::Update(positions), source, returning })
    }

    fn update_source(
        &self,
        update: &ast::Update,
        table: &Table,
        plan: LogicalPlan,
    ) -> Result<(LogicalPlan, Vec<usize>)> {
        let mut outputs = Self::old_row(table, &plan);
        let mut positions = Vec::new();
        let _none = self.forbid("UPDATE");
        for assignment in &update.assignments {
            let pairs: Vec<(&ast::ObjectName, &ast::Expr)> = match &assignment.target {
                AssignmentTarget::ColumnName(name) => vec![(name, &assignment.value)],
                AssignmentTarget::Tuple(names) => match &assignment.value {
                    ast::Expr::Tuple(values) if values.len() == names.len() => {
                        names.iter().zip(values).collect()
                    }
                    ast::Expr::Subquery(_) => {
                        return Err(Error::unsupported("assigning a row from a subquery"));
                    }
                    ast::Expr::Tuple(values) => {
                        return Err(Error::new(
                            SqlState::SyntaxError,
                            "number of columns does not match number of values",
                        )
                        .at(values.first().and_then(|value| self.position_of(value))));
                    }
                    other => {
                        return Err(Error::new(
                            SqlState::FeatureNotSupported,
                            "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression",
                        )
                        .at(self.position_before(other, &["("]).or(self.position_of(other))));
                    }
                },
            };
            for (name, value) in pairs {
                // What follows a dot would be a field of a composite column.
                let wanted = name_parts(name).into_iter().next().unwrap_or_default();
                let index = table.position(&wanted).ok_or_else(|| {
                    Error::new(
                        SqlState::UndefinedColumn,
                        format!(
                            "column \"{wanted}\" of relation \"{}\" does not exist",
                            table.name
                        ),
                    )
                    .at(self.position_of(name))
                })?;
                let column =
                    table.columns.get(index).ok_or_else(|| Error::internal("no such column"))?;
                if positions.contains(&index) {
                    return Err(Error::new(
                        SqlState::SyntaxError,
                        format!("multiple assignments to same column \"{wanted}\""),
                    ));
                }
                let is_default = matches!(value, ast::Expr::Identifier(ident)
                    if ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("default"));
                let itself = match (column.identity, &column.generated) {
                    (Some(Identity::Always), _) => "an identity column defined as GENERATED ALWAYS",
                    (_, Some(_)) => "a generated column",
                    _ => "",
                };
                if !is_default && !itself.is_empty() {
                    return Err(Error::new(
                        SqlState::GeneratedAlways,
                        format!("column \"{wanted}\" can only be updated to DEFAULT"),
                    )
                    .detail(format!("Column \"{wanted}\" is {itself}.")));
                }
                outputs.push(match is_default {
                    true => self.default_of(column)?,
                    false => self.assign(column, self.expr(value)?)?,
                });
                positions.push(index);
            }
        }
        drop(_none);
        Ok((self.modify_source(plan, &update.selection, outputs)?, positions))
    }

    /// Binds DELETE.
    pub fn delete(&self, delete: &ast::Delete) -> Result<BoundModify> {
        if delete.using.is_some() {
            return Err(Error::unsupported("DELETE ... USING"));
        }
        let FromTable::WithFromKeyword(items) = &delete.from else {
            return Err(Error::new(SqlState::SyntaxError, "syntax error: DELETE needs FROM"));
        };
        let [item] = items.as_slice() else {
            return Err(Error::unsupported("DELETE from several tables"));
        };
        let (table, plan, scope, shown) = self.changed_relation(item)?;
        let outputs = Self::old_row(&table, &plan);
        self.levels.borrow_mut().push(Level { scope, ..Level::default() });
        let source = self.modify_source(plan, &delete.selection, outputs);
        self.levels.borrow_mut().pop();
        let returning = self.bind_returning(&table, &shown, &delete.returning)?;
        Ok(BoundModify { table, operation: Operation::Delete, source: source?, returning })
    }
}
