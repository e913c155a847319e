//! PostgreSQL 15's key words (SQL Key Words, appendix C), by what they may name without quotes.

/// Name nothing.
const RESERVED: &str = "\
all analyse analyze and any array as asc asymmetric both case cast check collate column \
constraint create current_catalog current_date current_role current_time current_timestamp \
current_user default deferrable desc distinct do else end except false fetch for foreign from \
grant group having in initially intersect into lateral leading limit localtime localtimestamp \
not null offset on only or order placing primary references returning select session_user some \
symmetric table then to trailing true union unique user using variadic when where window with";

/// Name types and functions only.
const TYPE_OR_FUNCTION: &str = "\
authorization binary collation concurrently cross current_schema freeze full ilike inner is \
isnull join left like natural notnull outer overlaps right similar tablesample verbose";

/// Name columns and relations, but neither types nor functions.
const COLUMN_NAME: &str = "\
between bigint bit boolean char character coalesce dec decimal exists extract float greatest \
grouping inout int integer interval least national nchar none normalize nullif numeric out \
overlay position precision real row setof smallint substring time timestamp treat trim values \
varchar xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi \
xmlroot xmlserialize xmltable";

fn is_in(list: &str, word: &str) -> bool {
    list.split(' ').any(|keyword| keyword == word)
}

/// Whether `quote_ident` quotes a word although its letters would not need it.
pub fn needs_quotes(word: &str) -> bool {
    cannot_name_a_relation(word) || is_in(COLUMN_NAME, word)
}

/// Whether a relation cannot be called so without quotes.
pub fn cannot_name_a_relation(word: &str) -> bool {
    is_in(RESERVED, word) || is_in(TYPE_OR_FUNCTION, word)
}
