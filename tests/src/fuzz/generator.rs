//! Queries and changes, by chance.

use super::grammar;
use super::schema::{Schema, Table};
use super::tree::{Node, Piece, Sort, Type, fill};
use crate::simulator::random::Random;

const VALUE_DEPTH: u64 = 3;
const QUERY_DEPTH: u64 = 2;

/// A column that may be named.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) of: Type,
}

/// What a value may name.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    pub(super) columns: Vec<Column>,
    /// Of the queries around this one.
    pub(super) outer: Vec<Column>,
}

impl Scope {
    fn within(&self) -> Vec<Column> {
        self.columns.iter().chain(&self.outer).cloned().collect()
    }
}

/// Makes statements over tables.
pub struct Generator<'a> {
    random: &'a mut Random,
    pub(super) tables: Vec<Table>,
    /// Whether queries have to be such that each row is seen a few times only.
    is_large: bool,
    aliases: u64,
}

impl<'a> Generator<'a> {
    /// For the tables of a schema.
    pub fn new(random: &'a mut Random, schema: &Schema) -> Generator<'a> {
        Generator { random, tables: schema.tables.clone(), is_large: schema.is_large, aliases: 0 }
    }

    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.random.below(100) < percent
    }

    pub(super) fn one<'b, T>(&mut self, of: &'b [T]) -> &'b T {
        &of[self.random.below(of.len() as u64) as usize]
    }

    pub(super) fn type_(&mut self) -> Type {
        match self.chance(5) {
            true => Type::Interval,
            false => *self.one(&Type::OF_COLUMNS),
        }
    }

    pub(super) fn types(&mut self, most: u64) -> Vec<Type> {
        (0..1 + self.random.below(most)).map(|_| self.type_()).collect()
    }

    pub(super) fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("a{}", self.aliases)
    }

    /// A query, with an order of all of its columns or without any.
    pub fn query(&mut self) -> Node {
        let types = self.types(4);
        let depth = if self.is_large { 0 } else { QUERY_DEPTH };
        let query = self.select(&types, &Scope::default(), depth);
        match self.chance(60) {
            true => self.ordered(query, &types),
            false => query,
        }
    }

    fn ordered(&mut self, query: Node, types: &[Type]) -> Node {
        let keys: Vec<_> = (1..=types.len())
            .map(|column| {
                let direction = *self.one(&["", "", " DESC", " NULLS FIRST", " DESC NULLS LAST"]);
                format!("{column}{direction}")
            })
            .collect();
        let order = Node::text(Sort::Clause, format!(" ORDER BY {}", keys.join(", ")));
        // Which of rows that are equal and look different are within the limit is left open.
        let limit = match self.chance(30) && !types.iter().any(|of| of.has_equal_forms()) {
            true => {
                let text = *self.one(&[
                    " LIMIT 3",
                    " LIMIT 1",
                    " OFFSET 1",
                    " LIMIT 5 OFFSET 2",
                    " LIMIT 0",
                ]);
                Node::text(Sort::Clause, text)
            }
            false => Node::text(Sort::Clause, ""),
        };
        fill(Sort::Query(types.to_vec()), "{}{}{}", vec![query, order, limit])
    }

    fn select(&mut self, types: &[Type], around: &Scope, depth: u64) -> Node {
        match self.random.below(20) {
            0 | 1 if depth > 0 => self.set_operation(types, around, depth - 1),
            2 if depth > 0 => self.with(types, around, depth - 1),
            8 if depth > 0 => self.recursive(types, around, depth - 1),
            9 if depth > 0 => self.distinct_on(types, around, depth - 1),
            3..=6 => self.grouped(types, around, depth),
            7 => self.windowed(types, around, depth),
            _ => self.plain(types, around, depth),
        }
    }

    fn set_operation(&mut self, types: &[Type], around: &Scope, depth: u64) -> Node {
        let operators =
            ["UNION", "UNION ALL", "INTERSECT", "INTERSECT ALL", "EXCEPT", "EXCEPT ALL"];
        let operator = *self.one(&operators);
        let sides = vec![self.select(types, around, depth), self.select(types, around, depth)];
        fill(Sort::Query(types.to_vec()), &format!("(({{}}) {operator} ({{}}))"), sides)
    }

    fn with(&mut self, types: &[Type], around: &Scope, depth: u64) -> Node {
        let name = self.alias();
        let of = self.types(3);
        let inner = self.select(&of, around, depth);
        let columns: Vec<_> =
            of.iter().enumerate().map(|(index, of)| (format!("c{index}"), *of)).collect();
        let listed: Vec<_> = columns.iter().map(|(column, _)| column.clone()).collect();
        self.tables.push(Table { name: name.clone(), columns, has_key: false });
        // Another WITH may not follow.
        let body = self.plain(types, around, depth);
        self.tables.pop();
        let template = format!("(WITH {name} ({}) AS ({{}}) {{}})", listed.join(", "));
        fill(Sort::Query(types.to_vec()), &template, vec![inner, body])
    }

    pub(super) fn plain(&mut self, types: &[Type], around: &Scope, depth: u64) -> Node {
        let (from, scope) = self.from(around, depth);
        let items = types.iter().map(|of| self.value(*of, &scope, VALUE_DEPTH, depth)).collect();
        let distinct = if self.chance(15) { "DISTINCT " } else { "" };
        let distinct = Node::text(Sort::Clause, distinct);
        let condition = self.condition("WHERE", &scope, depth);
        let head = self.head(distinct, items, from);
        fill(Sort::Query(types.to_vec()), "{}{}", vec![head, condition])
    }

    fn head(&mut self, distinct: Node, items: Vec<Node>, from: Node) -> Node {
        let holes = vec!["{}"; items.len()].join(", ");
        let mut nodes = vec![distinct];
        nodes.extend(items);
        nodes.push(from);
        fill(Sort::Part, &format!("SELECT {{}}{holes} FROM {{}}"), nodes)
    }

    pub(super) fn condition(&mut self, word: &str, scope: &Scope, depth: u64) -> Node {
        match self.chance(60) {
            true => {
                let condition = self.value(Type::Bool, scope, VALUE_DEPTH, depth);
                fill(Sort::Clause, &format!(" {word} {{}}"), vec![condition])
            }
            false => Node::text(Sort::Clause, ""),
        }
    }

    /// Each column is a key or an aggregate.
    fn grouped(&mut self, types: &[Type], around: &Scope, depth: u64) -> Node {
        let (from, scope) = self.from(around, depth);
        let inner = Scope { columns: scope.columns.clone(), outer: Vec::new() };
        let mut keys = Vec::new();
        let mut items = Vec::new();
        for (index, of) in types.iter().enumerate() {
            if self.chance(40) {
                keys.push((index + 1).to_string());
                items.push(self.named(*of, &inner));
            } else {
                items.push(self.aggregate(*of, &inner, " FILTER (WHERE {})"));
            }
        }
        let group = match keys.is_empty() {
            true => Node::text(Sort::Clause, ""),
            false => Node::text(Sort::Clause, self.group_by(&keys)),
        };
        let having = match self.chance(30) {
            true => {
                let of = self.type_();
                let sides = vec![self.aggregate(of, &inner, ""), self.constant(of)];
                fill(Sort::Clause, " HAVING {} > {}", sides)
            }
            false => Node::text(Sort::Clause, ""),
        };
        let condition = self.condition("WHERE", &scope, depth);
        let head = self.head(Node::text(Sort::Clause, ""), items, from);
        fill(Sort::Query(types.to_vec()), "{}{}{}{}", vec![head, condition, group, having])
    }

    /// A value that names columns of its own query, as a constant in GROUP BY would be another matter.
    fn named(&mut self, of: Type, scope: &Scope) -> Node {
        let of_type: Vec<_> =
            scope.columns.iter().filter(|column| column.of == of).cloned().collect();
        match of_type.is_empty() {
            true => {
                let Some(column) = scope.columns.first().cloned() else { return self.constant(of) };
                let nodes =
                    vec![Node::text(Sort::Value(column.of), column.name), self.constant(of)];
                fill(Sort::Value(of), "CASE WHEN {} IS NULL THEN {} END", nodes)
            }
            false => {
                let column = self.one(&of_type).clone();
                Node::text(Sort::Value(of), column.name)
            }
        }
    }

    fn aggregate(&mut self, of: Type, scope: &Scope, filter: &str) -> Node {
        let template = *self.one(grammar::aggregates(of));
        let value = self.expand(of, template, scope, 1, 0);
        match !filter.is_empty() && self.chance(15) {
            true => {
                let condition = self.value(Type::Bool, scope, 1, 0);
                let filter = fill(Sort::Clause, filter, vec![condition]);
                fill(Sort::Value(of), "{}{}", vec![value, filter])
            }
            false => value,
        }
    }

    fn windowed(&mut self, types: &[Type], around: &Scope, depth: u64) -> Node {
        let (from, scope) = self.from(around, depth);
        let items = types
            .iter()
            .map(|of| match self.chance(60) {
                true => self.window(*of, &scope),
                false => self.value(*of, &scope, 1, 0),
            })
            .collect();
        let condition = self.condition("WHERE", &scope, depth);
        let head = self.head(Node::text(Sort::Clause, ""), items, from);
        fill(Sort::Query(types.to_vec()), "{}{}", vec![head, condition])
    }

    fn window(&mut self, of: Type, scope: &Scope) -> Node {
        let template = *self.one(grammar::windows(of));
        let function = self.expand(of, template, scope, 1, 0);
        let mut over = Vec::new();
        for word in ["PARTITION BY", "ORDER BY"] {
            over.push(match self.chance(60) {
                true => {
                    let of = self.type_();
                    let key = self.value(of, scope, 1, 0);
                    let frame = if word == "ORDER BY" { self.frame() } else { "" };
                    fill(Sort::Clause, &format!("{word} {{}} {frame}"), vec![key])
                }
                false => Node::text(Sort::Clause, ""),
            });
        }
        let over = fill(Sort::Part, " OVER ({}{})", over);
        fill(Sort::Value(of), "{}{}", vec![function, over])
    }

    fn from(&mut self, around: &Scope, depth: u64) -> (Node, Scope) {
        let outer = if self.chance(60) { around.within() } else { Vec::new() };
        let (mut relation, mut columns) = self.relation(depth);
        let joins = match self.random.below(10) {
            0..=4 => 0,
            5..=8 => 1,
            _ => 2,
        };
        if depth > 0 && self.chance(10) {
            let (lateral, more) = self.lateral(&columns, depth - 1);
            columns.extend(more);
            let word = *self.one(&["CROSS JOIN", "LEFT JOIN"]);
            let on = if word == "LEFT JOIN" { " ON true" } else { "" };
            let template = format!("{{}} {word} {{}}{on}");
            relation = fill(Sort::Relation, &template, vec![relation, lateral]);
        }
        for _ in 0..joins {
            let (other, more) = self.relation(depth.saturating_sub(1));
            let left = columns.clone();
            columns.extend(more.clone());
            relation = self.join(relation, other, &left, &more, &columns);
        }
        (relation, Scope { columns, outer })
    }

    fn join(
        &mut self,
        left: Node,
        right: Node,
        of_left: &[Column],
        of_right: &[Column],
        both: &[Column],
    ) -> Node {
        let mut pairs = Vec::new();
        for one in of_left {
            pairs.extend(
                of_right.iter().filter(|other| other.of == one.of).map(|other| (one, other)),
            );
        }
        if self.is_large {
            let word = *self.one(&["JOIN", "LEFT JOIN", "FULL JOIN"]);
            let keys = format!("({} = {})", of_left[0].name, of_right[0].name);
            let condition = Node::text(Sort::Value(Type::Bool), keys);
            return fill(
                Sort::Relation,
                &format!("{{}} {word} {{}} ON {{}}"),
                vec![left, right, condition],
            );
        }
        let words = ["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN"];
        let mut word = *self.one(&words);
        // PostgreSQL has full joins on equalities only.
        if word == "FULL JOIN" && pairs.is_empty() {
            word = "LEFT JOIN";
        }
        if word == "CROSS JOIN" {
            return fill(Sort::Relation, "{} CROSS JOIN {}", vec![left, right]);
        }
        let equal = word == "FULL JOIN" || self.chance(70);
        let condition = match equal && !pairs.is_empty() {
            true => {
                let (one, other) = *self.one(&pairs);
                Node::text(Sort::Value(Type::Bool), format!("({} = {})", one.name, other.name))
            }
            false => {
                let scope = Scope { columns: both.to_vec(), outer: Vec::new() };
                self.value(Type::Bool, &scope, 2, 0)
            }
        };
        let more = match word != "FULL JOIN" && self.chance(20) {
            true => {
                let scope = Scope { columns: both.to_vec(), outer: Vec::new() };
                let condition = self.value(Type::Bool, &scope, 1, 0);
                fill(Sort::Clause, " AND {}", vec![condition])
            }
            false => Node::text(Sort::Clause, ""),
        };
        fill(
            Sort::Relation,
            &format!("{{}} {word} {{}} ON {{}}{{}}"),
            vec![left, right, condition, more],
        )
    }

    fn relation(&mut self, depth: u64) -> (Node, Vec<Column>) {
        let alias = self.alias();
        if depth > 0 && self.chance(20) {
            let types = self.types(3);
            let mut query = self.select(&types, &Scope::default(), depth - 1);
            if self.chance(30) {
                query = self.ordered(query, &types);
            }
            let named = types.iter().enumerate().map(|(index, of)| (format!("c{index}"), *of));
            let named: Vec<_> = named.collect();
            let listed: Vec<_> = named.iter().map(|(name, _)| name.clone()).collect();
            let template = format!("({{}}) AS {alias} ({})", listed.join(", "));
            (fill(Sort::Relation, &template, vec![query]), columns(&alias, &named))
        } else {
            let tables = self.tables.clone();
            let table = self.one(&tables);
            let text = format!("{} AS {alias}", table.name);
            (Node::text(Sort::Relation, text), columns(&alias, &table.columns))
        }
    }

    pub(super) fn constant(&mut self, of: Type) -> Node {
        let text = *self.one(grammar::constants(of));
        Node::text(Sort::Value(of), text)
    }

    fn leaf(&mut self, of: Type, scope: &Scope) -> Node {
        let mut known: Vec<_> =
            scope.columns.iter().filter(|column| column.of == of).cloned().collect();
        if known.is_empty() || self.chance(30) {
            known.extend(scope.outer.iter().filter(|column| column.of == of).cloned());
        }
        match known.is_empty() || self.chance(25) {
            true => self.constant(of),
            false => {
                let column = self.one(&known).clone();
                Node::text(Sort::Value(of), column.name)
            }
        }
    }

    pub(super) fn value(&mut self, of: Type, scope: &Scope, depth: u64, query_depth: u64) -> Node {
        if depth == 0 || self.chance(25) {
            return self.leaf(of, scope);
        }
        if query_depth > 0 && self.chance(10) {
            return self.subquery(of, scope, depth, query_depth - 1);
        }
        let templates = if self.chance(20) { grammar::OF_ANY } else { grammar::of(of) };
        let template = *self.one(templates);
        self.expand(of, template, scope, depth - 1, query_depth)
    }

    fn subquery(&mut self, of: Type, scope: &Scope, depth: u64, query_depth: u64) -> Node {
        let around = Scope { columns: scope.within(), outer: Vec::new() };
        if of != Type::Bool || self.chance(20) {
            // One row whatever comes, as an aggregate without groups has.
            let (from, inner) = self.from(&around, query_depth);
            let own = Scope { columns: inner.columns.clone(), outer: Vec::new() };
            let value = self.aggregate(of, &own, "");
            let condition = self.condition("WHERE", &inner, query_depth);
            return fill(Sort::Value(of), "(SELECT {} FROM {}{})", vec![value, from, condition]);
        }
        let other = self.type_();
        let query = self.select(&[other], &around, query_depth);
        if self.chance(40) {
            let word = *self.one(&["EXISTS", "NOT EXISTS"]);
            return fill(Sort::Value(of), &format!("({word} ({{}}))"), vec![query]);
        }
        let operator = *self.one(&["IN", "IN", "NOT IN", "= ANY", "> ANY", "<= ALL", "<> ALL"]);
        let value = self.value(other, scope, depth.saturating_sub(2), 0);
        fill(Sort::Value(of), &format!("({{}} {operator} ({{}}))"), vec![value, query])
    }

    /// Values for the holes of a template of the grammar.
    fn expand(
        &mut self,
        of: Type,
        template: &str,
        scope: &Scope,
        depth: u64,
        query_depth: u64,
    ) -> Node {
        let same = self.type_();
        let template = match template.contains("{k}") {
            true => template.replace("{k}", &self.leaf(Type::Text, scope).sql()),
            false => template.to_owned(),
        };
        let mut pieces = Vec::new();
        let mut rest = template.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let Some((hole, after)) = after.split_once('}') else { break };
            let letter = hole.chars().next().unwrap_or('x');
            let wanted = match letter {
                'x' => of,
                'y' => same,
                letter => grammar::hole(letter).unwrap_or(of),
            };
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Node(self.value(wanted, scope, depth, query_depth)));
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Node::of(Sort::Value(of), pieces)
    }

    fn depth_of_changes(&self) -> u64 {
        u64::from(!self.is_large)
    }

    /// A statement that changes a table, and the table.
    pub fn change(&mut self) -> (Node, String) {
        let tables = self.tables.clone();
        let table = self.one(&tables).clone();
        let scope = Scope { columns: columns(&table.name, &table.columns), outer: Vec::new() };
        let node = match self.random.below(7) {
            5 if table.columns.len() > 1 => self.merge(&table),
            6 if table.columns.len() > 1 && table.has_key => self.upsert(&table),
            0 | 1 => self.update(&table, &scope),
            2 | 3 => {
                let condition = self.condition("WHERE", &scope, self.depth_of_changes());
                fill(
                    Sort::Part,
                    &format!("DELETE FROM {}{{}}{{}}", table.name),
                    vec![condition, returning()],
                )
            }
            _ => {
                let types: Vec<_> = table.columns.iter().map(|(_, of)| *of).collect();
                let query = self.plain(&types, &Scope::default(), self.depth_of_changes());
                fill(
                    Sort::Part,
                    &format!("INSERT INTO {} {{}}{{}}", table.name),
                    vec![query, returning()],
                )
            }
        };
        (node, table.name)
    }

    fn update(&mut self, table: &Table, scope: &Scope) -> Node {
        let start = self.random.below(table.columns.len() as u64) as usize;
        let mut sets = Vec::new();
        let mut nodes = Vec::new();
        for (name, of) in table.columns.iter().skip(start).take(2) {
            sets.push(format!("{name} = {{}}"));
            nodes.push(self.value(*of, scope, 2, self.depth_of_changes()));
        }
        nodes.push(self.condition("WHERE", scope, self.depth_of_changes()));
        nodes.push(returning());
        fill(Sort::Part, &format!("UPDATE {} SET {}{{}}{{}}", table.name, sets.join(", ")), nodes)
    }
}

pub(super) fn returning() -> Node {
    Node::text(Sort::Clause, " RETURNING *")
}

pub(super) fn columns(alias: &str, named: &[(String, Type)]) -> Vec<Column> {
    let named = named.iter().map(|(name, of)| Column { name: format!("{alias}.{name}"), of: *of });
    named.collect()
}
