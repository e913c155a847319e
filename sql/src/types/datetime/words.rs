//! Words in dates, times and intervals, and names of their fields. Ten letters of a word count.

/// Units of time, as prefixes in ISO 8601's dates, in intervals, and as fields to extract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are SQL's")]
pub enum Unit {
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    Decade,
    Century,
    Millennium,
    Julian,
    Timezone,
    TimezoneHour,
    TimezoneMinute,
    DayOfWeek,
    IsoDayOfWeek,
    DayOfYear,
    IsoYear,
    Epoch,
    /// `t`: a time follows.
    Time,
    /// Words that say `now` and the like, which are no fields.
    Reserved,
}

/// A word in a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are SQL's")]
pub enum DateWord {
    Infinity,
    NegativeInfinity,
    Epoch,
    Now,
    Today,
    Tomorrow,
    Yesterday,
    /// Midnight in UTC.
    Allballs,
    Month(u32),
    Weekday,
    Am,
    Pm,
    Ad,
    Bc,
    Ignored,
    /// Summer time, an hour ahead.
    Summer,
    /// What the number behind it is.
    Unit(Unit),
    /// A time follows.
    Time,
}

/// The part of a word that counts.
pub fn significant(word: &str) -> &str {
    word.get(..10).unwrap_or(word)
}

/// A word in a date, by its text in lower case.
pub fn date_word(word: &str) -> Option<DateWord> {
    Some(match significant(word) {
        "infinity" | "+infinity" => DateWord::Infinity,
        "-infinity" => DateWord::NegativeInfinity,
        "epoch" => DateWord::Epoch,
        "now" => DateWord::Now,
        "today" => DateWord::Today,
        "tomorrow" => DateWord::Tomorrow,
        "yesterday" => DateWord::Yesterday,
        "allballs" => DateWord::Allballs,
        "jan" | "january" => DateWord::Month(1),
        "feb" | "february" => DateWord::Month(2),
        "mar" | "march" => DateWord::Month(3),
        "apr" | "april" => DateWord::Month(4),
        "may" => DateWord::Month(5),
        "jun" | "june" => DateWord::Month(6),
        "jul" | "july" => DateWord::Month(7),
        "aug" | "august" => DateWord::Month(8),
        "sep" | "sept" | "september" => DateWord::Month(9),
        "oct" | "october" => DateWord::Month(10),
        "nov" | "november" => DateWord::Month(11),
        "dec" | "december" => DateWord::Month(12),
        "sun" | "sunday" | "mon" | "monday" | "tue" | "tues" | "tuesday" | "wed" | "wednesday"
        | "weds" | "thu" | "thur" | "thurs" | "thursday" | "fri" | "friday" | "sat"
        | "saturday" => DateWord::Weekday,
        "am" => DateWord::Am,
        "pm" => DateWord::Pm,
        "ad" => DateWord::Ad,
        "bc" => DateWord::Bc,
        "at" | "on" => DateWord::Ignored,
        "dst" => DateWord::Summer,
        "t" => DateWord::Time,
        "y" => DateWord::Unit(Unit::Year),
        "m" => DateWord::Unit(Unit::Month),
        "d" => DateWord::Unit(Unit::Day),
        "h" => DateWord::Unit(Unit::Hour),
        "mm" => DateWord::Unit(Unit::Minute),
        "s" => DateWord::Unit(Unit::Second),
        "j" | "jd" | "julian" => DateWord::Unit(Unit::Julian),
        "dow" => DateWord::Unit(Unit::DayOfWeek),
        "doy" => DateWord::Unit(Unit::DayOfYear),
        "isodow" => DateWord::Unit(Unit::IsoDayOfWeek),
        "isoyear" => DateWord::Unit(Unit::IsoYear),
        _ => return None,
    })
}

/// A word in an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntervalWord {
    /// A unit.
    Unit(Unit),
    /// `ago`: everything is negative.
    Ago,
}

/// A word in an interval, by its text in lower case.
pub fn interval_word(word: &str) -> Option<IntervalWord> {
    Some(IntervalWord::Unit(match significant(word) {
        "ago" => return Some(IntervalWord::Ago),
        "us" | "usec" | "usecs" | "useconds" | "microsecon" => Unit::Microsecond,
        "ms" | "msec" | "msecs" | "mseconds" | "millisecon" => Unit::Millisecond,
        "s" | "sec" | "secs" | "second" | "seconds" => Unit::Second,
        "m" | "min" | "mins" | "minute" | "minutes" => Unit::Minute,
        "h" | "hr" | "hrs" | "hour" | "hours" => Unit::Hour,
        "d" | "day" | "days" => Unit::Day,
        "w" | "week" | "weeks" => Unit::Week,
        "mon" | "mons" | "month" | "months" => Unit::Month,
        "qtr" | "quarter" => Unit::Quarter,
        "y" | "yr" | "yrs" | "year" | "years" => Unit::Year,
        "dec" | "decs" | "decade" | "decades" => Unit::Decade,
        "c" | "cent" | "century" | "centuries" => Unit::Century,
        "mil" | "mils" | "millennium" | "millennia" => Unit::Millennium,
        "timezone" => Unit::Timezone,
        "timezone_h" => Unit::TimezoneHour,
        "timezone_m" => Unit::TimezoneMinute,
        _ => return None,
    }))
}

/// A field that `extract` and `date_trunc` are asked for, by its name in lower case.
pub fn field(word: &str) -> Option<Unit> {
    match interval_word(word) {
        Some(IntervalWord::Unit(unit)) => return Some(unit),
        Some(IntervalWord::Ago) => return None,
        None => {}
    }
    match date_word(word)? {
        DateWord::Unit(unit) => Some(unit),
        DateWord::Epoch => Some(Unit::Epoch),
        DateWord::Infinity
        | DateWord::NegativeInfinity
        | DateWord::Now
        | DateWord::Today
        | DateWord::Tomorrow
        | DateWord::Yesterday
        | DateWord::Allballs => Some(Unit::Reserved),
        _ => None,
    }
}
