//! CREATE, ALTER and DROP TYPE.

use datafusion::sql::sqlparser::ast::{Ident, ObjectName};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;

use super::{Definition, Parse, name, unexpected, word};

/// CREATE TYPE.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateType {
    /// Its name.
    pub name: ObjectName,
    /// What it is.
    pub shape: NewShape,
}

/// What a new type is.
#[derive(Clone, Debug, PartialEq)]
pub enum NewShape {
    /// AS ENUM: its values.
    Enum(Vec<String>),
}

/// ALTER TYPE.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterType {
    /// The type.
    pub name: ObjectName,
    /// What to do.
    pub action: TypeAction,
}

/// What ALTER TYPE does.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeAction {
    /// ADD VALUE.
    AddValue(AddValue),
    /// RENAME VALUE.
    RenameValue(String, String),
    /// RENAME TO.
    Rename(Ident),
    /// SET SCHEMA.
    SetSchema(Ident),
}

/// ADD VALUE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddValue {
    /// Its name.
    pub label: String,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// BEFORE or (if so) AFTER another one.
    pub beside: Option<(bool, String)>,
}

/// DROP TYPE.
#[derive(Clone, Debug, PartialEq)]
pub struct DropTypes {
    /// Their names.
    pub names: Vec<ObjectName>,
    /// IF EXISTS.
    pub if_exists: bool,
    /// CASCADE.
    pub cascade: bool,
}

/// A value of an enum.
fn label(parser: &mut Parser<'_>) -> Parse<String> {
    match parser.peek_token().token {
        Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text) => {
            parser.next_token();
            Ok(text)
        }
        _ => unexpected(parser, "a string"),
    }
}

/// Behind CREATE TYPE; `None` for its forms that are not known.
pub(super) fn create(parser: &mut Parser<'_>) -> Parse<Option<Definition>> {
    let name = parser.parse_object_name(false)?;
    if !parser.parse_keyword(Keyword::AS) || !parser.parse_keyword(Keyword::ENUM) {
        return Ok(None);
    }
    parser.expect_token(&Token::LParen)?;
    let labels = match parser.peek_token_ref().token {
        Token::RParen => Vec::new(),
        _ => parser.parse_comma_separated(label)?,
    };
    parser.expect_token(&Token::RParen)?;
    let shape = NewShape::Enum(labels);
    Ok(Some(Definition::CreateType(CreateType { name, shape })))
}

/// Behind ALTER TYPE; `None` for what it does not know.
pub(super) fn alter(parser: &mut Parser<'_>) -> Parse<Option<Definition>> {
    let object = parser.parse_object_name(false)?;
    let action = if parser.parse_keywords(&[Keyword::ADD, Keyword::VALUE]) {
        let if_not_exists = parser.parse_keywords(&[Keyword::IF, Keyword::NOT, Keyword::EXISTS]);
        let value = label(parser)?;
        let beside = match parser.parse_one_of_keywords(&[Keyword::BEFORE, Keyword::AFTER]) {
            Some(side) => Some((side == Keyword::AFTER, label(parser)?)),
            None => None,
        };
        TypeAction::AddValue(AddValue { label: value, if_not_exists, beside })
    } else if parser.parse_keywords(&[Keyword::RENAME, Keyword::VALUE]) {
        let from = label(parser)?;
        parser.expect_keyword(Keyword::TO)?;
        TypeAction::RenameValue(from, label(parser)?)
    } else if parser.parse_keywords(&[Keyword::RENAME, Keyword::TO]) {
        TypeAction::Rename(name(parser)?)
    } else if parser.parse_keywords(&[Keyword::SET, Keyword::SCHEMA]) {
        TypeAction::SetSchema(name(parser)?)
    } else {
        return Ok(None);
    };
    Ok(Some(Definition::AlterType(AlterType { name: object, action })))
}

/// DROP TYPE; `None` if it drops something else.
pub(super) fn drop(parser: &mut Parser<'_>) -> Parse<Option<Definition>> {
    parser.expect_keyword(Keyword::DROP)?;
    if !word(parser, "type") {
        return Ok(None);
    }
    let if_exists = parser.parse_keywords(&[Keyword::IF, Keyword::EXISTS]);
    let names = parser.parse_comma_separated(|parser| parser.parse_object_name(false))?;
    let cascade = parser.parse_one_of_keywords(&[Keyword::CASCADE, Keyword::RESTRICT]);
    let cascade = cascade == Some(Keyword::CASCADE);
    Ok(Some(Definition::DropTypes(DropTypes { names, if_exists, cascade })))
}
