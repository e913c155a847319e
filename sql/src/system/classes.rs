//! Catalogs of relations: what they are, their columns, defaults, indexes, sequences and comments.

use super::builtins::{BTREE, HEAP, vector};
use super::names::{Names, Stored, namespace_of, shown_indexes, split_name, stored_namespace};
use super::{
    Asked, PUBLIC_NAMESPACE, SUPERUSER_OID, SystemRelation, class_oid, definitions, facts, oid,
    relations, rewrite, text,
};
use crate::catalog::index::FIRST_EXPRESSION;
use crate::catalog::names::{RelationName, SearchPath};
use crate::catalog::types::{CompositeShape, TypeDescriptor, TypeShape, row_type_oid};
use crate::catalog::{Column, Identity, Index, Schema, Sequence, Table};
use crate::error::Result;
use crate::parser::stored;
use crate::row::Row;
use crate::types::array::{Array, Dimension};
use crate::types::{Datum, Type, TypeMod};
use std::sync::Arc;

/// pg_collation.oid of "C".
const C_COLLATION: u32 = 950;
/// And of "POSIX".
const POSIX_COLLATION: u32 = 951;

impl Asked<'_> {
    fn names_of_schema(&self) -> Names {
        Names { schema: self.system.schema.clone(), path: Arc::new(SearchPath::plain()) }
    }
}

/// The number of a column's default in pg_attrdef. A table has at most 1,600 columns under names and
/// numbers no more than that for long, so these stay apart for the first two million relations.
pub fn default_oid(table: &Table, position: usize) -> u32 {
    table.id.wrapping_mul(2048).wrapping_add(position as u32 + 1)
}

/// What tables, indexes and sequences are asked for, in the order of their numbers.
fn stored<'n>(asked: &Asked<'_>, names: &'n Names, oid: &str, name: &str) -> Vec<Stored<'n>> {
    if let Some(oids) = asked.oids(oid) {
        return oids.into_iter().filter_map(|oid| names.by_oid(oid)).collect();
    }
    if let Some(wanted) = asked.names(name) {
        let all = wanted.into_iter().flat_map(|name| names.schema.relations_named(name));
        let found = all.filter_map(|found| names.by_name(Some(&found.schema), &found.name));
        return found.collect();
    }
    let tables = names.schema.tables().flat_map(|table| {
        let indexes = shown_indexes(table).map(move |index| Stored::Index(table, index));
        std::iter::once(Stored::Table(table)).chain(indexes)
    });
    let mut all: Vec<Stored<'n>> = tables
        .chain(names.schema.sequences().map(Stored::Sequence))
        .chain(names.schema.views().map(Stored::View))
        .collect();
    all.sort_by_key(Stored::oid);
    all
}

/// The tables that are asked for.
pub(super) fn tables(asked: &Asked<'_>, column: &str) -> Vec<Arc<Table>> {
    let schema = &asked.system.schema;
    if let Some(oids) = asked.oids(column) {
        return oids.into_iter().filter_map(|oid| schema.table_by_id(oid).cloned()).collect();
    }
    let mut all: Vec<Arc<Table>> = schema.tables().cloned().collect();
    all.sort_by_key(|table| table.id);
    all
}

/// The tables that are asked for by their own number or by one of an index or a constraint.
pub(super) fn tables_with(asked: &Asked<'_>, column: &str) -> Vec<Arc<Table>> {
    let schema = &asked.system.schema;
    let Some(oids) = asked.oids(column) else { return tables(asked, column) };
    let find = |oid| schema.table_by_id(oid).or_else(|| schema.table_with(oid)).cloned();
    let mut found: Vec<Arc<Table>> = oids.into_iter().filter_map(find).collect();
    found.sort_by_key(|table| table.id);
    found.dedup_by_key(|table| table.id);
    found
}

