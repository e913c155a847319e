//! Names of result columns that have no alias.

use datafusion::sql::sqlparser::ast::{self, SelectItem, SetExpr};

use super::fold;
use crate::types::Type;

/// The name PostgreSQL gives to a column without alias (FigureColname).
pub(super) fn implied_name(expr: &ast::Expr) -> String {
    use ast::Expr as Sql;
    fn strength(expr: &ast::Expr) -> Option<(String, u8)> {
        let strong = |name: &str| Some((name.to_owned(), 2));
        match expr {
            Sql::Identifier(ident) => Some((fold(ident), 2)),
            Sql::CompoundIdentifier(parts) => parts.last().map(|part| (fold(part), 2)),
            Sql::Function(function) => {
                let parts = super::name_parts(&function.name);
                parts.last().map(|name| (name.clone(), 2))
            }
            Sql::Nested(inner) | Sql::Collate { expr: inner, .. } => strength(inner),
            Sql::Array(_) => strong("array"),
            Sql::Tuple(_) => strong("row"),
            Sql::Overlay { .. } => strong("overlay"),
            Sql::BinaryOp { op: ast::BinaryOperator::Overlaps, .. } => strong("overlaps"),
            Sql::QualifiedWildcard(name, _) => super::name_parts(name).pop().map(|name| (name, 2)),
            Sql::CompoundFieldAccess { root, access_chain } => {
                let names = access_chain.iter().rev().find_map(|access| match access {
                    ast::AccessExpr::Dot(Sql::Identifier(name)) => Some(fold(name)),
                    _ => None,
                });
                names.map(|name| (name, 2)).or_else(|| strength(root))
            }
            Sql::Cast { expr, data_type, .. } => match strength(expr) {
                Some((name, 2)) => Some((name, 2)),
                _ => Some((type_label(data_type), 1)),
            },
            Sql::TypedString(typed) => Some((type_label(&typed.data_type), 1)),
            Sql::Interval(_) => Some(("interval".into(), 1)),
            Sql::Case { else_result, .. } => match else_result.as_deref().and_then(strength) {
                Some((name, 2)) => Some((name, 2)),
                _ => Some(("case".into(), 1)),
            },
            Sql::Exists { .. } => strong("exists"),
            Sql::Subquery(query) => strength_of(&query.body),
            Sql::Extract { .. } => strong("extract"),
            Sql::Position { .. } => strong("position"),
            Sql::Substring { shorthand, .. } => {
                strong(if *shorthand { "substr" } else { "substring" })
            }
            Sql::Trim { trim_where, .. } => strong(match trim_where {
                Some(ast::TrimWhereField::Leading) => "ltrim",
                Some(ast::TrimWhereField::Trailing) => "rtrim",
                _ => "btrim",
            }),
            Sql::Ceil { .. } => strong("ceil"),
            Sql::Floor { .. } => strong("floor"),
            Sql::AtTimeZone { .. } => strong("timezone"),
            _ => None,
        }
    }
    /// What the first column of a query is called.
    fn strength_of(body: &SetExpr) -> Option<(String, u8)> {
        match body {
            SetExpr::Query(query) => strength_of(&query.body),
            SetExpr::Values(_) => Some(("column1".into(), 2)),
            SetExpr::Select(select) => match select.projection.first() {
                Some(SelectItem::UnnamedExpr(expr)) => strength(expr),
                Some(SelectItem::ExprWithAlias { alias, .. }) => Some((fold(alias), 2)),
                _ => None,
            },
            _ => None,
        }
    }
    strength(expr).map_or("?column?".into(), |(name, _)| name)
}

fn type_label(data_type: &ast::DataType) -> String {
    let kind = super::types::built_in(data_type).map(|ty| ty.kind);
    // Brackets are no part of the name; a name such as `_int4` is one.
    let kind = match data_type {
        ast::DataType::Array(_) => kind.map(|kind| kind.element().unwrap_or(kind)),
        _ => kind,
    };
    match kind {
        Ok(kind) if kind.is_array() => match data_type {
            ast::DataType::Custom(name, _) => super::name_parts(name).pop().unwrap_or_default(),
            _ => "?column?".into(),
        },
        Ok(Type::Bool) => "bool".into(),
        Ok(Type::Int2) => "int2".into(),
        Ok(Type::Int4) => "int4".into(),
        Ok(Type::Int8) => "int8".into(),
        Ok(Type::Float4) => "float4".into(),
        Ok(Type::Float8) => "float8".into(),
        Ok(Type::Varchar) => "varchar".into(),
        Ok(Type::Bpchar) => "bpchar".into(),
        Ok(Type::Time) => "time".into(),
        Ok(Type::Timetz) => "timetz".into(),
        Ok(Type::Timestamp) => "timestamp".into(),
        Ok(Type::Timestamptz) => "timestamptz".into(),
        Ok(kind) => kind.name().into(),
        // A user's type goes by its name.
        Err(_) => element_name(data_type).unwrap_or_else(|| "?column?".into()),
    }
}

/// The name of a type, or of the elements of its arrays.
fn element_name(data_type: &ast::DataType) -> Option<String> {
    match data_type {
        ast::DataType::Array(ast::ArrayElemTypeDef::SquareBracket(element, _)) => {
            element_name(element)
        }
        ast::DataType::Custom(name, _) => super::name_parts(name).pop(),
        _ => None,
    }
}
