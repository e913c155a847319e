//! Changing the value at a path: `jsonb_set`, `jsonb_insert`, `#-`, and assignment to subscripts.

use super::access::place;
use super::{Function, arg, invalid, lenient, pure, texts};
use crate::error::{Error, Result, SqlState};
use crate::types::Type::{Bool, Jsonb, Text, TextArray};
use crate::types::json::{Json, compare_keys, place_in};
use crate::types::{Datum, Type};

/// What happens at the end of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// What is there goes.
    Delete,
    /// What is there is replaced; what is not there is not added.
    Replace,
    /// What is there is replaced, else it is added.
    Set,
    /// A new element before the one that is there, or a new key.
    InsertBefore,
    /// A new element behind the one that is there, or a new key.
    InsertAfter,
    /// Like `Set`; arrays are filled with nulls up to the place, missing steps are made, and a
    /// scalar on the way is an error.
    Assign,
}

impl Change {
    fn adds(self) -> bool {
        !matches!(self, Change::Delete | Change::Replace)
    }
}

struct Setter<'a> {
    path: &'a [Option<String>],
    change: Change,
    value: Json,
}

fn is_scalar_on_the_way() -> Error {
    invalid("cannot replace existing key")
        .detail("The path assumes key is a composite object, but it is a scalar value.")
}

impl Setter<'_> {
    /// The step at a level, counted from zero.
    fn step(&self, level: usize) -> Result<&str> {
        match self.path.get(level) {
            Some(Some(step)) => Ok(step),
            _ => Err(Error::new(
                SqlState::NullValueNotAllowed,
                format!("path element at position {} is null", level + 1),
            )),
        }
    }

    fn is_last(&self, level: usize) -> bool {
        level + 1 == self.path.len()
    }

    /// What the steps from a level on would make: objects, and arrays filled up with nulls.
    fn made(&self, level: usize) -> Result<Json> {
        if level >= self.path.len() {
            return Ok(self.value.clone());
        }
        let step = self.step(level)?;
        let inner = self.made(level + 1)?;
        match place(step) {
            Some(place) if place >= 0 => {
                let mut items = Vec::new();
                fill(&mut items, place)?;
                items.push(inner);
                Ok(Json::Array(items))
            }
            Some(place) => Err(out_of_range(level, place)),
            None => Ok(Json::Object(vec![(step.to_owned(), inner)])),
        }
    }

    fn apply(&self, json: &mut Json, level: usize) -> Result<()> {
        match json {
            Json::Array(items) => self.in_array(items, level),
            Json::Object(pairs) => self.in_object(pairs, level),
            _ if self.change == Change::Assign => Err(is_scalar_on_the_way()),
            _ => Ok(()),
        }
    }

    fn in_object(&self, pairs: &mut Vec<(String, Json)>, level: usize) -> Result<()> {
        let key = self.step(level)?;
        match pairs.binary_search_by(|(name, _)| compare_keys(name, key)) {
            Ok(at) if !self.is_last(level) => match pairs.get_mut(at) {
                Some((_, inner)) => self.apply(inner, level + 1),
                None => Ok(()),
            },
            Ok(at) => match (self.change, pairs.get_mut(at)) {
                (Change::InsertBefore | Change::InsertAfter, _) => {
                    Err(invalid("cannot replace existing key")
                        .hint("Try using the function jsonb_set to replace key value."))
                }
                (Change::Delete, _) => {
                    pairs.remove(at);
                    Ok(())
                }
                (_, Some((_, value))) => {
                    *value = self.value.clone();
                    Ok(())
                }
                (_, None) => Ok(()),
            },
            Err(at) => {
                let is_assignment = self.change == Change::Assign;
                if is_assignment || self.change.adds() && self.is_last(level) {
                    pairs.insert(at, (key.to_owned(), self.made(level + 1)?));
                }
                Ok(())
            }
        }
    }

    fn in_array(&self, items: &mut Vec<Json>, level: usize) -> Result<()> {
        let step = self.step(level)?;
        let asked = place(step).ok_or_else(|| {
            Error::new(
                SqlState::InvalidTextRepresentation,
                format!("path element at position {} is not an integer: \"{step}\"", level + 1),
            )
        })?;
        let found = place_in(asked, items.len());
        if self.change == Change::Assign && found.is_none() {
            if asked < 0 {
                return Err(out_of_range(level, asked));
            }
            fill(items, asked)?;
            items.push(self.made(level + 1)?);
            return Ok(());
        }
        let Some(at) = found else {
            if self.change.adds() && self.is_last(level) {
                let at = if asked < 0 { 0 } else { items.len() };
                items.insert(at, self.value.clone());
            }
            return Ok(());
        };
        if !self.is_last(level) {
            return match items.get_mut(at) {
                Some(inner) => self.apply(inner, level + 1),
                None => Ok(()),
            };
        }
        match (self.change, items.get_mut(at)) {
            (Change::Delete, _) => drop(items.remove(at)),
            (Change::InsertBefore, _) => items.insert(at, self.value.clone()),
            (Change::InsertAfter, _) => items.insert(at + 1, self.value.clone()),
            (_, Some(item)) => *item = self.value.clone(),
            (_, None) => {}
        }
        Ok(())
    }
}

fn out_of_range(level: usize, place: i64) -> Error {
    Error::new(
        SqlState::InvalidParameterValue,
        format!("path element at position {} is out of range: {place}", level + 1),
    )
}

