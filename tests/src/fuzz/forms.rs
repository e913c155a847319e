//! Forms of queries and changes beside the plain ones: LATERAL, WITH RECURSIVE, grouping sets, frames, ON
//! CONFLICT and MERGE.

use super::generator::{Column, Generator, Scope, columns, returning};
use super::schema::Table;
use super::tree::{Node, Sort, Type, fill};

/// Frames that give the same to rows that are equal in the order.
const FRAMES: &[&str] = &[
    "",
    "",
    " RANGE UNBOUNDED PRECEDING",
    " RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
    " RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
    " GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
    " GROUPS BETWEEN 2 PRECEDING AND CURRENT ROW EXCLUDE GROUP",
    " RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE GROUP",
];

/// Ways to group by a list of keys.
const GROUPINGS: &[&str] = &["ROLLUP ({})", "CUBE ({})", "GROUPING SETS (({}), ())", "DISTINCT {}"];

impl Generator<'_> {
    /// A frame for a window that is sorted.
    pub(super) fn frame(&mut self) -> &'static str {
        self.one::<&str>(FRAMES)
    }

    /// GROUP BY these keys, in one of its forms.
    pub(super) fn group_by(&mut self, keys: &[String]) -> String {
        let listed = keys.join(", ");
        // CUBE doubles with each key.
        match self.chance(20) && keys.len() < 4 {
            true => format!(" GROUP BY {}", self.one(GROUPINGS).replace("{}", &listed)),
            false => format!(" GROUP BY {listed}"),
        }
    }

    /// An item of FROM that names columns of those to its left.
    pub(super) fn lateral(&mut self, left: &[Column], depth: u64) -> (Node, Vec<Column>) {
        let alias = self.alias();
        if self.chance(30) {
            let count = *self.one(&["1", "2", "0", "NULL"]);
            let text = format!("LATERAL generate_series(1, {count}) AS {alias} (c0)");
            return (
                Node::text(Sort::Relation, text),
                columns(&alias, &[("c0".into(), Type::Int)]),
            );
        }
        let around = Scope { columns: left.to_vec(), outer: Vec::new() };
        let types = self.types(2);
        let query = self.plain(&types, &around, depth);
        let named = types.iter().enumerate().map(|(index, of)| (format!("c{index}"), *of));
        let named: Vec<_> = named.collect();
        let listed: Vec<_> = named.iter().map(|(name, _)| name.clone()).collect();
        let template = format!("LATERAL ({{}}) AS {alias} ({})", listed.join(", "));
        (fill(Sort::Relation, &template, vec![query]), columns(&alias, &named))
    }

    /// WITH RECURSIVE that counts, and something from what it counts.
    pub(super) fn recursive(&mut self, types: &[Type], around: &Scope, depth: u64) -> Node {
        let name = self.alias();
        let of = self.type_();
        let first = self.constant(of);
        let step =
            Scope { columns: vec![Column { name: format!("{name}.c1"), of }], outer: Vec::new() };
        let next = self.value(of, &step, 1, 0);
        let union = *self.one(&["UNION", "UNION ALL"]);
        let declared = vec![("c0".to_owned(), Type::Int), ("c1".to_owned(), of)];
        self.tables.push(Table { name: name.clone(), columns: declared, has_key: false });
        let body = self.plain(types, around, depth);
        self.tables.pop();
        let kind = of.name();
        let template = format!(
            "(WITH RECURSIVE {name} (c0, c1) AS (SELECT 1, ({{}})::{kind} {union} SELECT c0 + 1, ({{}})::{kind} FROM {name} WHERE c0 < 4) {{}})"
        );
        fill(Sort::Query(types.to_vec()), &template, vec![first, next, body])
    }

    /// Distinct rows by their first column, of which one is left that order decides on.
    pub(super) fn distinct_on(&mut self, types: &[Type], around: &Scope, depth: u64) -> Node {
        let query = self.plain(types, around, depth);
        let keys: Vec<_> = (1..=types.len()).map(|column| column.to_string()).collect();
        let template =
            format!("(SELECT DISTINCT ON (1) q.* FROM ({{}}) q ORDER BY {})", keys.join(", "));
        fill(Sort::Query(types.to_vec()), &template, vec![query])
    }

    /// INSERT of the rows of a query, with what is done about keys that are there.
    pub(super) fn upsert(&mut self, table: &Table) -> Node {
        let types: Vec<_> = table.columns.iter().map(|(_, of)| *of).collect();
        let query = self.plain(&types, &Scope::default(), 0);
        let mut known = columns(&table.name, &table.columns);
        known.extend(columns("excluded", &table.columns));
        let scope = Scope { columns: known, outer: Vec::new() };
        let (name, of) = self.one(&table.columns[1..]).clone();
        // Each key once: no row may be changed twice.
        let rows = format!(
            "INSERT INTO {} SELECT DISTINCT ON (k) * FROM ({{}}) q (k) WHERE k IS NOT NULL ORDER BY q",
            table.name
        );
        let rows = fill(Sort::Part, &rows, vec![query]);
        let conflict = match self.chance(40) {
            true => Node::text(Sort::Part, " ON CONFLICT DO NOTHING"),
            false => {
                let value = self.value(of, &scope, 1, 0);
                let condition = self.condition("WHERE", &scope, 0);
                let template = format!(" ON CONFLICT (id) DO UPDATE SET {name} = {{}}{{}}");
                fill(Sort::Part, &template, vec![value, condition])
            }
        };
        fill(Sort::Part, "{}{}{}", vec![rows, conflict, returning()])
    }

    /// MERGE of another table by its key.
    pub(super) fn merge(&mut self, table: &Table) -> Node {
        let tables = self.tables.clone();
        let source = self.one(&tables).clone();
        let mut known = columns("t", &table.columns);
        known.extend(columns("s", &source.columns));
        let both = Scope { columns: known, outer: Vec::new() };
        let only = Scope { columns: columns("s", &source.columns), outer: Vec::new() };
        let (name, of) = self.one(&table.columns[1..]).clone();
        let mut whens = Vec::new();
        let guard = self.condition("AND", &both, 0);
        let act = match self.chance(30) {
            true => Node::text(Sort::Part, "DELETE"),
            false => {
                let value = self.value(of, &both, 1, 0);
                fill(Sort::Part, &format!("UPDATE SET {name} = {{}}"), vec![value])
            }
        };
        whens.push(fill(Sort::Clause, " WHEN MATCHED{} THEN {}", vec![guard, act]));
        let guard = self.condition("AND", &only, 0);
        let value = self.value(of, &only, 1, 0);
        let insert = format!("INSERT (id, {name}) VALUES (s.id + 1000, {{}})");
        let insert = fill(Sort::Part, &insert, vec![value]);
        whens.push(fill(Sort::Clause, " WHEN NOT MATCHED{} THEN {}", vec![guard, insert]));
        // A source with each key once.
        let template = format!(
            "MERGE INTO {} t USING (SELECT DISTINCT ON (id) * FROM {} o ORDER BY id, o) s ON t.id = s.id{{}}{{}}",
            table.name, source.name
        );
        fill(Sort::Part, &template, whens)
    }
}
