//! Functions on the catalog, such as `pg_get_indexdef`.
//!
//! A call has the descriptors with it that its plan was made for: a plan holds for one version of the
//! catalog, so within it these functions are as immutable as others. Those that tell of what changes
//! without a new version are volatile.

mod acl;
mod privileges;
mod shown;
mod sizes;

use std::sync::{Arc, LazyLock};

use cairn_txn::TransactionManager;

use super::names::Names;
use crate::catalog::sequences::Sequences;
use crate::error::{Error, Result};
use crate::functions::Function;
use crate::functions::casts;
use crate::functions::resolve::{self, Resolution};
use crate::row::stateful::Stateful;
use crate::types::array::Array;
use crate::types::io::Style;
use crate::types::{Datum, Type};

/// What the functions know.
#[derive(Clone)]
pub struct Known {
    /// Definitions.
    pub names: Names,
    /// Sizes.
    pub manager: Arc<TransactionManager>,
    /// Values of sequences.
    pub sequences: Arc<Sequences>,
}

/// The code of a function.
type Run = fn(&Known, &[Datum]) -> Result<Datum>;

/// A function on the catalog.
pub struct CatalogFunction {
    /// What finds it, as for any function. Its kernel is never called.
    pub signature: Function,
    run: Run,
}

fn no_value(_: &[Datum]) -> Result<Datum> {
    Err(Error::internal("a function on the catalog was called without one"))
}

/// A strict function that looks only at definitions.
fn function(name: &'static str, args: &'static [Type], returns: Type, run: Run) -> CatalogFunction {
    let signature = Function {
        name,
        args,
        variadic: false,
        returns,
        strict: true,
        volatile: false,
        context: &[],
        typed: false,
        kernel: no_value,
    };
    CatalogFunction { signature, run }
}

/// One that looks at NULLs itself.
fn lenient(name: &'static str, args: &'static [Type], returns: Type, run: Run) -> CatalogFunction {
    let strict = function(name, args, returns, run);
    CatalogFunction { signature: Function { strict: false, ..strict.signature }, run }
}

/// One that looks at what changes without a new version of the catalog.
fn volatile(name: &'static str, args: &'static [Type], returns: Type, run: Run) -> CatalogFunction {
    let pure = function(name, args, returns, run);
    CatalogFunction { signature: Function { volatile: true, ..pure.signature }, run }
}

static FUNCTIONS: LazyLock<Vec<CatalogFunction>> = LazyLock::new(|| {
    let mut all = Vec::new();
    shown::register(&mut all);
    acl::register(&mut all);
    privileges::register(&mut all);
    sizes::register(&mut all);
    all
});

/// Whether there is a function of this name.
pub fn is_named(name: &str) -> bool {
    FUNCTIONS.iter().any(|function| function.signature.name == name)
}

/// The function that a call means; `None` if none has the name.
pub fn resolve(
    name: &str,
    kinds: &[Type],
) -> Option<std::result::Result<&'static CatalogFunction, Resolution>> {
    if !is_named(name) {
        return None;
    }
    let candidates = FUNCTIONS.iter().map(|function| &function.signature);
    let candidates = candidates.filter(|signature| signature.name == name);
    Some(match resolve::resolve(candidates, kinds) {
        Resolution::Found(found) => {
            let mut all = FUNCTIONS.iter();
            let same =
                |function: &&CatalogFunction| std::ptr::eq(&raw const function.signature, found);
            all.find(same).ok_or(Resolution::NoMatch)
        }
        failed => Err(failed),
    })
}

/// A function in a plan.
pub struct CatalogCall {
    /// Which one.
    pub function: &'static CatalogFunction,
    /// What it looks at.
    pub known: Known,
}

impl std::fmt::Debug for CatalogCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Stateful for CatalogCall {
    fn name(&self) -> &'static str {
        self.function.signature.name
    }

    fn returns(&self) -> Type {
        self.function.signature.returns
    }

    fn is_volatile(&self) -> bool {
        self.function.signature.volatile
    }

    fn identity(&self) -> Option<(usize, usize)> {
        Some((1, std::ptr::from_ref(self.function) as usize))
    }

    fn run(&self, args: &[Datum]) -> Result<Datum> {
        if self.function.signature.strict && args.iter().any(Datum::is_null) {
            return Ok(Datum::Null);
        }
        (self.function.run)(&self.known, args)
    }
}

/// A conversion between strings and what is known by name.
#[derive(Debug)]
pub struct NamesCast {
    /// Source type.
    pub from: Type,
    /// Target type.
    pub to: Type,
    /// Where names are looked up.
    pub names: Names,
}

impl Stateful for NamesCast {
    fn name(&self) -> &'static str {
        "cast_names"
    }

    fn returns(&self) -> Type {
        self.to
    }

    fn is_volatile(&self) -> bool {
        false
    }

    fn identity(&self) -> Option<(usize, usize)> {
        // No type has the number 1.
        Some((self.from.oid() as usize, self.to.oid() as usize))
    }

    fn run(&self, args: &[Datum]) -> Result<Datum> {
        let style = Style { names: Some(self.names.clone()), ..Style::default() };
        match args.first() {
            None | Some(Datum::Null) => Ok(Datum::Null),
            Some(value) => casts::cast(self.from, self.to, value, &style),
        }
    }
}

fn arg(args: &[Datum], index: usize) -> &Datum {
    args.get(index).unwrap_or(&Datum::Null)
}

fn oid_arg(args: &[Datum], index: usize) -> Result<u32> {
    Ok(u32::try_from(arg(args, index).as_i64()?).unwrap_or_default())
}

fn text(text: Option<String>) -> Result<Datum> {
    Ok(text.map_or(Datum::Null, Datum::Text))
}

fn names_array(names: &[&str]) -> Result<Datum> {
    let items = names.iter().map(|name| Datum::Text((*name).to_owned())).collect();
    Ok(Array::of(Type::Name, items)?.to_datum())
}
