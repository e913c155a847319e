//! `x op ANY (array)` over the rows of a run: an array that is the same for all of them is made ready
//! once.

use std::cell::RefCell;
use std::sync::Arc;

use datafusion::common::DFSchema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::Expr;

use super::Frame;
use super::expr::{RowExpr, Scope};
use crate::binder::subplan::subplan_of;
use crate::error::{Error, Result};
use crate::functions::arrays::quantified::{Prepared, Quantified};
use crate::functions::udf;
use crate::types::Datum;

/// The form over one array.
#[derive(Debug)]
pub struct OverArray {
    form: Quantified,
    probe: RowExpr,
    array: RowExpr,
    /// What the operator takes besides.
    context: Vec<RowExpr>,
}

/// Arrays that a run has made ready, by the expressions that ask about them.
pub(super) type Kept = RefCell<Vec<(usize, Option<Arc<Prepared>>)>>;

impl OverArray {
    /// Compiles it; `None` if its array may be another one for each row.
    pub(super) fn compile(
        form: Quantified,
        args: &[Expr],
        schema: &DFSchema,
    ) -> Result<Option<OverArray>> {
        let [probe, array, context @ ..] = args else {
            return Err(Error::internal("ANY and ALL have two sides"));
        };
        if !is_same_for_all(array)? {
            return Ok(None);
        }
        let context = context.iter().map(|expr| RowExpr::compile(expr, schema));
        Ok(Some(OverArray {
            form,
            probe: RowExpr::compile(probe, schema)?,
            array: RowExpr::compile(array, schema)?,
            context: context.collect::<Result<_>>()?,
        }))
    }

    /// The value for a row, whose scope keeps nothing.
    pub(super) fn eval_once<S: Scope>(&self, row: &[Datum], scope: &S) -> Result<Datum> {
        let array = self.form.prepare(&self.array.eval(&[], scope)?)?;
        let Some(array) = array else { return Ok(Datum::Null) };
        let probe = self.probe.eval(row, scope)?;
        let context = self.context.iter().map(|expr| expr.eval(row, scope));
        self.form.ask(&probe, &array, &context.collect::<Result<Vec<_>>>()?)
    }

    /// The value for a row.
    pub(super) fn eval(&self, row: &[Datum], frame: &Frame<'_>) -> Result<Datum> {
        let address = std::ptr::from_ref(self) as usize;
        let kept = frame.kept.borrow().iter().find(|(of, _)| *of == address).cloned();
        let array = match kept {
            Some((_, array)) => array,
            None => {
                let array = self.form.prepare(&self.array.eval(&[], frame)?)?.map(Arc::new);
                frame.kept.borrow_mut().push((address, array.clone()));
                array
            }
        };
        let Some(array) = array else { return Ok(Datum::Null) };
        let probe = self.probe.eval(row, frame)?;
        let context = self.context.iter().map(|expr| expr.eval(row, frame));
        self.form.ask(&probe, &array, &context.collect::<Result<Vec<_>>>()?)
    }

    /// The same outside of a run.
    pub(super) fn eval_alone<S: Scope>(&self, row: &[Datum], scope: &S) -> Result<Datum> {
        let array = self.form.prepare(&self.array.eval(&[], scope)?)?;
        let Some(array) = array else { return Ok(Datum::Null) };
        let probe = self.probe.eval(row, scope)?;
        let context = self.context.iter().map(|expr| expr.eval(row, scope));
        self.form.ask(&probe, &array, &context.collect::<Result<Vec<_>>>()?)
    }
}

/// Whether an expression has one value in a run.
fn is_same_for_all(expr: &Expr) -> Result<bool> {
    let mut same = true;
    expr.apply(|expr| {
        match expr {
            Expr::Column(_) => same = false,
            // Joins bind theirs for each row.
            Expr::Placeholder(parameter) => same &= !parameter.id.starts_with("$j"),
            Expr::ScalarFunction(function) => {
                same &= match udf::scalar_of(function) {
                    Some(scalar) => !scalar.is_volatile(),
                    // A subquery that needs nothing of the row gives the same each time.
                    None => subplan_of(function).is_some(),
                };
            }
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(same)
}
