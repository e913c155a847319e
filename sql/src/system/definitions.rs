//! Definitions as SQL, in the words that PostgreSQL's `pg_get_...def` functions have for them.

use datafusion::sql::sqlparser::ast::Expr;

use super::names::Names;
use crate::catalog::constraint::{Action, Deferral, ForeignKey};
use crate::catalog::types::TypeShape;
use crate::catalog::{Column, Index, Table};
use crate::functions::strings::{quote_ident, quote_literal};
use crate::parser::{parse_expression, stored};
use crate::types::Type;

pub mod deparse;

use deparse::Deparser;

fn column_list(table: &Table, columns: &[usize]) -> String {
    let names = columns.iter().filter_map(|at| table.columns.get(*at));
    names.map(|column| quote_ident(&column.name)).collect::<Vec<_>>().join(", ")
}

/// Positions of the columns that an expression names.
pub fn columns_in(expression: &str, table: &Table) -> Vec<usize> {
    let Ok(expr) = parse_expression(expression) else { return Vec::new() };
    stored::names(&expr).iter().filter_map(|name| table.position(name)).collect()
}

/// What `pg_get_expr` shows of a column's default, or of what it is generated from.
pub fn default(table: &Table, column: &Column, names: &Names) -> Option<String> {
    let text = column.generated.as_ref().or(column.default.as_ref());
    match (text, column.sequence) {
        (Some(text), _) => Some(expression(text, Some(table), Some(column.kind().kind), false)),
        (None, Some(sequence)) => {
            let name = names.relation_name(sequence)?;
            Some(format!("nextval({}::regclass)", quote_literal(&name)))
        }
        (None, None) => None,
    }
}

/// An expression that the catalog keeps, over the columns of `table`.
pub fn expression(
    text: &str,
    table: Option<&Table>,
    expected: Option<Type>,
    pretty: bool,
) -> String {
    match parse_expression(text) {
        Ok(expr) => Deparser { table, value: None, pretty }.whole(&expr, expected),
        Err(_) => text.to_owned(),
    }
}

/// The condition of a domain over a type, as it is shown.
pub fn domain_condition(text: &str, base: Type, pretty: bool) -> String {
    match parse_expression(text) {
        Ok(expr) => {
            let deparser = Deparser { table: None, value: Some(base), pretty };
            deparser.whole(&expr, Some(Type::Bool))
        }
        Err(_) => text.to_owned(),
    }
}

fn domain_constraint(oid: u32, names: &Names, pretty: bool) -> Option<String> {
    names.schema.types().find_map(|made| {
        let TypeShape::Domain(domain) = &made.shape else { return None };
        let check = domain.checks.iter().find(|check| check.id == oid)?;
        let base = names.schema.type_of(domain.base).map_or(Type::Text, Type::base);
        let condition = domain_condition(&check.expression, base, pretty);
        let valid = if check.valid { "" } else { " NOT VALID" };
        Some(format!("CHECK ({condition}){valid}"))
    })
}

/// `CREATE INDEX`, as `pg_get_indexdef` has it.
pub fn index(table: &Table, index: &Index, pretty: bool) -> String {
    let unique = if index.claims_unique() { "UNIQUE " } else { "" };
    let schema = match pretty {
        true => String::new(),
        false => format!("{}.", quote_ident(&table.schema)),
    };
    let keys = (0..index.columns.len()).filter_map(|at| {
        let column = index_column(table, index, at + 1, pretty)?;
        Some(format!("{column}{}", key_options(index, at)))
    });
    let mut text = format!(
        "CREATE {unique}INDEX {} ON {schema}{} USING btree ({})",
        quote_ident(&index.name),
        quote_ident(&table.name),
        keys.collect::<Vec<_>>().join(", ")
    );
    add_options(&mut text, table, index);
    if index.nulls_not_distinct {
        text.push_str(" NULLS NOT DISTINCT");
    }
    if !index.parameters.is_empty() {
        let shown = index.parameters.iter().map(|parameter| match parameter.split_once('=') {
            Some((name, value)) => format!("{}={}", quote_ident(name), quote_literal(value)),
            None => parameter.clone(),
        });
        text.push_str(&format!(" WITH ({})", shown.collect::<Vec<_>>().join(", ")));
    }
    if let Some(predicate) = &index.predicate {
        let shown = expression(predicate, Some(table), Some(Type::Bool), pretty);
        text.push_str(&format!(" WHERE {shown}"));
    }
    text
}

