//! Empty select lists, and what is wrong with DISTINCT before one.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{keyword_at, marker, symbol_at};
use crate::error::Result;
use crate::parser::{is_keyword, syntax_error_at};

/// The only item of a select list that has none.
pub const NOTHING: &str = "\0nothing";

/// What may follow an empty select list. Before FROM sqlparser reads one itself.
const BEHIND: &[Keyword] = &[
    Keyword::EXCEPT,
    Keyword::FETCH,
    Keyword::FOR,
    Keyword::GROUP,
    Keyword::HAVING,
    Keyword::INTERSECT,
    Keyword::INTO,
    Keyword::LIMIT,
    Keyword::OFFSET,
    Keyword::ORDER,
    Keyword::UNION,
    Keyword::WHERE,
    Keyword::WINDOW,
];

/// `SELECT` and `SELECT WHERE ...` get an item that stands for none.
pub(super) fn empty_lists(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    for (at, token) in tokens.iter().enumerate() {
        kept.push(token.clone());
        let is_all = is_keyword(token, &[Keyword::ALL])
            && at > 0
            && keyword_at(&tokens, at - 1, &[Keyword::SELECT]);
        let ends = match tokens.get(at + 1) {
            None => true,
            Some(next) => match &next.token {
                Token::EOF | Token::SemiColon | Token::RParen => true,
                _ => is_keyword(next, BEHIND),
            },
        };
        if ends && (is_all || is_keyword(token, &[Keyword::SELECT])) {
            kept.push(marker(NOTHING, token));
        }
    }
    kept
}

/// VALUES in the parentheses of ANY and ALL gets a pair of its own.
pub(super) fn quantified_values(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    const BEFORE: &[Keyword] = &[Keyword::ANY, Keyword::ALL, Keyword::SOME];
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    // Places of the parentheses that close such pairs.
    let mut ends: Vec<usize> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if ends.last() == Some(&at) {
            ends.pop();
            kept.push(token.clone());
        }
        kept.push(token.clone());
        if token.token == Token::LParen
            && at > 0
            && keyword_at(&tokens, at - 1, BEFORE)
            && keyword_at(&tokens, at + 1, &[Keyword::VALUES])
            && let Some(end) = super::closing(&tokens, at)
        {
            kept.push(token.clone());
            ends.push(end);
        }
    }
    kept
}

/// Refuses DISTINCT without a list, and without keys, and DELETE without FROM.
pub(in crate::parser) fn check(tokens: &[TokenWithSpan], sql: &str) -> Result<()> {
    for (at, token) in tokens.iter().enumerate() {
        let begins = at
            .checked_sub(1)
            .and_then(|before| tokens.get(before))
            .is_none_or(|before| matches!(before.token, Token::SemiColon | Token::LParen));
        if begins && is_keyword(token, &[Keyword::DELETE]) {
            let next = tokens.get(at + 1).filter(|next| next.token != Token::EOF);
            if let Some(next) = next.filter(|next| !is_keyword(next, &[Keyword::FROM])) {
                return Err(syntax_error_at(next, sql));
            }
        }
        let selects = at > 0 && keyword_at(tokens, at - 1, &[Keyword::SELECT]);
        if !selects || !is_keyword(token, &[Keyword::DISTINCT]) {
            continue;
        }
        let has_on = keyword_at(tokens, at + 1, &[Keyword::ON]);
        let wrong = match has_on && symbol_at(tokens, at + 2, &Token::LParen) {
            true => tokens.get(at + 3).filter(|token| token.token == Token::RParen),
            false => tokens.get(at + 1).filter(|token| is_keyword(token, &[Keyword::FROM])),
        };
        if let Some(token) = wrong {
            return Err(syntax_error_at(token, sql));
        }
    }
    Ok(())
}
