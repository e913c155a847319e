//! DROP of tables, views, sequences, schemas and indexes, and what depends on what is dropped.

use std::sync::Arc;

use cairn_txn::LockMode;
use datafusion::sql::sqlparser::ast;

use super::super::Session;
use super::super::naming::undefined_schema;
use super::super::settings::Severity;
use super::undefined_table;
use crate::binder::name_parts;
use crate::catalog::names::{Named, RelationName};
use crate::catalog::{Column, Index, Sequence, Table};
use crate::error::{Error, Result, SqlState};
use crate::parser::definition::RelationKind;
use crate::parser::stored;

/// Something that cannot be without what is dropped.
pub(super) struct Dependent {
    /// As messages call it; empty: they do not, as it belongs to something that goes, too.
    pub what: String,
    /// What of that it needs.
    pub on: String,
    /// A foreign key: its table's number and its name.
    pub key: Option<(u32, String)>,
    /// What else it is.
    pub object: Option<Object>,
}

/// Something that can be dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Object {
    Table(u32),
    View(u32),
    Sequence(u32),
    Routine(u32),
    /// The default of a column.
    Default(u32, usize),
    /// A column of a table.
    Column(u32, usize),
    /// A type that a user made.
    Type(u32),
    /// A field of a composite type.
    Field(u32, usize),
}

impl RelationKind {
    /// Several of them, as messages call them.
    pub(super) fn plural(self) -> &'static str {
        match self {
            RelationKind::Table => "tables",
            RelationKind::View => "views",
            RelationKind::MaterializedView => "materialized views",
            RelationKind::Sequence => "sequences",
            RelationKind::Index => "indexes",
        }
    }

    /// The hint for one who took it for something else.
    fn hint(self) -> String {
        let name = self.name();
        let article = if self == RelationKind::Index { "an" } else { "a" };
        format!("Use DROP {} to remove {article} {name}.", name.to_uppercase())
    }
}

impl Session {
    /// The foreign keys that stand on an index of a table. `on` is what they depend on then.
    pub(super) fn dependents_of_index(
        &self,
        table: &Table,
        index: &Index,
        on: &str,
        dependents: &mut Vec<Dependent>,
    ) {
        let schema = self.schema();
        let own = table.foreign_keys.iter().filter(|key| key.table == table.id);
        let own = own.map(|key| (table, key));
        let others = schema.referrers(table.id).into_iter();
        let others = others.filter(|(child, _)| child.id != table.id);
        let others = others.map(|(child, key)| (&**child, key));
        for (child, key) in own.chain(others).filter(|(_, key)| key.index == index.name) {
            dependents.push(Dependent {
                what: format!("constraint {} on table {}", key.name, child.name),
                on: on.to_owned(),
                key: Some((child.id, key.name.clone())),
                object: None,
            });
        }
    }

    /// What a name stands for.
    pub(super) fn kind_of(&self, named: Named) -> RelationKind {
        match named {
            Named::Table(id) => match self.schema().table_by_id(id) {
                Some(table) if table.definition.is_some() => RelationKind::MaterializedView,
                _ => RelationKind::Table,
            },
            Named::View(_) => RelationKind::View,
            Named::Sequence(_) => RelationKind::Sequence,
            Named::Index(_) => RelationKind::Index,
        }
    }

    /// A relation as messages name it: with its schema where its name alone does not find it.
    pub(super) fn describe(&self, kind: RelationKind, name: &RelationName) -> String {
        let in_sight = self.schema().is_in_sight(&self.path(), name);
        match in_sight {
            true => format!("{} {name}", kind.name()),
            false => format!("{} {}.{name}", kind.name(), name.schema),
        }
    }

    /// The views that need a relation or one of its columns, and what needs those in turn.
    pub(super) fn dependent_views(
        &self,
        relation: u32,
        column: Option<usize>,
        on: &str,
        gone: &mut Vec<Object>,
        dependents: &mut Vec<Dependent>,
    ) {
        for view in self.schema().views_on(relation, column) {
            let object = Object::View(view.id);
            if gone.contains(&object) {
                continue;
            }
            gone.push(object.clone());
            let what = self.describe(RelationKind::View, &view.full_name());
            let on = on.to_owned();
            dependents.push(Dependent { what: what.clone(), on, key: None, object: Some(object) });
            self.dependent_views(view.id, None, &what, gone, dependents);
        }
        for routine in self.schema().routines_on(relation) {
            let object = Object::Routine(routine.id);
            if column.is_some() || gone.contains(&object) {
                continue;
            }
            gone.push(object.clone());
            let what = format!("function {}", routine.signature());
            let on = on.to_owned();
            dependents.push(Dependent { what: what.clone(), on, key: None, object: Some(object) });
            self.dependent_views(routine.id, None, &what, gone, dependents);
        }
        for table in self.schema().materialized_on(relation, column) {
            let object = Object::Table(table.id);
            if gone.contains(&object) {
                continue;
            }
            gone.push(object.clone());
            let what = self.describe(RelationKind::MaterializedView, &table.full_name());
            let on = on.to_owned();
            dependents.push(Dependent { what: what.clone(), on, key: None, object: Some(object) });
            self.dependent_views(table.id, None, &what, gone, dependents);
        }
    }

