//! Sessions: their options, from where they come and where they are kept.
//!
//! A call's options are those of its cookie with those of its headers in their place. A change goes into a new cookie with
//! the answer of the call that asks for it. What would change nothing succeeds, so that a driver may set the catalog to its
//! own name; what could not be kept is an error that names the header to use instead, never ignored.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use lakegate_proto::flight::session_option_value::OptionValue;
use lakegate_proto::flight::set_session_options_result::{Error as OptionError, ErrorValue};
use lakegate_proto::flight::{
    CloseSessionResult, GetSessionOptionsResult, SessionOptionValue, SetSessionOptionsRequest,
    SetSessionOptionsResult, close_session_result,
};
use prost::Message;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};

use super::authenticate::Caller;
use super::commands::malformed_action;
use super::cookie;
use super::front_door::FrontDoor;
use super::headers::{HeaderOptions, header_of};
use crate::audit::OptionChange;
use crate::error::{Error, ErrorKind};
use crate::identity::Principal;
use crate::pipeline::QueryRequest;
use crate::sql::{SessionChange, SessionOption, SessionOptions, Source};

/// Longest body of SetSessionOptions, in bytes: what it decodes to is many times as large.
const MAX_OPTIONS_BYTES: usize = 64 * 1024;

/// What a call brings of its session, and what its answer takes back.
pub(super) struct CallSession {
    /// Malformed ones fail only calls that look at them.
    headers: Result<HeaderOptions, Error>,
    cookie: Option<String>,
    answer: Mutex<Option<MetadataValue<Ascii>>>,
}

impl CallSession {
    /// Reads a call's headers.
    pub(super) fn of(metadata: &MetadataMap) -> Self {
        Self {
            headers: HeaderOptions::read(metadata),
            cookie: cookie::find(metadata).map(str::to_owned),
            answer: Mutex::new(None),
        }
    }

    fn answer_with(&self, cookie: MetadataValue<Ascii>) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(cookie);
    }
}

impl FrontDoor {
    /// The options that hold for statements which this call plans.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for malformed headers, and what opening the cookie answers.
    pub(super) fn options(&self, caller: &Caller) -> Result<SessionOptions, Error> {
        caller.session.headers.clone()?.over(self.kept_options(caller)?)
    }

    fn kept_options(&self, caller: &Caller) -> Result<SessionOptions, Error> {
        match &caller.session.cookie {
            Some(value) => cookie::open(self.identity.sealer(), &caller.principal, value),
            None => Ok(SessionOptions::default()),
        }
    }

    /// The request for a statement that this call brings.
    ///
    /// # Errors
    /// As [`options`](Self::options).
    pub(super) fn statement(&self, caller: &Caller, source: Source) -> Result<QueryRequest, Error> {
        Ok(QueryRequest { source, parameters: None, options: self.options(caller)?, part: None })
    }

    /// The change that a statement asks for, if it asks for one.
    ///
    /// # Errors
    /// Those of [`SessionChange::parse`].
    pub(super) fn session_change(&self, source: &Source) -> Result<Option<SessionChange>, Error> {
        match source {
            Source::Sql(sql) => SessionChange::parse(sql, self.options.max_sql_bytes),
            Source::Substrait(_) => Ok(None),
        }
    }

    /// Changes the session.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for a value that an option cannot have, and if the change would be lost: because a header
    /// gives the option, or because the client keeps no cookie.
    pub(super) fn change_session(&self, caller: &Caller, changes: &[SessionChange]) -> Result<(), Error> {
        let headers = caller.session.headers.clone()?;
        let mut kept = self.kept_options(caller)?;
        let effective = headers.over(kept.clone())?;
        let mut lost_to_header = None;
        for SessionChange { option, value } in changes {
            kept.set(*option, value.as_deref())?;
            if headers.gives(*option) && kept.get(*option) != effective.get(*option) {
                lost_to_header = Some(*option);
            }
        }
        if let Some(option) = lost_to_header {
            let text = "the option is given by a header of each call, which wins: change it there";
            return Err(Error::new(ErrorKind::InvalidRequest, text).echoing(header_of(option)));
        }
        if headers.over(kept.clone())? == effective {
            return Ok(());
        }
        if caller.session.cookie.is_none() {
            let changed =
                changes.iter().map(|change| header_of(change.option)).collect::<Vec<_>>().join(", ");
            let text = "this client keeps no cookie, so the option would be lost: turn cookies on, or send the header";
            return Err(Error::new(ErrorKind::InvalidRequest, text).echoing(&changed));
        }
        let cookie = self.cookie(&caller.principal, &kept)?;
        let (user, role) = caller.named();
        let changed = changes
            .iter()
            .map(|change| OptionChange { name: change.option.name(), value: change.value.as_deref() });
        self.pipeline.audit.session_changed(&caller.context, user, role, changed)?;
        caller.session.answer_with(cookie);
        Ok(())
    }

    fn cookie(&self, principal: &Principal, options: &SessionOptions) -> Result<MetadataValue<Ascii>, Error> {
        cookie::issue(self.identity.sealer(), principal, self.identity.token_lifetime(), options)
    }

