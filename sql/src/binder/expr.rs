//! Expressions.

use datafusion::common::Column;
use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use datafusion::sql::sqlparser::ast::{self, BinaryOperator, Expr as Sql, Value};

use super::array::{quantified_pattern, unwrapped};
use super::srf::Sets;
use super::subplan::{Comparison, Form};
use super::{Binder, Bound, fold, placeholder};
use crate::error::{Error, Result, SqlState};
use crate::functions::casts::CastLevel;
use crate::functions::{self, Scalar, udf};
use crate::parser::forms::STAR;
use crate::types::{Datum, Numeric, Type, TypeMod};

pub(super) fn binary(left: Expr, op: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))
}

/// `operand` in the form that DataFusion's comparisons are right for.
pub(super) fn canonical(kind: Type, operand: Expr) -> Expr {
    let kind = kind.base();
    if kind.needs_canonical_form() {
        udf::call(Scalar::Canonical(kind), vec![operand])
    } else {
        operand
    }
}

impl Binder<'_> {
    /// Binds an expression in the current scope.
    pub fn expr(&self, sql: &Sql) -> Result<Bound> {
        let position = self.place_of(sql);
        let bound = self.nested(|| self.expr_inner(sql))?;
        Ok(if bound.position.is_none() { bound.at(position) } else { bound })
    }

    fn expr_inner(&self, sql: &Sql) -> Result<Bound> {
        match sql {
            Sql::Identifier(ident) => self.identifier(ident),
            Sql::CompoundIdentifier(parts) => self.qualified_column(parts),
            Sql::Nested(inner) => self.expr(inner),
            Sql::Value(value) => self.value(&value.value),
            Sql::TypedString(typed) => {
                let target = self.type_of(&typed.data_type)?;
                let literal = self.value(&typed.value.value)?;
                let literal = literal.at(self.position(typed.value.span));
                self.explicit_cast(literal, target)
            }
            Sql::Interval(interval) => self.interval(interval),
            Sql::BinaryOp { left, op, right } => self.binary_op(left, op, right, sql),
            Sql::UnaryOp { op, expr } => self.unary_op(op, expr),
            Sql::IsNull(inner) => self.null_test(inner, false),
            Sql::IsNotNull(inner) => self.null_test(inner, true),
            Sql::IsTrue(inner) => self.truth(inner, "IS TRUE", |e| Expr::IsTrue(Box::new(e))),
            Sql::IsNotTrue(inner) => {
                self.truth(inner, "IS NOT TRUE", |e| Expr::IsNotTrue(Box::new(e)))
            }
            Sql::IsFalse(inner) => self.truth(inner, "IS FALSE", |e| Expr::IsFalse(Box::new(e))),
            Sql::IsNotFalse(inner) => {
                self.truth(inner, "IS NOT FALSE", |e| Expr::IsNotFalse(Box::new(e)))
            }
            Sql::IsUnknown(inner) => {
                self.truth(inner, "IS UNKNOWN", |e| Expr::IsUnknown(Box::new(e)))
            }
            Sql::IsNotUnknown(inner) => {
                self.truth(inner, "IS NOT UNKNOWN", |e| Expr::IsNotUnknown(Box::new(e)))
            }
            Sql::IsDistinctFrom(a, b) => self.distinct_test(a, b, false),
            Sql::IsNotDistinctFrom(a, b) => self.distinct_test(a, b, true),
            Sql::Between { expr, negated, low, high } => self.between(expr, *negated, low, high),
            Sql::InList { expr, list, negated } => self.in_list(expr, list, *negated),
            Sql::InSubquery { expr, subquery, negated } => {
                let found =
                    self.quantified(expr, subquery, Form::Any(Comparison::Eq), "=", "IN")?;
                Ok(Bound::new(negate_if(*negated, found.expr), Type::Bool))
            }
            Sql::AnyOp { left, compare_op, right, .. } => {
                self.any_all(left, compare_op, right, true, sql)
            }
            Sql::AllOp { left, compare_op, right } => {
                self.any_all(left, compare_op, right, false, sql)
            }
            // VARIADIC, where it is not the last argument of a call.
            Sql::Prefixed { prefix, .. } => {
                let message = format!("syntax error at or near \"{}\"", prefix.value);
                let at = self.position(prefix.span);
                Err(Error::new(SqlState::SyntaxError, message).at(at))
            }
            Sql::Array(array) => self.array(array, None),
            Sql::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain),
            Sql::QualifiedWildcard(name, _) => self.row_by_name(name),
            Sql::Exists { subquery, negated } => {
                let found = self.subquery(subquery, Form::Exists)?;
                Ok(Bound::new(negate_if(*negated, found.expr), Type::Bool))
            }
            Sql::Subquery(query) => self.subquery(query, Form::Scalar),
            Sql::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref())
            }
            Sql::Cast { expr, data_type, kind, array: false, format: None } => {
                if !matches!(kind, ast::CastKind::Cast | ast::CastKind::DoubleColon) {
                    return Err(Error::unsupported(format!("{kind:?}")));
                }
                let target = self
                    .type_of(data_type)
                    .map_err(|error| error.at(self.cast_positions(expr, kind).1))?;
                let subject = match (unwrapped(expr), target.element()) {
                    (Sql::Array(array), Some(element)) => self.array(array, Some(element))?,
                    _ => self.expr(expr)?,
                };
                let is_record = subject.kind() == Type::Record;
                let at = || self.cast_positions(expr, kind).0;
                self.checked_cast(subject, target, at).map_err(|error| match &error {
                    Error::Report(report)
                        if is_record && report.state == SqlState::CannotCoerce =>
                    {
                        error.only_at(at())
                    }
                    _ => error,
                })
            }
            Sql::Like { negated, any, expr, pattern, escape_char } => {
                self.like(if *negated { "!~~" } else { "~~" }, expr, *any, pattern, escape_char)
            }
            Sql::ILike { negated, any, expr, pattern, escape_char } => {
                self.like(if *negated { "!~~*" } else { "~~*" }, expr, *any, pattern, escape_char)
            }
            Sql::SimilarTo { negated, expr, pattern, escape_char } => {
                self.similar_to(*negated, expr, pattern, escape_char)
            }
            Sql::Function(function) => match self.row_constructor(sql)? {
                Some(row) => Ok(row),
                None => self.function(function),
            },
            Sql::Extract { .. }
            | Sql::Position { .. }
            | Sql::Overlay { .. }
            | Sql::Substring { .. }
            | Sql::Trim { .. }
            | Sql::AtTimeZone { .. } => self.special(sql),
            Sql::Ceil { expr, .. } => self.named_call("ceil", vec![self.expr(expr)?]),
            Sql::Floor { expr, .. } => self.named_call("floor", vec![self.expr(expr)?]),
            Sql::Collate { expr, collation } => self.collate(expr, collation),
            Sql::Tuple(_) => self
                .row_constructor(sql)?
                .ok_or_else(|| Error::internal("a row constructor without values")),
            other => Err(Error::unsupported(format!("expression {other}"))),
        }
    }

    pub(super) fn value(&self, value: &Value) -> Result<Bound> {
        match value {
            Value::Number(digits, _) => self.number(digits),
            Value::SingleQuotedString(text)
            | Value::EscapedStringLiteral(text)
            | Value::NationalStringLiteral(text)
            | Value::UnicodeStringLiteral(text) => {
                crate::types::io::utf8(text.as_bytes())?;
                self.literal(&Datum::Text(text.clone()), Type::Unknown)
            }
            Value::DollarQuotedString(text) => {
                self.literal(&Datum::Text(text.value.clone()), Type::Unknown)
            }
            Value::Boolean(value) => self.literal(&Datum::Bool(*value), Type::Bool),
            Value::Null => self.null(Type::Unknown),
            Value::Placeholder(name) => {
                let index = name.strip_prefix('$').and_then(|n| n.parse::<usize>().ok());
                match index.filter(|n| (1..=super::MAX_PARAMETERS).contains(n)) {
                    Some(index) => Ok(self.parameter(index)),
                    None => Err(Error::new(
                        SqlState::UndefinedParameter,
                        format!("there is no parameter {name}"),
                    )),
                }
            }
            other => Err(Error::unsupported(format!("literal {other}"))),
        }
    }

    /// The narrowest of int4, int8 and numeric that holds the digits.
    pub(super) fn number(&self, digits: &str) -> Result<Bound> {
        if let Ok(value) = digits.parse::<i32>() {
            return self.literal(&Datum::Int32(value), Type::Int4);
        }
        if let Ok(value) = digits.parse::<i64>() {
            return self.literal(&Datum::Int64(value), Type::Int8);
        }
        let value = Numeric::parse(digits).ok_or_else(|| {
            Error::new(SqlState::SyntaxError, format!("syntax error at or near \"{digits}\""))
        })?;
        self.literal(&Datum::Bytes(value.checked()?.encode()), Type::Numeric)
    }

    pub(super) fn explicit_cast(&self, bound: Bound, target: TypeMod) -> Result<Bound> {
        let position = bound.position;
        self.checked_cast(bound, target, || position)
    }

    fn checked_cast(
        &self,
        bound: Bound,
        target: TypeMod,
        position: impl FnOnce() -> Option<usize>,
    ) -> Result<Bound> {
        let from = bound.kind();
        let cast = self.convert(bound, target, CastLevel::Explicit)?;
        cast.ok_or_else(|| {
            Error::new(
                SqlState::CannotCoerce,
                format!("cannot cast type {} to {}", from.name(), target.kind.name()),
            )
            .at(position())
        })
    }

    fn null_test(&self, inner: &Sql, negated: bool) -> Result<Bound> {
        if let Some(test) = self.row_null_test(inner, negated)? {
            return Ok(test);
        }
        let bound = self.expr(inner)?;
        let value = self.settle(bound)?;
        if value.kind().is_row() {
            return Ok(Self::record_null_test(value.expr, negated));
        }
        let value = Box::new(value.expr);
        let test = if negated { Expr::IsNotNull(value) } else { Expr::IsNull(value) };
        Ok(Bound::new(test, Type::Bool))
    }

    fn distinct_test(&self, a: &Sql, b: &Sql, negated: bool) -> Result<Bound> {
        if let (Some(a), Some(b)) = (self.row_values(a)?, self.row_values(b)?) {
            return self.rows_distinct(a, b, negated);
        }
        let (operator, name) = match negated {
            false => (Operator::IsDistinctFrom, "IS DISTINCT FROM"),
            true => (Operator::IsNotDistinctFrom, "IS NOT DISTINCT FROM"),
        };
        self.compare(self.expr(a)?, name, operator, self.expr(b)?)
    }

    /// `(record).field`, and subscripts.
    fn access(&self, root: &Sql, chain: &[ast::AccessExpr]) -> Result<Bound> {
        let fields: Vec<&ast::Ident> = chain
            .iter()
            .map_while(|access| match access {
                ast::AccessExpr::Dot(Sql::Identifier(name)) => Some(name),
                _ => None,
            })
            .collect();
        // In `t.a[1]` the parser takes the name apart.
        if fields.is_empty() || matches!(root, Sql::Identifier(_)) {
            return self.subscript(root, chain);
        }
        let mut bound = self.expr(root)?;
        for field in &fields {
            if field.value != STAR {
                bound = self.field(bound, field, root)?;
            }
        }
        match chain.get(fields.len()..) {
            None | Some([]) => Ok(bound),
            Some(rest) => self.subscript_of(bound, rest),
        }
    }

    fn truth(&self, inner: &Sql, what: &str, test: impl Fn(Expr) -> Expr) -> Result<Bound> {
        let bound = self.expr(inner)?;
        Ok(Bound::new(test(self.expect_bool(bound, what)?.expr), Type::Bool))
    }

    /// Finds a column by name, here or in an outer query.
    fn identifier(&self, ident: &ast::Ident) -> Result<Bound> {
        let name = fold(ident);
        let position = self.position(ident.span);
        if ident.quote_style.is_none()
            && !self.is_column(&name)
            && let Some(value) = self.keyword_value(&name)
        {
            return value;
        }
        self.find_column(None, &name, position).or_else(|error| match error {
            Error::Report(report) if report.state == SqlState::UndefinedColumn => {
                if let Some(argument) = self.routine.as_ref().and_then(|r| r.named(&name)) {
                    return Ok(argument.at(position));
                }
                let row = self.whole_row(&name, position)?;
                row.ok_or_else(|| Error::Report(report).at(position))
            }
            error => Err(error.at(position)),
        })
    }

    /// The functions that are written without parentheses.
    pub(super) fn keyword_value(&self, name: &str) -> Option<Result<Bound>> {
        let now = |kind| self.now_as(TypeMod::plain(kind));
        let name_value = |text: String| self.literal(&Datum::Text(text), Type::Name);
        Some(match name {
            "current_timestamp" => now(Type::Timestamptz),
            "current_date" => now(Type::Date),
            "current_time" => now(Type::Timetz),
            "localtimestamp" => now(Type::Timestamp),
            "localtime" => now(Type::Time),
            "current_user" | "session_user" | "user" | "current_role" => {
                name_value(self.session_value().user())
            }
            "current_catalog" => name_value(self.session_value().database()),
            "current_schema" => self.current_schema(),
            _ => return None,
        })
    }

    /// The schema that new tables go to; NULL if search_path names none that exists.
    pub(super) fn current_schema(&self) -> Result<Bound> {
        match self.schema.creation_schema(self.session_value().path()) {
            Some(schema) => self.literal(&Datum::Text(schema.to_owned()), Type::Name),
            None => self.null(Type::Name),
        }
    }

    fn is_column(&self, name: &str) -> bool {
        let levels = self.levels.borrow();
        levels.iter().any(|level| level.scope.columns.iter().any(|column| column.name == name))
    }

    fn qualified_column(&self, parts: &[ast::Ident]) -> Result<Bound> {
        let position = parts.first().and_then(|part| self.position(part.span));
        let folded: Vec<String> = parts.iter().map(fold).collect();
        let found = match folded.as_slice() {
            [.., relation, star] if star == STAR => {
                return self.row_by_name(&ast::ObjectName::from(vec![ast::Ident::with_quote(
                    '"', relation,
                )]));
            }
            [relation, name] | [_, relation, name] => {
                self.find_column(Some(relation), name, position)
            }
            _ => Err(Error::unsupported("a name of so many parts")),
        };
        found.map_err(|error| error.at(position))
    }

    fn find_column(
        &self,
        relation: Option<&str>,
        name: &str,
        position: Option<usize>,
    ) -> Result<Bound> {
        let count = self.levels.borrow().len();
        for depth in (0..count).rev() {
            let found = {
                let levels = self.levels.borrow();
                let Some(level) = levels.get(depth) else { break };
                let matching = level.scope.columns.iter().filter(|column| {
                    column.name == name
                        && match relation {
                            Some(relation) => column.relation == relation,
                            None => !column.merged_away,
                        }
                });
                let matching: Vec<_> = matching.collect();
                if let Some(error) = matching.first().and_then(|column| level.refusal(column)) {
                    return Err(error);
                }
                match matching.as_slice() {
                    [] => None,
                    [column] => Some((column.column.clone(), column.ty, column.origin)),
                    [a, b, ..] if relation.is_some() && a.column.relation != b.column.relation => {
                        return Err(Error::new(
                            SqlState::AmbiguousAlias,
                            format!("table reference \"{}\" is ambiguous", a.relation),
                        ));
                    }
                    _ => {
                        return Err(Error::new(
                            SqlState::AmbiguousColumn,
                            format!("column reference \"{name}\" is ambiguous"),
                        ));
                    }
                }
            };
            if let Some((column, ty, origin)) = found {
                self.note_column(origin);
                return Ok(self.captured(depth, column, ty, position));
            }
        }
        Err(self.unknown_column(relation, name))
    }

    /// A column of level `depth`: directly at the innermost level, else through a slot that the
    /// levels between pass on.
    pub(super) fn captured(
        &self,
        depth: usize,
        column: Column,
        ty: TypeMod,
        position: Option<usize>,
    ) -> Bound {
        let mut levels = self.levels.borrow_mut();
        let innermost = levels.len() - 1;
        if depth == innermost
            && let Some(level) = levels.last_mut()
            && level.extraction.forbidden_in.is_none()
        {
            level.named.push((column.clone(), position));
        }
        let expr = Expr::Column(column);
        if depth == innermost {
            return Bound { expr, ty, position: None };
        }
        let Some(level) = levels.get_mut(depth + 1) else {
            return Bound { expr, ty, position: None };
        };
        let slot = match level.captured.iter().find(|(_, outer)| *outer == expr) {
            Some((slot, _)) => *slot,
            None => {
                let slot = self.fresh_slot();
                level.captured.push((slot, expr));
                slot
            }
        };
        let expr = placeholder(format!("$o{slot}"), ty.kind.layout());
        Bound { expr, ty, position: None }
    }

    fn in_list(&self, probe: &Sql, list: &[Sql], negated: bool) -> Result<Bound> {
        let mut tests = Vec::with_capacity(list.len());
        let rows = self.row_type_in(probe, list)?;
        for item in list {
            let equal = match (self.row_values(probe)?, self.row_values(item)?) {
                (Some(a), Some(b)) => self
                    .compare_rows(a, &BinaryOperator::Eq, b)
                    .map_err(|error| error.at(self.position_of(item)))?,
                _ => {
                    let position = self.position_of(item);
                    let (probe, mut item) = (self.expr(probe)?, self.expr(item)?);
                    if let Some(kind) = rows.filter(|_| item.kind() == Type::Unknown) {
                        item = self.implicit(item, kind)?;
                    }
                    self.compare(probe, "=", Operator::Eq, item).map_err(|e| e.at(position))?
                }
            };
            tests.push(equal.expr);
        }
        // A balanced tree: a list of thousands must not nest as deep.
        while tests.len() > 1 {
            let mut pairs = tests.into_iter();
            let mut joined = Vec::new();
            while let Some(left) = pairs.next() {
                joined.push(match pairs.next() {
                    Some(right) => binary(left, Operator::Or, right),
                    None => left,
                });
            }
            tests = joined;
        }
        let found = tests.pop().ok_or_else(|| Error::new(SqlState::SyntaxError, "empty list"))?;
        Ok(Bound::new(negate_if(negated, found), Type::Bool))
    }

    /// The composite type that a literal in the list of IN is read as, if one of the others is of it.
    fn row_type_in(&self, probe: &Sql, list: &[Sql]) -> Result<Option<Type>> {
        let is_literal = |item: &&Sql| matches!(unwrapped(item), Sql::Value(_));
        if list.len() < 2 || !list.iter().any(|item| is_literal(&item)) {
            return Ok(None);
        }
        let mut others = list.iter().filter(|item| !is_literal(item)).peekable();
        if others.peek().is_none() || !self.expr(probe)?.kind().is_row() {
            return Ok(None);
        }
        for item in others {
            if let kind @ Type::Composite(_) = self.expr(item)?.kind() {
                return Ok(Some(kind));
            }
        }
        Ok(None)
    }

    fn case(
        &self,
        operand: Option<&Sql>,
        conditions: &[ast::CaseWhen],
        otherwise: Option<&Sql>,
    ) -> Result<Bound> {
        let _no_sets = self.sets(Sets::NotWithin("CASE"));
        let operand = operand.map(|operand| self.expr(operand)).transpose()?;
        let mut whens = Vec::new();
        let mut results = Vec::new();
        for when in conditions {
            let condition = self.expr(&when.condition)?;
            whens.push(match &operand {
                None => self.expect_bool(condition, "CASE/WHEN")?.expr,
                Some(operand) => {
                    let position = condition.position;
                    let equal = self.compare(operand.clone(), "=", Operator::Eq, condition);
                    equal.map_err(|error| error.at(position))?.expr
                }
            });
            results.push(self.expr(&when.result)?);
        }
        // ELSE decides first where several types would do.
        let otherwise = match otherwise {
            Some(otherwise) => self.expr(otherwise)?,
            None => self.null(Type::Unknown)?,
        };
        results.insert(0, otherwise);
        let (mut results, ty) = self.unify(results, "CASE")?;
        let otherwise = Some(Box::new(results.remove(0).expr));
        let pairs = whens.into_iter().zip(results);
        let pairs = pairs.map(|(when, then)| (Box::new(when), Box::new(then.expr)));
        Ok(Bound {
            expr: Expr::Case(Case::new(None, pairs.collect(), otherwise)),
            ty,
            position: None,
        })
    }

    /// Brings alternatives to one type (chapter 10.5).
    pub(super) fn unify(&self, all: Vec<Bound>, what: &str) -> Result<(Vec<Bound>, TypeMod)> {
        let kinds: Vec<TypeMod> = all.iter().map(|bound| bound.ty).collect();
        let positions: Vec<_> = all.iter().map(|bound| bound.position).collect();
        let ty = common_type(&kinds, what, &positions)?;
        let converted = all.into_iter().map(|bound| {
            let (from, position) = (bound.kind(), bound.position);
            if bound.ty.kind == ty.kind {
                return Ok(bound);
            }
            self.convert(bound, TypeMod::plain(ty.kind), CastLevel::Implicit)?.ok_or_else(|| {
                Error::new(
                    SqlState::CannotCoerce,
                    format!("{what} could not convert type {} to {}", from.name(), ty.kind.name()),
                )
                .at(position)
            })
        });
        Ok((converted.collect::<Result<_>>()?, ty))
    }

    fn like(
        &self,
        symbol: &str,
        subject: &Sql,
        any: bool,
        pattern: &Sql,
        escape: &Option<ast::ValueWithSpan>,
    ) -> Result<Bound> {
        if let Some((array, any)) = quantified_pattern(any, pattern) {
            if escape.is_some() {
                let message = "syntax error at or near \"ESCAPE\"";
                let at = self.position_behind(array, &["ESCAPE"]);
                return Err(Error::new(SqlState::SyntaxError, message).at(at));
            }
            let op = match symbol {
                "~~" => BinaryOperator::PGLikeMatch,
                "!~~" => BinaryOperator::PGNotLikeMatch,
                "~~*" => BinaryOperator::PGILikeMatch,
                _ => BinaryOperator::PGNotILikeMatch,
            };
            let at = self.position_behind(subject, &["NOT", "LIKE", "ILIKE"]);
            return self.any_all_of(subject, &op, array, any, at);
        }
        let mut args = vec![self.expr(subject)?, self.expr(pattern)?];
        if let Some(escape) = escape {
            let escape = self.value(&escape.value)?;
            args.push(self.settle(escape)?);
        }
        let words = ["NOT", "LIKE", "ILIKE", "~~", "~~*", "!~~", "!~~*"];
        self.operator(symbol, args).map_err(|e| e.at(self.position_behind(subject, &words)))
    }
}

