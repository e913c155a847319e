//! Running subqueries.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::logical_expr::Operator;

use super::expr::compare;
use super::{Env, Frame, Row, RowPlan};
use crate::binder::subplan::{Comparison, Form, Subplan};
use crate::codec;
use crate::error::{Error, Result, SqlState};
use crate::functions::arrays::ArrayAccumulator;
use crate::types::Datum;

/// Rows that an evaluation for one more row costs as much as.
const EVALUATION_ROWS: usize = 8;

/// The result of a subquery without outer columns.
#[derive(Debug, Default)]
pub struct Materialized {
    rows: Vec<Row>,
    /// For `= ANY`: the rows without NULLs, encoded, and the others.
    hashed: HashSet<Vec<u8>>,
    partial: Vec<Row>,
    /// For ARRAY: the array.
    array: Datum,
}

/// The value of a subquery for the given arguments, outside of a running plan.
pub fn evaluate(subplan: &Arc<Subplan>, env: &Env, args: &[Datum]) -> Result<Datum> {
    evaluate_in(subplan, &Frame::new(env), args)
}

/// The value of a subquery for the given arguments.
pub fn evaluate_in(subplan: &Arc<Subplan>, frame: &Frame<'_>, args: &[Datum]) -> Result<Datum> {
    let (probes, outer) = args.split_at_checked(subplan.probes).unwrap_or((args, &[]));
    let plan = subplan.compiled.get_or_init(|| {
        super::compile::compile_subplan(&subplan.plan).map_err(|error| error.to_string())
    });
    let plan =
        plan.as_ref().map_err(|error| Error::unsupported(format!("this subquery ({error})")))?;
    let captures_outer = !subplan.slots.is_empty() || plan.uses_outer;
    if !captures_outer {
        let key = Arc::as_ptr(subplan) as usize;
        let kept = frame.env.kept.subplans.lock().get(&key).cloned();
        let kept = match kept {
            Some(kept) => kept,
            None => {
                let fresh = Arc::new(materialize(subplan, plan, frame)?);
                frame.env.kept.subplans.lock().insert(key, fresh.clone());
                fresh
            }
        };
        return match subplan.form {
            Form::Any(Comparison::Eq) => Ok(kept.contains(probes)),
            Form::Array => Ok(kept.array.clone()),
            _ => finish(subplan, probes, &mut |sink| {
                for row in &kept.rows {
                    if sink(row)?.is_break() {
                        break;
                    }
                }
                Ok(())
            }),
        };
    }
    frame.env.tick(EVALUATION_ROWS)?;
    let mut env = frame.env.clone();
    for (slot, value) in subplan.slots.iter().zip(outer) {
        env.set_outer(*slot, value.clone());
    }
    finish(subplan, probes, &mut |sink| plan.run(&env, &mut |row| sink(&row)))
}

