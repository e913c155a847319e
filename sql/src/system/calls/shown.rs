//! Functions that show definitions, and those that find and name objects.

use super::{CatalogFunction, Known, arg, function, lenient, names_array, oid_arg, text, volatile};
use crate::catalog::names::RelationName;
use crate::catalog::routine::Routine;
use crate::catalog::types::TypeShape;
use crate::error::{Error, Result, SqlState};
use crate::functions::strings::quote_ident;
use crate::lock_names::DATABASE_OID;
use crate::system::builtins::UTF8;
use crate::system::names::{self, Stored, type_list};
use crate::system::{
    CATALOG_SCHEMA, Content, classes, definitions, facts, relations, roles, routines,
};
use crate::types::Type::{Bool, Int2, Int4, Int8, Name, NodeTree, Oid, Regclass, Text};
use crate::types::{Datum, Type, TypeMod};

pub(super) fn register(all: &mut Vec<CatalogFunction>) {
    all.extend([
        lenient("format_type", &[Oid, Int4], Text, format_type),
        function("pg_get_expr", &[NodeTree, Oid], Text, expression),
        function("pg_get_expr", &[NodeTree, Oid, Bool], Text, expression),
        function("pg_get_indexdef", &[Oid], Text, index),
        function("pg_get_indexdef", &[Oid, Int4, Bool], Text, index),
        function("pg_get_constraintdef", &[Oid], Text, constraint),
        function("pg_get_constraintdef", &[Oid, Bool], Text, constraint),
        function("pg_get_viewdef", &[Oid], Text, view),
        function("pg_get_viewdef", &[Oid, Bool], Text, view),
        function("pg_get_viewdef", &[Oid, Int4], Text, view),
        function("pg_get_serial_sequence", &[Text, Text], Text, serial_sequence),
        function("pg_get_userbyid", &[Oid], Name, user_by_id),
        function("pg_get_function_result", &[Oid], Text, function_result),
        function("pg_get_function_arguments", &[Oid], Text, function_arguments),
        function("pg_get_function_identity_arguments", &[Oid], Text, function_identity),
        function("pg_get_functiondef", &[Oid], Text, function_definition),
        function("obj_description", &[Oid, Name], Text, description),
        function("obj_description", &[Oid], Text, description),
        function("col_description", &[Oid, Int4], Text, column_description),
        function("shobj_description", &[Oid, Name], Text, nothing),
        function("pg_table_is_visible", &[Oid], Bool, relation_is_visible),
        function("pg_type_is_visible", &[Oid], Bool, type_is_visible),
        function("pg_relation_is_publishable", &[Regclass], Bool, is_table),
        lenient("current_schemas", &[Bool], Type::NameArray, current_schemas),
        function("pg_encoding_to_char", &[Int4], Name, encoding_name),
        function("pg_char_to_encoding", &[Name], Int4, encoding_number),
        function("getdatabaseencoding", &[], Name, database_encoding),
        function("pg_client_encoding", &[], Name, database_encoding),
        function("pg_is_in_recovery", &[], Bool, no),
        function("pg_my_temp_schema", &[], Oid, zero),
        function("pg_is_other_temp_schema", &[Oid], Bool, no),
        function("pg_tablespace_location", &[Oid], Text, empty),
        function("to_regclass", &[Text], Regclass, to_regclass),
        function("to_regtype", &[Text], Type::Regtype, to_regtype),
        function("to_regproc", &[Text], Type::Regproc, to_regproc),
        function("to_regprocedure", &[Text], Type::Regprocedure, to_regprocedure),
        function("to_regoper", &[Text], Type::Regoper, to_regoper),
        function("to_regoperator", &[Text], Type::Regoperator, to_regoperator),
        function("to_regnamespace", &[Text], Type::Regnamespace, to_regnamespace),
        function("to_regrole", &[Text], Type::Regrole, to_regrole),
        function("to_regcollation", &[Text], Type::Regcollation, to_regcollation),
        volatile("pg_sequence_last_value", &[Regclass], Int8, sequence_last_value),
        // What there are none of.
        function("pg_get_triggerdef", &[Oid], Text, nothing),
        function("pg_get_triggerdef", &[Oid, Bool], Text, nothing),
        function("pg_get_ruledef", &[Oid], Text, nothing),
        function("pg_get_ruledef", &[Oid, Bool], Text, nothing),
        function("pg_get_partkeydef", &[Oid], Text, nothing),
        function("pg_get_partition_constraintdef", &[Oid], Text, nothing),
        function("pg_get_statisticsobjdef", &[Oid], Text, nothing),
        function("pg_get_statisticsobjdef_columns", &[Oid], Text, nothing),
        function("pg_get_function_sqlbody", &[Oid], Text, nothing),
        function("pg_get_function_arg_default", &[Oid, Int4], Text, nothing),
        function("pg_column_is_updatable", &[Regclass, Int2, Bool], Bool, column_is_updatable),
        lenient("pg_relation_is_updatable", &[Regclass, Bool], Int4, updatable),
    ]);
    for name in [
        "pg_function_is_visible",
        "pg_operator_is_visible",
        "pg_opclass_is_visible",
        "pg_opfamily_is_visible",
        "pg_collation_is_visible",
        "pg_conversion_is_visible",
        "pg_statistics_obj_is_visible",
        "pg_ts_config_is_visible",
        "pg_ts_dict_is_visible",
        "pg_ts_parser_is_visible",
        "pg_ts_template_is_visible",
    ] {
        // All that are not relations are in pg_catalog, which search_path implies.
        all.push(function(name, &[Oid], Bool, yes));
    }
}

