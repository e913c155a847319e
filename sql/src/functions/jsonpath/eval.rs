//! What a path stands for in a value: items one after the other, or truth.
//!
//! In lax mode arrays are taken apart where an item of them is wanted, items pass for arrays of one,
//! and what is not there is no error. An error in a condition makes it unknown.

use std::borrow::Cow;
use std::cell::Cell;

use crate::error::{Error, Result, SqlState};
use crate::functions::strings::{with_options, with_regex};
use crate::types::Numeric;
use crate::types::json::{Json, MAX_DEPTH, place_in, too_deep};
use crate::types::jsonpath::{Expr, Method, Operator, Path, Step};

/// Most items that one evaluation looks at.
const MAX_ITEMS: usize = 10_000_000;

/// An item: a part of the value, or a scalar that was computed.
pub(super) type Item<'a> = Cow<'a, Json>;

/// Why there are no more items.
#[derive(Debug)]
pub(super) enum Stop {
    /// An error that conditions and `silent` put up with.
    Soft(Error),
    /// One that they do not.
    Hard(Error),
}

impl Stop {
    pub(super) fn into_error(self) -> Error {
        match self {
            Stop::Soft(error) | Stop::Hard(error) => error,
        }
    }
}

type Outcome<T> = std::result::Result<T, Stop>;

/// The truth of a condition; `None` if it is unknown.
type Truth = Option<bool>;

fn soft<T>(state: SqlState, message: impl Into<String>) -> Outcome<T> {
    Err(Stop::Soft(Error::new(state, message)))
}

/// An evaluation.
pub(super) struct Evaluation<'a> {
    path: &'a Path,
    root: &'a Json,
    variables: &'a Json,
    /// Whether what is not there is no error.
    lenient: Cell<bool>,
    seen: Cell<usize>,
}

/// Where an expression is evaluated: what `@` and `last` are there.
#[derive(Clone, Copy)]
struct Place<'p, 'a> {
    current: Option<&'p Item<'a>>,
    length: usize,
    depth: usize,
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(path: &'a Path, root: &'a Json, variables: &'a Json) -> Evaluation<'a> {
        let lenient = Cell::new(!path.strict);
        Evaluation { path, root, variables, lenient, seen: Cell::new(0) }
    }

    /// All items. Those before an error stay in `out`.
    pub(super) fn items(&self, out: &mut Vec<Item<'a>>) -> Outcome<()> {
        let place = Place { current: None, length: 0, depth: 0 };
        self.eval(&self.path.expr, place, out)
    }

    /// Whether there are any items; in lax mode, before an error.
    pub(super) fn exists(&self) -> Outcome<bool> {
        let mut out = Vec::new();
        match self.items(&mut out) {
            Err(Stop::Soft(_)) if self.is_lax() && !out.is_empty() => Ok(true),
            result => result.map(|()| !out.is_empty()),
        }
    }

    fn is_lax(&self) -> bool {
        !self.path.strict
    }

    fn count(&self) -> Outcome<()> {
        let seen = self.seen.get() + 1;
        self.seen.set(seen);
        if seen > MAX_ITEMS {
            return Err(Stop::Hard(Error::new(
                SqlState::ProgramLimitExceeded,
                format!("a jsonpath looks at more than {MAX_ITEMS} items"),
            )));
        }
        Ok(())
    }

    fn eval(&self, expr: &Expr, place: Place<'_, 'a>, out: &mut Vec<Item<'a>>) -> Outcome<()> {
        self.count()?;
        if place.depth > MAX_DEPTH {
            return Err(Stop::Hard(too_deep()));
        }
        let place = Place { depth: place.depth + 1, ..place };
        let item = match expr {
            Expr::Root => Cow::Borrowed(self.root),
            Expr::Current => match place.current {
                Some(current) => current.clone(),
                None => Cow::Borrowed(self.root),
            },
            Expr::Last => Cow::Owned(Json::Number(Numeric::from_i64(place.length as i64 - 1))),
            Expr::Variable(name) => Cow::Borrowed(self.variable(name)?),
            Expr::Null => Cow::Owned(Json::Null),
            Expr::Bool(value) => Cow::Owned(Json::Bool(*value)),
            Expr::Number(value) => Cow::Owned(Json::Number(value.clone())),
            Expr::String(text) => Cow::Owned(Json::String(text.clone())),
            Expr::Steps(from, steps) => {
                let mut start = Vec::new();
                let stopped = self.eval(from, place, &mut start);
                for item in &start {
                    self.follow(item, steps, place, self.is_lax(), out)?;
                }
                return stopped;
            }
            Expr::Arithmetic(op, a, b) => self.arithmetic(*op, a, b, place)?,
            Expr::Plus(inner) | Expr::Minus(inner) => {
                return self.signed(expr, inner, place, out);
            }
            condition => match self.truth(condition, place)? {
                Some(value) => Cow::Owned(Json::Bool(value)),
                None => Cow::Owned(Json::Null),
            },
        };
        out.push(item);
        Ok(())
    }

    fn variable(&self, name: &str) -> Outcome<&'a Json> {
        let found = match self.variables {
            Json::Object(pairs) => pairs.iter().find(|(key, _)| key == name),
            _ => None,
        };
        found.map(|(_, value)| value).ok_or_else(|| {
            Stop::Hard(Error::new(
                SqlState::UndefinedObject,
                format!("could not find jsonpath variable \"{name}\""),
            ))
        })
    }

