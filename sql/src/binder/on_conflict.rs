//! INSERT ... ON CONFLICT: the unique indexes that decide, and what becomes of the row that is there.

use datafusion::common::{DFSchema, TableReference};
use datafusion::logical_expr::Expr;
use datafusion::sql::sqlparser::ast::{self, ConflictTarget, OnConflictAction, OnInsert};

use super::dml::{Assignments, RETURNING};
use super::index_key::IndexKey;
use super::joined_change::row_schema;
use super::position::token_before;
use super::{Binder, Bound, Level, Scope, fold, name_parts};
use crate::catalog::index::FIRST_EXPRESSION;
use crate::catalog::{Index, Table};
use crate::error::{Error, Result, SqlState};
use crate::parser::change::{Target, conflict_target};
use crate::row::computed::{normal_condition, normal_expression};
use crate::types::Type;

/// What an INSERT does about rows that are in the way.
#[derive(Clone, Debug)]
pub struct OnConflict {
    /// Storage ids of the unique indexes in which a row is in the way, up to `deferrable`.
    pub arbiters: Vec<u32>,
    /// The name of the first whose constraint can wait, which is an error once a row comes to it.
    pub deferrable: Option<String>,
    /// DO UPDATE; else the new row is left out.
    pub update: Option<ConflictUpdate>,
}

/// DO UPDATE: over the columns of the row that is there, qualified as in RETURNING, and behind them those of the
/// new one, [`EXCLUDED`].
#[derive(Clone, Debug)]
pub struct ConflictUpdate {
    /// SET.
    pub assignments: Assignments,
    /// WHERE.
    pub condition: Option<Expr>,
    /// What the row that is there has to fulfil to be seen through views, with their names.
    pub visible: Vec<(String, Expr)>,
    /// Of those columns.
    pub schema: DFSchema,
}

/// Qualifier of the columns of the row that was to be inserted.
pub const EXCLUDED: &str = "excluded";

