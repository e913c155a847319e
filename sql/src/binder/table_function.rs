//! Functions in FROM: any function stands for the rows it gives, one that returns no set for one.

use std::sync::Arc;

use datafusion::common::{Column, TableReference};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{self, Expr as Sql, TableFactor};

use super::from::Item;
use super::locking::RangedKind;
use super::naming::implied_name;
use super::populate::gives_rows;
use super::{Binder, Bound, Scope, ScopeColumn, column_of, fold, name_parts};
use crate::error::{Error, Result, SqlState};
use crate::functions::casts::CastLevel;
use crate::functions::sets::SetCall;
use crate::parser::forms::{NO_NAME, ROWS_FROM};
use crate::relation::{Functions, Relation, Source};
use crate::types::user::Attribute;
use crate::types::{Type, TypeMod, UserType};

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
        let listed = alias.map(|alias| self.listed(alias)).transpose()?.flatten();
        let (calls, laterals) = self.beside(CLAUSE, || {
            let _none = self.forbid(CLAUSE);
            let listed = listed.zip(alias.and_then(|alias| alias.columns.first()));
            calls.iter().map(|call| self.call_in_from(call, listed)).collect::<Result<Vec<_>>>()
        })?;
        let first = calls.first().map(|call| call.name.clone()).unwrap_or_default();
        let alias_name = alias.map(|alias| fold(&alias.name)).filter(|name| name != NO_NAME);
        let relation = alias_name.unwrap_or(first);
        self.range_over(&relation, RangedKind::Function);
        let is_alone = calls.len() == 1;
        // The scanned columns, and which of them are rows that stand for their fields.
        let mut scanned: Vec<(String, Type)> = Vec::new();
        for NamedCall { name, call } in &calls {
            let name = if is_alone { &relation } else { name };
            let named = call.function.map_or(&[][..], |function| function.columns);
            scanned.extend(call.columns.iter().enumerate().map(|(index, kind)| {
                let name = named.get(index).map_or(name.as_str(), |(name, _)| name);
                (name.to_owned(), *kind)
            }));
        }
        if ordinality {
            scanned.push(("ordinality".into(), Type::Int8));
        }
        let calls = calls.into_iter().map(|call| SetCall {
            columns: call.call.columns.iter().map(|kind| kind.base()).collect(),
            ..call.call
        });
        let calls = calls.collect();
        let source = Relation::new(Source::Functions(Arc::new(Functions { calls, ordinality })));
        let unique = self.fresh("t");
        let mut plan =
            LogicalPlanBuilder::scan(TableReference::bare(unique.as_str()), source, None)?;
        let is_row = |kind: Type| match kind.base() {
            Type::Composite(_) => true,
            Type::Record => listed.is_some(),
            _ => false,
        };
        let mut columns: Vec<(String, TypeMod, Column)> = Vec::new();
        if scanned.iter().any(|(_, kind)| is_row(*kind)) {
            let mut exprs = Vec::new();
            for (index, (name, kind)) in scanned.into_iter().enumerate() {
                let column = column_of(&unique, &Relation::column_of_function(index));
                let value = Bound::new(Expr::Column(column), kind.base());
                let fields = match is_row(kind) {
                    true => self.fields_in_from(value, kind, listed)?,
                    false => vec![(name, value)],
                };
                for (name, value) in fields {
                    let shown = self.fresh("x");
                    exprs.push(value.expr.alias(&shown));
                    columns.push((name, value.ty, Column::new_unqualified(shown)));
                }
            }
            plan = plan.project(exprs)?;
        } else {
            for (index, (name, kind)) in scanned.into_iter().enumerate() {
                let column = column_of(&unique, &Relation::column_of_function(index));
                columns.push((name, TypeMod::plain(kind), column));
            }
        }
        if let Some(alias) = alias {
            super::query::check_alias(alias, "table", columns.len())?;
            for (column, name) in columns.iter_mut().zip(&alias.columns) {
                column.0 = fold(&name.name);
            }
        }
        let columns = columns.into_iter().map(|(name, ty, column)| ScopeColumn {
            relation: relation.clone(),
            name,
            column,
            ty,
            merged_away: false,
            unlisted: false,
            origin: None,
        });
        let scope = Scope { columns: columns.collect() };
        Ok(Item { plan: plan.build()?, scope, laterals })
    }

    /// The type that a column definition list makes, if there is one.
    fn listed(&self, alias: &ast::TableAlias) -> Result<Option<UserType>> {
        if !alias.columns.iter().any(|column| column.data_type.is_some()) {
            return Ok(None);
        }
        let fields = alias.columns.iter().map(|column| {
            let data_type = column.data_type.as_ref().ok_or_else(|| {
                let message = "a column definition list has a column without type";
                Error::new(SqlState::SyntaxError, message)
            })?;
            let position = self.position(column.name.span);
            let ty = self.type_of(data_type).map_err(|error| error.at(position))?;
            Ok(Attribute::new(fold(&column.name), ty))
        });
        let fields = fields.collect::<Result<Vec<_>>>()?;
        Ok(Some(UserType::anonymous(fields)))
    }

    /// The fields of a row that a function gives.
    fn fields_in_from(
        &self,
        value: Bound,
        kind: Type,
        listed: Option<UserType>,
    ) -> Result<Vec<(String, Bound)>> {
        let row = match (value.kind(), listed) {
            (Type::Record, Some(listed)) => {
                let target = TypeMod::plain(Type::Composite(listed));
                let row = self.convert(value, target, CastLevel::Explicit)?;
                row.ok_or_else(|| Error::internal("a record is no row"))?
            }
            _ => self.guarded(value, TypeMod::plain(kind))?,
        };
        self.fields_with_names(row)
    }

    fn call_in_from(
        &self,
        sql: &Sql,
        listed: Option<(UserType, &ast::TableAliasColumnDef)>,
    ) -> Result<NamedCall> {
        let name = implied_name(sql);
        let ty = listed.map(|(ty, _)| ty);
        if let Some(call) = self.json_rows(sql, &name, ty)? {
            return Ok(NamedCall { name, call });
        }
        let call = self.plain_call_in_from(sql, name)?;
        let gives_records = call.call.columns.as_slice() == [Type::Record];
        if let Some((_, first)) = listed.filter(|_| !gives_records) {
            let message =
                "a column definition list is only allowed for functions returning \"record\"";
            let position = self.position(first.name.span);
            return Err(Error::new(SqlState::SyntaxError, message).at(position));
        }
        Ok(call)
    }

    /// A call that gives rows of JSON.
    fn json_rows(
        &self,
        sql: &Sql,
        name: &str,
        listed: Option<UserType>,
    ) -> Result<Option<SetCall>> {
        let Sql::Function(function) = sql else { return Ok(None) };
        if !gives_rows(name) {
            return Ok(None);
        }
        let ast::FunctionArguments::List(list) = &function.args else { return Ok(None) };
        let position = self.position_of(&function.name);
        let args = self.arguments(&list.args)?;
        if listed.is_none() && name.contains("_to_record") {
            let message = "a column definition list is required for functions returning \"record\"";
            return Err(Error::new(SqlState::SyntaxError, message).at(position));
        }
        let call = self.populated(name, args, listed).map_err(|error| error.at(position))?;
        self.populated_set(call).map(Some)
    }

    fn plain_call_in_from(&self, sql: &Sql, name: String) -> Result<NamedCall> {
        if let Sql::Function(function) = sql
            && let Some(call) = self.set_function(function)?
        {
            return Ok(NamedCall { name, call });
        }
        let value: Bound = self.expr(sql)?;
        let value = self.settle(value)?;
        let columns = vec![value.ty.kind];
        Ok(NamedCall { name, call: SetCall { function: None, args: vec![value.expr], columns } })
    }
}
