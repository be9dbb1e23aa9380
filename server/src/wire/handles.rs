//! Sealed tickets and prepared handles: all the state that a statement has between two calls.
//!
//! Any replica with the same keys can serve them, and closing one is nothing to do. Each is bound to the principal it
//! was made for; what it holds is authorised again when it is used. The moment that a client asked for is among it, so that
//! what runs is what was announced, whatever headers come with the call that runs it.

use std::time::Duration;

use arrow::datatypes::Schema;
use arrow_flight::Ticket;
use arrow_flight::sql::{ProstMessageExt, TicketStatementQuery};
use bytes::Bytes;
use lakegate_proto::v1::{PreparedHandle, SealedMoment, StatementTicket, sealed_moment};
use prost::Message;

use super::{parameters, schema};
use crate::context::RequestContext;
use crate::error::{Error, ErrorKind};
use crate::identity::{Principal, Purpose, Sealer};
use crate::pipeline::QueryRequest;
use crate::sql::Moment;

/// What a ticket asks for.
pub(super) struct OpenedTicket {
    /// The statement and its parameters.
    pub(super) request: QueryRequest,
    /// Digest of the wire schema that was announced.
    schema_digest: Vec<u8>,
    /// The query id of the call that planned it.
    pub(super) planned_as: String,
}

impl OpenedTicket {
    /// Compares the result's wire schema with the announced one.
    ///
    /// # Errors
    /// [`ErrorKind::Expired`] if they differ: a client decodes the stream by what it was told.
    pub(super) fn check_schema(&self, wire_schema: &Schema) -> Result<(), Error> {
        if schema::digest(wire_schema)?.as_slice() == self.schema_digest {
            return Ok(());
        }
        let text = "the columns of the result have changed since the statement was planned: send it again";
        Err(Error::new(ErrorKind::Expired, text))
    }
}

/// Seals a ticket for a statement whose result has this wire schema.
///
/// # Errors
/// Only a defect.
pub(super) fn seal_ticket(
    sealer: &Sealer,
    principal: &Principal,
    lifetime: Duration,
    context: &RequestContext,
    request: &QueryRequest,
    wire_schema: &Schema,
) -> Result<Ticket, Error> {
    let body = StatementTicket {
        sql: request.sql.clone(),
        parameters: parameters::to_bytes(request.parameters.as_ref())?,
        schema_digest: schema::digest(wire_schema)?.to_vec(),
        planned_as: context.query_id.to_string(),
        as_of: request.as_of.map(to_sealed),
    };
    let sealed = sealer.seal(Purpose::Ticket, Some(principal), lifetime, &body)?;
    let command = TicketStatementQuery { statement_handle: sealed.into() };
    Ok(Ticket::new(command.as_any().encode_to_vec()))
}

/// Opens what [`seal_ticket`] sealed for the same principal.
///
/// # Errors
/// Those of [`Sealer::open`].
pub(super) fn open_ticket(
    sealer: &Sealer,
    principal: &Principal,
    sealed: &[u8],
) -> Result<OpenedTicket, Error> {
    let body: StatementTicket = sealer.open(Purpose::Ticket, Some(principal), sealed)?;
    Ok(OpenedTicket {
        request: QueryRequest {
            sql: body.sql,
            parameters: parameters::from_sealed_bytes(&body.parameters)?,
            as_of: body.as_of.map(from_sealed).transpose()?,
        },
        schema_digest: body.schema_digest,
        planned_as: body.planned_as,
    })
}

/// Seals the handle of a prepared statement, with parameters once they are bound.
///
/// # Errors
/// Only a defect.
pub(super) fn seal_prepared(
    sealer: &Sealer,
    principal: &Principal,
    lifetime: Duration,
    request: &QueryRequest,
) -> Result<Bytes, Error> {
    let body = PreparedHandle {
        sql: request.sql.clone(),
        parameters: parameters::to_bytes(request.parameters.as_ref())?,
        as_of: request.as_of.map(to_sealed),
    };
    Ok(sealer.seal(Purpose::Prepared, Some(principal), lifetime, &body)?.into())
}

/// Opens what [`seal_prepared`] sealed for the same principal.
///
/// # Errors
/// Those of [`Sealer::open`].
pub(super) fn open_prepared(
    sealer: &Sealer,
    principal: &Principal,
    sealed: &[u8],
) -> Result<QueryRequest, Error> {
    let body: PreparedHandle = sealer.open(Purpose::Prepared, Some(principal), sealed)?;
    Ok(QueryRequest {
        sql: body.sql,
        parameters: parameters::from_sealed_bytes(&body.parameters)?,
        as_of: body.as_of.map(from_sealed).transpose()?,
    })
}

fn to_sealed(moment: Moment) -> SealedMoment {
    let at = match moment {
        Moment::Version(number) => sealed_moment::At::Version(number),
        Moment::Timestamp(micros) => sealed_moment::At::Timestamp(micros),
    };
    SealedMoment { at: Some(at) }
}

/// A moment of a kind that a newer server sealed is refused: without it the statement would read other rows.
fn from_sealed(sealed: SealedMoment) -> Result<Moment, Error> {
    match sealed.at {
        Some(sealed_moment::At::Version(number)) => Ok(Moment::Version(number)),
        Some(sealed_moment::At::Timestamp(micros)) => Ok(Moment::Timestamp(micros)),
        None => Err(Error::new(ErrorKind::Expired, "this server cannot run the statement: send it again")),
    }
}

#[cfg(test)]
mod tests;
