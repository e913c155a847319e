//! Views, sequences and schemas.

use datafusion::sql::sqlparser::ast::Ident;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;

use super::create::sequence_option;
use super::{
    AlterSequence, AlterView, CreateSchema, CreateSequence, CreateView, Definition, Parse, Refresh,
    SequenceOption, StoredOption, ViewAction, here, integer, name, names, unexpected, word,
};
use crate::catalog::view::CheckOption;

/// Behind `CREATE [OR REPLACE] [TEMPORARY] VIEW`.
pub(super) fn view(
    parser: &mut Parser<'_>,
    temporary: bool,
    or_replace: bool,
    recursive: bool,
) -> Parse<Definition> {
    let view = parser.parse_object_name(false)?;
    let columns = match parser.peek_token_ref().token {
        Token::LParen => names(parser)?,
        _ if recursive => return unexpected(parser, "("),
        _ => Vec::new(),
    };
    let options = match parser.parse_keyword(Keyword::WITH) {
        true => options_of_view(parser)?,
        false => Vec::new(),
    };
    parser.expect_keyword(Keyword::AS)?;
    let start = here(parser).start;
    let query = parser.parse_query()?;
    let end = match parser.peek_token_ref().token {
        Token::EOF => None,
        _ => Some(here(parser).start),
    };
    let mut check_option = None;
    if parser.parse_keyword(Keyword::WITH) {
        check_option = Some(match parser.parse_keyword(Keyword::LOCAL) {
            true => CheckOption::Local,
            false => {
                let _ = word(parser, "cascaded");
                CheckOption::Cascaded
            }
        });
        parser.expect_keywords(&[Keyword::CHECK, Keyword::OPTION])?;
    }
    Ok(Definition::CreateView(Box::new(CreateView {
        name: view,
        temporary,
        or_replace,
        recursive,
        columns,
        options,
        query,
        check_option,
        start,
        end,
    })))
}

/// `(name [= value], ...)`
fn options_of_view(parser: &mut Parser<'_>) -> Parse<Vec<StoredOption>> {
    parser.expect_token(&Token::LParen)?;
    let options = parser.parse_comma_separated(|parser| {
        let name = parser.parse_identifier()?;
        let value = match parser.consume_token(&Token::Eq) {
            true => Some(match parser.next_token().token {
                Token::Word(word) if word.quote_style.is_none() => word.value.to_lowercase(),
                Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text) => text,
                other => other.to_string(),
            }),
            false => None,
        };
        Ok((name, value))
    })?;
    parser.expect_token(&Token::RParen)?;
    Ok(options)
}

/// Behind `ALTER VIEW [IF EXISTS] name`; `None` for what is not known.
pub(super) fn alter_view(
    parser: &mut Parser<'_>,
    if_exists: bool,
    view: datafusion::sql::sqlparser::ast::ObjectName,
) -> Parse<Option<Definition>> {
    let action = if parser.parse_keyword(Keyword::RENAME) {
        let _ = parser.parse_keyword(Keyword::COLUMN);
        let from = name(parser)?;
        parser.expect_keyword(Keyword::TO)?;
        ViewAction::RenameColumn(from, name(parser)?)
    } else if parser.parse_keyword(Keyword::ALTER) {
        let _ = parser.parse_keyword(Keyword::COLUMN);
        let column = name(parser)?;
        if parser.parse_keywords(&[Keyword::SET, Keyword::DEFAULT]) {
            ViewAction::SetDefault(column, Box::new(parser.parse_expr()?))
        } else {
            parser.expect_keywords(&[Keyword::DROP, Keyword::DEFAULT])?;
            ViewAction::DropDefault(column)
        }
    } else if parser.parse_keyword(Keyword::SET) {
        ViewAction::Set(options_of_view(parser)?)
    } else if parser.parse_keyword(Keyword::RESET) {
        ViewAction::Reset(options_of_view(parser)?)
    } else {
        return Ok(None);
    };
    Ok(Some(Definition::AlterView(AlterView { name: view, if_exists, action })))
}

