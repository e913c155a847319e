//! Scalar functions and operators: one kernel each, one table of them all.
//!
//! A kernel is a pure function of datums. The row executor calls it directly, the
//! vectorized one through [`udf`], so both give the same answer by construction. What would
//! make a kernel impure (the time zone, the transaction's start) is passed as extra
//! arguments that the binder adds ([`Context`]); they are bound at each execution, which keeps
//! plans cacheable.

pub mod aggregates;
mod arithmetic;
pub mod arrays;
pub mod casts;
pub mod datetime;
mod enums;
pub mod json;
pub mod jsonpath;
pub mod moments;
mod options;
pub mod ordered_sets;
mod overlaps;
mod overlay;
pub mod polymorphic;
pub mod records;
pub mod resolve;
pub mod sets;
mod similar;
pub mod strings;
pub mod udf;
pub mod windows;

use std::sync::LazyLock;

use arrays::ArrayForm;
use json::JsonForm;
use records::RecordForm;

use crate::codec;
use crate::error::Result;
use crate::types::io::{self, Style};
use crate::types::{Datum, Type, TypeMod};

/// The code of a function.
pub type Kernel = fn(&[Datum]) -> Result<Datum>;

/// A value that depends on session, transaction or statement, and is bound at execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Context {
    /// The session's TimeZone, as text.
    Zone,
    /// The transaction's start, as a timestamptz.
    Now,
    /// What the text of values depends on: [`Style::packed`].
    Style,
    /// The session's number, by which sequences remember `currval`.
    Session,
}

impl Context {
    /// All of them, by number.
    pub const ALL: [Context; 4] = [Context::Zone, Context::Now, Context::Style, Context::Session];

    /// The type of the value.
    pub fn kind(self) -> Type {
        match self {
            Context::Zone => Type::Text,
            Context::Now => Type::Timestamptz,
            Context::Style => Type::Int4,
            Context::Session => Type::Int8,
        }
    }
}

/// An entry of the function table.
#[derive(Debug)]
pub struct Function {
    /// The name in SQL; operators go by their symbol.
    pub name: &'static str,
    /// Declared argument types.
    pub args: &'static [Type],
    /// Whether the last argument may repeat.
    pub variadic: bool,
    /// Result type.
    pub returns: Type,
    /// Whether any NULL argument makes the result NULL without a call.
    pub strict: bool,
    /// Whether each call may differ.
    pub volatile: bool,
    /// Values appended to the arguments.
    pub context: &'static [Context],
    /// Whether what its types stand for is the last argument, as a [handle](Type::handle).
    pub typed: bool,
    /// The code.
    pub kernel: Kernel,
}

/// A scalar function with all its parameters settled.
#[derive(Clone, Copy, Debug)]
pub enum Scalar {
    /// One of the table.
    Builtin(&'static Function),
    /// A conversion between types; the second argument carries the session's style.
    Cast {
        /// Source type.
        from: Type,
        /// Target type.
        to: Type,
    },
    /// Fitting into a length, precision or scale.
    Coerce {
        /// Type and modifier.
        target: TypeMod,
        /// Whether the user wrote the cast.
        explicit: bool,
    },
    /// The form that equal values share.
    Canonical(Type),
    /// What SQL has a syntax for: `ARRAY[...]`, subscripts, ANY and ALL.
    Array(ArrayForm),
    /// What is JSON for any type.
    Json(JsonForm),
    /// What it has on records: `ROW(...)`, fields, IS NULL.
    Record(RecordForm),
}

impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Scalar {}

impl std::hash::Hash for Scalar {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

/// What tells forms of syntax apart.
#[derive(PartialEq, Eq, Hash)]
enum Form {
    None,
    Array(ArrayForm),
    Json(JsonForm),
    Record(RecordForm),
}

impl Scalar {
    fn identity(&self) -> (u8, usize, u32, i32, Form) {
        match self {
            Scalar::Builtin(function) => {
                (0, std::ptr::from_ref(*function) as usize, 0, 0, Form::None)
            }
            Scalar::Cast { from, to } => (1, from.oid() as usize, to.oid(), 0, Form::None),
            Scalar::Coerce { target, explicit } => {
                (2, usize::from(*explicit), target.kind.oid(), target.typmod, Form::None)
            }
            Scalar::Canonical(kind) => (3, 0, kind.oid(), 0, Form::None),
            Scalar::Array(form) => (4, 0, 0, 0, Form::Array(*form)),
            Scalar::Json(form) => (5, 0, 0, 0, Form::Json(*form)),
            Scalar::Record(form) => (6, 0, 0, 0, Form::Record(*form)),
        }
    }

