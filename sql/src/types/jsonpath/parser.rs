//! From text to a path.

use super::lexer::{Token, syntax_error, tokens};
use super::{Expr, Method, Operator, Path, Step};
use crate::error::{Error, Result, SqlState};
use crate::types::Numeric;
use crate::types::json::too_deep;

/// Deepest nesting of expressions. Each level is several calls.
const MAX_DEPTH: usize = 200;

struct Parser<'a> {
    tokens: Vec<(Token, &'a str)>,
    at: usize,
    depth: usize,
    /// How many filters and subscripts are around.
    filters: usize,
    subscripts: usize,
}

/// Reads a path.
///
/// # Errors
/// Where it is none.
pub fn parse(text: &str) -> Result<Path> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0, filters: 0, subscripts: 0 };
    if parser.tokens.len() == 1 {
        return Err(Error::new(
            SqlState::InvalidTextRepresentation,
            format!("invalid input syntax for type jsonpath: \"{text}\""),
        ));
    }
    let strict = parser.take_word("strict");
    if !strict {
        parser.take_word("lax");
    }
    let expr = parser.expr()?;
    match parser.peek() {
        Token::End => Ok(Path { strict, expr }),
        _ => Err(parser.unexpected()),
    }
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).map_or(&Token::End, |(token, _)| token)
    }

    fn advance(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn unexpected(&self) -> Error {
        match self.tokens.get(self.at) {
            // The last token is read before what follows it is looked for.
            Some((Token::End, _)) | None => syntax_error(None),
            Some((_, text)) => syntax_error(Some(text)),
        }
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Token::Sign(found) if *found == sign);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<()> {
        if self.take(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(found) if found.eq_ignore_ascii_case(word))
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn expect_word(&mut self, word: &str) -> Result<()> {
        if self.take_word(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Any expression or condition.
    fn expr(&mut self) -> Result<Expr> {
        if self.depth >= MAX_DEPTH {
            return Err(too_deep());
        }
        self.depth += 1;
        let mut left = self.conjunction()?;
        while matches!(self.peek(), Token::Sign("||")) {
            self.require_condition(&left)?;
            self.at += 1;
            let right = self.conjunction()?;
            self.require_condition(&right)?;
            left = Expr::Or(Box::new(left), Box::new(right));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn condition(&mut self) -> Result<Expr> {
        let expr = self.expr()?;
        self.require_condition(&expr)?;
        Ok(expr)
    }

    fn value(&mut self) -> Result<Expr> {
        let expr = self.expr()?;
        self.require_value(&expr)?;
        Ok(expr)
    }

    fn require_condition(&self, expr: &Expr) -> Result<()> {
        if expr.is_condition() { Ok(()) } else { Err(self.unexpected()) }
    }

    fn require_value(&self, expr: &Expr) -> Result<()> {
        if expr.is_condition() { Err(self.unexpected()) } else { Ok(()) }
    }

    fn conjunction(&mut self) -> Result<Expr> {
        let mut left = self.comparison()?;
        while matches!(self.peek(), Token::Sign("&&")) {
            self.require_condition(&left)?;
            self.at += 1;
            let right = self.comparison()?;
            self.require_condition(&right)?;
            left = Expr::And(Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Expr> {
        if self.take("!") {
            let inner = match self.take_word("exists") {
                true => self.exists()?,
                false => {
                    self.expect("(")?;
                    let inner = self.condition()?;
                    self.expect(")")?;
                    inner
                }
            };
            return Ok(Expr::Not(Box::new(inner)));
        }
        let left = self.sum()?;
        let op = match self.peek() {
            Token::Sign("==") => Operator::Eq,
            Token::Sign("!=" | "<>") => Operator::NotEq,
            Token::Sign("<") => Operator::Lt,
            Token::Sign("<=") => Operator::LtEq,
            Token::Sign(">") => Operator::Gt,
            Token::Sign(">=") => Operator::GtEq,
            Token::Word(_) if self.is_word("starts") => {
                self.require_value(&left)?;
                self.at += 1;
                self.expect_word("with")?;
                let start = match self.advance() {
                    Token::String(text) => Expr::String(text),
                    Token::Variable(name) => Expr::Variable(name),
                    _ => {
                        self.at -= 1;
                        return Err(self.unexpected());
                    }
                };
                return Ok(Expr::StartsWith(Box::new(left), Box::new(start)));
            }
            Token::Word(_) if self.is_word("like_regex") => {
                self.require_value(&left)?;
                self.at += 1;
                return self.like_regex(left);
            }
            _ => return Ok(left),
        };
        self.require_value(&left)?;
        self.at += 1;
        let right = self.sum()?;
        self.require_value(&right)?;
        Ok(Expr::Compare(op, Box::new(left), Box::new(right)))
    }

    fn string(&mut self) -> Result<String> {
        match self.peek().clone() {
            Token::String(text) => {
                self.at += 1;
                Ok(text)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn like_regex(&mut self, subject: Expr) -> Result<Expr> {
        let pattern = self.string()?;
        let given = if self.take_word("flag") { self.string()? } else { String::new() };
        if let Some(other) = given.chars().find(|flag| !"ismxq".contains(*flag)) {
            return Err(Error::new(
                SqlState::SyntaxError,
                "invalid input syntax for type jsonpath",
            )
            .detail(format!("Unrecognized flag character \"{other}\" in LIKE_REGEX predicate.")));
        }
        if given.contains('x') && !given.contains('q') {
            return Err(Error::new(
                SqlState::FeatureNotSupported,
                "XQuery \"x\" flag (expanded regular expressions) is not implemented",
            ));
        }
        let flags = "ismxq".chars().filter(|flag| given.contains(*flag)).collect();
        Ok(Expr::LikeRegex { subject: Box::new(subject), pattern, flags })
    }

    fn exists(&mut self) -> Result<Expr> {
        self.expect("(")?;
        let inner = self.value()?;
        self.expect(")")?;
        Ok(Expr::Exists(Box::new(inner)))
    }

    fn sum(&mut self) -> Result<Expr> {
        let mut left = self.product()?;
        loop {
            let op = match self.peek() {
                Token::Sign("+") => Operator::Add,
                Token::Sign("-") => Operator::Sub,
                _ => return Ok(left),
            };
            self.require_value(&left)?;
            self.at += 1;
            let right = self.product()?;
            self.require_value(&right)?;
            left = Expr::Arithmetic(op, Box::new(left), Box::new(right));
        }
    }

    fn product(&mut self) -> Result<Expr> {
        let mut left = self.signed()?;
        loop {
            let op = match self.peek() {
                Token::Sign("*") => Operator::Mul,
                Token::Sign("/") => Operator::Div,
                Token::Sign("%") => Operator::Mod,
                _ => return Ok(left),
            };
            self.require_value(&left)?;
            self.at += 1;
            let right = self.signed()?;
            self.require_value(&right)?;
            left = Expr::Arithmetic(op, Box::new(left), Box::new(right));
        }
    }

    fn signed(&mut self) -> Result<Expr> {
        let is_plus = matches!(self.peek(), Token::Sign("+"));
        if !is_plus && !matches!(self.peek(), Token::Sign("-")) {
            return self.path();
        }
        if self.depth >= MAX_DEPTH {
            return Err(too_deep());
        }
        self.depth += 1;
        self.at += 1;
        let inner = self.signed()?;
        self.require_value(&inner)?;
        self.depth -= 1;
        // A sign before a number is the number's.
        Ok(match inner {
            Expr::Number(value) if !is_plus => Expr::Number(value.neg()),
            number @ Expr::Number(_) => number,
            inner if is_plus => Expr::Plus(Box::new(inner)),
            inner => Expr::Minus(Box::new(inner)),
        })
    }

    fn path(&mut self) -> Result<Expr> {
        let from = self.primary()?;
        let mut steps = Vec::new();
        while let Some(step) = self.step()? {
            steps.push(step);
        }
        Ok(if steps.is_empty() { from } else { Expr::Steps(Box::new(from), steps) })
    }

    fn primary(&mut self) -> Result<Expr> {
        let token = self.advance();
        let refused = |parser: &mut Self| {
            parser.at -= 1;
            Err(parser.unexpected())
        };
        Ok(match token {
            Token::Sign("$") => Expr::Root,
            Token::Sign("@") if self.filters == 0 => {
                let message = "@ is not allowed in root expressions";
                return Err(Error::new(SqlState::SyntaxError, message));
            }
            Token::Sign("@") => Expr::Current,
            Token::Variable(name) => Expr::Variable(name),
            Token::String(text) => Expr::String(text),
            Token::Number(digits) => {
                let value = Numeric::parse(&digits).ok_or_else(|| self.unexpected())?;
                Expr::Number(value.checked_input()?)
            }
            Token::Sign("(") => {
                let inner = self.expr()?;
                self.expect(")")?;
                if self.take_word("is") {
                    self.require_condition(&inner)?;
                    self.expect_word("unknown")?;
                    return Ok(Expr::IsUnknown(Box::new(inner)));
                }
                inner
            }
            Token::Word(word) => match word.as_str() {
                "null" => Expr::Null,
                "true" => Expr::Bool(true),
                "false" => Expr::Bool(false),
                word if word.eq_ignore_ascii_case("exists") => self.exists()?,
                word if word.eq_ignore_ascii_case("last") => {
                    if self.subscripts == 0 {
                        let message = "LAST is allowed only in array subscripts";
                        return Err(Error::new(SqlState::SyntaxError, message));
                    }
                    Expr::Last
                }
                _ => return refused(self),
            },
            _ => return refused(self),
        })
    }

    fn step(&mut self) -> Result<Option<Step>> {
        if self.take("?") {
            self.expect("(")?;
            self.filters += 1;
            let condition = self.condition()?;
            self.filters -= 1;
            self.expect(")")?;
            return Ok(Some(Step::Filter(condition)));
        }
        if self.take("[") {
            if self.take("*") {
                self.expect("]")?;
                return Ok(Some(Step::AnyItem));
            }
            self.subscripts += 1;
            let mut ranges = Vec::new();
            loop {
                let from = self.value()?;
                let to = if self.take_word("to") { Some(self.value()?) } else { None };
                ranges.push((from, to));
                if !self.take(",") {
                    break;
                }
            }
            self.subscripts -= 1;
            self.expect("]")?;
            return Ok(Some(Step::Items(ranges)));
        }
        if !self.take(".") {
            return Ok(None);
        }
        if self.take("*") {
            return Ok(Some(Step::AnyKey));
        }
        if self.take("**") {
            return self.levels().map(Some);
        }
        let key = match self.peek().clone() {
            Token::String(key) => {
                self.at += 1;
                return Ok(Some(Step::Key(key)));
            }
            Token::Word(word) => word,
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        if !matches!(self.peek(), Token::Sign("(")) {
            return Ok(Some(Step::Key(key)));
        }
        let method = match key.to_ascii_lowercase().as_str() {
            "type" => Method::Type,
            "size" => Method::Size,
            "abs" => Method::Abs,
            "floor" => Method::Floor,
            "ceiling" => Method::Ceiling,
            "double" => Method::Double,
            name @ ("datetime" | "keyvalue") => {
                return Err(Error::unsupported(format!("jsonpath item method .{name}()")));
            }
            _ => return Err(self.unexpected()),
        };
        self.expect("(")?;
        self.expect(")")?;
        Ok(Some(Step::Method(method)))
    }

    fn levels(&mut self) -> Result<Step> {
        if !self.take("{") {
            return Ok(Step::Levels { first: Some(0), last: None });
        }
        let first = self.level()?;
        let last = if self.take_word("to") { self.level()? } else { first };
        self.expect("}")?;
        Ok(Step::Levels { first, last })
    }

    fn level(&mut self) -> Result<Option<u32>> {
        if self.take_word("last") {
            return Ok(None);
        }
        match self.peek() {
            Token::Number(digits) => {
                let level = digits.parse().map_err(|_| self.unexpected())?;
                self.at += 1;
                Ok(Some(level))
            }
            _ => Err(self.unexpected()),
        }
    }
}
