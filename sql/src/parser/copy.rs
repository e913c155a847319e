//! `COPY`, whose form in sqlparser wants a semicolon and the data behind it.

use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Span, Token};

use super::Parsed;
use crate::binder::fold;

/// A COPY statement between a relation and the client.
#[derive(Clone, Debug, PartialEq)]
pub struct Copy {
    /// What is copied.
    pub source: CopySource,
    /// TO STDOUT rather than FROM STDIN.
    pub to_client: bool,
    /// As written.
    pub options: Vec<CopyOption>,
    /// Which rows are taken.
    pub filter: Option<ast::Expr>,
}

/// An option of COPY.
#[derive(Clone, Debug, PartialEq)]
pub struct CopyOption {
    /// In lower case.
    pub name: String,
    /// If given.
    pub value: Option<CopyValue>,
    /// Where the name stands.
    pub span: Span,
}

/// The value of an option.
#[derive(Clone, Debug, PartialEq)]
pub enum CopyValue {
    /// A word, a string or a number.
    Text(String),
    /// Column names in parentheses.
    Columns(Vec<String>),
    /// `*`: all columns.
    All,
}

/// What COPY reads or fills.
#[derive(Clone, Debug, PartialEq)]
pub enum CopySource {
    /// A table and its columns; no columns: all.
    Table(ast::ObjectName, Vec<ast::Ident>),
    /// The result of a query.
    Query(Box<ast::Query>),
}

type Result<T> = std::result::Result<T, ParserError>;

/// `COPY table [(column, ...)] | (query) FROM STDIN | TO STDOUT [[WITH] options] [WHERE condition]`
pub(super) fn parse(parser: &mut Parser<'_>) -> Result<Parsed> {
    parser.expect_keyword(Keyword::COPY)?;
    let word = parser.peek_token();
    let is_binary = parser.parse_keyword(Keyword::BINARY);
    let source = if parser.consume_token(&Token::LParen) {
        let query = parser.parse_query()?;
        parser.expect_token(&Token::RParen)?;
        CopySource::Query(query)
    } else {
        let name = parser.parse_object_name(false)?;
        let mut columns = Vec::new();
        if parser.consume_token(&Token::LParen) {
            columns = parser.parse_comma_separated(Parser::parse_identifier)?;
            parser.expect_token(&Token::RParen)?;
        }
        CopySource::Table(name, columns)
    };
    let to_client = parser.expect_one_of_keywords(&[Keyword::FROM, Keyword::TO])? == Keyword::TO;
    parser.expect_one_of_keywords(&[Keyword::STDIN, Keyword::STDOUT])?;
    let _ = parser.parse_keyword(Keyword::WITH);
    let mut options = match parser.consume_token(&Token::LParen) {
        true => listed_options(parser)?,
        false => old_options(parser)?,
    };
    if is_binary {
        let value = Some(CopyValue::Text("binary".into()));
        options.push(CopyOption { name: "format".into(), value, span: word.span });
    }
    let filter = match !to_client && parser.parse_keyword(Keyword::WHERE) {
        true => Some(parser.parse_expr()?),
        false => None,
    };
    Ok(Parsed::Copy(Box::new(Copy { source, to_client, options, filter })))
}

fn listed_options(parser: &mut Parser<'_>) -> Result<Vec<CopyOption>> {
    let mut options = Vec::new();
    loop {
        let ident = parser.parse_identifier()?;
        let value = match parser.peek_token().token {
            Token::Comma | Token::RParen => None,
            Token::Mul => {
                parser.next_token();
                Some(CopyValue::All)
            }
            Token::LParen => {
                parser.next_token();
                let columns = columns(parser)?;
                parser.expect_token(&Token::RParen)?;
                Some(CopyValue::Columns(columns))
            }
            _ => Some(text(parser)),
        };
        options.push(CopyOption { name: ident.value.to_lowercase(), value, span: ident.span });
        if !parser.consume_token(&Token::Comma) {
            break;
        }
    }
    parser.expect_token(&Token::RParen)?;
    Ok(options)
}

/// The form before version 9: words, some with a value.
fn old_options(parser: &mut Parser<'_>) -> Result<Vec<CopyOption>> {
    let mut options = Vec::new();
    loop {
        match parser.peek_token().token {
            Token::EOF | Token::SemiColon => return Ok(options),
            Token::Word(word) if word.keyword == Keyword::WHERE => return Ok(options),
            _ => {}
        }
        let _ = parser.parse_keyword(Keyword::USING);
        let ident = parser.parse_identifier()?;
        let (span, word) = (ident.span, ident.value.to_lowercase());
        let (name, value) = match word.as_str() {
            "csv" | "binary" => ("format", Some(CopyValue::Text(word))),
            "force" => {
                let name = if parser.parse_keywords(&[Keyword::NOT, Keyword::NULL]) {
                    "force_not_null"
                } else if parser.parse_keyword(Keyword::NULL) {
                    "force_null"
                } else {
                    // QUOTE is no keyword of the parser.
                    parser.parse_identifier()?;
                    "force_quote"
                };
                let value = match parser.consume_token(&Token::Mul) {
                    true => CopyValue::All,
                    false => CopyValue::Columns(columns(parser)?),
                };
                (name, Some(value))
            }
            "delimiter" | "delimiters" | "null" | "encoding" | "quote" | "escape" => {
                let _ = parser.parse_keyword(Keyword::AS);
                let name = if word == "delimiters" { "delimiter" } else { word.as_str() };
                options.push(CopyOption { name: name.into(), value: Some(text(parser)), span });
                continue;
            }
            name => (name, None),
        };
        options.push(CopyOption { name: name.into(), value, span });
    }
}

fn columns(parser: &mut Parser<'_>) -> Result<Vec<String>> {
    let columns = parser.parse_comma_separated(Parser::parse_identifier)?;
    Ok(columns.iter().map(fold).collect())
}

fn text(parser: &mut Parser<'_>) -> CopyValue {
    CopyValue::Text(match parser.next_token().token {
        Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text) => text,
        Token::Word(word) => word.value,
        other => other.to_string(),
    })
}
