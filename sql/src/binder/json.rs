//! JSON of any value: what `to_json`, `json_build_array`, the aggregates and subscripts of jsonb do
//! with their arguments depends on the types of these.

use datafusion::logical_expr::Expr;
use datafusion::sql::sqlparser::ast::{AccessExpr, Expr as Sql, Subscript};

use super::call::{no_function, untyped};
use super::populate::gives_rows;
use super::{Binder, Bound, context};
use crate::error::{Error, Result, SqlState};
use crate::functions::arrays::ArrayForm;
use crate::functions::casts::CastLevel;
use crate::functions::json::{self, JsonForm};
use crate::functions::{Scalar, udf};
use crate::types::{Type, TypeMod};

/// Whether a function of this name is bound here.
pub(super) fn is_form(name: &str) -> bool {
    matches!(
        name,
        "to_json"
            | "to_jsonb"
            | "array_to_json"
            | "json_build_array"
            | "jsonb_build_array"
            | "json_build_object"
            | "jsonb_build_object"
            | "row_to_json"
    ) || gives_rows(name)
}

impl Binder<'_> {
    /// A call of one of these functions.
    pub(super) fn json_call(&self, name: &str, args: Vec<Bound>) -> Result<Bound> {
        let kinds: Vec<Type> = args.iter().map(Bound::kind).collect();
        let binary = name.contains("jsonb");
        match (name, kinds.as_slice()) {
            _ if gives_rows(name) => self.populated_row(self.populated(name, args, None)?),
            ("row_to_json", [kind]) if kind.is_row() => self.json_of_all(args, false),
            ("row_to_json", [kind, Type::Bool | Type::Unknown]) if kind.is_row() => {
                self.array_to_json(args)
            }
            ("to_json" | "to_jsonb" | "array_to_json", [Type::Unknown, ..]) => Err(untyped()),
            ("to_json" | "to_jsonb", [_]) => self.json_of_all(args, binary),
            ("array_to_json", [kind]) if kind.is_array() => self.json_of_all(args, false),
            ("array_to_json", [kind, Type::Bool | Type::Unknown]) if kind.is_array() => {
                self.array_to_json(args)
            }
            ("json_build_array" | "jsonb_build_array", _) => {
                let items = args.into_iter().map(|arg| self.json_of(arg, binary));
                let items = items.collect::<Result<Vec<_>>>()?;
                Ok(json_form(JsonForm::BuildArray { binary }, items))
            }
            ("json_build_object" | "jsonb_build_object", _) => {
                let parts = args.into_iter().enumerate().map(|(number, arg)| match number % 2 {
                    0 => self.json_key(arg),
                    _ => self.json_of(arg, binary),
                });
                let parts = parts.collect::<Result<Vec<_>>>()?;
                Ok(json_form(JsonForm::BuildObject { binary }, parts))
            }
            _ => Err(no_function(name, &kinds)),
        }
    }

    fn json_of_all(&self, args: Vec<Bound>, binary: bool) -> Result<Bound> {
        let exprs = args.into_iter().map(|arg| self.json_of(arg, binary)).next();
        let kind = if binary { Type::Jsonb } else { Type::Json };
        Ok(Bound::new(exprs.ok_or_else(untyped)??, kind))
    }

    /// `array_to_json(array, pretty)` and `row_to_json`: lines for the elements or none, as the second argument says.
    fn array_to_json(&self, args: Vec<Bound>) -> Result<Bound> {
        use datafusion::logical_expr::expr::Case;
        let mut args = args.into_iter();
        let (Some(array), Some(pretty)) = (args.next(), args.next()) else {
            return Err(untyped());
        };
        let pretty = self.implicit(pretty, Type::Bool)?.expr;
        let plain = self.json_from(array.clone(), false, false)?;
        let lines = self.json_from(array, false, true)?;
        let negated = Expr::Not(Box::new(pretty.clone()));
        let pairs = vec![(Box::new(pretty), Box::new(lines)), (Box::new(negated), Box::new(plain))];
        Ok(Bound::new(Expr::Case(Case::new(None, pairs, None)), Type::Json))
    }

    /// A value as JSON, in which NULL stays NULL.
    fn json_of(&self, arg: Bound, binary: bool) -> Result<Expr> {
        self.json_from(arg, binary, false)
    }

    fn json_from(&self, arg: Bound, binary: bool, lines: bool) -> Result<Expr> {
        let arg = self.settle(arg)?;
        let from = self.named_rows(arg.ty);
        let is_it = from == if binary { Type::Jsonb } else { Type::Json };
        if is_it {
            return Ok(arg.expr);
        }
        let mut args = vec![arg.expr];
        args.extend(json::context(from).iter().map(|value| context(*value)));
        Ok(udf::call(Scalar::Json(JsonForm::From { from, binary, lines }), args))
    }

    /// A value as key of an object.
    fn json_key(&self, arg: Bound) -> Result<Expr> {
        let arg = self.settle(arg)?;
        let from = arg.kind();
        let mut args = vec![arg.expr];
        args.extend(json::context(from).iter().map(|value| context(*value)));
        Ok(udf::call(Scalar::Json(JsonForm::Key { from }), args))
    }

    /// The arguments of an aggregate that gives JSON. DISTINCT compares values as they come.
    pub(super) fn json_aggregate_args(
        &self,
        args: Vec<Bound>,
        binary: bool,
        object: bool,
        distinct: bool,
    ) -> Result<Vec<Expr>> {
        let mut args = args.into_iter();
        let first = args.next().ok_or_else(untyped)?;
        if object {
            let value = args.next().ok_or_else(untyped)?;
            return Ok(vec![self.json_key(first)?, self.json_of(value, binary)?]);
        }
        if first.kind() == Type::Unknown {
            return Err(untyped());
        }
        let mut exprs = Vec::with_capacity(2);
        if distinct {
            exprs.push(first.expr.clone());
        }
        exprs.push(self.json_of(first, binary)?);
        Ok(exprs)
    }

    /// The steps that subscripts of a jsonb say, as an array of texts.
    fn jsonb_steps(&self, chain: &[AccessExpr]) -> Result<Expr> {
        let mut steps = Vec::with_capacity(chain.len());
        for access in chain {
            let index = match access {
                AccessExpr::Subscript(Subscript::Index { index }) => index,
                AccessExpr::Subscript(Subscript::Slice { lower_bound, upper_bound, .. }) => {
                    let bound = lower_bound.as_ref().or(upper_bound.as_ref());
                    let message = "jsonb subscript does not support slices";
                    return Err(Error::new(SqlState::DatatypeMismatch, message)
                        .at(bound.and_then(|bound| self.position_of(bound))));
                }
                AccessExpr::Dot(field) => {
                    return Err(Error::unsupported(format!("{field} behind a subscript")));
                }
            };
            steps.push(self.jsonb_step(index)?);
        }
        let form = ArrayForm::Make { element: Type::Text, nested: false };
        Ok(udf::call(Scalar::Array(form), steps))
    }

    fn jsonb_step(&self, index: &Sql) -> Result<Expr> {
        let bound = self.expr(index)?;
        let (kind, position) = (bound.kind(), bound.position);
        if kind == Type::Unknown || kind.is_string() {
            return Ok(self.implicit(bound, Type::Text)?.expr);
        }
        let place = self.convert(bound, TypeMod::plain(Type::Int4), CastLevel::Implicit)?;
        let place = place.ok_or_else(|| {
            Error::new(
                SqlState::DatatypeMismatch,
                format!("subscript type {} is not supported", kind.name()),
            )
            .hint("jsonb subscript must be coercible to either integer or text.")
            .at(position)
        })?;
        Ok(self.explicit_cast(place, TypeMod::plain(Type::Text))?.expr)
    }

    /// `j['a'][1]`
    pub(super) fn jsonb_subscript(&self, json: Bound, chain: &[AccessExpr]) -> Result<Bound> {
        let steps = Bound::new(self.jsonb_steps(chain)?, Type::TextArray);
        self.operator("#>", vec![json, steps])
    }

    /// The new value of the column `name` when a part of it is set.
    pub(super) fn assign_jsonb_subscript(
        &self,
        name: &str,
        json: Bound,
        chain: &[AccessExpr],
        value: Bound,
    ) -> Result<Bound> {
        let (from, position) = (value.kind(), json.position);
        let target = TypeMod::plain(Type::Jsonb);
        let value = self.convert(value, target, CastLevel::Assignment)?.ok_or_else(|| {
            Error::new(
                SqlState::DatatypeMismatch,
                format!(
                    "subscripted assignment to \"{name}\" requires type jsonb but expression is of type {}",
                    from.name()
                ),
            )
            .hint("You will need to rewrite or cast the expression.")
            .at(position)
        })?;
        let args = vec![json.expr.clone(), value.expr, self.jsonb_steps(chain)?];
        Ok(Bound { expr: udf::call(Scalar::Json(JsonForm::Assign), args), ..json })
    }
}

fn json_form(form: JsonForm, args: Vec<Expr>) -> Bound {
    Bound::new(udf::call(Scalar::Json(form), args), form.returns())
}
