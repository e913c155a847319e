//! The language of paths into jsonb (chapter 9.16.2). A value of type jsonpath is its text, in the
//! form that output gives it; it is read again where it is used.

mod lexer;
mod parser;
mod text;

use super::{Datum, Numeric, io};
use crate::error::{Error, Result, SqlState};

pub use parser::parse;

/// The version in the binary form.
pub(super) const BINARY_VERSION: u8 = 1;

/// Reads the binary form.
///
/// # Errors
/// If it has another version, or no path.
pub(super) fn from_binary(bytes: &[u8]) -> Result<Datum> {
    let (version, text) = bytes
        .split_first()
        .ok_or_else(|| Error::new(SqlState::ProtocolViolation, "no data left in message"))?;
    if *version != BINARY_VERSION {
        return Err(Error::internal(format!("unsupported jsonpath version number: {version}")));
    }
    Ok(Datum::Text(parse(io::utf8(text)?)?.to_string()))
}

/// A path.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// Whether what does not fit is an error.
    pub strict: bool,
    /// What it stands for.
    pub expr: Expr,
}

/// An expression: a sequence of items, or a condition.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names are the language's")]
pub enum Expr {
    /// `$`
    Root,
    /// `@`
    Current,
    /// The last subscript.
    Last,
    Variable(String),
    Null,
    Bool(bool),
    Number(Numeric),
    String(String),
    /// What steps lead to, from an expression on.
    Steps(Box<Expr>, Vec<Step>),
    Arithmetic(Operator, Box<Expr>, Box<Expr>),
    Plus(Box<Expr>),
    Minus(Box<Expr>),
    Compare(Operator, Box<Expr>, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    IsUnknown(Box<Expr>),
    Exists(Box<Expr>),
    StartsWith(Box<Expr>, Box<Expr>),
    LikeRegex {
        subject: Box<Expr>,
        pattern: String,
        /// Of `ismxq`, in this order.
        flags: String,
    },
}

/// An operator between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the language's")]
pub enum Operator {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Eq,
    NotEq,
    Lt,
    LtEq,
    Gt,
    GtEq,
}

/// A step of a path.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names are the language's")]
pub enum Step {
    /// `.key`
    Key(String),
    /// `.*`
    AnyKey,
    /// `[*]`
    AnyItem,
    /// `[a, b to c]`
    Items(Vec<(Expr, Option<Expr>)>),
    /// `.**{first to last}`; `None` is the last level.
    Levels {
        first: Option<u32>,
        last: Option<u32>,
    },
    /// `? (condition)`
    Filter(Expr),
    Method(Method),
}

/// A method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the language's")]
pub enum Method {
    Type,
    Size,
    Abs,
    Floor,
    Ceiling,
    Double,
}

impl Method {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Method::Type => "type",
            Method::Size => "size",
            Method::Abs => "abs",
            Method::Floor => "floor",
            Method::Ceiling => "ceiling",
            Method::Double => "double",
        }
    }
}

impl Operator {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Operator::Add => "+",
            Operator::Sub => "-",
            Operator::Mul => "*",
            Operator::Div => "/",
            Operator::Mod => "%",
            Operator::Eq => "==",
            Operator::NotEq => "!=",
            Operator::Lt => "<",
            Operator::LtEq => "<=",
            Operator::Gt => ">",
            Operator::GtEq => ">=",
        }
    }
}

impl Expr {
    /// Whether it is a condition, which is no operand.
    pub fn is_condition(&self) -> bool {
        matches!(
            self,
            Expr::Compare(..)
                | Expr::And(..)
                | Expr::Or(..)
                | Expr::Not(_)
                | Expr::IsUnknown(_)
                | Expr::Exists(_)
                | Expr::StartsWith(..)
                | Expr::LikeRegex { .. }
        )
    }
}
