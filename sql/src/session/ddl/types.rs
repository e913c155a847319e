//! CREATE, ALTER and DROP TYPE.

use std::sync::Arc;

use datafusion::sql::sqlparser::ast::{Ident, ObjectName};

use super::super::Session;
use super::super::constraints::truncate_name;
use super::super::naming::undefined_schema;
use super::super::settings::Severity;
use super::drop::{Dependent, Object};
use super::duplicate_relation;
use crate::binder::{fold, relation_name};
use crate::catalog::constraint::MAX_NAME_BYTES;
use crate::catalog::names::{RelationName, is_temporary};
use crate::catalog::types::{
    EnumLabel, MAX_LABELS, TypeDescriptor, TypeShape, first_key, key_between, row_array_oid,
    row_type_oid,
};
use crate::catalog::{Schema, Table};
use crate::error::{Error, Result, SqlState};
use crate::parser::definition::RelationKind;
use crate::parser::definition::types::{
    AddValue, AlterType, CreateType, DropTypes, NewShape, TypeAction,
};
use crate::types::{Type, TypeMod};

/// The error of a type that is not there.
fn undefined_type(name: &str) -> Error {
    Error::new(SqlState::UndefinedObject, format!("type \"{name}\" does not exist"))
}

fn not_an_enum(name: &str) -> Error {
    Error::new(SqlState::WrongObjectType, format!("{name} is not an enum"))
}

fn duplicate_type(name: &str) -> Error {
    Error::new(SqlState::DuplicateObject, format!("type \"{name}\" already exists"))
}

fn no_such_label(label: &str) -> Error {
    let message = format!("\"{label}\" is not an existing enum label");
    Error::new(SqlState::InvalidParameterValue, message)
}

fn label_exists(label: &str) -> Error {
    Error::new(SqlState::DuplicateObject, format!("enum label \"{label}\" already exists"))
}

fn check_label(label: &str) -> Result<()> {
    match label.len() <= MAX_NAME_BYTES {
        true => Ok(()),
        false => Err(Error::new(SqlState::InvalidName, format!("invalid enum label \"{label}\""))
            .detail(format!("Labels must be {MAX_NAME_BYTES} bytes or less."))),
    }
}

/// A free name for the type of arrays of a type.
fn array_name(schema: &Schema, name: &RelationName) -> String {
    let mut number = 0;
    loop {
        let suffix = if number == 0 { String::new() } else { format!("_{number}") };
        let mut base = name.name.as_str();
        while 1 + base.len() + suffix.len() > MAX_NAME_BYTES {
            let last = base.char_indices().next_back().map_or(0, |(at, _)| at);
            base = base.get(..last).unwrap_or_default();
        }
        let array = format!("_{base}{suffix}");
        if schema.type_named(&name.beside(array.as_str())).is_none() {
            return array;
        }
        number += 1;
    }
}

/// The values of a new enum.
fn labels_of(schema: &Schema, type_id: u32, labels: &[String]) -> Result<Vec<EnumLabel>> {
    if labels.len() > MAX_LABELS {
        let message = format!("an enum can have at most {MAX_LABELS} values");
        return Err(Error::new(SqlState::ProgramLimitExceeded, message));
    }
    let mut made: Vec<EnumLabel> = Vec::with_capacity(labels.len());
    for (place, name) in labels.iter().enumerate() {
        check_label(name)?;
        if made.iter().any(|label| label.name == *name) {
            return Err(Error::new(
                SqlState::UniqueViolation,
                "duplicate key value violates unique constraint \"pg_enum_typid_label_index\"",
            )
            .detail(format!("Key (enumtypid, enumlabel)=({type_id}, {name}) already exists.")));
        }
        made.push(EnumLabel {
            id: schema.allocate_id(),
            name: name.clone(),
            key: first_key(place),
            order: place as f32 + 1.0,
            is_pending: false,
        });
    }
    Ok(made)
}

