//! GROUP BY DISTINCT, and GROUPING SETS at any depth.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{keyword_at, marker, symbol_at};
use crate::parser::is_keyword;

/// `GROUP BY DISTINCT` has this as its first key.
pub const DISTINCT: &str = "\0distinct";
/// `GROUPING SETS (...)` is a call of this function.
pub const GROUPING_SETS: &str = "\0grouping sets";
/// `()` in it is this name.
pub const EMPTY_SET: &str = "\0()";

pub(super) fn rewrite(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    // For each open parenthesis, whether it is inside of GROUPING SETS.
    let mut open: Vec<bool> = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let is_by = is_keyword(token, &[Keyword::BY])
            && kept.last().is_some_and(|last| is_keyword(last, &[Keyword::GROUP]));
        if is_by && keyword_at(&tokens, at + 1, &[Keyword::DISTINCT, Keyword::ALL]) {
            kept.push(token.clone());
            if let Some(word) = tokens.get(at + 1)
                && is_keyword(word, &[Keyword::DISTINCT])
            {
                kept.push(marker(DISTINCT, word));
                kept.push(super::put(Token::Comma, word));
            }
            at += 2;
            continue;
        }
        if is_keyword(token, &[Keyword::GROUPING])
            && keyword_at(&tokens, at + 1, &[Keyword::SETS])
            && symbol_at(&tokens, at + 2, &Token::LParen)
        {
            kept.push(marker(GROUPING_SETS, token));
            kept.extend(tokens.get(at + 2).cloned());
            open.push(true);
            at += 3;
            continue;
        }
        let inside = open.last().is_some_and(|inside| *inside);
        match &token.token {
            Token::LParen => {
                let starts = kept
                    .last()
                    .is_some_and(|last| matches!(last.token, Token::LParen | Token::Comma));
                if inside && starts && symbol_at(&tokens, at + 1, &Token::RParen) {
                    kept.push(marker(EMPTY_SET, token));
                    at += 2;
                    continue;
                }
                open.push(inside);
            }
            Token::RParen => drop(open.pop()),
            _ => {}
        }
        kept.push(token.clone());
        at += 1;
    }
    kept
}
