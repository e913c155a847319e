//! Function calls: scalar functions, aggregates, window functions, and the forms that look
//! like functions but are not.

use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::{Expr, Operator};
use datafusion::sql::sqlparser::ast::{
    self, DuplicateTreatment, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArguments,
};

use super::array::variadic;
use super::comparable::{groupable, sortable};
use super::expr::canonical;
use super::grouping_sets::GroupingCall;
use super::json;
use super::ordered_set::WithinGroup;
use super::position::token_after;
use super::srf::{ExtractedSet, Sets};
use super::subplan::Form;
use super::window::{ExtractedWindow, NoWindows, Windows};
use super::window_call::OverCall;
use super::{Binder, Bound, computed, context, name_parts};
use crate::error::{Error, Result, SqlState};
use crate::functions::aggregates::{self, Aggregate, Kind, SortKey};
use crate::functions::casts::CastLevel;
use crate::functions::ordered_sets::OrderedSet;
use crate::functions::polymorphic::{self, Settled, Unsettled};
use crate::functions::resolve::{self, Resolution};
use crate::functions::windows::WindowFunction;
use crate::functions::{self, Function, Scalar, udf};
use crate::types::{Datum, Type, TypeMod};

/// The arguments of an aggregate as a clause.
pub(super) const NESTED: &str = "aggregate function calls";
/// VALUES as a clause.
pub(super) const VALUES: &str = "VALUES";
/// Most arguments of a call, as in PostgreSQL.
const MAX_ARGUMENTS: usize = 100;

/// An aggregate or window call, computed below the expression that refers to it by name.
#[derive(Clone, Debug)]
pub struct Extracted {
    /// Its column.
    pub name: String,
    /// The call.
    pub expr: Expr,
}

/// Binds the parts of an aggregate call.
type AggregateParts<'p> = dyn Fn() -> Result<(Aggregate, Vec<Expr>, Option<Expr>)> + 'p;

/// What the current query level has extracted so far.
#[derive(Default, Debug)]
pub struct Extraction {
    /// Aggregates, below everything else.
    pub aggregates: Vec<Extracted>,
    /// Where the first of them stands.
    pub first_aggregate: Option<usize>,
    /// Direct arguments of ordered-set aggregates, and where they stand.
    pub(super) direct_args: Vec<(Expr, Option<usize>)>,
    /// Calls of GROUPING.
    pub(super) groupings: Vec<GroupingCall>,
    /// Window functions, above the aggregates.
    pub(super) windows: Vec<ExtractedWindow>,
    /// What they are over.
    pub(super) windows_here: Windows,
    /// What keeps them from standing here.
    pub(super) no_windows: Option<NoWindows>,
    /// Clause in which neither may stand, as error messages name it.
    pub forbidden_in: Option<&'static str>,
    /// Set-returning functions, above the window functions but for those that are grouped by.
    pub(super) sets: Vec<ExtractedSet>,
    /// Whether those may be called.
    pub(super) sets_here: Sets,
}

