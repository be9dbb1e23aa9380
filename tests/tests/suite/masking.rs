//! Two data cells filters of one user that show different columns in different rows.

use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::DataType;
use serde_json::{Value, json};
use std::sync::Arc;
use tonic::Code;

use crate::delta::TableFiles;
use crate::delta::grants::{Columns, Rows as Granted, Shown};
use crate::delta::lake::{DATABASE, Lake};
use crate::delta::writer::{TableWriter, batch, field, longs, metadata, plain_protocol, strings, structure};
use crate::support::{answer, refusal, rows, run};

const USER: &str = "eu_analyst";

/// Four rows, of which no column may be NULL. The last is of a country that nobody is granted.
fn staff() -> TableFiles {
    let required = |name: &str, data_type: Value| json!({"name": name, "type": data_type, "nullable": false, "metadata": {}});
    let grade = structure(&[required("step", json!("long"))]);
    let fields = [
        required("id", json!("long")),
        required("country", json!("string")),
        required("salary", json!("long")),
        required("grade", grade),
    ];
    let mut table = TableWriter::new(&[plain_protocol(), metadata(&fields, &[], json!({}))]);
    let steps: ArrayRef = Arc::new(Int64Array::from(vec![5, 6, 7, 8]));
    let step = arrow::datatypes::Field::new("step", DataType::Int64, true);
    let grade = arrow::array::StructArray::new(vec![step].into(), vec![steps], None);
    let action = table.data(
        "part-0.parquet",
        &batch(&[
            ("id", longs(&[1, 2, 3, 4])),
            ("country", strings(&["FR", "FR", "DE", "US"])),
            ("salary", longs(&[100, 200, 300, 0])),
            ("grade", Arc::new(grade)),
        ]),
    );
    table.commit(&[action]);
    table.finish()
}

fn part(filter: &str, columns: &[&str]) -> Shown {
    let columns = Columns::Only(columns.iter().map(|name| (*name).to_owned()).collect());
    Shown { rows: Granted::Where(filter.to_owned()), columns }
}

/// Of France all columns but the country, of Germany no salary and no grade.
async fn bring(lake: &Lake, name: &str) {
    lake.add(name, &staff()).await;
    lake.grant(USER, name, part("country = 'FR'", &["id", "salary", "grade"])).await;
    lake.grant_also(USER, name, part("country = 'FR' or country = 'DE'", &["id"])).await;
}

#[test]
fn filters_that_differ_from_column_to_column_refuse_the_table_unless_the_operator_decided() {
    run(async {
        let lake = Lake::start(&[]).await;
        bring(&lake, "refused").await;
        let (code, text) =
            refusal(&lake.login(USER).await, &format!("select id from {DATABASE}.refused")).await;
        assert_eq!(code, Code::Unimplemented);
        assert_eq!(
            text,
            "this table has a Lake Formation policy that this server cannot enforce: brought.refused"
        );
        assert!(lake.reason("refused").contains("access.cell_masking"), "{}", lake.reason("refused"));
    });
}

#[test]
fn every_expression_sees_null_in_the_place_of_a_hidden_cell() {
    run(async {
        let lake = Lake::shared().await;
        bring(&lake, "masked").await;
        lake.assert_answers(
            USER,
            "masked",
            &[
                ("select * from {}", &["1 | 100 | {step: 5}", "2 | 200 | {step: 6}", "3 | NULL | NULL"]),
                ("select count(*), count(salary), count(grade), max(salary) from {}", &["3 | 2 | 2 | 200"]),
                ("select id from {} where salary >= 100", &["1", "2"]),
                ("select id from {} where salary = 300 or salary = 0", &[]),
                ("select id from {} where salary is null", &["3"]),
                ("select id from {} where salary is not null", &["1", "2"]),
                ("select id from {} where not (salary = 100)", &["2"]),
                ("select id from {} where grade['step'] > 5", &["2"]),
                ("select id from {} order by salary desc nulls first limit 1", &["3"]),
                ("select salary, count(*) from {} group by salary", &["100 | 1", "200 | 1", "NULL | 1"]),
                ("select a.id from {} a join {} b on a.salary = b.salary", &["1", "2"]),
                ("select id from {} where salary in (select salary + 100 from {})", &["2"]),
                ("select sum(salary) over (), id from {} where id > 1", &["200 | 2", "200 | 3"]),
                ("select 1000 / (salary - 300) from {}", &["-10", "-5", "NULL"]),
                ("select coalesce(salary, -1) from {}", &["-1", "100", "200"]),
            ],
        )
        .await;
        let (code, _) =
            refusal(&lake.login(USER).await, &format!("select country from {DATABASE}.masked")).await;
        assert_eq!(code, Code::InvalidArgument, "the filters' column stays hidden");
    });
}

