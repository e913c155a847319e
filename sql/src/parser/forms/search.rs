//! SEARCH and CYCLE of WITH RECURSIVE: they become columns of the query's alias whose names say
//! all of them.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{keyword_at, marker, name_at, put, symbol_at, word_at};
use crate::parser::is_keyword;

/// What the name begins with that stands for SEARCH. Then follow, with [`SEPARATOR`]s: `depth` or
/// `breadth`, the columns, the sequence column.
pub const SEARCH: &str = "\0search";
/// The same for CYCLE: the columns, the mark column, the path column, and the two values of the
/// mark as they are written, or nothing.
pub const CYCLE: &str = "\0cycle";
/// Between the parts of such a name.
pub const SEPARATOR: char = '\0';
/// Between the columns.
pub const LIST_SEPARATOR: char = '\u{1}';

/// Reads names with commas between; they go to the list. The place behind them.
fn names(tokens: &[TokenWithSpan], mut at: usize) -> Option<(String, usize)> {
    let mut list = name_at(tokens, at)?;
    at += 1;
    while symbol_at(tokens, at, &Token::Comma) {
        list.push(LIST_SEPARATOR);
        list.push_str(&name_at(tokens, at + 1)?);
        at += 2;
    }
    Some((list, at))
}

/// `SEARCH {DEPTH | BREADTH} FIRST BY column, ... SET column`
fn search(tokens: &[TokenWithSpan], at: usize) -> Option<(String, usize)> {
    let order = ["depth", "breadth"].into_iter().find(|order| word_at(tokens, at + 1, order))?;
    let is_clause = keyword_at(tokens, at, &[Keyword::SEARCH])
        && keyword_at(tokens, at + 2, &[Keyword::FIRST])
        && keyword_at(tokens, at + 3, &[Keyword::BY]);
    let (columns, at) = is_clause.then(|| names(tokens, at + 4)).flatten()?;
    let sequence = keyword_at(tokens, at, &[Keyword::SET]).then(|| name_at(tokens, at + 1))??;
    let text = format!("{SEARCH}{SEPARATOR}{order}{SEPARATOR}{columns}{SEPARATOR}{sequence}");
    Some((text, at + 2))
}

/// Tokens up to a key word, as text; and its place.
fn until(tokens: &[TokenWithSpan], start: usize, end: Keyword) -> Option<(String, usize)> {
    let length = tokens.iter().skip(start).position(|token| is_keyword(token, &[end]))?;
    let words = tokens.iter().skip(start).take(length).map(|token| token.token.to_string());
    Some((words.collect::<Vec<_>>().join(" "), start + length))
}

/// `CYCLE column, ... SET column [TO value DEFAULT value] USING column`
fn cycle(tokens: &[TokenWithSpan], at: usize) -> Option<(String, usize)> {
    let is_clause = word_at(tokens, at, "cycle");
    let (columns, at) = is_clause.then(|| names(tokens, at + 1)).flatten()?;
    let mark = keyword_at(tokens, at, &[Keyword::SET]).then(|| name_at(tokens, at + 1))??;
    let mut at = at + 2;
    let (mut value, mut default) = (String::new(), String::new());
    if keyword_at(tokens, at, &[Keyword::TO]) {
        (value, at) = until(tokens, at + 1, Keyword::DEFAULT)?;
        (default, at) = until(tokens, at + 1, Keyword::USING)?;
    }
    let path = keyword_at(tokens, at, &[Keyword::USING]).then(|| name_at(tokens, at + 1))??;
    let parts = [CYCLE, &columns, &mark, &path, &value, &default];
    Some((parts.join(&SEPARATOR.to_string()), at + 2))
}

/// Where the alias of the WITH query ends whose closing parenthesis is the last of these tokens:
/// the place of a column list's parenthesis, or that behind the name.
fn end_of_alias(tokens: &[TokenWithSpan]) -> Option<(usize, bool)> {
    let mut depth = 0usize;
    let mut open = None;
    for (at, token) in tokens.iter().enumerate().rev() {
        match token.token {
            Token::RParen => depth += 1,
            Token::LParen => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            open = Some(at);
            break;
        }
    }
    let mut at = open?.checked_sub(1)?;
    if keyword_at(tokens, at, &[Keyword::MATERIALIZED]) {
        at = at.checked_sub(1)?;
        if keyword_at(tokens, at, &[Keyword::NOT]) {
            at = at.checked_sub(1)?;
        }
    }
    if !keyword_at(tokens, at, &[Keyword::AS]) {
        return None;
    }
    let last = at.checked_sub(1)?;
    Some(match symbol_at(tokens, last, &Token::RParen) {
        true => (last, true),
        false => (at, false),
    })
}

pub(super) fn rewrite(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let behind_query = kept.last().is_some_and(|last| last.token == Token::RParen);
        let mut end = at;
        let mut clauses = Vec::new();
        if behind_query {
            for read in [search, cycle] {
                if let Some((text, behind)) = read(&tokens, end) {
                    clauses.push((text, end));
                    end = behind;
                }
            }
        }
        match end_of_alias(&kept).filter(|_| !clauses.is_empty()) {
            Some((place, has_list)) => {
                let mut inserted = Vec::new();
                for (index, (text, start)) in clauses.iter().enumerate() {
                    let token = tokens.get(*start).unwrap_or(token);
                    let separator = match (index, has_list) {
                        (0, false) => Token::LParen,
                        _ => Token::Comma,
                    };
                    inserted.push(put(separator, token));
                    inserted.push(marker(text, token));
                }
                if !has_list {
                    inserted.push(put(Token::RParen, token));
                }
                kept.splice(place..place, inserted);
                at = end;
            }
            None => {
                kept.push(token.clone());
                at += 1;
            }
        }
    }
    kept
}
