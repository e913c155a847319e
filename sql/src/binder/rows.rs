//! Row values: `ROW(...)`, whole rows of relations, fields of records, and comparisons by field.
//!
//! The fields of a record are known by its type modifier, which is a place in a list that the binder
//! keeps; it means nothing outside of one statement.

use std::sync::Arc;

use datafusion::logical_expr::{Expr, Operator};
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::{self, AccessExpr, BinaryOperator, Expr as Sql};

use super::array::unwrapped;
use super::expr::binary;
use super::locking::RangedKind;
use super::operators::{comparison_of, operator_symbol};
use super::select::{MAX_TARGETS, Target};
use super::subplan::Comparison;
use super::{Binder, Bound, fold, name_parts};
use crate::catalog::Table;
use crate::error::{Error, Result, SqlState};
use crate::functions::casts::CastLevel;
use crate::functions::records::RecordForm;
use crate::functions::{Scalar, udf};
use crate::parser::forms::STAR;
use crate::types::{Datum, Type, TypeMod, UserType, composite, record};

/// A field of a record.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RecordField {
    pub(super) name: String,
    /// `Unknown` for a literal that is text for want of anything better.
    pub(super) ty: TypeMod,
    /// Its place in values.
    pub(super) place: usize,
}

/// The columns of a relation.
pub(super) struct NamedColumns {
    pub(super) columns: Vec<(String, Bound)>,
    /// Whether an outer join may give NULLs for them.
    nullable: bool,
    /// The table that it is.
    table: Option<Arc<Table>>,
}

/// The names of the fields of a row that has none.
fn numbered(index: usize) -> String {
    format!("f{}", index + 1)
}

/// The arguments of `ROW(...)`.
fn row_args(sql: &Sql) -> Option<&[ast::FunctionArg]> {
    let Sql::Function(function) = sql else { return None };
    let [part] = function.name.0.as_slice() else { return None };
    let ident = part.as_ident()?;
    let is_row = ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("row");
    match &function.args {
        ast::FunctionArguments::List(list) if is_row => Some(&list.args),
        _ => None,
    }
}

/// The expression before `.*`, if one ends so.
pub(super) fn before_star(sql: &Sql) -> Option<Sql> {
    let Sql::CompoundFieldAccess { root, access_chain } = sql else { return None };
    let (last, before) = access_chain.split_last()?;
    let AccessExpr::Dot(Sql::Identifier(ident)) = last else { return None };
    if ident.value != STAR {
        return None;
    }
    Some(match before {
        [] => (**root).clone(),
        before => Sql::CompoundFieldAccess { root: root.clone(), access_chain: before.to_vec() },
    })
}

