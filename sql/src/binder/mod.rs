//! From parsed SQL to logical plans: names, overloads, casts and types, as PostgreSQL settles them.
//!
//! Every cast and function in an emitted plan is explicit and ours; DataFusion's operators are
//! used only where their meaning on the layout is PostgreSQL's (comparisons, logic, CASE).
//! Columns get generated names (`t3.c0` for the third relation's first column, `x7` for
//! the seventh computed expression), because DataFusion wants them unique and PostgreSQL does not; the
//! names that the client sees stay in [`BoundQuery`].
//!
//! Parameters have three kinds of identifier in a plan: `$1` is the client's, `$c0` a
//! [`Context`] value, `$o5` a column of an outer query.

mod array;
mod assigned_row;
mod call;
mod catalog_call;
pub mod changes;
mod collate;
mod common;
mod comparable;
pub mod constraint;
pub mod cursor;
mod distinct;
pub mod dml;
mod domain;
mod expr;
mod from;
mod grouping;
mod grouping_sets;
pub mod index_key;
mod joined_change;
mod json;
mod lateral;
pub mod locking;
mod locking_part;
pub mod merge;
mod named_arguments;
mod naming;
mod nested_query;
pub mod on_conflict;
mod operators;
mod ordered_set;
mod outer_aggregate;
mod parts;
mod populate;
pub mod position;
mod query;
mod recursion;
mod refused;
mod routine;
mod rows;
mod sample;
mod search_cycle;
mod select;
mod session_call;
mod set_operation;
mod special;
mod srf;
pub mod stored;
pub mod subplan;
mod subquery;
mod suggest;
mod system_view;
mod table_function;
mod times;
pub mod types;
mod updatable;
mod window;
mod window_call;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{Column, TableReference};
use datafusion::logical_expr::expr::Placeholder;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::sql::sqlparser::ast;

use crate::catalog::Schema;
use crate::catalog::names::SearchPath;
use crate::catalog::view::{Use, View};
use crate::error::{Error, Result, SqlState};
use crate::functions::casts::{self, CastLevel};
use crate::functions::{Context, Scalar, udf};
use crate::types::datetime;
use crate::types::io::{self, Style};
use crate::types::{Datum, Type, TypeMod};

pub use catalog_call::calls_by_name;
pub use operators::operator_symbol;

/// Deepest nesting of expressions and queries.
const MAX_DEPTH: usize = 200;
/// Most parameters of a statement: what the protocol can count.
pub const MAX_PARAMETERS: usize = 65_535;

/// An expression with its SQL type.
#[derive(Clone, Debug)]
pub struct Bound {
    /// For DataFusion.
    pub expr: Expr,
    /// In PostgreSQL.
    pub ty: TypeMod,
    /// Where it stands in the statement.
    pub position: Option<usize>,
}

impl Bound {
    fn new(expr: Expr, kind: Type) -> Bound {
        Bound { expr, ty: TypeMod::plain(kind), position: None }
    }

    /// The type that functions and operators see.
    fn kind(&self) -> Type {
        self.ty.kind.base()
    }

    fn at(mut self, position: Option<usize>) -> Bound {
        self.position = position;
        self
    }
}

/// A column that names can find.
#[derive(Clone, Debug)]
pub struct ScopeColumn {
    /// The relation's name in this query.
    pub relation: String,
    /// The column's name.
    pub name: String,
    /// In the plan.
    pub column: Column,
    /// Its type.
    pub ty: TypeMod,
    /// Whether only a qualified name finds it (the other side of a USING join).
    pub merged_away: bool,
    /// Whether no star stands for it: names find it all the same.
    pub unlisted: bool,
    /// Id of the table and number of the column, for clients.
    pub origin: Option<(u32, i16)>,
}

/// The columns in sight at one query level.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// In order.
    pub columns: Vec<ScopeColumn>,
}

/// A column of a result.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputColumn {
    /// The name the client sees.
    pub name: String,
    /// Its type.
    pub ty: TypeMod,
    /// Id of the table and number of the column, if it is one.
    pub origin: Option<(u32, i16)>,
    /// Where its expression stands in the statement.
    pub position: Option<usize>,
}

/// A bound query: its plan and what comes out.
#[derive(Clone, Debug)]
pub struct BoundQuery {
    /// Unoptimized.
    pub plan: LogicalPlan,
    /// Names and types of the plan's columns.
    pub columns: Vec<OutputColumn>,
}

