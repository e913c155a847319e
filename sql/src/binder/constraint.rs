//! Expressions that belong to a table: conditions of CHECK, generated columns, defaults, and what
//! ALTER COLUMN ... TYPE makes of old values.
//!
//! Each is bound twice. Where it is defined, to refuse what may not stand there, with PostgreSQL's
//! words and the place in the statement; and from the text that the catalog keeps, for plans.
//! Columns of the table are those of [`RETURNING`].

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::Expr;
use datafusion::sql::sqlparser::ast;

use super::call::ASSIGNMENT;
use super::dml::RETURNING;
use super::{Binder, Bound, Level, Scope, column_of};
use crate::catalog::{Column, Table};
use crate::error::{Error, Result, SqlState};
use crate::functions::udf;
use crate::parser::stored;
use crate::row::stateful::stateful_of;
use crate::types::{Type, TypeMod};

/// Where an expression stands, as messages name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// CHECK.
    Check,
    /// DEFAULT.
    Default,
    /// GENERATED ALWAYS AS.
    Generated,
    /// USING of ALTER COLUMN ... TYPE.
    Transform,
    /// In the key of an index.
    IndexExpression,
    /// WHERE of an index.
    IndexPredicate,
}

impl Place {
    fn one(self) -> &'static str {
        match self {
            Place::Check => "check constraint",
            Place::Default => "DEFAULT expression",
            Place::Generated => "column generation expression",
            Place::Transform => "transform expression",
            Place::IndexExpression => "index expression",
            Place::IndexPredicate => "index predicate",
        }
    }

    fn many(self) -> &'static str {
        match self {
            Place::Check => "check constraints",
            Place::Default => "DEFAULT expressions",
            Place::Generated => "column generation expressions",
            Place::Transform => "transform expressions",
            Place::IndexExpression => "index expressions",
            Place::IndexPredicate => "index predicates",
        }
    }
}

