//! Foreign keys, compiled: which key of the referred table a row means, and which rows mean a key.
//!
//! A row refers to a key of the unique index that the foreign key stands on, so that a look into that
//! index is all that a check reads. Its values are converted to the types of that index first; one
//! that does not fit them refers to nothing that could be there.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cairn_txn::ReadView;
use cairn_txn::storage::{Direction, Span};

use super::expr::RowExpr;
use super::{CANCEL_CHECK_ROWS, Row, canceled};
use crate::catalog::constraint::{Action, ForeignKey};
use crate::catalog::{Index, Table, index_prefix, index_span};
use crate::codec;
use crate::error::{Error, Result};
use crate::functions::casts::{self, CastLevel};
use crate::types::io::Style;
use crate::types::{Datum, Type};

/// A foreign key.
#[derive(Debug)]
pub struct Reference {
    /// The table that has it.
    pub child: Arc<Table>,
    /// The table that it refers to.
    pub parent: Arc<Table>,
    /// Its descriptor.
    pub key: ForeignKey,
    /// The index of `parent` that it stands on.
    pub index: Index,
    /// For SET DEFAULT: the values of its columns, in their order.
    pub defaults: Vec<RowExpr>,
    /// In the order of the columns of `index`.
    parts: Vec<Part>,
    /// The positions of its columns: rising.
    columns: Vec<usize>,
    finder: Finder,
}

/// A column of a foreign key.
#[derive(Clone, Copy, Debug)]
struct Part {
    /// Position in the table that refers.
    child: usize,
    from: Type,
    /// Position in the table that is referred to.
    parent: usize,
    to: Type,
}

/// How the rows that refer to a key are found.
#[derive(Debug)]
enum Finder {
    /// All rows are looked at.
    Scan,
    /// By an index whose first columns are of the foreign key: these of its parts.
    Index(Box<Index>, Vec<Part>),
}

/// What a row refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing: it has a NULL.
    Nothing,
    /// A key of the index.
    Key(Vec<u8>),
    /// A key that cannot be there.
    Absent,
    /// MATCH FULL: it has a NULL, and values.
    Mixed,
}

/// A row that refers to a key.
#[derive(Debug)]
pub struct Found {
    /// Its key.
    pub key: Vec<u8>,
    /// As it is stored.
    pub row: Row,
}

/// Whether a column of one type can refer to one of another; `None` where PostgreSQL knows how to
/// compare them, and this does not.
pub fn can_refer(from: Type, to: Type) -> Option<bool> {
    use Type::{Date, Timestamp, Timestamptz};
    let is_float = |kind| matches!(kind, Type::Float4 | Type::Float8);
    let is_time = |kind| matches!(kind, Date | Timestamp | Timestamptz);
    if from == to || is_integer(from) && is_integer(to) || is_float(from) && is_float(to) {
        return Some(true);
    }
    if from.is_string() && to.is_string() {
        return Some(true);
    }
    if is_time(from) && is_time(to) {
        return None;
    }
    Some(casts::level(from, to) == Some(CastLevel::Implicit))
}

fn is_integer(kind: Type) -> bool {
    matches!(kind, Type::Int2 | Type::Int4 | Type::Int8)
}

/// The value as one of another type that it can refer to; `None` if that has none like it.
fn converted(from: Type, to: Type, value: &Datum) -> Result<Option<Datum>> {
    Ok(match (from, to, value) {
        (from, to, value) if from == to => Some(value.clone()),
        (from, Type::Int2, value) if is_integer(from) => {
            i16::try_from(value.as_i64()?).ok().map(Datum::Int16)
        }
        (from, Type::Int4, value) if is_integer(from) => {
            i32::try_from(value.as_i64()?).ok().map(Datum::Int32)
        }
        (Type::Float8, Type::Float4, value) => {
            let (wide, narrow) = (value.as_f64()?, value.as_f64()? as f32);
            (wide.is_nan() || f64::from(narrow) == wide).then_some(Datum::Float32(narrow))
        }
        (from, to, value) => Some(casts::cast(from, to, value, &Style::default())?),
    })
}

/// Whether the values of two types that are equal have equal keys, once converted.
fn has_same_keys(from: Type, to: Type) -> bool {
    let is_plain_text = |kind| matches!(kind, Type::Text | Type::Varchar);
    from == to || is_integer(from) && is_integer(to) || is_plain_text(from) && is_plain_text(to)
}

