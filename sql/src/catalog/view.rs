//! Views: the text of a query, and what its names stood for when it was made.
//!
//! A view keeps its meaning when relations and columns are renamed, when columns are added and when
//! others come before them in search_path. So it keeps, for each relation that its text names, the
//! relation's number, and what its columns were called then; its text is bound against those.

use serde::{Deserialize, Serialize};

use super::names::RelationName;
use super::{Column, Schema};

/// A view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// Shares the numbers of tables.
    pub id: u32,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Names and types, as they were when it was made.
    pub columns: Vec<Column>,
    /// The query.
    pub query: String,
    /// What the query's names stand for.
    pub uses: Vec<Use>,
    /// COMMENT ON.
    pub comment: Option<String>,
    /// WITH CHECK OPTION.
    #[serde(default)]
    pub check_option: Option<CheckOption>,
    /// security_barrier, as it was written. There is one role, so it changes nothing.
    #[serde(default)]
    pub security_barrier: Option<String>,
    /// security_invoker, as it was written.
    #[serde(default)]
    pub security_invoker: Option<String>,
    /// If its rows can be changed: which of its columns can be set.
    #[serde(default)]
    pub updatable: Option<Vec<bool>>,
}

/// WITH CHECK OPTION: which conditions rows have to fulfil that come in through a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CheckOption {
    /// The view's own, and what the views below ask for themselves.
    Local,
    /// Those of the views below as well.
    Cascaded,
}

impl CheckOption {
    /// As the option `check_option` has it.
    pub fn name(self) -> &'static str {
        match self {
            CheckOption::Local => "local",
            CheckOption::Cascaded => "cascaded",
        }
    }
}

/// A relation that a view names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Use {
    /// The schema as it is written, if it is.
    pub schema: Option<String>,
    /// The name as it is written.
    pub name: String,
    /// The relation's number.
    pub id: u32,
    /// Positions of its columns, and their names then.
    pub columns: Vec<(usize, String)>,
    /// Positions of those that the view cannot be without.
    pub needed: Vec<usize>,
}

impl View {
    /// Its name with its schema.
    pub fn full_name(&self) -> RelationName {
        RelationName::new(self.schema.clone(), self.name.clone())
    }

    /// Its options, as pg_class.reloptions has them.
    pub fn options(&self) -> Vec<String> {
        let check = self.check_option.map(|check| format!("check_option={}", check.name()));
        let flag = |name: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!("{name}={value}"))
        };
        let barrier = flag("security_barrier", &self.security_barrier);
        let invoker = flag("security_invoker", &self.security_invoker);
        [barrier, invoker, check].into_iter().flatten().collect()
    }

    /// Position of a column.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// Whether it cannot be without a relation, or without one of its columns.
    pub fn needs(&self, relation: u32, column: Option<usize>) -> bool {
        self.uses.iter().any(|used| {
            used.id == relation && column.is_none_or(|column| used.needed.contains(&column))
        })
    }
}

impl Schema {
    /// The views that use a relation, or one of its columns, in the order in which they were made.
    pub fn views_on(&self, relation: u32, column: Option<usize>) -> Vec<std::sync::Arc<View>> {
        let users = self.views.values().filter(|view| view.needs(relation, column));
        let mut users: Vec<_> = users.cloned().collect();
        users.sort_by_key(|view| view.id);
        users
    }

    /// The materialized views that use a relation, or one of its columns, in the order in which they were
    /// made.
    pub fn materialized_on(
        &self,
        relation: u32,
        column: Option<usize>,
    ) -> Vec<std::sync::Arc<super::Table>> {
        let needs = |table: &&std::sync::Arc<super::Table>| {
            table.definition.as_ref().is_some_and(|view| view.needs(relation, column))
        };
        let mut users: Vec<_> = self.tables().filter(needs).cloned().collect();
        users.sort_by_key(|table| table.id);
        users
    }
}
