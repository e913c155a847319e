//! CREATE TABLE (...).

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr};
use datafusion::sql::sqlparser::dialect::{Dialect, Precedence};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;

use super::constraint::{attribute, references, table_constraint};
use super::{
    ColumnClause, ColumnClauseKind, ColumnDefinition, CreateTable, Definition, Element,
    IdentityClause, Like, LikeOption, NullsDistinct, Parse, SequenceOption, expression, here,
    integer, name, parameters, unexpected, word,
};
use super::{objects, routine, types};
use crate::catalog::OnCommit;
use crate::dialect::CairnDialect;

/// Reads what it knows of CREATE; `None` for the rest.
pub(super) fn parse(parser: &mut Parser<'_>) -> Parse<Option<Definition>> {
    parser.expect_keyword(Keyword::CREATE)?;
    let or_replace = parser.parse_keywords(&[Keyword::OR, Keyword::REPLACE]);
    let _ = parser.parse_one_of_keywords(&[Keyword::GLOBAL, Keyword::LOCAL]);
    let temporary = [Keyword::TEMP, Keyword::TEMPORARY];
    let temporary = parser.parse_one_of_keywords(&temporary).is_some();
    let recursive = parser.parse_keyword(Keyword::RECURSIVE);
    if parser.parse_keyword(Keyword::VIEW) {
        return objects::view(parser, temporary, or_replace, recursive).map(Some);
    }
    if !temporary && !recursive && parser.parse_keyword(Keyword::FUNCTION) {
        return routine::function(parser, or_replace).map(Some);
    }
    if or_replace || recursive {
        return Ok(None);
    }
    if parser.parse_keyword(Keyword::TABLE) {
        return table(parser, temporary);
    }
    if parser.parse_keyword(Keyword::SEQUENCE) {
        return objects::sequence(parser, temporary);
    }
    if !temporary && parser.parse_keyword(Keyword::DOMAIN) {
        return types::create_domain(parser);
    }
    if !temporary && parser.parse_keyword(Keyword::TYPE) {
        return types::create(parser);
    }
    match !temporary && parser.parse_keyword(Keyword::SCHEMA) {
        true => objects::schema(parser),
        false => Ok(None),
    }
}

/// CREATE TABLE with columns; `None` for its other forms.
fn table(parser: &mut Parser<'_>, temporary: bool) -> Parse<Option<Definition>> {
    let if_not_exists = parser.parse_keywords(&[Keyword::IF, Keyword::NOT, Keyword::EXISTS]);
    let name = parser.parse_object_name(false)?;
    if !parser.consume_token(&Token::LParen) {
        return Ok(None);
    }
    let mut elements = Vec::new();
    while parser.peek_token_ref().token != Token::RParen || !elements.is_empty() {
        let Some(element) = element(parser)? else { return Ok(None) };
        elements.push(element);
        if !parser.consume_token(&Token::Comma) {
            break;
        }
    }
    parser.expect_token(&Token::RParen)?;
    let parameters = match parser.parse_keyword(Keyword::WITH) {
        true => parameters(parser)?,
        false => Vec::new(),
    };
    let on_commit = match parser.parse_keywords(&[Keyword::ON, Keyword::COMMIT]) {
        true => Some(on_commit(parser)?),
        false => None,
    };
    Ok(match parser.peek_token_ref().token {
        Token::EOF | Token::SemiColon => {
            let create =
                CreateTable { name, if_not_exists, elements, parameters, temporary, on_commit };
            Some(Definition::CreateTable(create))
        }
        _ => None,
    })
}

/// Behind ON COMMIT.
pub(crate) fn on_commit(parser: &mut Parser<'_>) -> Parse<OnCommit> {
    if parser.parse_keyword(Keyword::DROP) {
        return Ok(OnCommit::Drop);
    }
    let deletes = parser.expect_one_of_keywords(&[Keyword::PRESERVE, Keyword::DELETE])?;
    parser.expect_keyword(Keyword::ROWS)?;
    Ok(match deletes {
        Keyword::DELETE => OnCommit::DeleteRows,
        _ => OnCommit::PreserveRows,
    })
}