impl Reference {
    /// Compiles a foreign key of `child` that refers to `parent`.
    pub fn new(
        child: Arc<Table>,
        parent: Arc<Table>,
        key: ForeignKey,
        defaults: Vec<RowExpr>,
    ) -> Result<Reference> {
        let index = parent.all_indexes().find(|index| index.name == key.index).cloned();
        let index = index.ok_or_else(|| {
            Error::internal(format!("the index {} of a foreign key is missing", key.index))
        })?;
        let kind = |table: &Table, position: usize| {
            let column = table.columns.get(position);
            column.map(|column| column.kind().kind).ok_or_else(|| Error::internal("no such column"))
        };
        let mut parts = Vec::new();
        for position in &index.columns {
            let at = key.referred.iter().position(|referred| referred == position);
            let column = at.and_then(|at| key.columns.get(at)).copied();
            let column =
                column.ok_or_else(|| Error::internal("a foreign key without its column"))?;
            parts.push(Part {
                child: column,
                from: kind(&child, column)?,
                parent: *position,
                to: kind(&parent, *position)?,
            });
        }
        let finder = Finder::new(&child, &parts);
        let mut columns = key.columns.clone();
        columns.sort_unstable();
        columns.dedup();
        Ok(Reference { child, parent, key, index, defaults, parts, columns, finder })
    }

    /// What a row of the table that has the foreign key refers to.
    pub fn wanted(&self, row: &[Datum]) -> Result<Wanted> {
        self.wanted_of(|position| row.get(position))
    }

