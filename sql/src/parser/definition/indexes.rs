//! DROP INDEX CONCURRENTLY and REINDEX.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;

use super::{Definition, DropIndexes, Parse, Reindex, ReindexKind, unexpected, word};
use crate::error::{Error, Result, SqlState};

/// Reads them; `None` for other statements.
pub(super) fn parse(parser: &mut Parser<'_>) -> Parse<Option<Definition>> {
    if parser.parse_keywords(&[Keyword::DROP, Keyword::INDEX]) {
        if !parser.parse_keyword(Keyword::CONCURRENTLY) {
            return Ok(None);
        }
        let if_exists = parser.parse_keywords(&[Keyword::IF, Keyword::EXISTS]);
        let names = parser.parse_comma_separated(|parser| parser.parse_object_name(false))?;
        let cascade = parser.parse_keyword(Keyword::CASCADE);
        let _ = !cascade && parser.parse_keyword(Keyword::RESTRICT);
        return Ok(Some(Definition::DropIndexes(DropIndexes { if_exists, names, cascade })));
    }
    if !parser.parse_keyword(Keyword::REINDEX) {
        return Ok(None);
    }
    let mut options = Vec::new();
    if parser.consume_token(&Token::LParen) {
        options = parser.parse_comma_separated(|parser| {
            let name = parser.parse_identifier()?;
            let value = match &parser.peek_token_ref().token {
                Token::Comma | Token::RParen => None,
                _ => Some(parser.next_token().token.to_string()),
            };
            Ok((super::fold(&name), value))
        })?;
        parser.expect_token(&Token::RParen)?;
    }
    let kind = match () {
        () if parser.parse_keyword(Keyword::INDEX) => ReindexKind::Index,
        () if parser.parse_keyword(Keyword::TABLE) => ReindexKind::Table,
        () if parser.parse_keyword(Keyword::SCHEMA) => ReindexKind::Schema,
        () if parser.parse_keyword(Keyword::DATABASE) => ReindexKind::Database,
        () if word(parser, "system") => ReindexKind::System,
        () => return unexpected(parser, "what to reindex"),
    };
    let concurrently = parser.parse_keyword(Keyword::CONCURRENTLY);
    let name = parser.parse_object_name(false)?;
    Ok(Some(Definition::Reindex(Reindex { kind, concurrently, options, name })))
}

impl Reindex {
    /// Whether it says CONCURRENTLY, and VERBOSE.
    ///
    /// # Errors
    /// Options that are not there.
    pub fn modes(&self) -> Result<(bool, bool)> {
        let (mut concurrently, mut verbose) = (self.concurrently, false);
        for (name, value) in &self.options {
            let value = match value.as_deref().map(|value| value.trim_matches('\'').to_lowercase())
            {
                None => true,
                Some(value) if matches!(value.as_str(), "true" | "on" | "1") => true,
                Some(value) if matches!(value.as_str(), "false" | "off" | "0") => false,
                Some(_) if name == "tablespace" => true,
                Some(_) => {
                    return Err(Error::new(
                        SqlState::SyntaxError,
                        format!("{name} requires a Boolean value"),
                    ));
                }
            };
            match name.as_str() {
                "concurrently" => concurrently = value,
                "verbose" => verbose = value,
                "tablespace" => return Err(Error::unsupported("TABLESPACE")),
                other => {
                    return Err(Error::new(
                        SqlState::SyntaxError,
                        format!("unrecognized REINDEX option \"{other}\""),
                    ));
                }
            }
        }
        Ok((concurrently, verbose))
    }
}
