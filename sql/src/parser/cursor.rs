//! DECLARE, FETCH, MOVE and CLOSE, and the condition CURRENT OF.
//!
//! sqlparser reads a part of these statements, and not where they end. `WHERE CURRENT OF name` becomes
//! a condition that is one name, which begins with a NUL byte that no client can send.

use datafusion::sql::sqlparser::ast::{Expr, Query};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::is_keyword;
use crate::binder::fold;

const CURRENT_OF: &str = "\0current of ";

/// A statement about cursors.
#[derive(Clone, Debug, PartialEq)]
pub enum CursorStatement {
    /// DECLARE.
    Declare(Declare),
    /// FETCH, or MOVE if so.
    Fetch {
        /// The cursor.
        name: String,
        /// Which rows.
        direction: Direction,
        /// Whether the rows are only passed by.
        is_move: bool,
    },
    /// CLOSE; without a name: ALL.
    Close(Option<String>),
}

/// DECLARE ... CURSOR FOR.
#[derive(Clone, Debug, PartialEq)]
pub struct Declare {
    /// The cursor's name.
    pub name: String,
    /// BINARY.
    pub binary: bool,
    /// SCROLL.
    pub scroll: bool,
    /// NO SCROLL.
    pub no_scroll: bool,
    /// INSENSITIVE.
    pub insensitive: bool,
    /// ASENSITIVE.
    pub asensitive: bool,
    /// WITH HOLD.
    pub hold: bool,
    /// What it reads.
    pub query: Box<Query>,
}

/// Which rows a FETCH asks for. Counts of `i64::MAX` stand for ALL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// So many rows on.
    Forward(i64),
    /// So many rows back.
    Backward(i64),
    /// The row at this place, from the end if it is negative.
    Absolute(i64),
    /// The row at this distance.
    Relative(i64),
}

/// ALL as a count.
pub const ALL: i64 = i64::MAX;

/// The cursor that a condition names, if it is CURRENT OF.
pub fn current_of(condition: &Expr) -> Option<&str> {
    match condition {
        Expr::Identifier(ident) => ident.value.strip_prefix(CURRENT_OF),
        _ => None,
    }
}

fn is_word(token: &TokenWithSpan, wanted: &str) -> bool {
    matches!(&token.token, Token::Word(word)
        if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted))
}

/// `WHERE CURRENT OF name` as a condition that sqlparser reads.
pub(super) fn rewrite(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    if !tokens.iter().any(|token| is_keyword(token, &[Keyword::CURRENT])) {
        return tokens;
    }
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    // The places of WHERE and CURRENT, while nothing but the next word has come behind them.
    let (mut behind, mut current) = (None, None);
    for token in tokens {
        if matches!(token.token, Token::Whitespace(_)) {
            kept.push(token);
            continue;
        }
        match (behind, &token.token) {
            (Some("of"), Token::Word(name)) => {
                let name = match name.quote_style {
                    Some(_) => name.value.clone(),
                    None => name.value.to_lowercase(),
                };
                kept.truncate(current.unwrap_or(kept.len()));
                let marker = Token::make_word(&format!("{CURRENT_OF}{name}"), Some('"'));
                kept.push(TokenWithSpan::new(marker, token.span));
                behind = None;
                continue;
            }
            (Some("where"), _) if is_word(&token, "current") => {
                (behind, current) = (Some("current"), Some(kept.len()));
            }
            (Some("current"), _) if is_word(&token, "of") => behind = Some("of"),
            _ => behind = is_keyword(&token, &[Keyword::WHERE]).then_some("where"),
        }
        kept.push(token);
    }
    kept
}

type Parse<T> = Result<T, ParserError>;

/// Whether the next word is this one; then it is read.
fn word(parser: &mut Parser<'_>, wanted: &str) -> bool {
    let found = is_word(&parser.peek_token(), wanted);
    if found {
        parser.next_token();
    }
    found
}

fn expect_word(parser: &mut Parser<'_>, wanted: &str) -> Parse<()> {
    match word(parser, wanted) {
        true => Ok(()),
        false => parser.expected(wanted, parser.peek_token()),
    }
}

fn name(parser: &mut Parser<'_>) -> Parse<String> {
    Ok(fold(&parser.parse_identifier()?))
}

