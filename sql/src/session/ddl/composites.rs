//! Composite types: their fields, and ALTER TYPE ... ATTRIBUTE.

use std::sync::Arc;

use datafusion::sql::sqlparser::ast::{DataType, Ident};

use super::super::Session;
use super::super::constraints::truncate_name;
use super::column::type_of;
use crate::binder::fold;
use crate::catalog::types::{
    CompositeAttribute, CompositeShape, TypeDescriptor, TypeShape, row_type_oid,
};
use crate::catalog::{MAX_COLUMNS, Schema, Table};
use crate::error::{Error, Result, SqlState};
use crate::parser::definition::types::FieldAction;
use crate::types::user::Shape;
use crate::types::{Type, TypeMod};

/// Whether values of a type have values of the type with a number in them.
pub(super) fn contains(kind: Type, oid: u32) -> bool {
    let Some(user) = kind.user() else { return false };
    let definition = user.definition();
    definition.oid == oid
        || match &definition.shape {
            Shape::Domain(domain) => contains(domain.base.kind, oid),
            Shape::Composite(fields) => fields.iter().any(|field| contains(field.ty.kind, oid)),
            Shape::Enum(_) => false,
        }
}

/// Refuses a type for a field or column of the type with a number, whose name is `name`.
pub(super) fn check_not_itself(kind: Type, oid: u32, name: &str) -> Result<()> {
    match contains(kind, oid) {
        false => Ok(()),
        true => Err(Error::new(
            SqlState::InvalidTableDefinition,
            format!("composite type {name} cannot be made a member of itself"),
        )),
    }
}

/// Refuses a type that no values that are stored can be of.
pub(super) fn check_storable(kind: Type, name: &str) -> Result<()> {
    match kind.is_polymorphic() || matches!(kind, Type::Record | Type::RecordArray | Type::Void) {
        false => Ok(()),
        true => Err(Error::new(
            SqlState::InvalidTableDefinition,
            format!("column \"{name}\" has pseudo-type {}", kind.name()),
        )),
    }
}

impl Session {
    /// What a new composite type is.
    pub(super) fn composite_of(
        &self,
        schema: &Schema,
        fields: &[(Ident, DataType)],
        sql: &str,
    ) -> Result<CompositeShape> {
        let mut attributes: Vec<CompositeAttribute> = Vec::with_capacity(fields.len());
        if fields.len() > MAX_COLUMNS {
            return Err(Error::new(
                SqlState::TooManyColumns,
                format!("tables can have at most {MAX_COLUMNS} columns"),
            ));
        }
        for (name, data_type) in fields {
            let name = truncate_name(fold(name));
            if attributes.iter().any(|other| other.name == name) {
                return Err(Error::new(
                    SqlState::DuplicateColumn,
                    format!("column \"{name}\" specified more than once"),
                ));
            }
            let ty = self.field_type(&name, data_type, sql)?;
            attributes.push(CompositeAttribute::new(name, ty));
        }
        Ok(CompositeShape { relation: schema.allocate_id(), attributes })
    }

    fn field_type(&self, name: &str, data_type: &DataType, sql: &str) -> Result<TypeMod> {
        let ty = type_of(data_type, &self.names(), sql, None)?;
        check_storable(ty.kind, name)?;
        Ok(ty)
    }

    /// Refuses to change the fields of a type whose values are stored, or only of keys.
    fn check_not_stored(&self, made: &TypeDescriptor, only_keys: bool) -> Result<()> {
        let schema = self.schema();
        let mut tables: Vec<_> = schema.tables().collect();
        tables.sort_by_key(|table| table.id);
        for table in tables {
            for (position, column) in table.visible() {
                let is_key = || table.all_indexes().any(|index| index.columns.contains(&position));
                if contains(column.declared().kind, made.id) && (!only_keys || is_key()) {
                    let message = format!(
                        "cannot alter type \"{}\" because column \"{}.{}\" uses it",
                        made.name, table.name, column.name
                    );
                    return Err(Error::new(SqlState::FeatureNotSupported, message));
                }
            }
        }
        Ok(())
    }

    /// Refuses to change the rows of a table while others are stored elsewhere.
    pub(super) fn check_rows_not_stored(&self, table: &Table) -> Result<()> {
        let schema = self.schema();
        let row = row_type_oid(table.id);
        let mut tables: Vec<_> = schema.tables().filter(|other| other.id != table.id).collect();
        tables.sort_by_key(|table| table.id);
        for other in tables {
            for (_, column) in other.visible() {
                if contains(column.declared().kind, row) {
                    let message = format!(
                        "cannot alter table \"{}\" because column \"{}.{}\" uses its row type",
                        table.name, other.name, column.name
                    );
                    return Err(Error::new(SqlState::FeatureNotSupported, message));
                }
            }
        }
        Ok(())
    }

