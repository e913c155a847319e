//! SEARCH and CYCLE of WITH RECURSIVE: columns that tell where a row comes from, beside those of the
//! query. (PostgreSQL's rewriteSearchCycle.c.)
//!
//! The recursive term reads them from its own query by name, though no star stands for them, and
//! hands them on in a select list that is longer than the one written.

use datafusion::logical_expr::{Expr, LogicalPlanBuilder, Operator};
use datafusion::sql::sqlparser::ast::{
    self, Expr as Sql, Ident, Select, SelectItem, SetExpr, TableFactor, TableWithJoins,
};

use super::{Binder, Bound, BoundQuery, OutputColumn, fold, name_parts};
use crate::error::{Error, Result, SqlState};
use crate::functions::records::RecordForm;
use crate::functions::{Scalar, udf};
use crate::parser::forms::{CYCLE, LIST_SEPARATOR, SEARCH, SEPARATOR};
use crate::parser::{parse_expression, written_positions};
use crate::types::{Datum, Type, TypeMod};

struct Search {
    breadth: bool,
    columns: Vec<String>,
    sequence: String,
    position: Option<usize>,
}

struct Cycle {
    columns: Vec<String>,
    mark: String,
    path: String,
    /// What the mark is in a cycle and outside, as they are written.
    values: Option<(String, String)>,
    position: Option<usize>,
}

/// The clauses of a WITH query.
pub(super) struct Clauses {
    search: Option<Search>,
    cycle: Option<Cycle>,
}

/// What they add to a query.
pub(super) struct Added {
    clauses: Clauses,
    /// The columns: of SEARCH one, then of CYCLE two.
    pub(super) columns: Vec<OutputColumn>,
    /// What the mark is in a cycle and outside.
    marks: Option<(Expr, Expr)>,
    /// Places of the columns that SEARCH and CYCLE name.
    searched: Vec<usize>,
    cycled: Vec<usize>,
}

fn list(names: &str) -> Vec<String> {
    names.split(LIST_SEPARATOR).map(str::to_owned).collect()
}

fn not_implemented(message: String) -> Error {
    Error::new(SqlState::FeatureNotSupported, message)
}

/// The only SELECT that an operand of UNION is, and whether a WITH around it has a query called `name`.
fn only_select<'s>(body: &'s mut SetExpr, name: &str) -> Option<(&'s mut Select, bool)> {
    match body {
        SetExpr::Select(select) => Some((select, false)),
        SetExpr::Query(query) => {
            let mut tables = query.with.iter().flat_map(|with| &with.cte_tables);
            let hides = tables.any(|cte| fold(&cte.alias.name) == name);
            let (select, hidden) = only_select(&mut query.body, name)?;
            Some((select, hides || hidden))
        }
        _ => None,
    }
}

fn is_set_operation(body: &SetExpr) -> bool {
    match body {
        SetExpr::SetOperation { .. } => true,
        SetExpr::Query(query) => is_set_operation(&super::common::strip(query).body),
        _ => false,
    }
}

/// The name under which an item of FROM reads the query `name`.
fn reader(factor: &TableFactor, name: &str) -> Option<String> {
    match factor {
        TableFactor::Table { name: table, alias, .. } => {
            let is_it = matches!(name_parts(table).as_slice(), [only] if only == name);
            is_it.then(|| alias.as_ref().map_or(name.to_owned(), |alias| fold(&alias.name)))
        }
        TableFactor::NestedJoin { table_with_joins, .. } => reader_in(table_with_joins, name),
        _ => None,
    }
}

fn reader_in(item: &TableWithJoins, name: &str) -> Option<String> {
    let factors = std::iter::once(&item.relation).chain(item.joins.iter().map(|j| &j.relation));
    factors.into_iter().find_map(|factor| reader(factor, name))
}

