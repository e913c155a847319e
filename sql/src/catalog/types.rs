//! Types that users make, as the catalog keeps them, and what names and numbers of types stand for.
//!
//! What is stored names other types by number. [`Schema`] keeps beside it the [`Type`] that each number
//! stands for now; after a change those that are made of the changed one are made anew, and with them the
//! columns of these types.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::constraint::Check;
use super::names::{Named, RelationName, SearchPath};
use super::{Column, Schema};
use crate::types::user::{Attribute, Definition, DomainDefinition, Label, Shape};
use crate::types::{Type, TypeMod, UserType};

/// A type that a user made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TypeDescriptor {
    /// pg_type.oid. Shares the numbers of tables.
    pub id: u32,
    /// That of the type of its arrays.
    pub array_id: u32,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The name of the type of its arrays.
    pub array_name: String,
    /// What it is.
    pub shape: TypeShape,
    /// COMMENT ON.
    #[serde(default)]
    pub comment: Option<String>,
}

/// What a type is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TypeShape {
    /// An enum: its values, in their order.
    Enum(Vec<EnumLabel>),
    /// A domain.
    Domain(DomainShape),
    /// A composite type.
    Composite(CompositeShape),
}

/// A type of rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompositeShape {
    /// pg_class.oid of the relation that stands for it.
    pub relation: u32,
    /// Its fields, dropped ones too.
    pub attributes: Vec<CompositeAttribute>,
}

/// A field of a composite type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompositeAttribute {
    /// Its name.
    pub name: String,
    /// pg_type.oid of its type.
    pub type_oid: u32,
    /// Its modifier, or -1.
    pub typmod: i32,
    /// Whether it was dropped: values have a place for it.
    pub dropped: bool,
    /// COMMENT ON.
    pub comment: Option<String>,
}

impl CompositeAttribute {
    /// One of this name and type.
    pub fn new(name: String, ty: TypeMod) -> CompositeAttribute {
        let (type_oid, typmod) = (ty.kind.oid(), ty.typmod);
        CompositeAttribute { name, type_oid, typmod, dropped: false, comment: None }
    }
}

impl CompositeShape {
    /// The fields that names find, with their positions.
    pub fn visible(&self) -> impl Iterator<Item = (usize, &CompositeAttribute)> {
        self.attributes.iter().enumerate().filter(|(_, attribute)| !attribute.dropped)
    }
}

/// A type that is another one with conditions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DomainShape {
    /// pg_type.oid of the type that it is over.
    pub base: u32,
    /// Its modifier, or -1.
    pub typmod: i32,
    /// NOT NULL.
    pub not_null: bool,
    /// DEFAULT, as SQL text.
    pub default: Option<String>,
    /// CHECK, in the order in which they were made.
    pub checks: Vec<Check>,
}

impl DomainShape {
    /// One without conditions.
    pub fn over(base: TypeMod) -> DomainShape {
        let (base, typmod) = (base.kind.oid(), base.typmod);
        DomainShape { base, typmod, not_null: false, default: None, checks: Vec::new() }
    }
}

/// A value of an enum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnumLabel {
    /// pg_enum.oid.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// What values hold: bytes that sort as the enum does, and never change.
    pub key: Vec<u8>,
    /// pg_enum.enumsortorder: for show only.
    pub order: f32,
    /// Whether it was added by a transaction that has not committed.
    #[serde(skip)]
    pub is_pending: bool,
}

/// Types of rows have the numbers of their relations, with this added.
const FIRST_ROW_TYPE: u32 = 1 << 30;
/// The types of their arrays.
const FIRST_ROW_ARRAY: u32 = 3 << 29;

/// pg_type.oid of the type of a relation's rows.
pub fn row_type_oid(relation: u32) -> u32 {
    FIRST_ROW_TYPE.wrapping_add(relation)
}

/// That of the type of their arrays.
pub fn row_array_oid(relation: u32) -> u32 {
    FIRST_ROW_ARRAY.wrapping_add(relation)
}

