//! Records of what happens beside statements: logins and refused ones, tokens, cancellations, changes of sessions.
//!
//! A name that was typed is recorded only if a user has it: people type passwords into the field for
//! names.

use chrono::Utc;

use super::AuditTrail;
use super::record::{Changed, Happened};
use super::sink::line;
use crate::context::RequestContext;
use crate::error::{Error, ErrorKind};
use crate::ids::QueryId;

/// By what somebody logs in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LoginWay {
    /// User and password.
    Password,
    /// A token that is confirmed.
    Token,
    /// Neither can be read from what was sent.
    Unreadable,
}

impl LoginWay {
    fn word(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Token => "token",
            Self::Unreadable => "unreadable",
        }
    }
}

/// An option that somebody sets, and what it is set to.
pub(crate) struct OptionChange<'a> {
    pub(crate) name: &'static str,
    pub(crate) value: Option<&'a str>,
}

impl AuditTrail {
    /// Somebody has logged in.
    ///
    /// # Errors
    /// `Unavailable` if that cannot be recorded.
    pub(crate) fn logged_in(
        &self,
        context: &RequestContext,
        user: &str,
        role: &str,
        how: LoginWay,
    ) -> Result<(), Error> {
        let happened = happened(context, "login.succeeded", Some(user), Some(role));
        self.happened(&Happened { how: Some(how.word()), ..happened }, "you were not logged in")
    }

    /// Somebody was not logged in.
    ///
    /// # Arguments
    /// * `known_user` - the name that was given, if it is a user's.
    pub(crate) fn login_refused(
        &self,
        context: &RequestContext,
        known_user: Option<&str>,
        how: LoginWay,
        reason: ErrorKind,
    ) {
        let happened = happened(context, "login.refused", known_user, None);
        self.refused(Happened { how: Some(how.word()), reason: Some(reason.as_str()), ..happened });
    }

    /// A call came with a token that is expired, foreign or damaged, or with none.
    pub(crate) fn token_refused(&self, context: &RequestContext, reason: &'static str) {
        let happened = happened(context, "token.refused", None, None);
        self.refused(Happened { reason: Some(reason), ..happened });
    }

    /// Somebody asked for the end of queries, and these were ended.
    pub(crate) fn cancelled(&self, context: &RequestContext, user: &str, role: &str, queries: &[QueryId]) {
        let cancelled = Some(queries.iter().map(QueryId::to_string).collect());
        let happened = happened(context, "query.cancelled", Some(user), Some(role));
        self.has_happened(&Happened { cancelled, ..happened });
    }

    /// Somebody changes options of the session.
    ///
    /// # Errors
    /// `Unavailable` if that cannot be recorded.
    pub(crate) fn session_changed<'a>(
        &self,
        context: &RequestContext,
        user: &str,
        role: &str,
        changes: impl Iterator<Item = OptionChange<'a>>,
    ) -> Result<(), Error> {
        let shown = |change: OptionChange<'a>| Changed {
            name: change.name,
            value: change.value.filter(|_| self.0.log_statements).map(str::to_owned),
        };
        let options = Some(changes.map(shown).collect());
        let happened = happened(context, "session.changed", Some(user), Some(role));
        self.happened(&Happened { options, ..happened }, "nothing was changed")
    }

    fn happened(&self, record: &Happened<'_>, otherwise: &'static str) -> Result<(), Error> {
        let is_taken = line(record).is_ok_and(|line| self.0.writer.happens(line));
        let refused = || Error::new(ErrorKind::Unavailable, "the audit trail cannot be written");
        if is_taken { Ok(()) } else { Err(refused().echoing(otherwise)) }
    }

    /// For what cannot be undone any more; the writer counts what it cannot take.
    fn has_happened(&self, record: &Happened<'_>) {
        match line(record) {
            Ok(line) => self.0.writer.has_happened(line),
            Err(_) => self.0.writer.count_failure(),
        }
    }

    fn refused(&self, record: Happened<'_>) {
        let Some(left_out) = self.0.refusals.take() else { return };
        let left_out = (left_out > 0).then_some(left_out);
        self.has_happened(&Happened { left_out, ..record });
    }
}

fn happened<'a>(
    context: &'a RequestContext,
    event: &'static str,
    user: Option<&'a str>,
    role: Option<&'a str>,
) -> Happened<'a> {
    Happened {
        ts: Utc::now(),
        event,
        query_id: context.query_id.to_string(),
        user,
        role,
        peer: context.peer,
        user_agent: &context.user_agent,
        how: None,
        reason: None,
        cancelled: None,
        options: None,
        left_out: None,
    }
}
