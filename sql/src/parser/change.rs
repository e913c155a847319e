//! Forms of INSERT, UPDATE, DELETE and MERGE that sqlparser does not read, as ones that it does.
//!
//! ONLY asks for a table without its children, which no table has, so it goes. OVERRIDING becomes a
//! column of the INSERT; what stands in parentheses behind ON CONFLICT but names, and the WHERE behind
//! it, become names that hold its text; the actions DO NOTHING and INSERT DEFAULT VALUES of MERGE set
//! or fill a column. All these names begin with a zero byte, which no client can send. And where
//! sqlparser reads more of MERGE than PostgreSQL does, the first word too many is refused.

use datafusion::sql::sqlparser::ast::{Ident, ObjectName};
use datafusion::sql::sqlparser::tokenizer::{Span, Token, TokenWithSpan};

use super::arrays::placed_text;
use super::{syntax_error, written};
use crate::binder::position::position_of;
use crate::error::{Error, Result};

const SYSTEM: &str = "\0system";
const USER: &str = "\0user";
const NOTHING: &str = "\0nothing";
const DEFAULT_VALUES: &str = "\0default values";
const ELEMENT: &str = "\0element ";
const WHERE: &str = "\0where ";

/// What an INSERT does with values for identity columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overriding {
    /// Those that are GENERATED ALWAYS take none.
    #[default]
    Nothing,
    /// OVERRIDING SYSTEM VALUE: they take them.
    SystemValue,
    /// OVERRIDING USER VALUE: no identity column takes them.
    UserValue,
}

/// The columns of an INSERT without the mark of OVERRIDING, and what that was.
pub fn overriding(columns: &[ObjectName]) -> (&[ObjectName], Overriding) {
    let Some((last, before)) = columns.split_last() else {
        return (columns, Overriding::Nothing);
    };
    match marked(last) {
        Some(SYSTEM) => (before, Overriding::SystemValue),
        Some(USER) => (before, Overriding::UserValue),
        _ => (columns, Overriding::Nothing),
    }
}

/// Whether a column stands for the action DO NOTHING.
pub fn is_nothing(column: &ObjectName) -> bool {
    marked(column) == Some(NOTHING)
}

/// Whether a column stands for DEFAULT VALUES.
pub fn is_default_values(column: &ObjectName) -> bool {
    marked(column) == Some(DEFAULT_VALUES)
}

fn marked(name: &ObjectName) -> Option<&str> {
    match name.0.as_slice() {
        [part] => part.as_ident().map(|ident| ident.value.as_str()),
        _ => None,
    }
}

/// A part of what stands behind ON CONFLICT.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// A column.
    Column(&'a Ident),
    /// The text of an expression.
    Element(&'a str),
    /// The text of the condition of a partial index.
    Where(&'a str),
}

/// What a name behind ON CONFLICT stands for.
pub fn conflict_target(ident: &Ident) -> Target<'_> {
    if let Some(text) = ident.value.strip_prefix(ELEMENT) {
        Target::Element(text)
    } else if let Some(text) = ident.value.strip_prefix(WHERE) {
        Target::Where(text)
    } else {
        Target::Column(ident)
    }
}

/// Rewrites the statements of a query string.
pub(super) fn rewrite(tokens: Vec<TokenWithSpan>, sql: &str) -> Result<Vec<TokenWithSpan>> {
    let telling = ["only", "overriding", "conflict", "merge"];
    if !tokens.iter().any(|token| telling.iter().any(|word| is_word(token, word))) {
        return Ok(tokens);
    }
    let out = Vec::with_capacity(tokens.len() + 8);
    let mut rewriter =
        Rewriter { tokens: &tokens, sql, at: 0, out, depth: 0, merge: None, insert: None };
    while let Some(token) = tokens.get(rewriter.at) {
        rewriter.step(token)?;
    }
    Ok(rewriter.out)
}

fn is_word(token: &TokenWithSpan, wanted: &str) -> bool {
    matches!(&token.token, Token::Word(word)
        if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted))
}

