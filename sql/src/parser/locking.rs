//! The locking clauses of SELECT, in a form that sqlparser reads.
//!
//! sqlparser knows FOR UPDATE and FOR SHARE with one table each, behind LIMIT. PostgreSQL has two
//! modes more and lists of tables, and takes LIMIT on either side. So a clause becomes one clause a
//! table here, which means the same, and one in a mode that sqlparser lacks says so in the schema
//! of its table's name: a word with a NUL byte, which no client can send.

use cairn_txn::LockMode;
use datafusion::sql::sqlparser::ast::{Ident, LockClause, LockType, ObjectName};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::is_keyword;

const NO_KEY_UPDATE: &str = "\0no key update";
const KEY_SHARE: &str = "\0key share";

/// The mode of a locking clause and its table's name as written; no name: all tables.
pub fn read(clause: &LockClause) -> (LockMode, Vec<&Ident>) {
    let names = clause.of.iter().flat_map(|of| &of.0).filter_map(|part| part.as_ident());
    let mut names: Vec<&Ident> = names.collect();
    let mode = match (names.first().map(|ident| ident.value.as_str()), clause.lock_type) {
        (Some(NO_KEY_UPDATE), _) => LockMode::ForNoKeyUpdate,
        (Some(KEY_SHARE), _) => LockMode::ForKeyShare,
        (_, LockType::Update) => LockMode::ForUpdate,
        (_, LockType::Share) => LockMode::ForShare,
    };
    if matches!(mode, LockMode::ForNoKeyUpdate | LockMode::ForKeyShare) {
        names.remove(0);
    }
    (mode, names)
}

/// The same clause for all tables.
pub fn narrowed(clause: &LockClause) -> LockClause {
    let marker = clause.of.iter().flat_map(|of| &of.0).next();
    let marker = marker.filter(|part| {
        part.as_ident().is_some_and(|ident| matches!(&*ident.value, NO_KEY_UPDATE | KEY_SHARE))
    });
    let of = marker.map(|marker| ObjectName(vec![marker.clone()]));
    LockClause { of, ..clause.clone() }
}

/// A locking clause as it was found among the tokens.
struct Clause<'t> {
    update: bool,
    /// The mode, if sqlparser lacks it.
    marker: Option<&'static str>,
    /// FOR, for the place of what is put in.
    head: &'t TokenWithSpan,
    names: Vec<Vec<&'t TokenWithSpan>>,
    /// NOWAIT, or SKIP LOCKED.
    policy: Vec<&'t TokenWithSpan>,
    /// FOR READ ONLY, which locks nothing.
    is_empty: bool,
}

/// Tokens but white space, from a place on.
struct Cursor<'t> {
    tokens: &'t [TokenWithSpan],
    at: usize,
}

impl<'t> Cursor<'t> {
    /// The next token, and the place behind it.
    fn peek(&self) -> Option<(&'t TokenWithSpan, usize)> {
        let rest = self.tokens.get(self.at..)?;
        let ahead = rest.iter().position(|t| !matches!(t.token, Token::Whitespace(_)))?;
        Some((rest.get(ahead)?, self.at + ahead + 1))
    }