impl Binder<'_> {
    /// The columns of the row that was to be inserted.
    pub(super) fn excluded_scope(&self, table: &Table) -> Scope {
        let mut scope = self.scope_of(table, EXCLUDED, EXCLUDED);
        for column in &mut scope.columns {
            column.origin = None;
        }
        scope
    }

    /// Binds the clause; the table is called `shown` in it.
    pub(super) fn on_conflict(
        &self,
        on: &Option<OnInsert>,
        table: &Table,
        shown: &str,
    ) -> Result<Option<OnConflict>> {
        let Some(OnInsert::OnConflict(clause)) = on else { return Ok(None) };
        let arbiters = match &clause.conflict_target {
            Some(ConflictTarget::Columns(elements)) => self.inferred(elements, table, shown)?,
            Some(ConflictTarget::OnConstraint(name)) => vec![constraint(table, name)?],
            None => {
                if let OnConflictAction::DoUpdate(update) = &clause.action {
                    return Err(self.needs_target(update));
                }
                let unique = |index: &&Index| {
                    index.claims_unique()
                        && (index.storage != table.primary.storage || table.has_primary_key())
                };
                table.all_indexes().filter(unique).map(|index| index.storage).collect()
            }
        };
        let update = match &clause.action {
            OnConflictAction::DoNothing => None,
            OnConflictAction::DoUpdate(update) => Some(self.conflict_update(update, table, shown)?),
        };
        let waits = |index: &&Index| index.deferral.is_some() && arbiters.contains(&index.storage);
        let deferrable = table.all_indexes().find(waits).map(|index| index.name.clone());
        // Those behind it are never come to.
        let before = table.all_indexes().take_while(|index| !waits(index));
        let before = before.map(|index| index.storage);
        let arbiters = before.filter(|storage| arbiters.contains(storage)).collect();
        Ok(Some(OnConflict { arbiters, deferrable, update }))
    }

    fn needs_target(&self, update: &ast::DoUpdate) -> Error {
        let word = |from: Option<usize>, word| token_before(self.sql, from?, &[word]);
        let set = update.assignments.first().and_then(|first| self.position_of(first));
        Error::new(
            SqlState::SyntaxError,
            "ON CONFLICT DO UPDATE requires inference specification or constraint name",
        )
        .hint("For example, ON CONFLICT (column_name).")
        .at(word(word(set, "CONFLICT"), "ON"))
    }

    /// The unique indexes over just these columns.
    fn inferred(&self, elements: &[ast::Ident], table: &Table, shown: &str) -> Result<Vec<u32>> {
        let (mut columns, mut keys, mut given) = (Vec::new(), Vec::new(), Vec::new());
        // Columns that are not there are told of where the list begins.
        let start = || {
            let first = elements.first().and_then(|first| self.position(first.span))?;
            token_before(self.sql, first, &["("])
        };
        for element in elements {
            match conflict_target(element) {
                Target::Column(ident) => {
                    let name = fold(ident);
                    let column = table.position(&name).ok_or_else(|| {
                        Error::new(
                            SqlState::UndefinedColumn,
                            format!("column \"{name}\" does not exist"),
                        )
                        .at(start())
                    })?;
                    if !columns.contains(&column) {
                        columns.push(column);
                    }
                }
                Target::Element(text) => {
                    let key = self.target_key(text, table, shown)?;
                    if let Key::Column(column) = key.key
                        && !columns.contains(&column)
                    {
                        columns.push(column);
                    }
                    keys.push(key);
                }
                Target::Where(text) => {
                    let parsed = crate::parser::parse_expression(text)?;
                    let bound =
                        self.target_expression(&parsed, table, shown, "index predicates")?;
                    // One that is no condition is none that implies anything.
                    if bound.kind() == Type::Bool {
                        given = normal_condition(table, &bound.expr)?;
                    }
                }
            }
        }
        let is_over = |index: &&Index| {
            let program = table.programs.of(index);
            let (computed, has_rows) = match (index.is_computed(), program) {
                (false, _) => (&[][..], true),
                (true, Some(program)) => {
                    (program.expressions.as_slice(), program.is_implied_by(&given))
                }
                (true, None) => (&[][..], false),
            };
            let plain = || index.columns.iter().filter(|column| **column < FIRST_EXPRESSION);
            let is_named = |expr: &Expr| keys.iter().any(|key| key.is(expr));
            index.claims_unique()
                && index.is_public()
                && has_rows
                && plain().all(|column| columns.contains(column))
                && columns.iter().all(|column| index.columns.contains(column))
                && computed.iter().all(is_named)
                && keys.iter().all(|key| key.is_in(index, computed))
        };
        let found: Vec<u32> =
            table.all_indexes().filter(is_over).map(|index| index.storage).collect();
        match found.is_empty() {
            false => Ok(found),
            true => Err(Error::new(
                SqlState::InvalidColumnReference,
                "there is no unique or exclusion constraint matching the ON CONFLICT specification",
            )),
        }
    }

    /// A key column that is more than a name.
    fn target_key(&self, text: &str, table: &Table, shown: &str) -> Result<TargetKey> {
        let column = crate::parser::parse_index_column(text)?;
        let refused = |what: &str| {
            Error::new(
                SqlState::InvalidColumnReference,
                format!("{what} is not allowed in ON CONFLICT clause"),
            )
        };
        if column.column.options.asc.is_some() {
            return Err(refused("ASC/DESC"));
        }
        if column.column.options.nulls_first.is_some() {
            return Err(refused("NULLS FIRST/LAST"));
        }
        let key = IndexKey::new(&column)?;
        let bound = self.target_expression(key.expr, table, shown, "index expressions")?;
        let options = key.options(bound.kind())?;
        let expr = normal_expression(table, &bound.expr)?;
        let column = match &expr {
            Expr::Column(column) => column.name.strip_prefix('c').and_then(|at| at.parse().ok()),
            _ => None,
        };
        Ok(TargetKey {
            key: column.map_or(Key::Expression(expr), Key::Column),
            collation: key.collation.is_some().then_some(options.collation),
            class: key.class.is_some().then_some(options.class),
        })
    }

    fn target_expression(
        &self,
        parsed: &ast::Expr,
        table: &Table,
        shown: &str,
        clause: &'static str,
    ) -> Result<Bound> {
        let scope = self.scope_of(table, shown, RETURNING);
        let mut level = Level { scope, ..Level::default() };
        level.extraction.forbidden_in = Some(clause);
        self.levels.borrow_mut().push(level);
        let bound = self.expr(parsed);
        self.levels.borrow_mut().pop();
        bound
    }

    fn conflict_update(
        &self,
        update: &ast::DoUpdate,
        table: &Table,
        shown: &str,
    ) -> Result<ConflictUpdate> {
        if shown == EXCLUDED {
            return Err(Error::new(
                SqlState::DuplicateAlias,
                format!("table name \"{EXCLUDED}\" specified more than once"),
            ));
        }
        let mut scope = self.scope_of(table, shown, RETURNING);
        scope.columns.extend(self.excluded_scope(table).columns);
        self.levels.borrow_mut().push(Level { scope, ..Level::default() });
        let bound = (|| {
            let assignments = self.assignments(&update.assignments, table)?;
            let condition = match &update.selection {
                None => None,
                Some(condition) => {
                    let _none = self.forbid("WHERE");
                    Some(self.expect_bool(self.expr(condition)?, "WHERE")?.expr)
                }
            };
            Ok::<_, Error>((assignments, condition))
        })();
        self.levels.borrow_mut().pop();
        let (mut assignments, condition) = bound?;
        for expr in assignments.expressions_mut() {
            *expr = self.expand_computed(std::mem::take(expr), table)?;
        }
        let condition = condition.map(|expr| self.expand_computed(expr, table)).transpose()?;
        let excluded = TableReference::bare(EXCLUDED);
        let excluded = DFSchema::try_from_qualified_schema(excluded, &table.arrow_schema())?;
        let schema = row_schema(table)?.join(&excluded)?;
        let visible = self.take_view_conditions();
        Ok(ConflictUpdate { assignments, condition, visible, schema })
    }
}

