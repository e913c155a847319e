//! Functions and operators that look along paths.

mod eval;

use std::cell::RefCell;
use std::rc::Rc;

use eval::{Evaluation, Item, Stop};

use super::sets::{SetFunction, SetKernel, SetRows, signature};
use super::{Function, arg, pure};
use crate::error::{Error, Result, SqlState};
use crate::types::Type::{Bool, Jsonb, Jsonpath};
use crate::types::json::Json;
use crate::types::jsonpath::{Path, parse};
use crate::types::{Datum, Type};

thread_local! {
    /// The path that was used last: mostly the one that all rows ask for.
    static LAST: RefCell<Option<(String, Rc<Path>)>> = const { RefCell::new(None) };
}

fn path_of(text: &str) -> Result<Rc<Path>> {
    let known = LAST.with_borrow(|last| match last {
        Some((known, path)) if known == text => Some(path.clone()),
        _ => None,
    });
    if let Some(path) = known {
        return Ok(path);
    }
    let path = Rc::new(parse(text)?);
    LAST.set(Some((text.to_owned(), path.clone())));
    Ok(path)
}

/// Evaluates with the arguments value, path, variables and `silent`; `None` if there was an error of
/// the kind that `silent` is about.
fn evaluate<T>(
    args: &[Datum],
    silent: bool,
    work: impl FnOnce(&Evaluation<'_>) -> std::result::Result<T, Stop>,
) -> Result<Option<T>> {
    let value = Json::read(arg(args, 0))?;
    let path = path_of(arg(args, 1).as_str()?)?;
    let variables = match args.get(2) {
        None => Json::Object(Vec::new()),
        Some(variables) => match Json::read(variables)? {
            object @ Json::Object(_) => object,
            _ => {
                return Err(Error::new(
                    SqlState::InvalidParameterValue,
                    "\"vars\" argument is not an object",
                )
                .detail(
                    "Jsonpath parameters should be encoded as key-value pairs of \"vars\" object.",
                ));
            }
        },
    };
    let silent = silent || args.get(3).map_or(Ok(false), Datum::as_bool)?;
    match work(&Evaluation::new(&path, &value, &variables)) {
        Ok(result) => Ok(Some(result)),
        Err(Stop::Soft(_)) if silent => Ok(None),
        Err(stop) => Err(stop.into_error()),
    }
}

fn exists(args: &[Datum], silent: bool) -> Result<Datum> {
    let found = evaluate(args, silent, |evaluation| evaluation.exists())?;
    Ok(found.map_or(Datum::Null, Datum::Bool))
}

fn truth(args: &[Datum], silent: bool) -> Result<Datum> {
    let found = evaluate(args, silent, |evaluation| {
        let mut items = Vec::new();
        evaluation.items(&mut items)?;
        match items.iter().map(Item::as_ref).collect::<Vec<_>>().as_slice() {
            [Json::Bool(value)] => Ok(Datum::Bool(*value)),
            [Json::Null] => Ok(Datum::Null),
            _ => Err(Stop::Soft(Error::new(
                SqlState::SingletonSqlJsonItemRequired,
                "single boolean result is expected",
            ))),
        }
    })?;
    Ok(found.unwrap_or(Datum::Null))
}

/// All items; none, if there was an error and it is put up with.
fn items(args: &[Datum]) -> Result<Vec<Json>> {
    let found = evaluate(args, false, |evaluation| {
        let mut items = Vec::new();
        evaluation.items(&mut items)?;
        Ok(items.into_iter().map(Item::into_owned).collect::<Vec<_>>())
    })?;
    Ok(found.unwrap_or_default())
}

fn query_rows(args: &[Datum]) -> Result<SetRows> {
    let items = items(args)?;
    Ok(Box::new(items.into_iter().map(|item| Ok(vec![item.to_datum()?]))))
}

const SIGNATURES: [&[Type]; 3] =
    [&[Jsonb, Jsonpath], &[Jsonb, Jsonpath, Jsonb], &[Jsonb, Jsonpath, Jsonb, Bool]];

pub(super) fn register(all: &mut Vec<Function>) {
    const OPERANDS: &[Type] = &[Jsonb, Jsonpath];
    all.push(pure("@?", OPERANDS, Bool, |args| exists(args, true)));
    all.push(pure("@@", OPERANDS, Bool, |args| truth(args, true)));
    for takes in SIGNATURES {
        all.push(pure("jsonb_path_exists", takes, Bool, |args| exists(args, false)));
        all.push(pure("jsonb_path_match", takes, Bool, |args| truth(args, false)));
        all.push(pure("jsonb_path_query_array", takes, Jsonb, |args| {
            Json::Array(items(args)?).to_datum()
        }));
        all.push(pure("jsonb_path_query_first", takes, Jsonb, |args| {
            items(args)?.first().map_or(Ok(Datum::Null), Json::to_datum)
        }));
    }
}

/// Adds what gives rows to the table of such functions.
pub(super) fn register_sets(all: &mut Vec<SetFunction>) {
    for takes in SIGNATURES {
        let signature = signature("jsonb_path_query", takes, Jsonb);
        let rows: SetKernel = query_rows;
        all.push(SetFunction { signature, rows, unbounded: false, columns: &[] });
    }
}
