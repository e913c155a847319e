//! COMMENT ON.

use datafusion::sql::sqlparser::ast::{Ident, ObjectName};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;

use super::{Definition, Parse, name, unexpected, word};

/// COMMENT ON.
#[derive(Clone, Debug, PartialEq)]
pub struct Comment {
    /// What it is about.
    pub object: CommentObject,
    /// `None`: NULL, which removes it.
    pub text: Option<String>,
}

/// What a comment can be about.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names are SQL's")]
pub enum CommentObject {
    Table(ObjectName),
    Column(ObjectName),
    Index(ObjectName),
    Sequence(ObjectName),
    View(ObjectName),
    Constraint(Ident, ObjectName),
    Type(ObjectName),
    DomainConstraint(Ident, ObjectName),
}

/// `COMMENT ON object IS text`
pub(super) fn parse(parser: &mut Parser<'_>) -> Parse<Option<Definition>> {
    parser.expect_keywords(&[Keyword::COMMENT, Keyword::ON])?;
    let object = if parser.parse_keyword(Keyword::TABLE) {
        CommentObject::Table(parser.parse_object_name(false)?)
    } else if parser.parse_keyword(Keyword::COLUMN) {
        CommentObject::Column(parser.parse_object_name(false)?)
    } else if parser.parse_keyword(Keyword::INDEX) {
        CommentObject::Index(parser.parse_object_name(false)?)
    } else if parser.parse_keyword(Keyword::SEQUENCE) {
        CommentObject::Sequence(parser.parse_object_name(false)?)
    } else if parser.parse_keyword(Keyword::VIEW) {
        CommentObject::View(parser.parse_object_name(false)?)
    } else if word(parser, "type") || parser.parse_keyword(Keyword::DOMAIN) {
        CommentObject::Type(parser.parse_object_name(false)?)
    } else if parser.parse_keyword(Keyword::CONSTRAINT) {
        let constraint = name(parser)?;
        parser.expect_keyword(Keyword::ON)?;
        if parser.parse_keyword(Keyword::DOMAIN) {
            CommentObject::DomainConstraint(constraint, parser.parse_object_name(false)?)
        } else {
            CommentObject::Constraint(constraint, parser.parse_object_name(false)?)
        }
    } else {
        return Ok(None);
    };
    parser.expect_keyword(Keyword::IS)?;
    let text = match parser.parse_keyword(Keyword::NULL) {
        true => None,
        false => match parser.peek_token().token {
            Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text) => {
                parser.next_token();
                Some(text)
            }
            _ => return unexpected(parser, "a string"),
        },
    };
    Ok(Some(Definition::Comment(Comment { object, text })))
}