/// Adds a value to those of an enum, so that those that are there keep their order.
fn add_label(schema: &Schema, labels: &mut Vec<EnumLabel>, add: &AddValue) -> Result<()> {
    if labels.len() >= MAX_LABELS {
        let message = format!("an enum can have at most {MAX_LABELS} values");
        return Err(Error::new(SqlState::ProgramLimitExceeded, message));
    }
    let at = match &add.beside {
        None => labels.len(),
        Some((after, beside)) => {
            let place = labels.iter().position(|label| label.name == *beside);
            place.ok_or_else(|| no_such_label(beside))? + usize::from(*after)
        }
    };
    let order = loop {
        let before = at.checked_sub(1).and_then(|at| labels.get(at)).map(|label| label.order);
        let after = labels.get(at).map(|label| label.order);
        let order = match (before, after) {
            (Some(before), Some(after)) => (before + after) / 2.0,
            (Some(before), None) => before + 1.0,
            (None, Some(after)) => after - 1.0,
            (None, None) => 1.0,
        };
        if Some(order) != before && Some(order) != after {
            break order;
        }
        // There is no number between these: all are counted anew.
        for (place, label) in labels.iter_mut().enumerate() {
            label.order = place as f32 + 1.0;
        }
    };
    let key = |at: usize| labels.get(at).map(|label| label.key.as_slice());
    let key = key_between(at.checked_sub(1).and_then(key), key(at));
    let id = schema.allocate_id();
    labels.insert(at, EnumLabel { id, name: add.label.clone(), key, order, is_pending: true });
    Ok(())
}

impl Session {
    /// The name of a type that is to be made.
    pub(super) fn new_type_name(&mut self, name: &ObjectName) -> Result<RelationName> {
        let name = self.new_name(name, false)?;
        let schema = self.schema();
        // The type of arrays of another one makes way.
        let taken = schema.type_named(&name);
        let owner = schema.types().find(|made| Some(made.array_id) == taken).cloned();
        if let Some(owner) = owner {
            let array_name = array_name(&schema, &owner.full_name());
            let changed = TypeDescriptor { array_name, ..(*owner).clone() };
            self.draft(|draft| draft.put_type(changed))?;
        }
        let schema = self.schema();
        match schema.type_named(&name).is_some() || schema.has_row_type(&name) {
            true => Err(duplicate_type(&name)),
            false => Ok(name),
        }
    }

    pub(super) async fn create_type(&mut self, create: &CreateType, sql: &str) -> Result<()> {
        self.lock_catalog().await?;
        let name = self.new_type_name(&create.name)?;
        let schema = self.schema();
        let id = schema.allocate_id();
        let shape = match &create.shape {
            NewShape::Enum(labels) => TypeShape::Enum(labels_of(&schema, id, labels)?),
            NewShape::Composite(fields) => {
                if schema.is_taken(&name) {
                    return Err(duplicate_relation(&name));
                }
                TypeShape::Composite(self.composite_of(&schema, fields, sql)?)
            }
        };
        self.add_type(id, name, shape)
    }

    /// Adds a type to the catalog.
    pub(super) fn add_type(&mut self, id: u32, name: RelationName, shape: TypeShape) -> Result<()> {
        let schema = self.schema();
        self.has_temporary |= is_temporary(&name.schema);
        let made = TypeDescriptor {
            id,
            array_id: schema.allocate_id(),
            array_name: array_name(&schema, &name),
            schema: name.schema,
            name: name.name,
            shape,
            comment: None,
        };
        self.draft(|draft| draft.put_type(made))
    }

    /// The number of the type of a user's that a name means, if there is one.
    pub(super) fn type_id(&self, name: &ObjectName) -> Result<Option<u32>> {
        let (schema_name, name) = relation_name(name)?;
        let name = truncate_name(name);
        let (schema, path) = (self.schema(), self.path());
        if let Some(written) = &schema_name
            && !schema.has_namespace(path.schema(written))
        {
            return Err(undefined_schema(written));
        }
        let found = schema.find_type(&path, schema_name.as_deref(), &name);
        Ok(found.and_then(|found| schema.type_named(&found)))
    }

