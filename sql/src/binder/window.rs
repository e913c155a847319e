//! Window functions and the windows they are over.

use std::sync::Arc;

use datafusion::arrow::datatypes::Field;
use datafusion::logical_expr::expr::Sort as SortExpr;
use datafusion::logical_expr::{Expr, LogicalPlan, Sort};
use datafusion::sql::sqlparser::ast::{
    self, Expr as Sql, NamedWindowDefinition, NamedWindowExpr, WindowSpec, WindowType,
};

use super::comparable::{groupable, sortable};
use super::expr::canonical;
use super::position::{next_token, token_after};
use super::query::sort_expr;
use super::{Binder, Bound, fold};
use crate::error::{Error, Result, SqlState};
use crate::functions::casts::CastLevel;
use crate::functions::windows::{
    Bound as FrameBound, Exclude, FrameClause, OffsetType, RangeKey, Units, WindowCall, offset_type,
};
use crate::operator::{Kind, Operator, Output, Window};
use crate::parser::forms::EXCLUDE;
use crate::types::{Type, TypeMod};

/// A call over a window, computed below the expression that refers to it by name.
#[derive(Clone, Debug)]
pub(super) struct ExtractedWindow {
    /// Its column.
    pub(super) name: String,
    pub(super) call: WindowCall,
    /// The window, by its place among the definitions.
    pub(super) definition: usize,
    /// The type of its values.
    pub(super) returns: Type,
}

/// A window.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Definition {
    pub(super) partition: Vec<Expr>,
    pub(super) order: Vec<SortExpr>,
    pub(super) frame: FrameClause,
}

/// A window of the WINDOW clause.
#[derive(Clone, Debug)]
struct Named {
    name: String,
    spec: WindowSpec,
    position: Option<usize>,
    /// Once it is bound: its place among the definitions.
    definition: Option<usize>,
}

/// The windows of a query level.
#[derive(Default, Debug)]
pub(super) struct Windows {
    pub(super) definitions: Vec<Definition>,
    named: Vec<Named>,
}

/// What keeps window functions from standing where an expression stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum NoWindows {
    /// It is an argument of one.
    Call,
    /// It is part of a window's definition.
    Definition,
    /// It stands in HAVING.
    Having,
}

/// Restores what was allowed when it goes out of scope.
pub(super) struct WindowsGuard<'b, 'a> {
    binder: &'b Binder<'a>,
    before: Option<NoWindows>,
}

impl Drop for WindowsGuard<'_, '_> {
    fn drop(&mut self) {
        if let Some(level) = self.binder.levels.borrow_mut().last_mut() {
            level.extraction.no_windows = self.before;
        }
    }
}

fn error(message: impl Into<String>) -> Error {
    Error::new(SqlState::WindowingError, message)
}

fn no_window(name: &str) -> Error {
    Error::new(SqlState::UndefinedObject, format!("window \"{name}\" does not exist"))
}

/// The exclusion that a key of ORDER BY or PARTITION BY marks.
fn exclusion_of(key: &Sql) -> Option<Exclude> {
    let Sql::Identifier(ident) = key else { return None };
    match ident.value.strip_prefix(EXCLUDE)? {
        "current row" => Some(Exclude::CurrentRow),
        "group" => Some(Exclude::Group),
        _ => Some(Exclude::Ties),
    }
}

