//! From text to statements: sqlparser with PostgreSQL's dialect, PostgreSQL's error messages,
//! and the few statements whose PostgreSQL form sqlparser does not read.

pub mod arrays;
mod as_of;
pub mod change;
pub mod copy;
pub mod create_as;
pub mod cursor;
pub mod definition;
pub mod forms;
mod include;
pub mod locking;
pub(crate) mod parentheses;
pub mod stored;
pub mod transaction;

use datafusion::sql::sqlparser::ast::{self, Statement};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use crate::binder::fold;
use crate::binder::position::position_of;
use crate::dialect::CairnDialect;
use crate::error::{Error, Result, SqlState};

/// Deepest nesting the parser follows.
const RECURSION_LIMIT: usize = 120;
/// Most operators in a row, which nest as deep to the left (`1 + 1 + 1 + ...`).
const MAX_OPERATORS_IN_A_ROW: usize = 10_000;
/// Most set operations in a row: their plans take more stack.
const MAX_SET_OPERATIONS_IN_A_ROW: usize = 1_000;
/// Stack of the threads that plan and run statements: enough for what these limits let through.
pub const STACK_BYTES: usize = 512 << 20;
/// Longest statement text.
pub const MAX_STATEMENT_BYTES: usize = 256 << 20;

/// A statement as this crate understands it.
#[derive(Clone, Debug, PartialEq)]
pub enum Parsed {
    /// Nothing but white space and comments.
    Empty,
    /// What sqlparser read.
    Sql(Box<Statement>),
    /// COPY.
    Copy(Box<copy::Copy>),
    /// CREATE TABLE AS or SELECT INTO.
    CreateAs(Box<create_as::CreateAs>),
    /// BEGIN or SET TRANSACTION.
    Modes(transaction::Modes),
    /// CREATE TABLE, ALTER TABLE and their kin.
    Definition(Box<definition::Definition>),
    /// DECLARE, FETCH, MOVE or CLOSE.
    Cursor(Box<cursor::CursorStatement>),
    /// SET CONSTRAINTS.
    Constraints(definition::SetConstraints),
    /// A query AS OF SYSTEM TIME, and the text of that time.
    AsOf(Box<Statement>, String),
    /// VACUUM or ANALYZE.
    Maintenance {
        /// Whether VACUUM was asked for, perhaps with ANALYZE.
        vacuum: bool,
        /// Whether ANALYZE was.
        analyze: bool,
        /// The tables named, with columns where they were; none: all tables.
        tables: Vec<(String, Vec<String>)>,
    },
}

fn syntax_error(found: &str, position: Option<usize>) -> Error {
    match found {
        "" | "EOF" => {
            Error::new(SqlState::SyntaxError, "syntax error at end of input").at(position)
        }
        token => Error::new(SqlState::SyntaxError, format!("syntax error at or near \"{token}\""))
            .at(position),
    }
}

/// The same at a token.
fn syntax_error_at(token: &TokenWithSpan, sql: &str) -> Error {
    let position = position_of(sql, token.span.start.line, token.span.start.column);
    syntax_error(&written(sql, token).unwrap_or_default(), position)
}

/// sqlparser says `Expected: x, found: y at Line: 1, Column: 8`.
fn convert(error: ParserError, sql: &str, tokens: &[TokenWithSpan]) -> Error {
    let text = match error {
        ParserError::RecursionLimitExceeded => {
            return Error::new(SqlState::StatementTooComplex, "stack depth limit exceeded");
        }
        ParserError::TokenizerError(text) => {
            let position = location_in(&text, sql);
            let unterminated = text.contains("Unterminated");
            let rest = position.and_then(|p| sql.char_indices().nth(p - 1));
            let near = rest.and_then(|(at, _)| sql.get(at..)).unwrap_or_default();
            let message = match unterminated && text.contains("string") {
                true => format!("unterminated quoted string at or near \"{near}\""),
                false => format!("syntax error at or near \"{near}\""),
            };
            return Error::new(SqlState::SyntaxError, message).at(position);
        }
        ParserError::ParserError(text) => text,
    };
    let position = location_in(&text, sql);
    // The token as it is written, not as sqlparser shows it.
    let at = tokens
        .iter()
        .find(|token| position_of(sql, token.span.start.line, token.span.start.column) == position)
        .filter(|token| token.token != Token::EOF);
    let at = at.and_then(|token| written(sql, token));
    let Some((_, found)) = text.rsplit_once("found: ") else {
        let end = Some(sql.trim_end().chars().count() + 1);
        return syntax_error(&at.unwrap_or_default(), position.or(end));
    };
    let found = found.split(" at Line:").next().unwrap_or_default();
    match at {
        Some(written) => syntax_error(&written, position),
        None if found.starts_with("EOF") => {
            syntax_error("", Some(sql.trim_end_matches([';', ' ', '\n']).chars().count() + 1))
        }
        None => syntax_error(found, position),
    }
}

