//! Forms of FROM: `t *`, TABLESAMPLE, and the name of what a join merges.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{closing, deepen, keyword, keyword_at, marker, put, symbol_at, word_at};
use crate::parser::is_keyword;

/// `JOIN ... USING (a) AS j` has a further column with this before the name, in this case `j`.
pub const MERGED_AS: &str = "\0as ";
/// `NATURAL JOIN b` is `JOIN b USING` this column: sqlparser would take a join behind it for one of `b`.
pub const NATURAL: &str = "\0natural";
/// `TABLESAMPLE method (arguments)` is TABLESAMPLE of a call of this function on the method's name and the
/// arguments.
pub const SAMPLE: &str = "\0sample";
/// `REPEATABLE (seed)` is a call of this function, as the last one of the arguments.
pub const REPEATABLE: &str = "\0repeatable";

/// What may follow a relation in FROM, so that a star before it is not a multiplication.
const BEHIND: &[Keyword] = &[
    Keyword::AS,
    Keyword::CROSS,
    Keyword::EXCEPT,
    Keyword::FETCH,
    Keyword::FOR,
    Keyword::FULL,
    Keyword::GROUP,
    Keyword::HAVING,
    Keyword::INNER,
    Keyword::INTERSECT,
    Keyword::JOIN,
    Keyword::LEFT,
    Keyword::LIMIT,
    Keyword::NATURAL,
    Keyword::OFFSET,
    Keyword::ON,
    Keyword::ORDER,
    Keyword::RETURNING,
    Keyword::RIGHT,
    Keyword::SET,
    Keyword::TABLESAMPLE,
    Keyword::UNION,
    Keyword::USING,
    Keyword::WHERE,
    Keyword::WINDOW,
];

fn is_word(tokens: &[TokenWithSpan], at: usize) -> bool {
    tokens.get(at).is_some_and(|token| matches!(token.token, Token::Word(_)))
}

/// How far a query is read.
#[derive(Clone, Copy, PartialEq)]
enum Seen {
    Nothing,
    /// Its select list, where a FROM belongs to it.
    List,
    /// Its FROM.
    From,
}

impl Seen {
    fn behind(self, keyword: Keyword) -> Seen {
        match (keyword, self) {
            (Keyword::SELECT | Keyword::DELETE, _) => Seen::List,
            (Keyword::FROM, Seen::List) => Seen::From,
            (Keyword::WHERE | Keyword::GROUP | Keyword::ORDER, Seen::From) => Seen::Nothing,
            (_, seen) => seen,
        }
    }
}

/// The star of `FROM t *`, which says that child tables are meant too, goes: they are without it.
pub(super) fn stars(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    const BEFORE: &[Keyword] = &[Keyword::FROM, Keyword::JOIN, Keyword::UPDATE];
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    // For each open parenthesis, what of a query was seen in it.
    let mut from = vec![Seen::Nothing];
    for (at, token) in tokens.iter().enumerate() {
        match &token.token {
            Token::LParen => from.push(Seen::Nothing),
            Token::RParen if from.len() > 1 => drop(from.pop()),
            Token::SemiColon => from = vec![Seen::Nothing],
            Token::Word(word) => {
                if let Some(last) = from.last_mut() {
                    *last = last.behind(word.keyword);
                }
            }
            Token::Mul if is_behind_relation(&kept, from.last() == Some(&Seen::From), BEFORE) => {
                let ends = match tokens.get(at + 1).map(|next| &next.token) {
                    None | Some(Token::EOF | Token::SemiColon | Token::RParen) => true,
                    Some(Token::Comma) => true,
                    // In FROM there is nothing to multiply.
                    Some(Token::Word(_)) if from.last() == Some(&Seen::From) => true,
                    _ => keyword_at(&tokens, at + 1, BEHIND),
                };
                if ends {
                    continue;
                }
            }
            _ => {}
        }
        kept.push(token.clone());
    }
    kept
}

/// Whether the tokens end with the name of a relation of FROM.
fn is_behind_relation(before: &[TokenWithSpan], in_from: bool, words: &[Keyword]) -> bool {
    let Some(mut at) = before.len().checked_sub(1) else { return false };
    while is_word(before, at) && at > 1 && symbol_at(before, at - 1, &Token::Period) {
        at -= 2;
    }
    if !is_word(before, at) || at == 0 {
        return false;
    }
    keyword_at(before, at - 1, words) || in_from && symbol_at(before, at - 1, &Token::Comma)
}

/// `USING (a, b) AS j` becomes `USING (a, b, j)` with a mark.
pub(super) fn merged_names(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        kept.push(token.clone());
        at += 1;
        if !is_keyword(token, &[Keyword::USING]) || !symbol_at(&tokens, at, &Token::LParen) {
            continue;
        }
        // Only columns: a subquery or a join in USING of DELETE and MERGE is something else.
        let mut end = at + 1;
        while is_word(&tokens, end) && symbol_at(&tokens, end + 1, &Token::Comma) {
            end += 2;
        }
        let is_list = is_word(&tokens, end) && symbol_at(&tokens, end + 1, &Token::RParen);
        if !is_list || !keyword_at(&tokens, end + 2, &[Keyword::AS]) {
            continue;
        }
        let Some((name, folded)) = tokens.get(end + 3).zip(super::name_at(&tokens, end + 3)) else {
            continue;
        };
        kept.extend(tokens.get(at..=end).unwrap_or_default().iter().cloned());
        kept.push(put(Token::Comma, name));
        kept.push(marker(&format!("{MERGED_AS}{folded}"), name));
        kept.extend(tokens.get(end + 1).cloned());
        at = end + 4;
    }
    kept
}

