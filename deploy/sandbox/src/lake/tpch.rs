//! Database `sales`: the eight TPC-H tables, generated row for row as the benchmark defines them.
//!
//! A big table is cut into parts that are generated independently and become a file each, so that
//! pruning and parallel reads have something to work on even in a small lake. `customer` is
//! partitioned by market segment, the one column of the benchmark with a natural handful of values.
//!
//! The generator makes string views; Delta writers know plain strings only, so every batch is cast.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator, PartSuppGenerator,
    RegionGenerator, SupplierGenerator,
};
use tpchgen_arrow::{
    CustomerArrow, LineItemArrow, NationArrow, OrderArrow, PartArrow, PartSuppArrow, RecordBatchIterator,
    RegionArrow, SupplierArrow,
};

use super::account::SALES;
use super::{Part, Rows, SampleTable};

/// The tables at a scale factor, small ones first. Fills the generator's text pool, which takes about
/// a second of CPU time.
pub(super) fn tables(scale: f64) -> Vec<SampleTable> {
    vec![
        sample(REGION, 1, move |part, count| RegionArrow::new(RegionGenerator::new(scale, part, count))),
        sample(NATION, 1, move |part, count| NationArrow::new(NationGenerator::new(scale, part, count))),
        sample(SUPPLIER, files(scale, 0.1, 1), move |part, count| {
            SupplierArrow::new(SupplierGenerator::new(scale, part, count))
        }),
        sample(CUSTOMER, files(scale, 0.2, 1), move |part, count| {
            CustomerArrow::new(CustomerGenerator::new(scale, part, count))
        }),
        sample(PART, files(scale, 1.0, 2), move |part, count| {
            PartArrow::new(PartGenerator::new(scale, part, count))
        }),
        sample(PARTSUPP, files(scale, 2.0, 2), move |part, count| {
            PartSuppArrow::new(PartSuppGenerator::new(scale, part, count))
        }),
        sample(ORDERS, files(scale, 3.0, 2), move |part, count| {
            OrderArrow::new(OrderGenerator::new(scale, part, count))
        }),
        sample(LINEITEM, files(scale, 6.0, 2), move |part, count| {
            LineItemArrow::new(LineItemGenerator::new(scale, part, count))
        }),
    ]
}

struct Description {
    name: &'static str,
    comment: &'static str,
    column_comments: &'static [(&'static str, &'static str)],
    partition_columns: &'static [&'static str],
}

const REGION: Description = Description {
    name: "region",
    comment: "The five regions of the world",
    column_comments: &[("r_regionkey", "Primary key")],
    partition_columns: &[],
};

const NATION: Description = Description {
    name: "nation",
    comment: "Twenty-five nations, each in one region",
    column_comments: &[("n_nationkey", "Primary key"), ("n_regionkey", "Refers to region")],
    partition_columns: &[],
};

const SUPPLIER: Description = Description {
    name: "supplier",
    comment: "Companies that parts are bought from",
    column_comments: &[
        ("s_suppkey", "Primary key"),
        ("s_nationkey", "Refers to nation"),
        ("s_acctbal", "Account balance in US dollars"),
    ],
    partition_columns: &[],
};

const CUSTOMER: Description = Description {
    name: "customer",
    comment: "Companies that orders come from",
    column_comments: &[
        ("c_custkey", "Primary key"),
        ("c_nationkey", "Refers to nation"),
        ("c_acctbal", "Account balance in US dollars"),
        ("c_mktsegment", "Market segment; partition column"),
    ],
    partition_columns: &["c_mktsegment"],
};

const PART: Description = Description {
    name: "part",
    comment: "Parts that are traded",
    column_comments: &[("p_partkey", "Primary key"), ("p_retailprice", "List price in US dollars")],
    partition_columns: &[],
};

const PARTSUPP: Description = Description {
    name: "partsupp",
    comment: "Which supplier delivers which part, and at what cost",
    column_comments: &[
        ("ps_partkey", "Refers to part"),
        ("ps_suppkey", "Refers to supplier"),
        ("ps_supplycost", "Purchase price in US dollars"),
    ],
    partition_columns: &[],
};

const ORDERS: Description = Description {
    name: "orders",
    comment: "Orders of customers",
    column_comments: &[
        ("o_orderkey", "Primary key"),
        ("o_custkey", "Refers to customer"),
        ("o_totalprice", "Sum of the line items in US dollars"),
        ("o_orderpriority", "From 1-URGENT to 5-LOW"),
    ],
    partition_columns: &[],
};

const LINEITEM: Description = Description {
    name: "lineitem",
    comment: "The lines of orders",
    column_comments: &[
        ("l_orderkey", "Refers to orders"),
        ("l_linenumber", "Primary key together with l_orderkey"),
        ("l_extendedprice", "Price of the line in US dollars, before discount and tax"),
    ],
    partition_columns: &[],
};

/// Files of a table that has `at_scale_one` of them at scale factor 1: 15 to 30 MB each for the big ones.
fn files(scale: f64, at_scale_one: f64, least: i32) -> i32 {
    // A float to integer cast saturates, and `checked_scale_factor` keeps the product below 10,000.
    ((scale * at_scale_one).ceil() as i32).max(least)
}

fn sample<G>(
    description: Description,
    part_count: i32,
    generator: impl Fn(i32, i32) -> G + Copy + Send + 'static,
) -> SampleTable
where
    G: RecordBatchIterator + 'static,
{
    let schema = without_views(generator(1, part_count).schema());
    let parts = (1..=part_count)
        .map(|part| {
            let schema = Arc::clone(&schema);
            let rows = move |batch| plain_strings(&batch, &schema);
            Box::new(move || Box::new(generator(part, part_count).map(rows)) as Rows) as Part
        })
        .collect();
    SampleTable {
        database: SALES,
        name: description.name,
        comment: description.comment,
        column_comments: description.column_comments,
        partition_columns: description.partition_columns,
        schema,
        parts,
    }
}

fn without_views(schema: &SchemaRef) -> SchemaRef {
    let plain = |field: &Arc<Field>| match field.data_type() {
        DataType::Utf8View => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8)),
        _ => Arc::clone(field),
    };
    Arc::new(Schema::new(schema.fields().iter().map(plain).collect::<Vec<_>>()))
}

fn plain_strings(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns: Vec<ArrayRef> =
        columns.map(|(column, field)| cast(column, field.data_type())).collect::<Result<_, _>>()?;
    RecordBatch::try_new(Arc::clone(schema), columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn big_tables_have_several_files_at_every_scale() {
        let line_item_files = [0.001, 0.01, 0.1, 1.0, 10.0].map(|scale| files(scale, 6.0, 2));
        assert_eq!(line_item_files, [2, 2, 2, 6, 60]);
    }
}
