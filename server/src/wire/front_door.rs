//! The Flight service itself: each call is authenticated, sorted, answered, counted.
//!
//! arrow-flight's `FlightSqlService` is not used for dispatch: its blanket implementation pins GetSchema, ListFlights and
//! PollFlightInfo to Unimplemented, cannot add a field to a result, and has defaults that skip authentication. Here each
//! of Flight's calls is one short method of one shape: who calls, what is asked, answer. What Flight SQL can ask is one
//! exhaustive match in [`commands`](super::commands).

use std::pin::Pin;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow_flight::flight_service_server::FlightService;
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightData, FlightDescriptor, FlightInfo, HandshakeRequest,
    HandshakeResponse, PollInfo, PutResult, SchemaResult, Ticket,
};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use tokio_util::sync::CancellationToken;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tonic::{Request, Response, Status, Streaming};

use super::authenticate::{self, Caller, context_of, has_expired};
use super::commands::{Question, question, read_only};
use super::report::QUEUE_HEADER;
use super::server::WireOptions;
use super::sql_info::{Capabilities, SqlInfoTable};
use super::stream::{Delivery, ResultBody, StreamLimits};
use super::xdbc_types::XdbcTypes;
use super::{actions, report, schema, uploads};
use crate::context::RequestContext;
use crate::error::{Error, ErrorKind};
use crate::identity::Identity;
use crate::ids::Secret;
use crate::pipeline::Pipeline;
use crate::telemetry::metrics::{Metrics, RpcMethod};

/// What streams of few messages answer with.
type Replies<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The Flight service. The handlers of the commands are in the files beside this one.
pub(super) struct FrontDoor {
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) identity: Arc<Identity>,
    pub(super) options: WireOptions,
    pub(super) sql_info: SqlInfoTable,
    pub(super) xdbc_types: XdbcTypes,
    metrics: Arc<Metrics>,
    stream_limits: StreamLimits,
}

impl FrontDoor {
    /// A service whose streams end when `draining_ended` is cancelled.
    ///
    /// # Errors
    /// Only a defect.
    pub(super) fn new(
        options: WireOptions,
        pipeline: Arc<Pipeline>,
        identity: Arc<Identity>,
        metrics: Arc<Metrics>,
        draining_ended: CancellationToken,
    ) -> Result<Self, Error> {
        let capabilities = Capabilities {
            prepared_ttl: options.prepared_ttl,
            max_sql_bytes: options.max_sql_bytes,
            function_names: options.function_names.clone(),
        };
        let sql_info = SqlInfoTable::new(&capabilities)?;
        let xdbc_types = XdbcTypes::new()?;
        let stream_limits = StreamLimits::new(draining_ended, options.stall_timeout);
        Ok(Self { pipeline, identity, options, sql_info, xdbc_types, metrics, stream_limits })
    }

    /// Sends batches that fit `wire_schema`, up to their representation.
    pub(super) async fn stream<S>(
        &self,
        caller: &Caller,
        batches: S,
        wire_schema: SchemaRef,
        delivery: Delivery,
    ) -> ResultBody
    where
        S: Stream<Item = Result<RecordBatch, Error>> + Send + 'static,
    {
        let context = caller.context.clone();
        let body = ResultBody::start(
            batches,
            wire_schema,
            context,
            self.stream_limits.clone(),
            delivery,
            self.metrics.open_streams.enter(),
        );
        // A small result is there by now. Encoded before the answer begins, all of it leaves in one packet.
        tokio::task::yield_now().await;
        body
    }

    fn caller(&self, context: &RequestContext, metadata: &MetadataMap) -> Result<Caller, Error> {
        authenticate::authenticate(&self.identity, &self.pipeline.audit, context, metadata)
    }

    /// The only way out for an answer that is not a stream of results.
    fn answer<T>(
        &self,
        method: RpcMethod,
        context: &RequestContext,
        outcome: Result<T, Error>,
    ) -> Result<Response<T>, Status> {
        self.metrics.record_rpc(method, outcome.as_ref().map(|_| ()).map_err(Error::kind));
        match outcome {
            Ok(answer) => Ok(Response::new(answer)),
            Err(error) => Err(report::status(context, method, &error)),
        }
    }

    /// As [`answer`](Self::answer), with a cookie for the client.
    fn answer_with_cookie<T>(
        &self,
        method: RpcMethod,
        context: &RequestContext,
        outcome: Result<(T, Option<MetadataValue<Ascii>>), Error>,
    ) -> Result<Response<T>, Status> {
        let (answer, cookie) = self.answer(method, context, outcome)?.into_inner();
        let mut response = Response::new(answer);
        if let Some(cookie) = cookie {
            response.metadata_mut().insert("set-cookie", cookie);
        }
        Ok(response)
    }

