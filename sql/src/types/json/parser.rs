//! JSON text, checked or as a tree that knows where its parts stand in the text.

use std::borrow::Cow;

use super::Json;
use super::lexer::{Expected, Lexer, Token};
use crate::error::{Error, Result, SqlState};
use crate::types::Numeric;

/// Deepest nesting of arrays and objects.
pub const MAX_DEPTH: usize = 2000;

/// The error of what is nested deeper.
pub fn too_deep() -> Error {
    Error::new(SqlState::StatementTooComplex, "stack depth limit exceeded")
        .hint(format!("JSON values may be nested {MAX_DEPTH} levels deep."))
}

/// A value in a text.
#[derive(Clone, Debug)]
pub struct Node<'a> {
    /// As it is written.
    pub text: &'a str,
    /// What it is.
    pub value: Value<'a>,
}

/// What a [`Node`] is.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names are JSON's")]
pub enum Value<'a> {
    Null,
    Bool(bool),
    Number,
    String(String),
    Array(Vec<Node<'a>>),
    /// In the order of the text; a key may occur twice.
    Object(Vec<(String, Node<'a>)>),
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    depth: usize,
    /// Whether values are kept.
    build: bool,
}

/// Checks that a text is JSON. What escapes in strings stand for is not looked at.
///
/// # Errors
/// Where it is not.
pub fn check(text: &str) -> Result<()> {
    Parser::run(text, false).map(drop)
}

/// Reads a text.
///
/// # Errors
/// Where it is no JSON, or has strings that are not text.
pub fn parse(text: &str) -> Result<Node<'_>> {
    Parser::run(text, true)
}

impl<'a> Parser<'a> {
    fn run(text: &'a str, build: bool) -> Result<Node<'a>> {
        let mut parser = Parser { lexer: Lexer::new(text, build), depth: 0, build };
        parser.lexer.advance()?;
        let node = parser.value()?;
        match parser.lexer.token {
            Token::End => Ok(node),
            _ => Err(parser.lexer.unexpected(Expected::End)),
        }
    }

    /// Whether the current token is the given one, which is then passed.
    fn take(&mut self, token: Token) -> Result<bool> {
        let found = self.lexer.token == token;
        if found {
            self.lexer.advance()?;
        }
        Ok(found)
    }

    fn value(&mut self) -> Result<Node<'a>> {
        let (start, end) = (self.lexer.start, self.lexer.end);
        let value = match self.lexer.token {
            Token::String => Value::String(std::mem::take(&mut self.lexer.string)),
            Token::Number => Value::Number,
            Token::True => Value::Bool(true),
            Token::False => Value::Bool(false),
            Token::Null => Value::Null,
            Token::ObjectStart | Token::ArrayStart => {
                if self.depth >= MAX_DEPTH {
                    return Err(too_deep());
                }
                self.depth += 1;
                let is_object = self.lexer.token == Token::ObjectStart;
                self.lexer.advance()?;
                let (value, end) = if is_object { self.object()? } else { self.array()? };
                self.depth -= 1;
                return Ok(Node { text: self.lexer.text(start, end), value });
            }
            _ => return Err(self.lexer.unexpected(Expected::Value)),
        };
        self.lexer.advance()?;
        Ok(Node { text: self.lexer.text(start, end), value })
    }

    /// The rest of an object, and where it ends.
    fn object(&mut self) -> Result<(Value<'a>, usize)> {
        let mut pairs = Vec::new();
        match self.lexer.token {
            Token::ObjectEnd => {}
            Token::String => loop {
                if self.lexer.token != Token::String {
                    return Err(self.lexer.unexpected(Expected::String));
                }
                let key = std::mem::take(&mut self.lexer.string);
                self.lexer.advance()?;
                if !self.take(Token::Colon)? {
                    return Err(self.lexer.unexpected(Expected::Colon));
                }
                let value = self.value()?;
                if self.build {
                    pairs.push((key, value));
                }
                if !self.take(Token::Comma)? {
                    break;
                }
            },
            _ => return Err(self.lexer.unexpected(Expected::ObjectFirst)),
        }
        let end = self.lexer.end;
        match self.take(Token::ObjectEnd)? {
            true => Ok((Value::Object(pairs), end)),
            false => Err(self.lexer.unexpected(Expected::ObjectNext)),
        }
    }

    /// The rest of an array, and where it ends.
    fn array(&mut self) -> Result<(Value<'a>, usize)> {
        let mut items = Vec::new();
        if self.lexer.token != Token::ArrayEnd {
            loop {
                let item = self.value()?;
                if self.build {
                    items.push(item);
                }
                if !self.take(Token::Comma)? {
                    break;
                }
            }
        }
        let end = self.lexer.end;
        match self.take(Token::ArrayEnd)? {
            true => Ok((Value::Array(items), end)),
            false => Err(self.lexer.unexpected(Expected::ArrayNext)),
        }
    }
}

impl<'a> Node<'a> {
    /// The value of the last pair with a key, if it is an object that has one.
    pub fn get(&self, key: &str) -> Option<&Node<'a>> {
        match &self.value {
            Value::Object(pairs) => {
                let found = pairs.iter().rev().find(|(name, _)| name == key);
                found.map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// The element at a place, counted from the end if negative, if it is an array that has one.
    pub fn item(&self, place: i64) -> Option<&Node<'a>> {
        match &self.value {
            Value::Array(items) => items.get(super::place_in(place, items.len())?),
            _ => None,
        }
    }

    /// The text that `->>` gives: `None` for null.
    pub fn as_text(&self) -> Option<Cow<'_, str>> {
        match &self.value {
            Value::Null => None,
            Value::String(text) => Some(Cow::Borrowed(text)),
            _ => Some(Cow::Borrowed(self.text)),
        }
    }

    /// As `jsonb` has it: numbers exact, the last value of a key.
    ///
    /// # Errors
    /// If a number is out of range.
    pub fn into_json(self) -> Result<Json> {
        Ok(match self.value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(value),
            Value::Number => Json::Number(number(self.text)?),
            Value::String(text) => Json::String(text),
            Value::Array(items) => {
                Json::Array(items.into_iter().map(Node::into_json).collect::<Result<_>>()?)
            }
            Value::Object(pairs) => {
                let pairs = pairs.into_iter().map(|(key, value)| Ok((key, value.into_json()?)));
                Json::object(pairs.collect::<Result<_>>()?)
            }
        })
    }
}

fn number(text: &str) -> Result<Numeric> {
    let value = Numeric::parse(text).ok_or_else(crate::types::numeric::overflow)?;
    value.checked_input()
}