impl Binder<'_> {
    pub(super) fn function(&self, call: &ast::Function) -> Result<Bound> {
        if let Some(bound) = self.routine_call(call)? {
            return Ok(bound.at(self.position_of(&call.name)));
        }
        let parts = name_parts(&call.name);
        let name = match parts.as_slice() {
            [name] => name.clone(),
            [schema, name] if schema == "pg_catalog" => name.clone(),
            _ => return Err(Error::unsupported(format!("function {}", call.name))),
        };
        let position = call.name.0.first().and_then(|part| part.as_ident());
        let position = position.and_then(|ident| self.position(ident.span));
        let (args, duplicates, clauses) = match &call.args {
            FunctionArguments::None => (&[][..], None, &[][..]),
            FunctionArguments::List(list) => {
                (list.args.as_slice(), list.duplicate_treatment, list.clauses.as_slice())
            }
            FunctionArguments::Subquery(query) if name == "array" => {
                let array = self.subquery(query, Form::Array);
                return array.map_err(|error| error.at(position));
            }
            FunctionArguments::Subquery(_) => {
                return Err(Error::unsupported("a subquery as argument list"));
            }
        };
        if call.null_treatment.is_some() {
            let at = position.and_then(|at| token_after(self.sql, at, &["NULLS"]));
            let written = at.map(|at| self.sql.chars().skip(at - 1).take("nulls".len()).collect());
            let word: String = written.unwrap_or_else(|| "nulls".into());
            let message = format!("syntax error at or near \"{word}\"");
            return Err(Error::new(SqlState::SyntaxError, message).at(at));
        }
        // These are expressions that look like calls.
        let is_form = matches!(name.as_str(), "coalesce" | "greatest" | "least");
        if args.len() > MAX_ARGUMENTS && !is_form {
            return Err(Error::new(
                SqlState::TooManyArguments,
                format!("cannot pass more than {MAX_ARGUMENTS} arguments to a function"),
            ));
        }
        if !call.within_group.is_empty() {
            self.check_within_group(call, &name).map_err(|error| error.at(position))?;
            let (order, filter) = (call.within_group.as_slice(), call.filter.as_deref());
            let within = WithinGroup { name: &name, args, order, filter };
            let bound = self.aggregate_call(position, &|| self.ordered_set_parts(&within));
            return bound.map_err(|error| error.at(position)).map(|bound| bound.at(position));
        }
        if let (FunctionArguments::None, Some(ident)) =
            (&call.args, call.name.0.first().and_then(|part| part.as_ident()))
        {
            return self
                .keyword_value(&name)
                .unwrap_or_else(|| Err(no_function(&name, &[])))
                .map_err(|error| error.at(self.position(ident.span)));
        }
        if let Some(set) = self.set_in_expression(call)? {
            return Ok(set.at(position));
        }
        let distinct = duplicates == Some(DuplicateTreatment::Distinct);
        let bound = if let Some(over) = &call.over {
            let filter = call.filter.as_deref();
            let name = name.as_str();
            self.window_call(&OverCall { name, args, distinct, clauses, filter, over, position })
        } else if name == "grouping" {
            self.grouping_call(args)
        } else if aggregates::is_aggregate(&name) {
            if distinct && matches!(args, [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)]) {
                let star = position.and_then(|at| token_after(self.sql, at, &["*"]));
                let message = "syntax error at or near \"*\"";
                return Err(Error::new(SqlState::SyntaxError, message).at(star));
            }
            self.aggregate_call(position, &|| {
                let _nested = self.forbid_nested();
                let (aggregate, exprs) = self.aggregate_parts(&name, args, distinct, clauses)?;
                let filter = match &call.filter {
                    None => None,
                    Some(filter) => Some(self.filter(filter)?),
                };
                Ok((aggregate, exprs, filter))
            })
        } else if OrderedSet::named(&name).is_some_and(|set| match set {
            OrderedSet::Mode => false,
            set if set.is_hypothetical() => !args.is_empty(),
            _ => args.len() == 2,
        }) {
            Err(Error::new(
                SqlState::WrongObjectType,
                format!("WITHIN GROUP is required for ordered-set aggregate {name}"),
            ))
        } else if WindowFunction::named(&name).is_some() {
            Err(Error::new(
                SqlState::WrongObjectType,
                format!("window function {name} requires an OVER clause"),
            ))
        } else if distinct || call.filter.is_some() {
            let what = if distinct { "DISTINCT" } else { "FILTER" };
            Err(Error::new(
                SqlState::WrongObjectType,
                format!("{what} specified, but {name} is not an aggregate function"),
            ))
        } else {
            self.plain_call(&name, args)
        };
        bound.map_err(|error| error.at(position)).map(|bound| bound.at(position))
    }

    /// The condition of FILTER.
    pub(super) fn filter(&self, condition: &ast::Expr) -> Result<Expr> {
        let _none = self.forbid("FILTER");
        Ok(self.expect_bool(self.expr(condition)?, "FILTER")?.expr)
    }

    pub(super) fn arguments(&self, args: &[FunctionArg]) -> Result<Vec<Bound>> {
        let bound = args.iter().map(|arg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => self.expr(expr),
            FunctionArg::Unnamed(FunctionArgExpr::QualifiedWildcard(name)) => {
                self.row_by_name(name)
            }
            other => Err(Error::unsupported(format!("argument {other}"))),
        });
        bound.collect()
    }

    fn plain_call(&self, name: &str, args: &[FunctionArg]) -> Result<Bound> {
        let _no_sets = (name == "coalesce").then(|| self.sets(Sets::NotWithin("COALESCE")));
        if let Some((fixed, array)) = variadic(args) {
            return self.variadic_call(name, fixed, array);
        }
        let args = match self.in_order(name, args)? {
            Some(args) => self.arguments(&args)?,
            None => self.arguments(args)?,
        };
        if let Some(now) = self.keyword_value_to(name, &args) {
            return now;
        }
        match (name, args.len()) {
            ("coalesce", 1..) => {
                let (args, ty) = self.unify(args, "COALESCE")?;
                let last = args.len() - 1;
                let mut args: Vec<Expr> = args.into_iter().map(|bound| bound.expr).collect();
                let otherwise = args.pop().map(Box::new);
                if last == 0 {
                    return Ok(Bound { expr: *otherwise.unwrap_or_default(), ty, position: None });
                }
                let pairs = args
                    .into_iter()
                    .map(|arg| (Box::new(Expr::IsNotNull(Box::new(arg.clone()))), Box::new(arg)));
                let expr = Expr::Case(Case::new(None, pairs.collect(), otherwise));
                Ok(Bound { expr, ty, position: None })
            }
            ("nullif", 2) => {
                let mut args = args.into_iter();
                let (Some(a), Some(b)) = (args.next(), args.next()) else {
                    return Err(Error::internal("two arguments"));
                };
                let ty = nullif_type(a.ty, b.ty);
                let a = if a.ty == ty { a } else { self.implicit(a, ty.kind)? };
                let equal = self.compare(a.clone(), "=", Operator::Eq, b)?;
                let null = self.null(ty.kind)?;
                let pairs = vec![(Box::new(equal.expr), Box::new(null.expr))];
                let expr = Expr::Case(Case::new(None, pairs, Some(Box::new(a.expr))));
                Ok(Bound { expr, ty, position: None })
            }
            ("greatest" | "least", 1..) => self.extreme(name == "greatest", args),
            ("pg_typeof", 1) => {
                let kind = args.first().map_or(Type::Unknown, |arg| arg.ty.kind);
                self.literal(&Datum::Int64(i64::from(kind.oid())), Type::Regtype)
            }
            ("version", 0) => {
                let text = format!(
                    "PostgreSQL 15.0 (cairn {}) on {}",
                    env!("CARGO_PKG_VERSION"),
                    std::env::consts::ARCH
                );
                self.literal(&Datum::Text(text), Type::Text)
            }
            ("current_database" | "current_catalog", 0) => {
                self.literal(&Datum::Text(self.session_value().database()), Type::Name)
            }
            ("current_schema", 0) => self.current_schema(),
            ("pg_backend_pid", 0) => {
                let id = self.session_value().session_id() as i32;
                self.literal(&Datum::Int32(id), Type::Int4)
            }
            ("quote_literal" | "quote_nullable", 1) => {
                let args = args.into_iter().map(|arg| match arg.kind() {
                    Type::Unknown => Ok(arg),
                    _ => self.explicit_cast(arg, TypeMod::plain(Type::Text)),
                });
                self.named_call(name, args.collect::<Result<_>>()?)
            }
            ("age", 1) if args.first().is_some_and(|a| a.kind() == Type::Date) => {
                let args = args.into_iter().map(|arg| self.implicit(arg, Type::Timestamp));
                self.named_call(name, args.collect::<Result<_>>()?)
            }
            _ => match self.session_call(name, &args).or_else(|| self.catalog_call(name, &args)) {
                Some(call) => call,
                None if json::is_form(name) => self.json_call(name, args),
                None => self.named_call(name, args),
            },
        }
    }

    fn extreme(&self, greatest: bool, args: Vec<Bound>) -> Result<Bound> {
        let (args, ty) = self.unify(args, if greatest { "GREATEST" } else { "LEAST" })?;
        let op = if greatest { Operator::Gt } else { Operator::Lt };
        let mut best: Option<Expr> = None;
        for arg in args {
            best = Some(match best {
                None => arg.expr,
                Some(best) => {
                    // The argument wins over NULL, and over what it beats.
                    let beats = super::expr::binary(
                        canonical(ty.kind, arg.expr.clone()),
                        op,
                        canonical(ty.kind, best.clone()),
                    );
                    let wins = super::expr::binary(
                        Expr::IsNull(Box::new(best.clone())),
                        Operator::Or,
                        beats,
                    );
                    let pairs = vec![(Box::new(wins), Box::new(arg.expr))];
                    Expr::Case(Case::new(None, pairs, Some(Box::new(best))))
                }
            });
        }
        Ok(Bound { expr: best.unwrap_or_default(), ty, position: None })
    }

    /// A call by name with bound arguments.
    pub(super) fn named_call(&self, name: &str, args: Vec<Bound>) -> Result<Bound> {
        let kinds: Vec<Type> = args.iter().map(Bound::kind).collect();
        match resolve::resolve(functions::named(name), &kinds) {
            Resolution::Found(function) => self.apply(function, args),
            Resolution::Ambiguous => Err(not_unique(name, &kinds)),
            Resolution::NoMatch => {
                // A type's name with one argument is a cast.
                if let ([arg], Some(kind)) = (args.as_slice(), Type::from_name(name)) {
                    return self.explicit_cast(arg.clone(), TypeMod::plain(kind));
                }
                Err(no_function(name, &kinds))
            }
        }
    }

    /// Applies a chosen function: converts the arguments and adds the context.
    pub(super) fn apply(&self, function: &'static Function, args: Vec<Bound>) -> Result<Bound> {
        let kinds: Vec<Type> = args.iter().map(Bound::kind).collect();
        let settled = settle(function, &kinds)?;
        let exprs = self.converted_args(function, &settled, args)?;
        Ok(Bound::new(udf::call(Scalar::Builtin(function), exprs), settled.returns))
    }

    /// The arguments of a chosen function, with the context behind them.
    pub(super) fn converted_args(
        &self,
        function: &Function,
        settled: &Settled,
        args: Vec<Bound>,
    ) -> Result<Vec<Expr>> {
        let mut exprs = Vec::with_capacity(args.len() + 1);
        for (index, (arg, expected)) in args.into_iter().zip(&settled.args).enumerate() {
            let expected = *expected;
            let repeated = function.variadic && index + 1 >= function.args.len();
            let arg = match repeated && arg.kind() != Type::Unknown {
                // The text of anything, which for a boolean is not what a cast to text gives.
                true if arg.kind() == Type::Bool => self.boolean_output(arg)?,
                true => self.explicit_cast(arg, TypeMod::plain(expected))?,
                false => self.implicit(arg, expected)?,
            };
            exprs.push(arg.expr);
        }
        exprs.extend(function.context.iter().map(|c| context(*c)));
        if let (true, Some(element)) = (function.typed, settled.element) {
            exprs.push(self.literal(&Datum::Int64(i64::from(element.handle())), Type::Oid)?.expr);
        }
        Ok(exprs)
    }

    fn boolean_output(&self, value: Bound) -> Result<Bound> {
        let text = |text: &str| self.literal(&Datum::Text(text.into()), Type::Text);
        let negated = Expr::Not(Box::new(value.expr.clone()));
        let pairs = vec![
            (Box::new(value.expr), Box::new(text("t")?.expr)),
            (Box::new(negated), Box::new(text("f")?.expr)),
        ];
        Ok(Bound::new(Expr::Case(Case::new(None, pairs, None)), Type::Text))
    }

    /// A call of an aggregate, whose parts `bind` binds: the aggregate, its arguments and its filter.
    fn aggregate_call(&self, position: Option<usize>, bind: &AggregateParts<'_>) -> Result<Bound> {
        let mark = self.mark();
        let (aggregate, exprs, filter) = bind()?;
        if let Some(depth) = self.outer_level_of(exprs.iter().chain(&filter))? {
            self.rewind(mark);
            let bound = self.at_level(depth, || self.aggregate_call(position, bind))?;
            let Expr::Column(column) = bound.expr else {
                return Err(Error::internal("an aggregate without a column"));
            };
            return Ok(self.captured(depth, column, bound.ty, position));
        }
        if let Some(clause) = self.extraction_forbidden() {
            let message = match clause == NESTED {
                true => "aggregate function calls cannot be nested".to_owned(),
                false => format!("aggregate functions are not allowed in {clause}"),
            };
            return Err(Error::new(SqlState::GroupingError, message).at(position));
        }
        let returns = aggregate.returns();
        let expr = aggregates::call(aggregate, exprs, filter);
        let extracted = self.extract_aggregate(expr);
        if let Some(level) = self.levels.borrow_mut().last_mut() {
            level.extraction.first_aggregate = level.extraction.first_aggregate.or(position);
        }
        Ok(Bound::new(computed(&extracted), returns))
    }

    pub(super) fn aggregate_parts(
        &self,
        name: &str,
        args: &[FunctionArg],
        distinct: bool,
        clauses: &[FunctionArgumentClause],
    ) -> Result<(Aggregate, Vec<Expr>)> {
        if let [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)] = args {
            if name != "count" {
                return Err(no_function(name, &[]));
            }
            let aggregate = Aggregate {
                kind: Kind::Count,
                input: Type::Void,
                distinct: false,
                order: Vec::new(),
            };
            return Ok((aggregate, vec![self.literal(&Datum::Bool(true), Type::Bool)?.expr]));
        }
        if args.is_empty() && name == "count" {
            return Err(Error::new(
                SqlState::WrongObjectType,
                "count(*) must be used to call a parameterless aggregate function",
            ));
        }
        let mut bound = self.arguments(args)?;
        let kinds: Vec<Type> = bound.iter().map(Bound::kind).collect();
        if kinds.as_slice() == [Type::Unknown] && name == "count" {
            bound = bound.into_iter().map(|b| self.settle(b)).collect::<Result<_>>()?;
        }
        let kinds: Vec<Type> = bound.iter().map(Bound::kind).collect();
        let (kind, wanted) = aggregates::resolve(name, &kinds).ok_or_else(|| {
            // There are two, of arrays and of all else.
            match (name, kinds.as_slice()) {
                ("array_agg", [Type::Unknown]) => not_unique(name, &kinds),
                _ => no_function(name, &kinds),
            }
        })?;
        if distinct {
            bound.iter().try_for_each(|arg| groupable(arg.kind(), arg.position))?;
        }
        let mut exprs = Vec::new();
        if let Kind::JsonAgg { binary, object } = kind {
            exprs = self.json_aggregate_args(bound, binary, object, distinct)?;
        } else {
            for (arg, kind) in bound.into_iter().zip(&wanted) {
                exprs.push(self.implicit(arg, *kind)?.expr);
            }
        }
        let mut order = Vec::new();
        for clause in clauses {
            let FunctionArgumentClause::OrderBy(keys) = clause else {
                return Err(Error::unsupported(format!("{clause} in an aggregate")));
            };
            for key in keys {
                let bound = self.expr(&key.expr)?;
                let bound = self.settle(bound)?;
                sortable(&bound)?;
                exprs.push(canonical(bound.kind(), bound.expr));
                let descending = key.options.asc == Some(false);
                let nulls_first = key.options.nulls_first.unwrap_or(descending);
                order.push(SortKey { descending, nulls_first });
            }
        }
        let input = match kind {
            // Keys are texts.
            Kind::JsonAgg { object: true, .. } => Type::Text,
            _ => wanted.first().copied().unwrap_or(Type::Void),
        };
        Ok((Aggregate { kind, input, distinct, order }, exprs))
    }
}

