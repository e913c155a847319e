//! CREATE SEQUENCE and ALTER SEQUENCE.

use datafusion::sql::sqlparser::ast::ObjectName;

use super::super::Session;
use super::super::constraints::place;
use super::identity::{change, restart_of, retype, start_at};
use super::{undefined_column, undefined_table};
use crate::binder::{name_parts, types};
use crate::catalog::Sequence;
use crate::catalog::names::{Named, RelationName, is_temporary};
use crate::error::{Error, Result, SqlState};
use crate::parser::definition::{AlterSequence, CreateSequence, SequenceOption};
use crate::types::Type;

impl Session {
    pub(super) async fn create_sequence(
        &mut self,
        create: &CreateSequence,
        sql: &str,
    ) -> Result<()> {
        let name = self
            .new_name(&create.name, create.temporary)
            .map_err(|error| error.at(place(sql, &create.name)))?;
        self.lock_catalog().await?;
        if self.exists_already(&name, create.if_not_exists)? {
            return Ok(());
        }
        let kind = kind_of(&create.options)?.unwrap_or(Type::Int8);
        self.has_temporary |= is_temporary(&name.schema);
        let id = self.schema().allocate_id();
        let mut sequence = Sequence::new(id, name, kind);
        change(&mut sequence, kind, &create.options, true)?;
        self.own(&mut sequence, &create.options)?;
        let restart = restart_of(&create.options, &sequence)?;
        self.draft(|draft| draft.put_sequence(sequence.clone()))?;
        match restart {
            Some(value) => start_at(&self.database.sequences, &sequence, value),
            None => Ok(()),
        }
    }

    pub(super) async fn alter_sequence(&mut self, alter: &AlterSequence) -> Result<()> {
        self.lock_catalog().await?;
        let wanted = self.named(&alter.name)?;
        let schema = self.schema();
        let sequence = match schema.named(&wanted) {
            Some(Named::Sequence(id)) => schema.sequence_by_id(id).cloned(),
            Some(_) => {
                let message = format!("\"{wanted}\" is not a sequence");
                return Err(Error::new(SqlState::WrongObjectType, message));
            }
            None => None,
        };
        let Some(sequence) = sequence else {
            if alter.if_exists {
                self.skip(format!("relation \"{wanted}\" does not exist, skipping"));
                return Ok(());
            }
            return Err(undefined_table("relation", &wanted));
        };
        let mut changed = (*sequence).clone();
        let before = sequence.kind();
        let kind = kind_of(&alter.options)?.unwrap_or(before);
        retype(&mut changed, before, kind);
        change(&mut changed, kind, &alter.options, false)?;
        self.own(&mut changed, &alter.options)?;
        let sequences = self.database.sequences.clone();
        let restart = restart_of(&alter.options, &changed)?;
        match restart {
            Some(value) => self.restart_sequence(&changed, value)?,
            None => {
                let last = sequences.state(&sequence)?.last;
                restart_of(&[SequenceOption::Restart(Some(last))], &changed)?;
                self.draft(|draft| draft.put_sequence(changed))?;
            }
        }
        sequences.discard_taken(sequence.id, self.id);
        Ok(())
    }

    /// OWNED BY.
    fn own(&self, sequence: &mut Sequence, options: &[SequenceOption]) -> Result<()> {
        let owner = options.iter().find_map(|option| match option {
            SequenceOption::OwnedBy(owner) => Some(owner),
            _ => None,
        });
        let Some(owner) = owner else { return Ok(()) };
        let schema = self.schema();
        let identity = sequence.owner.and_then(|id| schema.table_by_id(id)).filter(|table| {
            let mut columns = table.columns.iter();
            columns.any(|c| c.identity.is_some() && c.sequence == Some(sequence.id))
        });
        if let Some(table) = identity {
            return Err(Error::new(
                SqlState::FeatureNotSupported,
                "cannot change ownership of identity sequence",
            )
            .detail(format!(
                "Sequence \"{}\" is linked to table \"{}\".",
                sequence.name, table.name
            )));
        }
        let Some(owner) = owner else {
            (sequence.owner, sequence.column) = (None, None);
            return Ok(());
        };
        let (table, column) = self.owner_of(owner)?;
        let Some(table) = schema.table(&table) else {
            return Err(match schema.named(&table) {
                Some(Named::View(_)) => Error::new(
                    SqlState::WrongObjectType,
                    format!("sequence cannot be owned by relation \"{table}\""),
                )
                .detail("This operation is not supported for views."),
                Some(_) => Error::new(
                    SqlState::WrongObjectType,
                    format!("sequence cannot be owned by relation \"{table}\""),
                ),
                None => undefined_table("relation", &table),
            });
        };
        if table.schema != sequence.schema {
            return Err(Error::new(
                SqlState::ObjectNotInPrerequisiteState,
                "sequence must be in same schema as table it is linked to",
            ));
        }
        let position = table.position(&column).ok_or_else(|| undefined_column(table, &column))?;
        (sequence.owner, sequence.column) = (Some(table.id), Some(position));
        Ok(())
    }

    /// The table and the column that OWNED BY names.
    fn owner_of(&self, name: &ObjectName) -> Result<(RelationName, String)> {
        let parts = name_parts(name);
        match parts.as_slice() {
            [table, column] => Ok((self.named_in(None, table.clone())?, column.clone())),
            [.., schema, table, column] => {
                Ok((self.named_in(Some(schema), table.clone())?, column.clone()))
            }
            _ => Err(Error::new(SqlState::SyntaxError, "invalid OWNED BY option")
                .hint("Specify OWNED BY table.column or OWNED BY NONE.")),
        }
    }
}

/// AS.
fn kind_of(options: &[SequenceOption]) -> Result<Option<Type>> {
    let written = options.iter().find_map(|option| match option {
        SequenceOption::As(data_type) => Some(data_type),
        _ => None,
    });
    let Some(written) = written else { return Ok(None) };
    match types::built_in(written)?.kind {
        kind @ (Type::Int2 | Type::Int4 | Type::Int8) => Ok(Some(kind)),
        _ => Err(Error::new(
            SqlState::InvalidParameterValue,
            "sequence type must be smallint, integer, or bigint",
        )),
    }
}
