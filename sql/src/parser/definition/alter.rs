//! ALTER TABLE, and ALTER ... RENAME TO.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;

use super::constraint::{attributes, table_constraint};
use super::create::{always, column, sequence_option, sequence_options};
use super::objects::{alter_sequence, alter_view};
use super::types;
use super::{
    Action, AlterIndex, AlterTable, ColumnAction, Definition, Drop, IdentityClause, Parse,
    RelationKind, Rename, SetSchema, name, parameters, word,
};

/// Reads what it knows of ALTER; `None` for the rest.
pub(super) fn parse(parser: &mut Parser<'_>) -> Parse<Option<Definition>> {
    parser.expect_keyword(Keyword::ALTER)?;
    if parser.parse_keyword(Keyword::TABLE) {
        return table(parser);
    }
    if parser.parse_keyword(Keyword::DOMAIN) {
        return types::alter_domain(parser);
    }
    if parser.parse_keyword(Keyword::TYPE) {
        return types::alter(parser);
    }
    let kinds = [Keyword::INDEX, Keyword::SEQUENCE, Keyword::VIEW];
    let kind = if parser.parse_keywords(&[Keyword::MATERIALIZED, Keyword::VIEW]) {
        RelationKind::MaterializedView
    } else {
        match parser.parse_one_of_keywords(&kinds) {
            Some(Keyword::INDEX) => RelationKind::Index,
            Some(Keyword::SEQUENCE) => RelationKind::Sequence,
            Some(_) => RelationKind::View,
            None => return Ok(None),
        }
    };
    let if_exists = parser.parse_keywords(&[Keyword::IF, Keyword::EXISTS]);
    let object = parser.parse_object_name(false)?;
    if kind != RelationKind::Index && parser.parse_keywords(&[Keyword::SET, Keyword::SCHEMA]) {
        let schema = name(parser)?;
        let set = SetSchema { kind, if_exists, name: object, schema };
        return Ok(Some(Definition::SetSchema(set)));
    }
    if kind == RelationKind::Index
        && let Some(word) = parser.parse_one_of_keywords(&[Keyword::SET, Keyword::RESET])
    {
        if parser.peek_token_ref().token != Token::LParen {
            return Ok(None);
        }
        let (sets, parameters) = (word == Keyword::SET, parameters(parser)?);
        let alter = AlterIndex { if_exists, name: object, sets, parameters };
        return Ok(Some(Definition::AlterIndex(alter)));
    }
    if !parser.parse_keywords(&[Keyword::RENAME, Keyword::TO]) {
        return match kind {
            RelationKind::View => alter_view(parser, if_exists, object),
            RelationKind::MaterializedView if parser.parse_keyword(Keyword::RENAME) => {
                let _ = parser.parse_keyword(Keyword::COLUMN);
                let from = name(parser)?;
                parser.expect_keyword(Keyword::TO)?;
                let actions = vec![Action::RenameColumn(from, name(parser)?)];
                let alter = AlterTable { kind, if_exists, name: object, actions };
                Ok(Some(Definition::AlterTable(alter)))
            }
            RelationKind::Sequence => alter_sequence(parser, if_exists, object),
            _ => Ok(None),
        };
    }
    let rename = Rename { kind, if_exists, name: object, to: name(parser)? };
    Ok(Some(Definition::Rename(rename)))
}

fn table(parser: &mut Parser<'_>) -> Parse<Option<Definition>> {
    let if_exists = parser.parse_keywords(&[Keyword::IF, Keyword::EXISTS]);
    // There are no child tables to leave out.
    let _ = parser.parse_keyword(Keyword::ONLY);
    let table = parser.parse_object_name(false)?;
    let _ = parser.consume_token(&Token::Mul);
    let mut actions = Vec::new();
    if parser.parse_keywords(&[Keyword::SET, Keyword::SCHEMA]) {
        let schema = name(parser)?;
        let set = SetSchema { kind: RelationKind::Table, if_exists, name: table, schema };
        return Ok(Some(Definition::SetSchema(set)));
    }
    if parser.parse_keyword(Keyword::RENAME) {
        let Some(action) = rename(parser)? else { return Ok(None) };
        actions.push(action);
    } else {
        loop {
            let Some(action) = action(parser)? else { return Ok(None) };
            actions.push(action);
            if !parser.consume_token(&Token::Comma) {
                break;
            }
        }
    }
    let kind = RelationKind::Table;
    Ok(Some(Definition::AlterTable(AlterTable { kind, if_exists, name: table, actions })))
}

/// Behind RENAME.
fn rename(parser: &mut Parser<'_>) -> Parse<Option<Action>> {
    if parser.parse_keyword(Keyword::TO) {
        return Ok(Some(Action::RenameTable(name(parser)?)));
    }
    let constraint = parser.parse_keyword(Keyword::CONSTRAINT);
    if !constraint {
        let _ = parser.parse_keyword(Keyword::COLUMN);
    }
    let from = name(parser)?;
    parser.expect_keyword(Keyword::TO)?;
    let to = name(parser)?;
    Ok(Some(match constraint {
        true => Action::RenameConstraint(from, to),
        false => Action::RenameColumn(from, to),
    }))
}

