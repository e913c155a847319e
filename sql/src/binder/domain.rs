//! Domains: types that are another type with conditions.
//!
//! Functions and operators see the base type. A conversion to a domain is one to its base type with a
//! [guard](crate::row::guard) around it, which looks at the conditions.

use std::sync::Arc;

use datafusion::arrow::datatypes::{Field, Schema as ArrowSchema};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, TableReference};
use datafusion::logical_expr::Expr;
use datafusion::sql::sqlparser::ast;

use super::call::ASSIGNMENT;
use super::constraint::Place;
use super::{Binder, Bound, Scope, ScopeColumn, column_of, context};
use crate::catalog::constraint::Check;
use crate::error::{Error, Result, SqlState};
use crate::functions::Context;
use crate::row::expr::{Parameter, RowExpr, parameter_of};
use crate::row::guard::{Guard, GuardCall};
use crate::row::rules::Condition;
use crate::row::stateful::{self, stateful_of};
use crate::types::user::{Definition, DomainDefinition, Shape};
use crate::types::{Datum, Type, TypeMod, UserType};

/// The relation in a plan whose one column is the value that a condition is about.
const DOMAIN: &str = "domain";

/// Notes what an expression needs of session and transaction.
fn note_contexts(expr: &Expr, contexts: &mut Vec<Context>) -> Result<()> {
    expr.apply(|expr| {
        if let Expr::Placeholder(placeholder) = expr
            && let Ok(Parameter::Context(needed)) = parameter_of(&placeholder.id)
            && !contexts.contains(&needed)
        {
            contexts.push(needed);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

/// A value before a guard has looked at it.
pub(super) fn without_guard(expr: Expr) -> Expr {
    match &expr {
        Expr::ScalarFunction(function)
            if stateful_of(function).is_some_and(|call| call.name() == GuardCall::NAME) =>
        {
            function.args.first().cloned().unwrap_or_default()
        }
        _ => expr,
    }
}

/// Whether a guard needs nothing around it, and is not one of a domain itself.
fn is_plain(call: &GuardCall, target: TypeMod) -> bool {
    call.contexts.is_empty() && !matches!(target.kind, Type::Domain(_))
}

impl Binder<'_> {
    /// What values of a type have to satisfy; `None`: nothing.
    fn guard(&self, kind: Type, contexts: &mut Vec<Context>) -> Result<Option<Guard>> {
        Ok(match kind {
            Type::Domain(domain) => {
                let mut checks = Vec::new();
                let mut not_null = false;
                let mut next = Some(domain);
                let mut innermost = None;
                // From the innermost outwards.
                let mut chain = Vec::new();
                while let Some(domain) = next {
                    chain.push(domain);
                    let base = domain.domain_base().map(|base| base.kind);
                    next = match base {
                        Some(Type::Domain(base)) => Some(base),
                        _ => None,
                    };
                    innermost = base;
                }
                for domain in chain.into_iter().rev() {
                    not_null |= self.add_conditions(domain, &mut checks, contexts)?;
                }
                let base = match innermost {
                    Some(base) => self.guard(base, contexts)?.map(Box::new),
                    None => None,
                };
                match base.is_none() && !not_null && checks.is_empty() {
                    true => None,
                    false => Some(Guard::Domain { domain, base, not_null, checks }),
                }
            }
            Type::UserArray(user) => {
                let elements = self.guard(user.kind(), contexts)?;
                elements.map(|guard| Guard::Elements(Box::new(guard)))
            }
            Type::Composite(user) => {
                let all = user.attributes().iter().map(|attribute| match attribute.dropped {
                    true => Ok(None),
                    false => self.guard(attribute.ty.kind, contexts),
                });
                let fields = all.collect::<Result<Vec<_>>>()?;
                fields.iter().any(Option::is_some).then_some(Guard::Fields(fields))
            }
            _ => None,
        })
    }

    /// Adds the conditions of one domain; whether it is NOT NULL.
    fn add_conditions(
        &self,
        domain: UserType,
        checks: &mut Vec<Condition>,
        contexts: &mut Vec<Context>,
    ) -> Result<bool> {
        let Shape::Domain(definition) = &domain.definition().shape else { return Ok(false) };
        let base = definition.base;
        let field = Field::new("c0", base.kind.layout(), true);
        let fields = ArrowSchema::new(vec![field]);
        let schema = DFSchema::try_from_qualified_schema(TableReference::bare(DOMAIN), &fields)?;
        let mut conditions: Vec<_> = definition.checks.iter().collect();
        conditions.sort();
        for (name, sql) in conditions {
            let expr = self.stored_domain_condition(base, sql)?;
            note_contexts(&expr, contexts)?;
            checks.push(Condition { name: name.clone(), expr: RowExpr::compile(&expr, &schema)? });
        }
        Ok(definition.not_null)
    }

    /// Binds the condition of a domain over a type.
    pub fn domain_condition(&self, base: TypeMod, expr: &ast::Expr) -> Result<Expr> {
        let value = ScopeColumn {
            relation: String::new(),
            name: "value".into(),
            column: column_of(DOMAIN, "c0"),
            ty: base,
            merged_away: false,
            unlisted: false,
            origin: None,
        };
        let bound = self.bind_over(Place::Check, Scope { columns: vec![value] }, expr)?;
        Ok(self.expect_bool(bound, "CHECK")?.expr)
    }

    fn stored_domain_condition(&self, base: TypeMod, sql: &str) -> Result<Expr> {
        self.bind_stored(sql, |binder, expr| binder.domain_condition(base, expr))
    }

    /// Binds the default of a domain, which has to fit its base type.
    pub fn check_domain_default(&self, base: TypeMod, expr: &ast::Expr) -> Result<()> {
        let bound = self.bind_in(Place::Default, None, expr)?;
        let from = bound.kind();
        match self.convert(bound, base, ASSIGNMENT)? {
            Some(_) => Ok(()),
            None => Err(Error::new(
                SqlState::DatatypeMismatch,
                format!(
                    "column \"value\" is of type {} but default expression is of type {}",
                    base.kind.name(),
                    from.name()
                ),
            )
            .hint("You will need to rewrite or cast the expression.")),
        }
    }

    /// The default that a domain or one below it has.
    pub(super) fn domain_default(&self, kind: Type) -> Option<&'static str> {
        let mut kind = kind;
        while let Type::Domain(domain) = kind {
            let Shape::Domain(definition) = &domain.definition().shape else { return None };
            if let Some(default) = &definition.default {
                return Some(default);
            }
            kind = definition.base.kind;
        }
        None
    }

    /// What lets the values of a domain over a type through that satisfy one condition.
    pub fn guard_of_condition(&self, base: TypeMod, check: &Check) -> Result<GuardCall> {
        let definition = Definition {
            oid: 0,
            array_oid: 0,
            schema: String::new(),
            name: String::new(),
            array_name: String::new(),
            shape: Shape::Domain(DomainDefinition {
                base,
                base_handle: base.kind.handle(),
                not_null: false,
                default: None,
                checks: vec![(check.name.clone(), check.expression.clone())],
            }),
        };
        let domain = UserType::new(definition);
        let (mut checks, mut contexts) = (Vec::new(), Vec::new());
        let not_null = self.add_conditions(domain, &mut checks, &mut contexts)?;
        let guard = Guard::Domain { domain, base: None, not_null, checks };
        Ok(GuardCall { guard, kind: base.kind, contexts })
    }

    /// What lets the values of a type through; `None` if it has no conditions.
    pub fn guard_of(&self, kind: Type) -> Result<Option<GuardCall>> {
        let mut contexts = Vec::new();
        let guard = self.guard(kind, &mut contexts)?;
        Ok(guard.map(|guard| GuardCall { guard, kind: kind.base(), contexts }))
    }

    /// What values of a type are before their [guard](crate::row::guard) has looked at them: of a
    /// domain those of its base type, of arrays of one, arrays of that.
    pub(super) fn unguarded(&self, ty: TypeMod) -> TypeMod {
        match ty.kind {
            Type::UserArray(user) => match user.kind() {
                domain @ Type::Domain(_) if !domain.is_array() => {
                    let base = TypeMod::plain(domain).base();
                    base.kind.array().map_or(ty, |kind| TypeMod { kind, ..base })
                }
                _ => ty,
            },
            _ => ty.base(),
        }
    }

    /// A row, or an array of rows, that was read or converted, with a look at what domains its fields
    /// are of.
    pub(super) fn with_fields_guarded(&self, value: Bound, target: TypeMod) -> Result<Bound> {
        match target.kind {
            Type::Composite(_) => self.guarded(value, target),
            Type::UserArray(user) if matches!(user.kind(), Type::Composite(_)) => {
                self.guarded(value, target)
            }
            _ => Ok(value),
        }
    }

    /// A value of what a type is made of, as one of the type.
    pub(super) fn guarded(&self, value: Bound, target: TypeMod) -> Result<Bound> {
        let position = value.position;
        let expr = match self.guard_of(target.kind)? {
            None => value.expr,
            // Elements of a literal are looked at where it is read.
            Some(call) if matches!(value.expr, Expr::Literal(..)) && is_plain(&call, target) => {
                if let Expr::Literal(literal, _) = &value.expr {
                    let admitted = call.guard.admit(&Datum::from_scalar(literal)?, &[], &[]);
                    admitted.map_err(|error| error.at(position))?;
                }
                value.expr
            }
            Some(call) => {
                let mut args = vec![value.expr];
                args.extend(call.contexts.iter().map(|needed| context(*needed)));
                stateful::call(Arc::new(call), args)
            }
        };
        Ok(Bound { expr, ty: target, position })
    }
}