/// Reads such a statement; `None` if it is another one, of which nothing has been read then.
pub(super) fn parse(parser: &mut Parser<'_>) -> Parse<Option<CursorStatement>> {
    if word(parser, "declare") {
        return declare(parser).map(|declare| Some(CursorStatement::Declare(declare)));
    }
    if word(parser, "close") {
        let name = match word(parser, "all") {
            true => None,
            false => Some(name(parser)?),
        };
        return Ok(Some(CursorStatement::Close(name)));
    }
    let is_move = match word(parser, "move") {
        true => true,
        false if word(parser, "fetch") => false,
        false => return Ok(None),
    };
    let (direction, name) = fetch(parser)?;
    Ok(Some(CursorStatement::Fetch { name, direction, is_move }))
}

fn declare(parser: &mut Parser<'_>) -> Parse<Declare> {
    let name = name(parser)?;
    let (mut binary, mut scroll, mut no_scroll) = (false, false, false);
    let (mut insensitive, mut asensitive) = (false, false);
    while !word(parser, "cursor") {
        if word(parser, "binary") {
            binary = true;
        } else if word(parser, "insensitive") {
            insensitive = true;
        } else if word(parser, "asensitive") {
            asensitive = true;
        } else if word(parser, "scroll") {
            scroll = true;
        } else {
            expect_word(parser, "no")?;
            expect_word(parser, "scroll")?;
            no_scroll = true;
        }
    }
    let hold = parser.parse_keyword(Keyword::WITH);
    if hold || parser.parse_keyword(Keyword::WITHOUT) {
        expect_word(parser, "hold")?;
    }
    parser.expect_keyword(Keyword::FOR)?;
    let first = parser.peek_token();
    let starts = [Keyword::SELECT, Keyword::WITH, Keyword::VALUES, Keyword::TABLE];
    if first.token != Token::LParen && !is_keyword(&first, &starts) {
        return parser.expected("a query", first);
    }
    let query = parser.parse_query()?;
    Ok(Declare { name, binary, scroll, no_scroll, insensitive, asensitive, hold, query })
}

/// Whether the statement ends here.
fn at_end(parser: &Parser<'_>) -> bool {
    matches!(parser.peek_token().token, Token::EOF | Token::SemiColon)
}

fn count(parser: &mut Parser<'_>) -> Parse<Option<i64>> {
    let ahead = parser.peek_token();
    let negative = match ahead.token {
        Token::Minus | Token::Plus => {
            parser.next_token();
            ahead.token == Token::Minus
        }
        Token::Number(..) => false,
        _ => return Ok(None),
    };
    let token = parser.next_token();
    let number = match &token.token {
        Token::Number(digits, _) => digits.parse::<i32>().ok().map(i64::from),
        _ => None,
    };
    match number {
        Some(number) => Ok(Some(if negative { -number } else { number })),
        None => parser.expected("an integer", token),
    }
}

fn fetch(parser: &mut Parser<'_>) -> Parse<(Direction, String)> {
    let start = parser.peek_token();
    let direction = direction(parser)?;
    if at_end(parser) && direction.is_some() && matches!(start.token, Token::Word(_)) {
        // A lone word is the cursor's name, even one that could be a direction.
        parser.prev_token();
        if parser.peek_token() == start {
            return Ok((Direction::Forward(1), name(parser)?));
        }
        parser.next_token();
    }
    let _ = parser.parse_keyword(Keyword::FROM) || parser.parse_keyword(Keyword::IN);
    Ok((direction.unwrap_or(Direction::Forward(1)), name(parser)?))
}

fn direction(parser: &mut Parser<'_>) -> Parse<Option<Direction>> {
    if let Some(count) = count(parser)? {
        return Ok(Some(Direction::Forward(count)));
    }
    if word(parser, "all") {
        return Ok(Some(Direction::Forward(ALL)));
    }
    for (single, direction) in [
        ("next", Direction::Forward(1)),
        ("prior", Direction::Backward(1)),
        ("first", Direction::Absolute(1)),
        ("last", Direction::Absolute(-1)),
    ] {
        if word(parser, single) {
            return Ok(Some(direction));
        }
    }
    for (counted, is_required, make) in [
        ("absolute", true, Direction::Absolute as fn(i64) -> Direction),
        ("relative", true, Direction::Relative),
        ("forward", false, Direction::Forward),
        ("backward", false, Direction::Backward),
    ] {
        if !word(parser, counted) {
            continue;
        }
        return Ok(Some(match count(parser)? {
            Some(count) => make(count),
            None if is_required && !at_end(parser) => {
                return parser.expected("an integer", parser.peek_token());
            }
            None if !is_required && word(parser, "all") => make(ALL),
            None => make(1),
        }));
    }
    Ok(None)
}
