//! INCLUDE, the columns that an index holds beside its key.
//!
//! Behind the columns of CREATE INDEX sqlparser reads names. PostgreSQL's grammar has more there, to
//! refuse it with better words, and so it is refused here.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::is_keyword;
use crate::error::{Error, Result, SqlState};

/// Refuses clauses of indexes with more than names.
pub(super) fn check(tokens: &[TokenWithSpan]) -> Result<()> {
    if !tokens.iter().any(|token| is_keyword(token, &[Keyword::INCLUDE])) {
        return Ok(());
    }
    // For each open parenthesis, whether it holds the columns of a constraint.
    let mut open: Vec<bool> = Vec::new();
    // The same for one that was closed just before.
    let mut closed: Option<bool> = None;
    for (at, token) in tokens.iter().enumerate() {
        let (before, rest) = tokens.split_at(at);
        match (&token.token, closed) {
            (Token::Whitespace(_), _) => {}
            (Token::LParen, _) => {
                open.push(is_constraint(before));
                closed = None;
            }
            (Token::RParen, _) => closed = open.pop(),
            (Token::Word(word), Some(false)) if word.keyword == Keyword::INCLUDE => {
                refuse_options(rest.get(1..).unwrap_or_default())?;
                closed = None;
            }
            _ => closed = None,
        }
    }
    Ok(())
}

/// Whether the columns of a constraint follow.
fn is_constraint(before: &[TokenWithSpan]) -> bool {
    let mut words = before.iter().rev().filter(|t| !matches!(t.token, Token::Whitespace(_)));
    let Some(last) = words.next() else { return false };
    is_keyword(last, &[Keyword::UNIQUE])
        || is_keyword(last, &[Keyword::KEY])
            && words.next().is_some_and(|word| is_keyword(word, &[Keyword::PRIMARY]))
}

/// Takes the next token that is not white space.
fn next<'t>(rest: &mut &'t [TokenWithSpan]) -> Option<&'t TokenWithSpan> {
    loop {
        let (token, behind) = rest.split_first()?;
        *rest = behind;
        if !matches!(token.token, Token::Whitespace(_)) {
            return Some(token);
        }
    }
}

/// Refuses expressions and options as PostgreSQL does. Of all else the parser finds what is wrong.
fn refuse_options(tokens: &[TokenWithSpan]) -> Result<()> {
    let expression = || {
        let message = "expressions are not supported in included columns";
        Err(Error::new(SqlState::FeatureNotSupported, message))
    };
    let mut rest = tokens;
    if next(&mut rest).is_none_or(|token| token.token != Token::LParen) {
        return Ok(());
    }
    loop {
        match next(&mut rest).map(|token| &token.token) {
            Some(Token::LParen) => return expression(),
            Some(Token::Word(_)) => {}
            _ => return Ok(()),
        }
        let what = match next(&mut rest).map(|token| &token.token) {
            Some(Token::Comma) => continue,
            Some(Token::LParen) => return expression(),
            Some(Token::Word(word)) => match word.keyword {
                Keyword::COLLATE => "a collation",
                Keyword::ASC | Keyword::DESC => "ASC/DESC options",
                Keyword::NULLS => "NULLS FIRST/LAST options",
                _ => "an operator class",
            },
            _ => return Ok(()),
        };
        return Err(Error::new(
            SqlState::InvalidObjectDefinition,
            format!("including column does not support {what}"),
        ));
    }
}
