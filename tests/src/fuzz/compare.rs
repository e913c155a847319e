//! Whether two servers said the same.

use super::known;
use super::side::Outcome;
use super::tree::{Node, Sort, Type};

/// By which messages of errors are told apart.
const MOST_CHARACTERS: usize = 60;

/// How the servers compare on a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The same.
    Same,
    /// cairn says that it has no such thing.
    Unsupported(String),
    /// Not the same, for a reason that is known.
    Explained(&'static str),
    /// Not the same; what of it stays when the statement shrinks.
    Differs(String),
}

/// Compares PostgreSQL's outcome with cairn's.
pub fn compare(statement: &Node, sql: &str, expected: &Outcome, found: &Outcome) -> Verdict {
    match (expected, found) {
        (_, Outcome::Lost) => Verdict::Differs("the connection is lost".to_owned()),
        (_, Outcome::Hang) => Verdict::Differs("no answer".to_owned()),
        (_, Outcome::Error(code, message))
            if code == "0A000" && expected.code() != Some("0A000") =>
        {
            Verdict::Unsupported(message.chars().take(MOST_CHARACTERS).collect())
        }
        (Outcome::Rows(expected), Outcome::Rows(found)) => {
            compare_rows(statement, sql, expected, found)
        }
        _ if expected.code() == found.code() => Verdict::Same,
        _ => match known::explain(sql, expected, found) {
            Some(reason) => Verdict::Explained(reason),
            None => Verdict::Differs(format!("{} | {}", said(expected), said(found))),
        },
    }
}

fn said(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Error(code, message) => {
            // What stands in quotes is of this statement alone, and so is the rest of a long message.
            let message = message.split('"').step_by(2).collect::<Vec<_>>().join("…");
            let message: String = message.chars().take(MOST_CHARACTERS).collect();
            format!("{code} {message}")
        }
        Outcome::Rows(_) => "rows".to_owned(),
        Outcome::Lost | Outcome::Hang => "nothing".to_owned(),
    }
}

fn compare_rows(
    statement: &Node,
    sql: &str,
    expected: &[Vec<Option<String>>],
    found: &[Vec<Option<String>>],
) -> Verdict {
    if expected == found {
        return Verdict::Same;
    }
    let types: &[Type] = match &statement.sort {
        Sort::Query(types) => types,
        _ => &[],
    };
    let forms = types.iter().any(|of| of.has_equal_forms());
    let (one, other) = (sorted(expected.to_vec()), sorted(found.to_vec()));
    if one == other {
        // An order that is asked for is one of all columns, so what is equal in it looks the same, or nearly.
        return match ends_in_order(sql) && !forms {
            true => Verdict::Differs("the order of rows".to_owned()),
            false => Verdict::Same,
        };
    }
    if chooses_among_equals(sql) && sorted(plain(expected)) == sorted(plain(found)) {
        return Verdict::Explained("which of equal values stands for a group is left open");
    }
    let reason = match expected.len() == found.len() {
        true => "values",
        false => "the number of rows",
    };
    match known::explain(sql, &Outcome::Rows(expected.to_vec()), &Outcome::Rows(found.to_vec())) {
        Some(reason) => Verdict::Explained(reason),
        None => Verdict::Differs(reason.to_owned()),
    }
}

fn ends_in_order(sql: &str) -> bool {
    sql.rsplit(')').next().is_some_and(|end| end.contains(" ORDER BY "))
}

fn chooses_among_equals(sql: &str) -> bool {
    ["DISTINCT", "GROUP BY", "UNION", "INTERSECT", "EXCEPT", "min(", "max(", "greatest(", "least("]
        .iter()
        .any(|word| sql.contains(word))
}

fn sorted(mut rows: Vec<Vec<Option<String>>>) -> Vec<Vec<Option<String>>> {
    rows.sort();
    rows
}

/// Numbers without zeros at their end and without the sign of zero.
fn plain(rows: &[Vec<Option<String>>]) -> Vec<Vec<Option<String>>> {
    let of_value = |value: &String| {
        let number = value.parse::<f64>().is_ok_and(f64::is_finite);
        let value = match number && value.contains('.') && !value.contains('e') {
            true => value.trim_end_matches('0').trim_end_matches('.'),
            false => value.as_str(),
        };
        if value == "-0" { "0".to_owned() } else { value.to_owned() }
    };
    rows.iter().map(|row| row.iter().map(|value| value.as_ref().map(of_value)).collect()).collect()
}
