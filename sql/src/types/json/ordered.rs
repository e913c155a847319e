//! The form that equal values of jsonb share. It sorts as PostgreSQL does: null, strings, numbers,
//! booleans, arrays, objects; arrays and objects by how many parts they have, then part by part.
//! (An empty array that is a whole value comes before all others; PostgreSQL cannot change that any
//! more.)

use std::borrow::Cow;

use super::layout::{self, View};
use crate::error::Result;
use crate::types::Numeric;

/// Above all tags of the other form.
const EMPTY_ARRAY: u8 = 0x10;
const NULL: u8 = 0x11;
const STRING: u8 = 0x12;
const NUMBER: u8 = 0x13;
const FALSE: u8 = 0x14;
const TRUE: u8 = 0x15;
const ARRAY: u8 = 0x16;
const OBJECT: u8 = 0x17;
/// Ends strings, which have no zero bytes.
const END: u8 = 0;

/// The shared form; of a value that is in it already, the same. Bytes that are no jsonb stay as they
/// are.
pub fn ordered(bytes: &[u8]) -> Cow<'_, [u8]> {
    match bytes.first() {
        Some(tag) if *tag <= layout::OBJECT => {
            to_ordered(bytes).map_or(Cow::Borrowed(bytes), Cow::Owned)
        }
        _ => Cow::Borrowed(bytes),
    }
}

fn to_ordered(bytes: &[u8]) -> Result<Vec<u8>> {
    let view = View::new(bytes)?;
    if let View::Array([]) = view {
        return Ok(vec![EMPTY_ARRAY]);
    }
    let mut out = Vec::with_capacity(bytes.len());
    write(view, &mut out)?;
    Ok(out)
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    out.extend(text.as_bytes());
    out.push(END);
}

fn write(view: View<'_>, out: &mut Vec<u8>) -> Result<()> {
    match view {
        View::Null => out.push(NULL),
        View::Bool(value) => out.push(if value { TRUE } else { FALSE }),
        View::String(text) => {
            out.push(STRING);
            write_string(text, out);
        }
        View::Number(bytes) => {
            // No encoding of a number begins with another one.
            out.push(NUMBER);
            out.extend(Numeric::canonical(bytes));
        }
        View::Array(_) => {
            out.push(ARRAY);
            out.extend((view.items().count() as u32).to_be_bytes());
            for item in view.items() {
                write(item?, out)?;
            }
        }
        View::Object(_) => {
            out.push(OBJECT);
            out.extend((view.pairs().count() as u32).to_be_bytes());
            for pair in view.pairs() {
                let (key, value) = pair?;
                write_string(key, out);
                write(value, out)?;
            }
        }
    }
    Ok(())
}
