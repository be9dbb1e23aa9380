//! Actions: preparing and closing statements, and the session actions.
//!
//! Flight SQL's own actions carry an `Any`; the session actions of Flight carry their message as it is. What is not
//! named here is Unimplemented, which is the answer that drivers tolerate.
//!
//! A session has no options to keep: the catalog is the only one there is and can be set to its own name, which is
//! what drivers do with a catalog in their connection string. Every other option is refused by its name, never ignored.

use arrow_flight::sql::{
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest, Any, ProstMessageExt,
};
use arrow_flight::{Action, ActionType};
use bytes::Bytes;
use lakegate_proto::flight::session_option_value::OptionValue;
use lakegate_proto::flight::set_session_options_result::{Error as OptionError, ErrorValue};
use lakegate_proto::flight::{
    CloseSessionResult, GetSessionOptionsResult, SessionOptionValue, SetSessionOptionsRequest,
    SetSessionOptionsResult, close_session_result,
};
use prost::Message;

use super::authenticate::Caller;
use super::commands::{action_body, refuse_transaction};
use super::front_door::FrontDoor;
use crate::error::{Error, ErrorKind};
use crate::ids::CATALOG;

const CREATE_PREPARED: &str = "CreatePreparedStatement";
const CLOSE_PREPARED: &str = "ClosePreparedStatement";
const CLOSE_SESSION: &str = "CloseSession";
const SET_SESSION_OPTIONS: &str = "SetSessionOptions";
const GET_SESSION_OPTIONS: &str = "GetSessionOptions";

/// Name of the session option for the catalog, as JDBC and ADBC spell it.
const CATALOG_OPTION: &str = "catalog";

/// What ListActions answers.
pub(super) fn list() -> Vec<ActionType> {
    let action = |name: &str, description: &str| ActionType {
        r#type: name.to_owned(),
        description: description.to_owned(),
    };
    vec![
        action(CREATE_PREPARED, "Plans a statement and returns a handle for it."),
        action(CLOSE_PREPARED, "Closes a prepared statement; always succeeds."),
        action(CLOSE_SESSION, "Ends the session; always succeeds."),
        action(SET_SESSION_OPTIONS, "Sets session options; the only one is the catalog."),
        action(GET_SESSION_OPTIONS, "Returns the session options."),
    ]
}

impl FrontDoor {
    /// Performs an action; `None` is an answer without a result.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for an action that this server does not have, and what the action answers.
    pub(super) async fn action(&self, caller: &Caller, action: Action) -> Result<Option<Bytes>, Error> {
        match action.r#type.as_str() {
            CREATE_PREPARED => {
                let request: ActionCreatePreparedStatementRequest = action_body(&action.body)?;
                refuse_transaction(request.transaction_id.as_deref())?;
                let created = self.prepare(caller, request.query).await?;
                // Our message has one field more than the crate's, under the same name.
                let type_url = arrow_flight::sql::ActionCreatePreparedStatementResult::type_url().to_owned();
                let any = Any { type_url, value: created.encode_to_vec().into() };
                Ok(Some(any.encode_to_vec().into()))
            }
            CLOSE_PREPARED => {
                let _handle: ActionClosePreparedStatementRequest = action_body(&action.body)?;
                Ok(None)
            }
            CLOSE_SESSION => {
                let closed = CloseSessionResult { status: close_session_result::Status::Closed.into() };
                Ok(Some(closed.encode_to_vec().into()))
            }
            SET_SESSION_OPTIONS => {
                let request = SetSessionOptionsRequest::decode(action.body).map_err(|_| malformed())?;
                Ok(Some(set_options(&request).encode_to_vec().into()))
            }
            GET_SESSION_OPTIONS => Ok(Some(options().encode_to_vec().into())),
            other => {
                Err(Error::new(ErrorKind::Unsupported, "this server does not have the action").echoing(other))
            }
        }
    }
}

fn set_options(request: &SetSessionOptionsRequest) -> SetSessionOptionsResult {
    let refused = request.session_options.iter().filter_map(|(name, value)| {
        let reason = refusal(name, value.option_value.as_ref())?;
        Some((name.clone(), OptionError { value: reason.into() }))
    });
    SetSessionOptionsResult { errors: refused.collect() }
}

/// Why an option cannot be set; `None` if it has that value anyway. A value that is absent asks for the default.
fn refusal(name: &str, value: Option<&OptionValue>) -> Option<ErrorValue> {
    if name != CATALOG_OPTION {
        return Some(ErrorValue::InvalidName);
    }
    match value {
        None => None,
        Some(OptionValue::StringValue(catalog))
            if catalog.is_empty() || catalog.eq_ignore_ascii_case(CATALOG) =>
        {
            None
        }
        Some(_) => Some(ErrorValue::InvalidValue),
    }
}

fn options() -> GetSessionOptionsResult {
    let catalog = SessionOptionValue { option_value: Some(OptionValue::StringValue(CATALOG.to_owned())) };
    GetSessionOptionsResult { session_options: [(CATALOG_OPTION.to_owned(), catalog)].into() }
}

fn malformed() -> Error {
    Error::new(ErrorKind::InvalidRequest, "the body of the action cannot be decoded")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors_of(name: &str, value: Option<OptionValue>) -> Vec<i32> {
        let option = SessionOptionValue { option_value: value };
        let request = SetSessionOptionsRequest { session_options: [(name.to_owned(), option)].into() };
        set_options(&request).errors.into_values().map(|error| error.value).collect()
    }

    fn text(value: &str) -> Option<OptionValue> {
        Some(OptionValue::StringValue(value.to_owned()))
    }

    #[test]
    fn the_catalog_can_be_set_to_what_it_is() {
        for value in [text(CATALOG), text("AwsDataCatalog"), text(""), None] {
            assert!(errors_of("catalog", value).is_empty());
        }
    }

    #[test]
    fn every_other_option_and_value_is_refused_by_name() {
        assert_eq!(errors_of("catalog", text("other")), [ErrorValue::InvalidValue as i32]);
        assert_eq!(
            errors_of("catalog", Some(OptionValue::BoolValue(true))),
            [ErrorValue::InvalidValue as i32]
        );
        assert_eq!(errors_of("schema", text("sales")), [ErrorValue::InvalidName as i32]);
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
