//! The templates of `to_char`, `to_date` and `to_timestamp`, taken apart.

/// Which calendar a field belongs to; a template has fields of one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Convention {
    /// Neither.
    None,
    /// Years, months and days.
    Gregorian,
    /// ISO 8601's years and weeks.
    IsoWeek,
}

/// How the letters of a name are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// `MONTH`
    Upper,
    /// `Month`
    Title,
    /// `month`
    Lower,
}

/// What a pattern stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the patterns")]
pub enum Pattern {
    /// BC or AD, perhaps with periods.
    Era {
        periods: bool,
    },
    /// AM or PM, perhaps with periods.
    Half {
        periods: bool,
    },
    Century,
    DayName,
    DayShort,
    DayOfYear,
    Day,
    DayOfWeek,
    /// So many digits of a fraction of a second.
    Fraction(u32),
    Milliseconds,
    Microseconds,
    /// Fields have the widths that they are written with.
    Fixed,
    Hour24,
    Hour12,
    IsoDayOfYear,
    IsoDayOfWeek,
    IsoWeek,
    /// So many last digits of the ISO year.
    IsoYear(u32),
    Julian,
    Minute,
    MonthName,
    MonthShort,
    Month,
    MonthRoman,
    Offset,
    Quarter,
    SecondsOfDay,
    Second,
    OffsetHours,
    OffsetMinutes,
    Zone,
    WeekOfYear,
    WeekOfMonth,
    YearWithComma,
    /// So many last digits of the year.
    Year(u32),
}

/// A pattern by its name.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// As it is written, which tells its case.
    pub name: &'static str,
    /// What it stands for.
    pub pattern: Pattern,
    /// Whether it is a number.
    pub is_number: bool,
    /// Which calendar it belongs to.
    pub convention: Convention,
}

impl Key {
    /// How letters are written.
    pub fn case(&self) -> Case {
        let mut letters = self.name.bytes().filter(u8::is_ascii_alphabetic);
        match (letters.next(), letters.next()) {
            (Some(b'a'..=b'z'), _) => Case::Lower,
            (_, Some(b'a'..=b'z')) => Case::Title,
            _ => Case::Upper,
        }
    }
}

/// An ordinal's ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordinal {
    /// `TH`
    Upper,
    /// `th`
    Lower,
}

/// A part of a template.
#[derive(Clone, Debug)]
pub enum Node {
    /// A field.
    Field {
        /// Its pattern.
        key: &'static Key,
        /// `FM`: without padding.
        fill: bool,
        /// `TM`: in the words of the locale, which have no padding.
        translated: bool,
        /// `TH`.
        ordinal: Option<Ordinal>,
    },
    /// A character that separates fields.
    Separator(char),
    /// A blank.
    Space(char),
    /// Any other character.
    Char(char),
}

macro_rules! keys {
    ($($upper:literal $(or $lower:literal)? => $pattern:expr, $number:literal, $convention:ident;)*) => {
        /// All patterns, longer ones before those that they begin with.
        const KEYS: &[Key] = &[$(
            Key { name: $upper, pattern: $pattern, is_number: $number, convention: Convention::$convention },
            $(Key { name: $lower, pattern: $pattern, is_number: $number, convention: Convention::$convention },)?
        )*];
    };
}