fn is_one_of(token: Option<&TokenWithSpan>, words: &[&str]) -> bool {
    token.is_some_and(|token| words.iter().any(|word| is_word(token, word)))
}

fn is_space(token: &TokenWithSpan) -> bool {
    matches!(token.token, Token::Whitespace(_))
}

/// How far a MERGE has been read.
#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Target,
    /// With the place among the tokens written where the source begins, the joins in it, and those of
    /// them whose conditions are to come.
    Source {
        start: usize,
        joins: usize,
        open: usize,
    },
    Condition,
    /// Between WHEN and THEN, with whether it says MATCHED.
    When {
        matched: bool,
    },
    Update,
    /// With whether its VALUES have been closed.
    Insert {
        closed: bool,
    },
    Other,
}

struct Merge {
    depth: usize,
    /// CASEs that are open.
    cases: usize,
    stage: Stage,
    /// Whether there was a WHEN clause.
    has_clauses: bool,
}

struct Rewriter<'a> {
    tokens: &'a [TokenWithSpan],
    sql: &'a str,
    at: usize,
    out: Vec<TokenWithSpan>,
    /// Open parentheses.
    depth: usize,
    merge: Option<Merge>,
    /// The depth at which the head of an INSERT is being read.
    insert: Option<usize>,
}

impl<'a> Rewriter<'a> {
    /// The token `ahead` places behind the current one, white space aside, and where it is.
    fn ahead(&self, ahead: usize) -> Option<(usize, &'a TokenWithSpan)> {
        let rest = self.tokens.iter().enumerate().skip(self.at + 1);
        rest.filter(|(_, token)| !is_space(token)).nth(ahead - 1)
    }

