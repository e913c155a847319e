//! The catalog as one transaction is changing it.

use std::sync::Arc;

use cairn_txn::Transaction;
use serde::Serialize;

use super::routine::Routine;
use super::statistics::Statistics;
use super::types::TypeDescriptor;
use super::view::View;
use super::{GARBAGE, Namespace, Schema, Sequence, Table};
use super::{
    namespace_key, routine_key, sequence_key, statistics_key, table_key, type_key, view_key,
};
use crate::error::{Error, Result};

fn to_json(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| Error::internal(error.to_string()))
}

/// The catalog as one transaction is changing it.
pub struct Draft<'a> {
    /// The changed copy.
    pub schema: &'a mut Schema,
    /// Where the descriptors go.
    pub transaction: &'a mut Transaction,
}

impl Draft<'_> {
    /// Adds or replaces a table.
    pub fn put_table(&mut self, mut table: Table) -> Result<()> {
        let replaced = self.schema.tables.get(&table.id).cloned();
        table.number_parts(replaced.as_deref(), self.schema);
        self.transaction.put(table_key(table.id), to_json(&table)?, replaced.is_some())?;
        let id = table.id;
        self.schema.insert_table(Arc::new(table));
        if replaced.is_some() && self.schema.uses_row_type(id) {
            self.schema.resolve_types();
        }
        Ok(())
    }

    /// Removes a table, its rows and the sequences it owns.
    pub fn drop_table(&mut self, table: &Table) -> Result<()> {
        self.schema.remove_table(table.id);
        self.transaction.delete(table_key(table.id))?;
        if self.schema.statistics.remove(&table.id).is_some() {
            self.transaction.delete(statistics_key(table.id))?;
        }
        for index in table.all_indexes() {
            self.discard_storage(index.storage)?;
        }
        let owned: Vec<_> = self.schema.sequences.values().cloned().collect();
        for sequence in owned.iter().filter(|sequence| sequence.owner == Some(table.id)) {
            self.drop_sequence(sequence)?;
        }
        Ok(())
    }

    /// Keeps what was found out about a table.
    pub fn put_statistics(&mut self, table: u32, statistics: Statistics) -> Result<()> {
        let replaces = self.schema.statistics.contains_key(&table);
        self.transaction.put(statistics_key(table), to_json(&statistics)?, replaces)?;
        self.schema.insert_statistics(table, Arc::new(statistics));
        Ok(())
    }

    /// Adds or replaces a view.
    pub fn put_view(&mut self, view: View) -> Result<()> {
        let replaces = self.schema.views.contains_key(&view.id);
        self.transaction.put(view_key(view.id), to_json(&view)?, replaces)?;
        self.schema.insert_view(Arc::new(view));
        Ok(())
    }

    /// Removes a view.
    pub fn drop_view(&mut self, id: u32) -> Result<()> {
        match self.schema.remove_view(id) {
            true => Ok(self.transaction.delete(view_key(id))?),
            false => Ok(()),
        }
    }

    /// Adds or replaces a function.
    pub fn put_routine(&mut self, routine: Routine) -> Result<()> {
        let replaces = self.schema.routines.contains_key(&routine.id);
        self.transaction.put(routine_key(routine.id), to_json(&routine)?, replaces)?;
        self.schema.routines.insert(routine.id, Arc::new(routine));
        Ok(())
    }

    /// Removes a function.
    pub fn drop_routine(&mut self, id: u32) -> Result<()> {
        self.schema.routines.remove(&id);
        Ok(self.transaction.delete(routine_key(id))?)
    }

    /// Adds or replaces a type, everywhere where it is used.
    pub fn put_type(&mut self, made: TypeDescriptor) -> Result<()> {
        let replaces = self.schema.types.contains_key(&made.id);
        self.transaction.put(type_key(made.id), to_json(&made)?, replaces)?;
        self.schema.insert_type(Arc::new(made));
        self.schema.resolve_types();
        Ok(())
    }

    /// Removes a type that nothing uses.
    pub fn drop_type(&mut self, id: u32) -> Result<()> {
        if !self.schema.remove_type(id) {
            return Ok(());
        }
        self.schema.resolve_types();
        Ok(self.transaction.delete(type_key(id))?)
    }

    /// Adds a schema.
    pub fn put_namespace(&mut self, namespace: Namespace) -> Result<()> {
        self.transaction.put(namespace_key(namespace.id), to_json(&namespace)?, false)?;
        self.schema.namespaces.insert(namespace.name.clone(), Arc::new(namespace));
        Ok(())
    }

    /// Removes a schema, which is empty.
    pub fn drop_namespace(&mut self, namespace: &Namespace) -> Result<()> {
        self.schema.namespaces.remove(&namespace.name);
        Ok(self.transaction.delete(namespace_key(namespace.id))?)
    }

    /// Marks the rows under `storage` for clearing once this commits.
    pub fn discard_storage(&mut self, storage: u32) -> Result<()> {
        let key = [GARBAGE, &storage.to_be_bytes()].concat();
        Ok(self.transaction.put(key, Vec::new(), false)?)
    }

    /// Adds or replaces a sequence.
    pub fn put_sequence(&mut self, sequence: Sequence) -> Result<()> {
        let replaces = self.schema.sequences.contains_key(&sequence.id);
        self.transaction.put(sequence_key(sequence.id), to_json(&sequence)?, replaces)?;
        self.schema.insert_sequence(Arc::new(sequence));
        Ok(())
    }

    /// Removes a sequence.
    pub fn drop_sequence(&mut self, sequence: &Sequence) -> Result<()> {
        self.schema.remove_sequence(sequence.id);
        Ok(self.transaction.delete(sequence_key(sequence.id))?)
    }
}
