//! Catalogs of types that users make: their lines of pg_type, pg_enum.

use super::names::stored_namespace;
use super::{Asked, SUPERUSER_OID, facts, oid, text};
use crate::catalog::Schema;
use crate::catalog::types::{DomainShape, TypeDescriptor, TypeShape, row_array_oid, row_type_oid};
use crate::error::Result;
use crate::row::Row;
use crate::types::{Datum, Type};

/// Numbers of the functions that read and write values of a kind of types.
struct InOut {
    input: u32,
    output: u32,
    receive: u32,
    send: u32,
}

const OF_ENUMS: InOut = InOut { input: 3506, output: 3507, receive: 3532, send: 3533 };
const OF_ROWS: InOut = InOut { input: 2290, output: 2291, receive: 2402, send: 2403 };
const OF_ARRAYS: InOut = InOut { input: 750, output: 751, receive: 2400, send: 2401 };
/// domain_in
const DOMAIN_IN: u32 = 2597;
/// domain_recv
const DOMAIN_RECV: u32 = 2598;
/// array_subscript_handler
const ARRAY_SUBSCRIPTS: u32 = 6179;
/// array_typanalyze
const ARRAY_ANALYZE: u32 = 3816;

/// A line of pg_type.
struct Line<'a> {
    oid: u32,
    name: &'a str,
    namespace: u32,
    length: i16,
    by_value: bool,
    kind: &'static str,
    category: &'static str,
    subscripts: u32,
    element: u32,
    array: u32,
    functions: InOut,
    analyze: u32,
    alignment: &'static str,
    storage: &'static str,
}

impl Line<'_> {
    fn row(self) -> Row {
        vec![
            oid(self.oid),
            text(self.name),
            oid(self.namespace),
            oid(SUPERUSER_OID),
            Datum::Int16(self.length),
            Datum::Bool(self.by_value),
            text(self.kind),
            text(self.category),
            Datum::Bool(false),
            Datum::Bool(true),
            text(","),
            oid(0),
            oid(self.subscripts),
            oid(self.element),
            oid(self.array),
            oid(self.functions.input),
            oid(self.functions.output),
            oid(self.functions.receive),
            oid(self.functions.send),
            oid(0),
            oid(0),
            oid(self.analyze),
            text(self.alignment),
            text(self.storage),
            Datum::Bool(false),
            oid(0),
            Datum::Int32(-1),
            Datum::Int32(0),
            oid(0),
            Datum::Null,
            Datum::Null,
            Datum::Null,
        ]
    }
}

/// The line of the type of arrays of a type, whose number and that of these are given.
fn array_line((element, number): (u32, u32), name: &str, namespace: u32) -> Row {
    let line = Line {
        oid: number,
        name,
        namespace,
        length: -1,
        by_value: false,
        kind: "b",
        category: "A",
        subscripts: ARRAY_SUBSCRIPTS,
        element,
        array: 0,
        functions: OF_ARRAYS,
        analyze: ARRAY_ANALYZE,
        alignment: "i",
        storage: "x",
    };
    line.row()
}

/// What pg_type tells of a domain, which is much as of its base type.
fn domain_line(
    made: &TypeDescriptor,
    domain: &DomainShape,
    schema: &Schema,
    namespace: u32,
) -> Row {
    let base = schema.type_of(domain.base).unwrap_or(Type::Text);
    let in_the_end = base.base();
    let known = facts::TYPES.iter().find(|line| line.oid(0) == in_the_end.oid());
    let known_oid = |field| known.map_or(0, |line| line.oid(field));
    let is_enum = matches!(in_the_end, Type::Enum(_));
    let functions = InOut {
        input: DOMAIN_IN,
        output: if is_enum { OF_ENUMS.output } else { known_oid(11) },
        receive: DOMAIN_RECV,
        send: if is_enum { OF_ENUMS.send } else { known_oid(13) },
    };
    let line = Line {
        oid: made.id,
        name: &made.name,
        namespace,
        length: in_the_end.size(),
        by_value: known.map_or(is_enum, |line| line.is_true(3)),
        kind: "d",
        category: known.map_or(if is_enum { "E" } else { "A" }, |line| line.text(5)),
        subscripts: 0,
        element: 0,
        array: made.array_id,
        functions,
        analyze: 0,
        alignment: known.map_or("i", |line| line.text(16)),
        storage: known.map_or("x", |line| line.text(17)),
    };
    let mut row = line.row();
    let last = row.len();
    let default = domain.default.as_ref().map_or(Datum::Null, |sql| {
        text(super::definitions::expression(sql, None, Some(in_the_end), false))
    });
    let values = [
        (24, Datum::Bool(domain.not_null)),
        (25, oid(domain.base)),
        (26, Datum::Int32(domain.typmod)),
        (28, oid(facts::collation(in_the_end))),
        (last - 3, default.clone()),
        (last - 2, default),
    ];
    for (at, value) in values {
        if let Some(place) = row.get_mut(at) {
            *place = value;
        }
    }
    row
}

