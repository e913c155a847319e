//! Key columns of indexes as they are written: in CREATE INDEX, and where ON CONFLICT names what an index
//! is over.

use datafusion::sql::sqlparser::ast;

use super::constraint::index_column_name;
use super::{fold, name_parts};
use crate::catalog::index::KeyOptions;
use crate::codec::KeyOrder;
use crate::error::{Error, Result, SqlState};
use crate::system::facts;
use crate::types::Type;

/// A key column as it is written.
pub struct IndexKey<'c> {
    /// Without what stands around it.
    pub expr: &'c ast::Expr,
    /// COLLATE.
    pub collation: Option<&'c ast::ObjectName>,
    /// An operator class.
    pub class: Option<&'c ast::ObjectName>,
    /// DESC and NULLS FIRST.
    pub order: KeyOrder,
}

impl<'c> IndexKey<'c> {
    /// Takes apart what the parser has read.
    pub fn new(column: &'c ast::IndexColumn) -> Result<IndexKey<'c>> {
        let (mut expr, mut collation, mut nested) = (&column.column.expr, None, false);
        loop {
            expr = match expr {
                ast::Expr::Collate { expr, collation: name } if collation.is_none() => {
                    collation = Some(name);
                    expr
                }
                ast::Expr::Nested(inner) => {
                    nested = true;
                    inner
                }
                _ => break,
            };
        }
        let bare = match expr {
            ast::Expr::BinaryOp { op, .. } => Some(op.to_string()),
            ast::Expr::UnaryOp { op, .. } => Some(op.to_string()),
            ast::Expr::Cast { kind: ast::CastKind::DoubleColon, .. } => Some("::".to_owned()),
            ast::Expr::Value(value) => Some(value.to_string()),
            ast::Expr::Subquery(_) => Some("SELECT".to_owned()),
            _ => None,
        };
        if let Some(token) = bare.filter(|_| !nested) {
            return Err(Error::new(
                SqlState::SyntaxError,
                format!("syntax error at or near \"{token}\""),
            ));
        }
        let descending = column.column.options.asc == Some(false);
        let nulls_first = column.column.options.nulls_first.unwrap_or(descending);
        let order = KeyOrder { descending, nulls_first };
        Ok(IndexKey { expr, collation, class: column.operator_class.as_ref(), order })
    }

    /// The column that it is.
    pub fn column(&self) -> Option<String> {
        match self.expr {
            ast::Expr::Identifier(ident) => Some(fold(ident)),
            _ => None,
        }
    }

    /// What it is called among the columns of an index.
    pub fn name(&self) -> String {
        self.column().unwrap_or_else(|| index_column_name(self.expr))
    }

    /// What is said of it besides, for a key of this type.
    pub fn options(&self, kind: Type) -> Result<KeyOptions> {
        let collation = self.collation.map(|name| collation(name, kind)).transpose()?.flatten();
        let class = self.class.map(|name| operator_class(name, kind)).transpose()?.flatten();
        Ok(KeyOptions { order: self.order, class, collation })
    }
}

/// The collation of a key column, unless it is the default one. All sort bytewise.
fn collation(name: &ast::ObjectName, kind: Type) -> Result<Option<String>> {
    let parts = name_parts(name);
    let last = parts.last().cloned().unwrap_or_default();
    if !matches!(last.as_str(), "C" | "POSIX" | "default" | "ucs_basic") {
        return Err(Error::new(
            SqlState::UndefinedObject,
            format!("collation \"{}\" for encoding \"UTF8\" does not exist", parts.join(".")),
        ));
    }
    if facts::collation(kind) == 0 {
        return Err(Error::new(
            SqlState::DatatypeMismatch,
            format!("collations are not supported by type {}", kind.name()),
        ));
    }
    Ok((last != "default").then_some(last))
}

/// The operator class of a key column, unless it is the default one. Those of patterns compare
/// bytewise, as the others do here.
fn operator_class(name: &ast::ObjectName, kind: Type) -> Result<Option<String>> {
    let parts = name_parts(name);
    let class = parts.last().cloned().unwrap_or_default();
    let Some((oid, input)) = facts::named_operator_class(&class) else {
        return Err(Error::new(
            SqlState::UndefinedObject,
            format!(
                "operator class \"{}\" does not exist for access method \"btree\"",
                parts.join(".")
            ),
        ));
    };
    let accepts = match Type::from_oid(input) {
        Some(Type::Text) => matches!(kind, Type::Text | Type::Varchar),
        Some(accepted) => {
            accepted == kind || facts::operator_class(kind) == facts::operator_class(accepted)
        }
        None => facts::operator_class(kind) == oid,
    };
    if !accepts {
        return Err(Error::new(
            SqlState::DatatypeMismatch,
            format!("operator class \"{class}\" does not accept data type {}", kind.name()),
        ));
    }
    Ok((facts::operator_class(kind) != oid).then_some(class))
}