fn nothing(_: &Known, _: &[Datum]) -> Result<Datum> {
    Ok(Datum::Null)
}

fn yes(_: &Known, _: &[Datum]) -> Result<Datum> {
    Ok(Datum::Bool(true))
}

fn no(_: &Known, _: &[Datum]) -> Result<Datum> {
    Ok(Datum::Bool(false))
}

fn zero(_: &Known, _: &[Datum]) -> Result<Datum> {
    Ok(Datum::Int64(0))
}

fn empty(_: &Known, _: &[Datum]) -> Result<Datum> {
    Ok(Datum::Text(String::new()))
}

fn type_is_visible(known: &Known, args: &[Datum]) -> Result<Datum> {
    let schema = &known.names.schema;
    let oid = oid_arg(args, 0)?;
    let Some(user) = schema.type_by_oid(oid).and_then(Type::user) else {
        return Ok(Type::from_oid(oid).map_or(Datum::Null, |_| Datum::Bool(true)));
    };
    let definition = user.definition();
    let is_array = oid == definition.array_oid;
    let name = if is_array { &definition.array_name } else { &definition.name };
    let name = RelationName::new(definition.schema.clone(), name.clone());
    Ok(Datum::Bool(schema.type_is_in_sight(&known.names.path, &name)))
}

fn format_type(known: &Known, args: &[Datum]) -> Result<Datum> {
    if arg(args, 0).is_null() {
        return Ok(Datum::Null);
    }
    let oid = oid_arg(args, 0)?;
    let typmod = match arg(args, 1) {
        Datum::Null => None,
        typmod => Some(typmod.as_i32()?),
    };
    let shown = match (known.names.schema.type_of(oid), typmod) {
        _ if oid == 0 => "-".to_owned(),
        // Without a modifier it is the type of length 1 that has the plain name.
        (Some(Type::Bpchar), None) => "character".to_owned(),
        (Some(kind), typmod) => {
            known.names.type_name(TypeMod { kind, typmod: typmod.unwrap_or(-1) })
        }
        (None, _) => match crate::system::pseudo_type(oid) {
            Some(name) => name.to_owned(),
            None => "???".to_owned(),
        },
    };
    Ok(Datum::Text(shown))
}

/// The catalog keeps expressions as they are shown.
fn expression(_: &Known, args: &[Datum]) -> Result<Datum> {
    Ok(arg(args, 0).clone())
}

fn index(known: &Known, args: &[Datum]) -> Result<Datum> {
    let column = args.get(1).map_or(Ok(0), Datum::as_i32)?;
    let pretty = arg(args, 2).is_true();
    let shown = match known.names.by_oid(oid_arg(args, 0)?) {
        Some(Stored::Index(table, index)) if column == 0 => {
            Some(definitions::index(table, index, pretty))
        }
        Some(Stored::Index(table, index)) => {
            let number = usize::try_from(column).unwrap_or_default();
            Some(definitions::index_column(table, index, number, pretty).unwrap_or_default())
        }
        _ => None,
    };
    text(shown)
}

