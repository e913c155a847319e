//! CREATE FUNCTION and DROP FUNCTION.

use datafusion::sql::sqlparser::ast::{DataType, ObjectName};

use super::super::Session;
use super::super::constraints::{place, truncate_name};
use super::drop::Dependent;
use super::text;
use crate::binder::types::{built_in, type_of};
use crate::binder::{fold, name_parts, relation_name};
use crate::catalog::routine::{Argument, Routine};
use crate::error::{Error, Result, SqlState};
use crate::parser::definition::routine::{CreateFunction, DropFunction, FunctionBody, Returned};
use crate::parser::stored;
use crate::types::Type;

/// Languages that PostgreSQL has and this server has not.
const OTHER_LANGUAGES: &[&str] = &["c", "internal", "plpgsql"];

fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::InvalidFunctionDefinition, message)
}

/// A type by its name, pseudo-types of functions among them.
fn kind_of(data_type: &DataType) -> Result<Type> {
    match data_type {
        DataType::Custom(name, _) if name_parts(name).join(".") == "void" => Ok(Type::Void),
        DataType::Custom(name, _) if name_parts(name).join(".") == "record" => Ok(Type::Record),
        other => built_in(other).map(|ty| ty.kind),
    }
}

/// A type as PostgreSQL's grammar has it: what is a key word has a schema.
fn as_written(data_type: &DataType) -> String {
    match (data_type, built_in(data_type)) {
        (DataType::Text | DataType::Custom(..), _) | (_, Err(_)) => {
            data_type.to_string().to_lowercase()
        }
        (_, Ok(ty)) => format!("pg_catalog.{}", ty.kind.catalog_name()),
    }
}

impl Session {
    pub(super) async fn create_function(
        &mut self,
        create: &CreateFunction,
        sql: &str,
    ) -> Result<()> {
        self.lock_catalog().await?;
        let position = place(sql, &create.name);
        if let Some(clause) = &create.unknown {
            return Err(Error::unsupported(format!("{clause} of CREATE FUNCTION")));
        }
        let name = self.new_name(&create.name, false).map_err(|error| error.at(position))?;
        let is_standard = !matches!(create.body, Some(FunctionBody::Text(_)));
        match create.language.as_ref().map(fold).as_deref() {
            Some("sql") => {}
            None if is_standard && create.body.is_some() => {}
            None => return Err(invalid("no language specified")),
            Some(language) if OTHER_LANGUAGES.contains(&language) => {
                return Err(Error::unsupported(format!("LANGUAGE {language}")));
            }
            Some(language) => {
                let message = format!("language \"{language}\" does not exist");
                return Err(Error::new(SqlState::UndefinedObject, message));
            }
        }
        let mut arguments: Vec<Argument> = Vec::new();
        for argument in &create.arguments {
            if let Some(mode) = &argument.mode {
                return Err(Error::unsupported(format!("{mode} arguments of functions")));
            }
            let name = argument.name.as_ref().map(|name| truncate_name(fold(name)));
            if name.is_some() && arguments.iter().any(|other| other.name == name) {
                let name = name.unwrap_or_default();
                return Err(invalid(format!("parameter name \"{name}\" used more than once")));
            }
            if argument.default.is_none() && arguments.last().is_some_and(|a| a.default.is_some()) {
                let message =
                    "input parameters after one with a default value must also have defaults";
                return Err(invalid(message));
            }
            let type_oid = self.known_type(&argument.data_type)?.oid();
            let default = argument.default.as_ref().map(stored::to_text);
            arguments.push(Argument { name, type_oid, default });
        }
        let (mut columns, mut row_type) = (Vec::new(), None);
        let (returns, returns_set) = match &create.returns {
            None => return Err(invalid("function result type must be specified")),
            Some(Returned::Type(set, data_type)) => match self.row_columns(data_type) {
                Some(found) => {
                    let (relation, listed) = found;
                    (columns, row_type) = (listed, Some(relation));
                    (Type::Record, *set)
                }
                None => (self.known_type(data_type)?, *set),
            },
            Some(Returned::Table(listed)) => {
                for (name, data_type) in listed {
                    columns.push((fold(name), self.known_type(data_type)?.oid()));
                }
                let single = match columns.as_slice() {
                    [(_, oid)] => Type::from_oid(*oid),
                    _ => None,
                };
                (single.unwrap_or(Type::Record), true)
            }
        };
        if !columns.is_empty() && !returns_set {
            return Err(Error::unsupported("a SQL function that returns one row"));
        }
        let body = match &create.body {
            None => return Err(invalid("no function body specified")),
            Some(FunctionBody::Text(body)) => body.clone(),
            Some(FunctionBody::Return(start, end)) => format!("SELECT {}", text(sql, *start, *end)),
            Some(FunctionBody::Atomic(start, end)) => text(sql, *start, Some(*end)),
        };
        let schema = self.schema();
        let mut routine = Routine {
            id: 0,
            schema: name.schema.clone(),
            name: name.name.clone(),
            arguments,
            returns: returns.oid(),
            returns_set,
            columns,
            strict: create.strict,
            volatility: create.volatility,
            body,
            is_standard,
            uses: Vec::new(),
        };
        let same = schema.routines_named(&name.schema, &name.name).into_iter();
        let old = same.into_iter().find(|other| other.kinds() == routine.kinds());
        routine.id = match &old {
            None => schema.allocate_id(),
            Some(_) if !create.or_replace => {
                let message =
                    format!("function \"{}\" already exists with same argument types", name.name);
                return Err(Error::new(SqlState::DuplicateFunction, message));
            }
            Some(old) => {
                let is_same = old.returns == routine.returns
                    && old.returns_set == routine.returns_set
                    && old.columns == routine.columns;
                if !is_same {
                    let hint = format!("Use DROP FUNCTION {} first.", old.signature());
                    let message = "cannot change return type of existing function";
                    return Err(invalid(message).hint(hint));
                }
                old.id
            }
        };
        let mut uses = self.with_binder("", |binder| {
            binder.record_uses();
            binder.check_routine(&routine)?;
            Ok(binder.take_uses())
        })?;
        // Strings are read when they are called.
        if !is_standard {
            uses.clear();
        }
        routine.uses =
            uses.into_iter().map(|used| used.id).filter(|id| *id != routine.id).collect();
        routine.uses.extend(row_type);
        self.draft(|draft| draft.put_routine(routine))
    }

