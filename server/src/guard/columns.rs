//! Which columns a query may know of: Delta ∩ Glue ∩ grant. Unknown means hidden.
//!
//! Lake Formation's rights attach to the columns in Glue, while rows come from the Delta log; the two schemas are written
//! by different hands and may differ.
//! - A column is visible only if all three name it. Names are compared after ASCII lower-casing; two columns of the log
//!   that fold to one name refuse the table, because a right on one would open the other.
//! - Visible columns bear their Glue spelling and no field metadata: metadata holds physical names and field ids.
//! - A column with hidden cells is nullable, whatever the log says: the planner would else take NULL for impossible.
//! - If anything is hidden from the principal, the two schemas must name the same columns and the same nested fields. A
//!   column that was renamed in one of them alone might be the hidden one under another name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};

use crate::access::Grant;
use crate::access::filter::RowFilter;
use crate::aws::GlueTable;
use crate::catalog::hive_type;
use crate::error::{Error, ErrorKind};
use crate::mutant::Mutant;
use crate::table::with_offsets;

/// The visible columns of one table, and where each lies in the table's full schema.
#[derive(Clone)]
pub(super) struct VisibleColumns {
    schema: SchemaRef,
    positions: Vec<usize>,
}

impl VisibleColumns {
    /// Reconciles the three sources.
    ///
    /// # Arguments
    /// * `full_schema` - all columns of the Delta table with their own spelling.
    /// * `allow_placeholder` - `access.allow_placeholder_schema`: Spark may have left `col array<string>` in Glue instead
    ///   of the columns; with this setting a grant on all of that means all columns of the log.
    ///
    /// # Errors
    /// If the columns are ambiguous, or differ while something is hidden, or none is visible.
    pub(super) fn reconcile(
        grant: &Grant,
        full_schema: &Schema,
        allow_placeholder: bool,
    ) -> Result<Self, Error> {
        let positions = fold_names(grant, full_schema)?;
        let is_open_placeholder = is_placeholder(grant.glue()) && !grant.is_restricted() && allow_placeholder;
        let glue_names: BTreeSet<String> =
            grant.glue().columns.iter().map(|column| column.name.to_ascii_lowercase()).collect();
        if grant.is_restricted() && !Mutant::DriftAccepted.is_on() {
            refuse_drift(grant, full_schema, &positions, &glue_names)?;
        }
        let mut visible: Vec<(usize, String)> = positions
            .into_iter()
            .filter(|(name, _)| {
                is_open_placeholder
                    || (glue_names.contains(name) && grant.authorized_columns().contains(name))
                    || Mutant::HiddenColumnsShown.is_on()
            })
            .map(|(name, position)| (position, name))
            .collect();
        visible.sort();
        if visible.is_empty() {
            return Err(unusable(grant, "no column is in the log, in Glue and in the grant"));
        }
        let field = |(position, name): &(usize, String)| {
            let field = bare(full_schema.field(*position)).with_name(name);
            let is_nullable = field.is_nullable() || grant.cell_filters().contains_key(name);
            field.with_nullable(is_nullable)
        };
        let fields: Vec<Field> = visible.iter().map(field).collect();
        Ok(Self {
            schema: Arc::new(Schema::new(fields)),
            positions: visible.into_iter().map(|(position, _)| position).collect(),
        })
    }

    /// The same columns, text and binary ones with offsets where `stands_in_files` says so of their position.
    pub(super) fn with_offsets(&self, stands_in_files: impl Fn(usize) -> bool) -> Self {
        let field = |(field, position): (&FieldRef, &usize)| match stands_in_files(*position) {
            true => with_offsets(field),
            false => Arc::clone(field),
        };
        let fields: Fields = self.schema.fields().iter().zip(&self.positions).map(field).collect();
        Self { schema: Arc::new(Schema::new(fields)), positions: self.positions.clone() }
    }

    /// The columns among some visible ones of which only some cells are shown: which of `wanted` it is, and its filter.
    pub(super) fn cell_filters<'a>(
        &self,
        grant: &'a Grant,
        wanted: impl Iterator<Item = usize>,
    ) -> Vec<(usize, &'a RowFilter)> {
        let filter = |(place, visible): (usize, usize)| {
            let filter = grant.cell_filters().get(self.schema.field(visible).name())?;
            Some((place, filter))
        };
        wanted.enumerate().filter_map(filter).collect()
    }

    /// What the user sees.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The position in the full schema of each visible column, in the order of [`Self::schema`].
    pub(super) fn positions(&self) -> &[usize] {
        &self.positions
    }
}

