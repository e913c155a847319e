//! Errors of the SQL layer, and the one mapping of every lower error to a SQLSTATE.

use datafusion::error::DataFusionError;

use crate::catalog::Table;
use crate::lock_names::describe_deadlock;
use crate::sessions::Call;
pub use crate::sqlstate::SqlState;

/// What a client is told: PostgreSQL's error fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The code.
    pub state: SqlState,
    /// One sentence.
    pub message: String,
    /// More about this occurrence.
    pub detail: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// 1-based character offset into the statement.
    pub position: Option<usize>,
    /// Where in the course of execution, such as a line of COPY input.
    pub context: Option<String>,
    /// The schema of the table concerned.
    pub schema: Option<String>,
    /// The table concerned.
    pub table: Option<String>,
    /// The column concerned.
    pub column: Option<String>,
    /// The constraint concerned.
    pub constraint: Option<String>,
    /// The data type concerned.
    pub datatype: Option<String>,
}

/// Errors of the SQL layer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An error that is ours to word.
    #[error("{}", .0.message)]
    Report(Box<Report>),
    /// From the transaction layer.
    #[error(transparent)]
    Transaction(#[from] cairn_txn::Error),
    /// From DataFusion; may wrap one of ours.
    #[error(transparent)]
    DataFusion(Box<DataFusionError>),
    /// READ COMMITTED found a row newer than its snapshot: the statement runs again. Never
    /// leaves this layer.
    #[error("the statement has to be restarted on a new snapshot")]
    Restart,
    /// A function has to wait for a lock, which it cannot do: the session does, and the statement
    /// runs again. Never leaves this layer.
    #[error("waiting for a lock here is not supported")]
    WouldWait(Box<Call>),
    /// A read keeps the thread of its connection for too long: it runs again elsewhere. Never leaves
    /// this layer.
    #[error("the read has to go on elsewhere")]
    TooLong,
}

/// Result of a SQL operation.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error with a code and a message.
    pub fn new(state: SqlState, message: impl Into<String>) -> Error {
        Error::Report(Box::new(Report {
            state,
            message: message.into(),
            detail: None,
            hint: None,
            position: None,
            context: None,
            schema: None,
            table: None,
            column: None,
            constraint: None,
            datatype: None,
        }))
    }

    /// Something PostgreSQL has and cairn does not.
    pub fn unsupported(what: impl std::fmt::Display) -> Error {
        Error::new(SqlState::FeatureNotSupported, format!("{what} is not supported"))
    }

    /// A broken invariant of ours.
    pub fn internal(what: impl Into<String>) -> Error {
        Error::new(SqlState::InternalError, what)
    }

    fn with(mut self, change: impl FnOnce(&mut Report)) -> Error {
        if let Error::Report(report) = &mut self {
            change(report);
        }
        self
    }

    /// Adds a detail.
    pub fn detail(self, detail: impl Into<String>) -> Error {
        self.with(|report| report.detail = Some(detail.into()))
    }

    /// Adds a hint.
    pub fn hint(self, hint: impl Into<String>) -> Error {
        self.with(|report| report.hint = Some(hint.into()))
    }

    /// Adds a position, unless there is one.
    pub fn at(self, position: Option<usize>) -> Error {
        self.with(|report| report.position = report.position.or(position))
    }

    /// Sets where it stands, even if it has a position in another text.
    pub fn only_at(self, position: Option<usize>) -> Error {
        self.with(|report| report.position = position)
    }

    /// Adds a context.
    pub fn context(self, context: impl Into<String>) -> Error {
        self.with(|report| report.context = Some(context.into()))
    }

    /// Names the table.
    pub fn table(self, table: &Table) -> Error {
        self.with(|report| {
            report.schema = Some(table.schema.clone());
            report.table = Some(table.name.clone());
        })
    }

    /// Names the column.
    pub fn column(self, column: impl Into<String>) -> Error {
        self.with(|report| report.column = Some(column.into()))
    }

    /// Names the constraint.
    pub fn constraint(self, constraint: impl Into<String>) -> Error {
        self.with(|report| report.constraint = Some(constraint.into()))
    }

    /// Names the data type.
    pub fn datatype(self, schema: &str, name: &str) -> Error {
        self.with(|report| {
            report.schema = Some(schema.to_owned());
            report.datatype = Some(name.to_owned());
        })
    }

    /// What the client is told. `name` gives the name of what a key of storage belongs to.
    pub fn into_report_with(self, name: impl Fn(&[u8]) -> Option<String>) -> Report {
        let dependency = match &self {
            Error::Transaction(cairn_txn::Error::Serialization(
                cairn_txn::Conflict::Dependency(dependency),
            )) => Some((name(&dependency.key), dependency.clone())),
            _ => None,
        };
        let report = self.into_report();
        match dependency {
            Some((Some(name), dependency)) => {
                let detail = format!("{} That was in {name}.", describe(&dependency));
                Report { detail: Some(detail), ..report }
            }
            _ => report,
        }
    }

    /// What the client is told.
    pub fn into_report(self) -> Report {
        let plain = |state, message: String| match Error::new(state, message) {
            Error::Report(report) => *report,
            _ => unreachable!("Error::new makes a report"),
        };
        match self {
            Error::Report(report) => *report,
            Error::Restart | Error::TooLong => plain(SqlState::InternalError, self.to_string()),
            Error::WouldWait(_) => plain(SqlState::FeatureNotSupported, self.to_string()),
            Error::Transaction(error) => {
                use cairn_txn::Conflict;
                use cairn_txn::Error as Txn;
                use cairn_txn::storage::Error as Storage;
                let message = error.to_string();
                match error {
                    Txn::Serialization(Conflict::Dependency(dependency)) => Report {
                        detail: Some(describe(&dependency)),
                        hint: Some("The transaction might succeed if retried.".into()),
                        ..plain(SqlState::SerializationFailure, message)
                    },
                    Txn::Serialization(Conflict::ConcurrentInsert) => Report {
                        detail: Some(
                            "A key that this transaction has looked for was added by another one since."
                                .into(),
                        ),
                        hint: Some("The transaction might succeed if retried.".into()),
                        ..plain(SqlState::SerializationFailure, message)
                    },
                    Txn::Serialization(_) => plain(SqlState::SerializationFailure, message),
                    Txn::Deadlock(cycle) => Report {
                        detail: Some(describe_deadlock(&cycle)),
                        hint: Some("See server log for query details.".into()),
                        ..plain(SqlState::DeadlockDetected, message)
                    },
                    Txn::LockNotAvailable => plain(SqlState::LockNotAvailable, message),
                    Txn::TooLarge { .. } => plain(SqlState::ProgramLimitExceeded, message),
                    Txn::Storage(Storage::Corrupted(_)) => plain(SqlState::DataCorrupted, message),
                    Txn::Storage(Storage::SnapshotTooOld) => {
                        plain(SqlState::ObjectNotInPrerequisiteState, message)
                    }
                    Txn::Storage(_) => plain(SqlState::IoError, message),
                }
            }
            Error::DataFusion(error) => match *error {
                DataFusionError::ResourcesExhausted(message) => {
                    plain(SqlState::OutOfMemory, message)
                }
                DataFusionError::NotImplemented(message) => {
                    plain(SqlState::FeatureNotSupported, message)
                }
                error => {
                    let text = error.to_string();
                    if text.contains("returned more than one row")
                        || text.contains("more than one row")
                    {
                        plain(
                            SqlState::CardinalityViolation,
                            "more than one row returned by a subquery used as an expression".into(),
                        )
                    } else {
                        plain(SqlState::InternalError, text)
                    }
                }
            },
        }
    }
}