pub(super) fn negate_if(negated: bool, expr: Expr) -> Expr {
    if negated { Expr::Not(Box::new(expr)) } else { expr }
}

/// The type that all alternatives can take (chapter 10.5).
pub(super) fn common_type(
    kinds: &[TypeMod],
    what: &str,
    positions: &[Option<usize>],
) -> Result<TypeMod> {
    use functions::casts;
    // A domain stays one if all are of it.
    let alike = kinds.windows(2).all(|pair| matches!(pair, [a, b] if a.kind == b.kind));
    let bases: Vec<TypeMod>;
    let kinds = match alike {
        true => kinds,
        false => {
            bases = kinds.iter().map(|ty| ty.base()).collect();
            &bases
        }
    };
    let mut known = kinds.iter().filter(|ty| ty.kind != Type::Unknown);
    let Some(first) = known.next() else { return Ok(TypeMod::plain(Type::Text)) };
    let mut chosen = *first;
    for (index, ty) in kinds.iter().enumerate() {
        if ty.kind == Type::Unknown || ty.kind == chosen.kind {
            continue;
        }
        if ty.kind.category() != chosen.kind.category() {
            return Err(Error::new(
                SqlState::DatatypeMismatch,
                format!(
                    "{what} types {} and {} cannot be matched",
                    chosen.kind.name(),
                    ty.kind.name()
                ),
            )
            .at(positions.get(index).copied().flatten()));
        }
        let widens = casts::level(chosen.kind, ty.kind) == Some(CastLevel::Implicit)
            && casts::level(ty.kind, chosen.kind) != Some(CastLevel::Implicit);
        if !chosen.kind.is_preferred() && widens {
            chosen = *ty;
        }
    }
    // A modifier survives only if all agree on it.
    let agreed = kinds.iter().all(|ty| *ty == chosen);
    Ok(if agreed { chosen } else { TypeMod::plain(chosen.kind) })
}