    /// The type that a statement changes.
    pub(super) fn type_to_alter(&self, name: &ObjectName) -> Result<Arc<TypeDescriptor>> {
        let id = self.type_id(name)?;
        let schema = self.schema();
        let Some(id) = id else {
            return match self.built_in_type(name) {
                Some(kind) => Err(Error::unsupported(format!("ALTER of type {}", kind.name()))),
                None => Err(undefined_type(&crate::binder::name_parts(name).join("."))),
            };
        };
        match schema.type_by_id(id) {
            Some(made) => Ok(made.clone()),
            None => {
                let array = schema.type_by_oid(id).map_or("", Type::name);
                let element = schema.type_by_oid(id).and_then(Type::element);
                let element = element.map_or("", Type::name);
                Err(Error::new(
                    SqlState::WrongObjectType,
                    format!("cannot alter array type {array}"),
                )
                .hint(format!(
                    "You can alter type {element}, which will alter the array type as well."
                )))
            }
        }
    }

    pub(super) fn built_in_type(&self, name: &ObjectName) -> Option<Type> {
        match crate::binder::name_parts(name).as_slice() {
            [name] => Type::from_name(name),
            [schema, name] if schema == "pg_catalog" => Type::from_name(name),
            _ => None,
        }
    }

    pub(super) async fn alter_user_type(&mut self, alter: &AlterType, sql: &str) -> Result<()> {
        self.lock_catalog().await?;
        let is_of_enums =
            matches!(alter.action, TypeAction::AddValue(_) | TypeAction::RenameValue(..));
        if is_of_enums
            && self.type_id(&alter.name)?.is_none()
            && let Some(kind) = self.built_in_type(&alter.name)
        {
            return Err(not_an_enum(kind.name()));
        }
        let made = self.type_to_alter(&alter.name)?;
        match &alter.action {
            TypeAction::AddValue(add) => self.add_value(&made, add),
            TypeAction::RenameValue(from, to) => self.rename_value(&made, from, to),
            TypeAction::Fields(actions) => self.alter_fields(&made, actions, sql),
            TypeAction::RenameField(from, to) => self.rename_field(&made, from, to),
            TypeAction::Rename(to) => self.rename_type(&made, to),
            TypeAction::SetSchema(to) => self.move_type(&made, to),
        }
    }

    fn add_value(&mut self, made: &TypeDescriptor, add: &AddValue) -> Result<()> {
        let mut changed = made.clone();
        let TypeShape::Enum(labels) = &mut changed.shape else {
            return Err(not_an_enum(&made.name));
        };
        check_label(&add.label)?;
        if labels.iter().any(|label| label.name == add.label) {
            if !add.if_not_exists {
                return Err(label_exists(&add.label));
            }
            let message = format!("enum label \"{}\" already exists, skipping", add.label);
            self.notice(Severity::Notice, SqlState::DuplicateObject, message);
            return Ok(());
        }
        add_label(&self.schema(), labels, add)?;
        self.draft(|draft| draft.put_type(changed))
    }

    fn rename_value(&mut self, made: &TypeDescriptor, from: &str, to: &str) -> Result<()> {
        let mut changed = made.clone();
        let TypeShape::Enum(labels) = &mut changed.shape else {
            return Err(not_an_enum(&made.name));
        };
        check_label(to)?;
        let Some(place) = labels.iter().position(|label| label.name == from) else {
            return Err(no_such_label(from));
        };
        if labels.iter().any(|label| label.name == to) {
            return Err(label_exists(to));
        }
        if let Some(label) = labels.get_mut(place) {
            to.clone_into(&mut label.name);
        }
        self.draft(|draft| draft.put_type(changed))
    }

    pub(super) fn rename_type(&mut self, made: &TypeDescriptor, to: &Ident) -> Result<()> {
        let schema = self.schema();
        let to = made.full_name().beside(truncate_name(fold(to)));
        if schema.type_named(&to).is_some() || schema.has_row_type(&to) {
            return Err(duplicate_type(&to));
        }
        let array_name = array_name(&schema, &to);
        let changed = TypeDescriptor { name: to.name, array_name, ..made.clone() };
        self.draft(|draft| draft.put_type(changed))
    }

