//! ALTER ... OWNER TO.

use datafusion::sql::sqlparser::ast::{Ident, ObjectName};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;

use super::{Definition, Parse, RelationKind, name, word};

/// What has an owner.
#[derive(Clone, Debug, PartialEq)]
pub enum Owned {
    /// A table, an index, a sequence or a view.
    Relation(RelationKind, ObjectName),
    /// A type or a domain; whether it is a domain.
    Type(ObjectName, bool),
    /// A schema.
    Schema(Ident),
}

/// ALTER ... OWNER TO.
#[derive(Clone, Debug, PartialEq)]
pub struct SetOwner {
    /// Of what.
    pub owned: Owned,
    /// IF EXISTS.
    pub if_exists: bool,
    /// The role; `None`: whoever asks.
    pub role: Option<Ident>,
}

impl Owned {
    /// The tag of the statement.
    pub fn alter_tag(&self) -> &'static str {
        match self {
            Owned::Relation(kind, _) => kind.alter_tag(),
            Owned::Type(_, true) => "ALTER DOMAIN",
            Owned::Type(_, false) => "ALTER TYPE",
            Owned::Schema(_) => "ALTER SCHEMA",
        }
    }
}

/// Reads such a statement; `None` if it is another one.
pub(super) fn parse(parser: &mut Parser<'_>) -> Parse<Option<Definition>> {
    parser.expect_keyword(Keyword::ALTER)?;
    let kinds = [
        Keyword::TABLE,
        Keyword::INDEX,
        Keyword::SEQUENCE,
        Keyword::VIEW,
        Keyword::TYPE,
        Keyword::DOMAIN,
        Keyword::SCHEMA,
    ];
    let Some(kind) = parser.parse_one_of_keywords(&kinds) else { return Ok(None) };
    let relation = match kind {
        Keyword::TABLE => Some(RelationKind::Table),
        Keyword::INDEX => Some(RelationKind::Index),
        Keyword::SEQUENCE => Some(RelationKind::Sequence),
        Keyword::VIEW => Some(RelationKind::View),
        _ => None,
    };
    let if_exists = relation.is_some() && parser.parse_keywords(&[Keyword::IF, Keyword::EXISTS]);
    if kind == Keyword::TABLE {
        // There are no child tables to leave out.
        let _ = parser.parse_keyword(Keyword::ONLY);
    }
    let owned = match (relation, kind) {
        (Some(kind), _) => Owned::Relation(kind, parser.parse_object_name(false)?),
        (None, Keyword::SCHEMA) => Owned::Schema(name(parser)?),
        (None, kind) => Owned::Type(parser.parse_object_name(false)?, kind == Keyword::DOMAIN),
    };
    if kind == Keyword::TABLE {
        let _ = parser.consume_token(&Token::Mul);
    }
    if !word(parser, "owner") {
        return Ok(None);
    }
    parser.expect_keyword(Keyword::TO)?;
    let who = [Keyword::CURRENT_USER, Keyword::CURRENT_ROLE, Keyword::SESSION_USER];
    let role = match parser.parse_one_of_keywords(&who) {
        Some(_) => None,
        None => Some(name(parser)?),
    };
    // With more actions behind it this is another statement.
    match parser.peek_token_ref().token {
        Token::EOF | Token::SemiColon => {}
        _ => return Ok(None),
    }
    Ok(Some(Definition::SetOwner(SetOwner { owned, if_exists, role })))
}
