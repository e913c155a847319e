//! Functions in SQL, as pg_proc and the functions about it tell of them.

use super::builtins::vector;
use super::definitions;
use super::names::{stored_namespace, type_list};
use super::{Asked, SUPERUSER_OID, oid, text};
use crate::catalog::names::is_temporary;
use crate::catalog::routine::{Argument, Routine, Volatility};
use crate::error::Result;
use crate::functions::strings::quote_ident;
use crate::row::Row;
use crate::types::array::Array;
use crate::types::{Datum, Type};

/// pg_language.oid of SQL.
const SQL_LANGUAGE: u32 = 14;

/// Their rows of pg_proc.
pub fn procedures(asked: &Asked<'_>) -> Result<Vec<Row>> {
    let (oids, names) = (asked.oids("oid"), asked.names("proname"));
    let schema = &asked.system.schema;
    let mut all: Vec<_> = schema
        .routines()
        .filter(|routine| {
            !is_temporary(&routine.schema)
                && oids.as_ref().is_none_or(|oids| oids.contains(&routine.id))
                && names.as_ref().is_none_or(|names| names.contains(&routine.name.as_str()))
        })
        .collect();
    all.sort_by_key(|routine| routine.id);
    all.into_iter().map(|routine| row(routine, stored_namespace(schema, &routine.schema))).collect()
}

fn row(routine: &Routine, namespace: u32) -> Result<Row> {
    let kinds: Vec<u32> = routine.arguments.iter().map(|argument| argument.type_oid).collect();
    let defaults = routine.arguments.iter().filter(|argument| argument.default.is_some()).count();
    let columns: &[(String, u32)] = if is_table(routine) { &routine.columns } else { &[] };
    let has_names = !columns.is_empty() || routine.arguments.iter().any(|a| a.name.is_some());
    let names = routine.arguments.iter().map(|argument| argument.name.clone().unwrap_or_default());
    let names = names.chain(columns.iter().map(|(name, _)| name.clone())).map(Datum::Text);
    let all = kinds.iter().copied().chain(columns.iter().map(|(_, kind)| *kind)).map(oid);
    let modes = kinds.iter().map(|_| text("i")).chain(columns.iter().map(|_| text("t")));
    let array = |kind, items: Vec<Datum>| Ok(Array::of(kind, items)?.to_datum());
    let of_table = |array: Result<Datum>| match columns.is_empty() {
        true => Ok(Datum::Null),
        false => array,
    };
    Ok(vec![
        oid(routine.id),
        text(routine.name.as_str()),
        oid(namespace),
        oid(SUPERUSER_OID),
        oid(SQL_LANGUAGE),
        Datum::Float32(100.0),
        Datum::Float32(if routine.returns_set { 1000.0 } else { 0.0 }),
        oid(0),
        oid(0),
        text("f"),
        Datum::Bool(false),
        Datum::Bool(false),
        Datum::Bool(routine.strict),
        Datum::Bool(routine.returns_set),
        text(match routine.volatility {
            Volatility::Immutable => "i",
            Volatility::Stable => "s",
            Volatility::Volatile => "v",
        }),
        text("u"),
        Datum::Int16(kinds.len() as i16),
        Datum::Int16(defaults as i16),
        oid(routine.returns),
        vector(Type::Oid, kinds.iter().map(|kind| oid(*kind)).collect()),
        of_table(array(Type::Oid, all.collect()))?,
        of_table(array(Type::Char, modes.collect()))?,
        if has_names { array(Type::Text, names.collect())? } else { Datum::Null },
        Datum::Null,
        Datum::Null,
        text(if routine.is_standard { "" } else { routine.body.as_str() }),
        Datum::Null,
        Datum::Null,
        Datum::Null,
        Datum::Null,
    ])
}

/// Whether its columns were listed, and are not those of a relation.
fn is_table(routine: &Routine) -> bool {
    routine.returns_set && !routine.columns.is_empty()
}

fn argument(argument: &Argument, with_default: bool) -> String {
    let name = argument.name.as_ref().map(|name| format!("{} ", quote_ident(name)));
    let default = argument.default.as_ref().filter(|_| with_default).map(|default| {
        format!(" DEFAULT {}", definitions::expression(default, None, Some(argument.kind()), false))
    });
    let kind = type_list(&[argument.type_oid], "");
    format!("{}{kind}{}", name.unwrap_or_default(), default.unwrap_or_default())
}

/// As pg_get_function_arguments shows it.
pub fn arguments(routine: &Routine, with_defaults: bool) -> String {
    let all = routine.arguments.iter().map(|a| argument(a, with_defaults));
    all.collect::<Vec<_>>().join(", ")
}

/// As pg_get_function_result shows it.
pub fn result(routine: &Routine) -> String {
    if is_table(routine) {
        let columns = routine.columns.iter();
        let columns = columns
            .map(|(name, kind)| format!("{} {}", quote_ident(name), type_list(&[*kind], "")));
        return format!("TABLE({})", columns.collect::<Vec<_>>().join(", "));
    }
    let set = if routine.returns_set { "SETOF " } else { "" };
    format!("{set}{}", type_list(&[routine.returns], ""))
}

/// As pg_get_functiondef shows it.
pub fn definition(routine: &Routine) -> String {
    let mut traits = Vec::new();
    match routine.volatility {
        Volatility::Immutable => traits.push("IMMUTABLE"),
        Volatility::Stable => traits.push("STABLE"),
        Volatility::Volatile => {}
    }
    if routine.strict {
        traits.push("STRICT");
    }
    let traits = match traits.is_empty() {
        true => String::new(),
        false => format!(" {}\n", traits.join(" ")),
    };
    let head = format!(
        "CREATE OR REPLACE FUNCTION {}.{}({})\n RETURNS {}\n LANGUAGE sql\n{traits}",
        quote_ident(&routine.schema),
        quote_ident(&routine.name),
        arguments(routine, true),
        result(routine),
    );
    match routine.is_standard {
        true => {
            format!("{head}BEGIN ATOMIC\n {};\nEND\n", routine.body.trim().trim_end_matches(';'))
        }
        false => format!("{head}AS $function${}$function$\n", routine.body),
    }
}
