//! Aggregates WITHIN GROUP: percentiles, the mode, and the place that a row would have.

use datafusion::logical_expr::Expr;
use datafusion::sql::sqlparser::ast;

use super::call::no_function;
use super::expr::canonical;
use super::position::token_after;
use super::{Binder, Bound};
use crate::error::{Error, Result, SqlState};
use crate::functions::aggregates::{self, Aggregate, Kind, SortKey};
use crate::functions::casts::{self, CastLevel};
use crate::functions::ordered_sets::OrderedSet;
use crate::types::Type;

/// A call WITHIN GROUP, as it is written.
pub(super) struct WithinGroup<'s> {
    pub(super) name: &'s str,
    pub(super) args: &'s [ast::FunctionArg],
    pub(super) order: &'s [ast::OrderByExpr],
    pub(super) filter: Option<&'s ast::Expr>,
}

impl Binder<'_> {
    /// Refuses what cannot stand with WITHIN GROUP.
    pub(super) fn check_within_group(&self, call: &ast::Function, name: &str) -> Result<()> {
        let ast::FunctionArguments::List(list) = &call.args else { return Ok(()) };
        if list.duplicate_treatment == Some(ast::DuplicateTreatment::Distinct) {
            let at = self.position_of(&call.name);
            let at = at.and_then(|at| token_after(self.sql, at, &["WITHIN"]));
            let message = "cannot use DISTINCT with WITHIN GROUP";
            return Err(Error::new(SqlState::SyntaxError, message).at(at));
        }
        if list.clauses.iter().any(|c| matches!(c, ast::FunctionArgumentClause::OrderBy(_))) {
            let at = self.position_of(&call.name);
            let at = at.and_then(|at| token_after(self.sql, at, &["WITHIN"]));
            let message = "cannot use multiple ORDER BY clauses with WITHIN GROUP";
            return Err(Error::new(SqlState::SyntaxError, message).at(at));
        }
        if call.over.is_some() && OrderedSet::named(name).is_some() {
            let message = format!("OVER is not supported for ordered-set aggregate {name}");
            return Err(Error::new(SqlState::FeatureNotSupported, message));
        }
        Ok(())
    }

    /// An ordered-set aggregate, with its arguments and sort keys, and its filter.
    pub(super) fn ordered_set_parts(
        &self,
        call: &WithinGroup<'_>,
    ) -> Result<(Aggregate, Vec<Expr>, Option<Expr>)> {
        let WithinGroup { name, .. } = *call;
        let nested = self.forbid_nested();
        let direct = self.arguments(call.args)?;
        let mut sorted = Vec::new();
        let mut order = Vec::new();
        for key in call.order {
            sorted.push(self.expr(&key.expr)?);
            let descending = key.options.asc == Some(false);
            let nulls_first = key.options.nulls_first.unwrap_or(descending);
            order.push(SortKey { descending, nulls_first });
        }
        let filter = match call.filter {
            None => None,
            Some(filter) => Some(self.filter(filter)?),
        };
        drop(nested);
        let kinds: Vec<Type> = direct.iter().chain(&sorted).map(Bound::kind).collect();
        let Some(set) = OrderedSet::named(name) else {
            return Err(match aggregates::resolve(name, &kinds) {
                Some(_) => Error::new(
                    SqlState::WrongObjectType,
                    format!(
                        "{name} is not an ordered-set aggregate, so it cannot have WITHIN GROUP"
                    ),
                ),
                None => no_function(name, &kinds),
            });
        };
        let grouped: Vec<(Expr, Option<usize>)> =
            direct.iter().map(|arg| (arg.expr.clone(), arg.position)).collect();
        let (set, input, exprs) = match set.is_hypothetical() {
            true => {
                let exprs = self.hypothetical(name, &kinds, direct, sorted)?;
                (set, Type::Int8, exprs)
            }
            false => self.inverse(name, set, &kinds, direct, sorted)?,
        };
        if let Some(level) = self.levels.borrow_mut().last_mut() {
            level.extraction.direct_args.extend(grouped);
        }
        let kind = Kind::OrderedSet(set);
        Ok((Aggregate { kind, input, distinct: false, order }, exprs, filter))
    }

    /// The row that is given, and the keys of those among which it would stand.
    fn hypothetical(
        &self,
        name: &str,
        kinds: &[Type],
        direct: Vec<Bound>,
        sorted: Vec<Bound>,
    ) -> Result<Vec<Expr>> {
        if direct.len() != sorted.len() {
            return Err(Error::new(
                SqlState::UndefinedFunction,
                format!("function {} does not exist", super::call::signature(name, kinds)),
            )
            .hint(format!(
                "To use the hypothetical-set aggregate {name}, the number of hypothetical direct arguments (here {}) must match the number of ordering columns (here {}).",
                direct.len(),
                sorted.len()
            )));
        }
        let (mut row, mut keys) = (Vec::new(), Vec::new());
        for (value, key) in direct.into_iter().zip(sorted) {
            let (pair, ty) = self.unify(vec![key, value], "WITHIN GROUP")?;
            let mut pair = pair.into_iter().map(|bound| canonical(ty.kind, bound.expr));
            keys.extend(pair.next());
            row.extend(pair.next());
        }
        row.extend(keys);
        Ok(row)
    }

    /// A percentile or the mode: the fraction, the value and the key.
    fn inverse(
        &self,
        name: &str,
        set: OrderedSet,
        kinds: &[Type],
        direct: Vec<Bound>,
        sorted: Vec<Bound>,
    ) -> Result<(OrderedSet, Type, Vec<Expr>)> {
        let wrong = || no_function(name, kinds);
        let (mut direct, mut sorted) = (direct.into_iter(), sorted.into_iter());
        let (fraction, value) = (direct.next(), sorted.next().ok_or_else(wrong)?);
        if direct.next().is_some() || sorted.next().is_some() {
            return Err(wrong());
        }
        let fits = |from: Type, to: Type| casts::level(from, to) == Some(CastLevel::Implicit);
        let (set, fraction) = match (set, fraction) {
            (OrderedSet::Mode, None) => (set, None),
            (OrderedSet::Mode, Some(_)) | (_, None) => return Err(wrong()),
            (_, Some(fraction)) => {
                let many = fraction.kind().is_array();
                let target = if many { Type::Float8Array } else { Type::Float8 };
                if !fits(fraction.kind(), target) {
                    return Err(wrong());
                }
                let set = match set {
                    OrderedSet::PercentileCont { .. } => OrderedSet::PercentileCont { many },
                    _ => OrderedSet::PercentileDisc { many },
                };
                (set, Some(self.implicit(fraction, target)?.expr))
            }
        };
        let value = match (set, value.kind()) {
            (OrderedSet::PercentileCont { .. }, Type::Interval) => value,
            (OrderedSet::PercentileCont { .. }, kind) if fits(kind, Type::Float8) => {
                self.implicit(value, Type::Float8)?
            }
            (OrderedSet::PercentileCont { .. }, _) => return Err(wrong()),
            _ => self.settle(value)?,
        };
        let kind = value.kind();
        let key = canonical(kind, value.expr.clone());
        Ok((set, kind, fraction.into_iter().chain([value.expr, key]).collect()))
    }
}
