//! Set-returning functions: rows for each call.
//!
//! They stand in FROM and in select lists. A call gives an iterator, so that a LIMIT above it ends
//! it, and several of them can advance together.

use std::sync::LazyLock;

use datafusion::logical_expr::Expr;

use super::resolve::{self, Resolution};
use super::strings::regexp_pieces;
use super::{Context, Function, arg, arrays, contextual, json, jsonpath, options, pure};
use crate::error::{Error, Result, SqlState};
use crate::types::Type::{
    AnyArray, AnyElement, Bool, Int4, Int8, Interval as IntervalType, Numeric as NumericType,
    Regclass, Text, TextArray, Timestamp, Timestamptz,
};
use crate::types::array::Array;
use crate::types::datetime::{self, Zone};
use crate::types::interval::Interval;
use crate::types::{Datum, Numeric, Type};

/// The rows of one call.
pub type SetRows = Box<dyn Iterator<Item = Result<Vec<Datum>>> + Send>;

/// The code of a set-returning function.
pub type SetKernel = fn(&[Datum]) -> Result<SetRows>;

/// An entry of the table of set-returning functions.
#[derive(Debug)]
pub struct SetFunction {
    /// What finds it, as for any function. Its kernel is never called.
    pub signature: Function,
    /// The code.
    pub rows: SetKernel,
    /// Whether an argument of a few bytes may give rows without end.
    pub unbounded: bool,
    /// Names and types of its columns, where it names them; else there is one, called as itself.
    pub columns: &'static [(&'static str, Type)],
}

/// A call in a plan: of a set-returning function, or of any expression that stands for one row.
#[derive(Clone, Debug)]
pub struct SetCall {
    /// The function; `None`: the only argument is the value.
    pub function: Option<&'static SetFunction>,
    /// Its arguments.
    pub args: Vec<Expr>,
    /// Types of its columns.
    pub columns: Vec<Type>,
}

impl SetCall {
    fn identity(&self) -> (usize, &[Expr], &[Type]) {
        let address = self.function.map_or(0, |function| std::ptr::from_ref(function) as usize);
        (address, &self.args, &self.columns)
    }

    /// The name in SQL, for plans that people read.
    pub fn name(&self) -> &'static str {
        self.function.map_or("value", |function| function.signature.name)
    }
}