    pub(super) fn move_type(&mut self, made: &TypeDescriptor, to: &Ident) -> Result<()> {
        let (schema, path) = (self.schema(), self.path());
        let target = fold(to);
        let target = path.schema(&target).to_owned();
        if !schema.has_namespace(&target) {
            return Err(undefined_schema(&target));
        }
        if is_temporary(&target) || is_temporary(&made.schema) {
            let message = "cannot move objects into or out of temporary schemas";
            return Err(Error::new(SqlState::FeatureNotSupported, message));
        }
        self.check_creation(&target)?;
        if target == made.schema {
            return Ok(());
        }
        let name = RelationName::new(target, made.name.clone());
        if schema.type_named(&name).is_some() || schema.has_row_type(&name) {
            return Err(Error::new(
                SqlState::DuplicateObject,
                format!("type \"{name}\" already exists in schema \"{}\"", name.schema),
            ));
        }
        let array_name = array_name(&schema, &name);
        let changed = TypeDescriptor { schema: name.schema, array_name, ..made.clone() };
        self.draft(|draft| draft.put_type(changed))
    }

    pub(super) async fn drop_types(&mut self, drop: &DropTypes) -> Result<()> {
        self.lock_catalog().await?;
        let mut objects: Vec<Object> = Vec::new();
        for name in &drop.names {
            let shown = crate::binder::name_parts(name).join(".");
            let id = match self.type_id(name) {
                Ok(id) => id,
                Err(Error::Report(report))
                    if drop.if_exists && report.state == SqlState::InvalidSchemaName =>
                {
                    self.skip(format!("{}, skipping", report.message));
                    continue;
                }
                Err(error) => return Err(error),
            };
            if drop.domain
                && let Some(id) = id
                && !self.schema().type_by_id(id).is_some_and(|made| made.is_domain())
            {
                let message = format!("\"{shown}\" is not a domain");
                return Err(Error::new(SqlState::WrongObjectType, message));
            }
            let Some(id) = id else {
                if let Some(kind) = self.built_in_type(name) {
                    let message = format!(
                        "cannot drop type {} because it is required by the database system",
                        kind.name()
                    );
                    return Err(Error::new(SqlState::DependentObjectsStillExist, message));
                }
                if drop.if_exists {
                    self.skip(format!("type \"{shown}\" does not exist, skipping"));
                    continue;
                }
                return Err(undefined_type(&shown));
            };
            let schema = self.schema();
            if schema.type_by_id(id).is_none() {
                let array = schema.type_by_oid(id);
                let element = array.and_then(Type::element).map_or("", Type::name);
                let array = array.map_or("", Type::name);
                return Err(Error::new(
                    SqlState::DependentObjectsStillExist,
                    format!("cannot drop type {array} because type {element} requires it"),
                )
                .hint(format!("You can drop type {element} instead.")));
            }
            if !objects.contains(&Object::Type(id)) {
                objects.push(Object::Type(id));
            }
        }
        self.drop_objects(objects, None, drop.cascade).await
    }

    /// A type as messages name it.
    pub(super) fn describe_type(&self, id: u32) -> String {
        let kind = self.schema().type_by_oid(id);
        kind.map_or_else(String::new, |kind| {
            format!("type {}", self.names().type_name(TypeMod::plain(kind)))
        })
    }

    /// What cannot be without a type.
    pub(super) fn dependents_of_type(
        &self,
        id: u32,
        gone: &mut Vec<Object>,
        dependents: &mut Vec<Dependent>,
    ) {
        let schema = self.schema();
        let Some(kind) = schema.type_by_oid(id) else { return };
        // What is over the type of its arrays comes first.
        for kind in kind.array().into_iter().chain([kind]) {
            let on = self.describe_type(kind.oid());
            self.dependents_of_kind(kind.oid(), &on, gone, dependents);
        }
    }

    /// What cannot be without the type of a relation's rows.
    pub(super) fn dependents_of_rows(
        &self,
        relation: u32,
        gone: &mut Vec<Object>,
        dependents: &mut Vec<Dependent>,
    ) {
        for oid in [row_array_oid(relation), row_type_oid(relation)] {
            let on = self.describe_type(oid);
            self.dependents_of_kind(oid, &on, gone, dependents);
        }
    }

