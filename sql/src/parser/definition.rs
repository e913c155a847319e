//! CREATE TABLE, ALTER TABLE and their kin, as this crate reads them itself.
//!
//! sqlparser's forms of these statements are a sum of many dialects: they lack what PostgreSQL has
//! (column lists of SET NULL, NULLS NOT DISTINCT behind a column, LIKE among columns, ...), take
//! what it refuses, and do not tell where a clause stands. So tables are read here, with sqlparser
//! for names, types and expressions. What is not recognized is left to sqlparser.

mod alter;
mod comment;
mod constraint;
mod create;
mod indexes;
mod objects;
pub mod owner;
pub mod routine;
pub mod types;

use datafusion::sql::sqlparser::ast::{DataType, Expr, Ident, ObjectName, Query};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Location, Span, Token};

use crate::binder::fold;
use crate::catalog::OnCommit;
use crate::catalog::view::CheckOption;
use crate::keywords::cannot_name_a_relation;

pub use comment::{Comment, CommentObject};
pub(super) use create::on_commit;
pub(super) use objects::refresh;
pub(super) use routine::drop_function;

type Parse<T> = Result<T, ParserError>;

/// A statement that defines something.
#[derive(Clone, Debug, PartialEq)]
pub enum Definition {
    /// CREATE TABLE with columns.
    CreateTable(CreateTable),
    /// ALTER TABLE.
    AlterTable(AlterTable),
    /// ALTER INDEX ... SET and RESET.
    AlterIndex(AlterIndex),
    /// ALTER INDEX, ALTER SEQUENCE or ALTER VIEW ... RENAME TO.
    Rename(Rename),
    /// ALTER TABLE, ALTER SEQUENCE or ALTER VIEW ... SET SCHEMA.
    SetSchema(SetSchema),
    /// CREATE VIEW.
    CreateView(Box<CreateView>),
    /// ALTER VIEW.
    AlterView(AlterView),
    /// REFRESH MATERIALIZED VIEW.
    Refresh(Refresh),
    /// CREATE FUNCTION.
    CreateFunction(Box<routine::CreateFunction>),
    /// DROP FUNCTION.
    DropFunction(routine::DropFunction),
    /// CREATE SEQUENCE.
    CreateSequence(CreateSequence),
    /// ALTER SEQUENCE.
    AlterSequence(AlterSequence),
    /// CREATE SCHEMA.
    CreateSchema(CreateSchema),
    /// CREATE TYPE.
    CreateType(types::CreateType),
    /// ALTER TYPE.
    AlterType(types::AlterType),
    /// CREATE DOMAIN.
    CreateDomain(types::CreateDomain),
    /// ALTER DOMAIN.
    AlterDomain(types::AlterDomain),
    /// DROP TYPE and DROP DOMAIN.
    DropTypes(types::DropTypes),
    /// DROP INDEX CONCURRENTLY.
    DropIndexes(DropIndexes),
    /// REINDEX.
    Reindex(Reindex),
    /// ALTER ... OWNER TO.
    SetOwner(owner::SetOwner),
    /// COMMENT ON.
    Comment(Comment),
}

/// CREATE TABLE.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateTable {
    /// Its name.
    pub name: ObjectName,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// What stands between the parentheses.
    pub elements: Vec<Element>,
    /// Storage parameters.
    pub parameters: Vec<Parameter>,
    /// TEMPORARY.
    pub temporary: bool,
    /// ON COMMIT.
    pub on_commit: Option<OnCommit>,
}

/// CREATE VIEW.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateView {
    /// Its name.
    pub name: ObjectName,
    /// TEMPORARY.
    pub temporary: bool,
    /// OR REPLACE.
    pub or_replace: bool,
    /// RECURSIVE: the query may name the view.
    pub recursive: bool,
    /// Names of its columns, the first ones or all.
    pub columns: Vec<Ident>,
    /// WITH (...).
    pub options: Vec<StoredOption>,
    /// The query.
    pub query: Box<Query>,
    /// WITH CHECK OPTION.
    pub check_option: Option<CheckOption>,
    /// Where its text begins.
    pub start: Location,
    /// Where it ends, if before the end of the text.
    pub end: Option<Location>,
}

/// REFRESH MATERIALIZED VIEW.
#[derive(Clone, Debug, PartialEq)]
pub struct Refresh {
    /// Its name.
    pub name: ObjectName,
    /// CONCURRENTLY.
    pub concurrently: bool,
    /// Not WITH NO DATA.
    pub with_data: bool,
}