fn constraint(known: &Known, args: &[Datum]) -> Result<Datum> {
    let pretty = arg(args, 1).is_true();
    text(definitions::constraint(oid_arg(args, 0)?, &known.names, pretty))
}

/// The query of a system view: there are no others.
fn view(known: &Known, args: &[Datum]) -> Result<Datum> {
    let oid = oid_arg(args, 0)?;
    if let Some(Stored::View(view)) = known.names.by_oid(oid) {
        return text(Some(format!(" {};", view.query)));
    }
    if let Some(Stored::Table(table)) = known.names.by_oid(oid)
        && let Some(view) = &table.definition
    {
        return text(Some(format!(" {};", view.query)));
    }
    let view = relations().iter().find(|relation| relation.oid == oid);
    text(view.and_then(|view| match view.content {
        Content::Query(query) => Some(query.to_owned()),
        _ => None,
    }))
}

fn serial_sequence(known: &Known, args: &[Datum]) -> Result<Datum> {
    let name = arg(args, 0).as_str()?;
    let oid = known.names.parse(Regclass, name)?.as_i64()?;
    let Some(Stored::Table(table)) = known.names.by_oid(u32::try_from(oid).unwrap_or_default())
    else {
        return Ok(Datum::Null);
    };
    let column = arg(args, 1).as_str()?;
    let Some(position) = table.position(column) else {
        return Err(Error::new(
            SqlState::UndefinedColumn,
            format!("column \"{column}\" of relation \"{}\" does not exist", table.name),
        ));
    };
    let schema = &known.names.schema;
    let sequence = schema.sequences().find(|sequence| {
        let owner = classes::owner(schema, sequence);
        owner.is_some_and(|(owner, at)| owner.id == table.id && at == position)
    });
    text(sequence.map(|sequence| {
        format!("{}.{}", quote_ident(&sequence.schema), quote_ident(&sequence.name))
    }))
}

fn user_by_id(_: &Known, args: &[Datum]) -> Result<Datum> {
    let oid = oid_arg(args, 0)?;
    let name = roles::name_of(oid).map(str::to_owned);
    Ok(Datum::Text(name.unwrap_or_else(|| format!("unknown (OID={oid})"))))
}

fn routine<'k>(known: &'k Known, args: &[Datum]) -> Result<Option<&'k Routine>> {
    let oid = oid_arg(args, 0)?;
    let mut all = known.names.schema.routines();
    Ok(all.find(|routine| routine.id == oid).map(|routine| &**routine))
}

fn function_definition(known: &Known, args: &[Datum]) -> Result<Datum> {
    text(routine(known, args)?.map(routines::definition))
}

fn function_identity(known: &Known, args: &[Datum]) -> Result<Datum> {
    match routine(known, args)? {
        Some(routine) => text(Some(routines::arguments(routine, false))),
        None => function_arguments(known, args),
    }
}

fn function_result(known: &Known, args: &[Datum]) -> Result<Datum> {
    if let Some(routine) = routine(known, args)? {
        return text(Some(routines::result(routine)));
    }
    text(facts::procedure(oid_arg(args, 0)?).map(|procedure| {
        let set = if procedure.returns_set { "SETOF " } else { "" };
        format!("{set}{}", type_list(&[procedure.returns], ""))
    }))
}

fn function_arguments(known: &Known, args: &[Datum]) -> Result<Datum> {
    if let Some(routine) = routine(known, args)? {
        return text(Some(routines::arguments(routine, true)));
    }
    text(facts::procedure(oid_arg(args, 0)?).map(|procedure| {
        let all = type_list(&procedure.args, ", ");
        match (procedure.variadic, procedure.args.as_slice()) {
            (false, _) => all,
            (true, [before @ .., last]) if !before.is_empty() => {
                format!("{}, VARIADIC {}", type_list(before, ", "), type_list(&[*last], ""))
            }
            (true, _) => format!("VARIADIC {all}"),
        }
    }))
}

