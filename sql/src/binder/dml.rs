//! INSERT, UPDATE and DELETE: a query that yields old rows and new values, and what to do
//! with them.
//!
//! For UPDATE and DELETE the source query yields all columns of the old row, then the new value
//! of each assigned column, then what RETURNING takes from other relations. For INSERT it yields the
//! values of the listed columns. RETURNING is a list of expressions over the row as it is after the
//! change (before, for DELETE). What an INSERT does about rows in its way is in [`on_conflict`], MERGE
//! in [`merge`].
//!
//! [`on_conflict`]: super::on_conflict
//! [`merge`]: super::merge

use std::sync::Arc;

use datafusion::common::DFSchema;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{
    self, AssignmentTarget, FromTable, SetExpr, TableFactor, TableObject, TableWithJoins,
    UpdateTableFromKind,
};

use super::assigned_row::Assigned;
use super::call::{ASSIGNMENT, VALUES};
use super::joined_change::row_schema;
use super::merge::MergeWhen;
use super::on_conflict::OnConflict;
use super::parts::{Target, places};
use super::srf::Sets;
use super::updatable::Change;
use super::{Binder, Bound, Level, OutputColumn, Scope, column_of, fold};
use crate::catalog::view::View;
use crate::catalog::{Column, Identity, Table};
use crate::error::{Error, Result, SqlState};
use crate::parser::change::{self, Overriding};
use crate::parser::cursor::current_of;
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

/// A bound INSERT, UPDATE, DELETE or MERGE.
#[derive(Clone, Debug)]
pub struct BoundModify {
    /// The table to change.
    pub table: Arc<Table>,
    /// What to do with each row of the source.
    pub operation: Operation,
    /// What INSERT does about rows that are in the way.
    pub on_conflict: Option<OnConflict>,
    /// The source query.
    pub source: LogicalPlan,
    /// Conditions that new rows have to fulfil, over the table's row, with the views whose they are.
    pub view_checks: Vec<(String, Expr)>,
    /// Whether the source may have several rows for one of the table: it is a join.
    pub repeats: bool,
    /// RETURNING: columns of the table are named `r.c0`, `r.c1`, ...
    pub returning: Returning,
    /// The columns that RETURNING and MERGE find in a row: for RETURNING those of the table as it
    /// has become and behind them what it takes from other relations.
    pub schema: DFSchema,
}

/// The columns and expressions of RETURNING.
pub type Returning = Option<Vec<(OutputColumn, Expr)>>;

/// What to do with each row.
#[derive(Clone, Debug)]
pub enum Operation {
    /// Add a row made of these.
    Insert(Vec<ColumnSource>),
    /// Replace the columns at these positions.
    Update(Vec<usize>),
    /// Remove it.
    Delete,
    /// The first of these that applies.
    Merge(Vec<MergeWhen>),
}

impl Operation {
    /// The command's name.
    pub fn word(&self) -> &'static str {
        match self {
            Operation::Insert(_) => "INSERT",
            Operation::Update(_) => "UPDATE",
            Operation::Delete => "DELETE",
            Operation::Merge(_) => "MERGE",
        }
    }
}

/// The new values of a row's columns.
#[derive(Clone, Debug, Default)]
pub struct Assignments {
    /// Rows of subqueries of which several columns get their values, under the names that the values
    /// have for them.
    pub rows: Vec<(String, Expr)>,
    /// Positions of the columns, with what they become.
    pub values: Vec<(usize, Expr)>,
}

/// Qualifier of the target's columns in RETURNING.
pub const RETURNING: &str = "r";

/// Whether an expression is the word DEFAULT.
pub(super) fn is_default(expr: &ast::Expr) -> bool {
    matches!(expr, ast::Expr::Identifier(ident)
        if ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("default"))
}

