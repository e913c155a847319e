//! What a jsonb contains: another one (`@>`), or keys (`?`).

use super::{Function, arg, pure, texts, view};
use crate::error::Result;
use crate::types::Type::{Bool, Jsonb, Text, TextArray};
use crate::types::json::View;
use crate::types::{Datum, Numeric, Type};

/// Whether two scalars are equal.
fn same_scalar(a: View<'_>, b: View<'_>) -> bool {
    match (a, b) {
        (View::Null, View::Null) => true,
        (View::Bool(a), View::Bool(b)) => a == b,
        (View::Number(a), View::Number(b)) => Numeric::canonical(a) == Numeric::canonical(b),
        (View::String(a), View::String(b)) => a == b,
        _ => false,
    }
}

/// Whether `outer` has all that `inner` has, both of them objects or arrays.
fn deep_contains(outer: View<'_>, inner: View<'_>) -> Result<bool> {
    match (outer, inner) {
        (View::Object(_), View::Object(_)) => {
            for pair in inner.pairs() {
                let (key, wanted) = pair?;
                let Some(found) = outer.get(key)? else { return Ok(false) };
                if !holds(found, wanted)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (View::Array(_), View::Array(_)) => {
            for wanted in inner.items() {
                let wanted = wanted?;
                let mut found = false;
                for item in outer.items() {
                    if holds(item?, wanted)? {
                        found = true;
                        break;
                    }
                }
                if !found {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// Whether a part is or contains the wanted one.
fn holds(part: View<'_>, wanted: View<'_>) -> Result<bool> {
    match wanted.is_scalar() {
        true => Ok(same_scalar(part, wanted)),
        false => deep_contains(part, wanted),
    }
}

/// Whether a value contains another one. Only here an array contains a scalar that it has as an
/// element.
fn contains(outer: View<'_>, inner: View<'_>) -> Result<bool> {
    if let (View::Array(_), true) = (outer, inner.is_scalar()) {
        for item in outer.items() {
            if same_scalar(item?, inner) {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    holds(outer, inner)
}

/// Whether an object has a key, or an array a string.
fn has(view: View<'_>, key: &str) -> Result<bool> {
    match view {
        View::Object(_) => Ok(view.get(key)?.is_some()),
        View::String(text) => Ok(text == key),
        _ => {
            for item in view.items() {
                if matches!(item?, View::String(text) if text == key) {
                    return Ok(true);
                }
            }
            Ok(false)
        }
    }
}

fn exists(args: &[Datum]) -> Result<Datum> {
    Ok(Datum::Bool(has(view(args, 0)?, arg(args, 1).as_str()?)?))
}

/// Whether one key (`all` false) or all of them are there. NULLs are not looked for.
fn exists_of(args: &[Datum], all: bool) -> Result<Datum> {
    let view = view(args, 0)?;
    for key in texts(args, 1)?.into_iter().flatten() {
        if has(view, &key)? != all {
            return Ok(Datum::Bool(!all));
        }
    }
    Ok(Datum::Bool(all))
}

pub(super) fn register(all: &mut Vec<Function>) {
    const BOTH: &[Type] = &[Jsonb, Jsonb];
    const KEYS: &[Type] = &[Jsonb, TextArray];
    for name in ["@>", "jsonb_contains"] {
        all.push(pure(name, BOTH, Bool, |a| Ok(Datum::Bool(contains(view(a, 0)?, view(a, 1)?)?))));
    }
    for name in ["<@", "jsonb_contained"] {
        all.push(pure(name, BOTH, Bool, |a| Ok(Datum::Bool(contains(view(a, 1)?, view(a, 0)?)?))));
    }
    for name in ["?", "jsonb_exists"] {
        all.push(pure(name, &[Jsonb, Text], Bool, exists));
    }
    for name in ["?|", "jsonb_exists_any"] {
        all.push(pure(name, KEYS, Bool, |args| exists_of(args, false)));
    }
    for name in ["?&", "jsonb_exists_all"] {
        all.push(pure(name, KEYS, Bool, |args| exists_of(args, true)));
    }
}
