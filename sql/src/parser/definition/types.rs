//! CREATE, ALTER and DROP TYPE.

use datafusion::sql::sqlparser::ast::{DataType, Expr, Ident, ObjectName};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;

use super::constraint::table_constraint;
use super::create::clause;
use super::{ColumnClause, Definition, Drop, Parse, TableConstraint, name, unexpected, word};

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
    /// AS: its fields.
    Composite(Vec<(Ident, DataType)>),
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
    /// ADD, DROP and ALTER ATTRIBUTE.
    Fields(Vec<FieldAction>),
    /// RENAME ATTRIBUTE.
    RenameField(Ident, Ident),
    /// RENAME TO.
    Rename(Ident),
    /// SET SCHEMA.
    SetSchema(Ident),
}

/// What ALTER TYPE does to a field.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldAction {
    /// ADD ATTRIBUTE.
    Add(Ident, DataType),
    /// DROP ATTRIBUTE, perhaps IF EXISTS.
    Drop(Ident, bool),
    /// ALTER ATTRIBUTE ... TYPE.
    Retype(Ident, DataType),
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

/// CREATE DOMAIN.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateDomain {
    /// Its name.
    pub name: ObjectName,
    /// The type that it is over.
    pub data_type: DataType,
    /// What is said of it.
    pub clauses: Vec<ColumnClause>,
}

/// ALTER DOMAIN.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterDomain {
    /// The domain.
    pub name: ObjectName,
    /// What to do.
    pub action: DomainAction,
}

/// What ALTER DOMAIN does.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names are SQL's")]
pub enum DomainAction {
    SetDefault(Box<Expr>),
    DropDefault,
    SetNotNull,
    DropNotNull,
    Add(Box<TableConstraint>),
    Validate(Ident),
    DropConstraint(Drop),
    RenameConstraint(Ident, Ident),
    Rename(Ident),
    SetSchema(Ident),
}

