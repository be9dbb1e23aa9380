//! Sealed tickets and prepared handles: all the state that a statement has between two calls.
//!
//! Any replica with the same keys can serve them, and closing one is nothing to do. Each is bound to the principal it
//! was made for; what it holds is authorised again when it is used. The options that the statement was planned with are among
//! it, so that what runs is what was announced, whatever headers come with the call that runs it.

use std::time::Duration;

use arrow::datatypes::Schema;
use arrow_flight::Ticket;
use arrow_flight::sql::{ProstMessageExt, TicketStatementQuery};
use bytes::Bytes;
use lakegate_proto::v1::{PreparedHandle, SealedPart, StatementTicket};
use prost::Message;

use super::sealed_options::{from_sealed, to_sealed};
use super::{parameters, schema};
use crate::error::{Error, ErrorKind};
use crate::identity::{Principal, Purpose, Sealer};
use crate::ids::QueryId;
use crate::pipeline::{Part, PlanningTime, QueryRequest};
use crate::sql::Source;

/// What a ticket asks for.
pub(super) struct OpenedTicket {
    /// The statement and its parameters.
    pub(super) request: QueryRequest,
    /// Digest of the wire schema that was announced.
    schema_digest: Vec<u8>,
    /// The call that planned it.
    pub(super) planned_as: Option<PlannedAs>,
}

/// The call that planned a statement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct PlannedAs {
    /// Its query id, which is the one that the client was told.
    pub(super) query_id: QueryId,
    /// What it took.
    pub(super) time: PlanningTime,
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
    planned_as: PlannedAs,
    request: &QueryRequest,
    wire_schema: &Schema,
) -> Result<Ticket, Error> {
    let (sql, substrait) = to_fields(&request.source);
    let body = StatementTicket {
        sql,
        substrait,
        parameters: parameters::to_bytes(request.parameters.as_ref())?,
        schema_digest: schema::digest(wire_schema)?.to_vec(),
        planned_as: planned_as.query_id.to_string(),
        planning_ms: Some(milliseconds(planned_as.time.total)),
        planning_aws_ms: Some(milliseconds(planned_as.time.aws)),
        options: Some(to_sealed(&request.options)),
        part: request.part.map(|part| SealedPart { index: part.index, of: part.of, pin: part.pin.to_vec() }),
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
            source: from_fields(body.sql, body.substrait),
            parameters: parameters::from_sealed_bytes(&body.parameters)?,
            options: from_sealed(body.options)?,
            part: body.part.map(part).transpose()?,
        },
        schema_digest: body.schema_digest,
        planned_as: QueryId::parse(&body.planned_as).map(|query_id| PlannedAs {
            query_id,
            time: PlanningTime {
                total: Duration::from_millis(body.planning_ms.unwrap_or_default()),
                aws: Duration::from_millis(body.planning_aws_ms.unwrap_or_default()),
            },
        }),
    })
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The statement as SQL and as a plan, one of them empty.
fn to_fields(source: &Source) -> (String, Vec<u8>) {
    match source {
        Source::Sql(sql) => (sql.clone(), Vec::new()),
        Source::Substrait(plan) => (String::new(), plan.to_vec()),
    }
}

fn from_fields(sql: String, substrait: Vec<u8>) -> Source {
    if substrait.is_empty() { Source::Sql(sql) } else { Source::Substrait(substrait.into()) }
}

fn part(sealed: SealedPart) -> Result<Part, Error> {
    let pin = sealed.pin.try_into().ok().filter(|_| sealed.index < sealed.of);
    let pin = pin.ok_or_else(|| Error::internal("a sealed part is malformed"))?;
    Ok(Part { index: sealed.index, of: sealed.of, pin })
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
    let (sql, substrait) = to_fields(&request.source);
    let body = PreparedHandle {
        sql,
        substrait,
        parameters: parameters::to_bytes(request.parameters.as_ref())?,
        options: Some(to_sealed(&request.options)),
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
        source: from_fields(body.sql, body.substrait),
        parameters: parameters::from_sealed_bytes(&body.parameters)?,
        options: from_sealed(body.options)?,
        part: None,
    })
}

#[cfg(test)]
mod tests;
