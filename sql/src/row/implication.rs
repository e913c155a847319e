//! Whether the conditions of a scan imply that of a partial index, as PostgreSQL's predtest does for
//! simple cases: equal clauses, IS NOT NULL from comparisons, and comparisons of one expression with
//! constants. What is not found out here is not implied.

use datafusion::logical_expr::expr::{InList, ScalarFunction};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use super::expr::compare;
use crate::functions::arrays::ArrayForm;
use crate::functions::{Scalar, udf};
use crate::types::{Datum, Type};

/// `expr op constant`
struct Comparison<'e> {
    expr: &'e Expr,
    op: Operator,
    constant: Datum,
}

/// Whether all of these conditions, over columns without qualifiers, follow from those.
pub(super) fn implies(given: &[Expr], wanted: &[Expr]) -> bool {
    // What is never true implies anything.
    let is_false = |expr: &Expr| literal(expr) == Some(Datum::Bool(false));
    given.iter().any(is_false) || wanted.iter().all(|wanted| proves(given, wanted))
}

/// Whether values of parameters could make these conditions imply what they do not imply without.
pub(super) fn hinges_on_parameters(given: &[Expr], wanted: &[Expr]) -> bool {
    let open: Vec<&Expr> = wanted.iter().filter(|wanted| !proves(given, wanted)).collect();
    !open.is_empty()
        && open.iter().all(|wanted| {
            let columns = wanted.column_refs();
            given.iter().any(|given| {
                has_client_parameter(given)
                    && given.column_refs().iter().any(|column| columns.contains(column))
            })
        })
}

fn has_client_parameter(expr: &Expr) -> bool {
    use datafusion::common::tree_node::TreeNode;
    let is_client = |id: &str| {
        id.strip_prefix('$').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let found = expr.exists(|expr| {
        Ok(matches!(expr, Expr::Placeholder(parameter) if is_client(&parameter.id)))
    });
    found.unwrap_or(false)
}

fn proves(given: &[Expr], wanted: &Expr) -> bool {
    match wanted {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            proves(given, left) && proves(given, right)
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right })
            if proves(given, left) || proves(given, right) =>
        {
            true
        }
        _ => given.iter().any(|given| one_proves(given, wanted)),
    }
}

fn one_proves(given: &Expr, wanted: &Expr) -> bool {
    if given == wanted {
        return true;
    }
    match given {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            one_proves(left, wanted) || one_proves(right, wanted)
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            one_proves_some(left, wanted) && one_proves_some(right, wanted)
        }
        Expr::Between(between) if !between.negated => {
            let side = |op, bound: &Expr| {
                Expr::BinaryExpr(BinaryExpr::new(between.expr.clone(), op, Box::new(bound.clone())))
            };
            one_proves(&side(Operator::GtEq, &between.low), wanted)
                || one_proves(&side(Operator::LtEq, &between.high), wanted)
        }
        _ => atom_proves(given, wanted),
    }
}

/// The same where what is wanted may be one of several conditions.
fn one_proves_some(given: &Expr, wanted: &Expr) -> bool {
    proves(std::slice::from_ref(given), wanted)
}

fn atom_proves(given: &Expr, wanted: &Expr) -> bool {
    if let Some(not_null) = not_null_of(wanted) {
        return is_strict(given, not_null);
    }
    if let Expr::IsTrue(inner) = wanted {
        return one_proves(given, inner);
    }
    let Some(wanted) = comparison(wanted) else {
        return match wanted {
            Expr::InList(list) if !list.negated => is_one_of(given, list),
            _ => false,
        };
    };
    if let Expr::InList(list) = given
        && !list.negated
    {
        return same(&list.expr, wanted.expr)
            && list.list.iter().all(|item| {
                literal(item).is_some_and(|item| holds(&item, wanted.op, &wanted.constant))
            });
    }
    comparison(given).is_some_and(|given| bounds(&given, &wanted))
}

/// Whether a condition leaves only values that a list has.
fn is_one_of(given: &Expr, list: &InList) -> bool {
    let has = |value: &Datum| {
        list.list
            .iter()
            .any(|item| literal(item).is_some_and(|item| holds(value, Operator::Eq, &item)))
    };
    match given {
        Expr::InList(given) if !given.negated && same(&given.expr, &list.expr) => {
            given.list.iter().all(|item| literal(item).is_some_and(|item| has(&item)))
        }
        _ => comparison(given).is_some_and(|given| {
            given.op == Operator::Eq && same(given.expr, &list.expr) && has(&given.constant)
        }),
    }
}

