//! Operators: which one a symbol means for the types of its operands.

use std::sync::Arc;

use datafusion::logical_expr::{Expr, Operator};
use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr as Sql, UnaryOperator, Value};

use super::array::unwrapped;
use super::expr::{binary, canonical};
use super::subplan::{Comparison, Form};
use super::{Binder, Bound};
use crate::error::{Error, Result, SqlState};
use crate::functions::records::RecordForm;
use crate::functions::resolve::{self, Resolution};
use crate::functions::{self, Scalar, udf};
use crate::row::raise::Raise;
use crate::row::stateful;
use crate::types::{Category, Type, TypeMod};

pub(super) fn comparison_of(op: &BinaryOperator) -> Option<(Operator, Comparison)> {
    // It may be written `OPERATOR(pg_catalog.=)`.
    Some(match operator_symbol(op).as_str() {
        "=" => (Operator::Eq, Comparison::Eq),
        "<>" | "!=" => (Operator::NotEq, Comparison::NotEq),
        "<" => (Operator::Lt, Comparison::Lt),
        "<=" => (Operator::LtEq, Comparison::LtEq),
        ">" => (Operator::Gt, Comparison::Gt),
        ">=" => (Operator::GtEq, Comparison::GtEq),
        _ => return None,
    })
}

/// The operators on records that tell apart what is not the same.
fn image_comparison(symbol: &str) -> Option<Operator> {
    Some(match symbol {
        "*=" => Operator::Eq,
        "*<>" => Operator::NotEq,
        "*<" => Operator::Lt,
        "*<=" => Operator::LtEq,
        "*>" => Operator::Gt,
        "*>=" => Operator::GtEq,
        _ => return None,
    })
}

/// The name under which an operator stands in the function table.
pub fn operator_symbol(op: &BinaryOperator) -> String {
    match op {
        BinaryOperator::BitwiseXor | BinaryOperator::PGBitwiseXor => "#".into(),
        BinaryOperator::PGExp => "^".into(),
        BinaryOperator::PGCustomBinaryOperator(parts) => parts.last().cloned().unwrap_or_default(),
        other => other.to_string(),
    }
}

fn operand_list(symbol: &str, kinds: &[Type]) -> String {
    match kinds {
        [one] => format!("{symbol} {}", one.name()),
        [left, right] => format!("{} {symbol} {}", left.name(), right.name()),
        _ => symbol.to_owned(),
    }
}

pub(super) fn no_operator(symbol: &str, kinds: &[Type]) -> Error {
    let hint = if kinds.len() == 1 {
        "No operator matches the given name and argument type. You might need to add an explicit type cast."
    } else {
        "No operator matches the given name and argument types. You might need to add explicit type casts."
    };
    Error::new(
        SqlState::UndefinedFunction,
        format!("operator does not exist: {}", operand_list(symbol, kinds)),
    )
    .hint(hint)
}

/// An error in place of a value: it is raised where there are rows.
fn raised(error: Error, kind: Type) -> Bound {
    let raise = Raise { report: error.into_report(), kind };
    Bound::new(stateful::call(Arc::new(raise), Vec::new()), kind)
}

