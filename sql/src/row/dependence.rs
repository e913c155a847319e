//! Whether a plan gives other rows when it runs again in the same execution: because it uses columns of a
//! query around it, or the working table of a WITH query that recurs around it.

use std::collections::HashSet;

use datafusion::logical_expr::{Expr, LogicalPlan};

use super::expr::{Parameter, parameter_of};
use crate::error::Result;
use crate::plan_walk::{Part, walk};
use crate::relation::{Common, Source};

#[derive(Default)]
struct Uses {
    outer: HashSet<usize>,
    bound: HashSet<usize>,
    working: HashSet<usize>,
    filled: HashSet<usize>,
}

impl Uses {
    fn note(&mut self, part: Part<'_>) {
        match part {
            Part::Binds(slots) => self.bound.extend(slots),
            Part::Source(Source::Working(table)) => drop(self.working.insert(table.id)),
            Part::Source(Source::Common(common)) => {
                self.filled.extend(common.recursion.as_ref().map(|recursion| recursion.id));
            }
            Part::Expr(Expr::Placeholder(placeholder)) => {
                if let Ok(Parameter::Outer(slot)) = parameter_of(&placeholder.id) {
                    self.outer.insert(slot);
                }
            }
            _ => {}
        }
    }

    fn is_dependent(&self) -> bool {
        !self.outer.is_subset(&self.bound) || !self.working.is_subset(&self.filled)
    }
}

/// Whether this plan does.
pub(super) fn of_plan(plan: &LogicalPlan) -> Result<bool> {
    let mut uses = Uses::default();
    walk(plan, &mut |part| uses.note(part))?;
    Ok(uses.is_dependent())
}

/// Whether this WITH query does.
pub(super) fn of_common(common: &Common) -> Result<bool> {
    let mut uses = Uses::default();
    walk(&common.plan, &mut |part| uses.note(part))?;
    if let Some(recursion) = &common.recursion {
        uses.filled.insert(recursion.id);
        walk(&recursion.term, &mut |part| uses.note(part))?;
    }
    Ok(uses.is_dependent())
}
