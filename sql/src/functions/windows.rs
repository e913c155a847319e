//! Window functions: what is called, over which windows and frames.
//!
//! What a definition means to rows is in [`crate::row`]; here it is as plans have it.

use datafusion::logical_expr::Expr;

use super::aggregates::Aggregate;
use super::casts::{self, CastLevel};
use crate::types::Type;

/// A function over a window.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are SQL's")]
pub enum WindowFunction {
    RowNumber,
    Rank,
    DenseRank,
    PercentRank,
    CumeDist,
    Ntile,
    Lag,
    Lead,
    FirstValue,
    LastValue,
    NthValue,
    /// An aggregate of the rows in the frame.
    Aggregate(Aggregate),
}

impl WindowFunction {
    /// The function of this name that is nothing else.
    pub fn named(name: &str) -> Option<WindowFunction> {
        Some(match name {
            "row_number" => WindowFunction::RowNumber,
            "rank" => WindowFunction::Rank,
            "dense_rank" => WindowFunction::DenseRank,
            "percent_rank" => WindowFunction::PercentRank,
            "cume_dist" => WindowFunction::CumeDist,
            "ntile" => WindowFunction::Ntile,
            "lag" => WindowFunction::Lag,
            "lead" => WindowFunction::Lead,
            "first_value" => WindowFunction::FirstValue,
            "last_value" => WindowFunction::LastValue,
            "nth_value" => WindowFunction::NthValue,
            _ => return None,
        })
    }
}

/// A call over a window.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WindowCall {
    /// The function.
    pub function: WindowFunction,
    /// Its arguments.
    pub args: Vec<Expr>,
    /// Which rows an aggregate takes.
    pub filter: Option<Expr>,
}

/// What the offsets of a frame count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are SQL's")]
pub enum Units {
    Rows,
    Range,
    Groups,
}

impl Units {
    /// As in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Units::Rows => "ROWS",
            Units::Range => "RANGE",
            Units::Groups => "GROUPS",
        }
    }
}

/// An end of a frame.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are SQL's")]
pub enum Bound {
    UnboundedPreceding,
    Preceding(Expr),
    CurrentRow,
    Following(Expr),
    UnboundedFollowing,
}

impl Bound {
    /// Whether it is some way off the current row.
    pub fn has_offset(&self) -> bool {
        matches!(self, Bound::Preceding(_) | Bound::Following(_))
    }
}

/// What a frame leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are SQL's")]
pub enum Exclude {
    NoOthers,
    CurrentRow,
    Group,
    Ties,
}

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FrameClause {
    /// What offsets count.
    pub units: Units,
    /// Where it starts.
    pub start: Bound,
    /// Where it ends.
    pub end: Bound,
    /// What it leaves out.
    pub exclude: Exclude,
    /// For offsets of RANGE: the sort key that they are added to.
    pub range: Option<RangeKey>,
}

impl FrameClause {
    /// The same, but for the sort key.
    pub fn without_key(self) -> FrameClause {
        FrameClause { range: None, ..self }
    }
}

impl Default for FrameClause {
    /// `RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW`
    fn default() -> FrameClause {
        FrameClause {
            units: Units::Range,
            start: Bound::UnboundedPreceding,
            end: Bound::CurrentRow,
            exclude: Exclude::NoOthers,
            range: None,
        }
    }
}

/// The sort key of a frame with offsets in RANGE.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RangeKey {
    /// The key.
    pub expr: Expr,
    /// Its type.
    pub kind: Type,
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST.
    pub nulls_first: bool,
}

/// The types of offsets that can be added to a sort key of a type, as in_range has them in
/// pg_amproc.
fn offset_types(key: Type) -> &'static [Type] {
    use Type::*;
    match key {
        Int2 | Int4 => &[Int8, Int4, Int2],
        Int8 => &[Int8],
        Float4 | Float8 => &[Float8],
        Numeric => &[Numeric],
        Date | Time | Timetz | Timestamp | Timestamptz | Interval => &[Interval],
        _ => &[],
    }
}

/// What becomes of an offset of a type.
pub enum OffsetType {
    /// It is converted to this.
    Is(Type),
    /// No offset can be added to keys of this type.
    NoneForKey,
    /// None of this type can.
    NotThis,
    /// It might be converted to several.
    Ambiguous,
}

/// The type that an offset for a sort key is converted to.
pub fn offset_type(key: Type, offset: Type) -> OffsetType {
    let candidates = offset_types(key);
    if candidates.is_empty() {
        return OffsetType::NoneForKey;
    }
    if candidates.contains(&offset) {
        return OffsetType::Is(offset);
    }
    if offset == Type::Unknown && candidates.contains(&key) {
        return OffsetType::Is(key);
    }
    let fits = |to: &&Type| casts::level(offset, **to) == Some(CastLevel::Implicit);
    let mut fitting = candidates.iter().filter(fits);
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => OffsetType::Is(*only),
        (None, _) => OffsetType::NotThis,
        _ => OffsetType::Ambiguous,
    }
}