    /// What cannot be without an object, besides what is gone anyway.
    fn dependents_of(
        &self,
        object: &Object,
        gone: &mut Vec<Object>,
        dependents: &mut Vec<Dependent>,
    ) -> Result<()> {
        let schema = self.schema();
        match object {
            Object::Table(id) => {
                let Some(table) = schema.table_by_id(*id) else { return Ok(()) };
                let on = self.describe(self.kind_of(Named::Table(*id)), &table.full_name());
                for (child, key) in schema.referrers(*id) {
                    if gone.contains(&Object::Table(child.id)) {
                        continue;
                    }
                    let child_name = self.describe(RelationKind::Table, &child.full_name());
                    dependents.push(Dependent {
                        what: format!("constraint {} on {child_name}", key.name),
                        on: on.clone(),
                        key: Some((child.id, key.name.clone())),
                        object: None,
                    });
                }
                self.dependent_views(*id, None, &on, gone, dependents);
                self.dependents_of_rows(*id, gone, dependents);
                let mut owned: Vec<_> =
                    schema.sequences().filter(|s| s.owner == Some(*id)).cloned().collect();
                owned.sort_by_key(|sequence| sequence.id);
                for sequence in owned {
                    self.dependents_of(&Object::Sequence(sequence.id), gone, dependents)?;
                }
            }
            Object::View(id) => {
                let Some(view) = schema.view_by_id(*id) else { return Ok(()) };
                let on = self.describe(RelationKind::View, &view.full_name());
                self.dependent_views(*id, None, &on, gone, dependents);
                self.dependents_of_rows(*id, gone, dependents);
            }
            Object::Sequence(id) => {
                let Some(sequence) = schema.sequence_by_id(*id) else { return Ok(()) };
                let on = self.describe(RelationKind::Sequence, &sequence.full_name());
                let mut tables: Vec<_> = schema.tables().cloned().collect();
                tables.sort_by_key(|table| table.id);
                for table in tables {
                    if gone.contains(&Object::Table(table.id)) {
                        continue;
                    }
                    let table_name = self.describe(RelationKind::Table, &table.full_name());
                    for (position, column) in table.visible() {
                        if column.identity.is_some() || !uses_sequence(column, sequence)? {
                            continue;
                        }
                        dependents.push(Dependent {
                            what: format!(
                                "default value for column {} of {table_name}",
                                column.name
                            ),
                            on: on.clone(),
                            key: None,
                            object: Some(Object::Default(table.id, position)),
                        });
                    }
                }
                self.dependent_views(*id, None, &on, gone, dependents);
            }
            Object::Routine(id) => {
                if let Some(routine) = schema.routines().find(|routine| routine.id == *id) {
                    let on = format!("function {}", routine.signature());
                    self.dependent_views(*id, None, &on, gone, dependents);
                }
            }
            Object::Type(id) => self.dependents_of_type(*id, gone, dependents),
            Object::Default(..) | Object::Column(..) | Object::Field(..) => {}
        }
        Ok(())
    }

    /// Refuses to drop something that others depend on, unless they are to go with it.
    pub(super) fn cascade(
        &mut self,
        object: &str,
        dependents: &[Dependent],
        cascade: bool,
    ) -> Result<()> {
        self.cascade_as(
            &format!("cannot drop {object} because other objects depend on it"),
            dependents,
            cascade,
        )
    }

    fn cascade_as(&mut self, refusal: &str, dependents: &[Dependent], cascade: bool) -> Result<()> {
        let dependents: Vec<&Dependent> =
            dependents.iter().filter(|d| !d.what.is_empty()).collect();
        if dependents.is_empty() {
            return Ok(());
        }
        if !cascade {
            let lines = dependents.iter().map(|d| format!("{} depends on {}", d.what, d.on));
            return Err(Error::new(SqlState::DependentObjectsStillExist, refusal)
                .detail(lines.collect::<Vec<_>>().join("\n"))
                .hint("Use DROP ... CASCADE to drop the dependent objects too."));
        }
        match dependents.as_slice() {
            [only] => self.skip(format!("drop cascades to {}", only.what)),
            many => {
                let lines = many.iter().map(|d| format!("drop cascades to {}", d.what));
                let detail = lines.collect::<Vec<_>>().join("\n");
                let message = format!("drop cascades to {} other objects", many.len());
                let notice = Error::new(SqlState::SuccessfulCompletion, message).detail(detail);
                self.tell(Severity::Notice, notice);
            }
        }
        Ok(())
    }

