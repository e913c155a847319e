//! Window definitions: EXCLUDE, offsets that are strings, and names that are key words elsewhere.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{closing, deepen, keyword, keyword_at, marker, name_at, put, symbol_at, word_at};
use crate::parser::is_keyword;

/// A frame's exclusion is a last key of ORDER BY or PARTITION BY, a name that starts so and goes
/// on with `current row`, `group` or `ties`.
pub const EXCLUDE: &str = "\0exclude ";

const UNITS: &[Keyword] = &[Keyword::ROWS, Keyword::RANGE, Keyword::GROUPS];

pub(super) fn rewrite(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut in_window_clause = false;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        in_window_clause |= is_keyword(token, &[Keyword::WINDOW]);
        kept.push(token.clone());
        at += 1;
        let defines = is_keyword(token, &[Keyword::OVER])
            || in_window_clause && is_keyword(token, &[Keyword::AS]);
        if !defines || !symbol_at(&tokens, at, &Token::LParen) {
            continue;
        }
        let Some(end) = closing(&tokens, at) else { continue };
        // What is in the parentheses may hold definitions of its own.
        let inside = tokens.get(at + 1..end).unwrap_or_default();
        kept.extend(tokens.get(at).cloned());
        kept.append(&mut definition(rewrite(inside.to_vec())));
        kept.extend(tokens.get(end).cloned());
        at = end + 1;
    }
    kept
}

/// The same of what is in the parentheses of one definition.
fn definition(mut tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    const FOLLOWS_NAME: &[Keyword] =
        &[Keyword::PARTITION, Keyword::ORDER, Keyword::ROWS, Keyword::RANGE, Keyword::GROUPS];
    let is_by = keyword_at(&tokens, 1, &[Keyword::BY]);
    let is_name = !is_by && (tokens.len() == 1 || keyword_at(&tokens, 1, FOLLOWS_NAME));
    if is_name
        && let Some(name) = name_at(&tokens, 0)
        && let Some(first) = tokens.first_mut()
    {
        first.token = Token::make_word(&name, Some('"'));
    }
    let mut depth = 0;
    let mut units = None;
    let mut has_by = false;
    for (at, token) in tokens.iter().enumerate() {
        deepen(&mut depth, &token.token);
        if depth == 0 && is_keyword(token, &[Keyword::BY]) {
            has_by = true;
        }
        let is_frame = depth == 0 && is_keyword(token, UNITS) && (at > 0 || tokens.len() > 1);
        if is_frame && bounds_follow(&tokens, at) {
            units = Some(at);
        }
    }
    let Some(units) = units else { return tokens };
    for token in tokens.iter_mut().skip(units) {
        // sqlparser would take one for an interval.
        if let Token::SingleQuotedString(text) = &token.token {
            token.token = Token::EscapedStringLiteral(text.clone());
        }
    }
    let Some((at, what)) = exclusion(&tokens) else { return tokens };
    tokens.truncate(at);
    let (Some(what), Some(head)) = (what, tokens.get(units).cloned()) else { return tokens };
    let name = marker(&format!("{EXCLUDE}{what}"), &head);
    let inserted = match has_by {
        true => vec![put(Token::Comma, &head), name],
        false => vec![keyword("ORDER", &head), keyword("BY", &head), name],
    };
    tokens.splice(units..units, inserted);
    tokens
}

/// Whether the words of a frame's bounds stand behind `at`.
fn bounds_follow(tokens: &[TokenWithSpan], at: usize) -> bool {
    const BOUNDS: &[Keyword] = &[Keyword::PRECEDING, Keyword::FOLLOWING, Keyword::CURRENT];
    tokens.iter().skip(at + 1).any(|token| is_keyword(token, BOUNDS))
}

/// Where EXCLUDE stands at the end of a definition, and of what; nothing for NO OTHERS.
fn exclusion(tokens: &[TokenWithSpan]) -> Option<(usize, Option<&'static str>)> {
    let length = tokens.len();
    let excludes = |back: usize| {
        let at = length.checked_sub(back)?;
        word_at(tokens, at, "exclude").then_some(at)
    };
    if let Some(at) = excludes(2) {
        if keyword_at(tokens, at + 1, &[Keyword::GROUP]) {
            return Some((at, Some("group")));
        }
        return word_at(tokens, at + 1, "ties").then_some((at, Some("ties")));
    }
    let at = excludes(3)?;
    if keyword_at(tokens, at + 1, &[Keyword::CURRENT])
        && keyword_at(tokens, at + 2, &[Keyword::ROW])
    {
        return Some((at, Some("current row")));
    }
    let no_others = keyword_at(tokens, at + 1, &[Keyword::NO]) && word_at(tokens, at + 2, "others");
    no_others.then_some((at, None))
}