/// One level of queries: what is in sight, and which outer columns were used.
#[derive(Default)]
struct Level {
    scope: Scope,
    /// Columns of the items of FROM to the left of the one that is being bound: what LATERAL sees.
    beside: Vec<ScopeColumn>,
    /// Those of `beside` that an outer join keeps LATERAL from using.
    barred: Vec<Column>,
    /// Columns that are there and cannot be named from here: errors tell so.
    out_of_reach: Scope,
    /// Columns of joins that go by a name of their own: nothing else finds them, and errors tell so.
    covered: Scope,
    /// Slots of outer columns that this level's query uses, and the column of the parent each
    /// stands for.
    captured: Vec<(usize, Expr)>,
    /// Columns of this level that were named outside of aggregates, and where: for the error
    /// that one of them is not grouped by.
    named: Vec<(Column, Option<usize>)>,
    /// Aggregates and window functions found so far.
    extraction: call::Extraction,
    /// What its FROM names, in order.
    ranged: Vec<locking::Ranged>,
    /// The same of the SELECT that this level was opened for, once that is bound.
    selected_from: Vec<locking::Ranged>,
    /// What names found in that SELECT.
    selected_scope: Scope,
    /// Whether what is bound here may run more than once in an execution.
    repeats: bool,
    /// Whether its FROM has a recursive WITH query that is being bound.
    reads_working: bool,
}

/// Binds one statement.
pub struct Binder<'a> {
    schema: &'a Schema,
    sql: &'a str,
    style: Style,
    settings: &'a dyn Settings,
    next_name: Cell<usize>,
    next_slot: Cell<usize>,
    depth: Cell<usize>,
    parameters: RefCell<Vec<Option<Type>>>,
    /// Numbers of the parameters that the statement mentions.
    mentioned: RefCell<BTreeSet<usize>>,
    levels: RefCell<Vec<Level>>,
    common_tables: RefCell<Vec<common::CommonTable>>,
    /// Names of WITH queries that are not bound yet, the next one last.
    later_tables: RefCell<Vec<String>>,
    /// WITH queries that change rows and subqueries that lock them, in their order.
    changes: RefCell<Vec<changes::BoundPart>>,
    /// Whether the next WITH is that of the statement itself.
    at_top: Cell<bool>,
    tables_used: RefCell<Vec<Arc<crate::catalog::Table>>>,
    /// Fields of the types of records, which name them by their places.
    records: RefCell<Vec<Vec<rows::RecordField>>>,
    session_values: Cell<bool>,
    has_calls: Cell<bool>,
    current_of: RefCell<Option<cursor::CurrentOf>>,
    /// Of the view that is changed: the conditions on new rows, and what it computes.
    view_checks: RefCell<Vec<(String, Expr)>>,
    view_conditions: RefCell<Vec<(String, Expr)>>,
    /// With the view and the name there.
    computed: RefCell<Vec<(Expr, (String, String))>>,
    /// The arguments of the function whose body this is.
    routine: Option<routine::RoutineScope>,
    /// How many calls of functions have been expanded.
    expansions: Cell<usize>,
    /// The view whose text this is.
    view: Option<&'a View>,
    /// What the text names, while that is asked for.
    uses: RefCell<Option<Vec<Use>>>,
}

/// What the binder asks the session.
pub trait Settings {
    /// Where bare names of relations are looked up.
    fn path(&self) -> &SearchPath;
    /// The user.
    fn user(&self) -> String;
    /// The database.
    fn database(&self) -> String;
    /// The session's number.
    fn session_id(&self) -> i64;
    /// What functions on sequences act on.
    fn sequences(&self) -> Arc<crate::catalog::sequences::Sequences>;
    /// What functions on sessions act on.
    fn sessions(&self) -> Arc<crate::sessions::Sessions>;
    /// The catalog, as names are looked up in it.
    fn names(&self) -> crate::system::names::Names;
    /// What functions on locks and snapshots act on.
    fn manager(&self) -> Arc<cairn_txn::TransactionManager>;
    /// What plans are to leave out.
    fn hints(&self) -> crate::relation::Hints;
}