/// What a condition says is not NULL, if it says nothing else.
fn not_null_of(wanted: &Expr) -> Option<&Expr> {
    match wanted {
        Expr::IsNotNull(inner) => Some(inner),
        Expr::Not(inner) => match &**inner {
            Expr::IsNull(inner) => Some(inner),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a condition is not true where `value` is NULL.
fn is_strict(given: &Expr, value: &Expr) -> bool {
    match given {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let compares = matches!(
                op,
                Operator::Eq
                    | Operator::NotEq
                    | Operator::Lt
                    | Operator::LtEq
                    | Operator::Gt
                    | Operator::GtEq
            );
            compares && (follows(left, value) || follows(right, value))
        }
        Expr::InList(list) => follows(&list.expr, value),
        Expr::ScalarFunction(function) => match udf::scalar_of(function) {
            Some(Scalar::Array(ArrayForm::Quantified(_))) => {
                function.args.first().is_some_and(|probe| follows(probe, value))
            }
            _ => false,
        },
        Expr::Not(inner) => is_strict(inner, value) || **inner == *value,
        _ => given == value,
    }
}

/// Whether an expression is NULL where `value` is.
fn follows(expr: &Expr, value: &Expr) -> bool {
    expr == value
        || match expr {
            Expr::ScalarFunction(function) => match udf::scalar_of(function) {
                Some(Scalar::Canonical(_) | Scalar::Cast { .. }) => {
                    function.args.first().is_some_and(|arg| follows(arg, value))
                }
                _ => false,
            },
            _ => false,
        }
}

/// An expression without casts that keep integers as they are.
fn narrow(expr: &Expr) -> &Expr {
    let Expr::ScalarFunction(ScalarFunction { args, .. }) = expr else { return expr };
    let Expr::ScalarFunction(function) = expr else { return expr };
    use Type::{Int2, Int4, Int8};
    match (udf::scalar_of(function), args.first()) {
        (
            Some(
                Scalar::Cast { from: Int2, to: Int4 | Int8 }
                | Scalar::Cast { from: Int4, to: Int8 },
            ),
            Some(arg),
        ) => narrow(arg),
        _ => expr,
    }
}

fn same(one: &Expr, other: &Expr) -> bool {
    narrow(one) == narrow(other)
}

fn literal(expr: &Expr) -> Option<Datum> {
    match expr {
        Expr::Literal(value, _) => Datum::from_scalar(value).ok().filter(|value| !value.is_null()),
        _ => None,
    }
}

fn comparison(expr: &Expr) -> Option<Comparison<'_>> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = expr else { return None };
    let op = match op {
        Operator::Eq
        | Operator::NotEq
        | Operator::Lt
        | Operator::LtEq
        | Operator::Gt
        | Operator::GtEq => *op,
        _ => return None,
    };
    match (literal(left), literal(right)) {
        (None, Some(constant)) => Some(Comparison { expr: left, op, constant }),
        (Some(constant), None) => Some(Comparison { expr: right, op: op.swap()?, constant }),
        _ => None,
    }
}

/// Whether a comparison of two constants is known, and true.
fn holds(left: &Datum, op: Operator, right: &Datum) -> bool {
    match (left.as_i64(), right.as_i64()) {
        (Ok(left), Ok(right)) => compare(&Datum::Int64(left), op, &Datum::Int64(right)).is_true(),
        _ if std::mem::discriminant(left) == std::mem::discriminant(right) => {
            compare(left, op, right).is_true()
        }
        _ => false,
    }
}

/// Whether one comparison implies another one.
fn bounds(given: &Comparison<'_>, wanted: &Comparison<'_>) -> bool {
    use Operator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    if !same(given.expr, wanted.expr) {
        return false;
    }
    let is = |op| holds(&given.constant, op, &wanted.constant);
    match (given.op, wanted.op) {
        (Eq, op) => is(op),
        (Lt, Lt | LtEq | NotEq) | (LtEq, LtEq) => is(LtEq),
        (LtEq, Lt | NotEq) => is(Lt),
        (Gt, Gt | GtEq | NotEq) | (GtEq, GtEq) => is(GtEq),
        (GtEq, Gt | NotEq) => is(Gt),
        (NotEq, NotEq) => is(Eq),
        _ => false,
    }
}
