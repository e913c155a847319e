//! What parentheses hold where an expression may stand: a query or an expression.
//!
//! `((SELECT 1) UNION SELECT 2)` is a query, `((SELECT 1) + 2)` and `((SELECT 1), 2)` are not, which shows
//! only behind the inner pair. sqlparser takes whatever begins with two parentheses for an expression,
//! and behind IN for a query.

use datafusion::sql::sqlparser::ast::Expr;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;

/// With what a query goes on behind one in parentheses.
const GOES_ON: &[Keyword] = &[
    Keyword::UNION,
    Keyword::INTERSECT,
    Keyword::EXCEPT,
    Keyword::ORDER,
    Keyword::LIMIT,
    Keyword::OFFSET,
    Keyword::FETCH,
    Keyword::FOR,
];

const BEGINS: &[Keyword] = &[Keyword::SELECT, Keyword::VALUES, Keyword::WITH];

fn is_any(token: &Token, keywords: &[Keyword]) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && keywords.contains(&word.keyword))
}

/// How many tokens from the next one on the parenthesis closes that opens with the token at `open`.
fn closing(parser: &Parser<'_>, open: usize) -> Option<usize> {
    let mut depth = 0usize;
    for at in open.. {
        match parser.peek_nth_token_ref(at).token {
            Token::LParen => depth += 1,
            Token::RParen => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            Token::EOF => return None,
            _ => {}
        }
    }
    None
}

/// Whether the parenthesis `open` tokens ahead holds a query.
fn holds_query(parser: &Parser<'_>, open: usize) -> bool {
    let mut inner = open + 1;
    while parser.peek_nth_token_ref(inner).token == Token::LParen {
        inner += 1;
    }
    if !is_any(&parser.peek_nth_token_ref(inner).token, BEGINS) {
        return false;
    }
    // Each pair holds a query if the one inside does and nothing but more of a query is behind that.
    (open + 1..inner).all(|at| {
        let behind = closing(parser, at).map(|end| &parser.peek_nth_token_ref(end + 1).token);
        behind.is_some_and(|token| *token == Token::RParen || is_any(token, GOES_ON))
    })
}

/// A query in parentheses that begins with more of them, or with VALUES; `None` if it is something else.
pub(crate) fn subquery(parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
    let opens = |at: usize| parser.peek_nth_token_ref(at).token == Token::LParen;
    let is_values = is_any(&parser.peek_nth_token_ref(1).token, &[Keyword::VALUES]) && opens(2);
    if !opens(0) || !opens(1) && !is_values || !holds_query(parser, 0) {
        return None;
    }
    parser.next_token();
    Some(parser.parse_query().and_then(|query| {
        parser.expect_token(&Token::RParen)?;
        Ok(Expr::Subquery(query))
    }))
}

/// `[NOT] IN (` before a list whose first member is in parentheses; `None` if it is something else.
pub(crate) fn in_list(parser: &mut Parser<'_>, left: &Expr) -> Option<Result<Expr, ParserError>> {
    let negated = parser.peek_keyword(Keyword::NOT);
    let at = usize::from(negated);
    let opens = |at: usize| parser.peek_nth_token_ref(at).token == Token::LParen;
    let is_in = is_any(&parser.peek_nth_token_ref(at).token, &[Keyword::IN]);
    if !is_in || !opens(at + 1) || !opens(at + 2) || holds_query(parser, at + 1) {
        return None;
    }
    for _ in 0..at + 2 {
        parser.next_token();
    }
    Some(parser.parse_comma_separated(Parser::parse_expr).and_then(|list| {
        parser.expect_token(&Token::RParen)?;
        Ok(Expr::InList { expr: Box::new(left.clone()), list, negated })
    }))
}
