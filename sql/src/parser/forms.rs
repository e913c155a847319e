//! Forms of queries that sqlparser does not read, as forms that it does. What has no other form is
//! marked by words with a NUL byte, which no client can send.
//!
//! All this works on tokens, before parsing: each form is known by a few words that stand for
//! nothing else, and what is put in their place has their place in the text.

mod frames;
mod from;
mod grouping;
mod search;
pub(super) mod select;

use datafusion::sql::sqlparser::ast::Ident;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::is_keyword;
use crate::binder::position::position_of;
use crate::error::{Error, Result, SqlState};
use crate::keywords::cannot_name_a_relation;

pub use frames::EXCLUDE;
pub use from::{MERGED_AS, NATURAL, REPEATABLE, SAMPLE};
pub use grouping::{DISTINCT, EMPTY_SET, GROUPING_SETS};
pub use search::{CYCLE, LIST_SEPARATOR, SEARCH, SEPARATOR};
pub use select::NOTHING;

/// `ROWS FROM (f(), g())` is a call of this function, with the others as its arguments.
pub const ROWS_FROM: &str = "\0rows from";
/// The alias of an item of FROM that has only columns.
pub const NO_NAME: &str = "\0no name";
/// `FETCH FIRST n ROWS WITH TIES` is LIMIT with a call of this function on `n`.
pub const WITH_TIES: &str = "\0with ties";
/// `BETWEEN SYMMETRIC x AND y` is BETWEEN with a call of this function on `x`.
pub const SYMMETRIC: &str = "\0symmetric";
/// The star of `(row).*`, and of `t.*` where that is one value.
pub const STAR: &str = "\0*";

/// A token in the place of another.
fn put(token: Token, like: &TokenWithSpan) -> TokenWithSpan {
    TokenWithSpan::new(token, like.span)
}

fn marker(text: &str, like: &TokenWithSpan) -> TokenWithSpan {
    put(Token::make_word(text, Some('"')), like)
}

fn keyword(word: &str, like: &TokenWithSpan) -> TokenWithSpan {
    put(Token::make_keyword(word), like)
}

/// Whether the token at `at` is one of these key words.
fn keyword_at(tokens: &[TokenWithSpan], at: usize, keywords: &[Keyword]) -> bool {
    tokens.get(at).is_some_and(|token| is_keyword(token, keywords))
}

/// The same for words that sqlparser does not know.
fn word_at(tokens: &[TokenWithSpan], at: usize, wanted: &str) -> bool {
    tokens.get(at).is_some_and(|token| match &token.token {
        Token::Word(word) => word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted),
        _ => false,
    })
}

fn symbol_at(tokens: &[TokenWithSpan], at: usize, symbol: &Token) -> bool {
    tokens.get(at).is_some_and(|token| token.token == *symbol)
}

/// The name at `at`, folded.
fn name_at(tokens: &[TokenWithSpan], at: usize) -> Option<String> {
    let token = tokens.get(at)?;
    let Token::Word(word) = &token.token else { return None };
    let (value, quote_style) = (word.value.clone(), word.quote_style);
    Some(crate::binder::fold(&Ident { value, quote_style, span: token.span }))
}

/// Depth of parentheses behind a token that is met at `depth`.
fn deepen(depth: &mut usize, token: &Token) {
    match token {
        Token::LParen => *depth += 1,
        Token::RParen => *depth = depth.saturating_sub(1),
        _ => {}
    }
}

/// The place of the parenthesis that closes the one at `open`.
fn closing(tokens: &[TokenWithSpan], open: usize) -> Option<usize> {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        deepen(&mut depth, &token.token);
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// `ROWS FROM (` becomes the name of a function.
fn rows_from(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let is_form = is_keyword(token, &[Keyword::ROWS])
            && keyword_at(&tokens, at + 1, &[Keyword::FROM])
            && symbol_at(&tokens, at + 2, &Token::LParen);
        kept.push(if is_form { marker(ROWS_FROM, token) } else { token.clone() });
        at += if is_form { 2 } else { 1 };
    }
    kept
}

