//! What the maker of a query knows: the visible columns with values to compare them with, and the names of the others.
//!
//! The values are those of visible rows, so that conditions hold for some of them, and of rows that are not, so that a
//! condition would find a leaked row.

use rand::RngExt;
use rand::rngs::StdRng;

use crate::oracle::arrays::date_text;
use crate::oracle::cell::{Cell, Kind, Row};
use crate::oracle::spelling::quoted;
use crate::oracle::table::Table;

/// See the file's head.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(super) columns: Vec<KnownColumn>,
    pub(super) hidden: Vec<String>,
}

/// A visible column.
#[derive(Clone, Debug)]
pub(crate) struct KnownColumn {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) is_remark: bool,
    /// Values of visible rows, without NULL.
    shown: Vec<Cell>,
    /// Values of other rows, without NULL.
    unseen: Vec<Cell>,
}

impl Known {
    pub(crate) fn of(table: &Table) -> Self {
        let (seen, unseen) = (table.seen_rows(), table.unseen_rows());
        let shown: Vec<&Row> = seen.iter().collect();
        let columns = table.policy.visible.iter().map(|position| {
            let values = |rows: &[&Row]| -> Vec<Cell> {
                let cells = rows.iter().map(|row| &row[*position]);
                cells.filter(|cell| **cell != Cell::Null).cloned().collect()
            };
            let column = &table.columns[*position];
            KnownColumn {
                name: column.name.clone(),
                kind: column.kind,
                is_remark: column.is_remark(),
                shown: values(&shown),
                unseen: values(&unseen),
            }
        });
        Self { columns: columns.collect(), hidden: table.hidden_names() }
    }
}

impl KnownColumn {
    /// Whether all visible values are texts of digits.
    pub(super) fn is_of_digits(&self) -> bool {
        let is_number = |cell: &Cell| matches!(cell, Cell::Text(text) if text.parse::<u32>().is_ok());
        !self.shown.is_empty() && self.shown.iter().all(is_number)
    }

    /// Whether no visible value is a number.
    pub(super) fn has_no(&self, number: i64) -> bool {
        !self.shown.contains(&Cell::Whole(number))
    }

    /// A value to compare the column with, as SQL writes it.
    pub(super) fn literal(&self, random: &mut StdRng) -> String {
        literal_of(&self.sample(random))
    }

    /// A value of the column, or one of its kind if the column has none.
    pub(super) fn sample(&self, random: &mut StdRng) -> Cell {
        let values = match random.random_bool(0.8) {
            true => [&self.shown, &self.unseen],
            false => [&self.unseen, &self.shown],
        };
        let values = values.into_iter().find(|values| !values.is_empty());
        values.map_or_else(|| self.any(), |values| values[random.random_range(0..values.len())].clone())
    }

    fn any(&self) -> Cell {
        match self.kind {
            Kind::Long | Kind::Integer => Cell::Whole(3),
            Kind::Text => Cell::Text("b".to_owned()),
            Kind::Boolean => Cell::Boolean(true),
            Kind::Double => Cell::Double(0.5),
            Kind::Decimal => Cell::Decimal(150),
            Kind::Date => Cell::Date(19_730),
            Kind::Record => Cell::Record(vec![Cell::Whole(3), Cell::Null]),
        }
    }
}

/// A value as SQL writes it. Of a decimal the type is said: what a plain one means beside a decimal differs between engines.
pub(super) fn literal_of(cell: &Cell) -> String {
    match cell {
        Cell::Null => "null".to_owned(),
        Cell::Whole(value) => value.to_string(),
        Cell::Text(text) => quoted(text),
        Cell::Boolean(value) => value.to_string(),
        Cell::Double(value) => format!("{value:?}"),
        Cell::Decimal(hundredths) => {
            let sign = if *hundredths < 0 { "-" } else { "" };
            let magnitude = hundredths.unsigned_abs();
            format!("cast('{sign}{}.{:02}' as decimal(12,2))", magnitude / 100, magnitude % 100)
        }
        Cell::Date(days) => format!("date '{}'", date_text(*days)),
        Cell::Record(fields) => literal_of(&fields[0]),
    }
}
