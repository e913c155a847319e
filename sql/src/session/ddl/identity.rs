//! The sequences behind serial and identity columns.

use super::super::Session;
use super::super::naming::undefined_schema;
use super::duplicate_relation;
use crate::binder::name_parts;
use crate::catalog::names::RelationName;
use crate::catalog::sequences::Sequences;
use crate::catalog::{Draft, Sequence, Table};
use crate::error::{Error, Result, SqlState};
use crate::parser::definition::SequenceOption;
use crate::types::Type;

/// A sequence to be made for a column.
#[derive(Clone, Debug)]
pub(super) struct SequenceOf {
    /// The column's type, which bounds it.
    pub kind: Type,
    pub options: Vec<SequenceOption>,
}

fn greatest(kind: Type) -> i64 {
    match kind {
        Type::Int2 => i64::from(i16::MAX),
        Type::Int4 => i64::from(i32::MAX),
        _ => i64::MAX,
    }
}

fn least(kind: Type) -> i64 {
    match kind {
        Type::Int2 => i64::from(i16::MIN),
        Type::Int4 => i64::from(i32::MIN),
        _ => i64::MIN,
    }
}

fn invalid(message: String) -> Error {
    Error::new(SqlState::InvalidParameterValue, message)
}

impl SequenceOf {
    /// A sequence as its options make it. What they leave open depends on the direction and the
    /// type.
    fn sequence(&self, id: u32, name: RelationName) -> Result<Sequence> {
        let mut sequence = Sequence::new(id, name, self.kind);
        change(&mut sequence, self.kind, &self.options, true)?;
        Ok(sequence)
    }
}

/// Applies options. A new sequence starts at its bound unless told otherwise.
pub(super) fn change(
    sequence: &mut Sequence,
    kind: Type,
    options: &[SequenceOption],
    is_new: bool,
) -> Result<()> {
    for (at, option) in options.iter().enumerate() {
        let kind_of = std::mem::discriminant(option);
        let before = options.get(..at).unwrap_or_default();
        if before.iter().any(|other| std::mem::discriminant(other) == kind_of) {
            return Err(Error::new(SqlState::SyntaxError, "conflicting or redundant options"));
        }
    }
    for option in options {
        if let SequenceOption::Increment(increment) = option {
            if *increment == 0 {
                return Err(invalid("INCREMENT must not be zero".into()));
            }
            sequence.increment = *increment;
        }
    }
    let up = sequence.increment > 0;
    let bounds = |explicit: Option<i64>, default| explicit.unwrap_or(default);
    let has_min = options.iter().find_map(|option| match option {
        SequenceOption::MinValue(min) => Some(*min),
        _ => None,
    });
    let has_max = options.iter().find_map(|option| match option {
        SequenceOption::MaxValue(max) => Some(*max),
        _ => None,
    });
    if is_new || has_min.is_some() {
        sequence.min = bounds(has_min.flatten(), if up { 1 } else { least(kind) });
    }
    if is_new || has_max.is_some() {
        sequence.max = bounds(has_max.flatten(), if up { greatest(kind) } else { -1 });
    }
    for (what, value) in [("MAXVALUE", sequence.max), ("MINVALUE", sequence.min)] {
        if value > greatest(kind) || value < least(kind) {
            return Err(invalid(format!(
                "{what} ({value}) is out of range for sequence data type {}",
                kind.name()
            )));
        }
    }
    if sequence.min >= sequence.max {
        return Err(invalid(format!(
            "MINVALUE ({}) must be less than MAXVALUE ({})",
            sequence.min, sequence.max
        )));
    }
    if is_new {
        sequence.start = if up { sequence.min } else { sequence.max };
    }
    for option in options {
        match option {
            SequenceOption::Start(start) => sequence.start = *start,
            SequenceOption::Cycle(cycle) => sequence.cycle = *cycle,
            SequenceOption::Cache(cache) if *cache <= 0 => {
                return Err(invalid(format!("CACHE ({cache}) must be greater than zero")));
            }
            SequenceOption::Cache(cache) => sequence.cache = *cache,
            _ => {}
        }
    }
    if sequence.start < sequence.min {
        return Err(invalid(format!(
            "START value ({}) cannot be less than MINVALUE ({})",
            sequence.start, sequence.min
        )));
    }
    if sequence.start > sequence.max {
        return Err(invalid(format!(
            "START value ({}) cannot be greater than MAXVALUE ({})",
            sequence.start, sequence.max
        )));
    }
    Ok(())
}