impl Binder<'_> {
    /// The type of records with these fields.
    fn record_type(&self, fields: Vec<RecordField>) -> TypeMod {
        let mut records = self.records.borrow_mut();
        let place = match records.iter().position(|known| *known == fields) {
            Some(place) => place,
            None => {
                records.push(fields);
                records.len() - 1
            }
        };
        TypeMod { kind: Type::Record, typmod: place as i32 }
    }

    /// The fields of a type of records, where they are known.
    pub(super) fn fields_of(&self, ty: TypeMod) -> Option<Vec<RecordField>> {
        let ty = ty.base();
        if let Type::Composite(user) = ty.kind {
            let all = user.attributes().iter().enumerate();
            let fields = all.filter(|(_, attribute)| !attribute.dropped);
            let fields = fields.map(|(place, attribute)| RecordField {
                name: attribute.name.clone(),
                ty: attribute.ty,
                place,
            });
            return Some(fields.collect());
        }
        if ty.kind != Type::Record {
            return None;
        }
        let place = usize::try_from(ty.typmod).ok()?;
        self.records.borrow().get(place).cloned()
    }

    /// A record of these values.
    fn make_record(
        &self,
        values: Vec<Bound>,
        name: impl Fn(usize) -> String,
        form: RecordForm,
    ) -> Result<Bound> {
        if values.len() > MAX_TARGETS {
            let message = format!("ROW expressions can have at most {MAX_TARGETS} entries");
            return Err(Error::new(SqlState::TooManyColumns, message));
        }
        let mut fields = Vec::with_capacity(values.len());
        let mut kinds = Vec::with_capacity(values.len());
        let mut args = Vec::with_capacity(values.len() + 1);
        for (index, value) in values.into_iter().enumerate() {
            fields.push(RecordField { name: name(index), ty: value.ty, place: index });
            let value = self.settle(value)?;
            kinds.push(value.ty.kind);
            args.push(value.expr);
        }
        let head = ScalarValue::Binary(Some(record::head(&kinds)));
        args.insert(0, Expr::Literal(head, None));
        let expr = udf::call(Scalar::Record(form), args);
        Ok(Bound { expr, ty: self.record_type(fields), position: None })
    }

    /// A record whose fields have no names.
    pub(super) fn unnamed_record(&self, values: Vec<Bound>) -> Result<Bound> {
        self.make_record(values, numbered, RecordForm::Make)
    }

    /// The values of a row constructor; `None` if an expression is none.
    pub(super) fn row_values(&self, sql: &Sql) -> Result<Option<Vec<Bound>>> {
        let sql = unwrapped(sql);
        let mut values = Vec::new();
        if let Sql::Tuple(items) = sql {
            for item in items {
                self.row_value(item, &mut values)?;
            }
            return Ok(Some(values));
        }
        let Some(args) = row_args(sql) else { return Ok(None) };
        for arg in args {
            match arg {
                ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) => {
                    self.row_value(expr, &mut values)?;
                }
                ast::FunctionArg::Unnamed(ast::FunctionArgExpr::QualifiedWildcard(name)) => {
                    self.columns_of(name, &mut values)?;
                }
                other => return Err(Error::unsupported(format!("{other} in ROW"))),
            }
        }
        Ok(Some(values))
    }

    fn row_value(&self, sql: &Sql, values: &mut Vec<Bound>) -> Result<()> {
        if let Sql::QualifiedWildcard(name, _) = sql {
            return self.columns_of(name, values);
        }
        if let Some(record) = before_star(sql) {
            values.extend(self.expanded(&record)?.into_iter().map(|(_, value)| value));
            return Ok(());
        }
        values.push(self.expr(sql)?);
        Ok(())
    }

    /// The columns of a relation that is named as `name.*`.
    fn columns_of(&self, name: &ast::ObjectName, values: &mut Vec<Bound>) -> Result<()> {
        let position = self.position_of(name);
        let relation = name_parts(name).pop().unwrap_or_default();
        let columns = self.relation_columns(&relation, position);
        let columns = columns.ok_or_else(|| self.unknown_relation(&relation).at(position))?;
        values.extend(columns.columns.into_iter().map(|(_, value)| value));
        Ok(())
    }

    /// The columns of a relation by its name.
    pub(super) fn relation_columns(
        &self,
        relation: &str,
        position: Option<usize>,
    ) -> Option<NamedColumns> {
        let depth = {
            let levels = self.levels.borrow();
            let has = |level: &super::Level| {
                level.scope.columns.iter().any(|column| column.relation == relation)
            };
            levels.iter().rposition(has)?
        };
        let (columns, nullable, table) = {
            let levels = self.levels.borrow();
            let level = levels.get(depth)?;
            let columns = level.scope.columns.iter();
            let columns = columns.filter(|c| c.relation == relation && !c.unlisted);
            let nullable =
                level.ranged.iter().any(|item| item.name == relation && item.is_nullable());
            let table = level.ranged.iter().find_map(|item| match &item.kind {
                RangedKind::Table(table, _) if item.name == relation => Some(table.clone()),
                _ => None,
            });
            (columns.cloned().collect::<Vec<_>>(), nullable, table)
        };
        let columns = columns.into_iter().map(|column| {
            self.note_column(column.origin);
            let value = self.captured(depth, column.column, column.ty, position);
            (column.name, value)
        });
        Some(NamedColumns { columns: columns.collect(), nullable, table })
    }

    /// A whole row of a relation; `None` if none has this name.
    pub(super) fn whole_row(
        &self,
        relation: &str,
        position: Option<usize>,
    ) -> Result<Option<Bound>> {
        let Some(NamedColumns { columns, nullable, table }) =
            self.relation_columns(relation, position)
        else {
            return Ok(None);
        };
        // Under other names, and in a view that knows of fewer columns, it is another type.
        let is_row = |table: &&Arc<Table>| {
            let names = table.visible().map(|(_, column)| column.name.as_str());
            names.eq(columns.iter().map(|(name, _)| name.as_str()))
        };
        let row_type =
            table.as_ref().filter(is_row).and_then(|table| self.schema.row_type(table.id));
        if let Some(Type::Composite(user)) = row_type {
            let form = if nullable { RecordForm::MakeUnlessNull } else { RecordForm::Make };
            let values = columns.into_iter().map(|(_, value)| value).collect();
            return self.make_composite(user, values, form).map(Some);
        }
        let (names, values): (Vec<String>, Vec<Bound>) = columns.into_iter().unzip();
        let form = if nullable { RecordForm::MakeUnlessNull } else { RecordForm::Make };
        let name = |index: usize| names.get(index).cloned().unwrap_or_default();
        self.make_record(values, name, form).map(Some)
    }

    /// `relation.*` where it is one value.
    pub(super) fn row_by_name(&self, name: &ast::ObjectName) -> Result<Bound> {
        let position = self.position_of(name);
        let relation = name_parts(name).pop().unwrap_or_default();
        let row = self.whole_row(&relation, position)?;
        row.ok_or_else(|| self.unknown_relation(&relation).at(position))
    }

    /// `(1, 2)` or `ROW(1, 2)` as one value; `None` if an expression is neither.
    pub(super) fn row_constructor(&self, sql: &Sql) -> Result<Option<Bound>> {
        match self.row_values(sql)? {
            Some(values) => {
                let first = match unwrapped(sql) {
                    Sql::Tuple(items) => items.first(),
                    _ => None,
                };
                let position = first.and_then(|first| self.position_before(first, &["("]));
                Ok(Some(self.unnamed_record(values)?.at(position)))
            }
            None => Ok(None),
        }
    }

    /// A field of a record. `source` is how the record is written.
    pub(super) fn field(&self, record: Bound, name: &ast::Ident, source: &Sql) -> Result<Bound> {
        let position = record.position;
        let wanted = fold(name);
        if !record.kind().is_row() {
            return Err(Error::new(
                SqlState::WrongObjectType,
                format!(
                    "column notation .{wanted} applied to type {}, which is not a composite type",
                    record.kind().name()
                ),
            )
            .at(position));
        }
        let fields = self.fields_of(record.ty).unwrap_or_default();
        let Some(index) = fields.iter().position(|field| field.name == wanted) else {
            let message = match unwrapped(source) {
                Sql::Identifier(ident) if self.is_relation(&fold(ident)) => {
                    format!("column {}.{wanted} does not exist", fold(ident))
                }
                _ if record.kind() == Type::Record => {
                    format!("could not identify column \"{wanted}\" in record data type")
                }
                _ => {
                    let kind = record.ty.kind.name();
                    format!("column \"{wanted}\" not found in data type {kind}")
                }
            };
            return Err(Error::new(SqlState::UndefinedColumn, message).at(position));
        };
        self.field_at(&record, index, &fields)
    }

    fn is_relation(&self, name: &str) -> bool {
        let levels = self.levels.borrow();
        let mut columns = levels.iter().flat_map(|level| &level.scope.columns);
        columns.any(|column| column.relation == name)
    }

    fn field_at(&self, record: &Bound, index: usize, fields: &[RecordField]) -> Result<Bound> {
        let place = fields.get(index).map_or(index, |field| field.place);
        let ty = fields.get(index).map_or(TypeMod::plain(Type::Text), |field| field.ty);
        let ty = if ty.kind == Type::Unknown { TypeMod::plain(Type::Text) } else { ty };
        let made = match &record.expr {
            Expr::ScalarFunction(function) => match udf::scalar_of(function) {
                Some(Scalar::Record(RecordForm::Make | RecordForm::MakeUnlessNull)) => {
                    function.args.get(place + 1).cloned()
                }
                _ => None,
            },
            _ => None,
        };
        let expr = made.unwrap_or_else(|| {
            let form = RecordForm::Field(place as u16, ty.kind);
            udf::call(Scalar::Record(form), vec![record.expr.clone()])
        });
        Ok(Bound { expr, ty, position: record.position })
    }

    /// All fields of a record that is written as `record.*`, with their names.
    fn expanded(&self, sql: &Sql) -> Result<Vec<(String, Bound)>> {
        self.fields_with_names(self.expr(sql)?)
    }

    /// All fields of a record, with their names.
    pub(super) fn fields_with_names(&self, record: Bound) -> Result<Vec<(String, Bound)>> {
        let position = record.position;
        let fields = self.fields_of(record.ty).ok_or_else(|| {
            let message = match record.kind() {
                Type::Record => "record type has not been registered".to_owned(),
                kind => format!("type {} is not composite", kind.name()),
            };
            Error::new(SqlState::WrongObjectType, message).at(position)
        })?;
        let values = (0..fields.len()).map(|index| self.field_at(&record, index, &fields));
        let values = values.collect::<Result<Vec<_>>>()?;
        Ok(fields.into_iter().map(|field| field.name).zip(values).collect())
    }

    /// The items of a select list that `(record).*` stands for; `None` if an item is something else.
    pub(super) fn expanded_targets(&self, sql: &Sql) -> Result<Option<Vec<Target>>> {
        let Some(record) = before_star(sql) else { return Ok(None) };
        let fields = self.expanded(&record)?;
        let targets = fields.into_iter().map(|(name, bound)| Target { name, bound, origin: None });
        Ok(Some(targets.collect()))
    }

    /// `(a, b) = (c, d)`, and `<` and its kin by the first difference.
    pub(super) fn compare_rows(
        &self,
        a: Vec<Bound>,
        op: &BinaryOperator,
        b: Vec<Bound>,
    ) -> Result<Bound> {
        check_lengths(a.len(), b.len())?;
        let Some((operator, comparison)) = comparison_of(op) else {
            return Err(self.wrong_row_operator(a, op, b));
        };
        let mut result: Option<Expr> = None;
        for (a, b) in a.into_iter().zip(b).rev() {
            let piece = |op, name| self.compare(a.clone(), name, op, b.clone()).map(|b| b.expr);
            result = Some(match (result, comparison) {
                (None, Comparison::Eq) => piece(operator, "=")?,
                (None, _) => piece(operator, &operator_symbol(op))?,
                (Some(rest), Comparison::Eq) => {
                    binary(piece(Operator::Eq, "=")?, Operator::And, rest)
                }
                (Some(rest), Comparison::NotEq) => {
                    binary(piece(Operator::NotEq, "<>")?, Operator::Or, rest)
                }
                (Some(rest), Comparison::Lt | Comparison::LtEq) => {
                    let tie = binary(piece(Operator::Eq, "=")?, Operator::And, rest);
                    binary(piece(Operator::Lt, "<")?, Operator::Or, tie)
                }
                (Some(rest), Comparison::Gt | Comparison::GtEq) => {
                    let tie = binary(piece(Operator::Eq, "=")?, Operator::And, rest);
                    binary(piece(Operator::Gt, ">")?, Operator::Or, tie)
                }
            });
        }
        let result = result.ok_or_else(zero_length)?;
        Ok(Bound::new(result, Type::Bool))
    }

    /// The error of an operator that does not compare.
    fn wrong_row_operator(&self, a: Vec<Bound>, op: &BinaryOperator, b: Vec<Bound>) -> Error {
        let symbol = operator_symbol(op);
        let Some((a, b)) = a.into_iter().zip(b).next() else { return zero_length() };
        match self.operator(&symbol, vec![a, b]) {
            Err(error) => error,
            Ok(bound) if bound.kind() == Type::Bool => Error::new(
                SqlState::FeatureNotSupported,
                format!("could not determine interpretation of row comparison operator {symbol}"),
            )
            .hint("Row comparison operators must be associated with btree operator families."),
            Ok(bound) => Error::new(
                SqlState::DatatypeMismatch,
                format!(
                    "row comparison operator must yield type boolean, not type {}",
                    bound.kind().name()
                ),
            ),
        }
    }

    /// IS [NOT] DISTINCT FROM between rows.
    pub(super) fn rows_distinct(
        &self,
        a: Vec<Bound>,
        b: Vec<Bound>,
        negated: bool,
    ) -> Result<Bound> {
        check_lengths(a.len(), b.len())?;
        let (operator, name, join) = match negated {
            false => (Operator::IsDistinctFrom, "=", Operator::Or),
            true => (Operator::IsNotDistinctFrom, "=", Operator::And),
        };
        let mut result: Option<Expr> = None;
        for (a, b) in a.into_iter().zip(b) {
            let piece = self.compare(a, name, operator, b)?.expr;
            result = Some(match result {
                None => piece,
                Some(before) => binary(before, join, piece),
            });
        }
        match result {
            Some(expr) => Ok(Bound::new(expr, Type::Bool)),
            None => self.literal(&Datum::Bool(negated), Type::Bool),
        }
    }

    /// `row IS [NOT] NULL`; `None` if an expression is no row.
    pub(super) fn row_null_test(&self, sql: &Sql, negated: bool) -> Result<Option<Bound>> {
        if let Some(values) = self.row_values(sql)? {
            let mut result: Option<Expr> = None;
            for value in values {
                let value = Box::new(self.settle(value)?.expr);
                let test = if negated { Expr::IsNotNull(value) } else { Expr::IsNull(value) };
                result = Some(match result {
                    None => test,
                    Some(before) => binary(before, Operator::And, test),
                });
            }
            return Ok(Some(match result {
                Some(expr) => Bound::new(expr, Type::Bool),
                None => self.literal(&Datum::Bool(true), Type::Bool)?,
            }));
        }
        Ok(None)
    }

    /// The same of a value that is a record.
    pub(super) fn record_null_test(record: Expr, negated: bool) -> Bound {
        let form = if negated { RecordForm::IsNotNull } else { RecordForm::IsNull };
        Bound::new(udf::call(Scalar::Record(form), vec![record]), Type::Bool)
    }

    /// Refuses a comparison of records whose fields cannot be compared.
    pub(super) fn check_records(&self, a: TypeMod, b: TypeMod) -> Result<()> {
        let (Some(a), Some(b)) = (self.fields_of(a), self.fields_of(b)) else { return Ok(()) };
        let wrong = |message: String| Err(Error::new(SqlState::DatatypeMismatch, message));
        for (index, (a, b)) in a.iter().zip(&b).enumerate() {
            if a.ty.kind != b.ty.kind {
                return wrong(format!(
                    "cannot compare dissimilar column types {} and {} at record column {}",
                    a.ty.kind.name(),
                    b.ty.kind.name(),
                    index + 1
                ));
            }
        }
        match a.len() == b.len() {
            true => Ok(()),
            false => {
                wrong("cannot compare record types with different numbers of columns".to_owned())
            }
        }
    }

    /// A value of a composite type; `values` are those of the fields that names find.
    pub(super) fn make_composite(
        &self,
        user: UserType,
        values: Vec<Bound>,
        form: RecordForm,
    ) -> Result<Bound> {
        let mut values = values.into_iter();
        let mut args = vec![Expr::Literal(ScalarValue::Binary(Some(composite::head(user))), None)];
        for attribute in user.attributes() {
            args.push(match attribute.dropped {
                true => self.null(Type::Void)?.expr,
                false => match values.next() {
                    Some(value) => value.expr,
                    None => self.null(attribute.ty.kind)?.expr,
                },
            });
        }
        let expr = udf::call(Scalar::Record(form), args);
        Ok(Bound { expr, ty: TypeMod::plain(Type::Composite(user)), position: None })
    }

    /// A field of a record as it was written: a literal is one of an open type still.
    fn written_field(&self, record: &Bound, index: usize, fields: &[RecordField]) -> Result<Bound> {
        let bound = self.field_at(record, index, fields)?;
        let is_open = fields.get(index).is_some_and(|field| field.ty.kind == Type::Unknown);
        Ok(match (is_open, &bound.expr) {
            (true, Expr::Literal(..)) => Bound { ty: TypeMod::plain(Type::Unknown), ..bound },
            _ => bound,
        })
    }

    /// Converts a record, whose fields are known, to a composite type.
    pub(super) fn record_to_composite(
        &self,
        record: &Bound,
        own: &[RecordField],
        user: UserType,
        level: CastLevel,
    ) -> Result<Bound> {
        let target = Type::Composite(user);
        let cannot = |detail: String| {
            Error::new(
                SqlState::CannotCoerce,
                format!("cannot cast type record to {}", target.name()),
            )
            .detail(detail)
            .at(record.position)
        };
        let fields = self.fields_of(TypeMod::plain(target)).unwrap_or_default();
        if own.len() != fields.len() {
            let which = if own.len() < fields.len() { "few" } else { "many" };
            return Err(cannot(format!("Input has too {which} columns.")));
        }
        let mut values = Vec::with_capacity(own.len());
        for (index, field) in fields.iter().enumerate() {
            let value = self.written_field(record, index, own)?;
            let from = value.kind();
            let converted = self.convert(value, field.ty, level)?;
            values.push(converted.ok_or_else(|| {
                cannot(format!(
                    "Cannot cast type {} to {} in column {}.",
                    from.name(),
                    field.ty.kind.name(),
                    index + 1
                ))
            })?);
        }
        let made = self.make_composite(user, values, RecordForm::Make)?;
        Ok(made.at(record.position))
    }

    /// The new value of the column `name` when a field of it is set, or a part of that.
    pub(super) fn assign_field(
        &self,
        name: &str,
        row: Bound,
        field: &ast::Ident,
        rest: &[AccessExpr],
        value: Bound,
    ) -> Result<Bound> {
        let position = row.position;
        let wanted = fold(field);
        let mismatch =
            |message: String| Error::new(SqlState::DatatypeMismatch, message).at(position);
        let Type::Composite(user) = row.kind() else {
            let kind = row.ty.kind.name();
            return Err(mismatch(format!(
                "cannot assign to field \"{wanted}\" of column \"{name}\" because its type {kind} is not a composite type"
            )));
        };
        // What the conditions of a domain say holds when all is set.
        let row = Bound { expr: super::domain::without_guard(row.expr), ..row };
        let fields = self.fields_of(row.ty).unwrap_or_default();
        let Some(at) = fields.iter().position(|field| field.name == wanted) else {
            let kind = row.ty.kind.name();
            let message = format!(
                "cannot assign to field \"{wanted}\" of column \"{name}\" because there is no such column in data type {kind}"
            );
            return Err(Error::new(SqlState::UndefinedColumn, message).at(position));
        };
        let mut values = Vec::with_capacity(fields.len());
        let mut value = Some(value);
        for (index, field) in fields.iter().enumerate() {
            let old = self.field_at(&row, index, &fields)?;
            let Some(value) = value.take_if(|_| index == at) else {
                values.push(old);
                continue;
            };
            let from = value.kind();
            let value = match rest {
                [] => value,
                rest => self.assign_subscripts(&wanted, old, rest, value)?,
            };
            let new = self.convert(value, field.ty, CastLevel::Assignment)?;
            values.push(new.ok_or_else(|| {
                mismatch(format!(
                    "subfield \"{wanted}\" is of type {} but expression is of type {}",
                    field.ty.kind.name(),
                    from.name()
                ))
                .hint("You will need to rewrite or cast the expression.")
            })?);
        }
        let ty = row.ty;
        let made = self.make_composite(user, values, RecordForm::Make)?;
        Ok(Bound { ty, position, ..made })
    }
}

fn check_lengths(a: usize, b: usize) -> Result<()> {
    match a == b {
        true => Ok(()),
        false => {
            Err(Error::new(SqlState::SyntaxError, "unequal number of entries in row expressions"))
        }
    }
}

fn zero_length() -> Error {
    Error::new(SqlState::FeatureNotSupported, "cannot compare rows of zero length")
}