impl Binder<'_> {
    /// Binds an expression over the columns of `table`, if any, that stands in such a place.
    pub(super) fn bind_in(
        &self,
        place: Place,
        table: Option<&Table>,
        expr: &ast::Expr,
    ) -> Result<Bound> {
        let scope = table.map_or_else(Scope::default, |table| self.row_scope(table, &table.name));
        self.bind_over(place, scope, expr)
    }

    /// The same over what is in a scope.
    pub(super) fn bind_over(&self, place: Place, scope: Scope, expr: &ast::Expr) -> Result<Bound> {
        if let Some(query) = stored::subquery(expr) {
            let word = match &query {
                ast::Expr::Exists { .. } => "EXISTS",
                ast::Expr::InSubquery { .. } => "IN",
                _ => "(",
            };
            let position = match &query {
                ast::Expr::Exists { subquery, .. } | ast::Expr::InSubquery { subquery, .. } => {
                    self.position_before(&**subquery, &[word])
                }
                ast::Expr::Subquery(query) => self.position_before(&**query, &[word]),
                _ => None,
            };
            let message = format!("cannot use subquery in {}", place.one());
            return Err(Error::new(SqlState::FeatureNotSupported, message).at(position));
        }
        let mut level = Level { scope, ..Level::default() };
        level.extraction.forbidden_in = Some(place.many());
        self.levels.borrow_mut().push(level);
        let bound = self.expr(expr);
        self.levels.borrow_mut().pop();
        let bound = bound?;
        if let Some(number) = self.mentioned.borrow().first() {
            let message = format!("there is no parameter ${number}");
            let position = super::position::token_after(self.sql, 1, &[&format!("${number}")]);
            return Err(Error::new(SqlState::UndefinedParameter, message).at(position));
        }
        Ok(bound)
    }

    /// A binder for an expression that is kept as text. What it learns of the session is passed on.
    pub(super) fn bind_stored<T>(
        &self,
        sql: &str,
        work: impl FnOnce(&Binder<'_>, &ast::Expr) -> Result<T>,
    ) -> Result<T> {
        let parsed = crate::parser::parse_expression(sql)?;
        let binder = Binder::new(self.schema, sql, self.style.clone(), self.settings, &[]);
        // Its names are not those of the statement around it.
        binder.next_name.set(self.next_name.get() + 1_000_000);
        let bound = work(&binder, &parsed);
        self.session_values.set(self.session_values.get() || !binder.is_generic());
        self.has_calls.set(self.has_calls.get() || binder.has_calls());
        // The statement that runs it has another text.
        bound.map_err(|error| match error {
            Error::Report(mut report) => {
                report.position = None;
                Error::Report(report)
            }
            other => other,
        })
    }

    /// Binds the condition of a CHECK.
    pub fn condition(&self, table: &Table, expr: &ast::Expr) -> Result<Expr> {
        let bound = self.bind_in(Place::Check, Some(table), expr)?;
        Ok(self.expect_bool(bound, "CHECK")?.expr)
    }

    /// Binds the condition of a CHECK that is kept.
    pub fn stored_condition(&self, table: &Table, sql: &str) -> Result<Expr> {
        self.bind_stored(sql, |binder, expr| binder.condition(table, expr))
    }

    /// Binds the default of a column that is kept.
    pub fn stored_default(&self, column: &Column, sql: &str) -> Result<Expr> {
        self.bind_stored(sql, |binder, expr| {
            let bound = binder.bind_in(Place::Default, None, expr)?;
            binder.assign(column, bound)
        })
    }

    /// Binds the expression of a generated column.
    pub fn generated(&self, table: &Table, column: &Column, expr: &ast::Expr) -> Result<Expr> {
        for name in stored::names(expr) {
            let used = table.position(&name).and_then(|position| table.columns.get(position));
            if used.is_some_and(|used| used.generated.is_some()) {
                let place = self.place_of_name(expr, &name);
                return Err(Error::new(
                    SqlState::InvalidObjectDefinition,
                    format!(
                        "cannot use generated column \"{name}\" in column generation expression"
                    ),
                )
                .detail("A generated column cannot reference another generated column.")
                .at(place));
            }
        }
        let bound = self.bind_in(Place::Generated, Some(table), expr)?;
        let value = self.fit_default(column, bound)?;
        if !self.is_generic() || !is_immutable(&value)? {
            return Err(Error::new(
                SqlState::InvalidObjectDefinition,
                "generation expression is not immutable",
            ));
        }
        Ok(value)
    }

    /// Binds the expression of a generated column that is kept.
    pub fn stored_generated(&self, table: &Table, column: &Column, sql: &str) -> Result<Expr> {
        self.bind_stored(sql, |binder, expr| {
            let bound = binder.bind_in(Place::Generated, Some(table), expr)?;
            binder.fit_default(column, bound)
        })
    }

    /// Refuses what an index computes if it may change while the row stays as it is.
    fn check_immutable(&self, place: Place, expr: &Expr) -> Result<()> {
        if self.is_generic() && is_immutable(expr)? {
            return Ok(());
        }
        Err(Error::new(
            SqlState::InvalidObjectDefinition,
            format!("functions in {} must be marked IMMUTABLE", place.one()),
        ))
    }

    /// Binds an expression in the key of an index.
    pub fn index_expression(&self, table: &Table, expr: &ast::Expr) -> Result<(Expr, TypeMod)> {
        let bound = self.bind_in(Place::IndexExpression, Some(table), expr)?;
        self.check_immutable(Place::IndexExpression, &bound.expr)?;
        // A literal has no type of its own.
        let kind = match bound.kind() {
            Type::Unknown => TypeMod::plain(Type::Text),
            _ => bound.ty,
        };
        Ok((bound.expr, kind))
    }

    /// Binds an expression in the key of an index that is kept.
    pub fn stored_index_expression(&self, table: &Table, sql: &str) -> Result<Expr> {
        self.bind_stored(sql, |binder, expr| Ok(binder.index_expression(table, expr)?.0))
    }

    /// Binds the condition of a partial index.
    pub fn index_predicate(&self, table: &Table, expr: &ast::Expr) -> Result<Expr> {
        let bound = self.bind_in(Place::IndexPredicate, Some(table), expr)?;
        let bound = self.expect_bool(bound, "WHERE")?;
        self.check_immutable(Place::IndexPredicate, &bound.expr)?;
        Ok(bound.expr)
    }

    /// Binds the condition of a partial index that is kept.
    pub fn stored_index_predicate(&self, table: &Table, sql: &str) -> Result<Expr> {
        self.bind_stored(sql, |binder, expr| binder.index_predicate(table, expr))
    }

    /// Where an expression names a column.
    fn place_of_name(&self, expr: &ast::Expr, name: &str) -> Option<usize> {
        let mut place = None;
        let _: std::ops::ControlFlow<()> = ast::visit_expressions(expr, |expr| {
            if let ast::Expr::Identifier(ident) = expr
                && super::fold(ident) == name
            {
                place = place.or(self.position(ident.span));
            }
            std::ops::ControlFlow::Continue(())
        });
        place
    }

    /// Checks a DEFAULT clause: it may not name columns, and has to fit the column.
    pub fn check_default(&self, column: &Column, expr: &ast::Expr) -> Result<()> {
        let bound = self.bind_in(Place::Default, None, expr).map_err(|error| match error {
            Error::Report(report) if report.state == SqlState::UndefinedColumn => Error::new(
                SqlState::FeatureNotSupported,
                "cannot use column reference in DEFAULT expression",
            )
            .at(report.position),
            other => other,
        })?;
        self.fit_default(column, bound).map(|_| ())
    }

    /// Converts a value to a column's type, as that of a DEFAULT.
    fn fit_default(&self, column: &Column, bound: Bound) -> Result<Expr> {
        let (from, target) = (bound.kind(), column.declared());
        let converted = self.convert(bound, target, ASSIGNMENT)?;
        converted.map(|bound| bound.expr).ok_or_else(|| {
            Error::new(
                SqlState::DatatypeMismatch,
                format!(
                    "column \"{}\" is of type {} but default expression is of type {}",
                    column.name,
                    target.kind.name(),
                    from.name()
                ),
            )
            .hint("You will need to rewrite or cast the expression.")
        })
    }

    /// What a column's old values become when it gets another type.
    pub fn transform(
        &self,
        table: &Table,
        position: usize,
        target: TypeMod,
        using: Option<&ast::Expr>,
    ) -> Result<Expr> {
        let column = table.columns.get(position);
        let column = column.ok_or_else(|| Error::internal("no such column"))?;
        let (bound, is_using) = match using {
            Some(expr) => (self.bind_in(Place::Transform, Some(table), expr)?, true),
            None => {
                let old = Expr::Column(column_of(RETURNING, &format!("c{position}")));
                (Bound { expr: old, ty: column.declared(), position: None }, false)
            }
        };
        let converted = self.convert(bound, target, ASSIGNMENT)?;
        converted.map(|bound| bound.expr).ok_or_else(|| {
            let (name, kind) = (&column.name, target.display());
            match is_using {
                true => Error::new(
                    SqlState::DatatypeMismatch,
                    format!(
                        "result of USING clause for column \"{name}\" cannot be cast automatically to type {}",
                        target.kind.name()
                    ),
                )
                .hint("You might need to add an explicit cast."),
                false => Error::new(
                    SqlState::DatatypeMismatch,
                    format!(
                        "column \"{name}\" cannot be cast automatically to type {}",
                        target.kind.name()
                    ),
                )
                .hint(format!(
                    "You might need to specify \"USING {}::{kind}\".",
                    crate::functions::strings::quote_ident(name)
                )),
            }
        })
    }

    /// The default of a column as it would be with another type.
    pub fn retyped_default(&self, column: &Column, sql: &str, target: TypeMod) -> Result<()> {
        self.bind_stored(sql, |binder, expr| {
            let bound = binder.bind_in(Place::Default, None, expr)?;
            // What it gave so far is converted, as a stored value is.
            let old = binder.convert(bound, column.kind(), ASSIGNMENT)?;
            let new = match old {
                Some(old) => binder.convert(old, target, ASSIGNMENT)?,
                None => None,
            };
            let what = if column.generated.is_some() { "generation expression" } else { "default" };
            new.map(|_| ()).ok_or_else(|| {
                Error::new(
                    SqlState::DatatypeMismatch,
                    format!(
                        "{what} for column \"{}\" cannot be cast automatically to type {}",
                        column.name,
                        target.kind.name()
                    ),
                )
            })
        })
    }
}

