//! Storage parameters: which there are for tables and indexes, and what values they take.
//!
//! They are kept and shown. Rows are not kept in pages and versions go without a vacuum, so none of
//! them has an effect.

use datafusion::sql::sqlparser::ast;

use crate::binder::fold;
use crate::error::{Error, Result, SqlState};
use crate::parser::definition::Parameter;

/// What values a parameter takes.
#[derive(Clone, Copy)]
enum Values {
    Bool,
    Int(i64, i64),
    Real(f64, f64),
    /// One of these; messages name those for which they are listed.
    Enum(&'static [&'static str], &'static str),
}

/// Of what something is a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A table.
    Table,
    /// A btree.
    Index,
}

const MAX_INT: i64 = i32::MAX as i64;

/// Those of a table and of what is stored beside it.
const VACUUM: &[(&str, Values)] = &[
    ("autovacuum_enabled", Values::Bool),
    ("autovacuum_vacuum_threshold", Values::Int(0, MAX_INT)),
    ("autovacuum_vacuum_insert_threshold", Values::Int(-1, MAX_INT)),
    ("autovacuum_vacuum_cost_limit", Values::Int(1, 10_000)),
    ("autovacuum_vacuum_cost_delay", Values::Real(0.0, 100.0)),
    ("autovacuum_freeze_min_age", Values::Int(0, 1_000_000_000)),
    ("autovacuum_freeze_max_age", Values::Int(100_000, 2_000_000_000)),
    ("autovacuum_freeze_table_age", Values::Int(0, 2_000_000_000)),
    ("autovacuum_multixact_freeze_min_age", Values::Int(0, 1_000_000_000)),
    ("autovacuum_multixact_freeze_max_age", Values::Int(10_000, 2_000_000_000)),
    ("autovacuum_multixact_freeze_table_age", Values::Int(0, 2_000_000_000)),
    ("log_autovacuum_min_duration", Values::Int(-1, MAX_INT)),
    ("autovacuum_vacuum_scale_factor", Values::Real(0.0, 100.0)),
    ("autovacuum_vacuum_insert_scale_factor", Values::Real(0.0, 100.0)),
    (
        "vacuum_index_cleanup",
        Values::Enum(
            &["auto", "on", "off", "true", "false", "yes", "no", "1", "0"],
            "\"on\", \"off\", and \"auto\"",
        ),
    ),
    ("vacuum_truncate", Values::Bool),
];
/// Those of a table alone.
const TABLE: &[(&str, Values)] = &[
    ("fillfactor", Values::Int(10, 100)),
    ("toast_tuple_target", Values::Int(128, 8160)),
    ("parallel_workers", Values::Int(0, 1024)),
    ("user_catalog_table", Values::Bool),
    ("autovacuum_analyze_threshold", Values::Int(0, MAX_INT)),
    ("autovacuum_analyze_scale_factor", Values::Real(0.0, 100.0)),
];
const INDEX: &[(&str, Values)] =
    &[("fillfactor", Values::Int(10, 100)), ("deduplicate_items", Values::Bool)];

fn invalid(message: String) -> Error {
    Error::new(SqlState::InvalidParameterValue, message)
}

fn find(target: Target, parameter: &Parameter) -> Result<Values> {
    let lists: &[&[(&str, Values)]] = match (target, parameter.namespace.as_deref()) {
        (Target::Table, None) => &[TABLE, VACUUM],
        (Target::Table, Some("toast")) => &[VACUUM],
        (Target::Index, None) => &[INDEX],
        (_, Some(other)) => {
            return Err(invalid(format!("unrecognized parameter namespace \"{other}\"")));
        }
    };
    let mut all = lists.iter().copied().flatten();
    let found = all.find(|(name, _)| *name == parameter.name);
    let found = found.map(|(_, values)| *values);
    found.ok_or_else(|| invalid(format!("unrecognized parameter \"{}\"", parameter.name)))
}

fn is_bool(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let begins = |word: &str, least: usize| text.len() >= least && word.starts_with(&text);
    begins("true", 1)
        || begins("false", 1)
        || begins("yes", 1)
        || begins("no", 1)
        || begins("on", 2)
        || begins("off", 2)
        || text == "1"
        || text == "0"
}

