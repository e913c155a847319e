//! TABLESAMPLE: a condition above the scan that keeps each row with a probability.
//!
//! Both methods choose rows one by one, as cairn's tables have no pages that SYSTEM could choose. With
//! REPEATABLE the choice is a hash of the seed and the row's key, so a row stays chosen as long as it
//! has that key.

use std::hash::{DefaultHasher, Hash, Hasher};

use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{self, TableSampleKind};

use super::locking::RangedKind;
use super::{Binder, Bound, column_of};
use crate::error::{Error, Result, SqlState};
use crate::functions::casts::CastLevel;
use crate::functions::{Function, Scalar, udf};
use crate::parser::forms::{REPEATABLE, SAMPLE};
use crate::types::{Datum, Type, TypeMod};

const RANDOM: Function = Function {
    name: "tablesample",
    args: &[Type::Float8],
    variadic: false,
    returns: Type::Bool,
    strict: false,
    volatile: true,
    context: &[],
    typed: false,
    kernel: |args| Ok(Datum::Bool(rand::random::<f64>() < share(args)?)),
};

/// Whether a row is chosen, for a function without a seed.
static CHOOSE: Function = RANDOM;
/// The same with a seed and the columns of its key.
static CHOOSE_AGAIN: Function =
    Function { variadic: true, volatile: false, kernel: choose_again, ..RANDOM };

fn invalid(message: &str) -> Error {
    Error::new(SqlState::InvalidTablesampleArgument, message)
}

/// The first argument, a percentage, as a probability.
fn share(args: &[Datum]) -> Result<f64> {
    match args.first() {
        Some(Datum::Float64(percentage)) if (0.0..=100.0).contains(percentage) => {
            Ok(percentage / 100.0)
        }
        Some(Datum::Float64(_)) => Err(invalid("sample percentage must be between 0 and 100")),
        _ => Err(invalid("TABLESAMPLE parameter cannot be null")),
    }
}

fn choose_again(args: &[Datum]) -> Result<Datum> {
    let share = share(args)?;
    let mut hasher = DefaultHasher::new();
    match args.get(1) {
        Some(Datum::Float64(seed)) => seed.to_bits().hash(&mut hasher),
        _ => {
            return Err(Error::new(
                SqlState::InvalidTablesampleRepeat,
                "TABLESAMPLE REPEATABLE parameter cannot be null",
            ));
        }
    }
    crate::codec::encode_row(args.get(2..).unwrap_or_default()).hash(&mut hasher);
    Ok(Datum::Bool((hasher.finish() as f64) < share * (u64::MAX as f64)))
}

/// The name and the arguments of a call.
fn call_of(expr: &ast::Expr) -> Option<(&str, Vec<&ast::Expr>)> {
    let ast::Expr::Function(function) = expr else { return None };
    let ([name], ast::FunctionArguments::List(list)) = (function.name.0.as_slice(), &function.args)
    else {
        return None;
    };
    let args = list.args.iter().map(|arg| match arg {
        ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    });
    Some((&name.as_ident()?.value, args.collect::<Option<_>>()?))
}

impl Binder<'_> {
    /// Leaves a part of the rows of the relation that was ranged over last.
    pub(super) fn sampled(
        &self,
        plan: LogicalPlan,
        sample: &TableSampleKind,
        relation: Option<usize>,
    ) -> Result<LogicalPlan> {
        let (TableSampleKind::BeforeTableAlias(sample) | TableSampleKind::AfterTableAlias(sample)) =
            sample;
        let call = sample.quantity.as_ref().and_then(|quantity| call_of(&quantity.value));
        let Some((SAMPLE, args)) = call else {
            return Err(Error::unsupported(format!("{sample}")));
        };
        let mut args = args.into_iter();
        let method = args.next();
        let position = method.and_then(|method| self.position_of(method));
        let method = match method {
            Some(ast::Expr::Value(value)) => value.value.clone().into_string().unwrap_or_default(),
            _ => String::new(),
        };
        let ranged = self.levels.borrow().last().and_then(|level| level.ranged.last().cloned());
        let Some(RangedKind::Table(table, unique)) = ranged.map(|ranged| ranged.kind) else {
            let message = "TABLESAMPLE clause can only be applied to tables and materialized views";
            return Err(Error::new(SqlState::FeatureNotSupported, message).at(relation));
        };
        if !matches!(method.as_str(), "bernoulli" | "system") {
            let message = format!("tablesample method {method} does not exist");
            return Err(Error::new(SqlState::UndefinedObject, message).at(position));
        }
        let mut args: Vec<&ast::Expr> = args.collect();
        let seed = args.last().and_then(|last| match call_of(last)? {
            (REPEATABLE, seed) => seed.first().copied(),
            _ => None,
        });
        if seed.is_some() {
            args.pop();
        }
        let [percentage] = args.as_slice() else {
            let count = args.len();
            let message = format!("tablesample method {method} requires 1 argument, not {count}");
            return Err(invalid(&message).at(position));
        };
        // The argument is a float4.
        let mut values = vec![self.sample_argument(percentage, Type::Float4, "TABLESAMPLE")?];
        if let Some(seed) = seed {
            values.push(self.sample_argument(seed, Type::Float8, "REPEATABLE")?);
        }
        let function = if seed.is_some() { &CHOOSE_AGAIN } else { &CHOOSE };
        let mut values: Vec<_> = values.into_iter().map(|value| value.expr).collect();
        if seed.is_some() {
            let key = table.primary.columns.iter();
            values.extend(key.map(|index| {
                datafusion::logical_expr::Expr::Column(column_of(&unique, &format!("c{index}")))
            }));
        }
        let chosen = udf::call(Scalar::Builtin(function), values);
        Ok(LogicalPlanBuilder::new(plan).filter(chosen)?.build()?)
    }

    fn sample_argument(&self, sql: &ast::Expr, kind: Type, clause: &str) -> Result<Bound> {
        let value = self.expr(sql)?;
        let (from, position) = (value.kind(), value.position);
        let value = self.convert(value, TypeMod::plain(kind), CastLevel::Assignment)?;
        let value = value.ok_or_else(|| {
            let (to, from) = (kind.name(), from.name());
            let message = format!("argument of {clause} must be type {to}, not type {from}");
            Error::new(SqlState::DatatypeMismatch, message).at(position)
        })?;
        match kind {
            Type::Float8 => Ok(value),
            _ => self.implicit(value, Type::Float8),
        }
    }
}