    fn fields_to_alter(&self, made: &TypeDescriptor) -> Result<CompositeShape> {
        match &made.shape {
            TypeShape::Composite(composite) => Ok(composite.clone()),
            _ => {
                let message = format!("relation \"{}\" does not exist", made.name);
                Err(Error::new(SqlState::UndefinedTable, message))
            }
        }
    }

    pub(super) fn alter_fields(
        &mut self,
        made: &Arc<TypeDescriptor>,
        actions: &[FieldAction],
        sql: &str,
    ) -> Result<()> {
        let mut shape = self.fields_to_alter(made)?;
        // Values say what they have, keys do not.
        let retypes = |action: &FieldAction| matches!(action, FieldAction::Retype(..));
        self.check_not_stored(made, !actions.iter().any(retypes))?;
        let undefined =
            |name: &str| format!("column \"{name}\" of relation \"{}\" does not exist", made.name);
        let place = |shape: &CompositeShape, name: &str| {
            shape.visible().find(|(_, field)| field.name == name).map(|(at, _)| at)
        };
        for action in actions {
            match action {
                FieldAction::Add(name, data_type) => {
                    let name = truncate_name(fold(name));
                    if place(&shape, &name).is_some() {
                        return Err(Error::new(
                            SqlState::DuplicateColumn,
                            format!(
                                "column \"{name}\" of relation \"{}\" already exists",
                                made.name
                            ),
                        ));
                    }
                    let ty = self.field_type(&name, data_type, sql)?;
                    check_not_itself(ty.kind, made.id, &made.name)?;
                    shape.attributes.push(CompositeAttribute::new(name, ty));
                }
                FieldAction::Drop(name, if_exists) => {
                    let name = fold(name);
                    let Some(at) = place(&shape, &name) else {
                        if *if_exists {
                            self.skip(format!("{}, skipping", undefined(&name)));
                            continue;
                        }
                        return Err(Error::new(SqlState::UndefinedColumn, undefined(&name)));
                    };
                    if let Some(field) = shape.attributes.get_mut(at) {
                        field.dropped = true;
                    }
                }
                FieldAction::Retype(name, data_type) => {
                    let name = fold(name);
                    let Some(at) = place(&shape, &name) else {
                        return Err(Error::new(SqlState::UndefinedColumn, undefined(&name)));
                    };
                    let ty = self.field_type(&name, data_type, sql)?;
                    check_not_itself(ty.kind, made.id, &made.name)?;
                    if let Some(field) = shape.attributes.get_mut(at) {
                        (field.type_oid, field.typmod) = (ty.kind.oid(), ty.typmod);
                    }
                }
            }
        }
        let changed = TypeDescriptor { shape: TypeShape::Composite(shape), ..(**made).clone() };
        self.draft(|draft| draft.put_type(changed))
    }

    pub(super) fn rename_field(
        &mut self,
        made: &Arc<TypeDescriptor>,
        from: &Ident,
        to: &Ident,
    ) -> Result<()> {
        let mut shape = self.fields_to_alter(made)?;
        let (from, to) = (fold(from), truncate_name(fold(to)));
        let place =
            |name: &str| shape.visible().find(|(_, field)| field.name == name).map(|(at, _)| at);
        let Some(at) = place(&from) else {
            return Err(Error::new(
                SqlState::UndefinedColumn,
                format!("column \"{from}\" does not exist"),
            ));
        };
        if place(&to).is_some() {
            return Err(Error::new(
                SqlState::DuplicateColumn,
                format!("column \"{to}\" of relation \"{}\" already exists", made.name),
            ));
        }
        if let Some(field) = shape.attributes.get_mut(at) {
            field.name = to;
        }
        let changed = TypeDescriptor { shape: TypeShape::Composite(shape), ..(**made).clone() };
        self.draft(|draft| draft.put_type(changed))
    }

    /// Takes a field away whose type is dropped.
    pub(super) fn drop_field(&mut self, id: u32, position: usize) -> Result<()> {
        let Some(made) = self.schema().type_by_id(id).cloned() else { return Ok(()) };
        let mut changed = (*made).clone();
        if let TypeShape::Composite(composite) = &mut changed.shape
            && let Some(field) = composite.attributes.get_mut(position)
        {
            field.dropped = true;
        }
        self.draft(|draft| draft.put_type(changed))
    }
}