fn system_relations<'a>(
    asked: &'a Asked<'_>,
    oid: &str,
    name: &str,
) -> impl Iterator<Item = &'static SystemRelation> + 'a {
    let (oids, names) = (asked.oids(oid), asked.names(name));
    relations().iter().filter(move |relation| {
        oids.as_ref().is_none_or(|oids| oids.binary_search(&relation.oid).is_ok())
            && names.as_ref().is_none_or(|names| names.binary_search(&relation.name).is_ok())
    })
}

/// A line of pg_class.
struct Class<'a> {
    row_type: u32,
    oid: u32,
    name: &'a str,
    namespace: u32,
    access_method: u32,
    storage: u32,
    has_index: bool,
    kind: &'static str,
    columns: usize,
    checks: usize,
    has_triggers: bool,
    parameters: &'a [String],
    /// Pages and rows, as ANALYZE has found them.
    counted: Option<(i32, f64)>,
}

impl Class<'_> {
    fn row(self) -> Row {
        let number = |value: usize| Datum::Int16(value as i16);
        vec![
            oid(self.oid),
            text(self.name),
            oid(self.namespace),
            oid(self.row_type),
            oid(0),
            oid(SUPERUSER_OID),
            oid(self.access_method),
            oid(self.storage),
            oid(0),
            Datum::Int32(self.counted.map_or(0, |(pages, _)| pages)),
            // -1: nobody has counted.
            Datum::Float32(self.counted.map_or(-1.0, |(_, rows)| rows as f32)),
            Datum::Int32(0),
            oid(0),
            Datum::Bool(self.has_index),
            Datum::Bool(false),
            text("p"),
            text(self.kind),
            number(self.columns),
            number(self.checks),
            Datum::Bool(matches!(self.kind, "v" | "m")),
            Datum::Bool(self.has_triggers),
            Datum::Bool(false),
            Datum::Bool(false),
            Datum::Bool(false),
            Datum::Bool(true),
            text(if matches!(self.kind, "r" | "m") { "d" } else { "n" }),
            Datum::Bool(false),
            oid(0),
            oid(0),
            oid(0),
            Datum::Null,
            shown_parameters(self.parameters),
            Datum::Null,
        ]
    }
}

/// The place of relispopulated.
const IS_POPULATED: usize = 24;
/// pg_class.reloptions. Those of what is stored beside a table would be of a relation of its own.
fn shown_parameters(parameters: &[String]) -> Datum {
    let own = parameters.iter().filter(|parameter| !parameter.starts_with("toast."));
    let items: Vec<Datum> = own.map(|parameter| text(parameter.as_str())).collect();
    match items.len() as i32 {
        0 => Datum::Null,
        length => {
            let dimensions = vec![Dimension { length, lower: 1 }];
            Array { element: Type::Text, dimensions, items }.to_datum()
        }
    }
}