impl Binder<'_> {
    /// Takes the clauses out of the alias of a WITH query, where the parser has put them.
    pub(super) fn clauses_of(&self, cte: &ast::Cte) -> Option<(Clauses, ast::Cte)> {
        let mut clauses = Clauses { search: None, cycle: None };
        let mut plain = cte.clone();
        plain.alias.columns.retain(|column| {
            let name = &column.name;
            let parts: Vec<&str> = match name.value.strip_prefix(SEPARATOR) {
                Some(rest) => rest.split(SEPARATOR).collect(),
                None => return true,
            };
            let position = self.position(name.span);
            match parts.as_slice() {
                [kind, order, columns, sequence] if SEARCH.ends_with(kind) => {
                    clauses.search = Some(Search {
                        breadth: *order == "breadth",
                        columns: list(columns),
                        sequence: (*sequence).to_owned(),
                        position,
                    });
                }
                [kind, columns, mark, path, value, default] if CYCLE.ends_with(kind) => {
                    let is_given = !value.is_empty();
                    clauses.cycle = Some(Cycle {
                        columns: list(columns),
                        mark: (*mark).to_owned(),
                        path: (*path).to_owned(),
                        values: is_given.then(|| ((*value).to_owned(), (*default).to_owned())),
                        position,
                    });
                }
                _ => return true,
            }
            false
        });
        (clauses.search.is_some() || clauses.cycle.is_some()).then_some((clauses, plain))
    }

    /// Checks the clauses of a query with these columns.
    pub(super) fn added_by(&self, clauses: Clauses, columns: &[OutputColumn]) -> Result<Added> {
        let syntax = |message: String| Error::new(SqlState::SyntaxError, message);
        let places = |what: &str, names: &[String]| -> Result<Vec<usize>> {
            let mut places = Vec::new();
            for name in names {
                let place = columns.iter().position(|column| column.name == *name);
                let place = place.ok_or_else(|| {
                    syntax(format!("{what} column \"{name}\" not in WITH query column list"))
                })?;
                if places.contains(&place) {
                    return Err(Error::new(
                        SqlState::DuplicateColumn,
                        format!("{what} column \"{name}\" specified more than once"),
                    ));
                }
                places.push(place);
            }
            Ok(places)
        };
        let check_new = |what: &str, name: &str| match columns.iter().any(|c| c.name == name) {
            false => Ok(()),
            true => Err(syntax(format!(
                "{what} column name \"{name}\" already used in WITH query column list"
            ))),
        };
        let mut searched = Vec::new();
        let mut cycled = Vec::new();
        let mut added = Vec::new();
        let mut marks = None;
        let column = |name: &str, ty: TypeMod, position: Option<usize>| OutputColumn {
            name: name.to_owned(),
            ty,
            origin: None,
            position,
        };
        if let Some(search) = &clauses.search {
            let checked = (|| {
                searched = places("search", &search.columns)?;
                check_new("search sequence", &search.sequence)
            })();
            checked.map_err(|error: Error| error.at(search.position))?;
            let kind = if search.breadth { Type::Record } else { Type::RecordArray };
            added.push(column(&search.sequence, TypeMod::plain(kind), search.position));
        }
        if let Some(cycle) = &clauses.cycle {
            let checked = (|| {
                cycled = places("cycle", &cycle.columns)?;
                check_new("cycle mark", &cycle.mark)?;
                check_new("cycle path", &cycle.path)?;
                if cycle.mark == cycle.path {
                    let message = "cycle mark column name and cycle path column name are the same";
                    return Err(syntax(message.into()));
                }
                Ok(())
            })();
            checked.map_err(|error: Error| error.at(cycle.position))?;
            let (value, default, ty) = self.marks(cycle)?;
            added.push(column(&cycle.mark, ty, cycle.position));
            added.push(column(&cycle.path, TypeMod::plain(Type::RecordArray), cycle.position));
            marks = Some((value, default));
        }
        if let (Some(search), Some(cycle)) = (&clauses.search, &clauses.cycle) {
            for (what, name) in [("mark", &cycle.mark), ("path", &cycle.path)] {
                if search.sequence == *name {
                    return Err(syntax(format!(
                        "search sequence column name and cycle {what} column name are the same"
                    ))
                    .at(search.position));
                }
            }
        }
        Ok(Added { clauses, columns: added, marks, searched, cycled })
    }

    /// What the mark is in a cycle and outside.
    fn marks(&self, cycle: &Cycle) -> Result<(Expr, Expr, TypeMod)> {
        let Some((value, default)) = &cycle.values else {
            let constant =
                |value| Ok::<_, Error>(self.literal(&Datum::Bool(value), Type::Bool)?.expr);
            return Ok((constant(true)?, constant(false)?, TypeMod::plain(Type::Bool)));
        };
        let constant = |text: &str, word: &str| {
            // The parser has taken the clause out of the tokens.
            let mut tokens = written_positions(self.sql).into_iter();
            let from = cycle.position.unwrap_or(usize::MAX);
            let found = tokens.find(|(at, text)| *at > from && text.eq_ignore_ascii_case(word));
            let at = found.and_then(|_| tokens.next()).map(|(at, _)| at);
            let bound = self.expr(&parse_expression(text)?);
            bound.map(|bound| bound.at(at)).map_err(|error| error.only_at(at))
        };
        let constants = vec![constant(value, "TO")?, constant(default, "DEFAULT")?];
        let (constants, ty) = self.unify(constants, "CYCLE")?;
        match <[Bound; 2]>::try_from(constants) {
            Ok([value, default]) => Ok((value.expr, default.expr, ty)),
            Err(_) => Err(Error::internal("a mark without two values")),
        }
    }

    /// Refuses terms that these clauses do not work with.
    pub(super) fn check_first_term(&self, term: &SetExpr) -> Result<()> {
        match is_set_operation(term) {
            false => Ok(()),
            true => Err(not_implemented(
                "with a SEARCH or CYCLE clause, the left side of the UNION must be a SELECT".into(),
            )),
        }
    }

    /// The recursive term with the added columns of the query that it reads in its select list.
    pub(super) fn longer_term(&self, term: &SetExpr, name: &str, added: &Added) -> Result<SetExpr> {
        let mut term = term.clone();
        let Some((select, is_hidden)) = only_select(&mut term, name) else {
            let message =
                "with a SEARCH or CYCLE clause, the right side of the UNION must be a SELECT";
            return Err(Error::new(SqlState::SyntaxError, message));
        };
        let reader = select.from.iter().find_map(|item| reader_in(item, name));
        let Some(reader) = reader.filter(|_| !is_hidden) else {
            return Err(not_implemented(format!(
                "with a SEARCH or CYCLE clause, the recursive reference to WITH query \"{name}\" must be at the top level of its right-hand SELECT"
            )));
        };
        select.projection.extend(added.columns.iter().map(|column| {
            let names = [reader.as_str(), column.name.as_str()];
            let names = names.map(|name| Ident::with_quote('"', name));
            SelectItem::UnnamedExpr(Sql::CompoundIdentifier(names.to_vec()))
        }));
        Ok(term)
    }

    fn record_of(&self, values: &[Bound], places: &[usize]) -> Result<Expr> {
        self.record_at(None, values, places)
    }

    /// A record of the columns at these places, behind a first value.
    fn record_at(&self, first: Option<Bound>, values: &[Bound], places: &[usize]) -> Result<Expr> {
        let of_places = places.iter().filter_map(|place| values.get(*place)).cloned();
        let values = first.into_iter().chain(of_places).collect();
        Ok(self.unnamed_record(values)?.expr)
    }

    /// The first term with the added columns.
    pub(super) fn first_with(&self, query: BoundQuery, added: &Added) -> Result<BoundQuery> {
        let values = values_of(&query);
        let mut exprs: Vec<Expr> = values.iter().map(|value| value.expr.clone()).collect();
        let start = |record| udf::call(Scalar::Record(RecordForm::Extend), vec![record]);
        if let Some(search) = &added.clauses.search {
            exprs.push(match search.breadth {
                true => {
                    let depth = self.literal(&Datum::Int64(0), Type::Int8)?;
                    self.record_at(Some(depth), &values, &added.searched)?
                }
                false => start(self.record_of(&values, &added.searched)?),
            });
        }
        if let Some((_, default)) = &added.marks {
            exprs.push(default.clone());
            exprs.push(start(self.record_of(&values, &added.cycled)?));
        }
        self.with_columns(query, exprs, added)
    }

    /// The recursive term, whose last columns are those of the row that a row comes from, with its own
    /// in their place.
    pub(super) fn second_with(&self, query: BoundQuery, added: &Added) -> Result<BoundQuery> {
        let mut values = values_of(&query);
        let mut before = values.split_off(values.len().saturating_sub(added.columns.len()));
        let mut query = query;
        query.columns.truncate(values.len());
        let mut exprs: Vec<Expr> = values.iter().map(|value| value.expr.clone()).collect();
        let longer = |path: Expr, record: Expr| {
            udf::call(Scalar::Record(RecordForm::Extend), vec![record, path])
        };
        if let Some(search) = &added.clauses.search {
            let sequence = before.remove(0).expr;
            exprs.push(match search.breadth {
                true => {
                    let form = Scalar::Record(RecordForm::Field(0, Type::Int8));
                    let depth = Bound::new(udf::call(form, vec![sequence]), Type::Int8);
                    let one = self.literal(&Datum::Int64(1), Type::Int8)?;
                    let depth = self.operator("+", vec![depth, one])?;
                    self.record_at(Some(depth), &values, &added.searched)?
                }
                false => longer(sequence, self.record_of(&values, &added.searched)?),
            });
        }
        if let (Some((value, default)), [mark, path]) = (&added.marks, before.as_slice()) {
            let record = self.record_of(&values, &added.cycled)?;
            let is_cycle = udf::call(
                Scalar::Record(RecordForm::IsAmong),
                vec![record.clone(), path.expr.clone()],
            );
            let when = vec![(Box::new(is_cycle), Box::new(value.clone()))];
            let otherwise = Some(Box::new(default.clone()));
            exprs
                .push(Expr::Case(datafusion::logical_expr::expr::Case::new(None, when, otherwise)));
            exprs.push(longer(path.expr.clone(), record));
            // A row in a cycle leads nowhere.
            let marked = Bound { expr: value.clone(), ..mark.clone() };
            let goes_on = self.compare(mark.clone(), "<>", Operator::NotEq, marked)?;
            query.plan = LogicalPlanBuilder::new(query.plan).filter(goes_on.expr)?.build()?;
        }
        self.with_columns(query, exprs, added)
    }

    fn with_columns(
        &self,
        mut query: BoundQuery,
        exprs: Vec<Expr>,
        added: &Added,
    ) -> Result<BoundQuery> {
        let exprs = exprs.into_iter().map(|expr| expr.alias(self.fresh("x")));
        query.plan = LogicalPlanBuilder::new(query.plan).project(exprs)?.build()?;
        query.columns.extend(added.columns.iter().cloned());
        Ok(query)
    }
}

/// The columns of a query as values over its plan.
fn values_of(query: &BoundQuery) -> Vec<Bound> {
    let columns = query.plan.schema().columns().into_iter().zip(&query.columns);
    let values = columns.map(|(column, output)| Bound {
        expr: Expr::Column(column),
        ty: output.ty,
        position: output.position,
    });
    values.collect()
}