fn materialize(subplan: &Subplan, plan: &RowPlan, frame: &Frame<'_>) -> Result<Materialized> {
    let mut rows = Vec::new();
    let enough = match subplan.form {
        Form::Exists => 1,
        Form::Scalar | Form::One(_) => 2,
        _ => usize::MAX,
    };
    plan.run(frame.env, &mut |row| {
        rows.push(row);
        Ok(if rows.len() >= enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    if subplan.form == Form::Array {
        let array = finish(subplan, &[], &mut |sink| {
            for row in &rows {
                if sink(row)?.is_break() {
                    break;
                }
            }
            Ok(())
        })?;
        return Ok(Materialized { array, ..Materialized::default() });
    }
    let mut kept = Materialized::default();
    if subplan.form == Form::Any(Comparison::Eq) {
        for row in rows {
            if row.iter().any(Datum::is_null) {
                kept.partial.push(row);
            } else {
                kept.hashed.insert(codec::encode_row(&row));
            }
        }
        return Ok(kept);
    }
    kept.rows = rows;
    Ok(kept)
}

impl Materialized {
    /// Whether these rows have the probed one, which is unknown if NULLs hide it.
    fn contains(&self, probes: &[Datum]) -> Datum {
        if self.hashed.is_empty() && self.partial.is_empty() {
            return Datum::Bool(false);
        }
        let has_null = probes.iter().any(Datum::is_null);
        if !has_null && self.hashed.contains(&codec::encode_row(probes)) {
            return Datum::Bool(true);
        }
        let may_equal =
            |row: &[Datum]| compare_rows(probes, Comparison::Eq, row) != Datum::Bool(false);
        let unknown = match (probes, has_null) {
            ([_], true) => true,
            ([_], false) => !self.partial.is_empty(),
            (_, false) => self.partial.iter().any(|row| may_equal(row)),
            (_, true) => {
                let known = self.hashed.iter().any(|row| match codec::decode_stored(row) {
                    Ok(row) => may_equal(&row),
                    Err(_) => true,
                });
                known || self.partial.iter().any(|row| may_equal(row))
            }
        };
        if unknown { Datum::Null } else { Datum::Bool(false) }
    }
}

/// A comparison of rows: equality by all fields, order by the first fields that differ.
fn compare_rows(left: &[Datum], comparison: Comparison, right: &[Datum]) -> Datum {
    let operator = match comparison {
        Comparison::Eq => Operator::Eq,
        Comparison::NotEq => Operator::NotEq,
        Comparison::Lt => Operator::Lt,
        Comparison::LtEq => Operator::LtEq,
        Comparison::Gt => Operator::Gt,
        Comparison::GtEq => Operator::GtEq,
    };
    if let ([left], [right]) = (left, right) {
        return compare(left, operator, right);
    }
    let mut pairs = left.iter().zip(right).peekable();
    match comparison {
        Comparison::Eq | Comparison::NotEq => {
            let settles = comparison == Comparison::NotEq;
            let mut result = Datum::Bool(!settles);
            for (left, right) in pairs {
                match compare(left, operator, right) {
                    Datum::Bool(value) if value == settles => return Datum::Bool(settles),
                    Datum::Null => result = Datum::Null,
                    _ => {}
                }
            }
            result
        }
        _ => {
            while let Some((left, right)) = pairs.next() {
                let is_last = pairs.peek().is_none();
                match compare(left, Operator::Eq, right) {
                    Datum::Null => return Datum::Null,
                    Datum::Bool(true) if !is_last => {}
                    _ => return compare(left, operator, right),
                }
            }
            Datum::Null
        }
    }
}

type Rows<'a> = dyn FnMut(&mut dyn FnMut(&[Datum]) -> Result<ControlFlow<()>>) -> Result<()> + 'a;

/// Folds the rows into the value of the form.
fn finish(subplan: &Subplan, probes: &[Datum], each: &mut Rows<'_>) -> Result<Datum> {
    let form = subplan.form;
    let too_many = || {
        Error::new(
            SqlState::CardinalityViolation,
            "more than one row returned by a subquery used as an expression",
        )
    };
    match form {
        Form::Exists => {
            let mut found = false;
            each(&mut |_| {
                found = true;
                Ok(ControlFlow::Break(()))
            })?;
            Ok(Datum::Bool(found))
        }
        Form::Scalar => {
            let mut value = None;
            each(&mut |row| {
                if value.is_some() {
                    return Err(too_many());
                }
                value = Some(row.first().cloned().unwrap_or_default());
                Ok(ControlFlow::Continue(()))
            })?;
            Ok(value.unwrap_or(Datum::Null))
        }
        Form::One(comparison) => {
            let mut value = None;
            each(&mut |row| {
                if value.is_some() {
                    return Err(too_many());
                }
                value = Some(compare_rows(probes, comparison, row));
                Ok(ControlFlow::Continue(()))
            })?;
            Ok(value.unwrap_or(Datum::Null))
        }
        Form::Array => {
            let mut array = ArrayAccumulator::new(subplan.column);
            each(&mut |row| {
                array.push(row.first().unwrap_or(&Datum::Null))?;
                Ok(ControlFlow::Continue(()))
            })?;
            Ok(array.finish())
        }
        Form::Any(comparison) | Form::All(comparison) => {
            // ANY is settled by a true, ALL by a false.
            let settles = matches!(form, Form::Any(_));
            let mut result = Datum::Bool(!settles);
            each(&mut |row| {
                match compare_rows(probes, comparison, row) {
                    Datum::Bool(value) if value == settles => {
                        result = Datum::Bool(settles);
                        return Ok(ControlFlow::Break(()));
                    }
                    Datum::Null => result = Datum::Null,
                    _ => {}
                }
                Ok(ControlFlow::Continue(()))
            })?;
            Ok(result)
        }
    }
}
