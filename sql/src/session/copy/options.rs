//! What the options of COPY say, and which go together.

use super::text;
use crate::binder::position::position_of;
use crate::error::{Error, Result, SqlState};
use crate::parser::copy::{CopyOption, CopyValue};

/// How rows are told apart, and values in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) enum Kind {
    Text,
    Csv,
    Binary,
}

/// Whether the first line has the names of the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) enum Header {
    No,
    Yes,
    /// And they have to be the right ones.
    Match,
}

/// A choice of columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::session) enum Choice {
    #[default]
    None,
    All,
    /// By their names.
    Some(Vec<String>),
}

impl Choice {
    /// Whether a column is chosen.
    pub fn has(&self, name: &str) -> bool {
        match self {
            Choice::None => false,
            Choice::All => true,
            Choice::Some(names) => names.iter().any(|chosen| chosen == name),
        }
    }
}

/// The format of the data.
#[derive(Clone, Debug)]
pub(in crate::session) struct Format {
    pub kind: Kind,
    pub delimiter: u8,
    pub null: String,
    pub header: Header,
    pub quote: u8,
    pub escape: u8,
    pub force_quote: Choice,
    pub force_not_null: Choice,
    pub force_null: Choice,
}

/// The options as given.
#[derive(Default)]
struct Given {
    format: Option<String>,
    delimiter: Option<String>,
    null: Option<String>,
    header: Option<Header>,
    quote: Option<String>,
    escape: Option<String>,
    force_quote: Choice,
    force_not_null: Choice,
    force_null: Choice,
}

fn refused(message: impl Into<String>) -> Error {
    Error::new(SqlState::FeatureNotSupported, message)
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::InvalidParameterValue, message)
}

fn syntax(message: impl Into<String>) -> Error {
    Error::new(SqlState::SyntaxError, message)
}

fn word(name: &str, value: &Option<CopyValue>) -> Result<String> {
    match value {
        Some(CopyValue::Text(text)) => Ok(text.clone()),
        Some(CopyValue::All) => Ok("*".into()),
        _ => Err(syntax(format!("{name} requires a parameter"))),
    }
}

fn choice(name: &str, value: &Option<CopyValue>) -> Result<Choice> {
    match value {
        Some(CopyValue::All) => Ok(Choice::All),
        Some(CopyValue::Columns(names)) => Ok(Choice::Some(names.clone())),
        _ => Err(invalid(format!("argument to option \"{name}\" must be a list of column names"))),
    }
}

fn header(value: &Option<CopyValue>) -> Result<Header> {
    let Some(CopyValue::Text(text)) = value else {
        return match value {
            None => Ok(Header::Yes),
            Some(_) => Err(syntax("header requires a Boolean value or \"match\"")),
        };
    };
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "1" => Ok(Header::Yes),
        "false" | "off" | "0" => Ok(Header::No),
        "match" => Ok(Header::Match),
        _ => Err(syntax("header requires a Boolean value or \"match\"")),
    }
}

/// A character that the format sets apart.
fn byte(what: &str, text: &str) -> Result<u8> {
    match text.as_bytes() {
        [byte] => Ok(*byte),
        _ => Err(refused(format!("COPY {what} must be a single one-byte character"))),
    }
}

impl Given {
    fn of(options: &[CopyOption], sql: &str) -> Result<Given> {
        let mut given = Given::default();
        for (at, CopyOption { name, value, span }) in options.iter().enumerate() {
            let position = position_of(sql, span.start.line, span.start.column);
            if options.iter().take(at).any(|other| other.name == *name) {
                return Err(syntax("conflicting or redundant options").at(position));
            }
            let name = name.as_str();
            match name {
                "format" => {
                    let format = word(name, value)?;
                    if !["text", "csv", "binary"].contains(&format.as_str()) {
                        let message = format!("COPY format \"{format}\" not recognized");
                        return Err(invalid(message).at(position));
                    }
                    given.format = Some(format);
                }
                "delimiter" => given.delimiter = Some(word(name, value)?),
                "null" => given.null = Some(word(name, value)?),
                "header" => given.header = Some(header(value)?),
                "quote" => given.quote = Some(word(name, value)?),
                "escape" => given.escape = Some(word(name, value)?),
                "force_quote" => given.force_quote = choice(name, value)?,
                "force_not_null" => given.force_not_null = choice(name, value)?,
                "force_null" => given.force_null = choice(name, value)?,
                // Rows are never rewritten later, so there is nothing to freeze in advance.
                "freeze" => {
                    header(value).map_err(|_| syntax("freeze requires a Boolean value"))?;
                }
                "encoding" => {
                    let encoding = word(name, value)?;
                    if !["utf8", "utf-8", "unicode"].contains(&encoding.to_lowercase().as_str()) {
                        return Err(Error::unsupported(format!("COPY option encoding {encoding}")));
                    }
                }
                _ => return Err(syntax(format!("option \"{name}\" not recognized")).at(position)),
            }
        }
        Ok(given)
    }
}

