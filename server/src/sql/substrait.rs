//! Substrait plans: what a client sends that plans its queries itself.
//!
//! Invariants
//! - A plan asks for tables by name, and for nothing else that is read: a file or an extension of Substrait that it names is
//!   found by nobody. Which names it has is collected here, to be authorised; one that was missed would not be found either.
//! - Its size, its messages and its relations are bounded before anything walks them deeply, and so is how often it repeats
//!   an expression by its number alone. Its nesting is bounded by the decoder, which follows 100 messages within one another.
//! - It names no type of which one NULL takes more than some kilobytes: lists of them are made while it is read.
//!
//! Source: substrait.io, `algebra.proto`.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::TableReference;
use datafusion_substrait::substrait::proto::{Plan, Version};
use datafusion_substrait::substrait::version;
use prost::Message;
use serde_json::Value;

use super::moment::Moment;
use super::only_reads::{RELATION_LIMIT, SUBQUERY_LIMIT};
use super::options::SessionOptions;
use super::versions::NamedTable;
use super::{few, is_system, qualified};
use crate::error::{Error, ErrorKind};

/// Longest plan, in bytes. An empty message takes two of them, and some hundreds in memory.
const PLAN_BYTES: usize = 256 * 1024;

/// Messages and numbers of one plan: five or six messages stand for a column.
const MESSAGE_LIMIT: usize = 50_000;

/// How often one list may name what it named before. Each time the planner copies an expression.
const REPEAT_LIMIT: usize = 64;

/// Lists of numbers of expressions: `RelCommon.Emit` and `AggregateRel.Grouping`.
const NUMBERS: [&str; 2] = ["outputMapping", "expressionReferences"];

/// Longest values of one length, in bytes: a NULL of that type is as long.
pub(crate) const MOST_FIXED_BYTES: i32 = 4096;

/// Fields of `Rel` that the planner follows (`algebra.proto`, `message Rel`). Some are fields of other messages too, so that
/// more is counted than there is.
const RELATIONS: [&str; 11] =
    ["read", "filter", "fetch", "aggregate", "sort", "join", "project", "set", "cross", "exchange", "window"];

/// A plan whose size is bounded.
#[derive(Clone)]
pub(crate) struct SubstraitPlan {
    plan: Arc<Plan>,
    /// Tables as the plan names them.
    references: Vec<TableReference>,
    sorts: bool,
    /// The database of tables that are named without one.
    schema: Option<String>,
    /// The moment of all tables: a plan has no words for one.
    as_of: Option<Moment>,
}

impl SubstraitPlan {
    /// # Arguments
    /// * `encoded` - a `substrait.Plan`.
    /// * `max_bytes` - longest SQL text; a plan may not be longer either.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] if it is no plan or too large.
    pub(super) fn decode(encoded: &[u8], max_bytes: usize, options: &SessionOptions) -> Result<Self, Error> {
        let refuse = |public| Error::new(ErrorKind::InvalidRequest, public);
        if encoded.len() > max_bytes.min(PLAN_BYTES) {
            return Err(refuse("the Substrait plan is too large"));
        }
        let malformed = "the Substrait plan cannot be decoded";
        let plan =
            Plan::decode(encoded).map_err(|error| refuse(malformed).because_quoting(error.to_string()))?;
        // As JSON every message has one form, so that nothing here has to know where a plan may hold another relation.
        let json = serde_json::to_value(&plan);
        let json = json.map_err(|error| refuse(malformed).because_quoting(error.to_string()))?;
        let mut census = Census::default();
        census.count(&json);
        if census.messages > MESSAGE_LIMIT
            || census.relations > RELATION_LIMIT
            || census.repeats > REPEAT_LIMIT
            || census.nested > SUBQUERY_LIMIT
        {
            return Err(refuse("the Substrait plan is too complex"));
        }
        if census.fixed_bytes > i64::from(MOST_FIXED_BYTES) {
            return Err(refuse("the Substrait plan asks for values of a type that is not supported here"));
        }
        Ok(Self {
            plan: Arc::new(plan),
            references: census.references,
            sorts: census.sorts,
            schema: options.schema.clone(),
            as_of: options.as_of,
        })
    }

