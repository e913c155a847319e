//! Expressions of the row executor.

use std::sync::Arc;

use datafusion::common::DFSchema;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use super::quantified::OverArray;
use super::stateful::{Stateful, stateful_of};
use super::{Frame, subplan};
use crate::binder::subplan::{Subplan, subplan_of};
use crate::error::{Error, Result};
use crate::functions::arrays::ArrayForm;
use crate::functions::{Context, Scalar, udf};
use crate::types::Datum;

/// Where a parameter comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// The client.
    Client(usize),
    /// Session or transaction.
    Context(Context),
    /// An outer query.
    Outer(usize),
    /// The other side of a join.
    Joined(usize),
}

/// A compiled expression.
#[derive(Debug)]
#[allow(missing_docs, reason = "the variants are those of the logical plan")]
pub enum RowExpr {
    Column(usize),
    Literal(Datum),
    Parameter(Parameter),
    Compare(Box<RowExpr>, Operator, Box<RowExpr>),
    And(Box<RowExpr>, Box<RowExpr>),
    Or(Box<RowExpr>, Box<RowExpr>),
    Not(Box<RowExpr>),
    IsNull(Box<RowExpr>),
    /// `IS [NOT] TRUE`, `FALSE`, `UNKNOWN`: the value asked for, and whether negated.
    Is(Box<RowExpr>, Option<bool>, bool),
    Case(Vec<(RowExpr, RowExpr)>, Option<Box<RowExpr>>),
    InList(Box<RowExpr>, Vec<RowExpr>, bool),
    Call(Scalar, Vec<RowExpr>),
    Subplan(Arc<Subplan>, Vec<RowExpr>),
    Stateful(Arc<dyn Stateful>, Vec<RowExpr>),
    OverArray(Box<OverArray>),
    /// To another integer width.
    Widen(Box<RowExpr>),
}

/// What expressions find around a row.
pub trait Scope {
    /// The value of a parameter.
    ///
    /// # Errors
    /// If it has none.
    fn parameter(&self, parameter: Parameter) -> Result<Datum>;

    /// The value of a subquery for these arguments.
    ///
    /// # Errors
    /// Its own.
    fn subplan(&self, plan: &Arc<Subplan>, args: &[Datum]) -> Result<Datum>;

    /// The value for a row of what is asked of an array that is the same for all rows.
    ///
    /// # Errors
    /// Those of its operator.
    fn over_array(&self, over: &OverArray, row: &[Datum]) -> Result<Datum>;
}

impl Scope for Frame<'_> {
    fn parameter(&self, parameter: Parameter) -> Result<Datum> {
        let value = match parameter {
            Parameter::Client(index) => self.env.params.get(index).cloned(),
            Parameter::Context(context) => Some(self.env.context(context)),
            Parameter::Outer(slot) => self.env.outer.get(slot).cloned(),
            Parameter::Joined(slot) => self.joined.borrow().get(slot).cloned(),
        };
        value.ok_or_else(|| Error::internal("a parameter is not bound"))
    }

    fn subplan(&self, plan: &Arc<Subplan>, args: &[Datum]) -> Result<Datum> {
        subplan::evaluate_in(plan, self, args)
    }

    fn over_array(&self, over: &OverArray, row: &[Datum]) -> Result<Datum> {
        over.eval(row, self)
    }
}

/// The parameter that an identifier in a plan means.
pub fn parameter_of(id: &str) -> Result<Parameter> {
    let bad = || Error::internal(format!("unreadable parameter {id}"));
    let body = id.strip_prefix('$').ok_or_else(bad)?;
    let number = |text: &str| text.parse::<usize>().map_err(|_| bad());
    if let Some(slot) = body.strip_prefix('o') {
        return number(slot).map(Parameter::Outer);
    }
    if let Some(slot) = body.strip_prefix('j') {
        return number(slot).map(Parameter::Joined);
    }
    if let Some(context) = body.strip_prefix('c') {
        let known = Context::ALL.get(number(context)?).copied();
        return known.map(Parameter::Context).ok_or_else(bad);
    }
    let index = number(body)?.checked_sub(1).ok_or_else(bad)?;
    Ok(Parameter::Client(index))
}

fn boxed(expr: &Expr, schema: &DFSchema) -> Result<Box<RowExpr>> {
    RowExpr::compile(expr, schema).map(Box::new)
}

