//! Statements as trees of text, whose nodes know what may stand in their place.
//!
//! Shrinking needs no more than that: a part gives way to nothing, to a part of itself, or to a constant. What no
//! longer means anything then fails on both servers alike, and is no difference.

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `boolean`
    Bool,
    /// `int4`
    Int,
    /// `int8`
    Long,
    /// `numeric`
    Numeric,
    /// `float8`
    Float,
    /// `text`
    Text,
    /// `date`
    Date,
    /// `timestamp`
    Timestamp,
    /// `interval`
    Interval,
}

impl Type {
    /// Those that columns of tables have.
    pub const OF_COLUMNS: [Type; 8] = [
        Type::Bool,
        Type::Int,
        Type::Long,
        Type::Numeric,
        Type::Float,
        Type::Text,
        Type::Date,
        Type::Timestamp,
    ];

    /// As SQL writes it.
    pub fn name(self) -> &'static str {
        match self {
            Type::Bool => "boolean",
            Type::Int => "int",
            Type::Long => "bigint",
            Type::Numeric => "numeric",
            Type::Float => "float8",
            Type::Text => "text",
            Type::Date => "date",
            Type::Timestamp => "timestamp",
            Type::Interval => "interval",
        }
    }

    /// Whether values that are equal may be written differently, as 1.0 and 1.00.
    pub fn has_equal_forms(self) -> bool {
        matches!(self, Type::Numeric | Type::Float | Type::Interval)
    }
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A value.
    Value(Type),
    /// A query with columns of these types.
    Query(Vec<Type>),
    /// An item of FROM.
    Relation,
    /// What may be left out.
    Clause,
    /// What may not.
    Part,
}

/// Text, or a node in it.
#[derive(Clone, Debug)]
pub enum Piece {
    /// As it is.
    Text(String),
    /// Between texts.
    Node(Node),
}

/// A statement, or a part of one.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub sort: Sort,
    /// What it is made of.
    pub pieces: Vec<Piece>,
}

impl Node {
    /// One of text alone.
    pub fn text(sort: Sort, text: impl Into<String>) -> Node {
        Node { sort, pieces: vec![Piece::Text(text.into())] }
    }

    /// One of several pieces.
    pub fn of(sort: Sort, pieces: Vec<Piece>) -> Node {
        Node { sort, pieces }
    }

    /// As SQL.
    pub fn sql(&self) -> String {
        let mut sql = String::new();
        self.write(&mut sql);
        sql
    }

    fn write(&self, sql: &mut String) {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => sql.push_str(text),
                Piece::Node(node) => node.write(sql),
            }
        }
    }

    fn children(&self) -> impl Iterator<Item = &Node> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Node(node) => Some(node),
            Piece::Text(_) => None,
        })
    }

    /// This node and all below it, each before what it is made of.
    pub fn all(&self) -> Vec<&Node> {
        let mut found = vec![self];
        for child in self.children() {
            found.extend(child.all());
        }
        found
    }

    /// With another node in the place of the one that is at `index` of [`Node::all`].
    pub fn with(&self, index: usize, other: &Node) -> Node {
        let mut at = 0;
        self.with_from(&mut at, index, other)
    }

    fn with_from(&self, at: &mut usize, index: usize, other: &Node) -> Node {
        let here = *at;
        *at += 1;
        let pieces = self.pieces.iter().map(|piece| match piece {
            Piece::Text(text) => Piece::Text(text.clone()),
            Piece::Node(node) => Piece::Node(node.with_from(at, index, other)),
        });
        let pieces = pieces.collect();
        match here == index {
            true => other.clone(),
            false => Node { sort: self.sort.clone(), pieces },
        }
    }
}

/// Pieces from a template and what is to stand for each `{}` in it.
pub fn fill(sort: Sort, template: &str, nodes: Vec<Node>) -> Node {
    let mut pieces = Vec::new();
    let mut nodes = nodes.into_iter();
    for (index, text) in template.split("{}").enumerate() {
        if index > 0 {
            pieces.extend(nodes.next().map(Piece::Node));
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text.to_owned()));
        }
    }
    Node { sort, pieces }
}