    /// GetFlightInfo.
    ///
    /// # Errors
    /// What planning answers; [`ErrorKind::InvalidRequest`] for commands that announce nothing.
    pub(super) async fn flight_info(
        &self,
        caller: &Caller,
        descriptor: FlightDescriptor,
    ) -> Result<FlightInfo, Error> {
        match question(&descriptor.cmd)? {
            Question::Statement(source) => {
                let request = self.statement(caller, source)?;
                self.plan(caller, &request, descriptor).await
            }
            Question::Prepared(handle) => {
                let request = self.open_prepared(caller, handle).await?;
                self.plan(caller, &request, descriptor).await
            }
            Question::Metadata(command) => command.flight_info(descriptor),
            Question::Ticket(_) => Err(ticket_is_for_do_get()),
            Question::Update(_) | Question::PreparedUpdate(_) => Err(update_is_for_do_put()),
        }
    }

    async fn schema(&self, caller: &Caller, descriptor: &FlightDescriptor) -> Result<SchemaResult, Error> {
        let schema = match question(&descriptor.cmd)? {
            Question::Statement(source) => {
                self.result_schema(caller, &self.statement(caller, source)?).await?
            }
            Question::Prepared(handle) => {
                self.result_schema(caller, &self.open_prepared(caller, handle).await?).await?
            }
            Question::Metadata(command) => command.schema(),
            Question::Ticket(_) => return Err(ticket_is_for_do_get()),
            Question::Update(_) | Question::PreparedUpdate(_) => return Err(update_is_for_do_put()),
        };
        Ok(SchemaResult { schema: schema::encapsulated(&schema)? })
    }

    async fn results(&self, caller: &mut Caller, ticket: &Ticket) -> Result<ResultBody, Error> {
        match question(&ticket.ticket)? {
            Question::Ticket(sealed) => self.run_ticket(caller, sealed).await,
            Question::Prepared(handle) => self.run_prepared(caller, handle).await,
            Question::Metadata(command) => {
                let batch = self.metadata(caller, command).await?;
                let wire_schema = batch.schema();
                Ok(self.stream(caller, stream::iter([Ok(batch)]), wire_schema, Delivery::default()).await)
            }
            Question::Statement(_) => Err(Error::new(
                ErrorKind::InvalidRequest,
                "DoGet needs the ticket that GetFlightInfo returns",
            )),
            Question::Update(_) | Question::PreparedUpdate(_) => Err(update_is_for_do_put()),
        }
    }

    async fn put(&self, caller: &Caller, mut messages: Streaming<FlightData>) -> Result<PutResult, Error> {
        let no_command =
            || Error::new(ErrorKind::InvalidRequest, "the first message of DoPut carries no command");
        let first = messages.next().await.ok_or_else(no_command)?;
        let mut first = first.map_err(|status| uploads::broken_off(&status))?;
        let descriptor = first.flight_descriptor.take().ok_or_else(no_command)?;
        match question(&descriptor.cmd)? {
            Question::Prepared(handle) => self.bind(caller, handle, first, messages).await,
            Question::Update(source) => self.update(caller, &source),
            Question::PreparedUpdate(handle) => {
                self.update(caller, &self.open_prepared(caller, handle).await?.source)
            }
            Question::Statement(_) | Question::Ticket(_) | Question::Metadata(_) => Err(read_only()),
        }
    }
}

fn replies<T: Send + 'static>(items: impl IntoIterator<Item = T, IntoIter: Send + 'static>) -> Replies<T> {
    stream::iter(items.into_iter().map(Ok)).boxed()
}

/// The token as a header that is kept out of debug output.
fn bearer(token: &Secret) -> Result<MetadataValue<Ascii>, Error> {
    let header = MetadataValue::try_from(format!("Bearer {}", token.expose()));
    let mut header = header.map_err(|_| Error::internal("a token does not fit into a header"))?;
    header.set_sensitive(true);
    Ok(header)
}

fn ticket_is_for_do_get() -> Error {
    Error::new(ErrorKind::InvalidRequest, "a ticket is redeemed with DoGet")
}

fn update_is_for_do_put() -> Error {
    Error::new(ErrorKind::InvalidRequest, "an update is sent with DoPut")
}

fn not_offered() -> Error {
    Error::new(ErrorKind::Unsupported, "this server does not offer this call")
}

#[tonic::async_trait]
impl FlightService for FrontDoor {
    type HandshakeStream = Replies<HandshakeResponse>;
    type ListFlightsStream = Replies<FlightInfo>;
    type DoGetStream = ResultBody;
    type DoPutStream = Replies<PutResult>;
    type DoActionStream = Replies<arrow_flight::Result>;
    type ListActionsStream = Replies<ActionType>;
    type DoExchangeStream = Replies<FlightData>;

