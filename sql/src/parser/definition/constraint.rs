//! Constraints of tables, and what columns share with them.

use datafusion::sql::sqlparser::ast::Ident;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::{Span, Token};

use super::create::nulls_distinct;
use super::{
    ActionKind, Attribute, ConstraintKind, MatchClause, NullsDistinct, Parse, References,
    ReferentialAction, TableConstraint, UniqueClause, expression, here, name, names, unexpected,
};

/// A constraint of a table, if one stands here.
pub(super) fn table_constraint(parser: &mut Parser<'_>) -> Parse<Option<TableConstraint>> {
    let span = here(parser);
    let named = match parser.parse_keyword(Keyword::CONSTRAINT) {
        true => Some(name(parser)?),
        false => None,
    };
    let kind = if parser.parse_keyword(Keyword::CHECK) {
        ConstraintKind::Check(expression(parser)?)
    } else if parser.parse_keyword(Keyword::UNIQUE) {
        match using_index(parser)? {
            Some(index) => ConstraintKind::UsingIndex(false, index),
            None => {
                let nulls = nulls_distinct(parser)?;
                ConstraintKind::Unique(unique(parser, false, nulls)?)
            }
        }
    } else if parser.parse_keywords(&[Keyword::PRIMARY, Keyword::KEY]) {
        match using_index(parser)? {
            Some(index) => ConstraintKind::UsingIndex(true, index),
            None => ConstraintKind::Unique(unique(parser, true, NullsDistinct::Distinct)?),
        }
    } else if parser.parse_keywords(&[Keyword::FOREIGN, Keyword::KEY]) {
        let columns = names(parser)?;
        parser.expect_keyword(Keyword::REFERENCES)?;
        ConstraintKind::ForeignKey(columns, references(parser)?)
    } else if named.is_some() {
        return unexpected(parser, "a constraint");
    } else {
        return Ok(None);
    };
    let attributes = attributes(parser)?;
    Ok(Some(TableConstraint { name: named, kind, attributes, span }))
}

fn using_index(parser: &mut Parser<'_>) -> Parse<Option<Ident>> {
    match parser.parse_keywords(&[Keyword::USING, Keyword::INDEX]) {
        true => name(parser).map(Some),
        false => Ok(None),
    }
}

fn unique(parser: &mut Parser<'_>, primary: bool, nulls: NullsDistinct) -> Parse<UniqueClause> {
    let columns = names(parser)?;
    let include = match parser.parse_keyword(Keyword::INCLUDE) {
        true => names(parser)?,
        false => Vec::new(),
    };
    Ok(UniqueClause { primary, columns, include, nulls })
}

/// What stands behind REFERENCES.
pub(super) fn references(parser: &mut Parser<'_>) -> Parse<References> {
    let table = parser.parse_object_name(false)?;
    let columns = match parser.peek_token_ref().token {
        Token::LParen => names(parser)?,
        _ => Vec::new(),
    };
    let start = here(parser);
    let match_type = match parser.parse_keyword(Keyword::MATCH) {
        false => None,
        true => {
            let words = [Keyword::FULL, Keyword::PARTIAL, Keyword::SIMPLE];
            let clause = match parser.parse_one_of_keywords(&words) {
                Some(Keyword::FULL) => MatchClause::Full,
                Some(Keyword::PARTIAL) => MatchClause::Partial,
                Some(_) => MatchClause::Simple,
                None => return unexpected(parser, "FULL, PARTIAL or SIMPLE"),
            };
            Some((clause, start))
        }
    };
    let mut references =
        References { table, columns, match_type, on_delete: None, on_update: None };
    loop {
        let span = here(parser);
        if references.on_delete.is_none() && parser.parse_keywords(&[Keyword::ON, Keyword::DELETE])
        {
            references.on_delete = Some(action(parser, span)?);
        } else if references.on_update.is_none()
            && parser.parse_keywords(&[Keyword::ON, Keyword::UPDATE])
        {
            references.on_update = Some(action(parser, span)?);
        } else {
            return Ok(references);
        }
    }
}

fn action(parser: &mut Parser<'_>, span: Span) -> Parse<ReferentialAction> {
    let kind = if parser.parse_keywords(&[Keyword::NO, Keyword::ACTION]) {
        ActionKind::NoAction
    } else if parser.parse_keyword(Keyword::RESTRICT) {
        ActionKind::Restrict
    } else if parser.parse_keyword(Keyword::CASCADE) {
        ActionKind::Cascade
    } else if parser.parse_keywords(&[Keyword::SET, Keyword::NULL]) {
        ActionKind::SetNull
    } else if parser.parse_keywords(&[Keyword::SET, Keyword::DEFAULT]) {
        ActionKind::SetDefault
    } else {
        return unexpected(parser, "an action");
    };
    let takes_columns = matches!(kind, ActionKind::SetNull | ActionKind::SetDefault);
    let columns = match takes_columns && parser.peek_token_ref().token == Token::LParen {
        true => names(parser)?,
        false => Vec::new(),
    };
    Ok(ReferentialAction { kind, columns, span })
}

/// What stands behind a constraint of a table.
pub(super) fn attributes(parser: &mut Parser<'_>) -> Parse<Vec<(Attribute, Span)>> {
    let mut attributes = Vec::new();
    loop {
        let span = here(parser);
        match attribute(parser, true)? {
            Some(attribute) => attributes.push((attribute, span)),
            None => return Ok(attributes),
        }
    }
}

/// DEFERRABLE and its kin; behind a constraint of a table there can be more of it.
pub(super) fn attribute(parser: &mut Parser<'_>, of_table: bool) -> Parse<Option<Attribute>> {
    Ok(Some(if parser.parse_keyword(Keyword::DEFERRABLE) {
        Attribute::Deferrable
    } else if parser.parse_keywords(&[Keyword::NOT, Keyword::DEFERRABLE]) {
        Attribute::NotDeferrable
    } else if of_table && parser.parse_keywords(&[Keyword::NOT, Keyword::VALID]) {
        Attribute::NotValid
    } else if of_table && parser.parse_keywords(&[Keyword::NO, Keyword::INHERIT]) {
        Attribute::NoInherit
    } else if parser.parse_keyword(Keyword::INITIALLY) {
        match parser.parse_one_of_keywords(&[Keyword::DEFERRED, Keyword::IMMEDIATE]) {
            Some(Keyword::DEFERRED) => Attribute::InitiallyDeferred,
            Some(_) => Attribute::InitiallyImmediate,
            None => return unexpected(parser, "DEFERRED or IMMEDIATE"),
        }
    } else {
        return Ok(None);
    }))
}