fn description(known: &Known, args: &[Datum]) -> Result<Datum> {
    let oid = oid_arg(args, 0)?;
    let schema = &known.names.schema;
    let of_relation = || match known.names.by_oid(oid)? {
        Stored::Table(table) => table.comment.clone(),
        Stored::Index(_, index) => index.comment.clone(),
        Stored::Sequence(sequence) => sequence.comment.clone(),
        Stored::View(view) => view.comment.clone(),
    };
    let of_constraint = || {
        let table = schema.table_with(oid)?;
        let check = table.checks.iter().find(|check| check.id == oid);
        let key = table.foreign_keys.iter().find(|key| key.id == oid);
        let index = table.all_indexes().find(|index| index.constraint && index.oid() == oid);
        check
            .map(|check| check.comment.clone())
            .or(key.map(|key| key.comment.clone()))
            .or(index.map(|index| index.constraint_comment.clone()))?
    };
    let of_domain = || {
        schema.types().find_map(|made| {
            let TypeShape::Domain(domain) = &made.shape else { return None };
            domain.checks.iter().find(|check| check.id == oid)?.comment.clone()
        })
    };
    text(match args.get(1) {
        None => of_relation().or_else(of_constraint),
        Some(catalog) => match catalog.as_str()? {
            "pg_class" => of_relation(),
            "pg_constraint" => of_constraint().or_else(of_domain),
            "pg_type" => schema.type_by_id(oid).and_then(|made| made.comment.clone()),
            _ => None,
        },
    })
}

fn column_description(known: &Known, args: &[Datum]) -> Result<Datum> {
    let Some(table) = known.names.schema.table_by_id(oid_arg(args, 0)?) else {
        return Ok(Datum::Null);
    };
    let position = usize::try_from(arg(args, 1).as_i32()?).ok().and_then(|at| at.checked_sub(1));
    let column = position.and_then(|at| table.columns.get(at)).filter(|column| !column.dropped);
    text(column.and_then(|column| column.comment.clone()))
}

fn relation_is_visible(known: &Known, args: &[Datum]) -> Result<Datum> {
    let oid = oid_arg(args, 0)?;
    if let Some(found) = known.names.by_oid(oid) {
        let names = &known.names;
        return Ok(Datum::Bool(names.schema.is_in_sight(&names.path, &found.full_name())));
    }
    let schema = &known.names.schema;
    let composite = schema.types().find(|made| match &made.shape {
        TypeShape::Composite(composite) => composite.relation == oid,
        _ => false,
    });
    if let Some(made) = composite {
        let in_sight = schema.type_is_in_sight(&known.names.path, &made.full_name());
        return Ok(Datum::Bool(in_sight));
    }
    let relation = relations().iter().find(|relation| relation.oid == oid);
    Ok(relation.map_or(Datum::Null, |found| Datum::Bool(found.schema == CATALOG_SCHEMA)))
}

fn is_table(known: &Known, args: &[Datum]) -> Result<Datum> {
    let found = known.names.by_oid(oid_arg(args, 0)?);
    Ok(Datum::Bool(matches!(found, Some(Stored::Table(_)))))
}

/// Bits of what can be done: UPDATE, INSERT and DELETE.
fn updatable(known: &Known, args: &[Datum]) -> Result<Datum> {
    if arg(args, 0).is_null() {
        return Ok(Datum::Int32(0));
    }
    let bits = match known.names.by_oid(oid_arg(args, 0)?) {
        Some(Stored::Table(_)) => 4 | 8 | 16,
        Some(Stored::View(view)) => match &view.updatable {
            Some(columns) if columns.contains(&true) => 4 | 8 | 16,
            Some(_) => 16,
            None => 0,
        },
        _ => 0,
    };
    Ok(Datum::Int32(bits))
}

fn column_is_updatable(known: &Known, args: &[Datum]) -> Result<Datum> {
    let at = arg(args, 1).as_i64()?.checked_sub(1).and_then(|at| usize::try_from(at).ok());
    let is_updatable = match known.names.by_oid(oid_arg(args, 0)?) {
        Some(Stored::Table(_)) => at.is_some(),
        Some(Stored::View(view)) => {
            let columns = view.updatable.as_deref().unwrap_or_default();
            at.and_then(|at| columns.get(at)).copied().unwrap_or(false)
        }
        _ => false,
    };
    Ok(Datum::Bool(is_updatable))
}