/// Bytes of the keys that an enum has from the start.
const KEY_BYTES: usize = 3;
/// Most values of an enum.
pub const MAX_LABELS: usize = 100_000;

/// The key of the value at a place of a new enum.
pub fn first_key(place: usize) -> Vec<u8> {
    let [_, key @ ..] = (place as u32 + 1).to_be_bytes();
    key.to_vec()
}

/// A key between two, of which the lower one may be missing and the upper one, too.
pub fn key_between(low: Option<&[u8]>, high: Option<&[u8]>) -> Vec<u8> {
    let low = low.unwrap_or_default();
    let Some(high) = high else {
        // Behind the last one there is room for as many as an enum may have.
        let mut next = 0u32;
        for at in 0..KEY_BYTES {
            next = next << 8 | u32::from(low.get(at).copied().unwrap_or_default());
        }
        return first_key(next as usize);
    };
    // The first bytes that both have, and then something between; a key never ends in 0, so there is
    // always room before it.
    let mut key = Vec::new();
    let mut is_below = false;
    for at in 0.. {
        let from = u16::from(low.get(at).copied().unwrap_or_default());
        let to = match high.get(at) {
            Some(byte) if !is_below => u16::from(*byte),
            _ => 256,
        };
        if to - from >= 2 {
            key.push(((from + to) / 2) as u8);
            break;
        }
        key.push(from as u8);
        is_below |= from < to;
    }
    key
}

impl TypeDescriptor {
    /// Its name with its schema.
    pub fn full_name(&self) -> RelationName {
        RelationName::new(self.schema.clone(), self.name.clone())
    }

    /// All numbers that it takes.
    pub fn ids(&self) -> Vec<u32> {
        let mut ids = vec![self.id, self.array_id];
        match &self.shape {
            TypeShape::Enum(labels) => ids.extend(labels.iter().map(|label| label.id)),
            TypeShape::Domain(domain) => ids.extend(domain.checks.iter().map(|check| check.id)),
            TypeShape::Composite(composite) => ids.push(composite.relation),
        }
        ids
    }

    /// Whether it is a domain.
    pub fn is_domain(&self) -> bool {
        matches!(self.shape, TypeShape::Domain(_))
    }

    /// The numbers of the types that it is made of.
    fn parts(&self) -> Vec<u32> {
        match &self.shape {
            TypeShape::Enum(_) => Vec::new(),
            TypeShape::Domain(domain) => vec![domain.base],
            TypeShape::Composite(composite) => {
                composite.visible().map(|(_, attribute)| attribute.type_oid).collect()
            }
        }
    }

    /// Its definition; `kind` tells what the numbers of types stand for.
    fn definition(&self, kind: impl Fn(u32) -> Type) -> Definition {
        let shape = match &self.shape {
            TypeShape::Enum(labels) => Shape::Enum(
                labels
                    .iter()
                    .map(|label| Label {
                        name: label.name.clone(),
                        key: label.key.clone(),
                        is_pending: label.is_pending,
                    })
                    .collect(),
            ),
            TypeShape::Domain(domain) => {
                let base = TypeMod { kind: kind(domain.base), typmod: domain.typmod };
                Shape::Domain(DomainDefinition {
                    base,
                    base_handle: base.kind.handle(),
                    not_null: domain.not_null,
                    default: domain.default.clone(),
                    checks: domain
                        .checks
                        .iter()
                        .map(|check| (check.name.clone(), check.expression.clone()))
                        .collect(),
                })
            }
            TypeShape::Composite(composite) => {
                let attributes = composite.attributes.iter().map(|attribute| {
                    let kind = match attribute.dropped {
                        true => Type::Text,
                        false => kind(attribute.type_oid),
                    };
                    let ty = TypeMod { kind, typmod: attribute.typmod };
                    let dropped = attribute.dropped;
                    Attribute { dropped, ..Attribute::new(attribute.name.clone(), ty) }
                });
                Shape::Composite(attributes.collect())
            }
        };
        Definition {
            oid: self.id,
            array_oid: self.array_id,
            schema: self.schema.clone(),
            name: self.name.clone(),
            array_name: self.array_name.clone(),
            shape,
        }
    }
}

