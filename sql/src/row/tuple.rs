//! Rows as values: what a subquery with several columns gives to `SET (a, b) = (SELECT ...)`. It
//! runs once, and its row goes through the plan as bytes until its columns are asked for.

use std::sync::Arc;

use datafusion::logical_expr::Expr;

use super::stateful::{self, Stateful};
use crate::codec;
use crate::error::Result;
use crate::types::{Datum, Type};

/// Makes a value of several.
#[derive(Debug)]
struct Pack;

/// Takes one of them out again.
#[derive(Debug)]
struct Field {
    index: usize,
    kind: Type,
}

/// The type of a packed row.
pub const PACKED: Type = Type::Bytea;

/// These values as one.
pub fn pack(values: Vec<Expr>) -> Expr {
    stateful::call(Arc::new(Pack), values)
}

/// The value at `index` of a packed row, or NULL if there is no row.
pub fn field(row: Expr, index: usize, kind: Type) -> Expr {
    stateful::call(Arc::new(Field { index, kind }), vec![row])
}

impl Stateful for Pack {
    fn name(&self) -> &'static str {
        "pack"
    }

    fn returns(&self) -> Type {
        PACKED
    }

    fn run(&self, args: &[Datum]) -> Result<Datum> {
        Ok(Datum::Bytes(codec::encode_row(args)))
    }
}

impl Stateful for Field {
    fn name(&self) -> &'static str {
        "field"
    }

    fn returns(&self) -> Type {
        self.kind
    }

    fn run(&self, args: &[Datum]) -> Result<Datum> {
        let Some(Datum::Bytes(row)) = args.first() else { return Ok(Datum::Null) };
        let mut value = Vec::with_capacity(1);
        codec::decode_columns(row, &[self.index], &mut value, |_| None)?;
        Ok(value.pop().unwrap_or(Datum::Null))
    }
}