    fn wanted_of<'r>(&self, column: impl Fn(usize) -> Option<&'r Datum>) -> Result<Wanted> {
        let value = |part: &Part| column(part.child).unwrap_or(&Datum::Null);
        let nulls = self.parts.iter().filter(|part| value(part).is_null()).count();
        if nulls > 0 {
            let mixed = self.key.full && nulls < self.parts.len();
            return Ok(if mixed { Wanted::Mixed } else { Wanted::Nothing });
        }
        let mut key = index_prefix(self.index.storage);
        for (at, part) in self.parts.iter().enumerate() {
            match converted(part.from, part.to, value(part))? {
                Some(value) => {
                    codec::encode_key_in(part.to, &value, self.index.order(at), &mut key);
                }
                None => return Ok(Wanted::Absent),
            }
        }
        Ok(Wanted::Key(key))
    }

    /// The key by which rows may refer to a row of the table that is referred to; `None` if it has a
    /// NULL.
    pub fn referred_key(&self, row: &[Datum]) -> Option<Vec<u8>> {
        let has_null = self.parent.has_null(&self.index, row);
        (!has_null).then(|| self.parent.index_key(&self.index, row))
    }

    /// The values by which rows may refer to a row, in the order of the foreign key.
    pub fn referred_values(&self, row: &[Datum]) -> Row {
        let values = self.key.referred.iter();
        values.map(|position| row.get(*position).cloned().unwrap_or(Datum::Null)).collect()
    }

    /// Whether two rows of the table that is referred to differ in what others may refer to, were it
    /// only in how it looks.
    pub fn is_referred_changed(&self, old: &[Datum], new: &[Datum]) -> bool {
        let differ = |position: &usize| match (old.get(*position), new.get(*position)) {
            // Zeros of both signs are equal, and look different.
            (Some(Datum::Float32(old)), Some(Datum::Float32(new))) => {
                old.to_bits() != new.to_bits()
            }
            (Some(Datum::Float64(old)), Some(Datum::Float64(new))) => {
                old.to_bits() != new.to_bits()
            }
            (old, new) => old != new,
        };
        self.key.referred.iter().any(differ)
    }

    /// Whether a change of these columns of the table that has the foreign key concerns it.
    pub fn has_column(&self, positions: &[usize]) -> bool {
        self.key.columns.iter().any(|column| positions.contains(column))
    }

    /// The same for columns of the table that it refers to.
    pub fn has_referred(&self, positions: &[usize]) -> bool {
        self.key.referred.iter().any(|column| positions.contains(column))
    }

    /// New values of the referring columns when the referred ones become these, both in the order of
    /// the foreign key.
    pub fn cascaded(&self, values: &[Datum], style: &Style) -> Result<Row> {
        let mut row = Row::new();
        for ((column, referred), value) in
            self.key.columns.iter().zip(&self.key.referred).zip(values)
        {
            let (Some(to), Some(from)) =
                (self.child.columns.get(*column), self.parent.columns.get(*referred))
            else {
                return Err(Error::internal("a foreign key without its column"));
            };
            let value = match value {
                Datum::Null => Datum::Null,
                value => {
                    let value = casts::cast(from.kind().kind, to.kind().kind, value, style)?;
                    crate::types::io::apply_typmod(to.kind(), value, false)?
                }
            };
            row.push(value);
        }
        Ok(row)
    }

    /// What a deletion (else an update) of what is referred to does.
    pub fn action(&self, deletes: bool) -> Action {
        if deletes { self.key.on_delete } else { self.key.on_update }
    }

    /// Where rows lie that may refer to a key, of these values in the order of the foreign key;
    /// `None`: nowhere.
    pub fn span(&self, values: &[Datum]) -> Result<Option<Span>> {
        let Finder::Index(index, parts) = &self.finder else {
            return Ok(Some(index_span(self.child.primary.storage)));
        };
        let mut prefix = index_prefix(index.storage);
        for (place, part) in parts.iter().enumerate() {
            let at = self.key.referred.iter().position(|referred| *referred == part.parent);
            let value = at.and_then(|at| values.get(at)).unwrap_or(&Datum::Null);
            match converted(part.to, part.from, value)? {
                Some(value) => {
                    codec::encode_key_in(part.from, &value, index.order(place), &mut prefix);
                }
                // A value that the column cannot have.
                None => return Ok(None),
            }
        }
        Ok(Some(Span::prefix(&prefix)))
    }

    /// Whether rows are found by looking at all of them.
    pub fn scans(&self) -> bool {
        matches!(self.finder, Finder::Scan)
    }

    /// Up to `limit` rows in `span` that refer to `wanted`, which is a key of the index; `span`
    /// becomes what is left to look at.
    pub fn find(
        &self,
        view: &ReadView,
        wanted: &[u8],
        span: &mut Span,
        limit: usize,
        cancel: &AtomicBool,
    ) -> Result<Vec<Found>> {
        let secondary = match &self.finder {
            Finder::Index(index, _) if index.storage != self.child.primary.storage => Some(index),
            _ => None,
        };
        let (mut found, mut keys) = (Vec::new(), Vec::new());
        let (mut last, mut failed, mut count) = (None, None, 0usize);
        view.scan(span, Direction::Forward, &mut |key, value| {
            count += 1;
            let step = (|| {
                if count.is_multiple_of(CANCEL_CHECK_ROWS) && cancel.load(Ordering::Relaxed) {
                    return Err(canceled());
                }
                match secondary {
                    Some(index) => keys.push(index.split_value(value)?.0.to_vec()),
                    None => found.extend(self.referring(key, value, wanted)?),
                }
                Ok(())
            })();
            if let Err(error) = step {
                failed = Some(error);
                return ControlFlow::Break(());
            }
            if found.len() + keys.len() < limit {
                return ControlFlow::Continue(());
            }
            last = Some(key.to_vec());
            ControlFlow::Break(())
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        for (key, value) in keys.iter().zip(view.multi_get(&keys)?) {
            if let Some(value) = value {
                found.extend(self.referring(key, &value, wanted)?);
            }
        }
        match last {
            Some(last) => span.start = Span::point(&last).end,
            None => span.start.clone_from(&span.end),
        }
        Ok(found)
    }

    /// A row, if it refers to the key.
    fn referring(&self, key: &[u8], value: &[u8], wanted: &[u8]) -> Result<Option<Found>> {
        let mut values = Row::with_capacity(self.columns.len());
        self.child.decode_columns(value, &self.columns, &mut values)?;
        let column = |position: usize| {
            self.columns.binary_search(&position).ok().and_then(|at| values.get(at))
        };
        Ok(match self.wanted_of(column)? {
            Wanted::Key(found) if found == wanted => {
                Some(Found { key: key.to_vec(), row: self.child.decode_row(value)? })
            }
            _ => None,
        })
    }
}

impl Finder {
    /// The index with the most columns of the foreign key in front.
    fn new(child: &Table, parts: &[Part]) -> Finder {
        let part_of = |column: &usize| {
            let of_column = |part: &&Part| part.child == *column;
            parts.iter().filter(|p| has_same_keys(p.from, p.to)).find(of_column).copied()
        };
        let has_all = |index: &&Index| index.is_public() && index.predicate.is_none();
        let candidates = child.all_indexes().filter(has_all).map(|index| {
            let front: Vec<Part> = index.columns.iter().map_while(part_of).collect();
            (index, front)
        });
        let best = candidates.max_by_key(|(_, front)| front.len());
        match best {
            Some((index, front)) if !front.is_empty() => {
                Finder::Index(Box::new(index.clone()), front)
            }
            _ => Finder::Scan,
        }
    }
}
