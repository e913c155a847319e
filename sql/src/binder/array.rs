//! Arrays in expressions: `ARRAY[...]`, subscripts, ANY and ALL over an array.

use datafusion::sql::sqlparser::ast::{
    self, AccessExpr, BinaryOperator, Expr as Sql, ObjectNamePart, Subscript,
};

use super::call::no_function;
use super::expr::canonical;
use super::operators::{comparison_of, no_operator, operator_symbol};
use super::position::token_before;
use super::{Binder, Bound, context};
use crate::error::{Error, Result, SqlState};
use crate::functions::arrays::quantified::{Quantified, Test};
use crate::functions::arrays::spread::Entry;
use crate::functions::arrays::{ArrayForm, Bounds, STYLE};
use crate::functions::casts::CastLevel;
use crate::functions::resolve::{self, Resolution};
use crate::functions::{self, Scalar, udf};
use crate::parser::token_positions;
use crate::types::array::{MAX_DIMENSIONS, too_many_dimensions};
use crate::types::{Datum, Type, TypeMod};

/// From this length on a statement is not read again for the place of each array in it.
const LONG_STATEMENT_BYTES: usize = 4096;

/// An expression without its parentheses.
pub(super) fn unwrapped(mut sql: &Sql) -> &Sql {
    while let Sql::Nested(inner) = sql {
        sql = inner;
    }
    sql
}

/// The operator and the array of `LIKE ANY (...)` or `LIKE ALL (...)`, if a pattern is one.
pub(super) fn quantified_pattern(any: bool, pattern: &Sql) -> Option<(&Sql, bool)> {
    if any {
        return Some((unwrapped(pattern), true));
    }
    let Sql::Function(call) = pattern else { return None };
    let [ObjectNamePart::Identifier(name)] = call.name.0.as_slice() else { return None };
    let ast::FunctionArguments::List(list) = &call.args else { return None };
    let [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(array))] = list.args.as_slice()
    else {
        return None;
    };
    let is_all = name.quote_style.is_none() && name.value.eq_ignore_ascii_case("all");
    is_all.then_some((array, false))
}

/// An element of an array or one of its slices, as subscripts say.
struct Subscripts {
    bounds: Option<Bounds>,
    /// One for each subscript; for a slice two.
    values: Vec<Bound>,
}

