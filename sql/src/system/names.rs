//! Names of what the catalog has, and the numbers they stand for: input and output of `regclass` and
//! its kin.

use std::fmt;
use std::sync::Arc;

use super::facts::{self, Procedure};
use super::{
    CATALOG_NAMESPACE, CATALOG_SCHEMA, INFORMATION_NAMESPACE, INFORMATION_SCHEMA, OWN_NAMESPACE,
    OWN_SCHEMA, PUBLIC_NAMESPACE, relations, roles,
};
use crate::catalog::names::{Named, PG_TEMP, RelationName, SearchPath};
use crate::catalog::view::View;
use crate::catalog::{Index, Schema, Sequence, Table};
use crate::error::{Error, Result, SqlState};
use crate::functions::strings::quote_ident;
use crate::types::{Datum, Type, TypeMod};

/// The catalog as names are looked up in it.
#[derive(Clone)]
pub struct Names {
    /// All descriptors.
    pub schema: Arc<Schema>,
    /// Where bare names are looked up.
    pub path: Arc<SearchPath>,
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "names of version {}", self.schema.version)
    }
}

impl PartialEq for Names {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.schema, &other.schema) && self.path == other.path
    }
}

/// A relation of a user's.
#[derive(Clone, Copy)]
pub enum Stored<'s> {
    /// A table.
    Table(&'s Arc<Table>),
    /// An index of a table.
    Index(&'s Arc<Table>, &'s Index),
    /// A sequence.
    Sequence(&'s Arc<Sequence>),
    /// A view.
    View(&'s Arc<View>),
}

impl Stored<'_> {
    /// pg_class.oid.
    pub fn oid(&self) -> u32 {
        match self {
            Stored::Table(table) => table.id,
            Stored::Index(_, index) => index.oid(),
            Stored::Sequence(sequence) => sequence.id,
            Stored::View(view) => view.id,
        }
    }

    /// pg_class.relname.
    pub fn name(&self) -> &str {
        match self {
            Stored::Table(table) => &table.name,
            Stored::Index(_, index) => &index.name,
            Stored::Sequence(sequence) => &sequence.name,
            Stored::View(view) => &view.name,
        }
    }

    /// The name with its schema.
    pub fn full_name(&self) -> RelationName {
        let schema = match self {
            Stored::Table(table) | Stored::Index(table, _) => &table.schema,
            Stored::Sequence(sequence) => &sequence.schema,
            Stored::View(view) => &view.schema,
        };
        RelationName::new(schema.clone(), self.name())
    }
}

/// The parts of a qualified name, folded unless they are quoted.
///
/// # Errors
/// If it is none.
pub fn split_name(text: &str) -> Result<Vec<String>> {
    let invalid = || Error::new(SqlState::InvalidName, "invalid name syntax");
    let mut parts = Vec::new();
    let mut chars = text.trim().chars().peekable();
    loop {
        let mut part = String::new();
        if chars.next_if_eq(&'"').is_some() {
            loop {
                match chars.next().ok_or_else(invalid)? {
                    '"' if chars.next_if_eq(&'"').is_some() => part.push('"'),
                    '"' => break,
                    c => part.push(c),
                }
            }
        } else {
            while let Some(c) = chars.next_if(|c| !matches!(c, '.' | '"') && !c.is_whitespace()) {
                part.extend(c.to_lowercase());
            }
        }
        if part.is_empty() {
            return Err(invalid());
        }
        parts.push(part);
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        match chars.next() {
            None => return Ok(parts),
            Some('.') => while chars.next_if(|c| c.is_whitespace()).is_some() {},
            Some(_) => return Err(invalid()),
        }
    }
}

/// Schema, if there is one, and name.
fn qualified(text: &str) -> Result<(Option<String>, String)> {
    let mut parts = split_name(text)?;
    let name = parts.pop().unwrap_or_default();
    match parts.len() {
        0 | 1 => Ok((parts.pop(), name)),
        // The first is the database's.
        2 => Ok((parts.pop(), name)),
        _ => Err(Error::new(
            SqlState::SyntaxError,
            format!("improper relation name (too many dotted names): {text}"),
        )),
    }
}

fn shown(schema: &Option<String>, name: &str) -> String {
    schema.as_ref().map_or(name.to_owned(), |schema| format!("{schema}.{name}"))
}

/// The type that a name of SQL's or of pg_type's means, perhaps qualified, perhaps of arrays.
pub fn named_type(text: &str) -> Option<Type> {
    let text = text.trim();
    if let Some(element) = text.strip_suffix("[]") {
        return named_type(element)?.array();
    }
    let text = text.strip_prefix("pg_catalog.").unwrap_or(text);
    // A modifier is allowed and means nothing.
    let text = match (text.find('('), text.rfind(')')) {
        (Some(open), Some(close)) if open < close => {
            format!("{} {}", text.get(..open)?.trim_end(), text.get(close + 1..)?.trim_start())
        }
        _ => text.to_owned(),
    };
    match text.trim() {
        "\"char\"" => Some(Type::Char),
        quoted if quoted.starts_with('"') => {
            let name = split_name(quoted).ok()?.pop()?;
            Type::all().find(|kind| kind.catalog_name() == name)
        }
        plain => Type::from_name(&plain.to_lowercase()),
    }
}

impl Names {
    /// The text form of a number that stands for something, as the output function of `kind` has it.
    pub fn format(&self, kind: Type, oid: u32) -> String {
        let name = match kind {
            _ if oid == 0 => Some("-".to_owned()),
            Type::Regclass => self.relation_name(oid),
            Type::Regtype if self.schema.type_by_oid(oid).is_some() => {
                self.schema.type_by_oid(oid).map(|kind| self.type_name(TypeMod::plain(kind)))
            }
            other => format_static(other, oid),
        };
        name.unwrap_or_else(|| oid.to_string())
    }

    /// A relation's name, qualified where search_path does not find it.
    pub fn relation_name(&self, oid: u32) -> Option<String> {
        if let Some(stored) = self.by_oid(oid) {
            let name = quote_ident(stored.name());
            let full = stored.full_name();
            return Some(match self.schema.is_in_sight(&self.path, &full) {
                true => name,
                false => format!("{}.{name}", quote_ident(&full.schema)),
            });
        }
        relations().iter().find(|relation| relation.oid == oid).map(|relation| {
            let name = quote_ident(relation.name);
            match relation.schema {
                CATALOG_SCHEMA => name,
                schema => format!("{schema}.{name}"),
            }
        })
    }

    /// A table, index or sequence by number.
    pub fn by_oid(&self, oid: u32) -> Option<Stored<'_>> {
        if let Some(table) = self.schema.table_by_id(oid) {
            return Some(Stored::Table(table));
        }
        if let Some(sequence) = self.schema.sequence_by_id(oid) {
            return Some(Stored::Sequence(sequence));
        }
        if let Some(view) = self.schema.view_by_id(oid) {
            return Some(Stored::View(view));
        }
        let table = self.schema.table_with(oid)?;
        let mut indexes = shown_indexes(table);
        indexes.find(|index| index.oid() == oid).map(|index| Stored::Index(table, index))
    }

    /// A relation by name.
    pub fn by_name(&self, schema: Option<&str>, name: &str) -> Option<Stored<'_>> {
        let found = self.schema.find(&self.path, schema, name)?;
        match self.schema.named(&found)? {
            Named::Table(id) => self.schema.table_by_id(id).map(Stored::Table),
            Named::View(id) => self.schema.view_by_id(id).map(Stored::View),
            Named::Sequence(id) => self.schema.sequence_by_id(id).map(Stored::Sequence),
            Named::Index(_) => {
                self.schema.index(&found).map(|(table, index)| Stored::Index(table, index))
            }
        }
    }

    /// The number of a relation.
    pub fn relation(&self, schema: Option<&str>, name: &str) -> Option<u32> {
        if let Some(relation) = super::find(schema, name) {
            return Some(relation.oid);
        }
        self.by_name(schema, name).map(|stored| stored.oid())
    }

    /// A type of a user's by name.
    pub fn users_type(&self, schema: Option<&str>, name: &str) -> Option<Type> {
        let found = self.schema.find_type(&self.path, schema, name)?;
        match self.schema.type_named(&found) {
            Some(oid) => self.schema.type_of(oid),
            None => match self.schema.named(&found)? {
                Named::Table(id) | Named::View(id) => self.schema.row_type(id),
                Named::Sequence(_) | Named::Index(_) => None,
            },
        }
    }

    /// A type's name as messages and `format_type` have it: qualified where search_path does not find
    /// it.
    pub fn type_name(&self, ty: TypeMod) -> String {
        let shown = ty.display();
        let Some(user) = ty.kind.user() else { return shown };
        let definition = user.definition();
        let full = RelationName::new(definition.schema.clone(), definition.name.clone());
        match self.schema.type_is_in_sight(&self.path, &full) {
            true => shown,
            false => format!("{}.{shown}", quote_ident(self.shown_schema(&full.schema))),
        }
    }

    /// A schema as it is shown: of the session's own temporary one the name that it goes by.
    fn shown_schema<'s>(&self, schema: &'s str) -> &'s str {
        if schema == self.path.temporary() { PG_TEMP } else { schema }
    }

    /// The type that a name of SQL's, of pg_type's or of a user's means, perhaps qualified, perhaps of
    /// arrays.
    pub fn named_type(&self, text: &str) -> Option<Type> {
        if let Some(built_in) = named_type(text) {
            return Some(built_in);
        }
        let text = text.trim();
        if let Some(element) = text.strip_suffix("[]") {
            return self.named_type(element)?.array();
        }
        let (schema, name) = qualified(text).ok()?;
        self.users_type(schema.as_deref(), &name)
    }

    /// Refuses the name of a schema that is not there.
    ///
    /// # Errors
    /// That it is not there.
    pub fn check_schema_exists(&self, schema: &str) -> Result<()> {
        match self.schema.has_namespace(self.path.schema(schema)) {
            true => Ok(()),
            false => Err(Error::new(
                SqlState::InvalidSchemaName,
                format!("schema \"{schema}\" does not exist"),
            )),
        }
    }

    /// Reads the text form of a type that stands for things in the catalog.
    ///
    /// # Errors
    /// If there is no such thing.
    pub fn parse(&self, kind: Type, text: &str) -> Result<Datum> {
        if let Some(number) = number_of(text) {
            return Ok(number);
        }
        let oid = match kind {
            Type::Regclass => {
                let (schema, name) = qualified(text)?;
                if let Some(schema) = &schema {
                    self.check_schema_exists(schema)?;
                }
                self.relation(schema.as_deref(), &name).ok_or_else(|| {
                    let name = shown(&schema, &name);
                    Error::new(
                        SqlState::UndefinedTable,
                        format!("relation \"{name}\" does not exist"),
                    )
                })?
            }
            Type::Regtype => match self.named_type(text) {
                Some(kind) => kind.oid(),
                None => return parse_static(kind, text),
            },
            other => return parse_static(other, text),
        };
        Ok(Datum::Int64(i64::from(oid)))
    }
}