/// The type of NULLIF: what the operator `=` makes of its left operand.
fn nullif_type(left: TypeMod, right: TypeMod) -> TypeMod {
    let Some(common) = resolve::common_operand_type(left.kind, right.kind) else { return left };
    let integer = |kind| matches!(kind, Type::Int2 | Type::Int4 | Type::Int8);
    let float = |kind| matches!(kind, Type::Float4 | Type::Float8);
    let date = |kind| matches!(kind, Type::Date | Type::Timestamp | Type::Timestamptz);
    // Between these there are operators that convert nothing.
    let as_it_is = |is: fn(Type) -> bool| is(left.kind) && is(right.kind);
    let kind = match common {
        _ if as_it_is(integer) || as_it_is(float) || as_it_is(date) => left.kind,
        Type::Text if left.kind == Type::Name => left.kind,
        Type::Varchar => Type::Text,
        common => common,
    };
    if kind == left.kind { left } else { TypeMod::plain(kind) }
}

/// The types of a call of a chosen function.
pub(super) fn settle(function: &Function, kinds: &[Type]) -> Result<Settled> {
    polymorphic::settle(function, kinds).map_err(|unsettled| match unsettled {
        Unsettled::Unknown => untyped(),
        Unsettled::Mismatch => Error::internal(format!("{} is not for {kinds:?}", function.name)),
    })
}

/// The error of a call whose arguments do not tell what the function's types stand for.
pub(super) fn untyped() -> Error {
    Error::new(
        SqlState::DatatypeMismatch,
        "could not determine polymorphic type because input has type unknown",
    )
}

pub(super) fn signature(name: &str, kinds: &[Type]) -> String {
    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    format!("{name}({})", kinds.join(", "))
}

pub(super) fn not_unique(name: &str, kinds: &[Type]) -> Error {
    Error::new(
        SqlState::AmbiguousFunction,
        format!("function {} is not unique", signature(name, kinds)),
    )
    .hint("Could not choose a best candidate function. You might need to add explicit type casts.")
}

pub(super) fn no_function(name: &str, kinds: &[Type]) -> Error {
    Error::new(
        SqlState::UndefinedFunction,
        format!("function {} does not exist", signature(name, kinds)),
    )
    .hint("No function matches the given name and argument types. You might need to add explicit type casts.")
}

/// The level at which INSERT and UPDATE convert.
pub(super) const ASSIGNMENT: CastLevel = CastLevel::Assignment;
