//! What values of domains have to satisfy, compiled once for a version of the catalog.
//!
//! A guard takes a value of what a type is made of, and gives it back if it is one of the type. Domains
//! over domains have all their conditions in one list, those of the innermost first.

use std::sync::Arc;

use super::Env;
use super::expr::{Parameter, Scope};
use super::quantified::OverArray;
use super::rules::Condition;
use super::stateful::Stateful;
use crate::binder::subplan::Subplan;
use crate::error::{Error, Result, SqlState};
use crate::functions::Context;
use crate::types::array::Array;
use crate::types::record::Fields;
use crate::types::{Datum, Type, UserType};

/// What values of a type have to satisfy.
#[derive(Debug)]
pub enum Guard {
    /// Those of a domain.
    Domain {
        /// The domain.
        domain: UserType,
        /// What its base type asks for besides.
        base: Option<Box<Guard>>,
        /// NOT NULL.
        not_null: bool,
        /// CHECK, over the value.
        checks: Vec<Condition>,
    },
    /// The elements of arrays.
    Elements(Box<Guard>),
    /// The fields of rows.
    Fields(Vec<Option<Guard>>),
}

/// What conditions find around a value.
struct Around<'a> {
    contexts: &'a [Context],
    values: &'a [Datum],
}

impl Scope for Around<'_> {
    fn parameter(&self, parameter: Parameter) -> Result<Datum> {
        let at = self.contexts.iter().position(|known| parameter == Parameter::Context(*known));
        let value = at.and_then(|at| self.values.get(at)).cloned();
        value.ok_or_else(|| Error::internal("a parameter of a domain's condition is not bound"))
    }

    fn subplan(&self, _: &Arc<Subplan>, _: &[Datum]) -> Result<Datum> {
        Err(Error::internal("a domain's condition has a subquery"))
    }

    fn over_array(&self, over: &OverArray, row: &[Datum]) -> Result<Datum> {
        over.eval_once(row, self)
    }
}

fn violation(state: SqlState, domain: UserType, message: String) -> Error {
    let definition = domain.definition();
    Error::new(state, message).datatype(&definition.schema, &definition.name)
}

impl Guard {
    fn check(&self, value: &Datum, around: &Around<'_>) -> Result<()> {
        match self {
            Guard::Domain { domain, base, not_null, checks } => {
                if let Some(base) = base {
                    base.check(value, around)?;
                }
                let name = domain.kind().name();
                if *not_null && value.is_null() {
                    let message = format!("domain {name} does not allow null values");
                    return Err(violation(SqlState::NotNullViolation, *domain, message));
                }
                let row = std::slice::from_ref(value);
                for check in checks {
                    if let Datum::Bool(false) = check.expr.eval(row, around)? {
                        let message = format!(
                            "value for domain {name} violates check constraint \"{}\"",
                            check.name
                        );
                        let error = violation(SqlState::CheckViolation, *domain, message);
                        return Err(error.constraint(&check.name));
                    }
                }
                Ok(())
            }
            Guard::Fields(guards) => {
                let Datum::Bytes(bytes) = value else { return Ok(()) };
                let mut fields = Fields::new(bytes)?;
                for guard in guards {
                    let field = fields.next().transpose()?.map(|(_, value)| value);
                    if let Some(guard) = guard {
                        guard.check(&field.unwrap_or_default(), around)?;
                    }
                }
                Ok(())
            }
            Guard::Elements(guard) => match value {
                Datum::Null => Ok(()),
                value => {
                    let items = Array::read(value)?.items;
                    items.iter().try_for_each(|item| guard.check(item, around))
                }
            },
        }
    }

    /// Refuses a value that is none of the type; `values` are those of `contexts`.
    ///
    /// # Errors
    /// What it violates, or that of a condition.
    pub fn admit(&self, value: &Datum, contexts: &[Context], values: &[Datum]) -> Result<()> {
        self.check(value, &Around { contexts, values })
    }
}

/// A guard as a function of a value and of what it needs around it.
#[derive(Debug)]
pub struct GuardCall {
    /// What it lets through.
    pub guard: Guard,
    /// The type of the value.
    pub kind: Type,
    /// What its conditions need.
    pub contexts: Vec<Context>,
}

impl GuardCall {
    /// Its name in plans.
    pub const NAME: &'static str = "domain";

    /// A value that it lets through.
    ///
    /// # Errors
    /// What it violates, or that of a condition.
    pub fn admit(&self, value: Datum, env: &Env) -> Result<Datum> {
        let values: Vec<Datum> = self.contexts.iter().map(|needed| env.context(*needed)).collect();
        self.guard.admit(&value, &self.contexts, &values)?;
        Ok(value)
    }
}

impl Stateful for GuardCall {
    fn name(&self) -> &'static str {
        GuardCall::NAME
    }

    fn returns(&self) -> Type {
        self.kind
    }

    fn is_volatile(&self) -> bool {
        false
    }

    fn run(&self, args: &[Datum]) -> Result<Datum> {
        let (value, values) = args.split_first().ok_or_else(|| Error::internal("no value"))?;
        self.guard.admit(value, &self.contexts, values)?;
        Ok(value.clone())
    }
}