    /// Items with arrays among them taken apart, in lax mode.
    fn unwrapped(&self, expr: &Expr, place: Place<'_, 'a>) -> Outcome<Vec<Item<'a>>> {
        let mut items = Vec::new();
        self.eval(expr, place, &mut items)?;
        if !self.is_lax() || !items.iter().any(|item| matches!(**item, Json::Array(_))) {
            return Ok(items);
        }
        let mut all = Vec::new();
        for item in items {
            match elements(&item) {
                Some(inner) => all.extend(inner),
                None => all.push(item),
            }
        }
        Ok(all)
    }

    fn operand(&self, side: &str, op: Operator, items: Vec<Item<'a>>) -> Outcome<Numeric> {
        match items.as_slice() {
            [item] if matches!(**item, Json::Number(_)) => match item.as_ref() {
                Json::Number(value) => Ok(value.clone()),
                _ => Ok(Numeric::from_i64(0)),
            },
            _ => soft(
                SqlState::SingletonSqlJsonItemRequired,
                format!(
                    "{side} operand of jsonpath operator {} is not a single numeric value",
                    op.symbol()
                ),
            ),
        }
    }

    fn arithmetic(
        &self,
        op: Operator,
        a: &Expr,
        b: &Expr,
        place: Place<'_, 'a>,
    ) -> Outcome<Item<'a>> {
        let (a, b) = (self.unwrapped(a, place)?, self.unwrapped(b, place)?);
        let a = self.operand("left", op, a)?;
        let b = self.operand("right", op, b)?;
        let result = match op {
            Operator::Add => Ok(a.add(&b)),
            Operator::Sub => Ok(a.sub(&b)),
            Operator::Mul => Ok(a.mul(&b)),
            Operator::Div => a.div(&b),
            _ => a.rem(&b),
        };
        let result = result.and_then(Numeric::checked).map_err(Stop::Soft)?;
        Ok(Cow::Owned(Json::Number(result)))
    }

    fn signed(
        &self,
        expr: &Expr,
        inner: &Expr,
        place: Place<'_, 'a>,
        out: &mut Vec<Item<'a>>,
    ) -> Outcome<()> {
        let negated = matches!(expr, Expr::Minus(_));
        for item in self.unwrapped(inner, place)? {
            let Json::Number(value) = item.as_ref() else {
                let sign = if negated { '-' } else { '+' };
                return soft(
                    SqlState::SqlJsonNumberNotFound,
                    format!("operand of unary jsonpath operator {sign} is not a numeric value"),
                );
            };
            let value = if negated { value.neg() } else { value.clone() };
            out.push(Cow::Owned(Json::Number(value)));
        }
        Ok(())
    }

    /// The items that steps lead to from one. `unwrap`: an array is taken apart for a step that
    /// wants something else.
    fn follow(
        &self,
        item: &Item<'a>,
        steps: &[Step],
        place: Place<'_, 'a>,
        unwrap: bool,
        out: &mut Vec<Item<'a>>,
    ) -> Outcome<()> {
        self.count()?;
        if place.depth > MAX_DEPTH {
            return Err(Stop::Hard(too_deep()));
        }
        let place = Place { depth: place.depth + 1, ..place };
        let Some((step, rest)) = steps.split_first() else {
            out.push(item.clone());
            return Ok(());
        };
        let lax = self.is_lax();
        let takes_items = matches!(
            step,
            Step::Key(_)
                | Step::AnyKey
                | Step::Filter(_)
                | Step::Method(Method::Abs | Method::Floor | Method::Ceiling | Method::Double)
        );
        if takes_items
            && unwrap
            && let Some(inner) = elements(item)
        {
            return inner
                .into_iter()
                .try_for_each(|item| self.follow(&item, steps, place, false, out));
        }
        let next =
            |item: &Item<'a>, out: &mut Vec<Item<'a>>| self.follow(item, rest, place, lax, out);
        match step {
            Step::Key(key) => match item.as_ref() {
                Json::Object(_) => match member(item, key) {
                    Some(value) => next(&value, out),
                    None if self.lenient.get() => Ok(()),
                    None => soft(
                        SqlState::SqlJsonMemberNotFound,
                        format!("JSON object does not contain key \"{key}\""),
                    ),
                },
                _ if self.lenient.get() => Ok(()),
                _ => soft(
                    SqlState::SqlJsonMemberNotFound,
                    "jsonpath member accessor can only be applied to an object",
                ),
            },
            Step::AnyKey => match item.as_ref() {
                Json::Object(_) => {
                    children(item).into_iter().try_for_each(|value| next(&value, out))
                }
                _ if self.lenient.get() => Ok(()),
                _ => soft(
                    SqlState::SqlJsonObjectNotFound,
                    "jsonpath wildcard member accessor can only be applied to an object",
                ),
            },
            Step::AnyItem => match elements(item) {
                Some(inner) => inner.into_iter().try_for_each(|item| next(&item, out)),
                None if lax => next(item, out),
                None if self.lenient.get() => Ok(()),
                None => soft(
                    SqlState::SqlJsonArrayNotFound,
                    "jsonpath wildcard array accessor can only be applied to an array",
                ),
            },
            Step::Items(ranges) => {
                let inner = match elements(item) {
                    Some(inner) => inner,
                    None if lax => vec![item.clone()],
                    None if self.lenient.get() => return Ok(()),
                    None => {
                        return soft(
                            SqlState::SqlJsonArrayNotFound,
                            "jsonpath array accessor can only be applied to an array",
                        );
                    }
                };
                let inside = Place { length: inner.len(), ..place };
                for (from, to) in ranges {
                    let from = self.subscript(from, inside)?;
                    let to = match to {
                        Some(to) => self.subscript(to, inside)?,
                        None => from,
                    };
                    let length = inner.len() as i64;
                    if !self.lenient.get() && (from < 0 || from > to || to >= length) {
                        return soft(
                            SqlState::InvalidSqlJsonSubscript,
                            "jsonpath array subscript is out of bounds",
                        );
                    }
                    for at in from.max(0)..=to.min(length - 1) {
                        let place = place_in(at, inner.len());
                        if let Some(item) = place.and_then(|place| inner.get(place)) {
                            next(item, out)?;
                        }
                    }
                }
                Ok(())
            }
            Step::Levels { first, last } => {
                let before = self.lenient.replace(true);
                let mut result = Ok(());
                if *first == Some(0) {
                    result = next(item, out);
                }
                let result =
                    result.and_then(|()| self.levels(item, (*first, *last), 1, &next, out));
                self.lenient.set(before);
                result
            }
            Step::Filter(condition) => {
                let inside = Place { current: Some(item), ..place };
                match self.truth(condition, inside)? {
                    Some(true) => next(item, out),
                    _ => Ok(()),
                }
            }
            Step::Method(method) => next(&self.call(*method, item)?, out),
        }
    }

    /// Items below one, as far as their level is in the range.
    fn levels(
        &self,
        item: &Item<'a>,
        range: (Option<u32>, Option<u32>),
        level: u32,
        next: &dyn Fn(&Item<'a>, &mut Vec<Item<'a>>) -> Outcome<()>,
        out: &mut Vec<Item<'a>>,
    ) -> Outcome<()> {
        for child in elements(item).unwrap_or_else(|| children(item)) {
            self.count()?;
            let is_leaf = !matches!(*child, Json::Array(_) | Json::Object(_));
            let is_in = match range {
                (Some(first), _) => level >= first,
                // The last level is where nothing is below.
                (None, None) => is_leaf,
                (None, Some(_)) => false,
            };
            if is_in {
                next(&child, out)?;
            }
            if range.1.is_none_or(|last| level < last) {
                self.levels(&child, range, level + 1, next, out)?;
            }
        }
        Ok(())
    }

    fn subscript(&self, expr: &Expr, place: Place<'_, 'a>) -> Outcome<i64> {
        let mut found = Vec::new();
        self.eval(expr, place, &mut found)?;
        let number = match found.as_slice() {
            [item] => match item.as_ref() {
                Json::Number(value) => Some(value.trunc(0)),
                _ => None,
            },
            _ => None,
        };
        let Some(number) = number else {
            return soft(
                SqlState::InvalidSqlJsonSubscript,
                "jsonpath array subscript is not a single numeric value",
            );
        };
        match number.to_i64().and_then(|value| i32::try_from(value).ok()) {
            Some(value) => Ok(i64::from(value)),
            None => soft(
                SqlState::InvalidSqlJsonSubscript,
                "jsonpath array subscript is out of integer range",
            ),
        }
    }

    fn call(&self, method: Method, item: &Item<'a>) -> Outcome<Item<'a>> {
        let number = |value| Ok(Cow::Owned(Json::Number(value)));
        let name = method.name();
        match (method, item.as_ref()) {
            (Method::Type, json) => {
                let name = match json {
                    Json::Null => "null",
                    Json::Bool(_) => "boolean",
                    Json::Number(_) => "number",
                    Json::String(_) => "string",
                    Json::Array(_) => "array",
                    Json::Object(_) => "object",
                };
                Ok(Cow::Owned(Json::String(name.into())))
            }
            (Method::Size, Json::Array(items)) => number(Numeric::from_i64(items.len() as i64)),
            (Method::Size, _) if self.is_lax() => number(Numeric::from_i64(1)),
            (Method::Size, _) if self.lenient.get() => number(Numeric::from_i64(1)),
            (Method::Size, _) => soft(
                SqlState::SqlJsonArrayNotFound,
                "jsonpath item method .size() can only be applied to an array",
            ),
            (Method::Abs, Json::Number(value)) => number(value.abs()),
            (Method::Floor, Json::Number(value)) => number(value.floor()),
            (Method::Ceiling, Json::Number(value)) => number(value.ceil()),
            (Method::Double, Json::Number(value)) if value.to_f64().is_finite() => Ok(item.clone()),
            (Method::Double, Json::Number(_)) => soft(
                SqlState::NonNumericSqlJsonItem,
                "numeric argument of jsonpath item method .double() is out of range for type double precision",
            ),
            (Method::Double, Json::String(text)) => {
                let read = crate::types::io::from_text(
                    crate::types::Type::Float8,
                    text,
                    &crate::types::io::Style::default(),
                );
                match read.and_then(|value| value.as_f64()) {
                    Ok(value) if value.is_finite() => number(Numeric::from_f64(value, 15)),
                    Ok(_) => soft(
                        SqlState::NonNumericSqlJsonItem,
                        "NaN or Infinity is not allowed for jsonpath item method .double()",
                    ),
                    Err(_) => soft(
                        SqlState::NonNumericSqlJsonItem,
                        "string argument of jsonpath item method .double() is not a valid representation of a double precision number",
                    ),
                }
            }
            (Method::Double, _) => soft(
                SqlState::NonNumericSqlJsonItem,
                "jsonpath item method .double() can only be applied to a string or numeric value",
            ),
            (Method::Abs | Method::Floor | Method::Ceiling, _) => soft(
                SqlState::NonNumericSqlJsonItem,
                format!("jsonpath item method .{name}() can only be applied to a numeric value"),
            ),
        }
    }

    /// Whether a condition is true. Errors in it make it unknown, but for hard ones.
    fn truth(&self, condition: &Expr, place: Place<'_, 'a>) -> Outcome<Truth> {
        if place.depth > MAX_DEPTH {
            return Err(Stop::Hard(too_deep()));
        }
        let place = Place { depth: place.depth + 1, ..place };
        Ok(match condition {
            Expr::And(a, b) => match self.truth(a, place)? {
                Some(false) => Some(false),
                a => match self.truth(b, place)? {
                    Some(true) => a,
                    b => b,
                },
            },
            Expr::Or(a, b) => match self.truth(a, place)? {
                Some(true) => Some(true),
                a => match self.truth(b, place)? {
                    Some(false) => a,
                    b => b,
                },
            },
            Expr::Not(inner) => self.truth(inner, place)?.map(|value| !value),
            Expr::IsUnknown(inner) => Some(self.truth(inner, place)?.is_none()),
            Expr::Exists(inner) => {
                let mut found = Vec::new();
                match self.eval(inner, place, &mut found) {
                    Ok(()) => Some(!found.is_empty()),
                    Err(Stop::Soft(_)) if self.is_lax() && !found.is_empty() => Some(true),
                    Err(Stop::Soft(_)) => None,
                    Err(hard) => return Err(hard),
                }
            }
            Expr::Compare(op, a, b) => {
                let (Some(a), Some(b)) = (self.tried(a, place)?, self.tried(b, place)?) else {
                    return Ok(None);
                };
                self.any(a.iter().flat_map(|a| b.iter().map(move |b| compare(*op, a, b))))
            }
            Expr::StartsWith(whole, start) => {
                let mut starts = Vec::new();
                self.eval(start, place, &mut starts)?;
                let Some(wholes) = self.tried(whole, place)? else { return Ok(None) };
                self.any(wholes.iter().flat_map(|whole| {
                    starts.iter().map(move |start| match (whole.as_ref(), start.as_ref()) {
                        (Json::String(whole), Json::String(start)) => {
                            Some(whole.starts_with(start.as_str()))
                        }
                        _ => None,
                    })
                }))
            }
            Expr::LikeRegex { subject, pattern, flags } => {
                let Some(subjects) = self.tried(subject, place)? else { return Ok(None) };
                let mut tests = Vec::with_capacity(subjects.len());
                for subject in &subjects {
                    tests.push(match subject.as_ref() {
                        Json::String(text) => {
                            Some(matches(pattern, flags, text).map_err(Stop::Hard)?)
                        }
                        _ => None,
                    });
                }
                self.any(tests.into_iter())
            }
            value => {
                let mut found = Vec::new();
                match self.eval(value, place, &mut found) {
                    Ok(()) | Err(Stop::Soft(_)) => {}
                    Err(hard) => return Err(hard),
                }
                match found.as_slice() {
                    [item] => match item.as_ref() {
                        Json::Bool(value) => Some(*value),
                        _ => None,
                    },
                    _ => None,
                }
            }
        })
    }

    /// The operands of a condition; `None` if there was an error.
    fn tried(&self, expr: &Expr, place: Place<'_, 'a>) -> Outcome<Option<Vec<Item<'a>>>> {
        match self.unwrapped(expr, place) {
            Ok(items) => Ok(Some(items)),
            Err(Stop::Soft(_)) => Ok(None),
            Err(hard) => Err(hard),
        }
    }

    /// Whether one of the tests is true. In strict mode, an unknown one makes all unknown.
    fn any(&self, tests: impl Iterator<Item = Truth>) -> Truth {
        let (mut found, mut unknown) = (false, false);
        for test in tests {
            match test {
                None if !self.is_lax() => return None,
                None => unknown = true,
                Some(true) if self.is_lax() => return Some(true),
                Some(value) => found |= value,
            }
        }
        if unknown && !found { None } else { Some(found) }
    }
}

