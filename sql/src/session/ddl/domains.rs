//! CREATE and ALTER DOMAIN.

use std::ops::ControlFlow;
use std::sync::Arc;

use cairn_txn::LockMode;
use cairn_txn::storage::Direction;
use datafusion::sql::sqlparser::ast::Expr;

use super::super::Session;
use super::super::constraints::truncate_name;
use super::column::{type_of, without_position};
use crate::binder::{fold, name_parts};
use crate::catalog::constraint::Check;
use crate::catalog::types::{DomainShape, TypeDescriptor, TypeShape};
use crate::catalog::{Table, index_span};
use crate::error::{Error, Result, SqlState};
use crate::parser::definition::types::{AlterDomain, CreateDomain, DomainAction};
use crate::parser::definition::{
    Attribute, ColumnClause, ColumnClauseKind, ConstraintKind, TableConstraint,
};
use crate::parser::stored;
use crate::row::guard::GuardCall;
use crate::types::{Datum, Type, TypeMod};

fn syntax(message: &str) -> Error {
    Error::new(SqlState::SyntaxError, message)
}

fn no_such_constraint(name: &str, domain: &str) -> String {
    format!("constraint \"{name}\" of domain \"{domain}\" does not exist")
}

/// What is wrong with a constraint that no domain can have.
fn impossible(kind: &str) -> Error {
    syntax(&format!("{kind} constraints not possible for domains"))
}

/// A new condition of a domain.
struct NewCheck<'a> {
    name: Option<String>,
    expr: &'a Expr,
    valid: bool,
}

impl DomainShape {
    /// A name for a condition that is given none.
    fn free_name(&self, domain: &str) -> String {
        let base = format!("{domain}_check");
        let numbered = (1..).map(|number| format!("{base}{number}"));
        let mut names = std::iter::once(base.clone()).chain(numbered);
        let is_free = |name: &String| !self.checks.iter().any(|check| check.name == *name);
        truncate_name(names.find(is_free).unwrap_or(base))
    }
}

impl Session {
    pub(super) async fn create_domain(&mut self, create: &CreateDomain, sql: &str) -> Result<()> {
        self.lock_catalog().await?;
        let name = self.new_type_name(&create.name)?;
        let base = type_of(&create.data_type, &self.names(), sql, None)?;
        if base.kind.is_polymorphic() || matches!(base.kind, Type::Record | Type::Void) {
            return Err(Error::new(
                SqlState::DatatypeMismatch,
                format!("\"{}\" is not a valid base type for a domain", base.kind.name()),
            ));
        }
        let mut shape = DomainShape::over(base);
        let mut nullable: Option<bool> = None;
        let mut checks = Vec::new();
        for ColumnClause { name, kind, .. } in &create.clauses {
            match kind {
                ColumnClauseKind::Default(expr) => {
                    if shape.default.is_some() {
                        return Err(syntax("multiple default expressions"));
                    }
                    self.with_binder(sql, |binder| binder.check_domain_default(base, expr))
                        .map_err(without_position)?;
                    shape.default = Some(stored::to_text(expr));
                }
                ColumnClauseKind::NotNull | ColumnClauseKind::Null => {
                    let null = *kind == ColumnClauseKind::Null;
                    if nullable.is_some_and(|known| known != null) {
                        return Err(syntax("conflicting NULL/NOT NULL constraints"));
                    }
                    nullable = Some(null);
                    shape.not_null = !null;
                }
                ColumnClauseKind::Check(expr) => {
                    let name = name.as_ref().map(|name| truncate_name(fold(name)));
                    checks.push(NewCheck { name, expr, valid: true });
                }
                ColumnClauseKind::Unique(_) => return Err(impossible("unique")),
                ColumnClauseKind::PrimaryKey => return Err(impossible("primary key")),
                ColumnClauseKind::References(_) => return Err(impossible("foreign key")),
                ColumnClauseKind::Attribute(_) => {
                    let message = "specifying constraint deferrability not supported for domains";
                    return Err(syntax(message));
                }
                ColumnClauseKind::Collate(collation) => {
                    let parts = name_parts(collation);
                    let known = ["C", "POSIX", "default", "ucs_basic"];
                    if !parts.last().is_some_and(|name| known.contains(&name.as_str())) {
                        return Err(Error::unsupported(format!("collation {collation}")));
                    }
                }
                ColumnClauseKind::Generated(..) | ColumnClauseKind::Identity(_) => {
                    return Err(impossible("generated"));
                }
            }
        }
        for check in checks {
            self.add_domain_check(&mut shape, &name, check, sql)?;
        }
        let id = self.schema().allocate_id();
        self.add_type(id, name, TypeShape::Domain(shape))
    }

