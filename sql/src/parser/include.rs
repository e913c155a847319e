//! INCLUDE, the columns that an index holds beside its key, where sqlparser does not read it.
//!
//! Behind the columns of CREATE INDEX it reads names. PostgreSQL's grammar has more there, to refuse
//! it with better words, and so it is refused here. Behind the columns of a constraint sqlparser
//! knows nothing but MySQL's COMMENT, so the clause is made one, with a text that nobody can write:
//! it has zero bytes, which end a statement on its way to the server.

use datafusion::sql::sqlparser::ast::{Ident, IndexOption};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{is_keyword, syntax_error, written};
use crate::binder::fold;
use crate::binder::position::position_of;
use crate::error::{Error, Result, SqlState};

/// Before each name in the comment.
const MARK: char = '\0';

/// The columns that a constraint includes.
pub fn included(options: &[IndexOption]) -> Vec<String> {
    let names = options.iter().find_map(|option| match option {
        IndexOption::Comment(text) => text.strip_prefix(MARK),
        _ => None,
    });
    names.map(|names| names.split(MARK).map(str::to_owned).collect()).unwrap_or_default()
}

/// Makes the clauses of constraints comments, and refuses those of indexes with more than names.
pub(super) fn rewrite(tokens: Vec<TokenWithSpan>, sql: &str) -> Result<Vec<TokenWithSpan>> {
    if !tokens.iter().any(|token| is_keyword(token, &[Keyword::INCLUDE])) {
        return Ok(tokens);
    }
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    // For each open parenthesis, whether it holds the columns of a constraint.
    let mut open: Vec<bool> = Vec::new();
    // The same for one that was closed just before.
    let mut closed: Option<bool> = None;
    let mut rest = tokens.as_slice();
    while let Some((token, behind)) = rest.split_first() {
        rest = behind;
        match (&token.token, closed) {
            (Token::Whitespace(_), _) => {}
            (Token::LParen, _) => {
                open.push(is_constraint(&kept));
                closed = None;
            }
            (Token::RParen, _) => closed = open.pop(),
            (Token::Word(word), Some(of_constraint)) if word.keyword == Keyword::INCLUDE => {
                closed = None;
                if !of_constraint {
                    refuse_options(behind)?;
                } else {
                    let (names, behind) = names(behind).map_err(|found| unexpected(found, sql))?;
                    let text = names.iter().flat_map(|name| [MARK.to_string(), name.clone()]);
                    let text = Token::SingleQuotedString(text.collect());
                    kept.push(TokenWithSpan::new(Token::make_keyword("COMMENT"), token.span));
                    kept.push(TokenWithSpan::new(text, token.span));
                    rest = behind;
                    continue;
                }
            }
            _ => closed = None,
        }
        kept.push(token.clone());
    }
    Ok(kept)
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

/// Names and what is behind them.
type Names<'t> = (Vec<String>, &'t [TokenWithSpan]);

/// Reads names in parentheses. An error is the token that should not be there, or none at the end.
fn names(tokens: &[TokenWithSpan]) -> std::result::Result<Names<'_>, Option<&TokenWithSpan>> {
    let mut rest = tokens;
    let mut names = Vec::new();
    let Some(open) = next(&mut rest) else { return Err(None) };
    if open.token != Token::LParen {
        return Err(Some(open));
    }
    loop {
        let Some(name) = next(&mut rest) else { return Err(None) };
        let Token::Word(word) = &name.token else { return Err(Some(name)) };
        let (value, quote_style) = (word.value.clone(), word.quote_style);
        names.push(fold(&Ident { value, quote_style, span: name.span }));
        let Some(behind) = next(&mut rest) else { return Err(None) };
        match behind.token {
            Token::Comma => {}
            Token::RParen => return Ok((names, rest)),
            _ => return Err(Some(behind)),
        }
    }
}

fn unexpected(found: Option<&TokenWithSpan>, sql: &str) -> Error {
    let Some(found) = found else {
        return syntax_error("", Some(sql.trim_end().chars().count() + 1));
    };
    let position = position_of(sql, found.span.start.line, found.span.start.column);
    syntax_error(&written(sql, found).unwrap_or_default(), position)
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