    /// Drops foreign keys that depended on something; those of `table`, which is being changed, in
    /// its new descriptor.
    pub(super) async fn drop_dependents(
        &mut self,
        mut table: Option<&mut Table>,
        dependents: &[Dependent],
    ) -> Result<()> {
        for (id, name) in dependents.iter().filter_map(|dependent| dependent.key.as_ref()) {
            if let Some(table) = table.as_deref_mut().filter(|table| table.id == *id) {
                table.foreign_keys.retain(|key| key.name != *name);
                continue;
            }
            let Some(child) = self.schema().table_by_id(*id).cloned() else { continue };
            self.lock_table(&child, LockMode::AccessExclusive).await?;
            let mut changed = (*child).clone();
            changed.foreign_keys.retain(|key| key.name != *name);
            self.draft(|draft| draft.put_table(changed))?;
        }
        for object in dependents.iter().filter_map(|dependent| dependent.object.as_ref()) {
            self.drop_object(object).await?;
        }
        Ok(())
    }

    /// Drops an object by itself.
    async fn drop_object(&mut self, object: &Object) -> Result<()> {
        let schema = self.schema();
        match object {
            Object::View(id) => self.draft(|draft| draft.drop_view(*id)),
            Object::Routine(id) => self.draft(|draft| draft.drop_routine(*id)),
            Object::Table(id) => match schema.table_by_id(*id) {
                Some(table) => self.draft(|draft| draft.drop_table(table)),
                None => Ok(()),
            },
            Object::Sequence(id) => match schema.sequence_by_id(*id) {
                Some(sequence) => self.draft(|draft| draft.drop_sequence(sequence)),
                None => Ok(()),
            },
            Object::Default(table, position) => {
                let Some(table) = schema.table_by_id(*table) else { return Ok(()) };
                self.lock_table(table, LockMode::AccessExclusive).await?;
                let mut changed = (**table).clone();
                if let Some(column) = changed.columns.get_mut(*position) {
                    (column.default, column.sequence) = (None, None);
                }
                self.draft(|draft| draft.put_table(changed))
            }
            Object::Column(table, position) => match schema.table_by_id(*table) {
                Some(table) => self.drop_column_of(table, *position).await,
                None => Ok(()),
            },
            Object::Type(id) => self.draft(|draft| draft.drop_type(*id)),
            Object::Field(id, position) => self.drop_field(*id, *position),
        }
    }

    /// DROP TABLE, DROP VIEW and DROP SEQUENCE.
    pub(super) async fn drop_relations(
        &mut self,
        kind: RelationKind,
        names: &[ast::ObjectName],
        if_exists: bool,
        cascade: bool,
    ) -> Result<()> {
        self.lock_catalog().await?;
        let mut objects: Vec<Object> = Vec::new();
        for name in names {
            let wanted = match self.named(name) {
                Ok(wanted) => wanted,
                Err(Error::Report(report))
                    if if_exists && report.state == SqlState::InvalidSchemaName =>
                {
                    self.skip(format!("{}, skipping", report.message));
                    continue;
                }
                Err(error) => return Err(error),
            };
            let object = match self.schema().named(&wanted) {
                Some(found) if self.kind_of(found) != kind => {
                    let message = format!("\"{wanted}\" is not a {}", kind.name());
                    return Err(Error::new(SqlState::WrongObjectType, message)
                        .hint(self.kind_of(found).hint()));
                }
                Some(Named::Table(id)) => Object::Table(id),
                Some(Named::View(id)) => Object::View(id),
                Some(Named::Sequence(id)) => Object::Sequence(id),
                _ if if_exists => {
                    let kind = kind.name();
                    self.skip(format!("{kind} \"{wanted}\" does not exist, skipping"));
                    continue;
                }
                _ => return Err(undefined_table(kind.name(), &wanted)),
            };
            if !objects.contains(&object) {
                objects.push(object);
            }
        }
        self.drop_objects(objects, None, cascade).await
    }