    /// Adds a condition to a domain, whose name is `domain`.
    fn add_domain_check(
        &self,
        shape: &mut DomainShape,
        domain: &str,
        check: NewCheck<'_>,
        sql: &str,
    ) -> Result<String> {
        let base = self.domain_base(shape);
        let name = match check.name {
            Some(name) if shape.checks.iter().any(|other| other.name == name) => {
                return Err(Error::new(
                    SqlState::DuplicateObject,
                    format!("constraint \"{name}\" for domain \"{domain}\" already exists"),
                ));
            }
            Some(name) => name,
            None => shape.free_name(domain),
        };
        self.with_binder(sql, |binder| binder.domain_condition(base, check.expr))
            .map_err(without_position)?;
        shape.checks.push(Check {
            id: self.schema().allocate_id(),
            name: name.clone(),
            expression: stored::to_text(check.expr),
            valid: check.valid,
            comment: None,
        });
        Ok(name)
    }

    /// The type that a domain is over.
    fn domain_base(&self, shape: &DomainShape) -> TypeMod {
        let kind = self.schema().type_of(shape.base).unwrap_or(Type::Text);
        TypeMod { kind, typmod: shape.typmod }
    }

    pub(super) async fn alter_domain(&mut self, alter: &AlterDomain, sql: &str) -> Result<()> {
        self.lock_catalog().await?;
        if let (None, Some(kind)) = (self.type_id(&alter.name)?, self.built_in_type(&alter.name)) {
            let message = format!("{} is not a domain", kind.name());
            return Err(Error::new(SqlState::WrongObjectType, message));
        }
        let made = self.type_to_alter(&alter.name)?;
        let TypeShape::Domain(old) = &made.shape else {
            let name = name_parts(&alter.name).pop().unwrap_or_default();
            let message = format!("{name} is not a domain");
            return Err(Error::new(SqlState::WrongObjectType, message));
        };
        let mut shape = old.clone();
        let domain = &made.name;
        match &alter.action {
            DomainAction::SetDefault(expr) => {
                let base = self.domain_base(&shape);
                self.with_binder(sql, |binder| binder.check_domain_default(base, expr))
                    .map_err(without_position)?;
                shape.default = Some(stored::to_text(expr));
            }
            DomainAction::DropDefault => shape.default = None,
            DomainAction::SetNotNull => {
                shape.not_null = true;
                if !old.not_null {
                    self.check_domain_rows(&made, None).await?;
                }
            }
            DomainAction::DropNotNull => shape.not_null = false,
            DomainAction::Add(constraint) => {
                let check = new_check(constraint)?;
                let valid = check.valid;
                let name = self.add_domain_check(&mut shape, domain, check, sql)?;
                if valid {
                    self.check_new_condition(&made, &shape, &name).await?;
                }
            }
            DomainAction::Validate(name) => {
                let name = fold(name);
                let Some(check) = shape.checks.iter_mut().find(|check| check.name == name) else {
                    let message = no_such_constraint(&name, domain);
                    return Err(Error::new(SqlState::UndefinedObject, message));
                };
                if !std::mem::replace(&mut check.valid, true) {
                    let shape = shape.clone();
                    self.check_new_condition(&made, &shape, &name).await?;
                }
            }
            DomainAction::DropConstraint(drop) => {
                let name = fold(&drop.name);
                let before = shape.checks.len();
                shape.checks.retain(|check| check.name != name);
                if shape.checks.len() == before {
                    let message = no_such_constraint(&name, domain);
                    if !drop.if_exists {
                        return Err(Error::new(SqlState::UndefinedObject, message));
                    }
                    self.skip(format!("{message}, skipping"));
                    return Ok(());
                }
            }
            DomainAction::RenameConstraint(from, to) => {
                let (from, to) = (fold(from), truncate_name(fold(to)));
                let Some(at) = shape.checks.iter().position(|check| check.name == from) else {
                    return Err(Error::new(
                        SqlState::UndefinedObject,
                        format!("constraint \"{from}\" for domain {domain} does not exist"),
                    ));
                };
                if shape.checks.iter().any(|check| check.name == to) {
                    return Err(Error::new(
                        SqlState::DuplicateObject,
                        format!("constraint \"{to}\" for domain {domain} already exists"),
                    ));
                }
                if let Some(check) = shape.checks.get_mut(at) {
                    check.name = to;
                }
            }
            DomainAction::Rename(to) => return self.rename_type(&made, to),
            DomainAction::SetSchema(to) => return self.move_type(&made, to),
        }
        let changed = TypeDescriptor { shape: TypeShape::Domain(shape), ..(*made).clone() };
        self.draft(|draft| draft.put_type(changed))
    }