/// An option in parentheses: its name, and what stands behind `=`.
pub type StoredOption = (Ident, Option<String>);

/// ALTER VIEW, but for what other relations know as well.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterView {
    /// Its name.
    pub name: ObjectName,
    /// IF EXISTS.
    pub if_exists: bool,
    /// What to do.
    pub action: ViewAction,
}

/// What ALTER VIEW does.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names are SQL's")]
pub enum ViewAction {
    RenameColumn(Ident, Ident),
    SetDefault(Ident, Box<Expr>),
    DropDefault(Ident),
    Set(Vec<StoredOption>),
    Reset(Vec<StoredOption>),
}

/// CREATE SEQUENCE.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateSequence {
    /// Its name.
    pub name: ObjectName,
    /// TEMPORARY.
    pub temporary: bool,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// What is said of it.
    pub options: Vec<SequenceOption>,
}

/// ALTER SEQUENCE.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterSequence {
    /// Its name.
    pub name: ObjectName,
    /// IF EXISTS.
    pub if_exists: bool,
    /// What is said of it.
    pub options: Vec<SequenceOption>,
}

/// CREATE SCHEMA.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateSchema {
    /// Its name; none: that of its owner.
    pub name: Option<Ident>,
    /// AUTHORIZATION.
    pub owner: Option<Ident>,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
}

/// An element of CREATE TABLE.
#[derive(Clone, Debug, PartialEq)]
pub enum Element {
    /// A column.
    Column(ColumnDefinition),
    /// A constraint of the table.
    Constraint(Box<TableConstraint>),
    /// LIKE.
    Like(Like),
}

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnDefinition {
    /// Its name.
    pub name: Ident,
    /// Its type.
    pub data_type: DataType,
    /// What is said of it.
    pub clauses: Vec<ColumnClause>,
}

/// A clause of a column definition.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnClause {
    /// The constraint's name.
    pub name: Option<Ident>,
    /// What it says.
    pub kind: ColumnClauseKind,
    /// Where it stands.
    pub span: Span,
}

/// What a clause of a column definition says.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names are SQL's")]
pub enum ColumnClauseKind {
    Null,
    NotNull,
    Default(Expr),
    Check(Expr),
    Unique(NullsDistinct),
    PrimaryKey,
    References(References),
    /// GENERATED ALWAYS AS (expression) STORED; with the place of BY DEFAULT, which is refused.
    Generated(Option<Span>, Expr),
    Identity(IdentityClause),
    /// Of the constraint before.
    Attribute(Attribute),
    Collate(ObjectName),
}

/// Whether NULLs of a unique key differ from each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are SQL's")]
pub enum NullsDistinct {
    #[default]
    Distinct,
    NotDistinct,
}

/// GENERATED ... AS IDENTITY.
#[derive(Clone, Debug, PartialEq)]
pub struct IdentityClause {
    /// ALWAYS rather than BY DEFAULT.
    pub always: bool,
    /// Options of its sequence.
    pub options: Vec<SequenceOption>,
}

/// An option of a sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are SQL's")]
pub enum SequenceOption {
    Start(i64),
    Increment(i64),
    MinValue(Option<i64>),
    MaxValue(Option<i64>),
    Cycle(bool),
    Cache(i64),
    /// RESTART [WITH n], of ALTER.
    Restart(Option<i64>),
    /// AS, of a sequence by itself.
    As(DataType),
    /// SEQUENCE NAME, of an identity column's.
    Named(ObjectName),
    /// OWNED BY a column or NONE, of a sequence by itself.
    OwnedBy(Option<ObjectName>),
}

/// When a constraint is checked, and whether it is at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are SQL's")]
pub enum Attribute {
    Deferrable,
    NotDeferrable,
    InitiallyDeferred,
    InitiallyImmediate,
    NotValid,
    NoInherit,
}

/// A constraint of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct TableConstraint {
    /// Its name.
    pub name: Option<Ident>,
    /// What it says.
    pub kind: ConstraintKind,
    /// What stands behind it.
    pub attributes: Vec<(Attribute, Span)>,
    /// Where it stands.
    pub span: Span,
}

/// What a constraint of a table says.
#[derive(Clone, Debug, PartialEq)]
pub enum ConstraintKind {
    /// CHECK.
    Check(Expr),
    /// UNIQUE, or PRIMARY KEY.
    Unique(UniqueClause),
    /// FOREIGN KEY: its columns.
    ForeignKey(Vec<Ident>, References),
    /// UNIQUE or (if so) PRIMARY KEY USING INDEX.
    UsingIndex(bool, Ident),
}

