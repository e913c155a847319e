//! Calls of window functions, and of aggregates over windows.

use datafusion::sql::sqlparser::ast::{self, FunctionArg, FunctionArgumentClause};

use super::call::{NESTED, no_function};
use super::srf::Sets;
use super::window::{ExtractedWindow, NoWindows};
use super::{Binder, Bound, computed};
use crate::error::{Error, Result, SqlState};
use crate::functions::windows::{WindowCall, WindowFunction};
use crate::functions::{self, aggregates};
use crate::types::Type;

/// A call with OVER, as it is written.
pub(super) struct OverCall<'s> {
    pub(super) name: &'s str,
    pub(super) args: &'s [FunctionArg],
    pub(super) distinct: bool,
    pub(super) clauses: &'s [FunctionArgumentClause],
    pub(super) filter: Option<&'s ast::Expr>,
    pub(super) over: &'s ast::WindowType,
    pub(super) position: Option<usize>,
}

impl Binder<'_> {
    /// Fails where a window function may not stand.
    fn check_window_place(&self) -> Result<()> {
        let levels = self.levels.borrow();
        let Some(extraction) = levels.last().map(|level| &level.extraction) else { return Ok(()) };
        let windowing = |message: String| Err(Error::new(SqlState::WindowingError, message));
        match (extraction.forbidden_in, extraction.no_windows) {
            (_, Some(NoWindows::Definition)) => {
                windowing("window functions are not allowed in window definitions".into())
            }
            (Some(NESTED), _) => Err(Error::new(
                SqlState::GroupingError,
                "aggregate function calls cannot contain window function calls",
            )),
            (Some(clause), _) => windowing(format!("window functions are not allowed in {clause}")),
            (None, Some(NoWindows::Having)) => {
                windowing("window functions are not allowed in HAVING".into())
            }
            (None, Some(NoWindows::Call)) => {
                windowing("window function calls cannot be nested".into())
            }
            (None, None) => Ok(()),
        }
    }

    pub(super) fn window_call(&self, call: &OverCall<'_>) -> Result<Bound> {
        let OverCall { name, .. } = call;
        let plain = WindowFunction::named(name);
        // These are ordered-set aggregates when they have arguments.
        let is_rank = matches!(
            plain,
            Some(
                WindowFunction::Rank
                    | WindowFunction::DenseRank
                    | WindowFunction::PercentRank
                    | WindowFunction::CumeDist
            )
        );
        if is_rank && !call.args.is_empty() {
            return Err(Error::new(
                SqlState::WrongObjectType,
                format!("WITHIN GROUP is required for ordered-set aggregate {name}"),
            ));
        }
        let unsupported =
            |what: &str| Err(Error::new(SqlState::FeatureNotSupported, what.to_owned()));
        let (call_over, returns) = {
            let _no_sets = self.sets(Sets::NotInCalls("window"));
            let _no_windows = self.no_windows(NoWindows::Call);
            match plain {
                Some(function) => {
                    let args = self.arguments(call.args)?;
                    if call.filter.is_some() {
                        return unsupported(
                            "FILTER is not implemented for non-aggregate window functions",
                        );
                    }
                    self.plain_window_call(name, function, args)?
                }
                None if aggregates::is_aggregate(name) => {
                    let (aggregate, args) = self.aggregate_parts(name, call.args, false, &[])?;
                    if call.distinct {
                        return unsupported("DISTINCT is not implemented for window functions");
                    }
                    if !call.clauses.is_empty() {
                        return unsupported(
                            "aggregate ORDER BY is not implemented for window functions",
                        );
                    }
                    let filter = match call.filter {
                        None => None,
                        Some(filter) => Some(self.filter(filter)?),
                    };
                    let returns = aggregate.returns();
                    let function = WindowFunction::Aggregate(aggregate);
                    (WindowCall { function, args, filter }, returns)
                }
                None => {
                    let args = self.arguments(call.args)?;
                    let kinds: Vec<Type> = args.iter().map(Bound::kind).collect();
                    let exists = functions::named(name).next().is_some()
                        || functions::sets::is_set_returning(name);
                    return Err(match exists {
                        true => Error::new(
                            SqlState::WrongObjectType,
                            format!(
                                "OVER specified, but {name} is not a window function nor an aggregate function"
                            ),
                        ),
                        false => no_function(name, &kinds),
                    });
                }
            }
        };
        self.check_window_place()?;
        let definition = self.window_of(call.over, call.position)?;
        let name = self.fresh("w");
        let extracted = ExtractedWindow { name, call: call_over, definition, returns };
        let mut levels = self.levels.borrow_mut();
        let Some(level) = levels.last_mut() else {
            return Err(Error::internal("a window function outside of queries"));
        };
        let list = &mut level.extraction.windows;
        let same = list.iter().find(|other| {
            other.definition == extracted.definition
                && other.call == extracted.call
                && !other.call.args.iter().any(|arg| arg.is_volatile())
        });
        let name = match same {
            Some(same) => same.name.clone(),
            None => {
                let name = extracted.name.clone();
                list.push(extracted);
                name
            }
        };
        Ok(Bound::new(computed(&name), returns))
    }

    fn plain_window_call(
        &self,
        name: &str,
        function: WindowFunction,
        args: Vec<Bound>,
    ) -> Result<(WindowCall, Type)> {
        use WindowFunction as F;
        let kinds: Vec<Type> = args.iter().map(Bound::kind).collect();
        let wrong = || no_function(name, &kinds);
        let as_int = |arg: Bound| {
            let narrow = matches!(arg.kind(), Type::Int2 | Type::Int4 | Type::Unknown);
            if narrow { self.implicit(arg, Type::Int4) } else { Err(wrong()) }
        };
        let mut args = args.into_iter();
        let (first, second, third) = (args.next(), args.next(), args.next());
        let (args, returns) = match (&function, first, second, third, args.next()) {
            (F::RowNumber | F::Rank | F::DenseRank, None, None, None, None) => {
                (Vec::new(), Type::Int8)
            }
            (F::PercentRank | F::CumeDist, None, None, None, None) => (Vec::new(), Type::Float8),
            (F::Ntile, Some(buckets), None, None, None) => (vec![as_int(buckets)?], Type::Int4),
            (F::FirstValue | F::LastValue, Some(value), None, None, None) => {
                let value = self.settle(value)?;
                let kind = value.kind();
                (vec![value], kind)
            }
            (F::NthValue, Some(value), Some(n), None, None) => {
                let value = self.settle(value)?;
                let kind = value.kind();
                (vec![value, as_int(n)?], kind)
            }
            (F::Lag | F::Lead, Some(value), offset, None, None) => {
                let value = self.settle(value)?;
                let kind = value.kind();
                let offset = offset.map(as_int).transpose()?;
                (std::iter::once(value).chain(offset).collect(), kind)
            }
            (F::Lag | F::Lead, Some(value), Some(offset), Some(default), None) => {
                let offset = as_int(offset)?;
                let (values, ty) =
                    self.unify(vec![value, default], name).map_err(|error| match error {
                        Error::Report(report) if report.state == SqlState::DatatypeMismatch => {
                            wrong()
                        }
                        other => other,
                    })?;
                let mut values = values.into_iter();
                let value = values.next();
                (value.into_iter().chain([offset]).chain(values).collect(), ty.kind)
            }
            _ => return Err(wrong()),
        };
        let args = args.into_iter().map(|arg: Bound| arg.expr).collect();
        Ok((WindowCall { function, args, filter: None }, returns))
    }
}