impl Binder<'_> {
    /// `ARRAY[...]`. Under a cast to an array its elements are cast.
    pub(super) fn array(&self, array: &ast::Array, target: Option<TypeMod>) -> Result<Bound> {
        let mut bound = Vec::with_capacity(array.elem.len());
        let mut nested = false;
        for sql in &array.elem {
            let item = match sql {
                Sql::Array(inner) => self.nested(|| self.array(inner, target))?,
                sql => self.expr(sql)?,
            };
            nested |= item.kind().is_array();
            bound.push(item);
        }
        let position = self.position_of_array(array, bound.first());
        let (items, ty) = match target {
            Some(element) => {
                let wanted = match (nested, element.kind.array()) {
                    (true, Some(kind)) => TypeMod { kind, ..element },
                    _ => element,
                };
                let items = bound.into_iter().map(|item| self.explicit_cast(item, wanted));
                (items.collect::<Result<Vec<_>>>()?, wanted)
            }
            None if bound.is_empty() => {
                let message = "cannot determine type of empty array";
                return Err(Error::new(SqlState::IndeterminateDatatype, message)
                    .hint("Explicitly cast to the desired type, for example ARRAY[]::integer[].")
                    .at(position));
            }
            None => self.unify(bound, "ARRAY")?,
        };
        let element = ty.element().unwrap_or(ty);
        let kind = element.kind.array().ok_or_else(|| no_array_type(element.kind))?;
        let form = ArrayForm::Make { element: element.kind, nested };
        let items = items.into_iter().map(|item| item.expr).collect();
        let expr = udf::call(Scalar::Array(form), items);
        let ty = TypeMod { kind, ..element };
        Ok(Bound { expr, ty, position })
    }

    /// Where the word ARRAY stands, or the bracket of an inner array. The parser tells only where the
    /// elements are; for a long statement, which may have many arrays, that has to do.
    fn position_of_array(&self, array: &ast::Array, first: Option<&Bound>) -> Option<usize> {
        let first = first.map(|first| first.position);
        if self.sql.len() > LONG_STATEMENT_BYTES {
            return first?;
        }
        if let Some(first) = first {
            let bracket = token_before(self.sql, first?, &["["])?;
            return match array.named {
                true => token_before(self.sql, bracket, &["ARRAY"]),
                false => Some(bracket),
            };
        }
        let tokens = token_positions(self.sql);
        let mut pairs = tokens.windows(3).filter_map(|tokens| match tokens {
            [(at, word), (_, open), (_, close)] => {
                let named = !array.named || word.eq_ignore_ascii_case("ARRAY");
                (named && open == "[" && close == "]").then_some(*at)
            }
            _ => None,
        });
        pairs.next()
    }

    /// `a[1][2:3]`
    pub(super) fn subscript(&self, root: &Sql, chain: &[AccessExpr]) -> Result<Bound> {
        let may_be = matches!(
            root,
            Sql::Identifier(_)
                | Sql::CompoundIdentifier(_)
                | Sql::Nested(_)
                | Sql::Subquery(_)
                | Sql::Value(_)
        );
        if !may_be {
            let message = "syntax error at or near \"[\"";
            let at = self.position_behind(root, &["["]);
            return Err(Error::new(SqlState::SyntaxError, message).at(at));
        }
        // In `t.a[1]` the parser takes the name apart.
        let names: Vec<&ast::Ident> = chain
            .iter()
            .map_while(|access| match access {
                AccessExpr::Dot(Sql::Identifier(name)) => Some(name),
                _ => None,
            })
            .collect();
        let (array, chain) = match root {
            Sql::Identifier(first) if !names.is_empty() => {
                let parts: Vec<ast::Ident> =
                    std::iter::once(first).chain(names.iter().copied()).cloned().collect();
                let rest = chain.get(names.len()..).unwrap_or_default();
                (self.expr(&Sql::CompoundIdentifier(parts))?, rest)
            }
            _ => (self.expr(root)?, chain),
        };
        self.subscript_of(array.at(self.position_of(root)), chain)
    }

    /// The same of an array that is bound.
    pub(super) fn subscript_of(&self, array: Bound, chain: &[AccessExpr]) -> Result<Bound> {
        let position = array.position;
        if let [AccessExpr::Dot(Sql::Identifier(name)), rest @ ..] = chain {
            let value = self.field(array, name, &Sql::Identifier(name.clone()))?;
            return if rest.is_empty() { Ok(value) } else { self.subscript_of(value, rest) };
        }
        if array.kind() == Type::Jsonb {
            return self.jsonb_subscript(array, chain);
        }
        let first = subscripts_before_field(chain);
        if let Some((first, rest)) = chain.split_at_checked(first).filter(|(_, r)| !r.is_empty()) {
            let value = self.subscript_of(array, first)?;
            return self.subscript_of(value.at(position), rest);
        }
        if let (Type::Name, [AccessExpr::Subscript(Subscript::Index { index })]) =
            (array.kind(), chain)
        {
            return self.letter(array, index);
        }
        let element = subscripted(array.ty).map_err(|error| error.at(position))?;
        let Subscripts { bounds, values } = self.subscripts(chain)?;
        let form = ArrayForm::Subscript { element: element.kind, bounds };
        let mut args = vec![array.expr];
        args.extend(values.into_iter().map(|value| value.expr));
        let ty = if bounds.is_some() { array.ty } else { element };
        Ok(Bound { expr: udf::call(Scalar::Array(form), args), ty, position: None })
    }

    /// `name[0]`: a name is an array of letters as well, and the first of them has the number 0.
    fn letter(&self, name: Bound, index: &Sql) -> Result<Bound> {
        let one = || self.literal(&Datum::Int32(1), Type::Int4);
        let place = self.operator("+", vec![self.subscript_value(index)?, one()?])?;
        let text = self.explicit_cast(name, TypeMod::plain(Type::Text))?;
        let letter = self.named_call("substr", vec![text, place, one()?])?;
        self.explicit_cast(letter, TypeMod::plain(Type::Char))
    }

    fn subscripts(&self, chain: &[AccessExpr]) -> Result<Subscripts> {
        if chain.len() > MAX_DIMENSIONS {
            return Err(too_many_dimensions(chain.len()));
        }
        let plain = chain
            .iter()
            .all(|access| matches!(access, AccessExpr::Subscript(Subscript::Index { .. })));
        let mut values = Vec::with_capacity(chain.len() * 2);
        let mut bounds = Bounds::default();
        for (number, access) in chain.iter().enumerate() {
            let AccessExpr::Subscript(subscript) = access else {
                return Err(Error::unsupported(format!("{access} behind a subscript")));
            };
            match subscript {
                Subscript::Index { index } if plain => values.push(self.subscript_value(index)?),
                // Among slices, one subscript stands for all up to it.
                Subscript::Index { index } => {
                    values.push(self.literal(&Datum::Int32(1), Type::Int4)?);
                    values.push(self.subscript_value(index)?);
                    bounds = bounds.with(number, true, true);
                }
                Subscript::Slice { lower_bound, upper_bound, stride: None } => {
                    for bound in [lower_bound, upper_bound] {
                        values.push(match bound {
                            Some(bound) => self.subscript_value(bound)?,
                            None => self.null(Type::Int4)?,
                        });
                    }
                    bounds = bounds.with(number, lower_bound.is_some(), upper_bound.is_some());
                }
                Subscript::Slice { .. } => {
                    return Err(Error::new(SqlState::SyntaxError, "syntax error at or near \":\""));
                }
            }
        }
        Ok(Subscripts { bounds: (!plain).then_some(bounds), values })
    }

    fn subscript_value(&self, sql: &Sql) -> Result<Bound> {
        let bound = self.expr(sql)?;
        let position = bound.position;
        let value = self.convert(bound, TypeMod::plain(Type::Int4), CastLevel::Assignment)?;
        value.ok_or_else(|| {
            Error::new(SqlState::DatatypeMismatch, "array subscript must have type integer")
                .at(position)
        })
    }

    /// The new value of the column `name` when an element or a slice of it is set: `array` is
    /// the value before, and `bind` gives the new element or slice.
    pub(super) fn assign_subscripts(
        &self,
        name: &str,
        array: Bound,
        chain: &[AccessExpr],
        value: Bound,
    ) -> Result<Bound> {
        let position = array.position;
        if let [AccessExpr::Dot(Sql::Identifier(field)), rest @ ..] = chain {
            return self.assign_field(name, array, field, rest, value);
        }
        if array.kind() == Type::Jsonb {
            return self.assign_jsonb_subscript(name, array, chain, value);
        }
        let first = subscripts_before_field(chain);
        if let Some((first, rest)) = chain.split_at_checked(first).filter(|(_, r)| !r.is_empty()) {
            let old = self.subscript_of(array.clone(), first)?.at(position);
            let new = self.assign_subscripts(name, old, rest, value)?;
            return self.assign_subscripts(name, array, first, new);
        }
        let element = subscripted(array.ty).map_err(|error| error.at(position))?;
        let Subscripts { bounds, values } = self.subscripts(chain)?;
        let target = if bounds.is_some() { array.ty } else { element };
        let from = value.kind();
        let value = self.convert(value, target, CastLevel::Assignment)?.ok_or_else(|| {
            Error::new(
                SqlState::DatatypeMismatch,
                format!(
                    "subscripted assignment to \"{name}\" requires type {} but expression is of type {}",
                    target.kind.name(),
                    from.name()
                ),
            )
            .hint("You will need to rewrite or cast the expression.")
            .at(position)
        })?;
        let form = ArrayForm::Assign { element: element.kind, bounds };
        let mut args = vec![array.expr, value.expr];
        args.extend(values.into_iter().map(|value| value.expr));
        Ok(Bound { expr: udf::call(Scalar::Array(form), args), ..array })
    }

    /// `name(..., VARIADIC array)`
    pub(super) fn variadic_call(
        &self,
        name: &str,
        fixed: &[ast::FunctionArg],
        array: &Sql,
    ) -> Result<Bound> {
        let fixed = self.arguments(fixed)?;
        let array = self.expr(array)?;
        let fits = |f: &&functions::Function| f.variadic && f.args.len() == fixed.len() + 1;
        let Some(function) = functions::named(name).find(fits) else {
            let kinds = fixed.iter().chain([&array]).map(Bound::kind).collect::<Vec<_>>();
            return Err(no_function(name, &kinds));
        };
        if !array.kind().is_array() {
            let message = "VARIADIC argument must be an array";
            return Err(Error::new(SqlState::DatatypeMismatch, message).at(array.position));
        }
        let mut args = Vec::with_capacity(fixed.len() + 1 + STYLE.len());
        for (index, arg) in fixed.into_iter().enumerate() {
            args.push(self.implicit(arg, resolve::expected(function, index))?.expr);
        }
        args.push(array.expr);
        args.extend(STYLE.iter().map(|c| context(*c)));
        let call = udf::call(Scalar::Array(ArrayForm::Spread(Entry(function))), args);
        Ok(Bound::new(call, function.returns))
    }

    /// `left op ANY (array)`, where `at` is the operator's place.
    pub(super) fn quantified_array(
        &self,
        left: Bound,
        op: &BinaryOperator,
        right: &Sql,
        any: bool,
        at: Option<usize>,
    ) -> Result<Bound> {
        let right = self.expr(right)?;
        let position = right.position;
        let inner = match right.kind() {
            Type::Unknown => Type::Unknown,
            kind => kind.element().ok_or_else(|| {
                let message = "op ANY/ALL (array) requires array on right side";
                Error::new(SqlState::WrongObjectType, message).at(at)
            })?,
        };
        let symbol = operator_symbol(op);
        let array_of = |kind: Type| match kind {
            kind if kind.is_array() => Err(no_array_type(kind).at(at)),
            kind => kind.array().ok_or_else(|| no_array_type(kind).at(at)),
        };
        if let Some((operator, _)) = comparison_of(op) {
            let common = resolve::common_operand_type(left.kind(), inner);
            let kind = common.ok_or_else(|| no_operator(&symbol, &[left.kind(), inner]).at(at))?;
            let array = self.implicit(right, array_of(kind)?)?.at(position);
            let probe = self.implicit(left, kind)?;
            let form = Quantified { test: Test::Compare(operator, kind), any };
            let args = vec![canonical(kind, probe.expr), array.expr];
            let call = udf::call(Scalar::Array(ArrayForm::Quantified(form)), args);
            return Ok(Bound::new(call, Type::Bool));
        }
        let kinds = [left.kind(), inner];
        let Resolution::Found(function) = resolve::resolve(functions::named(&symbol), &kinds)
        else {
            return Err(no_operator(&symbol, &kinds).at(at));
        };
        if function.returns != Type::Bool {
            let message = "op ANY/ALL (array) requires operator to yield boolean";
            return Err(Error::new(SqlState::WrongObjectType, message).at(at));
        }
        let (first, second) = (resolve::expected(function, 0), resolve::expected(function, 1));
        let probe = self.implicit(left, first)?;
        let array = self.implicit(right, array_of(second)?)?;
        let mut args = vec![probe.expr, array.expr];
        args.extend(function.context.iter().map(|c| context(*c)));
        let form = Quantified { test: Test::Call(Entry(function)), any };
        let call = udf::call(Scalar::Array(ArrayForm::Quantified(form)), args);
        Ok(Bound::new(call, Type::Bool))
    }
}

/// The arguments before the one that is VARIADIC, and that one.
pub(super) fn variadic(args: &[ast::FunctionArg]) -> Option<(&[ast::FunctionArg], &Sql)> {
    let (last, fixed) = args.split_last()?;
    match last {
        ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(Sql::Prefixed { value, .. })) => {
            Some((fixed, value))
        }
        _ => None,
    }
}

pub(super) fn no_array_type(kind: Type) -> Error {
    Error::new(
        SqlState::UndefinedObject,
        format!("could not find array type for data type {}", kind.name()),
    )
}

/// How many subscripts come before a field.
fn subscripts_before_field(chain: &[AccessExpr]) -> usize {
    chain.iter().take_while(|access| matches!(access, AccessExpr::Subscript(_))).count()
}

/// The elements of what has subscripts.
fn subscripted(ty: TypeMod) -> Result<TypeMod> {
    ty.element().ok_or_else(|| {
        Error::new(
            SqlState::DatatypeMismatch,
            format!(
                "cannot subscript type {} because it does not support subscripting",
                ty.kind.name()
            ),
        )
    })
}
