//! From strings to arrays and back.

use super::{Function, arg, array, element_type, lenient, pure};
use crate::error::{Error, Result, SqlState};
use crate::functions::strings::{
    MAX_RESULT_BYTES, regexp_pieces, too_large, with_options, with_regex,
};
use crate::functions::{Context, Kernel};
use crate::types::Type::{AnyArray, Text};
use crate::types::array::{Array, MAX_ITEMS};
use crate::types::datetime::Zone;
use crate::types::io::{self, Style};
use crate::types::{Datum, Type};

/// What the text of values depends on: the arguments behind the others.
pub const STYLE: &[Context] = &[Context::Zone, Context::Style];

pub(super) fn style(context: &[Datum]) -> Style {
    let mut style = Style::default();
    if let [Datum::Text(zone), Datum::Int32(packed)] = context {
        style.zone = Zone::parse(zone).unwrap_or(style.zone);
        style.unpack(*packed);
    }
    style
}

/// `array_to_string(array, delimiter [, text for NULL])`
fn join(args: &[Datum]) -> Result<Datum> {
    let element = element_type(args)?;
    let (args, context) = args.split_at(args.len().saturating_sub(STYLE.len() + 1));
    let context = context.get(..STYLE.len()).unwrap_or_default();
    let (Some(array), Datum::Text(delimiter)) = (array(args, 0)?, arg(args, 1)) else {
        return Ok(Datum::Null);
    };
    let style = style(context);
    let mut out = String::new();
    let mut first = true;
    for item in &array.items {
        let null = match (item, args.get(2)) {
            (Datum::Null, Some(Datum::Text(text))) => Some(text),
            (Datum::Null, _) => continue,
            _ => None,
        };
        if !std::mem::take(&mut first) {
            out.push_str(delimiter);
        }
        match null {
            Some(text) => out.push_str(text),
            None => io::write_text(element, item, &style, &mut out)?,
        }
        if out.len() > MAX_RESULT_BYTES {
            return Err(too_large());
        }
    }
    Ok(Datum::Text(out))
}

/// `string_to_array(string, delimiter [, text of NULL])`
fn split(args: &[Datum]) -> Result<Datum> {
    let Datum::Text(subject) = arg(args, 0) else { return Ok(Datum::Null) };
    // One more than there may be is enough to say so.
    let parts: Vec<String> = match arg(args, 1) {
        _ if subject.is_empty() => Vec::new(),
        Datum::Text(delimiter) if delimiter.is_empty() => vec![subject.clone()],
        Datum::Text(delimiter) => {
            let parts = subject.split(delimiter.as_str()).take(MAX_ITEMS + 1);
            parts.map(str::to_owned).collect()
        }
        // Without a delimiter each character stands alone.
        _ => subject.chars().take(MAX_ITEMS + 1).map(String::from).collect(),
    };
    let items = parts.into_iter().map(|part| match args.get(2) {
        Some(Datum::Text(null)) if *null == part => Datum::Null,
        _ => Datum::Text(part),
    });
    Ok(Array::of(Text, items.collect())?.to_datum())
}

/// The flags of a regular expression, which are the third argument. `g` is not for the function `name`.
fn options<'a>(args: &'a [Datum], name: &str) -> Result<&'a str> {
    let Datum::Text(flags) = arg(args, 2) else { return Ok("") };
    if !flags.contains('g') {
        return Ok(flags);
    }
    let message = format!("{name}() does not support the \"global\" option");
    let error = Error::new(SqlState::InvalidParameterValue, message);
    Err(match name {
        "regexp_match" => error.hint("Use the regexp_matches function instead."),
        _ => error,
    })
}

/// The parenthesized parts of the first match, or all of it if there are none.
fn regexp_match(args: &[Datum]) -> Result<Datum> {
    let (subject, pattern) = (arg(args, 0).as_str()?, arg(args, 1).as_str()?);
    let found = matches(subject, pattern, options(args, "regexp_match")?, 1)?;
    Ok(found.into_iter().next().unwrap_or_default())
}

/// For each match, of which there are at most `limit`, the same.
pub fn matches(subject: &str, pattern: &str, options: &str, limit: usize) -> Result<Vec<Datum>> {
    let (pattern, insensitive) = with_options(pattern, options)?;
    let found = with_regex(&pattern, insensitive, |regex| {
        let matches = regex.captures_iter(subject).take(limit).map(|groups| {
            let skip = usize::from(groups.len() > 1);
            let parts = groups.iter().skip(skip).map(|part| match part {
                Some(part) => Datum::Text(part.as_str().to_owned()),
                None => Datum::Null,
            });
            parts.collect::<Vec<_>>()
        });
        matches.collect::<Vec<_>>()
    })?;
    found.into_iter().map(|parts| Ok(Array::of(Text, parts)?.to_datum())).collect()
}

/// The parts of a string between the matches.
fn regexp_split(args: &[Datum]) -> Result<Datum> {
    let (subject, pattern) = (arg(args, 0).as_str()?, arg(args, 1).as_str()?);
    let pieces = regexp_pieces(subject, pattern, options(args, "regexp_split_to_array")?)?;
    let pieces = pieces.into_iter().map(|piece| Datum::Text(piece.to_owned()));
    Ok(Array::of(Text, pieces.collect())?.to_datum())
}

pub(super) fn register(all: &mut Vec<Function>) {
    const T2: &[Type] = &[Text, Text];
    const T3: &[Type] = &[Text, Text, Text];
    const TEXTS: Type = Type::TextArray;
    for args in [&[AnyArray, Text][..], &[AnyArray, Text, Text]] {
        let join = lenient("array_to_string", args, Text, join);
        all.push(Function { context: STYLE, typed: true, ..join });
    }
    for args in [T2, T3] {
        all.push(lenient("string_to_array", args, TEXTS, split));
        let regular: [(&str, Kernel); 2] =
            [("regexp_match", regexp_match), ("regexp_split_to_array", regexp_split)];
        all.extend(regular.map(|(name, kernel)| pure(name, args, TEXTS, kernel)));
    }
}
