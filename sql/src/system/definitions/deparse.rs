//! Expressions of the catalog as PostgreSQL shows them: constants with their types, operators in
//! parentheses.
//!
//! What it knows of types are those of columns and constants, which is what most conditions and
//! defaults consist of. The rest is shown as it was written.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, UnaryOperator, Value,
};

use crate::binder::types::built_in;
use crate::binder::{fold, name_parts};
use crate::catalog::Table;
use crate::functions::strings::{quote_ident, quote_literal};
use crate::types::{Category, Type, TypeMod};

/// Shows expressions over the columns of a table.
pub struct Deparser<'a> {
    /// The table.
    pub table: Option<&'a Table>,
    /// The type of VALUE, in the condition of a domain.
    pub value: Option<Type>,
    /// Whether parentheses that nobody needs are left out.
    pub pretty: bool,
}

/// A part, with its type where that is known.
struct Shown {
    text: String,
    kind: Option<Type>,
    /// Whether it stands for itself without parentheses.
    simple: bool,
}

fn simple(text: impl Into<String>, kind: Option<Type>) -> Shown {
    Shown { text: text.into(), kind, simple: true }
}

impl Deparser<'_> {
    /// The whole expression, whose type is to be `expected`.
    pub fn whole(&self, expr: &Expr, expected: Option<Type>) -> String {
        let shown = self.show(expr, expected);
        match shown.simple || self.pretty {
            true => shown.text,
            false => format!("({})", shown.text),
        }
    }

    /// An operand, in parentheses unless it is simple.
    fn operand(&self, shown: Shown) -> String {
        if shown.simple { shown.text } else { format!("({})", shown.text) }
    }

    /// A part of AND, OR or NOT: operators are in no need of parentheses there.
    fn part(&self, expr: &Expr) -> String {
        let shown = self.show(expr, Some(Type::Bool));
        match self.pretty && !matches!(inner(expr), Expr::BinaryOp { op: BinaryOperator::Or, .. }) {
            true => shown.text,
            false => self.operand(shown),
        }
    }

    fn cast(&self, shown: Shown, target: &str, kind: Option<Type>) -> Shown {
        let plain = shown.simple && self.pretty;
        let text = match plain {
            true => format!("{}::{target}", shown.text),
            false => format!("({})::{target}", shown.text),
        };
        simple(text, kind)
    }

    fn show(&self, expr: &Expr, expected: Option<Type>) -> Shown {
        match expr {
            Expr::Nested(inner) => self.show(inner, expected),
            Expr::Value(value) => constant(&value.value, expected),
            Expr::Identifier(ident) => {
                let name = fold(ident);
                let column = self.table.and_then(|table| table.columns.get(table.position(&name)?));
                match column {
                    Some(column) => simple(quote_ident(&name), Some(column.kind().kind)),
                    // VALUE, or such as CURRENT_TIMESTAMP.
                    None => simple(ident.value.to_uppercase(), self.value),
                }
            }
            Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match &**expr {
                Expr::Value(value) if matches!(value.value, Value::Number(..)) => {
                    let number = constant(&value.value, None);
                    let kind = number.kind.unwrap_or(Type::Numeric);
                    simple(format!("'-{}'::{}", number.text, kind.name()), Some(kind))
                }
                other => {
                    let shown = self.show(other, expected);
                    let kind = shown.kind;
                    let text = format!("- {}", self.operand(shown));
                    Shown { text, kind, simple: false }
                }
            },
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => {
                let text = format!("NOT {}", self.part(expr));
                Shown { text, kind: Some(Type::Bool), simple: false }
            }
            Expr::IsNull(inner) => self.test(inner, "IS NULL"),
            Expr::IsNotNull(inner) => self.test(inner, "IS NOT NULL"),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                self.joined(left, "AND", right)
            }
            Expr::BinaryOp { left, op: BinaryOperator::Or, right } => {
                self.joined(left, "OR", right)
            }
            Expr::BinaryOp { left, op, right } => {
                let symbol = crate::binder::operator_symbol(op);
                self.operator(left, &symbol, right)
            }
            Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
                self.operator(expr, if *negated { "!~~" } else { "~~" }, pattern)
            }
            Expr::ILike { negated, any: false, expr, pattern, escape_char: None } => {
                self.operator(expr, if *negated { "!~~*" } else { "~~*" }, pattern)
            }
            Expr::Between { expr, negated, low, high } => {
                let (from, to, word) = match negated {
                    false => (">=", "<=", "AND"),
                    true => ("<", ">", "OR"),
                };
                let side = |shown: Shown| match self.pretty {
                    true => shown.text,
                    false => self.operand(shown),
                };
                let low = side(self.operator(expr, from, low));
                let high = side(self.operator(expr, to, high));
                Shown {
                    text: format!("{low} {word} {high}"),
                    kind: Some(Type::Bool),
                    simple: false,
                }
            }
            Expr::InList { expr, list, negated } if list.len() > 1 => {
                self.list(expr, list, *negated)
            }
            Expr::Cast { expr, data_type, .. } => {
                let target = built_in(data_type).ok();
                let name = target.map_or_else(|| data_type.to_string(), TypeMod::display);
                let kind = target.map(|target| target.kind);
                match &**expr {
                    Expr::Value(value) if matches!(value.value, Value::SingleQuotedString(_)) => {
                        simple(format!("{}::{name}", literal(&value.value)), kind)
                    }
                    other => self.cast(self.show(other, None), &name, kind),
                }
            }
            Expr::Function(call) if call.over.is_none() && call.filter.is_none() => {
                let name = name_parts(&call.name).join(".");
                match &call.args {
                    FunctionArguments::None => simple(name.to_uppercase(), None),
                    FunctionArguments::List(list) if list.clauses.is_empty() => {
                        let takes_text = |at: usize| {
                            let mut all = crate::functions::named(&name);
                            let takes = |kind| {
                                move |f: &crate::functions::Function| f.args.get(at) == Some(&kind)
                            };
                            all.any(takes(Type::Text))
                                && !crate::functions::named(&name).any(takes(Type::Varchar))
                        };
                        let args = list.args.iter().enumerate().map(|(at, arg)| match arg {
                            FunctionArg::Unnamed(FunctionArgExpr::Expr(arg)) => {
                                let mut shown = self.show(arg, string_type(arg));
                                if shown.kind == Some(Type::Varchar) && takes_text(at) {
                                    shown = self.cast(shown, "text", Some(Type::Text));
                                }
                                match self.pretty {
                                    true => shown.text,
                                    false => self.operand(shown),
                                }
                            }
                            other => other.to_string(),
                        });
                        let args = args.collect::<Vec<_>>().join(", ");
                        let word = match name.as_str() {
                            "coalesce" | "greatest" | "least" | "nullif" => name.to_uppercase(),
                            _ => name.split('.').map(quote_ident).collect::<Vec<_>>().join("."),
                        };
                        simple(format!("{word}({args})"), result_of(&name))
                    }
                    _ => simple(call.to_string(), None),
                }
            }
            other => simple(other.to_string(), None),
        }
    }

    fn test(&self, inner: &Expr, what: &str) -> Shown {
        let text = format!("{} {what}", self.operand(self.show(inner, None)));
        Shown { text, kind: Some(Type::Bool), simple: false }
    }

    fn joined(&self, left: &Expr, word: &str, right: &Expr) -> Shown {
        // A chain is one node.
        let left_text = match inner(left) {
            Expr::BinaryOp { left, op, right } if op.to_string() == word => {
                self.joined(left, word, right).text
            }
            other => self.part(other),
        };
        let text = format!("{left_text} {word} {}", self.part(right));
        Shown { text, kind: Some(Type::Bool), simple: false }
    }

    fn operator(&self, left: &Expr, symbol: &str, right: &Expr) -> Shown {
        let types = [self.show(left, None).kind, self.show(right, None).kind];
        let (a, b) = (self.beside(left, types[1]), self.beside(right, types[0]));
        let compares =
            matches!(symbol, "=" | "<>" | "<" | "<=" | ">" | ">=") || symbol.contains('~');
        let kind = if compares { Some(Type::Bool) } else { types[0].or(types[1]) };
        let text = format!("{} {symbol} {}", self.operand(a), self.operand(b));
        Shown { text, kind, simple: false }
    }

    /// An operand beside one of a type.
    fn beside(&self, expr: &Expr, other: Option<Type>) -> Shown {
        let is_constant = matches!(inner(expr), Expr::Value(_));
        let other = match other {
            // Operators are those of text.
            Some(Type::Varchar | Type::Name) => Some(Type::Text),
            other => other,
        };
        let shown = self.show(expr, other);
        match (shown.kind, other) {
            (Some(Type::Varchar), _) => self.cast(shown, "text", Some(Type::Text)),
            (Some(kind), Some(other))
                if is_constant && kind != other && other.category() == Category::Numeric =>
            {
                match other {
                    Type::Numeric | Type::Float4 | Type::Float8 => {
                        let target = if other == Type::Numeric { other } else { Type::Float8 };
                        self.cast(shown, target.name(), Some(target))
                    }
                    _ => shown,
                }
            }
            _ => shown,
        }
    }

    /// `IN`, as `= ANY`.
    fn list(&self, probe: &Expr, list: &[Expr], negated: bool) -> Shown {
        let probe_kind = self.show(probe, None).kind;
        let items = list.iter().map(|item| self.show(item, probe_kind));
        let items: Vec<Shown> = items.collect();
        let texts = items.iter().map(|item| item.text.as_str()).collect::<Vec<_>>().join(", ");
        let mut array = format!("ARRAY[{texts}]");
        if probe_kind == Some(Type::Varchar) {
            array = match self.pretty {
                true => format!("{array}::text[]"),
                false => format!("({array})::text[]"),
            };
            array = format!("({array})");
        } else {
            array = format!("({array})");
        }
        let (symbol, word) = if negated { ("<>", "ALL") } else { ("=", "ANY") };
        let probe = self.operand(self.beside(probe, probe_kind));
        let text = format!("{probe} {symbol} {word} {array}");
        Shown { text, kind: Some(Type::Bool), simple: false }
    }
}