/// `*=`, `*<` and their kin, which are operators of their own if nothing stands between their parts.
fn images(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    for token in tokens {
        let symbol = match token.token {
            Token::Eq => "*=",
            Token::Neq => "*<>",
            Token::Lt => "*<",
            Token::LtEq => "*<=",
            Token::Gt => "*>",
            Token::GtEq => "*>=",
            _ => "",
        };
        let joins = kept.last().is_some_and(|last| {
            last.token == Token::Mul && last.span.end == token.span.start && !symbol.is_empty()
        });
        if joins && let Some(last) = kept.last_mut() {
            last.token = Token::CustomBinaryOperator(symbol.to_owned());
            last.span.end = token.span.end;
            continue;
        }
        kept.push(token);
    }
    kept
}

/// `f() AS (a int)`: the alias, which has columns only, becomes a name.
fn nameless(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let others = [
        Keyword::SELECT,
        Keyword::WITH,
        Keyword::VALUES,
        Keyword::INSERT,
        Keyword::UPDATE,
        Keyword::DELETE,
        Keyword::MERGE,
        Keyword::TABLE,
    ];
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    for (at, token) in tokens.iter().enumerate() {
        kept.push(token.clone());
        let is_word = |place: usize| {
            tokens.get(place).is_some_and(|token| matches!(token.token, Token::Word(_)))
        };
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        if is_keyword(token, &[Keyword::AS])
            && before.is_some_and(|before| before.token == Token::RParen)
            && symbol_at(&tokens, at + 1, &Token::LParen)
            && is_word(at + 2)
            && is_word(at + 3)
            && !keyword_at(&tokens, at + 2, &others)
        {
            kept.push(marker(NO_NAME, token));
        }
    }
    kept
}

/// `TABLE t` becomes `SELECT * FROM t`.
fn table(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    const BEFORE: &[Keyword] = &[
        Keyword::UNION,
        Keyword::EXCEPT,
        Keyword::INTERSECT,
        Keyword::ALL,
        Keyword::DISTINCT,
        Keyword::EXPLAIN,
        Keyword::FOR,
    ];
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len() + 2);
    let (mut inserts, mut reindexes) = (false, false);
    for (at, token) in tokens.iter().enumerate() {
        let last = kept.last();
        let starts = last.is_none_or(|last| last.token == Token::SemiColon);
        if starts {
            inserts = is_keyword(token, &[Keyword::INSERT]);
            reindexes = is_keyword(token, &[Keyword::REINDEX]);
        }
        let stands_alone = starts
            || last.is_some_and(|last| {
                matches!(last.token, Token::LParen | Token::RParen) || is_keyword(last, BEFORE)
            })
            || inserts;
        // Not what a column is called: `SELECT 1 AS table FROM ...`
        let is_query = last.is_some_and(|last| is_keyword(last, &[Keyword::AS]))
            && name_at(&tokens, at + 1).is_some_and(|name| !cannot_name_a_relation(&name));
        if (stands_alone && !reindexes || is_query) && is_keyword(token, &[Keyword::TABLE]) {
            kept.push(keyword("SELECT", token));
            kept.push(put(Token::Mul, token));
            kept.push(keyword("FROM", token));
        } else {
            kept.push(token.clone());
        }
    }
    kept
}

