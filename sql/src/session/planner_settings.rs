//! Settings of PostgreSQL's planner and of memory, with its defaults and ranges.
//!
//! Of these, [`Hints`] and `default_statistics_target` have an effect. The others can be set and are told,
//! as scripts set them; there is nothing in cairn that they would decide.

use super::settings::boolean;
use crate::error::{Error, Result, SqlState};
use crate::relation::Hints;

/// What values a setting takes.
#[derive(Clone, Copy)]
enum Kind {
    Bool,
    /// Whole numbers within these bounds.
    Int(i64, i64),
    /// The same, counted in so many bytes.
    Memory(i64, i64, i64),
    Real(f64, f64),
    Enum(&'static [&'static str]),
}

const MAX_INT: i64 = i32::MAX as i64;
const KB: i64 = 1 << 10;
const BLOCK: i64 = 8 << 10;

/// Names, defaults as SHOW spells them, and kinds.
const SETTINGS: &[(&str, &str, Kind)] = &[
    ("constraint_exclusion", "partition", Kind::Enum(&["partition", "on", "off"])),
    ("cpu_index_tuple_cost", "0.005", Kind::Real(0.0, f64::MAX)),
    ("cpu_operator_cost", "0.0025", Kind::Real(0.0, f64::MAX)),
    ("cpu_tuple_cost", "0.01", Kind::Real(0.0, f64::MAX)),
    ("cursor_tuple_fraction", "0.1", Kind::Real(0.0, 1.0)),
    ("default_statistics_target", "100", Kind::Int(1, 10_000)),
    ("effective_cache_size", "4GB", Kind::Memory(1, MAX_INT, BLOCK)),
    ("effective_io_concurrency", "1", Kind::Int(0, 1000)),
    ("enable_async_append", "on", Kind::Bool),
    ("enable_bitmapscan", "on", Kind::Bool),
    ("enable_gathermerge", "on", Kind::Bool),
    ("enable_hashagg", "on", Kind::Bool),
    ("enable_hashjoin", "on", Kind::Bool),
    ("enable_incremental_sort", "on", Kind::Bool),
    ("enable_indexonlyscan", "on", Kind::Bool),
    ("enable_indexscan", "on", Kind::Bool),
    ("enable_material", "on", Kind::Bool),
    ("enable_memoize", "on", Kind::Bool),
    ("enable_mergejoin", "on", Kind::Bool),
    ("enable_nestloop", "on", Kind::Bool),
    ("enable_parallel_append", "on", Kind::Bool),
    ("enable_parallel_hash", "on", Kind::Bool),
    ("enable_partition_pruning", "on", Kind::Bool),
    ("enable_partitionwise_aggregate", "off", Kind::Bool),
    ("enable_partitionwise_join", "off", Kind::Bool),
    ("enable_seqscan", "on", Kind::Bool),
    ("enable_sort", "on", Kind::Bool),
    ("enable_tidscan", "on", Kind::Bool),
    ("from_collapse_limit", "8", Kind::Int(1, MAX_INT)),
    ("geqo", "on", Kind::Bool),
    ("geqo_effort", "5", Kind::Int(1, 10)),
    ("geqo_generations", "0", Kind::Int(0, MAX_INT)),
    ("geqo_pool_size", "0", Kind::Int(0, MAX_INT)),
    ("geqo_seed", "0", Kind::Real(0.0, 1.0)),
    ("geqo_selection_bias", "2", Kind::Real(1.5, 2.0)),
    ("geqo_threshold", "12", Kind::Int(2, MAX_INT)),
    ("hash_mem_multiplier", "2", Kind::Real(1.0, 1000.0)),
    ("jit", "on", Kind::Bool),
    ("jit_above_cost", "100000", Kind::Real(-1.0, f64::MAX)),
    ("jit_inline_above_cost", "500000", Kind::Real(-1.0, f64::MAX)),
    ("jit_optimize_above_cost", "500000", Kind::Real(-1.0, f64::MAX)),
    ("join_collapse_limit", "8", Kind::Int(1, MAX_INT)),
    ("maintenance_io_concurrency", "10", Kind::Int(0, 1000)),
    ("maintenance_work_mem", "64MB", Kind::Memory(1024, MAX_INT, KB)),
    ("max_parallel_maintenance_workers", "2", Kind::Int(0, 1024)),
    ("max_parallel_workers", "8", Kind::Int(0, 1024)),
    ("max_parallel_workers_per_gather", "2", Kind::Int(0, 1024)),
    ("min_parallel_index_scan_size", "512kB", Kind::Memory(0, 715_827_882, BLOCK)),
    ("min_parallel_table_scan_size", "8MB", Kind::Memory(0, 715_827_882, BLOCK)),
    ("parallel_leader_participation", "on", Kind::Bool),
    ("parallel_setup_cost", "1000", Kind::Real(0.0, f64::MAX)),
    ("parallel_tuple_cost", "0.1", Kind::Real(0.0, f64::MAX)),
    ("plan_cache_mode", "auto", Kind::Enum(&["auto", "force_generic_plan", "force_custom_plan"])),
    ("random_page_cost", "4", Kind::Real(0.0, f64::MAX)),
    ("recursive_worktable_factor", "10", Kind::Real(0.001, 1e6)),
    ("seq_page_cost", "1", Kind::Real(0.0, f64::MAX)),
    ("temp_buffers", "8MB", Kind::Memory(100, MAX_INT / 2, BLOCK)),
    ("work_mem", "4MB", Kind::Memory(64, MAX_INT, KB)),
];