/// `NATURAL JOIN b` becomes `JOIN b USING (...)` with a mark.
pub(super) fn natural(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    const KINDS: &[Keyword] =
        &[Keyword::INNER, Keyword::LEFT, Keyword::RIGHT, Keyword::FULL, Keyword::OUTER];
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    // Where the right sides end that are being read, and the words before them.
    let mut open: Vec<(usize, &TokenWithSpan)> = Vec::new();
    let mut at = 0;
    while at <= tokens.len() {
        while let Some((_, head)) = open.pop_if(|(end, _)| *end == at) {
            let column = marker(NATURAL, head);
            let (before, behind) = (put(Token::LParen, head), put(Token::RParen, head));
            kept.extend([keyword("USING", head), before, column, behind]);
        }
        let Some(token) = tokens.get(at) else { break };
        if is_keyword(token, &[Keyword::NATURAL]) {
            let kinds = (at + 1..).take_while(|at| keyword_at(&tokens, *at, KINDS)).count();
            if keyword_at(&tokens, at + 1 + kinds, &[Keyword::JOIN]) {
                open.push((end_of_joined(&tokens, at + kinds + 2), token));
                at += 1;
                continue;
            }
        }
        kept.push(token.clone());
        at += 1;
    }
    kept
}

/// The place behind the right side of a join, which begins at `at`.
fn end_of_joined(tokens: &[TokenWithSpan], at: usize) -> usize {
    // It may have a name and a sample.
    const WITHIN: &[Keyword] = &[Keyword::AS, Keyword::TABLESAMPLE, Keyword::SET];
    let mut depth = 0;
    for (place, token) in tokens.iter().enumerate().skip(at) {
        let ends = match &token.token {
            Token::RParen | Token::Comma | Token::SemiColon | Token::EOF => true,
            _ => is_keyword(token, BEHIND) && !is_keyword(token, WITHIN),
        };
        if depth == 0 && ends {
            return place;
        }
        deepen(&mut depth, &token.token);
    }
    tokens.len()
}

/// `TABLESAMPLE method (arguments) REPEATABLE (seed)` becomes `TABLESAMPLE BERNOULLI (call)`.
pub(super) fn samples(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        kept.push(token.clone());
        at += 1;
        if is_keyword(token, &[Keyword::TABLESAMPLE])
            && let Some(end) = sample(&tokens, at, &mut kept)
        {
            at = end;
        }
    }
    kept
}

/// Writes what follows TABLESAMPLE at `at`, and gives the place behind it.
fn sample(tokens: &[TokenWithSpan], at: usize, kept: &mut Vec<TokenWithSpan>) -> Option<usize> {
    let head = tokens.get(at)?;
    let name = super::name_at(tokens, at)?;
    if !symbol_at(tokens, at + 1, &Token::LParen) {
        return None;
    }
    let end = closing(tokens, at + 1)?;
    let arguments = tokens.get(at + 2..end)?;
    kept.push(keyword("BERNOULLI", head));
    kept.push(put(Token::LParen, head));
    kept.push(marker(SAMPLE, head));
    kept.push(put(Token::LParen, head));
    kept.push(put(Token::SingleQuotedString(name), head));
    if !arguments.is_empty() {
        kept.push(put(Token::Comma, head));
        kept.extend(arguments.iter().cloned());
    }
    let mut behind = end + 1;
    if word_at(tokens, behind, "repeatable")
        && symbol_at(tokens, behind + 1, &Token::LParen)
        && let Some(close) = closing(tokens, behind + 1)
        && let Some(word) = tokens.get(behind)
    {
        kept.push(put(Token::Comma, word));
        kept.push(marker(REPEATABLE, word));
        kept.extend(tokens.get(behind + 1..=close).unwrap_or_default().iter().cloned());
        behind = close + 1;
    }
    kept.push(put(Token::RParen, head));
    kept.push(put(Token::RParen, head));
    Some(behind)
}

/// The place behind the schema-qualified operator of `OPERATOR(...)` at `at`, and the operator.
pub(super) fn named_operator(tokens: &[TokenWithSpan], at: usize) -> Option<(usize, Token)> {
    if !word_at(tokens, at, "operator") || !symbol_at(tokens, at + 1, &Token::LParen) {
        return None;
    }
    let mut depth = 0;
    let mut last = None;
    for (place, token) in tokens.iter().enumerate().skip(at + 1) {
        deepen(&mut depth, &token.token);
        if depth == 0 {
            return Some((place + 1, last?));
        }
        last = Some(token.token.clone());
    }
    None
}