/// Folded name → position, refusing two columns of one folded name.
fn fold_names(grant: &Grant, full_schema: &Schema) -> Result<BTreeMap<String, usize>, Error> {
    let mut positions = BTreeMap::new();
    for (position, field) in full_schema.fields().iter().enumerate() {
        let is_second = positions.insert(field.name().to_ascii_lowercase(), position).is_some();
        if is_second {
            return Err(unusable(grant, "two columns of the log have one name but for case"));
        }
    }
    Ok(positions)
}

fn refuse_drift(
    grant: &Grant,
    full_schema: &Schema,
    positions: &BTreeMap<String, usize>,
    glue_names: &BTreeSet<String>,
) -> Result<(), Error> {
    let log_names: BTreeSet<String> = positions.keys().cloned().collect();
    if log_names != *glue_names {
        let differing: Vec<&String> = log_names.symmetric_difference(glue_names).collect();
        return Err(drifted(grant, format!("columns in only one of log and Glue: {differing:?}")));
    }
    for column in &grant.glue().columns {
        let position = positions.get(&column.name.to_ascii_lowercase());
        let Some(log_type) = position.map(|position| full_schema.field(*position).data_type()) else {
            continue;
        };
        let same_fields = match hive_type::parse(&column.hive_type) {
            Some(glue_type) => nested_names(&glue_type) == nested_names(log_type),
            None => !log_type.is_nested(),
        };
        if !same_fields {
            return Err(drifted(grant, format!("nested fields of column {} differ", column.name)));
        }
    }
    Ok(())
}

/// The folded names of all fields nested in a type, with their paths. Lists and maps count as one level each, whatever
/// their writer called it.
fn nested_names(data_type: &DataType) -> BTreeSet<String> {
    fn walk(data_type: &DataType, path: &str, names: &mut BTreeSet<String>) {
        match data_type {
            DataType::Struct(fields) => {
                for field in fields {
                    let path = format!("{path}.{}", field.name().to_ascii_lowercase());
                    walk(field.data_type(), &path, names);
                    names.insert(path);
                }
            }
            DataType::List(item) | DataType::LargeList(item) | DataType::ListView(item) => {
                walk(item.data_type(), &format!("{path}[]"), names);
            }
            DataType::Map(entries, _) => {
                if let DataType::Struct(entry) = entries.data_type() {
                    for (side, field) in ["key", "value"].iter().zip(entry) {
                        walk(field.data_type(), &format!("{path}{{{side}}}"), names);
                    }
                }
            }
            _ => {}
        }
    }
    let mut names = BTreeSet::new();
    walk(data_type, "", &mut names);
    names
}

/// A field without metadata, nested fields included.
pub(super) fn bare(field: &Field) -> Field {
    Field::new(field.name(), bare_type(field.data_type()), field.is_nullable())
}

fn bare_type(data_type: &DataType) -> DataType {
    let bare_ref = |field: &FieldRef| Arc::new(bare(field));
    match data_type {
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(bare_ref).collect::<Fields>()),
        DataType::List(item) => DataType::List(bare_ref(item)),
        DataType::LargeList(item) => DataType::LargeList(bare_ref(item)),
        DataType::Map(entries, sorted) => DataType::Map(bare_ref(entries), *sorted),
        other => other.clone(),
    }
}

fn is_placeholder(glue: &GlueTable) -> bool {
    let [only] = glue.columns.as_slice() else {
        return false;
    };
    only.name == "col" && only.hive_type == "array<string>"
}

fn unusable(grant: &Grant, reason: &str) -> Error {
    Error::new(ErrorKind::DataInvalid, "the table's columns cannot be told apart or matched with your grant")
        .echoing(&grant.table().to_string())
        .because(reason)
}

fn drifted(grant: &Grant, reason: String) -> Error {
    Error::new(
        ErrorKind::DataInvalid,
        "the table's columns and its entry in the data catalog differ; its owner must bring them together",
    )
    .echoing(&grant.table().to_string())
    .because(reason)
}