/// pg_class.
pub fn classes(asked: &Asked<'_>) -> Result<Vec<Row>> {
    let names = asked.names_of_schema();
    let mut rows: Vec<Row> = system_relations(asked, "oid", "relname")
        .map(|relation| {
            let class = Class {
                row_type: 0,
                oid: relation.oid,
                name: relation.name,
                namespace: namespace_of(relation.schema),
                access_method: if relation.kind == "r" { HEAP } else { 0 },
                storage: 0,
                has_index: false,
                kind: relation.kind,
                columns: relation.columns.len(),
                checks: 0,
                has_triggers: false,
                parameters: &[],
                counted: None,
            };
            class.row()
        })
        .collect();
    for stored in stored(asked, &names, "oid", "relname") {
        let namespace = stored_namespace(&names.schema, &stored.full_name().schema);
        let class = match stored {
            Stored::Table(table) => Class {
                row_type: row_type_oid(table.id),
                oid: table.id,
                name: &table.name,
                namespace,
                access_method: HEAP,
                storage: table.primary.storage,
                has_index: shown_indexes(table).next().is_some(),
                kind: if table.definition.is_some() { "m" } else { "r" },
                columns: table.columns.len(),
                checks: table.checks.len(),
                // Foreign keys are triggers of both tables in PostgreSQL.
                has_triggers: !table.foreign_keys.is_empty()
                    || !names.schema.referrers(table.id).is_empty(),
                parameters: &table.parameters,
                counted: table.statistics.as_ref().map(|found| (found.pages(), found.rows)),
            },
            Stored::Index(table, index) => Class {
                row_type: 0,
                oid: index.oid(),
                name: &index.name,
                namespace,
                access_method: BTREE,
                storage: index.storage,
                has_index: false,
                kind: "i",
                columns: index.columns.len() + index.include.len(),
                checks: 0,
                has_triggers: false,
                parameters: &index.parameters,
                counted: table.statistics.as_ref().map(|found| {
                    let rows = found.indexes.get(&index.oid()).copied().unwrap_or(found.rows);
                    let part = if found.rows > 0.0 { rows / found.rows } else { 0.0 };
                    ((f64::from(found.pages()) * part).ceil() as i32, rows)
                }),
            },
            Stored::View(view) => Class {
                row_type: row_type_oid(view.id),
                oid: view.id,
                name: &view.name,
                namespace,
                access_method: 0,
                storage: 0,
                has_index: false,
                kind: "v",
                columns: view.columns.len(),
                checks: 0,
                has_triggers: false,
                parameters: &[],
                counted: None,
            },
            Stored::Sequence(sequence) => Class {
                row_type: 0,
                oid: sequence.id,
                name: &sequence.name,
                namespace,
                access_method: 0,
                storage: sequence.id,
                has_index: false,
                kind: "S",
                columns: SEQUENCE_COLUMNS.len(),
                checks: 0,
                has_triggers: false,
                parameters: &[],
                counted: None,
            },
        };
        let mut row = class.row();
        // relispopulated
        if let Stored::Table(table) = stored
            && table.definition.is_some()
            && let Some(place) = row.get_mut(IS_POPULATED)
        {
            *place = Datum::Bool(table.is_populated);
        }
        // reloptions
        if let Stored::View(view) = stored
            && !view.options().is_empty()
            && let Some(place) = row.iter_mut().rev().nth(1)
        {
            let options = view.options().into_iter().map(Datum::Text).collect();
            *place = Array::of(Type::Text, options)?.to_datum();
        }
        rows.push(row);
    }
    for (made, composite) in composites(&names.schema) {
        let wanted = asked.names("relname");
        let has_name = wanted.is_none_or(|wanted| wanted.contains(&made.name.as_str()));
        if !has_name || !asked.wants("oid", composite.relation) {
            continue;
        }
        let class = Class {
            row_type: made.id,
            oid: composite.relation,
            name: &made.name,
            namespace: stored_namespace(&names.schema, &made.schema),
            access_method: 0,
            storage: 0,
            has_index: false,
            kind: "c",
            columns: composite.attributes.len(),
            checks: 0,
            has_triggers: false,
            parameters: &[],
            counted: None,
        };
        rows.push(class.row());
    }
    Ok(rows)
}

/// The composite types that stand by themselves, in the order of their numbers.
fn composites(schema: &Schema) -> Vec<(&TypeDescriptor, &CompositeShape)> {
    let all = schema.types().filter_map(|made| match &made.shape {
        TypeShape::Composite(composite) => Some((&**made, composite)),
        _ => None,
    });
    let mut all: Vec<_> = all.collect();
    all.sort_by_key(|(made, _)| made.id);
    all
}

/// The columns of each sequence.
const SEQUENCE_COLUMNS: &[(&str, Type)] =
    &[("last_value", Type::Int8), ("log_cnt", Type::Int8), ("is_called", Type::Bool)];