impl<'a> Binder<'a> {
    /// Keeps window functions out until the guard goes.
    pub(super) fn no_windows<'b>(&'b self, why: NoWindows) -> WindowsGuard<'b, 'a> {
        let mut levels = self.levels.borrow_mut();
        let before = levels.last_mut().and_then(|level| level.extraction.no_windows.replace(why));
        WindowsGuard { binder: self, before }
    }

    /// Takes up the WINDOW clause; its windows are bound when they are used.
    pub(super) fn name_windows(&self, clause: &[NamedWindowDefinition]) -> Result<()> {
        let mut named: Vec<Named> = Vec::new();
        for NamedWindowDefinition(ident, definition) in clause {
            let name = fold(ident);
            let position = self.position(ident.span);
            if named.iter().any(|other| other.name == name) {
                let at = position.and_then(|at| token_after(self.sql, at, &["("]));
                return Err(error(format!("window \"{name}\" is already defined")).at(at));
            }
            let NamedWindowExpr::WindowSpec(spec) = definition else {
                return Err(
                    Error::new(SqlState::SyntaxError, "syntax error in WINDOW clause").at(position)
                );
            };
            let open = position.and_then(|at| token_after(self.sql, at, &["("]));
            named.push(Named { name, spec: spec.clone(), position: open, definition: None });
        }
        if let Some(level) = self.levels.borrow_mut().last_mut() {
            level.extraction.windows_here.named = named;
        }
        Ok(())
    }

    /// Binds what the WINDOW clause names and nobody uses, for its errors.
    pub(super) fn bind_named_windows(&self) -> Result<()> {
        let count = self.windows(|windows| windows.named.len()).unwrap_or_default();
        (0..count).try_for_each(|index| self.named_window(index).map(|_| ()))
    }

    fn windows<T>(&self, look: impl FnOnce(&mut Windows) -> T) -> Option<T> {
        let mut levels = self.levels.borrow_mut();
        levels.last_mut().map(|level| look(&mut level.extraction.windows_here))
    }

    /// A window of the WINDOW clause, by its place there.
    fn named_window(&self, index: usize) -> Result<usize> {
        let named = self.windows(|windows| windows.named.get(index).cloned()).flatten();
        let named = named.ok_or_else(|| Error::internal("a window without definition"))?;
        if let Some(definition) = named.definition {
            return Ok(definition);
        }
        // It can build on those before it.
        let definition = self.define(&named.spec, index, named.position, true)?;
        self.windows(|windows| {
            if let Some(named) = windows.named.get_mut(index) {
                named.definition = Some(definition);
            }
        });
        Ok(definition)
    }

    fn place_of_named(&self, name: &str, among: usize) -> Option<usize> {
        let find = |windows: &mut Windows| {
            windows.named.iter().take(among).position(|named| named.name == name)
        };
        self.windows(find).flatten()
    }

    /// The window of an OVER clause.
    pub(super) fn window_of(&self, over: &WindowType, call: Option<usize>) -> Result<usize> {
        match over {
            WindowType::NamedWindow(ident) => {
                let name = fold(ident);
                let found = self.place_of_named(&name, usize::MAX);
                let index = found.ok_or_else(|| no_window(&name).at(self.position(ident.span)))?;
                self.named_window(index)
            }
            WindowType::WindowSpec(spec) => {
                let open = call.and_then(|at| self.window_position(at));
                self.define(spec, usize::MAX, open, false)
            }
        }
    }

    /// Where the parenthesis of the OVER clause stands that belongs to the call at `at`.
    fn window_position(&self, at: usize) -> Option<usize> {
        let tokens = crate::parser::token_positions(self.sql);
        let mut depth = 0usize;
        for (place, text) in tokens.into_iter().skip_while(|(place, _)| *place <= at) {
            match text.as_str() {
                "(" => depth += 1,
                ")" => depth = depth.checked_sub(1)?,
                word if depth == 0 && word.eq_ignore_ascii_case("over") => {
                    return next_token(self.sql, place);
                }
                _ => {}
            }
        }
        None
    }

    /// Binds a window that may build on the first named ones.
    fn define(
        &self,
        spec: &WindowSpec,
        among: usize,
        position: Option<usize>,
        is_named: bool,
    ) -> Result<usize> {
        let mut exclude = Exclude::NoOthers;
        let mut partition_by: Vec<&Sql> = Vec::new();
        for key in &spec.partition_by {
            match exclusion_of(key) {
                Some(found) => exclude = found,
                None => partition_by.push(key),
            }
        }
        let mut order_by: Vec<&ast::OrderByExpr> = Vec::new();
        for key in &spec.order_by {
            match exclusion_of(&key.expr) {
                Some(found) => exclude = found,
                None => order_by.push(key),
            }
        }
        let base = match &spec.window_name {
            None => None,
            Some(ident) => {
                let name = fold(ident);
                let found = self.place_of_named(&name, among);
                let index = found.ok_or_else(|| no_window(&name).at(position))?;
                let definition = self.named_window(index)?;
                let base = self.windows(|windows| windows.definitions.get(definition).cloned());
                let base = base.flatten().ok_or_else(|| Error::internal("no such window"))?;
                Some((name, base))
            }
        };
        let _none = self.no_windows(NoWindows::Definition);
        let mut partition = Vec::new();
        for key in &partition_by {
            let key = self.expr(key)?;
            let key = self.settle(key)?;
            groupable(key.kind(), key.position)?;
            partition.push(canonical(key.kind(), key.expr));
        }
        let mut keys: Vec<(Bound, SortExpr)> = Vec::new();
        for key in &order_by {
            let bound = self.expr(&key.expr)?;
            let bound = self.settle(bound)?;
            sortable(&bound)?;
            keys.push((bound.clone(), sort_expr(&key.options, bound)));
        }
        let mut order: Vec<SortExpr> = keys.iter().map(|(_, key)| key.clone()).collect();
        let mut inherited_range = None;
        if let Some((name, base)) = base {
            let cannot = |what: &str| {
                Err(error(format!("cannot override {what} clause of window \"{name}\""))
                    .at(position))
            };
            if !partition.is_empty() {
                return cannot("PARTITION BY");
            }
            if !order.is_empty() && !base.order.is_empty() {
                return cannot("ORDER BY");
            }
            if base.frame.clone().without_key() != FrameClause::default() {
                let message =
                    format!("cannot copy window \"{name}\" because it has a frame clause");
                let copied = error(message).at(position);
                let only = !is_named && order.is_empty() && spec.window_frame.is_none();
                return Err(match only {
                    true => copied.hint("Omit the parentheses in this OVER clause."),
                    false => copied,
                });
            }
            partition = base.partition;
            if order.is_empty() {
                order = base.order;
                inherited_range = base.frame.range;
            }
        }
        // The key that offsets of RANGE are added to is kept for windows that build on this one.
        let range = match (keys.as_slice(), inherited_range) {
            ([(bound, key)], _) => Some(RangeKey {
                expr: bound.expr.clone(),
                kind: bound.kind(),
                descending: !key.asc,
                nulls_first: key.nulls_first,
            }),
            (_, inherited) => inherited,
        };
        let frame = match &spec.window_frame {
            None => FrameClause { range, ..FrameClause::default() },
            Some(clause) => self.frame(clause, &order, range, exclude, position)?,
        };
        let definition = Definition { partition, order, frame };
        let place = self.windows(|windows| {
            let known = windows.definitions.iter().position(|other| *other == definition);
            known.unwrap_or_else(|| {
                windows.definitions.push(definition);
                windows.definitions.len() - 1
            })
        });
        Ok(place.unwrap_or_default())
    }

    fn frame(
        &self,
        clause: &ast::WindowFrame,
        order: &[SortExpr],
        range: Option<RangeKey>,
        exclude: Exclude,
        position: Option<usize>,
    ) -> Result<FrameClause> {
        use ast::WindowFrameBound as Bounds;
        let units = match clause.units {
            ast::WindowFrameUnits::Rows => Units::Rows,
            ast::WindowFrameUnits::Range => Units::Range,
            ast::WindowFrameUnits::Groups => Units::Groups,
        };
        let place = |bound: &Bounds, from: Option<usize>| match bound {
            Bounds::Preceding(Some(offset)) | Bounds::Following(Some(offset)) => {
                self.position_of(&**offset)
            }
            Bounds::CurrentRow => from.and_then(|at| token_after(self.sql, at, &["CURRENT"])),
            _ => from.and_then(|at| token_after(self.sql, at, &["UNBOUNDED"])),
        };
        let start = &clause.start_bound;
        let start_at = place(start, position);
        let end = clause.end_bound.as_ref();
        let end_at = end.and_then(|end| place(end, start_at.map(|at| at + 1)));
        let wrong = |message: &str, at: Option<usize>| Err(error(message).at(at));
        if matches!(start, Bounds::Following(None)) {
            return wrong("frame start cannot be UNBOUNDED FOLLOWING", start_at);
        }
        match (start, end) {
            (Bounds::Following(Some(_)), None) => {
                return wrong(
                    "frame starting from following row cannot end with current row",
                    start_at,
                );
            }
            (_, Some(Bounds::Preceding(None))) => {
                return wrong("frame end cannot be UNBOUNDED PRECEDING", end_at);
            }
            (Bounds::CurrentRow, Some(Bounds::Preceding(_))) => {
                return wrong("frame starting from current row cannot have preceding rows", end_at);
            }
            (Bounds::Following(_), Some(Bounds::Preceding(_) | Bounds::CurrentRow)) => {
                return wrong(
                    "frame starting from following row cannot have preceding rows",
                    end_at,
                );
            }
            _ => {}
        }
        let has_offset = [Some(start), end]
            .into_iter()
            .flatten()
            .any(|bound| matches!(bound, Bounds::Preceding(Some(_)) | Bounds::Following(Some(_))));
        if units == Units::Groups && order.is_empty() {
            return wrong("GROUPS mode requires an ORDER BY clause", position);
        }
        if units == Units::Range && has_offset && order.len() != 1 {
            let message =
                "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column";
            return wrong(message, position);
        }
        let bound = |bound: &Bounds| -> Result<FrameBound> {
            Ok(match bound {
                Bounds::CurrentRow => FrameBound::CurrentRow,
                Bounds::Preceding(None) => FrameBound::UnboundedPreceding,
                Bounds::Following(None) => FrameBound::UnboundedFollowing,
                Bounds::Preceding(Some(offset)) => {
                    FrameBound::Preceding(self.offset(offset, units, range.as_ref())?)
                }
                Bounds::Following(Some(offset)) => {
                    FrameBound::Following(self.offset(offset, units, range.as_ref())?)
                }
            })
        };
        Ok(FrameClause {
            units,
            start: bound(start)?,
            end: end.map_or(Ok(FrameBound::CurrentRow), bound)?,
            exclude,
            range: range.filter(|_| has_offset && units == Units::Range),
        })
    }

    fn offset(&self, sql: &Sql, units: Units, range: Option<&RangeKey>) -> Result<Expr> {
        let _none = self.forbid(match units {
            Units::Rows => "window ROWS",
            Units::Range => "window RANGE",
            Units::Groups => "window GROUPS",
        });
        let offset = self.expr(sql)?;
        let (from, position) = (offset.kind(), offset.position);
        if offset.expr.any_column_refs() {
            return Err(Error::new(
                SqlState::InvalidColumnReference,
                format!("argument of {} must not contain variables", units.name()),
            )
            .at(position));
        }
        if units != Units::Range {
            let count = self.convert(offset, TypeMod::plain(Type::Int8), CastLevel::Assignment)?;
            let count = count.ok_or_else(|| {
                let (units, from) = (units.name(), from.name());
                Error::new(
                    SqlState::DatatypeMismatch,
                    format!("argument of {units} must be type bigint, not type {from}"),
                )
                .at(position)
            })?;
            return Ok(count.expr);
        }
        let key = range.ok_or_else(|| Error::internal("RANGE without a sort key"))?;
        let what = "RANGE with offset PRECEDING/FOLLOWING";
        // As which it is sorted.
        let sorted_as = if key.kind == Type::Varchar { Type::Text } else { key.kind };
        let (column, offset_name) = (sorted_as.name(), from.name());
        let refused = |message: String| Error::new(SqlState::FeatureNotSupported, message);
        match offset_type(key.kind, from) {
            OffsetType::Is(to) => Ok(self.implicit(offset, to)?.expr),
            OffsetType::NoneForKey => {
                Err(refused(format!("{what} is not supported for column type {column}"))
                    .at(position))
            }
            OffsetType::NotThis => Err(refused(format!(
                "{what} is not supported for column type {column} and offset type {offset_name}"
            ))
            .hint("Cast the offset value to an appropriate type.")
            .at(position)),
            OffsetType::Ambiguous => Err(refused(format!(
                "{what} has multiple interpretations for column type {column} and offset type {offset_name}"
            ))
            .hint("Cast the offset value to the exact intended type.")
            .at(position)),
        }
    }

    /// Computes window functions over a plan, a window after the other.
    pub(super) fn window_plan(
        &self,
        mut plan: LogicalPlan,
        calls: &[ExtractedWindow],
        definitions: &[Definition],
    ) -> Result<LogicalPlan> {
        let used: Vec<usize> =
            (0..definitions.len()).filter(|i| calls.iter().any(|c| c.definition == *i)).collect();
        let mut sorted: Vec<SortExpr> = Vec::new();
        for index in order_of_work(&used, definitions) {
            let Some(definition) = definitions.get(index) else { continue };
            let keys = sort_keys(definition);
            if !sorted.starts_with(&keys) {
                // Not by DataFusion's builder: it takes a key that the window below has, too, for a column
                // of that.
                let (expr, input) = (keys.clone(), Arc::new(plan));
                plan = LogicalPlan::Sort(Sort { expr, input, fetch: None });
                sorted = keys;
            }
            let mut added = Vec::new();
            let mut here = Vec::new();
            for call in calls.iter().filter(|call| call.definition == index) {
                added.push((None, Field::new(&call.name, call.returns.layout(), true).into()));
                here.push(call.call.clone());
            }
            let mut frame = definition.frame.clone();
            if ![&frame.start, &frame.end].iter().any(|bound| bound.has_offset()) {
                frame = frame.without_key();
            }
            let window = Window {
                frame,
                partition: definition.partition.clone(),
                order: definition.order.iter().map(|key| key.expr.clone()).collect(),
                calls: here,
            };
            plan = Operator::plan(Kind::Window(Box::new(window)), plan, Output::Adds(added))?;
        }
        Ok(plan)
    }
}