    fn next(&self, ahead: usize) -> Option<&'a TokenWithSpan> {
        self.ahead(ahead).map(|(_, token)| token)
    }

    /// The last token that was written, white space aside.
    fn before(&self) -> Option<&TokenWithSpan> {
        self.out.iter().rev().find(|token| !is_space(token))
    }

    fn unexpected(&self, token: Option<&TokenWithSpan>) -> Error {
        match token {
            Some(found) if found.token != Token::EOF => {
                let position =
                    position_of(self.sql, found.span.start.line, found.span.start.column);
                syntax_error(&written(self.sql, found).unwrap_or_default(), position)
            }
            _ => syntax_error("", Some(self.sql.trim_end().chars().count() + 1)),
        }
    }

    fn copy(&mut self, token: &TokenWithSpan) {
        self.out.push(token.clone());
        self.at += 1;
    }

    /// Writes tokens in the place of others that stood here.
    fn put(&mut self, tokens: impl IntoIterator<Item = Token>, span: Span) {
        self.out.extend(tokens.into_iter().map(|token| TokenWithSpan::new(token, span)));
    }

    fn step(&mut self, token: &'a TokenWithSpan) -> Result<()> {
        match &token.token {
            Token::LParen => self.depth += 1,
            Token::RParen => {
                self.depth = self.depth.saturating_sub(1);
                self.end_below(self.depth, token)?;
                if let Some(merge) = self.merge_here()
                    && let Stage::Insert { closed } = &mut merge.stage
                {
                    *closed = true;
                }
            }
            Token::Comma => {
                if let Some(merge) = self.merge_here()
                    && merge.stage == (Stage::Insert { closed: true })
                {
                    return Err(self.unexpected(Some(token)));
                }
            }
            Token::SemiColon | Token::EOF => {
                self.depth = 0;
                self.insert = None;
                self.end_merge(token)?;
            }
            Token::Word(word) if word.quote_style.is_none() => {
                return self.word(token, &word.value.to_ascii_lowercase());
            }
            _ => {}
        }
        self.copy(token);
        Ok(())
    }

    /// The MERGE whose own words are being read.
    fn merge_here(&mut self) -> Option<&mut Merge> {
        let depth = self.depth;
        self.merge.as_mut().filter(|merge| merge.depth == depth)
    }

    fn end_below(&mut self, depth: usize, token: &TokenWithSpan) -> Result<()> {
        if self.insert.is_some_and(|at| at > depth) {
            self.insert = None;
        }
        match &self.merge {
            Some(merge) if merge.depth > depth => self.end_merge(token),
            _ => Ok(()),
        }
    }

    fn end_merge(&mut self, token: &TokenWithSpan) -> Result<()> {
        match self.merge.take() {
            Some(merge) if !merge.has_clauses && merge.stage == Stage::Condition => {
                Err(self.unexpected(Some(token)))
            }
            _ => Ok(()),
        }
    }

    fn word(&mut self, token: &'a TokenWithSpan, word: &str) -> Result<()> {
        match word {
            "only" if self.is_only() => {
                self.only();
                return Ok(());
            }
            "insert" if is_one_of(self.next(1), &["into"]) => self.insert = Some(self.depth),
            "values" | "select" | "default" | "with" | "table" => self.insert = None,
            "overriding" if self.insert == Some(self.depth) && self.ends_name() => {
                return self.overriding(token);
            }
            "conflict" if is_one_of(self.before(), &["on"]) => return self.conflict(token),
            "merge" if is_one_of(self.next(1), &["into"]) => {
                let starts = ["explain", "analyze", "verbose", "as"];
                let before = self.before().map(|token| &token.token);
                let opens =
                    matches!(before, None | Some(Token::SemiColon | Token::LParen | Token::RParen));
                if opens || is_one_of(self.before(), &starts) {
                    let (depth, stage) = (self.depth, Stage::Target);
                    self.merge = Some(Merge { depth, cases: 0, stage, has_clauses: false });
                }
            }
            _ => {
                if self.merge_here().is_some() {
                    return self.merge_word(token, word);
                }
            }
        }
        self.copy(token);
        Ok(())
    }

    /// Whether a table follows that ONLY is said of.
    fn is_only(&self) -> bool {
        let before = self.before();
        let lists = before.is_some_and(|token| token.token == Token::Comma);
        let is_table =
            matches!(self.next(1).map(|token| &token.token), Some(Token::Word(_) | Token::LParen));
        is_table && (lists || is_one_of(before, &["from", "update", "join", "into", "using"]))
    }

    /// Leaves ONLY out, and parentheses around the name behind it.
    fn only(&mut self) {
        self.at += 1;
        let significant = self.tokens.iter().enumerate().skip(self.at);
        let mut rest = significant.filter(|(_, token)| !is_space(token));
        let Some((open, _)) = rest.next().filter(|(_, t)| t.token == Token::LParen) else {
            return;
        };
        let name = |token: &Token| matches!(token, Token::Word(_) | Token::Period);
        if let Some((close, token)) = rest.find(|(_, token)| !name(&token.token))
            && token.token == Token::RParen
        {
            self.out.extend(self.tokens.iter().take(close).skip(open + 1).cloned());
            self.at = close + 1;
        }
    }

    /// Whether what was written last is the name of an INSERT's table, or its columns.
    fn ends_name(&self) -> bool {
        let Some(before) = self.before() else { return false };
        match before.token {
            Token::RParen => true,
            Token::Word(_) => {
                !is_one_of(Some(before), &["into", "as", "insert"]) || self.is_merge()
            }
            _ => false,
        }
    }

    fn is_merge(&self) -> bool {
        self.merge.as_ref().is_some_and(|merge| merge.depth == self.depth)
    }

    /// `OVERRIDING {SYSTEM | USER} VALUE`
    fn overriding(&mut self, token: &TokenWithSpan) -> Result<()> {
        let mark = match self.next(1) {
            Some(next) if is_word(next, "system") => SYSTEM,
            Some(next) if is_word(next, "user") => USER,
            other => return Err(self.unexpected(other)),
        };
        let Some((end, _)) = self.ahead(2).filter(|(_, token)| is_word(token, "value")) else {
            return Err(self.unexpected(self.next(2)));
        };
        let mark = Token::make_word(mark, Some('"'));
        let has_columns = self.before().is_some_and(|token| token.token == Token::RParen);
        if has_columns {
            while self.out.pop().is_some_and(|token| token.token != Token::RParen) {}
            self.put([Token::Comma, mark, Token::RParen], token.span);
        } else {
            self.put([Token::LParen, mark, Token::RParen], token.span);
        }
        self.insert = None;
        self.at = end + 1;
        Ok(())
    }

    /// `ON CONFLICT (element, ...) [WHERE condition]`: elements that are no names, and the condition,
    /// become names.
    fn conflict(&mut self, token: &TokenWithSpan) -> Result<()> {
        let Some((open, _)) = self.ahead(1).filter(|(_, t)| t.token == Token::LParen) else {
            self.copy(token);
            return Ok(());
        };
        let (mut elements, mut starts_at, mut depth, mut close) = (Vec::new(), open + 1, 0, None);
        for (at, token) in self.tokens.iter().enumerate().skip(open) {
            match token.token {
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                Token::EOF => break,
                _ => {}
            }
            if depth == 0 || (depth == 1 && token.token == Token::Comma) {
                elements.push((starts_at, at));
                starts_at = at + 1;
            }
            if depth == 0 {
                close = Some(at);
                break;
            }
        }
        let Some(close) = close else {
            self.copy(token);
            return Ok(());
        };
        self.out.extend(self.tokens.iter().take(open + 1).skip(self.at).cloned());
        for (number, (from, to)) in elements.into_iter().enumerate() {
            if number > 0 {
                self.put([Token::Comma], token.span);
            }
            let part = self.tokens.iter().take(to).skip(from).filter(|token| !is_space(token));
            let part: Vec<&TokenWithSpan> = part.collect();
            match part.as_slice() {
                [] => {}
                [name] if matches!(name.token, Token::Word(_)) => self.out.push((*name).clone()),
                [first, ..] => {
                    let text = format!("{ELEMENT}{}", self.placed_text(from, to));
                    self.put([Token::make_word(&text, Some('"'))], first.span);
                }
            }
        }
        self.at = close;
        if let Some((start, _)) = self.ahead(1).filter(|(_, token)| is_word(token, "where")) {
            let end = self.end_of_condition(start + 1);
            let text = format!("{WHERE}{}", self.placed_text(start + 1, end));
            self.put([Token::Comma, Token::make_word(&text, Some('"'))], token.span);
            self.put([Token::RParen], token.span);
            self.at = end;
            return Ok(());
        }
        self.out.extend(self.tokens.get(close).cloned());
        self.at = close + 1;
        Ok(())
    }

    /// What is written from one token up to another, at its line and column.
    fn placed_text(&self, from: usize, to: usize) -> String {
        let part = self.tokens.get(from..to).unwrap_or_default();
        let (first, last) =
            (part.iter().find(|t| !is_space(t)), part.iter().rfind(|t| !is_space(t)));
        let text = first.zip(last).and_then(|(first, last)| placed_text(self.sql, first, last));
        text.unwrap_or_default()
    }

    /// The place of the DO that ends the condition behind ON CONFLICT.
    fn end_of_condition(&self, from: usize) -> usize {
        let mut depth = 0usize;
        for (at, token) in self.tokens.iter().enumerate().skip(from) {
            match token.token {
                Token::LParen => depth += 1,
                Token::RParen if depth == 0 => return at,
                Token::RParen => depth -= 1,
                Token::SemiColon | Token::EOF => return at,
                _ if depth == 0 && is_word(token, "do") => return at,
                _ => {}
            }
        }
        self.tokens.len()
    }

    /// A word of a MERGE itself.
    fn merge_word(&mut self, token: &'a TokenWithSpan, word: &str) -> Result<()> {
        let Some(merge) = &mut self.merge else { return Ok(()) };
        match (word, merge.stage) {
            ("case", _) => merge.cases += 1,
            ("end", _) => merge.cases = merge.cases.saturating_sub(1),
            _ if merge.cases > 0 => {}
            ("using", Stage::Target) => {
                self.copy(token);
                let start = self.out.len();
                if let Some(merge) = &mut self.merge {
                    merge.stage = Stage::Source { start, joins: 0, open: 0 };
                }
                return Ok(());
            }
            ("join", Stage::Source { start, joins, open }) => {
                let sides = ["inner", "left", "right", "full", "outer"];
                let mut words = self.out.iter().rev().filter(|token| !is_space(token));
                let kind = words.find(|token| !is_one_of(Some(token), &sides));
                let open = open + usize::from(!is_one_of(kind, &["cross", "natural"]));
                merge.stage = Stage::Source { start, joins: joins + 1, open };
            }
            ("on" | "using", Stage::Source { start, joins, open }) if open > 0 => {
                merge.stage = Stage::Source { start, joins, open: open - 1 };
            }
            ("on", Stage::Source { start, joins, .. }) => {
                merge.stage = Stage::Condition;
                // sqlparser reads one item there.
                if joins > 0 {
                    self.out.insert(start, TokenWithSpan::new(Token::LParen, token.span));
                    self.put([Token::RParen], token.span);
                }
            }
            ("when", stage) if stage != Stage::Target => return self.when(token),
            ("then", Stage::When { matched }) => return self.action(token, matched),
            ("where", Stage::Update | Stage::Insert { .. }) => {
                return Err(self.unexpected(Some(token)));
            }
            _ => {}
        }
        self.copy(token);
        Ok(())
    }

    fn when(&mut self, token: &TokenWithSpan) -> Result<()> {
        let not = is_one_of(self.next(1), &["not"]);
        let behind = if not { 2 } else { 1 };
        if is_one_of(self.next(behind), &["matched"]) {
            if is_one_of(self.next(behind + 1), &["by"]) {
                return Err(self.unexpected(self.next(behind + 1)));
            }
            if let Some(merge) = &mut self.merge {
                merge.stage = Stage::When { matched: !not };
                merge.has_clauses = true;
            }
        }
        self.copy(token);
        Ok(())
    }

    /// What stands behind THEN.
    fn action(&mut self, token: &TokenWithSpan, matched: bool) -> Result<()> {
        self.copy(token);
        self.at -= 1;
        let Some((at, action)) = self.ahead(1) else { return Err(self.unexpected(None)) };
        let mut stage = Stage::Other;
        if is_word(action, "do") {
            let Some((end, _)) = self.ahead(2).filter(|(_, token)| is_word(token, "nothing"))
            else {
                return Err(self.unexpected(self.next(2)));
            };
            let mark = Token::make_word(NOTHING, Some('"'));
            let zero = Token::Number("0".into(), false);
            let word = Token::make_keyword;
            match matched {
                true => self.put([word("UPDATE"), word("SET"), mark, Token::Eq, zero], action.span),
                false => self.put_insert(mark, action.span),
            }
            self.at = end + 1;
        } else if is_word(action, "insert") && !matched {
            stage = Stage::Insert { closed: false };
            let is_default =
                is_one_of(self.next(2), &["default"]) && is_one_of(self.next(3), &["values"]);
            if let Some((end, _)) = self.ahead(3).filter(|_| is_default) {
                self.put_insert(Token::make_word(DEFAULT_VALUES, Some('"')), action.span);
                self.at = end + 1;
            } else {
                self.insert = Some(self.depth);
                self.out.push(action.clone());
                self.at = at + 1;
            }
        } else if (is_word(action, "update") || is_word(action, "delete")) && matched {
            if is_word(action, "update") {
                stage = Stage::Update;
            }
            self.out.push(action.clone());
            self.at = at + 1;
        } else {
            return Err(self.unexpected(Some(action)));
        }
        if let Some(merge) = &mut self.merge {
            merge.stage = stage;
        }
        Ok(())
    }

    /// `INSERT (mark) VALUES (0)`
    fn put_insert(&mut self, mark: Token, span: Span) {
        let word = Token::make_keyword;
        let zero = Token::Number("0".into(), false);
        self.put([word("INSERT"), Token::LParen, mark, Token::RParen, word("VALUES")], span);
        self.put([Token::LParen, zero, Token::RParen], span);
    }
}