/// `FETCH FIRST n ROWS ...` becomes LIMIT.
fn fetch(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        // At the start of a statement it is the one that reads a cursor.
        let is_clause = is_keyword(token, &[Keyword::FETCH])
            && kept.last().is_some_and(|last| last.token != Token::SemiColon)
            && keyword_at(&tokens, at + 1, &[Keyword::FIRST, Keyword::NEXT]);
        match is_clause.then(|| fetch_clause(&tokens, at)).flatten() {
            Some((mut limit, end)) => {
                kept.append(&mut limit);
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

/// A clause that begins at `at`, as LIMIT; and the place behind it.
fn fetch_clause(tokens: &[TokenWithSpan], at: usize) -> Option<(Vec<TokenWithSpan>, usize)> {
    let head = tokens.get(at)?;
    let mut depth = 0;
    let mut end = at + 2;
    while depth > 0 || !keyword_at(tokens, end, &[Keyword::ROW, Keyword::ROWS]) {
        let token = &tokens.get(end)?.token;
        if matches!(token, Token::SemiColon | Token::EOF) || depth == 0 && *token == Token::RParen {
            return None;
        }
        deepen(&mut depth, token);
        end += 1;
    }
    let mut count = tokens.get(at + 2..end)?.to_vec();
    if count.is_empty() {
        count.push(put(Token::Number("1".into(), false), head));
    }
    let mut limit = vec![keyword("LIMIT", head)];
    if keyword_at(tokens, end + 1, &[Keyword::ONLY]) {
        limit.append(&mut count);
        return Some((limit, end + 2));
    }
    if keyword_at(tokens, end + 1, &[Keyword::WITH])
        && keyword_at(tokens, end + 2, &[Keyword::TIES])
    {
        limit.push(marker(WITH_TIES, head));
        limit.push(put(Token::LParen, head));
        limit.append(&mut count);
        limit.push(put(Token::RParen, head));
        return Some((limit, end + 3));
    }
    None
}

/// `ORDER BY x USING <` becomes ASC, with `>` DESC.
fn order_using(tokens: &[TokenWithSpan]) -> Vec<TokenWithSpan> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let operator = match from::named_operator(tokens, at + 1) {
            Some(named) => Some(named),
            None => tokens.get(at + 1).map(|next| (at + 2, next.token.clone())),
        };
        let direction = match operator {
            Some((end, Token::Lt)) => Some((end, "ASC")),
            Some((end, Token::Gt)) => Some((end, "DESC")),
            _ => None,
        };
        match direction.filter(|_| is_keyword(token, &[Keyword::USING])) {
            Some((end, direction)) => {
                kept.push(keyword(direction, token));
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

/// Refuses ORDER BY with an operator that does not order.
pub(super) fn check_order_using(tokens: &[TokenWithSpan], sql: &str) -> Result<()> {
    for (at, token) in tokens.iter().enumerate() {
        let Some(next) = tokens.get(at + 1).filter(|_| is_keyword(token, &[Keyword::USING])) else {
            continue;
        };
        let operator = match from::named_operator(tokens, at + 1) {
            Some((_, operator)) => operator,
            None => next.token.clone(),
        };
        if matches!(operator, Token::Eq | Token::Neq | Token::LtEq | Token::GtEq) {
            let message = format!("operator {operator} is not a valid ordering operator");
            let at = position_of(sql, next.span.start.line, next.span.start.column);
            return Err(Error::new(SqlState::WrongObjectType, message)
                .hint(
                    "Ordering operators must be \"<\" or \">\" members of btree operator families.",
                )
                .at(at));
        }
    }
    Ok(())
}

/// `BETWEEN SYMMETRIC x AND` gets a marker around `x`; ASYMMETRIC is what BETWEEN is anyway.
fn symmetric(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    // For each open marker, the depth of parentheses and CASEs at which its AND stands.
    let mut open: Vec<usize> = Vec::new();
    let mut depth = 0;
    for token in tokens {
        let between = kept.last().is_some_and(|last| is_keyword(last, &[Keyword::BETWEEN]));
        if between && is_keyword(&token, &[Keyword::ASYMMETRIC]) {
            continue;
        }
        if between && is_keyword(&token, &[Keyword::SYMMETRIC]) {
            kept.push(marker(SYMMETRIC, &token));
            kept.push(put(Token::LParen, &token));
            open.push(depth);
            continue;
        }
        match &token.token {
            Token::Word(word) if word.keyword == Keyword::CASE => depth += 1,
            Token::Word(word) if word.keyword == Keyword::END => depth = depth.saturating_sub(1),
            other => deepen(&mut depth, other),
        }
        if is_keyword(&token, &[Keyword::AND]) && open.pop_if(|at| *at == depth).is_some() {
            kept.push(put(Token::RParen, &token));
        }
        kept.push(token);
    }
    kept
}

/// `substring(x SIMILAR p ESCAPE e)` means the same as with FROM and FOR.
fn substring_similar(mut tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    for start in 0..tokens.len() {
        if !keyword_at(&tokens, start, &[Keyword::SUBSTRING])
            || !symbol_at(&tokens, start + 1, &Token::LParen)
        {
            continue;
        }
        let Some(end) = closing(&tokens, start + 1) else { return tokens };
        let mut depth = 0;
        let mut is_form = false;
        for token in tokens.iter_mut().take(end).skip(start + 2) {
            deepen(&mut depth, &token.token);
            if depth > 0 {
                continue;
            }
            if is_keyword(token, &[Keyword::SIMILAR]) {
                is_form = true;
                token.token = Token::make_keyword("FROM");
            } else if is_form && is_keyword(token, &[Keyword::ESCAPE]) {
                token.token = Token::make_keyword("FOR");
            }
        }
    }
    tokens
}

/// The star of `(row).*` becomes a name, as does that of `t.*` before an operator.
fn stars(tokens: &mut [TokenWithSpan]) {
    const OPERATORS: &[Keyword] = &[Keyword::IS, Keyword::NOTNULL, Keyword::IN];
    for at in 2..tokens.len() {
        if !symbol_at(tokens, at, &Token::Mul) || !symbol_at(tokens, at - 1, &Token::Period) {
            continue;
        }
        let of_row = symbol_at(tokens, at - 2, &Token::RParen);
        let is_operand = keyword_at(tokens, at + 1, OPERATORS)
            || word_at(tokens, at + 1, "isnull")
            || tokens.get(at + 1).is_some_and(|next| {
                matches!(
                    next.token,
                    Token::Eq
                        | Token::Neq
                        | Token::Lt
                        | Token::Gt
                        | Token::LtEq
                        | Token::GtEq
                        | Token::DoubleColon
                )
            });
        if (of_row || is_operand)
            && let Some(token) = tokens.get_mut(at)
        {
            token.token = Token::make_word(STAR, Some('"'));
        }
    }
}

/// All of them. White space goes as well.
pub(super) fn rewrite(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let is_space = |token: &TokenWithSpan| matches!(token.token, Token::Whitespace(_));
    let mut tokens: Vec<_> = tokens.into_iter().filter(|token| !is_space(token)).collect();
    let mut keywords = std::collections::HashSet::new();
    let mut has_search = false;
    for token in &tokens {
        if let Token::Word(word) = &token.token {
            keywords.insert(word.keyword);
            has_search |= word.keyword == Keyword::CYCLE;
        }
    }
    let has = |wanted: &[Keyword]| wanted.iter().any(|keyword| keywords.contains(keyword));
    if has(&[Keyword::SELECT]) {
        tokens = select::empty_lists(tokens);
    }
    if has(&[Keyword::FROM, Keyword::UPDATE]) && tokens.iter().any(|t| t.token == Token::Mul) {
        tokens = from::stars(tokens);
    }
    if has(&[Keyword::VALUES]) && has(&[Keyword::ANY, Keyword::ALL, Keyword::SOME]) {
        tokens = select::quantified_values(tokens);
    }
    if has(&[Keyword::TABLESAMPLE]) {
        tokens = from::samples(tokens);
    }
    if has(&[Keyword::TABLE]) {
        tokens = table(tokens);
    }
    if has(&[Keyword::ROWS]) {
        tokens = rows_from(tokens);
    }
    if tokens.iter().any(|token| token.token == Token::Mul) {
        tokens = images(tokens);
    }
    if has(&[Keyword::AS]) && has(&[Keyword::FROM]) {
        tokens = nameless(tokens);
    }
    if has(&[Keyword::FETCH]) {
        tokens = fetch(tokens);
    }
    if has(&[Keyword::NATURAL]) {
        tokens = from::natural(tokens);
    }
    if has(&[Keyword::USING]) {
        tokens = from::merged_names(order_using(&tokens));
    }
    if has(&[Keyword::SYMMETRIC, Keyword::ASYMMETRIC]) {
        tokens = symmetric(tokens);
    }
    if has(&[Keyword::SIMILAR]) {
        tokens = substring_similar(tokens);
    }
    if has(&[Keyword::GROUP, Keyword::GROUPING]) {
        tokens = grouping::rewrite(tokens);
    }
    if has(&[Keyword::OVER, Keyword::WINDOW]) {
        tokens = frames::rewrite(tokens);
    }
    if has_search || has(&[Keyword::SEARCH]) {
        tokens = search::rewrite(tokens);
    }
    stars(&mut tokens);
    tokens
}