    /// The cookie for the answer of a call: a changed one, or an offer to a client that has brought none.
    ///
    /// # Errors
    /// Only a defect.
    pub(super) fn answer_cookie(&self, caller: &Caller) -> Result<Option<MetadataValue<Ascii>>, Error> {
        let changed = caller.session.answer.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (changed, &caller.session.cookie) {
            (Some(changed), _) => Ok(Some(changed)),
            (None, None) => self.cookie(&caller.principal, &SessionOptions::default()).map(Some),
            (None, Some(_)) => Ok(None),
        }
    }

    /// The cookie for the answer of a handshake: only in the place of one that does not open for who logs in. ADBC takes the
    /// headers of a handshake in late, after those of the next call, so that a cookie from here would undo a change from there.
    ///
    /// # Errors
    /// Only a defect.
    pub(super) fn login_cookie(
        &self,
        principal: &Principal,
        metadata: &MetadataMap,
    ) -> Result<Option<MetadataValue<Ascii>>, Error> {
        let opens = |value: &str| cookie::open(self.identity.sealer(), principal, value).is_ok();
        match cookie::find(metadata) {
            Some(brought) if !opens(brought) => self.cookie(principal, &SessionOptions::default()).map(Some),
            _ => Ok(None),
        }
    }

    /// The action SetSessionOptions.
    ///
    /// # Errors
    /// As [`change_session`](Self::change_session), but for unknown names and values, which the result lists.
    pub(super) fn set_session_options(&self, caller: &Caller, body: &[u8]) -> Result<Bytes, Error> {
        if body.len() > MAX_OPTIONS_BYTES {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                "these are more session options than there are",
            ));
        }
        let request = SetSessionOptionsRequest::decode(body).map_err(|_| malformed_action())?;
        let mut result = SetSessionOptionsResult::default();
        let mut changes = Vec::new();
        for (name, value) in request.session_options {
            match requested(&name, value) {
                Ok(change) => changes.push(change),
                Err(reason) => {
                    result.errors.insert(name, OptionError { value: reason.into() });
                }
            }
        }
        self.change_session(caller, &changes)?;
        Ok(result.encode_to_vec().into())
    }

    /// The action GetSessionOptions. Options with their defaults are left out.
    ///
    /// # Errors
    /// As [`options`](Self::options).
    pub(super) fn session_options(&self, caller: &Caller) -> Result<Bytes, Error> {
        let options = self.options(caller)?;
        // There is one time zone, which is every session's default.
        let others = SessionOption::ALL.into_iter().filter(|option| *option != SessionOption::TimeZone);
        let shown = others.filter_map(|option| {
            let value = OptionValue::StringValue(options.get(option)?);
            Some((option.name().to_owned(), SessionOptionValue { option_value: Some(value) }))
        });
        Ok(GetSessionOptionsResult { session_options: shown.collect() }.encode_to_vec().into())
    }

    /// The action CloseSession. There is nothing to close but the client's cookie.
    ///
    /// # Errors
    /// Only a defect.
    pub(super) fn close_session(caller: &Caller) -> Result<Bytes, Error> {
        caller.session.answer_with(cookie::removal()?);
        Ok(closed())
    }
}

/// What CloseSession answers.
pub(super) fn closed() -> Bytes {
    let closed = CloseSessionResult { status: close_session_result::Status::Closed.into() };
    closed.encode_to_vec().into()
}

/// One option of the action. A value that is absent asks for the default.
fn requested(name: &str, value: SessionOptionValue) -> Result<SessionChange, ErrorValue> {
    let option = SessionOption::named(name).ok_or(ErrorValue::InvalidName)?;
    let value = match value.option_value {
        None => None,
        Some(OptionValue::StringValue(text)) => Some(text),
        Some(_) => return Err(ErrorValue::InvalidValue),
    };
    match SessionOptions::default().set(option, value.as_deref()) {
        Ok(()) => Ok(SessionChange { option, value }),
        Err(_) => Err(ErrorValue::InvalidValue),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> SessionOptionValue {
        SessionOptionValue { option_value: Some(OptionValue::StringValue(value.to_owned())) }
    }

    #[test]
    fn options_are_taken_by_name_and_everything_else_is_refused_by_name() {
        for (name, value) in [("catalog", "AwsDataCatalog"), ("catalog", ""), ("Schema", "sales")] {
            assert!(requested(name, text(value)).is_ok(), "{name} {value}");
        }
        let unset = SessionOptionValue { option_value: None };
        assert!(requested("as_of", unset).is_ok_and(|change| change.value.is_none()));
        assert_eq!(requested("batch_size", text("1")), Err(ErrorValue::InvalidName));
        assert_eq!(requested("catalog", text("other")), Err(ErrorValue::InvalidValue));
        let truth = SessionOptionValue { option_value: Some(OptionValue::BoolValue(true)) };
        assert_eq!(requested("schema", truth), Err(ErrorValue::InvalidValue));
    }

    #[test]
    fn session_values_have_arrows_encoding() {
        let value = SessionOptionValue { option_value: Some(OptionValue::Int64Value(1)) };
        // Field 3 as sfixed64 in Arrow's Flight.proto: tag 0x19, then eight bytes.
        assert_eq!(value.encode_to_vec(), [0x19, 1, 0, 0, 0, 0, 0, 0, 0]);
        let closed = CloseSessionResult { status: close_session_result::Status::Closed.into() };
        assert_eq!(closed.encode_to_vec(), [0x08, 1]);
    }
}