/// Fills an array with nulls up to a place.
fn fill(items: &mut Vec<Json>, place: i64) -> Result<()> {
    const MAX_ITEMS: usize = crate::types::array::MAX_ITEMS;
    match usize::try_from(place) {
        Ok(length) if length < MAX_ITEMS => {
            items.resize(length.max(items.len()), Json::Null);
            Ok(())
        }
        _ => Err(Error::new(
            SqlState::ProgramLimitExceeded,
            format!("number of jsonb array elements exceeds the maximum allowed ({MAX_ITEMS})"),
        )),
    }
}

fn changed(target: &Datum, path: &[Option<String>], change: Change, value: Json) -> Result<Datum> {
    let mut json = Json::read(target)?;
    if !matches!(json, Json::Array(_) | Json::Object(_)) {
        let verb = if change == Change::Delete { "delete" } else { "set" };
        return Err(invalid(format!("cannot {verb} path in scalar")));
    }
    let adds = change.adds();
    let is_empty = match &json {
        Json::Array(items) => items.is_empty(),
        Json::Object(pairs) => pairs.is_empty(),
        _ => false,
    };
    if path.is_empty() || is_empty && !adds {
        return Ok(target.clone());
    }
    Setter { path, change, value }.apply(&mut json, 0)?;
    json.to_datum()
}

/// A flag that is argument `index`, or is not given.
fn flag(args: &[Datum], index: usize, otherwise: bool) -> Result<bool> {
    args.get(index).map_or(Ok(otherwise), Datum::as_bool)
}

fn set(args: &[Datum]) -> Result<Datum> {
    let change = if flag(args, 3, true)? { Change::Set } else { Change::Replace };
    changed(arg(args, 0), &texts(args, 1)?, change, Json::read(arg(args, 2))?)
}

fn insert(args: &[Datum]) -> Result<Datum> {
    let change = if flag(args, 3, false)? { Change::InsertAfter } else { Change::InsertBefore };
    changed(arg(args, 0), &texts(args, 1)?, change, Json::read(arg(args, 2))?)
}

fn delete(args: &[Datum]) -> Result<Datum> {
    changed(arg(args, 0), &texts(args, 1)?, Change::Delete, Json::Null)
}

/// `jsonb_set_lax`: what to do with a value that is NULL is an argument.
fn set_lax(args: &[Datum]) -> Result<Datum> {
    let is_null = |index: usize| args.get(index).is_some_and(Datum::is_null);
    if is_null(0) || is_null(1) || is_null(3) {
        return Ok(Datum::Null);
    }
    let unknown = || {
        invalid(
            "null_value_treatment must be \"delete_key\", \"return_target\", \"use_json_null\", or \"raise_exception\"",
        )
    };
    if is_null(4) {
        return Err(unknown());
    }
    if !arg(args, 2).is_null() {
        return set(args);
    }
    let path = texts(args, 1)?;
    match args.get(4).map_or(Ok("use_json_null"), Datum::as_str)? {
        "raise_exception" => Err(Error::new(
            SqlState::NullValueNotAllowed,
            "JSON value must not be null",
        )
        .detail("Exception was raised because null_value_treatment is \"raise_exception\".")
        .hint("To avoid, either change the null_value_treatment argument or ensure that an SQL NULL is not passed.")),
        "use_json_null" => {
            let change = if flag(args, 3, true)? { Change::Set } else { Change::Replace };
            changed(arg(args, 0), &path, change, Json::Null)
        }
        "delete_key" => changed(arg(args, 0), &path, Change::Delete, Json::Null),
        "return_target" => Ok(arg(args, 0).clone()),
        _ => Err(unknown()),
    }
}

/// `target[path] = value`: the jsonb before, which may be NULL, the value and the steps.
pub(super) fn assign(args: &[Datum]) -> Result<Datum> {
    let (target, value) = (arg(args, 0), arg(args, 1));
    let path = texts(args, 2)?;
    if path.contains(&None) {
        let message = "jsonb subscript in assignment must not be null";
        return Err(Error::new(SqlState::NullValueNotAllowed, message));
    }
    let value = if value.is_null() { Json::Null } else { Json::read(value)? };
    let setter = Setter { path: &path, change: Change::Assign, value };
    let json = match target {
        Datum::Null => setter.made(0)?,
        target => {
            let mut json = Json::read(target)?;
            setter.apply(&mut json, 0)?;
            json
        }
    };
    json.to_datum()
}

pub(super) fn register(all: &mut Vec<Function>) {
    const SET: &[Type] = &[Jsonb, TextArray, Jsonb];
    const FLAGGED: &[Type] = &[Jsonb, TextArray, Jsonb, Bool];
    const LAX: &[Type] = &[Jsonb, TextArray, Jsonb, Bool, Text];
    all.extend([
        pure("jsonb_set", SET, Jsonb, set),
        pure("jsonb_set", FLAGGED, Jsonb, set),
        pure("jsonb_insert", SET, Jsonb, insert),
        pure("jsonb_insert", FLAGGED, Jsonb, insert),
        lenient("jsonb_set_lax", SET, Jsonb, set_lax),
        lenient("jsonb_set_lax", FLAGGED, Jsonb, set_lax),
        lenient("jsonb_set_lax", LAX, Jsonb, set_lax),
        pure("#-", &[Jsonb, TextArray], Jsonb, delete),
        pure("jsonb_delete_path", &[Jsonb, TextArray], Jsonb, delete),
    ]);
}