/// UNIQUE or PRIMARY KEY.
#[derive(Clone, Debug, PartialEq)]
pub struct UniqueClause {
    /// PRIMARY KEY.
    pub primary: bool,
    /// The key.
    pub columns: Vec<Ident>,
    /// INCLUDE.
    pub include: Vec<Ident>,
    /// NULLS [NOT] DISTINCT.
    pub nulls: NullsDistinct,
}

/// REFERENCES.
#[derive(Clone, Debug, PartialEq)]
pub struct References {
    /// The table.
    pub table: ObjectName,
    /// Its columns; none: its primary key.
    pub columns: Vec<Ident>,
    /// MATCH.
    pub match_type: Option<(MatchClause, Span)>,
    /// ON DELETE.
    pub on_delete: Option<ReferentialAction>,
    /// ON UPDATE.
    pub on_update: Option<ReferentialAction>,
}

/// How keys with NULLs refer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are SQL's")]
pub enum MatchClause {
    Simple,
    Full,
    Partial,
}

/// ON DELETE or ON UPDATE.
#[derive(Clone, Debug, PartialEq)]
pub struct ReferentialAction {
    /// What happens.
    pub kind: ActionKind,
    /// The columns that are set; none: all of the key.
    pub columns: Vec<Ident>,
    /// Where ON stands.
    pub span: Span,
}

/// What happens to rows that refer to one that goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are SQL's")]
pub enum ActionKind {
    NoAction,
    Restrict,
    Cascade,
    SetNull,
    SetDefault,
}

/// LIKE.
#[derive(Clone, Debug, PartialEq)]
pub struct Like {
    /// The table.
    pub table: ObjectName,
    /// What is taken over besides columns and NOT NULL.
    pub included: Vec<LikeOption>,
}

/// What LIKE can take over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are PostgreSQL's")]
pub enum LikeOption {
    Comments,
    Compression,
    Constraints,
    Defaults,
    Generated,
    Identity,
    Indexes,
    Statistics,
    Storage,
}

impl LikeOption {
    /// All of them, with their words.
    pub const ALL: [(LikeOption, &'static str); 9] = [
        (LikeOption::Comments, "comments"),
        (LikeOption::Compression, "compression"),
        (LikeOption::Constraints, "constraints"),
        (LikeOption::Defaults, "defaults"),
        (LikeOption::Generated, "generated"),
        (LikeOption::Identity, "identity"),
        (LikeOption::Indexes, "indexes"),
        (LikeOption::Statistics, "statistics"),
        (LikeOption::Storage, "storage"),
    ];
}

/// A storage parameter as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// `toast`.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Option<String>,
}

/// DROP INDEX CONCURRENTLY.
#[derive(Clone, Debug, PartialEq)]
pub struct DropIndexes {
    /// IF EXISTS.
    pub if_exists: bool,
    /// The indexes.
    pub names: Vec<ObjectName>,
    /// CASCADE.
    pub cascade: bool,
}

/// What indexes REINDEX makes anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are SQL's")]
pub enum ReindexKind {
    Index,
    Table,
    Schema,
    Database,
    System,
}

/// REINDEX.
#[derive(Clone, Debug, PartialEq)]
pub struct Reindex {
    /// Of what.
    pub kind: ReindexKind,
    /// CONCURRENTLY, behind the kind.
    pub concurrently: bool,
    /// Options in parentheses.
    pub options: Vec<(String, Option<String>)>,
    /// The name of that.
    pub name: ObjectName,
}

/// ALTER INDEX SET or RESET.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterIndex {
    /// IF EXISTS.
    pub if_exists: bool,
    /// The index.
    pub name: ObjectName,
    /// Whether parameters are set, not reset.
    pub sets: bool,
    /// Which.
    pub parameters: Vec<Parameter>,
}

/// ALTER TABLE.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterTable {
    /// As what it is named.
    pub kind: RelationKind,
    /// IF EXISTS.
    pub if_exists: bool,
    /// The table.
    pub name: ObjectName,
    /// What to do, in the order written.
    pub actions: Vec<Action>,
}

/// An action of ALTER TABLE.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// ADD COLUMN, perhaps IF NOT EXISTS.
    AddColumn(bool, Box<ColumnDefinition>),
    /// DROP COLUMN.
    DropColumn(Drop),
    /// ALTER COLUMN.
    Column(Ident, Box<ColumnAction>),
    /// ADD a constraint.
    AddConstraint(Box<TableConstraint>),
    /// ALTER CONSTRAINT.
    AlterConstraint(Ident, Vec<(Attribute, Span)>),
    /// VALIDATE CONSTRAINT.
    Validate(Ident),
    /// DROP CONSTRAINT.
    DropConstraint(Drop),
    /// SET, else RESET, storage parameters.
    Parameters(bool, Vec<Parameter>),
    /// RENAME TO: alone.
    RenameTable(Ident),
    /// RENAME COLUMN: alone.
    RenameColumn(Ident, Ident),
    /// RENAME CONSTRAINT: alone.
    RenameConstraint(Ident, Ident),
}

