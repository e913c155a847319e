//! Expressions with a syntax of their own: BETWEEN SYMMETRIC, SIMILAR TO, OVERLAY, OVERLAPS.

use datafusion::logical_expr::{Expr, Operator};
use datafusion::sql::sqlparser::ast::{self, BinaryOperator, Expr as Sql};

use super::call::{no_function, not_unique};
use super::expr::{binary, negate_if};
use super::query::marked;
use super::{Binder, Bound};
use crate::error::{Error, Result, SqlState};
use crate::functions;
use crate::functions::resolve::{self, Resolution};
use crate::parser::forms::SYMMETRIC;
use crate::types::{Datum, Type};

impl Binder<'_> {
    pub(super) fn between(
        &self,
        value: &Sql,
        negated: bool,
        low: &Sql,
        high: &Sql,
    ) -> Result<Bound> {
        let symmetric = marked(low, SYMMETRIC);
        let (value, low, high) =
            (self.expr(value)?, self.expr(symmetric.unwrap_or(low))?, self.expr(high)?);
        let inside = |low: Bound, high: Bound| -> Result<Expr> {
            let above = self.compare(value.clone(), ">=", Operator::GtEq, low)?;
            let below = self.compare(value.clone(), "<=", Operator::LtEq, high)?;
            Ok(binary(above.expr, Operator::And, below.expr))
        };
        let found = match symmetric {
            None => inside(low, high)?,
            Some(_) => {
                let turned = inside(high.clone(), low.clone())?;
                binary(inside(low, high)?, Operator::Or, turned)
            }
        };
        Ok(Bound::new(negate_if(negated, found), Type::Bool))
    }

    pub(super) fn similar_to(
        &self,
        negated: bool,
        subject: &Sql,
        pattern: &Sql,
        escape: &Option<ast::ValueWithSpan>,
    ) -> Result<Bound> {
        let sql = subject;
        let subject = self.expr(sql)?;
        let mut args = vec![self.expr(pattern)?];
        if let Some(escape) = escape {
            let escape = self.value(&escape.value)?;
            args.push(self.settle(escape)?);
        }
        let at = self.position_behind(sql, &["NOT", "SIMILAR"]);
        let regex = self.special_call("similar_to_escape", args, at)?;
        let symbol = if negated { "!~" } else { "~" };
        self.operator(symbol, vec![subject, regex]).map_err(|error| error.at(at))
    }

    /// Functions that are called with words between their arguments.
    pub(super) fn special(&self, sql: &Sql) -> Result<Bound> {
        match sql {
            Sql::Extract { field, expr, .. } => {
                let field = field.to_string().to_lowercase();
                let field = field.trim_matches('\'').to_owned();
                let field = self.literal(&Datum::Text(field), Type::Unknown)?;
                let at = self.position_before(&**expr, &["EXTRACT"]);
                self.special_call("extract", vec![field, self.expr(expr)?], at)
            }
            Sql::Position { expr, r#in } => {
                let at = self.position_before(&**expr, &["POSITION"]);
                self.special_call("position", vec![self.expr(expr)?, self.expr(r#in)?], at)
            }
            Sql::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
                let parts = [expr, overlay_what, overlay_from].into_iter().chain(overlay_for);
                let args = parts.map(|part| self.expr(part)).collect::<Result<Vec<_>>>()?;
                self.special_call("overlay", args, self.position_before(&**expr, &["OVERLAY"]))
            }
            Sql::Substring { expr, substring_from, substring_for, special, shorthand } => {
                let mut args = vec![self.expr(expr)?];
                match substring_from {
                    Some(from) => args.push(self.expr(from)?),
                    None => args.push(self.literal(&Datum::Int32(1), Type::Int4)?),
                }
                if let Some(length) = substring_for {
                    args.push(self.expr(length)?);
                }
                let at = self.position_before(&**expr, &["SUBSTRING", "SUBSTR"]);
                match (special, shorthand) {
                    (false, _) => self.special_call("substring", args, at),
                    (true, false) => {
                        self.named_call("substring", args).map_err(|error| error.at(at))
                    }
                    (true, true) => self.named_call("substr", args).map_err(|error| error.at(at)),
                }
            }
            Sql::Trim { trim_where, trim_what, expr, trim_characters } => {
                let name = match trim_where {
                    Some(ast::TrimWhereField::Leading) => "ltrim",
                    Some(ast::TrimWhereField::Trailing) => "rtrim",
                    _ => "btrim",
                };
                let mut args = vec![self.expr(expr)?];
                let what = trim_what.as_deref();
                for chars in what.into_iter().chain(trim_characters.iter().flatten()) {
                    args.push(self.expr(chars)?);
                }
                let first = what.unwrap_or(expr);
                self.special_call(name, args, self.position_before(first, &["TRIM"]))
            }
            Sql::AtTimeZone { timestamp, time_zone } => {
                let at = self.position_behind(&**timestamp, &["AT"]);
                let args = vec![self.expr(time_zone)?, self.expr(timestamp)?];
                self.special_call("timezone", args, at)
            }
            other => Err(Error::unsupported(format!("expression {other}"))),
        }
    }

    /// A call that the grammar makes: errors show that it means PostgreSQL's own function.
    fn special_call(&self, name: &str, args: Vec<Bound>, at: Option<usize>) -> Result<Bound> {
        let kinds: Vec<Type> = args.iter().map(Bound::kind).collect();
        let full_name = format!("pg_catalog.{name}");
        match resolve::resolve(functions::named(name), &kinds) {
            Resolution::Found(function) => self.apply(function, args),
            Resolution::Ambiguous => Err(not_unique(&full_name, &kinds)),
            Resolution::NoMatch => Err(no_function(&full_name, &kinds)),
        }
        .map_err(|error| error.at(at))
    }

    /// `(start, end or length) OVERLAPS (start, end or length)`; `None` for another operator.
    pub(super) fn overlaps(
        &self,
        left: &Sql,
        op: &BinaryOperator,
        right: &Sql,
    ) -> Result<Option<Bound>> {
        if *op != BinaryOperator::Overlaps {
            return Ok(None);
        }
        let mut args = Vec::new();
        for (side, sql) in [("left", left), ("right", right)] {
            let values = self.row_values(sql)?.filter(|values| values.len() == 2);
            args.extend(values.ok_or_else(|| {
                let message =
                    format!("wrong number of parameters on {side} side of OVERLAPS expression");
                Error::new(SqlState::SyntaxError, message).at(self.position_of(sql))
            })?);
        }
        let at = self.operator_position(left, right, op);
        self.special_call("overlaps", args, at).map(Some)
    }
}
