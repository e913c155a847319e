//! What statements ask of relations whose rows are computed: values of columns.

use datafusion::logical_expr::{Expr, Operator};

use super::Frame;
use super::access::{Values, in_list_condition, is_constant, ordered_column};
use super::expr::RowExpr;
use crate::error::Result;
use crate::functions::{Scalar, udf};
use crate::types::{Datum, Type};

/// `column ~ pattern`
fn pattern_condition(expr: &Expr) -> Option<(usize, &Expr)> {
    let Expr::ScalarFunction(function) = expr else { return None };
    let Scalar::Builtin(builtin) = udf::scalar_of(function)? else { return None };
    let [probe, pattern] = function.args.as_slice() else { return None };
    let usable = builtin.name == "~" && is_constant(pattern);
    ordered_column(probe, &[]).filter(|_| usable).map(|column| (column, pattern))
}

/// The one text that a regular expression such as `^(name)$` matches, as psql writes them.
fn only_match(pattern: &str) -> Option<&str> {
    let inner = pattern.strip_prefix('^')?.strip_suffix('$')?;
    let bare = inner.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(inner);
    bare.chars().all(|c| c.is_alphanumeric() || c == '_').then_some(bare)
}

/// The values that filters ask for in columns of a relation whose rows are computed.
#[derive(Debug)]
pub struct Lookups {
    values: Vec<(usize, Values)>,
    /// Regular expressions that columns match, which may allow a single value.
    patterns: Vec<(usize, RowExpr)>,
}

impl Lookups {
    /// Those of filters over the relation's columns `c0`, `c1`, ...
    ///
    /// # Errors
    /// If a value cannot be compiled.
    pub(super) fn new(
        filters: &[Expr],
        compile: &mut dyn FnMut(&Expr) -> Result<RowExpr>,
    ) -> Result<Lookups> {
        let conjuncts =
            || filters.iter().flat_map(|f| datafusion::logical_expr::utils::split_conjunction(f));
        let patterns = conjuncts().filter_map(pattern_condition);
        let patterns = patterns.map(|(column, pattern)| Ok((column, compile(pattern)?)));
        let patterns = patterns.collect::<Result<_>>()?;
        let mut values = Vec::new();
        let conditions = conjuncts().filter_map(|conjunct| in_list_condition(conjunct, &[]));
        for condition in conditions.filter(|condition| condition.op == Operator::Eq) {
            let mut listed =
                condition.values.iter().map(&mut *compile).collect::<Result<Vec<_>>>()?;
            let wanted = match listed.pop_if(|_| condition.of_array) {
                Some(array) => Values::OfArray(array),
                None => Values::Listed(listed),
            };
            values.push((condition.column, wanted));
        }
        Ok(Lookups { values, patterns })
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty() && self.patterns.is_empty()
    }

    /// The values in a run, by position of the column.
    ///
    /// # Errors
    /// Those of the expressions.
    pub(super) fn eval(&self, frame: &Frame<'_>) -> Result<Vec<(usize, Vec<Datum>)>> {
        let mut wanted = Vec::with_capacity(self.values.len());
        for (column, values) in &self.values {
            wanted.push((*column, values.eval(Type::Oid, frame)?));
        }
        for (column, pattern) in &self.patterns {
            if let Datum::Text(pattern) = pattern.eval(&[], frame)?
                && let Some(only) = only_match(&pattern)
            {
                wanted.push((*column, vec![Datum::Text(only.to_owned())]));
            }
        }
        Ok(wanted)
    }
}
