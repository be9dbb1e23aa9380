//! Actions: preparing and closing statements, the session's, and those of a query's life.
//!
//! Flight SQL's own actions carry an `Any`; those of Flight carry their message as it is. What is not named here is
//! Unimplemented, which is the answer that drivers tolerate.

use arrow_flight::sql::{
    ActionCancelQueryRequest, ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest,
    ActionCreatePreparedSubstraitPlanRequest, Any, ProstMessageExt,
};
use arrow_flight::{Action, ActionType};
use bytes::Bytes;
use prost::Message;

use super::authenticate::Caller;
use super::commands::{action_body, plan_of, refuse_transaction};
use super::front_door::FrontDoor;
use super::sessions;
use crate::error::{Error, ErrorKind};
use crate::sql::Source;

const CREATE_PREPARED: &str = "CreatePreparedStatement";
const CREATE_PREPARED_SUBSTRAIT: &str = "CreatePreparedSubstraitPlan";
const CLOSE_PREPARED: &str = "ClosePreparedStatement";
const CLOSE_SESSION: &str = "CloseSession";
const SET_SESSION_OPTIONS: &str = "SetSessionOptions";
const GET_SESSION_OPTIONS: &str = "GetSessionOptions";
const CANCEL_FLIGHT_INFO: &str = "CancelFlightInfo";
const CANCEL_QUERY: &str = "CancelQuery";
const RENEW_FLIGHT_ENDPOINT: &str = "RenewFlightEndpoint";

/// Flight SQL's actions for transactions.
const TRANSACTIONS: [&str; 4] = ["BeginTransaction", "EndTransaction", "BeginSavepoint", "EndSavepoint"];

/// What ListActions answers.
pub(super) fn list() -> Vec<ActionType> {
    let action = |name: &str, description: &str| ActionType {
        r#type: name.to_owned(),
        description: description.to_owned(),
    };
    vec![
        action(CREATE_PREPARED, "Plans a statement and returns a handle for it."),
        action(CREATE_PREPARED_SUBSTRAIT, "Plans a Substrait plan and returns a handle for it."),
        action(CLOSE_PREPARED, "Closes a prepared statement; always succeeds."),
        action(CLOSE_SESSION, "Ends the session; always succeeds."),
        action(SET_SESSION_OPTIONS, "Sets options of the session, which the client keeps in a cookie."),
        action(GET_SESSION_OPTIONS, "Returns the options of the session."),
        action(CANCEL_FLIGHT_INFO, "Ends a query that runs on this server."),
        action(CANCEL_QUERY, "The older form of CancelFlightInfo."),
        action(RENEW_FLIGHT_ENDPOINT, "Returns a fresh ticket for the same statement."),
    ]
}

/// What an action that only closes answers; `None` for every other action.
pub(super) fn closed(name: &str) -> Option<Option<Bytes>> {
    match name {
        CLOSE_PREPARED => Some(None),
        CLOSE_SESSION => Some(Some(sessions::closed())),
        _ => None,
    }
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
                self.prepared(caller, Source::Sql(request.query)).await.map(Some)
            }
            CREATE_PREPARED_SUBSTRAIT => {
                let request: ActionCreatePreparedSubstraitPlanRequest = action_body(&action.body)?;
                refuse_transaction(request.transaction_id.as_deref())?;
                self.prepared(caller, plan_of(request.plan)?).await.map(Some)
            }
            CLOSE_PREPARED => {
                let _handle: ActionClosePreparedStatementRequest = action_body(&action.body)?;
                Ok(None)
            }
            CLOSE_SESSION => Self::close_session(caller).map(Some),
            SET_SESSION_OPTIONS => self.set_session_options(caller, &action.body).map(Some),
            GET_SESSION_OPTIONS => self.session_options(caller).map(Some),
            CANCEL_FLIGHT_INFO => Ok(Some(self.cancel_flight_info(caller, &action.body).await?.into())),
            CANCEL_QUERY => {
                let request: ActionCancelQueryRequest = action_body(&action.body)?;
                let result = self.cancel_query(caller, &request).await?;
                Ok(Some(result.as_any().encode_to_vec().into()))
            }
            RENEW_FLIGHT_ENDPOINT => Ok(Some(self.renew(caller, &action.body).await?.encode_to_vec().into())),
            name if TRANSACTIONS.contains(&name) => {
                Err(Error::new(ErrorKind::Unsupported, "this server is read-only and has no transactions"))
            }
            other => {
                Err(Error::new(ErrorKind::Unsupported, "this server does not have the action").echoing(other))
            }
        }
    }

    async fn prepared(&self, caller: &Caller, source: Source) -> Result<Bytes, Error> {
        let created = self.prepare(caller, source).await?;
        // Our message has one field more than the crate's, under the same name.
        let type_url = arrow_flight::sql::ActionCreatePreparedStatementResult::type_url().to_owned();
        let any = Any { type_url, value: created.encode_to_vec().into() };
        Ok(any.encode_to_vec().into())
    }
}
