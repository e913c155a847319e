//! Types that users make: enums, domains and composite types.
//!
//! A [`Type`] is copied everywhere, so what it says of a user's type is a reference to a [`Definition`]
//! that lives as long as the server does. Definitions are interned: there is one for each that a
//! command has made and a statement has asked for, however often it is used. A change of a type makes
//! another definition; plans that were made for the old one hold for the old version of the catalog.
//!
//! Values do not name the definitions they were made with: what is stored says only which
//! [kind of type](Type::erased) it is of, and is read with the definition that the plan has.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::LazyLock;

use parking_lot::RwLock;

use super::{Category, Datum, Properties, Type, TypeMod};
use crate::error::{Error, Result, SqlState};
use crate::functions::strings::quote_ident;

/// A type of a user's, as it is at one version of the catalog. Two of one number are the same type.
#[derive(Clone, Copy)]
pub struct UserType(&'static Interned);

struct Interned {
    definition: Definition,
    handle: u32,
    own: Properties,
    array: Properties,
}

/// What there is to know of a user's type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Definition {
    /// pg_type.oid.
    pub oid: u32,
    /// That of the type of its arrays.
    pub array_oid: u32,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The name of the type of its arrays.
    pub array_name: String,
    /// Which values it has.
    pub shape: Shape,
}

/// The values of a user's type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// One of these, which stand in the order of their keys.
    Enum(Vec<Label>),
    /// Those of another type that satisfy conditions.
    Domain(DomainDefinition),
    /// Rows of such fields.
    Composite(Vec<Attribute>),
}

/// A field of a composite type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: TypeMod,
    /// That type's handle, by which definitions differ that have different ones of it.
    pub handle: u32,
    /// Whether it was dropped: values have a place for it, and no name finds it.
    pub dropped: bool,
}

impl Attribute {
    /// A field of this name and type.
    pub fn new(name: impl Into<String>, ty: TypeMod) -> Attribute {
        Attribute { name: name.into(), ty, handle: ty.kind.handle(), dropped: false }
    }
}

/// What a domain is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DomainDefinition {
    /// The type that it is over.
    pub base: TypeMod,
    /// That type's handle, by which definitions differ that are over different ones of it.
    pub base_handle: u32,
    /// NOT NULL.
    pub not_null: bool,
    /// DEFAULT, as SQL text.
    pub default: Option<String>,
    /// CHECK: names and conditions, as SQL text.
    pub checks: Vec<(String, String)>,
}

/// A value of an enum.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Label {
    /// Its name.
    pub name: String,
    /// What a [`Datum`] of it holds: bytes that sort as the values do, and never change.
    pub key: Vec<u8>,
    /// Whether the transaction that added it has not committed: nothing may be made of it yet.
    pub is_pending: bool,
}

/// Handles of user's types begin here: numbers of built-in types are below.
const FIRST_HANDLE: u32 = 1 << 31;

#[derive(Default)]
struct Table {
    all: Vec<&'static Interned>,
    by_definition: HashMap<&'static Definition, u32>,
}

static TABLE: LazyLock<RwLock<Table>> = LazyLock::new(RwLock::default);

fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

impl UserType {
    /// The type that has this definition.
    pub fn new(definition: Definition) -> UserType {
        let mut table = TABLE.write();
        let known = table.by_definition.get(&definition);
        if let Some(known) = known.and_then(|at| table.all.get(*at as usize)) {
            return UserType(known);
        }
        let at = table.all.len() as u32;
        let name = leak(quote_ident(&definition.name));
        let (size, category) = match &definition.shape {
            Shape::Enum(_) => (4, Category::Enum),
            Shape::Domain(domain) => (domain.base.kind.size(), domain.base.kind.category()),
            Shape::Composite(_) => (-1, Category::Composite),
        };
        let properties = |oid, size, category, name, catalog_name: &str| Properties {
            // Nobody looks for these.
            kind: Type::Unknown,
            oid,
            size,
            category,
            preferred: false,
            name,
            aliases: Box::leak(Box::new([leak(catalog_name.to_owned())])),
        };
        let own = properties(definition.oid, size, category, name, &definition.name);
        let array_name = leak(format!("{name}[]"));
        let array = definition.array_oid;
        let array = properties(array, -1, Category::Array, array_name, &definition.array_name);
        let handle = FIRST_HANDLE + at;
        let interned: &'static Interned =
            Box::leak(Box::new(Interned { definition, handle, own, array }));
        table.all.push(interned);
        table.by_definition.insert(&interned.definition, at);
        UserType(interned)
    }