/// A line of pg_attribute.
struct Attribute<'a> {
    relation: u32,
    name: String,
    type_oid: u32,
    typmod: i32,
    number: i16,
    column: Option<&'a Column>,
}

impl Attribute<'_> {
    fn row(self) -> Row {
        let users = self.column.and_then(|column| column.user_type);
        let kind = users.or_else(|| Type::from_oid(self.type_oid)).unwrap_or(Type::Text);
        let known = facts::TYPES.iter().find(|line| line.oid(0) == self.type_oid);
        let dropped = self.column.is_some_and(|column| column.dropped);
        let identity = match self.column.and_then(|column| column.identity) {
            Some(Identity::Always) => "a",
            Some(Identity::ByDefault) => "d",
            None => "",
        };
        let generated = self.column.is_some_and(|column| column.generated.is_some());
        vec![
            oid(self.relation),
            text(self.name),
            oid(if dropped { 0 } else { self.type_oid }),
            Datum::Int32(-1),
            Datum::Int16(kind.size()),
            Datum::Int16(self.number),
            Datum::Int32(i32::from(kind.is_array())),
            Datum::Int32(-1),
            Datum::Int32(self.typmod),
            Datum::Bool(known.map_or(kind.size() == 4, |line| line.is_true(3))),
            text(known.map_or("i", |line| line.text(16))),
            text(known.map_or(if kind.size() == 4 { "p" } else { "x" }, |line| line.text(17))),
            text(""),
            Datum::Bool(!dropped && self.column.is_some_and(|column| column.not_null)),
            Datum::Bool(!dropped && self.column.is_some_and(has_default)),
            Datum::Bool(self.column.is_some_and(|column| column.missing.is_some())),
            text(if dropped { "" } else { identity }),
            text(if generated && !dropped { "s" } else { "" }),
            Datum::Bool(dropped),
            Datum::Bool(true),
            Datum::Int32(0),
            oid(facts::collation(kind)),
            Datum::Null,
            Datum::Null,
            Datum::Null,
            Datum::Null,
        ]
    }
}

/// Whether a column has a line in pg_attrdef.
fn has_default(column: &Column) -> bool {
    !column.dropped
        && column.identity.is_none()
        && (column.default.is_some() || column.generated.is_some() || column.sequence.is_some())
}

fn plain(relation: u32, position: usize, (name, kind): (&str, Type)) -> Row {
    let attribute = Attribute {
        relation,
        name: name.to_owned(),
        type_oid: kind.oid(),
        typmod: -1,
        number: position as i16 + 1,
        column: None,
    };
    attribute.row()
}

fn of_column(relation: u32, number: usize, position: usize, column: &Column) -> Row {
    let name = match column.dropped {
        true => format!("........pg.dropped.{}........", position + 1),
        false => column.name.clone(),
    };
    let attribute = Attribute {
        relation,
        name,
        type_oid: column.type_oid,
        typmod: column.typmod,
        number: number as i16,
        column: Some(column),
    };
    attribute.row()
}

