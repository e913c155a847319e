//! The extended protocol's portals: Bind, Describe and Execute.

use cairn_sql::error::{Error, Result, SqlState};
use cairn_sql::session::{MAX_PORTALS, Outcome, Portal, Prepared};
use cairn_sql::types::io::{self, Style};
use cairn_sql::types::{Datum, Type};
use pgwire::messages::data::{NoData, ParameterDescription};
use pgwire::messages::extendedquery::{BindComplete, PortalSuspended};

use super::{Connection, Step};
use crate::reply;

impl Connection {
    pub(super) fn bind(
        &mut self,
        portal: &str,
        statement: &str,
        formats: &[i16],
        values: Vec<Option<&[u8]>>,
        results: Vec<i16>,
    ) -> Result<()> {
        let prepared = self.session.prepared(statement)?;
        let violation = |message: String| Error::new(SqlState::ProtocolViolation, message);
        if formats.len() > 1 && formats.len() != values.len() {
            return Err(violation(format!(
                "bind message has {} parameter formats but {} parameters",
                formats.len(),
                values.len()
            )));
        }
        if values.len() != prepared.parameters.len() {
            return Err(violation(format!(
                "bind message supplies {} parameters, but prepared statement \"{statement}\" requires {}",
                values.len(),
                prepared.parameters.len()
            )));
        }
        if let Some(columns) = &prepared.columns
            && results.len() > 1
            && results.len() != columns.len()
        {
            return Err(violation(format!(
                "bind message has {} result formats but query has {} columns",
                results.len(),
                columns.len()
            )));
        }
        check_formats(formats)?;
        if !portal.is_empty() && self.session.portals.contains(portal) {
            return Err(Error::new(
                SqlState::DuplicateCursor,
                format!("portal \"{portal}\" already exists"),
            ));
        }
        if self.session.portals.len() >= MAX_PORTALS {
            return Err(Error::new(SqlState::ProgramLimitExceeded, "too many portals"));
        }
        let style = self.style_of(prepared.parameters.iter().copied());
        let mut params = Vec::with_capacity(values.len());
        let kinds = prepared.parameters.iter().map(|kind| self.session.current(*kind));
        for (index, (value, kind)) in values.into_iter().zip(kinds).enumerate() {
            params.push(match value {
                None => Datum::Null,
                Some(bytes) => {
                    let binary = reply::format_of(formats, index) == 1;
                    parameter(kind, bytes, binary, &style)?
                }
            });
        }
        self.session.open_portal(portal, Portal::bound(prepared, params, results));
        reply::put(&mut self.out, &BindComplete::new())
    }

    pub(super) fn describe_statement(&mut self, name: &str) -> Result<()> {
        let prepared = self.session.prepared(name)?;
        let oids = prepared.parameters.iter().map(|kind| kind.oid()).collect();
        reply::put(&mut self.out, &ParameterDescription::new(oids))?;
        self.describe_columns(&prepared, &[])
    }

    pub(super) fn describe_columns(&mut self, prepared: &Prepared, formats: &[i16]) -> Result<()> {
        match &prepared.columns {
            Some(columns) => reply::row_description(&mut self.out, columns, formats),
            None => reply::put(&mut self.out, &NoData::new()),
        }
    }

    pub(super) fn describe_portal(&mut self, name: &str) -> Result<()> {
        let portal = self.session.portals.get(name).ok_or_else(|| no_portal(name))?;
        match &portal.prepared.columns {
            Some(columns) => reply::row_description(&mut self.out, columns, &portal.formats),
            None => reply::put(&mut self.out, &NoData::new()),
        }
    }

    /// Executes a portal that is a short read, all of it. `None` leaves it to
    /// [`Connection::execute_portal`].
    pub(super) fn execute_portal_now(
        &mut self,
        name: &str,
        limit: Option<usize>,
    ) -> Option<Result<()>> {
        let portal = self.session.portals.get_mut(name)?;
        if limit.is_some()
            || portal.outcome.is_some()
            || portal.is_cursor()
            || check_formats(&portal.formats).is_err()
        {
            return None;
        }
        let prepared = portal.prepared.clone();
        let mut params = std::mem::take(&mut portal.params);
        let executed = self.session.execute_now(&prepared, &mut params);
        let columns = prepared.columns.iter().flat_map(|columns| columns.iter());
        let style = self.style_of(columns.map(|column| column.ty.kind));
        let portal = self.session.portals.get_mut(name)?;
        Some(match executed {
            None => {
                portal.params = params;
                return None;
            }
            Some(Err(error)) => Err(error),
            Some(Ok(mut rows)) => {
                let (out, scratch) = (&mut self.out, &mut self.scratch);
                let done = reply::ready_rows(out, &mut rows, &portal.formats, &style, scratch);
                portal.outcome = Some(Outcome::Rows(rows));
                done
            }
        })
    }