impl<'a> Binder<'a> {
    /// For `sql`, with the parameter types the client declared.
    pub fn new(
        schema: &'a Schema,
        sql: &'a str,
        style: Style,
        settings: &'a dyn Settings,
        declared: &[Option<Type>],
    ) -> Binder<'a> {
        Binder {
            schema,
            sql,
            style,
            settings,
            next_name: Cell::new(0),
            next_slot: Cell::new(0),
            depth: Cell::new(0),
            parameters: RefCell::new(declared.to_vec()),
            mentioned: RefCell::default(),
            levels: RefCell::new(Vec::new()),
            common_tables: RefCell::new(Vec::new()),
            later_tables: RefCell::new(Vec::new()),
            changes: RefCell::default(),
            at_top: Cell::new(false),
            tables_used: RefCell::new(Vec::new()),
            records: RefCell::default(),
            session_values: Cell::new(false),
            has_calls: Cell::new(false),
            current_of: RefCell::default(),
            view_checks: RefCell::default(),
            view_conditions: RefCell::default(),
            computed: RefCell::default(),
            routine: None,
            expansions: Cell::new(0),
            view: None,
            uses: RefCell::default(),
        }
    }

    /// The session, for a value that becomes part of the plan.
    fn session_value(&self) -> &dyn Settings {
        self.session_values.set(true);
        self.settings
    }

    /// Whether the plan would be the same for every session.
    pub fn is_generic(&self) -> bool {
        !self.session_values.get()
    }

    /// Whether the plan calls functions that act on the session: that take locks, and so may have to
    /// wait, that export its snapshot, or that change settings.
    pub fn has_calls(&self) -> bool {
        self.has_calls.get()
    }

    /// Types of the parameters, once everything is bound.
    pub fn parameter_types(&self) -> Result<Vec<Type>> {
        let parameters = self.parameters.borrow();
        let mentioned = self.mentioned.borrow();
        let kinds = parameters.iter().enumerate().map(|(index, kind)| match kind {
            Some(kind) => Ok(*kind),
            // One that nothing gave a type is text, like a literal.
            None if mentioned.contains(&(index + 1)) => Ok(Type::Text),
            None => Err(Error::new(
                SqlState::IndeterminateDatatype,
                format!("could not determine data type of parameter ${}", index + 1),
            )),
        });
        kinds.collect()
    }

    /// Slots of outer columns in use.
    pub fn slots(&self) -> usize {
        self.next_slot.get()
    }

    /// The tables that the statement reads or writes.
    pub fn tables_used(&self) -> Vec<Arc<crate::catalog::Table>> {
        self.tables_used.borrow().clone()
    }

    fn fresh(&self, prefix: &str) -> String {
        let number = self.next_name.get();
        self.next_name.set(number + 1);
        format!("{prefix}{number}")
    }

    /// Guards recursion: statements nested too deep fail instead of overflowing the stack.
    fn nested<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let depth = self.depth.get();
        if depth >= MAX_DEPTH {
            return Err(Error::new(SqlState::StatementTooComplex, "stack depth limit exceeded")
                .hint(format!("Statements may be nested {MAX_DEPTH} levels deep.")));
        }
        self.depth.set(depth + 1);
        let result = work();
        self.depth.set(depth);
        result
    }

    /// The type that a name means.
    fn type_of(&self, data_type: &ast::DataType) -> Result<TypeMod> {
        types::type_of(data_type, &self.settings.names())
    }

    fn parameter(&self, index: usize) -> Bound {
        let argument = self.routine.as_ref().and_then(|routine| routine.argument(index));
        if let Some(argument) = argument {
            return argument;
        }
        self.mentioned.borrow_mut().insert(index);
        let mut parameters = self.parameters.borrow_mut();
        if parameters.len() < index {
            parameters.resize(index, None);
        }
        let kind = parameters.get(index - 1).copied().flatten().unwrap_or(Type::Unknown);
        let kind = kind.base();
        Bound::new(placeholder(format!("${index}"), kind.layout()), kind)
    }

    fn literal(&self, datum: &Datum, kind: Type) -> Result<Bound> {
        Ok(Bound::new(Expr::Literal(datum.to_scalar(&kind.layout())?, None), kind))
    }

    fn null(&self, kind: Type) -> Result<Bound> {
        self.literal(&Datum::Null, kind)
    }

    /// Converts to a type, where `level` allows it; `None` if it does not.
    fn convert(&self, bound: Bound, target: TypeMod, level: CastLevel) -> Result<Option<Bound>> {
        let stored = self.unguarded(target);
        if stored != target {
            if bound.ty == target {
                return Ok(Some(bound));
            }
            let value = self.convert(bound, stored, level)?;
            return value.map(|value| self.guarded(value, target)).transpose();
        }
        let bound = Bound { ty: bound.ty.base(), ..bound };
        let position = bound.position;
        let from = bound.kind();
        let to = target.kind;
        if from == Type::Unknown && to != Type::Unknown {
            let value = self.convert_unknown(bound, target, level)?;
            return self.with_fields_guarded(value, target).map(Some);
        }
        if let (Type::Record, Type::Composite(user)) = (from, to)
            && let Some(own) = self.fields_of(bound.ty)
        {
            return self.record_to_composite(&bound, &own, user, level).map(Some);
        }
        match casts::level(from, to) {
            Some(needed) if needed <= level => {}
            _ => return Ok(None),
        }
        let mut bound = match from == to {
            true => bound,
            false => {
                let value = Bound::new(self.cast_call(from, to, bound.expr), to);
                self.with_fields_guarded(value, TypeMod::plain(to))?
            }
        };
        if to == Type::Record {
            // Its modifier tells of fields, to which nothing is fitted.
        } else if target.typmod >= 0 && bound.ty != target {
            let explicit = level == CastLevel::Explicit;
            let coerce = Scalar::Coerce { target, explicit };
            bound = Bound { expr: udf::call(coerce, vec![bound.expr]), ty: target, position };
        } else if target.typmod < 0 && level != CastLevel::Explicit {
            bound.ty.typmod = if from == to { bound.ty.typmod } else { -1 };
        }
        Ok(Some(bound.at(position)))
    }

    fn cast_call(&self, from: Type, to: Type, value: Expr) -> Expr {
        if let Some(call) = self.names_cast(from, to, &value) {
            return call;
        }
        let mut args = vec![value];
        args.extend(casts::context(from, to).iter().map(|c| context(*c)));
        udf::call(Scalar::Cast { from, to }, args)
    }

    /// A literal is read as the target type, a parameter takes it on.
    fn convert_unknown(&self, bound: Bound, target: TypeMod, level: CastLevel) -> Result<Bound> {
        let position = bound.position;
        let to = target.kind;
        let explicit = level == CastLevel::Explicit;
        let expr = match &bound.expr {
            Expr::Placeholder(parameter) if parameter.id.starts_with('$') => {
                let index: usize = parameter.id.get(1..).and_then(|n| n.parse().ok()).unwrap_or(0);
                let mut parameters = self.parameters.borrow_mut();
                if let Some(slot) = index.checked_sub(1).and_then(|i| parameters.get_mut(i)) {
                    slot.get_or_insert(to);
                }
                placeholder(parameter.id.clone(), to.layout())
            }
            Expr::Literal(value, _) if value.is_null() => {
                return Ok(Bound { ty: target, position, ..self.null(to)? });
            }
            // What depends on the session is read when the plan runs.
            Expr::Literal(value, _) if needs_style(to, target, value) => {
                let scalar = Scalar::Cast { from: Type::Text, to };
                let mut args = vec![bound.expr.clone()];
                args.extend(casts::context(Type::Text, to).iter().map(|c| context(*c)));
                // Read it now as well, so that errors come with their position.
                io::from_text(to, text_of(value), &self.style).map_err(|e| e.at(position))?;
                udf::call(scalar, args)
            }
            // In another form than ISO's, what it means depends on DateStyle.
            Expr::Literal(value, _) if is_in_some_style(to, value) => {
                self.session_values.set(true);
                let datum = io::from_text(to, text_of(value), &self.style)
                    .map_err(|error| error.at(position))?;
                let datum = io::apply_typmod(target, datum, explicit)?;
                return Ok(Bound { ty: target, position, ..self.literal(&datum, to)? });
            }
            // What a number without unit counts, the modifier says.
            Expr::Literal(value, _) if to == Type::Interval && target.typmod >= 0 => {
                let text = text_of(value);
                if text.trim_start().starts_with('-') {
                    // How far the sign reaches, IntervalStyle says.
                    self.session_values.set(true);
                }
                let value = io::parse_interval(text, target.typmod, &self.style)
                    .map_err(|error| error.at(position))?;
                let datum = io::apply_typmod(target, Datum::Bytes(value.encode()), explicit)?;
                return Ok(Bound { ty: target, position, ..self.literal(&datum, to)? });
            }
            Expr::Literal(value, _) => {
                let datum = io::from_text(to, text_of(value), &self.style)
                    .map_err(|error| error.at(position))?;
                let datum = io::apply_typmod(target, datum, explicit)?;
                return Ok(Bound { ty: target, position, ..self.literal(&datum, to)? });
            }
            other => self.cast_call(Type::Text, to, other.clone()),
        };
        let expr = match target.typmod >= 0 {
            true => udf::call(Scalar::Coerce { target, explicit }, vec![expr]),
            false => expr,
        };
        Ok(Bound { expr, ty: target, position })
    }

    /// Implicit conversion that is known to exist.
    fn implicit(&self, bound: Bound, to: Type) -> Result<Bound> {
        let from = bound.kind();
        let position = bound.position;
        self.convert(bound, TypeMod::plain(to), CastLevel::Implicit)?.ok_or_else(|| {
            Error::new(
                SqlState::CannotCoerce,
                format!("cannot cast type {} to {}", from.name(), to.name()),
            )
            .at(position)
        })
    }

    /// A literal of open type becomes text where nothing else is asked for.
    fn settle(&self, bound: Bound) -> Result<Bound> {
        if bound.kind() == Type::Unknown { self.implicit(bound, Type::Text) } else { Ok(bound) }
    }

    fn expect_bool(&self, bound: Bound, what: &str) -> Result<Bound> {
        let (from, position) = (bound.kind(), bound.position);
        self.convert(bound, TypeMod::plain(Type::Bool), CastLevel::Implicit)?.ok_or_else(|| {
            Error::new(
                SqlState::DatatypeMismatch,
                format!("argument of {what} must be type boolean, not type {}", from.name()),
            )
            .at(position)
        })
    }
}