/// An element; `None` for the bare name of a column, as CREATE TABLE AS has them.
fn element(parser: &mut Parser<'_>) -> Parse<Option<Element>> {
    if parser.parse_keyword(Keyword::LIKE) {
        return Ok(Some(Element::Like(like(parser)?)));
    }
    if let Some(constraint) = table_constraint(parser)? {
        return Ok(Some(Element::Constraint(Box::new(constraint))));
    }
    if matches!(parser.peek_nth_token_ref(1).token, Token::Comma | Token::RParen)
        && matches!(parser.peek_token_ref().token, Token::Word(_))
    {
        return Ok(None);
    }
    Ok(Some(Element::Column(column(parser)?)))
}

fn like(parser: &mut Parser<'_>) -> Parse<Like> {
    let table = parser.parse_object_name(false)?;
    let mut included: Vec<LikeOption> = Vec::new();
    loop {
        let including =
            match parser.parse_one_of_keywords(&[Keyword::INCLUDING, Keyword::EXCLUDING]) {
                Some(word) => word == Keyword::INCLUDING,
                None => return Ok(Like { table, included }),
            };
        let options: Vec<LikeOption> = match parser.parse_keyword(Keyword::ALL) {
            true => LikeOption::ALL.iter().map(|(option, _)| *option).collect(),
            false => {
                let found = LikeOption::ALL.iter().find(|(_, text)| word(parser, text));
                match found {
                    Some((option, _)) => vec![*option],
                    None => return unexpected(parser, "an option of LIKE"),
                }
            }
        };
        included.retain(|option| !options.contains(option));
        if including {
            included.extend(options);
        }
    }
}

/// A column with its clauses.
pub(super) fn column(parser: &mut Parser<'_>) -> Parse<ColumnDefinition> {
    let name = name(parser)?;
    let data_type = parser.parse_data_type()?;
    let mut clauses = Vec::new();
    while let Some(clause) = clause(parser)? {
        clauses.push(clause);
    }
    Ok(ColumnDefinition { name, data_type, clauses })
}

/// A clause of a column, if one stands here.
pub(super) fn clause(parser: &mut Parser<'_>) -> Parse<Option<ColumnClause>> {
    let span = here(parser);
    let named = match parser.parse_keyword(Keyword::CONSTRAINT) {
        true => Some(name(parser)?),
        false => None,
    };
    let kind = if parser.parse_keywords(&[Keyword::NOT, Keyword::NULL]) {
        ColumnClauseKind::NotNull
    } else if parser.parse_keyword(Keyword::NULL) {
        ColumnClauseKind::Null
    } else if parser.parse_keyword(Keyword::UNIQUE) {
        ColumnClauseKind::Unique(nulls_distinct(parser)?)
    } else if parser.parse_keywords(&[Keyword::PRIMARY, Keyword::KEY]) {
        ColumnClauseKind::PrimaryKey
    } else if parser.parse_keyword(Keyword::CHECK) {
        ColumnClauseKind::Check(expression(parser)?)
    } else if parser.parse_keyword(Keyword::DEFAULT) {
        ColumnClauseKind::Default(default(parser)?)
    } else if parser.parse_keyword(Keyword::GENERATED) {
        generated(parser)?
    } else if parser.parse_keyword(Keyword::REFERENCES) {
        ColumnClauseKind::References(references(parser)?)
    } else if named.is_some() {
        return unexpected(parser, "a constraint");
    } else if parser.parse_keyword(Keyword::COLLATE) {
        ColumnClauseKind::Collate(parser.parse_object_name(false)?)
    } else {
        let Some(attribute) = attribute(parser, false)? else { return Ok(None) };
        ColumnClauseKind::Attribute(attribute)
    };
    // Nothing is inherited, so nothing differs.
    if matches!(kind, ColumnClauseKind::Check(_)) {
        let _ = parser.parse_keywords(&[Keyword::NO, Keyword::INHERIT]);
    }
    Ok(Some(ColumnClause { name: named, kind, span }))
}

/// An expression that NOT NULL and its kin may follow: outside of parentheses it has no AND, OR, NOT,
/// IS, IN, BETWEEN and LIKE.
fn default(parser: &mut Parser<'_>) -> Parse<Expr> {
    let binding = CairnDialect.prec_value(Precedence::Between);
    let mut expr = parser.parse_subexpr(binding)?;
    loop {
        let op = match parser.peek_token_ref().token {
            Token::Eq => BinaryOperator::Eq,
            Token::Neq => BinaryOperator::NotEq,
            Token::Lt => BinaryOperator::Lt,
            Token::LtEq => BinaryOperator::LtEq,
            Token::Gt => BinaryOperator::Gt,
            Token::GtEq => BinaryOperator::GtEq,
            _ => return Ok(expr),
        };
        parser.next_token();
        let (left, right) = (Box::new(expr), Box::new(parser.parse_subexpr(binding)?));
        expr = Expr::BinaryOp { left, op, right };
    }
}