    /// For plans that people read.
    pub fn name(&self) -> String {
        match self {
            Scalar::Builtin(function) => function.name.to_owned(),
            Scalar::Cast { from, to } => format!("cast_{from:?}_{to:?}").to_lowercase(),
            Scalar::Coerce { target, .. } => format!("coerce[{}]", target.display()),
            Scalar::Canonical(kind) => format!("canonical_{kind:?}").to_lowercase(),
            Scalar::Array(form) => form.name(),
            Scalar::Json(form) => form.name(),
            Scalar::Record(form) => form.name().to_owned(),
        }
    }

    /// Result type.
    pub fn returns(&self) -> Type {
        match self {
            Scalar::Builtin(function) => function.returns,
            Scalar::Cast { to, .. } => *to,
            Scalar::Coerce { target, .. } => target.kind,
            Scalar::Canonical(kind) => *kind,
            Scalar::Array(form) => form.returns(),
            Scalar::Json(form) => form.returns(),
            Scalar::Record(form) => form.returns(),
        }
    }

    /// Whether each call may differ.
    pub fn is_volatile(&self) -> bool {
        matches!(self, Scalar::Builtin(function) if function.volatile)
    }

    /// The value for these arguments.
    pub fn call(&self, args: &[Datum]) -> Result<Datum> {
        match self {
            Scalar::Builtin(function) => {
                if function.strict && args.iter().any(Datum::is_null) {
                    return Ok(Datum::Null);
                }
                (function.kernel)(args)
            }
            Scalar::Cast { from, to } => match args.first() {
                None | Some(Datum::Null) => Ok(Datum::Null),
                Some(value) => casts::cast(*from, *to, value, &style_of(args)),
            },
            Scalar::Coerce { target, explicit } => match args.first() {
                None | Some(Datum::Null) => Ok(Datum::Null),
                Some(value) => io::apply_typmod(*target, value.clone(), *explicit),
            },
            Scalar::Canonical(kind) => match args.first() {
                None | Some(Datum::Null) => Ok(Datum::Null),
                Some(value) => Ok(codec::canonical(*kind, value.clone())),
            },
            Scalar::Array(form) => form.call(args),
            Scalar::Json(form) if form.takes_style() => form.call(args, &style_of(args)),
            Scalar::Json(form) => form.call(args, &Style::default()),
            Scalar::Record(form) => form.call(args),
        }
    }
}

/// The style that a cast's context arguments describe; see [`casts::context`].
pub(crate) fn style_of(args: &[Datum]) -> Style {
    let mut style = Style::default();
    for context in args.iter().skip(1) {
        match context {
            Datum::Text(zone) => {
                style.zone = crate::types::datetime::Zone::parse(zone).unwrap_or(style.zone);
            }
            Datum::Int64(now) => style.now = *now,
            Datum::Int32(packed) => style.unpack(*packed),
            _ => {}
        }
    }
    style
}

/// All functions and operators.
pub static FUNCTIONS: LazyLock<Vec<Function>> = LazyLock::new(|| {
    let mut all = Vec::new();
    arithmetic::register(&mut all);
    strings::register(&mut all);
    similar::register(&mut all);
    overlay::register(&mut all);
    overlaps::register(&mut all);
    datetime::register(&mut all);
    arrays::register(&mut all);
    enums::register(&mut all);
    json::register(&mut all);
    jsonpath::register(&mut all);
    all
});

/// The functions called `name`.
pub fn named(name: &str) -> impl Iterator<Item = &'static Function> {
    FUNCTIONS.iter().filter(move |function| function.name == name)
}

/// A strict, immutable function.
fn pure(name: &'static str, args: &'static [Type], returns: Type, kernel: Kernel) -> Function {
    Function {
        name,
        args,
        variadic: false,
        returns,
        strict: true,
        volatile: false,
        context: &[],
        typed: false,
        kernel,
    }
}

/// A strict function with context arguments.
fn contextual(
    name: &'static str,
    args: &'static [Type],
    returns: Type,
    context: &'static [Context],
    kernel: Kernel,
) -> Function {
    Function { context, ..pure(name, args, returns, kernel) }
}

/// Argument `index`; the binder has checked the count.
fn arg(args: &[Datum], index: usize) -> &Datum {
    args.get(index).unwrap_or(&Datum::Null)
}