/// The elements of an array.
fn elements<'a>(item: &Item<'a>) -> Option<Vec<Item<'a>>> {
    match item {
        Cow::Borrowed(Json::Array(items)) => Some(items.iter().map(Cow::Borrowed).collect()),
        Cow::Owned(Json::Array(items)) => Some(items.iter().cloned().map(Cow::Owned).collect()),
        _ => None,
    }
}

/// The values of an object.
fn children<'a>(item: &Item<'a>) -> Vec<Item<'a>> {
    match item {
        Cow::Borrowed(Json::Object(pairs)) => {
            pairs.iter().map(|(_, value)| Cow::Borrowed(value)).collect()
        }
        Cow::Owned(Json::Object(pairs)) => {
            pairs.iter().map(|(_, value)| Cow::Owned(value.clone())).collect()
        }
        _ => Vec::new(),
    }
}

fn member<'a>(item: &Item<'a>, key: &str) -> Option<Item<'a>> {
    match item {
        Cow::Borrowed(Json::Object(pairs)) => {
            pairs.iter().find(|(name, _)| name == key).map(|(_, value)| Cow::Borrowed(value))
        }
        Cow::Owned(Json::Object(pairs)) => {
            let found = pairs.iter().find(|(name, _)| name == key);
            found.map(|(_, value)| Cow::Owned(value.clone()))
        }
        _ => None,
    }
}

