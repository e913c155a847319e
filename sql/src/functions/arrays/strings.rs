//! From strings to arrays and back.

use super::{Function, arg, array, lenient, pure};
use crate::error::{Error, Result, SqlState};
use crate::functions::strings::{MAX_RESULT_BYTES, too_large, with_regex};
use crate::functions::{Context, Kernel};
use crate::types::Type::{AnyArray, Text};
use crate::types::array::{Array, MAX_ITEMS};
use crate::types::datetime::Zone;
use crate::types::io::{self, Style};
use crate::types::{Datum, Type};

/// What the text of values depends on: the arguments behind the others.
pub const STYLE: &[Context] = &[Context::Zone, Context::FloatDigits];

pub(super) fn style(context: &[Datum]) -> Style {
    let mut style = Style::default();
    if let [Datum::Text(zone), Datum::Int32(digits)] = context {
        style.zone = Zone::parse(zone).unwrap_or(style.zone);
        style.extra_float_digits = *digits;
    }
    style
}

/// `array_to_string(array, delimiter [, text for NULL])`
fn join(args: &[Datum]) -> Result<Datum> {
    let (args, context) = args.split_at(args.len().saturating_sub(STYLE.len()));
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
            None => io::write_text(array.element, item, &style, &mut out)?,
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

/// Whether the flags of a regular expression say that case does not matter. `g` is not for the
/// function `name`.
fn insensitive(args: &[Datum], name: &str) -> Result<bool> {
    let Datum::Text(flags) = arg(args, 2) else { return Ok(false) };
    let refused = |message: String| Error::new(SqlState::InvalidParameterValue, message);
    let mut insensitive = false;
    for flag in flags.chars() {
        match flag {
            'i' => insensitive = true,
            'c' => insensitive = false,
            'g' => {
                let error = refused(format!("{name}() does not support the \"global\" option"));
                return Err(match name {
                    "regexp_match" => error.hint("Use the regexp_matches function instead."),
                    _ => error,
                });
            }
            'b' | 'e' | 'm' | 'n' | 'p' | 'q' | 's' | 't' | 'w' | 'x' => {
                return Err(Error::unsupported(format!("regular expression option \"{flag}\"")));
            }
            other => {
                return Err(refused(format!("invalid regular expression option: \"{other}\"")));
            }
        }
    }
    Ok(insensitive)
}

/// The parenthesized parts of the first match, or all of it if there are none.
fn regexp_match(args: &[Datum]) -> Result<Datum> {
    let (subject, pattern) = (arg(args, 0).as_str()?, arg(args, 1).as_str()?);
    let found = with_regex(pattern, insensitive(args, "regexp_match")?, |regex| {
        let groups = regex.captures(subject)?;
        let skip = usize::from(groups.len() > 1);
        let parts = groups.iter().skip(skip).map(|part| match part {
            Some(part) => Datum::Text(part.as_str().to_owned()),
            None => Datum::Null,
        });
        Some(parts.collect::<Vec<_>>())
    })?;
    match found {
        Some(parts) => Ok(Array::of(Text, parts)?.to_datum()),
        None => Ok(Datum::Null),
    }
}

/// The parts of a string between the matches. One without length counts neither at an end of the
/// string nor behind another match.
fn regexp_split(args: &[Datum]) -> Result<Datum> {
    let (subject, pattern) = (arg(args, 0).as_str()?, arg(args, 1).as_str()?);
    let parts = with_regex(pattern, insensitive(args, "regexp_split_to_array")?, |regex| {
        let (mut parts, mut start, mut previous) = (Vec::new(), 0, 0);
        for found in regex.find_iter(subject) {
            if parts.len() > MAX_ITEMS {
                break;
            }
            if found.start() < subject.len() && found.end() > previous {
                let part = subject.get(start..found.start()).unwrap_or_default();
                parts.push(Datum::Text(part.to_owned()));
                start = found.end();
            }
            previous = found.end();
        }
        parts.push(Datum::Text(subject.get(start..).unwrap_or_default().to_owned()));
        parts
    })?;
    Ok(Array::of(Text, parts)?.to_datum())
}

pub(super) fn register(all: &mut Vec<Function>) {
    const T2: &[Type] = &[Text, Text];
    const T3: &[Type] = &[Text, Text, Text];
    const TEXTS: Type = Type::TextArray;
    for args in [&[AnyArray, Text][..], &[AnyArray, Text, Text]] {
        all.push(Function { context: STYLE, ..lenient("array_to_string", args, Text, join) });
    }
    for args in [T2, T3] {
        all.push(lenient("string_to_array", args, TEXTS, split));
        let regular: [(&str, Kernel); 2] =
            [("regexp_match", regexp_match), ("regexp_split_to_array", regexp_split)];
        all.extend(regular.map(|(name, kernel)| pure(name, args, TEXTS, kernel)));
    }
}