fn inner(expr: &Expr) -> &Expr {
    match expr {
        Expr::Nested(expr) => inner(expr),
        other => other,
    }
}

/// The type that a literal string takes as an argument.
fn string_type(arg: &Expr) -> Option<Type> {
    match inner(arg) {
        Expr::Value(value) if matches!(value.value, Value::SingleQuotedString(_)) => {
            Some(Type::Text)
        }
        _ => None,
    }
}

/// The type of a function that has but one.
fn result_of(name: &str) -> Option<Type> {
    let mut all = crate::functions::named(name);
    let first = all.next()?.returns;
    all.all(|function| function.returns == first).then_some(first)
}

fn literal(value: &Value) -> String {
    match value {
        Value::SingleQuotedString(text) => quote_literal(text),
        other => other.to_string(),
    }
}

fn constant(value: &Value, expected: Option<Type>) -> Shown {
    match value {
        Value::SingleQuotedString(_) => {
            let kind = expected.unwrap_or(Type::Text);
            let name = TypeMod::plain(kind).display();
            simple(format!("{}::{name}", literal(value)), expected)
        }
        Value::Number(digits, _) => {
            let kind = match (digits.parse::<i32>(), digits.parse::<i64>()) {
                (Ok(_), _) => Type::Int4,
                (_, Ok(_)) => Type::Int8,
                _ => Type::Numeric,
            };
            match kind {
                Type::Int8 => simple(format!("'{digits}'::bigint"), Some(kind)),
                kind => simple(digits.as_str(), Some(kind)),
            }
        }
        Value::Boolean(value) => simple(value.to_string(), Some(Type::Bool)),
        Value::Null => match expected {
            Some(kind) => simple(format!("NULL::{}", TypeMod::plain(kind).display()), expected),
            None => simple("NULL", None),
        },
        other => simple(other.to_string(), None),
    }
}
