//! Indexes: what their keys are made of, and how rows become entries.
//!
//! A key column is a column of the table or an expression over its columns. Most indexes have columns
//! only and hold every row; what others *compute*, the values of expressions and whether a row fulfils
//! the condition of a partial index, comes from a program ([`crate::row::computed`]).

use cairn_txn::storage::Timestamp;
use serde::{Deserialize, Serialize};

use super::constraint::Deferral;
use super::{Table, index_prefix};
use crate::codec::{self, KeyOrder};
use crate::error::{Error, Result};
use crate::parser::{parse_expression, stored};
use crate::types::{Datum, Type, TypeMod};

/// Positions from here on are not those of columns but of the index's expressions.
pub const FIRST_EXPRESSION: usize = 1 << 20;

/// An expression in a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyExpression {
    /// SQL text, over the columns of the table.
    pub sql: String,
    /// What it is called among the columns of the index.
    pub name: String,
    /// pg_type.oid of its type.
    pub type_oid: u32,
    /// The type's modifier, or -1.
    pub typmod: i32,
}

/// What is said of a key column besides.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KeyOptions {
    /// DESC and NULLS FIRST.
    #[serde(flatten)]
    pub order: KeyOrder,
    /// An operator class that is not the default one of the type.
    #[serde(default)]
    pub class: Option<String>,
    /// A collation that is not the default one of the column.
    #[serde(default)]
    pub collation: Option<String>,
}

/// Who uses an index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum IndexState {
    /// All.
    #[default]
    Public,
    /// Those who change rows keep it, and nobody reads by it: it does not have all rows yet, or is about to go.
    WriteOnly,
}

/// An index, the primary one included: that one holds the rows themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Index {
    /// Names its part of the key space.
    pub storage: u32,
    /// pg_class.oid, which stays when the index gets another part of the key space. See
    /// [`Index::oid`].
    #[serde(default)]
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Positions of its columns in the table; of expressions see [`Index::expression`].
    pub columns: Vec<usize>,
    /// What is said of each of them; nothing, if that is so for all.
    #[serde(default)]
    pub options: Vec<KeyOptions>,
    /// The expressions among its columns.
    #[serde(default)]
    pub expressions: Vec<KeyExpression>,
    /// Which rows it has, as SQL text; `None`: all.
    #[serde(default)]
    pub predicate: Option<String>,
    /// Storage parameters, as `name=value`.
    #[serde(default)]
    pub parameters: Vec<String>,
    /// Positions of the columns whose values its entries hold besides. A primary index has them
    /// anyway.
    #[serde(default)]
    pub include: Vec<usize>,
    /// Whether keys without NULLs are unique, at any time. Those of a constraint that is
    /// DEFERRABLE are not.
    pub unique: bool,
    /// Whether it belongs to a constraint (and cannot be dropped by itself).
    pub constraint: bool,
    /// Whether that is a primary key.
    #[serde(default)]
    pub primary: bool,
    /// Whether NULLs are equal to each other in a unique key.
    #[serde(default)]
    pub nulls_not_distinct: bool,
    /// When keys have to be unique, if not at any time.
    #[serde(default)]
    pub deferral: Option<Deferral>,
    /// Who uses it.
    #[serde(default)]
    pub state: IndexState,
    /// Since when it has all rows, if that is not since it is public. Never stored: no snapshot outlives
    /// the server.
    #[serde(skip)]
    pub filled_at: Option<Timestamp>,
    /// COMMENT ON INDEX.
    #[serde(default)]
    pub comment: Option<String>,
    /// COMMENT ON CONSTRAINT.
    #[serde(default)]
    pub constraint_comment: Option<String>,
}

/// The entry that a row has in a secondary index.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its key.
    pub key: Vec<u8>,
    /// Whether no other row has that key, at any time.
    pub is_unique: bool,
}

impl Index {
    /// One that is no constraint's.
    pub fn new(storage: u32, name: String, columns: Vec<usize>) -> Index {
        Index {
            storage,
            id: 0,
            name,
            columns,
            options: Vec::new(),
            expressions: Vec::new(),
            predicate: None,
            parameters: Vec::new(),
            include: Vec::new(),
            unique: false,
            constraint: false,
            primary: false,
            nulls_not_distinct: false,
            deferral: None,
            state: IndexState::Public,
            filled_at: None,
            comment: None,
            constraint_comment: None,
        }
    }

    /// pg_class.oid, and pg_constraint.oid of its constraint.
    pub fn oid(&self) -> u32 {
        if self.id == 0 { self.storage } else { self.id }
    }

    /// Whether its keys are unique, at any time or when that is checked.
    pub fn claims_unique(&self) -> bool {
        self.unique || self.deferral.is_some()
    }

    /// Whether its entries are more than columns of every row.
    pub fn is_computed(&self) -> bool {
        !self.expressions.is_empty() || self.predicate.is_some()
    }

    /// Whether plans may read by it.
    pub fn is_public(&self) -> bool {
        self.state == IndexState::Public
    }