    /// What it is.
    pub fn definition(self) -> &'static Definition {
        &self.0.definition
    }

    pub(super) fn properties(self) -> &'static Properties {
        &self.0.own
    }

    pub(super) fn array_properties(self) -> &'static Properties {
        &self.0.array
    }

    /// As a type.
    pub fn kind(self) -> Type {
        match self.0.definition.shape {
            Shape::Enum(_) => Type::Enum(self),
            Shape::Domain(_) => Type::Domain(self),
            Shape::Composite(_) => Type::Composite(self),
        }
    }

    /// The values of an enum, in their order.
    pub fn labels(self) -> &'static [Label] {
        match &self.0.definition.shape {
            Shape::Enum(labels) => labels,
            Shape::Domain(_) | Shape::Composite(_) => &[],
        }
    }

    /// The fields of a composite type, dropped ones too.
    pub fn attributes(self) -> &'static [Attribute] {
        match &self.0.definition.shape {
            Shape::Composite(attributes) => attributes,
            Shape::Enum(_) | Shape::Domain(_) => &[],
        }
    }

    /// The type of rows of these fields, which has no name.
    pub fn anonymous(fields: Vec<Attribute>) -> UserType {
        UserType::new(Definition {
            oid: 0,
            array_oid: 0,
            schema: "pg_catalog".into(),
            name: "record".into(),
            array_name: "_record".into(),
            shape: Shape::Composite(fields),
        })
    }

    /// The type that a domain is over.
    pub fn domain_base(self) -> Option<TypeMod> {
        match &self.0.definition.shape {
            Shape::Domain(domain) => Some(domain.base),
            Shape::Enum(_) | Shape::Composite(_) => None,
        }
    }

    fn number(self) -> (u32, u32) {
        match self.0.definition.oid {
            0 => (0, self.0.handle),
            oid => (oid, 0),
        }
    }

    /// The last definition of the type that was made.
    fn newest(self) -> UserType {
        let table = TABLE.read();
        let mut all = table.all.iter().rev();
        let same = all.find(|other| other.definition.oid == self.0.definition.oid);
        same.map_or(self, |newest| UserType(newest))
    }

    fn label_of_key(self, key: &[u8]) -> Option<&'static Label> {
        let labels = self.labels();
        let at = labels.binary_search_by(|label| label.key.as_slice().cmp(key)).ok()?;
        labels.get(at)
    }

    /// The name of an enum's value.
    ///
    /// # Errors
    /// If there is none.
    pub fn label(self, key: &[u8]) -> Result<&'static str> {
        // A value may have been added since the plan was made.
        let label = self.label_of_key(key).or_else(|| self.newest().label_of_key(key));
        label.map(|label| label.name.as_str()).ok_or_else(|| {
            let name = self.kind().name();
            Error::new(SqlState::DataCorrupted, format!("invalid internal value for enum {name}"))
        })
    }

    /// The value of an enum that has this name.
    ///
    /// # Errors
    /// If there is none, or it may not be used yet.
    pub fn value(self, name: &str) -> Result<Datum> {
        match self.labels().iter().find(|label| label.name == name) {
            Some(label) => self.use_label(label),
            None => Err(Error::new(
                SqlState::InvalidTextRepresentation,
                format!("invalid input value for enum {}: \"{name}\"", self.kind().name()),
            )),
        }
    }

    /// A value, which may be made anything of.
    ///
    /// # Errors
    /// If it is too new.
    pub fn use_label(self, label: &Label) -> Result<Datum> {
        match label.is_pending {
            false => Ok(Datum::Bytes(label.key.clone())),
            true => Err(Error::new(
                SqlState::UnsafeNewEnumValueUsage,
                format!(
                    "unsafe use of new value \"{}\" of enum type {}",
                    label.name,
                    self.kind().name()
                ),
            )
            .hint("New enum values must be committed before they can be used.")),
        }
    }
}

impl PartialEq for UserType {
    fn eq(&self, other: &Self) -> bool {
        // Types without names have no numbers, either.
        self.number() == other.number()
    }
}

impl Eq for UserType {}

impl Hash for UserType {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number().hash(state);
    }
}

impl PartialOrd for UserType {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for UserType {
    fn cmp(&self, other: &Self) -> Ordering {
        self.number().cmp(&other.number())
    }
}

impl std::fmt::Debug for UserType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.definition.name)
    }
}

impl Type {
    /// A number for this type and its definition within this process: that of pg_type for built-in
    /// types, which is what values may be stored with.
    pub fn handle(self) -> u32 {
        match self {
            Type::Enum(user) | Type::Domain(user) | Type::Composite(user) => user.0.handle,
            Type::UserArray(user) => user.0.handle | ARRAY_HANDLE,
            other => other.oid(),
        }
    }

    /// The type with a handle.
    pub fn from_handle(handle: u32) -> Option<Type> {
        if handle < FIRST_HANDLE {
            return Type::from_oid(handle);
        }
        let at = (handle & !ARRAY_HANDLE) - FIRST_HANDLE;
        let user = TABLE.read().all.get(at as usize).map(|interned| UserType(interned))?;
        Some(if handle & ARRAY_HANDLE != 0 { Type::UserArray(user) } else { user.kind() })
    }

    /// What stored values say of their type: of a user's type, which kind it is.
    pub fn erased(self) -> Type {
        match self {
            Type::Enum(_) => Type::AnyEnum,
            Type::Composite(_) => Type::Record,
            Type::UserArray(_) => Type::AnyArray,
            Type::Domain(_) => self.base().erased(),
            other => other,
        }
    }

    /// Of a domain, the type that it is over in the end; of others, themselves.
    pub fn base(self) -> Type {
        TypeMod::plain(self).base().kind
    }

    /// The user's type that it is, or that its elements are of.
    pub fn user(self) -> Option<UserType> {
        match self {
            Type::Enum(user)
            | Type::Domain(user)
            | Type::Composite(user)
            | Type::UserArray(user) => Some(user),
            _ => None,
        }
    }
}

/// What handles of arrays have besides.
const ARRAY_HANDLE: u32 = 1 << 30;
