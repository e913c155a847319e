//! Views, sequences and schemas.

use datafusion::sql::sqlparser::ast::Ident;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;

use super::create::sequence_option;
use super::{
    AlterSequence, CreateSchema, CreateSequence, CreateView, Definition, Parse, SequenceOption,
    here, integer, name, names, unexpected, word,
};

/// Behind `CREATE [OR REPLACE] [TEMPORARY] VIEW`.
pub(super) fn view(
    parser: &mut Parser<'_>,
    temporary: bool,
    or_replace: bool,
) -> Parse<Option<Definition>> {
    let view = parser.parse_object_name(false)?;
    let columns = match parser.peek_token_ref().token {
        Token::LParen => names(parser)?,
        _ => Vec::new(),
    };
    if parser.peek_keyword(Keyword::WITH) {
        return Ok(None);
    }
    parser.expect_keyword(Keyword::AS)?;
    let start = here(parser).start;
    let query = parser.parse_query()?;
    let end = match parser.peek_token_ref().token {
        Token::EOF => None,
        Token::SemiColon => Some(here(parser).start),
        _ => return Ok(None),
    };
    let create = CreateView { name: view, temporary, or_replace, columns, query, start, end };
    Ok(Some(Definition::CreateView(create)))
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