/// pg_attribute.
pub fn attributes(asked: &Asked<'_>) -> Result<Vec<Row>> {
    let names = asked.names_of_schema();
    let mut rows = Vec::new();
    for relation in system_relations(asked, "attrelid", "") {
        let columns = relation.columns.iter().enumerate();
        rows.extend(columns.map(|(at, column)| plain(relation.oid, at, *column)));
    }
    for stored in stored(asked, &names, "attrelid", "") {
        match stored {
            Stored::Table(table) => {
                let columns = table.columns.iter().enumerate();
                let shown = columns.filter(|(_, column)| !column.hidden);
                rows.extend(shown.map(|(at, column)| of_column(table.id, at + 1, at, column)));
            }
            Stored::Index(table, index) => {
                let columns = index.columns.iter().chain(&index.include);
                for (number, at) in columns.enumerate() {
                    let name = match index.expression(*at) {
                        Some(expression) => Some(&expression.name),
                        None => table.columns.get(*at).map(|column| &column.name),
                    };
                    let Some(name) = name else { continue };
                    let kind = match table.columns.get(*at) {
                        Some(column) => column.declared(),
                        None => table.key_type(index, number),
                    };
                    // What is a property of the table's column is none of the index's.
                    let bare = Column::new(name.clone(), kind);
                    rows.push(of_column(index.oid(), number + 1, *at, &bare));
                }
            }
            Stored::View(view) => {
                let columns = view.columns.iter().enumerate();
                rows.extend(columns.map(|(at, column)| of_column(view.id, at + 1, at, column)));
            }
            Stored::Sequence(sequence) => {
                let columns = SEQUENCE_COLUMNS.iter().enumerate();
                rows.extend(columns.map(|(at, column)| plain(sequence.id, at, *column)));
            }
        }
    }
    for (_, composite) in composites(&names.schema) {
        if !asked.wants("attrelid", composite.relation) {
            continue;
        }
        for (at, attribute) in composite.attributes.iter().enumerate() {
            let kind = names.schema.type_of(attribute.type_oid).unwrap_or(Type::Text);
            let ty = TypeMod { kind, typmod: attribute.typmod };
            let mut column = Column::new(attribute.name.clone(), ty);
            column.dropped = attribute.dropped;
            rows.push(of_column(composite.relation, at + 1, at, &column));
        }
    }
    Ok(rows)
}

/// pg_attrdef: also the defaults of serial columns, and what generated ones are computed from.
pub fn defaults(asked: &Asked<'_>) -> Result<Vec<Row>> {
    let names = asked.names_of_schema();
    let mut rows = Vec::new();
    for table in tables(asked, "adrelid") {
        for (at, column) in table.visible().filter(|(_, column)| has_default(column)) {
            let shown = super::definitions::default(&table, column, &names);
            rows.push(vec![
                oid(default_oid(&table, at)),
                oid(table.id),
                Datum::Int16(at as i16 + 1),
                shown.map_or(Datum::Null, text),
            ]);
        }
    }
    Ok(rows)
}

fn index_row(table: &Table, index: &Index) -> Row {
    let number = |value: usize| Datum::Int16(value as i16);
    let all = || index.columns.iter().chain(&index.include);
    let kind = |at: usize| table.key_type(index, at).kind;
    let keys = all().map(|at| number(if *at < FIRST_EXPRESSION { *at + 1 } else { 0 })).collect();
    let key_columns = || 0..index.columns.len();
    let collations = key_columns().map(|at| {
        let named = index.options.get(at).and_then(|options| options.collation.as_deref());
        oid(match named {
            Some("C") => C_COLLATION,
            Some("POSIX") => POSIX_COLLATION,
            _ => facts::collation(kind(at)),
        })
    });
    let collations = collations.collect();
    let classes = key_columns().map(|at| {
        let named = index.options.get(at).and_then(|options| options.class.as_deref());
        let named = named.and_then(facts::named_operator_class).map(|(oid, _)| oid);
        oid(named.unwrap_or_else(|| facts::operator_class(kind(at))))
    });
    let classes = classes.collect();
    let options = key_columns().map(|at| {
        let order = index.order(at);
        Datum::Int16(i16::from(order.descending) | i16::from(order.nulls_first) << 1)
    });
    let options = options.collect();
    let shown = |sql: &str, kind| definitions::expression(sql, Some(table), kind, false);
    let texts: Vec<String> = index.expressions.iter().map(|e| shown(&e.sql, None)).collect();
    let expressions = match texts.is_empty() {
        true => Datum::Null,
        false => text(texts.join(", ")),
    };
    let is_primary = table.primary_key().is_some_and(|key| key.storage == index.storage);
    vec![
        oid(index.oid()),
        oid(table.id),
        number(all().count()),
        number(index.columns.len()),
        Datum::Bool(index.claims_unique()),
        Datum::Bool(index.nulls_not_distinct),
        Datum::Bool(is_primary),
        Datum::Bool(false),
        Datum::Bool(index.deferral.is_none()),
        Datum::Bool(false),
        Datum::Bool(index.is_public()),
        Datum::Bool(false),
        Datum::Bool(true),
        Datum::Bool(true),
        Datum::Bool(false),
        vector(Type::Int2, keys),
        vector(Type::Oid, collations),
        vector(Type::Oid, classes),
        vector(Type::Int2, options),
        expressions,
        index.predicate.as_deref().map_or(Datum::Null, |sql| text(shown(sql, Some(Type::Bool)))),
    ]
}