/// What stood in the way of serializability: who has read what whom has changed.
fn describe(dependency: &cairn_txn::ssi::Dependency) -> String {
    let cairn_txn::ssi::Dependency { reader, writer, first_commit, .. } = dependency;
    format!(
        "Transaction {reader} has read what transaction {writer} changes, and transaction {writer} \
         has read what was changed by a transaction that committed before them, at {}.",
        first_commit.0
    )
}

impl From<DataFusionError> for Error {
    /// Unwraps DataFusion's wrappers down to an error of ours, if there is one.
    fn from(error: DataFusionError) -> Self {
        match error {
            DataFusionError::External(inner) => match inner.downcast::<Error>() {
                Ok(ours) => *ours,
                Err(other) => match other.downcast::<DataFusionError>() {
                    Ok(inner) => Error::from(*inner),
                    Err(other) => Error::DataFusion(Box::new(DataFusionError::External(other))),
                },
            },
            DataFusionError::Context(_, inner) => Error::from(*inner),
            DataFusionError::Diagnostic(_, inner) => Error::from(*inner),
            DataFusionError::ArrowError(inner, context) => match *inner {
                datafusion::arrow::error::ArrowError::ExternalError(inner) => {
                    Error::from(DataFusionError::External(inner))
                }
                inner => Error::DataFusion(Box::new(DataFusionError::ArrowError(
                    Box::new(inner),
                    context,
                ))),
            },
            DataFusionError::Shared(inner) => match std::sync::Arc::try_unwrap(inner) {
                Ok(inner) => Error::from(inner),
                Err(inner) => match find_ours(&inner) {
                    Some(ours) => ours,
                    None => Error::DataFusion(Box::new(DataFusionError::Shared(inner))),
                },
            },
            other => Error::DataFusion(Box::new(other)),
        }
    }
}

/// An error of ours inside one that is shared and so cannot be taken apart.
fn find_ours(error: &(dyn std::error::Error + 'static)) -> Option<Error> {
    match error.downcast_ref::<Error>() {
        Some(Error::Report(report)) => Some(Error::Report(report.clone())),
        Some(Error::WouldWait(call)) => Some(Error::WouldWait(call.clone())),
        Some(Error::Transaction(error)) => Some(Error::Transaction(error.clone())),
        _ => find_ours(error.source()?),
    }
}

impl From<Error> for DataFusionError {
    fn from(error: Error) -> Self {
        DataFusionError::External(Box::new(error))
    }
}

impl From<cairn_txn::storage::Error> for Error {
    fn from(error: cairn_txn::storage::Error) -> Self {
        Error::Transaction(error.into())
    }
}
