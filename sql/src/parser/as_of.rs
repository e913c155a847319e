//! `AS OF SYSTEM TIME '...'` at the end of a query's FROM, which sqlparser takes for an alias: it is
//! taken out of the tokens and goes beside its statement.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::is_keyword;

const WORDS: [Keyword; 4] = [Keyword::AS, Keyword::OF, Keyword::SYSTEM, Keyword::TIME];

/// Takes these clauses out; what is left, and each time with the number of semicolons before it.
pub(super) fn take(tokens: Vec<TokenWithSpan>) -> (Vec<TokenWithSpan>, Vec<(usize, String)>) {
    let mut times = Vec::new();
    if !tokens.iter().any(|token| is_keyword(token, &[Keyword::SYSTEM])) {
        return (tokens, times);
    }
    let significant = |t: &&TokenWithSpan| !matches!(t.token, Token::Whitespace(_));
    let mut left = Vec::with_capacity(tokens.len());
    let (mut at, mut semicolons, mut is_query) = (0, 0, true);
    while let Some(token) = tokens.get(at) {
        let mut next = tokens.iter().enumerate().skip(at).filter(|(_, token)| significant(token));
        let is_clause = WORDS.iter().all(|word| {
            next.next().is_some_and(|(_, token)| is_keyword(token, std::slice::from_ref(word)))
        });
        if is_query
            && is_clause
            && let Some((end, time)) = next.next()
            && let Token::SingleQuotedString(time) = &time.token
        {
            times.push((semicolons, time.clone()));
            at = end + 1;
            continue;
        }
        // In these it is a mode of the transaction.
        if is_keyword(token, &[Keyword::BEGIN, Keyword::START, Keyword::SET]) {
            is_query = false;
        }
        if token.token == Token::SemiColon {
            (semicolons, is_query) = (semicolons + 1, true);
        }
        left.push(token.clone());
        at += 1;
    }
    (left, times)
}
