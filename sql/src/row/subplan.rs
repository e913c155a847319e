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

/// The result of a subquery without outer columns.
#[derive(Debug, Default)]
pub struct Materialized {
    rows: Vec<Row>,
    /// For `= ANY`: the values, encoded, and whether one is NULL.
    hashed: HashSet<Vec<u8>>,
    has_null: bool,
    /// For ARRAY: the array.
    array: Datum,
}

/// The value of a subquery for the given arguments, outside of a running plan.
pub fn evaluate(subplan: &Arc<Subplan>, env: &Env, args: &[Datum]) -> Result<Datum> {
    evaluate_in(subplan, &Frame::new(env), args)
}

/// The value of a subquery for the given arguments.
pub fn evaluate_in(subplan: &Arc<Subplan>, frame: &Frame<'_>, args: &[Datum]) -> Result<Datum> {
    let (probe, outer) = match (subplan.has_probe(), args) {
        (true, [probe, outer @ ..]) => (Some(probe), outer),
        _ => (None, args),
    };
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
        return match (subplan.form, probe) {
            (Form::Any(Comparison::Eq), Some(probe)) => Ok(kept.contains(probe)),
            (Form::Array, _) => Ok(kept.array.clone()),
            _ => finish(subplan, probe, &mut |sink| {
                for row in &kept.rows {
                    if sink(row.first().unwrap_or(&Datum::Null))?.is_break() {
                        break;
                    }
                }
                Ok(())
            }),
        };
    }
    let mut env = frame.env.clone();
    for (slot, value) in subplan.slots.iter().zip(outer) {
        env.set_outer(*slot, value.clone());
    }
    finish(subplan, probe, &mut |sink| {
        plan.run(&env, &mut |row| sink(row.first().unwrap_or(&Datum::Null)))
    })
}

fn materialize(subplan: &Subplan, plan: &RowPlan, frame: &Frame<'_>) -> Result<Materialized> {
    let mut rows = Vec::new();
    let enough = match subplan.form {
        Form::Exists => 1,
        Form::Scalar => 2,
        _ => usize::MAX,
    };
    plan.run(frame.env, &mut |row| {
        rows.push(row);
        Ok(if rows.len() >= enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    if subplan.form == Form::Array {
        let array = finish(subplan, None, &mut |sink| {
            for row in &rows {
                if sink(row.first().unwrap_or(&Datum::Null))?.is_break() {
                    break;
                }
            }
            Ok(())
        })?;
        return Ok(Materialized { array, ..Materialized::default() });
    }
    let mut kept = Materialized::default();
    if subplan.form == Form::Any(Comparison::Eq) {
        for row in &rows {
            match row.first() {
                None | Some(Datum::Null) => kept.has_null = true,
                Some(value) => {
                    kept.hashed.insert(codec::encode_row(std::slice::from_ref(value)));
                }
            }
        }
    }
    kept.rows = rows;
    Ok(kept)
}

impl Materialized {
    fn contains(&self, probe: &Datum) -> Datum {
        if self.rows.is_empty() {
            return Datum::Bool(false);
        }
        if probe.is_null() {
            return Datum::Null;
        }
        match self.hashed.contains(&codec::encode_row(std::slice::from_ref(probe))) {
            true => Datum::Bool(true),
            false if self.has_null => Datum::Null,
            false => Datum::Bool(false),
        }
    }
}

type Values<'a> = dyn FnMut(&mut dyn FnMut(&Datum) -> Result<ControlFlow<()>>) -> Result<()> + 'a;

/// Folds the rows' first columns into the value of the form.
fn finish(subplan: &Subplan, probe: Option<&Datum>, each: &mut Values<'_>) -> Result<Datum> {
    let form = subplan.form;
    let operator = |comparison| match comparison {
        Comparison::Eq => Operator::Eq,
        Comparison::NotEq => Operator::NotEq,
        Comparison::Lt => Operator::Lt,
        Comparison::LtEq => Operator::LtEq,
        Comparison::Gt => Operator::Gt,
        Comparison::GtEq => Operator::GtEq,
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
            each(&mut |datum| {
                if value.is_some() {
                    return Err(Error::new(
                        SqlState::CardinalityViolation,
                        "more than one row returned by a subquery used as an expression",
                    ));
                }
                value = Some(datum.clone());
                Ok(ControlFlow::Continue(()))
            })?;
            Ok(value.unwrap_or(Datum::Null))
        }
        Form::Array => {
            let mut array = ArrayAccumulator::new(subplan.column);
            each(&mut |datum| {
                array.push(datum)?;
                Ok(ControlFlow::Continue(()))
            })?;
            Ok(array.finish())
        }
        Form::Any(comparison) | Form::All(comparison) => {
            let (operator, probe) = (operator(comparison), probe.unwrap_or(&Datum::Null));
            // ANY is settled by a true, ALL by a false.
            let settles = matches!(form, Form::Any(_));
            let mut result = Datum::Bool(!settles);
            each(&mut |datum| {
                match compare(probe, operator, datum) {
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