/// The lines of users' types in pg_type.
pub(super) fn users_types(asked: &Asked<'_>) -> Vec<Row> {
    let names = asked.names("typname");
    let has_name = |name: &str| names.as_ref().is_none_or(|names| names.contains(&name));
    let schema = &asked.system.schema;
    let mut rows = Vec::new();
    let mut all: Vec<_> = schema.types().collect();
    all.sort_by_key(|made| made.id);
    for made in all {
        let namespace = stored_namespace(schema, &made.schema);
        if asked.wants("oid", made.id) && has_name(&made.name) {
            let line = match &made.shape {
                TypeShape::Enum(_) => Line {
                    oid: made.id,
                    name: &made.name,
                    namespace,
                    length: 4,
                    by_value: true,
                    kind: "e",
                    category: "E",
                    subscripts: 0,
                    element: 0,
                    array: made.array_id,
                    functions: OF_ENUMS,
                    analyze: 0,
                    alignment: "i",
                    storage: "p",
                }
                .row(),
                TypeShape::Domain(domain) => domain_line(made, domain, schema, namespace),
                TypeShape::Composite(composite) => {
                    row_line((made.id, made.array_id), &made.name, namespace, composite.relation)
                }
            };
            rows.push(line);
        }
        if asked.wants("oid", made.array_id) && has_name(&made.array_name) {
            rows.push(array_line((made.id, made.array_id), &made.array_name, namespace));
        }
    }
    add_row_types(asked, &has_name, &mut rows);
    rows
}

/// The types of the rows of tables and views.
fn add_row_types(asked: &Asked<'_>, has_name: &dyn Fn(&str) -> bool, rows: &mut Vec<Row>) {
    let schema = &asked.system.schema;
    let tables = schema.tables().map(|table| (table.id, table.full_name()));
    let views = schema.views().map(|view| (view.id, view.full_name()));
    let mut relations: Vec<_> = tables.chain(views).collect();
    relations.sort();
    for (id, name) in relations {
        let namespace = stored_namespace(schema, &name.schema);
        let oids = (row_type_oid(id), row_array_oid(id));
        if asked.wants("oid", oids.0) && has_name(&name) {
            rows.push(row_line(oids, &name, namespace, id));
        }
        let array = format!("_{name}");
        if asked.wants("oid", oids.1) && has_name(&array) {
            rows.push(array_line(oids, &array, namespace));
        }
    }
}

/// The line of a composite type, whose number and that of its arrays are given.
fn row_line((number, array): (u32, u32), name: &str, namespace: u32, relation: u32) -> Row {
    let line = Line {
        oid: number,
        name,
        namespace,
        length: -1,
        by_value: false,
        kind: "c",
        category: "C",
        subscripts: 0,
        element: 0,
        array,
        functions: OF_ROWS,
        analyze: 0,
        alignment: "d",
        storage: "x",
    };
    let mut row = line.row();
    if let Some(place) = row.get_mut(11) {
        *place = oid(relation);
    }
    row
}

/// pg_enum.
pub fn enums(asked: &Asked<'_>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut all: Vec<_> = asked.system.schema.types().collect();
    all.sort_by_key(|made| made.id);
    for made in all.into_iter().filter(|made| asked.wants("enumtypid", made.id)) {
        let TypeShape::Enum(labels) = &made.shape else { continue };
        for label in labels {
            rows.push(vec![
                oid(label.id),
                oid(made.id),
                Datum::Float32(label.order),
                text(label.name.as_str()),
            ]);
        }
    }
    Ok(rows)
}