/// The indexes that have a name: one over row numbers has none.
pub fn shown_indexes(table: &Table) -> impl Iterator<Item = &Index> {
    let own = table.primary.storage;
    table.all_indexes().filter(move |index| index.constraint || index.storage != own)
}

/// Numbers of temporary schemas, which have none in the catalog, begin here.
const TEMPORARY_NAMESPACES: u32 = 0xF000_0000;

/// The number of a schema that relations of users are in.
pub fn stored_namespace(schema: &Schema, name: &str) -> u32 {
    let temporary = name.strip_prefix("pg_temp_").and_then(|session| session.parse::<u32>().ok());
    match (schema.namespace(name), temporary) {
        (Some(namespace), _) => namespace.id,
        (None, Some(session)) => TEMPORARY_NAMESPACES.wrapping_add(session),
        (None, None) => namespace_of(name),
    }
}

/// The number of a schema.
pub fn namespace(name: &str) -> Option<u32> {
    super::NAMESPACES.iter().find(|(_, known)| *known == name).map(|(oid, _)| *oid)
}

/// The name of a schema.
pub fn namespace_name(oid: u32) -> Option<&'static str> {
    super::NAMESPACES.iter().find(|(known, _)| *known == oid).map(|(_, name)| *name)
}

/// What input of all these types has in common: `-` and numbers.
fn number_of(text: &str) -> Option<Datum> {
    let text = text.trim();
    if text == "-" {
        return Some(Datum::Int64(0));
    }
    text.parse::<u32>().ok().map(|oid| Datum::Int64(i64::from(oid)))
}