    /// Looks whether the values that there are satisfy one condition of a domain.
    async fn check_new_condition(
        &mut self,
        made: &TypeDescriptor,
        shape: &DomainShape,
        name: &str,
    ) -> Result<()> {
        let Some(check) = shape.checks.iter().find(|check| check.name == name).cloned() else {
            return Ok(());
        };
        let base = self.domain_base(shape);
        let guard = self.with_binder("", |binder| binder.guard_of_condition(base, &check))?;
        self.check_domain_rows(made, Some(&guard)).await
    }

    /// Looks at all values of a domain; without a guard only whether they are NULL.
    async fn check_domain_rows(
        &mut self,
        made: &TypeDescriptor,
        guard: Option<&GuardCall>,
    ) -> Result<()> {
        let schema = self.schema();
        let mut tables: Vec<Arc<Table>> = schema.tables().cloned().collect();
        tables.sort_by_key(|table| table.id);
        for table in tables {
            let mut columns = Vec::new();
            for (position, column) in table.visible() {
                match holds(column.declared().kind, made.id) {
                    Holds::Itself => columns.push(position),
                    Holds::Within => {
                        let message = format!(
                            "cannot alter type \"{}\" because column \"{}.{}\" uses it",
                            made.name, table.name, column.name
                        );
                        return Err(Error::new(SqlState::FeatureNotSupported, message));
                    }
                    Holds::Nothing => {}
                }
            }
            if !columns.is_empty() {
                self.lock_table(&table, LockMode::Share).await?;
                self.check_columns(&table, &columns, guard)?;
            }
        }
        Ok(())
    }

    fn check_columns(
        &mut self,
        table: &Table,
        columns: &[usize],
        guard: Option<&GuardCall>,
    ) -> Result<()> {
        let env = self.env(Arc::new(Vec::new()));
        let contexts: Vec<Datum> = match guard {
            Some(guard) => guard.contexts.iter().map(|context| env.context(*context)).collect(),
            None => Vec::new(),
        };
        let view = self.block().transaction.latest();
        let look = |row: &[Datum]| -> Result<()> {
            env.check_cancel()?;
            for position in columns {
                let value = row.get(*position).unwrap_or(&Datum::Null);
                let name = table.columns.get(*position).map_or("", |column| column.name.as_str());
                let (violated, state, what) = match guard {
                    None => (value.is_null(), SqlState::NotNullViolation, "contains null values"),
                    Some(call) => {
                        let admitted = call.guard.admit(value, &call.contexts, &contexts);
                        let violated = match admitted {
                            Ok(()) => false,
                            Err(Error::Report(report))
                                if report.state == SqlState::CheckViolation =>
                            {
                                true
                            }
                            Err(error) => return Err(error),
                        };
                        let what = "contains values that violate the new constraint";
                        (violated, SqlState::CheckViolation, what)
                    }
                };
                if violated {
                    let message = format!("column \"{name}\" of table \"{}\" {what}", table.name);
                    return Err(Error::new(state, message).table(table).column(name));
                }
            }
            Ok(())
        };
        let mut failed = None;
        let rows = index_span(table.primary.storage);
        view.scan(&rows, Direction::Forward, &mut |_, value| match table
            .decode_row(value)
            .and_then(|row| look(&row))
        {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        })?;
        failed.map_or(Ok(()), Err)
    }
}

/// Whether values of a type are of a domain, or have some in them.
enum Holds {
    Itself,
    Within,
    Nothing,
}

fn holds(kind: Type, domain: u32) -> Holds {
    match kind {
        Type::Domain(user) if user.definition().oid == domain => Holds::Itself,
        Type::Domain(user) => {
            user.domain_base().map_or(Holds::Nothing, |base| holds(base.kind, domain))
        }
        Type::Composite(_) if super::composites::contains(kind, domain) => Holds::Within,
        Type::UserArray(user) => match holds(user.kind(), domain) {
            Holds::Nothing => Holds::Nothing,
            _ => Holds::Within,
        },
        _ => Holds::Nothing,
    }
}

/// The condition that ALTER DOMAIN adds.
fn new_check(constraint: &TableConstraint) -> Result<NewCheck<'_>> {
    let ConstraintKind::Check(expr) = &constraint.kind else {
        return Err(match &constraint.kind {
            ConstraintKind::Unique(clause) if clause.primary => impossible("primary key"),
            ConstraintKind::UsingIndex(true, _) => impossible("primary key"),
            ConstraintKind::ForeignKey(..) => impossible("foreign key"),
            _ => impossible("unique"),
        });
    };
    let has = |wanted| constraint.attributes.iter().any(|(attribute, _)| *attribute == wanted);
    if has(Attribute::Deferrable) || has(Attribute::InitiallyDeferred) {
        return Err(Error::new(
            SqlState::FeatureNotSupported,
            "CHECK constraints cannot be marked DEFERRABLE",
        ));
    }
    let name = constraint.name.as_ref().map(|name| truncate_name(fold(name)));
    Ok(NewCheck { name, expr, valid: !has(Attribute::NotValid) })
}
