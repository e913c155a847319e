//! Tables, their indexes and their rows.

use super::tree::Type;
use crate::simulator::random::Random;

const TABLES: u64 = 3;
const MOST_ROWS: u64 = 14;
/// So many rows that scans are long enough for vectors.
const MANY_ROWS: u64 = 2100;

/// A table, as queries see it.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Names and types; the first is its key.
    pub columns: Vec<(String, Type)>,
    /// Whether that is declared.
    pub has_key: bool,
}

/// Tables and the statements that make them, which do without each other where shrinking may leave one out.
#[derive(Clone, Debug)]
pub struct Schema {
    /// What queries may ask for.
    pub tables: Vec<Table>,
    /// Whether one of them has many rows, too many for products.
    pub is_large: bool,
    /// In order.
    pub statements: Vec<String>,
}

/// The statement that clears away what any schema makes.
pub fn clear() -> String {
    let names: Vec<_> = (0..TABLES).map(|index| format!("t{index}")).collect();
    format!("DROP TABLE IF EXISTS {}", names.join(", "))
}

impl Schema {
    /// One that the generator decides on.
    pub fn generate(random: &mut Random) -> Schema {
        let mut schema =
            Schema { tables: Vec::new(), is_large: random.below(8) == 0, statements: Vec::new() };
        for index in 0..TABLES {
            schema.table(random, index);
        }
        schema
    }

    fn table(&mut self, random: &mut Random, index: u64) {
        let name = format!("t{index}");
        let mut columns = vec![("id".to_owned(), Type::Int)];
        for column in 0..3 + random.below(4) {
            let of = Type::OF_COLUMNS[random.below(Type::OF_COLUMNS.len() as u64) as usize];
            columns.push((format!("c{column}"), of));
        }
        let declared = columns.iter().skip(1).map(|(column, of)| match of {
            Type::Numeric => format!(", {column} numeric(10,2)"),
            of => format!(", {column} {}", of.name()),
        });
        let key = if random.below(4) > 0 { " PRIMARY KEY" } else { "" };
        self.statements
            .push(format!("CREATE TABLE {name} (id int{key}{})", declared.collect::<String>()));
        let rows = match random.below(10) {
            0 => 0,
            _ => random.below(MOST_ROWS),
        };
        for id in 0..rows {
            let values: Vec<_> = columns.iter().skip(1).map(|(_, of)| value(random, *of)).collect();
            self.statements
                .push(format!("INSERT INTO {name} VALUES ({id}, {})", values.join(", ")));
        }
        if index == 0 && self.is_large {
            let values: Vec<_> =
                columns.iter().skip(1).map(|(_, of)| computed(random, *of)).collect();
            self.statements.push(format!(
                "INSERT INTO {name} SELECT g, {} FROM generate_series({rows}, {MANY_ROWS}) g",
                values.join(", ")
            ));
        }
        for number in 0..random.below(3) {
            let of_columns: Vec<_> = (0..1 + random.below(2))
                .map(|_| columns[random.below(columns.len() as u64) as usize].0.clone())
                .collect();
            if of_columns.len() == 1 || of_columns[0] != of_columns[1] {
                let listed = of_columns.join(", ");
                self.statements.push(format!("CREATE INDEX {name}_{number} ON {name} ({listed})"));
            }
        }
        self.tables.push(Table { name, columns, has_key: !key.is_empty() });
    }
}

/// Few values of each type, so that they meet in joins and groups.
fn value(random: &mut Random, of: Type) -> String {
    let values: &[&str] = match of {
        Type::Bool => &["true", "false"],
        Type::Int => &["0", "1", "2", "3", "-1", "7", "100"],
        Type::Long => &["0", "1", "2", "-3", "4000000000"],
        Type::Numeric => &["0", "1", "1.5", "-2.25", "10", "99.99"],
        Type::Float => &["0", "1", "0.5", "-2.5", "1024"],
        Type::Text => &["''", "'a'", "'b'", "'ab'", "'abc'", "'B'", "'a,b'", "' x '"],
        Type::Date => &["'2024-01-01'", "'2024-02-29'", "'1999-12-31'", "'2024-03-01'"],
        Type::Timestamp => &["'2024-01-01'", "'2024-02-29 12:34:56.5'", "'1999-12-31 23:59:59'"],
        Type::Interval => &["'1 day'"],
    };
    match random.below(5) {
        0 => "NULL".to_owned(),
        _ => values[random.below(values.len() as u64) as usize].to_owned(),
    }
}

/// A value for the row `g` of many.
fn computed(random: &mut Random, of: Type) -> String {
    let modulus = 3 + random.below(20);
    let number =
        format!("nullif(g * {} % {modulus}, {})", 1 + random.below(100), random.below(modulus));
    match of {
        Type::Bool => format!("{number} > 2"),
        Type::Int | Type::Long => number,
        Type::Numeric | Type::Float => format!("{number} * 0.25"),
        Type::Text => format!("'a' || {number}"),
        Type::Date => format!("date '2024-01-01' + {number}"),
        Type::Timestamp | Type::Interval => {
            format!("timestamp '2024-01-01' + {number} * interval '1 hour'")
        }
    }
}
