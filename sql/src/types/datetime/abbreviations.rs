//! Abbreviations of time zones: the set `Default` of PostgreSQL's setting `timezone_abbreviations`.
//!
//! An abbreviation is an offset, or stands for what it means in a zone at a time.

use std::sync::LazyLock;

use chrono_tz::Tz;

/// What an abbreviation means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Abbreviation {
    /// Always the same.
    Fixed {
        /// Seconds east of Greenwich.
        east_s: i32,
        /// Whether it is summer time.
        summer: bool,
    },
    /// What it means in this zone at the time.
    In(Tz),
}

/// All of them, by name in lower case.
pub static ALL: LazyLock<Vec<(String, Abbreviation)>> = LazyLock::new(|| {
    let lines = include_str!("abbreviations.tsv").lines();
    let read = |line: &str| {
        let mut fields = line.split('\t');
        let (name, meaning, summer) = (fields.next()?, fields.next()?, fields.next()?);
        let meaning = match meaning.parse() {
            Ok(east_s) => Abbreviation::Fixed { east_s, summer: summer == "t" },
            Err(_) => Abbreviation::In(meaning.parse().ok()?),
        };
        Some((name.to_ascii_lowercase(), meaning))
    };
    let mut all: Vec<_> = lines.filter_map(read).collect();
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    all
});

/// The abbreviation of this name, which is in lower case.
pub fn find(name: &str) -> Option<(&'static str, Abbreviation)> {
    let at = ALL.binary_search_by(|(known, _)| known.as_str().cmp(name)).ok()?;
    ALL.get(at).map(|(name, meaning)| (name.as_str(), *meaning))
}