fn compare(op: Operator, a: &Json, b: &Json) -> Truth {
    let order = match (a, b) {
        (Json::Null, Json::Null) => std::cmp::Ordering::Equal,
        (Json::Null, _) | (_, Json::Null) => return Some(op == Operator::NotEq),
        (Json::Bool(a), Json::Bool(b)) => a.cmp(b),
        (Json::Number(a), Json::Number(b)) => a.compare(b),
        (Json::String(a), Json::String(b)) => a.as_bytes().cmp(b.as_bytes()),
        _ => return None,
    };
    match op {
        Operator::Eq => Some(order.is_eq()),
        Operator::NotEq => Some(order.is_ne()),
        Operator::Lt => Some(order.is_lt()),
        Operator::LtEq => Some(order.is_le()),
        Operator::Gt => Some(order.is_gt()),
        Operator::GtEq => Some(order.is_ge()),
        _ => None,
    }
}

/// Whether a text has a match of a regular expression, under XQuery's flags.
fn matches(pattern: &str, flags: &str, text: &str) -> Result<bool> {
    // XQuery's point matches no line ends, unless it is told to.
    let mut options = String::new();
    if flags.contains('q') {
        options.push('q');
    } else {
        match (flags.contains('s'), flags.contains('m')) {
            (true, false) => {}
            (true, true) => options.push('w'),
            (false, true) => options.push('n'),
            (false, false) => options.push('p'),
        }
    }
    if flags.contains('i') {
        options.push('i');
    }
    let (pattern, insensitive) = with_options(pattern, &options)?;
    with_regex(&pattern, insensitive, |regex| regex.is_match(text))
}