impl Binder<'_> {
    fn target(
        &self,
        name: &ast::ObjectName,
        change: Change,
    ) -> Result<(Arc<Table>, Option<Arc<View>>)> {
        let position = self.position_of(name);
        let (schema, relation) = super::relation_name(name).map_err(|error| error.at(position))?;
        self.table(schema.as_deref(), &relation, change).map_err(|error| match error {
            Error::Report(report)
                if !matches!(
                    report.state,
                    SqlState::ObjectNotInPrerequisiteState
                        | SqlState::FeatureNotSupported
                        | SqlState::WrongObjectType
                ) =>
            {
                Error::Report(report).at(position)
            }
            // What a view does not take is said of no place.
            error => error,
        })
    }

    /// The columns of one row of a table.
    pub(super) fn row_scope(&self, table: &Table, shown: &str) -> Scope {
        self.scope_of(table, shown, RETURNING)
    }

    /// The columns of a table under a name, with their qualifier in expressions.
    pub(super) fn scope_of(&self, table: &Table, shown: &str, qualifier: &str) -> Scope {
        let columns = table.visible().map(|(index, column)| super::ScopeColumn {
            relation: shown.to_owned(),
            name: column.name.clone(),
            column: column_of(qualifier, &format!("c{index}")),
            ty: column.declared(),
            merged_away: false,
            unlisted: false,
            origin: Some((table.id, index as i16 + 1)),
        });
        Scope { columns: columns.collect() }
    }

    /// Binds RETURNING over the table's columns and `others`; names of `hidden` stand for nothing here.
    pub(super) fn bind_returning(
        &self,
        table: &Table,
        shown: &str,
        items: &Option<Vec<ast::SelectItem>>,
        others: Scope,
        hidden: Scope,
    ) -> Result<Returning> {
        let Some(items) = items else { return Ok(None) };
        let mut scope = self.row_scope(table, shown);
        scope.columns.extend(others.columns);
        let mut level = Level { scope: scope.clone(), out_of_reach: hidden, ..Level::default() };
        level.extraction.forbidden_in = Some("RETURNING");
        self.levels.borrow_mut().push(level);
        let bound = self.returning(items, &scope);
        self.levels.borrow_mut().pop();
        let expand = |(column, expr)| Ok((column, self.expand_computed(expr, table)?));
        bound?.into_iter().map(expand).collect::<Result<_>>().map(Some)
    }

    /// Converts a value to a column's type as assignment does.
    pub(super) fn assign(&self, column: &Column, value: Bound) -> Result<Expr> {
        let (from, position) = (value.kind(), value.position);
        let target = column.declared();
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
            None => match self.domain_default(column.declared().kind) {
                Some(sql) => self.stored_default(column, sql),
                None => self.assign(column, self.null(Type::Unknown)?),
            },
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
        self.check_insert(insert)?;
        let (table, _) = self.target(name, Change::Insert)?;
        let view_checks = self.take_view_checks();
        let shown = match &insert.table_alias {
            Some(alias) => fold(&alias.alias),
            None => table.name.clone(),
        };
        let targets = self.insert_targets(&table, change::overriding(&insert.columns).0)?;
        let (source, inputs) = self.insert_source(insert, &table, &shown, &targets)?;
        let mut columns = Vec::new();
        for (index, column) in table.columns.iter().enumerate() {
            let input = targets.iter().position(|target| target.column == index);
            columns.push(match input.and_then(|at| inputs.get(at)) {
                Some(Some(input)) => ColumnSource::Input(*input),
                _ => self.missing_source(&table, column)?,
            });
        }
        let on_conflict = self.on_conflict(&insert.on, &table, &shown)?;
        let hidden = match &on_conflict {
            Some(OnConflict { update: Some(_), .. }) => self.excluded_scope(&table),
            _ => Scope::default(),
        };
        let others = Scope::default();
        let returning = self.bind_returning(&table, &shown, &insert.returning, others, hidden)?;
        Ok(BoundModify {
            schema: row_schema(&table)?,
            table: self.base_of(table),
            operation: Operation::Insert(columns),
            on_conflict,
            source,
            view_checks,
            repeats: false,
            returning,
        })
    }

    /// The columns that an INSERT lists, or all. Of one that is an array there may be several parts.
    pub(super) fn insert_targets(
        &self,
        table: &Table,
        listed: &[ast::ObjectName],
    ) -> Result<Vec<Target>> {
        let mut targets: Vec<Target> = Vec::new();
        for column in listed {
            let target = self.set_target(table, column)?;
            // Only parts of a column may come one after the other.
            let clashes = |other: &Target| {
                other.column == target.column
                    && (other.subscripts.is_empty() || target.subscripts.is_empty())
            };
            if targets.iter().any(clashes) {
                return Err(Error::new(
                    SqlState::DuplicateColumn,
                    format!("column \"{}\" specified more than once", target.name),
                )
                .at(target.position));
            }
            targets.push(target);
        }
        if listed.is_empty() {
            let all = table.visible().map(|(column, of_table)| Target {
                name: of_table.name.clone(),
                column,
                subscripts: Vec::new(),
                position: None,
            });
            targets = all.collect();
        }
        Ok(targets)
    }

    /// The source query of an INSERT, and for each target column its column there, if it is not
    /// DEFAULT.
    fn insert_source(
        &self,
        insert: &ast::Insert,
        table: &Table,
        shown: &str,
        targets: &[Target],
    ) -> Result<(LogicalPlan, Vec<Option<usize>>)> {
        let (listed, overriding) = change::overriding(&insert.columns);
        let explicit = !listed.is_empty();
        let Some(query) = &insert.source else {
            // DEFAULT VALUES
            return Ok((LogicalPlanBuilder::empty(true).build()?, vec![None; targets.len()]));
        };
        let count_error = |count: usize| wrong_count(count > targets.len());
        let lacking = |count: usize| listed.get(count).and_then(|column| self.position_of(column));
        let column_at = |index: usize| {
            let position = targets.get(index).map(|target| target.column).unwrap_or_default();
            self.check_settable(table, position, Change::Insert)?;
            table.columns.get(position).ok_or_else(|| Error::internal("no such column"))
        };
        let out_of_reach = self.scope_of(table, shown, RETURNING);
        self.levels.borrow_mut().push(Level { out_of_reach, ..Level::default() });
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
                let places = places(targets, |index| index < count);
                let mut exprs = Vec::new();
                let outputs = query.columns.iter().zip(inputs).zip(targets.iter().zip(&places));
                for (index, ((output, input), (target, place))) in outputs.enumerate() {
                    let position = output.position;
                    let value = Bound { expr: Expr::Column(input), ty: output.ty, position };
                    let place = place.unwrap_or_default();
                    self.put_value(column_at(index)?, target, value, place, &mut exprs)?;
                }
                let exprs = exprs.into_iter().map(|expr| expr.alias(self.fresh("x")));
                let exprs = exprs.collect::<Vec<_>>();
                let plan = LogicalPlanBuilder::new(query.plan).project(exprs)?.build()?;
                Ok((plan, places))
            })()
        };
        self.levels.borrow_mut().pop();
        let (plan, mut inputs) = bound?;
        for (index, input) in inputs.iter_mut().enumerate() {
            if input.is_some() && !self.takes_value(column_at(index)?, overriding)? {
                *input = None;
            }
        }
        Ok((plan, inputs))
    }

    /// Whether a column takes the value that an INSERT gives it, and not its default.
    pub(super) fn takes_value(&self, column: &Column, overriding: Overriding) -> Result<bool> {
        if column.generated.is_some() {
            return Err(Error::new(
                SqlState::GeneratedAlways,
                format!("cannot insert a non-DEFAULT value into column \"{}\"", column.name),
            )
            .detail(format!("Column \"{}\" is a generated column.", column.name)));
        }
        if column.identity.is_some() && overriding == Overriding::UserValue {
            return Ok(false);
        }
        if column.identity == Some(Identity::Always) && overriding == Overriding::Nothing {
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
        Ok(true)
    }

    fn insert_values(
        &self,
        values: &ast::Values,
        table: &Table,
        targets: &[Target],
        explicit: bool,
        count_error: impl Fn(usize) -> Error,
    ) -> Result<(LogicalPlan, Vec<Option<usize>>)> {
        let width = values.rows.first().map_or(0, |row| row.content.len());
        let mut rows: Vec<Vec<Expr>> = Vec::new();
        // A column is DEFAULT in all rows or a mixture; only the former needs no expression.
        let all_default: Vec<bool> = (0..width)
            .map(|at| values.rows.iter().all(|row| row.content.get(at).is_some_and(is_default)))
            .collect();
        let has_value = |at: usize| all_default.get(at) == Some(&false);
        let inputs = places(targets, has_value);
        let _none = self.forbid(VALUES);
        // A single row may become several.
        let _sets = (values.rows.len() == 1).then(|| self.sets(Sets::Allowed));
        for row in &values.rows {
            self.check_width(&row.content, width)?;
            if width > targets.len() || (explicit && width < targets.len()) {
                let at = if width > targets.len() { row.content.get(targets.len()) } else { None };
                return Err(count_error(width).at(at.and_then(|expr| self.position_of(expr))));
            }
            let mut exprs = Vec::new();
            for ((expr, target), place) in row.content.iter().zip(targets).zip(&inputs) {
                if is_default(expr) {
                    target.check_default()?;
                }
                let Some(place) = *place else { continue };
                self.check_settable(table, target.column, Change::Insert)?;
                let column = table.columns.get(target.column);
                let column = column.ok_or_else(|| Error::internal("no such column"))?;
                match is_default(expr) {
                    true => exprs.push(self.default_of(column)?),
                    false => {
                        self.put_value(column, target, self.expr(expr)?, place, &mut exprs)?;
                    }
                }
            }
            rows.push(exprs);
        }
        if inputs.iter().all(Option::is_none) {
            let one = LogicalPlanBuilder::empty(true).build()?;
            let plans: Vec<_> = (1..values.rows.len()).map(|_| one.clone()).collect();
            let mut plan = one;
            for next in plans {
                plan = LogicalPlanBuilder::new(plan).union(next)?.build()?;
            }
            return Ok((plan, inputs));
        }
        let sets =
            self.levels.borrow_mut().last_mut().map(|l| std::mem::take(&mut l.extraction.sets));
        let sets = sets.unwrap_or_default();
        if !sets.is_empty() {
            let plan = self.project_sets(LogicalPlanBuilder::empty(true).build()?, sets)?;
            let exprs = rows.into_iter().flatten().map(|expr| expr.alias(self.fresh("x")));
            let plan = LogicalPlanBuilder::new(plan).project(exprs.collect::<Vec<_>>())?;
            return Ok((plan.build()?, inputs));
        }
        // Typed by the target columns, so that a lone NULL has the column's layout.
        let plan = LogicalPlanBuilder::values(rows)?.build()?;
        Ok((plan, inputs))
    }

    /// The relation that UPDATE, DELETE or MERGE changes, with its name in the statement.
    pub(super) fn changed_relation(
        &self,
        item: &TableWithJoins,
        change: Change,
    ) -> Result<(Arc<Table>, LogicalPlan, Scope, String)> {
        let TableFactor::Table { name, alias, args: None, .. } = &item.relation else {
            return Err(Error::unsupported("changing this relation"));
        };
        if !item.joins.is_empty() {
            return Err(Error::unsupported("a join as the changed relation"));
        }
        let (table, view) = self.target(name, change)?;
        if let Some(view) = view {
            let shown = alias.as_ref().map_or(view.name.clone(), |alias| fold(&alias.name));
            let (plan, scope) = self.rows_behind(&view, &table, &shown, change)?;
            return Ok((table, plan, scope, shown));
        }
        let (schema, relation) = super::relation_name(name)?;
        // A WITH query of that name is another relation.
        let schema = schema.unwrap_or_else(|| table.schema.clone());
        let (plan, scope) =
            self.named_relation(Some(&schema), &relation, alias.as_ref(), self.position_of(name))?;
        let shown = alias.as_ref().map_or(table.name.clone(), |alias| fold(&alias.name));
        Ok((table, plan, scope, shown))
    }

    /// All stored columns of the scanned target, hidden ones included.
    fn old_row(table: &Table, plan: &LogicalPlan) -> Vec<Expr> {
        let columns = plan.schema().columns();
        columns.into_iter().take(table.columns.len()).map(Expr::Column).collect()
    }

    /// The source of an UPDATE or DELETE: `outputs` over the rows of `plan` that `selection` leaves, for
    /// which `rows` are computed first.
    fn modify_source(
        &self,
        table: &Table,
        plan: LogicalPlan,
        selection: &Option<ast::Expr>,
        rows: Vec<(String, Expr)>,
        outputs: Vec<Expr>,
    ) -> Result<LogicalPlan> {
        let condition = match selection {
            None => None,
            Some(condition) => Some(match current_of(condition) {
                Some(cursor) => self.is_current(cursor, table, &plan)?,
                None => {
                    let _none = self.forbid("WHERE");
                    self.expect_bool(self.expr(condition)?, "WHERE")?.expr
                }
            }),
        };
        let mut plan = LogicalPlanBuilder::new(plan);
        if let Some(condition) = condition {
            plan = plan.filter(condition)?;
        }
        if !rows.is_empty() {
            let all = plan.schema().columns().into_iter().map(Expr::Column);
            let rows = rows.into_iter().map(|(name, row)| row.alias(name));
            plan = plan.project(all.chain(rows).collect::<Vec<_>>())?;
        }
        let outputs = outputs.into_iter().map(|expr| expr.alias(self.fresh("x")));
        Ok(plan.project(outputs.collect::<Vec<_>>())?.build()?)
    }

    /// Binds UPDATE.
    pub fn update(&self, update: &ast::Update) -> Result<BoundModify> {
        self.check_update(update)?;
        let (table, plan, scope, shown) = self.changed_relation(&update.table, Change::Update)?;
        let view_checks = self.take_view_checks();
        let items: &[TableWithJoins] = match &update.from {
            None => &[],
            Some(UpdateTableFromKind::AfterSet(items) | UpdateTableFromKind::BeforeSet(items)) => {
                items
            }
        };
        let (plan, scope, others) = self.joined_with((plan, scope), items)?;
        let returning = &update.returning;
        let (returning, carried) = self.carrying(&table, &shown, returning, &plan, others)?;
        self.levels.borrow_mut().push(Level { scope, ..Level::default() });
        let bound = (|| {
            let mut outputs = Self::old_row(&table, &plan);
            let assignments = self.assignments(&update.assignments, &table)?;
            let positions = assignments.values.iter().map(|(position, _)| *position).collect();
            outputs.extend(assignments.values.into_iter().map(|(_, value)| value));
            outputs.extend(carried.iter().cloned().map(Expr::Column));
            let schema = self.carrying_schema(&table, &plan, &carried)?;
            let selection = &update.selection;
            let source = self.modify_source(&table, plan, selection, assignments.rows, outputs)?;
            Ok::<_, Error>((source, positions, schema))
        })();
        self.levels.borrow_mut().pop();
        let (source, positions, schema) = bound?;
        let operation = Operation::Update(positions);
        let (on_conflict, repeats) = (None, !items.is_empty());
        let table = self.base_of(table);
        Ok(BoundModify {
            table,
            operation,
            on_conflict,
            source,
            view_checks,
            repeats,
            returning,
            schema,
        })
    }

    /// Binds a SET list in the current scope.
    pub(super) fn assignments(
        &self,
        list: &[ast::Assignment],
        table: &Table,
    ) -> Result<Assignments> {
        let mut bound = Assignments::default();
        // Columns of which parts are set.
        let mut in_parts: Vec<usize> = Vec::new();
        let _none = self.forbid("UPDATE");
        for assignment in list {
            let pairs: Vec<(&ast::ObjectName, Assigned<'_>)> = match &assignment.target {
                AssignmentTarget::ColumnName(name) => {
                    vec![(name, Assigned::Expr(&assignment.value))]
                }
                AssignmentTarget::Tuple(names) => {
                    let values = self.assigned_row(&assignment.value, names.len(), &mut bound)?;
                    names.iter().zip(values).collect()
                }
            };
            for (name, value) in pairs {
                let target = self.set_target(table, name)?;
                self.check_settable(table, target.column, Change::Update)?;
                let (index, wanted) = (target.column, target.name.as_str());
                let column =
                    table.columns.get(index).ok_or_else(|| Error::internal("no such column"))?;
                let is_part = !target.subscripts.is_empty();
                let is_set = bound.values.iter().any(|(position, _)| *position == index);
                if is_set && !(is_part && in_parts.contains(&index)) {
                    return Err(Error::new(
                        SqlState::SyntaxError,
                        format!("multiple assignments to same column \"{wanted}\""),
                    ));
                }
                let takes_default = matches!(value, Assigned::Expr(expr) if is_default(expr));
                let itself = match (column.identity, &column.generated) {
                    (Some(Identity::Always), _) => "an identity column defined as GENERATED ALWAYS",
                    (_, Some(_)) => "a generated column",
                    _ => "",
                };
                if !takes_default && !itself.is_empty() {
                    return Err(Error::new(
                        SqlState::GeneratedAlways,
                        format!("column \"{wanted}\" can only be updated to DEFAULT"),
                    )
                    .detail(format!("Column \"{wanted}\" is {itself}.")));
                }
                if is_part {
                    if takes_default {
                        target.check_default()?;
                    }
                    let value = match value {
                        Assigned::Expr(expr) => self.expr(expr)?,
                        Assigned::Bound(value) => value,
                    };
                    self.assigned_part(table, column, &target, value, &mut bound)?;
                    in_parts.push(index);
                    continue;
                }
                let value = match value {
                    Assigned::Expr(_) if takes_default => self.default_of(column)?,
                    Assigned::Expr(expr) => self.assign(column, self.expr(expr)?)?,
                    Assigned::Bound(value) => self.assign(column, value)?,
                };
                bound.values.push((index, value));
            }
        }
        Ok(bound)
    }

    /// Binds DELETE.
    pub fn delete(&self, delete: &ast::Delete) -> Result<BoundModify> {
        self.check_delete(delete)?;
        let FromTable::WithFromKeyword(items) = &delete.from else {
            return Err(Error::new(SqlState::SyntaxError, "syntax error: DELETE needs FROM"));
        };
        let [item] = items.as_slice() else {
            return Err(Error::unsupported("DELETE from several tables"));
        };
        let (table, plan, scope, shown) = self.changed_relation(item, Change::Delete)?;
        self.take_view_checks();
        let items = delete.using.as_deref().unwrap_or_default();
        let (plan, scope, others) = self.joined_with((plan, scope), items)?;
        let returning = &delete.returning;
        let (returning, carried) = self.carrying(&table, &shown, returning, &plan, others)?;
        let mut outputs = Self::old_row(&table, &plan);
        outputs.extend(carried.iter().cloned().map(Expr::Column));
        let schema = self.carrying_schema(&table, &plan, &carried)?;
        self.levels.borrow_mut().push(Level { scope, ..Level::default() });
        let source = self.modify_source(&table, plan, &delete.selection, Vec::new(), outputs);
        self.levels.borrow_mut().pop();
        let (operation, source, on_conflict) = (Operation::Delete, source?, None);
        let repeats = !items.is_empty();
        let table = self.base_of(table);
        let view_checks = Vec::new();
        Ok(BoundModify {
            table,
            operation,
            on_conflict,
            source,
            view_checks,
            repeats,
            returning,
            schema,
        })
    }
}

/// The error of an INSERT whose columns and values are not as many.
pub(super) fn wrong_count(too_many_values: bool) -> Error {
    let message = match too_many_values {
        true => "INSERT has more expressions than target columns",
        false => "INSERT has more target columns than expressions",
    };
    Error::new(SqlState::SyntaxError, message)
}
