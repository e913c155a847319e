//! Where things stand in the statement, for the position field of errors. sqlparser gives spans to
//! names and literals only; operators, casts and type names are found among the tokens beside
//! them. Only errors pay for that.

use datafusion::sql::sqlparser::ast::{self, Expr as Sql, Spanned};
use datafusion::sql::sqlparser::tokenizer::Span;

use super::Binder;

/// 1-based character offset of a line and column, both 1-based.
pub fn position_of(sql: &str, line: u64, column: u64) -> Option<usize> {
    if line == 0 {
        return None;
    }
    let before: usize =
        sql.split('\n').take(line as usize - 1).map(|line| line.chars().count() + 1).sum();
    Some(before + column as usize)
}

/// The first place at or after `from` where one of these words or symbols stands as a token.
pub fn token_after(sql: &str, from: usize, wanted: &[&str]) -> Option<usize> {
    let matches = |text: &str| wanted.iter().any(|word| word.eq_ignore_ascii_case(text));
    let tokens = crate::parser::token_positions(sql);
    tokens.into_iter().find(|(at, text)| *at >= from && matches(text)).map(|(at, _)| at)
}

/// The last place before `to` where one of these words or symbols stands as a token.
pub fn token_before(sql: &str, to: usize, wanted: &[&str]) -> Option<usize> {
    let matches = |text: &str| wanted.iter().any(|word| word.eq_ignore_ascii_case(text));
    let tokens = crate::parser::token_positions(sql);
    tokens.into_iter().rev().find(|(at, text)| *at < to && matches(text)).map(|(at, _)| at)
}

/// Where the token that follows the one at `from` stands.
pub fn next_token(sql: &str, from: usize) -> Option<usize> {
    let tokens = crate::parser::token_positions(sql);
    tokens.into_iter().find(|(at, _)| *at > from).map(|(at, _)| at)
}

impl Binder<'_> {
    /// 1-based character offset of a place in the statement.
    pub(super) fn position(&self, span: Span) -> Option<usize> {
        position_of(self.sql, span.start.line, span.start.column)
    }

    pub(super) fn position_of(&self, node: &impl Spanned) -> Option<usize> {
        self.position(node.span())
    }

    /// Where an expression begins, also if it is a subquery.
    pub(super) fn place_of(&self, sql: &Sql) -> Option<usize> {
        match sql {
            Sql::Subquery(query) => self.position_before(&**query, &["("]),
            other => self.position_of(other),
        }
    }

    fn end_of(&self, node: &impl Spanned) -> Option<usize> {
        let end = node.span().end;
        position_of(self.sql, end.line, end.column)
    }

    /// Where one of these tokens stands behind a node.
    pub(super) fn position_behind(&self, node: &impl Spanned, wanted: &[&str]) -> Option<usize> {
        token_after(self.sql, self.end_of(node)?, wanted)
    }

    /// Where one of these tokens stands before a node.
    pub(super) fn position_before(&self, node: &impl Spanned, wanted: &[&str]) -> Option<usize> {
        token_before(self.sql, self.position_of(node)?, wanted)
    }

    /// Where a cast of `operand` stands, and where its type does.
    pub(super) fn cast_positions(
        &self,
        operand: &Sql,
        kind: &ast::CastKind,
    ) -> (Option<usize>, Option<usize>) {
        let type_behind = |at: Option<usize>| at.and_then(|at| next_token(self.sql, at));
        if !matches!(kind, ast::CastKind::DoubleColon) {
            let cast = self.position_before(operand, &["CAST"]);
            return (cast, type_behind(self.position_behind(operand, &["AS"])));
        }
        // The span of a cast is that of its innermost operand: count the casts in between.
        let mut at = self.end_of(operand);
        let mut inner = operand;
        while let Sql::Cast { expr, kind: ast::CastKind::DoubleColon, .. } = inner {
            at = at.and_then(|at| token_after(self.sql, at, &["::"])).map(|at| at + 1);
            inner = expr;
        }
        let colons = at.and_then(|at| token_after(self.sql, at, &["::"]));
        (colons, type_behind(colons))
    }
}