    /// The expression at a position that [`Index::columns`] has.
    pub fn expression(&self, position: usize) -> Option<&KeyExpression> {
        self.expressions.get(position.checked_sub(FIRST_EXPRESSION)?)
    }

    /// In which order a key column is.
    pub fn order(&self, at: usize) -> KeyOrder {
        self.options.get(at).map_or_else(KeyOrder::default, |options| options.order)
    }

    /// The texts that it computes from.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let expressions = self.expressions.iter().map(|expression| expression.sql.as_str());
        expressions.chain(self.predicate.as_deref())
    }

    /// Positions of the columns that its keys depend on, and whether a row has an entry at all.
    pub fn key_columns(&self, table: &Table) -> Vec<usize> {
        let plain = self.columns.iter().filter(|position| **position < FIRST_EXPRESSION);
        let mut columns: Vec<usize> = plain.copied().collect();
        for text in self.texts() {
            let Ok(expr) = parse_expression(text) else { continue };
            columns.extend(stored::names(&expr).iter().filter_map(|name| table.position(name)));
        }
        columns
    }

    /// Whether an entry depends on a column of the table.
    pub fn uses_column(&self, table: &Table, position: usize) -> bool {
        self.include.contains(&position)
            || self.columns.contains(&position)
            || self.is_computed() && self.key_columns(table).contains(&position)
    }

    /// The row's key in the value of an entry, and the included columns as [`codec::encode_row`]
    /// writes them.
    pub fn split_value<'v>(&self, value: &'v [u8]) -> Result<(&'v [u8], &'v [u8])> {
        match self.include.is_empty() {
            true => Ok((value, Default::default())),
            false => codec::split_entry(value),
        }
    }
}

impl Table {
    /// Key of a row.
    pub fn row_key(&self, row: &[Datum]) -> Vec<u8> {
        self.index_key(&self.primary, row)
    }

    /// The type of a key column.
    pub fn key_type(&self, index: &Index, at: usize) -> TypeMod {
        let position = index.columns.get(at).copied().unwrap_or_default();
        let expression = index.expression(position).map(|expression| TypeMod {
            kind: Type::from_oid(expression.type_oid).unwrap_or(Type::Text),
            typmod: expression.typmod,
        });
        let column = || self.columns.get(position).map(|column| column.kind());
        expression.or_else(column).unwrap_or(TypeMod::plain(Type::Text))
    }

    /// The columns of `row` in an index that computes nothing, behind its prefix.
    pub fn index_key(&self, index: &Index, row: &[Datum]) -> Vec<u8> {
        let mut key = index_prefix(index.storage);
        for (at, position) in index.columns.iter().enumerate() {
            let kind = self.columns.get(*position).map_or(Type::Text, |c| c.kind().kind);
            let value = row.get(*position).unwrap_or(&Datum::Null);
            codec::encode_key_in(kind, value, index.order(at), &mut key);
        }
        key
    }

    /// A row's entry in a secondary index; `None` if that does not have the row. The row's own key
    /// follows unless the index columns alone are unique (and not NULL, which equals nothing).
    pub fn entry(&self, index: &Index, row: &[Datum], row_key: &[u8]) -> Result<Option<Entry>> {
        let (mut key, has_null) = match index.is_computed() {
            false => (self.index_key(index, row), index.unique && self.has_null(index, row)),
            true => match self.computed_values(index, row)? {
                None => return Ok(None),
                Some(values) => {
                    let mut key = index_prefix(index.storage);
                    for (at, value) in values.iter().enumerate() {
                        let kind = self.key_type(index, at).kind;
                        codec::encode_key_in(kind, value, index.order(at), &mut key);
                    }
                    (key, values.iter().any(Datum::is_null))
                }
            },
        };
        let is_unique = index.unique && (index.nulls_not_distinct || !has_null);
        if !is_unique {
            key.extend(row_key);
        }
        Ok(Some(Entry { key, is_unique }))
    }

    /// The values of a row's key columns in an index that computes; `None` if that does not have the row.
    pub fn computed_values(&self, index: &Index, row: &[Datum]) -> Result<Option<Vec<Datum>>> {
        let program = self.programs.of(index);
        let program = program.ok_or_else(|| {
            Error::internal(format!("the expressions of index {} are not compiled", index.name))
        })?;
        program.values(index, row)
    }

    /// Value of a row's entry in a secondary index.
    pub fn entry_value(&self, index: &Index, row: &[Datum], row_key: &[u8]) -> Vec<u8> {
        if index.include.is_empty() {
            return row_key.to_vec();
        }
        let included = index.include.iter().map(|column| row.get(*column).unwrap_or(&Datum::Null));
        codec::encode_entry(row_key, included)
    }

    /// Whether an index column of `row` is NULL, in an index that computes nothing.
    pub fn has_null(&self, index: &Index, row: &[Datum]) -> bool {
        index.columns.iter().any(|position| row.get(*position).is_none_or(Datum::is_null))
    }
}
