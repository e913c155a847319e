//! sqlparser's PostgreSQL dialect without the reading of function arguments that tries every
//! argument twice, as a name and as a value: `abs(abs(abs(...)))` takes it exponential time.
//! (`f(name => value)` is read all the same: names that are plain identifiers need no trying.) And with
//! VARIADIC before an argument, IS DISTINCT FROM with its precedence, queries in several
//! parentheses, and the key words that name nothing.
//!
//! All else is passed on.

use std::any::TypeId;

use datafusion::sql::sqlparser::ast::{CastKind, DataType, Expr, Ident};
use datafusion::sql::sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::parser::parentheses;

/// `INTERVAL(2) '...'`, which is a cast.
fn interval_with_precision(parser: &mut Parser<'_>) -> Option<Expr> {
    if !parser.peek_keyword(Keyword::INTERVAL) {
        return None;
    }
    let [_, open, digits, close, text] = parser.peek_tokens();
    let (Token::LParen, Token::Number(digits, _), Token::RParen) = (open, digits, close) else {
        return None;
    };
    let Token::SingleQuotedString(_) = text else { return None };
    let precision = digits.parse().ok()?;
    for _ in 0..4 {
        parser.next_token();
    }
    Some(Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(Expr::Value(parser.parse_value().ok()?)),
        data_type: DataType::Interval { fields: None, precision: Some(precision) },
        array: false,
        format: None,
    })
}

/// The dialect that statements are parsed in.
#[derive(Debug)]
pub struct CairnDialect;

const BASE: PostgreSqlDialect = PostgreSqlDialect {};

/// Key words that name nothing, and before which an expression has to have begun or ended. sqlparser takes
/// some of them for columns.
const BEGINS_NO_EXPRESSION: &[Keyword] = &[
    Keyword::AND,
    Keyword::AS,
    Keyword::ASC,
    Keyword::COLLATE,
    Keyword::DESC,
    Keyword::ELSE,
    Keyword::END,
    Keyword::EXCEPT,
    Keyword::FETCH,
    Keyword::FROM,
    Keyword::GROUP,
    Keyword::HAVING,
    Keyword::IN,
    Keyword::INTERSECT,
    Keyword::INTO,
    Keyword::LIMIT,
    Keyword::OFFSET,
    Keyword::OR,
    Keyword::ORDER,
    Keyword::RETURNING,
    Keyword::THEN,
    Keyword::UNION,
    Keyword::USING,
    Keyword::WHEN,
    Keyword::WHERE,
    Keyword::WINDOW,
];

/// Key words that are column labels only behind AS.
const NO_BARE_LABEL: &[Keyword] = &[
    Keyword::ARRAY,
    Keyword::CHAR,
    Keyword::CHARACTER,
    Keyword::CREATE,
    Keyword::DAY,
    Keyword::FILTER,
    Keyword::FOR,
    Keyword::GRANT,
    Keyword::HOUR,
    Keyword::MINUTE,
    Keyword::MONTH,
    Keyword::NOTNULL,
    Keyword::ON,
    Keyword::OVER,
    Keyword::OVERLAPS,
    Keyword::PRECISION,
    Keyword::RETURNING,
    Keyword::SECOND,
    Keyword::TO,
    Keyword::VARYING,
    Keyword::WITHIN,
    Keyword::WITHOUT,
    Keyword::YEAR,
];

macro_rules! pass_on {
    ($($name:ident)*) => {
        $(fn $name(&self) -> bool {
            BASE.$name()
        })*
    };
}

impl Dialect for CairnDialect {
    /// The parser asks in places whether this is PostgreSQL's.
    fn dialect(&self) -> TypeId {
        TypeId::of::<PostgreSqlDialect>()
    }

    fn supports_named_fn_args_with_expr_name(&self) -> bool {
        false
    }

    /// `f(name := value)`, the older form of `f(name => value)`.
    fn supports_named_fn_args_with_assignment_operator(&self) -> bool {
        true
    }