    /// The tables of the data catalog that it names; each once.
    ///
    /// # Errors
    /// As for a missing table, for a name that cannot exist; [`ErrorKind::InvalidRequest`] for too many.
    pub(super) fn tables(&self) -> Result<Vec<NamedTable>, Error> {
        let catalog = self.references.iter().filter(|reference| !is_system(reference));
        few(catalog.map(|reference| self.table(reference)))
    }

    /// Whether anything in it is sorted.
    pub(super) fn sorts(&self) -> bool {
        self.sorts
    }

    /// The message itself.
    pub(crate) fn message(&self) -> &Plan {
        &self.plan
    }

    /// The name by which the guard knows a table that the plan names.
    ///
    /// # Errors
    /// As for a missing table, for a name that cannot exist.
    pub(crate) fn planner_name(&self, reference: &TableReference) -> Result<TableReference, Error> {
        if is_system(reference) {
            return Ok(reference.clone());
        }
        let name = self.table(reference)?.planner_name();
        Ok(TableReference::partial(name.database(), name.table()))
    }

    fn table(&self, reference: &TableReference) -> Result<NamedTable, Error> {
        let named = match (reference, &self.schema) {
            (TableReference::Bare { table }, Some(schema)) => {
                qualified(&TableReference::partial(schema.as_str(), table.as_ref()))?
            }
            _ => qualified(reference)?,
        };
        match named.moment {
            None => Ok(NamedTable { moment: self.as_of, ..named }),
            // The mark of a moment is not for clients to write.
            Some(_) => Err(Error::no_such_table(&named.name.to_string())),
        }
    }
}

/// The version of Substrait whose messages are known here.
pub(crate) fn substrait_version() -> String {
    let Version { major_number, minor_number, patch_number, .. } = version::version();
    format!("{major_number}.{minor_number}.{patch_number}")
}

/// What is in a plan.
#[derive(Default)]
struct Census {
    messages: usize,
    relations: usize,
    /// The most of any list.
    repeats: usize,
    /// Subqueries around the place that is counted.
    around: usize,
    /// The most subqueries inside of one another.
    nested: usize,
    /// The longest that any type asks for.
    fixed_bytes: i64,
    sorts: bool,
    references: Vec<TableReference>,
}

impl Census {
    fn count(&mut self, value: &Value) {
        match value {
            Value::Object(fields) => {
                self.messages += 1;
                for (name, value) in fields {
                    self.relations += usize::from(RELATIONS.contains(&name.as_str()));
                    self.sorts |= name == "sort";
                    match (name.as_str(), value) {
                        ("namedTable", _) => self.references.extend(reference(value)),
                        ("fixedBinary", Value::Object(fixed)) => {
                            // What is no number from zero on is not supported either.
                            let length = fixed.get("length").map_or(Some(0), Value::as_i64);
                            let length = length.filter(|length| *length >= 0).unwrap_or(i64::MAX);
                            self.fixed_bytes = self.fixed_bytes.max(length);
                        }
                        (list, Value::Array(items)) if NUMBERS.contains(&list) => {
                            let distinct: HashSet<String> = items.iter().map(Value::to_string).collect();
                            self.repeats = self.repeats.max(items.len() - distinct.len());
                        }
                        _ => {}
                    }
                    self.around += usize::from(name == "subquery");
                    self.nested = self.nested.max(self.around);
                    self.count(value);
                    self.around -= usize::from(name == "subquery");
                }
            }
            Value::Array(items) => {
                self.messages += items.iter().filter(|item| !item.is_object()).count();
                items.iter().for_each(|item| self.count(item));
            }
            _ => {}
        }
    }
}

/// The table of a `NamedTable`; `None` for one of no parts or of more than a table has.
fn reference(named_table: &Value) -> Option<TableReference> {
    let names: Vec<&str> = named_table.get("names")?.as_array()?.iter().filter_map(Value::as_str).collect();
    match names.as_slice() {
        [table] => Some(TableReference::bare(*table)),
        [schema, table] => Some(TableReference::partial(*schema, *table)),
        [catalog, schema, table] => Some(TableReference::full(*catalog, *schema, *table)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
