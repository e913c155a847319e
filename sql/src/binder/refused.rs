//! Clauses of other dialects that sqlparser reads in INSERT, UPDATE and DELETE, and for which
//! PostgreSQL has a syntax error.

use datafusion::sql::sqlparser::ast::{self, OnInsert, UpdateTableFromKind};

use super::Binder;
use super::position::{next_token, token_after};
use crate::error::{Error, Result, SqlState};

impl Binder<'_> {
    /// A syntax error at the token that stands here.
    pub(super) fn unexpected(&self, position: Option<usize>) -> Error {
        let tokens = crate::parser::token_positions(self.sql);
        let token = tokens.into_iter().find(|(at, _)| Some(*at) == position);
        let near = token.map_or_else(
            || "syntax error at end of input".to_owned(),
            |(_, token)| format!("syntax error at or near \"{token}\""),
        );
        Error::new(SqlState::SyntaxError, near).at(position)
    }

    fn refuse<T>(&self, position: Option<usize>) -> Result<T> {
        Err(self.unexpected(position))
    }

    fn after(&self, token: &ast::helpers::attached_token::AttachedToken) -> Option<usize> {
        next_token(self.sql, self.position(token.0.span)?)
    }

    fn word(&self, word: &str) -> Option<usize> {
        token_after(self.sql, 1, &[word])
    }

    /// Refuses what an INSERT has of other dialects.
    pub(super) fn check_insert(&self, insert: &ast::Insert) -> Result<()> {
        let has_modifier = insert.or.is_some()
            || insert.overwrite
            || insert.ignore
            || insert.replace_into
            || insert.priority.is_some();
        if has_modifier {
            return self.refuse(self.after(&insert.insert_token));
        }
        if insert.has_table_keyword {
            return self.refuse(self.word("TABLE"));
        }
        if let Some(alias) = insert.table_alias.as_ref().filter(|alias| !alias.explicit) {
            return self.refuse(self.position(alias.alias.span));
        }
        if insert.partitioned.is_some() {
            return self.refuse(self.word("PARTITION"));
        }
        if insert.output.is_some() {
            return self.refuse(self.word("OUTPUT"));
        }
        if let Some(OnInsert::DuplicateKeyUpdate(_)) = &insert.on {
            return self.refuse(self.word("DUPLICATE"));
        }
        Ok(())
    }

    /// Refuses what an UPDATE has of other dialects.
    pub(super) fn check_update(&self, update: &ast::Update) -> Result<()> {
        if update.or.is_some() {
            return self.refuse(self.after(&update.update_token));
        }
        if let Some(UpdateTableFromKind::BeforeSet(_)) = &update.from {
            return self.refuse(self.word("FROM"));
        }
        if update.output.is_some() {
            return self.refuse(self.word("OUTPUT"));
        }
        if let Some(key) = update.order_by.first() {
            return self.refuse(self.position_before(&key.expr, &["ORDER"]));
        }
        match &update.limit {
            Some(limit) => self.refuse(self.position_before(limit, &["LIMIT"])),
            None => Ok(()),
        }
    }

    /// Refuses what a DELETE has of other dialects.
    pub(super) fn check_delete(&self, delete: &ast::Delete) -> Result<()> {
        if let Some(table) = delete.tables.first() {
            return self.refuse(self.position_of(table));
        }
        if delete.output.is_some() {
            return self.refuse(self.word("OUTPUT"));
        }
        if let Some(key) = delete.order_by.first() {
            return self.refuse(self.position_before(&key.expr, &["ORDER"]));
        }
        match &delete.limit {
            Some(limit) => self.refuse(self.position_before(limit, &["LIMIT"])),
            None => Ok(()),
        }
    }
}