    fn keyword(&mut self, keyword: Keyword) -> Option<&'t TokenWithSpan> {
        let (token, behind) = self.peek().filter(|(token, _)| is_keyword(token, &[keyword]))?;
        self.at = behind;
        Some(token)
    }

    fn keywords(&mut self, keywords: &[Keyword]) -> Option<Vec<&'t TokenWithSpan>> {
        let start = self.at;
        let found: Vec<_> = keywords.iter().map_while(|keyword| self.keyword(*keyword)).collect();
        if found.len() < keywords.len() {
            self.at = start;
            return None;
        }
        Some(found)
    }

    fn symbol(&mut self, symbol: &Token) -> Option<&'t TokenWithSpan> {
        let (token, behind) = self.peek().filter(|(token, _)| token.token == *symbol)?;
        self.at = behind;
        Some(token)
    }

    fn word(&mut self) -> Option<&'t TokenWithSpan> {
        let (token, behind) = self.peek().filter(|(t, _)| matches!(t.token, Token::Word(_)))?;
        self.at = behind;
        Some(token)
    }

    /// `FOR mode [OF table, ...] [NOWAIT | SKIP LOCKED]`
    fn clause(&mut self) -> Option<Clause<'t>> {
        let head = self.keyword(Keyword::FOR)?;
        let mut clause = Clause {
            update: true,
            marker: None,
            head,
            names: Vec::new(),
            policy: Vec::new(),
            is_empty: false,
        };
        if self.keywords(&[Keyword::READ, Keyword::ONLY]).is_some() {
            clause.is_empty = true;
            return Some(clause);
        }
        if self.keywords(&[Keyword::NO, Keyword::KEY, Keyword::UPDATE]).is_some() {
            clause.marker = Some(NO_KEY_UPDATE);
        } else if self.keywords(&[Keyword::KEY, Keyword::SHARE]).is_some() {
            (clause.marker, clause.update) = (Some(KEY_SHARE), false);
        } else if self.keyword(Keyword::SHARE).is_some() {
            clause.update = false;
        } else {
            self.keyword(Keyword::UPDATE)?;
        }
        if self.keyword(Keyword::OF).is_some() {
            loop {
                let mut name = vec![self.word()?];
                while let Some(period) = self.symbol(&Token::Period) {
                    name.extend([period, self.word()?]);
                }
                clause.names.push(name);
                if self.symbol(&Token::Comma).is_none() {
                    break;
                }
            }
        }
        let policies: [&[Keyword]; 2] = [&[Keyword::NOWAIT], &[Keyword::SKIP, Keyword::LOCKED]];
        clause.policy = policies.iter().find_map(|words| self.keywords(words)).unwrap_or_default();
        Some(clause)
    }
}

impl Clause<'_> {
    fn write(&self, out: &mut Vec<TokenWithSpan>) {
        if self.is_empty {
            return;
        }
        let put = |token: Token| TokenWithSpan::new(token, self.head.span);
        let all = [Vec::new()];
        let names = if self.names.is_empty() { all.as_slice() } else { self.names.as_slice() };
        for name in names {
            out.push(self.head.clone());
            out.push(put(Token::make_keyword(if self.update { "UPDATE" } else { "SHARE" })));
            if self.marker.is_some() || !name.is_empty() {
                out.push(put(Token::make_keyword("OF")));
            }
            if let Some(marker) = self.marker {
                out.push(put(Token::make_word(marker, Some('"'))));
                if !name.is_empty() {
                    out.push(put(Token::Period));
                }
            }
            out.extend(name.iter().chain(&self.policy).map(|token| (*token).clone()));
        }
    }
}

/// Locking clauses as ones that sqlparser reads, and behind LIMIT.
pub(super) fn rewrite(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    if !tokens.iter().any(|token| is_keyword(token, &[Keyword::FOR])) {
        return tokens;
    }
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    // Clauses that wait for the end of their query, with its depth of parentheses.
    let mut held: Vec<(usize, Vec<TokenWithSpan>)> = Vec::new();
    let mut depth = 0usize;
    let mut cursor = Cursor { tokens: &tokens, at: 0 };
    while let Some(token) = tokens.get(cursor.at) {
        if is_keyword(token, &[Keyword::FOR]) {
            let start = cursor.at;
            if let Some(clause) = cursor.clause() {
                let mut written = Vec::new();
                clause.write(&mut written);
                let limits = [Keyword::LIMIT, Keyword::OFFSET, Keyword::FETCH];
                match cursor.peek() {
                    Some((next, _)) if is_keyword(next, &limits) => held.push((depth, written)),
                    _ => out.append(&mut written),
                }
                continue;
            }
            cursor.at = start;
        }
        match &token.token {
            Token::LParen => depth += 1,
            Token::RParen | Token::SemiColon | Token::EOF => {
                while let Some((_, mut clauses)) = held.pop_if(|(at, _)| *at >= depth) {
                    out.append(&mut clauses);
                }
                depth = depth.saturating_sub(usize::from(token.token == Token::RParen));
            }
            _ => {}
        }
        out.push(token.clone());
        cursor.at += 1;
    }
    while let Some((_, mut clauses)) = held.pop() {
        out.append(&mut clauses);
    }
    out
}