/// Whether reading this text depends on the time or on the session's zone.
fn needs_style(to: Type, target: TypeMod, value: &datafusion::scalar::ScalarValue) -> bool {
    let text = text_of(value);
    let kind = to.element().unwrap_or(to);
    // In an array the parts are not looked at one by one.
    let absolute = !to.is_array() && datetime::is_absolute(kind, text);
    match kind {
        Type::Timestamptz => !absolute && !is_in_some_style(to, value),
        Type::Timetz => true,
        Type::Date | Type::Time | Type::Timestamp => !absolute && is_relative(text),
        Type::Interval => target.typmod < 0 && text.contains('-'),
        _ => false,
    }
}

/// Whether a text has words such as `now`.
fn is_relative(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["now", "today", "tomorrow", "yesterday"].iter().any(|word| text.contains(word))
}

/// Whether a date or time has a form that may be read in several ways, but always at once.
fn is_in_some_style(to: Type, value: &datafusion::scalar::ScalarValue) -> bool {
    let text = text_of(value);
    let kind = to.element().unwrap_or(to);
    match kind {
        Type::Date | Type::Time | Type::Timestamp => {
            !datetime::is_absolute(kind, text) && !is_relative(text)
        }
        Type::Timestamptz => {
            let iso = datetime::is_absolute(Type::Timestamp, text);
            !to.is_array() && !iso && !is_relative(text)
        }
        _ => false,
    }
}

