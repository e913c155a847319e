//! CREATE FUNCTION and DROP FUNCTION.

use datafusion::sql::sqlparser::ast::{DataType, Expr, Ident, ObjectName};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::{Location, Token};

use super::{Definition, Parse, here, unexpected, word};
use crate::catalog::routine::Volatility;

/// CREATE FUNCTION.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateFunction {
    /// Its name.
    pub name: ObjectName,
    /// OR REPLACE.
    pub or_replace: bool,
    /// What it takes.
    pub arguments: Vec<FunctionArgument>,
    /// What it returns.
    pub returns: Option<Returned>,
    /// LANGUAGE.
    pub language: Option<Ident>,
    /// STRICT.
    pub strict: bool,
    /// IMMUTABLE, STABLE or VOLATILE.
    pub volatility: Volatility,
    /// The body.
    pub body: Option<FunctionBody>,
    /// The first clause that is not known.
    pub unknown: Option<String>,
}

/// An argument in a declaration.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionArgument {
    /// OUT, INOUT or VARIADIC, which are refused.
    pub mode: Option<String>,
    /// Its name.
    pub name: Option<Ident>,
    /// Its type.
    pub data_type: DataType,
    /// DEFAULT.
    pub default: Option<Expr>,
}

/// RETURNS.
#[derive(Clone, Debug, PartialEq)]
pub enum Returned {
    /// A type; SETOF if so.
    Type(bool, DataType),
    /// TABLE.
    Table(Vec<(Ident, DataType)>),
}

/// A body.
#[derive(Clone, Debug, PartialEq)]
pub enum FunctionBody {
    /// AS: a string.
    Text(String),
    /// RETURN: an expression between these places.
    Return(Location, Option<Location>),
    /// BEGIN ATOMIC: statements between these places.
    Atomic(Location, Location),
}

/// DROP FUNCTION.
#[derive(Clone, Debug, PartialEq)]
pub struct DropFunction {
    /// IF EXISTS.
    pub if_exists: bool,
    /// CASCADE.
    pub cascade: bool,
    /// The functions, with the types of their arguments where these were said.
    pub functions: Vec<(ObjectName, Option<Vec<DataType>>)>,
}

/// Behind `CREATE [OR REPLACE] FUNCTION`.
pub(super) fn function(parser: &mut Parser<'_>, or_replace: bool) -> Parse<Definition> {
    let name = parser.parse_object_name(false)?;
    let mut create = CreateFunction {
        name,
        or_replace,
        arguments: arguments(parser)?,
        returns: None,
        language: None,
        strict: false,
        volatility: Volatility::Volatile,
        body: None,
        unknown: None,
    };
    loop {
        if parser.parse_keyword(Keyword::RETURNS) {
            if parser.parse_keywords(&[Keyword::NULL, Keyword::ON, Keyword::NULL, Keyword::INPUT]) {
                create.strict = true;
            } else {
                create.returns = Some(returned(parser)?);
            }
        } else if parser.parse_keyword(Keyword::LANGUAGE) {
            create.language = Some(match parser.peek_token_ref().token.clone() {
                Token::SingleQuotedString(text) => {
                    parser.next_token();
                    Ident::with_quote('"', text)
                }
                _ => parser.parse_identifier()?,
            });
        } else if word(parser, "strict") {
            create.strict = true;
        } else if word(parser, "called") {
            parser.expect_keywords(&[Keyword::ON, Keyword::NULL, Keyword::INPUT])?;
        } else if word(parser, "immutable") {
            create.volatility = Volatility::Immutable;
        } else if word(parser, "stable") {
            create.volatility = Volatility::Stable;
        } else if word(parser, "volatile") {
            create.volatility = Volatility::Volatile;
        } else if parser.parse_keyword(Keyword::AS) {
            create.body = Some(match parser.next_token().token {
                Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text) => {
                    FunctionBody::Text(text)
                }
                Token::DollarQuotedString(text) => FunctionBody::Text(text.value),
                _ => {
                    parser.prev_token();
                    return unexpected(parser, "a string");
                }
            });
        } else if word(parser, "return") {
            let start = here(parser).start;
            parser.parse_expr()?;
            let end = match parser.peek_token_ref().token {
                Token::EOF => None,
                _ => Some(here(parser).start),
            };
            create.body = Some(FunctionBody::Return(start, end));
        } else if parser.parse_keyword(Keyword::BEGIN) {
            create.body = Some(atomic(parser)?);
        } else {
            match &parser.peek_token_ref().token {
                Token::EOF | Token::SemiColon => break,
                Token::Word(clause) if create.unknown.is_none() => {
                    create.unknown = Some(clause.value.to_uppercase());
                    while !matches!(parser.peek_token_ref().token, Token::EOF | Token::SemiColon) {
                        parser.next_token();
                    }
                }
                _ => return unexpected(parser, "a clause of CREATE FUNCTION"),
            }
        }
    }
    Ok(Definition::CreateFunction(Box::new(create)))
}