impl PartialEq for SetCall {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for SetCall {}

impl std::hash::Hash for SetCall {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

static SETS: LazyLock<Vec<SetFunction>> = LazyLock::new(|| {
    const I4: &[Type] = &[Int4; 2];
    const I4_BY: &[Type] = &[Int4; 3];
    const I8: &[Type] = &[Int8; 2];
    const I8_BY: &[Type] = &[Int8; 3];
    const N: &[Type] = &[NumericType; 2];
    const N_BY: &[Type] = &[NumericType; 3];
    const LOCAL: &[Type] = &[Timestamp, Timestamp, IntervalType];
    const ZONED: &[Type] = &[Timestamptz, Timestamptz, IntervalType];
    const ZONE: &[Context] = &[Context::Zone];
    let series = |signature, rows| SetFunction { signature, rows, unbounded: true, columns: &[] };
    let pieces = |signature, rows| SetFunction { signature, rows, unbounded: false, columns: &[] };
    let mut all = vec![
        series(signature("generate_series", I4, Int4), integers),
        series(signature("generate_series", I4_BY, Int4), integers),
        series(signature("generate_series", I8, Int8), integers),
        series(signature("generate_series", I8_BY, Int8), integers),
        series(signature("generate_series", N, NumericType), numerics),
        series(signature("generate_series", N_BY, NumericType), numerics),
        series(signature("generate_series", LOCAL, Timestamp), timestamps),
        series(contextual("generate_series", ZONED, Timestamptz, ZONE, no_value), timestamps),
        pieces(signature("unnest", &[AnyArray], AnyElement), unnest),
        // What is no partition has none.
        pieces(signature("pg_partition_ancestors", &[Regclass], Regclass), no_rows),
        pieces(signature("generate_subscripts", &[AnyArray, Int4], Int4), subscripts),
        pieces(signature("generate_subscripts", &[AnyArray, Int4, Bool], Int4), subscripts),
        pieces(signature("regexp_matches", &[Text, Text], TextArray), regexp_matches),
        pieces(signature("regexp_matches", &[Text, Text, Text], TextArray), regexp_matches),
        pieces(signature("regexp_split_to_table", &[Text, Text], Text), regexp_split),
        pieces(signature("regexp_split_to_table", &[Text, Text, Text], Text), regexp_split),
        pieces(
            Function { strict: false, ..signature("string_to_table", &[Text, Text], Text) },
            string_to_table,
        ),
        pieces(
            Function { strict: false, ..signature("string_to_table", &[Text, Text, Text], Text) },
            string_to_table,
        ),
    ];
    json::sets::register(&mut all);
    jsonpath::register_sets(&mut all);
    options::register(&mut all);
    all
});

pub(super) fn signature(name: &'static str, args: &'static [Type], returns: Type) -> Function {
    pure(name, args, returns, no_value)
}

fn no_rows(_: &[Datum]) -> Result<SetRows> {
    Ok(Box::new(std::iter::empty()))
}

fn no_value(_: &[Datum]) -> Result<Datum> {
    Err(Error::internal("a set-returning function was called for a value"))
}

/// Whether a function of this name returns sets.
pub fn is_set_returning(name: &str) -> bool {
    SETS.iter().any(|set| set.signature.name == name)
}

/// The function that a call means; the error is how the look-up failed.
pub fn resolve(name: &str, args: &[Type]) -> std::result::Result<&'static SetFunction, Resolution> {
    let candidates = SETS.iter().map(|set| &set.signature).filter(|set| set.name == name);
    match resolve::resolve(candidates, args) {
        Resolution::Found(function) => {
            let found = SETS.iter().find(|set| std::ptr::eq(&raw const set.signature, function));
            found.ok_or(Resolution::NoMatch)
        }
        failed => Err(failed),
    }
}

impl SetFunction {
    /// The rows for these arguments.
    pub fn call(&self, args: &[Datum]) -> Result<SetRows> {
        if self.signature.strict && args.iter().any(Datum::is_null) {
            return Ok(Box::new(std::iter::empty()));
        }
        (self.rows)(args)
    }
}

fn invalid(message: &str) -> Error {
    Error::new(SqlState::InvalidParameterValue, message)
}

fn no_step() -> Error {
    invalid("step size cannot equal zero")
}

/// From a start as long as there is a next one.
fn series<T: Send + 'static>(
    start: T,
    mut next: impl FnMut(&T) -> Result<Option<T>> + Send + 'static,
    datum: impl Fn(&T) -> Datum + Send + 'static,
) -> SetRows {
    let mut state = Some(Ok(start));
    Box::new(std::iter::from_fn(move || {
        let current = match state.take()? {
            Ok(current) => current,
            Err(error) => return Some(Err(error)),
        };
        state = next(&current).transpose();
        Some(Ok(vec![datum(&current)]))
    }))
}

fn integers(args: &[Datum]) -> Result<SetRows> {
    let (start, stop) = (arg(args, 0).as_i64()?, arg(args, 1).as_i64()?);
    let step = args.get(2).map_or(Ok(1), Datum::as_i64)?;
    if step == 0 {
        return Err(no_step());
    }
    let narrow = matches!(arg(args, 0), Datum::Int32(_));
    let inside = move |value: &i64| if step > 0 { *value <= stop } else { *value >= stop };
    if !inside(&start) {
        return Ok(Box::new(std::iter::empty()));
    }
    Ok(series(
        start,
        move |value| Ok(value.checked_add(step).filter(inside)),
        move |value| match (narrow, i32::try_from(*value)) {
            (true, Ok(value)) => Datum::Int32(value),
            _ => Datum::Int64(*value),
        },
    ))
}

fn numerics(args: &[Datum]) -> Result<SetRows> {
    let number = |i: usize, what: &str| -> Result<Numeric> {
        let value = Numeric::decode(arg(args, i).as_bytes()?)?;
        match value {
            Numeric::NaN => Err(invalid(&format!("{what} cannot be NaN"))),
            Numeric::Infinity | Numeric::NegativeInfinity => {
                Err(invalid(&format!("{what} cannot be infinity")))
            }
            finite => Ok(finite),
        }
    };
    let (start, stop) = (number(0, "start value")?, number(1, "stop value")?);
    let step = if args.len() > 2 { number(2, "step size")? } else { Numeric::from_i64(1) };
    let rises = match step.signum() {
        0 => return Err(no_step()),
        sign => sign > 0,
    };
    let inside = move |value: &Numeric| {
        let order = value.compare(&stop);
        if rises { order.is_le() } else { order.is_ge() }
    };
    if !inside(&start) {
        return Ok(Box::new(std::iter::empty()));
    }
    Ok(series(
        start,
        move |value| Ok(Some(value.add(&step)).filter(&inside)),
        |value| Datum::Bytes(value.encode()),
    ))
}