fn text_of(value: &datafusion::scalar::ScalarValue) -> &str {
    match value {
        datafusion::scalar::ScalarValue::Utf8(Some(text)) => text,
        _ => "",
    }
}

/// A parameter of a plan.
pub fn placeholder(id: String, layout: DataType) -> Expr {
    let field = Arc::new(Field::new("", layout, true));
    Expr::Placeholder(Placeholder::new_with_field(id, Some(field)))
}

/// The parameter that stands for a context value.
pub fn context(context: Context) -> Expr {
    placeholder(format!("$c{}", context as u8), context.kind().layout())
}

/// A column of a relation in a plan.
pub fn column_of(relation: &str, name: &str) -> Column {
    Column::new(Some(TableReference::bare(relation)), name)
}

/// A computed column in a plan.
pub fn computed(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

/// A name as the catalog has it: folded to lower case unless quoted.
pub fn fold(ident: &ast::Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_lowercase(),
    }
}

/// The parts of a qualified name, folded.
pub fn name_parts(name: &ast::ObjectName) -> Vec<String> {
    name.0.iter().filter_map(|part| part.as_ident()).map(fold).collect()
}

/// A relation name, with the schema checked: there is `public`, and what search_path implies.
pub fn relation_name(name: &ast::ObjectName) -> Result<(Option<String>, String)> {
    // sqlparser takes many a reserved word for a name.
    let first = name.0.first().and_then(|part| part.as_ident());
    if let Some(ident) = first.filter(|ident| ident.quote_style.is_none())
        && crate::keywords::cannot_name_a_relation(&ident.value.to_lowercase())
    {
        return Err(Error::new(
            SqlState::SyntaxError,
            format!("syntax error at or near \"{}\"", ident.value),
        ));
    }
    match name_parts(name).as_slice() {
        [name] => Ok((None, name.clone())),
        [schema, name] => Ok((Some(schema.clone()), name.clone())),
        [_, schema, name] => Ok((Some(schema.clone()), name.clone())),
        _ => Err(Error::new(
            SqlState::SyntaxError,
            format!("improper qualified name (too many dotted names): {name}"),
        )),
    }
}

/// `a = b` on layouts.
pub fn equals(a: Expr, b: Expr) -> Expr {
    expr::binary(a, datafusion::logical_expr::Operator::Eq, b)
}