/// Behind `BEGIN`: up to the END that is not one of CASE.
fn atomic(parser: &mut Parser<'_>) -> Parse<FunctionBody> {
    if !word(parser, "atomic") {
        return unexpected(parser, "ATOMIC");
    }
    let start = here(parser).start;
    let mut cases = 0usize;
    loop {
        let token = parser.next_token();
        match &token.token {
            Token::EOF => return unexpected(parser, "END"),
            Token::Word(word) if word.keyword == Keyword::CASE => cases += 1,
            Token::Word(word) if word.keyword == Keyword::END && cases > 0 => cases -= 1,
            Token::Word(word) if word.keyword == Keyword::END => {
                return Ok(FunctionBody::Atomic(start, token.span.start));
            }
            _ => {}
        }
    }
}

fn returned(parser: &mut Parser<'_>) -> Parse<Returned> {
    if parser.parse_keyword(Keyword::TABLE) {
        parser.expect_token(&Token::LParen)?;
        let columns = parser.parse_comma_separated(|parser| {
            Ok((parser.parse_identifier()?, parser.parse_data_type()?))
        })?;
        parser.expect_token(&Token::RParen)?;
        return Ok(Returned::Table(columns));
    }
    let set = word(parser, "setof");
    Ok(Returned::Type(set, parser.parse_data_type()?))
}

fn arguments(parser: &mut Parser<'_>) -> Parse<Vec<FunctionArgument>> {
    parser.expect_token(&Token::LParen)?;
    let mut arguments = Vec::new();
    while !parser.consume_token(&Token::RParen) {
        if !arguments.is_empty() {
            parser.expect_token(&Token::Comma)?;
        }
        arguments.push(argument(parser)?);
    }
    Ok(arguments)
}

/// Whether a word begins a type of several words that goes on with the next token.
fn goes_on(first: &str, next: &str) -> bool {
    match first {
        "double" => next == "precision",
        "character" | "char" | "bit" => next == "varying",
        "time" | "timestamp" => next == "with" || next == "without",
        "national" => next.starts_with("char"),
        _ => false,
    }
}

fn argument(parser: &mut Parser<'_>) -> Parse<FunctionArgument> {
    let mut mode = None;
    if !word(parser, "in") {
        for other in ["out", "inout", "variadic"] {
            if word(parser, other) {
                mode = Some(other.to_uppercase());
                break;
            }
        }
    }
    let second = match parser.peek_nth_token_ref(1).token.clone() {
        Token::Word(word) => Some(word.value.to_lowercase()),
        _ => None,
    };
    let mut name = None;
    if let (Token::Word(first), Some(second)) = (parser.peek_token_ref().token.clone(), second)
        && second != "default"
        && !goes_on(&first.value.to_lowercase(), &second)
    {
        name = Some(parser.parse_identifier()?);
    }
    let data_type = parser.parse_data_type()?;
    let default = match parser.parse_keyword(Keyword::DEFAULT) || parser.consume_token(&Token::Eq) {
        true => Some(parser.parse_expr()?),
        false => None,
    };
    Ok(FunctionArgument { mode, name, data_type, default })
}

/// `DROP FUNCTION ...`; `None` if it is another DROP, of which nothing has been read then.
pub(in crate::parser) fn drop_function(parser: &mut Parser<'_>) -> Parse<Option<Definition>> {
    if !parser.parse_keywords(&[Keyword::DROP, Keyword::FUNCTION]) {
        return Ok(None);
    }
    let if_exists = parser.parse_keywords(&[Keyword::IF, Keyword::EXISTS]);
    let functions = parser.parse_comma_separated(|parser| {
        let name = parser.parse_object_name(false)?;
        let kinds = match parser.peek_token_ref().token {
            Token::LParen => {
                let all = arguments(parser)?.into_iter();
                Some(all.map(|argument| argument.data_type).collect())
            }
            _ => None,
        };
        Ok((name, kinds))
    })?;
    let cascade = parser.parse_keyword(Keyword::CASCADE);
    let _ = !cascade && parser.parse_keyword(Keyword::RESTRICT);
    Ok(Some(Definition::DropFunction(DropFunction { if_exists, cascade, functions })))
}