fn written(sql: &str, token: &TokenWithSpan) -> Option<String> {
    let start = position_of(sql, token.span.start.line, token.span.start.column)?;
    let end = position_of(sql, token.span.end.line, token.span.end.column)?;
    Some(sql.chars().skip(start - 1).take(end.saturating_sub(start)).collect())
}

fn location_in(text: &str, sql: &str) -> Option<usize> {
    let (_, rest) = text.rsplit_once("Line: ")?;
    let (line, rest) = rest.split_once(", Column: ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    position_of(sql, line.parse().ok()?, digits.parse().ok()?)
}

fn tokenize(sql: &str) -> Result<Vec<TokenWithSpan>> {
    let dialect = CairnDialect;
    Tokenizer::new(&dialect, sql)
        .with_unescape(true)
        .tokenize_with_location()
        .map(|tokens| cursor::rewrite(locking::rewrite(rewrite(tokens))))
        .map(|tokens| forms::rewrite(arrays::rewrite(tokens, sql)))
        .map_err(|error| convert(ParserError::TokenizerError(error.to_string()), sql, &[]))
}

/// Forms that sqlparser does not read, as ones that it does: strings continued on the next line
/// become one, `TRIM(FROM x)` loses its FROM, and RESET TIME ZONE names the setting.
fn rewrite(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    for token in tokens {
        if let Token::SingleQuotedString(more) = &token.token {
            let before = kept.iter().rposition(|t| !matches!(t.token, Token::Whitespace(_)));
            let new_line = token.span.start.line;
            if let Some(at) = before
                && let Some(start) = kept.get_mut(at)
                && start.span.end.line < new_line
                && let Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text) =
                    &mut start.token
            {
                text.push_str(more);
                start.span.end = token.span.end;
                kept.truncate(at + 1);
                continue;
            }
        }
        if is_keyword(&token, &[Keyword::ZONE]) && is_reset_time(&mut kept) {
            continue;
        }
        if is_keyword(&token, &[Keyword::FROM]) {
            let mut words = kept.iter().rev().filter(|t| !matches!(t.token, Token::Whitespace(_)));
            let mut last = words.next();
            let sides = [Keyword::BOTH, Keyword::LEADING, Keyword::TRAILING];
            if last.is_some_and(|token| is_keyword(token, &sides)) {
                last = words.next();
            }
            if last.is_some_and(|token| token.token == Token::LParen)
                && words.next().is_some_and(|token| is_keyword(token, &[Keyword::TRIM]))
            {
                continue;
            }
        }
        kept.push(token);
    }
    kept
}

/// Whether what stands before is `RESET TIME`, which then is one of the setting's own name.
fn is_reset_time(kept: &mut [TokenWithSpan]) -> bool {
    let mut words =
        kept.iter_mut().rev().filter(|token| !matches!(token.token, Token::Whitespace(_)));
    let (Some(time), Some(reset)) = (words.next(), words.next()) else { return false };
    let found = is_keyword(time, &[Keyword::TIME]) && is_keyword(reset, &[Keyword::RESET]);
    if found {
        time.token = Token::make_word("timezone", None);
    }
    found
}

fn is_keyword(token: &TokenWithSpan, keywords: &[Keyword]) -> bool {
    matches!(&token.token, Token::Word(word) if keywords.contains(&word.keyword))
}

/// Refuses what would nest deeper to the left than the stack allows. The parser reads such chains in
/// a loop, so its own limit does not see them.
fn check_chains(tokens: &[TokenWithSpan]) -> Result<()> {
    let mut open: Vec<usize> = Vec::new();
    let (mut operators, mut set_operations) = (0, 0);
    // The parser's own limit gets lost where it tries several readings.
    let (mut negations, mut cases) = (0usize, 0usize);
    for token in tokens {
        match &token.token {
            Token::Word(word) if word.keyword == Keyword::NOT => negations += 1,
            Token::Whitespace(_) => {}
            _ => negations = 0,
        }
        match &token.token {
            Token::LParen | Token::LBracket => open.push(std::mem::take(&mut operators)),
            Token::RParen | Token::RBracket => operators = open.pop().unwrap_or_default(),
            Token::Comma => operators = 0,
            Token::SemiColon => (operators, set_operations) = (0, 0),
            Token::Word(word) => match word.keyword {
                Keyword::AND | Keyword::OR | Keyword::IS | Keyword::COLLATE | Keyword::AT => {
                    operators += 1;
                }
                Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT => {
                    set_operations += 1;
                    operators = 0;
                }
                Keyword::CASE => cases += 1,
                Keyword::END => cases = cases.saturating_sub(1),
                _ => {}
            },
            Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::Whitespace(_)
            | Token::Placeholder(_)
            | Token::Period => {}
            _ => operators += 1,
        }
        let nested = open.len() + negations + cases;
        if operators > MAX_OPERATORS_IN_A_ROW
            || set_operations > MAX_SET_OPERATIONS_IN_A_ROW
            || nested > RECURSION_LIMIT
        {
            return Err(Error::new(SqlState::StatementTooComplex, "stack depth limit exceeded")
                .hint("Write the statement with less nesting, or fewer operators in a row."));
        }
    }
    Ok(())
}

