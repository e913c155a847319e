//! Forms of arrays that sqlparser does not read.
//!
//! `int ARRAY` and `int ARRAY[4]` become `int[]` and `int[4]`.
//!
//! A column to set may have subscripts, as in `SET a[1] = 2` and `INSERT INTO t (a[1:2])`, where
//! sqlparser wants a name. So the column becomes a name that carries the subscripts behind a NUL byte,
//! which no client can send. They are kept as text, at the line and column where it stands in the
//! statement, so that what is found wrong with it has its place.

use datafusion::sql::sqlparser::ast::{AccessExpr, Expr, Ident};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Word};

use super::{is_keyword, parse_expression};
use crate::binder::fold;
use crate::binder::position::position_of;
use crate::error::{Error, Result};
use crate::types::Type;

/// Between a column's name and the text that has its subscripts.
const MARK: char = '\0';

/// The name of a column to set, and its subscripts.
///
/// # Errors
/// If these cannot be parsed.
pub fn subscripts(name: &str) -> Result<(&str, Vec<AccessExpr>)> {
    let Some((name, text)) = name.split_once(MARK) else { return Ok((name, Vec::new())) };
    match parse_expression(text)? {
        Expr::CompoundFieldAccess { access_chain, .. } => Ok((name, access_chain)),
        other => Err(Error::internal(format!("no subscripts in {other}"))),
    }
}

/// Puts the forms of arrays into words that the parser reads.
pub(super) fn rewrite(tokens: Vec<TokenWithSpan>, sql: &str) -> Vec<TokenWithSpan> {
    let concerned = |token: &TokenWithSpan| {
        token.token == Token::LBracket || is_keyword(token, &[Keyword::ARRAY])
    };
    match tokens.iter().any(concerned) {
        true => name_subscripts(bracket_types(tokens), sql),
        false => tokens,
    }
}

fn is_space(token: &TokenWithSpan) -> bool {
    matches!(token.token, Token::Whitespace(_))
}

/// Makes ARRAY behind the name of a type brackets.
fn bracket_types(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut rest = tokens.into_iter().peekable();
    while let Some(token) = rest.next() {
        if !is_keyword(&token, &[Keyword::ARRAY]) || !ends_with_type(&kept) {
            kept.push(token);
            continue;
        }
        while rest.next_if(is_space).is_some() {}
        if rest.peek().is_none_or(|next| next.token != Token::LBracket) {
            kept.push(TokenWithSpan::new(Token::LBracket, token.span));
            kept.push(TokenWithSpan::new(Token::RBracket, token.span));
        }
    }
    kept
}

/// Whether the name of a type ends here, perhaps with a modifier in parentheses.
fn ends_with_type(before: &[TokenWithSpan]) -> bool {
    let mut tokens = before.iter().rev().filter(|token| !is_space(token));
    let mut last = tokens.next();
    if last.is_some_and(|token| token.token == Token::RParen) {
        let is_modifier = |token: &&TokenWithSpan| {
            matches!(token.token, Token::Number(..) | Token::Comma | Token::Minus)
        };
        last = tokens.find(|token| !is_modifier(token));
        if last.is_none_or(|token| token.token != Token::LParen) {
            return false;
        }
        last = tokens.next();
    }
    match last.map(|token| &token.token) {
        Some(Token::Word(word)) => {
            let name = word.value.to_lowercase();
            Type::from_name(&name).is_some()
                || matches!(name.as_str(), "precision" | "varying" | "zone")
        }
        _ => false,
    }
}

/// Where columns to set are looked for.
#[derive(Default)]
struct Targets {
    /// Parentheses that are open.
    depth: usize,
    /// Whether UPDATE was seen, and its SET not yet.
    update: bool,
    /// The depth of a SET list that is open.
    set: Option<usize>,
    /// Whether a member of that list begins.
    begins: bool,
    /// The depth of a list of columns in parentheses.
    list: Option<usize>,
}

