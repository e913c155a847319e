//! Subqueries in expressions: scalar, EXISTS, IN, ANY and ALL. Each becomes a function of the plan
//! around it ([`super::subplan`]).

use datafusion::logical_expr::Expr;
use datafusion::sql::sqlparser::ast::{self, BinaryOperator, Expr as Sql};

use super::array::{no_array_type, unwrapped};
use super::expr::{canonical, comparison_of, no_operator};
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
        let form = move |kind| match any {
            true => (Form::Any(comparison), kind),
            false => (Form::All(comparison), kind),
        };
        self.quantified(left, query, form, &op.to_string())
    }

    /// `left op ANY (query)`: both sides in the canonical form of their common type.
    pub(super) fn quantified(
        &self,
        left: &Sql,
        query: &ast::Query,
        form: impl Fn(Type) -> (Form, Type),
        symbol: &str,
    ) -> Result<Bound> {
        let probe = self.expr(left)?;
        let position = self.position_of(left);
        let bound = self.subquery_of(query)?;
        let [column] = bound.0.columns.as_slice() else {
            return Err(Error::new(SqlState::SyntaxError, "subquery has too many columns")
                .at(self.position_behind(left, &["IN", "="]).or(position)));
        };
        let inner = column.ty.kind;
        let common = resolve::common_operand_type(probe.kind(), inner)
            .ok_or_else(|| no_operator(symbol, &[probe.kind(), inner]).at(position))?;
        let probe = self.implicit(probe, common)?;
        let probe = Bound::new(canonical(common, probe.expr), common);
        let (mut query, captured) = bound;
        query = self.cast_outputs(query, &[TypeMod::plain(common)])?;
        query = self.canonical_outputs(query)?;
        let (form, _) = form(common);
        self.make_subplan(query, captured, form, Some(probe))
    }

    pub(super) fn subquery(
        &self,
        query: &ast::Query,
        form: Form,
        probe: Option<Bound>,
    ) -> Result<Bound> {
        let (mut query, captured) = self.subquery_of(query)?;
        if form == Form::Array {
            query = self.settle_outputs(query)?;
        }
        if matches!(form, Form::Scalar | Form::Array) && query.columns.len() != 1 {
            return Err(Error::new(SqlState::SyntaxError, "subquery must return only one column"));
        }
        self.make_subplan(query, captured, form, probe)
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
        probe: Option<Bound>,
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
        let mut args: Vec<Expr> = probe.map(|probe| probe.expr).into_iter().collect();
        let mut slots = Vec::new();
        for (slot, outer) in captured {
            slots.push(slot);
            args.push(outer);
        }
        let subplan = super::subplan::Subplan {
            form,
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