impl Schema {
    /// The types that users made.
    pub fn types(&self) -> impl Iterator<Item = &Arc<TypeDescriptor>> {
        self.types.values()
    }

    /// Finds one by number.
    pub fn type_by_id(&self, id: u32) -> Option<&Arc<TypeDescriptor>> {
        self.types.get(&id)
    }

    /// The types of a schema, in the order in which they were made.
    pub fn types_in(&self, schema: &str) -> Vec<u32> {
        let all = self.types.values().filter(|made| made.schema == schema);
        let mut ids: Vec<u32> = all.map(|made| made.id).collect();
        ids.sort_unstable();
        ids
    }

    /// The number of the type of this name, that of an array type too.
    pub fn type_named(&self, name: &RelationName) -> Option<u32> {
        self.type_names.get(name).copied()
    }

    /// The type of a user's, or of arrays of one, with a number.
    pub fn type_by_oid(&self, oid: u32) -> Option<Type> {
        match oid {
            0..FIRST_ROW_TYPE => self.resolved.get(&oid).copied(),
            FIRST_ROW_TYPE..FIRST_ROW_ARRAY => self.row_type(oid - FIRST_ROW_TYPE),
            FIRST_ROW_ARRAY.. => self.row_type(oid - FIRST_ROW_ARRAY).and_then(Type::array),
        }
    }

    /// The type of the rows of a table or view.
    pub fn row_type(&self, relation: u32) -> Option<Type> {
        let (name, columns) = match (self.tables.get(&relation), self.views.get(&relation)) {
            (Some(table), _) => (table.full_name(), &table.columns),
            (None, Some(view)) => (view.full_name(), &view.columns),
            (None, None) => return None,
        };
        let attributes = columns.iter().filter(|column| !column.hidden).map(|column| {
            let kind = match column.dropped {
                true => Type::Text,
                false => self.type_of(column.type_oid).unwrap_or(Type::Text),
            };
            let ty = TypeMod { kind, typmod: column.typmod };
            Attribute { dropped: column.dropped, ..Attribute::new(column.name.clone(), ty) }
        });
        let definition = Definition {
            oid: row_type_oid(relation),
            array_oid: row_array_oid(relation),
            array_name: format!("_{name}"),
            schema: name.schema.clone(),
            name: name.name.clone(),
            shape: Shape::Composite(attributes.collect()),
        };
        Some(UserType::new(definition).kind())
    }

    /// Whether something is of the type of a relation's rows.
    pub(super) fn uses_row_type(&self, relation: u32) -> bool {
        let (row, array) = (row_type_oid(relation), row_array_oid(relation));
        let is_it = |oid: u32| oid == row || oid == array;
        let tables = self.tables.values().flat_map(|table| &table.columns);
        let views = self.views.values().flat_map(|view| &view.columns);
        tables.chain(views).any(|column| is_it(column.type_oid))
            || self.types.values().any(|made| made.parts().into_iter().any(is_it))
    }

    /// Whether the rows of a relation have a type of this name.
    pub fn has_row_type(&self, name: &RelationName) -> bool {
        matches!(self.named(name), Some(Named::Table(_) | Named::View(_) | Named::Sequence(_)))
    }

    /// The type with a number.
    pub fn type_of(&self, oid: u32) -> Option<Type> {
        self.type_by_oid(oid).or_else(|| Type::from_oid(oid))
    }

    /// Finds a type of a user's by a name as it is written.
    pub fn find_type(
        &self,
        path: &SearchPath,
        schema: Option<&str>,
        name: &str,
    ) -> Option<RelationName> {
        let is_type = |name: &RelationName| {
            self.type_names.contains_key(name)
                || matches!(self.named(name), Some(Named::Table(_) | Named::View(_)))
        };
        let full = |schema: &str| RelationName::new(schema, name);
        if let Some(schema) = schema {
            let name = full(path.schema(schema));
            return is_type(&name).then_some(name);
        }
        path.schemas().iter().map(|schema| full(schema)).find(is_type)
    }

