//! Calls of functions in SQL.
//!
//! A call is expanded where it stands: the body is bound by a binder of its own, in which arguments are
//! slots like columns of an outer query. A body that is one expression takes the place of the call, as
//! PostgreSQL inlines it; another one becomes a subquery whose outer columns are the arguments. In FROM it
//! is a derived table, or LATERAL where it has subqueries, which look for their slots.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Operator as Op};
use datafusion::sql::sqlparser::ast::{self, Expr as Sql, FunctionArg, FunctionArgExpr, Statement};

use super::call::no_function;
use super::expr::binary;
use super::from::Item;
use super::locking::RangedKind;
use super::subplan::{Form, has_subplan};
use super::{Binder, Bound, BoundQuery, fold, name_parts, placeholder};
use crate::catalog::Column;
use crate::catalog::routine::Routine;
use crate::error::{Error, Result, SqlState};
use crate::functions::casts::{self, CastLevel};
use crate::functions::resolve::{Resolution, resolve};
use crate::parser::{self, Parsed};
use crate::types::{Type, TypeMod};

/// Most calls that a statement is expanded by.
const MAX_EXPANSIONS: usize = 500;

/// The arguments of the function whose body is bound.
pub(super) struct RoutineScope {
    names: Vec<Option<String>>,
    kinds: Vec<Type>,
    slots: Vec<usize>,
}

impl RoutineScope {
    /// The argument with this number, counted from 1.
    pub(super) fn argument(&self, number: usize) -> Option<Bound> {
        let at = number.checked_sub(1)?;
        let (kind, slot) = (*self.kinds.get(at)?, self.slots.get(at)?);
        Some(Bound::new(placeholder(format!("$o{slot}"), kind.layout()), kind))
    }

    /// The argument of this name.
    pub(super) fn named(&self, name: &str) -> Option<Bound> {
        let at = self.names.iter().position(|other| other.as_deref() == Some(name))?;
        self.argument(at + 1)
    }
}

/// A call of a function that was found, its arguments converted.
struct Call {
    routine: Arc<Routine>,
    args: Vec<Expr>,
}

/// How well a function suits its arguments.
type Score = (usize, usize);

/// A body with its arguments, by the slots that it has them in.
struct Expanded {
    query: BoundQuery,
    captured: Vec<(usize, Expr)>,
}

fn accepts(from: Type, to: Type) -> bool {
    from == to || from == Type::Unknown || casts::level(from, to) == Some(CastLevel::Implicit)
}

/// The only expression of a plan without FROM.
fn single(plan: &LogicalPlan) -> Option<Expr> {
    let LogicalPlan::Projection(projection) = plan else { return None };
    let [expr] = projection.expr.as_slice() else { return None };
    match &*projection.input {
        LogicalPlan::EmptyRelation(empty) if empty.produce_one_row => Some(expr.clone().unalias()),
        input => {
            let below = single(input)?;
            let replaced = expr.clone().unalias().transform(|expr| {
                Ok(match expr {
                    Expr::Column(_) => Transformed::yes(below.clone()),
                    expr => Transformed::no(expr),
                })
            });
            Some(replaced.ok()?.data)
        }
    }
}

fn slot_of(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Placeholder(parameter) => parameter.id.strip_prefix("$o")?.parse().ok(),
        _ => None,
    }
}

/// An expression with the arguments in the places of their slots.
fn substitute(
    expr: Expr,
    captured: &[(usize, Expr)],
) -> datafusion::error::Result<Transformed<Expr>> {
    expr.transform_up(|expr| {
        let slot = slot_of(&expr);
        let found = captured.iter().find(|(other, _)| Some(*other) == slot);
        Ok(match found {
            Some((_, arg)) => Transformed::yes(arg.clone()),
            None => Transformed::no(expr),
        })
    })
}

fn uses(expr: &Expr, slot: usize) -> usize {
    let mut count = 0;
    let _ = expr.apply(|expr| {
        count += usize::from(slot_of(expr) == Some(slot));
        Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
    });
    count
}

fn any_null(args: &[Expr]) -> Option<Expr> {
    let nulls = args.iter().map(|arg| Expr::IsNull(Box::new(arg.clone())));
    nulls.reduce(|left, right| binary(left, Op::Or, right))
}

