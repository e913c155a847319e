//! BEGIN, START TRANSACTION and SET TRANSACTION, of whose modes sqlparser reads a part.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;

/// An isolation level by its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are SQL's")]
pub enum Level {
    ReadUncommitted,
    #[default]
    ReadCommitted,
    RepeatableRead,
    Serializable,
}

impl Level {
    /// All of them, in the order in which PostgreSQL lists them.
    pub const ALL: [Level; 4] =
        [Level::Serializable, Level::RepeatableRead, Level::ReadCommitted, Level::ReadUncommitted];

    /// As SHOW shows it.
    pub fn name(self) -> &'static str {
        match self {
            Level::ReadUncommitted => "read uncommitted",
            Level::ReadCommitted => "read committed",
            Level::RepeatableRead => "repeatable read",
            Level::Serializable => "serializable",
        }
    }

    /// The level that SHOW shows as `name`, in any case.
    pub fn named(name: &str) -> Option<Level> {
        Level::ALL.into_iter().find(|level| level.name().eq_ignore_ascii_case(name))
    }
}

/// A mode of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// ISOLATION LEVEL.
    Isolation(Level),
    /// READ ONLY or READ WRITE.
    ReadOnly(bool),
    /// DEFERRABLE or NOT DEFERRABLE.
    Deferrable(bool),
    /// AS OF SYSTEM TIME: the text of a time or of an interval.
    AsOf(String),
}

/// A statement on the modes of transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Modes {
    /// BEGIN, or START TRANSACTION if so.
    Begin(bool, Vec<Mode>),
    /// SET TRANSACTION.
    Set(Vec<Mode>),
    /// SET TRANSACTION SNAPSHOT.
    Snapshot(String),
    /// SET SESSION CHARACTERISTICS AS TRANSACTION.
    Session(Vec<Mode>),
}

type Parse<T> = Result<T, ParserError>;

fn unexpected<T>(parser: &Parser<'_>, wanted: &str) -> Parse<T> {
    parser.expected(wanted, parser.peek_token())
}

/// Reads such a statement; `None` if it is another one, of which nothing has been read then.
pub(super) fn parse(parser: &mut Parser<'_>) -> Parse<Option<Modes>> {
    if parser.parse_keyword(Keyword::BEGIN) {
        let _ = parser.parse_one_of_keywords(&[Keyword::WORK, Keyword::TRANSACTION]);
        return Ok(Some(Modes::Begin(false, modes(parser, false)?)));
    }
    if parser.parse_keywords(&[Keyword::START, Keyword::TRANSACTION]) {
        return Ok(Some(Modes::Begin(true, modes(parser, false)?)));
    }
    let characteristics = [Keyword::SET, Keyword::SESSION, Keyword::CHARACTERISTICS];
    if parser.parse_keywords(&characteristics) {
        parser.expect_keywords(&[Keyword::AS, Keyword::TRANSACTION])?;
        return Ok(Some(Modes::Session(modes(parser, true)?)));
    }
    let heads: [&[Keyword]; 3] = [
        &[Keyword::SET, Keyword::TRANSACTION],
        &[Keyword::SET, Keyword::LOCAL, Keyword::TRANSACTION],
        &[Keyword::SET, Keyword::SESSION, Keyword::TRANSACTION],
    ];
    if !heads.iter().any(|head| parser.parse_keywords(head)) {
        return Ok(None);
    }
    if parser.parse_keyword(Keyword::SNAPSHOT) {
        return Ok(Some(Modes::Snapshot(string(parser)?)));
    }
    Ok(Some(Modes::Set(modes(parser, true)?)))
}

fn string(parser: &mut Parser<'_>) -> Parse<String> {
    match parser.peek_token().token {
        Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text) => {
            parser.next_token();
            Ok(text)
        }
        _ => unexpected(parser, "a string"),
    }
}

/// Modes, with or without commas in between.
fn modes(parser: &mut Parser<'_>, mut is_required: bool) -> Parse<Vec<Mode>> {
    let mut modes = Vec::new();
    loop {
        let mode = if parser.parse_keyword(Keyword::ISOLATION) {
            parser.expect_keyword(Keyword::LEVEL)?;
            Mode::Isolation(level(parser)?)
        } else if parser.parse_keyword(Keyword::READ) {
            let words = [Keyword::ONLY, Keyword::WRITE];
            match parser.parse_one_of_keywords(&words) {
                Some(word) => Mode::ReadOnly(word == Keyword::ONLY),
                None => return unexpected(parser, "ONLY or WRITE"),
            }
        } else if parser.parse_keyword(Keyword::DEFERRABLE) {
            Mode::Deferrable(true)
        } else if parser.parse_keyword(Keyword::NOT) {
            parser.expect_keyword(Keyword::DEFERRABLE)?;
            Mode::Deferrable(false)
        } else if parser.parse_keywords(&[Keyword::AS, Keyword::OF]) {
            parser.expect_keywords(&[Keyword::SYSTEM, Keyword::TIME])?;
            Mode::AsOf(string(parser)?)
        } else if is_required {
            return unexpected(parser, "a transaction mode");
        } else {
            return Ok(modes);
        };
        modes.push(mode);
        is_required = parser.consume_token(&Token::Comma);
    }
}

fn level(parser: &mut Parser<'_>) -> Parse<Level> {
    if parser.parse_keyword(Keyword::SERIALIZABLE) {
        return Ok(Level::Serializable);
    }
    if parser.parse_keyword(Keyword::REPEATABLE) {
        parser.expect_keyword(Keyword::READ)?;
        return Ok(Level::RepeatableRead);
    }
    if parser.parse_keyword(Keyword::READ) {
        let words = [Keyword::COMMITTED, Keyword::UNCOMMITTED];
        match parser.parse_one_of_keywords(&words) {
            Some(Keyword::COMMITTED) => return Ok(Level::ReadCommitted),
            Some(_) => return Ok(Level::ReadUncommitted),
            None => {}
        }
    }
    unexpected(parser, "an isolation level")
}
