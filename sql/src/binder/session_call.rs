//! Functions that act on sessions: sequences, advisory locks, settings, and what asks about them.

use std::sync::Arc;

use datafusion::logical_expr::Expr;
use datafusion::scalar::ScalarValue;

use super::call::no_function;
use super::{Binder, Bound, context};
use crate::error::{Error, Result, SqlState};
use crate::functions::Context;
use crate::functions::casts::{self, CastLevel};
use crate::row::advisory::AdvisoryCall;
use crate::row::export::ExportSnapshot;
use crate::row::setting::{Operation as OnSetting, SettingCall};
use crate::row::sleep::SleepCall;
use crate::row::stateful::{self, Stateful};
use crate::system::blocked::{Blocking, IsBlocked};
use crate::types::Type;

impl Binder<'_> {
    /// A call of a function on sessions, if there is one of this name.
    pub(super) fn session_call(&self, name: &str, args: &[Bound]) -> Option<Result<Bound>> {
        match name {
            "nextval" | "currval" | "setval" | "lastval" => {
                Some(self.sequence_call(name, args.to_vec()))
            }
            "pg_export_snapshot" if args.is_empty() => {
                self.has_calls.set(true);
                let function = ExportSnapshot { sessions: self.settings.sessions() };
                Some(self.call_with_session(Arc::new(function), args, &[]))
            }
            "pg_blocking_pids" | "pg_isolation_test_session_is_blocked" => {
                Some(self.blocked_call(name, args))
            }
            "current_setting" | "set_config" => Some(self.setting_call(name, args)),
            "pg_sleep" | "pg_sleep_for" | "pg_sleep_until" => {
                let function = SleepCall::named(name, self.settings.sessions())?;
                Some(self.sleep_call(name, function, args))
            }
            _ => {
                let function = AdvisoryCall::named(name, self.settings.sessions())?;
                Some(self.advisory_call(name, function, args))
            }
        }
    }

    fn advisory_call(&self, name: &str, function: AdvisoryCall, args: &[Bound]) -> Result<Bound> {
        let kinds: Vec<Type> = args.iter().map(Bound::kind).collect();
        let integers = |wide: bool| {
            kinds.iter().all(|kind| match kind {
                Type::Int2 | Type::Int4 | Type::Unknown => true,
                kind => wide && *kind == Type::Int8,
            })
        };
        let target = match (function.is_of_all(), args.len()) {
            (true, 0) => Type::Int8,
            (false, 1) if integers(true) => Type::Int8,
            (false, 2) if integers(false) => Type::Int4,
            _ => return Err(no_function(name, &kinds)),
        };
        self.has_calls.set(true);
        self.call_with_session(Arc::new(function), args, &[target; 2])
    }

    fn sleep_call(&self, name: &str, function: SleepCall, args: &[Bound]) -> Result<Bound> {
        let wanted = function.argument();
        let fits = |arg: &Bound| casts::level(arg.kind(), wanted) == Some(CastLevel::Implicit);
        if args.len() != 1 || !args.iter().all(fits) {
            let kinds: Vec<Type> = args.iter().map(Bound::kind).collect();
            return Err(no_function(name, &kinds));
        }
        self.has_calls.set(true);
        self.call_with_session(Arc::new(function), args, &[wanted])
    }

    fn blocked_call(&self, name: &str, args: &[Bound]) -> Result<Bound> {
        let kinds: Vec<Type> = args.iter().map(Bound::kind).collect();
        let wanted: &[Type] = match name {
            "pg_blocking_pids" => &[Type::Int4],
            _ => &[Type::Int4, Type::Int4Array],
        };
        let fits =
            |(from, to): (&Type, &Type)| casts::level(*from, *to) == Some(CastLevel::Implicit);
        if kinds.len() != wanted.len() || !kinds.iter().zip(wanted).all(fits) {
            return Err(no_function(name, &kinds));
        }
        let (manager, sessions) = (self.settings.manager(), self.settings.sessions());
        let function: Arc<dyn Stateful> = match name {
            "pg_blocking_pids" => Arc::new(Blocking { manager }),
            _ => Arc::new(IsBlocked { manager, sessions }),
        };
        self.call_with_session(function, args, wanted)
    }

    fn setting_call(&self, name: &str, args: &[Bound]) -> Result<Bound> {
        use Type::{Bool, Text};
        let kinds: Vec<Type> = args.iter().map(Bound::kind).collect();
        let wanted: &[Type] = match (name, args.len()) {
            ("current_setting", 1) => &[Text],
            ("current_setting", 2) => &[Text, Bool],
            ("set_config", 3) => &[Text, Text, Bool],
            _ => return Err(no_function(name, &kinds)),
        };
        let fits =
            |(from, to): (&Type, &Type)| casts::level(*from, *to) == Some(CastLevel::Implicit);
        if !kinds.iter().zip(wanted).all(fits) {
            return Err(no_function(name, &kinds));
        }
        let operation = match name {
            "set_config" => {
                self.has_calls.set(true);
                OnSetting::Set
            }
            _ => OnSetting::Current,
        };
        let function = SettingCall { operation, sessions: self.settings.sessions() };
        self.call_with_session(Arc::new(function), args, wanted)
    }

    /// A call with its arguments converted, and the session's number behind them.
    fn call_with_session(
        &self,
        function: Arc<dyn Stateful>,
        args: &[Bound],
        kinds: &[Type],
    ) -> Result<Bound> {
        let returns = function.returns();
        let mut exprs = Vec::with_capacity(args.len() + 1);
        for (arg, kind) in args.iter().zip(kinds) {
            exprs.push(self.implicit(arg.clone(), *kind)?.expr);
        }
        exprs.push(context(Context::Session));
        Ok(Bound::new(stateful::call(function, exprs), returns))
    }

    /// `nextval` and its kin, on a sequence named by a literal.
    fn sequence_call(&self, name: &str, args: Vec<Bound>) -> Result<Bound> {
        use crate::row::sequence::{Operation, call};
        let operation = match (name, args.len()) {
            ("nextval", 1) => Operation::Next,
            ("currval", 1) => Operation::Current,
            ("lastval", 0) => Operation::Last,
            ("setval", 2 | 3) => Operation::Set,
            _ => {
                let kinds: Vec<Type> = args.iter().map(Bound::kind).collect();
                return Err(no_function(name, &kinds));
            }
        };
        let mut args = args.into_iter();
        let first = args.next();
        let position = first.as_ref().and_then(|first| first.position);
        let sequence = match first.map(|first| first.expr) {
            None => None,
            Some(Expr::Literal(ScalarValue::Utf8(Some(text)), _)) => {
                Some(self.sequence_named(&text).map_err(|error| error.at(position))?)
            }
            Some(Expr::Literal(ScalarValue::Int64(Some(oid)), _)) => {
                let id = u32::try_from(oid).unwrap_or_default();
                let found = self.schema.sequence_by_id(id).cloned();
                Some(found.ok_or_else(|| {
                    let message = match self.settings.names().relation_name(id) {
                        Some(name) => format!("\"{name}\" is not a sequence"),
                        None => format!("could not open relation with OID {id}"),
                    };
                    Error::new(SqlState::WrongObjectType, message)
                })?)
            }
            Some(_) => return Err(Error::unsupported("a computed sequence name")),
        };
        let mut exprs = Vec::new();
        for (arg, kind) in args.zip([Type::Int8, Type::Bool]) {
            exprs.push(self.implicit(arg, kind)?.expr);
        }
        exprs.push(context(Context::Session));
        let expr = call(operation, sequence, self.settings.sequences(), exprs);
        Ok(Bound::new(expr, Type::Int8))
    }
}
