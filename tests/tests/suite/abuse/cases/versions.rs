//! A table with a large log, each of whose versions can be asked for: a version is a list of files that somebody keeps.

use serde_json::{Value as Json, json};

use super::Answer::{Either, Value};
use super::Who::{NoGrant, Writer};
use super::{Case, Sent};
use crate::delta::grants::{Columns, Rows, Shown};
use crate::delta::lake::Lake;
use crate::delta::writer::{TableWriter, batch, field, longs, metadata, plain_protocol};

const NAME: &str = "versions";

/// Files of the first version, and versions after it. Each has one file more.
const FILES: usize = 6_000;
const VERSIONS: usize = 60;

/// Calls at a time.
const AT_ONCE: usize = 16;

/// Brings the table. Its files but one are not there: whoever describes a statement reads none.
pub(in super::super) async fn bring(lake: &Lake) {
    let mut table = TableWriter::new(&[plain_protocol(), metadata(&[field("id", "long")], &[], json!({}))]);
    let one = table.data("part-0.parquet", &batch(&[("id", longs(&[1]))]));
    let add = |number: usize| -> Json {
        let mut add = one.clone();
        add["add"]["path"] =
            json!(format!("part-that-has-a-rather-long-name-as-writers-give-them-{number:09}.parquet"));
        let bounds = json!({"id": number});
        let statistics =
            json!({"numRecords": 1, "minValues": bounds, "maxValues": bounds, "nullCount": {"id": 0}});
        add["add"]["stats"] = json!(statistics.to_string());
        add
    };
    let first: Vec<Json> = (0..FILES).map(add).collect();
    table.commit(&first);
    for version in 0..VERSIONS {
        table.commit(&[add(FILES + version)]);
    }
    lake.add(NAME, &table.finish()).await;
    let shown = Shown { rows: Rows::Where("id > 3".to_owned()), columns: Columns::All };
    lake.grant("eu_analyst", NAME, shown).await;
}

pub(in super::super) fn cases() -> Vec<Case> {
    let of_versions = |suffix: &str| -> Vec<String> {
        (1..=VERSIONS)
            .map(|version| format!("select * from brought.{NAME} version as of {version}{suffix}"))
            .collect()
    };
    let described = |name: &str, who, texts, answer| Case {
        name: name.to_owned(),
        who,
        sent: Sent::Described { texts, at_once: AT_ONCE },
        answer,
    };
    let newest = vec![format!("select * from brought.{NAME}"); 40];
    let united = (1..=12).map(|version| format!("select * from brought.{NAME} version as of {version}"));
    let united = united.collect::<Vec<_>>().join(" union all ");
    vec![
        described("the newest version, again and again", Writer, newest, Value("described")),
        described("all versions", Writer, of_versions(""), Either),
        described("all versions once more", Writer, of_versions(" where id > 7"), Either),
        described(
            "all versions of a table that is not granted",
            NoGrant,
            of_versions(""),
            super::Answer::Refused,
        ),
        described("twelve versions in one statement", Writer, vec![united; 8], Either),
        Case {
            name: "all versions, prepared".to_owned(),
            who: Writer,
            sent: Sent::Prepared { texts: of_versions(" where id > 9"), at_once: AT_ONCE },
            answer: Either,
        },
        Case {
            name: "all versions, of which nothing is read".to_owned(),
            who: Writer,
            sent: Sent::Session { texts: of_versions(" where false"), at_once: AT_ONCE },
            answer: Either,
        },
    ]
}