/// The same for what does not depend on users' definitions.
///
/// # Errors
/// If there is no such thing.
pub fn parse_static(kind: Type, text: &str) -> Result<Datum> {
    if let Some(number) = number_of(text) {
        return Ok(number);
    }
    let undefined = |state, what: &str, name: &str| {
        Error::new(state, format!("{what} \"{name}\" does not exist"))
    };
    let oid = match kind {
        Type::Regtype => {
            let found = named_type(text).map(Type::oid);
            found.ok_or_else(|| undefined(SqlState::UndefinedObject, "type", text))?
        }
        Type::Regproc => {
            let (_, name) = qualified(text)?;
            let mut found = procedures(&name);
            match (found.next(), found.next()) {
                (Some(one), None) => one.oid,
                (None, _) => return Err(undefined(SqlState::UndefinedFunction, "function", text)),
                (Some(_), Some(_)) => {
                    return Err(Error::new(
                        SqlState::AmbiguousFunction,
                        format!("more than one function named \"{text}\""),
                    ));
                }
            }
        }
        Type::Regprocedure => {
            let (name, args) = call_signature(text)?;
            let found = procedures(&name).find(|procedure| procedure.args == args);
            let found = found.map(|procedure| procedure.oid);
            found.ok_or_else(|| undefined(SqlState::UndefinedFunction, "function", text))?
        }
        Type::Regoper => {
            let symbol = text.trim().trim_start_matches("pg_catalog.");
            let mut found = facts::OPERATORS.iter().filter(|line| line.text(1) == symbol);
            match (found.next(), found.next()) {
                (Some(one), None) => one.oid(0),
                (None, _) => {
                    return Err(Error::new(
                        SqlState::UndefinedFunction,
                        format!("operator does not exist: {text}"),
                    ));
                }
                (Some(_), Some(_)) => {
                    return Err(Error::new(
                        SqlState::AmbiguousFunction,
                        format!("more than one operator named {text}"),
                    ));
                }
            }
        }
        Type::Regoperator => {
            let (symbol, args) = operator_signature(text)?;
            let mut all = facts::OPERATORS.iter();
            let found =
                all.find(|line| line.text(1) == symbol && [line.oid(5), line.oid(6)] == args);
            found.map(|line| line.oid(0)).ok_or_else(|| {
                Error::new(SqlState::UndefinedFunction, format!("operator does not exist: {text}"))
            })?
        }
        Type::Regnamespace => {
            let name = split_name(text)?.pop().unwrap_or_default();
            let found = namespace(&name);
            found.ok_or_else(|| undefined(SqlState::InvalidSchemaName, "schema", &name))?
        }
        Type::Regrole => {
            let name = split_name(text)?.pop().unwrap_or_default();
            let found = roles::oid_of(&name);
            found.ok_or_else(|| undefined(SqlState::UndefinedObject, "role", &name))?
        }
        Type::Regcollation => {
            let name = split_name(text)?.pop().unwrap_or_default();
            let found = super::COLLATIONS.iter().find(|(_, known)| *known == name);
            found.map(|(oid, _)| *oid).ok_or_else(|| {
                let message = format!("collation \"{name}\" for encoding \"UTF8\" does not exist");
                Error::new(SqlState::UndefinedObject, message)
            })?
        }
        // Without a catalog nobody knows relations.
        other => {
            return Err(Error::unsupported(format!("a name as {} here", other.name())));
        }
    };
    Ok(Datum::Int64(i64::from(oid)))
}