#[test]
fn a_column_with_hidden_cells_is_nullable_and_a_whole_one_is_as_the_log_says() {
    run(async {
        let lake = Lake::shared().await;
        bring(&lake, "nullable").await;
        let batches =
            rows(&lake.login(USER).await, &format!("select * from {DATABASE}.nullable")).await.unwrap();
        let nullable = |name: &str| batches[0].schema().field_with_name(name).unwrap().is_nullable();
        assert!(nullable("salary") && nullable("grade"));
        let everything =
            rows(&lake.login("analyst").await, &format!("select * from {DATABASE}.nullable")).await;
        let everything = everything.unwrap();
        assert!(!everything[0].schema().field_with_name("salary").unwrap().is_nullable());
    });
}

#[test]
fn a_grant_on_columns_beside_a_filter_shows_all_rows_with_hidden_cells() {
    run(async {
        let lake = Lake::shared().await;
        lake.add("beside", &staff()).await;
        lake.grant(USER, "beside", part("country = 'FR'", &["id", "salary"])).await;
        let columns = Columns::Only(vec!["id".to_owned()]);
        lake.grant_also(USER, "beside", Shown { rows: Granted::All, columns }).await;
        lake.assert_answers(
            USER,
            "beside",
            &[
                ("select * from {}", &["1 | 100", "2 | 200", "3 | NULL", "4 | NULL"]),
                ("select count(*) from {}", &["4"]),
                ("select min(salary), max(salary), count(salary) from {}", &["100 | 200 | 2"]),
                ("select id from {} where salary < 100", &[]),
                ("select id from {} limit 10", &["1", "2", "3", "4"]),
            ],
        )
        .await;
    });
}

/// Two filters without a column in common.
#[test]
fn a_row_with_one_visible_cell_is_shown_and_one_with_none_is_not() {
    run(async {
        let lake = Lake::shared().await;
        lake.add("apart", &staff()).await;
        lake.grant(USER, "apart", part("country = 'FR'", &["id"])).await;
        lake.grant_also(USER, "apart", part("salary >= 200", &["salary"])).await;
        let expected = ["1 | NULL", "2 | 200", "NULL | 300"];
        lake.assert_answers(
            USER,
            "apart",
            &[("select * from {}", &expected), ("select count(*) from {}", &["3"])],
        )
        .await;
    });
}

/// A file that the log names and nobody wrote is the witness: whoever leaves it out by its bounds needs not read it.
#[test]
fn a_predicate_on_a_column_with_hidden_cells_leaves_out_no_file() {
    run(async {
        let lake = Lake::shared().await;
        let fields = [field("id", "long"), field("salary", "long")];
        let mut table = TableWriter::new(&[plain_protocol(), metadata(&fields, &[], json!({}))]);
        let here = batch(&[("id", longs(&[1, 2])), ("salary", longs(&[10, 20]))]);
        let mut here = table.data("here.parquet", &here);
        let bounds = |least: [i64; 2], most: [i64; 2]| {
            let of = |values: [i64; 2]| json!({"id": values[0], "salary": values[1]});
            let nulls = json!({"id": 0, "salary": 0});
            let statistics =
                json!({"numRecords": 2, "minValues": of(least), "maxValues": of(most), "nullCount": nulls});
            json!(statistics.to_string())
        };
        here["add"]["stats"] = bounds([1, 10], [2, 20]);
        let mut absent = here.clone();
        absent["add"]["path"] = json!("absent.parquet");
        absent["add"]["stats"] = bounds([1000, 1000], [2000, 2000]);
        table.commit(&[here, absent]);
        lake.add("witness", &table.finish()).await;
        lake.grant(USER, "witness", part("id <> 2", &["id", "salary"])).await;
        lake.grant_also(USER, "witness", part("id > 0", &["id"])).await;
        let asked = async |condition: &str| {
            lake.try_rows(USER, "witness", &format!("select id, salary from {{}} where {condition}")).await
        };
        assert_eq!(asked("id < 100").await.unwrap().texts(), ["1 | 10", "2 | NULL"]);
        assert!(asked("salary < 100").await.is_err(), "the file was left out by its bounds of hidden cells");
        assert!(asked("salary is null and id > 0 or salary < 100").await.is_err());
        assert_eq!(asked("id < 100 and salary < 100").await.unwrap().texts(), ["1 | 10"]);
        let connection = lake.login(USER).await;
        let sql = format!("explain select id from {DATABASE}.witness where id < 100 and salary < 100");
        let plan = answer(&connection, &sql).await;
        assert!(
            plan.contains("partial_filters=[witness.id < Int64(100)]") || plan.contains("id < Int64(100)]"),
            "{plan}"
        );
        assert!(!plan.contains("filters=[brought.witness.salary"), "{plan}");
    });
}
