//! The text of a path.

use std::fmt::{Display, Formatter, Result};

use super::{Expr, Operator, Path, Step};
use crate::types::json::quote;

fn quoted(text: &str) -> String {
    let mut out = String::new();
    quote(text, &mut out);
    out
}

/// How tight it binds.
fn priority(expr: &Expr) -> u8 {
    match expr {
        Expr::Or(..) => 0,
        Expr::And(..) => 1,
        Expr::Compare(..) | Expr::StartsWith(..) => 2,
        Expr::Arithmetic(Operator::Add | Operator::Sub, ..) => 3,
        Expr::Arithmetic(..) => 4,
        Expr::Plus(_) | Expr::Minus(_) => 5,
        _ => 6,
    }
}

/// An operand, in parentheses if it binds no tighter than what it is an operand of.
fn operand(f: &mut Formatter<'_>, inner: &Expr, outer: &Expr) -> Result {
    write(f, inner, priority(inner) <= priority(outer))
}

fn write(f: &mut Formatter<'_>, expr: &Expr, parentheses: bool) -> Result {
    let wrapped = match expr {
        Expr::Arithmetic(..)
        | Expr::Plus(_)
        | Expr::Minus(_)
        | Expr::Compare(..)
        | Expr::And(..)
        | Expr::Or(..)
        | Expr::StartsWith(..)
        | Expr::LikeRegex { .. } => parentheses,
        _ => false,
    };
    f.write_str(if wrapped { "(" } else { "" })?;
    match expr {
        Expr::Root => f.write_str("$")?,
        Expr::Current => f.write_str("@")?,
        Expr::Last => f.write_str("last")?,
        Expr::Variable(name) => write!(f, "${}", quoted(name))?,
        Expr::Null => f.write_str("null")?,
        Expr::Bool(value) => write!(f, "{value}")?,
        Expr::Number(value) => write!(f, "{value}")?,
        Expr::String(text) => f.write_str(&quoted(text))?,
        Expr::Steps(from, steps) => {
            // A number would take a point for its own.
            let is_number = matches!(**from, Expr::Number(_));
            f.write_str(if is_number { "(" } else { "" })?;
            write(f, from, true)?;
            f.write_str(if is_number { ")" } else { "" })?;
            steps.iter().try_for_each(|step| write_step(f, step))?;
        }
        Expr::Arithmetic(op, a, b) | Expr::Compare(op, a, b) => {
            operand(f, a, expr)?;
            write!(f, " {} ", op.symbol())?;
            operand(f, b, expr)?;
        }
        Expr::And(a, b) | Expr::Or(a, b) | Expr::StartsWith(a, b) => {
            operand(f, a, expr)?;
            f.write_str(match expr {
                Expr::And(..) => " && ",
                Expr::Or(..) => " || ",
                _ => " starts with ",
            })?;
            operand(f, b, expr)?;
        }
        Expr::Plus(inner) | Expr::Minus(inner) => {
            f.write_str(if matches!(expr, Expr::Plus(_)) { "+" } else { "-" })?;
            operand(f, inner, expr)?;
        }
        Expr::Not(inner) => {
            f.write_str("!(")?;
            write(f, inner, false)?;
            f.write_str(")")?;
        }
        Expr::IsUnknown(inner) => {
            f.write_str("(")?;
            write(f, inner, false)?;
            f.write_str(") is unknown")?;
        }
        Expr::Exists(inner) => {
            f.write_str("exists (")?;
            write(f, inner, false)?;
            f.write_str(")")?;
        }
        Expr::LikeRegex { subject, pattern, flags } => {
            operand(f, subject, expr)?;
            write!(f, " like_regex {}", quoted(pattern))?;
            if !flags.is_empty() {
                write!(f, " flag \"{flags}\"")?;
            }
        }
    }
    f.write_str(if wrapped { ")" } else { "" })
}

fn write_step(f: &mut Formatter<'_>, step: &Step) -> Result {
    match step {
        Step::Key(key) => write!(f, ".{}", quoted(key)),
        Step::AnyKey => f.write_str(".*"),
        Step::AnyItem => f.write_str("[*]"),
        Step::Items(ranges) => {
            f.write_str("[")?;
            for (number, (from, to)) in ranges.iter().enumerate() {
                f.write_str(if number > 0 { "," } else { "" })?;
                write(f, from, false)?;
                if let Some(to) = to {
                    f.write_str(" to ")?;
                    write(f, to, false)?;
                }
            }
            f.write_str("]")
        }
        Step::Levels { first: Some(0), last: None } => f.write_str(".**"),
        Step::Levels { first, last } => {
            let level =
                |level: &Option<u32>| level.map_or("last".to_owned(), |level| level.to_string());
            match first == last {
                true => write!(f, ".**{{{}}}", level(first)),
                false => write!(f, ".**{{{} to {}}}", level(first), level(last)),
            }
        }
        Step::Filter(condition) => {
            f.write_str("?(")?;
            write(f, condition, false)?;
            f.write_str(")")
        }
        Step::Method(method) => write!(f, ".{}()", method.name()),
    }
}

impl Display for Path {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(if self.strict { "strict " } else { "" })?;
        write(f, &self.expr, true)
    }
}