/// What a key column of an index has to be.
enum Key {
    Column(usize),
    Expression(Expr),
}

/// A key column that is more than a name.
struct TargetKey {
    key: Key,
    /// A collation and an operator class, where they are named; `None` in them are the default ones.
    collation: Option<Option<String>>,
    class: Option<Option<String>>,
}

impl TargetKey {
    fn is(&self, expr: &Expr) -> bool {
        matches!(&self.key, Key::Expression(wanted) if wanted == expr)
    }

    /// Whether an index that computes these expressions has such a column.
    fn is_in(&self, index: &Index, computed: &[Expr]) -> bool {
        index.columns.iter().enumerate().any(|(at, position)| {
            let same = match &self.key {
                Key::Column(column) => column == position,
                Key::Expression(_) => {
                    let expr = position.checked_sub(FIRST_EXPRESSION);
                    expr.and_then(|at| computed.get(at)).is_some_and(|expr| self.is(expr))
                }
            };
            let options = index.options.get(at);
            let collation = options.and_then(|options| options.collation.as_ref());
            let class = options.and_then(|options| options.class.as_ref());
            same && self.collation.as_ref().is_none_or(|wanted| wanted.as_ref() == collation)
                && self.class.as_ref().is_none_or(|wanted| wanted.as_ref() == class)
        })
    }
}

/// The index of a constraint by its name.
fn constraint(table: &Table, name: &ast::ObjectName) -> Result<u32> {
    let wanted = name_parts(name).pop().unwrap_or_default();
    let named = |index: &&Index| index.constraint && index.name == wanted;
    if let Some(index) = table.all_indexes().find(named) {
        return Ok(index.storage);
    }
    Err(match table.has_constraint(&wanted) {
        true => Error::new(
            SqlState::WrongObjectType,
            "constraint in ON CONFLICT clause has no associated index",
        ),
        false => Error::new(
            SqlState::UndefinedObject,
            format!("constraint \"{wanted}\" for table \"{}\" does not exist", table.name),
        ),
    })
}