/// What is to be dropped.
#[derive(Clone, Debug, PartialEq)]
pub struct Drop {
    /// Its name.
    pub name: Ident,
    /// IF EXISTS.
    pub if_exists: bool,
    /// CASCADE.
    pub cascade: bool,
}

/// What ALTER COLUMN does.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names are SQL's")]
pub enum ColumnAction {
    /// TYPE, with USING.
    Type(DataType, Option<Expr>),
    SetDefault(Expr),
    DropDefault,
    SetNotNull,
    DropNotNull,
    AddIdentity(IdentityClause),
    /// SET GENERATED, SET an option, or RESTART: at least one of them.
    SetIdentity(Option<bool>, Vec<SequenceOption>),
    /// DROP IDENTITY, perhaps IF EXISTS.
    DropIdentity(bool),
    /// DROP EXPRESSION, perhaps IF EXISTS.
    DropExpression(bool),
}

/// A kind of relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are SQL's")]
pub enum RelationKind {
    Table,
    View,
    MaterializedView,
    Sequence,
    Index,
}

impl RelationKind {
    /// As messages call it.
    pub fn name(self) -> &'static str {
        match self {
            RelationKind::Table => "table",
            RelationKind::View => "view",
            RelationKind::MaterializedView => "materialized view",
            RelationKind::Sequence => "sequence",
            RelationKind::Index => "index",
        }
    }

    /// The tag of a change of it.
    pub fn alter_tag(self) -> &'static str {
        match self {
            RelationKind::Table => "ALTER TABLE",
            RelationKind::View => "ALTER VIEW",
            RelationKind::MaterializedView => "ALTER MATERIALIZED VIEW",
            RelationKind::Sequence => "ALTER SEQUENCE",
            RelationKind::Index => "ALTER INDEX",
        }
    }
}

/// ALTER ... SET SCHEMA.
#[derive(Clone, Debug, PartialEq)]
pub struct SetSchema {
    /// As what it is named.
    pub kind: RelationKind,
    /// IF EXISTS.
    pub if_exists: bool,
    /// Its name.
    pub name: ObjectName,
    /// The new schema.
    pub schema: Ident,
}

/// ALTER ... RENAME TO, of what is no table.
#[derive(Clone, Debug, PartialEq)]
pub struct Rename {
    /// As what it is named.
    pub kind: RelationKind,
    /// IF EXISTS.
    pub if_exists: bool,
    /// Its name.
    pub name: ObjectName,
    /// The new one.
    pub to: Ident,
}

/// SET CONSTRAINTS.
#[derive(Clone, Debug, PartialEq)]
pub struct SetConstraints {
    /// Their names; none: ALL.
    pub names: Vec<ObjectName>,
    /// DEFERRED rather than IMMEDIATE.
    pub deferred: bool,
}

/// Reads such a statement; `None` if it is another one, of which nothing has been read then.
pub(super) fn parse(parser: &mut Parser<'_>) -> Parse<Option<Definition>> {
    if parser.peek_keyword(Keyword::CREATE) {
        return attempt(parser, create::parse);
    }
    if parser.peek_keyword(Keyword::ALTER) {
        if let Some(definition) = attempt(parser, owner::parse)? {
            return Ok(Some(definition));
        }
        return attempt(parser, alter::parse);
    }
    if parser.peek_keyword(Keyword::DROP) || parser.peek_keyword(Keyword::REINDEX) {
        if let Some(definition) = attempt(parser, indexes::parse)? {
            return Ok(Some(definition));
        }
        return attempt(parser, types::drop);
    }
    attempt(parser, comment::parse)
}

/// Reads SET CONSTRAINTS; `None` if it is another statement.
pub(super) fn set_constraints(parser: &mut Parser<'_>) -> Parse<Option<SetConstraints>> {
    attempt(parser, |parser| {
        parser.expect_keyword(Keyword::SET)?;
        if !word(parser, "constraints") {
            return Ok(None);
        }
        let names = match parser.parse_keyword(Keyword::ALL) {
            true => Vec::new(),
            false => parser.parse_comma_separated(|parser| parser.parse_object_name(false))?,
        };
        let modes = [Keyword::DEFERRED, Keyword::IMMEDIATE];
        match parser.parse_one_of_keywords(&modes) {
            Some(mode) => Ok(Some(SetConstraints { names, deferred: mode == Keyword::DEFERRED })),
            None => unexpected(parser, "DEFERRED or IMMEDIATE"),
        }
    })
}