fn check(name: &str, values: Values, text: &str) -> Result<()> {
    let of_kind =
        |kind: &str| Err(invalid(format!("invalid value for {kind} option \"{name}\": {text}")));
    let out_of_bounds = |low: String, high: String| {
        Err(invalid(format!("value {text} out of bounds for option \"{name}\""))
            .detail(format!("Valid values are between \"{low}\" and \"{high}\".")))
    };
    match values {
        Values::Bool if is_bool(text) => Ok(()),
        Values::Bool => of_kind("boolean"),
        Values::Int(low, high) => match text.parse::<f64>() {
            Ok(value) if value.is_finite() && value.abs() <= MAX_INT as f64 => {
                match (low..=high).contains(&(value.round_ties_even() as i64)) {
                    true => Ok(()),
                    false => out_of_bounds(low.to_string(), high.to_string()),
                }
            }
            _ => of_kind("integer"),
        },
        Values::Real(low, high) => match text.parse::<f64>() {
            Ok(value) if (low..=high).contains(&value) => Ok(()),
            Ok(value) if value.is_finite() => {
                out_of_bounds(format!("{low:.6}"), format!("{high:.6}"))
            }
            _ => of_kind("floating point"),
        },
        Values::Enum(known, _) if known.contains(&text.to_ascii_lowercase().as_str()) => Ok(()),
        Values::Enum(_, listed) => {
            Err(invalid(format!("invalid value for enum option \"{name}\": {text}"))
                .detail(format!("Valid values are {listed}.")))
        }
    }
}

/// The parameter's name as it is kept: with `toast.` before it for what is stored beside a table.
fn full_name(parameter: &Parameter) -> String {
    match &parameter.namespace {
        Some(namespace) => format!("{namespace}.{}", parameter.name),
        None => parameter.name.clone(),
    }
}

fn name_of(kept: &str) -> &str {
    kept.split_once('=').map_or(kept, |(name, _)| name)
}

/// Sets parameters in those that are kept, each as `name=value`.
pub(super) fn set(kept: &mut Vec<String>, target: Target, parameters: &[Parameter]) -> Result<()> {
    let mut named = Vec::new();
    for parameter in parameters {
        let name = full_name(parameter);
        // WITH OIDS is gone, and to say so does no harm.
        if target == Target::Table && name == "oids" {
            let is_off = parameter.value.as_deref().is_some_and(|value| {
                is_bool(value)
                    && !matches!(value.to_ascii_lowercase().as_str(), "on" | "1")
                    && !value.to_ascii_lowercase().starts_with(['t', 'y'])
            });
            if is_off {
                continue;
            }
            return Err(Error::new(
                SqlState::FeatureNotSupported,
                "tables declared WITH OIDS are not supported",
            ));
        }
        if named.contains(&name) {
            return Err(invalid(format!(
                "parameter \"{}\" specified more than once",
                parameter.name
            )));
        }
        let values = find(target, parameter)?;
        let value = parameter.value.as_deref().unwrap_or("true");
        check(&parameter.name, values, value)?;
        kept.retain(|kept| name_of(kept) != name);
        kept.push(format!("{name}={value}"));
        named.push(name);
    }
    Ok(())
}

/// Takes parameters out of those that are kept.
pub(super) fn reset(
    kept: &mut Vec<String>,
    target: Target,
    parameters: &[Parameter],
) -> Result<()> {
    for parameter in parameters {
        if parameter.value.is_some() {
            return Err(Error::new(
                SqlState::SyntaxError,
                "RESET must not include values for parameters",
            ));
        }
        // One that is not known is not set either.
        if parameter.namespace.as_deref().is_some_and(|name| name != "toast")
            || target == Target::Index && parameter.namespace.is_some()
        {
            find(target, parameter)?;
        }
        let name = full_name(parameter);
        kept.retain(|kept| name_of(kept) != name);
    }
    Ok(())
}

/// Those of an index, from CREATE INDEX.
pub(super) fn of_index(options: &[ast::Expr]) -> Result<Vec<String>> {
    let mut parameters = Vec::new();
    for option in options {
        let (name, value) = match option {
            ast::Expr::BinaryOp { left, op: ast::BinaryOperator::Eq, right } => {
                (&**left, Some(value_text(right)))
            }
            name => (name, None),
        };
        let (namespace, name) = match name {
            ast::Expr::Identifier(name) => (None, fold(name)),
            ast::Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [namespace, name] => (Some(fold(namespace)), fold(name)),
                _ => return Err(not_a_parameter(name)),
            },
            other => return Err(not_a_parameter(other)),
        };
        parameters.push(Parameter { namespace, name, value });
    }
    let mut kept = Vec::new();
    set(&mut kept, Target::Index, &parameters)?;
    Ok(kept)
}

fn not_a_parameter(expr: &ast::Expr) -> Error {
    Error::new(SqlState::SyntaxError, format!("syntax error at or near \"{expr}\""))
}

fn value_text(expr: &ast::Expr) -> String {
    match expr {
        ast::Expr::Identifier(name) => fold(name),
        ast::Expr::Value(value) => match &value.value {
            ast::Value::SingleQuotedString(text) => text.clone(),
            other => other.to_string(),
        },
        other => other.to_string().replace(' ', ""),
    }
}