    /// Whether the bare name of a type of a user's finds it.
    pub fn type_is_in_sight(&self, path: &SearchPath, name: &RelationName) -> bool {
        Type::from_name(&name.name).is_none()
            && self.find_type(path, None, &name.name).as_ref() == Some(name)
    }

    pub(super) fn insert_type(&mut self, made: Arc<TypeDescriptor>) {
        self.remove_type(made.id);
        self.type_names.insert(made.full_name(), made.id);
        let array = made.full_name().beside(made.array_name.as_str());
        self.type_names.insert(array, made.array_id);
        self.types.insert(made.id, made);
    }

    pub(super) fn remove_type(&mut self, id: u32) -> bool {
        let Some(old) = self.types.remove(&id) else { return false };
        self.type_names.remove(&old.full_name());
        self.type_names.remove(&old.full_name().beside(old.array_name.as_str()));
        true
    }

    /// Makes numbers of types stand for what they are now, everywhere.
    pub(super) fn resolve_types(&mut self) {
        self.resolved.clear();
        let mut ids: Vec<u32> = self.types.keys().copied().collect();
        ids.sort_unstable();
        let arrays: HashMap<u32, u32> =
            self.types.values().map(|made| (made.array_id, made.id)).collect();
        for id in ids {
            self.resolve_type(id, &arrays);
        }
        let tables = self.tables.values().flat_map(|table| &table.columns);
        let views = self.views.values().flat_map(|view| &view.columns);
        let used = tables.chain(views).map(|column| column.type_oid);
        let resolved: HashMap<u32, Type> =
            used.filter_map(|oid| Some((oid, self.type_by_oid(oid)?))).collect();
        let is_stale = |column: &Column| {
            let known = resolved.get(&column.type_oid).copied();
            !same(column.user_type, known)
        };
        let renew = |columns: &mut Vec<Column>| {
            for column in columns {
                column.user_type = resolved.get(&column.type_oid).copied();
            }
        };
        for table in self.tables.values_mut().filter(|t| t.columns.iter().any(is_stale)) {
            renew(&mut Arc::make_mut(table).columns);
        }
        for view in self.views.values_mut().filter(|view| view.columns.iter().any(is_stale)) {
            renew(&mut Arc::make_mut(view).columns);
        }
    }

    fn resolve_type(&mut self, id: u32, arrays: &HashMap<u32, u32>) {
        let Some(made) = self.types.get(&id).cloned() else { return };
        // A type is made after those that it is made of, so this ends.
        for part in made.parts() {
            let part = arrays.get(&part).copied().unwrap_or(part);
            if part != id && !self.resolved.contains_key(&part) {
                self.resolve_type(part, arrays);
            }
        }
        let kind = |oid| self.type_of(oid).unwrap_or(Type::Text);
        let (user, array_id) = (UserType::new(made.definition(kind)), made.array_id);
        self.resolved.insert(id, user.kind());
        self.resolved.insert(array_id, Type::UserArray(user));
    }

    /// Lets the values of enums be used that the transaction has added which commits now.
    pub(super) fn commit_labels(&mut self) {
        let pending = |made: &TypeDescriptor| match &made.shape {
            TypeShape::Enum(labels) => labels.iter().any(|label| label.is_pending),
            TypeShape::Domain(_) | TypeShape::Composite(_) => false,
        };
        let mut changed = false;
        for made in self.types.values_mut().filter(|made| pending(made)) {
            if let TypeShape::Enum(labels) = &mut Arc::make_mut(made).shape {
                labels.iter_mut().for_each(|label| label.is_pending = false);
            }
            changed = true;
        }
        if changed {
            self.resolve_types();
        }
    }
}

/// Whether two are one definition.
fn same(a: Option<Type>, b: Option<Type>) -> bool {
    a.map(Type::handle) == b.map(Type::handle)
}