/// The tokens of a statement as it is written, with their 1-based character offsets.
pub fn written_positions(sql: &str) -> Vec<(usize, String)> {
    let tokens = Tokenizer::new(&CairnDialect, sql).tokenize_with_location();
    placed(sql, &tokens.unwrap_or_default())
}

/// The tokens of a statement with their 1-based character offsets; none if it has no tokens.
pub fn token_positions(sql: &str) -> Vec<(usize, String)> {
    placed(sql, &tokenize(sql).unwrap_or_default())
}

fn placed(sql: &str, tokens: &[TokenWithSpan]) -> Vec<(usize, String)> {
    let placed = tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_)));
    let placed = placed.filter_map(|token| {
        let at = position_of(sql, token.span.start.line, token.span.start.column)?;
        Some((at, token.token.to_string()))
    });
    placed.collect()
}

/// Parses a string of statements; each with its own text.
pub fn parse(sql: &str) -> Result<Vec<(Parsed, String)>> {
    if sql.len() > MAX_STATEMENT_BYTES {
        return Err(Error::new(SqlState::ProgramLimitExceeded, "statement is too long"));
    }
    let tokens = tokenize(sql)?;
    include::check(&tokens)?;
    forms::select::check(&tokens, sql)?;
    forms::check_order_using(&tokens, sql)?;
    let (tokens, mut times) = as_of::take(change::rewrite(tokens, sql)?);
    times.reverse();
    check_chains(&tokens)?;
    let dialect = CairnDialect;
    let mut parser = Parser::new(&dialect)
        .with_recursion_limit(RECURSION_LIMIT)
        .with_tokens_with_locations(tokens.clone());
    let fail = |error| convert(error, sql, &tokens);
    let mut statements = Vec::new();
    let mut semicolons = 0;
    loop {
        while parser.consume_token(&Token::SemiColon) {
            semicolons += 1;
        }
        if parser.peek_token().token == Token::EOF {
            break;
        }
        let statement = parse_one(&mut parser).map_err(fail)?;
        let next = parser.peek_token();
        if next.token != Token::EOF && next.token != Token::SemiColon {
            return Err(syntax_error_at(&next, sql));
        }
        let time = times.pop_if(|(before, _)| *before == semicolons);
        let twice = times.last().is_some_and(|(before, _)| *before == semicolons);
        let statement = match (statement, time) {
            (statement, None) => statement,
            (Parsed::Sql(statement), Some((_, time)))
                if !twice && matches!(*statement, Statement::Query(_)) =>
            {
                Parsed::AsOf(statement, time)
            }
            _ => return Err(Error::unsupported("AS OF SYSTEM TIME here")),
        };
        // Positions count from the start of the whole string, as in PostgreSQL.
        statements.push((statement, sql.to_owned()));
    }
    if statements.is_empty() {
        statements.push((Parsed::Empty, sql.to_owned()));
    }
    Ok(statements)
}

/// Parses an expression, such as a stored DEFAULT.
pub fn parse_expression(sql: &str) -> Result<ast::Expr> {
    let tokens = tokenize(sql)?;
    let dialect = CairnDialect;
    let mut parser = Parser::new(&dialect).with_tokens_with_locations(tokens.clone());
    parser.parse_expr().map_err(|error| convert(error, sql, &tokens))
}

/// Parses a key column of an index.
pub fn parse_index_column(sql: &str) -> Result<ast::IndexColumn> {
    let tokens = tokenize(sql)?;
    let dialect = CairnDialect;
    let mut parser = Parser::new(&dialect).with_tokens_with_locations(tokens.clone());
    parser.parse_create_index_expr().map_err(|error| convert(error, sql, &tokens))
}

