//! Arguments by name, `make_interval(days => 3)`, put in the order of the function's parameters.

use datafusion::sql::sqlparser::ast::{Expr as Sql, FunctionArg, FunctionArgExpr, Ident, Value};

use super::{Binder, fold};
use crate::error::{Error, Result, SqlState};

/// The functions whose parameters have names, with those names.
const NAMES: &[(&str, &[&str])] = &[
    ("make_date", &["year", "month", "day"]),
    ("make_interval", &["years", "months", "weeks", "days", "hours", "mins", "secs"]),
    ("make_time", &["hour", "min", "sec"]),
    ("make_timestamp", &["year", "month", "mday", "hour", "min", "sec"]),
    ("make_timestamptz", &["year", "month", "mday", "hour", "min", "sec", "timezone"]),
];

/// The name and value of an argument.
fn named(arg: &FunctionArg) -> Option<(&Ident, &Sql)> {
    match arg {
        FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), .. } => Some((name, value)),
        _ => None,
    }
}

impl Binder<'_> {
    /// The arguments of a call in their order; `None` if none has a name.
    ///
    /// # Errors
    /// If a name is not one of the function's, if one is missing or doubly there.
    pub(super) fn in_order(
        &self,
        name: &str,
        args: &[FunctionArg],
    ) -> Result<Option<Vec<FunctionArg>>> {
        let Some(first) = args.iter().position(|arg| named(arg).is_some()) else {
            return Ok(None);
        };
        let (before, behind) = args.split_at_checked(first).unwrap_or((args, &[]));
        let Some((_, parameters)) = NAMES.iter().find(|(function, _)| *function == name) else {
            return Err(Error::unsupported(format!("arguments of {name} by name")));
        };
        let mut placed: Vec<Option<FunctionArg>> = before.iter().cloned().map(Some).collect();
        placed.resize(parameters.len().max(placed.len()), None);
        for arg in behind {
            let Some((argument, value)) = named(arg) else {
                let at = match arg {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => self.position_of(value),
                    _ => None,
                };
                let message = "positional argument cannot follow named argument";
                return Err(Error::new(SqlState::SyntaxError, message).at(at));
            };
            let at = parameters.iter().position(|parameter| *parameter == fold(argument));
            let Some(place) = at.and_then(|at| placed.get_mut(at)) else {
                return Err(self.no_such_arguments(name, args));
            };
            if place.is_some() {
                let message = format!("argument name \"{}\" used more than once", fold(argument));
                let at = self.position(argument.span);
                return Err(Error::new(SqlState::SyntaxError, message).at(at));
            }
            *place = Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(value.clone())));
        }
        let last = placed.iter().rposition(Option::is_some).unwrap_or(0);
        placed.truncate(last + 1);
        // Only an interval is whole without all its parts.
        let zero = || {
            let value = Sql::Value(Value::Number("0".into(), false).into());
            FunctionArg::Unnamed(FunctionArgExpr::Expr(value))
        };
        let complete = placed.into_iter().map(|arg| match arg {
            Some(arg) => Ok(arg),
            None if name == "make_interval" => Ok(zero()),
            None => Err(self.no_such_arguments(name, args)),
        });
        complete.collect::<Result<Vec<_>>>().map(Some)
    }

    /// The error of names that the function has none of.
    fn no_such_arguments(&self, name: &str, args: &[FunctionArg]) -> Error {
        let mut shown = Vec::new();
        for arg in args {
            let (label, value) = match (named(arg), arg) {
                (Some((label, value)), _) => (format!("{} => ", fold(label)), value),
                (None, FunctionArg::Unnamed(FunctionArgExpr::Expr(value))) => {
                    (String::new(), value)
                }
                _ => continue,
            };
            match self.expr(value) {
                Ok(bound) => shown.push(format!("{label}{}", bound.kind().name())),
                Err(error) => return error,
            }
        }
        let hint = "No function matches the given name and argument types. You might need to add explicit type casts.";
        let message = format!("function {name}({}) does not exist", shown.join(", "));
        Error::new(SqlState::UndefinedFunction, message).hint(hint)
    }
}
