//! DateStyle and IntervalStyle: how dates and intervals are written, and in which order the parts of an
//! ambiguous date are read.

/// How dates are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DateFormat {
    /// `1997-12-17 07:37:16-08`
    #[default]
    Iso,
    /// `12/17/1997 07:37:16.00 PST`
    Sql,
    /// `Wed Dec 17 07:37:16 1997 PST`
    Postgres,
    /// `17.12.1997 07:37:16.00 PST`
    German,
}

/// The order of the parts of a date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DateOrder {
    /// Month, day, year.
    #[default]
    Mdy,
    /// Day, month, year.
    Dmy,
    /// Year, month, day.
    Ymd,
}

/// DateStyle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DateStyle {
    /// How they are written.
    pub format: DateFormat,
    /// The order of their parts, where there is a choice.
    pub order: DateOrder,
}

/// IntervalStyle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IntervalStyle {
    /// `1 year 2 mons 3 days 04:05:06`
    #[default]
    Postgres,
    /// `@ 1 year 2 mons 3 days 4 hours 5 mins 6 secs`
    PostgresVerbose,
    /// `+1-2 +3 +4:05:06`
    SqlStandard,
    /// `P1Y2M3DT4H5M6S`
    Iso8601,
}

/// Why a DateStyle is none.
#[derive(Debug, PartialEq, Eq)]
pub enum BadDateStyle {
    /// A word that means nothing here.
    Word(String),
    /// Two formats, or two orders.
    Conflict,
}

impl DateStyle {
    /// Reads a list of key words; what it does not say stays as it is.
    ///
    /// # Errors
    /// For unknown words, and for those that exclude each other.
    pub fn changed(self, text: &str) -> Result<DateStyle, BadDateStyle> {
        let mut format = None;
        let mut order = None;
        let mut conflict = false;
        let mut set_format = |new: DateFormat| {
            conflict |= format.is_some_and(|old| old != new);
            format = Some(new);
        };
        let mut orders = Vec::new();
        for word in text.split(',').map(|word| word.trim().trim_matches('"')) {
            let lower = word.to_ascii_lowercase();
            match lower.as_str() {
                "iso" => set_format(DateFormat::Iso),
                "sql" => set_format(DateFormat::Sql),
                "german" => {
                    set_format(DateFormat::German);
                    order.get_or_insert(DateOrder::Dmy);
                }
                "ymd" => orders.push(DateOrder::Ymd),
                "mdy" => orders.push(DateOrder::Mdy),
                "dmy" => orders.push(DateOrder::Dmy),
                _ if lower.starts_with("postgres") => set_format(DateFormat::Postgres),
                _ if lower.starts_with("euro") => orders.push(DateOrder::Dmy),
                _ if lower.starts_with("us") || lower.starts_with("noneuro") => {
                    orders.push(DateOrder::Mdy);
                }
                _ => return Err(BadDateStyle::Word(word.to_owned())),
            }
        }
        conflict |= orders.windows(2).any(|pair| matches!(pair, [a, b] if a != b));
        if conflict {
            return Err(BadDateStyle::Conflict);
        }
        let order = orders.first().copied().or(order);
        Ok(DateStyle { format: format.unwrap_or(self.format), order: order.unwrap_or(self.order) })
    }
}

impl std::fmt::Display for DateStyle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let format = match self.format {
            DateFormat::Iso => "ISO",
            DateFormat::Sql => "SQL",
            DateFormat::Postgres => "Postgres",
            DateFormat::German => "German",
        };
        let order = match self.order {
            DateOrder::Mdy => "MDY",
            DateOrder::Dmy => "DMY",
            DateOrder::Ymd => "YMD",
        };
        write!(f, "{format}, {order}")
    }
}

impl IntervalStyle {
    /// The style of this name.
    pub fn named(name: &str) -> Option<IntervalStyle> {
        Some(match name.to_ascii_lowercase().as_str() {
            "postgres" => IntervalStyle::Postgres,
            "postgres_verbose" => IntervalStyle::PostgresVerbose,
            "sql_standard" => IntervalStyle::SqlStandard,
            "iso_8601" => IntervalStyle::Iso8601,
            _ => return None,
        })
    }
}

/// Both styles in one number, as plans are given them.
pub fn pack(dates: DateStyle, intervals: IntervalStyle) -> i32 {
    dates.format as i32 | (dates.order as i32) << 2 | (intervals as i32) << 4
}

/// What [`pack`] has put together.
pub fn unpack(packed: i32) -> (DateStyle, IntervalStyle) {
    let format = match packed & 3 {
        0 => DateFormat::Iso,
        1 => DateFormat::Sql,
        2 => DateFormat::Postgres,
        _ => DateFormat::German,
    };
    let order = match packed >> 2 & 3 {
        0 => DateOrder::Mdy,
        1 => DateOrder::Dmy,
        _ => DateOrder::Ymd,
    };
    let intervals = match packed >> 4 & 3 {
        0 => IntervalStyle::Postgres,
        1 => IntervalStyle::PostgresVerbose,
        2 => IntervalStyle::SqlStandard,
        _ => IntervalStyle::Iso8601,
    };
    (DateStyle { format, order }, intervals)
}
