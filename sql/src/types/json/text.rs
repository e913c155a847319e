//! The text of jsonb, in one line or in many.

use std::fmt::Write as _;

use super::View;
use crate::error::Result;
use crate::types::Numeric;

/// Appends a text as a JSON string.
pub fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => drop(write!(out, "\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

fn write_scalar(view: View<'_>, out: &mut String) -> Result<()> {
    match view {
        View::Null => out.push_str("null"),
        View::Bool(value) => out.push_str(if value { "true" } else { "false" }),
        View::Number(bytes) => drop(write!(out, "{}", Numeric::decode(bytes)?)),
        View::String(text) => quote(text, out),
        View::Array(_) | View::Object(_) => {}
    }
    Ok(())
}

/// Appends a value in one line.
pub(super) fn write(view: View<'_>, out: &mut String) -> Result<()> {
    match view {
        View::Array(_) => {
            out.push('[');
            for (number, item) in view.items().enumerate() {
                out.push_str(if number > 0 { ", " } else { "" });
                write(item?, out)?;
            }
            out.push(']');
        }
        View::Object(_) => {
            out.push('{');
            for (number, pair) in view.pairs().enumerate() {
                let (key, value) = pair?;
                out.push_str(if number > 0 { ", " } else { "" });
                quote(key, out);
                out.push_str(": ");
                write(value, out)?;
            }
            out.push('}');
        }
        scalar => write_scalar(scalar, out)?,
    }
    Ok(())
}

fn new_line(level: usize, out: &mut String) {
    out.push('\n');
    for _ in 0..level {
        out.push_str("    ");
    }
}

/// Appends a value with a line for each of its parts, `level` steps to the right.
///
/// # Errors
/// If the bytes are unreadable.
pub fn write_pretty(view: View<'_>, level: usize, out: &mut String) -> Result<()> {
    let mut first = true;
    let (open, close) = match view {
        View::Array(_) => ('[', ']'),
        View::Object(_) => ('{', '}'),
        scalar => return write_scalar(scalar, out),
    };
    out.push(open);
    let begin = |out: &mut String, first: &mut bool| {
        if !std::mem::take(first) {
            out.push(',');
        }
        new_line(level + 1, out);
    };
    for item in view.items() {
        begin(out, &mut first);
        write_pretty(item?, level + 1, out)?;
    }
    for pair in view.pairs() {
        let (key, value) = pair?;
        begin(out, &mut first);
        quote(key, out);
        out.push_str(": ");
        write_pretty(value, level + 1, out)?;
    }
    new_line(level, out);
    out.push(close);
    Ok(())
}