/// DROP TYPE and DROP DOMAIN.
#[derive(Clone, Debug, PartialEq)]
pub struct DropTypes {
    /// Whether they have to be domains.
    pub domain: bool,
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

/// A field of a composite type.
fn field(parser: &mut Parser<'_>) -> Parse<(Ident, DataType)> {
    let name = name(parser)?;
    let data_type = parser.parse_data_type()?;
    if parser.parse_keyword(Keyword::COLLATE) {
        parser.parse_object_name(false)?;
    }
    Ok((name, data_type))
}

/// Actions on fields, one or more; `None` if it is another action.
fn field_actions(parser: &mut Parser<'_>) -> Parse<Option<Vec<FieldAction>>> {
    let mut actions = Vec::new();
    loop {
        let action = if parser.parse_keyword(Keyword::ADD) && word(parser, "attribute") {
            let (name, data_type) = field(parser)?;
            FieldAction::Add(name, data_type)
        } else if parser.parse_keyword(Keyword::DROP) && word(parser, "attribute") {
            let if_exists = parser.parse_keywords(&[Keyword::IF, Keyword::EXISTS]);
            FieldAction::Drop(name(parser)?, if_exists)
        } else if parser.parse_keyword(Keyword::ALTER) && word(parser, "attribute") {
            let name = name(parser)?;
            let _ = parser.parse_keywords(&[Keyword::SET, Keyword::DATA]);
            parser.expect_keyword(Keyword::TYPE)?;
            FieldAction::Retype(name, parser.parse_data_type()?)
        } else {
            return Ok(None);
        };
        // No table is of the type, so that none changes with it.
        let _ = parser.parse_one_of_keywords(&[Keyword::CASCADE, Keyword::RESTRICT]);
        actions.push(action);
        if !parser.consume_token(&Token::Comma) {
            return Ok(Some(actions));
        }
    }
}

/// Behind CREATE TYPE; `None` for its forms that are not known.
pub(super) fn create(parser: &mut Parser<'_>) -> Parse<Option<Definition>> {
    let name = parser.parse_object_name(false)?;
    if !parser.parse_keyword(Keyword::AS) {
        return Ok(None);
    }
    if parser.consume_token(&Token::LParen) {
        let mut fields = Vec::new();
        while parser.peek_token_ref().token != Token::RParen || !fields.is_empty() {
            fields.push(field(parser)?);
            if !parser.consume_token(&Token::Comma) {
                break;
            }
        }
        parser.expect_token(&Token::RParen)?;
        let shape = NewShape::Composite(fields);
        return Ok(Some(Definition::CreateType(CreateType { name, shape })));
    }
    if !parser.parse_keyword(Keyword::ENUM) {
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
    } else if parser.parse_keyword(Keyword::RENAME) {
        if !word(parser, "attribute") {
            return Ok(None);
        }
        let from = name(parser)?;
        parser.expect_keyword(Keyword::TO)?;
        let to = name(parser)?;
        let _ = parser.parse_one_of_keywords(&[Keyword::CASCADE, Keyword::RESTRICT]);
        TypeAction::RenameField(from, to)
    } else {
        match field_actions(parser)? {
            Some(actions) => TypeAction::Fields(actions),
            None => return Ok(None),
        }
    };
    Ok(Some(Definition::AlterType(AlterType { name: object, action })))
}

/// Behind CREATE DOMAIN.
pub(super) fn create_domain(parser: &mut Parser<'_>) -> Parse<Option<Definition>> {
    let name = parser.parse_object_name(false)?;
    let _ = parser.parse_keyword(Keyword::AS);
    let data_type = parser.parse_data_type()?;
    let mut clauses = Vec::new();
    while let Some(clause) = clause(parser)? {
        clauses.push(clause);
    }
    Ok(Some(Definition::CreateDomain(CreateDomain { name, data_type, clauses })))
}

/// Behind ALTER DOMAIN; `None` for what it does not know.
pub(super) fn alter_domain(parser: &mut Parser<'_>) -> Parse<Option<Definition>> {
    let object = parser.parse_object_name(false)?;
    let action = if parser.parse_keywords(&[Keyword::SET, Keyword::DEFAULT]) {
        DomainAction::SetDefault(Box::new(parser.parse_expr()?))
    } else if parser.parse_keywords(&[Keyword::DROP, Keyword::DEFAULT]) {
        DomainAction::DropDefault
    } else if parser.parse_keywords(&[Keyword::SET, Keyword::NOT, Keyword::NULL]) {
        DomainAction::SetNotNull
    } else if parser.parse_keywords(&[Keyword::DROP, Keyword::NOT, Keyword::NULL]) {
        DomainAction::DropNotNull
    } else if parser.parse_keyword(Keyword::ADD) {
        match table_constraint(parser)? {
            Some(constraint) => DomainAction::Add(Box::new(constraint)),
            None => return unexpected(parser, "a constraint"),
        }
    } else if word(parser, "validate") {
        parser.expect_keyword(Keyword::CONSTRAINT)?;
        DomainAction::Validate(name(parser)?)
    } else if parser.parse_keywords(&[Keyword::DROP, Keyword::CONSTRAINT]) {
        let if_exists = parser.parse_keywords(&[Keyword::IF, Keyword::EXISTS]);
        let name = name(parser)?;
        let cascade = parser.parse_one_of_keywords(&[Keyword::CASCADE, Keyword::RESTRICT]);
        let cascade = cascade == Some(Keyword::CASCADE);
        DomainAction::DropConstraint(Drop { name, if_exists, cascade })
    } else if parser.parse_keywords(&[Keyword::RENAME, Keyword::CONSTRAINT]) {
        let from = name(parser)?;
        parser.expect_keyword(Keyword::TO)?;
        DomainAction::RenameConstraint(from, name(parser)?)
    } else if parser.parse_keywords(&[Keyword::RENAME, Keyword::TO]) {
        DomainAction::Rename(name(parser)?)
    } else if parser.parse_keywords(&[Keyword::SET, Keyword::SCHEMA]) {
        DomainAction::SetSchema(name(parser)?)
    } else {
        return Ok(None);
    };
    Ok(Some(Definition::AlterDomain(AlterDomain { name: object, action })))
}

/// DROP TYPE; `None` if it drops something else.
pub(super) fn drop(parser: &mut Parser<'_>) -> Parse<Option<Definition>> {
    parser.expect_keyword(Keyword::DROP)?;
    let domain = parser.parse_keyword(Keyword::DOMAIN);
    if !domain && !word(parser, "type") {
        return Ok(None);
    }
    let if_exists = parser.parse_keywords(&[Keyword::IF, Keyword::EXISTS]);
    let names = parser.parse_comma_separated(|parser| parser.parse_object_name(false))?;
    let cascade = parser.parse_one_of_keywords(&[Keyword::CASCADE, Keyword::RESTRICT]);
    let cascade = cascade == Some(Keyword::CASCADE);
    Ok(Some(Definition::DropTypes(DropTypes { domain, names, if_exists, cascade })))
}