fn parse_one(parser: &mut Parser<'_>) -> std::result::Result<Parsed, ParserError> {
    let keyword = match &parser.peek_token().token {
        Token::Word(word) if word.value.eq_ignore_ascii_case("abort") => {
            return parse_abort(parser);
        }
        Token::Word(word) if word.value.eq_ignore_ascii_case("refresh") => {
            return definition::refresh(parser).map(|d| Parsed::Definition(Box::new(d)));
        }
        Token::Word(word) => word.keyword,
        _ => Keyword::NoKeyword,
    };
    if let Some(statement) = cursor::parse(parser)? {
        return Ok(Parsed::Cursor(Box::new(statement)));
    }
    if let Some(definition) = definition::drop_function(parser)? {
        return Ok(Parsed::Definition(Box::new(definition)));
    }
    match keyword {
        Keyword::VACUUM | Keyword::ANALYZE => parse_maintenance(parser),
        Keyword::COPY => copy::parse(parser),
        Keyword::CREATE | Keyword::ALTER | Keyword::COMMENT | Keyword::DROP | Keyword::REINDEX => {
            if keyword == Keyword::CREATE
                && let Some(create) = create_as::parse(parser)?
            {
                return Ok(Parsed::CreateAs(Box::new(create)));
            }
            match definition::parse(parser)? {
                Some(definition) => Ok(Parsed::Definition(Box::new(definition))),
                None => parser.parse_statement().map(|statement| Parsed::Sql(Box::new(statement))),
            }
        }
        Keyword::BEGIN | Keyword::START | Keyword::SET => {
            if keyword == Keyword::SET
                && let Some(set) = definition::set_constraints(parser)?
            {
                return Ok(Parsed::Constraints(set));
            }
            match transaction::parse(parser)? {
                Some(modes) => Ok(Parsed::Modes(modes)),
                None => parser.parse_statement().map(|statement| Parsed::Sql(Box::new(statement))),
            }
        }
        _ => parser.parse_statement().map(create_as::from_select_into),
    }
}

/// `ABORT [WORK | TRANSACTION] [AND [NO] CHAIN]`: another word for ROLLBACK.
fn parse_abort(parser: &mut Parser<'_>) -> std::result::Result<Parsed, ParserError> {
    parser.next_token();
    let _ = parser.parse_one_of_keywords(&[Keyword::WORK, Keyword::TRANSACTION]);
    let mut chain = false;
    if parser.parse_keyword(Keyword::AND) {
        chain = !parser.parse_keyword(Keyword::NO);
        parser.expect_keyword(Keyword::CHAIN)?;
    }
    Ok(Parsed::Sql(Box::new(Statement::Rollback { chain, savepoint: None })))
}

/// `VACUUM [(option, ...)] [FULL] [FREEZE] [ANALYZE] [table, ...]`, `ANALYZE [table, ...]`
fn parse_maintenance(parser: &mut Parser<'_>) -> std::result::Result<Parsed, ParserError> {
    let vacuum = parser.parse_keyword(Keyword::VACUUM);
    if !vacuum {
        parser.expect_keyword(Keyword::ANALYZE)?;
    }
    let mut analyze = !vacuum;
    // FULL and FREEZE ask for what holds anyway: nothing is left behind to rewrite or to freeze.
    let words: &[Keyword] = match vacuum {
        true => &[Keyword::FULL, Keyword::FREEZE, Keyword::ANALYZE],
        false => &[],
    };
    if parser.consume_token(&Token::LParen) {
        loop {
            let word = parser.expect_one_of_keywords(words)?;
            analyze |= word == Keyword::ANALYZE;
            if !parser.consume_token(&Token::Comma) {
                break;
            }
        }
        parser.expect_token(&Token::RParen)?;
    }
    while let Some(word) = parser.parse_one_of_keywords(words) {
        analyze |= word == Keyword::ANALYZE;
    }
    let mut tables = Vec::new();
    while !matches!(parser.peek_token().token, Token::EOF | Token::SemiColon) {
        let name = parser.parse_object_name(false)?;
        let name = name.0.last().and_then(|part| part.as_ident()).map(fold).unwrap_or_default();
        let mut columns = Vec::new();
        if parser.consume_token(&Token::LParen) {
            columns = parser.parse_comma_separated(Parser::parse_identifier)?;
            parser.expect_token(&Token::RParen)?;
        }
        tables.push((name, columns.iter().map(fold).collect()));
        if !parser.consume_token(&Token::Comma) {
            break;
        }
    }
    Ok(Parsed::Maintenance { vacuum, analyze, tables })
}