/// Reads with `read`; what that does not know has not been read then.
fn attempt<T>(
    parser: &mut Parser<'_>,
    read: impl Fn(&mut Parser<'_>) -> Parse<Option<T>>,
) -> Parse<Option<T>> {
    let mut is_known = true;
    let found = parser.try_parse(|parser| match read(parser)? {
        Some(found) => Ok(found),
        None => {
            is_known = false;
            unexpected(parser, "another statement")
        }
    });
    match is_known {
        true => found.map(Some),
        false => Ok(None),
    }
}

fn unexpected<T>(parser: &Parser<'_>, wanted: &str) -> Parse<T> {
    parser.expected(wanted, parser.peek_token())
}

fn here(parser: &Parser<'_>) -> Span {
    parser.peek_token_ref().span
}

/// Takes a word that is no key word to sqlparser.
fn word(parser: &mut Parser<'_>, wanted: &str) -> bool {
    let token = parser.peek_token_ref();
    let found = matches!(&token.token, Token::Word(word)
        if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted));
    if found {
        parser.next_token();
    }
    found
}

/// The name of a column or constraint, which key words are not.
fn name(parser: &mut Parser<'_>) -> Parse<Ident> {
    match &parser.peek_token_ref().token {
        Token::Word(word)
            if word.quote_style.is_some()
                || !cannot_name_a_relation(&word.value.to_lowercase()) =>
        {
            parser.parse_identifier()
        }
        _ => unexpected(parser, "a name"),
    }
}

/// Names in parentheses.
fn names(parser: &mut Parser<'_>) -> Parse<Vec<Ident>> {
    parser.expect_token(&Token::LParen)?;
    let names = parser.parse_comma_separated(name)?;
    parser.expect_token(&Token::RParen)?;
    Ok(names)
}

/// An expression in parentheses.
fn expression(parser: &mut Parser<'_>) -> Parse<Expr> {
    parser.expect_token(&Token::LParen)?;
    let expr = parser.parse_expr()?;
    parser.expect_token(&Token::RParen)?;
    Ok(expr)
}

/// `(fillfactor = 70, ...)`
pub(super) fn parameters(parser: &mut Parser<'_>) -> Parse<Vec<Parameter>> {
    parser.expect_token(&Token::LParen)?;
    let parameters = parser.parse_comma_separated(|parser| {
        let mut name = fold(&parser.parse_identifier()?);
        let mut namespace = None;
        if parser.consume_token(&Token::Period) {
            namespace = Some(std::mem::replace(&mut name, fold(&parser.parse_identifier()?)));
        }
        let value = match parser.consume_token(&Token::Eq) {
            true => Some(parameter_value(parser)?),
            false => None,
        };
        Ok(Parameter { namespace, name, value })
    })?;
    parser.expect_token(&Token::RParen)?;
    Ok(parameters)
}

fn parameter_value(parser: &mut Parser<'_>) -> Parse<String> {
    let sign = if parser.consume_token(&Token::Minus) { "-" } else { "" };
    let _ = sign.is_empty() && parser.consume_token(&Token::Plus);
    let text = match &parser.peek_token_ref().token {
        Token::Number(digits, _) => format!("{sign}{digits}"),
        Token::SingleQuotedString(text) if sign.is_empty() => text.clone(),
        Token::Word(word) if sign.is_empty() && word.quote_style.is_some() => word.value.clone(),
        Token::Word(word) if sign.is_empty() => word.value.to_lowercase(),
        _ => return unexpected(parser, "a value"),
    };
    parser.next_token();
    Ok(text)
}

/// A whole number with a sign.
fn integer(parser: &mut Parser<'_>) -> Parse<i64> {
    let negative = parser.consume_token(&Token::Minus);
    let _ = !negative && parser.consume_token(&Token::Plus);
    let number = match &parser.peek_token_ref().token {
        Token::Number(digits, _) => {
            let sign = if negative { "-" } else { "" };
            format!("{sign}{digits}").parse::<i64>().ok()
        }
        _ => None,
    };
    match number {
        Some(number) => {
            parser.next_token();
            Ok(number)
        }
        None => unexpected(parser, "a number"),
    }
}
