//! GROUP BY: its keys, the sets of them that rows are grouped by, and GROUPING.

use datafusion::logical_expr::Expr;
use datafusion::sql::sqlparser::ast::{self, Expr as Sql, GroupByExpr};

use super::comparable::groupable;
use super::query::ordinal_of;
use super::select::Target;
use super::{Binder, Bound, Scope, fold};
use crate::error::{Error, Result, SqlState};
use crate::parser::forms::{DISTINCT, EMPTY_SET, GROUPING_SETS};
use crate::types::{Datum, Type};

/// Most sets, as in PostgreSQL.
const MAX_SETS: usize = 4096;
/// Most elements of CUBE, as in PostgreSQL.
const MAX_CUBE: usize = 12;
/// Most arguments of GROUPING, whose bits have to fit into an integer.
const MAX_GROUPING_ARGUMENTS: usize = 31;

/// A bound GROUP BY.
#[derive(Default)]
pub(super) struct GroupBy {
    /// All keys.
    pub(super) keys: Vec<Bound>,
    /// For each key the item of the select list that it is. Items may be equal, and still in
    /// different grouping sets.
    pub(super) items: Vec<Option<usize>>,
    /// The sets of keys, by place; none: rows are grouped once, by all keys.
    pub(super) sets: Vec<Vec<usize>>,
    /// Whether there is such a clause at all.
    pub(super) exists: bool,
}

/// A call of GROUPING, settled when the keys are known.
#[derive(Clone, Debug)]
pub(super) struct GroupingCall {
    /// The column that stands for it.
    pub(super) name: String,
    pub(super) args: Vec<(Expr, Option<usize>)>,
}

/// The elements that a call of ROLLUP, CUBE or GROUPING SETS lists.
fn elements(lists: &[Vec<Sql>]) -> Vec<Vec<&Sql>> {
    lists.iter().map(|list| list.iter().collect()).collect()
}

fn call_args<'s>(sql: &'s Sql, wanted: &str) -> Option<Vec<&'s Sql>> {
    let Sql::Function(function) = sql else { return None };
    let [part] = function.name.0.as_slice() else { return None };
    let ident = part.as_ident()?;
    let is_it = match ident.quote_style {
        Some(_) => ident.value == wanted,
        None => ident.value.eq_ignore_ascii_case(wanted),
    };
    let ast::FunctionArguments::List(list) = &function.args else { return None };
    let args = list.args.iter().map(|arg| match arg {
        ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    });
    is_it.then(|| args.collect()).flatten()
}

fn singles(args: Vec<&Sql>) -> Vec<Vec<&Sql>> {
    args.into_iter().map(parts).collect()
}

/// The expressions of an element: those in parentheses, or the one that it is.
fn parts(sql: &Sql) -> Vec<&Sql> {
    match sql {
        Sql::Tuple(parts) => parts.iter().collect(),
        other => vec![other],
    }
}

/// Whether an item of GROUP BY is more than an expression.
fn is_set(item: &Sql) -> bool {
    matches!(item, Sql::Rollup(_) | Sql::Cube(_) | Sql::GroupingSets(_))
        || ["rollup", "cube", GROUPING_SETS].iter().any(|word| call_args(item, word).is_some())
}