/// Whether an expression looks like a call of a function.
fn is_call(sql: &str) -> bool {
    matches!(parse_expression(sql), Ok(Expr::Function(_)))
}

/// What follows a key column of an index.
fn key_options(index: &Index, at: usize) -> String {
    let mut text = String::new();
    let Some(options) = index.options.get(at) else { return text };
    if let Some(collation) = &options.collation {
        text.push_str(&format!(" COLLATE {}", quote_ident(collation)));
    }
    if let Some(class) = &options.class {
        text.push_str(&format!(" {}", quote_ident(class)));
    }
    text.push_str(match (options.order.descending, options.order.nulls_first) {
        (false, false) => "",
        (false, true) => " NULLS FIRST",
        (true, true) => " DESC",
        (true, false) => " DESC NULLS LAST",
    });
    text
}

fn add_options(text: &mut String, table: &Table, index: &Index) {
    if !index.include.is_empty() {
        text.push_str(&format!(" INCLUDE ({})", column_list(table, &index.include)));
    }
}

/// A column of an index, counted from 1.
pub fn index_column(table: &Table, index: &Index, number: usize, pretty: bool) -> Option<String> {
    let at = index.columns.iter().chain(&index.include).nth(number.checked_sub(1)?)?;
    match index.expression(*at) {
        Some(key) => {
            let shown = expression(&key.sql, Some(table), None, pretty);
            // Functions stand without parentheses.
            Some(if is_call(&key.sql) { shown } else { format!("({shown})") })
        }
        None => table.columns.get(*at).map(|column| quote_ident(&column.name)),
    }
}

fn deferral(deferral: Option<Deferral>) -> &'static str {
    match deferral {
        None => "",
        Some(Deferral::Immediate) => " DEFERRABLE",
        Some(Deferral::Deferred) => " DEFERRABLE INITIALLY DEFERRED",
    }
}

fn action(event: &str, action: Action) -> String {
    let what = match action {
        Action::NoAction => return String::new(),
        Action::Restrict => "RESTRICT",
        Action::Cascade => "CASCADE",
        Action::SetNull => "SET NULL",
        Action::SetDefault => "SET DEFAULT",
    };
    format!(" ON {event} {what}")
}

fn foreign_key(table: &Table, key: &ForeignKey, names: &Names) -> Option<String> {
    let referred = names.schema.table_by_id(key.table)?;
    let mut text = format!(
        "FOREIGN KEY ({}) REFERENCES {}({})",
        column_list(table, &key.columns),
        names.relation_name(key.table)?,
        column_list(referred, &key.referred)
    );
    if key.full {
        text.push_str(" MATCH FULL");
    }
    text.push_str(&action("UPDATE", key.on_update));
    text.push_str(&action("DELETE", key.on_delete));
    if !key.set_columns.is_empty() {
        text.push_str(&format!(" ({})", column_list(table, &key.set_columns)));
    }
    text.push_str(deferral(key.deferral));
    if !key.valid {
        text.push_str(" NOT VALID");
    }
    Some(text)
}

/// What follows `CONSTRAINT name`, as `pg_get_constraintdef` has it.
pub fn constraint(oid: u32, names: &Names, pretty: bool) -> Option<String> {
    for table in names.schema.tables() {
        if let Some(check) = table.checks.iter().find(|check| check.id == oid) {
            let condition = expression(&check.expression, Some(table), Some(Type::Bool), pretty);
            let valid = if check.valid { "" } else { " NOT VALID" };
            return Some(format!("CHECK ({condition}){valid}"));
        }
        if let Some(key) = table.foreign_keys.iter().find(|key| key.id == oid) {
            return foreign_key(table, key, names);
        }
        let mut indexes = table.all_indexes();
        if let Some(index) = indexes.find(|index| index.constraint && index.oid() == oid) {
            let is_primary = table.primary_key().is_some_and(|key| key.storage == index.storage);
            let nulls = if index.nulls_not_distinct { "NULLS NOT DISTINCT " } else { "" };
            let word = if is_primary { "PRIMARY KEY" } else { "UNIQUE" };
            let mut text = format!("{word} {nulls}({})", column_list(table, &index.columns));
            add_options(&mut text, table, index);
            text.push_str(deferral(index.deferral));
            return Some(text);
        }
    }
    domain_constraint(oid, names, pretty)
}