    /// Drops objects together; those of a schema that is dropped as dependents of that.
    pub(super) async fn drop_objects(
        &mut self,
        objects: Vec<Object>,
        schema_name: Option<&str>,
        cascade: bool,
    ) -> Result<()> {
        for object in &objects {
            if let Object::Sequence(id) = object {
                self.check_not_identity(*id, &objects)?;
            }
        }
        let mut gone = objects.clone();
        let mut dependents = Vec::new();
        for object in &objects {
            if let Some(schema_name) = schema_name {
                dependents.push(Dependent {
                    what: self.describe_object(object),
                    on: format!("schema {schema_name}"),
                    key: None,
                    object: None,
                });
            }
            self.dependents_of(object, &mut gone, &mut dependents)?;
        }
        for object in &gone {
            let schema = self.schema();
            let (Object::Table(id) | Object::Column(id, _)) = object else { continue };
            let Some(table) = schema.table_by_id(*id) else { continue };
            self.lock_table(table, LockMode::AccessExclusive).await?;
        }
        let refusal = match (schema_name, objects.as_slice()) {
            (Some(name), _) => {
                format!("cannot drop schema {name} because other objects depend on it")
            }
            (None, [object]) => {
                let what = self.describe_object(object);
                format!("cannot drop {what} because other objects depend on it")
            }
            _ => "cannot drop desired object(s) because other objects depend on them".to_owned(),
        };
        self.cascade_as(&refusal, &dependents, cascade)?;
        for object in &objects {
            let schema = self.schema();
            let Object::Table(id) = object else { continue };
            let Some(table) = schema.table_by_id(*id) else { continue };
            self.check_not_pending(table, "DROP TABLE")?;
        }
        self.drop_dependents(None, &dependents).await?;
        for object in &objects {
            self.drop_object(object).await?;
        }
        Ok(())
    }

    fn describe_object(&self, object: &Object) -> String {
        let schema = self.schema();
        if let Object::Routine(id) = object {
            let routine = schema.routines().find(|routine| routine.id == *id);
            let signature = routine.map(|routine| routine.signature()).unwrap_or_default();
            return format!("function {signature}");
        }
        let found = match object {
            Object::Type(id) | Object::Field(id, _) => return self.describe_type(*id),
            Object::Table(id) | Object::Default(id, _) | Object::Column(id, _) => {
                schema.table_by_id(*id).map(|t| (self.kind_of(Named::Table(*id)), t.full_name()))
            }
            Object::View(id) => schema.view_by_id(*id).map(|v| (RelationKind::View, v.full_name())),
            Object::Sequence(id) => {
                schema.sequence_by_id(*id).map(|s| (RelationKind::Sequence, s.full_name()))
            }
            Object::Routine(_) => None,
        };
        found.map_or_else(String::new, |(kind, name)| self.describe(kind, &name))
    }

    /// Refuses to drop the sequence of an identity column without the column.
    fn check_not_identity(&self, id: u32, objects: &[Object]) -> Result<()> {
        let schema = self.schema();
        let Some(sequence) = schema.sequence_by_id(id) else { return Ok(()) };
        for table in schema.tables().filter(|t| !objects.contains(&Object::Table(t.id))) {
            let mut columns = table.columns.iter();
            let column = columns.find(|c| c.identity.is_some() && c.sequence == Some(id));
            let Some(column) = column else { continue };
            let sequence = self.describe(RelationKind::Sequence, &sequence.full_name());
            let table = self.describe(RelationKind::Table, &table.full_name());
            let column = format!("column {} of {table}", column.name);
            return Err(Error::new(
                SqlState::DependentObjectsStillExist,
                format!("cannot drop {sequence} because {column} requires it"),
            )
            .hint(format!("You can drop {column} instead.")));
        }
        Ok(())
    }

    /// DROP SCHEMA.
    pub(super) async fn drop_schemas(
        &mut self,
        names: &[ast::ObjectName],
        if_exists: bool,
        cascade: bool,
    ) -> Result<()> {
        self.lock_catalog().await?;
        for name in names {
            let wanted = name_parts(name).pop().unwrap_or_default();
            let Some(namespace) = self.schema().namespace(&wanted).cloned() else {
                if self.schema().has_namespace(&wanted) {
                    return Err(Error::unsupported(format!("DROP SCHEMA {wanted}")));
                }
                if if_exists {
                    self.skip(format!("schema \"{wanted}\" does not exist, skipping"));
                    continue;
                }
                return Err(undefined_schema(&wanted));
            };
            let objects = self.objects_in(&wanted);
            self.drop_objects(objects, Some(&wanted), cascade).await?;
            self.draft(|draft| draft.drop_namespace(&namespace))?;
        }
        Ok(())
    }