impl Binder<'_> {
    /// The function in SQL that a call means, if it means one.
    fn routine_called(&self, call: &ast::Function) -> Result<Option<Call>> {
        let parts = name_parts(&call.name);
        let (schema, name) = match parts.as_slice() {
            [name] => (None, name),
            [schema, name] => (Some(schema), name),
            _ => return Ok(None),
        };
        if !self.schema.has_routine(name) {
            return Ok(None);
        }
        let ast::FunctionArguments::List(list) = &call.args else { return Ok(None) };
        let mut positional = Vec::new();
        let mut named: Vec<(String, Bound)> = Vec::new();
        for arg in &list.args {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => {
                    positional.push(self.expr(expr)?);
                }
                FunctionArg::Named { name, arg: FunctionArgExpr::Expr(expr), .. } => {
                    named.push((fold(name), self.expr(expr)?));
                }
                _ => return Ok(None),
            }
        }
        let path = self.settings.path();
        let schemas: Vec<&str> = match schema {
            Some(schema) => vec![path.schema(schema)],
            None => path.schemas().iter().map(String::as_str).collect(),
        };
        let candidates = schemas.iter().flat_map(|schema| self.schema.routines_named(schema, name));
        let kinds: Vec<Type> = positional.iter().map(Bound::kind).collect();
        let mut best: Option<(Score, Arc<Routine>)> = None;
        let mut is_unique = true;
        for routine in candidates {
            let Some(exact) = score(&routine, &kinds, &named) else { continue };
            match &best {
                Some((other, _)) if *other > exact => {}
                Some((other, _)) if *other == exact => is_unique = false,
                _ => (best, is_unique) = (Some((exact, routine)), true),
            }
        }
        let Some((exact, routine)) = best else { return Ok(None) };
        // A function of PostgreSQL's that suits them as well comes first.
        if schema.is_none()
            && let Resolution::Found(function) = resolve(crate::functions::named(name), &kinds)
        {
            let pairs = || kinds.iter().zip(function.args);
            let same = pairs().filter(|(kind, wanted)| kind == wanted).count();
            let open = pairs().filter(|(k, wanted)| **k == Type::Unknown && wanted.is_string());
            if (same, open.count()) >= exact {
                return Ok(None);
            }
        }
        if !is_unique {
            let shown = kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
            return Err(Error::new(
                SqlState::AmbiguousFunction,
                format!("function {name}({shown}) is not unique"),
            )
            .hint(
                "Could not choose a best candidate function. You might need to add explicit type \
                 casts.",
            ));
        }
        let mut positional = positional.into_iter();
        let mut args = Vec::new();
        for argument in &routine.arguments {
            let given = positional.next().or_else(|| {
                let name = argument.name.as_deref();
                let at = named.iter().position(|(other, _)| Some(other.as_str()) == name)?;
                Some(named.swap_remove(at).1)
            });
            args.push(match (given, &argument.default) {
                (Some(given), _) => self.implicit(given, argument.kind())?.expr,
                (None, Some(default)) => {
                    let column = Column::new(String::new(), TypeMod::plain(argument.kind()));
                    self.stored_default(&column, default)?
                }
                (None, None) => return Err(no_function(name, &kinds)),
            });
        }
        Ok(Some(Call { routine, args }))
    }

    /// A call of a function in SQL that stands for one value; `None` if it is another function.
    pub(super) fn routine_call(&self, call: &ast::Function) -> Result<Option<Bound>> {
        let Some(Call { routine, args }) = self.routine_called(call)? else { return Ok(None) };
        if call.over.is_some() || call.filter.is_some() || !call.within_group.is_empty() {
            let message =
                format!("{} is not a window function nor an aggregate function", routine.name);
            return Err(Error::new(SqlState::WrongObjectType, message));
        }
        if routine.returns_set {
            return Err(Error::unsupported("a set-returning SQL function outside of FROM"));
        }
        if matches!(routine.returned(), Type::Void | Type::Record) {
            return Err(Error::unsupported("a call of a SQL function without a value"));
        }
        let null = any_null(&args).filter(|_| routine.strict);
        let Expanded { query, captured } = self.expand(&routine, args)?;
        let ty = TypeMod::plain(routine.returned());
        let query = self.cast_outputs(query, &[ty])?;
        let inlined = single(&query.plan).filter(|expr| {
            !has_subplan(expr)
                && captured.iter().all(|(slot, arg)| {
                    let cheap =
                        matches!(arg, Expr::Column(_) | Expr::Literal(..) | Expr::Placeholder(_));
                    cheap || uses(expr, *slot) <= 1
                })
        });
        let value = match inlined {
            Some(expr) => substitute(expr, &captured)?.data,
            None => {
                // The first row counts.
                let plan = LogicalPlanBuilder::new(query.plan).limit(0, Some(1))?.build()?;
                let query = BoundQuery { plan, columns: query.columns };
                self.make_subplan(query, captured, Form::Scalar, Vec::new())?.expr
            }
        };
        let expr = match null {
            None => value,
            Some(null) => {
                let nothing = self.null(ty.kind)?.expr;
                let pairs = vec![(Box::new(null), Box::new(nothing))];
                Expr::Case(Case::new(None, pairs, Some(Box::new(value))))
            }
        };
        Ok(Some(Bound { expr, ty, position: None }))
    }

    /// A call in FROM of a function that gives rows; `None` if it is another function.
    pub(super) fn routine_item(
        &self,
        call: &Sql,
        alias: Option<&ast::TableAlias>,
    ) -> Result<Option<Item>> {
        let Sql::Function(call) = call else { return Ok(None) };
        let name = name_parts(&call.name).pop().unwrap_or_default();
        let gives_rows = |routine: &&Arc<Routine>| routine.name == name && routine.returns_set;
        if !self.schema.has_routine(&name) || self.schema.routines().find(gives_rows).is_none() {
            return Ok(None);
        }
        let (called, laterals) = self.beside(super::table_function::CLAUSE, || {
            let _none = self.forbid(super::table_function::CLAUSE);
            self.routine_called(call)
        })?;
        let Some(Call { routine, args }) = called.filter(|call| call.routine.returns_set) else {
            return Ok(None);
        };
        let shown = alias.map_or(name, |alias| fold(&alias.name));
        let (names, types): (Vec<String>, Vec<TypeMod>) = match routine.columns.as_slice() {
            [] => (vec![shown.clone()], vec![TypeMod::plain(routine.returned())]),
            columns => {
                let columns = columns.iter().map(|(name, oid)| {
                    let kind = Type::from_oid(*oid).unwrap_or(Type::Text);
                    (name.clone(), TypeMod::plain(kind))
                });
                columns.unzip()
            }
        };
        let null = any_null(&args).filter(|_| routine.strict);
        let Expanded { query, captured } = self.expand(&routine, args)?;
        let mut query = self.cast_outputs(query, &types)?;
        for (output, name) in query.columns.iter_mut().zip(names) {
            output.name = name;
            output.origin = None;
        }
        query.plan = self.with_arguments(query.plan, captured)?;
        if let Some(null) = null {
            let given = Expr::Not(Box::new(null));
            query.plan = LogicalPlanBuilder::new(query.plan).filter(given)?.build()?;
        }
        if let Some(alias) = alias {
            super::query::rename_columns(&mut query, alias)?;
        }
        self.range_over(&shown, RangedKind::Function);
        let (plan, scope) = self.derived(&shown, query)?;
        Ok(Some(Item { plan, scope, laterals }))
    }

    /// The plan of a body with the arguments in it.
    fn with_arguments(
        &self,
        plan: LogicalPlan,
        captured: Vec<(usize, Expr)>,
    ) -> Result<LogicalPlan> {
        let mut has_subplans = false;
        plan.apply(|node| {
            has_subplans |= node.expressions().iter().any(has_subplan)
                || matches!(node, LogicalPlan::Extension(_));
            Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
        })?;
        if !has_subplans {
            let replaced =
                plan.transform_up(|node| node.map_expressions(|expr| substitute(expr, &captured)))?;
            return Ok(replaced.data);
        }
        let outputs = plan.schema().columns();
        let (mut exprs, mut used) = (Vec::new(), Vec::new());
        for (slot, arg) in captured {
            let name = self.fresh("x");
            used.push((slot, super::computed(&name)));
            exprs.push(arg.alias(name));
        }
        if exprs.is_empty() {
            return Ok(plan);
        }
        let row = LogicalPlanBuilder::empty(true).project(exprs)?.build()?;
        let join = datafusion::common::JoinType::Inner;
        let applied = self.apply_plan(row, plan, used, join, Vec::new())?;
        let outputs = outputs.into_iter().map(Expr::Column).collect::<Vec<_>>();
        Ok(LogicalPlanBuilder::new(applied).project(outputs)?.build()?)
    }

    /// Binds the body of a function.
    fn expand(&self, routine: &Routine, args: Vec<Expr>) -> Result<Expanded> {
        let expansions = self.expansions.get() + 1;
        if expansions > MAX_EXPANSIONS {
            return Err(Error::new(SqlState::StatementTooComplex, "stack depth limit exceeded")
                .hint("Functions in SQL cannot call themselves."));
        }
        self.expansions.set(expansions);
        self.note_use(None, &routine.signature(), routine.id, &Vec::new());
        let slots: Vec<usize> = args.iter().map(|_| self.fresh_slot()).collect();
        let scope = RoutineScope {
            names: routine.arguments.iter().map(|argument| argument.name.clone()).collect(),
            kinds: routine.kinds(),
            slots: slots.clone(),
        };
        let query = self.nested(|| self.body(routine, scope)).map_err(|error| match error {
            // Places in the body are none in the statement.
            Error::Report(mut report) => {
                report.position = None;
                Error::Report(report)
            }
            error => error,
        })?;
        Ok(Expanded { query, captured: slots.into_iter().zip(args).collect() })
    }

    fn body(&self, routine: &Routine, scope: RoutineScope) -> Result<BoundQuery> {
        let mut statements = parser::parse(&routine.body)?;
        let statement = match (statements.pop(), statements.is_empty()) {
            (Some((Parsed::Sql(statement), _)), true) => statement,
            (Some((Parsed::Sql(_), _)), false) => {
                return Err(Error::unsupported("a SQL function of several statements"));
            }
            _ => return Err(Error::unsupported("such a statement in a SQL function")),
        };
        let Statement::Query(query) = *statement else {
            return Err(Error::unsupported("a SQL function that is not a query"));
        };
        let inner = Binder {
            routine: Some(scope),
            ..Binder::new(self.schema, &routine.body, self.style.clone(), self.settings, &[])
        };
        inner.depth.set(self.depth.get());
        inner.next_name.set(self.next_name.get());
        inner.next_slot.set(self.next_slot.get());
        inner.expansions.set(self.expansions.get());
        let bound = inner.top_query(&query);
        self.expansions.set(inner.expansions.get());
        let bound = bound?;
        if let Some(number) = inner.mentioned.borrow().first() {
            let message = format!("there is no parameter ${number}");
            return Err(Error::new(SqlState::UndefinedParameter, message));
        }
        if !inner.take_changes().is_empty() {
            return Err(Error::unsupported("a SQL function that changes rows"));
        }
        self.take_over(&inner);
        Ok(bound)
    }

    /// Refuses a function whose body does not give what it returns.
    pub fn check_routine(&self, routine: &Routine) -> Result<()> {
        let nulls = routine.kinds().into_iter().map(|kind| Ok(self.null(kind)?.expr));
        let Expanded { query, .. } = self.expand(routine, nulls.collect::<Result<_>>()?)?;
        let wanted: Vec<Type> = match routine.columns.as_slice() {
            [] if matches!(routine.returned(), Type::Void | Type::Record) => return Ok(()),
            [] => vec![routine.returned()],
            columns => {
                let kinds = columns.iter();
                kinds.map(|(_, oid)| Type::from_oid(*oid).unwrap_or(Type::Text)).collect()
            }
        };
        let returned = match routine.columns.as_slice() {
            [] | [_] => wanted.first().map_or("void", |kind| kind.name()),
            _ => "record",
        };
        let mismatch = |detail: String| {
            Err(Error::new(
                SqlState::InvalidFunctionDefinition,
                format!("return type mismatch in function declared to return {returned}"),
            )
            .detail(detail)
            .context(format!("SQL function \"{}\"", routine.name)))
        };
        if query.columns.len() != wanted.len() {
            return mismatch(match wanted.len() {
                1 => "Final statement must return exactly one column.".into(),
                _ if query.columns.len() > wanted.len() => {
                    "Final statement returns too many columns.".into()
                }
                _ => "Final statement returns too few columns.".into(),
            });
        }
        for (at, (column, kind)) in query.columns.iter().zip(wanted).enumerate() {
            let from = column.ty.kind;
            let fits = from == kind
                || from == Type::Unknown
                || casts::level(from, kind).is_some_and(|level| level <= super::call::ASSIGNMENT);
            if !fits && routine.columns.is_empty() {
                return mismatch(format!("Actual return type is {}.", from.name()));
            }
            if !fits {
                let (from, kind) = (from.name(), kind.name());
                return mismatch(format!(
                    "Final statement returns {from} instead of {kind} at column {}.",
                    at + 1
                ));
            }
        }
        Ok(())
    }
}

/// How many arguments have just the types that a function takes, and how many open ones it takes for
/// strings; `None` if it does not take them.
fn score(routine: &Routine, positional: &[Type], named: &[(String, Bound)]) -> Option<Score> {
    let mut exact = (0, 0);
    let mut found = 0;
    if positional.len() > routine.arguments.len() {
        return None;
    }
    for (at, argument) in routine.arguments.iter().enumerate() {
        let by_name = named.iter().find(|(name, _)| argument.name.as_ref() == Some(name));
        let kind = match (positional.get(at), by_name) {
            (Some(_), Some(_)) => return None,
            (Some(kind), None) => Some(*kind),
            (None, Some((_, bound))) => {
                found += 1;
                Some(bound.kind())
            }
            (None, None) if argument.default.is_some() => None,
            (None, None) => return None,
        };
        if let Some(kind) = kind {
            if !accepts(kind, argument.kind()) {
                return None;
            }
            exact.0 += usize::from(kind == argument.kind());
            exact.1 += usize::from(kind == Type::Unknown && argument.kind().is_string());
        }
    }
    (found == named.len()).then_some(exact)
}
