//! `information_schema`: what the user may browse, as tables of constant data.
//!
//! Invariants
//! - Rows come from what Glue lists for the user's own role, and from nothing else; no Delta log is opened.
//! - A condition on the database reaches the listing, so that a question about one database lists that one.
//!
//! Source of columns: ISO/IEC 9075-11, as far as there is something to say. `remarks` is the column's comment.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::logical_expr::utils::split_binary;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;

use crate::catalog::{Listing, TableEntry, remarks, sql_type};
use crate::ids::CATALOG;
use crate::mutant::Mutant;
use crate::sql::SystemTable;

const TABLE_TYPE: &str = "BASE TABLE";
const ROUTINE_TYPE: &str = "FUNCTION";

/// One of the tables, for one query.
pub(super) struct InformationTable {
    table: SystemTable,
    listing: Listing,
    functions: Arc<[String]>,
    schema: SchemaRef,
}

impl InformationTable {
    /// # Arguments
    /// * `functions` - names that a query may call.
    pub(super) fn new(table: SystemTable, listing: Listing, functions: Arc<[String]>) -> Self {
        let listing = Mutant::ListingOfFirstUser.first_of(listing);
        Self { table, listing, functions, schema: schema(table) }
    }

    /// The name of the column that holds the database.
    fn database_column(&self) -> &'static str {
        match self.table {
            SystemTable::Schemata => "schema_name",
            _ => "table_schema",
        }
    }

    /// The databases that pass the conditions on them.
    async fn databases(&self, filters: &[Expr]) -> Result<Vec<String>> {
        let column = self.database_column();
        let wanted: Vec<Vec<String>> =
            filters.iter().flat_map(conjuncts).filter_map(|filter| names_asked(filter, column)).collect();
        let listed = self.listing.databases().await?;
        let names = listed.iter().map(|database| database.name.clone());
        Ok(names.filter(|name| wanted.iter().all(|asked| asked.contains(name))).collect())
    }

    async fn columns(&self, filters: &[Expr]) -> Result<Vec<ArrayRef>> {
        Ok(match self.table {
            SystemTable::Schemata => {
                let databases = self.databases(filters).await?;
                vec![constant(CATALOG, databases.len()), texts(databases)]
            }
            SystemTable::Tables => {
                let tables = self.listing.tables_of(self.databases(filters).await?).await?;
                let [catalog, schema, name] = names(&tables, |_| 1);
                vec![catalog, schema, name, constant(TABLE_TYPE, tables.len())]
            }
            SystemTable::Columns => columns(&self.listing.tables_of(self.databases(filters).await?).await?),
            SystemTable::Views => self.schema.fields().iter().map(|_| texts(Vec::new())).collect(),
            SystemTable::Routines => {
                vec![texts(self.functions.to_vec()), constant(ROUTINE_TYPE, self.functions.len())]
            }
        })
    }
}

/// The columns of `information_schema.columns`.
fn columns(tables: &[TableEntry]) -> Vec<ArrayRef> {
    let fields = || tables.iter().flat_map(|table| table.schema.fields().iter());
    let of = |value: fn(&FieldRef) -> String| texts(fields().map(value).collect());
    let [catalog, schema, table] = names(tables, |table| table.schema.fields().len());
    let ordinals = tables.iter().flat_map(|table| (1..).take(table.schema.fields().len()));
    vec![
        catalog,
        schema,
        table,
        of(|field| field.name().clone()),
        Arc::new(Int32Array::from(ordinals.collect::<Vec<i32>>())),
        constant("YES", fields().count()),
        of(|field| sql_type(field.data_type())),
        Arc::new(fields().map(|field| remarks(field)).collect::<StringArray>()),
    ]
}

/// Catalog, database and table, repeated as often as each table has rows.
fn names(tables: &[TableEntry], rows: impl Fn(&TableEntry) -> usize) -> [ArrayRef; 3] {
    let repeated = |value: fn(&TableEntry) -> &str| {
        let values = tables.iter().flat_map(|table| std::iter::repeat_n(value(table), rows(table)));
        Arc::new(values.map(Some).collect::<StringArray>()) as ArrayRef
    };
    [repeated(|_| CATALOG), repeated(|table| table.name.database()), repeated(|table| table.name.table())]
}

fn texts(values: Vec<String>) -> ArrayRef {
    Arc::new(StringArray::from(values))
}

fn constant(value: &str, rows: usize) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(std::iter::repeat_n(value, rows)))
}

fn schema(table: SystemTable) -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let of_table = ["table_catalog", "table_schema", "table_name"].map(text);
    let fields = match table {
        SystemTable::Schemata => ["catalog_name", "schema_name"].map(text).to_vec(),
        SystemTable::Tables => [of_table.as_slice(), &[text("table_type")]].concat(),
        SystemTable::Columns => [
            of_table.as_slice(),
            &[
                text("column_name"),
                Field::new("ordinal_position", DataType::Int32, true),
                text("is_nullable"),
                text("data_type"),
                text("remarks"),
            ],
        ]
        .concat(),
        SystemTable::Views => [of_table.as_slice(), &[text("view_definition")]].concat(),
        SystemTable::Routines => ["routine_name", "routine_type"].map(text).to_vec(),
    };
    Arc::new(Schema::new(fields))
}

fn conjuncts(filter: &Expr) -> Vec<&Expr> {
    split_binary(filter, Operator::And)
}

/// The values that a condition leaves to a column: `column = 'a'`, or `column in ('a', 'b')`.
fn names_asked(filter: &Expr, column: &str) -> Option<Vec<String>> {
    let is_column = |expr: &Expr| matches!(expr, Expr::Column(found) if found.name == column);
    let text = |expr: &Expr| match expr {
        Expr::Literal(value, _) => value.try_as_str().flatten().map(str::to_owned),
        _ => None,
    };
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) if is_column(left) => {
            Some(vec![text(right)?])
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) if is_column(right) => {
            Some(vec![text(left)?])
        }
        Expr::InList(list) if is_column(&list.expr) && !list.negated => list.list.iter().map(text).collect(),
        _ => None,
    }
}

impl fmt::Debug for InformationTable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "InformationTable({:?})", self.table)
    }
}

#[async_trait]
impl TableProvider for InformationTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let rows = RecordBatch::try_new(Arc::clone(&self.schema), self.columns(filters).await?)?;
        let plan = MemorySourceConfig::try_new_exec(&[vec![rows]], self.schema(), projection.cloned())?;
        Ok(plan)
    }
}