    /// A type of a declaration: one of those that the server has by itself.
    fn known_type(&self, data_type: &DataType) -> Result<Type> {
        kind_of(data_type).map_err(|error| match type_of(data_type, &self.names()) {
            Ok(_) => Error::unsupported("a type that was made, in a function,"),
            Err(_) => error,
        })
    }

    /// The columns of a relation whose row a function returns.
    fn row_columns(&self, data_type: &DataType) -> Option<(u32, Vec<(String, u32)>)> {
        let DataType::Custom(name, _) = data_type else { return None };
        if kind_of(data_type).is_ok() {
            return None;
        }
        let (schema, relation) = relation_name(name).ok()?;
        let catalog = self.schema();
        let found = catalog.find(&self.path(), schema.as_deref(), &relation)?;
        if let Some(table) = catalog.table(&found) {
            let columns = table.visible();
            let columns = columns.map(|(_, c)| (c.name.clone(), c.type_oid));
            return Some((table.id, columns.collect()));
        }
        let view = catalog.view(&found)?;
        let columns = view.columns.iter().map(|c| (c.name.clone(), c.type_oid));
        Some((view.id, columns.collect()))
    }

    pub(super) async fn drop_functions(&mut self, drop: &DropFunction) -> Result<()> {
        self.lock_catalog().await?;
        for (name, kinds) in &drop.functions {
            let Some(routine) = self.function_to_drop(name, kinds.as_deref(), drop.if_exists)?
            else {
                continue;
            };
            let mut dependents: Vec<Dependent> = Vec::new();
            let what = format!("function {}", routine.signature());
            self.dependent_views(routine.id, None, &what, &mut Vec::new(), &mut dependents);
            self.cascade(&what, &dependents, drop.cascade)?;
            self.drop_dependents(None, &dependents).await?;
            self.draft(|draft| draft.drop_routine(routine.id))?;
        }
        Ok(())
    }

    fn function_to_drop(
        &mut self,
        name: &ObjectName,
        kinds: Option<&[DataType]>,
        if_exists: bool,
    ) -> Result<Option<std::sync::Arc<Routine>>> {
        let (schema, function) = relation_name(name)?;
        let written = kinds;
        let kinds: Option<Vec<Type>> =
            kinds.map(|kinds| kinds.iter().map(kind_of).collect::<Result<_>>()).transpose()?;
        let (catalog, path) = (self.schema(), self.path());
        let schemas: Vec<&str> = match &schema {
            Some(schema) => vec![path.schema(schema)],
            None => path.schemas().iter().map(String::as_str).collect(),
        };
        let mut found = Vec::new();
        for schema in schemas {
            let named = catalog.routines_named(schema, &function).into_iter();
            found.extend(named.filter(|r| kinds.as_ref().is_none_or(|kinds| r.kinds() == *kinds)));
        }
        if kinds.is_none() && found.len() > 1 {
            let message = format!("function name \"{function}\" is not unique");
            return Err(Error::new(SqlState::AmbiguousFunction, message)
                .hint("Specify the argument list to select the function unambiguously."));
        }
        if let Some(routine) = found.into_iter().next() {
            return Ok(Some(routine));
        }
        if if_exists {
            let kinds: Vec<String> = written.iter().copied().flatten().map(as_written).collect();
            let shown = format!("{function}({})", kinds.join(","));
            self.skip(format!("function {shown} does not exist, skipping"));
            return Ok(None);
        }
        let shown = kinds.map(|kinds| {
            let kinds: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
            format!("{function}({})", kinds.join(", "))
        });
        let message = match shown {
            Some(shown) => format!("function {shown} does not exist"),
            None => format!("could not find a function named \"{function}\""),
        };
        Err(Error::new(SqlState::UndefinedFunction, message))
    }
}
