//! Set-returning functions in a select list.
//!
//! Calls are taken out of the expressions they stand in, as aggregates are. A call whose arguments
//! have no other calls is of the first depth; those of one depth advance together, and give the
//! rows over which those of the next depth are called.

use datafusion::arrow::datatypes::Field;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::sql::sqlparser::ast::{self, FunctionArguments};

use super::call::{NESTED, VALUES};
use super::populate::gives_sets;
use super::{Binder, Bound, computed, name_parts, table_function};
use crate::error::{Error, Result, SqlState};
use crate::functions::resolve::Resolution;
use crate::functions::sets::{self, SetCall};
use crate::operator::{Kind, Operator, Output, ProjectSet};
use crate::types::{Type, TypeMod};

/// What is said of a call that has to stay out of an expression.
const HINT: &str = "You might be able to move the set-returning function into a LATERAL FROM item.";

/// Whether set-returning functions may be called where an expression stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sets {
    /// They may.
    Allowed,
    /// Not in this clause.
    NotIn(&'static str),
    /// Not in this form of expression.
    NotWithin(&'static str),
    /// Not in the arguments of calls of this kind.
    NotInCalls(&'static str),
}

impl Default for Sets {
    fn default() -> Sets {
        Sets::NotIn("this context")
    }
}

/// A call, computed below the expressions that refer to it by name.
#[derive(Clone, Debug)]
pub(super) struct ExtractedSet {
    /// Its column.
    pub(super) name: String,
    pub(super) call: SetCall,
    depth: usize,
}

/// Restores what was allowed when it goes out of scope.
pub(super) struct SetsGuard<'b, 'a> {
    binder: &'b Binder<'a>,
    before: Sets,
}

impl Drop for SetsGuard<'_, '_> {
    fn drop(&mut self) {
        if let Some(level) = self.binder.levels.borrow_mut().last_mut() {
            level.extraction.sets_here = self.before;
        }
    }
}

fn refused(message: String) -> Error {
    Error::new(SqlState::FeatureNotSupported, message)
}

impl<'a> Binder<'a> {
    /// Settles whether set-returning functions may be called until the guard goes. What may not
    /// stays so in the expressions inside.
    pub(super) fn sets<'b>(&'b self, sets: Sets) -> SetsGuard<'b, 'a> {
        let mut before = Sets::default();
        if let Some(level) = self.levels.borrow_mut().last_mut() {
            before = level.extraction.sets_here;
            if matches!(before, Sets::Allowed | Sets::NotIn(_)) {
                level.extraction.sets_here = sets;
            }
        }
        SetsGuard { binder: self, before }
    }

    fn check_sets(&self) -> Result<()> {
        let levels = self.levels.borrow();
        let Some(extraction) = levels.last().map(|level| &level.extraction) else { return Ok(()) };
        let in_clause = |clause: &str| {
            Err(refused(format!("set-returning functions are not allowed in {clause}")))
        };
        let in_calls = |calls: &str| {
            Err(refused(format!(
                "{calls} function calls cannot contain set-returning function calls"
            ))
            .hint(HINT))
        };
        match (extraction.forbidden_in, extraction.sets_here) {
            (Some(NESTED), _) => in_calls("aggregate"),
            (Some(table_function::CLAUSE), _) => {
                Err(refused("set-returning functions must appear at top level of FROM".into()))
            }
            (_, Sets::NotWithin(form)) => {
                Err(refused(format!("set-returning functions are not allowed in {form}"))
                    .hint(HINT))
            }
            (_, Sets::NotInCalls(calls)) => in_calls(calls),
            (None | Some("GROUP BY" | VALUES), Sets::Allowed) => Ok(()),
            (Some(clause), _) | (None, Sets::NotIn(clause)) => in_clause(clause),
        }
    }

    /// A call of a set-returning function; `None` if the function is none.
    pub(super) fn set_function(&self, call: &ast::Function) -> Result<Option<SetCall>> {
        let parts = name_parts(&call.name);
        let name = match parts.as_slice() {
            [name] => name,
            [schema, name] if schema == "pg_catalog" => name,
            _ => return Ok(None),
        };
        let FunctionArguments::List(list) = &call.args else { return Ok(None) };
        let plain = list.duplicate_treatment.is_none()
            && list.clauses.is_empty()
            && call.filter.is_none()
            && call.over.is_none()
            && call.within_group.is_empty();
        let position = self.position_of(&call.name);
        if gives_sets(name) && plain {
            let call = self.populated(name, self.arguments(&list.args)?, None);
            let call = call.map_err(|error| error.at(position))?;
            return self.populated_set(call).map(Some);
        }
        if !sets::is_set_returning(name) || !plain {
            return Ok(None);
        }
        let args = self.arguments(&list.args)?;
        self.set_call(name, args).map(Some).map_err(|error| error.at(position))
    }

    /// Resolves a call, and converts its arguments.
    fn set_call(&self, name: &str, args: Vec<Bound>) -> Result<SetCall> {
        let kinds: Vec<Type> = args.iter().map(Bound::kind).collect();
        let function = sets::resolve(name, &kinds).map_err(|failed| match failed {
            Resolution::Ambiguous => super::call::not_unique(name, &kinds),
            _ => super::call::no_function(name, &kinds),
        })?;
        let settled = super::call::settle(&function.signature, &kinds)?;
        let args = self.converted_args(&function.signature, &settled, args)?;
        let columns = match function.columns {
            [] => vec![settled.returns],
            columns => columns.iter().map(|(_, kind)| *kind).collect(),
        };
        Ok(SetCall { function: Some(function), args, columns })
    }

    /// A call in an expression: the column that stands for its rows.
    pub(super) fn set_in_expression(&self, call: &ast::Function) -> Result<Option<Bound>> {
        let Some(set) = self.set_function(call)? else { return Ok(None) };
        self.check_sets().map_err(|error| error.at(self.position_of(&call.name)))?;
        if set.columns.len() > 1 {
            return Err(Error::unsupported(format!("a row of {} as a value", set.name())));
        }
        let kind = set.columns.first().copied().unwrap_or(Type::Void);
        let mut levels = self.levels.borrow_mut();
        let Some(level) = levels.last_mut() else { return Ok(None) };
        let list = &mut level.extraction.sets;
        let is_volatile = set.args.iter().any(Expr::is_volatile);
        let same = list.iter().find(|extracted| extracted.call == set && !is_volatile);
        let name = match same {
            Some(same) => same.name.clone(),
            None => {
                let inner = list.iter().filter(|other| uses(&set.args, &other.name));
                let depth = inner.map(|other| other.depth + 1).max().unwrap_or(0);
                let name = self.fresh("s");
                list.push(ExtractedSet { name: name.clone(), call: set, depth });
                name
            }
        };
        drop(levels);
        // What a domain asks of a row is looked at where the row is used.
        let value = Bound::new(computed(&name), kind.base());
        self.guarded(value, TypeMod::plain(kind)).map(Some)
    }

    /// Calls these over the rows of a plan, depth by depth.
    pub(super) fn project_sets(
        &self,
        mut plan: LogicalPlan,
        sets: Vec<ExtractedSet>,
    ) -> Result<LogicalPlan> {
        let deepest = sets.iter().map(|set| set.depth).max();
        for depth in 0..deepest.map_or(0, |deepest| deepest + 1) {
            let mut calls = Vec::new();
            let mut added = Vec::new();
            for set in sets.iter().filter(|set| set.depth == depth) {
                let layout = set.call.columns.first().copied().unwrap_or(Type::Void).layout();
                added.push((None, Field::new(&set.name, layout, true).into()));
                calls.push(set.call.clone());
            }
            if !calls.is_empty() {
                let kind = Kind::ProjectSet(ProjectSet { calls });
                plan = Operator::plan(kind, plan, Output::Adds(added))?;
            }
        }
        Ok(plan)
    }
}

/// Whether one of these names the column of a set.
pub(super) fn uses(exprs: &[Expr], name: &str) -> bool {
    let names = |expr: &Expr| {
        let mut found = false;
        let visited = expr.apply(|expr| {
            found |= matches!(expr, Expr::Column(c) if c.relation.is_none() && c.name == name);
            Ok(TreeNodeRecursion::Continue)
        });
        visited.is_ok() && found
    };
    exprs.iter().any(names)
}

/// Parts sets into those that these expressions need, directly or through others, and the rest.
pub(super) fn part_needed(
    sets: Vec<ExtractedSet>,
    exprs: &[Expr],
) -> (Vec<ExtractedSet>, Vec<ExtractedSet>) {
    let mut needed: Vec<bool> = sets.iter().map(|set| uses(exprs, &set.name)).collect();
    // Arguments refer only to sets further to the front.
    for outer in (0..sets.len()).rev() {
        if !needed.get(outer).is_some_and(|needed| *needed) {
            continue;
        }
        let args = sets.get(outer).map(|set| set.call.args.as_slice()).unwrap_or_default();
        for (set, needed) in sets.iter().zip(&mut needed) {
            *needed |= uses(args, &set.name);
        }
    }
    let mut needed = needed.into_iter();
    sets.into_iter().partition(|_| needed.next() == Some(true))
}