/// Their names and defaults.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    SETTINGS.iter().map(|(name, default, _)| (*name, *default))
}

/// The name of one, as SHOW spells it.
pub(super) fn find(name: &str) -> Option<&'static str> {
    all().map(|(name, _)| name).find(|known| known.eq_ignore_ascii_case(name))
}

/// What plans are to leave out, by values that are not the defaults.
pub(super) fn hints<'v>(value: impl Fn(&str) -> Option<&'v str>) -> Hints {
    let on = |name: &str| value(name).is_none_or(|value| value == "on");
    Hints {
        seqscan: on("enable_seqscan"),
        // What a bitmap scan is to PostgreSQL is an index scan here.
        indexscan: on("enable_indexscan") || on("enable_bitmapscan"),
        indexonlyscan: on("enable_indexonlyscan"),
        nestloop: on("enable_nestloop"),
    }
}

fn error(message: String) -> Error {
    Error::new(SqlState::InvalidParameterValue, message)
}

fn invalid(name: &str, value: &str) -> Error {
    error(format!("invalid value for parameter \"{name}\": \"{value}\""))
}

/// As `%g` of C shows a number.
fn shown(value: f64) -> String {
    match value {
        f64::MAX => "1.79769e+308".to_owned(),
        value if value != 0.0 && (value.abs() >= 1e6 || value.abs() < 1e-4) => {
            let text = format!("{value:.5e}");
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let mantissa = match mantissa.contains('.') {
                true => mantissa.trim_end_matches('0').trim_end_matches('.'),
                false => mantissa,
            };
            let exponent: i32 = exponent.parse().unwrap_or_default();
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", exponent.abs())
        }
        value => value.to_string(),
    }
}

/// Bytes in the greatest unit in which they are a whole number.
fn shown_bytes(bytes: i64) -> String {
    for (unit, name) in [(1 << 40, "TB"), (1 << 30, "GB"), (1 << 20, "MB"), (KB, "kB")] {
        if bytes != 0 && bytes % unit == 0 {
            return format!("{}{name}", bytes / unit);
        }
    }
    bytes.to_string()
}

/// The spelling of a value that SHOW gives.
///
/// # Errors
/// What is no value of this setting.
pub(super) fn checked(name: &str, value: &str) -> Result<String> {
    let kind = SETTINGS.iter().find(|(known, ..)| *known == name).map(|(_, _, kind)| *kind);
    let kind = kind.ok_or_else(|| Error::internal("no such setting"))?;
    let outside = |shown: String, low: String, high: String| {
        error(format!(
            "{shown} is outside the valid range for parameter \"{name}\" ({low} .. {high})"
        ))
    };
    let text = value.trim();
    match kind {
        Kind::Bool => boolean(name, value).map(str::to_owned),
        Kind::Enum(allowed) => {
            let lower = text.to_ascii_lowercase();
            let lower = match boolean(name, &lower) {
                Ok(spelled) if allowed.contains(&spelled) => spelled.to_owned(),
                _ => lower,
            };
            match allowed.contains(&lower.as_str()) {
                true => Ok(lower),
                false => {
                    Err(invalid(name, value)
                        .hint(format!("Available values: {}.", allowed.join(", "))))
                }
            }
        }
        Kind::Real(low, high) => match text.parse::<f64>() {
            Ok(number) if !number.is_finite() => Err(invalid(name, value)),
            Ok(number) if (low..=high).contains(&number) => Ok(shown(number)),
            Ok(number) => Err(outside(shown(number), shown(low), shown(high))),
            Err(_) => Err(invalid(name, value)),
        },
        Kind::Int(low, high) => {
            let number: f64 = text.parse().map_err(|_| invalid(name, value))?;
            let number = number.round_ties_even();
            if !number.is_finite() || number.abs() > MAX_INT as f64 {
                return Err(invalid(name, value).hint("Value exceeds integer range."));
            }
            match (low..=high).contains(&(number as i64)) {
                true => Ok(number.to_string()),
                false => Err(outside(number.to_string(), low.to_string(), high.to_string())),
            }
        }
        Kind::Memory(low, high, unit) => {
            let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
            let suffix = text.get(digits.len()..).unwrap_or_default().trim();
            let number: f64 = digits.parse().map_err(|_| invalid(name, value))?;
            let factor = match suffix {
                "" => unit,
                "B" => 1,
                "kB" => KB,
                "MB" => 1 << 20,
                "GB" => 1 << 30,
                "TB" => 1 << 40,
                _ => {
                    return Err(invalid(name, value).hint(
                        "Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\".",
                    ));
                }
            };
            let units = (number * factor as f64 / unit as f64).round_ties_even();
            if !units.is_finite() || units.abs() > MAX_INT as f64 {
                return Err(invalid(name, value).hint("Value exceeds integer range."));
            }
            let units = units as i64;
            match (low..=high).contains(&units) {
                true => Ok(shown_bytes(units * unit)),
                false => {
                    let suffix = if unit == KB { " kB" } else { " 8kB" };
                    Err(outside(format!("{units}{suffix}"), low.to_string(), high.to_string()))
                }
            }
        }
    }
}