/// `NULLS [NOT] DISTINCT`
pub(super) fn nulls_distinct(parser: &mut Parser<'_>) -> Parse<NullsDistinct> {
    if !parser.parse_keyword(Keyword::NULLS) {
        return Ok(NullsDistinct::Distinct);
    }
    let not = parser.parse_keyword(Keyword::NOT);
    parser.expect_keyword(Keyword::DISTINCT)?;
    Ok(if not { NullsDistinct::NotDistinct } else { NullsDistinct::Distinct })
}

/// Behind GENERATED.
fn generated(parser: &mut Parser<'_>) -> Parse<ColumnClauseKind> {
    let span = here(parser);
    let always = always(parser)?;
    parser.expect_keyword(Keyword::AS)?;
    if parser.parse_keyword(Keyword::IDENTITY) {
        let options = sequence_options(parser)?;
        return Ok(ColumnClauseKind::Identity(IdentityClause { always, options }));
    }
    let expr = expression(parser)?;
    parser.expect_keyword(Keyword::STORED)?;
    Ok(ColumnClauseKind::Generated((!always).then_some(span), expr))
}

/// `ALWAYS` or `BY DEFAULT`
pub(super) fn always(parser: &mut Parser<'_>) -> Parse<bool> {
    if parser.parse_keyword(Keyword::ALWAYS) {
        return Ok(true);
    }
    parser.expect_keywords(&[Keyword::BY, Keyword::DEFAULT])?;
    Ok(false)
}

/// Options in parentheses, if there are any.
pub(super) fn sequence_options(parser: &mut Parser<'_>) -> Parse<Vec<SequenceOption>> {
    let mut options = Vec::new();
    if !parser.consume_token(&Token::LParen) {
        return Ok(options);
    }
    loop {
        if parser.parse_keyword(Keyword::SEQUENCE) {
            if !word(parser, "name") {
                return unexpected(parser, "NAME");
            }
            options.push(SequenceOption::Named(parser.parse_object_name(false)?));
            continue;
        }
        match sequence_option(parser)? {
            Some(option) => options.push(option),
            None if options.is_empty() => return unexpected(parser, "an option of a sequence"),
            None => break,
        }
    }
    parser.expect_token(&Token::RParen)?;
    Ok(options)
}

/// One option of a sequence.
pub(super) fn sequence_option(parser: &mut Parser<'_>) -> Parse<Option<SequenceOption>> {
    Ok(Some(if parser.parse_keyword(Keyword::START) {
        let _ = parser.parse_keyword(Keyword::WITH);
        SequenceOption::Start(integer(parser)?)
    } else if parser.parse_keyword(Keyword::INCREMENT) {
        let _ = parser.parse_keyword(Keyword::BY);
        SequenceOption::Increment(integer(parser)?)
    } else if parser.parse_keyword(Keyword::MINVALUE) {
        SequenceOption::MinValue(Some(integer(parser)?))
    } else if parser.parse_keywords(&[Keyword::NO, Keyword::MINVALUE]) {
        SequenceOption::MinValue(None)
    } else if parser.parse_keyword(Keyword::MAXVALUE) {
        SequenceOption::MaxValue(Some(integer(parser)?))
    } else if parser.parse_keywords(&[Keyword::NO, Keyword::MAXVALUE]) {
        SequenceOption::MaxValue(None)
    } else if parser.parse_keyword(Keyword::CYCLE) {
        SequenceOption::Cycle(true)
    } else if parser.parse_keywords(&[Keyword::NO, Keyword::CYCLE]) {
        SequenceOption::Cycle(false)
    } else if parser.parse_keyword(Keyword::RESTART) {
        let with = parser.parse_keyword(Keyword::WITH);
        let has_number =
            matches!(parser.peek_token_ref().token, Token::Number(..) | Token::Minus | Token::Plus);
        SequenceOption::Restart(match with || has_number {
            true => Some(integer(parser)?),
            false => None,
        })
    } else {
        return super::objects::cache(parser);
    }))
}