/// pg_index.
pub fn indexes(asked: &Asked<'_>) -> Result<Vec<Row>> {
    if let Some(oids) = asked.oids("indexrelid") {
        let names = asked.names_of_schema();
        let found = oids.into_iter().filter_map(|oid| match names.by_oid(oid)? {
            Stored::Index(table, index) => Some(index_row(table, index)),
            _ => None,
        });
        return Ok(found.collect());
    }
    let mut rows = Vec::new();
    for table in tables(asked, "indrelid") {
        rows.extend(shown_indexes(&table).map(|index| index_row(&table, index)));
    }
    Ok(rows)
}

fn sequences_asked(asked: &Asked<'_>, column: &str) -> Vec<Arc<Sequence>> {
    let schema = &asked.system.schema;
    if let Some(oids) = asked.oids(column) {
        return oids.into_iter().filter_map(|oid| schema.sequence_by_id(oid).cloned()).collect();
    }
    let mut all: Vec<Arc<Sequence>> = schema.sequences().cloned().collect();
    all.sort_by_key(|sequence| sequence.id);
    all
}

/// pg_sequence.
pub fn sequences(asked: &Asked<'_>) -> Result<Vec<Row>> {
    let rows = sequences_asked(asked, "seqrelid").into_iter().map(|sequence| {
        vec![
            oid(sequence.id),
            oid(sequence.type_oid),
            Datum::Int64(sequence.start),
            Datum::Int64(sequence.increment),
            Datum::Int64(sequence.max),
            Datum::Int64(sequence.min),
            Datum::Int64(sequence.cache),
            Datum::Bool(sequence.cycle),
        ]
    });
    Ok(rows.collect())
}

/// pg_description: what COMMENT ON has left.
pub fn descriptions(asked: &Asked<'_>) -> Result<Vec<Row>> {
    use class_oid::{PG_CLASS, PG_CONSTRAINT};
    let mut rows = Vec::new();
    let mut add = |object: u32, class: u32, part: i32, comment: &Option<String>| {
        if let Some(comment) = comment {
            rows.push(vec![oid(object), oid(class), Datum::Int32(part), text(comment.as_str())]);
        }
    };
    add(PUBLIC_NAMESPACE, class_oid::PG_NAMESPACE, 0, &Some("standard public schema".into()));
    let schema = &asked.system.schema;
    for table in tables_with(asked, "objoid") {
        add(table.id, PG_CLASS, 0, &table.comment);
        for (at, column) in table.visible() {
            add(table.id, PG_CLASS, at as i32 + 1, &column.comment);
        }
        for index in shown_indexes(&table) {
            add(index.oid(), PG_CLASS, 0, &index.comment);
            add(index.oid(), PG_CONSTRAINT, 0, &index.constraint_comment);
        }
        for check in &table.checks {
            add(check.id, PG_CONSTRAINT, 0, &check.comment);
        }
        for key in &table.foreign_keys {
            add(key.id, PG_CONSTRAINT, 0, &key.comment);
        }
    }
    for view in schema.views() {
        add(view.id, PG_CLASS, 0, &view.comment);
    }
    for sequence in schema.sequences() {
        add(sequence.id, PG_CLASS, 0, &sequence.comment);
    }
    for made in schema.types() {
        add(made.id, class_oid::PG_TYPE, 0, &made.comment);
        if let TypeShape::Domain(domain) = &made.shape {
            for check in &domain.checks {
                add(check.id, PG_CONSTRAINT, 0, &check.comment);
            }
        }
    }
    Ok(rows)
}