impl Binder<'_> {
    pub(super) fn group_by(
        &self,
        clause: &GroupByExpr,
        targets: &[Target],
        scope: &Scope,
    ) -> Result<GroupBy> {
        let GroupByExpr::Expressions(items, modifiers) = clause else {
            return Err(Error::unsupported("GROUP BY ALL"));
        };
        if !modifiers.is_empty() {
            return Err(Error::unsupported("GROUP BY modifiers"));
        }
        let _none = self.forbid("GROUP BY");
        let has_sets = items.iter().any(is_set);
        let (bound, of_items) = (Vec::new(), Vec::new());
        let mut keys = Keys { binder: self, targets, scope, bound, items: of_items, has_sets };
        let mut sets: Vec<Vec<usize>> = vec![Vec::new()];
        let mut distinct = false;
        let mut plain = true;
        for item in items {
            if matches!(item, Sql::Identifier(ident) if ident.value == DISTINCT) {
                distinct = true;
                continue;
            }
            let of_item = match keys.sets_of(item)? {
                Some(of_item) => {
                    plain = false;
                    of_item
                }
                None => vec![keys.list(&parts(item))?],
            };
            if sets.len() * of_item.len() > MAX_SETS {
                let message = format!("too many grouping sets present (maximum {MAX_SETS})");
                return Err(Error::new(SqlState::StatementTooComplex, message));
            }
            let product = sets.iter().flat_map(|set| {
                of_item.iter().map(|more| {
                    let mut set = set.clone();
                    set.extend(more);
                    set
                })
            });
            sets = product.collect();
        }
        for set in &mut sets {
            let mut seen = Vec::new();
            set.retain(|key| {
                let is_new = !seen.contains(key);
                seen.push(*key);
                is_new
            });
        }
        if distinct {
            let sorted = |set: &[usize]| {
                let mut set = set.to_vec();
                set.sort_unstable();
                set
            };
            let mut seen: Vec<Vec<usize>> = Vec::new();
            sets.retain(|set| {
                let set = sorted(set);
                let is_new = !seen.contains(&set);
                seen.push(set);
                is_new
            });
        }
        let of_items = keys.items;
        let keys = keys.bound;
        // One set with all keys is what a plain list means.
        if plain || sets.len() == 1 && sets.iter().all(|set| set.len() == keys.len()) {
            sets.clear();
        }
        Ok(GroupBy { keys, items: of_items, sets, exists: !items.is_empty() })
    }

    /// Refuses an item of the select list as a key that needs the groups first.
    fn check_group_key(&self, target: &Target) -> Result<()> {
        let levels = self.levels.borrow();
        let Some(extraction) = levels.last().map(|level| &level.extraction) else { return Ok(()) };
        let names = |name: &str| super::srf::uses(std::slice::from_ref(&target.bound.expr), name);
        let (state, what) = if extraction.aggregates.iter().any(|call| names(&call.name)) {
            (SqlState::GroupingError, "aggregate")
        } else if extraction.windows.iter().any(|call| names(&call.name)) {
            (SqlState::WindowingError, "window")
        } else {
            return Ok(());
        };
        let message = format!("{what} functions are not allowed in GROUP BY");
        Err(Error::new(state, message).at(target.bound.position))
    }

    /// A call of GROUPING.
    pub(super) fn grouping_call(&self, args: &[ast::FunctionArg]) -> Result<Bound> {
        if let Some(clause) = self.extraction_forbidden() {
            let message = match clause == super::call::NESTED {
                true => "aggregate function calls cannot be nested".to_owned(),
                false => format!("grouping operations are not allowed in {clause}"),
            };
            return Err(Error::new(SqlState::GroupingError, message));
        }
        if args.len() > MAX_GROUPING_ARGUMENTS {
            let message = "GROUPING must have fewer than 32 arguments";
            return Err(Error::new(SqlState::TooManyArguments, message));
        }
        let mark = self.mark();
        let bound = self.arguments(args)?;
        if let Some(depth) = self.outer_level_of(bound.iter().map(|arg| &arg.expr))? {
            self.rewind(mark);
            let call = self.at_level(depth, || self.grouping_call(args))?;
            let Expr::Column(column) = call.expr else {
                return Err(Error::internal("a call of GROUPING without a column"));
            };
            return Ok(self.captured(depth, column, call.ty, None));
        }
        let args = bound.into_iter().map(|arg| (arg.expr, arg.position)).collect();
        let name = self.fresh("q");
        if let Some(level) = self.levels.borrow_mut().last_mut() {
            level.extraction.groupings.push(GroupingCall { name: name.clone(), args });
        }
        Ok(Bound::new(super::computed(&name), Type::Int4))
    }

    /// The value of a call of GROUPING: a bit for each argument that a set lacks. `set` is the
    /// column with the number of a row's set.
    pub(super) fn grouping_value(
        &self,
        call: &GroupingCall,
        keys: &[Expr],
        sets: &[Vec<usize>],
        set: &Expr,
    ) -> Result<Expr> {
        let mut places = Vec::new();
        for (arg, position) in &call.args {
            let place = keys.iter().position(|key| key == arg);
            places.push(place.ok_or_else(|| {
                let message = "arguments to GROUPING must be grouping expressions of the associated query level";
                Error::new(SqlState::GroupingError, message).at(*position)
            })?);
        }
        let int = |value: i32| Ok::<_, Error>(self.literal(&Datum::Int32(value), Type::Int4)?.expr);
        let mut whens = Vec::new();
        for (number, keys) in sets.iter().enumerate() {
            let bits = places
                .iter()
                .fold(0i32, |bits, place| bits << 1 | i32::from(!keys.contains(place)));
            let is_it = super::equals(set.clone(), int(number as i32)?);
            whens.push((Box::new(is_it), Box::new(int(bits)?)));
        }
        if whens.is_empty() {
            return int(0);
        }
        Ok(Expr::Case(datafusion::logical_expr::expr::Case::new(None, whens, None)))
    }
}

/// The keys found so far; an expression that occurs twice is one key.
struct Keys<'k, 'a> {
    binder: &'k Binder<'a>,
    targets: &'k [Target],
    scope: &'k Scope,
    bound: Vec<Bound>,
    items: Vec<Option<usize>>,
    /// Whether there is more than a list of expressions.
    has_sets: bool,
}