impl RowExpr {
    /// Compiles an expression over rows of `schema`. What this executor lacks is 0A000, which
    /// sends the plan to the other one.
    pub fn compile(expr: &Expr, schema: &DFSchema) -> Result<RowExpr> {
        let list = |exprs: &[Expr]| {
            exprs.iter().map(|e| RowExpr::compile(e, schema)).collect::<Result<Vec<_>>>()
        };
        Ok(match expr {
            Expr::Alias(alias) => RowExpr::compile(&alias.expr, schema)?,
            Expr::Column(column) => RowExpr::Column(
                schema
                    .maybe_index_of_column(column)
                    .ok_or_else(|| Error::internal(format!("no column {column} in the plan")))?,
            ),
            Expr::Literal(value, _) => RowExpr::Literal(Datum::from_scalar(value)?),
            Expr::Placeholder(placeholder) => RowExpr::Parameter(parameter_of(&placeholder.id)?),
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
                let (left, right) = (boxed(left, schema)?, boxed(right, schema)?);
                match op {
                    Operator::And => RowExpr::And(left, right),
                    Operator::Or => RowExpr::Or(left, right),
                    Operator::Eq
                    | Operator::NotEq
                    | Operator::Lt
                    | Operator::LtEq
                    | Operator::Gt
                    | Operator::GtEq
                    | Operator::IsDistinctFrom
                    | Operator::IsNotDistinctFrom => RowExpr::Compare(left, *op, right),
                    other => return Err(Error::unsupported(format!("operator {other}"))),
                }
            }
            Expr::Not(inner) => RowExpr::Not(boxed(inner, schema)?),
            Expr::IsNull(inner) => RowExpr::IsNull(boxed(inner, schema)?),
            Expr::IsNotNull(inner) => {
                RowExpr::Not(Box::new(RowExpr::IsNull(boxed(inner, schema)?)))
            }
            Expr::IsTrue(inner) => RowExpr::Is(boxed(inner, schema)?, Some(true), false),
            Expr::IsNotTrue(inner) => RowExpr::Is(boxed(inner, schema)?, Some(true), true),
            Expr::IsFalse(inner) => RowExpr::Is(boxed(inner, schema)?, Some(false), false),
            Expr::IsNotFalse(inner) => RowExpr::Is(boxed(inner, schema)?, Some(false), true),
            Expr::IsUnknown(inner) => RowExpr::Is(boxed(inner, schema)?, None, false),
            Expr::IsNotUnknown(inner) => RowExpr::Is(boxed(inner, schema)?, None, true),
            Expr::Between(between) => {
                let value = || boxed(&between.expr, schema);
                let low = RowExpr::Compare(value()?, Operator::GtEq, boxed(&between.low, schema)?);
                let high =
                    RowExpr::Compare(value()?, Operator::LtEq, boxed(&between.high, schema)?);
                let inside = RowExpr::And(Box::new(low), Box::new(high));
                if between.negated { RowExpr::Not(Box::new(inside)) } else { inside }
            }
            Expr::InList(in_list) => RowExpr::InList(
                boxed(&in_list.expr, schema)?,
                list(&in_list.list)?,
                in_list.negated,
            ),
            Expr::Case(case) if case.expr.is_none() => {
                let mut whens = Vec::new();
                for (when, then) in &case.when_then_expr {
                    whens.push((RowExpr::compile(when, schema)?, RowExpr::compile(then, schema)?));
                }
                let otherwise = case.else_expr.as_ref().map(|e| boxed(e, schema)).transpose()?;
                RowExpr::Case(whens, otherwise)
            }
            Expr::Cast(cast)
                if matches!(
                    cast.field.data_type(),
                    datafusion::arrow::datatypes::DataType::Int64
                ) =>
            {
                RowExpr::Widen(boxed(&cast.expr, schema)?)
            }
            Expr::ScalarFunction(function) => {
                if let Some(Scalar::Array(ArrayForm::Quantified(form))) = udf::scalar_of(function)
                    && let Some(over) = OverArray::compile(form, &function.args, schema)?
                {
                    return Ok(RowExpr::OverArray(Box::new(over)));
                }
                let args = list(&function.args)?;
                if let Some(scalar) = udf::scalar_of(function) {
                    RowExpr::Call(scalar, args)
                } else if let Some(subplan) = subplan_of(function) {
                    RowExpr::Subplan(subplan.clone(), args)
                } else if let Some(function) = stateful_of(function) {
                    RowExpr::Stateful(function.clone(), args)
                } else {
                    return Err(Error::unsupported(format!("function {}", function.name())));
                }
            }
            other => return Err(Error::unsupported(format!("expression {other}"))),
        })
    }

    /// The value for a row.
    pub fn eval<S: Scope>(&self, row: &[Datum], frame: &S) -> Result<Datum> {
        let evaluate = |exprs: &[RowExpr]| {
            exprs.iter().map(|expr| expr.eval(row, frame)).collect::<Result<Vec<_>>>()
        };
        Ok(match self {
            RowExpr::Column(index) => row
                .get(*index)
                .cloned()
                .ok_or_else(|| Error::internal(format!("a row without column {index}")))?,
            RowExpr::Literal(value) => value.clone(),
            RowExpr::Parameter(parameter) => frame.parameter(*parameter)?,
            RowExpr::Compare(left, op, right) => {
                let (left, right) = (left.eval(row, frame)?, right.eval(row, frame)?);
                compare(&left, *op, &right)
            }
            RowExpr::And(left, right) => match left.eval(row, frame)? {
                Datum::Bool(false) => Datum::Bool(false),
                left => match (left, right.eval(row, frame)?) {
                    (_, Datum::Bool(false)) => Datum::Bool(false),
                    (Datum::Bool(true), right) => right,
                    _ => Datum::Null,
                },
            },
            RowExpr::Or(left, right) => match left.eval(row, frame)? {
                Datum::Bool(true) => Datum::Bool(true),
                left => match (left, right.eval(row, frame)?) {
                    (_, Datum::Bool(true)) => Datum::Bool(true),
                    (Datum::Bool(false), right) => right,
                    _ => Datum::Null,
                },
            },
            RowExpr::Not(inner) => match inner.eval(row, frame)? {
                Datum::Bool(value) => Datum::Bool(!value),
                other => other,
            },
            RowExpr::IsNull(inner) => Datum::Bool(inner.eval(row, frame)?.is_null()),
            RowExpr::Is(inner, wanted, negated) => {
                let is = match (inner.eval(row, frame)?, wanted) {
                    (Datum::Bool(value), Some(wanted)) => value == *wanted,
                    (Datum::Null, None) => true,
                    _ => false,
                };
                Datum::Bool(is != *negated)
            }
            RowExpr::Case(whens, otherwise) => {
                for (when, then) in whens {
                    if when.eval(row, frame)?.is_true() {
                        return then.eval(row, frame);
                    }
                }
                match otherwise {
                    Some(otherwise) => otherwise.eval(row, frame)?,
                    None => Datum::Null,
                }
            }
            RowExpr::InList(probe, list, negated) => {
                let probe = probe.eval(row, frame)?;
                let mut unknown = probe.is_null();
                for item in list {
                    match compare(&probe, Operator::Eq, &item.eval(row, frame)?) {
                        Datum::Bool(true) => return Ok(Datum::Bool(!negated)),
                        Datum::Null => unknown = true,
                        _ => {}
                    }
                }
                if unknown { Datum::Null } else { Datum::Bool(*negated) }
            }
            RowExpr::Call(scalar, args) => scalar.call(&evaluate(args)?)?,
            RowExpr::Subplan(plan, args) => frame.subplan(plan, &evaluate(args)?)?,
            RowExpr::Stateful(function, args) => function.run(&evaluate(args)?)?,
            RowExpr::OverArray(over) => frame.over_array(over, row)?,
            RowExpr::Widen(inner) => match inner.eval(row, frame)? {
                Datum::Null => Datum::Null,
                value => Datum::Int64(value.as_i64()?),
            },
        })
    }
}

/// SQL's comparison of two values of one layout.
pub fn compare(left: &Datum, op: Operator, right: &Datum) -> Datum {
    match op {
        Operator::IsDistinctFrom => return Datum::Bool(left.compare(right).is_ne()),
        Operator::IsNotDistinctFrom => return Datum::Bool(left.compare(right).is_eq()),
        _ => {}
    }
    if left.is_null() || right.is_null() {
        return Datum::Null;
    }
    let order = left.compare(right);
    Datum::Bool(match op {
        Operator::Eq => order.is_eq(),
        Operator::NotEq => order.is_ne(),
        Operator::Lt => order.is_lt(),
        Operator::LtEq => order.is_le(),
        Operator::Gt => order.is_gt(),
        _ => order.is_ge(),
    })
}