    fn dependents_of_kind(
        &self,
        oid: u32,
        on: &str,
        gone: &mut Vec<Object>,
        dependents: &mut Vec<Dependent>,
    ) {
        let schema = self.schema();
        // A view that shows it needs it more than it needs a column.
        let shows: Vec<Object> = schema
            .views()
            .filter(|view| view.columns.iter().any(|column| column.type_oid == oid))
            .map(|view| Object::View(view.id))
            .filter(|view| !gone.contains(view))
            .collect();
        gone.extend(shows.iter().cloned());
        let mut relations: Vec<u32> = schema.tables().map(|table| table.id).collect();
        relations.extend(schema.views().map(|view| view.id));
        relations.extend(schema.types().map(|made| made.id));
        relations.sort_unstable();
        for id in relations {
            if let Some(table) = schema.table_by_id(id).cloned() {
                let columns: Vec<_> = table.visible().collect();
                for (position, column) in columns.into_iter().rev() {
                    let object = Object::Column(table.id, position);
                    let is_gone = gone.contains(&Object::Table(table.id)) || gone.contains(&object);
                    if !is_gone && column.type_oid == oid {
                        self.depend_column(&table, position, on, gone, dependents);
                    }
                }
            } else if let Some(view) = schema.view_by_id(id).cloned() {
                let object = Object::View(view.id);
                if shows.contains(&object) {
                    let what = self.describe(RelationKind::View, &view.full_name());
                    self.depend(object, what.clone(), on, gone, dependents);
                    self.dependent_views(view.id, None, &what, gone, dependents);
                }
            } else if let Some(made) = schema.type_by_id(id).cloned() {
                self.depend_type(&made, oid, on, gone, dependents);
            }
        }
    }

    fn depend(
        &self,
        object: Object,
        what: String,
        on: &str,
        gone: &mut Vec<Object>,
        dependents: &mut Vec<Dependent>,
    ) {
        gone.push(object.clone());
        dependents.push(Dependent { what, on: on.to_owned(), key: None, object: Some(object) });
    }

    /// Notes that a type that is made of another one cannot be without it.
    fn depend_type(
        &self,
        made: &TypeDescriptor,
        oid: u32,
        on: &str,
        gone: &mut Vec<Object>,
        dependents: &mut Vec<Dependent>,
    ) {
        let object = Object::Type(made.id);
        if gone.contains(&object) {
            return;
        }
        match &made.shape {
            TypeShape::Domain(domain) if domain.base == oid => {
                let what = self.describe_type(made.id);
                self.depend(object, what, on, gone, dependents);
                self.dependents_of_type(made.id, gone, dependents);
            }
            TypeShape::Composite(composite) => {
                let fields: Vec<_> = composite.visible().collect();
                for (position, field) in fields.into_iter().rev() {
                    let object = Object::Field(made.id, position);
                    if field.type_oid != oid || gone.contains(&object) {
                        continue;
                    }
                    let of = self.describe_type(made.id);
                    let of = of.strip_prefix("type ").unwrap_or(&of);
                    let what = format!("column {} of composite type {of}", field.name);
                    self.depend(object, what, on, gone, dependents);
                }
            }
            TypeShape::Domain(_) | TypeShape::Enum(_) => {}
        }
    }

    /// Notes that a column cannot be without something, and what cannot be without the column.
    fn depend_column(
        &self,
        table: &Table,
        position: usize,
        on: &str,
        gone: &mut Vec<Object>,
        dependents: &mut Vec<Dependent>,
    ) {
        let name = table.columns.get(position).map_or("", |column| column.name.as_str());
        let of = self.describe(RelationKind::Table, &table.full_name());
        let what = format!("column {name} of {of}");
        self.depend(Object::Column(table.id, position), what.clone(), on, gone, dependents);
        // Columns that refer to it are of the same type, and foreign keys go with them.
        for index in table.all_indexes().filter(|index| index.columns.contains(&position)) {
            let first = dependents.len();
            self.dependents_of_index(table, index, &what, dependents);
            for key in dependents.iter_mut().skip(first) {
                key.what = String::new();
            }
        }
        self.dependent_views(table.id, Some(position), &what, gone, dependents);
    }
}