/// The column that a sequence belongs to.
pub fn owner<'s>(schema: &'s Schema, sequence: &Sequence) -> Option<(&'s Arc<Table>, usize)> {
    let table = schema.table_by_id(sequence.owner?)?;
    let uses = |column: &Column| column.sequence == Some(sequence.id);
    let at = sequence.column.or_else(|| table.columns.iter().position(uses))?;
    Some((table, at))
}

/// pg_depend: which columns sequences, defaults and constraints belong to.
pub fn dependencies(asked: &Asked<'_>) -> Result<Vec<Row>> {
    use class_oid::{PG_ATTRDEF, PG_CLASS, PG_CONSTRAINT};
    let schema = &asked.system.schema;
    let mut rows: Vec<Row> = Vec::new();
    let mut add = |from: (u32, u32), to: (u32, u32, i32), kind: &str| {
        rows.push(vec![
            oid(from.0),
            oid(from.1),
            Datum::Int32(0),
            oid(to.0),
            oid(to.1),
            Datum::Int32(to.2),
            text(kind),
        ]);
    };
    for table in schema.tables() {
        for (at, column) in table.visible() {
            let place = (PG_CLASS, table.id, at as i32 + 1);
            if has_default(column) {
                add((PG_ATTRDEF, default_oid(table, at)), place, "a");
            }
            let from = (PG_ATTRDEF, default_oid(table, at));
            if let Some(sequence) = column.sequence.filter(|_| column.identity.is_none()) {
                add(from, (PG_CLASS, sequence, 0), "n");
            }
            let named = column.default.as_deref().map_or(Ok(Vec::new()), stored::sequences)?;
            for name in named {
                let mut parts = split_name(&name)?;
                let name = parts.pop().unwrap_or_default();
                let namespace = parts.pop().unwrap_or_else(|| super::PUBLIC_SCHEMA.into());
                if let Some(sequence) = schema.sequence(&RelationName::new(namespace, name)) {
                    add(from, (PG_CLASS, sequence.id, 0), "n");
                }
            }
        }
        for index in shown_indexes(table) {
            let from = (PG_CLASS, index.oid());
            let mut columns = index.key_columns(table);
            columns.sort_unstable();
            columns.dedup();
            let columns = columns.into_iter().map(|at| (PG_CLASS, table.id, at as i32 + 1));
            if index.constraint {
                add(from, (PG_CONSTRAINT, index.oid(), 0), "i");
                columns.for_each(|to| add((PG_CONSTRAINT, index.oid()), to, "a"));
            } else {
                columns.for_each(|to| add(from, to, "a"));
            }
        }
        for key in &table.foreign_keys {
            let from = (PG_CONSTRAINT, key.id);
            key.columns.iter().for_each(|at| add(from, (PG_CLASS, table.id, *at as i32 + 1), "a"));
            let referred = key.referred.iter();
            referred.for_each(|at| add(from, (PG_CLASS, key.table, *at as i32 + 1), "n"));
        }
        for check in &table.checks {
            add((PG_CONSTRAINT, check.id), (PG_CLASS, table.id, 0), "a");
        }
    }
    rewrite::dependencies(schema, &mut add);
    for sequence in schema.sequences() {
        let Some((table, at)) = owner(schema, sequence) else { continue };
        let column = table.columns.get(at);
        let is_identity = column.is_some_and(|column| column.identity.is_some());
        let place = (PG_CLASS, table.id, at as i32 + 1);
        add((PG_CLASS, sequence.id), place, if is_identity { "i" } else { "a" });
    }
    Ok(rows)
}