/// `REFRESH MATERIALIZED VIEW [CONCURRENTLY] name [WITH [NO] DATA]`
pub(in crate::parser) fn refresh(parser: &mut Parser<'_>) -> Parse<Definition> {
    parser.next_token();
    parser.expect_keywords(&[Keyword::MATERIALIZED, Keyword::VIEW])?;
    let concurrently = parser.parse_keyword(Keyword::CONCURRENTLY);
    let name = parser.parse_object_name(false)?;
    let mut with_data = true;
    if parser.parse_keyword(Keyword::WITH) {
        with_data = !parser.parse_keyword(Keyword::NO);
        parser.expect_keyword(Keyword::DATA)?;
    }
    Ok(Definition::Refresh(Refresh { name, concurrently, with_data }))
}

/// Behind `CREATE [TEMPORARY] SEQUENCE`.
pub(super) fn sequence(parser: &mut Parser<'_>, temporary: bool) -> Parse<Option<Definition>> {
    let if_not_exists = parser.parse_keywords(&[Keyword::IF, Keyword::NOT, Keyword::EXISTS]);
    let name = parser.parse_object_name(false)?;
    let options = options(parser)?;
    let create = CreateSequence { name, temporary, if_not_exists, options };
    Ok(Some(Definition::CreateSequence(create)))
}

/// Behind `ALTER SEQUENCE [IF EXISTS] name`, if it is options.
pub(super) fn alter_sequence(
    parser: &mut Parser<'_>,
    if_exists: bool,
    name: datafusion::sql::sqlparser::ast::ObjectName,
) -> Parse<Option<Definition>> {
    let options = options(parser)?;
    Ok(match options.is_empty() {
        true => None,
        false => Some(Definition::AlterSequence(AlterSequence { name, if_exists, options })),
    })
}

fn options(parser: &mut Parser<'_>) -> Parse<Vec<SequenceOption>> {
    let mut options = Vec::new();
    loop {
        if parser.parse_keyword(Keyword::AS) {
            options.push(SequenceOption::As(parser.parse_data_type()?));
        } else if parser.parse_keyword(Keyword::OWNED) {
            parser.expect_keyword(Keyword::BY)?;
            options.push(SequenceOption::OwnedBy(match parser.parse_keyword(Keyword::NONE) {
                true => None,
                false => Some(parser.parse_object_name(false)?),
            }));
        } else if let Some(option) = sequence_option(parser)? {
            options.push(option);
        } else {
            return Ok(options);
        }
    }
}

/// `CACHE n`
pub(super) fn cache(parser: &mut Parser<'_>) -> Parse<Option<SequenceOption>> {
    match word(parser, "cache") {
        true => Ok(Some(SequenceOption::Cache(integer(parser)?))),
        false => Ok(None),
    }
}

/// Behind `CREATE SCHEMA`; `None` if things are made in it at once.
pub(super) fn schema(parser: &mut Parser<'_>) -> Parse<Option<Definition>> {
    let if_not_exists = parser.parse_keywords(&[Keyword::IF, Keyword::NOT, Keyword::EXISTS]);
    let mut schema: Option<Ident> = None;
    if !parser.peek_keyword(Keyword::AUTHORIZATION) {
        schema = Some(name(parser)?);
    }
    let owner = match parser.parse_keyword(Keyword::AUTHORIZATION) {
        true => Some(parser.parse_identifier()?),
        false => None,
    };
    if schema.is_none() && owner.is_none() {
        return unexpected(parser, "a name");
    }
    match parser.peek_token_ref().token {
        Token::EOF | Token::SemiColon => {
            let create = CreateSchema { name: schema, owner, if_not_exists };
            Ok(Some(Definition::CreateSchema(create)))
        }
        _ => Ok(None),
    }
}
