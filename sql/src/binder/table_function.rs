//! Functions in FROM: any function stands for the rows it gives, one that returns no set for one.

use std::sync::Arc;

use datafusion::common::TableReference;
use datafusion::logical_expr::LogicalPlanBuilder;
use datafusion::sql::sqlparser::ast::{self, Expr as Sql, TableFactor};

use super::from::Item;
use super::locking::RangedKind;
use super::naming::implied_name;
use super::{Binder, Bound, Scope, ScopeColumn, column_of, fold, name_parts};
use crate::error::{Error, Result, SqlState};
use crate::functions::sets::SetCall;
use crate::parser::forms::ROWS_FROM;
use crate::relation::{Functions, Relation, Source};
use crate::types::{Type, TypeMod};

/// The clause, as error messages name it.
pub(super) const CLAUSE: &str = "functions in FROM";

/// Key words that call a function without parentheses.
const WITHOUT_PARENTHESES: &[&str] = &[
    "current_catalog",
    "current_date",
    "current_role",
    "current_time",
    "current_timestamp",
    "current_user",
    "localtime",
    "localtimestamp",
    "session_user",
    "user",
];

/// An item of FROM that calls functions.
pub(super) struct TableFunctions<'s> {
    calls: Vec<Sql>,
    alias: Option<&'s ast::TableAlias>,
    ordinality: bool,
}

/// A call and the names of its columns.
struct NamedCall {
    name: String,
    call: SetCall,
}

fn call_of(name: &ast::ObjectName, args: &[ast::FunctionArg]) -> Sql {
    Sql::Function(ast::Function {
        name: name.clone(),
        uses_odbc_syntax: false,
        parameters: ast::FunctionArguments::None,
        args: ast::FunctionArguments::List(ast::FunctionArgumentList {
            duplicate_treatment: None,
            args: args.to_vec(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

fn unnamed(args: &[ast::FunctionArg]) -> Result<Vec<Sql>> {
    let args = args.iter().map(|arg| match arg {
        ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) => Ok(expr.clone()),
        other => Err(Error::unsupported(format!("{other} in ROWS FROM"))),
    });
    args.collect()
}

impl Binder<'_> {
    /// The calls that an item of FROM consists of; `None` if it is something else.
    pub(super) fn functions_of<'s>(
        &self,
        factor: &'s TableFactor,
    ) -> Result<Option<TableFunctions<'s>>> {
        let of =
            |name: &ast::ObjectName, args: &[ast::FunctionArg]| match name_parts(name).as_slice() {
                [only] if only == ROWS_FROM => unnamed(args),
                _ => Ok(vec![call_of(name, args)]),
            };
        Ok(match factor {
            TableFactor::Table { name, alias, args: Some(args), with_ordinality, .. } => {
                let (calls, ordinality) = (of(name, &args.args)?, *with_ordinality);
                Some(TableFunctions { calls, alias: alias.as_ref(), ordinality })
            }
            TableFactor::Function { name, args, with_ordinality, alias, .. } => {
                let (calls, ordinality) = (of(name, args)?, *with_ordinality);
                Some(TableFunctions { calls, alias: alias.as_ref(), ordinality })
            }
            TableFactor::Table { name, alias, args: None, with_ordinality, .. } => {
                let word = match name.0.as_slice() {
                    [part] => part.as_ident().filter(|ident| ident.quote_style.is_none()),
                    _ => None,
                };
                let word = word.filter(|word| WITHOUT_PARENTHESES.contains(&fold(word).as_str()));
                word.map(|word| TableFunctions {
                    calls: vec![Sql::Identifier(word.clone())],
                    alias: alias.as_ref(),
                    ordinality: *with_ordinality,
                })
            }
            TableFactor::UNNEST {
                alias, array_exprs, with_offset: false, with_ordinality, ..
            } => {
                let unnest = ast::ObjectName::from(ast::Ident::new("unnest"));
                let calls = array_exprs.iter().map(|array| {
                    let arg = ast::FunctionArgExpr::Expr(array.clone());
                    call_of(&unnest, &[ast::FunctionArg::Unnamed(arg)])
                });
                let (calls, ordinality) = (calls.collect(), *with_ordinality);
                Some(TableFunctions { calls, alias: alias.as_ref(), ordinality })
            }
            _ => None,
        })
    }

    pub(super) fn table_functions(&self, item: TableFunctions<'_>) -> Result<Item> {
        let TableFunctions { calls, alias, ordinality } = item;
        if let [call] = calls.as_slice()
            && !ordinality
            && let Some(item) = self.routine_item(call, alias)?
        {
            return Ok(item);
        }
        let typed = alias.and_then(|alias| alias.columns.iter().find(|c| c.data_type.is_some()));
        if let Some(column) = typed {
            let message =
                "a column definition list is only allowed for functions returning \"record\"";
            return Err(
                Error::new(SqlState::SyntaxError, message).at(self.position(column.name.span))
            );
        }
        let (calls, laterals) = self.beside(CLAUSE, || {
            let _none = self.forbid(CLAUSE);
            calls.iter().map(|call| self.call_in_from(call)).collect::<Result<Vec<_>>>()
        })?;
        let first = calls.first().map(|call| call.name.clone()).unwrap_or_default();
        let relation = alias.map_or(first, |alias| fold(&alias.name));
        self.range_over(&relation, RangedKind::Function);
        let is_alone = calls.len() == 1;
        let mut columns: Vec<(String, Type)> = Vec::new();
        for NamedCall { name, call } in &calls {
            let name = if is_alone { &relation } else { name };
            let named = call.function.map_or(&[][..], |function| function.columns);
            columns.extend(call.columns.iter().enumerate().map(|(index, kind)| {
                let name = named.get(index).map_or(name.as_str(), |(name, _)| name);
                (name.to_owned(), *kind)
            }));
        }
        if ordinality {
            columns.push(("ordinality".into(), Type::Int8));
        }
        if let Some(alias) = alias {
            super::query::check_alias(alias, "table", columns.len())?;
            for (column, name) in columns.iter_mut().zip(&alias.columns) {
                column.0 = fold(&name.name);
            }
        }
        let calls = calls.into_iter().map(|call| call.call).collect();
        let source = Relation::new(Source::Functions(Arc::new(Functions { calls, ordinality })));
        let unique = self.fresh("t");
        let plan = LogicalPlanBuilder::scan(TableReference::bare(unique.as_str()), source, None)?;
        let columns = columns.into_iter().enumerate().map(|(index, (name, kind))| ScopeColumn {
            relation: relation.clone(),
            name,
            column: column_of(&unique, &Relation::column_of_function(index)),
            ty: TypeMod::plain(kind),
            merged_away: false,
            unlisted: false,
            origin: None,
        });
        let scope = Scope { columns: columns.collect() };
        Ok(Item { plan: plan.build()?, scope, laterals })
    }

    fn call_in_from(&self, sql: &Sql) -> Result<NamedCall> {
        let name = implied_name(sql);
        if let Sql::Function(function) = sql
            && let Some(call) = self.set_function(function)?
        {
            return Ok(NamedCall { name, call });
        }
        let value: Bound = self.expr(sql)?;
        let value = self.settle(value)?;
        let columns = vec![value.kind()];
        Ok(NamedCall { name, call: SetCall { function: None, args: vec![value.expr], columns } })
    }
}