/// The text form of what does not depend on users' definitions; `None` if the number stands for nothing.
pub fn format_static(kind: Type, oid: u32) -> Option<String> {
    if oid == 0 {
        return Some("-".into());
    }
    match kind {
        Type::Regtype => Type::from_oid(oid).map(|kind| match kind {
            // Of a column without a length it is bpchar, of a type as such it is not.
            Type::Bpchar => kind.name().to_owned(),
            kind => TypeMod::plain(kind).display(),
        }),
        Type::Regproc => {
            let found = facts::procedure(oid)?;
            // A name alone does not tell one of several.
            Some(match procedures(found.name).nth(1) {
                None => quote_ident(found.name),
                Some(_) => format!("pg_catalog.{}", quote_ident(found.name)),
            })
        }
        Type::Regprocedure => {
            let found = facts::procedure(oid)?;
            Some(format!("{}({})", quote_ident(found.name), type_list(&found.args, ",")))
        }
        Type::Regoper => {
            let symbol = operator(oid)?.text(1);
            let same = facts::OPERATORS.iter().filter(|line| line.text(1) == symbol);
            Some(match same.count() {
                1 => symbol.to_owned(),
                _ => format!("pg_catalog.{symbol}"),
            })
        }
        Type::Regoperator => {
            let found = operator(oid)?;
            let side = |field| match found.oid(field) {
                0 => "NONE".to_owned(),
                oid => type_list(&[oid], ","),
            };
            Some(format!("{}({},{})", found.text(1), side(5), side(6)))
        }
        Type::Regnamespace => namespace_name(oid).map(quote_ident),
        Type::Regrole => roles::name_of(oid).map(str::to_owned),
        Type::Regcollation => {
            let found = super::COLLATIONS.iter().find(|(known, _)| *known == oid);
            found.map(|(_, name)| quote_ident(name))
        }
        _ => None,
    }
}