impl Targets {
    /// Takes a token, which follows `before`; whether it is in the place of a column to set.
    fn take(&mut self, token: &Token, before: &[TokenWithSpan]) -> bool {
        let here = Some(self.depth);
        match token {
            Token::LParen => {
                if self.set == here && self.begins || follows_insert(before) {
                    self.list = Some(self.depth + 1);
                }
                self.begins = false;
                self.depth += 1;
            }
            Token::RParen => {
                self.list = self.list.filter(|depth| *depth != self.depth);
                self.set = self.set.filter(|depth| *depth != self.depth);
                self.depth = self.depth.saturating_sub(1);
            }
            Token::Comma if self.set == here => self.begins = true,
            Token::SemiColon => *self = Targets::default(),
            Token::Word(word) => match word.keyword {
                Keyword::UPDATE => self.update = true,
                Keyword::SET if self.update => {
                    (self.update, self.set, self.begins) = (false, here, true);
                }
                Keyword::WHERE | Keyword::FROM | Keyword::RETURNING if self.set == here => {
                    self.set = None;
                }
                // `INSERT INTO t (SELECT ...)`
                Keyword::SELECT | Keyword::WITH | Keyword::VALUES if self.list == here => {
                    self.list = None;
                }
                _ => {
                    let begins = self.set == here && std::mem::take(&mut self.begins);
                    return begins || self.list == here;
                }
            },
            _ => {}
        }
        false
    }
}

/// Whether the columns of an INSERT may follow.
fn follows_insert(before: &[TokenWithSpan]) -> bool {
    let mut tokens = before.iter().rev().filter(|token| !is_space(token));
    // In MERGE there is no table's name.
    if tokens.clone().next().is_some_and(|token| is_keyword(token, &[Keyword::INSERT])) {
        return true;
    }
    let other = [Keyword::VALUES, Keyword::SELECT, Keyword::DEFAULT, Keyword::WITH];
    let into = tokens.find(|token| match &token.token {
        Token::Word(word) => word.keyword == Keyword::INTO || other.contains(&word.keyword),
        token => *token != Token::Period,
    });
    into.is_some_and(|token| is_keyword(token, &[Keyword::INTO]))
        && tokens.next().is_some_and(|token| is_keyword(token, &[Keyword::INSERT]))
}

/// The place behind the subscripts that follow, if some do.
fn end_of_subscripts(tokens: &[TokenWithSpan], from: usize) -> Option<usize> {
    let mut end = None;
    let mut open = 0usize;
    for (at, token) in tokens.iter().enumerate().skip(from) {
        match &token.token {
            Token::LBracket => open += 1,
            Token::RBracket => {
                open = open.checked_sub(1)?;
                if open == 0 {
                    end = Some(at + 1);
                }
            }
            _ if open > 0 => {}
            Token::Whitespace(_) => {}
            _ => break,
        }
    }
    end
}

/// Makes columns to set that have subscripts names.
fn name_subscripts(tokens: Vec<TokenWithSpan>, sql: &str) -> Vec<TokenWithSpan> {
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut targets = Targets::default();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        if !is_space(token)
            && targets.take(&token.token, &kept)
            && let Token::Word(word) = &token.token
            && let Some(end) = end_of_subscripts(&tokens, at)
            && let Some(last) = tokens.get(end - 1)
            && let Some(text) = placed_text(sql, token, last)
        {
            let (value, quote_style) = (word.value.clone(), word.quote_style);
            let name = fold(&Ident { value, quote_style, span: token.span });
            let value = format!("{name}{MARK}{text}");
            let word = Word { value, quote_style: Some('"'), keyword: Keyword::NoKeyword };
            kept.push(TokenWithSpan::new(Token::Word(word), token.span));
            at = end;
            continue;
        }
        kept.push(token.clone());
    }
    kept
}

/// What is written from one token to another, at its line and column.
pub(super) fn placed_text(
    sql: &str,
    first: &TokenWithSpan,
    last: &TokenWithSpan,
) -> Option<String> {
    let (start, end) = (first.span.start, last.span.end);
    let from = position_of(sql, start.line, start.column)?;
    let to = position_of(sql, end.line, end.column)?;
    let lines = usize::try_from(start.line).ok()?.checked_sub(1)?;
    let columns = usize::try_from(start.column).ok()?.checked_sub(1)?;
    let mut text = "\n".repeat(lines) + &" ".repeat(columns);
    text.extend(sql.chars().skip(from - 1).take(to.saturating_sub(from)));
    Some(text)
}