fn action(parser: &mut Parser<'_>) -> Parse<Option<Action>> {
    Ok(Some(if parser.parse_keyword(Keyword::ADD) {
        match table_constraint(parser)? {
            Some(constraint) => Action::AddConstraint(Box::new(constraint)),
            None => {
                let _ = parser.parse_keyword(Keyword::COLUMN);
                let if_not_exists =
                    parser.parse_keywords(&[Keyword::IF, Keyword::NOT, Keyword::EXISTS]);
                Action::AddColumn(if_not_exists, Box::new(column(parser)?))
            }
        }
    } else if parser.parse_keywords(&[Keyword::DROP, Keyword::CONSTRAINT]) {
        Action::DropConstraint(dropped(parser)?)
    } else if parser.parse_keyword(Keyword::DROP) {
        let _ = parser.parse_keyword(Keyword::COLUMN);
        Action::DropColumn(dropped(parser)?)
    } else if parser.parse_keywords(&[Keyword::VALIDATE, Keyword::CONSTRAINT]) {
        Action::Validate(name(parser)?)
    } else if parser.parse_keywords(&[Keyword::ALTER, Keyword::CONSTRAINT]) {
        let constraint = name(parser)?;
        Action::AlterConstraint(constraint, attributes(parser)?)
    } else if parser.parse_keyword(Keyword::ALTER) {
        let _ = parser.parse_keyword(Keyword::COLUMN);
        let column = name(parser)?;
        let Some(action) = of_column(parser)? else { return Ok(None) };
        Action::Column(column, Box::new(action))
    } else if let Some(word) = parser.parse_one_of_keywords(&[Keyword::SET, Keyword::RESET]) {
        match parser.peek_token_ref().token {
            Token::LParen => Action::Parameters(word == Keyword::SET, parameters(parser)?),
            _ => return Ok(None),
        }
    } else {
        return Ok(None);
    }))
}

/// A name with IF EXISTS before it, and CASCADE or RESTRICT behind.
fn dropped(parser: &mut Parser<'_>) -> Parse<Drop> {
    let if_exists = parser.parse_keywords(&[Keyword::IF, Keyword::EXISTS]);
    let name = name(parser)?;
    let behavior = parser.parse_one_of_keywords(&[Keyword::CASCADE, Keyword::RESTRICT]);
    Ok(Drop { name, if_exists, cascade: behavior == Some(Keyword::CASCADE) })
}

/// Behind `ALTER [COLUMN] name`.
fn of_column(parser: &mut Parser<'_>) -> Parse<Option<ColumnAction>> {
    if parser.parse_keyword(Keyword::TYPE)
        || parser.parse_keywords(&[Keyword::SET, Keyword::DATA, Keyword::TYPE])
    {
        let data_type = parser.parse_data_type()?;
        let using = match parser.parse_keyword(Keyword::USING) {
            true => Some(parser.parse_expr()?),
            false => None,
        };
        return Ok(Some(ColumnAction::Type(data_type, using)));
    }
    if parser.parse_keywords(&[Keyword::SET, Keyword::DEFAULT]) {
        return Ok(Some(ColumnAction::SetDefault(parser.parse_expr()?)));
    }
    if parser.parse_keywords(&[Keyword::SET, Keyword::NOT, Keyword::NULL]) {
        return Ok(Some(ColumnAction::SetNotNull));
    }
    if parser.parse_keywords(&[Keyword::DROP, Keyword::DEFAULT]) {
        return Ok(Some(ColumnAction::DropDefault));
    }
    if parser.parse_keywords(&[Keyword::DROP, Keyword::NOT, Keyword::NULL]) {
        return Ok(Some(ColumnAction::DropNotNull));
    }
    if parser.parse_keywords(&[Keyword::ADD, Keyword::GENERATED]) {
        let always = always(parser)?;
        parser.expect_keywords(&[Keyword::AS, Keyword::IDENTITY])?;
        let options = sequence_options(parser)?;
        return Ok(Some(ColumnAction::AddIdentity(IdentityClause { always, options })));
    }
    if parser.parse_keyword(Keyword::DROP) {
        let identity = parser.parse_keyword(Keyword::IDENTITY);
        if !identity && !word(parser, "expression") {
            return Ok(None);
        }
        let if_exists = parser.parse_keywords(&[Keyword::IF, Keyword::EXISTS]);
        return Ok(Some(match identity {
            true => ColumnAction::DropIdentity(if_exists),
            false => ColumnAction::DropExpression(if_exists),
        }));
    }
    set_identity(parser)
}

/// `SET GENERATED ...`, `SET option` and `RESTART`, in a row.
fn set_identity(parser: &mut Parser<'_>) -> Parse<Option<ColumnAction>> {
    let (mut kind, mut options) = (None, Vec::new());
    loop {
        if parser.peek_keyword(Keyword::RESTART) {
            options.extend(sequence_option(parser)?);
        } else if parser.parse_keywords(&[Keyword::SET, Keyword::GENERATED]) {
            kind = Some(always(parser)?);
        } else if parser.parse_keyword(Keyword::SET) {
            match sequence_option(parser)? {
                Some(option) => options.push(option),
                None => return Ok(None),
            }
        } else if kind.is_none() && options.is_empty() {
            return Ok(None);
        } else {
            return Ok(Some(ColumnAction::SetIdentity(kind, options)));
        }
    }
}
