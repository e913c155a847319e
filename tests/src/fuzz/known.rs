//! Differences that are known and have a reason: liberties that PostgreSQL's manual gives, and debts, which go from
//! here when they are paid.

use super::side::Outcome;

/// Why the servers differ on a statement, if that is known.
pub fn explain(sql: &str, expected: &Outcome, found: &Outcome) -> Option<&'static str> {
    let class =
        |outcome: &Outcome, class: &str| outcome.code().is_some_and(|code| code.starts_with(class));
    let rows = |outcome: &Outcome| match outcome {
        Outcome::Rows(rows) => Some(rows.len()),
        _ => None,
    };
    let message = match found {
        Outcome::Error(_, message) => message.as_str(),
        _ => "",
    };
    // The manual, 4.2.14: the order of evaluation of subexpressions is not defined.
    if class(expected, "22") != class(found, "22")
        && (rows(expected).is_some() || rows(found).is_some())
    {
        return Some("what is evaluated is left open, and so is what fails");
    }
    if sql.starts_with("INSERT") && class(expected, "2") && class(found, "2") {
        return Some("which row of an INSERT fails first is left open");
    }
    if message.contains("does not satisfy order requirements") {
        return Some("debt: windows whose order is computed");
    }
    if message.contains("Physical input schema should be the same") {
        return Some("debt: EXCEPT ALL after DISTINCT of what is never NULL");
    }
    if found.code() == Some("42601") && sql.contains("((SELECT") {
        return Some("debt: subqueries in lists and in two pairs of parentheses");
    }
    let false_is_lost =
        rows(expected) == Some(0) && rows(found) == Some(1) || sql.contains("EXISTS (SELECT");
    if false_is_lost
        && sql.contains("FROM (SELECT")
        && sql.contains("WHERE")
        && rows(expected).is_some()
    {
        return Some("debt: a condition without columns passes below an aggregate without groups");
    }
    None
}