    /// VARIADIC before an argument, `INTERVAL(2) '...'`, queries in several parentheses, and no column where a key word stands.
    fn parse_prefix(&self, parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
        if let Some(interval) = interval_with_precision(parser) {
            return Some(Ok(interval));
        }
        let next = parser.peek_token_ref();
        if let Token::Word(word) = &next.token
            && word.quote_style.is_none()
            && BEGINS_NO_EXPRESSION.contains(&word.keyword)
        {
            return Some(parser.expected_ref("an expression", next));
        }
        if next.token == Token::LParen {
            return parentheses::subquery(parser);
        }
        let prefix = match parser.peek_token_ref() {
            TokenWithSpan { token: Token::Word(word), span }
                if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("variadic") =>
            {
                Ident::with_span(*span, word.value.clone())
            }
            _ => return None,
        };
        parser.next_token();
        let value = parser.parse_expr();
        Some(value.map(|value| Expr::Prefixed { prefix, value: Box::new(value) }))
    }

    /// IS DISTINCT FROM, whose right side sqlparser takes to go on up to the end: it binds tighter than AND.
    /// And IN before a list that begins with a parenthesis.
    fn parse_infix(
        &self,
        parser: &mut Parser<'_>,
        left: &Expr,
        precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        if !parser.peek_keyword(Keyword::IS) {
            return parentheses::in_list(parser, left);
        }
        let distinct = [Keyword::IS, Keyword::DISTINCT, Keyword::FROM];
        let not_distinct = [Keyword::IS, Keyword::NOT, Keyword::DISTINCT, Keyword::FROM];
        let form = if parser.parse_keywords(&distinct) {
            Expr::IsDistinctFrom
        } else if parser.parse_keywords(&not_distinct) {
            Expr::IsNotDistinctFrom
        } else {
            return None;
        };
        let right = parser.parse_subexpr(precedence);
        Some(right.map(|right| form(Box::new(left.clone()), Box::new(right))))
    }

    fn identifier_quote_style(&self, identifier: &str) -> Option<char> {
        BASE.identifier_quote_style(identifier)
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        BASE.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        BASE.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        BASE.is_identifier_part(ch)
    }

    /// ARRAY and CASE are, so that what goes wrong inside `ARRAY[...]` is not read again as a subscript, nor
    /// CASE as a column.
    fn is_reserved_for_identifier(&self, kw: Keyword) -> bool {
        matches!(kw, Keyword::ARRAY | Keyword::CASE) || BASE.is_reserved_for_identifier(kw)
    }

    fn is_custom_operator_part(&self, ch: char) -> bool {
        BASE.is_custom_operator_part(ch)
    }

    fn get_next_precedence(&self, parser: &Parser<'_>) -> Option<Result<u8, ParserError>> {
        BASE.get_next_precedence(parser)
    }

    fn prec_value(&self, precedence: Precedence) -> u8 {
        BASE.prec_value(precedence)
    }

    /// `INSERT ... SELECT 1 ON CONFLICT ...` has no column that is called `on`, and `SELECT 1 FOR UPDATE`
    /// none called `for`.
    fn is_column_alias(&self, kw: &Keyword, parser: &mut Parser<'_>) -> bool {
        !NO_BARE_LABEL.contains(kw) && BASE.is_column_alias(kw, parser)
    }

    /// `a JOIN b JOIN c ON p ON q` joins b with c first.
    fn supports_left_associative_joins_without_parens(&self) -> bool {
        false
    }

    pass_on! {
        supports_unicode_string_literal
        supports_filter_during_aggregation
        supports_group_by_expr
        allow_extract_custom
        allow_extract_single_quotes
        supports_create_index_with_clause
        supports_explain_with_utility_options
        supports_listen_notify
        supports_factorial_operator
        supports_bitwise_shift_operators
        supports_comment_on
        supports_load_extension
        supports_named_fn_args_with_colon_operator
        supports_empty_projections
        supports_nested_comments
        supports_string_escape_constant
        supports_numeric_literal_underscores
        supports_array_typedef_with_brackets
        supports_geometric_types
        supports_set_names
        supports_alter_column_type_using
        supports_notnull_operator
        supports_interval_options
        supports_insert_table_alias
        supports_create_table_like_parenthesized
        supports_select_wildcard_with_alias
        supports_comma_separated_trim
        supports_xml_expressions
        supports_comment_optimizer_hint
    }
}
