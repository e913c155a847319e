//! CREATE TABLE AS and SELECT INTO: a table made of a query's result. sqlparser reads the one without its list
//! of columns, WITH NO DATA and EXECUTE, and the other as a query.

use datafusion::sql::sqlparser::ast::{self, Expr, Ident, ObjectName, Query, SetExpr, Statement};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Location, Token};

use super::Parsed;
use super::definition::{Parameter, on_commit, parameters};
use crate::catalog::OnCommit;

/// Such a statement.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateAs {
    /// The table.
    pub name: ObjectName,
    /// Names of its columns, the first ones or all; the others are called as in the result.
    pub columns: Vec<Ident>,
    /// WITH (...), as written.
    pub options: Vec<Parameter>,
    /// TEMPORARY.
    pub temporary: bool,
    /// ON COMMIT.
    pub on_commit: Option<OnCommit>,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// What fills it.
    pub source: CreateSource,
    /// Not WITH NO DATA.
    pub with_data: bool,
    /// Whether it was written as SELECT INTO.
    pub is_select_into: bool,
    /// Of a materialized view: where the text of its query begins and ends, if before the end.
    pub materialized: Option<(Location, Option<Location>)>,
}

/// What gives a new table its columns and rows.
#[derive(Clone, Debug, PartialEq)]
pub enum CreateSource {
    /// A query.
    Query(Box<Query>),
    /// EXECUTE: a prepared statement and its parameters.
    Execute(Ident, Vec<Expr>),
}

type Parse<T> = Result<T, ParserError>;

/// Reads CREATE TABLE AS; `None` if it is another statement, of which nothing has been read then.
pub(super) fn parse(parser: &mut Parser<'_>) -> Parse<Option<CreateAs>> {
    let Some(mut create) = parser.maybe_parse(head)? else { return Ok(None) };
    let start = parser.peek_token_ref().span.start;
    create.source = match create.materialized.is_none() && parser.parse_keyword(Keyword::EXECUTE) {
        true => execute(parser)?,
        false => CreateSource::Query(parser.parse_query()?),
    };
    if let Some(place) = &mut create.materialized {
        let end = parser.peek_token_ref();
        *place = (start, (end.token != Token::EOF).then_some(end.span.start));
    }
    if parser.parse_keyword(Keyword::WITH) {
        create.with_data = !parser.parse_keyword(Keyword::NO);
        parser.expect_keyword(Keyword::DATA)?;
    }
    Ok(Some(create))
}

/// `CREATE [TEMPORARY | UNLOGGED] TABLE [IF NOT EXISTS] name [(column, ...)] [WITH (...)] AS`
fn head(parser: &mut Parser<'_>) -> Parse<CreateAs> {
    parser.expect_keyword(Keyword::CREATE)?;
    let _ = parser.parse_one_of_keywords(&[Keyword::GLOBAL, Keyword::LOCAL]);
    let kinds = [Keyword::TEMP, Keyword::TEMPORARY];
    let temporary = parser.parse_one_of_keywords(&kinds).is_some();
    if !temporary {
        let _ = parser.parse_keyword(Keyword::UNLOGGED);
    }
    let materialized = !temporary && parser.parse_keywords(&[Keyword::MATERIALIZED, Keyword::VIEW]);
    if !materialized {
        parser.expect_keyword(Keyword::TABLE)?;
    }
    let if_not_exists = parser.parse_keywords(&[Keyword::IF, Keyword::NOT, Keyword::EXISTS]);
    let name = parser.parse_object_name(false)?;
    let mut columns = Vec::new();
    if parser.consume_token(&Token::LParen) {
        columns = parser.parse_comma_separated(Parser::parse_identifier)?;
        parser.expect_token(&Token::RParen)?;
    }
    let options = match parser.parse_keyword(Keyword::WITH) {
        true => parameters(parser)?,
        false => Vec::new(),
    };
    let on_commit = match parser.parse_keywords(&[Keyword::ON, Keyword::COMMIT]) {
        true => Some(on_commit(parser)?),
        false => None,
    };
    parser.expect_keyword(Keyword::AS)?;
    let source = CreateSource::Execute(Ident::new(""), Vec::new());
    Ok(CreateAs {
        name,
        columns,
        options,
        temporary,
        on_commit,
        if_not_exists,
        source,
        with_data: true,
        is_select_into: false,
        materialized: materialized.then(|| (Location::new(1, 1), None)),
    })
}

fn execute(parser: &mut Parser<'_>) -> Parse<CreateSource> {
    let name = parser.parse_identifier()?;
    let mut parameters = Vec::new();
    if parser.consume_token(&Token::LParen) {
        parameters = parser.parse_comma_separated(Parser::parse_expr)?;
        parser.expect_token(&Token::RParen)?;
    }
    Ok(CreateSource::Execute(name, parameters))
}

/// SELECT INTO as what it means; any other statement as it is.
pub(super) fn from_select_into(mut statement: Statement) -> Parsed {
    let into = match &mut statement {
        Statement::Query(query) => take_into(&mut query.body),
        _ => None,
    };
    match (statement, into) {
        (Statement::Query(query), Some(ast::SelectInto { temporary, name, .. })) => {
            Parsed::CreateAs(Box::new(CreateAs {
                name,
                columns: Vec::new(),
                options: Vec::new(),
                temporary,
                on_commit: None,
                if_not_exists: false,
                source: CreateSource::Query(query),
                with_data: true,
                is_select_into: true,
                materialized: None,
            }))
        }
        (statement, _) => Parsed::Sql(Box::new(statement)),
    }
}

/// Whether the first SELECT of a query has INTO.
pub fn has_into(query: &ast::Query) -> bool {
    let mut body = &query.body;
    loop {
        body = match &**body {
            SetExpr::Select(select) => return select.into.is_some(),
            SetExpr::SetOperation { left, .. } => left,
            SetExpr::Query(query) => &query.body,
            _ => return false,
        };
    }
}

/// Takes INTO out of the first SELECT, the only one that may have it.
pub fn take_into(body: &mut SetExpr) -> Option<ast::SelectInto> {
    let mut body = body;
    loop {
        body = match body {
            SetExpr::Select(select) => return select.into.take(),
            SetExpr::SetOperation { left, .. } => left,
            SetExpr::Query(query) => &mut query.body,
            _ => return None,
        };
    }
}
