//! Expressions that the catalog keeps as text: conditions, defaults, generated columns.
//!
//! They name the columns of one table, without its name, so that it can be renamed. What renames a
//! column or a sequence changes the texts.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, Value, visit_expressions,
    visit_expressions_mut,
};

use super::parse_expression;
use crate::binder::{fold, name_parts};
use crate::error::Result;

/// An expression over the columns of one table, as it is kept.
pub fn to_text(expr: &Expr) -> String {
    let mut kept = expr.clone();
    let _: ControlFlow<()> = visit_expressions_mut(&mut kept, |expr| {
        if let Expr::CompoundIdentifier(parts) = expr
            && let Some(column) = parts.last()
        {
            *expr = Expr::Identifier(column.clone());
        }
        ControlFlow::Continue(())
    });
    kept.to_string()
}

/// The names in an expression that may be those of columns, each once.
pub fn names(expr: &Expr) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let _: ControlFlow<()> = visit_expressions(expr, |expr| {
        let name = match expr {
            Expr::Identifier(ident) => Some(fold(ident)),
            Expr::CompoundIdentifier(parts) => parts.last().map(fold),
            _ => None,
        };
        names.extend(name.filter(|name| !names.contains(name)));
        ControlFlow::Continue(())
    });
    names
}

/// Where an expression has a subquery, if it has one.
pub fn subquery(expr: &Expr) -> Option<Expr> {
    let found = visit_expressions(expr, |expr| match expr {
        Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => {
            ControlFlow::Break(expr.clone())
        }
        _ => ControlFlow::Continue(()),
    });
    found.break_value()
}

/// The text with a column renamed.
pub fn rename_column(sql: &str, from: &str, to: &str) -> Result<String> {
    let mut expr = parse_expression(sql)?;
    let _: ControlFlow<()> = visit_expressions_mut(&mut expr, |expr| {
        if let Expr::Identifier(ident) = expr
            && fold(ident) == from
        {
            *ident = Ident::with_quote('"', to);
        }
        ControlFlow::Continue(())
    });
    Ok(expr.to_string())
}

/// The names of sequences that a text's functions take as literals.
pub fn sequences(sql: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut expr = parse_expression(sql)?;
    of_sequences(&mut expr, &mut |name| names.push(name.clone()));
    Ok(names)
}

/// The text with a sequence renamed, where a function takes its name as a literal.
pub fn rename_sequence(sql: &str, from: &str, to: &str) -> Result<String> {
    let mut expr = parse_expression(sql)?;
    of_sequences(&mut expr, &mut |text| {
        if text.strip_prefix("public.").unwrap_or(text).trim_matches('"') == from {
            *text = to.to_owned();
        }
    });
    Ok(expr.to_string())
}

/// Shows the literals by which functions find sequences.
fn of_sequences(expr: &mut Expr, see: &mut dyn FnMut(&mut String)) {
    let _: ControlFlow<()> = visit_expressions_mut(expr, |expr| {
        if let Expr::Function(function) = expr
            && let [name] = name_parts(&function.name).as_slice()
            && matches!(name.as_str(), "nextval" | "currval" | "setval")
            && let FunctionArguments::List(list) = &mut function.args
            && let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))) =
                list.args.first_mut()
        {
            of_literal(argument, see);
        }
        ControlFlow::Continue(())
    });
}

fn of_literal(argument: &mut Expr, see: &mut dyn FnMut(&mut String)) {
    match argument {
        Expr::Cast { expr, .. } | Expr::Nested(expr) => of_literal(expr, see),
        Expr::Value(value) => {
            if let Value::SingleQuotedString(text) = &mut value.value {
                see(text);
            }
        }
        _ => {}
    }
}