    /// A simple query closes the unnamed statement and portal.
    pub(super) fn close_unnamed(&mut self) {
        self.session.close_prepared("");
        self.session.portals.close("");
    }

    pub(super) async fn execute_portal(
        &mut self,
        name: &str,
        limit: Option<usize>,
    ) -> Step<Result<()>> {
        if self.session.portals.get(name).is_some_and(Portal::is_cursor) {
            return Box::pin(self.execute_cursor(name, limit)).await;
        }
        let Some(mut portal) = self.session.portals.take(name) else {
            return Ok(Err(no_portal(name)));
        };
        if let Err(error) = check_formats(&portal.formats) {
            return Ok(Err(error));
        }
        let outcome = match portal.outcome.take() {
            Some(Outcome::Command(_)) => {
                // It ran to its end; PostgreSQL keeps such a portal, to say just this.
                portal.outcome = Some(Outcome::Command(String::new()));
                self.session.portals.put_back(name, portal);
                return Ok(Err(Error::new(
                    SqlState::ObjectNotInPrerequisiteState,
                    format!("portal \"{name}\" cannot be run"),
                )));
            }
            Some(outcome) => Ok(outcome),
            None => {
                let params = std::mem::take(&mut portal.params);
                self.run_statement(&portal.prepared, params).await?
            }
        };
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => return Ok(Err(error)),
        };
        if let Err(error) = self.put_notices() {
            return Ok(Err(error));
        }
        match outcome {
            Outcome::Rows(mut rows) => {
                rows.restart_count();
                let sent = self.send_rows(&mut rows, &portal.formats, limit).await?;
                let finished = match sent {
                    Ok(finished) => finished,
                    Err(error) => return Ok(Err(error)),
                };
                let done = match finished {
                    true => reply::command_complete(&mut self.out, &rows.tag()),
                    false => reply::put(&mut self.out, &PortalSuspended::new()),
                };
                // Kept also at its end: further Executes give no rows.
                portal.outcome = Some(Outcome::Rows(rows));
                self.session.portals.put_back(name, portal);
                Ok(done)
            }
            other => {
                portal.outcome = Some(match other {
                    Outcome::Empty => Outcome::Empty,
                    _ => Outcome::Command(String::new()),
                });
                self.session.portals.put_back(name, portal);
                self.complete(other, true).await
            }
        }
    }

    /// Executes a portal that is a cursor.
    pub(super) async fn execute_cursor(
        &mut self,
        name: &str,
        limit: Option<usize>,
    ) -> Step<Result<()>> {
        let formats = self.session.portals.get(name).map(|portal| portal.formats.clone());
        let formats = formats.unwrap_or_default();
        if let Err(error) = check_formats(&formats) {
            return Ok(Err(error));
        }
        let mut rows = match self.session.execute_cursor(name, limit).await {
            Ok(rows) => rows,
            Err(error) => return Ok(Err(error)),
        };
        Ok(match self.send_rows(&mut rows, &formats, limit).await? {
            Ok(true) => reply::command_complete(&mut self.out, &rows.tag()),
            Ok(false) => reply::put(&mut self.out, &PortalSuspended::new()),
            Err(error) => Err(error),
        })
    }
}

fn check_formats(formats: &[i16]) -> Result<()> {
    match formats.iter().find(|code| !matches!(code, 0 | 1)) {
        None => Ok(()),
        Some(code) => Err(Error::new(
            SqlState::InvalidParameterValue,
            format!("unsupported format code: {code}"),
        )),
    }
}

fn no_portal(name: &str) -> Error {
    Error::new(SqlState::InvalidCursorName, format!("portal \"{name}\" does not exist"))
}

fn parameter(kind: Type, bytes: &[u8], binary: bool, style: &Style) -> Result<Datum> {
    match binary {
        true => io::from_binary(kind, bytes),
        false => io::from_text(kind, io::utf8(bytes)?, style),
    }
}