    /// What is in a schema, but for sequences that go with their tables.
    fn objects_in(&self, name: &str) -> Vec<Object> {
        let schema = self.schema();
        let relations = schema.relations_in(name).into_iter();
        let objects = relations.filter_map(|(_, what)| match what {
            Named::Table(id) => Some(Object::Table(id)),
            Named::View(id) => Some(Object::View(id)),
            Named::Sequence(id) => {
                let owner = schema.sequence_by_id(id).and_then(|sequence| sequence.owner);
                owner.is_none().then_some(Object::Sequence(id))
            }
            Named::Index(_) => None,
        });
        let routines = schema.routines().filter(|routine| routine.schema == name);
        let mut routines: Vec<u32> = routines.map(|routine| routine.id).collect();
        routines.sort_unstable();
        let objects = objects.chain(routines.into_iter().map(Object::Routine));
        objects.chain(schema.types_in(name).into_iter().map(Object::Type)).collect()
    }

    /// ON COMMIT DROP.
    pub(in super::super) async fn drop_at_commit(&mut self, table: &Table) -> Result<()> {
        self.lock_catalog().await?;
        let mut gone = vec![Object::Table(table.id)];
        let mut dependents = Vec::new();
        self.dependents_of(&Object::Table(table.id), &mut gone, &mut dependents)?;
        self.drop_dependents(None, &dependents).await?;
        self.drop_object(&Object::Table(table.id)).await
    }

    /// Drops all that is in a session's temporary schema, with what needs it. Nobody else does.
    pub(in super::super) async fn drop_temporary(&mut self, schema: &str) -> Result<()> {
        self.lock_catalog().await?;
        for object in self.objects_in(schema) {
            self.drop_object(&object).await?;
        }
        Ok(())
    }

    /// An index that may be dropped by itself, with its table; `None` if there is none and that will do.
    pub(in super::super) fn droppable_index(
        &mut self,
        name: &ast::ObjectName,
        if_exists: bool,
    ) -> Result<Option<(Arc<Table>, Index)>> {
        let wanted = self.named(name)?;
        let schema = self.schema();
        let Some((table, index)) = schema.index(&wanted) else {
            if schema.is_taken(&wanted) {
                return Err(Error::new(
                    SqlState::WrongObjectType,
                    format!("\"{wanted}\" is not an index"),
                )
                .hint(
                    schema
                        .named(&wanted)
                        .map_or_else(String::new, |found| self.kind_of(found).hint()),
                ));
            }
            if if_exists {
                self.skip(format!("index \"{wanted}\" does not exist, skipping"));
                return Ok(None);
            }
            return Err(Error::new(
                SqlState::UndefinedObject,
                format!("index \"{wanted}\" does not exist"),
            ));
        };
        if index.constraint {
            return Err(Error::new(
                SqlState::DependentObjectsStillExist,
                format!(
                    "cannot drop index {wanted} because constraint {wanted} on table {} requires it",
                    table.name
                ),
            )
            .hint(format!("You can drop constraint {wanted} on table {} instead.", table.name)));
        }
        Ok(Some((table.clone(), index.clone())))
    }

    pub(super) async fn drop_index(
        &mut self,
        name: &ast::ObjectName,
        if_exists: bool,
        cascade: bool,
    ) -> Result<()> {
        self.lock_catalog().await?;
        let Some((table, index)) = self.droppable_index(name, if_exists)? else { return Ok(()) };
        let (table, index) = (&table, &index);
        let wanted = self.named(name)?;
        self.lock_table(table, LockMode::AccessExclusive).await?;
        self.check_not_pending(table, "DROP INDEX")?;
        let object = format!("index {wanted}");
        let mut dependents = Vec::new();
        self.dependents_of_index(table, index, &object, &mut dependents);
        self.cascade(&object, &dependents, cascade)?;
        let mut changed = (**table).clone();
        self.drop_dependents(Some(&mut changed), &dependents).await?;
        let storage = index.storage;
        self.draft(|draft| {
            changed.indexes.retain(|other| other.storage != storage);
            draft.discard_storage(storage)?;
            draft.put_table(changed)
        })
    }
}

/// Whether the default of a column takes its values from a sequence.
fn uses_sequence(column: &Column, sequence: &Sequence) -> Result<bool> {
    if column.sequence == Some(sequence.id) {
        return Ok(true);
    }
    match &column.default {
        Some(sql) => {
            let full = format!("{}.{}", sequence.schema, sequence.name);
            for name in [&sequence.name, &full] {
                let other = format!("{name}_");
                let same = stored::rename_sequence(sql, name, name)?;
                if stored::rename_sequence(sql, name, &other)? != same {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        None => Ok(false),
    }
}