impl Keys<'_, '_> {
    /// The sets that an item stands for, if it is more than expressions.
    fn sets_of(&mut self, item: &Sql) -> Result<Option<Vec<Vec<usize>>>> {
        Ok(Some(match item {
            Sql::Tuple(parts) if parts.is_empty() => vec![Vec::new()],
            Sql::Identifier(ident) if ident.value == EMPTY_SET => vec![Vec::new()],
            Sql::Rollup(lists) => self.rollup(&elements(lists))?,
            Sql::Cube(lists) => self.cube(&elements(lists))?,
            Sql::GroupingSets(lists) => {
                let mut sets = Vec::new();
                for list in elements(lists) {
                    sets.push(self.list(&list)?);
                }
                sets
            }
            call => {
                if let Some(args) = call_args(call, "rollup") {
                    self.rollup(&singles(args))?
                } else if let Some(args) = call_args(call, "cube") {
                    self.cube(&singles(args))?
                } else if let Some(args) = call_args(call, GROUPING_SETS) {
                    if args.is_empty() {
                        let at = self.binder.position_behind(call, &[")"]);
                        let message = "syntax error at or near \")\"";
                        return Err(Error::new(SqlState::SyntaxError, message).at(at));
                    }
                    let mut sets = Vec::new();
                    for arg in args {
                        match self.sets_of(arg)? {
                            Some(more) => sets.extend(more),
                            None => sets.push(self.list(&parts(arg))?),
                        }
                    }
                    sets
                } else {
                    return Ok(None);
                }
            }
        }))
    }

    fn rollup(&mut self, elements: &[Vec<&Sql>]) -> Result<Vec<Vec<usize>>> {
        let lists = elements.iter().map(|list| self.list(list)).collect::<Result<Vec<_>>>()?;
        let prefix = |length: usize| lists.iter().take(length).flatten().copied().collect();
        Ok((0..=lists.len()).rev().map(prefix).collect())
    }

    fn cube(&mut self, elements: &[Vec<&Sql>]) -> Result<Vec<Vec<usize>>> {
        if elements.len() > MAX_CUBE {
            let message = format!("CUBE is limited to {MAX_CUBE} elements");
            return Err(Error::new(SqlState::TooManyColumns, message));
        }
        let lists = elements.iter().map(|list| self.list(list)).collect::<Result<Vec<_>>>()?;
        let subset = |mask: usize| {
            let taken = lists.iter().enumerate().filter(|(at, _)| mask >> at & 1 == 1);
            taken.flat_map(|(_, list)| list).copied().collect()
        };
        Ok((0..1usize << lists.len()).map(subset).collect())
    }

    fn list(&mut self, exprs: &[&Sql]) -> Result<Vec<usize>> {
        exprs.iter().map(|expr| self.key(expr)).collect()
    }

    /// The place of a key.
    fn key(&mut self, sql: &Sql) -> Result<usize> {
        let (bound, item) = self.bind(sql)?;
        groupable(bound.kind(), bound.position)?;
        let item =
            item.or_else(|| self.targets.iter().position(|target| target.bound.expr == bound.expr));
        let mut known = self.bound.iter().zip(&self.items);
        let same = known.position(|(key, of_key)| {
            key.expr == bound.expr && (!self.has_sets || *of_key == item)
        });
        Ok(match same {
            Some(place) => place,
            None => {
                self.items.push(item);
                self.bound.push(bound);
                self.bound.len() - 1
            }
        })
    }

    /// A number means an item of the select list; so does a name, if no input column has it.
    fn bind(&self, sql: &Sql) -> Result<(Bound, Option<usize>)> {
        let binder = self.binder;
        let position = binder.position_of(sql);
        let ordinal = ordinal_of(sql, "GROUP BY", self.targets.len());
        let ordinal = ordinal.map_err(|error| error.at(position))?;
        if let Some(target) = ordinal.and_then(|index| self.targets.get(index)) {
            binder.check_group_key(target)?;
            return Ok((binder.settle(target.bound.clone())?, ordinal));
        }
        if let Sql::Identifier(ident) = sql {
            let name = fold(ident);
            let is_input = self.scope.columns.iter().any(|column| column.name == name);
            let mut named =
                self.targets.iter().enumerate().filter(|(_, target)| target.name == name);
            if let (false, Some((item, target))) = (is_input, named.next()) {
                if named.any(|(_, other)| other.bound.expr != target.bound.expr) {
                    return Err(Error::new(
                        SqlState::AmbiguousColumn,
                        format!("GROUP BY \"{name}\" is ambiguous"),
                    )
                    .at(position));
                }
                binder.check_group_key(target)?;
                return Ok((target.bound.clone(), Some(item)));
            }
        }
        let bound = binder.expr(sql)?;
        Ok((binder.settle(bound)?, None))
    }
}
