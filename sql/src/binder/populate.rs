//! JSON as rows: `json_populate_record`, `json_to_record` and their kin, and what a row is as JSON.
//!
//! The type of the rows is that of the first argument, or the one that the column definition list of an
//! item of FROM makes.

use datafusion::logical_expr::Expr;

use super::call::{no_function, untyped};
use super::{Binder, Bound, context};
use crate::error::{Error, Result, SqlState};
use crate::functions::json::{self, JsonForm};
use crate::functions::sets::SetCall;
use crate::functions::{Context, Scalar, udf};
use crate::types::user::Attribute;
use crate::types::{Datum, Type, TypeMod, UserType};

/// The functions, and whether they take a row to begin with.
const POPULATE: &[(&str, bool)] = &[
    ("json_populate_record", true),
    ("json_populate_recordset", true),
    ("json_to_record", false),
    ("json_to_recordset", false),
    ("jsonb_populate_record", true),
    ("jsonb_populate_recordset", true),
    ("jsonb_to_record", false),
    ("jsonb_to_recordset", false),
];

/// A call of such a function.
pub(super) struct Populated {
    name: &'static str,
    /// The type of the rows.
    pub(super) ty: TypeMod,
    /// The JSON, what reading it takes, and the row to begin with.
    args: Vec<Expr>,
}

/// Whether a function gives rows of JSON.
pub(super) fn gives_rows(name: &str) -> bool {
    POPULATE.iter().any(|(known, _)| *known == name)
}

/// Whether a function gives any number of them.
pub(super) fn gives_sets(name: &str) -> bool {
    gives_rows(name) && name.ends_with("set")
}

impl Populated {
    /// The row, before a guard has looked at it.
    fn row(self) -> Expr {
        let form = JsonForm::Populate { kind: self.ty.kind.base(), name: self.name };
        udf::call(Scalar::Json(form), self.args)
    }
}

impl Binder<'_> {
    /// A call of a function that gives rows of JSON; `listed` is the type of a column definition list.
    pub(super) fn populated(
        &self,
        name: &str,
        args: Vec<Bound>,
        listed: Option<UserType>,
    ) -> Result<Populated> {
        let kinds: Vec<Type> = args.iter().map(Bound::kind).collect();
        let Some((name, takes_row)) = POPULATE.iter().find(|(known, _)| *known == name) else {
            return Err(no_function(name, &kinds));
        };
        let mut args = args.into_iter();
        let base = if *takes_row { args.next() } else { None };
        let (Some(json), false) = (args.next(), *takes_row && base.is_none()) else {
            return Err(no_function(name, &kinds));
        };
        let wanted = if name.starts_with("jsonb") { Type::Jsonb } else { Type::Json };
        let fits = json.kind() == wanted || json.kind() == Type::Unknown;
        // Whether nested JSON is taken as text, which it always is where text is asked for.
        let rest: Vec<Bound> = args.collect();
        let rest_fits = match rest.as_slice() {
            [] => true,
            [flag] => *takes_row && matches!(flag.kind(), Type::Bool | Type::Unknown),
            _ => false,
        };
        if !fits || !rest_fits {
            return Err(no_function(name, &kinds));
        }
        let json = self.implicit(json, wanted)?;
        let anonymous = |user| TypeMod::plain(Type::Composite(user));
        let (ty, base) = match base {
            None => (listed.map(anonymous), None),
            Some(base) => match base.kind() {
                Type::Unknown => return Err(untyped()),
                Type::Composite(_) => (Some(base.ty), Some(base)),
                Type::Record => match self.fields_of(base.ty) {
                    Some(_) => {
                        let ty = TypeMod::plain(self.named_rows(base.ty));
                        (Some(ty), self.convert(base, ty, super::CastLevel::Explicit)?)
                    }
                    None => (listed.map(anonymous), None),
                },
                _ => {
                    let message = format!("first argument of {name} must be a row type");
                    return Err(Error::new(SqlState::DatatypeMismatch, message));
                }
            },
        };
        let ty = ty.ok_or_else(|| {
            Error::new(
                SqlState::InvalidParameterValue,
                format!("could not determine row type for result of {name}"),
            )
            .hint("Provide a non-null record argument, or call the function in the FROM clause using a column definition list.")
        })?;
        let base = match base {
            Some(base) => base.expr,
            None => self.null(ty.kind)?.expr,
        };
        let style = [Context::Zone, Context::Now, Context::Style].map(context);
        let args = [json.expr].into_iter().chain(style).chain([base]).collect();
        Ok(Populated { name, ty, args })
    }

    /// The same as one value.
    pub(super) fn populated_row(&self, call: Populated) -> Result<Bound> {
        let ty = call.ty;
        self.guarded(Bound::new(call.row(), ty.kind.base()), ty)
    }

    /// The same as a call in FROM or in a select list.
    pub(super) fn populated_set(&self, call: Populated) -> Result<SetCall> {
        let columns = vec![call.ty.kind];
        if !gives_sets(call.name) {
            return Ok(SetCall { function: None, args: vec![call.row()], columns });
        }
        let mut args = call.args;
        let handle = Datum::Int64(i64::from(call.ty.kind.handle()));
        args.push(self.literal(&handle, Type::Oid)?.expr);
        args.push(self.literal(&Datum::Text(call.name.to_owned()), Type::Text)?.expr);
        Ok(SetCall { function: Some(&json::RECORDS), args, columns })
    }

    /// The type of a value whose rows have the names of their fields with them, as far as they are known.
    pub(super) fn named_rows(&self, ty: TypeMod) -> Type {
        let ty = ty.base();
        let fields = match ty.kind {
            Type::Record => self.fields_of(ty),
            _ => None,
        };
        let Some(fields) = fields else { return ty.kind };
        let fields = fields.into_iter().map(|field| {
            let ty = match field.ty.kind {
                Type::Unknown => TypeMod::plain(Type::Text),
                Type::Record => TypeMod::plain(self.named_rows(field.ty)),
                _ => field.ty,
            };
            Attribute::new(field.name, ty)
        });
        Type::Composite(UserType::anonymous(fields.collect()))
    }
}