fn current_schemas(known: &Known, args: &[Datum]) -> Result<Datum> {
    let mut schemas = Vec::new();
    if arg(args, 0).is_true() {
        schemas.push(CATALOG_SCHEMA);
    }
    let (path, catalog) = (&known.names.path, &known.names.schema);
    let listed = path.listed().iter().map(String::as_str);
    schemas.extend(listed.filter(|schema| catalog.has_namespace(schema)));
    names_array(&schemas)
}

fn encoding_name(_: &Known, args: &[Datum]) -> Result<Datum> {
    let name = if arg(args, 0).as_i32()? == UTF8 { "UTF8" } else { "" };
    Ok(Datum::Text(name.to_owned()))
}

fn encoding_number(_: &Known, args: &[Datum]) -> Result<Datum> {
    let name: String = arg(args, 0).as_str()?.to_lowercase().replace(['-', '_'], "");
    Ok(Datum::Int32(if name == "utf8" || name == "unicode" { UTF8 } else { -1 }))
}

fn database_encoding(_: &Known, _: &[Datum]) -> Result<Datum> {
    Ok(Datum::Text("UTF8".to_owned()))
}

/// NULL where input would fail because there is no such thing. (A number is none of the names.)
fn find(known: &Known, kind: Type, args: &[Datum]) -> Result<Datum> {
    let name = arg(args, 0).as_str()?;
    if name.trim().bytes().all(|byte| byte.is_ascii_digit()) || name.trim() == "-" {
        return known.names.parse(kind, name);
    }
    match known.names.parse(kind, name) {
        Err(Error::Report(report))
            if matches!(
                report.state,
                SqlState::UndefinedTable
                    | SqlState::UndefinedObject
                    | SqlState::UndefinedFunction
                    | SqlState::AmbiguousFunction
                    | SqlState::InvalidSchemaName
            ) =>
        {
            Ok(Datum::Null)
        }
        other => other,
    }
}

fn to_regclass(known: &Known, args: &[Datum]) -> Result<Datum> {
    find(known, Regclass, args)
}

fn to_regtype(known: &Known, args: &[Datum]) -> Result<Datum> {
    find(known, Type::Regtype, args)
}

fn to_regproc(known: &Known, args: &[Datum]) -> Result<Datum> {
    find(known, Type::Regproc, args)
}

fn to_regprocedure(known: &Known, args: &[Datum]) -> Result<Datum> {
    find(known, Type::Regprocedure, args)
}

fn to_regoper(known: &Known, args: &[Datum]) -> Result<Datum> {
    find(known, Type::Regoper, args)
}

fn to_regoperator(known: &Known, args: &[Datum]) -> Result<Datum> {
    find(known, Type::Regoperator, args)
}

fn to_regnamespace(known: &Known, args: &[Datum]) -> Result<Datum> {
    find(known, Type::Regnamespace, args)
}

fn to_regrole(known: &Known, args: &[Datum]) -> Result<Datum> {
    find(known, Type::Regrole, args)
}

fn to_regcollation(known: &Known, args: &[Datum]) -> Result<Datum> {
    find(known, Type::Regcollation, args)
}

fn sequence_last_value(known: &Known, args: &[Datum]) -> Result<Datum> {
    let found = known.names.schema.sequence_by_id(oid_arg(args, 0)?);
    let Some(sequence) = found else { return Ok(Datum::Null) };
    Ok(known.sequences.last_value(sequence)?.map_or(Datum::Null, Datum::Int64))
}

/// Whether an object of a catalog exists; what there is one of everywhere has its number.
pub(super) fn exists(known: &Known, what: Class, oid: u32) -> bool {
    match what {
        Class::Relation => {
            known.names.by_oid(oid).is_some() || relations().iter().any(|r| r.oid == oid)
        }
        Class::Schema => names::namespace_name(oid).is_some(),
        Class::Database => oid == DATABASE_OID,
        Class::Function => facts::procedure(oid).is_some(),
        Class::Type => known.names.schema.type_of(oid).is_some(),
        Class::Language => oid == 12,
        Class::Tablespace => matches!(oid, 1663 | 1664),
        Class::Role => roles::name_of(oid).is_some(),
    }
}

/// Kinds of objects that there are privileges on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub(super) enum Class {
    Relation,
    Schema,
    Database,
    Function,
    Type,
    Language,
    Tablespace,
    Role,
}