/// By what the rows of a window are sorted.
fn sort_keys(definition: &Definition) -> Vec<SortExpr> {
    let partition = definition.partition.iter();
    let mut keys: Vec<SortExpr> = Vec::new();
    let of_partition = partition.map(|expr| SortExpr::new(expr.clone(), true, false));
    for key in of_partition.chain(definition.order.iter().cloned()) {
        if !keys.iter().any(|other| other.expr == key.expr) {
            keys.push(key);
        }
    }
    keys
}

/// The order in which windows are worked on. Those with a common beginning of their keys stand
/// together, the longer first, so that they share sorts; for the rest the window that was defined first
/// comes last, as in PostgreSQL, because that decides the order of the rows.
fn order_of_work(used: &[usize], definitions: &[Definition]) -> Vec<usize> {
    let mut known: Vec<Expr> = Vec::new();
    // A key by its number, whether it is DESC, and whether NULLS FIRST.
    type Keys = Vec<(usize, bool, bool)>;
    let mut windows: Vec<(usize, Keys)> = Vec::new();
    for index in used {
        let Some(definition) = definitions.get(*index) else { continue };
        let keys = sort_keys(definition).into_iter().map(|key| {
            let number = match known.iter().position(|other| *other == key.expr) {
                Some(number) => number,
                None => {
                    known.push(key.expr);
                    known.len() - 1
                }
            };
            (number, !key.asc, key.nulls_first)
        });
        windows.push((*index, keys.collect()));
    }
    windows.sort_by(|(_, a), (_, b)| {
        let differing = a.iter().zip(b).find(|(a, b)| a != b);
        match differing {
            Some((a, b)) => b.cmp(a),
            None => b.len().cmp(&a.len()),
        }
    });
    windows.into_iter().map(|(index, _)| index).collect()
}
