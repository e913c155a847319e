//! Subqueries in expressions: scalar, EXISTS, IN, ANY and ALL. Each becomes a function of the plan
//! around it ([`super::subplan`]).

use datafusion::logical_expr::Expr;
use datafusion::sql::sqlparser::ast::{self, BinaryOperator, Expr as Sql};

use super::array::{no_array_type, unwrapped};
use super::expr::canonical;
use super::operators::{comparison_of, no_operator};
use super::subplan::Form;
use super::{Binder, Bound, Level};
use crate::error::{Error, Result, SqlState};
use crate::functions::resolve;
use crate::types::{Type, TypeMod};

impl Binder<'_> {
    pub(super) fn any_all(
        &self,
        left: &Sql,
        op: &BinaryOperator,
        right: &Sql,
        any: bool,
        whole: &Sql,
    ) -> Result<Bound> {
        let at = self.operator_position(left, right, op).or(self.position_of(whole));
        self.any_all_of(left, op, right, any, at)
    }

    /// The same with the operator's place.
    pub(super) fn any_all_of(
        &self,
        left: &Sql,
        op: &BinaryOperator,
        right: &Sql,
        any: bool,
        at: Option<usize>,
    ) -> Result<Bound> {
        let Sql::Subquery(query) = unwrapped(right) else {
            return self.quantified_array(self.expr(left)?, op, right, any, at);
        };
        let (_, comparison) = comparison_of(op)
            .ok_or_else(|| Error::unsupported(format!("operator {op} with ANY/ALL")))?;
        let form = if any { Form::Any(comparison) } else { Form::All(comparison) };
        let symbol = op.to_string();
        self.quantified(left, query, form, &symbol, &symbol)
    }

    /// `left op ANY (query)`, where `word` is how the operator is written.
    pub(super) fn quantified(
        &self,
        left: &Sql,
        query: &ast::Query,
        form: Form,
        symbol: &str,
        word: &str,
    ) -> Result<Bound> {
        let position = self.position_behind(left, &[word]).or(self.position_of(left));
        let probes = match self.row_values(left)? {
            Some(row) => row,
            None => vec![self.expr(left)?],
        };
        self.with_subquery(probes, query, form, symbol, position)
    }

    /// A row beside those of a query: both in the canonical form of their common types.
    pub(super) fn with_subquery(
        &self,
        probes: Vec<Bound>,
        query: &ast::Query,
        form: Form,
        symbol: &str,
        position: Option<usize>,
    ) -> Result<Bound> {
        let (mut query, captured) = self.subquery_of(query)?;
        if query.columns.len() != probes.len() {
            let many = if query.columns.len() > probes.len() { "many" } else { "few" };
            let message = format!("subquery has too {many} columns");
            return Err(Error::new(SqlState::SyntaxError, message).at(position));
        }
        let mut types = Vec::new();
        let mut row = Vec::new();
        for (probe, column) in probes.into_iter().zip(&query.columns) {
            let inner = column.ty.kind;
            let common = resolve::common_operand_type(probe.kind(), inner)
                .ok_or_else(|| no_operator(symbol, &[probe.kind(), inner]).at(position))?;
            let probe = self.implicit(probe, common)?;
            row.push(Bound::new(canonical(common, probe.expr), common));
            types.push(TypeMod::plain(common));
        }
        query = self.cast_outputs(query, &types)?;
        query = self.canonical_outputs(query)?;
        self.make_subplan(query, captured, form, row)
    }

    pub(super) fn subquery(&self, query: &ast::Query, form: Form) -> Result<Bound> {
        let at = match form {
            Form::Scalar => self.position_before(query, &["("]),
            _ => None,
        };
        let (mut query, captured) = self.subquery_of(query)?;
        if form == Form::Array {
            query = self.settle_outputs(query)?;
        }
        if matches!(form, Form::Scalar | Form::Array) && query.columns.len() != 1 {
            let message = "subquery must return only one column";
            return Err(Error::new(SqlState::SyntaxError, message).at(at));
        }
        self.make_subplan(query, captured, form, Vec::new())
    }

    /// Binds a query one level down; also the outer columns it uses.
    pub(super) fn subquery_of(
        &self,
        query: &ast::Query,
    ) -> Result<(super::BoundQuery, Vec<(usize, Expr)>)> {
        self.levels.borrow_mut().push(Level { repeats: true, ..Level::default() });
        let bound = self.nested(|| self.query(query));
        let level = self.levels.borrow_mut().pop();
        let captured = level.map(|level| level.captured).unwrap_or_default();
        Ok((bound?, captured))
    }

    pub(super) fn make_subplan(
        &self,
        query: super::BoundQuery,
        captured: Vec<(usize, Expr)>,
        form: Form,
        probes: Vec<Bound>,
    ) -> Result<Bound> {
        let ty = match (form, query.columns.first()) {
            (Form::Scalar, Some(column)) => column.ty,
            (Form::Array, Some(column)) => {
                let kind = column.ty.kind.array();
                let kind = kind.ok_or_else(|| no_array_type(column.ty.kind))?;
                TypeMod { kind, ..column.ty }
            }
            _ => TypeMod::plain(Type::Bool),
        };
        let mut args: Vec<Expr> = probes.into_iter().map(|probe| probe.expr).collect();
        let probes = args.len();
        let mut slots = Vec::new();
        for (slot, outer) in captured {
            slots.push(slot);
            args.push(outer);
        }
        let subplan = super::subplan::Subplan {
            form,
            probes,
            returns: ty.kind,
            column: query.columns.first().map_or(Type::Text, |column| column.ty.kind),
            plan: query.plan,
            slots,
            compiled: std::sync::OnceLock::new(),
        };
        let expr = super::subplan::call(std::sync::Arc::new(subplan), None, args);
        Ok(Bound { expr, ty, position: None })
    }
}