fn operator(oid: u32) -> Option<&'static facts::Fields> {
    facts::OPERATORS.iter().find(|line| line.oid(0) == oid)
}

/// Types by number, as they are written in a list.
pub fn type_list(oids: &[u32], separator: &str) -> String {
    let names = oids.iter().map(|oid| match Type::from_oid(*oid) {
        Some(kind) => TypeMod::plain(kind).display(),
        None => super::pseudo_type(*oid).map_or_else(|| oid.to_string(), str::to_owned),
    });
    names.collect::<Vec<_>>().join(separator)
}

fn procedures<'n>(name: &'n str) -> impl Iterator<Item = &'static Procedure> + 'n {
    facts::PROCEDURES.iter().filter(move |procedure| procedure.name == name)
}

fn argument_types(list: &str) -> Result<Vec<u32>> {
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    let types = names.map(|name| match named_type(name) {
        Some(kind) => Ok(kind.oid()),
        None if name.eq_ignore_ascii_case("none") => Ok(0),
        None => {
            Err(Error::new(SqlState::UndefinedObject, format!("type \"{name}\" does not exist")))
        }
    });
    types.collect()
}

/// `name(type, ...)`
fn signature(text: &str) -> Result<(&str, Vec<u32>)> {
    let expected = |what: &str| Error::new(SqlState::InvalidTextRepresentation, what.to_owned());
    let (name, rest) =
        text.split_once('(').ok_or_else(|| expected("expected a left parenthesis"))?;
    let list = rest.trim_end().strip_suffix(')');
    let list = list.ok_or_else(|| expected("expected a right parenthesis"))?;
    Ok((name, argument_types(list)?))
}

fn call_signature(text: &str) -> Result<(String, Vec<u32>)> {
    let (name, args) = signature(text)?;
    Ok((qualified(name)?.1, args))
}

fn operator_signature(text: &str) -> Result<(&str, [u32; 2])> {
    let (symbol, args) = signature(text)?;
    match args.as_slice() {
        [left, right] => Ok((symbol.trim().trim_start_matches("pg_catalog."), [*left, *right])),
        _ => Err(Error::new(SqlState::UndefinedFunction, "missing argument")
            .hint("Use NONE to denote the missing argument of a unary operator.")),
    }
}

/// The schema of a relation.
pub fn namespace_of(schema: &str) -> u32 {
    match schema {
        CATALOG_SCHEMA => CATALOG_NAMESPACE,
        INFORMATION_SCHEMA => INFORMATION_NAMESPACE,
        OWN_SCHEMA => OWN_NAMESPACE,
        _ => PUBLIC_NAMESPACE,
    }
}