keys! {
    "A.D." or "a.d." => Pattern::Era { periods: true }, false, None;
    "B.C." or "b.c." => Pattern::Era { periods: true }, false, None;
    "A.M." or "a.m." => Pattern::Half { periods: true }, false, None;
    "P.M." or "p.m." => Pattern::Half { periods: true }, false, None;
    "AD" or "ad" => Pattern::Era { periods: false }, false, None;
    "BC" or "bc" => Pattern::Era { periods: false }, false, None;
    "AM" or "am" => Pattern::Half { periods: false }, false, None;
    "PM" or "pm" => Pattern::Half { periods: false }, false, None;
    "CC" or "cc" => Pattern::Century, true, None;
    "DAY" or "day" => Pattern::DayName, false, None;
    "Day" => Pattern::DayName, false, None;
    "DDD" or "ddd" => Pattern::DayOfYear, true, Gregorian;
    "DD" or "dd" => Pattern::Day, true, Gregorian;
    "DY" or "dy" => Pattern::DayShort, false, None;
    "Dy" => Pattern::DayShort, false, None;
    "D" or "d" => Pattern::DayOfWeek, true, Gregorian;
    "FF1" or "ff1" => Pattern::Fraction(1), true, None;
    "FF2" or "ff2" => Pattern::Fraction(2), true, None;
    "FF3" or "ff3" => Pattern::Fraction(3), true, None;
    "FF4" or "ff4" => Pattern::Fraction(4), true, None;
    "FF5" or "ff5" => Pattern::Fraction(5), true, None;
    "FF6" or "ff6" => Pattern::Fraction(6), true, None;
    "FX" or "fx" => Pattern::Fixed, false, None;
    "HH24" or "hh24" => Pattern::Hour24, true, None;
    "HH12" or "hh12" => Pattern::Hour12, true, None;
    "HH" or "hh" => Pattern::Hour12, true, None;
    "IDDD" or "iddd" => Pattern::IsoDayOfYear, true, IsoWeek;
    "ID" or "id" => Pattern::IsoDayOfWeek, true, IsoWeek;
    "IW" or "iw" => Pattern::IsoWeek, true, IsoWeek;
    "IYYY" or "iyyy" => Pattern::IsoYear(4), true, IsoWeek;
    "IYY" or "iyy" => Pattern::IsoYear(3), true, IsoWeek;
    "IY" or "iy" => Pattern::IsoYear(2), true, IsoWeek;
    "I" or "i" => Pattern::IsoYear(1), true, IsoWeek;
    "J" or "j" => Pattern::Julian, true, None;
    "MI" or "mi" => Pattern::Minute, true, None;
    "MM" or "mm" => Pattern::Month, true, Gregorian;
    "MONTH" or "month" => Pattern::MonthName, false, Gregorian;
    "Month" => Pattern::MonthName, false, Gregorian;
    "MON" or "mon" => Pattern::MonthShort, false, Gregorian;
    "Mon" => Pattern::MonthShort, false, Gregorian;
    "MS" or "ms" => Pattern::Milliseconds, true, None;
    "OF" or "of" => Pattern::Offset, false, None;
    "Q" or "q" => Pattern::Quarter, true, None;
    "RM" or "rm" => Pattern::MonthRoman, false, Gregorian;
    "SSSSS" or "sssss" => Pattern::SecondsOfDay, true, None;
    "SSSS" or "ssss" => Pattern::SecondsOfDay, true, None;
    "SS" or "ss" => Pattern::Second, true, None;
    "TZH" or "tzh" => Pattern::OffsetHours, false, None;
    "TZM" or "tzm" => Pattern::OffsetMinutes, true, None;
    "TZ" or "tz" => Pattern::Zone, false, None;
    "US" or "us" => Pattern::Microseconds, true, None;
    "WW" or "ww" => Pattern::WeekOfYear, true, Gregorian;
    "W" or "w" => Pattern::WeekOfMonth, true, Gregorian;
    "Y,YYY" or "y,yyy" => Pattern::YearWithComma, true, Gregorian;
    "YYYY" or "yyyy" => Pattern::Year(4), true, Gregorian;
    "YYY" or "yyy" => Pattern::Year(3), true, Gregorian;
    "YY" or "yy" => Pattern::Year(2), true, Gregorian;
    "Y" or "y" => Pattern::Year(1), true, Gregorian;
}

/// Whether a character separates fields: it is neither letter nor digit.
pub fn is_separator(c: char) -> bool {
    ('!'..='~').contains(&c) && !c.is_ascii_alphanumeric()
}

/// Takes a template apart.
pub fn parse(template: &str) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut rest = template;
    while !rest.is_empty() {
        let (mut fill, mut translated) = (false, false);
        match rest.get(..2) {
            Some("FM" | "fm") => fill = true,
            Some("TM" | "tm") => translated = true,
            _ => {}
        }
        if fill || translated {
            rest = rest.get(2..).unwrap_or_default();
        }
        if let Some(key) = KEYS.iter().find(|key| rest.starts_with(key.name)) {
            rest = rest.get(key.name.len()..).unwrap_or_default();
            let ordinal = match rest.get(..2) {
                Some("TH") => Some(Ordinal::Upper),
                Some("th") => Some(Ordinal::Lower),
                _ => None,
            };
            // Spelled out numbers are not implemented in PostgreSQL either.
            if ordinal.is_some() || rest.starts_with("SP") {
                rest = rest.get(2..).unwrap_or_default();
            }
            nodes.push(Node::Field { key, fill, translated, ordinal });
            continue;
        }
        let mut chars = rest.chars();
        match chars.next() {
            None => {}
            Some('"') => {
                while let Some(c) = chars.next() {
                    match c {
                        '"' => break,
                        // A backslash quotes the next character, if there is one.
                        '\\' => nodes.push(Node::Char(chars.next().unwrap_or('\\'))),
                        c => nodes.push(Node::Char(c)),
                    }
                }
            }
            Some(mut c) => {
                if c == '\\' && chars.as_str().starts_with('"') {
                    chars.next();
                    c = '"';
                }
                nodes.push(if is_separator(c) {
                    Node::Separator(c)
                } else if matches!(c, ' ' | '\t'..='\r') {
                    Node::Space(c)
                } else {
                    Node::Char(c)
                });
            }
        }
        rest = chars.as_str();
    }
    nodes
}