impl Binder<'_> {
    pub(super) fn binary_op(
        &self,
        left: &Sql,
        op: &BinaryOperator,
        right: &Sql,
        whole: &Sql,
    ) -> Result<Bound> {
        match op {
            BinaryOperator::And | BinaryOperator::Or => {
                let word = if *op == BinaryOperator::And { "AND" } else { "OR" };
                let left = self.expect_bool(self.expr(left)?, word)?;
                let right = self.expect_bool(self.expr(right)?, word)?;
                let op = if word == "AND" { Operator::And } else { Operator::Or };
                return Ok(Bound::new(binary(left.expr, op, right.expr), Type::Bool));
            }
            _ => {}
        }
        let at = || self.operator_position(left, right, op).or(self.position_of(whole));
        if let Some(overlaps) = self.overlaps(left, op, right).map_err(|error| error.at(at()))? {
            return Ok(overlaps);
        }
        if let Some(a) = self.row_values(left)? {
            if let Some(b) = self.row_values(right)? {
                return self.compare_rows(a, op, b).map_err(|error| error.at(at()));
            }
            if let (Sql::Subquery(query), Some((_, comparison))) =
                (unwrapped(right), comparison_of(op))
            {
                return self.with_subquery(a, query, Form::One(comparison), &op.to_string(), at());
            }
        }
        let (a, b) = (self.expr(left)?, self.expr(right)?);
        let position = self.operator_position(left, right, op).or(self.position_of(whole));
        if let Some(operator) = image_comparison(&operator_symbol(op))
            && a.kind().is_row()
            && b.kind().is_row()
        {
            return self.compare_images(a, operator, b);
        }
        if let Some((operator, _)) = comparison_of(op) {
            return self.compare(a, &operator_symbol(op), operator, b).map_err(|e| e.at(position));
        }
        self.operator(&operator_symbol(op), vec![a, b]).map_err(|e| e.at(position))
    }

    /// Where the operator stands: the parser does not say, so look between its operands.
    pub(super) fn operator_position(
        &self,
        left: &Sql,
        right: &Sql,
        op: &BinaryOperator,
    ) -> Option<usize> {
        use datafusion::sql::sqlparser::ast::Spanned;
        let end = left.span().end;
        let from = super::position::position_of(self.sql, end.line, end.column)?;
        let to = self.position_of(right)?;
        let between: String =
            self.sql.chars().skip(from - 1).take(to.saturating_sub(from)).collect();
        let at = between.find(&operator_symbol(op))?;
        Some(from + between.get(..at)?.chars().count())
    }

    /// A comparison by an operator that every type has.
    pub(super) fn compare(&self, a: Bound, name: &str, op: Operator, b: Bound) -> Result<Bound> {
        let common = resolve::common_operand_type(a.kind(), b.kind());
        let Some(kind) = common.filter(|kind| *kind != Type::Void) else {
            return Err(no_operator(name, &[a.kind(), b.kind()]));
        };
        if kind.is_row()
            && let Err(error) = self.check_records(a.ty, b.ty)
        {
            return Ok(raised(error, Type::Bool));
        }
        // Columns of one scale hold comparable layouts; others need the canonical form.
        let (a, b) = (self.comparable(a, kind)?, self.comparable(b, kind)?);
        let expr = binary(canonical(kind, a.expr), op, canonical(kind, b.expr));
        Ok(Bound::new(expr, Type::Bool))
    }

    pub(super) fn compare_images(&self, a: Bound, op: Operator, b: Bound) -> Result<Bound> {
        if let Err(error) = self.check_records(a.ty, b.ty) {
            return Ok(raised(error, Type::Bool));
        }
        let image = |row: Bound| udf::call(Scalar::Record(RecordForm::Image), vec![row.expr]);
        Ok(Bound::new(binary(image(a), op, image(b)), Type::Bool))
    }

    pub(super) fn operator(&self, symbol: &str, args: Vec<Bound>) -> Result<Bound> {
        let kinds: Vec<Type> = args.iter().map(Bound::kind).collect();
        // A string can be joined with anything.
        let joinable = |k: &Type| k.category() == Category::String || *k == Type::Unknown;
        let apart = |k: &Type| *k == Type::Bytea || k.is_array();
        // Another jsonb, which a literal may be.
        let is_jsonb = |k: &Type| matches!(k, Type::Jsonb | Type::Unknown);
        let joins_jsonb = kinds.contains(&Type::Jsonb) && kinds.iter().all(is_jsonb);
        let is_text = !joins_jsonb && !kinds.iter().any(apart) && kinds.iter().any(joinable);
        if symbol == "||" && is_text {
            let text = args.into_iter().map(|arg| match arg.kind() {
                Type::Unknown => self.implicit(arg, Type::Text),
                _ => self.explicit_cast(arg, TypeMod::plain(Type::Text)),
            });
            let text = text.collect::<Result<Vec<_>>>()?;
            return self.operator_call(symbol, text);
        }
        match resolve::resolve(functions::named(symbol), &kinds) {
            Resolution::Found(function) => self.apply(function, args),
            Resolution::NoMatch => Err(no_operator(symbol, &kinds)),
            Resolution::Ambiguous => {
                let operands = operand_list(symbol, &kinds);
                Err(Error::new(
                    SqlState::AmbiguousFunction,
                    format!("operator is not unique: {operands}"),
                )
                .hint("Could not choose a best candidate operator. You might need to add explicit type casts."))
            }
        }
    }

    pub(super) fn operator_call(&self, symbol: &str, args: Vec<Bound>) -> Result<Bound> {
        let kinds: Vec<Type> = args.iter().map(Bound::kind).collect();
        match resolve::resolve(functions::named(symbol), &kinds) {
            Resolution::Found(function) => self.apply(function, args),
            _ => Err(no_operator(symbol, &kinds)),
        }
    }

    pub(super) fn unary_op(&self, op: &UnaryOperator, operand: &Sql) -> Result<Bound> {
        match op {
            UnaryOperator::Not => {
                let operand = self.expect_bool(self.expr(operand)?, "NOT")?;
                Ok(Bound::new(Expr::Not(Box::new(operand.expr)), Type::Bool))
            }
            UnaryOperator::Minus => {
                // The smallest integers have no positive counterpart.
                if let Sql::Value(value) = operand
                    && let Value::Number(digits, _) = &value.value
                {
                    return self.number(&format!("-{digits}"));
                }
                self.prefix("-", operand)
            }
            UnaryOperator::Plus => self.prefix("+", operand),
            UnaryOperator::BitwiseNot => self.prefix("~", operand),
            UnaryOperator::PGSquareRoot => self.prefix("|/", operand),
            UnaryOperator::PGCubeRoot => self.prefix("||/", operand),
            UnaryOperator::PGAbs => self.named_call("abs", vec![self.expr(operand)?]),
            other => Err(Error::unsupported(format!("operator {other}"))),
        }
    }

    pub(super) fn prefix(&self, symbol: &str, operand: &Sql) -> Result<Bound> {
        let bound = self.expr(operand)?;
        let call = self.operator(symbol, vec![bound]);
        call.map_err(|error| error.at(self.position_before(operand, &[symbol])))
    }
}
