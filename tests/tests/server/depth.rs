//! Statements that nest deep or go on for long. The stack is what everything on a thread shares:
//! one that overflows takes the server along, so each must work or be refused with 54001.

use crate::wire::{Server, query};

type Shape = (&'static str, fn(usize) -> String);

const ONE_ROW: &str = "T1 D1 SELECT_1 ZI";
const TOO_DEEP: &str = "54001 ZI";

fn nested(before: &str, inner: &str, after: &str, depth: usize) -> String {
    format!("SELECT {}{inner}{}", before.repeat(depth), after.repeat(depth))
}

fn list(count: usize, item: impl Fn(usize) -> String, separator: &str) -> String {
    (0..count).map(item).collect::<Vec<_>>().join(separator)
}

/// What has an end for each beginning, or grows on one side.
const NESTING: &[Shape] = &[
    ("parentheses", |n| nested("(", "1", ")", n)),
    ("sums", |n| nested("", "1", "+1", n)),
    ("concatenations", |n| nested("", "'a'", "||'a'", n)),
    ("AND", |n| nested("", "true", " AND true", n)),
    ("OR", |n| nested("", "true", " OR true", n)),
    ("NOT", |n| nested("NOT ", "true", "", n)),
    ("signs", |n| nested("- ", "1", "", n)),
    ("casts", |n| nested("", "1", "::int", n)),
    ("IS NULL", |n| nested("", "1", " IS NULL", n)),
    ("CASE", |n| nested("CASE WHEN true THEN ", "1", " END", n)),
    ("functions", |n| nested("abs(", "1", ")", n)),
    ("scalar subqueries", |n| nested("(SELECT ", "1", ")", n)),
    ("subqueries in FROM", |n| nested("* FROM (SELECT ", "1", ") x", n)),
    ("EXISTS", |n| nested("EXISTS (SELECT ", "1", ")", n)),
    ("joins in parentheses", |n| {
        let joined = "(SELECT 1) a CROSS JOIN (SELECT 2) b";
        format!("SELECT 1 FROM {}{joined}{}", "(".repeat(n), ")".repeat(n))
    }),
];

/// What lists, and has no depth of its own: PostgreSQL takes it at any length.
const LISTS: &[Shape] = &[
    ("IN with numbers", |n| format!("SELECT 1 IN ({})", list(n, |i| i.to_string(), ","))),
    ("IN with strings", |n| format!("SELECT 'x' IN ({})", list(n, |i| format!("'{i}'"), ","))),
    ("IN on a key", |n| {
        format!("SELECT count(*) FROM t WHERE id IN ({})", list(n, |i| i.to_string(), ","))
    }),
    ("VALUES", |n| {
        format!("SELECT count(*) FROM (VALUES {}) v", list(n, |i| format!("({i})"), ","))
    }),
    ("comments in comments", |n| format!("SELECT {}{}1", "/*".repeat(n), "*/".repeat(n))),
];

/// What is wrong at any depth, but may not be fatal.
const REFUSED: &[Shape] = &[
    ("EXPLAIN", |n| format!("{}SELECT 1", "EXPLAIN ".repeat(n))),
    ("arrays", |n| nested("ARRAY[", "1", "]", n)),
    ("open parentheses", |n| format!("SELECT {}", "(".repeat(n))),
    ("open subqueries", |n| format!("SELECT {}", "(SELECT ".repeat(n))),
];

/// Asks in the given sizes until an answer is not `right`; gives what went wrong. A server that
/// fell is replaced, so that one shape does not hide the others.
async fn failures(
    shapes: &[Shape],
    sizes: &[usize],
    right: impl Fn(usize, &str) -> bool,
) -> Vec<String> {
    let mut failures = Vec::new();
    for (name, shape) in shapes {
        let server = Server::start(&[]);
        let mut wire = server.connect().await;
        assert_eq!(wire.ask("CREATE TABLE t (id int PRIMARY KEY)").await, "CREATE_TABLE ZI");
        for size in sizes {
            wire.send(&query(&shape(*size))).await;
            let answer = wire.read_ready(1).await;
            if !right(*size, &answer) {
                failures.push(format!("{name}, {size}: {answer}"));
                break;
            }
        }
        if !server.serves().await {
            failures.push(format!("{name}: the server is gone"));
        }
    }
    failures
}

#[tokio::test]
async fn what_nests_deep_works_or_is_refused() {
    let found = failures(NESTING, &[30, 60, 110, 130, 250, 1_000, 20_000], |depth, answer| {
        answer == ONE_ROW || answer == TOO_DEEP && depth > 30
    })
    .await;
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[tokio::test]
async fn what_is_long_works() {
    let found = failures(LISTS, &[300, 3_000, 20_000], |_, answer| answer == ONE_ROW).await;
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[tokio::test]
async fn what_is_wrong_at_any_depth_is_an_error() {
    let is_error = |answer: &str| answer.len() == "42601 ZI".len() && answer.ends_with(" ZI");
    let found = failures(REFUSED, &[60, 500, 20_000], |_, answer| is_error(answer)).await;
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Set operations chain in any number in SQL, but each is a step of a plan.
#[tokio::test]
async fn long_chains_of_unions_work_or_are_refused() {
    let unions: Shape = ("UNION ALL", |n| nested("", "1", " UNION ALL SELECT 1", n));
    let found = failures(&[unions], &[100, 1_000, 20_000], |count, answer| {
        let all = format!("T1 {}SELECT_{} ZI", "D1 ".repeat(count + 1), count + 1);
        answer == all || answer == TOO_DEEP && count > 100
    })
    .await;
    let found: Vec<String> =
        found.into_iter().map(|failure| failure.chars().take(100).collect()).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}
