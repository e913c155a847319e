//! What SQL has a syntax for on times: interval literals, `LOCALTIME(2)` and its kin, and dates compared
//! with timestamps.

use datafusion::logical_expr::Expr;
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast;

use super::{Binder, Bound};
use crate::error::{Error, Result, SqlState};
use crate::functions::datetime::{AS_TIMESTAMP, AS_TIMESTAMPTZ};
use crate::types::{Type, TypeMod};

impl Binder<'_> {
    /// `INTERVAL '...'`, perhaps with the fields that it has.
    pub(super) fn interval(&self, interval: &ast::Interval) -> Result<Bound> {
        let literal = self.expr(&interval.value)?;
        let Some(leading) = &interval.leading_field else {
            return self.explicit_cast(literal, TypeMod::plain(Type::Interval));
        };
        let fields = match &interval.last_field {
            Some(last) => format!("{leading} TO {last}"),
            None => leading.to_string(),
        };
        // Only seconds, which come last, have digits.
        let precision = match (interval.leading_precision, &interval.last_field) {
            (Some(_), Some(_)) => {
                return Err(Error::new(SqlState::SyntaxError, "syntax error at or near \"(\""));
            }
            (precision, _) => precision.or(interval.fractional_seconds_precision),
        };
        self.explicit_cast(literal, super::types::interval(Some(&fields), precision)?)
    }

    pub(super) fn now_as(&self, target: TypeMod) -> Result<Bound> {
        let now = self.named_call("now", vec![])?;
        self.explicit_cast(now, target)
    }

    /// The same with digits of a second, `localtime(2)`; `None` for another call.
    pub(super) fn keyword_value_to(&self, name: &str, args: &[Bound]) -> Option<Result<Bound>> {
        let kind = match name {
            "current_time" => Type::Timetz,
            "current_timestamp" => Type::Timestamptz,
            "localtime" => Type::Time,
            "localtimestamp" => Type::Timestamp,
            _ => return None,
        };
        let [Bound { expr: Expr::Literal(ScalarValue::Int32(Some(digits)), _), .. }] = args else {
            return None;
        };
        Some(self.now_as(TypeMod { kind, typmod: (*digits).clamp(0, 6) }))
    }

    /// An operand as another type, which an operator of both types would not convert: a date beyond
    /// all timestamps compares with them all the same.
    pub(super) fn comparable(&self, operand: Bound, kind: Type) -> Result<Bound> {
        let name = match (operand.kind(), kind) {
            (Type::Date, Type::Timestamp) => AS_TIMESTAMP,
            (Type::Date | Type::Timestamp, Type::Timestamptz) => AS_TIMESTAMPTZ,
            _ => return self.implicit(operand, kind),
        };
        self.named_call(name, vec![operand])
    }
}