    async fn handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Self::HandshakeStream>, Status> {
        let context = context_of(&request);
        let outcome = async {
            let (audit, metrics) = (&self.pipeline.audit, &self.metrics);
            let login =
                authenticate::handshake(&self.identity, audit, metrics, &context, request.metadata()).await?;
            tracing::info!(
                user = login.principal.user(),
                role = login.principal.role().as_str(),
                peer = context.peer.map(tracing::field::display),
                "logged in"
            );
            let cookie = self.login_cookie(&login.principal, request.metadata())?;
            Ok((bearer(&login.token)?, cookie, login.token))
        };
        let response = self.answer(RpcMethod::Handshake, &context, outcome.await)?;
        let (header, cookie, token) = response.into_inner();
        // Drivers take the token from the header; clients of plain Flight from the payload.
        let payload = token.expose().to_owned().into();
        let mut response = Response::new(replies([HandshakeResponse { protocol_version: 0, payload }]));
        response.metadata_mut().insert("authorization", header);
        if let Some(cookie) = cookie {
            response.metadata_mut().insert("set-cookie", cookie);
        }
        Ok(response)
    }

    async fn get_flight_info(
        &self,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let context = context_of(&request);
        let outcome = async {
            let caller = self.caller(&context, request.metadata())?;
            let info = self.flight_info(&caller, request.into_inner()).await?;
            Ok((info, self.answer_cookie(&caller)?))
        };
        self.answer_with_cookie(RpcMethod::GetFlightInfo, &context, outcome.await)
    }

    async fn get_schema(&self, request: Request<FlightDescriptor>) -> Result<Response<SchemaResult>, Status> {
        let context = context_of(&request);
        let outcome = async {
            let caller = self.caller(&context, request.metadata())?;
            self.schema(&caller, request.get_ref()).await
        };
        self.answer(RpcMethod::GetSchema, &context, outcome.await)
    }

    async fn do_get(&self, request: Request<Ticket>) -> Result<Response<Self::DoGetStream>, Status> {
        let mut context = context_of(&request);
        let outcome = match self.caller(&context, request.metadata()) {
            Ok(mut caller) => {
                let outcome = self.results(&mut caller, request.get_ref()).await;
                // A ticket brings the query id that its client was told.
                context = caller.context;
                outcome
            }
            Err(error) => Err(error),
        };
        self.answer(RpcMethod::DoGet, &context, outcome)
    }

    async fn do_put(
        &self,
        request: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoPutStream>, Status> {
        let context = context_of(&request);
        let outcome = async {
            let caller = self.caller(&context, request.metadata())?;
            let result = self.put(&caller, request.into_inner()).await?;
            Ok((replies([result]), self.answer_cookie(&caller)?))
        };
        self.answer_with_cookie(RpcMethod::DoPut, &context, outcome.await)
    }

    async fn do_action(&self, request: Request<Action>) -> Result<Response<Self::DoActionStream>, Status> {
        let context = context_of(&request);
        let outcome = async {
            let reply = |body: Option<Bytes>| replies(body.map(|body| arrow_flight::Result { body }));
            let caller =
                match (self.caller(&context, request.metadata()), actions::closed(&request.get_ref().r#type))
                {
                    (Err(_), Some(closed)) if has_expired(&self.identity, request.metadata()) => {
                        return Ok((reply(closed), None));
                    }
                    (caller, _) => caller?,
                };
            let body = self.action(&caller, request.into_inner()).await?;
            Ok((reply(body), self.answer_cookie(&caller)?))
        };
        self.answer_with_cookie(RpcMethod::DoAction, &context, outcome.await)
    }

    async fn list_actions(
        &self,
        request: Request<Empty>,
    ) -> Result<Response<Self::ListActionsStream>, Status> {
        let context = context_of(&request);
        let outcome = self.caller(&context, request.metadata()).map(|_caller| replies(actions::list()));
        self.answer(RpcMethod::ListActions, &context, outcome)
    }

    async fn list_flights(
        &self,
        request: Request<Criteria>,
    ) -> Result<Response<Self::ListFlightsStream>, Status> {
        let context = context_of(&request);
        let outcome = self.caller(&context, request.metadata()).and_then(|_caller| Err(not_offered()));
        self.answer(RpcMethod::ListFlights, &context, outcome)
    }

    async fn poll_flight_info(
        &self,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<PollInfo>, Status> {
        let context = context_of(&request);
        let outcome = async {
            let caller = self.caller(&context, request.metadata())?;
            let answer = self.poll(&caller, request.into_inner()).await?;
            Ok((answer, self.answer_cookie(&caller)?))
        };
        let response = self.answer_with_cookie(RpcMethod::PollFlightInfo, &context, outcome.await)?;
        let (mut headers, (answer, place), extensions) = response.into_parts();
        if let Some(place) = place {
            headers.insert(QUEUE_HEADER, place.into());
        }
        Ok(Response::from_parts(headers, answer, extensions))
    }

    async fn do_exchange(
        &self,
        request: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoExchangeStream>, Status> {
        let context = context_of(&request);
        let outcome = self.caller(&context, request.metadata()).and_then(|_caller| Err(not_offered()));
        self.answer(RpcMethod::DoExchange, &context, outcome)
    }
}