/// Makes the sequence of a column of a table that is being defined.
pub(super) fn add_sequence(
    draft: &mut Draft<'_>,
    table: &mut Table,
    position: usize,
    of: &SequenceOf,
) -> Result<()> {
    let id = draft.schema.allocate_id();
    let owner = table.id;
    let Some(column) = table.columns.get_mut(position) else {
        return Err(Error::internal("a sequence without a column"));
    };
    let given = of.options.iter().find_map(|option| match option {
        SequenceOption::Named(name) => Some(name_parts(name)),
        _ => None,
    });
    let name = match given.as_deref() {
        None => {
            let parts = [table.name.as_str(), column.name.as_str()];
            let name = draft.schema.free_relation_name(&table.schema, &parts, "seq", None);
            RelationName::new(table.schema.clone(), name)
        }
        Some([.., schema, name]) => RelationName::new(schema.clone(), name.clone()),
        Some(name) => RelationName::new(table.schema.clone(), name.concat()),
    };
    if !draft.schema.has_namespace(&name.schema) {
        return Err(undefined_schema(&name.schema));
    }
    if draft.schema.is_taken(&name) {
        return Err(duplicate_relation(&name));
    }
    let mut sequence = of.sequence(id, name)?;
    (sequence.owner, sequence.column) = (Some(owner), Some(position));
    column.sequence = Some(id);
    draft.put_sequence(sequence)
}

/// Gives a sequence the bounds of another type, where it had those of its type.
pub(super) fn retype_sequence(
    draft: &mut Draft<'_>,
    sequence: u32,
    from: Type,
    to: Type,
) -> Result<()> {
    let Some(known) = draft.schema.sequence_by_id(sequence) else { return Ok(()) };
    let mut changed = (**known).clone();
    retype(&mut changed, from, to);
    change(&mut changed, to, &[], false)?;
    draft.put_sequence(changed)
}

/// Gives a sequence the bounds of another type, where it had those of its type.
pub(super) fn retype(sequence: &mut Sequence, from: Type, to: Type) {
    sequence.type_oid = to.oid();
    if sequence.max == greatest(from) {
        sequence.max = greatest(to);
    }
    if sequence.min == least(from) {
        sequence.min = least(to);
    }
}

/// Where a sequence is to start anew, if it is.
pub(super) fn restart_of(options: &[SequenceOption], sequence: &Sequence) -> Result<Option<i64>> {
    let restart = options.iter().find_map(|option| match option {
        SequenceOption::Restart(value) => Some(value.unwrap_or(sequence.start)),
        _ => None,
    });
    let bounds = sequence.min..=sequence.max;
    if let Some(value) = restart.filter(|value| !bounds.contains(value)) {
        let (which, bound) = match value < sequence.min {
            true => ("less than MINVALUE", sequence.min),
            false => ("greater than MAXVALUE", sequence.max),
        };
        return Err(invalid(format!("RESTART value ({value}) cannot be {which} ({bound})")));
    }
    Ok(restart)
}

impl Session {
    /// Changes the sequence of an identity column. It goes on where it was, unless it is to restart.
    pub(super) fn change_sequence(
        &mut self,
        table: &mut Table,
        position: usize,
        options: &[SequenceOption],
    ) -> Result<()> {
        let schema = self.schema();
        let column = table.columns.get(position);
        let column = column.ok_or_else(|| Error::internal("no such column"))?;
        let sequence = column.sequence.and_then(|id| schema.sequence_by_id(id)).cloned();
        let Some(sequence) = sequence else {
            return Err(Error::internal("an identity column without a sequence"));
        };
        let mut changed = (*sequence).clone();
        change(&mut changed, column.kind().kind, options, false)?;
        let restart = restart_of(options, &changed)?;
        match restart {
            Some(value) => self.restart_sequence(&changed, value),
            None => self.draft(|draft| draft.put_sequence(changed)),
        }
    }

    /// Lets a sequence begin anew, as part of the transaction: its state has another number from now
    /// on.
    pub(super) fn restart_sequence(&mut self, sequence: &Sequence, value: i64) -> Result<()> {
        let sequences = self.database.sequences.clone();
        let fresh = self.draft(|draft| {
            let state = Some(draft.schema.allocate_id());
            let fresh = Sequence { state, ..sequence.clone() };
            draft.put_sequence(fresh.clone())?;
            Ok(fresh)
        })?;
        start_at(&sequences, &fresh, value)
    }
}

/// Sets what a sequence that nobody has used gives first.
pub(super) fn start_at(sequences: &Sequences, sequence: &Sequence, value: i64) -> Result<()> {
    match value == sequence.start {
        true => Ok(()),
        false => sequences.start(sequence, value),
    }
}