impl Format {
    /// Of the options as written.
    pub fn new(options: &[CopyOption], to_client: bool, sql: &str) -> Result<Format> {
        let given = Given::of(options, sql)?;
        let kind = match given.format.as_deref() {
            Some("csv") => Kind::Csv,
            Some("binary") => Kind::Binary,
            _ => Kind::Text,
        };
        let (is_csv, is_binary) = (kind == Kind::Csv, kind == Kind::Binary);
        for (name, is_given) in
            [("DELIMITER", given.delimiter.is_some()), ("NULL", given.null.is_some())]
        {
            if is_binary && is_given {
                return Err(syntax(format!("cannot specify {name} in BINARY mode")));
            }
        }
        let delimiter = given.delimiter.unwrap_or_else(|| if is_csv { "," } else { "\t" }.into());
        let null = given.null.unwrap_or_else(|| if is_csv { "" } else { "\\N" }.into());
        let delimiter = byte("delimiter", &delimiter)?;
        if matches!(delimiter, b'\r' | b'\n') {
            return Err(invalid("COPY delimiter cannot be newline or carriage return"));
        }
        if null.contains(['\r', '\n']) {
            let message = "COPY null representation cannot use newline or carriage return";
            return Err(invalid(message));
        }
        if !is_csv && text::IN_USE.contains(&delimiter) {
            let shown = char::from(delimiter);
            return Err(invalid(format!("COPY delimiter cannot be \"{shown}\"")));
        }
        let header = given.header.unwrap_or(Header::No);
        if is_binary && header != Header::No {
            return Err(refused("cannot specify HEADER in BINARY mode"));
        }
        if to_client && header == Header::Match {
            return Err(refused("cannot use \"match\" with HEADER in COPY TO"));
        }
        for (what, text) in [("quote", &given.quote), ("escape", &given.escape)] {
            if !is_csv && text.is_some() {
                return Err(refused(format!("COPY {what} available only in CSV mode")));
            }
        }
        let quote = byte("quote", given.quote.as_deref().unwrap_or("\""))?;
        if is_csv && delimiter == quote {
            return Err(invalid("COPY delimiter and quote must be different"));
        }
        let escape = match &given.escape {
            Some(text) => byte("escape", text)?,
            None => quote,
        };
        for (what, chosen, direction) in [
            ("force quote", &given.force_quote, "TO"),
            ("force not null", &given.force_not_null, "FROM"),
            ("force null", &given.force_null, "FROM"),
        ] {
            if *chosen == Choice::None {
                continue;
            }
            if !is_csv {
                return Err(refused(format!("COPY {what} available only in CSV mode")));
            }
            if to_client != (direction == "TO") {
                return Err(refused(format!("COPY {what} only available using COPY {direction}")));
            }
        }
        if null.as_bytes().contains(&delimiter) {
            return Err(refused("COPY delimiter must not appear in the NULL specification"));
        }
        if is_csv && null.as_bytes().contains(&quote) {
            return Err(refused("CSV quote character must not appear in the NULL specification"));
        }
        let Given { force_quote, force_not_null, force_null, .. } = given;
        Ok(Format {
            kind,
            delimiter,
            null,
            header,
            quote,
            escape,
            force_quote,
            force_not_null,
            force_null,
        })
    }

    /// Checks that chosen columns are among those `copied`; `exists` tells others of the relation.
    pub fn check_columns(
        &self,
        copied: &[String],
        relation: &str,
        exists: impl Fn(&str) -> bool,
    ) -> Result<()> {
        let choices = [
            ("FORCE_QUOTE", &self.force_quote),
            ("FORCE_NOT_NULL", &self.force_not_null),
            ("FORCE_NULL", &self.force_null),
        ];
        for (option, choice) in choices {
            let Choice::Some(names) = choice else { continue };
            for name in names {
                if copied.contains(name) {
                    continue;
                }
                return Err(match exists(name) {
                    true => Error::new(
                        SqlState::InvalidColumnReference,
                        format!("{option} column \"{name}\" not referenced by COPY"),
                    ),
                    false => Error::new(
                        SqlState::UndefinedColumn,
                        match relation {
                            "" => format!("column \"{name}\" does not exist"),
                            _ => format!(
                                "column \"{name}\" of relation \"{relation}\" does not exist"
                            ),
                        },
                    ),
                });
            }
        }
        Ok(())
    }
}