/// What an expression is called among the columns of an index.
pub fn index_column_name(expr: &ast::Expr) -> String {
    match super::naming::implied_name(expr) {
        name if name == "?column?" => "expr".to_owned(),
        name => name,
    }
}

/// Whether an expression gives the same for the same row, whoever asks and whenever.
fn is_immutable(expr: &Expr) -> Result<bool> {
    let mut immutable = true;
    expr.apply(|expr| {
        match expr {
            // The values that depend on the session or the time are parameters.
            Expr::Placeholder(_) => immutable = false,
            Expr::ScalarFunction(function) => {
                let volatile = udf::scalar_of(function).is_some_and(|s| s.is_volatile());
                immutable &= !volatile && stateful_of(function).is_none();
            }
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(immutable)
}

/// Whether an expression gives the same for all rows of a statement.
pub fn is_constant(expr: &Expr) -> Result<bool> {
    let mut constant = true;
    expr.apply(|expr| {
        match expr {
            Expr::Column(_) => constant = false,
            Expr::ScalarFunction(function) => {
                let volatile = udf::scalar_of(function).is_some_and(|s| s.is_volatile());
                constant &= !volatile && stateful_of(function).is_none();
            }
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(constant)
}

/// Whether a column of the type can be converted without a look at its values: they are stored the
/// same, and all fit.
pub fn keeps_values(from: TypeMod, to: TypeMod) -> bool {
    let is_text = |kind| matches!(kind, Type::Text | Type::Varchar);
    match (from.kind == to.kind, from.typmod, to.typmod) {
        (true, a, b) if a == b || b < 0 => from.kind != Type::Bpchar || a == b,
        (true, a, b) if from.kind == Type::Varchar => a >= 0 && b >= a,
        (false, _, b) if is_text(from.kind) && is_text(to.kind) => b < 0,
        _ => false,
    }
}