fn timestamps(args: &[Datum]) -> Result<SetRows> {
    let (start, stop) = (arg(args, 0).as_i64()?, arg(args, 1).as_i64()?);
    let step = Interval::decode(arg(args, 2).as_bytes()?)?;
    let zone = match args.get(3) {
        None => None,
        Some(name) => {
            let zone = Zone::parse(name.as_str()?);
            Some(zone.ok_or_else(|| Error::internal("a session's time zone is unknown"))?)
        }
    };
    let rises = match step.estimate_us() {
        0 => return Err(no_step()),
        length => length > 0,
    };
    let inside = move |value: &i64| if rises { *value <= stop } else { *value >= stop };
    if !inside(&start) {
        return Ok(Box::new(std::iter::empty()));
    }
    let next = move |value: &i64| {
        let next = match zone {
            Some(zone) => datetime::add_interval_in_zone(*value, &step, zone)?,
            None => datetime::add_interval(*value, &step)?,
        };
        Ok(Some(next).filter(inside))
    };
    Ok(series(start, next, |value| Datum::Int64(*value)))
}

/// The elements of an array, whatever its dimensions.
fn unnest(args: &[Datum]) -> Result<SetRows> {
    Ok(values(Array::read(arg(args, 0))?.items))
}

/// The subscripts of a dimension, from the last one if it is asked for.
fn subscripts(args: &[Datum]) -> Result<SetRows> {
    let array = Array::read(arg(args, 0))?;
    let number = usize::try_from(arg(args, 1).as_i64()?).ok().and_then(|n| n.checked_sub(1));
    let Some(dimension) = number.and_then(|n| array.dimensions.get(n).copied()) else {
        return Ok(Box::new(std::iter::empty()));
    };
    let subscripts = dimension.lower..=dimension.upper();
    let row = |subscript| Ok(vec![Datum::Int32(subscript)]);
    Ok(match arg(args, 2).is_true() {
        true => Box::new(subscripts.rev().map(row)),
        false => Box::new(subscripts.map(row)),
    })
}

/// What each match has in parentheses; without the flag `g` only the first one's.
fn regexp_matches(args: &[Datum]) -> Result<SetRows> {
    let flags = args.get(2).map_or(Ok(""), Datum::as_str)?;
    let limit = if flags.contains('g') { usize::MAX } else { 1 };
    let (subject, pattern) = (arg(args, 0).as_str()?, arg(args, 1).as_str()?);
    Ok(values(arrays::matches(subject, pattern, flags, limit)?))
}

fn values(pieces: Vec<Datum>) -> SetRows {
    Box::new(pieces.into_iter().map(|piece| Ok(vec![piece])))
}

fn regexp_split(args: &[Datum]) -> Result<SetRows> {
    let flags = args.get(2).map_or(Ok(""), Datum::as_str)?;
    if flags.contains('g') {
        let message = "regexp_split_to_table() does not support the \"global\" option";
        return Err(invalid(message));
    }
    let (subject, pattern) = (arg(args, 0).as_str()?, arg(args, 1).as_str()?);
    let pieces = regexp_pieces(subject, pattern, flags)?;
    Ok(values(pieces.into_iter().map(|piece| Datum::Text(piece.to_owned())).collect()))
}

/// Splits at a delimiter: an empty one nowhere, NULL behind each character.
fn string_to_table(args: &[Datum]) -> Result<SetRows> {
    let subject = match arg(args, 0) {
        Datum::Null => "",
        subject => subject.as_str()?,
    };
    let pieces: Vec<String> = match arg(args, 1) {
        _ if subject.is_empty() => Vec::new(),
        Datum::Null => subject.chars().map(String::from).collect(),
        delimiter => match delimiter.as_str()? {
            "" => vec![subject.to_owned()],
            delimiter => subject.split(delimiter).map(str::to_owned).collect(),
        },
    };
    let null = arg(args, 2).as_str().ok();
    let pieces = pieces.into_iter().map(|piece| match Some(piece.as_str()) == null {
        true => Datum::Null,
        false => Datum::Text(piece),
    });
    Ok(values(pieces.collect()))
}
